"""How executors of Spark make tokens, and where they have the subkeys from.

Either the function brings the subkeys of the run's scopes, or it brings none, and each executor
makes them of the masking key, which it reads from a file of its own machine.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hipaa_mode.errors import MaskingKeyError, NoKeyError
from hipaa_mode.keys import (
    KEY_FILE_VARIABLE,
    MasterKey,
    Subkey,
    load_master_key,
    load_retired_keys,
)
from hipaa_mode.masking import make_tokens, random_codes

FILE_VARIABLE = "HIPAA_MODE_EXECUTOR_KEY_FILE"
"""Names the file that executors read the masking key from; without it the function has subkeys."""

_MARK = "hipaa_mode key file of an executor: "
_WHY = {
    "missing": "there is none. Put it there on every executor",
    "unreadable": "it can't be read, or holds no key. Let the user that executors run as read it",
    "open": "others can read it. Run there: chmod 600",
    "other key": "its key is not the one of this run. Put the run's key there, and nothing older",
    "no retired key": (
        "the folder beside it lacks a key of before a rotation, which the bridge of tokens needs. "
        "Copy the folder `….retired` of the run's key file there, or set "
        "hipaa_mode__token_bridge: false"
    ),
}
_FAULT = re.compile(_MARK + f"({'|'.join(_WHY)})")


@dataclass(frozen=True)
class KeyFile:
    """The key file of executors, and which key it has to hold; nothing in it is secret.

    Attributes:
        path: the file, the same on each.
        environment: the environment whose subkeys are made.
        fingerprint: of the key of the run.
    """

    path: str
    environment: str
    fingerprint: str

    def subkey(self, name: str) -> Subkey:
        """Return a subkey: of a scope, or of one under a retired key with its fingerprint first.

        Raises:
            MaskingKeyError: the file does not have its key; the message quotes nothing of it.
        """
        return _subkey_in_file(self, name)


@functools.cache
def _subkey_in_file(file: KeyFile, name: str) -> Subkey:
    """Read a subkey, once in a process: another key has another fingerprint."""
    fingerprint, _, scope = name.rpartition(" ")
    key = _key_in_file(file, fingerprint)
    return key.subkey(file.environment, scope)


def _key_in_file(file: KeyFile, retired: str) -> MasterKey:
    """Read the key of the run, or a retired one by its fingerprint."""
    environ = {KEY_FILE_VARIABLE: file.path}
    if not os.path.exists(file.path):
        raise MaskingKeyError(_MARK + "missing")
    try:
        found = [load_master_key(environ)]
        if retired:
            found += [kept.key for kept in load_retired_keys(environ)]
    except NoKeyError:
        raise MaskingKeyError(_MARK + "unreadable") from None
    except MaskingKeyError:
        raise MaskingKeyError(_MARK + "open") from None
    if found[0].fingerprint(file.environment) != file.fingerprint:
        raise MaskingKeyError(_MARK + "other key")
    wanted = retired or file.fingerprint
    for key in found:
        if key.fingerprint(file.environment) == wanted:
            return key
    raise MaskingKeyError(_MARK + "no retired key")


def key_file(environ: Mapping[str, str], environment: str, fingerprint: str) -> KeyFile | None:
    """Return the key file of executors; None where none is named."""
    named = environ.get(FILE_VARIABLE, "")
    return KeyFile(named, environment, fingerprint) if named else None


def setting_faults(environ: Mapping[str, str]) -> Iterator[str]:
    """Say what is wrong with the setting; a key in it is not quoted."""
    named = environ.get(FILE_VARIABLE, "")
    if named and not os.path.isabs(named):
        yield (
            f"{FILE_VARIABLE} is no path that begins with `/`. Name the file of the masking key "
            "as executors see it, never the key itself"
        )


def fault_of(text: str) -> str:
    """Say what an executor found wrong with its key file, if that is what an error says.

    Nothing of the error's text is repeated: it may quote values.
    """
    found = _FAULT.search(text)
    return (
        f"the key file that {FILE_VARIABLE} names on an executor: {_WHY[found[1]]}"
        if found
        else ""
    )


def masking(subkeys: Mapping[str, str], file: KeyFile | None) -> Any:
    """Return the function that makes tokens.

    Args:
        subkeys: of all scopes; the function has them in it where there is no file.
        file: what executors read them from.
    """
    if file is None:
        return _arrow_function(_given(dict(subkeys)))
    return _arrow_function(_read(file, frozenset(subkeys)))


def _given(subkeys: Mapping[str, str]) -> Callable[[str], Subkey]:
    return lambda name: Subkey(subkeys[name])


def _read(file: KeyFile, names: Collection[str]) -> Callable[[str], Subkey]:
    """Return what reads subkeys of the run's scopes. No other is made: a statement could ask."""

    def subkey_of(name: str) -> Subkey:
        if name not in names:
            raise KeyError(name)
        return file.subkey(name)

    return subkey_of


def _arrow_function(subkey_of: Callable[[str], Subkey]) -> Any:
    arrow_udf = importlib.import_module("pyspark.sql.functions").arrow_udf

    def hipaa_mask(values: Any, scopes: Any) -> Any:
        import pyarrow as arrow

        return make_tokens(values, scopes, subkey_of).cast(arrow.string())

    hipaa_mask.__annotations__ = {}
    return arrow_udf(hipaa_mask, "string")


def coding() -> Any:
    """Return the function that makes random codes."""
    arrow_udf = importlib.import_module("pyspark.sql.functions").arrow_udf

    def hipaa_mode_random_code(values: Any) -> Any:
        return random_codes(values)

    hipaa_mode_random_code.__annotations__ = {}
    return arrow_udf(hipaa_mode_random_code, "string").asNondeterministic()
