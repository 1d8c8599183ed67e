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
from pathlib import Path
from typing import NoReturn

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hipaa_mode.errors import MaskingKeyError

KEY_VARIABLE = "HIPAA_MODE_KEY"
KEY_FILE_VARIABLE = "HIPAA_MODE_KEY_FILE"
DEFAULT_KEY_FILE = Path(".hipaa_mode/masking.key")
KEY_BYTES = 32

_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")
_REMEDY = (
    f"Set {KEY_VARIABLE} to 64 hexadecimal digits, or {KEY_FILE_VARIABLE} to a file that holds "
    "them; `hipaa-mode keygen` makes one"
)


def hkdf_sha256(key_material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Derive a key with HKDF-SHA-256 (RFC 5869).

    Args:
        key_material: the input keying material.
        salt: the salt; empty means a block of zeros, as RFC 5869 section 2.2 says.
        info: what the derived key is for.
        length: bytes to derive, at most 8160.
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
    except FileExistsError as error:
        if not path.exists():
            raise MaskingKeyError(f"{path} can't be written: {error.strerror}") from None
        raise MaskingKeyError(
            f"{path} exists already and was left as it is. "
            "Its tokens could not be made again without it: choose another file"
        ) from None
    except OSError as error:
        raise MaskingKeyError(f"{path} can't be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())


def load_master_key(environ: Mapping[str, str], default_file: Path | None = None) -> MasterKey:
    """Load the masking key from the environment variable or the key file.

    Args:
        environ: the process environment.
        default_file: file to read when neither variable is set.

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
    path = Path(file_name) if file_name else (default_file or DEFAULT_KEY_FILE)
    return _parse_key(_read_key_file(path), f"the key in {path}")


def _read_key_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise MaskingKeyError(
            f"There is no masking key: {path} does not exist. {_REMEDY}"
        ) from None
    except (OSError, UnicodeDecodeError):
        raise MaskingKeyError(f"The masking key file {path} can't be read. {_REMEDY}") from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise MaskingKeyError(
            f"The masking key file {path} can be read by others. Run: chmod 600 {path}"
        )
    return text


def _parse_key(text: str, source: str) -> MasterKey:
    text = text.strip()
    if not _HEX_KEY.fullmatch(text):
        raise MaskingKeyError(
            f"{source[0].upper()}{source[1:]} is not a masking key: it must be exactly 64 "
            f"hexadecimal digits (32 random bytes). {_REMEDY}"
        ) from None
    key = bytes.fromhex(text)
    if _is_predictable(text.lower(), key):
        raise MaskingKeyError(
            f"{source[0].upper()}{source[1:]} is not random: it repeats itself. {_REMEDY}"
        ) from None
    return MasterKey(key)


def _is_predictable(text: str, key: bytes) -> bool:
    """Tell whether a key is a repetition of some of its digits, or a plain count."""
    for length in range(1, KEY_BYTES + 1):
        if hmac.compare_digest(text[length:], text[:-length]):
            return True
    steps = {(after - before) % 256 for before, after in itertools.pairwise(key)}
    return len(steps) == 1
