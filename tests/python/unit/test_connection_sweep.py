"""A sweep over every setting of DuckDB: what may differ changes no answer, the rest is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import duckdb
import pytest

from hipaa_mode.run.connection import (
    MAY_DIFFER,
    MAY_DIFFER_PREFIXES,
    SETTINGS,
    connection_faults,
    default_settings,
)

NUMBERS = ("1", "7")
TEXTS = (
    *("x", "1GB", "desc", "nulls_first", "nocase", "America/New_York", "japanese"),
    *("json", "none", "all", "standard", "filter_pushdown", "v1.2.0", "query_tree", "16384"),
    *("information_schema", "always", "utf8", "enable_single_arrow"),
)
VALUES = {
    "BOOLEAN": ("true", "false"),
    "BIGINT": NUMBERS,
    "UBIGINT": NUMBERS,
    "DOUBLE": ("0.5",),
}
"""Values to try by the type of a setting."""

CRASH = ("block_allocator_memory",)
"""Settings with which DuckDB ends the process in memory."""

PROBES = (
    "'A' = 'a', 'é' = 'e', 'ß' < 'z', null = null, 1 = 1.0, '1' = 1",
    "7 / 2, 7 // 2, -7 % 3, 1e308 * 10, 0.1::float, cast('1.50' as decimal(9, 1))",
    "try_cast('x' as integer), try_cast('2026-02-30' as date), cast('inf' as double)::varchar",
    "cast('2026-03-01T10:00:00+02:00' as timestamptz)::timestamp, date_trunc('day', "
    "timestamptz '2026-03-01 23:30:00+00')::varchar",
    "strftime(timestamptz '2026-03-01 23:30:00+00', '%Y-%m-%d %H'), epoch_ms(0)",
    "lower('ÀİS'), regexp_replace('a1b2', '[0-9]', '', 'g'), 'abc' like 'A%', length('👍🏽')",
    "json_extract('{\"a\": {\"b\": [1, null]}}', '$.a')::varchar, md5('x')",
    "'\\x41'::blob::varchar",
    "list_sort([2, null, 1]), list_distinct([1, 1]), [x + 1 for x in [1, 2]]",
    "(select list(v order by v) from (values (2), (null), (1)) as t (v))",
    "(select list(v) from (select v from (values ('b'), (null), ('A')) as t (v) order by v))",
    "(select count(*) from (values ('a'), ('A')) as t (v) group by v limit 1)",
    "(select max(v) from (values ('a'), ('B')) as t (v)), (select list(i) from range(3) as t (i))",
)


def connections() -> Iterator[tuple[str, str, duckdb.DuckDBPyConnection]]:
    """Give each setting of DuckDB, with each value that it takes and a connection that has it."""
    with duckdb.connect(":memory:") as connection:
        settings = connection.execute(
            f"select name, value, input_type from {SETTINGS} order by name"
        ).fetchall()
    for name, value, kind in settings:
        if name in CRASH:
            continue
        candidates = [text for text in VALUES.get(kind, TEXTS) if text != value]
        is_set = False
        with duckdb.connect(":memory:") as connection:
            for candidate in candidates:
                with contextlib.suppress(duckdb.Error):
                    connection.execute(f"set global {name} = '{candidate}'")
                    is_set = True
                    yield name, candidate, connection
        # Some may be given when the database is opened, and not later.
        for candidate in () if is_set else candidates:
            with contextlib.suppress(duckdb.Error):
                connection = duckdb.connect(":memory:", config={name: candidate})
                yield name, candidate, connection
                connection.close()


def answers(connection: duckdb.DuckDBPyConnection) -> list[object]:
    return [connection.execute(f"select {probe}").fetchall() for probe in PROBES]


def settings_of(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    return dict(connection.execute(f"select name, value from {SETTINGS}").fetchall())


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, set[str]]]:
    """By what came of it, the settings that were changed; some make files where they run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("sweep"))
        yield sweep()


def sweep() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"refused": set(), "the same": set(), "other answers": set()}
    with duckdb.connect(":memory:") as connection:
        defaults, sound = settings_of(connection), answers(connection)
    for name, _, connection in connections():
        # No answer is no other one: where DuckDB takes no query any more, a build fails.
        with contextlib.suppress(duckdb.Error):
            settings = settings_of(connection)
            if settings == defaults:
                continue
            if connection_faults(settings.items(), (), default_settings()):
                found["refused"].add(name)
            else:
                same = answers(connection) == sound
                found["the same" if same else "other answers"].add(name)
    return found


def test_a_setting_that_changes_an_answer_is_refused(swept: dict[str, set[str]]) -> None:
    assert swept["other answers"] == set()


def test_only_reviewed_settings_are_let_through(swept: dict[str, set[str]]) -> None:
    assert all(
        name in MAY_DIFFER or name.startswith(MAY_DIFFER_PREFIXES) for name in swept["the same"]
    )


def test_the_probes_see_what_decides(swept: dict[str, set[str]]) -> None:
    assert {"default_collation", "default_order", "default_null_order"} <= swept["refused"]
    assert len(swept["the same"]) > 20
