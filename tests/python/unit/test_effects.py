"""Rows that say more than they do are faults; rows without which nothing changes are told."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from seed_files import TODAY, Seeds, label, minimal_seeds, the_fault
from typer.testing import CliRunner

from hipaa_mode.cli import app
from hipaa_mode.configuration import read_configuration
from hipaa_mode.plan import make_plan

UNDER = "the row keeps nothing back: "
NARROWS_NOTHING = "the row narrows nothing"
UNKNOWN = "no destination's row, no row of environments and no dbt target names this environment"


def only_fault(seeds: Seeds, folder: Path, problem: str, seed: str, line: int) -> None:
    plan = seeds.plan(folder)
    fault = the_fault(plan.faults, problem)
    assert (fault.file, fault.line) == (label(seed), line)
    assert len(plan.faults) == 1


def row(path: str, treatment: str = "allow", **cells: str) -> dict[str, str]:
    """The cells of a row of allowed_properties.csv that are not the same in every test."""
    return {"property": path, "treatment": treatment, **cells}


# A part of what is granted whole


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        (row("form"), row("form.ssn", "deny")),
        (row("form"), row("form.ssn", "mask")),
        (row("form"), row("form.born", "year")),
        (row("form"), row('form."a.b"', "deny")),
        (row("a"), row("a.b.c.d", "truncate")),
        (row("items"), row("items[].ssn", "deny")),
        (row("items[]"), row("items[].ssn", "deny")),
        (row("items[]"), row("items[].a[].b", "mask")),
        (row("form", guard="none"), row("form.note", guard="block")),
        (row("form", guard="none"), row("form.note", guard="warn")),
        (row("form"), row("form.ssn", "deny", destination="*")),
        (row("form", destination="*"), row("form.ssn", "deny")),
        (
            row("form"),
            row("form.ssn", "deny", environment="dev"),
        ),
        (
            row("form", event="Signed In"),
            row("form.ssn", "deny"),
        ),
        (row("form"), row("form.b", "mask", event="Signed In")),
        (
            row("form"),
            row("form.s", "mask", expires_on="2020-01-01"),
        ),
        *(
            (
                row("page", property_list=property_list),
                row("page.url", "deny", property_list=property_list),
            )
            for property_list in ("user", "group", "context")
        ),
    ],
)
def test_a_row_below_a_granted_object_keeps_nothing_back(
    parent: dict[str, str], child: dict[str, str], tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    above = seeds.add("allowed_properties", data_type="json", **parent)
    line = seeds.add("allowed_properties", **child)
    seeds.add("destinations", environment="prod")
    plan = seeds.plan(tmp_path)
    faults = [fault for fault in plan.faults if fault.problem.startswith(UNDER)]
    assert [(fault.file, fault.line) for fault in faults] == [(label("allowed_properties"), line)]
    assert f"line {above} sends whole to `ga4`" in faults[0].problem
    assert plan.faults == faults


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        (row("form", data_type="text"), row("form.ssn", "mask")),
        (row("form"), row("form.step")),
        (row("form"), row("form.step", guard="block")),
        (row("form"), row("former.ssn", "mask")),
        (
            row("form"),
            row('"form.ssn"', "mask", column_name="x"),
        ),
        (
            row("form", property_list="user"),
            row("form.s", "mask"),
        ),
        (
            row("form", event="A"),
            row("form.s", "mask", event="B"),
        ),
        (
            row("form", environment="dev"),
            row("form.s", "mask", environment="prod"),
        ),
        (
            row("form", expires_on="2020-01-01"),
            row("form.s", "mask"),
        ),
        (
            row("form", "deny", data_type=""),
            row("foo", "mask"),
        ),
    ],
)
def test_a_row_elsewhere_keeps_back_what_it_says(
    parent: dict[str, str], child: dict[str, str], tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    for event in ("A", "B"):
        seeds.add("allowed_events", event=event)
    seeds.add("destinations", environment="prod")
    seeds.add("allowed_properties", **({"data_type": "json"} | parent))
    seeds.add("allowed_properties", **child)
    assert seeds.plan(tmp_path).faults == []


def test_a_part_that_the_destination_allows_itself_is_no_fault(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property="form", data_type="json")
    seeds.add("allowed_properties", property="form.step")
    seeds.add("allowed_properties", property="form.step", treatment="deny", destination="*")
    assert seeds.plan(tmp_path).faults == []


def test_a_denied_object_does_not_hide_a_part_that_is_allowed(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    line = seeds.add("allowed_properties", property="form", treatment="deny")
    seeds.add("allowed_properties", property="form.ssn")
    only_fault(seeds, tmp_path, f"{UNDER}line {line + 1} sends", "allowed_properties", line)
    seeds.add("allowed_properties", property="form", data_type="json", destination="*")
    assert seeds.plan(tmp_path).faults == []


# Destinations without restriction


@pytest.mark.parametrize(
    ("seed", "cells"),
    [
        ("allowed_events", {"event": "Booked"}),
        ("allowed_events", {"event": "Booked", "sent_as": "conversion"}),
        ("allowed_properties", {"property": "ssn", "treatment": "deny"}),
        ("allowed_properties", {"property": "ssn", "treatment": "mask"}),
        ("allowed_properties", {"property": "born", "treatment": "year"}),
        ("allowed_properties", {"property": "note", "guard": "block"}),
        ("allowed_properties", {"property": "note", "expires_on": "2030-01-01"}),
        ("allowed_properties", {"property": "note", "event": "Signed In"}),
    ],
)
@pytest.mark.parametrize("environment", ["dev", "*"])
def test_a_row_for_a_destination_without_restriction_is_a_fault(
    environment: str, seed: str, cells: dict[str, str], tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="crm", restrict_phi="false", baa_reference="BAA-1")
    seeds.add("allowed_properties", destination="crm", property="plan")
    envelope = {"property_list": "envelope", "property": "user_id", "treatment": "mask"}
    seeds.add("allowed_properties", destination="crm", **envelope)
    assert seeds.plan(tmp_path).faults == []
    line = seeds.add(seed, destination="crm", environment=environment, **cells)
    only_fault(seeds, tmp_path, "`crm` is not restricted and gets", seed, line)


def test_a_destination_that_is_open_in_one_environment_is_told_there(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    line = seeds.replace("destinations", restrict_phi="false", baa_reference="BAA-1")
    seeds.add("destinations", environment="prod")
    seeds.add("allowed_properties", property="ssn", treatment="deny")
    plan = seeds.plan(tmp_path, "dev")
    assert plan.faults == []
    warning = the_fault(plan.warnings, "`ga4` is not restricted in dev")
    assert (warning.file, warning.line) == (label("destinations"), line)
    assert "seeds/allowed_events.csv, line 2" in warning.problem
    assert not [w for w in seeds.plan(tmp_path, "prod").warnings if "not restricted" in w.problem]


@pytest.mark.parametrize(
    ("seed", "cells"),
    [
        ("allowed_events", {"event": "Booked"}),
        ("allowed_properties", {"property": "plan"}),
        ("allowed_properties", {"property": "ssn", "treatment": "deny"}),
        (
            "allowed_properties",
            {"property_list": "envelope", "property": "user_id", "treatment": "deny"},
        ),
    ],
)
def test_a_row_for_a_client_side_destination_is_a_fault(
    seed: str, cells: dict[str, str], tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    open_chat = {"connection_mode": "client_side", "restrict_phi": "false", "baa_reference": "B"}
    seeds.add("destinations", destination="chat", **open_chat)
    line = seeds.add(seed, destination="chat", **cells)
    only_fault(seeds, tmp_path, "the row changes nothing: what `chat` gets", seed, line)


@pytest.mark.parametrize("cells", [{"timestamp_precision": "day"}, {"mask_scope": "destination"}])
def test_a_cell_that_can_not_reach_a_client_side_destination_is_a_fault(
    cells: dict[str, str], tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    open_chat = {"connection_mode": "client_side", "restrict_phi": "false", "baa_reference": "B"}
    line = seeds.add("destinations", destination="chat", **open_chat, **cells)
    only_fault(seeds, tmp_path, f"`{next(iter(cells))}` changes nothing", "destinations", line)


# Environments, cells, files


@pytest.mark.parametrize(
    ("seed", "cells"),
    [
        ("allowed_events", {"event": "Booked"}),
        ("allowed_properties", {"property": "ssn", "treatment": "deny"}),
        ("allowed_properties", {"property": "ssn", "treatment": "deny", "destination": "*"}),
    ],
)
@pytest.mark.parametrize("environment", ["prdo", "Prod", "PROD"])
def test_destinations_for_every_environment_make_no_environment_known(
    environment: str, seed: str, cells: dict[str, str], tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", environment="*")
    line = seeds.add(seed, environment=environment, **cells)
    files = seeds.write(tmp_path)
    labels = {name: label(name) for name in files}
    fault = the_fault(read_configuration(files, labels, ["dev", "prod"]).faults, UNKNOWN)
    assert (fault.file, fault.line) == (label(seed), line)
    assert read_configuration(files, labels, [environment]).faults == []
    files["environments"] = tmp_path / "environments.csv"
    files["environments"].write_text(f"environment,retain_days\n{environment},\n")
    labels["environments"] = label("environments")
    assert read_configuration(files, labels, []).faults == []
    plan = make_plan(read_configuration(files, labels, ["dev", "prod"]), "dev", TODAY)
    assert plan.faults == []
    told = the_fault(plan.rows_without_effect, "neither a destination's row nor a dbt target")
    assert (told.file, told.line) == (label("environments"), 2)


@pytest.mark.parametrize("sent_as", ["Booked", " Booked ", "  "])
def test_a_name_that_renames_nothing_is_a_fault(sent_as: str, tmp_path: Path) -> None:
    seeds = minimal_seeds()
    line = seeds.add("allowed_events", event="Booked", sent_as=sent_as)
    only_fault(seeds, tmp_path, "`sent_as` ", "allowed_events", line)


@pytest.mark.parametrize("text", ["1999-12-31", "3026-01-01", "0026-03-01", "1999?"])
def test_a_date_that_nobody_means_is_a_fault(text: str, tmp_path: Path) -> None:
    seeds = minimal_seeds()
    line = seeds.replace("allowed_properties", expires_on=text)
    only_fault(seeds, tmp_path, "`expires_on` is not a date", "allowed_properties", line)


# Rows without effect


@pytest.mark.parametrize(
    ("rows", "idle"),
    [
        ([{"property": "ssn", "treatment": "deny"}], [0]),
        ([{"property": "plan", "treatment": "deny", "destination": "*"}], [0]),
        ([{"property": "plan", "expires_on": "2030-01-01", "destination": "*"}], [0]),
        ([{"property": "plan", "environment": "dev", "guard": "block"}], [0]),
        ([{"property": "plan", "environment": "dev", "guard": "none"}], []),
        ([{"property": "plan", "environment": "dev", "expires_on": "2030-01-01"}], []),
        ([{"property": "plan", "environment": "dev", "treatment": "deny"}], []),
        ([{"property": "plan", "environment": "dev", "event": "Signed In"}], []),
        ([{"property": "user_id", "property_list": "envelope", "treatment": "mask"}], [0]),
        ([{"property": "user_id", "property_list": "envelope", "treatment": "deny"}], []),
        (
            [
                {"property": "a", "destination": "*"},
                {"property": "a", "treatment": "deny", "environment": "dev"},
                {"property": "a", "treatment": "deny"},
            ],
            # Each of the two does what the other would do without it.
            [1, 2],
        ),
        (
            [
                {"property": "a", "treatment": "mask"},
                {"property": "a", "treatment": "mask", "environment": "dev"},
            ],
            [0, 1],
        ),
    ],
)
def test_a_narrowing_row_without_which_nothing_changes_is_told(
    rows: list[dict[str, str]], idle: list[int], tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    lines = [seeds.add("allowed_properties", **row) for row in rows]
    plan = seeds.plan(tmp_path)
    assert plan.faults == []
    assert [item.line for item in plan.rows_without_effect] == [lines[i] for i in idle]
    assert all(item.problem.startswith(NARROWS_NOTHING) for item in plan.rows_without_effect)
    assert [w for w in plan.warnings if w in plan.rows_without_effect] == plan.rows_without_effect


def test_what_works_in_another_environment_works(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", environment="prod")
    seeds.add("allowed_properties", property="plan", treatment="deny", environment="prod")
    assert seeds.plan(tmp_path, "dev").rows_without_effect == []


def test_rows_that_are_beaten_everywhere_are_told(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    event = seeds.add("allowed_events", destination="*", event="Signed In", sent_as="login")
    row = seeds.add("destinations", environment="*")
    told = seeds.plan(tmp_path).rows_without_effect
    assert [(item.file, item.line) for item in told] == [
        (label("allowed_events"), event),
        (label("destinations"), row),
    ]


def test_many_rows_are_looked_at_in_little_time(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    for number in range(20):
        seeds.add("destinations", destination=f"d{number}")
        seeds.add("destinations", environment="prod", destination=f"d{number}")
        for other in range(25):
            seeds.add(
                "allowed_properties",
                destination=f"d{number}",
                property=f"a.b{other}",
                treatment="mask",
            )
    configuration = seeds.read(tmp_path)
    started = time.process_time()
    assert make_plan(configuration, "dev", TODAY).rows_without_effect == []
    assert time.process_time() - started < 3


def test_check_strict_refuses_rows_without_effect(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property="ssn", treatment="deny")
    (tmp_path / "seeds").mkdir()
    seeds.write(tmp_path / "seeds")
    folder = tmp_path / "models/destination_views/ga4"
    folder.mkdir(parents=True)
    (folder / "ga4__events.sql").write_text("{{ hipaa_mode.destination_events('ga4') }}")
    (tmp_path / "dbt_project.yml").write_text("name: p\n")
    command = ["check", "--project", str(tmp_path), "--json"]
    CliRunner().invoke(app, ["lock", "--project", str(tmp_path), "--yes"])
    loose = CliRunner().invoke(app, command)
    strict = CliRunner().invoke(app, [*command, "--strict"])
    assert (loose.exit_code, strict.exit_code) == (0, 2)
    assert NARROWS_NOTHING in loose.stdout and NARROWS_NOTHING in strict.stdout
