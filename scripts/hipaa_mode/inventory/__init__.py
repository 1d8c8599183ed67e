"""What arrives: every property path of the raw calls, and what it looks like; never a value."""
