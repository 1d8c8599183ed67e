"""Every setting, misspelt in every way and given every wrong sort of value, is refused or said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hipaa_mode.settings import (
    DBT_VARIABLES,
    ENVIRONMENT_VARIABLES,
    PLUGIN_SETTINGS,
    Kind,
    Setting,
    Use,
    environment_faults,
    plugin_faults,
    variable_faults,
)

WRONG: dict[Kind, tuple[object, ...]] = {
    Kind.TEXT: ("", " ", "\t", 7, True, ["a"], {"a": "b"}),
    Kind.LOCATION: ("", " ", 7, False, ["a"], {"a": "b"}, "s3://bucket/a", "gs://b/*", "file:/a"),
    Kind.LOCATIONS: ("", " ", 7, True, [""], [7], {"a": "b"}, "a;s3://bucket/b", ["s3://b"]),
    Kind.SWITCH: ("true", "false", "flase", "", 0, 1, "no", ["true"], {}),
    Kind.NAMES: ("ga4", "", 7, True, [""], [" "], [7], {"ga4": True}),
    Kind.NUMBER: ("", "many", True, ["1"], {"a": 1}),
    Kind.COUNT: ("", "1", "many", True, -1, 1.5, ["1"], {"a": 1}),
    Kind.STORE: ("", " ", "bucket/prefix", "https://bucket", "s3://", "s3://key:secret@bucket/p"),
    Kind.MODE: ("", " ", "755", "777", "640", "75", "rwxr-x---", "0o750", 750, True, ["750"]),
    Kind.DAY: ("", "2000-02-30", "01.01.2000", "today", 2000, True, ["2000-01-01"], {"a": 1}),
}
"""Values that a setting of a kind can't have."""

SETTINGS = (*ENVIRONMENT_VARIABLES, *DBT_VARIABLES)
NAMES = {setting.name for setting in SETTINGS}


def misspelt(name: str) -> Iterator[str]:
    """Yield a name with each letter dropped, doubled or swapped, and in other spellings."""
    for place in range(len(name)):
        yield name[:place] + name[place + 1 :]
        yield name[: place + 1] + name[place:]
        yield name[:place] + name[place : place + 2][::-1] + name[place + 2 :]
    yield from (name.swapcase(), name.title(), name.replace("_", "-"), name.replace("_", "."))
    yield from (name.replace("__", "_"), name.replace("__", "___"), name + "_", name + "S")
    yield from (name.replace("_", "", 1), name + "_FILE", "_" + name)


@pytest.mark.parametrize("setting", ENVIRONMENT_VARIABLES, ids=lambda setting: setting.name)
def test_no_environment_variable_is_misspelt_in_silence(setting: Setting) -> None:
    silent = [
        name
        for name in misspelt(setting.name)
        if name not in NAMES and not environment_faults({name: "x"})
    ]
    assert silent == []


@pytest.mark.parametrize("setting", DBT_VARIABLES, ids=lambda setting: setting.name)
def test_no_dbt_variable_is_misspelt_in_silence(setting: Setting) -> None:
    silent = [
        name
        for name in misspelt(setting.name)
        if name not in {known.name for known in DBT_VARIABLES}
        and not variable_faults({name: "x"}, "--vars")
    ]
    assert silent == []


def test_no_setting_of_the_plugin_is_misspelt_in_silence() -> None:
    known = {setting.name for setting in PLUGIN_SETTINGS}
    silent = [
        name
        for setting in PLUGIN_SETTINGS
        for name in misspelt(setting.name)
        if name not in known and not plugin_faults({name: "dev"})
    ]
    assert silent == []


@pytest.mark.parametrize("setting", DBT_VARIABLES, ids=lambda setting: setting.name)
def test_no_dbt_variable_of_the_wrong_sort_is_taken(setting: Setting) -> None:
    silent = [
        value for value in WRONG[setting.kind] if not variable_faults({setting.name: value}, "v")
    ]
    assert silent == []


@pytest.mark.parametrize("setting", ENVIRONMENT_VARIABLES, ids=lambda setting: setting.name)
def test_no_environment_variable_of_the_wrong_sort_is_taken(setting: Setting) -> None:
    # They are texts always.
    wrong = [value for value in WRONG[setting.kind] if isinstance(value, str)]
    if setting.kind is Kind.NUMBER:
        wrong.remove("many")  # Told where it is used: see test_locking.py.
    silent = [value for value in wrong if not environment_faults({setting.name: value})]
    assert silent == []


def test_what_is_for_unit_tests_alone_is_refused_with_every_value() -> None:
    names = [setting.name for setting in DBT_VARIABLES if setting.use is Use.UNIT_TESTS]
    assert names
    for name in names:
        for value in ("seeds", "", 7, ["seeds"], True):
            assert variable_faults({name: value}, "--vars")
