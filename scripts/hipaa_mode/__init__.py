"""HIPAA mode for a warehouse: allowlisted, pseudonymised destination views built with dbt.

What a parameter means wherever it is called so: `project` is the folder of the dbt project, `root`
the `published` folder, `configuration` the seeds as read, `plan` what they come to in an
`environment`, `models` the names of the destination views that there are (None: all that there can
be), `day` or `today` what expiry is measured against, `label` how messages name a file,
`workspace` the project with changes that are not written yet.
"""

__version__ = "0.1.0"

PACKAGE = "hipaa_mode"
"""Name of the dbt package, and of its own project."""
