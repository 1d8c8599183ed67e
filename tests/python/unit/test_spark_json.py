"""JSON as the functions on Spark read it, without Spark: as DuckDB does."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from corpus import messages

from hipaa_mode.engines import spark_json
from hipaa_mode.engines.spark_json import NotJsonError
from hipaa_mode.functions import create

PATHS = ["$", '$."properties"', '$."properties"."a"', '$."a"', r'$."a\"b"', "/*"]
DEEP = "[" * 5000 + "]" * 5000


def or_null(function: Callable[..., Any], *arguments: str) -> Any:
    try:
        return function(*arguments)
    except NotJsonError:
        return None


def in_any_order(names: list[list[str] | None] | None) -> list[list[str] | None] | None:
    return names and [listed and sorted(listed) for listed in names]


def test_messages_are_read_as_duckdb_reads_them() -> None:
    """Those without the character 0 and halves of characters, which are no texts before."""
    functions = ("json_texts", "key_names", "json_kinds")
    called = ", ".join(f"hipaa_functions.{name}(message, ?)" for name in functions)
    given = [message for message in messages() if "\\u0000" not in message]
    with duckdb.connect() as connection:
        create(connection)
        found = connection.execute(
            f"select message, {called}, hipaa_functions.members(message) "
            "from (select unnest(?) as message)",
            [PATHS, PATHS, PATHS, given],
        ).fetchall()
    paths = json.dumps(PATHS)
    assert len(found) > 1000
    for message, texts, names, kinds, members in found:
        assert or_null(spark_json.texts_at, message, paths) == texts
        assert in_any_order(or_null(spark_json.names_at, message, paths)) == in_any_order(names)
        assert or_null(spark_json.kinds_at, message, paths) == kinds
        listed = members and [list(member) for member in members]
        assert or_null(spark_json.members_of, message) == listed


@pytest.mark.parametrize("text", [DEEP, '{"a":' + DEEP + "}", f"[{DEEP},]"])
def test_any_depth_is_read(text: str) -> None:
    assert spark_json.written(spark_json.read(text)) == text.replace(",]", "]")


@pytest.mark.parametrize(
    "text", ["[" * 5000, DEEP + "]", "[" * 5000 + "}" * 5000, '"\\ud83d"', "[1,,]", "{,}", "[+1]"]
)
def test_an_error_does_not_quote_the_text(text: str) -> None:
    with pytest.raises(NotJsonError) as error:
        spark_json.read(text)
    assert not str(error.value)


def test_what_reads_travels_to_another_process() -> None:
    copy = pickle.loads(pickle.dumps(spark_json._DECODER))
    assert copy.decode('{"a":1,"a":1.50}') == (("a", "1"), ("a", "1.50"))
