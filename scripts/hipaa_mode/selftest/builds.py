"""Builds of copies of a project: with a database, a key and a published folder of their own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hipaa_mode.engines.spark_masking import FILE_VARIABLE as EXECUTOR_KEY_FILE_VARIABLE
from hipaa_mode.errors import MissingFileError
from hipaa_mode.keys import KEY_FILE_VARIABLE, KEY_VARIABLE
from hipaa_mode.project import dbt_command
from hipaa_mode.project_settings import profiles_file
from hipaa_mode.publishing import read_manifests
from hipaa_mode.received.environments import lock_project
from hipaa_mode.seeds import OPTIONAL_SEEDS, read_csv
from hipaa_mode.selftest.messages import SETTINGS
from hipaa_mode.selftest.warehouses import Warehouse, warehouse_of
from hipaa_mode.store.location import SETTING as STORE
from hipaa_mode.suppression import SUPPRESSED_USERS_VARIABLE

OUR_MARK = "hipaa_mode: "
NOT_INHERITED = (
    *(KEY_VARIABLE, KEY_FILE_VARIABLE, EXECUTOR_KEY_FILE_VARIABLE, SUPPRESSED_USERS_VARIABLE),
    # What is built here is no publication.
    STORE,
    *("DBT_TARGET_PATH", "DBT_LOG_PATH", "DBT_PROJECT_DIR", "DBT_TARGET"),
)
_PATHS = ("model", "seed", "macro", "test", "analysis", "snapshot", "docs", "asset", "function")
FILES = (
    *("dbt_project.yml", "packages.yml", "package-lock.yml"),
    *("dependencies.yml", "selectors.yml"),
)
"""The files of a project's folder that a copy takes."""


@dataclass(frozen=True)
class Build:
    """What one build came to.

    Attributes:
        folder: the copy of the project.
        exit_code: of dbt.
        notes: what the package said in the log: what is published, and why the rest is not.
    """

    folder: Path
    environment: str
    exit_code: int
    notes: list[str]

    @property
    def published(self) -> Path:
        """Folder of what was published."""
        return self.folder / "published" / self.environment

    @property
    def manifest(self) -> dict[str, Any]:
        """What dbt says of the project's nodes."""
        text = (self.folder / "target/manifest.json").read_text("utf-8")
        content: dict[str, Any] = json.loads(text)
        return content

    def seeds(self) -> dict[str, Path]:
        """Return the file of each seed; a project's own beats one of a package."""
        manifest = self.manifest
        root = manifest["metadata"]["project_name"]
        found: dict[str, Path] = {}
        for node in manifest["nodes"].values():
            is_known = node["name"] in found and node["package_name"] != root
            if node["resource_type"] == "seed" and not is_known:
                found[node["name"]] = Path(node["root_path"]) / node["original_file_path"]
        return found


def read_settings(project: Path) -> dict[str, Any]:
    """Read the dbt_project.yml of a project.

    Raises:
        MissingFileError: there is none.
    """
    file = project / "dbt_project.yml"
    if not file.exists():
        raise MissingFileError(f"{project} is no dbt project: it has no dbt_project.yml")
    content: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return content


def folders_of(settings: Mapping[str, Any]) -> list[str]:
    """Return the folders of a project that a copy takes, those of its packages last."""
    folders = [
        # Jinja, as in hipaa_mode's own project file, stands for the usual folder.
        f"{kind}s" if "{" in str(path) else str(path)
        for kind in _PATHS
        for path in settings.get(f"{kind}-paths", [f"{kind}s"])
    ]
    folders.append(str(settings.get("packages-install-path", "dbt_packages")))
    return list(dict.fromkeys(folders))


def target_of(project: Path, target: str) -> tuple[str, str, dict[str, dict[str, Any]]]:
    """Return the name of a target, of the project's profile, and the profile's targets.

    Raises:
        MissingFileError: there is no such profile or target.
    """
    profile = str(read_settings(project)["profile"])
    found = profiles_file(project)
    content = yaml.safe_load(found.read_text("utf-8")) if found.is_file() else {}
    if profile not in content:
        raise MissingFileError(f"No profiles.yml with a profile {profile} was found")
    outputs = content[profile]["outputs"]
    if target not in outputs:
        raise MissingFileError(
            f"Profile {profile} has no target {target}. Name one of its targets with "
            f"--target: {', '.join(sorted(outputs))}"
        )
    return target, profile, outputs


def place_of_copies(project: Path, target: str) -> Path | None:
    """Return the folder that copies for a target have to be in; None where any will do."""
    return warehouse_of(*target_of(project, target)).place(project.absolute())


class Copies:
    """Makes copies of a project in a private folder and runs dbt in them."""

    def __init__(
        self,
        project: Path,
        folder: Path,
        target: str,
        environment: str,
        withholds: Collection[str] = (),
    ) -> None:
        """Say what to copy where.

        Args:
            folder: empty folder for the copies.
            withholds: optional seeds whose rows the copies keep.
        """
        self.project = project
        self.folder = folder
        self.target = target
        self.environment = environment
        self._withholds = withholds
        self._warehouse: Warehouse | None = None
        self.key = secrets.token_hex(32)

    @property
    def warehouse(self) -> Warehouse:
        """What has the databases of the copies."""
        if self._warehouse is None:
            self._warehouse = warehouse_of(*target_of(self.project, self.target))
        return self._warehouse

    def remove_databases(self) -> None:
        """Remove the databases of the copies; their folders are the caller's."""
        if self._warehouse is not None:
            self._warehouse.remove()

    def create(self, name: str, calls: Mapping[str, Sequence[bytes]], like: Path | None) -> Path:
        """Copy the project and give it calls.

        Args:
            name: name of the copy.
            calls: the lines of each file.
            like: an earlier copy that was built: its parsed project and its random codes of
                treatment `surrogate` are taken over.
        """
        copy = self.folder / name
        copy.mkdir(mode=0o700)
        settings = read_settings(self.project)
        for file in FILES:
            if (self.project / file).exists():
                shutil.copy(self.project / file, copy)
        for folder in folders_of(settings):
            self._copy_folder(folder, copy)
        self._withhold_nothing(copy)
        (copy / "restricted").mkdir(mode=0o700)
        self._write_profile(copy)
        key = copy / ".hipaa_mode/masking.key"
        key.parent.mkdir(mode=0o700)
        key.touch(mode=0o600)
        key.write_text(self.key + "\n", encoding="ascii")
        self.warehouse.give_calls(copy, calls)
        # What the copied seeds say, those of nobody withheld, is agreed to: it reaches nobody.
        lock_project(copy, [self.environment])
        if like is not None:
            (copy / "target").mkdir()
            shutil.copy(like / "target/partial_parse.msgpack", copy / "target")
            self._copy_codes(like, copy)
        return copy

    def _copy_folder(self, name: str, copy: Path) -> None:
        source = self.project / name
        if not source.is_dir() or (copy / name).exists():
            return
        ignore = shutil.ignore_patterns("__pycache__", ".*_cache", ".venv")
        shutil.copytree(source, copy / name, symlinks=True, ignore=ignore)
        for link in (path for path in (copy / name).iterdir() if path.is_symlink()):
            target = (source / link.name).resolve()
            link.unlink()
            link.symlink_to(target)

    def _withhold_nothing(self, copy: Path) -> None:
        """Take everybody off the lists: fresh values would be of other people and other times."""
        for seed in OPTIONAL_SEEDS.keys() - set(self._withholds):
            columns = OPTIONAL_SEEDS[seed]
            for file in copy.rglob(f"{seed}.csv"):
                if not file.parent.resolve().is_relative_to(copy.resolve()):
                    # Of a package that is linked and not copied: it is not ours to write to.
                    continue
                kept = _named_environments(file) if seed == "environments" else []
                file.unlink()
                file.write_text("\n".join([",".join(columns), *kept, ""]), encoding="utf-8")

    def _write_profile(self, copy: Path) -> None:
        """Write the profile with a database of the copy's own: nobody else's is touched."""
        _, profile, outputs = target_of(self.project, self.target)
        # All names stay: each is an environment that rows may be for.
        own = dict.fromkeys(outputs, self.warehouse.make(copy))
        mine = {profile: {"target": self.target, "outputs": own}}
        (copy / "profiles.yml").touch(mode=0o600)
        (copy / "profiles.yml").write_text(yaml.safe_dump(mine), encoding="utf-8")

    def _copy_codes(self, like: Path, copy: Path) -> None:
        """Give a copy the random codes of another: they depend on nothing but chance."""
        nodes = Build(like, self.environment, 0, []).manifest["nodes"].values()
        for node in nodes:
            if node["resource_type"] != "model" or node["name"] != "surrogate_codes":
                continue
            self.warehouse.give_codes(copy, like, (node["schema"], node["alias"]))

    def build(self, copy: Path) -> Build:
        """Run `dbt build` in a copy, unit tests left out."""
        done = self.run(
            copy,
            *("--log-format-file", "json", "build", "--exclude-resource-type", "unit_test"),
            key={KEY_FILE_VARIABLE: ".hipaa_mode/masking.key"},
            **SETTINGS,
        )
        notes = [
            line[line.index(OUR_MARK) + len(OUR_MARK) :]
            for line in done.stdout.decode("utf-8", "backslashreplace").splitlines()
            if OUR_MARK in line
        ]
        made = Build(copy, self.environment, done.returncode, notes)
        self._export(made)
        return made

    def _export(self, made: Build) -> None:
        """Write to files what was published as tables, where files of it would be."""
        for manifest in read_manifests(made.published.parent, self.environment):
            folder = made.published / manifest["destination"]
            for view in manifest["views"] if "schema" in manifest else ():
                (folder / view).mkdir(mode=0o700)
                table = view.rpartition("__")[2]
                file = folder / view / f"{view}.parquet"
                self.warehouse.export_published(made.folder, manifest["schema"], table, file)

    def run(
        self, copy: Path, *arguments: str, key: Mapping[str, str], **variables: object
    ) -> subprocess.CompletedProcess[bytes]:
        """Run dbt in a copy: on its own calls, and nothing that is set for the project.

        Args:
            copy: the copy.
            arguments: the command, and options before and after it.
            key: the environment variables that name the masking key.
            variables: dbt variables besides those that every copy has.
        """
        variables |= {
            "hipaa_mode__environment": self.environment,
            "hipaa_mode__raw_calls": self.warehouse.raw_calls,
            "hipaa_mode__raw_message_column": None,
            "hipaa_mode__published": "published",
            "hipaa_mode__accept_key_fingerprint": None,
            "hipaa_mode__suppressed_users": None,
            "hipaa_mode__rejected_share": 1,
        }
        command = [
            *(dbt_command(), "--no-use-colors", "--no-version-check", *arguments),
            *("--vars", json.dumps(variables), "--profiles-dir", "."),
        ]
        environ = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        return self.warehouse.run(command, copy, {**environ, **key})


def _named_environments(file: Path) -> list[str]:
    """Return the environments that a file names, each as a row that keeps calls for good."""
    columns = OPTIONAL_SEEDS["environments"]
    rows = read_csv(file, file.name, columns, (), []) or []
    return [row.word("environment") + "," * (len(columns) - 1) for row in rows]
