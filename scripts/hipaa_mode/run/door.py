"""The one way from macros to Python: `modules.hipaa_mode`, on every adapter.

A macro asks for something by name, `hipaa_mode.door().plan()`; the current session answers, see
`session.Session`. What only the start or the end of a run may ask for, nobody else may: not a
model, nor another project's macro in it. What a macro sends, and what it gets, are copies.
"""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from dbt_common.events.contextvars import get_node_info
from dbt_common.exceptions import CompilationError

from hipaa_mode import PACKAGE
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.run import current
from hipaa_mode.run.build_questions import BuildQuestions
from hipaa_mode.run.end_questions import EndQuestions
from hipaa_mode.run.list_questions import ListQuestions
from hipaa_mode.run.session import Session
from hipaa_mode.run.start_questions import StartQuestions
from hipaa_mode.run.state import message_of

START = "on-run-start"
END = "on-run-end"
ANYWHERE = ""

ACTIONS: Mapping[str, str] = {
    name: hook
    for questions, hook in (
        (StartQuestions, START),
        (ListQuestions, START),
        (EndQuestions, END),
        (BuildQuestions, ANYWHERE),
    )
    for name in vars(questions)
    if not name.startswith("_")
}
"""What macros may ask for, each with the package's hook that may; blank: whoever asks."""

IN_COMPILED_SQL = frozenset(
    ("plan", "destination", "bridged_keys", "ids_of_calls", "judged_values", "json_texts")
)
"""What is the same whoever compiles a model: the rest could tell a build from a compilation."""

FRESH = frozenset(("plan", "destination"))
"""What is made anew for each who asks, so that it needs no copy."""

OF_DBT = frozenset(("results",))
"""What macros send as dbt gave it to them."""


class Door:
    """Has a method for each of `ACTIONS`, with the arguments of the session's."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)

        def ask(*values: Any, **named: Any) -> Any:
            try:
                return _ask(current.session(), name, values, named)
            except (HipaaModeError, OSError) as error:
                raise CompilationError(f"hipaa_mode: {message_of(error)}") from None

        return ask


def _ask(session: Session, name: str, values: tuple[Any, ...], named: dict[str, Any]) -> Any:
    if name not in ACTIONS:
        raise HipaaModeError(_unknown(name))
    _check_who_asks(name)
    if session.is_compiling and name not in IN_COMPILED_SQL:
        raise HipaaModeError(f"`{name}` is no part of a model's SQL")
    method = getattr(session, name)
    try:
        inspect.signature(method).bind(*values, **named)
    except TypeError:
        raise HipaaModeError(_unknown(name)) from None
    answer = method(
        *(_plain(value) for value in values),
        **{key: value if key in OF_DBT else _plain(value) for key, value in named.items()},
    )
    return answer if name in FRESH else copy.deepcopy(answer)


def _check_who_asks(name: str) -> None:
    """Refuse what only a hook of the package may ask for to whoever is none."""
    hook = ACTIONS[name]
    asking = str(get_node_info().get("unique_id", ""))
    if hook and not asking.startswith(f"operation.{PACKAGE}.{PACKAGE}-{hook}-"):
        raise HipaaModeError(
            f"`{name}` is asked for by {PACKAGE}'s own {hook} hook, and by no other macro. Take "
            "the call out of yours"
        )


def _plain(value: Any) -> Any:
    """Return a copy of what a macro sends: text, numbers, lists and dictionaries of them."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return json.loads(json.dumps(value, ensure_ascii=False))


def _unknown(name: str) -> str:
    return (
        f"The hipaa_mode package installed for Python does not know `{name}` as this dbt package "
        "asks for it. Install the version of the dbt package"
    )


DOOR = Door()
