"""`receives.lock.yml`: the description that a person agreed to, in git beside the seeds.

Every scalar is read as text and so written without types; what is not of the form that
`hipaa_mode.received.description` says is refused, since nobody can tell what was agreed to.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from hipaa_mode.configuration import OWN_SCOPE, PROPERTY_SCOPE, TIMESTAMP_PRECISIONS, parse_date
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
    _FILE("the file", found)
    described: Description = found
    return described


def as_text(description: Description) -> str:
    """Write a description as the lock's text: the same for the same, a line for each column."""
    dumped = yaml.serialize(
        _node(description), Dumper=yaml.BaseDumper, allow_unicode=True, width=1_000_000
    )
    return HEADER + "".join(map(_escaped, dumped))


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


def _node(value: Any, path: tuple[str, ...] = ()) -> yaml.Node:
    """Make YAML of a part of a description: texts without types, each column on one line."""
    if isinstance(value, str):
        # What can't be seen goes into double quotes, where YAML reads escapes back.
        style = None if value and is_printable(value) else '"'
        return yaml.ScalarNode(_STRING, value, style=style)
    if isinstance(value, list):
        on_one_line = not value or path[-1] != "denied"
        items = [_node(item) for item in value]
        return yaml.SequenceNode(_SEQUENCE, items, flow_style=on_one_line)
    on_one_line = not value or len(path) == _DEPTH_OF_A_COLUMN
    pairs = [(_node(name), _node(item, (*path, name))) for name, item in value.items()]
    return yaml.MappingNode(_MAPPING, pairs, flow_style=on_one_line)


_DEPTH_OF_A_COLUMN = len(
    ("environments", "dev", "destinations", "ga4", "views", "ga4__events", "x")
)


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


def _wrong(place: str, problem: str) -> LockFileError:
    return LockFileError(
        f"{LOCK_FILE}: {printable(place)}: {problem}, so that nobody can tell what was agreed to. "
        + _REMEDY
    )


def _keys(needed: Mapping[str, _Check], optional: Mapping[str, _Check] | None = None) -> _Check:
    """Check a mapping of which each key is known."""
    known = {**needed, **(optional or {})}

    def check(place: str, found: Any) -> None:
        if not isinstance(found, dict):
            raise _wrong(place, "it is no mapping")
        for name in found:
            if name not in known:
                raise _wrong(place, f"`{printable(name)}` is unknown")
        for name, check_value in known.items():
            if name in found:
                check_value(f"{place}: {name}", found[name])
            elif name in needed:
                raise _wrong(place, f"`{name}` is missing")

    return check


def _named(check_value: _Check) -> _Check:
    """Check a mapping of names to what `check_value` checks."""

    def check(place: str, found: Any) -> None:
        if not isinstance(found, dict):
            raise _wrong(place, "it is no mapping")
        for name, value in found.items():
            check_value(f"{place}: {name}", value)

    return check


def _matches(test: Callable[[str], object], what: str) -> _Check:
    def check(place: str, found: Any) -> None:
        if not isinstance(found, str) or not test(found):
            raise _wrong(place, f"it is not {what}")

    return check


def _one_of(*words: str) -> _Check:
    return _matches(lambda text: text in words, "one of " + ", ".join(words))


def _readable(read: Callable[[str], object], what: str) -> _Check:
    def test(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return _matches(test, what)


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


_TEXT = _matches(str.strip, "a text")
_DATE = _readable(parse_date, "a date")
_COUNT = _matches(re.compile(r"[0-9]{1,9}").fullmatch, "a number")
_DAYS = _matches(lambda text: text == FOR_GOOD or text.isdecimal(), "a number of days")
_COLUMN = _keys(
    {
        "from": _TEXT,
        "form": _readable(lambda text: text == "envelope" or parse_treatment(text), "a treatment"),
        "type": _one_of(*sorted(set(DATA_TYPES.values()))),
    },
    {
        "normalize": _one_of(*NORMALIZATIONS),
        "list": _one_of("true"),
        "guard": _one_of(*GUARDS),
        "scope": _one_of(PROPERTY_SCOPE, OWN_SCOPE, SHARED_SCOPE),
        "events": _texts,
        "until": _until,
    },
)
_DESTINATION = _keys(
    {
        "type": _TEXT,
        "mode": _one_of(HIPAA_MODE, SERVER_SIDE, CLIENT_SIDE),
        "restrict_phi": _one_of("true", "false"),
        "mask_scope": _one_of(OWN_SCOPE, SHARED_SCOPE),
        "timestamp_precision": _one_of(*TIMESTAMP_PRECISIONS),
        "events": _events,
        "views": _named(_named(_COLUMN)),
    },
    {
        "baa_reference": _TEXT,
        "baa_expires_on": _DATE,
        "stopped": _one_of("true"),
        "opt_outs": _texts,
        "consent_to_all_of": _texts,
        "consent_to_one_of": _texts,
        "denied": _texts,
    },
)
_ENVIRONMENT = _keys(
    {
        "retain_days": _DAYS,
        "suppressed_users": _COUNT,
        "suppressed_marks": _texts,
        "destinations": _named(_DESTINATION),
    }
)
_FILE = _keys(
    {
        "version": _one_of(VERSION),
        "every_environment": _keys({"optional_lists": _texts, "small_zip3_areas": _texts}),
        "environments": _named(_ENVIRONMENT),
    }
)
