"""What invented calls come to under the draft, as the project's own models build them."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass

from hipaa_mode.configuration import VIEWS
from hipaa_mode.editing.workspace import LOCK_PATH, Workspace
from hipaa_mode.errors import ConfigurationError, HipaaModeError
from hipaa_mode.preview.build import Previewer
from hipaa_mode.preview.calls import invented_calls
from hipaa_mode.preview.explain import Explainer, Preview
from hipaa_mode.preview.state import digest

KEPT = 20


@dataclass(frozen=True)
class Previewed:
    """An invented call, as indented JSON, and what the destination would get of it."""

    title: str
    call: str
    preview: Preview


_TITLES = {"events": "An event call", "identifies": "An identify call", "groups": "A group call"}


class Previews:
    """Makes previews, one at a time, and keeps the last ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = ("", "", "")
        self._kept: OrderedDict[tuple[str, str, str], list[Previewed]] = OrderedDict()

    def known(
        self, workspace: Workspace, environment: str, destination: str
    ) -> list[Previewed] | None:
        """Return a preview that was made already of the very same project and changes."""
        return self._kept.get((_state(workspace), environment, destination))

    def make(self, workspace: Workspace, environment: str, destination: str) -> list[Previewed]:
        """Build one invented call for each view of a destination: 8 to 20 seconds.

        Raises:
            HipaaModeError: there is no such destination, or the build fails.
        """
        key = (_state(workspace), environment, destination)
        self._wanted = key
        with self._lock:
            if key in self._kept:
                return self._kept[key]
            if self._wanted != key:
                raise HipaaModeError("Something newer is being built. Load the page again")
            made = _make(workspace, environment, destination)
            if not workspace.is_current() or _state(workspace) != key[0]:
                raise HipaaModeError("The project changed meanwhile. Load the page again")
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return made


def _state(workspace: Workspace) -> str:
    changed = {change.path: change.after for change in workspace.changes()}
    changed.pop(LOCK_PATH, None)
    return digest(workspace.layout.root, changed)


def _make(workspace: Workspace, environment: str, destination: str) -> list[Previewed]:
    plan = workspace.plans(environments=[environment])[environment]
    if plan.faults:
        raise ConfigurationError(str(plan.faults[0]))
    found = plan.destinations.get(destination)
    if found is None:
        raise ConfigurationError(f"{environment} has no destination `{destination}`")
    known = workspace.destination_models()
    views = [view for view in VIEWS if f"{destination}__{view}" in known]
    models = [f"{destination}__{view}" for view in views]
    calls = invented_calls(found, views)
    texts = [json.dumps(call, ensure_ascii=False) for call in calls]
    changed = {change.path: change.after for change in workspace.changes()}
    with Previewer(workspace.layout.root, plan) as previewer:
        built = previewer.build(destination, models, texts, changed)
    explainer = Explainer(workspace.configuration(), environment, found, models, workspace.today)
    return [
        Previewed(
            _TITLES.get(view, view),
            json.dumps(call, ensure_ascii=False, indent=2),
            explainer.explain(text, made),
        )
        for view, call, text, made in zip(views, calls, texts, built)
    ]
