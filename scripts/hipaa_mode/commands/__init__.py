"""The commands of `hipaa-mode`, a module each."""
