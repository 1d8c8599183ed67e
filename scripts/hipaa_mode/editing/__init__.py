"""Changing the configuration: seeds and destination models, as text that stays readable in git."""
