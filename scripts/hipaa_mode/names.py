"""Names that become folders: only those that are one folder's name, and can't lead elsewhere."""

from __future__ import annotations

import re

from hipaa_mode.errors import ConfigurationError

_ENVIRONMENT = re.compile(r"[A-Za-z0-9_-]+")
_DESTINATION = re.compile(r"[a-z][a-z0-9_]*")


def is_environment(name: object) -> bool:
    """Tell whether an environment may be called so."""
    return isinstance(name, str) and _ENVIRONMENT.fullmatch(name) is not None


def is_destination(name: object) -> bool:
    """Tell whether a destination may be called so."""
    return isinstance(name, str) and _DESTINATION.fullmatch(name) is not None


def environment_name(name: object) -> str:
    """Return the name of an environment as it came in, if it may be one.

    Raises:
        ConfigurationError: it may not: it is in paths and in what keys are derived from.
    """
    if not is_environment(name):
        raise ConfigurationError(
            f"{_shown(name)} can't be the name of an environment. Use letters, digits, `_` and "
            "`-` alone; an environment is a dbt target's name, or what hipaa_mode__environment, "
            "the plugin's `environment` or --environment says"
        )
    return str(name)


def destination_name(name: object) -> str:
    """Return the name of a destination as it came in, if it may be one.

    Raises:
        ConfigurationError: it may not.
    """
    if not is_destination(name):
        raise ConfigurationError(
            f"{_shown(name)} can't be the name of a destination. Start with a lower-case letter, "
            "then use lower-case letters, digits and `_`"
        )
    return str(name)


def _shown(name: object) -> str:
    text = str(name)[:60]
    return f"`{text}`" if text.isprintable() and text.strip() else repr(text)
