"""HIPAA mode for a warehouse: allowlisted, pseudonymised destination views built with dbt."""

__version__ = "0.1.0"
