"""A project's configuration with changes that are not written yet.

Commands and the web page make their changes here; the workspace then says what they come to, as a
diff and as what a build would say of them, and writes them all at once.
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any, TypeVar

from hipaa_mode.configuration import ANY, Configuration
from hipaa_mode.display import printable
from hipaa_mode.editing.agreement import Agreement, agree
from hipaa_mode.editing.layout import Layout
from hipaa_mode.editing.seed_text import SeedText
from hipaa_mode.editing.writing import FileChange, content_of, write_changes
from hipaa_mode.editing.yaml_text import YamlText
from hipaa_mode.errors import ConfigurationError, MissingFileError
from hipaa_mode.plan import Plan, make_plan
from hipaa_mode.preview.changes import Side
from hipaa_mode.project import DESTINATION_MODEL, configuration_of
from hipaa_mode.received.description import Description, describe
from hipaa_mode.received.environments import known_environments
from hipaa_mode.received.gate import judge
from hipaa_mode.received.lock_file import LOCK_FILE, LockFileError, parse
from hipaa_mode.seeds import OPTIONAL_SEEDS, Fault, SeedContent, SeedFile, add_optional_seeds

DIFF_CONTEXT = 3
LOCK_PATH = PurePosixPath(LOCK_FILE)

_Made = TypeVar("_Made")


class EditRefusedError(ConfigurationError):
    """The change would make a configuration that the build refuses. Nothing was written.

    Attributes:
        faults: what the build would say.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        """List the faults as a build does."""
        self.faults = list(faults)
        listed = "".join(f"\n- {fault}" for fault in self.faults)
        super().__init__(f"The build would refuse this, so nothing was written:{listed}")


class Workspace:
    """The files of a project, with changes over them.

    Attributes:
        layout: where things are.
        today: the date that expiry is measured against (UTC).
        notes: what the user should know of the changes beside the diff.
    """

    def __init__(self, layout: Layout, today: dt.date | None = None) -> None:
        self.layout = layout
        self.today = today or dt.datetime.now(dt.timezone.utc).date()
        self.notes: list[str] = []
        self._before: dict[PurePosixPath, bytes | None] = {}
        self._after: dict[PurePosixPath, bytes | None] = {}
        self._base: Workspace | None = None
        # What was made of the files since one of them changed; to read only.
        self._made: dict[object, Any] = {}

    # Files

    def read(self, path: PurePosixPath) -> bytes | None:
        """Return what a file holds; None if it does not exist."""
        if path not in self._after:
            self._before[path] = self._after[path] = content_of(self.layout.root / path)
        return self._after[path]

    def write(self, path: PurePosixPath, content: bytes | None) -> None:
        """Give a file its content, or remove it if None, when the changes are written."""
        self.read(path)
        self._after[path] = content
        self._made.clear()

    def _once(self, key: object, make: Callable[[], _Made]) -> _Made:
        """Return what was made under a key since a file changed, or make it."""
        if key not in self._made:
            self._made[key] = make()
        made: _Made = self._made[key]
        return made

    def seed(self, seed: str) -> SeedText:
        """Take a seed apart to edit it.

        Raises:
            MissingFileError: it is not there.
            UneditableSeedError: it can't be edited.
        """
        path = self.layout.seeds[seed]
        content = self.read(path)
        if content is None:
            raise MissingFileError(
                f"{path} is missing. Restore it, or run `hipaa-mode init` in a new project"
            )
        return SeedText.parse(content, str(path))

    def set_seed(self, seed: str, text: SeedText) -> None:
        """Put an edited seed back."""
        self.write(self.layout.seeds[seed], text.as_bytes())

    def yaml(self, path: PurePosixPath) -> YamlText | None:
        """Read a YAML file to edit it; None if it does not exist."""
        content = self.read(path)
        if content is None:
            return None
        try:
            return YamlText(content.decode("utf-8"), str(path))
        except UnicodeDecodeError:
            raise ConfigurationError(f"{path} is not UTF-8. Save it as UTF-8") from None

    def set_yaml(self, path: PurePosixPath, text: YamlText) -> None:
        """Put an edited YAML file back."""
        self.write(path, text.text.encode("utf-8"))

    def destination_models(self) -> dict[str, PurePosixPath]:
        """Return the files of the models that are built as destination views, by name."""
        root = self.layout.root
        on_disk = {
            PurePosixPath(path.relative_to(root))
            for path in (root / self.layout.models).rglob("*.sql")
        }
        added = {path for path in self._after if path.suffix == ".sql"}
        models: dict[str, PurePosixPath] = {}
        for path in sorted(on_disk | added):
            if path.parts[: len(self.layout.models.parts)] != self.layout.models.parts:
                continue
            content = self.read(path)
            if content and DESTINATION_MODEL.search(content.decode("utf-8", "replace")):
                models[path.stem] = path
        return models

    # What the changes come to

    def configuration(self) -> Configuration:
        """Read the seeds as changed."""
        return self._once("configuration", self._read_configuration)

    def _read_configuration(self) -> Configuration:
        root, places = self.layout.root, self.layout.seeds
        on_disk = {seed: root / path for seed, path in places.items()}
        labels = {seed: str(path) for seed, path in places.items()}
        faults = add_optional_seeds(on_disk, labels)
        files: dict[str, SeedFile] = {
            seed: SeedContent(self.read(path)) for seed, path in places.items()
        }
        for seed in OPTIONAL_SEEDS:
            # Looked at so that `is_current` notices a list that comes, goes or changes.
            file = on_disk.get(seed, on_disk["destinations"].with_name(f"{seed}.csv"))
            path = PurePosixPath(os.path.relpath(file, root))
            content = self.read(path)
            if content is not None:
                files[seed] = SeedContent(content)
                labels.setdefault(seed, str(path))
        configuration = configuration_of(root, files, labels)
        configuration.faults += faults
        return configuration

    def environments(self) -> list[str]:
        """Return the environments that have destinations.

        Where rows are for every environment, `*` stands for one that no row names.
        """
        configuration = self.configuration()
        is_any = any(environment == ANY for environment, _ in configuration.listed)
        return configuration.environments() + [ANY] * is_any

    def known_environments(self) -> list[str]:
        """Return every environment that a row, a target, a manifest or the lock names."""
        try:
            locked = parse(self.read(LOCK_PATH) or b"")
        except LockFileError:
            locked = None
        return known_environments(self.layout.root, self.configuration(), locked)

    def side(self, environments: Iterable[str]) -> Side:
        """Return what destinations receive, to compare it."""
        return Side.of(
            self.configuration(), environments, self.today, list(self.destination_models())
        )

    def agreement(self) -> Agreement:
        """Return what the changes make of the lock."""
        before = self.unchanged()
        lock = self.read(LOCK_PATH)
        if lock != self._before[LOCK_PATH]:
            # It is among the changes itself, as `init` writes a project's first one.
            return Agreement()

        def sides() -> list[Description]:
            environments = {*before.known_environments(), *self.known_environments()}
            return [side._described(environments) for side in (before, self)]

        models = tuple(before.destination_models()), tuple(self.destination_models())
        return self._once(("agreement", models), lambda: agree(lock, sides, self.today))

    def _described(self, environments: Iterable[str]) -> Description:
        models = list(self.destination_models())
        return describe(self.configuration(), environments, self.today, models)

    def plans(
        self, with_models: bool = True, environments: Iterable[str] | None = None
    ) -> dict[str, Plan]:
        """Resolve the configuration for the environments; all that have destinations if None."""
        models = tuple(self.destination_models()) if with_models else None
        return {
            environment: self._once(
                ("plan", environment, models),
                partial(make_plan, self.configuration(), environment, self.today, models),
            )
            for environment in environments or self.environments() or [ANY]
        }

    def faults(
        self, with_models: bool = True, environments: Iterable[str] | None = None
    ) -> list[Fault]:
        """Return everything that a build of any of the environments would refuse."""
        plans = self.plans(with_models, environments).values()
        return list(dict.fromkeys(fault for plan in plans for fault in plan.faults))

    def refusals(self, environment: str) -> list[Fault]:
        """Return why a build of an environment would be refused once the changes are written.

        It is what `hipaa-mode check` says: faults of the seeds, the settings and the models, or,
        where there are none, what the lock does not say. `*` is every environment without rows of
        its own. A fault that is about none of the listed destinations is about all of them.
        """
        found = self.plans(environments=[environment])[environment].faults
        if not found:
            names = [environment]
            if environment == ANY:
                names = sorted(set(self.known_environments()) - set(self.environments()))
            found = [fault for name in names for fault in self._faults_of_the_lock(name)]
        known = {name for _, name in self.configuration().listed}
        return [
            fault if fault.destination in known else replace(fault, destination=ANY)
            for fault in dict.fromkeys(found)
        ]

    def all_refusals(self) -> list[Fault]:
        """Return why builds of any of the environments would be refused; see `refusals`."""
        found = (fault for name in self.environments() for fault in self.refusals(name))
        return list(dict.fromkeys(found)) or self.faults()

    def _faults_of_the_lock(self, environment: str) -> list[Fault]:
        content = self.read(LOCK_PATH)
        content = next((c.after for c in self.changes() if c.path == LOCK_PATH), content)
        plan = self.plans(with_models=False, environments=[environment])[environment]
        return judge(
            lambda: None if content is None else parse(content),
            self.configuration(),
            plan,
            self.today,
            list(self.destination_models()),
        ).faults

    def warnings(self) -> list[Fault]:
        """Return everything that builds would warn of."""
        plans = self.plans().values()
        return list(dict.fromkeys(warning for plan in plans for warning in plan.warnings))

    def refuse_new_faults(self, with_models: bool = True) -> None:
        """Refuse the changes if a build would refuse something that it does not refuse now.

        A configuration with several faults can be fixed one by one: what was wrong before
        the changes is no reason to refuse them.

        Raises:
            EditRefusedError: there are new faults.
        """
        before = self.unchanged()
        # An environment that lost its last destination is not listed any more, but built.
        environments = sorted({*before.environments(), *self.environments()})
        known = Counter(_kind(fault) for fault in before.faults(with_models))
        new: list[Fault] = []
        for fault in self.faults(with_models, environments):
            kind = _kind(fault)
            if known[kind]:
                known[kind] -= 1
            else:
                new.append(fault)
        if new:
            raise EditRefusedError(new)

    def unchanged(self) -> Workspace:
        """Return the project as it was when it was read."""
        if self._base is None:
            self._base = Workspace(self.layout, self.today)
            self._base._before = dict(self._before)
            self._base._after = dict(self._before)
        return self._base

    def is_current(self) -> bool:
        """Whether the files on disk still are what the changes were made from."""
        root = self.layout.root
        return all(content_of(root / path) == before for path, before in self._before.items())

    def copy(self) -> Workspace:
        """Return the same project with the same changes, to try others on."""
        copied = Workspace(self.layout, self.today)
        copied.notes = list(self.notes)
        copied._before, copied._after = dict(self._before), dict(self._after)
        copied._base = self._base
        return copied

    def changes(self) -> list[FileChange]:
        """Return the files that the changes touch: seeds, the lock, then the others."""
        touched = [
            FileChange(path, self._before[path], after)
            for path, after in self._after.items()
            if self._before[path] != after
        ]
        if touched:
            lock = FileChange(LOCK_PATH, self.read(LOCK_PATH), self.agreement().content)
            touched += [lock] if lock.after not in (None, lock.before) else []
        places = [*self.layout.seeds.values(), LOCK_PATH]
        return sorted(
            touched,
            key=lambda change: (
                places.index(change.path) if change.path in places else len(places),
                change.path,
            ),
        )

    def save(self) -> list[FileChange]:
        """Write the changes, all or none, and return them.

        Raises:
            EditRefusedError: a build would refuse the result.
            EditConflictError: a file changed since it was read.
            EditWriteError: a file can't be written.
        """
        self.refuse_new_faults()
        changes = self.changes()
        write_changes(self.layout.root, changes)
        return changes


def _kind(fault: Fault) -> tuple[str, str]:
    """Return what makes a fault the same one when rows above it come and go."""
    return fault.file, re.sub(r"\bline \d+", "line", fault.problem)


def unified_diff(change: FileChange) -> list[str]:
    """Write a change as a unified diff, as git shows it; lines have no line endings."""
    before, after = (_lines(content) for content in (change.before, change.after))
    elsewhere = change.path.is_absolute()
    old = str(change.path) if elsewhere else f"a/{change.path}"
    new = str(change.path) if elsewhere else f"b/{change.path}"
    old = "/dev/null" if change.before is None else old
    new = "/dev/null" if change.after is None else new
    return list(difflib.unified_diff(before, after, old, new, n=DIFF_CONTEXT, lineterm=""))


def _lines(content: bytes | None) -> list[str]:
    if not content:
        return []
    text = content.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [printable(line) for line in lines]
