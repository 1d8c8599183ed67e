"""`hipaa-mode audit`: check the audit log, and tell what a destination received."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from hipaa_mode import audit
from hipaa_mode.commands import console, options
from hipaa_mode.consent import describe_denials
from hipaa_mode.engines import DUCKDB
from hipaa_mode.errors import MaskingKeyError, MissingFileError
from hipaa_mode.keys import load_master_key, load_retired_keys
from hipaa_mode.project_settings import engine_of
from hipaa_mode.quoting import identifier

app = typer.Typer(no_args_is_help=True, help="Check the audit log and read what was delivered.")

FINGERPRINT_SHOWN = 12
REASONS_SHOWN = 3


@app.command()
def verify(
    environment: options.Environment = "dev",
    published: options.Published = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Check the chain of entries, their HMACs, the table's copy and the published files.

    Exit code 1 if anything differs. The HMACs need the masking key, and retired ones for entries
    of before a rotation; the table needs a database that no other process has open. Without them
    the rest is checked, and a note says so.

    Example: `hipaa-mode audit verify --environment prod`
    """
    root = _root(published, environment)
    notes: list[str] = []
    key, fingerprint, retired = _keys(environment)
    engine = engine_of(Path("."), environment)
    stored = None
    if database is None and engine != DUCKDB:
        notes.append(f"The table was not compared: target {environment} is of type {engine}")
    else:
        stored = _table(environment, options.database_file(database, environment), notes)
    findings = audit.verify(root, environment, key, fingerprint, stored, retired)
    notes += findings.notes
    if as_json:
        console.print_json({"environment": environment, **vars(findings), "notes": notes})
    else:
        for fault in findings.faults:
            console.say(fault, style="red")
        for note in notes:
            console.say(note, style="yellow")
        state = "has been tampered with, or is not whole" if findings.faults else "is sound"
        console.say(
            f"The audit log of {environment} {state}: {findings.entries} entries. Its head, to "
            f"keep elsewhere: {findings.head}"
        )
    console.fail_if(findings.faults)


@app.command()
def show(
    environment: options.Environment = "dev",
    destination: Annotated[str | None, typer.Option(help="This destination only.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="First day, yyyy-mm-dd (UTC).")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day, yyyy-mm-dd (UTC).")] = None,
    published: options.Published = None,
    as_json: options.Json = False,
) -> None:
    """Tell what each destination received between two days, and under which allowlist.

    What was published before the first day and still in place on it is shown first. Does not
    check the log: `hipaa-mode audit verify` does.

    Example: `hipaa-mode audit show --destination ga4 --from 2026-03-01 --to 2026-03-31`
    """
    first, last = _day(since, "--from", "0001-01-01"), _day(until, "--to", "9999-12-31")
    lines = audit.read_lines(audit.log_path(_root(published, environment), environment))
    chosen = [
        entry
        for entry in audit.with_allowlists(audit.entries(lines))
        if destination in (None, entry["destination"])
    ]
    earlier = [entry for entry in chosen if entry["time"][:10] < first]
    shown = [
        {**entry, "in_place_at_start": True} for entry in audit.last_deliveries(earlier).values()
    ]
    shown += [entry for entry in chosen if first <= entry["time"][:10] <= last]
    if as_json:
        console.print_json({"environment": environment, "entries": shown})
    elif not shown:
        console.show("No entry fits. Other days, or another destination?")
    else:
        columns = ("Time (UTC)", "Destination", "Outcome", "Rows", "Allowlist", "Why")
        console.show(console.table(f"Audit log of {environment}", columns, map(_run, shown)))
        _print_allowlists(shown)


def _root(published: Path | None, environment: str) -> Path:
    root = options.published_root(published)
    path = audit.log_path(root, environment)
    if not path.exists():
        raise MissingFileError(f"There is no audit log at {path}. Run: dbt build")
    return root


def _keys(environment: str) -> tuple[bytes | None, str | None, dict[str, bytes]]:
    """Return the subkey of the HMACs, its key's fingerprint, and those of retired keys."""
    try:
        active = load_master_key(os.environ)
        retired = [item.key for item in load_retired_keys(os.environ)]
    except MaskingKeyError:
        return None, None, {}
    subkey, fingerprint = audit.seal_of(active, environment)
    others = (audit.seal_of(key, environment) for key in retired)
    return subkey, fingerprint, {name: other for other, name in others if name != fingerprint}


def _table(environment: str, path: Path, notes: list[str]) -> list[str] | None:
    """Return the lines that the warehouse's table has; None, and a note why, where it can't."""
    try:
        if not path.is_file():
            raise FileNotFoundError
        with duckdb.connect(str(path), read_only=True) as connection:
            schemas = connection.execute(
                "select table_schema from information_schema.columns "
                "where table_name = 'audit_log' and column_name = 'entry'"
            ).fetchall()
            if len(schemas) != 1:
                notes.append(f"The table was not compared: {path} has {len(schemas)} of it")
                return None
            rows = connection.execute(
                f"select entry from {identifier(schemas[0][0])}.audit_log "
                "where environment = ? order by sequence",
                [environment],
            ).fetchall()
    except (FileNotFoundError, duckdb.Error) as error:
        notes.append(
            f"The table was not compared: {path} can't be opened ({type(error).__name__})"
        )
        return None
    return [row[0] for row in rows]


def _day(text: str | None, option: str, otherwise: str) -> str:
    try:
        return dt.date.fromisoformat(otherwise if text is None else text).isoformat()
    except ValueError:
        raise typer.BadParameter(f"{option} is not a day: write yyyy-mm-dd") from None


def _run(entry: audit.Entry) -> list[str]:
    """Return an entry's cells in the table of runs."""
    reasons = ["in place when the days asked for began"] if "in_place_at_start" in entry else []
    reasons += [*entry.get("reasons", []), *_withheld(entry)]
    if len(reasons) > REASONS_SHOWN:
        reasons[REASONS_SHOWN:] = [f"and {len(reasons) - REASONS_SHOWN} more"]
    return [
        entry["time"][:19].replace("T", " "),
        entry["destination"],
        entry["outcome"],
        "\n".join(f"{view['view']}: {view['rows']:,}" for view in entry.get("views", [])),
        (entry.get("allowlist_fingerprint") or "")[:FINGERPRINT_SHOWN],
        "\n".join(reasons),
    ]


def _withheld(entry: audit.Entry) -> Iterator[str]:
    """Say whose calls were withheld by number, and by which list by its fingerprint."""
    withheld = entry.get("withheld") or {}
    if people := withheld.get("suppressed_people"):
        fingerprint = str(withheld["suppressed_people_hmac"])[:FINGERPRINT_SHOWN]
        yield (
            f"withheld: {withheld['calls']['suppressed']:,} calls of {people:,} suppressed "
            f"{'person' if people == 1 else 'people'} (list {fingerprint})"
        )
        if tied := withheld["calls"].get("suppressed_by_alias"):
            yield f"withheld: {tied:,} calls tied to them by alias and merge calls"
    if days := withheld.get("retain_days"):
        old = withheld["calls"]["expired"] + withheld["calls"]["undated"]
        yield f"withheld: {old:,} calls older than {days} days or of unknown age"
    if denials := describe_denials(entry.get("consent") or {}):
        yield denials


def _print_allowlists(shown: list[audit.Entry]) -> None:
    """Print each allowlist that a destination was published under, once."""
    delivered = [entry for entry in shown if entry["outcome"] == audit.PUBLISHED]
    allowlists: dict[str, audit.Entry] = {}
    for entry in delivered:
        fingerprint = str(entry["allowlist_fingerprint"])[:FINGERPRINT_SHOWN]
        allowlists.setdefault(f"{entry['destination']} under allowlist {fingerprint}", entry)
    for title, entry in allowlists.items():
        rows = (
            [
                view["view"],
                column["name"],
                f"{column['property_list']} {column['property']}".strip(),
                column["treatment"],
                column["guard"] or "",
                column["reason"],
            ]
            for view in entry.get("views", [])
            for column in view.get("columns", [])
        )
        columns = ("View", "Column", "Property", "Treatment", "Guard", "Reason")
        console.show(console.table(title, columns, rows))
