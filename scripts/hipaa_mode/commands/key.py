"""`hipaa-mode key rotate`, `list` and `forget`: the masking key's successors and predecessors."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from hipaa_mode import published_places, publishing
from hipaa_mode.commands._options import (
    JsonOption,
    PublishedOption,
    environment_option,
    output,
    published_root,
)
from hipaa_mode.errors import HipaaModeError, MaskingKeyError
from hipaa_mode.folders import real_root
from hipaa_mode.keys import (
    RETIRED_KEYS_VARIABLE,
    MasterKey,
    RetiredKey,
    forget_key,
    key_file,
    load_master_key,
    load_retired_keys,
    rotate_key,
)
from hipaa_mode.names import is_environment
from hipaa_mode.published_places import Place

LOOK = "Look in any others with hipaa-mode key list --published FOLDER"


@dataclass(frozen=True)
class ListedKey:
    """A key as `key list` shows it.

    Attributes:
        key: its name, 32 hexadecimal digits, the same in every environment.
        state: `active` or `retired`.
        place: its file, or the variable that holds it.
        since: when its file was written, ISO 8601 in UTC: since when it is active, or retired;
            None for a variable.
        fingerprints: its fingerprint in each environment, as in manifests and the audit log.
        published: what is published under it, as `<environment>/<destination>`.
    """

    key: str
    state: str
    place: str
    since: str | None
    fingerprints: dict[str, str]
    published: list[str]


def rotate(as_json: JsonOption = False) -> None:
    """Make a new masking key active, and keep the old one beside it for reading.

    The old key moves into the folder `<key file>.retired` (mode 0700). The next `dbt build` makes
    every token anew and publishes each destination with all its new tokens, or keeps its old
    files. Build every environment that the key is for.

    Example: `hipaa-mode key rotate && dbt build --target prod`
    """
    done = rotate_key(os.environ)
    if as_json:
        content = {name: str(value) for name, value in asdict(done).items()}
        output.print_json(json.dumps(content))
        return
    output.print(
        f"Key {done.new} is active, in {done.key_file}. Key {done.old} is kept for reading in "
        f"{done.retired_file}.\nBack both up. Next: dbt build, for every environment. It makes "
        "every token anew; until it has passed, destinations keep their files with old tokens.",
        soft_wrap=True,
    )


def list_keys(
    environment: Annotated[
        list[str] | None,
        environment_option(
            "An environment to show fingerprints of; may be repeated. Those that are "
            "published if not given."
        ),
    ] = None,
    published: PublishedOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the active key and the retired ones, and what is published under each.

    Example: `hipaa-mode key list --environment prod`
    """
    root = published_root(published)
    found = _listed(root, environment or _environments(root))
    if as_json:
        output.print_json(json.dumps([asdict(item) for item in found]))
        return
    for item in found:
        since = f" since {item.since[:16].replace('T', ' ')} UTC" if item.since else ""
        style = "green" if item.state == "active" else "yellow"
        _print(f"[bold]{item.key}[/]: [{style}]{item.state}[/]{since}, in {escape(item.place)}")
        for name, fingerprint in item.fingerprints.items():
            under = [use.split("/")[1] for use in item.published if use.startswith(f"{name}/")]
            use = f"published under it: {', '.join(under)}" if under else "nothing published"
            _print(f"    {name}: fingerprint {fingerprint}, {use}")


def _print(text: str) -> None:
    output.print(text, soft_wrap=True)


def forget(
    key: Annotated[str, typer.Argument(help="Name of a retired key, or how it begins.")],
    published: PublishedOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Even if something is published under the key.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove a retired key for good: nothing leads from its tokens to the new ones any more.

    The next build empties the bridge of its tokens, and the HMACs of audit entries that were
    written under it can't be checked again. Refuses while files are published under it,
    in any folder that was published to, and where one of these can't be looked at, or nothing
    lists them.

    Example: `hipaa-mode key forget 3f2a91`
    """
    retired = named(key)
    places, missing = _places(published)
    use = [
        f"{place.folder}/{destination}"
        for place in places
        for destination in _destinations_under(place, retired.key)
    ]
    if missing and not force:
        raise HipaaModeError(
            f"Key {retired.key.name} was left as it is: {', '.join(missing)} was published to and "
            "can't be looked at. Make it reachable, or, if it is gone for good, use --force"
        )
    if use and not force:
        raise HipaaModeError(
            f"Key {retired.key.name} was left as it is: {', '.join(use)} still have tokens of it. "
            "Run dbt build first"
        )
    looked_in = [real_root(published_root(published)), *(place.root for place in places)]
    path = None if retired.file is None else published_places.list_file(os.environ)
    unlisted = published_places.incomplete(path, looked_in)
    if retired.file is None:
        raise MaskingKeyError(
            f"Key {retired.key.name} is in {RETIRED_KEYS_VARIABLE}: take it out there, when "
            f"nothing is published under it. {unlisted}. {LOOK}"
        )
    if unlisted and not force:
        raise HipaaModeError(
            f"Key {retired.key.name} was left as it is. {unlisted}. {LOOK}, then use --force"
        )
    forget_key(retired)
    if as_json:
        output.print_json(json.dumps({"forgotten": retired.key.name}))
        return
    output.print(
        f"Key {retired.key.name} is forgotten. Remove it from backups too.", soft_wrap=True
    )


def _places(published: Path | None) -> tuple[list[Place], list[str]]:
    """Return where may be published under a key, and which of it is not there to look at."""
    root = real_root(published_root(published))
    places = {Place(root, environment) for environment in _environments(root)}
    known = set(published_places.known(os.environ))
    missing = [str(place.folder) for place in sorted(known) if not place.folder.is_dir()]
    return sorted(places | known), missing


def _destinations_under(place: Place, key: MasterKey) -> list[str]:
    fingerprint = key.fingerprint(place.environment)
    return [
        str(manifest["destination"])
        for manifest in publishing.read_manifests(place.root, place.environment)
        if manifest.get("key_fingerprint") == fingerprint
    ]


def _environments(root: Path) -> list[str]:
    names = (path.name for path in root.glob("*") if path.is_dir())
    return sorted(name for name in names if is_environment(name))


def _listed(root: Path, environments: list[str]) -> list[ListedKey]:
    active = RetiredKey(load_master_key(os.environ), key_file(os.environ))
    keys = [("active", active), *(("retired", item) for item in load_retired_keys(os.environ))]
    variables = {"active": "HIPAA_MODE_KEY", "retired": RETIRED_KEYS_VARIABLE}
    return [
        ListedKey(
            key=item.key.name,
            state=state,
            place=str(item.file or variables[state]),
            since=_written(item.file),
            fingerprints={name: item.key.fingerprint(name) for name in environments},
            published=_published_under(root, item.key, environments),
        )
        for state, item in keys
    ]


def _written(path: Path | None) -> str | None:
    if path is None:
        return None
    written = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.timezone.utc)
    return written.isoformat(timespec="seconds")


def _published_under(root: Path, key: MasterKey, environments: list[str]) -> list[str]:
    return [
        f"{environment}/{destination}"
        for environment in environments
        for destination in _destinations_under(Place(root, environment), key)
    ]


def named(text: str) -> RetiredKey:
    """Return the one retired key whose name begins with a text.

    Raises:
        MaskingKeyError: none does, or several do, or it is the active one.
    """
    retired = load_retired_keys(os.environ)
    if load_master_key(os.environ).name.startswith(text):
        raise MaskingKeyError("That is how the active key begins. Rotate it first")
    found = [item for item in retired if item.key.name.startswith(text)]
    if len(found) != 1:
        raise MaskingKeyError(
            f"{len(found)} retired keys begin like that. `hipaa-mode key list` shows them"
        )
    return found[0]
