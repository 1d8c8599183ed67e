"""HIPAA mode for a warehouse: allowlisted, pseudonymised destination views built with dbt."""

__version__ = "0.1.0"

PACKAGE = "hipaa_mode"
"""Name of the dbt package, and of its own project."""
