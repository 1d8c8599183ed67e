"""Judges everything of a project that is neither a model of the package nor a destination view.

Nothing of it may show what is restricted: a model of the project's own that names a restricted
relation or reads the raw files would put raw ids where everybody may read. And nothing of it may
run SQL that changes what the proven SQL means, such as a macro of the database called date_trunc.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from hipaa_mode import functions
from hipaa_mode.engines import DUCKDB, POSTGRES, SPARK
from hipaa_mode.run.facts import Facts, Node
from hipaa_mode.run.node_settings import HOOKS
from hipaa_mode.run.readers import (
    RAW_VIEWS,
    STEP_VIEWS,
    names_of_the_zone,
    outsiders,
    restricted_schemas,
)
from hipaa_mode.verify.dialects import calls_of_others, reader_of, tokens_of
from hipaa_mode.verify.functions import OF_ARGUMENTS

HARMLESS_TABLE_FUNCTIONS = frozenset(
    ("range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree")
)
HARMLESS_PREFIXES = ("duckdb_", "pragma_", "sqlite_", "postgres_", "mysql_")
"""Functions that show the catalog, or another database."""

HARMLESS_ON: Mapping[str, frozenset[str]] = {
    POSTGRES: frozenset(
        (
            *("age", "avg", "bool_and", "bool_or", "by", "case", "ceil", "ceiling", "char_length"),
            *("corr", "cube", "cume_dist", "date_part", "date_trunc", "dense_rank", "distinct"),
            *("every", "exp", "first_value", "generate_series", "grouping", "grouping sets"),
            *("initcap", "interval", "isfinite", "join", "json_agg", "json_build_object"),
            *("jsonb_agg", "jsonb_build_object", "lag", "last_value", "ln", "log", "materialized"),
            *("max", "mod", "mode", "now", "nth_value", "ntile", "numeric", "on", "percent_rank"),
            *("percentile_cont", "percentile_disc", "position", "rank", "rollup", "row_number"),
            *("select", "sets", "sqrt", "stddev", "substring", "to_date", "to_number"),
            *("to_timestamp", "trim", "union", "using", "values", "varchar", "variance", "where"),
            *("within group", "width_bucket"),
        )
    ),
    SPARK: frozenset(
        (
            *("add_months", "all", "any", "approx_count_distinct", "array_agg", "array_sort"),
            *("as", "avg", "bool_and", "bool_or", "by", "case", "ceil", "ceiling"),
            *("collect_list", "collect_set", "corr", "count_if", "cube", "cume_dist"),
            *("date_add", "date_diff", "date_format", "date_sub", "date_trunc", "datediff"),
            *("day", "decimal", "dense_rank", "distinct", "else", "every", "exists", "exp"),
            *("extract", "first_value", "grouping", "grouping sets", "hour", "if", "ifnull"),
            *("initcap", "interval", "join", "lag", "last_value", "lead", "ln", "log"),
            *("make_date", "max", "max_by", "mean", "median", "min", "min_by", "mod", "mode"),
            *("month", "named_struct", "now", "ntile", "nvl", "on", "over", "percent_rank"),
            *("percentile", "percentile_approx", "posexplode", "quarter", "rank", "reverse"),
            *("rollup", "round", "row_number", "select", "sequence", "sets", "size", "sqrt"),
            *("stddev", "string_agg", "struct", "sum", "then", "to_date", "to_timestamp"),
            *("trunc", "union", "upper", "using", "values", "variance", "week", "when"),
            *("where", "within group", "year"),
        )
    ),
}
"""Functions and words beside those, for a project's own models."""

FILE_FUNCTIONS = re.compile(
    r"read_\w+|sniff_csv|parquet_\w+|\w+_scan|glob|st_read\w*|read", re.IGNORECASE
)
FILE = re.compile(
    r"[/\\*?]|\.(?:csv|tsv|json|ndjson|jsonl|parquet|txt|gz|zst|bz2)$", re.IGNORECASE
)

HARMLESS_HOOK = re.compile(
    r"(?:grant|revoke|comment\s+on|analyze|vacuum|checkpoint|force\s+checkpoint)\b[^;]*",
    re.IGNORECASE,
)
"""Statements that change neither values nor what functions mean."""

HARMLESS_JINJA = re.compile(r"\{\{-?\s*(?:this|target\.\w+|model\.\w+)\s*-?\}\}")


def raw_folders(project: Path) -> list[Path]:
    """Return where raw calls may lie, as far as it is known without building."""
    named = os.environ.get("HIPAA_MODE_RAW_CALLS", "")
    names = ("demo/raw_calls", "raw_calls", "restricted")
    globs = [base / name for base in (project, Path()) for name in names]
    if FILE.search(named):
        globs.append(Path(named))
    return [_folder(path.absolute()) for path in globs]


def hooks_of(node: Node) -> Iterator[tuple[str, str]]:
    """Give the hooks of a node: when each runs, and what it runs."""
    for name in HOOKS:
        value = node.config.get(name) or ()
        for hook in value if isinstance(value, (list, tuple)) else (value,):
            yield name, str(hook.get("sql", "") if isinstance(hook, dict) else hook)


def is_harmless_hook(code: str) -> bool:
    """Whether a hook runs nothing but statements that change neither values nor functions."""
    plain = HARMLESS_JINJA.sub("x", code)
    if "{" in plain:
        return False
    statements = [part.strip() for part in _without_comments(plain).split(";")]
    return all(HARMLESS_HOOK.fullmatch(part) for part in statements if part)


def unprovable_hooks(nodes: Iterable[Node]) -> Iterator[tuple[Node, str, str]]:
    """Give the hooks of every node that could change what other SQL means."""
    for node in nodes:
        for when, code in hooks_of(node):
            if not is_harmless_hook(code):
                yield node, when, code


def problems_of_outsiders(
    facts: Facts, folders: Iterable[Path], engine: str = DUCKDB
) -> Iterator[tuple[Node, str]]:
    """Give what the compiled SQL of each node of the project's own reads and may not.

    Args:
        facts: the project.
        folders: where raw calls may lie.
        engine: the engine that it was compiled for.
    """
    schemas = restricted_schemas(facts.nodes)
    names = names_of_the_zone(facts.nodes)
    places = list(folders)
    for node in outsiders(facts.nodes):
        if node.kind not in ("model", "snapshot", "analysis"):
            continue
        if node.file.endswith(".py"):
            yield node, "is written in Python, which can't be traced: it could read raw calls"
            continue
        found = [*_problems(node.sql, schemas, names, places, engine)]
        if engine != DUCKDB:
            found += _problems_of_calls(node.sql, engine)
        for problem in dict.fromkeys(found):
            yield node, problem


def _problems_of_calls(sql: str, engine: str) -> Iterator[str]:
    """Give the functions that may read what they like, wherever they stand."""
    try:
        tokens = tokens_of(sql, engine)
    except SqlglotError:
        return
    for word, _ in calls_of_others(tokens, OF_ARGUMENTS[engine] | HARMLESS_ON[engine]):
        yield f"calls `{word.lower()}()`, which can't be traced"
    if any(token.text.lower() == functions.SCHEMA for token in tokens):
        yield f"calls a function of {functions.SCHEMA}, which may make tokens"


def _problems(
    sql: str,
    schemas: set[tuple[str, str]],
    names: re.Pattern[str],
    folders: list[Path],
    engine: str,
) -> Iterator[str]:
    try:
        parsed = [
            part for part in sqlglot.parse(sql, dialect=reader_of(engine)) if part is not None
        ]
    except (SqlglotError, RecursionError):
        text = _without_comments(sql)
        found = names.search(text) or _DYNAMIC.search(text)
        if found:
            yield f"can't be parsed, and names `{found.group(1)}`"
        return
    for query in parsed:
        if isinstance(query, exp.Command):
            yield "runs a command that can't be traced"
        for table in query.find_all(exp.Table):
            yield from _table_problems(table, schemas, folders)
            if engine == SPARK and FILE.search(table.name):
                yield "reads a file by its path, which can't be traced"
        for function in query.find_all(exp.Func):
            if _is_from(function):
                yield from _function_problems(function, folders)


def _table_problems(
    table: exp.Table, schemas: set[tuple[str, str]], folders: list[Path]
) -> Iterator[str]:
    if isinstance(table.this, exp.Func):
        yield from _function_problems(table.this, folders)
        return
    name, schema, database = table.name, table.db.lower(), table.catalog.lower()
    for part in (name, schema, database):
        if part.lower() in RAW_VIEWS or part.lower().startswith(STEP_VIEWS):
            yield f"reads `{part}`, which holds raw calls or ids"
    if any(schema == own and database in ("", of) for of, own in schemas):
        yield f"reads `{schema}.{name}` of the restricted zone"
    if not schema and FILE.search(name) and _may_be_raw(name, folders):
        yield "reads a file of the folder of raw calls"
    if is_raw_table(database, schema, name.lower()):
        yield "reads the table of raw calls"


def is_raw_table(*parts: str) -> bool:
    """Tell whether a table's database, schema and name are those of the raw calls, as set."""
    named = os.environ.get("HIPAA_MODE_RAW_CALLS", "").lower().split(".")
    return [part for part in parts if part][-len(named) :] == named


def _function_problems(function: exp.Func, folders: list[Path]) -> Iterator[str]:
    name = _function_name(function)
    if name in HARMLESS_TABLE_FUNCTIONS:
        return
    if not FILE_FUNCTIONS.fullmatch(name):
        if name.startswith(HARMLESS_PREFIXES):
            return
        yield f"reads from `{name}()`, which can't be traced"
        return
    files = [item.this for item in function.find_all(exp.Literal) if item.is_string]
    arguments = [*function.args.get("expressions", ()), function.args.get("this")]
    first = next((item for item in arguments if isinstance(item, exp.Expression)), None)
    if not isinstance(first, (exp.Literal, exp.Array)):
        yield f"reads files with `{name}()` by a name that can't be traced"
    elif any(_may_be_raw(str(file), folders) for file in files):
        yield "reads a file of the folder of raw calls"


def _function_name(function: exp.Func) -> str:
    name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
    return {"explode": "unnest", "generateseries": "generate_series"}.get(
        name.lower(), name.lower()
    )


def _is_from(function: exp.Func) -> bool:
    """Whether a function stands where a relation does, without a table around it."""
    return isinstance(function.parent, (exp.From, exp.Join, exp.Lateral))


def _may_be_raw(file: str, folders: list[Path]) -> bool:
    """Whether a path or glob may name something in one of some folders."""
    if "://" in file:
        return any("://" in str(folder) for folder in folders)
    here = _folder(Path.cwd() / file)
    return any(
        here == folder or here in folder.parents or folder in here.parents for folder in folders
    )


def _folder(path: Path) -> Path:
    """Return a path as far as it has no wildcard."""
    parts = []
    for part in Path(os.path.normpath(path)).parts:
        if re.search(r"[*?\[{]", part):
            break
        parts.append(part)
    return Path(*parts)


_DYNAMIC = re.compile(r"\b(query|query_table|read_\w+|getvariable)\s*\(", re.IGNORECASE)
_COMMENTS = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)


def _without_comments(text: str) -> str:
    return _COMMENTS.sub(" ", text)
