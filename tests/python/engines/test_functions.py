"""The named functions on PostgreSQL and Spark give what they give on DuckDB."""

from __future__ import annotations

import itertools
import json
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import MagicMock
from urllib.parse import urlsplit

import duckdb
import pytest
from corpus import messages, texts
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres_server import Server
from project import KEY, REPOSITORY, subkey, token

from hipaa_mode import functions
from hipaa_mode.engines import spark as spark_engine
from hipaa_mode.engines import spark_masking
from hipaa_mode.engines.spark import in_session, make_functions, run_privately, statements
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.functions import SCHEMA, create
from hipaa_mode.keys import load_master_key, write_key_file

FILES = REPOSITORY / "macros/functions"
DATABASE = "functions"
LOCALE = "tr-TR"
"""Of the database: its small letters are others than those of the functions."""

REGISTERS = "org.apache.spark.sql.classic.UDFRegistration"
"""The logger of Spark's that has functions whole."""

CALLS_OF_A_STATEMENT = 20
"""On Spark, which takes longer to plan a statement than to run it."""

PATHS = (
    *('$."type"', '$."messageId"', '$."properties"', '$."traits"', '$."integrations"', "$"),
    *('$."consent"', '$."context"."consent"', '$."context"."consentManagement"', '$."context"'),
    *(f'$."properties"."{key}"' for key in "abcdefg"),
    *('$."properties"."a"."0"', '$."properties"."0"', '$."properties"."a.b"', "/*", "/"),
    *(r'$."properties"."a\"b"', r'$."properties"."a\\b"', '$."properties"."$x"'),
    *('$."properties"."é"', '$."properties"."[0]"', '$."a"', '$."b"', '$."mergeProperties"'),
)
LISTED_PATHS = "array[" + ", ".join(f"'{path}'" for path in PATHS) + "]"
KEY_PATHS = """array['$', '$."properties"', '$."traits"', '$."context"']"""
PLACEHOLDERS = "array['null', '(null)', '0', 'n/a', 'a|b', 'anonymous', '\u03b1\u03c2']"
READABLE = (
    f"case when {SCHEMA}.may_break_characters(value) then {SCHEMA}.without_broken_texts(value) "
    "else value end"
)
"""A message as the models give it to the functions."""

OF_TEXTS = (
    *(
        "trimmed(value)",
        "trimmed_id(value)",
        "not_blank(value)",
        "without_invisible(value)",
        "lower_cased(value)",
    ),
    *("folded(value)", "natural_order(value)", "is_hexadecimal(value, 4)"),
    *("pattern_group(value, '([0-9]+)-([0-9]*)', 2)", "joined(array[value, null, 'x'])"),
    f"is_no_id(value, {PLACEHOLDERS})",
    f"if_id(value, {PLACEHOLDERS})",
    f"first_id(value, ' x', {PLACEHOLDERS})",
    f"ids(array[value, null, 'null'], {PLACEHOLDERS})",
    *("comparable(value)", "key_of_namesake(value, 'track', value, null, 'g')"),
    *("content_hash(value)", "bytes_of(null, value)", "text_of_column(value)"),
    *(
        "begins_as_object(value)",
        "folded_key(value)",
        "field_of_key(value)",
        "is_container(value)",
    ),
    *("says_nothing(value)", "is_string(value)", "unless_object(value)", "has_any(array[value])"),
    *("kept_scalar(value)", "kept_json(value)", "whole_object(value)"),
    *("kept_scalars(array[value, null])", "kept_jsons(array[value, null])"),
    *("as_integer(value)", "as_number(value)", "as_boolean(value)", "as_date(value)"),
    *("as_timestamp(value)", "first_time(value, '2026-01-01')", "moment(value)"),
    *("as_written(moment(value))", "moment_of_number(value)"),
    "microseconds_of(as_timestamp(value))",
    "possible_time(as_timestamp(value), 1772360430000000, '2000-01-01', 86400000000)",
    "time_before(as_timestamp('2026-03-01'), as_timestamp(value), as_timestamp('2026-01-01'))",
    *("to_year(value)", "to_birth_year(value, 2026)", "to_month(value)", "to_age_cap(value)"),
    *("to_zip3(value, array['000', '036'])", "to_zip3(value, cast(array[] as text[]))"),
    *("to_round(value, 0.1, 1)", "to_round(value, 5, 0)", "to_round(value, 0.25, 2)"),
    *("to_truncate(value, 2)", "to_domain(value)", "to_url_path(value)", "to_url_origin(value)"),
    *("host(value)", "to_ip_prefix(value)", "ipv6_network(value)", "ipv4_network('cb00', '7107')"),
    *("normalized_lower(value)", "normalized_email(value)", "normalized_phone(value)"),
    *("normalized_phone_1(value)", "dialled(value)", "ascii_digits(value)"),
    *(f"is_{kind}_like(value)" for kind in ("email", "phone", "ssn", "mrn", "ip", "url_query")),
    *("is_card_like(value)", "is_card_of_issuer(value)", "may_be_identifier(value)"),
    *("looks_like_identifier(value)", "guarded(value)", "suspected(value)"),
    *("suspected_of_list(array[value, null])", "taken(value, guarded(value))"),
    "taken_of_list(array[value, null], array[null, guarded(value)])",
)
OF_MESSAGES = (
    *("may_break_characters(value)", "without_broken_texts(value)", "texts_within(readable)"),
    f"json_texts(readable, {LISTED_PATHS})",
    f"json_kinds(readable, {LISTED_PATHS})",
    f"call_type(json_texts(readable, {LISTED_PATHS})[1])",
    f"key_names(readable, {KEY_PATHS})",
    f"are_plain_keys(key_names(readable, {KEY_PATHS})[1])",
    f"are_usual_keys(key_names(readable, {KEY_PATHS})[1])",
    f"other_spellings(key_names(readable, {KEY_PATHS})[1])",
    f"has_no_key(key_names(readable, {KEY_PATHS})[2])",
    "members(readable)",
    f"respelled_call(readable, array['userid', 'USER_ID', 'Consent', 'TYPE'], {PLACEHOLDERS})",
)
OF_JSON = (
    *("scalar_text(value)", "string_text(value)", "scalar_texts(array[value, null])"),
    *("json_elements(value)", "json_elements_of_each(array[value, null, '[3]'])"),
    *("""json_at(value, '$."a"')""", "json_at(value, '$')", "merged_texts(value)"),
    """json_at_each(array[value, null], '$."value"')""",
    *("tool_signals(value, 'consent')", "category_signals(value)", "allowed_signals(value)"),
    *("denied_signals(value)", "listed_signals(value, 'm')", "members(value)", "kept_json(value)"),
    *("consent_signals(value, null, value, value)", "texts_within(value)", "whole_object(value)"),
    *("""first_time_of_json(value, '"2026-01-02"')""", """is_empty_container(value, '$."a"')"""),
    f"is_plain_member(array['userId', value], {PLACEHOLDERS})",
    f"texts_of_json(value, {LISTED_PATHS})",
)
LONG = (
    *(("", "a.", ""), ("a@", "b.", ""), ("h://", "a.", "-"), ("", "%40a", ""), ("", "://a", "")),
    *(("", "?", ""), ("", "/", ""), ("", "0:", ""), ("1", " ", "y"), ("555", "-", "z")),
    *(("1", ",", "x"), (":", " ", ""), ("", "1 ", "z"), ("a", "\u3000", "a"), ("h://a?", "x", "")),
)
"""What long texts begin with, have again and again, and end with."""

OF_LONG_TEXTS = (
    *("trimmed(value)", "as_timestamp(value)", "to_domain(value)", "to_url_path(value)"),
    *("to_ip_prefix(value)", "normalized_phone(value)", "is_email_like(value)"),
    *("is_card_of_issuer(value)", "looks_like_identifier(value)"),
)
WITHOUT_ORDER = {"texts_within", "key_names", "other_spellings"}
"""Functions whose lists are in any order."""

_INNER = {"alternatives", "hexadecimal", "ipv6_head", "ipv6_tail", "is_ipv6"}
INNER = {
    "postgres": {*_INNER, "rewritten"},
    "spark": {*_INNER, "agreed_member", "identifier_pattern", "unbroken_part"},
}
"""By engine, functions that only functions of DuckDB call."""


class Other(Protocol):
    """An engine other than DuckDB, with the functions."""

    def columns(self, calls: Sequence[str], values: Sequence[str | None]) -> list[list[Any]]:
        """Return what each call gives of each value."""

    def text_of_bytes(self, given: bytes) -> str | None:
        """Return what the function of that name gives."""


@dataclass(frozen=True)
class Engines:
    """DuckDB and another engine."""

    duckdb: duckdb.DuckDBPyConnection
    other: Other

    def differences(
        self, calls: Sequence[str], values: Sequence[str]
    ) -> list[tuple[str, str | None]]:
        """Return the first places where they differ, of texts and of null: the call, the text."""
        given = [*values, None]
        selected = ", ".join(_sql(call) for call in calls)
        rows = f"select *, {READABLE} as readable from ({_rows(given)})"
        ours = self.duckdb.execute(f"select {selected} from ({rows}) order by place").fetchall()
        found = (
            (call, text)
            for call, column, other in zip(
                calls, zip(*ours, strict=True), self.other.columns(calls, given), strict=True
            )
            for text, one, two in zip(given, column, other, strict=True)
            if _plain(call, one) != _plain(call, two)
        )
        return list(itertools.islice(found, 10))


@dataclass(frozen=True)
class Postgres:
    """PostgreSQL."""

    server: Server

    def columns(self, calls: Sequence[str], values: Sequence[str | None]) -> list[list[Any]]:
        """Return what each call gives of each value."""
        # A statement for each: PostgreSQL keeps but 32 patterns, and would make more for each row.
        statements = [
            f"select replace(json_agg({_sql(call)} order by place)::text, chr(10), '') from given;"
            for call in calls
        ]
        made = (
            f"create temporary table given as "
            f"select *, {READABLE} as readable from ({_rows(values)}) as texts;"
        )
        given = self.server.run("\n".join([made, *statements]), DATABASE).split("\n")[:-1]
        return [json.loads(line) for line in given]

    def text_of_bytes(self, given: bytes) -> str | None:
        """Return what the function of that name gives."""
        sql = f"select to_json({SCHEMA}.text_of_bytes('\\x{given.hex()}'));"
        text: str | None = json.loads(self.server.run(sql, DATABASE).strip() or "null")
        return text


@dataclass(frozen=True)
class Spark:
    """Spark."""

    session: Any

    def columns(self, calls: Sequence[str], values: Sequence[str | None]) -> list[list[Any]]:
        """Return what each call gives of each value."""
        rows = self.session.createDataFrame([*enumerate(values)], "place int, value string")
        rows.coalesce(1).createOrReplaceTempView("texts")
        self._run(f"select *, {READABLE} as readable from texts").createOrReplaceTempView("given")
        columns: list[list[Any]] = []
        for begin in range(0, len(calls), CALLS_OF_A_STATEMENT):
            several = map(_spark_sql, calls[begin : begin + CALLS_OF_A_STATEMENT])
            selected = [f"{sql} as c{place}" for place, sql in enumerate(several)]
            found = self._run(f"select {', '.join(selected)} from given order by place").collect()
            columns += map(list, zip(*found, strict=True))
        return columns

    def text_of_bytes(self, given: bytes) -> str | None:
        """Return what the function of that name gives."""
        [row] = self._run(f"select {SCHEMA}.text_of_bytes(x'{given.hex()}')").collect()
        text: str | None = row[0]
        return text

    def _run(self, sql: str) -> Any:
        return self.session.sql(in_session(sql))


def _rows(values: Sequence[str | None]) -> str:
    literals = ("null" if text is None else "'" + text.replace("'", "''") + "'" for text in values)
    listed = ", ".join(f"({place}, {literal})" for place, literal in enumerate(literals))
    return f"select * from (values {listed}) as given (place, value)"


def _sql(call: str) -> str:
    called = re.sub(r"\b(?!array\b|cast\b)([a-z_0-9]+)\(", rf"{SCHEMA}.\1(", call)
    sql = re.sub(rf"({SCHEMA}\.(?:key_names|json_texts)\([^()]*\))\[", r"(\1)[", called)
    return f"cast({sql} as text)" if _gives_time(call) else sql


def _gives_time(call: str) -> bool:
    return bool(re.match(r"as_(date|timestamp|written)|first_time|possible|time_|moment_of", call))


def _spark_sql(call: str) -> str:
    """Return a call as Spark has it: other lists, other literals."""
    parts = re.split(r"('(?:[^']|'')*')", _sql(call))
    for place, part in enumerate(parts):
        if place % 2:
            parts[place] = part.replace("\\", "\\\\")
        else:
            indexed = re.sub(r"\[(\d+)\]", lambda index: f"[{int(index[1]) - 1}]", part)
            listed = indexed.replace("text[]", "array<string>").replace("as text", "as string")
            parts[place] = re.sub(r"(?<!\d)\](?!\d)", ")", listed.replace("array[", "array("))
    sql = "".join(parts)
    # It writes years after 9999 with a sign.
    return f"ltrim('+', {sql})" if _gives_time(call) else sql


def _plain(call: str, value: Any) -> Any:
    """Return what the engines write in two ways in one."""
    name = call.partition("(")[0]
    if isinstance(value, bytes | bytearray):
        return "\\x" + value.hex()
    if not isinstance(value, list | tuple):
        return value
    items = [_plain("", item) for item in value]
    if name == "key_names":
        return [_names(item) for item in items]
    return sorted(items, key=repr) if name in WITHOUT_ORDER else items


def _names(item: Any) -> Any:
    """Return names of keys, sorted; one that has the separator counts as two, as it is stored."""
    if item is None:
        return None
    joined = item if isinstance(item, str) else "".join(f"{name}\x1f" for name in item)
    return sorted(joined[:-1].split("\x1f")) if joined else []


TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(inner), st.dictionaries(TEXTS | st.sampled_from("abc"), inner))


JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS), containers
)

SIGNALS = [
    *(
        "category yes: ads",
        "category no: ads",
        "category unreadable: ads",
        "categories unreadable",
    ),
    *("integration yes: GA4", "integration no: ga4", "integration no: all", "consent no: all"),
]


class _EachFunction:
    """What an engine makes of texts, beside DuckDB."""

    def test_texts_become_the_same(self, engines: Engines) -> None:
        assert engines.differences(OF_TEXTS, texts()) == []

    def test_messages_are_read_alike(self, engines: Engines) -> None:
        assert engines.differences(OF_MESSAGES, messages()) == []

    def test_json_texts_are_read_alike(self, engines: Engines) -> None:
        found = engines.duckdb.execute(
            f"with given as ({_rows(messages())}), readable as "
            f"(select {READABLE} as value from given) "
            f"select distinct unnest({SCHEMA}.json_texts(value, {LISTED_PATHS})) from readable"
        )
        json_texts = sorted((text for (text,) in found.fetchall() if text), key=len)
        assert engines.differences(OF_JSON, json_texts[:2000]) == []

    def test_consent_is_judged_alike(self, engines: Engines) -> None:
        """Each signal with each other one, where consent is needed and where it is not."""
        rule = (
            "array['integration no: ga4'], array['integration unreadable: ga4'], "
            "array['integration no: all'], array['integration yes: GA4'], "
            "array['consent no: all'], array['consent yes: GA4'], array['ads']"
        )
        calls = [
            call
            for other in SIGNALS
            for signals in [f"array[value, '{other}']"]
            for call in (
                f"categories_with(array['ads', 'x'], {signals}, 'no')",
                f"categories_allowed(array['ads', 'x'], {signals})",
                *(f"denial({signals}, {rule}, {needed})" for needed in (0, 1)),
            )
        ]
        assert engines.differences(calls, SIGNALS) == []
        assert engines.differences([f"denial(null, {rule}, 1)"], [""]) == []

    def test_bytes_become_the_same_text(self, engines: Engines) -> None:
        for given_bytes in (b"", "é".encode(), b"\xff", b"\xed\xa0\x80", b"{}"):
            sql = f"select {SCHEMA}.text_of_bytes"
            [(ours,)] = engines.duckdb.execute(f"{sql}(?)", [given_bytes]).fetchall()
            assert ours == engines.other.text_of_bytes(given_bytes)


@pytest.fixture(scope="module")
def on_postgres(postgres: Server) -> Iterator[Engines]:
    postgres.run(
        f"create database {DATABASE} template template0 locale_provider icu "
        f"icu_locale '{LOCALE}' locale 'C'"
    )
    cryptography = "create schema pgcrypto; create extension pgcrypto schema pgcrypto;"
    made = f"{cryptography} create schema {SCHEMA};\n{functions.read_text('postgres')}"
    postgres.run(made, DATABASE)
    with duckdb.connect() as connection:
        create(connection)
        yield Engines(connection, Postgres(postgres))


class TestPostgres(_EachFunction):
    """PostgreSQL, in a database whose small letters are others than those of the functions."""

    @pytest.fixture
    def engines(self, on_postgres: Engines) -> Engines:
        return on_postgres

    @settings(max_examples=10)
    @given(listed=st.lists(TEXTS))
    def test_any_text_becomes_the_same(self, on_postgres: Engines, listed: list[str]) -> None:
        assert on_postgres.differences(OF_TEXTS, ["", *listed]) == []

    @settings(max_examples=10)
    @given(listed=st.lists(st.tuples(JSON_VALUES, JSON_VALUES, st.booleans())))
    def test_any_message_is_read_alike(
        self, on_postgres: Engines, listed: list[tuple[Any, Any, bool]]
    ) -> None:
        read = [
            json.dumps(
                {"type": "track", "properties": properties, "a": value}, ensure_ascii=escaped
            )
            for properties, value, escaped in listed
        ]
        assert on_postgres.differences(OF_MESSAGES, ["{}", *read]) == []


@pytest.fixture(scope="module")
def on_spark(spark: Any) -> Iterator[Engines]:
    make_functions(spark)
    with duckdb.connect() as connection:
        create(connection)
        yield Engines(connection, Spark(spark))


class TestSpark(_EachFunction):
    """Spark."""

    @pytest.fixture
    def engines(self, on_spark: Engines) -> Engines:
        return on_spark

    def test_no_long_text_stops_it(self, on_spark: Engines) -> None:
        """Java has each turn of a repeated group on its stack, and tries again what failed."""
        texts = [begin + unit * 9_000 + end for begin, unit, end in LONG]
        assert on_spark.differences(OF_LONG_TEXTS, texts) == []

    def test_rows_that_stay_are_not_written_anew(self, spark: Any) -> None:
        """Another thread may be adding rows of its own to the table."""
        engine = spark_engine.Spark(MagicMock())
        engine.create_tables("default", {"noted": "view_name varchar"})
        spark.sql("insert into noted values ('events')")
        warehouse = Path(urlsplit(spark.conf.get("spark.sql.warehouse.dir")).path)
        folder = warehouse / spark_engine.STATE / "noted"
        written = sorted(folder.glob("*.parquet"))
        with engine.cursor() as cursor:
            cursor.execute("delete from default.noted where view_name = 'groups'")
            assert sorted(folder.glob("*.parquet")) == written != []
            cursor.execute("delete from default.noted where view_name = 'events'")
            cursor.execute("select count(*) from noted")
            assert cursor.fetchall() == [(0,)]

    def test_executors_make_the_same_tokens_of_a_key_file(
        self, spark: Any, tmp_path: Path
    ) -> None:
        from pyspark import cloudpickle

        path = tmp_path / "masking.key"
        write_key_file(path, KEY)
        of_key = load_master_key({"HIPAA_MODE_KEY": KEY}).fingerprint("dev")
        file = spark_masking.key_file({spark_masking.FILE_VARIABLE: str(path)}, "dev", of_key)
        assert file is not None
        subkeys = {scope: subkey("dev", scope) for scope in ("*", "ads")}
        pickled: Callable[[Any], bytes] = cloudpickle.dumps
        for name, where in (("given", None), ("read", file)):
            function = spark_masking.masking(subkeys, where)
            assert (subkeys["*"].encode() in pickled(function.func)) is (where is None)
            spark.udf.register(name, function)
        values = "values ('jane', '*'), ('jane', 'ads'), (' ', '*'), (null, 'ads') as t (v, s)"
        expected = [token("jane", scope="*"), token("jane", scope="ads"), None, None]
        for name in ("given", "read"):
            rows = spark.sql(f"select {name}(v, s) from {values}").collect()
            assert [row[0] for row in rows] == expected
        engine = spark_engine.Spark(MagicMock())
        with (
            pytest.raises(HipaaModeError, match="Spark can't run a statement"),
            engine.cursor() as cursor,
        ):
            cursor.execute("select read('jane', 'another')")
        path.chmod(0o644)
        unread = spark_masking.masking(subkeys, replace(file, environment="prod"))
        spark.udf.register("unread", unread)
        with pytest.raises(HipaaModeError, match="others can read it"), engine.cursor() as cursor:
            cursor.execute("select unread('jane', '*')")

    def test_no_log_has_the_function_with_its_subkeys(self, spark: Any) -> None:
        masking = spark_masking.masking({"*": subkey("dev", "*")}, None)
        log4j = spark._jvm.org.apache.logging.log4j
        written = spark._jvm.java.io.StringWriter()
        layout = log4j.core.layout.PatternLayout.createDefaultLayout()
        appender = log4j.core.appender.WriterAppender.createAppender(
            layout, None, written, "of_tests", False, False
        )
        appender.start()
        log4j.LogManager.getRootLogger().addAppender(appender)
        in_numbers = ", ".join(map(str, subkey("dev", "*").encode()))
        log4j.core.config.Configurator.setLevel(REGISTERS, log4j.Level.DEBUG)
        spark.udf.register("logged", masking)
        assert in_numbers in written.toString()
        written.getBuffer().setLength(0)
        spark_engine.silence(spark)
        spark.udf.register("logged", masking)
        assert written.toString() == ""
        log4j.LogManager.getRootLogger().removeAppender(appender)

    def test_an_error_tells_no_value(self, spark: Any, capfd: pytest.CaptureFixture[str]) -> None:
        run_as_before = spark.sql
        run_privately(spark)
        try:
            spark.sql("select * from values ('pa' || 'tient@x.com') as t (v)").createTempView("v")
            spark.sql("create table shown (v int) using parquet")
            reads: list[Callable[[], object]] = [
                lambda: spark.sql("select cast(v as int) from v").collect(),
                lambda: spark.sql("select cast(v as int) from v").take(1),
                lambda: spark.sql("insert into shown select cast(v as int) from v"),
            ]
            for read in reads:
                with pytest.raises(HipaaModeError, match="CAST_INVALID_INPUT") as raised:
                    read()
                assert "tient@x" not in "".join(traceback.format_exception(raised.value))
        finally:
            spark.sql = run_as_before
        said = capfd.readouterr()
        assert "tient@x" not in said.out + said.err


# The files.


def parameters_of(engine: str) -> dict[str, list[tuple[str, ...]]]:
    """Return the names of the parameters of the functions of a file, by name."""
    made = re.compile(
        rf"^create function {SCHEMA}\.(\w+)\((.*?)\)\s+returns ", re.DOTALL | re.MULTILINE
    )
    found: dict[str, list[tuple[str, ...]]] = {}
    for name, parameters in made.findall((FILES / f"{engine}.sql").read_text("utf-8")):
        listed = re.sub(r"<[^()]*?>+", "", parameters).split(",")
        found.setdefault(name, []).append(
            tuple(each.split()[0] for each in listed if each.strip())
        )
    return found


def read_postgres() -> dict[str, list[tuple[str, str, str]]]:
    """Return parameters, nature and body of the functions of the file, by name."""
    made = re.compile(
        rf"^create function {SCHEMA}\.(\w+)\((.*?)\)\s+returns (.*?)"
        r"(?:\nreturn (.*?);|as \$\$\n(.*?)\$\$;)$",
        re.DOTALL | re.MULTILINE,
    )
    found: dict[str, list[tuple[str, str, str]]] = {}
    for name, parameters, nature, expression, block in made.findall(
        (FILES / "postgres.sql").read_text("utf-8")
    ):
        found.setdefault(name, []).append((parameters, nature, expression or block))
    return found


@pytest.mark.parametrize("engine", INNER)
def test_each_function_has_its_twin(engine: str) -> None:
    known, theirs = functions.functions(), parameters_of(engine)
    assert known.keys() - theirs.keys() == INNER[engine]
    for name in known.keys() - INNER[engine]:
        assert known[name].parameters in theirs[name], name


def test_what_never_differs_is_written_into_the_functions_of_spark() -> None:
    made = statements(
        "create function hipaa_functions.one() returns string return 'a';\n"
        "create function hipaa_functions.two() returns string\n"
        "return hipaa_functions.one() || 'b';\n"
        "create function hipaa_functions.is_it(value string) returns boolean\n"
        "return value = hipaa_functions.two() or value = 'hipaa_functions.two()';\n"
    )
    body = made[-1].partition("\nreturn ")[2]
    text = "cast((cast(('a') as string) || 'b') as string)"
    assert body == f"value = {text} or value = 'hipaa_functions.two()'"


def test_each_function_of_a_value_is_compared() -> None:
    calls = (*OF_TEXTS, *OF_MESSAGES, *OF_JSON)
    compared = {name for call in calls for name in re.findall(r"(\w+)\(", call)}
    of_values = {name for name, function in functions.functions().items() if function.parameters}
    elsewhere = {"text_of_bytes", "categories_with", "categories_allowed", "denial"}
    reached = {
        *(
            "are_keys_of",
            "ipv6_parts",
            "rewritten",
            "agreed_member",
            "unbroken_part",
            "microseconds",
        ),
        "may_be_milliseconds",
    }
    assert of_values - _INNER - compared == elsewhere | reached


def test_what_survives_an_error_is_not_parallel_safe() -> None:
    """PostgreSQL before 17 refuses to handle an error in a parallel query."""
    theirs = read_postgres()
    bodies = {name: " ".join(body for *_, body in made) for name, made in theirs.items()}
    unsafe = {name for name, body in bodies.items() if "\nexception " in body}
    assert unsafe
    while more := {
        name
        for name, body in bodies.items()
        if name not in unsafe and unsafe & {*re.findall(rf"{SCHEMA}\.(\w+)\(", body)}
    }:
        unsafe |= more
    safe = {
        name for name, made in theirs.items() if any("safe" in nature for _, nature, _ in made)
    }
    assert unsafe & safe == set()


@pytest.mark.parametrize("engine", INNER)
def test_each_function_has_a_comment(engine: str) -> None:
    lines = (FILES / f"{engine}.sql").read_text("utf-8").splitlines()
    made = [place for place, line in enumerate(lines) if line.startswith("create function ")]
    assert made
    assert [lines[place] for place in made if not lines[place - 1].startswith("-- ")] == []
