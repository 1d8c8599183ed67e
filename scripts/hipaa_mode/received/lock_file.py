"""`receives.lock.yml`: the description that a person agreed to, in git beside the seeds.

Every scalar is read as text and so written without types; what is not of the form that
`hipaa_mode.received.description` says is refused, since nobody can tell what was agreed to.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from hipaa_mode.configuration import OWN_SCOPE, PROPERTY_SCOPE, TIMESTAMP_PRECISIONS
from hipaa_mode.display import is_printable, printable
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.files import replace
from hipaa_mode.received.description import (
    CLIENT_SIDE,
    EVERY_EVENT,
    FOR_GOOD,
    HIPAA_MODE,
    SERVER_SIDE,
    SHARED_SCOPE,
    VERSION,
    Description,
)
from hipaa_mode.treatments import DATA_TYPES, GUARDS, NORMALIZATIONS, parse_treatment

LOCK_FILE = "receives.lock.yml"
HEADER = (
    "# What each destination receives, as agreed to: written by `hipaa-mode lock`, in git.\n"
    "# A build that would let more through is refused.\n"
)
FILE_MODE = 0o644

_REMEDY = "Restore it from git, or review what is received and run: hipaa-mode lock"
_STRING, _MAPPING, _SEQUENCE = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))


class LockFileError(ConfigurationError):
    """The lock can't be read, or does not say what is received."""


def lock_path(project: Path) -> Path:
    """Return where a project's lock lies: in its folder, outside of the folder of seeds.

    dbt takes every YAML file among seeds for one that describes them.
    """
    return project / LOCK_FILE


def read_lock(project: Path) -> Description | None:
    """Read a project's lock; None where there is none.

    Raises:
        LockFileError: it can't be read, or is not what `as_text` writes.
    """
    try:
        content = lock_path(project).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LockFileError(f"{LOCK_FILE} can't be read: {error.strerror}") from None
    return parse(content)


def nothing() -> Description:
    """Return the description that allows nothing: what holds where there is no lock."""
    everywhere: Description = {"optional_lists": [], "small_zip3_areas": []}
    return {"version": VERSION, "every_environment": everywhere, "environments": {}}


def parse(content: bytes) -> Description:
    """Read the content of a lock.

    Raises:
        LockFileError: it is not what `as_text` writes.
    """
    try:
        found = _loaded(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise LockFileError(f"{LOCK_FILE} is not UTF-8. Restore it from git") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is no YAML"
        raise LockFileError(f"{LOCK_FILE}{place}: {problem}. {_REMEDY}") from None
    _check(found)
    described: Description = found
    return described


def as_text(description: Description) -> str:
    """Write a description as the lock's text: the same for the same, a line for each column."""
    dumped = yaml.dump(
        _for_lines(description),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=1_000_000,
        default_flow_style=False,
    )
    # They are in double quotes, where YAML reads them back.
    shown = "".join(_escaped(character) for character in dumped)
    return HEADER + shown


def write_lock(project: Path, description: Description) -> None:
    """Write a project's lock, whole or not at all.

    Raises:
        LockFileError: it can't be written.
    """
    try:
        replace(lock_path(project), as_text(description).encode("utf-8"), FILE_MODE)
    except OSError as error:
        raise LockFileError(f"{LOCK_FILE} can't be written: {error.strerror}") from None


# How it is written


class _Line(dict[str, Any]):
    """A mapping that is written on one line."""


class _Words(list[str]):
    """A list that is written on one line."""


class _Dumper(yaml.BaseDumper):  # type: ignore[misc]
    """Writes texts without types; what can't be seen goes into double quotes, as an escape."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_text(dumper: yaml.BaseDumper, text: str) -> yaml.Node:
    style = None if text and is_printable(text) else '"'
    return dumper.represent_scalar(_STRING, text, style=style)


_Dumper.add_representer(str, _represent_text)


def _represent_mapping(dumper: yaml.BaseDumper, data: dict[str, Any]) -> yaml.Node:
    on_one_line = isinstance(data, _Line) or not data
    return dumper.represent_mapping(_MAPPING, data.items(), flow_style=on_one_line)


def _represent_list(dumper: yaml.BaseDumper, data: list[str]) -> yaml.Node:
    on_one_line = isinstance(data, _Words) or not data
    return dumper.represent_sequence(_SEQUENCE, data, flow_style=on_one_line)


_Dumper.add_representer(dict, _represent_mapping)
_Dumper.add_representer(_Line, _represent_mapping)
_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(_Words, _represent_list)


_IN_A_LINE = ("opt_outs", "consent_to_all_of", "consent_to_one_of")


def _for_lines(description: Description) -> Description:
    """Say which parts of a description are written on one line each."""
    everywhere = {name: _Words(value) for name, value in description["every_environment"].items()}
    environments = {
        name: {
            **environment,
            "suppressed_marks": _Words(environment["suppressed_marks"]),
            "destinations": {
                destination: {
                    **content,
                    **{name: _Words(content[name]) for name in _IN_A_LINE if name in content},
                    "views": {
                        view: {column: _Line(said) for column, said in columns.items()}
                        for view, columns in content["views"].items()
                    },
                }
                for destination, content in environment["destinations"].items()
            },
        }
        for name, environment in description["environments"].items()
    }
    return {**description, "every_environment": everywhere, "environments": environments}


def _escaped(character: str) -> str:
    if character == "\n" or is_printable(character):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


# How it is read


_PARSER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""libyaml's where PyYAML has it: a lock of a hundred destinations has ten thousand lines."""


def _loaded(text: str) -> Any:
    """Read YAML with every scalar as text; what two readers may read in two ways is refused.

    That is a key that is there twice or is no text, an alias, a tag, and a second document.
    """
    parsed = yaml.parse(text, Loader=_PARSER)
    events = (event for event in parsed if not isinstance(event, _AROUND))
    found = [_value(event, events) for event in events]
    if len(found) != 1:
        raise yaml.YAMLError
    return found[0]


def _value(event: yaml.Event, events: Iterator[yaml.Event]) -> Any:
    if isinstance(event, yaml.AliasEvent) or event.anchor or event.tag:
        raise _not_clear("it has an alias or a tag", event)
    if isinstance(event, yaml.ScalarEvent):
        return event.value
    inside = itertools.takewhile(lambda each: not isinstance(each, _ENDS), events)
    if isinstance(event, yaml.SequenceStartEvent):
        return [_value(each, events) for each in inside]
    found: dict[str, Any] = {}
    for key in inside:
        name = _value(key, events)
        if not isinstance(name, str) or name in found:
            raise _not_clear("a key is there twice, or is no text", key)
        found[name] = _value(next(events), events)
    return found


_AROUND = (
    yaml.StreamStartEvent,
    yaml.StreamEndEvent,
    yaml.DocumentStartEvent,
    yaml.DocumentEndEvent,
)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def _not_clear(problem: str, event: yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


# What it must say

_Check = Callable[[str, Any], None]


def _check(found: Any) -> None:
    _keys("the file", found, _FILE)


def _wrong(place: str, problem: str) -> LockFileError:
    return LockFileError(
        f"{LOCK_FILE}: {printable(place)}: {problem}, so that nobody can tell what was agreed to. "
        + _REMEDY
    )


def _keys(place: str, found: Any, known: Mapping[str, tuple[bool, _Check]]) -> None:
    """Check a mapping of which each key is known and says whether it must be there."""
    if not isinstance(found, dict):
        raise _wrong(place, "it is no mapping")
    for name in found:
        if name not in known:
            raise _wrong(place, f"`{printable(name)}` is unknown")
    for name, (is_needed, check) in known.items():
        if name in found:
            check(f"{place}: {name}", found[name])
        elif is_needed:
            raise _wrong(place, f"`{name}` is missing")


def _named(check: _Check) -> _Check:
    """Check a mapping of names to what `check` checks."""

    def checked(place: str, found: Any) -> None:
        if not isinstance(found, dict):
            raise _wrong(place, "it is no mapping")
        for name, value in found.items():
            check(f"{place}: {name}", value)

    return checked


def _matches(test: Callable[[str], object], what: str) -> _Check:
    def checked(place: str, found: Any) -> None:
        if not isinstance(found, str) or not test(found):
            raise _wrong(place, f"it is not {what}")

    return checked


def _one_of(*words: str) -> _Check:
    return _matches(lambda text: text in words, "one of " + ", ".join(words))


def _is_form(text: str) -> bool:
    try:
        return text == "envelope" or bool(parse_treatment(text))
    except ValueError:
        return False


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _until(place: str, found: Any) -> None:
    (_named(_DATE) if isinstance(found, dict) else _DATE)(place, found)


def _events(place: str, found: Any) -> None:
    if found != EVERY_EVENT:
        _named(_TEXT)(place, found)


def _texts(place: str, found: Any) -> None:
    if not isinstance(found, list):
        raise _wrong(place, "it is no list")
    for text in found:
        _TEXT(place, text)


_TEXT = _matches(lambda text: text.strip(), "a text")
_DATE = _matches(_is_date, "a date")
_COUNT = _matches(re.compile(r"[0-9]{1,9}").fullmatch, "a number")
_COLUMN: Mapping[str, tuple[bool, _Check]] = {
    "from": (True, _TEXT),
    "form": (True, _matches(_is_form, "a treatment")),
    "normalize": (False, _one_of(*NORMALIZATIONS)),
    "type": (True, _one_of(*sorted(set(DATA_TYPES.values())))),
    "list": (False, _one_of("true")),
    "guard": (False, _one_of(*GUARDS)),
    "scope": (False, _one_of(PROPERTY_SCOPE, OWN_SCOPE, SHARED_SCOPE)),
    "events": (False, _texts),
    "until": (False, _until),
}
_DESTINATION: Mapping[str, tuple[bool, _Check]] = {
    "type": (True, _TEXT),
    "mode": (True, _one_of(HIPAA_MODE, SERVER_SIDE, CLIENT_SIDE)),
    "restrict_phi": (True, _one_of("true", "false")),
    "baa_reference": (False, _TEXT),
    "baa_expires_on": (False, _DATE),
    "stopped": (False, _one_of("true")),
    "mask_scope": (True, _one_of(OWN_SCOPE, SHARED_SCOPE)),
    "timestamp_precision": (True, _one_of(*TIMESTAMP_PRECISIONS)),
    "opt_outs": (False, _texts),
    "consent_to_all_of": (False, _texts),
    "consent_to_one_of": (False, _texts),
    "events": (True, _events),
    "denied": (False, _texts),
    "views": (True, _named(_named(lambda place, found: _keys(place, found, _COLUMN)))),
}
_ENVIRONMENT: Mapping[str, tuple[bool, _Check]] = {
    "retain_days": (
        True,
        _matches(lambda text: text == FOR_GOOD or text.isdecimal(), "a number of days"),
    ),
    "suppressed_users": (True, _COUNT),
    "suppressed_marks": (True, _texts),
    "destinations": (True, _named(lambda place, found: _keys(place, found, _DESTINATION))),
}
_FILE: Mapping[str, tuple[bool, _Check]] = {
    "version": (True, _one_of(VERSION)),
    "every_environment": (
        True,
        lambda place, found: _keys(
            place, found, {"optional_lists": (True, _texts), "small_zip3_areas": (True, _texts)}
        ),
    ),
    "environments": (
        True,
        _named(lambda place, found: _keys(place, found, _ENVIRONMENT)),
    ),
}
