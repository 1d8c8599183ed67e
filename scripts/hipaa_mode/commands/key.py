"""`hipaa-mode keygen` and `hipaa-mode key`: the masking key, its successors and predecessors."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from hipaa_mode import audit, published_places, publishing
from hipaa_mode.commands import console, options
from hipaa_mode.commands.key_token import token
from hipaa_mode.errors import ConfigurationError, HipaaModeError, MaskingKeyError
from hipaa_mode.folders import environments_in, real_root
from hipaa_mode.keys import (
    DEFAULT_KEY_FILE,
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    RETIRED_KEYS_VARIABLE,
    MasterKey,
    RetiredKey,
    forget_key,
    generate_key,
    key_file,
    load_master_key,
    load_retired_keys,
    named_key,
    rotate_key,
    write_key_file,
)
from hipaa_mode.published_places import Place
from hipaa_mode.settings import is_url

LOOK = "Look in any others with hipaa-mode key list --published FOLDER"

app = typer.Typer(
    no_args_is_help=True, help="Rotate the masking key, and look at it and what is made of it."
)


def keygen(
    file: Annotated[
        Path | None,
        typer.Option(
            help=f"File to write; {KEY_FILE_VARIABLE} or {DEFAULT_KEY_FILE} if not given."
        ),
    ] = None,
) -> None:
    """Make a masking key: 32 random bytes, in a new file that only you can read.

    Example: `hipaa-mode keygen --file /secure/hipaa-mode.key`
    """
    path = file or Path(os.environ.get(KEY_FILE_VARIABLE) or DEFAULT_KEY_FILE)
    if is_url(str(path)):
        raise ConfigurationError("A key is written to a file of this machine, not to a URL")
    write_key_file(path, generate_key())
    console.say(
        f"Wrote a new masking key to {path} (mode 0600). Back it up apart from the data: "
        "without it no token can be made again."
    )


@app.command()
def rotate(as_json: options.Json = False) -> None:
    """Make a new masking key active, and keep the old one beside it for reading.

    The old key moves into the folder `<key file>.retired` (mode 0700). The next `dbt build` makes
    every token anew and publishes each destination with all its new tokens, or keeps its old
    files. Build every environment that the key is for.

    Example: `hipaa-mode key rotate && dbt build --target prod`
    """
    done = rotate_key(os.environ)
    if as_json:
        console.print_json({name: str(value) for name, value in vars(done).items()})
        return
    console.say(
        f"Key {done.new} is active, in {done.key_file}. Key {done.old} is kept for reading in "
        f"{done.retired_file}.\nBack both up. Next: dbt build, for every environment. It makes "
        "every token anew; until it has passed, destinations keep their files with old tokens."
    )


@app.command("list")
def list_keys(
    environment: options.Environments = None,
    published: options.Published = None,
    as_json: options.Json = False,
) -> None:
    """List the active key and the retired ones, and what is published under each.

    Fingerprints are shown in the environments that are published if none is given.

    Example: `hipaa-mode key list --environment prod`
    """
    root = options.published_root(published)
    environments = environment or environments_in(root)
    active = RetiredKey(load_master_key(os.environ), key_file(os.environ))
    shown = [_as_json(active, "active", KEY_VARIABLE, root, environments)]
    shown += [
        _as_json(item, "retired", RETIRED_KEYS_VARIABLE, root, environments)
        for item in load_retired_keys(os.environ)
    ]
    if as_json:
        console.print_json(shown)
        return
    for item in shown:
        since = f" since {item['since'][:16].replace('T', ' ')} UTC" if item["since"] else ""
        state = f"[{'green' if item['state'] == 'active' else 'yellow'}]{item['state']}[/]"
        text = f"[bold]{item['key']}[/]: {state}{since}, in {escape(item['place'])}"
        console.output.print(text, soft_wrap=True)
        for name, fingerprint in item["fingerprints"].items():
            under = [use.split("/")[1] for use in item["published"] if use.startswith(f"{name}/")]
            use = f"published under it: {', '.join(under)}" if under else "nothing published"
            console.say(f"    {name}: fingerprint {fingerprint}, {use}")


@app.command()
def forget(
    key: Annotated[str, typer.Argument(help="Name of a retired key, or how it begins.")],
    published: options.Published = None,
    force: Annotated[
        bool, typer.Option("--force", help="Even if something is published under the key.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Remove a retired key for good: nothing leads from its tokens to the new ones any more.

    The next build empties the bridge of its tokens, and the HMACs of audit entries that were
    written under it can't be checked again. Refuses while files are published under it,
    in any folder that was published to, or copied from there to an object store, and where one
    of these folders can't be looked at, or nothing lists them.

    Example: `hipaa-mode key forget 3f2a91`
    """
    retired = named_key(os.environ, key)
    name, is_in_file = retired.key.name, retired.file is not None
    root = real_root(options.published_root(published))
    known = published_places.known(os.environ)
    places = sorted({*known, *(Place(root, environment) for environment in environments_in(root))})
    missing = [str(place.folder) for place in known if not place.folder.is_dir()]
    use = [f"{place.folder}/{found}" for place in places for found in _under(place, retired.key)]
    use += [copy for place in places for copy in _copied_under(place, retired.key)]
    if missing and not force:
        raise HipaaModeError(
            f"Key {name} was left as it is: {', '.join(missing)} was published to and "
            "can't be looked at. Make it reachable, or, if it is gone for good, use --force"
        )
    if use and not force:
        raise HipaaModeError(
            f"Key {name} was left as it is: {', '.join(use)} still have tokens of it. "
            "Run dbt build first"
        )
    path = published_places.list_file(os.environ) if is_in_file else None
    unlisted = published_places.incomplete(path, [root, *(place.root for place in places)])
    if not is_in_file:
        raise MaskingKeyError(
            f"Key {name} is in {RETIRED_KEYS_VARIABLE}: take it out there, when "
            f"nothing is published under it. {unlisted}. {LOOK}"
        )
    if unlisted and not force:
        raise HipaaModeError(f"Key {name} was left as it is. {unlisted}. {LOOK}, then use --force")
    forget_key(retired)
    if as_json:
        console.print_json({"forgotten": name})
    else:
        console.say(f"Key {name} is forgotten. Remove it from backups too.")


app.command()(token)


@app.command("show-scope")
def show_scope(
    environment: options.EnvironmentArgument,
    scope: Annotated[str, typer.Argument(help="Scope of the tokens: `*`, a destination, …")] = "*",
    retired: Annotated[
        str | None,
        typer.Option(help="Of this retired key: its name in `key list`, or how that begins."),
    ] = None,
) -> None:
    """Print the HMAC key of a scope: a secret that lets anyone recompute its tokens.

    For programs that make tokens elsewhere, and read the key from a pipe or a file. An argument
    of a command is for all on the machine to read: `hipaa-mode key token` needs none.

    Example: `hipaa-mode key show-scope prod | ssh warehouse 'umask 077; cat > prod.subkey'`
    """
    if sys.stdout.isatty():
        console.messages.print("[yellow]This is key material. Do not paste or store it.[/]")
    key = named_key(os.environ, retired).key if retired else load_master_key(os.environ)
    print(key.subkey(environment, scope).reveal())


@app.command()
def fingerprint(environment: options.EnvironmentArgument) -> None:
    """Print what tells one key from another without telling the key.

    Example: `hipaa-mode key fingerprint prod`
    """
    console.show(load_master_key(os.environ).fingerprint(environment))


def _as_json(
    item: RetiredKey, state: str, variable: str, root: Path, environments: list[str]
) -> dict[str, Any]:
    """Return what `key list` shows of a key.

    It is active or retired `since` its file was written; nobody knows since when of a variable.
    """
    since = None
    if item.file is not None:
        written = dt.datetime.fromtimestamp(item.file.stat().st_mtime, dt.timezone.utc)
        since = written.isoformat(timespec="seconds")
    return {
        "key": item.key.name,
        "state": state,
        "place": str(item.file or variable),
        "since": since,
        "fingerprints": {name: item.key.fingerprint(name) for name in environments},
        "published": [
            f"{name}/{destination}"
            for name in environments
            for destination in _under(Place(root, name), item.key)
        ],
    }


def _under(place: Place, key: MasterKey) -> list[str]:
    """Return the destinations that are published there under a key."""
    fingerprint = key.fingerprint(place.environment)
    return [
        str(manifest["destination"])
        for manifest in publishing.read_manifests(place.root, place.environment)
        if manifest.get("key_fingerprint") == fingerprint
    ]


def _copied_under(place: Place, key: MasterKey) -> list[str]:
    """Return the places in an object store that were copied to from there under a key."""
    fingerprint = key.fingerprint(place.environment)
    lines = audit.read_lines(audit.log_path(place.root, place.environment))
    return [
        str(entry["object_store"]["place"])
        for entry in audit.last_copies(audit.entries(lines)).values()
        if entry.get("key_fingerprint") == fingerprint
    ]
