"""What a destination would get: of single calls, and after a change of the seeds."""
