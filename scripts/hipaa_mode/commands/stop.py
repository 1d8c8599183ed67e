"""`hipaa-mode stop`: nothing more to a destination, now, until the stop is lifted."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Annotated

import typer

from hipaa_mode import published_places, publishing
from hipaa_mode.commands import console, options
from hipaa_mode.errors import ConfigurationError, HipaaModeError
from hipaa_mode.folders import environments_in, real_root
from hipaa_mode.keys import DEFAULT_KEY_FILE
from hipaa_mode.locking import login
from hipaa_mode.names import destination_name
from hipaa_mode.project import read_seeds
from hipaa_mode.stopping import (
    remove_stops,
    seed_path,
    tell_lock,
    withdraw_copies,
    withdraw_stopped,
    write_stop,
)
from hipaa_mode.stops import ANY, SEED, Stop, read_stops


def stop(
    destination: Annotated[
        str | None, typer.Argument(help="The destination to stop; or --all.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Stop every destination.")] = False,
    environment: Annotated[
        str | None,
        options.environment("This environment only; all if not given."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; for the row and the audit log.")] = "",
    lift: Annotated[
        bool, typer.Option("--lift", help="End the stop; the next build publishes again.")
    ] = False,
    by: Annotated[str, typer.Option(help="Who stops it; your login if not given.")] = "",
    project: options.Project = Path("."),
    published: Annotated[
        Path | None,
        typer.Option(
            help="Folder of published files; HIPAA_MODE_PUBLISHED and every folder that was "
            "published to if not given."
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Withdraw what is published to a destination at once, and keep it withdrawn.

    Writes a row into seeds/stopped_destinations.csv and moves the published files out of the way,
    also while a build is at work: it does not publish them again. Needs neither dbt nor the
    database. Builds go on with the other destinations. Exit code 1 if something was left.

    Example: `hipaa-mode stop google_ads --reason "Contract ended"`
    """
    if everything == (destination is not None):
        raise ConfigurationError("Name one destination, or give --all")
    name = ANY if everything else destination_name(destination)
    if lift:
        _lift(project, environment, name, as_json)
        return
    if not reason.strip():
        raise ConfigurationError("Say why with --reason: it goes into the audit log")
    today = dt.datetime.now(dt.timezone.utc).date().isoformat()
    row = Stop(
        environment or ANY, name, " ".join(reason.split()), today, by or login() or "unknown"
    )
    roots, problems, unlisted = _roots(project, published)
    is_listed = _refuse_unknown(project, row, roots)
    if is_listed:
        try:
            write_stop(project, row)
        except (HipaaModeError, OSError, UnicodeDecodeError) as error:
            problems.append(
                f"The row was not written ({error}), so the next build publishes again. Write it "
                f"into seeds/{SEED}.csv where builds run"
            )
    done = withdraw_stopped(roots, row, os.environ)
    copies = withdraw_copies(roots, row, os.environ, project)
    done.withdrawn += copies.withdrawn
    problems += copies.problems
    problems += [f"{where} was left in part: no build made what is in it" for where in copies.left]
    problems += done.problems + (_tell_lock(project) if is_listed else [])
    if as_json:
        console.print_json(
            {
                "environment": row.environment,
                "destination": name,
                "withdrawn": done.withdrawn,
                "problems": problems,
                "note": unlisted,
            }
        )
    else:
        for path in done.withdrawn:
            console.say(f"Withdrawn: {path}")
        if not done.withdrawn:
            console.show("Nothing of it was published.")
        _print_problems(problems)
        if unlisted:
            note = f"{unlisted}. If there are others, run this for each, with --published"
            console.say(note, style="yellow", to=console.messages)
        again = "--all" if everything else name
        console.say(
            f"Commit seeds/{SEED}.csv and receives.lock.yml. Its end: hipaa-mode stop {again} "
            "--lift"
        )
    console.fail_if(problems)


def _lift(project: Path, environment: str | None, name: str, as_json: bool) -> None:
    before = _stops(project)
    remove_stops(project, environment, name)
    after = _stops(project)
    if len(after) == len(before):
        raise ConfigurationError(f"No row of {SEED}.csv stops that. Nothing was changed")
    problems = _tell_lock(project)
    still = sorted(
        {
            f"{item.destination} in {item.environment}"
            for item in after
            if ANY in (name, item.destination) or item.destination == name
        }
    )
    if as_json:
        console.print_json({"lifted": name, "still": still, "problems": problems})
    else:
        console.show("The stop is lifted; the next dbt build publishes again.")
        for item in still:
            console.say(f"Still stopped: {item}")
        _print_problems(problems)
    console.fail_if(problems)


def _print_problems(problems: list[str]) -> None:
    for problem in problems:
        console.say(problem, style="red", to=console.messages)


def _stops(project: Path) -> list[Stop]:
    destinations = seed_path(project).with_name("destinations.csv")
    label = os.path.relpath(destinations, project.absolute())
    stops, faults = read_stops({"destinations": destinations}, {"destinations": label})
    if of_stops := [fault for fault in faults if SEED in str(fault)]:
        raise ConfigurationError("\n".join(str(fault) for fault in of_stops))
    return stops


def _tell_lock(project: Path) -> list[str]:
    try:
        tell_lock(project, _stops(project))
    except HipaaModeError as error:
        return [f"{error}. The lock does not tell of the stop: run hipaa-mode lock"]
    return []


def _roots(project: Path, published: Path | None) -> tuple[list[Path], list[str], str]:
    """Return the folders to look in, which of those known can't be, and if more may be unknown."""
    if published is not None:
        return [published], [], ""
    roots, key = [options.published_root(None, project)], project / DEFAULT_KEY_FILE
    try:
        places = published_places.known(os.environ, key)
    except HipaaModeError as error:
        return roots, [str(error)], ""
    roots += [place.root for place in places if place.folder.is_dir()]
    problems = [
        f"{place.folder} was published to and can't be looked at"
        for place in places
        if not place.folder.is_dir()
    ]
    path = published_places.list_file(os.environ, key)
    return roots, problems, published_places.incomplete(path, map(real_root, roots))


def _refuse_unknown(project: Path, row: Stop, roots: list[Path]) -> bool:
    """Refuse a name that nothing has; return whether the seeds list what is stopped."""
    try:
        listed = read_seeds(project).listed
    except HipaaModeError:
        # The seeds can't be read: stop all the same.
        return True
    is_listed = any(
        row.destination in (ANY, name)
        and (row.environment == ANY or environment in (ANY, row.environment))
        for environment, name in listed
    )
    is_published = any(
        publishing.looks_published(root / environment / row.destination)
        for root in map(real_root, roots)
        for environment in environments_in(root)
    )
    if not is_listed and not is_published:
        names = ", ".join(sorted({name for _, name in listed}))
        raise ConfigurationError(
            f"{row.destination} is neither listed there nor published, so nothing was stopped. "
            f"Listed are: {names}"
        )
    return is_listed
