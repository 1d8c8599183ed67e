"""The last look at a destination's finished files, before they are put in place.

Nothing of the build is trusted: a DuckDB connection of its own, in memory and with default
settings, without plugin, without a macro of dbt or of the database. What it compares with is the
plan, made from the seeds, and the ids of the calls, read from the restricted zone.
"""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hipaa_mode import functions, raw_ids
from hipaa_mode.calls import CALL_TYPES
from hipaa_mode.configuration import ANY, ENVELOPE, ENVELOPE_IDS, LATEST_VIEWS
from hipaa_mode.errors import PublishingError
from hipaa_mode.inventory.shapes import expressions, has_card_number
from hipaa_mode.plan import DestinationPlan, ViewColumn
from hipaa_mode.quoting import identifier, literal
from hipaa_mode.run.required_checks import SHORTEST_ID

DIGITS = {"mask": 64, "surrogate": 32}
"""Lower-case hexadecimal digits of a token and of a surrogate code."""

ELEMENT = ".list.element"
"""What the path of a list's elements ends with in a file."""

SMALL_BYTES = 32 * 1024 * 1024
"""Bytes that can be held at once."""

TRUNCATED = ("second", "minute", "hour", "day", "month", "year")
HEXADECIMAL = b"0123456789abcdef"
RANKED_DIGITS = 15
"""Digits of row ids that rows are sorted by; see macro `token_order`."""

SPREADING = np.uint64(0x9E3779B97F4A7C15)
"""An odd number by which two halves of a row id become one number."""

ROWS_AT_ONCE = 8_192
"""Rows whose tokens are looked at together: they fit into a processor's own memory."""

Reader = AbstractContextManager[pa.RecordBatchReader]
"""Rows of the restricted zone, as long as they are read."""

MANY_DIGITS = "[0-9]([ .-]{0,2}[0-9]){12}"

TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "json": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
}


@dataclass(frozen=True)
class FinishedView:
    """A view's finished files.

    Attributes:
        name: name of the view's model.
        view: which of the destination's views it is.
        files: the files that this run wrote.
        kept: the files of earlier runs that stay: how many people have a value counts in all.
        rows: how many rows they must have together.
        left_out: columns that the view's tests leave out as reviewed.
        shortest_id: characters of the shortest id that is looked for.
    """

    name: str
    view: str
    files: Sequence[Path]
    rows: int
    left_out: frozenset[str] = frozenset()
    shortest_id: int = SHORTEST_ID
    kept: Sequence[Path] = ()


@dataclass(frozen=True)
class Problem:
    """What is wrong with a view's files. No value is in it."""

    view: str
    column: str
    check: str
    count: int

    def __str__(self) -> str:
        """Say it as messages do."""
        place = f"{self.view}.{self.column}" if self.column else self.view
        return f"{place}: {self.count} {self.check}"


class FileChecker:
    """A database that knows the ids of the calls, and looks for them in files.

    It has to be given them before it looks at any file. It may look at several views at once.

    Args:
        normalizations: by the name of an id, how destinations bring it to one spelling.

    Attributes:
        has_ids: whether it was given them.
        coincidences: how many values it took for no leak of ids, by view and column.
    """

    def __init__(self, normalizations: Mapping[str, Sequence[str]] | None = None) -> None:
        self._connection = duckdb.connect(":memory:")
        self._normalizations = normalizations or {}
        spellings = self._spellings("text", self._normalizations)
        called = (raw_ids.spelling("text"), raw_ids.json_texts("text"), *spellings)
        functions.create_called(self._connection, " ".join(called))
        self.has_ids = False
        self.coincidences: dict[str, dict[str, int]] = {}

    def close(self) -> None:
        """Forget the ids."""
        self._connection.close()

    def add_ids(self, ids: pa.RecordBatchReader) -> None:
        """Note the ids of all usable calls by what they are ids of, hashed.

        Args:
            ids: what `ids_of_calls` gives.
        """
        self._connection.register("ids_of_calls", ids)
        of_kind = " union all ".join(
            f"select '{name}' as kind, id_key, max(length) as length, sum(calls) as calls from "
            f"({self._keys_of_ids(name)}) as keys group by id_key"
            for name in ENVELOPE_IDS
        )
        self._connection.execute(
            "create or replace table ids as with given as materialized "
            f"(select * from ids_of_calls) {of_kind}"
        ).fetchall()
        self._connection.unregister("ids_of_calls")
        self.has_ids = True

    def _keys_of_ids(self, name: str) -> str:
        """Return a query of the ids of a name, by key: once in whichever spelling."""
        texts = ", ".join(("id", *self._spellings("id", [name])))
        return (
            f"select {_key('text')} as id_key, max(length(text)) as length, max(calls) as calls "
            f"from (select id, calls, unnest([{texts}]) as text from given where kind = '{name}') "
            f"as texts where length(text) >= {SHORTEST_ID} group by id, id_key"
        )

    def _spellings(self, text: str, names: Iterable[str]) -> list[str]:
        """Return SQL of the spellings of a text that destinations have of some ids."""
        found = {how for name in names for how in self._normalizations.get(name, ())}
        return [normalized_sql(how, text) for how in sorted(found)]

    def check(
        self,
        plan: DestinationPlan,
        finished: FinishedView,
        read_denied: Callable[[], Reader] | None = None,
    ) -> list[Problem]:
        """Compare a view's new files with the plan.

        Args:
            read_denied: gives column `row_id` of the rows that the destination may not have;
                they are looked for where nothing else is wrong.

        Returns:
            What is wrong with them; nothing where they may go out.

        Raises:
            PublishingError: a file can't be read.
        """
        spellings = self._spellings("shown_text", ENVELOPE_IDS)
        try:
            problems = _wrong_schemas(finished, plan.columns(finished.view))
            if problems or not finished.files:
                return problems
            # What a cursor makes for a while is its own.
            with self._connection.cursor() as cursor:
                view = _View(cursor, plan, finished, spellings)
                problems = view.problems()
                if view.coincidences:
                    self.coincidences[finished.name] = view.coincidences
                if read_denied and not problems:
                    with read_denied() as denied:
                        problems = view.denied(denied)
        except (duckdb.Error, pa.ArrowException) as error:
            # Its text could quote a value.
            raise PublishingError(
                f"The finished files of {finished.name} can't be checked "
                f"({type(error).__name__}), so they were not put in place. Run dbt build again"
            ) from None
        return problems


class _View:
    """Looks at a view's files, by a connection that knows the ids of the calls.

    Args:
        spellings: SQL of other spellings of `shown_text`.

    Attributes:
        coincidences: how many values were taken for no leak of ids, by column.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        plan: DestinationPlan,
        finished: FinishedView,
        spellings: Sequence[str],
    ) -> None:
        self._connection = connection
        self._plan = plan
        self._finished = finished
        self._columns = plan.columns(finished.view)
        self._spellings = spellings
        self.coincidences: dict[str, int] = {}

    def problems(self) -> list[Problem]:
        """Compare all that the files have with the plan."""
        with ThreadPoolExecutor(1) as pool:
            tokens = pool.submit(_tokens, self._finished, self._columns)
            others = self._of_rows()
            problems, are_different = tokens.result()
        if not are_different:
            problems += self._repeated()
        return [*problems, *others]

    def _of_rows(self) -> list[Problem]:
        """Look at all that rows say of themselves, and at the texts in them."""
        finished = self._finished
        self._read("finished", finished.files)
        if finished.kept:
            self._read("whole", [*finished.files, *finished.kept])
        else:
            self._execute("create or replace temp view whole as from finished")
        problems = self._counts()
        looked_at = _looked_at(finished, self._columns) if self._plan.restrict_phi else []
        for group in self._read_together(looked_at):
            problems += self._identifiers(group)
        return problems

    @functools.cached_property
    def _sizes(self) -> Mapping[str, int]:
        return column_bytes(self._finished.files)

    def _read_together(self, looked_at: Sequence[int]) -> list[list[int]]:
        """Group columns whose different texts can be held at once."""
        files = self._finished.files
        together = list(looked_at)
        if not are_small(files, SMALL_BYTES):
            together = [c for c in looked_at if self._columns[c].treatment not in DIGITS]
            if not have_few_texts(self._sizes, {self._columns[c].name for c in together}):
                together = []
        return [together, *([c] for c in looked_at if c not in together)]

    def _read(self, relation: str, files: Sequence[Path]) -> None:
        """Name the rows of files. Kept in memory they would take longer than to be read again."""
        paths = ", ".join(literal(str(path)) for path in files)
        self._execute(f"create or replace temp view {relation} as from read_parquet([{paths}])")

    def denied(self, denied: pa.RecordBatchReader) -> list[Problem]:
        """Look for rows that the destination may not have: the column `row_id` of `denied`."""
        self._connection.register("denied", denied)
        found = self._count(
            "select count(*) from finished where row_id in (select row_id from denied)"
        )
        self._connection.unregister("denied")
        if found:
            check = "rows of calls that are denied to it"
            return [Problem(self._finished.name, "", check, found)]
        return []

    def _counts(self) -> list[Problem]:
        """Count all that a row or a value can be seen to be by itself, in one scan."""
        finished = self._finished
        asked = list(_counted(self._plan, finished.view, self._columns))
        counts = ["count(*)", *(f"coalesce(sum({expression}), 0)" for _, _, expression in asked)]
        query = f"select {', '.join(counts)} from finished"
        [(rows, *found)] = self._connection.execute(query).fetchall()
        problems = [
            Problem(finished.name, column, check, int(count))
            for (column, check, _), count in zip(asked, found, strict=True)
            if count
        ]
        if rows != finished.rows:
            check = f"rows where its view has {finished.rows}"
            problems.append(Problem(finished.name, "", check, rows))
        return problems

    def _repeated(self) -> list[Problem]:
        repeated = self._count("select count(*) - count(distinct row_id) from finished")
        check = "null or repeated values"
        return [Problem(self._finished.name, "row_id", check, repeated)] if repeated else []

    def _identifiers(self, looked_at: Sequence[int]) -> list[Problem]:
        """Look at the different texts of some columns: ids of calls, and what looks like one.

        Args:
            looked_at: places of the columns.
        """
        finished, columns = self._finished, self._columns
        seeking: dict[tuple[str, str], list[int]] = {}
        for place in looked_at:
            column = columns[place]
            if column.name != "event":
                key = (_ids_alike(finished, column, columns), column.data_type)
                seeking.setdefault(key, []).append(place)
        seeking = {
            key: places
            for key, places in seeking.items()
            if self._count(f"select count(*) {key[0]}")
        }
        suspected = [
            place
            for place in looked_at
            if columns[place].treatment not in DIGITS
            and columns[place].guard not in ("none", "warn")
        ]
        read = sorted({*suspected, *(place for places in seeking.values() for place in places)})
        if not read:
            return []
        texts = _different_texts(read, columns, self._sizes)
        self._execute(f"create or replace temp table texts as {texts}")
        found: list[tuple[int, str, int]] = []
        for (ids, data_type), places in seeking.items():
            identifiers = f"(select id_key as identifier, sum(calls) as calls {ids} group by 1)"
            shown = (
                f"(select column_number, {_leaf(data_type, 'text')} as shown_text from texts "
                f"where {_are_of(places)})"
            )
            is_latest = finished.view in LATEST_VIEWS
            person = "row_id" if is_latest else "coalesce(user_id, anonymous_id)"
            people = (
                f"(select column_number, {_leaf(data_type, 'text')} as shown_text, person "
                f"from ({_texts(places, columns, 'whole', person)}) as texts_of_people)"
            )
            for place, leaks, coincidences in self._leaks(shown, people, identifiers):
                found.append((place, "ids as they arrived", leaks))
                if coincidences:
                    self.coincidences[columns[place].name] = coincidences
        if suspected:
            check = "values that look like identifiers"
            patterns = self._patterns(suspected)
            found += [(place, check, count) for place, count in patterns.items()]
        return [
            Problem(finished.name, columns[place].name, check, count)
            for place, check, count in sorted(found)
            if count
        ]

    def _patterns(self, suspected: Sequence[int]) -> Mapping[int, int]:
        """Count the texts of columns that look like identifiers, by the column's place."""
        # A network is all that treatment ip_prefix leaves, and looks like an address.
        networks = [place for place in suspected if self._columns[place].treatment == "ip_prefix"]
        patterns = expressions()
        joined = "|".join(patterns.values())
        of_others = "|".join(pattern for kind, pattern in patterns.items() if kind != "ip")
        looks_like_one = (
            f"case when {_are_of(networks)} then regexp_matches(text, {literal(of_others)}) "
            f"else regexp_matches(text, {literal(joined)}) end"
        )
        suspects = self._connection.execute(
            f"select column_number, text, {looks_like_one} from texts where "
            f"{_are_of(suspected)} and regexp_matches(text, {literal(f'{joined}|{MANY_DIGITS}')})"
        )
        found: dict[int, int] = dict.fromkeys(suspected, 0)
        while rows := suspects.fetchmany(10_000):
            for place, text, looks in rows:
                found[place] += bool(looks or has_card_number(text))
        return found

    def _leaks(self, shown: str, people: str, identifiers: str) -> list[tuple[int, int, int]]:
        query = raw_ids.judged_values(shown, people, identifiers, _key, self._spellings)
        return self._connection.execute(query).fetchall()

    def _execute(self, statement: str) -> None:
        self._connection.execute(statement).fetchall()

    def _count(self, query: str) -> int:
        [(count,)] = self._connection.execute(query).fetchall()
        return int(count)


def ids_of_calls(calls_read: str, count: str, text_type: str = "varchar") -> str:
    """Return a query of the ids of usable calls: `kind`, `id`, and `calls`, how many have it.

    Counted where the calls are, for there are far fewer ids than calls.

    Args:
        calls_read: the relation of all calls.
        count: SQL of how many rows a group has; see `Engine`.
        text_type: SQL of the type of texts.
    """
    return " union all ".join(
        f"select '{name}' as kind, cast({name} as {text_type}) as id, {count} as "
        f"calls from {calls_read} where rejection_reason is null and {name} <> '' group by {name}"
        for name in ENVELOPE_IDS
    )


def _wrong_schemas(finished: FinishedView, columns: Sequence[ViewColumn]) -> list[Problem]:
    """Compare the columns of each file with the plan's, in their order and with their types.

    Whatever else a Parquet file may carry beside its columns is none of the build's.
    """
    expected = [(column.name, column.data_type, column.is_list) for column in columns]
    problems: list[Problem] = []
    for file in finished.files:
        with pq.ParquetFile(file) as opened:
            schema, notes = opened.schema_arrow, opened.metadata.metadata
        actual = [(field.name, *_type_of(field.type)) for field in schema]
        if actual != [
            (name, "text" if data_type == "json" else data_type, is_list)
            for name, data_type, is_list in expected
        ]:
            names = {name for name, _, _ in expected}
            others = [name for name in schema.names if name not in names]
            check = "columns that are not the plan's" if others else "columns in another form"
            count = len(others) or 1
            problems.append(Problem(finished.name, "", f"{check}, in {file.name}", count))
        elif never_null := sum(not field.nullable for field in schema):
            # A database knows it of all its rows, and not of those in this file alone.
            check = f"columns that are said to be never null, in {file.name}"
            problems.append(Problem(finished.name, "", check, never_null))
        elif notes or schema.metadata:
            check = f"notes beside its columns, in {file.name}"
            problems.append(Problem(finished.name, "", check, 1))
    return problems


def _tokens(finished: FinishedView, columns: Sequence[ViewColumn]) -> tuple[list[Problem], bool]:
    """Count values that are no tokens, and rows that stand before one of a lower row id.

    Not in SQL: DuckDB's regular expressions take three times as long over so many digits.

    Returns:
        What is wrong, and whether all row ids are certain to be different.
    """
    digits = {c.name: DIGITS[c.treatment] for c in columns if c.treatment in DIGITS}
    wrong: Counter[tuple[str, str]] = Counter()
    keys: list[np.ndarray] = []
    for path in finished.files:
        last = pa.array([""])
        with pq.ParquetFile(path) as opened:
            # Several views are looked at together: more threads would take turns.
            for batch in opened.iter_batches(
                ROWS_AT_ONCE, columns=list(digits), use_threads=False
            ):
                for name, values in zip(batch.schema.names, batch.columns, strict=True):
                    wrong[name, "values that are no tokens"] += _no_tokens(values, digits[name])
                row_ids = batch["row_id"]
                words = _words(row_ids)
                wrong["row_id", "rows out of order"] += _out_of_order(last, row_ids, words)
                last = pa.concat_arrays([last, row_ids.drop_null()[-1:]])[-1:]
                keys.append(words[:, 0] * SPREADING + words[:, 1])
    problems = [Problem(finished.name, *key, count) for key, count in wrong.items() if count]
    return problems, _are_different(keys)


def _words(row_ids: pa.Array) -> np.ndarray:
    """Return the digits of each row id, eight a number; equal ones where some are no tokens."""
    count = DIGITS["mask"] // 8
    if not len(row_ids):
        return np.zeros((0, count), np.uint64)
    _, offsets, content = row_ids.buffers()
    ends = np.frombuffer(offsets, np.int32)[row_ids.offset : row_ids.offset + len(row_ids) + 1]
    if row_ids.null_count or (np.diff(ends) != DIGITS["mask"]).any():
        return np.zeros((2, count), np.uint64)
    words = np.frombuffer(content, np.uint64, len(row_ids) * count, int(ends[0]))
    return words.reshape(-1, count)


def _are_different(keys: Sequence[np.ndarray]) -> bool:
    """Whether no two keys are equal. Of random ones that are, SQL tells whether the ids are."""
    in_order = np.sort(np.concatenate(keys)) if keys else np.zeros(0, np.uint64)
    return not (in_order[1:] == in_order[:-1]).any()


def _out_of_order(last: pa.Array, row_ids: pa.Array, words: np.ndarray) -> int:
    """Count the row ids that are lower than the one before.

    Args:
        last: the one before the first of them.
        words: see `_words`.
    """
    firsts = words[:, 0].view(">u8").astype(np.uint64)
    is_first_after = not len(row_ids) or pc.greater(row_ids[0], last[0]).as_py()
    if is_first_after and (firsts[1:] > firsts[:-1]).all():
        return 0
    row_ids = pa.concat_arrays([last, row_ids.drop_null()])
    ranks = pc.utf8_slice_codeunits(row_ids, 0, RANKED_DIGITS)
    return _count(pc.less(ranks[1:], ranks[:-1]))


def _no_tokens(values: pa.Array, digits: int) -> int:
    """Count the values, or elements of lists, that are not so many hexadecimal digits."""
    if pa.types.is_list(values.type):
        values = values.flatten()
    values = values.drop_null() if values.null_count else values
    if _are_hexadecimal(values, digits):
        return 0
    return _count(pc.invert(pc.match_substring_regex(values, f"^[0-9a-f]{{{digits}}}$")))


def _are_hexadecimal(values: pa.Array, digits: int) -> bool:
    """Whether all texts are so many lower-case hexadecimal digits; nulls are not looked at."""
    if not len(values):
        return True
    _, offsets, content = values.buffers()
    ends = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    if (np.diff(ends) != digits).any():
        return False
    characters = content[int(ends[0]) : int(ends[-1])].to_pybytes()
    return not characters.translate(None, HEXADECIMAL)


def _count(conditions: pa.Array) -> int:
    return int(pc.sum(conditions).as_py() or 0)


def _type_of(arrow: pa.DataType) -> tuple[str, bool]:
    is_list = pa.types.is_list(arrow)
    value = arrow.value_type if is_list else arrow
    names = [name for name, known in TYPES.items() if known == value]
    return (names[0] if names else str(value)), is_list


def _counted(
    plan: DestinationPlan, view: str, columns: Sequence[ViewColumn]
) -> Iterable[tuple[str, str, str]]:
    """Yield what is counted: column, what is wrong with those counted, and how many of a row."""
    for column in columns:
        name = identifier(column.name)
        if column.property_list != ENVELOPE:
            continue
        if column.name == "call_type":
            allowed = ", ".join(literal(kind) for kind in CALL_TYPES[view])
            yield column.name, "rows of other calls", _not(f"{name} in ({allowed})")
        elif column.name == "event" and (plan.events is None or ANY in plan.events):
            continue
        elif column.name == "event":
            sent = [literal(name) for name in (plan.events or {}).values()]
            is_sent = f"{name} in ({', '.join(sent)})" if sent else "false"
            wanted = is_sent if view == "events" else f"({name} is null or {is_sent})"
            yield column.name, "rows of events that are not allowed", _not(wanted)
        elif column.data_type == "timestamp" and plan.timestamp_precision == "none":
            yield column.name, "times", _not(f"{name} is null")
        elif column.data_type == "timestamp" and plan.timestamp_precision in TRUNCATED:
            truncated = f"date_trunc('{plan.timestamp_precision}', {name})"
            is_same = f"({name} is null or {truncated} is not distinct from {name})"
            check = f"times finer than {plan.timestamp_precision}"
            yield column.name, check, _not(is_same)


def _not(condition: str) -> str:
    return f"case when coalesce({condition}, false) then 0 else 1 end"


def _looked_at(finished: FinishedView, columns: Sequence[ViewColumn]) -> list[int]:
    """Return the places of the columns whose texts are looked at."""
    return [
        place
        for place, column in enumerate(columns)
        if column.data_type in ("text", "json")
        and column.name != "call_type"
        and column.name not in finished.left_out
        and not _is_allowed_id(column)
    ]


def _ids_alike(finished: FinishedView, column: ViewColumn, columns: Sequence[ViewColumn]) -> str:
    """Return the part of a query that reads the ids which a value of a column could be."""
    conditions = [f"length >= {finished.shortest_id}"]
    if passing := [literal(other.name) for other in columns if _is_allowed_id(other)]:
        conditions.append(f"kind not in ({', '.join(passing)})")
    if column.treatment in DIGITS:
        # Among tokens only an id of their length can be.
        conditions.append(f"length = {DIGITS[column.treatment]}")
    return f"from ids where {' and '.join(conditions)}"


def _texts(
    places: Sequence[int], columns: Sequence[ViewColumn], rows: str, person: str = "null"
) -> str:
    """Return the query of the texts in some columns, and of the person; of lists, their elements.

    The columns that are no lists are read together: a query for each would take longer to plan
    than to run.
    """
    names = {place: identifier(columns[place].name) for place in places}
    plain = [place for place in places if not columns[place].is_list]
    groups = [(str(place), f"unnest({names[place]})") for place in places if place not in plain]
    if len(plain) == 1:
        groups.append((str(plain[0]), names[plain[0]]))
    elif plain:
        numbers = ", ".join(map(str, plain))
        shown = ", ".join(names[place] for place in plain)
        groups.append((f"unnest([{numbers}])", f"unnest([{shown}])"))
    return " union all ".join(
        f"select {number} as column_number, {text} as text, {person} as person from {rows}"
        for number, text in groups
    )


def _different_texts(
    places: Sequence[int], columns: Sequence[ViewColumn], sizes: Mapping[str, int]
) -> str:
    """Return the query of the different texts in some columns.

    Those that can be held at once are lists first, which are made in one scan.
    """
    plain = [place for place in places if not columns[place].is_list]
    if not (plain and have_few_texts(sizes, {columns[place].name for place in plain})):
        return f"select distinct column_number, text from ({_texts(places, columns, 'finished')})"
    lists = ", ".join(f"list(distinct {identifier(columns[place].name)})" for place in plain)
    query = (
        "select column_number, unnest(texts) as text from (select unnest("
        f"[{', '.join(map(str, plain))}]) as column_number, unnest(texts) as texts from "
        f"(select [{lists}] as texts from finished))"
    )
    if others := [place for place in places if place not in plain]:
        texts = _texts(others, columns, "finished")
        query += f" union all select distinct column_number, text from ({texts})"
    return query


def _leaf(data_type: str, text: str) -> str:
    """Return the texts to compare with ids: of JSON, its scalars and keys, a row each."""
    return f"unnest({raw_ids.json_texts(text)})" if data_type == "json" else text


def _are_of(places: Sequence[int]) -> str:
    """Return the condition on a text's being of one of some columns."""
    return f"column_number in ({', '.join(map(str, places))})" if places else "false"


def are_small(files: Iterable[Path | str], most: int) -> bool:
    """Whether files take so many bytes at the most."""
    return sum(os.stat(path).st_size for path in files) <= most


def column_bytes(files: Iterable[Path | str]) -> Mapping[str, int]:
    """Return how many bytes each column of files takes before it is compressed."""
    sizes: Counter[str] = Counter()
    for path in files:
        metadata = pq.read_metadata(path)
        for place in range(metadata.num_columns):
            name = metadata.schema.column(place).path.removesuffix(ELEMENT)
            groups = range(metadata.num_row_groups)
            sizes[name] += sum(
                metadata.row_group(group).column(place).total_uncompressed_size for group in groups
            )
    return sizes


def have_few_texts(sizes: Mapping[str, int], columns: Collection[str]) -> bool:
    """Whether the different texts of some columns can be held at once.

    A column takes at least what its different texts do.

    Args:
        sizes: see `column_bytes`.
    """
    return sum(sizes.get(name, 0) for name in columns) <= SMALL_BYTES


def _is_allowed_id(column: ViewColumn) -> bool:
    return (
        column.property_list == ENVELOPE
        and column.name in ENVELOPE_IDS
        and column.treatment == "allow"
    )


def normalized_sql(normalize: str, text: str) -> str:
    """Return SQL of the one spelling of a text."""
    function = functions.normalizing(normalize)
    return f"{functions.SCHEMA}.{function}({text})" if function else text


def _key(text: str) -> str:
    """Return what two spellings of one id have in common, as 64 bits.

    That two of ten million texts share one is as likely as three in a million, and then a
    destination is held back that need not be.
    """
    return f"hash({raw_ids.spelling(text)})"
