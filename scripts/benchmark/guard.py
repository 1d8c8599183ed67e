"""Precision, recall and cost of the guard on generated texts.

    python scripts/benchmark/guard.py

Generates labelled texts of many kinds from a seed, runs the SQL that the project's own macros
render on them, prints a table and writes it as Markdown with the raw figures as JSON beside it.
The texts are made from what standards, style guides and habit say, not from the patterns: formats
that the patterns miss are among them, each with a row of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
from guard_texts import KINDS, NO_SHAPE, LabelledText, generate
from rich import box
from rich.console import Console
from rich.table import Table

from hipaa_mode import functions

PROJECT = Path(__file__).resolve().parents[2]
CONDITIONS = {
    **{
        kind: f"{functions.SCHEMA}.is_{kind}(text)"
        for kind in (
            *("email_like", "phone_like", "ssn_like", "mrn_like"),
            *("ip_like", "url_query_like", "card_like"),
        )
    },
    "any": f"{functions.SCHEMA}.looks_like_identifier(text)",
    "guarded": f"{functions.SCHEMA}.guarded(text)",
}
"""SQL conditions on a column `text`, by kind."""

COUNTS = ("texts", "taken", "as_kind", "wrongly_found")
KIND_HEADINGS = [
    "kind",
    "texts that hold one",
    "taken",
    "recall",
    "recall of its own pattern",
    "its pattern in texts without",
    "precision of its pattern",
]
VALUES_TIMED = 1_000_000
TIMED = {
    "five plans": "['premium', 'plus', 'basic', 'gold', 'none'][1 + range % 5]",
    "amounts": "cast(range % 100000 / 100 as varchar)",
    "paths of a site": "'/clinics/' || range % 300 || '/departments/' || range % 40",
    "sentences of 80 characters": (
        "'The visit on 2026-03-' || range % 28 || ' at 10:30 went well, thank you, case ' || range"
    ),
    "e-mail addresses": "'patient' || range || '@example.org'",
}
"""What the cost is measured on: SQL expressions of the number of a row."""


@dataclass(frozen=True)
class Score:
    """How texts of one format fared.

    Attributes:
        label: kind of identifier they hold; `none` for none.
        form: the format.
        texts: how many there are.
        taken: how many the guard takes.
        as_kind: how many the kind's own pattern finds.
    """

    label: str
    form: str
    texts: int
    taken: int
    as_kind: int


def main() -> int:
    """Measure, print and write; the exit code is that of the last step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=200, help="texts of each format")
    parser.add_argument("--seed", type=int, default=2026, help="same seed, same texts")
    parser.add_argument("--output", type=Path, default=PROJECT / "docs" / "guard.md")
    arguments = parser.parse_args()

    console = Console()
    texts = generate(arguments.seed, arguments.texts)
    connection = duckdb.connect()
    functions.create(connection)
    with console.status(f"Looking at {len(texts):,} texts"):
        scores = score(connection, CONDITIONS, texts)
        wrongly_found = found_where_none_is(connection, CONDITIONS)
    with console.status("Measuring the cost"):
        seconds = cost(connection, CONDITIONS)
    facts = {
        "command": f"python scripts/benchmark/guard.py --texts {arguments.texts} "
        f"--seed {arguments.seed}",
        "duckdb": duckdb.__version__,
        "kinds": by_kind(scores, wrongly_found),
        "formats": [asdict(each) for each in scores],
        "processor_seconds_per_million": seconds,
    }
    for table in tables(facts):
        console.print(table)
    arguments.output.write_text(as_markdown(facts), encoding="utf-8")
    arguments.output.with_suffix(".json").write_text(
        json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    console.print(f"Written: {arguments.output} and .json")
    return 0


def score(
    connection: duckdb.DuckDBPyConnection, conditions: dict[str, str], texts: list[LabelledText]
) -> list[Score]:
    """Run the conditions on the texts and count, by format."""
    connection.execute("create or replace table texts (label varchar, form varchar, text varchar)")
    connection.executemany(
        "insert into texts values (?, ?, ?)", [[t.label, t.form, t.text] for t in texts]
    )
    own = " ".join(f"when '{kind}' then {conditions[f'{kind}_like']}" for kind in KINDS)
    rows = connection.execute(
        f"""
        select
            label,
            form,
            count(*),
            count(*) filter ({conditions["any"]}),
            count(*) filter (case label {own} else false end)
        from texts
        group by label, form
        order by label, form
        """
    ).fetchall()
    return [Score(*row) for row in rows]


def found_where_none_is(
    connection: duckdb.DuckDBPyConnection, conditions: dict[str, str]
) -> dict[str, int]:
    """Count, by kind, the texts without an identifier in which its pattern finds one."""
    counts = ", ".join(f"count(*) filter ({conditions[f'{kind}_like']})" for kind in KINDS)
    sql = f"select {counts} from texts where label = 'none'"
    [row] = connection.execute(sql).fetchall()
    return dict(zip(KINDS, row, strict=True))


def by_kind(scores: list[Score], wrongly_found: dict[str, int]) -> list[dict[str, Any]]:
    """Sum up by kind of identifier, and for texts that hold none."""
    found: dict[str, list[Score]] = defaultdict(list)
    for each in scores:
        found[each.label].append(each)
    return [
        {
            "kind": label,
            "texts": sum(each.texts for each in found[label]),
            "taken": sum(each.taken for each in found[label]),
            "as_kind": sum(each.as_kind for each in found[label]),
            "wrongly_found": wrongly_found.get(label, 0),
        }
        for label in (*KINDS, NO_SHAPE, "none")
    ]


def cost(connection: duckdb.DuckDBPyConnection, conditions: dict[str, str]) -> dict[str, float]:
    """Measure the guard's processor seconds for a million values, over those of reading them."""
    connection.execute("set threads = 1")
    seconds: dict[str, float] = {}
    for name, expression in TIMED.items():
        connection.execute(
            f"create or replace table timed as select {expression} as text "
            f"from range({VALUES_TIMED})"
        )
        plain, guarded = (
            min(_processor_seconds(connection, shown) for _ in range(3))
            for shown in ("text", conditions["guarded"])
        )
        seconds[name] = round(max(guarded - plain, 0.0), 3)
    return seconds


def _processor_seconds(connection: duckdb.DuckDBPyConnection, expression: str) -> float:
    started = time.process_time()
    connection.execute(f"create or replace table shown as select {expression} as text from timed")
    return time.process_time() - started


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def tables(facts: dict[str, Any]) -> list[Table]:
    """Lay the figures out for the terminal."""
    shown: list[Table] = []
    for title, headings, rows in sections(facts):
        table = Table(*headings, title=title, title_justify="left", box=box.SIMPLE_HEAD)
        for row in rows:
            table.add_row(*row)
        shown.append(table)
    return shown


def sections(facts: dict[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return title, headings and rows of each table."""
    kinds = facts["kinds"]
    [none] = [each for each in kinds if each["kind"] == "none"]
    holding = [each for each in kinds if each["kind"] in KINDS]
    total = {name: sum(each[name] for each in holding) for name in COUNTS}
    kind_rows = [
        [
            each["kind"],
            str(each["texts"]),
            str(each["taken"]),
            _share(each["taken"], each["texts"]),
            _share(each["as_kind"], each["texts"]),
            str(each["wrongly_found"]),
            _share(each["as_kind"], each["as_kind"] + each["wrongly_found"]),
        ]
        for each in (*holding, {"kind": "all kinds", **total})
    ]
    precision = _share(total["taken"], total["taken"] + none["taken"])
    overall = [
        ["texts that hold an identifier of a kind sought", str(total["texts"])],
        [
            "of these taken (recall)",
            f"{total['taken']} ({_share(total['taken'], total['texts'])})",
        ],
        ["texts that hold none", str(none["texts"])],
        ["of these taken", f"{none['taken']} ({_share(none['taken'], none['texts'])})"],
        ["precision: taken that hold one", precision],
    ]
    formats = facts["formats"]
    return [
        ("All texts", ["", "count"], overall),
        ("By kind", KIND_HEADINGS, kind_rows),
        (
            "Formats that hold an identifier",
            ["kind", "format", "texts", "taken", "recall"],
            _format_rows([each for each in formats if each["label"] in KINDS]),
        ),
        (
            "Identifiers without a shape, which no pattern seeks",
            ["format", "texts", "taken", "share taken"],
            _without_label(formats, NO_SHAPE),
        ),
        (
            "Texts that hold none",
            ["format", "texts", "taken", "share taken"],
            _without_label(formats, "none"),
        ),
        (
            "Cost: processor seconds for a million values",
            ["values", "seconds"],
            [[name, f"{s:.2f}"] for name, s in facts["processor_seconds_per_million"].items()],
        ),
    ]


def _without_label(formats: list[dict[str, Any]], label: str) -> list[list[str]]:
    return [row[1:] for row in _format_rows([f for f in formats if f["label"] == label])]


def _format_rows(formats: list[dict[str, Any]]) -> list[list[str]]:
    return [
        [
            each["label"],
            each["form"],
            str(each["texts"]),
            str(each["taken"]),
            _share(each["taken"], each["texts"]),
        ]
        for each in formats
    ]


def as_markdown(facts: dict[str, Any]) -> str:
    """Write the page: what is measured, the tables, and what no pattern finds."""
    lines = [
        "# What the guard finds, and what it misses",
        "",
        f"Written by `{facts['command']}`",
        f"with DuckDB {facts['duckdb']}. Every text is invented, made from a seed: a sentence, a",
        "field or a bare value. The SQL is that of the function `hipaa_functions.guarded`. The",
        "formats were chosen from standards, style guides and habit, those that the patterns miss",
        "included, and all are equally frequent, which in your data they are not: it is not the",
        "totals but the rows for each format that say what to expect.",
        "",
    ]
    for title, headings, rows in sections(facts):
        lines += [f"## {title}", ""]
        lines.append("| " + " | ".join(headings) + " |")
        lines.append("|" + " --- |" * len(headings))
        lines += ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows]
        lines.append("")
    return "\n".join([*lines, *NOT_CAUGHT, ""])


NOT_CAUGHT = """\
## What no pattern finds

The guard looks for the shape of an identifier. It does not find what has no shape of its own:

- names of people, streets, towns, employers; relatives and dates of birth in a sentence;
- numbers that are spelled out, or broken up by words (`two one two, five five five …`);
- a record, account, member, licence or device number without a label before it;
- a phone number without area code, or as ten digits inside a longer text;
- nine digits that are a social security number, without hyphens, blanks or a label;
- what is disguised (`jane at example dot org`) or encoded (Base64, HTML entities, `%2B`);
- images of text, other people's words for it, and what a reader could conclude.

So a column that the guard has passed can still tell who somebody is. The guard is a net beneath
the allowlist. It is neither a reason to allow a property nor de-identification.

The other way round, it takes some values that are no identifier: the rows above say which.
`guard = none` on the row, with the reason, lets them pass; `warn` counts them.
""".splitlines()


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
