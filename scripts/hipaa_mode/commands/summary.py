"""`hipaa-mode summary`: what is published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from hipaa_mode import audit, publishing, stops_in_force
from hipaa_mode.commands import console, options
from hipaa_mode.errors import MissingFileError
from hipaa_mode.property_counts import count_properties

Manifest = dict[str, Any]

CAPTION = (
    "Allowed: properties, ids of the call left out. Masked: of these, tokens and surrogates. "
    "Coarser: generalised, such as zip3. Dropped: property names that arrived and were not "
    "sent. Unfit: values that fitted no type or treatment and are null. Open: not "
    "restricted, under a BAA."
)


def summary(
    environment: options.Environment = "dev",
    published: options.Published = None,
    project: Annotated[
        Path, typer.Option(help="Folder of the dbt project, for what is stopped.")
    ] = Path("."),
    as_json: options.Json = False,
) -> None:
    """Show what is published: rows, columns, masked columns, dropped properties; what is stopped.

    Compares every file with the hash in its manifest; exit code 1 if one differs, if files of a
    stopped destination are there, or if the last run did not copy one to the object store.

    Example: `hipaa-mode summary --environment prod`
    """
    root = options.published_root(published)
    manifests = publishing.read_manifests(root, environment)
    differences = publishing.check_files(root, environment)
    stops = stops_in_force.in_force(project, environment)
    differences += stops_in_force.still_published(root, environment, stops.stopped)
    copies = audit.copy_states(audit.entries(audit.read_lines(audit.log_path(root, environment))))
    differences += [state.text for state in copies if state.is_missing]
    if stops.unknown:
        console.say(stops.unknown, style="yellow", to=console.messages)
    if as_json:
        console.print_json(
            {
                "destinations": manifests,
                "stopped": {name: vars(stop) for name, stop in stops.stopped.items()},
                "copies": [vars(state) for state in copies],
                "differences": differences,
                "stopped_unknown": stops.unknown,
            }
        )
    else:
        for line in stops_in_force.lines(stops.stopped):
            console.say(line, style="red")
        if not manifests:
            others = ", for what is not stopped" if stops.stopped else ""
            raise MissingFileError(
                f"Nothing is published in {root / environment}. Run: dbt build{others}"
            )
        _print(environment, manifests, root)
        for state in copies:
            if not state.is_missing:
                console.say(state.text)
    for difference in differences:
        console.say(difference, style="red", to=console.messages)
    console.fail_if(differences)


def _print(environment: str, manifests: list[Manifest], root: Path) -> None:
    columns = [console.word("View"), console.word("Mode")]
    columns += map(console.number, ("Rows", "Allowed", "Masked", "Coarser", "Dropped", "Unfit"))
    rows = (row for manifest in manifests for row in _rows(manifest))
    shown = console.table(f"Published in {environment}", columns, rows)
    shown.caption = CAPTION
    console.show(shown)
    calls = manifests[-1]["calls"]
    console.show(
        f"{calls['raw']} raw calls = {calls['staged']} staged + {calls['duplicates']} "
        f"duplicates + {calls['rejected']} rejected + {calls.get('withheld', 0)} withheld. "
        f"Files: {root / environment}/"
    )
    for manifest in manifests:
        for view, facts in manifest["views"].items():
            for column in facts["columns"]:
                if count := column.get("values_like_identifiers"):
                    done = "are null" if column["guard"] == "block" else "were sent (guard warn)"
                    place = f"{view}.{column['name']}"
                    console.say(f"{place}: {count:,} values look like identifiers and {done}")


def _rows(manifest: Manifest) -> Iterator[list[str] | None]:
    mode = "HIPAA" if manifest["hipaa_mode"] else "open"
    for view, facts in manifest["views"].items():
        counts = count_properties(facts["columns"])
        numbers = [str(count) for count in (counts.allowed, counts.masked, counts.generalised)]
        dropped = facts["properties_dropped"]
        unfit = sum(column["values_not_fitting"] for column in facts["columns"])
        yield [
            view,
            mode,
            f"{facts['rows']:,}",
            *(numbers if manifest["restrict_phi"] else ("all", "none", "none")),
            "?" if dropped is None else str(dropped),
            f"{unfit:,}",
        ]
    yield None
