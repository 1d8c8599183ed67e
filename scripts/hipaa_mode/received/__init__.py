"""What leaves: what each destination receives, the lock that says it, and what differs from it."""
