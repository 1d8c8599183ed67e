"""Property paths: their grammar, and the JSON paths that reach exactly what they name."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hipaa_mode.paths import (
    ARRAY,
    PathSyntaxError,
    PropertyPath,
    Step,
    duckdb_json_path,
    parse_path,
    snake_case,
)

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
AWKWARD = st.sampled_from(
    [
        *("*", "**", "", "0", "-1", "#", "$", "$.a", "/", "~0", "~1", "a*", "*a", "a?", "a.b"),
        *("[0]", "[*]", '"', "\\", "\\u0041", "'", "a'b", "é", "e\u0301", "😀", "Email", "email"),
        " ",
    ]
)
KEYS = st.lists(NAMES | AWKWARD, min_size=1, max_size=4)
DATABASE = duckdb.connect()


def names_of(text: str) -> list[str]:
    return [step.name for step in parse_path(text).steps]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("email", ["email"]),
        ("address.city", ["address", "city"]),
        ("a.b.c.d", ["a", "b", "c", "d"]),
        ("$gclid", ["$gclid"]),
        ("*", ["*"]),
        ("**", ["**"]),
        ("a*.b", ["a*", "b"]),
        ("total billed", ["total billed"]),
        ("😀", ["😀"]),
        ("naïve.größe", ["naïve", "größe"]),
        ("select.from", ["select", "from"]),
        ("it's", ["it's"]),
        ("a\\b", ["a\\b"]),
        ("a/b", ["a/b"]),
        ("0.1", ["0", "1"]),
        ("products[].sku", ["products", ARRAY, "sku"]),
        ("a[][].b", ["a", ARRAY, ARRAY, "b"]),
        ("tags[]", ["tags", ARRAY]),
        ('"order.id"', ["order.id"]),
        ('order."line.items"[]."unit price"', ["order", "line.items", ARRAY, "unit price"]),
        ('"say ""hi"""', ['say "hi"']),
        ('""""', ['"']),
        ('""', [""]),
        ('a."".b', ["a", "", "b"]),
        ('" padded "', [" padded "]),
        ('"[]"', ["[]"]),
        ('"*"', ["*"]),
    ],
)
def test_a_path_names_its_steps(text: str, names: list[str]) -> None:
    assert names_of(text) == names


def test_a_quoted_pair_of_brackets_is_a_key_and_not_an_array() -> None:
    assert not parse_path('"[]"').reaches_into_array
    assert parse_path("a[]").reaches_into_array


def test_names_that_differ_only_by_case_are_different_paths() -> None:
    assert parse_path("Email") != parse_path("email")


def test_one_place_written_two_ways_is_one_path() -> None:
    assert parse_path('"address"."city"') == parse_path("address.city")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        (".", "a name is missing at position 1"),
        (".a", "a name is missing at position 1"),
        ("a..b", "a name is missing at position 3"),
        ("a.", "ends with a dot"),
        ("a[].", "ends with a dot"),
        ("[]", "a name is missing at position 1"),
        ("a.[]", "a name is missing at position 3"),
        ("a[0]", "unexpected character at position 2"),
        ("a[", "unexpected character at position 2"),
        ("a]", "unexpected character at position 2"),
        ("a[]b", "unexpected character at position 4"),
        ('a"b"', "unexpected character at position 2"),
        ('"a"b', "unexpected character at position 4"),
        ('"a', "the quote opened at position 1 is never closed"),
        ('a."b', "the quote opened at position 3 is never closed"),
        ('"', "the quote opened at position 1 is never closed"),
        (" a", "starts or ends with a blank"),
        ("a ", "starts or ends with a blank"),
        ("a. b", "starts or ends with a blank"),
        (" ", "starts or ends with a blank"),
        ("\u00a0a", "starts or ends with a blank"),
        ("a\x00", "NUL"),
        ('a."b\x00"', "NUL"),
    ],
)
def test_a_path_off_the_grammar_says_where_and_why(text: str, problem: str) -> None:
    with pytest.raises(PathSyntaxError) as caught:
        parse_path(text)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('"address"."city"', "address.city"),
        ('"order.id"', '"order.id"'),
        ('"a""b"', '"a""b"'),
        ('" a"', '" a"'),
        ('""', '""'),
        ('"products"[].sku', "products[].sku"),
    ],
)
def test_the_canonical_form_quotes_only_what_needs_it(text: str, canonical: str) -> None:
    assert str(parse_path(text)) == canonical


@given(st.lists(st.tuples(NAMES | AWKWARD, st.integers(0, 2)), min_size=1, max_size=4))
def test_the_canonical_form_of_any_path_parses_to_the_same_path(
    parts: list[tuple[str, int]],
) -> None:
    steps: list[Step] = []
    for name, arrays in parts:
        steps.append(Step(name))
        steps += [Step(ARRAY, is_array=True)] * arrays
    path = PropertyPath(tuple(steps))
    assert parse_path(str(path)) == path


@given(st.text(st.sampled_from('ab.[]" *$\x00'), max_size=12))
def test_any_text_is_a_path_or_a_path_syntax_error(text: str) -> None:
    try:
        path = parse_path(text)
    except PathSyntaxError:
        return
    assert parse_path(str(path)) == path


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def extract(message: str, names: list[str]) -> Any:
    """Reach keys as the macros do: the first path in the one extraction, then one by one."""
    first, *rest = duckdb_json_path(tuple(names))
    expression = f"cast(json_extract(message, [{literal(first)}]) as varchar[])[1]"
    for path in rest:
        expression = f"cast(json_extract({expression}, {literal(path)}) as varchar)"
    row = DATABASE.execute(f"select {expression} from (select ? as message)", [message]).fetchone()
    assert row is not None
    return None if row[0] is None else json.loads(row[0])


def lookalikes(name: str) -> set[str]:
    """Keys that a sloppy path could take for the name."""
    near = {name + "x", name[:-1], name.upper(), name.lower(), name.swapcase(), f'"{name}"'}
    wild = {"*", "**", "a*", "", "0", "$", f"{name}*", f"*{name}", name[:1] + "*"}
    return (near | wild) - {name}


def planted(names: list[str], is_present: bool = True) -> Any:
    """Nest a target under keys, each among lookalikes that hold values of their own."""
    inner: Any = "target"
    for depth, name in reversed(list(enumerate(names))):
        siblings = sorted(lookalikes(name))
        level = {key: f"sibling {depth} {number}" for number, key in enumerate(siblings)}
        is_innermost = depth == len(names) - 1
        inner = level | ({} if is_innermost and not is_present else {name: inner})
    return inner


@given(KEYS, st.booleans())
@example(["*"], False)
@example(["**", "*", ""], False)
@example(["properties", "*", "a", "**"], False)
@example(["", "", "*", "*"], True)
@example(["\\", '"', '\\"', "a\\"], True)
def test_the_json_paths_reach_exactly_the_named_key(names: list[str], ascii_only: bool) -> None:
    message = json.dumps(planted(names), ensure_ascii=ascii_only)
    assert extract(message, names) == "target"


@given(KEYS)
@example(["*"])
@example(["a", "*"])
@example(["**"])
@example([""])
def test_the_json_paths_reach_nothing_where_the_key_is_absent(names: list[str]) -> None:
    assert extract(json.dumps(planted(names, is_present=False)), names) is None


@given(KEYS, st.integers(0, 3))
@example(["*", "0"], 0)
@example(["a", ""], 0)
@example(["a", "*"], 0)
@example(["a", "0"], 0)
@example(["a", "-1"], 0)
def test_a_path_without_brackets_does_not_go_through_an_array(
    names: list[str], depth: int
) -> None:
    depth %= len(names)
    inner: Any = "target"
    for position, name in reversed(list(enumerate(names))):
        inner = {name: inner}
        if position == depth:
            inner = [inner, inner]
    assert extract(json.dumps(inner), names) is None


@pytest.mark.parametrize("value", ["text", 1, True, None, '{"b": 1}'])
def test_a_path_does_not_go_into_a_scalar(value: Any) -> None:
    assert extract(json.dumps({"a": value}), ["a", "b"]) is None


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("email", "email"),
        ("address.postalCode", "address_postal_code"),
        ("userID", "user_id"),
        ("HTTPServer", "http_server"),
        ("utm2Source", "utm2_source"),
        ("total billed", "total_billed"),
        ("total-billed", "total_billed"),
        ("$gclid", "gclid"),
        ("products[].sku", "products_sku"),
        ('"utm.source"', "utm_source"),
        ("2fa", "_2fa"),
        ("_private_", "private"),
        ("a__b", "a_b"),
        ("Größe", "größe"),
        ("名前", "名前"),
        ("*", "u002a"),
        ("**", "u002a_u002a"),
        ("a.*", "a_u002a"),
        ("😀", "u1f600"),
        ("_", "u005f"),
        ('""', "empty"),
        ('a.""', "a"),
    ],
)
def test_the_column_is_the_path_in_snake_case(text: str, column: str) -> None:
    assert snake_case(parse_path(text)) == column


@given(KEYS)
def test_a_column_name_is_never_blank_and_has_no_odd_character(names: list[str]) -> None:
    column = snake_case(PropertyPath(tuple(Step(name) for name in names)))
    assert column
    assert not column[0].isdigit()
    assert all(character == "_" or character.isalnum() for character in column)
    assert "__" not in column
