"""What the last inventory found, kept so that the next one can tell what is new.

Names are kept as they are shown, in the clear: whoever may run the inventory sees them anyway, and
the report lists them. A key that is a value has none: it is in the inventory, and so in here, as
`<many keys>`. No value is kept, and no hash of one.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hipaa_mode.errors import HipaaModeError
from hipaa_mode.files import replace

VERSION = 1


class InventoryStateError(HipaaModeError):
    """What the last inventory left can't be read or written."""


@dataclass
class State:
    """What is kept of an environment.

    Attributes:
        known: properties that `--new` has told of, with the time of the run that first did.
        started_at: time of the run that began to keep track; blank before there was one.
        taken_at: time of the last inventory of any kind; blank before there was one.
        last: that inventory, as its JSON: no values in it.
    """

    known: dict[str, str] = field(default_factory=dict)
    started_at: str = ""
    taken_at: str = ""
    last: dict[str, Any] = field(default_factory=dict)

    def new(self, keys: Iterable[str]) -> list[str]:
        """Return those of the properties that are not known; none before track is kept."""
        return [key for key in keys if self.started_at and key not in self.known]

    def learn(self, keys: Iterable[str], time: str) -> None:
        """Take note of properties, so that they are told once."""
        self.started_at = self.started_at or time
        for key in keys:
            self.known.setdefault(key, time)


def state_path(project: Path, environment: str) -> Path:
    """Return where the state of an environment is: in the restricted zone's folder."""
    return project / "restricted" / f"inventory_{environment}.json"


def read_state(project: Path, environment: str) -> State:
    """Read the state; an empty one where there is none yet.

    Raises:
        InventoryStateError: the file is there and can't be read.
    """
    path = state_path(project, environment)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ValueError
        known = {str(key): str(time) for key, time in content["known"].items()}
        return State(
            known, str(content["started_at"]), str(content["taken_at"]), dict(content["last"])
        )
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise InventoryStateError(
            f"{path} can't be read, so nobody knows what is new. Restore it; or remove it, and "
            "the next `hipaa-mode inventory --new` begins anew"
        ) from None


def write_state(project: Path, environment: str, state: State) -> None:
    """Write the state, readable for its owner only.

    Raises:
        InventoryStateError: it can't be written.
    """
    path = state_path(project, environment)
    content = {"version": VERSION, "environment": environment, **vars(state)}
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        replace(path, text.encode(), 0o600)
    except OSError as error:
        raise InventoryStateError(f"{path} can't be written: {error.strerror}") from None


def now() -> str:
    """Return the time, as the state has it: UTC, to the millisecond."""
    return dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds")
