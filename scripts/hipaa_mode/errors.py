"""What can go wrong, one class a cause, and the exit code a script sees for each."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the `hipaa-mode` command."""

    SUCCESS = 0
    FAILED_CHECK = 1
    BAD_CONFIGURATION = 2
    MISSING_FILE = 3
    BAD_KEY = 4


class HipaaModeError(Exception):
    """Base of every error this package raises. The text never holds a value from a call."""

    exit_code = ExitCode.FAILED_CHECK


class ConfigurationError(HipaaModeError):
    """The seeds do not describe a configuration that may run."""

    exit_code = ExitCode.BAD_CONFIGURATION


class MaskingKeyError(HipaaModeError):
    """There is no usable masking key. The text names the source of the key, never the key."""

    exit_code = ExitCode.BAD_KEY


class RawCallsError(HipaaModeError):
    """The raw calls can't be found or read."""

    exit_code = ExitCode.MISSING_FILE


class MissingFileError(HipaaModeError):
    """A file that the command needs is not there."""

    exit_code = ExitCode.MISSING_FILE


class LockedError(HipaaModeError):
    """Another process has what this one needs. The text says which, and what to do."""


class PublishingError(HipaaModeError):
    """A destination's files could not be put in place; the last good ones stay."""
