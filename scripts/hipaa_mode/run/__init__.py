"""What a run must be before it may build, and what it may publish at its end."""
