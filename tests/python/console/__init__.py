"""Commands, typed as a user would."""
