"""Tokens: HMAC-SHA-256 over Arrow arrays, a whole vector at a time; of many, in native code."""

from __future__ import annotations

import hmac
import itertools
import secrets
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hipaa_mode.errors import MaskingKeyError
from hipaa_mode.keys import Subkey

FEW = 100_000
"""How many values the standard library makes tokens of before the native function is loaded."""

NOT_BLANK = r"[^\p{Z}\x09-\x0d\x1c-\x1f\x{85}]"
"""Pattern of a character that is no blank; staging has the same one in its macro not_blank."""

SURROGATE_BYTES = 16


def hmac_sha256(messages: pa.Array, key: bytes) -> pa.Array:
    """Compute HMAC-SHA-256 (RFC 2104, FIPS 198-1) of every message.

    Args:
        messages: string or binary array; nulls stay null.
        key: the key; of any length, as the RFC allows.

    Returns:
        String array of the same length: 64 lower-case hexadecimal digits each.
    """
    # Every subkey is text; a key of RFC 4231 need not be, and the native function can't take it.
    if key.isascii() and _COUNT.is_many(len(messages)):
        return _hmac_in_bulk(messages, key.decode("ascii"))
    return _hmac_of_each(messages, key)


class _Count:
    """How many values this process has made tokens of."""

    def __init__(self) -> None:
        self.total = 0

    def is_many(self, more: int) -> bool:
        """Count some more, and tell whether loading the native function pays."""
        self.total += more
        return self.total > FEW


_COUNT = _Count()


def _hmac_of_each(messages: pa.Array, key: bytes) -> pa.Array:
    found = messages.cast(pa.large_binary())
    digests = (
        b"" if text is None else hmac.digest(key, text, "sha256").hex().encode()
        for text in found.to_pylist()
    )
    tokens = strings(list(digests))
    return pc.if_else(found.is_valid(), tokens, _null(tokens.type))


def strings(texts: Sequence[bytes]) -> pa.LargeStringArray:
    """Return UTF-8 texts as Arrow.

    `pa.array` and `pa.scalar` would load pandas first, where it is installed: that takes longer
    than all else that a run does which has few of them.
    """
    ends = array("q", itertools.accumulate(map(len, texts), initial=0))
    data = pa.py_buffer(b"".join(texts))
    return pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(ends), data)


def _null(kind: pa.DataType) -> pa.Scalar:
    return pa.nulls(1, kind)[0]


def _hmac_in_bulk(messages: pa.Array, key: str) -> pa.Array:
    # Loading it takes a quarter of a second, as the standard library does for 200,000 values.
    import polars as pl
    import polars_hash  # noqa: F401  registers the `chash` expressions

    column: Any = pl.lit(pl.Series(pl.from_arrow(messages)))
    return pl.select(column.chash.hmac_sha256(key=key)).to_series().to_arrow()


def make_tokens(
    values: pa.Array, scopes: pa.Array, subkey_of: Callable[[str], Subkey]
) -> pa.Array:
    """Turn values into tokens: the function that SQL calls as `hipaa_mask`.

    Args:
        values: string array; a null, empty or blank value has no token and gives null.
        scopes: string array of the same length: the scope of each token.
        subkey_of: gives the subkey of a scope.

    Returns:
        String array of the same length: 64 lower-case hexadecimal digits, or null.

    Raises:
        MaskingKeyError: a scope is null.
    """
    values = _one_array(values)
    scopes = _one_array(scopes)
    if values.null_count == len(values) and not scopes.null_count:
        return pa.nulls(len(values), pa.large_string())
    has_mark = pc.match_substring_regex(values, NOT_BLANK)
    present = pc.if_else(has_mark, values, _null(values.type))
    distinct = scopes.unique().to_pylist()
    if None in distinct:
        raise MaskingKeyError("hipaa_mask was called without a scope. Give `*` or a destination")
    tokens = pa.nulls(len(values), pa.large_string())
    for scope in distinct:
        subkey = subkey_of(scope).reveal().encode("ascii")
        if len(distinct) == 1:
            return hmac_sha256(present, subkey)
        in_scope = pc.equal(scopes, scope)
        chosen = pc.if_else(in_scope, present, _null(values.type))
        tokens = pc.coalesce(tokens, hmac_sha256(chosen, subkey).cast(pa.large_string()))
    return tokens


def random_codes(values: pa.Array) -> pa.Array:
    """Make a random 128-bit code of 32 hexadecimal digits for every value; null for a null."""
    count = len(values)
    digits = secrets.token_hex(SURROGATE_BYTES * count)
    width = 2 * SURROGATE_BYTES
    codes = [digits[start : start + width] for start in range(0, width * count, width)]
    return pc.if_else(values.is_valid(), pa.array(codes, pa.string()), None)


def are_hexadecimal(texts: pa.Array) -> pa.Array:
    """Tell of every text whether it has lower-case hexadecimal digits alone.

    Checks ask it of whole rows: DuckDB's regular expressions take ten times as long.

    Args:
        texts: string array without nulls.
    """
    texts = _one_array(texts)
    characters = _characters(texts)
    is_digit = np.less(np.subtract(characters, ord("0")), 10)
    is_letter = np.less(np.subtract(characters, ord("a")), 6)
    if np.logical_or(is_digit, is_letter).all():
        return pa.array(np.ones(len(texts), np.bool_))
    return pc.match_substring_regex(texts, "^[0-9a-f]*$")


def _characters(texts: pa.Array) -> np.ndarray:
    """Return the bytes of all texts, one after the other."""
    kind = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    _, offsets, content = texts.buffers()
    if content is None:
        return np.zeros(0, np.uint8)
    ends = np.frombuffer(offsets, kind)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(content, np.uint8)[int(ends[0]) : int(ends[-1])]


def _one_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
