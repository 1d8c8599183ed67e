"""The one list of settings, and the faults of what a run was given."""

from __future__ import annotations

import re
import subprocess

import pytest
from project import REPOSITORY
from typer.testing import CliRunner

from hipaa_mode.cli import app
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.settings import (
    DBT_VARIABLES,
    ENVIRONMENT_VARIABLES,
    Setting,
    Use,
    environment_faults,
    is_url,
    plugin_faults,
    variable_faults,
)


def test_every_name_in_the_project_is_in_the_list() -> None:
    files = subprocess.run(
        ["git", "ls-files", "-z", "*.py", "*.sql", "*.yml", "README.md", "docs/*.md"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    misspelt = (
        "tests/python/unit/test_settings.py",
        "tests/python/build/test_settings.py",
        "tests/python/console/test_refusals.py",
        "scripts/mutants/faults_configuration.py",
        "docs/mutants.md",
    )
    text = "\n".join(
        (REPOSITORY / name).read_text("utf-8") for name in files if name and name not in misspelt
    )
    found = set(re.findall(r"\b(?:HIPAA_MODE_[A-Z][A-Z_]*|hipaa_mode__[a-z][a-z_]*)\b", text))
    known = {setting.name for setting in (*ENVIRONMENT_VARIABLES, *DBT_VARIABLES)}
    assert found == known


def settings_table() -> str:
    """The settings of runs as docs/settings.md has them, one row a meaning."""
    rows: dict[str, list[list[Setting]]] = {}
    for column, settings in enumerate((ENVIRONMENT_VARIABLES, DBT_VARIABLES)):
        for setting in settings:
            if setting.use is Use.RUNS:
                rows.setdefault(setting.meaning, [[], []])[column].append(setting)
    lines = ["| to set | environment variable | dbt variable | default |", "| --- " * 4 + "|"]
    for meaning, sorts in rows.items():
        [default] = {setting.default for sort in sorts for setting in sort}
        names = (" ".join(f"`{setting.name}`" for setting in sort) for sort in sorts)
        lines.append(f"| {' | '.join([meaning, *names, default])} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def test_the_docs_have_every_setting() -> None:
    assert settings_table() in (REPOSITORY / "docs/settings.md").read_text("utf-8")


def test_keygen_makes_no_folder_of_a_url() -> None:
    done = CliRunner().invoke(app, ["keygen", "--file", "s3://bucket/masking.key"])
    assert isinstance(done.exception, ConfigurationError)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HIPAA_MODE_RAW_CALL", "HIPAA_MODE_RAW_CALLS"),
        ("HIPAA_MODE_SUPPRESED_USERS", "HIPAA_MODE_SUPPRESSED_USERS"),
        ("hipaa_mode_raw_calls", "HIPAA_MODE_RAW_CALLS"),
        ("HIPAA-MODE-PUBLISHED", "HIPAA_MODE_PUBLISHED"),
        ("HIPPA_MODE_KEY_FILE", "HIPAA_MODE_KEY_FILE"),
        ("HIPAA_MDOE_DATABASE", "HIPAA_MODE_DATABASE"),
        ("HIPAAMODE_RETIRED_KEYS", "HIPAA_MODE_RETIRED_KEYS"),
        ("HIPAA_MODE__RAW_CALLS", "HIPAA_MODE_RAW_CALLS"),
        ("HIPAA_MODE_ENVIRONMENT", "hipaa_mode__environment"),
        ("Hipaa_Mode_Memory_Limit", "HIPAA_MODE_MEMORY_LIMIT"),
        ("HIPAA_MODE_", ""),
        ("HIPAA_MODE", ""),
    ],
)
def test_an_unknown_environment_variable_is_a_fault_and_names_the_nearest(
    name: str, meant: str
) -> None:
    [fault] = environment_faults({name: "a secret", "HOME": "/root", "HIPAA_MODEL": "x"})
    assert f"`{name}`" in fault.problem
    assert (f"`{meant}`" if meant else "use one of HIPAA_MODE_RAW_CALLS") in fault.remedy
    assert "a secret" not in str(fault)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("hipaa_mode__enviroment", "hipaa_mode__environment"),
        ("hipaa_mode_environment", "hipaa_mode__environment"),
        ("HIPAA_MODE__PUBLISHED", "hipaa_mode__published"),
        ("hipaa-mode__published", "hipaa_mode__published"),
        ("HIPAA_MODE_DATABASE", "HIPAA_MODE_DATABASE"),
        ("hippa_mode__count_dropped_properties", "hipaa_mode__count_dropped_properties"),
        ("hipaa_mode.token_bridge", "hipaa_mode__token_bridge"),
    ],
)
def test_an_unknown_dbt_variable_is_a_fault_and_names_the_nearest(name: str, meant: str) -> None:
    [fault] = variable_faults({name: "a secret", "start_date": "2026-01-01"}, "--vars")
    assert f"`{name}`" in fault.problem and f"`{meant}`" in fault.remedy
    assert "a secret" not in str(fault)


def test_known_names_and_those_of_others_are_no_faults() -> None:
    environ = {setting.name: "60" for setting in ENVIRONMENT_VARIABLES} | {"DBT_HIPAA": ""}
    environ["HIPAA_MODE_PUBLISHED_MODE"] = "750"
    environ["HIPAA_MODE_OBJECT_STORE"] = "s3://bucket/prefix"
    assert environment_faults(environ) == []
    variables = {
        "hipaa_mode__environment": "prod",
        "hipaa_mode__raw_calls": "{{ env_var('CALLS') }}",
        "hipaa_mode__published": None,
        "hipaa_mode__token_bridge": False,
        "hipaa_mode__publish_token_bridge": ["ga4"],
        "hipaa_models": "theirs",
    }
    assert variable_faults(variables, "dbt_project.yml") == []
    assert plugin_faults({"environment": "dev", "TimeZone": "UTC"}, ["TimeZone"]) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hipaa_mode__count_dropped_properties", "flase"),
        ("hipaa_mode__count_dropped_properties", "false"),
        ("hipaa_mode__token_bridge", 0),
        ("hipaa_mode__token_bridge", "{{ env_var('BRIDGE') }}"),
        ("hipaa_mode__publish_token_bridge", "ga4"),
        ("hipaa_mode__publish_token_bridge", [""]),
        ("hipaa_mode__environment", 7),
        ("hipaa_mode__environment", " "),
        ("hipaa_mode__environment", True),
        ("hipaa_mode__raw_calls", ["a.ndjson", "b.ndjson"]),
        ("hipaa_mode__suppressed_users", ""),
        ("hipaa_mode__published", {"dev": "published"}),
        ("hipaa_mode__published", "s3://bucket/published"),
        ("hipaa_mode__raw_calls", "gs://bucket/*.ndjson"),
    ],
)
def test_a_value_of_the_wrong_sort_is_a_fault(name: str, value: object) -> None:
    [fault] = variable_faults({name: value}, "--vars")
    assert f"`{name}`" in fault.problem


def test_the_seed_folder_is_for_unit_tests_alone() -> None:
    [fault] = variable_faults({"hipaa_mode__seed_folder": "{{ env_var('SEEDS') }}"}, "--vars")
    assert "for dbt unit tests alone" in fault.problem
    assert variable_faults({"hipaa_mode__seed_folder": None}, "--vars") == []


def test_a_blank_environment_variable_is_a_fault() -> None:
    [fault] = environment_faults({"HIPAA_MODE_RAW_CALLS": ""})
    assert fault.problem == ("`HIPAA_MODE_RAW_CALLS` is not a file, a folder, a glob or a table")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("s3://bucket/published", True),
        ("S3://bucket", True),
        ("s3:/bucket", True),
        ("abfss://container@account.dfs.core.windows.net/", True),
        ("file:///srv/published", True),
        ("file:published", True),
        (" https://example.test/calls.ndjson", True),
        ("published", False),
        ("/srv/published", False),
        ("C:/published", False),
        ("C:\\published", False),
        ("main.calls", False),
        ('"raw:calls"."x"', False),
        ("md:calls", False),
        ("./s3:/published", False),
        (":memory:", False),
    ],
)
def test_a_url_is_told_from_a_path(location: str, expected: bool) -> None:
    assert is_url(location) is expected


@pytest.mark.parametrize(
    "config", [{"enviroment": "dev"}, {"Environment": "dev"}, {"environment": ""}, {"key": "x"}]
)
def test_an_unknown_or_blank_setting_of_the_plugin_is_a_fault(config: dict[str, str]) -> None:
    [fault] = plugin_faults(config)
    assert fault.file == "profiles.yml"
