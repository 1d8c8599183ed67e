"""The emergency stop: takes what is published out of readers' way, without dbt or a database."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath

from hipaa_mode import audit, locking, published_places, publishing, token_bridges
from hipaa_mode.editing.writing import FileChange, write_changes
from hipaa_mode.errors import ConfigurationError, HipaaModeError
from hipaa_mode.folders import environment_folder, real_root
from hipaa_mode.keys import DEFAULT_KEY_FILE
from hipaa_mode.names import is_destination, is_environment
from hipaa_mode.publishing import Withdrawal
from hipaa_mode.quoting import identifier
from hipaa_mode.received.lock_file import read_lock, write_lock
from hipaa_mode.seeds import add_optional_seeds
from hipaa_mode.stops import ANY, SEED, Stop, stopped_in, with_stop, without_stops
from hipaa_mode.store.copies import Copies, environments_of
from hipaa_mode.store.files import Store
from hipaa_mode.store.location import SETTING, location_of


def seed_path(project: Path) -> Path:
    """Return the file of stops, which need not be there.

    Raises:
        ConfigurationError: there are two, or it goes by another name.
    """
    folder = project.absolute() / "seeds"
    found = sorted(folder.rglob("destinations.csv"))
    destinations = found[0] if found else folder / "destinations.csv"
    files = {"destinations": destinations}
    faults = add_optional_seeds(
        files, {"destinations": str(destinations.relative_to(project.absolute()))}
    )
    of_stops = [fault for fault in faults if SEED in str(fault)]
    if of_stops:
        raise ConfigurationError("\n".join(str(fault) for fault in of_stops))
    return files.get(SEED, destinations.with_name(f"{SEED}.csv"))


def write_stop(project: Path, stop: Stop) -> None:
    """Add a row for a stop, which the next look of a build finds.

    Raises:
        HipaaModeError: it can't be written.
    """
    _rewrite(project, lambda text: with_stop(text, stop))


def remove_stops(project: Path, environment: str | None, destination: str) -> None:
    """Remove a destination's rows; see `without_stops`.

    Raises:
        HipaaModeError: the file can't be written.
    """
    _rewrite(project, lambda text: without_stops(text or "", environment, destination))


def _rewrite(project: Path, edit: Callable[[str | None], str]) -> None:
    path, root = seed_path(project), project.absolute()
    before = path.read_bytes() if path.exists() else None
    after = edit(None if before is None else before.decode("utf-8")).encode()
    if after != before:
        name = PurePosixPath(os.path.relpath(path, root))
        write_changes(root, [FileChange(name, before, after)])


def tell_lock(project: Path, stops: Iterable[Stop]) -> None:
    """Say in the project's lock which destinations are stopped, and change nothing else of it.

    Raises:
        HipaaModeError: the lock can't be read or written.
    """
    locked = read_lock(project)
    if locked is None:
        return
    for environment, described in locked["environments"].items():
        stopped = stopped_in(stops, environment, described["destinations"])
        for name, destination in described["destinations"].items():
            destination.pop("stopped", None)
            if name in stopped:
                destination["stopped"] = "true"
    lists = locked["every_environment"]["optional_lists"]
    locked["every_environment"]["optional_lists"] = sorted({*lists, f"{SEED}.csv"})
    write_lock(project, locked)


def withdraw_stopped(roots: Iterable[Path], stop: Stop, environ: Mapping[str, str]) -> Withdrawal:
    """Withdraw what is published of stopped destinations, and record it.

    Done while a build is at work too: it holds its environment's folder, and moves destinations
    only in moments that are waited for.

    Args:
        environ: the process environment, for the masking key.
    """
    done = Withdrawal()
    for root in sorted({real_root(root) for root in roots}):
        for environment in _environments(root, stop):
            _withdraw(root, environment, stop, environ, done)
    return done


def withdraw_copies(
    roots: Iterable[Path], stop: Stop, environ: Mapping[str, str], project: Path
) -> Withdrawal:
    """Withdraw the copies of stopped destinations in object stores, and record it.

    Args:
        roots: the published folders; no build names a copy meanwhile that it made of one.
    """
    done = Withdrawal()
    environ = dict(environ)
    named = environ.get(SETTING)
    listed = published_places.stores_file(environ, project / DEFAULT_KEY_FILE)
    places = [named] if named else []
    try:
        found = published_places.stores(environ, project / DEFAULT_KEY_FILE)
        places += [uri for uri, _ in found if uri != named]
    except HipaaModeError as error:
        done.problems.append(str(error))
    folders = sorted({real_root(root) for root in roots})
    for uri in dict.fromkeys(places):
        try:
            with contextlib.ExitStack() as stack:
                for root in folders:
                    stack.enter_context(locking.alone_in(root))
                _withdraw_copies({**environ, SETTING: uri}, folders, stop, done)
        except (HipaaModeError, OSError) as error:
            done.problems.append(
                f"A copy in an object store was not withdrawn: {error}. Then run this again, or "
                "remove it there"
                + (
                    f". If it is gone for good, remove its line in {listed}"
                    if uri != named
                    else ""
                )
            )
    return done


def _withdraw_copies(
    environ: Mapping[str, str], roots: list[Path], stop: Stop, done: Withdrawal
) -> None:
    location = location_of(environ)
    if location is None:
        return
    store = Store(location)
    if not Copies(store, "any").is_there():
        return
    all_of_them = stop.environment == ANY
    for environment in environments_of(store) if all_of_them else [stop.environment]:
        copies = Copies(store, environment)
        removed = copies.withdraw(partial(stop.applies, environment))
        done.withdrawn += map(copies.shown, removed.destinations)
        done.left += removed.left
        logged = [root for root in roots if audit.log_path(root, environment).exists()]
        for root in logged[:1] if removed.destinations else ():
            names = removed.destinations
            _record(root, environment, stop, names, environ, audit.COPY_REMOVED)


def _environments(root: Path, stop: Stop) -> list[str]:
    if stop.environment != ANY:
        return [stop.environment]
    names = (path.name for path in root.glob("*") if path.is_dir())
    return sorted(name for name in names if is_environment(name))


def _withdraw(
    root: Path, environment: str, stop: Stop, environ: Mapping[str, str], done: Withdrawal
) -> None:
    folder = environment_folder(root, environment)
    names = {path.name for path in folder.glob("*") if os.path.lexists(path)}
    names |= set(token_bridges.copies(root, environment))
    withdrawal = Withdrawal()
    for name in sorted(name for name in names if is_destination(name)):
        if not stop.applies(environment, name):
            continue
        try:
            if publishing.is_ours(folder / name, environment, name):
                withdrawal.problems += _left_in_a_database(root, environment, name)
                publishing.withdraw_one(root, environment, name, withdrawal)
            elif publishing.looks_published(folder / name) or (folder / name).is_symlink():
                withdrawal.problems.append(
                    f"{folder / name} was left: it is a symbolic link, or its manifest does not "
                    "say that it is ours. Remove it yourself, and what it leads to"
                )
            token_bridges.remove(root, environment, name)
        except HipaaModeError as error:
            withdrawal.problems.append(str(error))
    done.problems += withdrawal.problems
    done.withdrawn += [str(folder / name) for name in withdrawal.withdrawn]
    if withdrawal.withdrawn:
        try:
            _record(root, environment, stop, withdrawal.withdrawn, environ)
        except HipaaModeError as error:
            done.problems.append(str(error))


def _left_in_a_database(root: Path, environment: str, name: str) -> list[str]:
    """Say where readers find a destination still: no database is opened for a stop."""
    schema = (publishing.manifest_of(root, environment, name) or {}).get("schema")
    if schema is None:
        return []
    return [
        f"`{name}` is published in PostgreSQL until the next dbt build. Take it away there, too: "
        f"drop schema {identifier(schema)} cascade"
    ]


def _record(
    root: Path,
    environment: str,
    stop: Stop,
    names: Iterable[str],
    environ: Mapping[str, str],
    outcome: str = audit.WITHDRAWN,
) -> None:
    # A stop does not wait for a key: its entry may be without an HMAC.
    seal = audit.seal_at_hand(environ, environment)
    with audit.AuditLog(root, environment, *seal) as log:
        log.append(
            [
                {
                    "destination": name,
                    "outcome": outcome,
                    "reasons": [f"stopped: {stop.reason}"],
                    "command": "stop",
                    "stopped_by": stop.stopped_by,
                }
                for name in names
            ]
        )
