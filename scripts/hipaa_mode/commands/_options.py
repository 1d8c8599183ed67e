"""What options of several commands have in common."""

from __future__ import annotations

from typing import TypeVar

from hipaa_mode.configuration import ANY
from hipaa_mode.names import environment_name

Named = TypeVar("Named", str, list[str], str | None, list[str] | None)


def checked_environment(value: Named) -> Named:
    """Refuse the name of an environment that can't be one; for every option that takes one."""
    for name in value if isinstance(value, list) else [value] if value is not None else []:
        environment_name(name)
    return value


def checked_environment_or_blank(value: str) -> str:
    """As `checked_environment`, where a blank stands for the default target."""
    return value and checked_environment(value)


def checked_environment_or_any(value: Named) -> Named:
    """As `checked_environment`, where `*` stands for all."""
    return value if value == ANY else checked_environment(value)
