"""The masking key: where it comes from, the subkeys made of it, and its fingerprint.

Key material stays inside the objects of this module: their `repr` shows none of it, and no
message quotes it.
"""

from __future__ import annotations

import hmac
import itertools
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hipaa_mode import files, locking
from hipaa_mode.errors import MaskingKeyError, NoKeyError

KEY_VARIABLE = "HIPAA_MODE_KEY"
KEY_FILE_VARIABLE = "HIPAA_MODE_KEY_FILE"
RETIRED_KEYS_VARIABLE = "HIPAA_MODE_RETIRED_KEYS"
DEFAULT_KEY_FILE = Path(".hipaa_mode/masking.key")
KEY_BYTES = 32

_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")
_KEY_NAME = re.compile(r"[0-9a-f]{32}")
_REMEDY = (
    f"Set {KEY_VARIABLE} to 64 hexadecimal digits, or {KEY_FILE_VARIABLE} to a file that holds "
    "them; `hipaa-mode keygen` makes one"
)


def hkdf_sha256(key_material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Derive a key of at most 8160 bytes with HKDF-SHA-256 (RFC 5869).

    An empty salt means a block of zeros, as RFC 5869 section 2.2 says.
    """
    return HKDF(hashes.SHA256(), length, salt or None, info).derive(key_material)


class _Uncopied:
    """What holds key material and can't be copied or pickled, which would write the key out."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or pickled, whatever the protocol."""
        raise TypeError("A masking key is not to be copied")


class Subkey(_Uncopied):
    """The HMAC key of one environment and scope: 64 hexadecimal digits."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the key itself. It is a secret: it lets anyone recompute the scope's tokens."""
        return self._text

    def __repr__(self) -> str:
        """Show that there is a key, and nothing of it."""
        return "Subkey(hidden)"


class MasterKey(_Uncopied):
    """The masking key of a project: 32 random bytes."""

    __slots__ = ("_bytes",)

    def __init__(self, key: bytes) -> None:
        self._bytes = key

    def __repr__(self) -> str:
        """Show that there is a key, and nothing of it."""
        return "MasterKey(hidden)"

    def subkey(self, environment: str, scope: str) -> Subkey:
        """Derive the HMAC key of an environment and scope (`*` or a destination).

        HKDF-SHA-256 of the master key, no salt, info `hipaa-mode/v1/<environment>/<scope>`.
        """
        return Subkey(self._derive(f"hipaa-mode/v1/{environment}/{scope}").hex())

    def fingerprint(self, environment: str) -> str:
        """Return 32 hexadecimal digits that name the key of an environment without telling it.

        Derived like a subkey, under an info no scope can have.
        """
        return self._derive(f"hipaa-mode/fingerprint/v1/{environment}")[:16].hex()

    @property
    def name(self) -> str:
        """Return 32 hexadecimal digits that name the key whatever the environment.

        A fingerprint for `*`, which no environment is called.
        """
        return self.fingerprint("*")

    def as_file(self) -> bytes:
        """Return what a key file holds. It is the secret itself."""
        return self._bytes.hex().encode() + b"\n"

    def _derive(self, info: str) -> bytes:
        return hkdf_sha256(self._bytes, b"", info.encode(), KEY_BYTES)


def generate_key() -> str:
    """Make a new master key from the system's random source, as 64 hexadecimal digits."""
    return secrets.token_hex(KEY_BYTES)


def write_key_file(path: Path, key: str) -> None:
    """Write a key to a new file that only its owner can read.

    Raises:
        MaskingKeyError: the file exists: overwriting a key makes its tokens unreachable.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        problem = f"{path} can't be written: {error.strerror}"
        if isinstance(error, FileExistsError) and path.exists():
            problem = (
                f"{path} exists already and was left as it is. "
                "Its tokens could not be made again without it: choose another file"
            )
        raise MaskingKeyError(problem) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())


def load_master_key(environ: Mapping[str, str], default_file: Path | None = None) -> MasterKey:
    """Load the masking key from the variable or the key file; the default file if none is named.

    Raises:
        MaskingKeyError: no key, or not a usable one.
    """
    text = environ.get(KEY_VARIABLE, "")
    file_name = environ.get(KEY_FILE_VARIABLE, "")
    if text and file_name:
        raise MaskingKeyError(
            f"Both {KEY_VARIABLE} and {KEY_FILE_VARIABLE} are set. Keep one of them, so that "
            "it is certain which key makes the tokens"
        )
    if text:
        return _parse_key(text, f"the key in {KEY_VARIABLE}")
    if _HEX_KEY.fullmatch(file_name.strip()):
        raise MaskingKeyError(
            f"{KEY_FILE_VARIABLE} holds what looks like a key and not the name of a file. "
            f"Use {KEY_VARIABLE} for the key itself"
        )
    return _read_key(Path(file_name or default_file or DEFAULT_KEY_FILE))


@dataclass(frozen=True)
class RetiredKey:
    """A key that made tokens earlier. It is read with, and makes no new token.

    Its file is None where it is in the environment.
    """

    key: MasterKey
    file: Path | None


@dataclass(frozen=True)
class Rotation:
    """What a rotation came to: the names of the keys, and where they are."""

    old: str
    new: str
    key_file: Path
    retired_file: Path


def key_file(environ: Mapping[str, str], default_file: Path | None = None) -> Path | None:
    """Return the file that the masking key is read from; None where a variable holds it."""
    if environ.get(KEY_VARIABLE, ""):
        return None
    return Path(environ.get(KEY_FILE_VARIABLE, "") or default_file or DEFAULT_KEY_FILE)


def retired_folder(path: Path) -> Path:
    """Return the folder beside a key file that has the keys it held before."""
    return path.with_name(f"{path.name}.retired")


def load_retired_keys(
    environ: Mapping[str, str], default_file: Path | None = None
) -> list[RetiredKey]:
    """Load the keys that were active earlier; the active key is not among them.

    They are in the folder beside the key file, and in the variable `HIPAA_MODE_RETIRED_KEYS`.

    Raises:
        MaskingKeyError: one of them is not a usable key, or can be read by others.
    """
    active = load_master_key(environ, default_file).name
    path = key_file(environ, default_file)
    kept = retired_folder(path) if path is not None else None
    found = [
        RetiredKey(_read_key(file), file)
        for file in (sorted(kept.iterdir()) if kept is not None and kept.is_dir() else ())
        if _KEY_NAME.fullmatch(file.name)
    ]
    found += [
        RetiredKey(_parse_key(text, f"key {number} in {RETIRED_KEYS_VARIABLE}"), None)
        for number, text in enumerate(
            re.split(r"[\s,]+", environ.get(RETIRED_KEYS_VARIABLE, "")), 1
        )
        if text
    ]
    by_name = {retired.key.name: retired for retired in reversed(found)}
    by_name.pop(active, None)
    return list(by_name.values())


def named_key(environ: Mapping[str, str], text: str) -> RetiredKey:
    """Return the one retired key whose name begins with a text.

    Raises:
        MaskingKeyError: none does, or several do, or it is the active one.
    """
    if load_master_key(environ).name.startswith(text):
        raise MaskingKeyError("That is how the active key begins. Rotate it first")
    found = [item for item in load_retired_keys(environ) if item.key.name.startswith(text)]
    if len(found) != 1:
        raise MaskingKeyError(
            f"{len(found)} retired keys begin like that. `hipaa-mode key list` shows them"
        )
    return found[0]


def rotate_key(environ: Mapping[str, str], default_file: Path | None = None) -> Rotation:
    """Put a new key into the key file, and keep the old one in the folder beside it.

    A crash leaves the old key active, or the new one with the old one kept: the old key is on the
    disk before the new one takes its place in one step.

    Raises:
        MaskingKeyError: the key is in a variable, which no program can change for its parent; or
            a file can't be written, and the old key is still active.
    """
    old = load_master_key(environ, default_file)
    path = key_file(environ, default_file)
    if path is None:
        raise MaskingKeyError(
            f"The key is in {KEY_VARIABLE}, so it can't be rotated from here. Make a new one with "
            f"`hipaa-mode keygen --file`, put it into {KEY_VARIABLE} where that is set, and add "
            f"the old one to {RETIRED_KEYS_VARIABLE}"
        )
    folder = retired_folder(path)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        with locking.alone_in(folder):
            # Another rotation may have come first.
            old = load_master_key(environ, default_file)
            kept = folder / old.name
            files.replace(kept, old.as_file(), 0o600)
            new = MasterKey(secrets.token_bytes(KEY_BYTES))
            # A link stays a link: what it leads to is replaced.
            files.replace(path.resolve(), new.as_file(), 0o600)
    except OSError as error:
        raise MaskingKeyError(
            f"The key was not rotated, and the old one is still active: {error.filename} can't be "
            f"written ({error.strerror})"
        ) from None
    return Rotation(old.name, new.name, path, kept)


def forget_key(retired: RetiredKey) -> None:
    """Remove a retired key's file for good.

    Raises:
        MaskingKeyError: the key is in the variable, or its file can't be removed.
    """
    if retired.file is None:
        raise MaskingKeyError(f"The key is in {RETIRED_KEYS_VARIABLE}: take it out there")
    try:
        retired.file.unlink()
        files.sync(retired.file.parent)
    except OSError as error:
        raise MaskingKeyError(f"{retired.file} can't be removed: {error.strerror}") from None


def _read_key(path: Path) -> MasterKey:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise NoKeyError(f"There is no masking key: {path} does not exist", _REMEDY) from None
    except (OSError, UnicodeDecodeError):
        raise NoKeyError(f"The masking key file {path} can't be read", _REMEDY) from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise MaskingKeyError(
            f"The masking key file {path} can be read by others. Run: chmod 600 {path}"
        )
    return _parse_key(text, f"the key in {path}")


def _parse_key(text: str, source: str) -> MasterKey:
    text = text.strip()
    source = source[0].upper() + source[1:]
    if not _HEX_KEY.fullmatch(text):
        problem = "it must be exactly 64 hexadecimal digits (32 random bytes)"
        raise NoKeyError(f"{source} is not a masking key: {problem}", _REMEDY)
    key = bytes.fromhex(text)
    if _is_predictable(text.lower(), key):
        raise NoKeyError(f"{source} is not random: it repeats itself", _REMEDY)
    return MasterKey(key)


def _is_predictable(text: str, key: bytes) -> bool:
    """Tell whether a key is a repetition of some of its digits, or a plain count."""
    lengths = range(1, KEY_BYTES + 1)
    repeats = any(hmac.compare_digest(text[n:], text[:-n]) for n in lengths)
    steps = {(after - before) % 256 for before, after in itertools.pairwise(key)}
    return repeats or len(steps) == 1
