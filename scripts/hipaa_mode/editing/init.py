"""Putting hipaa_mode into a dbt project that is there: package, settings, seeds, profile."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import hipaa_mode
from hipaa_mode import PACKAGE
from hipaa_mode.configuration import ANY
from hipaa_mode.editing.destinations import add_destination
from hipaa_mode.editing.events import allow_event
from hipaa_mode.editing.layout import PROJECT_FILE
from hipaa_mode.editing.scaffold import Owner
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.editing.yaml_text import OneLine, YamlText, dump
from hipaa_mode.errors import ConfigurationError, MissingFileError
from hipaa_mode.received.description import describe
from hipaa_mode.received.environments import known_environments
from hipaa_mode.received.lock_file import LOCK_FILE, as_text
from hipaa_mode.seeds import OPTIONAL_SEEDS, SEED_COLUMNS

PLUGIN = "hipaa_mode.plugin"
PACKAGES_FILE = PurePosixPath("packages.yml")
DEPENDENCIES_FILE = PurePosixPath("dependencies.yml")
IGNORE_FILE = PurePosixPath(".gitignore")
RESTRICTED = PurePosixPath("restricted")
PUBLISHED = PurePosixPath("published")
SEEDS_YAML = "_hipaa_mode_seeds.yml"
SHIPPED_YAML = "_seeds.yml"
CATALOGUES = ("destination_types", "small_zip3_areas")
"""Seeds that start as the package has them; the others start with their header alone."""

# What must not be committed: raw and derived PHI, keys, and what dbt makes anew.
IGNORED = ("target/", "logs/", "dbt_packages/", ".published.incoming/", "*.duckdb",
           "*.duckdb.wal", "*.duckdb.lock", ".hipaa_mode/", "hipaa_mode_report.html")  # fmt: skip
SILENCED = "PackageNodeDependsOnRootProjectNode"


@dataclass(frozen=True)
class Package:
    """Where the project takes the dbt package from.

    Attributes:
        seeds: the files of the package that a project's seeds begin with, by name.
        folder: a checkout of hipaa_mode on this machine; None where there is none.
        git: URL of a repository to name in packages.yml in place of the folder.
        revision: the repository's revision.
    """

    seeds: Mapping[str, bytes]
    folder: Path | None = None
    git: str = ""
    revision: str = ""

    @classmethod
    def find(cls, folder: Path | None, git: str = "", revision: str = "") -> Package:
        """Find the checkout: the one named, or the one that this Python package runs from.

        An installed wheel is no checkout: where a repository is named, its files are fetched.

        Raises:
            MissingFileError: there is no checkout there, or the repository can't be fetched.
        """
        found = folder or Path(hipaa_mode.__file__).resolve().parents[2]
        if _is_checkout(found):
            return cls(_shipped(found), found.resolve(), git, revision)
        if folder is not None or not git:
            raise MissingFileError(
                f"{found} is no checkout of hipaa_mode. Name one with --package, or its "
                "repository with --git"
            )
        with tempfile.TemporaryDirectory(prefix="hipaa-mode-") as place:
            return cls(_shipped(_cloned(git, revision, Path(place))), None, git, revision)

    def entry(self, root: Path) -> dict[str, str]:
        """Return the package's entry in packages.yml."""
        if self.git or self.folder is None:
            return {"git": self.git, **({"revision": self.revision} if self.revision else {})}
        return {"local": Path(os.path.relpath(self.folder, root)).as_posix()}


def _is_checkout(folder: Path) -> bool:
    return (folder / "macros" / "configuration").is_dir() and (folder / "seeds").is_dir()


def _shipped(checkout: Path) -> dict[str, bytes]:
    names = (*(f"{seed}.csv" for seed in CATALOGUES), SHIPPED_YAML)
    return {name: (checkout / "seeds" / name).read_bytes() for name in names}


def _cloned(git: str, revision: str, folder: Path) -> Path:
    """Fetch a revision of a repository into an empty folder, and return the folder."""
    commands = [["clone", "--quiet", "--", git, str(folder)]]
    if revision:
        commands.append(["-C", str(folder), "checkout", "--quiet", revision, "--"])
    environ = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    for command in commands:
        try:
            subprocess.run(["git", *command], env=environ, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            what = f"{git} at {revision}" if revision else git
            raise MissingFileError(
                f"{what} can't be fetched with git. Correct --git and --revision, or name a "
                "checkout with --package"
            ) from None
    if not _is_checkout(folder):
        raise MissingFileError(f"{git} is no repository of hipaa_mode. Correct --git")
    return folder


@dataclass(frozen=True)
class FirstDestination:
    """The destination that a new project starts with.

    Attributes:
        cells: cells of its row in destinations.csv.
        owner: who answers for it.
        events: names of events that it may receive.
    """

    cells: Mapping[str, str]
    owner: Owner
    events: Sequence[str] = ()


def init_project(
    workspace: Workspace,
    package: Package,
    first: FirstDestination | None,
    raw_calls: str = "",
    profiles_file: Path | None = None,
) -> None:
    """Put hipaa_mode into the project; what is there already stays as it is.

    Args:
        package: where the dbt package comes from.
        first: the first destination; needed where the seeds list none.
        raw_calls: glob or table of the raw calls; blank leaves it to HIPAA_MODE_RAW_CALLS.
        profiles_file: the profiles.yml to add the plugin to; None leaves the profile alone.

    Raises:
        ConfigurationError: it is hipaa_mode's own project, no destination is named, or a file
            can't be edited safely.
        EditRefusedError: a build would refuse the result.
    """
    if workspace.layout.name == PACKAGE:
        raise ConfigurationError(
            "This is hipaa_mode's own project: it needs no init. Run it in the project that is "
            "to use it"
        )
    if workspace.layout.profile in ("", PACKAGE):
        raise ConfigurationError(
            f"{PROJECT_FILE} names no profile, or `{PACKAGE}`, which is the demo's own. Give the "
            "project a profile of another name"
        )
    _add_package(workspace, package)
    _add_settings(workspace, raw_calls)
    _add_ignored(workspace)
    if profiles_file is not None:
        _add_plugin(workspace, profiles_file)
    _add_seeds(workspace, package)
    listed = workspace.configuration().listed
    if first is not None:
        environment, name = first.cells["environment"], first.cells["destination"]
        if not {(environment, name), (ANY, name)} & listed:
            add_destination(workspace, first.cells, ["events"], first.owner)
        for event in first.events:
            allow_event(workspace, environment, name, event)
    elif not listed:
        raise ConfigurationError(
            "A first destination is missing, without which nothing builds. Name it with "
            "--destination, --type and --owner-email"
        )
    _add_lock(workspace)


def _add_lock(workspace: Workspace) -> None:
    """Agree to what the first seeds say, where nothing was agreed to yet."""
    path = PurePosixPath(LOCK_FILE)
    if workspace.read(path) is not None:
        return
    configuration = workspace.configuration()
    environments = known_environments(workspace.layout.root, configuration, None)
    models = workspace.destination_models()
    with contextlib.suppress(ConfigurationError):  # The faults are told when it is saved.
        described = describe(configuration, environments, workspace.today, models)
        workspace.write(path, as_text(described).encode("utf-8"))


def note_profile(workspace: Workspace, profiles_file: Path, environment: str) -> None:
    """Note what the project's profile lacks.

    Args:
        profiles_file: the profiles.yml that dbt reads.
        environment: name of the target where the profile is to be made.
    """
    outputs = _outputs(workspace, profiles_file)
    workspace.notes += [
        f"Target {target} is of type {output.get('type')}: hipaa_mode runs on DuckDB"
        for target, output in outputs.items()
        if output.get("type") != "duckdb"
    ]
    lacking: Any = {target: {"plugins": [_plugin(target)]} for target in _lacking(outputs)}
    lacking = {"outputs": lacking} if outputs else _new_profile(environment)
    if any(lacking.values()):
        snippet = dump({workspace.layout.profile: lacking})
        workspace.notes.append(f"{profiles_file} needs this; --write-profile adds it:\n{snippet}")


def default_environment(workspace: Workspace, profiles_file: Path) -> str:
    """Return the profile's default target, or else `dev`."""
    text = workspace.yaml(_inside(workspace, profiles_file))
    target = text.get([workspace.layout.profile, "target"]) if text else None
    return target if isinstance(target, str) and "{" not in target else "dev"


def _inside(workspace: Workspace, file: Path) -> PurePosixPath:
    """Name a file from the project's folder, where it is in there."""
    root = workspace.layout.root
    absolute = file.absolute()
    inside = root in absolute.resolve().parents
    return PurePosixPath(absolute.resolve().relative_to(root) if inside else absolute)


def _add_package(workspace: Workspace, package: Package) -> None:
    path = PACKAGES_FILE
    dependencies = workspace.yaml(DEPENDENCIES_FILE)
    if workspace.read(path) is None and dependencies and dependencies.get(["packages"]):
        path = DEPENDENCIES_FILE
    text = workspace.yaml(path) or YamlText("", str(path))
    root = workspace.layout.root
    if not any(_is_ours(entry, package, root) for entry in text.get(["packages"]) or []):
        text.append(["packages"], package.entry(root))
        workspace.set_yaml(path, text)


def _is_ours(entry: Any, package: Package, root: Path) -> bool:
    """Whether an entry of packages.yml is hipaa_mode, from wherever it comes."""
    if not isinstance(entry, dict):
        return False
    source = str(entry.get("local") or entry.get("git") or entry.get("package") or "")
    is_local = entry.get("local") and package.folder is not None
    if is_local and (root / source).resolve() == package.folder:
        return True
    name = source.rstrip("/").removesuffix(".git").rsplit("/", 1)[-1]
    return name.replace("-", "_") == PACKAGE


def _add_settings(workspace: Workspace, raw_calls: str) -> None:
    """Add the settings of dbt_project.yml that a project needs."""
    text = workspace.yaml(PROJECT_FILE)
    assert text is not None
    name = workspace.layout.name
    views = ["models", name, "destination_views"]
    defaults = {(*views, "+schema"): "destinations", (*views, "+access"): "public"}
    # So that one destination can be built: its tests read nothing but what it is made of.
    defaults["flags", "indirect_selection"] = "buildable"
    for path, value in defaults.items():
        if text.get(path) is None:
            text.set(path, value)
    # A stored failure would be a copy of raw data.
    text.set(["data_tests", name, "destination_views", "+store_failures"], False)
    # The package's models read the project's seeds, which is meant.
    silenced = ["flags", "warn_error_options", "silence"]
    if SILENCED not in (text.get(silenced) or []):
        text.append(silenced, SILENCED)
    if raw_calls:
        text.set(["vars", "hipaa_mode__raw_calls"], raw_calls)
    workspace.set_yaml(PROJECT_FILE, text)


def _add_ignored(workspace: Workspace) -> None:
    content = workspace.read(IGNORE_FILE) or b""
    known = {line.strip().strip("/") for line in content.decode("utf-8", "replace").splitlines()}
    missing = [line for line in IGNORED if line.strip("/") not in known]
    if missing:
        gap = b"" if not content or content.endswith(b"\n") else b"\n"
        workspace.write(IGNORE_FILE, content + gap + "".join(f"{x}\n" for x in missing).encode())
    # dbt does not make the folder of a database file; and what is built in a copy of a checkout
    # that is made of links must land in the checkout.
    for folder in (RESTRICTED, PUBLISHED):
        keep = folder / ".gitignore"
        if workspace.read(keep) is None:
            workspace.write(keep, b"*\n!.gitignore\n")


def _add_seeds(workspace: Workspace, package: Package) -> None:
    folder = workspace.layout.seeds["destinations"].parent
    for seed, columns in {**SEED_COLUMNS, **OPTIONAL_SEEDS}.items():
        path = workspace.layout.seeds.get(seed, folder / f"{seed}.csv")
        if workspace.read(path) is not None:
            continue
        content = (",".join(columns) + "\n").encode()
        if seed in CATALOGUES:
            content = package.seeds[f"{seed}.csv"]
        workspace.write(path, content)
    path = folder / SEEDS_YAML
    if workspace.read(path) is not None or _describes_seeds(workspace, path.parent):
        return
    shipped = package.seeds[SHIPPED_YAML].decode("utf-8")
    prefix = workspace.layout.macro_prefix
    text = YamlText(
        shipped.replace("[matches_reviewed_file]", f"[{prefix}matches_reviewed_file]"), str(path)
    )
    for place, seed_yaml in enumerate(text.get(["seeds"])):
        if seed_yaml["name"] in OPTIONAL_SEEDS:
            continue
        text.set(["seeds", place, "config", "schema"], "configuration")
        # A seed that gained a column does not fit the table of the last run.
        text.set(["seeds", place, "config", "full_refresh"], True)
    workspace.set_yaml(path, text)


def _describes_seeds(workspace: Workspace, folder: PurePosixPath) -> bool:
    """Whether a YAML file of the seeds describes ours already: dbt takes one description each."""
    for found in sorted((workspace.layout.root / folder).rglob("*.y*ml")):
        text = workspace.yaml(PurePosixPath(found.relative_to(workspace.layout.root)))
        names = {seed.get("name") for seed in (text.get(["seeds"]) or [])} if text else set()
        if "allowed_properties" in names:
            return True
    return False


def _outputs(workspace: Workspace, profiles_file: Path) -> dict[str, dict[str, Any]]:
    text = workspace.yaml(_inside(workspace, profiles_file))
    outputs = text.get([workspace.layout.profile, "outputs"]) if text else None
    if not isinstance(outputs, dict):
        return {}
    for target, output in outputs.items():
        problem = ""
        if not isinstance(output, dict):
            problem = f"target {target} holds no settings"
        elif not isinstance(output.get("plugins"), list | None):
            problem = f"`plugins` of target {target} are no list"
        if problem:
            raise ConfigurationError(f"{profiles_file}: {problem}. Correct it first")
    return outputs


def _add_plugin(workspace: Workspace, profiles_file: Path) -> None:
    path = _inside(workspace, profiles_file)
    name = workspace.layout.profile
    text = workspace.yaml(path) or YamlText("", str(path))
    outputs = _outputs(workspace, profiles_file)
    if not outputs:
        text.set([name], _new_profile(default_environment(workspace, profiles_file)))
    for target in _lacking(outputs):
        text.append([name, "outputs", target, "plugins"], _plugin(target))
    workspace.set_yaml(path, text)


def _new_profile(environment: str) -> dict[str, Any]:
    output = {
        "type": "duckdb",
        "path": f"{RESTRICTED}/{environment}.duckdb",
        "threads": 2,
        "plugins": [_plugin(environment)],
    }
    return {"target": environment, "outputs": {environment: output}}


def _plugin(target: str) -> dict[str, Any]:
    return {"module": PLUGIN, "config": OneLine(environment=target)}


def _lacking(outputs: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return the targets on DuckDB that do not name the plugin."""
    return [
        target
        for target, output in outputs.items()
        if output.get("type") == "duckdb"
        and not any(
            isinstance(plugin, dict) and plugin.get("module") == PLUGIN
            for plugin in output.get("plugins") or []
        )
    ]
