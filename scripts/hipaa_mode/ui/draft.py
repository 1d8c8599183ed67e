"""Changes that were made on the pages and are not saved yet."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from hipaa_mode.configuration import ANY
from hipaa_mode.editing.layout import Layout
from hipaa_mode.editing.workspace import Workspace, unified_diff
from hipaa_mode.editing.writing import FileChange
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.preview.changes import Change, changes
from hipaa_mode.project import today


@dataclass(frozen=True)
class Step:
    """One change that somebody made, in words and as it is made in a workspace."""

    text: str
    edit: Callable[[Workspace], None]


@dataclass
class Draft:
    """The steps that were made, and what they come to.

    The files stay as they are until `save`. Where they change meanwhile, the steps are made again
    on what is there; a step that no longer can be is dropped, and the user is told.
    """

    layout: Layout
    steps: list[Step] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Keeps others from changing the draft meanwhile: pages are made by several threads."""

    _messages: list[str] = field(default_factory=list)
    _workspace: Workspace | None = None

    @property
    def workspace(self) -> Workspace:
        """The project with the steps made."""
        with self.lock:
            made = self._workspace
            if made is None or made.today != today() or not made.is_current():
                made = self._workspace = self._made_again()
            return made

    def make(self, step: Step) -> bool:
        """Make a step; return whether it changed anything.

        Raises:
            HipaaModeError: it is refused; the draft stays as it was.
        """
        with self.lock:
            before = self.workspace
            after = before.copy()
            after.notes = []
            _make(step, after)
            self._messages += dict.fromkeys(after.notes)
            old, new = ({c.path: c.after for c in side.changes()} for side in (before, after))
            if old == new:
                return False
            self.steps.append(step)
            self._workspace = after
            return True

    def undo(self, place: int) -> None:
        """Take a step back; those after it are made again."""
        with self.lock:
            if 0 <= place < len(self.steps):
                del self.steps[place]
                self._workspace = None

    def discard(self) -> None:
        """Forget every step."""
        with self.lock:
            self.steps.clear()
            self._workspace = None

    def save(self, digest: str) -> list[FileChange]:
        """Write the changes, if they are still those that were shown, with this digest.

        Raises:
            HipaaModeError: they are others now, or can't be written; nothing is written.
        """
        with self.lock:
            workspace = self.workspace
            if self.digest() != digest:
                raise HipaaModeError(
                    "The changes are no longer those that were shown, so nothing was written. "
                    "Look at them again"
                )
            changes = workspace.save()
            self.discard()
            return changes

    def digest(self) -> str:
        """Return what tells one set of changes from another."""
        files = [(str(file.path), file.before, file.after) for file in self.workspace.changes()]
        return hashlib.sha256(repr(files).encode()).hexdigest()

    def differences(self) -> list[tuple[FileChange, list[str]]]:
        """Return the files that would be written, each with its diff."""
        return [(change, unified_diff(change)) for change in self.workspace.changes()]

    def effects(self) -> dict[str, list[Change]]:
        """Return what changes for destinations, by environment; `*` for all of them."""
        old, new = self.workspace.unchanged(), self.workspace
        environments = sorted({*old.known_environments(), *new.known_environments()}) or [ANY]
        effects: dict[str, list[Change]] = {}
        for change in changes(old.side(environments), new.side(environments)):
            effects.setdefault(change.environment, []).append(change)
        return effects

    def messages(self) -> list[str]:
        """Return what is to be told once, and forget it."""
        with self.lock:
            messages, self._messages = self._messages, []
            return messages

    def tell(self, message: str) -> None:
        """Have something told on the next page."""
        with self.lock:
            self._messages.append(message)

    def _made_again(self) -> Workspace:
        workspace = Workspace(self.layout)
        for step in list(self.steps):
            tried = workspace.copy()
            try:
                _make(step, tried)
                workspace = tried
            except HipaaModeError as error:
                self.steps.remove(step)
                self._messages.append(
                    f"The files changed, and this no longer can be done: {step.text}. {error}"
                )
        return workspace


def _make(step: Step, workspace: Workspace) -> None:
    step.edit(workspace)
    workspace.refuse_new_faults()
