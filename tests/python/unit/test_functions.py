"""The SQL functions that values pass through, by themselves: macros/functions/duckdb.sql."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis.strategies import from_regex, lists, one_of, text
from project import REPOSITORY

from hipaa_mode import functions
from hipaa_mode.engines import SPARK
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.functions import (
    NOT_THE_ENGINES,
    SCHEMA,
    Function,
    create,
    digest,
    hash_of_called,
    read_functions,
)
from hipaa_mode.treatments import NORMALIZATIONS, TREATMENTS
from hipaa_mode.verify import functions as verify_functions
from hipaa_mode.verify.functions import problems, problems_of_text, reads_more, remedy


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        create(connection)
        yield connection


def value_of(connection: duckdb.DuckDBPyConnection, call: str, value: object) -> Any:
    sql = f"select {SCHEMA}.{call} from (select cast(? as varchar) as value)"
    [(found,)] = connection.execute(sql, [value]).fetchall()
    return found


FORMS_WITHOUT_FUNCTION = {"to_allow", "to_mask", "to_surrogate", "to_deny"}
AREAS = "['000', '036']"
EXAMPLES = [
    ("trimmed(value)", " \u3000a b\t", "a b"),
    ("not_blank(value)", "\u00a0\t", None),
    ("not_blank(value)", "\u00e9", "\u00e9"),
    ("scalar_text(value)", '"a\\u0041"', "aA"),
    ("scalar_text(value)", "1.0", "1"),
    ("scalar_text(value)", "1e400", None),
    ("scalar_text(value)", "9" * 400 + ".5", None),
    ("scalar_text(value)", '{"a":1}', None),
    ("string_text(value)", "7", None),
    ("call_type(value)", '"track"', "track"),
    ("call_type(value)", '" Track "', "track"),
    ("call_type(value)", "7", None),
    ("kept_scalar(value)", '{"ssn":"078-05-1120"}', "{}"),
    ("kept_scalar(value)", "null", None),
    ("kept_json(value)", '{"a":1}', '{"a":1}'),
    ("members(value)", '{"a":null, "\\u0061": {"b": 1}}', [("a", "null"), ("a", '{"b":1}')]),
    ("members(value)", "{}", []),
    ("members(value)", '["a"]', None),
    ("members(value)", '{"a":1', None),
    ("whole_object(value)", "[]", "{}"),
    ("as_integer(value)", " +12 ", 12),
    ("as_integer(value)", "1.0", None),
    ("as_number(value)", "1e999", None),
    ("as_boolean(value)", " YES ", True),
    ("as_boolean(value)", "2", None),
    ("to_year(value)", "1985-06-07", "1985"),
    ("to_year(value)", "06/07/1985", None),
    ("to_birth_year(value, 2026)", "1921-02-03", "1936"),
    ("to_birth_year(value, 2026)", "2027", None),
    ("to_month(value)", "1985-06-07T23:30:00-05:00", "1985-06"),
    ("to_month(value)", "1985", None),
    ("to_month(value)", "0000-01", None),
    ("to_year(value)", "0000", None),
    ("to_birth_year(value, 2026)", "0001-01-01T00:00:00Z", None),
    ("to_year(value)", "1985-12-31T24:00:00", None),
    ("as_date(value)", "0000-01-01", None),
    ("as_date(value)", "1 Mar 0026", None),
    ("as_date(value)", "1 \u017fep 2026", None),
    ("as_date(value)", "\u017fun, 1 Mar 2026", None),
    ("as_timestamp(value)", "85-06-07T00:00:00Z", None),
    ("as_timestamp(value)", "0001-01-01T00:00:00Z", None),
    ("as_timestamp(value)", "-0044-03-15T00:00:00Z", None),
    ("as_timestamp(value)", "12026-03-02T10:00:00Z", None),
    ("as_timestamp(value)", "2026-03-02T24:00:00Z", None),
    ("as_timestamp(value)", "2026-3-2T24:00:00Z", None),
    ("as_timestamp(value)", "2026-03-02T23:59:60Z", None),
    ("as_timestamp(value)", "22-3-9T10:00:00Z", None),
    ("as_timestamp(value)", "2024-08-29 (BC) 10:00:00Z", None),
    ("as_timestamp(value)", "2024-02-29T1:2:3Z", None),
    ("as_timestamp(value)", "2024-02-29 10:00:00.Z", None),
    (f"to_zip3(value, {AREAS})", "03612", "000"),
    (f"to_zip3(value, {AREAS})", "94107-1234", "941"),
    (f"to_zip3(value, {AREAS})", "3612", "000"),
    (f"to_zip3(value, {AREAS})", "9410", "094"),
    (f"to_zip3(value, {AREAS})", "941076", None),
    ("to_zip3(value, cast([] as varchar[]))", "94107", "000"),
    ("to_zip3(value, cast([] as varchar[]))", "x", None),
    ("to_age_cap(value)", "89.9", "89"),
    ("to_age_cap(value)", "107", "90"),
    ("to_age_cap(value)", "90+", "90"),
    ("to_age_cap(value)", "89+", None),
    ("to_age_cap(value)", "131", None),
    ("to_domain(value)", "Ann.Smith@Mail.Example.", "mail.example"),
    ("to_domain(value)", "https://10.0.0.1/a", None),
    ("to_url_path(value)", "https://ann@host.example/a/b?mrn=1#x", "/a/b"),
    ("to_url_path(value)", "//host.example/a", None),
    ("to_url_origin(value)", "HTTPS://ann:pw@Host.Example:8443/a?b", "https://host.example:8443"),
    ("to_ip_prefix(value)", "203.0.113.77:80, 1.1.1.1", "203.0.113.0/24"),
    ("to_ip_prefix(value)", "2001:db8:1:2::3", "2001:db8:1::/48"),
    ("to_ip_prefix(value)", "2002:cb00:7107::1", "203.0.113.0/24"),
    ("to_ip_prefix(value)", "203.0.113", None),
    ("to_round(value, 0.1, 1)", "0.34", "0.3"),
    ("to_round(value, 5, 0)", "-2", "0.0"),
    ("to_round(value, 0.1, 1)", "1e308", None),
    ("to_round(value, 0.1, 1)", "12345678901234.56", "12345678901234.6"),
    ("to_round(value, 5, 0)", "1e15", None),
    ("to_round(value, 0.00001, 5)", "0.000014", "1e-05"),
    ("to_truncate(value, 2)", "gold", "go"),
    ("normalized_lower(value)", "\u0130\u03a3", "i\u03c3"),
    ("normalized_email(value)", " Ann\u200b@Example.COM\u00a0", "ann@example.com"),
    ("normalized_phone(value)", "+1 (415) 555-2671 ext. 12", "14155552671"),
    ("normalized_phone(value)", "1-800-FLOWERS", None),
    ("normalized_phone_1(value)", "415.555.2671", "14155552671"),
    ("guarded(value)", "premium", "premium"),
    ("guarded(value)", "ask jane@clinic.example", None),
    ("guarded(value)", "MRN 0012345", None),
    ("is_card_like(value)", "4111 1111 1111 1111", True),
    ("is_card_like(value)", "4111 1111 1111 1112", False),
    ("if_id(value, ['null', '(null)'])", " NULL ", None),
    ("if_id(value, ['null', '(null)'])", "nullable", "nullable"),
    ("is_hexadecimal(value, 4)", "00aF", False),
    ("comparable(value)", " Ann%40Clinic.example", "ann@clinic.example"),
    ("comparable(value)", "/Caf%E9", "/caf%e9"),
    ("comparable(value)", "/a%41%00", "/a%41%00"),
    ("may_break_characters(value)", r'{"a":"\u0000"}', True),
    ("may_break_characters(value)", r'{"a":"\u00e9"}', False),
    ("without_broken_texts(value)", r'{"a":"x\u0000","b\u0000":1}', r'{"a":null,"b\ufffd":1}'),
    ("without_broken_texts(value)", r'{"a":"\\u0000"}', r'{"a":"\\u0000"}'),
    ("respelled_call(value, ['USER_ID'], ['null'])", '{"USER_ID":"null"}', "{}"),
]
ARGUMENTS = {
    "value": "example",
    "placeholders": "['null', '0']",
    "small_areas": "['036']",
    "digits": "4",
    "decimals": "3",
    "characters": "2",
    "this_year": "2026",
    "step": "0.1",
}
OF_JSON = {"scalar_text", "string_text", "json_elements", "merged_texts", "denied_signals"} | {
    f"{name}_signals" for name in ("category", "allowed", "tool", "listed", "consent")
}
"""Functions that are given JSON texts alone, which the messages' parser wrote."""

TAKE_NO_TEXT = {"text_of_bytes", "microseconds_of", "kept_scalars"}
"""Functions of times, bytes or lists."""


@pytest.mark.parametrize(("call", "value", "expected"), EXAMPLES)
def test_values(
    connection: duckdb.DuckDBPyConnection, call: str, value: object, expected: object
) -> None:
    assert value_of(connection, call, value) == expected
    assert value_of(connection, call, None) in (None, False)


@settings(max_examples=20)
@given(texts=lists(one_of(text(), from_regex(r"[0-9%+:/.TZ@#?ea-f -]{1,12}")), max_size=200))
def test_no_text_is_an_error_that_would_quote_it(
    connection: duckdb.DuckDBPyConnection, texts: list[str]
) -> None:
    connection.execute(
        "create or replace temp table texts as select unnest(cast(? as varchar[])) as example",
        [texts],
    )
    calls = [
        f"count({SCHEMA}.{name}({', '.join(ARGUMENTS[each] for each in parameters)}))"
        for name, parameters in of_texts()
    ]
    assert len(calls) > 40
    connection.execute(f"select {', '.join(calls)} from texts").fetchall()


@given(
    texts=lists(
        from_regex(
            r"\A[0-9]{2,4}-0?[1-9]-0?[1-9]( \(BC\) |[T ])"
            r"[0-2]?[0-9]:[0-5]?[0-9]:[0-5]?[0-9](\.[0-9]?)?Z\Z"
        ),
        max_size=200,
    )
)
def test_a_time_in_the_usual_form_is_read_by_the_same_rule_as_others(
    connection: duckdb.DuckDBPyConnection, texts: list[str]
) -> None:
    quick, plain = (f"{SCHEMA}.as_timestamp({value})" for value in ("example", "' ' || example"))
    sql = "from (select unnest(cast(? as varchar[])) as example)"
    differ = f"select example {sql} where {quick} is distinct from {plain}"
    assert connection.execute(differ, [texts]).fetchall() == []


def of_texts() -> list[tuple[str, tuple[str, ...]]]:
    """Functions of one text, and of what configuration says."""
    return [
        (name, function.parameters)
        for name, function in functions.functions().items()
        if function.parameters[:1] == ("value",)
        and {*function.parameters[1:]} <= ARGUMENTS.keys()
        and name not in OF_JSON | TAKE_NO_TEXT
    ]


def test_keys_that_few_senders_write_are_looked_for_where_they_are(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    sql = (REPOSITORY / "macros/staging/read_calls.sql").read_text(encoding="utf-8")
    listed = re.search(r"set rare_keys = \[(.*?)\]", sql, re.DOTALL)
    assert listed is not None
    rare = set(re.findall(r"'(\w+)'", listed[1]))
    lists = f"select {SCHEMA}.usual_keys(), {SCHEMA}.plain_keys()"
    [(usual, plain)] = connection.execute(lists).fetchall()

    assert rare == set(usual) - set(plain)
    for key in usual:
        given = f"select {SCHEMA}.are_plain_keys(['writeKey', ?]), {SCHEMA}.are_usual_keys([?])"
        assert connection.execute(given, [key, key]).fetchall() == [(key in plain, True)]


@given(value=from_regex(r"[ \t\xa0\u3000\x85]?[a-\u00ff]*[ \n\u2003]?", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_an_id_is_trimmed_as_any_text_is(
    connection: duckdb.DuckDBPyConnection, value: str
) -> None:
    found = value_of(connection, "trimmed_id(value)", value)
    assert found == value_of(connection, "trimmed(value)", value) == value.strip()


BROKEN_JSON = (
    r'(\{"a":("x\\u[0d][8c]00"|-?[0-9]{1,40}(\.[0-9]+)?(e[0-9]{1,4})?|NaN|-Infinity|"[\x01-\x1f]"'
    r'|\[1,\]|\{"a":null\}|tru|\\)[,}]){1,3}[^{]?|\[{1,2000}|'
    r'[{}"a:,\[\]0-9e. \\]{0,12}'
)


@given(message=from_regex(BROKEN_JSON, fullmatch=True))
@settings(max_examples=400, deadline=None)
def test_of_what_has_a_list_of_names_values_can_be_read(
    connection: duckdb.DuckDBPyConnection, message: str
) -> None:
    """The texts are read without `try`, which takes a third longer."""
    sql = f"""
        with listed as (
            select message, {SCHEMA}.key_names(message, ['$', '$."a"']) is not null as is_json
            from (select cast(? as varchar) as message)
        )
        select
            {SCHEMA}.texts_of_json(case when is_json then message end, ['$."a"', '$."b"']),
            {SCHEMA}.json_texts(message, ['$."a"', '$."b"'])
        from listed
    """
    [(texts, tried)] = connection.execute(sql, [message]).fetchall()
    assert texts == tried


def test_there_is_a_function_for_all_that_the_seeds_can_ask_for() -> None:
    known = functions.functions()
    assert {f"to_{name}" for name in TREATMENTS} - FORMS_WITHOUT_FUNCTION <= set(known)
    for normalize in NORMALIZATIONS:
        assert not functions.normalizing(normalize) or functions.normalizing(normalize) in known


def test_each_function_has_a_comment() -> None:
    lines = functions.read_text().splitlines()
    made = [place for place, line in enumerate(lines) if line.startswith("create macro ")]
    assert len(made) == len(functions.functions())
    assert [lines[place] for place in made if not lines[place - 1].startswith("-- ")] == []


# The functions in a database.


def test_the_functions_are_in_no_file(tmp_path: Path) -> None:
    file = tmp_path / "calls.duckdb"
    with duckdb.connect(file) as connection:
        create(connection)
        assert value_of(connection, "trimmed(value)", " a ") == "a"
    with duckdb.connect(file) as connection:
        names = connection.execute(
            "select function_name from duckdb_functions() where not internal"
        ).fetchall()
    assert names == []


def test_making_them_again_leaves_them_as_they_were() -> None:
    with duckdb.connect() as connection:
        first = create(connection)
        assert (
            create(connection) == first == digest(connection.execute(NOT_THE_ENGINES).fetchall())
        )


@pytest.mark.parametrize(
    "statement",
    [
        f"create or replace macro {SCHEMA}.guarded(value) as value",
        f"create macro {SCHEMA}.more(value) as value",
        f"drop macro {SCHEMA}.guarded",
    ],
)
def test_what_is_done_to_them_shows(statement: str) -> None:
    with duckdb.connect() as connection:
        made = create(connection)
        connection.execute(statement)
        assert digest(connection.execute(NOT_THE_ENGINES).fetchall()) != made


@pytest.mark.parametrize(("file", "has_schema"), [(SCHEMA, False), ("calls", True)])
def test_what_has_their_name_is_refused(tmp_path: Path, file: str, has_schema: bool) -> None:
    with duckdb.connect(tmp_path / f"{file}.duckdb") as connection:
        if has_schema:
            connection.execute(f"create schema {SCHEMA}")
        with pytest.raises(HipaaModeError, match=f"{SCHEMA}, as that of .* Give it another name"):
            create(connection)


def test_the_file_has_nothing_but_functions() -> None:
    text = functions.read_text()
    assert (REPOSITORY / functions.file_of()).read_text("utf-8") == text
    assert set(read_functions(text)) == set(functions.functions())
    for more in ("drop table calls;\n", f"create macro {SCHEMA}.guarded(value) as\n    value;\n"):
        with pytest.raises(HipaaModeError, match="something other than functions"):
            read_functions(text + "\n" + more)


def test_a_changed_function_changes_the_hash_of_sql_that_reaches_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sql = f"select {SCHEMA}.guarded(note), {SCHEMA}.not_one_of_them(1) from calls"
    before, of_others = hash_of_called(sql), hash_of_called(f"{SCHEMA}.to_zip3(zip, [])")
    text = functions.read_text().replace("4[0-9]{12}|", "4[0-9]{11}|")
    monkeypatch.setattr(functions, "functions", lambda: read_functions(text))
    assert hash_of_called(sql) != before
    assert hash_of_called(f"{SCHEMA}.to_zip3(zip, [])") == of_others
    assert hash_of_called("select 1") == hash_of_called("select 2")


# As they are proven.


@pytest.mark.parametrize("engine", verify_functions.REVIEWED)
def test_the_functions_are_as_reviewed(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(engine) == []
    monkeypatch.setitem(verify_functions.REVIEWED, engine, "of another file")
    assert problems(engine) == [f"{functions.file_of(engine)} is not as reviewed"]
    assert functions.file_hash(engine) in remedy(engine)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("value || other", "column `other` can't be resolved"),
        ("(select max(user_id) from stg_calls)", "is not on the list"),
        ("getenv('HIPAA_MODE_KEY')", "function `getenv` is not known"),
        ("own_macro(value)", "function `own_macro` is not known"),
        (f"{SCHEMA}.no_such_function(value)", "is not known"),
        ("random()", "is not on the list"),
        ("system.main.hipaa_mask(value, '*')", "makes a token"),
    ],
)
def test_a_function_is_made_of_its_arguments_alone(body: str, problem: str) -> None:
    assert problem in reads_more(Function("own", ("value",), body))
    assert reads_more(Function("own", ("value",), "lower(value)")) == ""


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("pg_read_file(value)", "function `pg_read_file` is not known"),
        ("public.lower(value)", "function `lower` is not known"),
        ('"lower"(value)', "function `lower` is not known"),
        ("current_setting(value)", "function `current_setting` is not known"),
        ("(select max(user_id) from stg_calls)", "function `max` is not known"),
        ("(select user_id from stg_calls limit 1)", "it reads `stg_calls`"),
        ("(select count(*) from public.unnest(value))", "it reads `public`"),
        ("pgcrypto.hmac(value, 'k', 'sha256')", "function `hmac` is not known"),
    ],
)
def test_a_function_of_postgres_is_made_of_its_arguments_alone(body: str, problem: str) -> None:
    made = (
        "\ncreate function hipaa_functions.own(value text) returns text language sql\nreturn {};\n"
    )
    assert any(problem in found for found in problems_of_text(made.format(body)))
    assert list(problems_of_text(made.format("lower(value)"))) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            "java_method('java.lang.System', 'getenv', value)",
            "function `java_method` is not known",
        ),
        ("main.lower(value)", "function `lower` is not known"),
        ("`lower`(value)", "function `lower` is not known"),
        ("hipaa_mask(value, '*')", "function `hipaa_mask` is not known"),
        ("(select user_id from stg_calls limit 1)", "it reads `stg_calls`"),
        ("rand()", "function `rand` is not known"),
    ],
)
def test_a_function_of_spark_is_made_of_its_arguments_alone(body: str, problem: str) -> None:
    made = "\ncreate function hipaa_functions.own(value string) returns string return {};\n"
    assert any(problem in found for found in problems_of_text(made.format(body), SPARK))
    assert list(problems_of_text(made.format("trim(both '0' from value)"), SPARK)) == []
