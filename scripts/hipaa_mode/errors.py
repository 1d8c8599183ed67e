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


class NoKeyError(MaskingKeyError):
    """No usable key was found where one is looked for; what to do depends on what is stored.

    Attributes:
        problem: what is wrong, without what to do.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        """Say what is wrong, and what to do where no token was made yet."""
        self.problem = problem
        super().__init__(f"{problem}. {remedy}")

    def where_tokens_are_stored(self, environment: str, fingerprint: str) -> str:
        """Say what to do where tokens are stored: they need their own key, and no new one."""
        return (
            f"{self.problem}. The stored tokens of environment `{environment}` were made with the "
            f"key of fingerprint {fingerprint}: restore that one from your backup. With another "
            "key every token would be another"
        )


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
