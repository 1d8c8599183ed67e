"""What a run decides at its end: what may be published, and whether the finished files hold it."""
