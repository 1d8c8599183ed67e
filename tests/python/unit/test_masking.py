"""Tokens: HMAC-SHA-256 by the book, of every value, under the subkey of its scope."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import duckdb
import pyarrow as pa
import pytest
from duckdb.func import FunctionNullHandling, PythonUDFType
from hypothesis import example, given
from hypothesis import strategies as st

from hipaa_mode import masking
from hipaa_mode.errors import MaskingKeyError
from hipaa_mode.keys import MasterKey, Subkey
from hipaa_mode.masking import are_hexadecimal, hmac_sha256, make_tokens

MASTER_KEY = MasterKey(
    bytes.fromhex("8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d")
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)

LONG_KEY = "aa" * 131
TEXT_VECTORS = [
    pytest.param(
        "0b" * 20,
        b"Hi There".hex(),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        id="RFC 4231 4.2",
    ),
    pytest.param(
        b"Jefe".hex(),
        b"what do ya want for nothing?".hex(),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        id="RFC 4231 4.3",
    ),
    pytest.param(
        "0c" * 20,
        b"Test With Truncation".hex(),
        "a3b6167473100ee06e0c796c2955552b",
        id="RFC 4231 4.6, the first 128 bits",
    ),
]
"""The vectors whose key and message are both text, as a subkey and a value in SQL are."""

VECTORS = [
    *TEXT_VECTORS,
    pytest.param(
        "aa" * 20,
        "dd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        id="RFC 4231 4.4",
    ),
    pytest.param(
        bytes(range(0x01, 0x1A)).hex(),
        "cd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        id="RFC 4231 4.5",
    ),
    pytest.param(
        LONG_KEY,
        b"Test Using Larger Than Block-Size Key - Hash Key First".hex(),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        id="RFC 4231 4.7",
    ),
    pytest.param(
        LONG_KEY,
        (
            b"This is a test using a larger than block-size key and a larger than block-size "
            b"data. The key needs to be hashed before being used by the HMAC algorithm."
        ).hex(),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        id="RFC 4231 4.8",
    ),
]


def reference(value: str | bytes, key: bytes) -> str:
    message = value.encode() if isinstance(value, str) else value
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def subkey_of(scope: str) -> Subkey:
    return MASTER_KEY.subkey("dev", scope)


def reference_token(value: str, scope: str) -> str:
    return reference(value, subkey_of(scope).reveal().encode())


def tokens(values: list[str | None], scope: str = "*") -> list[str | None]:
    scopes = pa.array([scope] * len(values), pa.string())
    found: list[str | None] = make_tokens(
        pa.array(values, pa.string()), scopes, subkey_of
    ).to_pylist()
    return found


def masking_database(
    function: Callable[[pa.Array, pa.Array], pa.Array],
) -> duckdb.DuckDBPyConnection:
    """Register a function the way the plugin does."""
    connection = duckdb.connect()
    connection.create_function(
        "hipaa_mask",
        function,
        ["VARCHAR", "VARCHAR"],
        "VARCHAR",
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
    )
    return connection


@pytest.mark.parametrize(("key", "message", "expected"), VECTORS)
def test_hmac_gives_the_published_vectors(key: str, message: str, expected: str) -> None:
    messages = pa.array([bytes.fromhex(message)], pa.binary())
    [found] = hmac_sha256(messages, bytes.fromhex(key)).to_pylist()
    assert len(found) == 64
    assert found[: len(expected)] == expected


@pytest.mark.parametrize(("key", "message", "expected"), TEXT_VECTORS)
def test_sql_gives_the_published_vectors(key: str, message: str, expected: str) -> None:
    subkey = Subkey(bytes.fromhex(key).decode())
    connection = masking_database(
        lambda values, scopes: make_tokens(values, scopes, lambda _: subkey)
    )
    row = connection.execute(
        "select system.main.hipaa_mask(?, '*')", [bytes.fromhex(message).decode()]
    ).fetchone()
    assert row is not None
    assert row[0][: len(expected)] == expected


@given(
    st.lists(st.none() | TEXTS, min_size=1, max_size=8),
    st.text("abc\x00~", min_size=1, max_size=80),
)
def test_both_ways_of_computing_an_hmac_agree(messages: list[str | None], key: str) -> None:
    array = pa.array(messages, pa.string())
    expected = [None if text is None else reference(text, key.encode()) for text in messages]
    assert masking._hmac_in_bulk(array, key).to_pylist() == expected
    assert masking._hmac_of_each(array, key.encode()).to_pylist() == expected


def test_few_values_and_many_have_the_same_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    many: list[int] = []
    in_bulk = masking._hmac_in_bulk

    def noting(messages: pa.Array, key: str) -> pa.Array:
        many.append(len(messages))
        return in_bulk(messages, key)

    monkeypatch.setattr(masking, "_hmac_in_bulk", noting)
    monkeypatch.setattr(masking, "FEW", 25)
    monkeypatch.setattr(masking, "_COUNT", masking._Count())
    values = ["jane@example.com", None, "émile", *map(str, range(7))]
    expected = [None if value is None else reference_token(value, "*") for value in values]
    assert [tokens(values) for _ in range(4)] == [expected] * 4
    assert many == [10, 10]


@given(st.lists(st.binary(max_size=100), max_size=4), st.binary(max_size=140))
def test_an_hmac_takes_any_key_and_any_message(messages: list[bytes], key: bytes) -> None:
    found = hmac_sha256(pa.array(messages, pa.binary()), key).to_pylist()
    assert found == [reference(message, key) for message in messages]


@given(st.lists(TEXTS.map(lambda text: "x" + text), min_size=1, max_size=10))
@example(["jane@example.com"])
@example(["😀", "e\u0301", "\u00e9"])
@example(["nul\x00inside", "nul", "nul\x00"])
@example([" padded ", "padded"])
@example(["x" * 300_000])
def test_a_token_is_the_hmac_of_the_text(values: list[str]) -> None:
    assert tokens(list(values)) == [reference_token(value, "*") for value in values]


def test_a_value_that_looks_hashed_is_masked_like_any_other() -> None:
    hashed = hashlib.sha256(b"jane@example.com").hexdigest()
    values: list[str | None] = [hashed, hashed.upper(), reference_token("jane", "*")]
    found = tokens(values)
    assert found == [reference_token(str(value), "*") for value in values]
    assert not set(found) & set(values)


@pytest.mark.parametrize(
    "blank",
    [
        *(None, "", " ", "   ", "\t", "\n", "\r\n", "\v\f", "\x1c\x1d\x1e\x1f", "\x85", "\xa0"),
        *("\u1680", "\u2000\u2003\u200a", "\u2028\u2029", "\u202f", "\u205f", "\u3000"),
        " \t\xa0\n",
    ],
)
def test_a_blank_value_has_no_token(blank: str | None) -> None:
    assert tokens([blank, "jane", blank]) == [None, reference_token("jane", "*"), None]


def test_a_vector_of_blanks_has_no_tokens() -> None:
    assert tokens([None, "", " "]) == [None, None, None]


def test_an_empty_vector_gives_an_empty_vector() -> None:
    assert tokens([]) == []


@given(
    st.lists(
        st.tuples(
            st.none() | st.sampled_from(["", " ", "jane", "joe", "😀"]),
            st.sampled_from(["*", "ga4", "google_ads"]),
        ),
        max_size=12,
    )
)
def test_every_row_gets_the_token_of_its_own_scope(rows: list[tuple[str | None, str]]) -> None:
    values = pa.array([value for value, _ in rows], pa.string())
    scopes = pa.array([scope for _, scope in rows], pa.string())
    found = make_tokens(values, scopes, subkey_of).to_pylist()
    assert found == [
        reference_token(value, scope) if value and value.strip() else None for value, scope in rows
    ]


def test_tokens_of_two_scopes_differ() -> None:
    assert tokens(["jane"], "ga4") != tokens(["jane"], "google_ads")


@pytest.mark.parametrize("scopes", [[None, None], ["*", None]])
def test_a_missing_scope_is_an_error_that_quotes_no_value(scopes: list[str | None]) -> None:
    values = pa.array(["jane@example.com", "joe@example.com"])
    with pytest.raises(MaskingKeyError, match="without a scope") as caught:
        make_tokens(values, pa.array(scopes, pa.string()), subkey_of)
    assert "example.com" not in str(caught.value)


def test_a_scope_without_a_key_is_an_error_and_no_token() -> None:
    def refuse(scope: str) -> Subkey:
        raise MaskingKeyError(f"no key for {scope}")

    with pytest.raises(MaskingKeyError, match="no key for ga4"):
        make_tokens(pa.array(["jane"]), pa.array(["ga4"]), refuse)


@pytest.mark.parametrize("scopes", [["*", "*", "*"], ["*", "ga4", "*"]])
def test_chunks_are_masked_as_one_vector(scopes: list[str]) -> None:
    values = pa.chunked_array([["jane"], ["", "joe"]], pa.string())
    chunked_scopes = pa.chunked_array([scopes[:2], scopes[2:]], pa.string())
    found = make_tokens(values, chunked_scopes, subkey_of)
    assert isinstance(found, pa.Array)
    assert found.to_pylist() == [
        reference_token("jane", scopes[0]),
        None,
        reference_token("joe", scopes[2]),
    ]


def test_a_slice_of_a_longer_vector_is_masked_alone() -> None:
    values = pa.array(["before", "jane", None, "after"]).slice(1, 2)
    scopes = pa.array(["ga4", "*", "*", "ga4"]).slice(1, 2)
    found = make_tokens(values, scopes, subkey_of).to_pylist()
    assert found == [reference_token("jane", "*"), None]


def test_sql_masks_more_rows_than_one_vector_holds() -> None:
    connection = masking_database(lambda values, scopes: make_tokens(values, scopes, subkey_of))
    rows = connection.execute(
        """
        select value, scope, system.main.hipaa_mask(value, scope)
        from (
            select
                case when i % 5 = 0 then null when i % 7 = 0 then '' else 'no ' || i end as value,
                case when i % 2 = 0 then '*' else 'ga4' end as scope
            from range(10000) as numbers (i)
        )
        """
    ).fetchall()
    assert len(rows) == 10_000
    assert all(
        token == (reference_token(value, scope) if value else None) for value, scope, token in rows
    )


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], []),
        (["", ""], [True, True]),
        (["0123456789abcdef", "", "0" * 448], [True] * 3),
        (["00aF", "00af"], [False, True]),
        *((["af09", f"a{character}0"], [True, False]) for character in "/:`gG@ \n\0\u00e9\u0660"),
    ],
)
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_each_text_is_told_to_be_hexadecimal(
    texts: list[str], expected: list[bool], kind: pa.DataType
) -> None:
    whole = pa.array(["?", *texts, "!"], kind)
    assert are_hexadecimal(whole.slice(1, len(texts))).to_pylist() == expected
    assert are_hexadecimal(pa.chunked_array([texts], kind)).to_pylist() == expected


def test_every_other_byte_is_no_hexadecimal_digit() -> None:
    texts = [chr(code) for code in range(256)]
    found = [text for text in texts if are_hexadecimal(pa.array([text])).to_pylist() == [True]]
    assert "".join(found) == "0123456789abcdef"
