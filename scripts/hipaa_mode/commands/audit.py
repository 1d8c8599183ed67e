"""`hipaa-mode audit`: check the audit log, and tell what a destination received."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from rich.markup import escape
from rich.table import Table

from hipaa_mode import audit
from hipaa_mode.commands._options import (
    EnvironmentOption,
    JsonOption,
    PublishedOption,
    output,
    published_root,
)
from hipaa_mode.consent import describe_denials
from hipaa_mode.errors import ExitCode, MaskingKeyError, MissingFileError
from hipaa_mode.keys import load_master_key, load_retired_keys
from hipaa_mode.quoting import identifier

app = typer.Typer(no_args_is_help=True, help="Check the audit log and read what was delivered.")


FINGERPRINT_SHOWN = 12


@app.command()
def verify(
    environment: EnvironmentOption = "dev",
    published: PublishedOption = None,
    database: Annotated[
        Path | None,
        typer.Option(
            help="The DuckDB file with the log's table; HIPAA_MODE_DATABASE or "
            "restricted/<environment>.duckdb if not given."
        ),
    ] = None,
    as_json: JsonOption = False,
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
    table = _table(environment, database, notes)
    findings = audit.verify(root, environment, key, fingerprint, table, retired)
    notes += findings.notes
    if as_json:
        answer = {
            "environment": environment,
            "entries": findings.entries,
            "head": findings.head,
            "faults": findings.faults,
            "notes": notes,
        }
        output.print_json(json.dumps(answer))
    else:
        for fault in findings.faults:
            output.print(f"[red]{escape(fault)}[/]", soft_wrap=True)
        for note in notes:
            output.print(f"[yellow]{escape(note)}[/]", soft_wrap=True)
        state = "has been tampered with, or is not whole" if findings.faults else "is sound"
        output.print(
            f"The audit log of {environment} {state}: {findings.entries} entries. Its head, to "
            f"keep elsewhere: {findings.head}",
            soft_wrap=True,
        )
    if findings.faults:
        raise typer.Exit(ExitCode.FAILED_CHECK)


@app.command()
def show(
    environment: EnvironmentOption = "dev",
    destination: Annotated[str | None, typer.Option(help="This destination only.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="First day, yyyy-mm-dd (UTC).")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last day, yyyy-mm-dd (UTC).")] = None,
    published: PublishedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what each destination received between two days, and under which allowlist.

    What was published before the first day and still in place on it is shown first. Does not
    check the log: `hipaa-mode audit verify` does.

    Example: `hipaa-mode audit show --destination ga4 --from 2026-03-01 --to 2026-03-31`
    """
    root = _root(published, environment)
    entries = audit.entries(audit.read_lines(audit.log_path(root, environment)))
    whole = audit.with_allowlists(entries)
    shown = _between(whole, destination, _day(since, "--from"), _day(until, "--to"))
    if as_json:
        output.print_json(json.dumps({"environment": environment, "entries": shown}))
        return
    if not shown:
        output.print("No entry fits. Other days, or another destination?")
        return
    output.print(_runs_table(environment, shown))
    for table in _allowlist_tables(shown):
        output.print(table)


def _root(published: Path | None, environment: str) -> Path:
    root = published_root(published)
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
    subkeys = {
        key.fingerprint(environment): key.subkey(environment, audit.KEY_SCOPE)
        .reveal()
        .encode("ascii")
        for key in (active, *retired)
    }
    fingerprint = active.fingerprint(environment)
    return subkeys.pop(fingerprint), fingerprint, subkeys


def _table(environment: str, database: Path | None, notes: list[str]) -> list[str] | None:
    path = database or Path(
        os.environ.get("HIPAA_MODE_DATABASE") or f"restricted/{environment}.duckdb"
    )
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


def _day(text: str | None, option: str) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{option} is not a day: write yyyy-mm-dd") from None


def _between(
    entries: list[audit.Entry],
    destination: str | None,
    since: dt.date | None,
    until: dt.date | None,
) -> list[audit.Entry]:
    chosen = [entry for entry in entries if destination in (None, entry["destination"])]
    before: list[audit.Entry] = []
    if since is not None:
        earlier = [entry for entry in chosen if entry["time"][:10] < since.isoformat()]
        standing = audit.last_deliveries(earlier).values()
        before = [{**entry, "in_place_at_start": True} for entry in standing]
    within = [
        entry
        for entry in chosen
        if (since is None or entry["time"][:10] >= since.isoformat())
        and (until is None or entry["time"][:10] <= until.isoformat())
    ]
    return [*before, *within]


def _runs_table(environment: str, shown: list[audit.Entry]) -> Table:
    table = Table(title=f"Audit log of {environment}", title_justify="left")
    for heading in ("Time (UTC)", "Destination", "Outcome", "Rows", "Allowlist", "Why"):
        table.add_column(heading, overflow="fold")
    for entry in shown:
        rows = [f"{view['view']}: {view['rows']:,}" for view in entry.get("views", [])]
        reasons = list(entry.get("reasons", []))
        if entry.get("in_place_at_start"):
            reasons.insert(0, "in place when the days asked for began")
        reasons += _withheld(entry)
        if len(reasons) > 3:
            reasons[3:] = [f"and {len(reasons) - 3} more"]
        table.add_row(
            entry["time"][:19].replace("T", " "),
            entry["destination"],
            entry["outcome"],
            escape("\n".join(rows)),
            (entry.get("allowlist_fingerprint") or "")[:FINGERPRINT_SHOWN],
            escape("\n".join(reasons)),
        )
    return table


def _withheld(entry: audit.Entry) -> list[str]:
    """Say whose calls were withheld by number, and by which list by its fingerprint."""
    withheld = entry.get("withheld") or {}
    lines: list[str] = []
    if people := withheld.get("suppressed_people"):
        fingerprint = str(withheld["suppressed_people_hmac"])[:FINGERPRINT_SHOWN]
        lines.append(
            f"withheld: {withheld['calls']['suppressed']:,} calls of {people:,} suppressed "
            f"{'person' if people == 1 else 'people'} (list {fingerprint})"
        )
        if tied := withheld["calls"].get("suppressed_by_alias"):
            lines.append(f"withheld: {tied:,} calls tied to them by alias and merge calls")
    if days := withheld.get("retain_days"):
        old = withheld["calls"]["expired"] + withheld["calls"]["undated"]
        lines.append(f"withheld: {old:,} calls older than {days} days or of unknown age")
    if denials := describe_denials(entry.get("consent") or {}):
        lines.append(denials)
    return lines


def _allowlist_tables(shown: list[audit.Entry]) -> list[Table]:
    allowlists: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in shown:
        if entry["outcome"] == audit.PUBLISHED:
            name = (entry["destination"], str(entry["allowlist_fingerprint"]))
            allowlists.setdefault(name, entry)
    tables: list[Table] = []
    for (destination, fingerprint), entry in allowlists.items():
        table = Table(
            title=f"{destination} under allowlist {fingerprint[:FINGERPRINT_SHOWN]}",
            title_justify="left",
        )
        for heading in ("View", "Column", "Property", "Treatment", "Guard", "Reason"):
            table.add_column(heading, overflow="fold")
        for view in entry.get("views", []):
            for column in view.get("columns", []):
                table.add_row(
                    view["view"],
                    escape(column["name"]),
                    escape(f"{column['property_list']} {column['property']}".strip()),
                    column["treatment"],
                    column["guard"] or "",
                    escape(column["reason"]),
                )
        tables.append(table)
    return tables
