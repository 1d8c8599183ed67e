"""Every setting by name, and what is wrong with those that a run was given.

A setting is an environment variable, a dbt variable, or a key of the plugin's `config` in
profiles.yml. One that nobody reads is a fault: misspelt, it would leave its default standing in.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from hipaa_mode import PACKAGE
from hipaa_mode.seeds import Fault
from hipaa_mode.store.location import SETTING as STORE
from hipaa_mode.store.location import uri_problem


class Kind(Enum):
    """What values a setting takes."""

    TEXT = "a text that is not blank"
    LOCATION = "a file, a folder, a glob or a table"
    SWITCH = "true or false"
    NAMES = "a list of names"
    LOCATIONS = "files or tables: a list, or a text with semicolons between them"
    NUMBER = "a number"
    COUNT = "a whole number"
    DAY = "a date, yyyy-mm-dd"
    STORE = "a place in an object store, such as s3://bucket/prefix"
    MODE = "750, 770 or 700: a mode that lets nobody in but a group"


class Use(Enum):
    """Who reads a setting."""

    RUNS = "builds and commands"
    UNIT_TESTS = "dbt unit tests"
    TOOLS = "the project's own tests and tools"


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: as it is written.
        meaning: what it says, in a few words.
        default: what holds without it, in Markdown; blank for nothing.
        kind: what values it takes.
        use: who reads it.
    """

    name: str
    meaning: str
    default: str = ""
    kind: Kind = Kind.TEXT
    use: Use = Use.RUNS


ENVIRONMENT_VARIABLES = (
    Setting("HIPAA_MODE_RAW_CALLS", "raw calls", "the demo's", Kind.LOCATION),
    Setting("HIPAA_MODE_PUBLISHED", "published folder", "`published`", Kind.LOCATION),
    Setting("HIPAA_MODE_PUBLISHED_GROUP", "group that may read what is published", "none"),
    Setting(
        "HIPAA_MODE_PUBLISHED_MODE",
        "mode of published folders, and without `x` of files",
        "`750` with a group, else as it was, `700` for what is new",
        Kind.MODE,
    ),
    Setting(
        STORE,
        "object store that what is published is copied to, `s3://bucket/prefix`",
        "none",
        Kind.STORE,
    ),
    Setting("HIPAA_MODE_DATABASE", "database file", "`restricted/<target>.duckdb`", Kind.LOCATION),
    Setting("HIPAA_MODE_MEMORY_LIMIT", "memory before DuckDB spills to disk", "`3GB`"),
    Setting("HIPAA_MODE_KEY", "masking key"),
    Setting(
        "HIPAA_MODE_KEY_FILE",
        "file with the masking key",
        "`.hipaa_mode/masking.key`",
        Kind.LOCATION,
    ),
    Setting(
        "HIPAA_MODE_EXECUTOR_KEY_FILE",
        "file that executors of Spark read the masking key from",
        "none: the function has the subkeys",
        Kind.LOCATION,
    ),
    Setting("HIPAA_MODE_RETIRED_KEYS", "keys of before a rotation, where they are in no folder"),
    Setting(
        "HIPAA_MODE_SUPPRESSED_USERS",
        "more suppressed people: CSV or NDJSON files, or tables, with semicolons between them",
        kind=Kind.LOCATIONS,
    ),
    Setting(
        "HIPAA_MODE_LOCK_TIMEOUT",
        "seconds to wait for a database that is open elsewhere",
        "`60`",
        Kind.NUMBER,
    ),
    Setting("HIPAA_MODE_EXAMPLES", "random histories that a test tries", use=Use.TOOLS),
    Setting("HIPAA_MODE_EXTRA_EVENTS", "further calls that a test takes in", use=Use.TOOLS),
    Setting("HIPAA_MODE_SCREENSHOTS", "folder for pictures of the page", use=Use.TOOLS),
    Setting("HIPAA_MODE_MUTANTS_SOCKET", "where faults put in are tried", use=Use.TOOLS),
)
"""Every environment variable that begins with `HIPAA_MODE_`."""

DBT_VARIABLES = (
    Setting("hipaa_mode__environment", "environment", "the dbt target's name"),
    Setting("hipaa_mode__raw_calls", "raw calls", "the demo's", Kind.LOCATION),
    Setting(
        "hipaa_mode__raw_message_column",
        "column with the message, in Parquet or a table",
        "`message`, or the only column",
    ),
    Setting("hipaa_mode__published", "published folder", "`published`", Kind.LOCATION),
    Setting(
        "hipaa_mode__suppressed_users",
        "more suppressed people: CSV or NDJSON files, or tables, with semicolons between them",
        kind=Kind.LOCATIONS,
    ),
    Setting(
        "hipaa_mode__count_dropped_properties",
        "count dropped property names",
        "`true`",
        Kind.SWITCH,
    ),
    Setting(
        "hipaa_mode__keep_calls",
        "on Spark keep calls as read and masked, so that a build makes only what changed",
        "`false`",
        Kind.SWITCH,
    ),
    Setting("hipaa_mode__accept_key_fingerprint", "accept a changed key"),
    Setting("hipaa_mode__accept_raw_calls", "accept raw calls of which none was read before"),
    Setting(
        "hipaa_mode__share_with",
        "environments whose database or raw calls may be used",
        kind=Kind.NAMES,
    ),
    Setting(
        "hipaa_mode__earliest_day",
        "first day that a call's time may be of; an earlier time is none",
        "`2000-01-01`",
        Kind.DAY,
    ),
    Setting(
        "hipaa_mode__days_ahead",
        "days that a call's time may be after its receipt; a later time is none",
        "`1`",
        Kind.COUNT,
    ),
    Setting(
        "hipaa_mode__placeholder_ids",
        "what stands for an id that a sender does not have, in any case",
        "`null`, `undefined`, `0` and others: see dbt_project.yml",
        Kind.NAMES,
    ),
    Setting("hipaa_mode__accept_day", "accept a clock that is behind the last run: its day"),
    Setting(
        "hipaa_mode__give_up_suppression_lists",
        "lists of suppressed people that may be missing or empty",
        kind=Kind.LOCATIONS,
    ),
    Setting(
        "hipaa_mode__accept_returning_people",
        "accept that so many people are on no list any more",
        kind=Kind.NUMBER,
    ),
    Setting(
        "hipaa_mode__accept_returning_calls",
        "accept that so many calls come back that were withheld",
        kind=Kind.NUMBER,
    ),
    Setting(
        "hipaa_mode__rejected_share",
        "part of a run's new lines that may be rejected; `1`: any",
        "`0.1`",
        Kind.NUMBER,
    ),
    Setting(
        "hipaa_mode__accept_rejected_lines",
        "accept that so many lines were rejected",
        kind=Kind.NUMBER,
    ),
    Setting(
        "hipaa_mode__token_bridge", "bridge from old tokens to new ones", "`true`", Kind.SWITCH
    ),
    Setting(
        "hipaa_mode__publish_token_bridge",
        "destinations that bridge is published for",
        "none",
        Kind.NAMES,
    ),
    Setting(
        "hipaa_mode__seed_folder",
        "folder of seeds to read instead of the project's",
        kind=Kind.LOCATION,
        use=Use.UNIT_TESTS,
    ),
)
"""Every dbt variable that begins with `hipaa_mode__`."""

PLUGIN_SETTINGS = (
    Setting("environment", "environment of commands that run no hooks", "the dbt target's name"),
)
"""Every key of the plugin's `config` in profiles.yml."""

ENVIRONMENT = "environment variables"
PROFILE = "profiles.yml"

_OURS = re.compile(r"_*h[ip]{2,4}a{1,3}_*modes?(?!l|rn)")
"""How a name begins, in lower case and with one kind of separator, that can only mean us."""

_ALMOST = 0.9
"""How like a known name one is that was meant to be it, though it begins otherwise."""

_URL = re.compile(
    r"[a-z][a-z0-9+.-]+:/"
    r"|(?:file|s3[an]?|gcs|gs|r2|az(?:ure)?|abfss?|adl|wasbs?|https?|ftp|hdfs|dbfs|hf):",
    re.IGNORECASE,
)
_TEMPLATE = "{{"
_MODE = re.compile(r"[02]?7[057]0")


def environment_faults(environ: Mapping[str, str]) -> list[Fault]:
    """Return what is wrong with the environment variables of a process.

    Messages have names and never values.
    """
    environ = dict(sorted(environ.items()))
    return _faults(ENVIRONMENT, "environment variable", ENVIRONMENT_VARIABLES, environ)


def variable_faults(
    variables: Mapping[str, object], label: str, all_are_ours: bool = False
) -> list[Fault]:
    """Return what is wrong with dbt variables that every model reads, such as those of `--vars`.

    Args:
        variables: the variables by name.
        label: how messages name the place.
        all_are_ours: whether a name can be meant for nobody else, whatever it is.
    """
    known = {setting.name for setting in DBT_VARIABLES}
    faults = _faults(
        label, "dbt variable", DBT_VARIABLES, variables, lambda name: all_are_ours or is_ours(name)
    )
    for name, value in variables.items():
        if isinstance(value, Mapping) and name not in known:
            faults += _nested_faults(value, label, str(name))
    return faults


def project_variable_faults(
    variables: Mapping[str, object], project: str, label: str
) -> list[Fault]:
    """Return what is wrong with `vars` of a dbt_project.yml.

    Args:
        variables: the variables, and by the name of a project or package those of it alone.
        project: name of the project that the file is of.
    """
    own = variables.get(PACKAGE)
    if not isinstance(own, Mapping):
        return variable_faults(variables, label)
    rest = {name: value for name, value in variables.items() if name != PACKAGE}
    faults = variable_faults(rest, label)
    if project != PACKAGE:
        return [*faults, *_nested_faults(own, label, PACKAGE)]
    return [*faults, *variable_faults(own, label, all_are_ours=True)]


def _nested_faults(variables: Mapping[Any, object], label: str, scope: str) -> list[Fault]:
    """Return the variables that are read nowhere, or not everywhere, for where they stand."""
    faults: list[Fault] = []
    for name, value in variables.items():
        if is_ours(str(name)) or scope == PACKAGE:
            problem = f"`{name}` stands under `{scope}`, where only some models would read it"
            remedy = "Write it at the top level of the variables, by its whole name"
            faults.append(Fault(label, None, problem, remedy))
        elif isinstance(value, Mapping):
            faults += _nested_faults(value, label, str(name))
    return faults


def plugin_faults(config: Mapping[str, object], others: Collection[str] = ()) -> list[Fault]:
    """Return what is wrong with the plugin's `config` in profiles.yml.

    Args:
        config: the keys as dbt-duckdb hands them on.
        others: keys among them that are the target's `settings`, meant for the database.
    """
    return _faults(
        PROFILE,
        "setting of the plugin",
        PLUGIN_SETTINGS,
        config,
        lambda name: name not in others or is_ours(name),
    )


def _faults(
    label: str,
    what: str,
    settings: Sequence[Setting],
    values: Mapping[str, object],
    is_meant: Callable[[str], bool] | None = None,
) -> list[Fault]:
    """Return what is wrong with values, and with names that are meant for us but unknown."""
    known = {setting.name: setting for setting in settings}
    faults: list[Fault] = []
    for name, value in values.items():
        if name in known:
            faults += _value_faults(label, known[name], value)
        elif (is_meant or is_ours)(str(name)):
            problem = f"no {what} is called `{name}`"
            faults.append(Fault(label, None, problem, _nearest(str(name), settings)))
    return faults


def is_ours(name: str) -> bool:
    """Whether a name can only be meant for this package, however it is spelt."""
    folded = _folded(name)
    known = [_folded(setting.name) for setting in (*ENVIRONMENT_VARIABLES, *DBT_VARIABLES)]
    return _OURS.match(folded) is not None or bool(
        difflib.get_close_matches(folded, known, n=1, cutoff=_ALMOST)
    )


def is_url(location: str) -> bool:
    """Whether a location is a URL, which no folder, file or glob of ours can be."""
    return _URL.match(location.strip()) is not None


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def _nearest(name: str, settings: Sequence[Setting]) -> str:
    """Say which name may have been meant: one of `settings`, or else one of another sort."""
    stems: dict[str, str] = {}
    for setting in (*settings, *ENVIRONMENT_VARIABLES, *DBT_VARIABLES):
        stems.setdefault(_stem(setting.name), setting.name)
        stems.setdefault(_folded(setting.name), setting.name)
    close = difflib.get_close_matches(_stem(name), stems, n=1, cutoff=0.6)
    if not close:
        listed = ", ".join(setting.name for setting in settings if setting.use is Use.RUNS)
        return f"Remove it, or use one of {listed}"
    meant = stems[close[0]]
    if meant in (setting.name for setting in settings):
        return f"Did you mean `{meant}`? Correct the name, or remove it"
    sort = "an environment variable" if meant.isupper() else "a dbt variable"
    return f"Did you mean `{meant}`, which is {sort}? Correct it, or remove it"


def _stem(name: str) -> str:
    return _OURS.sub("", _folded(name)).strip("_")


def _value_faults(label: str, setting: Setting, value: object) -> list[Fault]:
    """Return what is wrong with the value of a known setting; null says nothing.

    What a template comes to is a text, so that it can be no switch and no list of names.
    """
    is_template = label != ENVIRONMENT and isinstance(value, str) and _TEMPLATE in value
    if value is None:
        return []
    texts = value if isinstance(value, (list, tuple)) else str(value).split(";")
    if setting.use is Use.UNIT_TESTS:
        problem = f"`{setting.name}` is for dbt unit tests alone: a run would not go by your seeds"
        remedy = "Remove it"
    elif is_template and setting.kind not in (Kind.SWITCH, Kind.NAMES):
        return []
    elif not _fits(setting.kind, value, label == ENVIRONMENT):
        problem = f"`{setting.name}` is not {setting.kind.value}"
        remedy = "Correct it, or remove it for the default"
    elif setting.kind is Kind.STORE and (unfit := uri_problem(str(value))):
        problem = f"`{setting.name}` {unfit}"
        remedy = "Correct it, or remove it: then nothing is copied"
    elif setting.kind in (Kind.LOCATION, Kind.LOCATIONS) and any(map(is_url, map(str, texts))):
        problem = f"`{setting.name}` is a URL, which can't be read or written"
        remedy = (
            "Give a path: mount the bucket as a folder, or copy with its own tool before or after "
            "the run"
        )
    else:
        return []
    return [Fault(label, None, problem, remedy)]


def _is_day(text: str) -> bool:
    """Whether a text is a date, yyyy-mm-dd."""
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _fits(kind: Kind, value: object, is_text: bool) -> bool:
    if kind is Kind.SWITCH:
        return isinstance(value, bool)
    if kind is Kind.LOCATIONS and isinstance(value, (list, tuple)):
        kind = Kind.NAMES
    if kind is Kind.NAMES:
        return isinstance(value, (list, tuple)) and all(
            isinstance(name, str) and name.strip() for name in value
        )
    if kind is Kind.COUNT:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if kind is Kind.DAY:
        # YAML makes a date of it where it stands without quotes.
        return type(value) is dt.date or (isinstance(value, str) and _is_day(value))
    if kind is Kind.NUMBER and not is_text:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is Kind.MODE:
        return isinstance(value, str) and _MODE.fullmatch(value.strip()) is not None
    return isinstance(value, str) and bool(value.strip())
