"""Tokens: HMAC-SHA-256 over Arrow arrays, a whole vector at a time, in native code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from hipaa_mode.errors import MaskingKeyError
from hipaa_mode.keys import Subkey

BLOCK_BYTES = 64
"""Block of SHA-256, and the length of a subkey."""

NOT_BLANK = r"[^\p{Z}\x09-\x0d\x1c-\x1f\x{85}]"
"""Pattern of a character that is no blank; staging has the same one in its macro not_blank."""


def hmac_sha256(messages: pa.Array, key: bytes) -> pa.Array:
    """Compute HMAC-SHA-256 (RFC 2104, FIPS 198-1) of every message.

    Args:
        messages: string or binary array; nulls stay null.
        key: the key; of any length, as the RFC allows.

    Returns:
        String array of the same length: 64 lower-case hexadecimal digits each.
    """
    try:
        text = key.decode("utf-8")
    except UnicodeDecodeError:
        return _hmac_from_hashes(messages, key)
    return _computed(messages, lambda values: values.chash.hmac_sha256(key=text))


def _hmac_from_hashes(messages: pa.Array, key: bytes) -> pa.Array:
    """Compute the HMAC as two nested hashes, for keys that the native function can't take.

    polars-hash takes its key as text; every subkey is text, but a key of RFC 4231 need not be.
    """
    block = hashlib.sha256(key).digest() if len(key) > BLOCK_BYTES else key
    block = block.ljust(BLOCK_BYTES, b"\x00")
    inner = _sha256(_prefixed(bytes(byte ^ 0x36 for byte in block), messages))
    digests = _computed(inner, lambda values: values.str.decode("hex"))
    return _sha256(_prefixed(bytes(byte ^ 0x5C for byte in block), digests))


def _prefixed(prefix: bytes, messages: pa.Array) -> pa.Array:
    binary = pa.large_binary()
    empty = pa.scalar(b"", binary)
    return pc.binary_join_element_wise(pa.scalar(prefix, binary), messages.cast(binary), empty)


def _sha256(messages: pa.Array) -> pa.Array:
    return _computed(messages, lambda values: values.chash.sha2_256())


def _computed(values: pa.Array, function: Callable[[Any], Any]) -> pa.Array:
    # Imported where something is masked: a third of a second that a build without new calls saves.
    import polars as pl
    import polars_hash  # noqa: F401  registers the `chash` expressions

    column = pl.lit(pl.Series(pl.from_arrow(values)))
    return pl.select(function(column)).to_series().to_arrow()


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
    present = pc.if_else(has_mark, values, pa.scalar(None, values.type))
    distinct = scopes.unique().to_pylist()
    if None in distinct:
        raise MaskingKeyError("hipaa_mask was called without a scope. Give `*` or a destination")
    tokens = pa.nulls(len(values), pa.large_string())
    for scope in distinct:
        subkey = subkey_of(scope).reveal().encode("ascii")
        if len(distinct) == 1:
            return hmac_sha256(present, subkey)
        in_scope = pc.equal(scopes, scope)
        chosen = pc.if_else(in_scope, present, pa.scalar(None, values.type))
        tokens = pc.coalesce(tokens, hmac_sha256(chosen, subkey).cast(pa.large_string()))
    return tokens


def _one_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
