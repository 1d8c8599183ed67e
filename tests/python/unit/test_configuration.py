"""The configuration: every fault is found at once, with its file, its line and a remedy."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from seed_files import Seeds, label, minimal_seeds, read_files, the_fault

from hipaa_mode.configuration import EXPIRY_WARNING, AllowedProperty
from hipaa_mode.seeds import OPTIONAL_COLUMNS, SEED_COLUMNS


def only_property(seeds: Seeds, folder: Path) -> AllowedProperty:
    configuration = seeds.read(folder)
    assert configuration.faults == []
    [row] = configuration.allowed_properties
    return row


def test_a_sound_configuration_has_no_fault(tmp_path: Path) -> None:
    configuration = minimal_seeds().read(tmp_path)
    assert configuration.faults == []
    assert list(configuration.types) == ["analytics"]
    assert [destination.name for destination in configuration.destinations] == ["ga4"]
    assert [row.event for row in configuration.allowed_events] == ["Signed In"]
    assert [str(row.path) for row in configuration.allowed_properties] == ["plan"]
    assert configuration.small_areas.areas == ("036",)


def test_the_seeds_of_this_project_are_sound() -> None:
    folder = Path(__file__).parents[3] / "seeds"
    configuration = read_files({seed: folder / f"{seed}.csv" for seed in SEED_COLUMNS})
    assert [str(fault) for fault in configuration.faults] == []


FAULTY_ROWS = [
    ("destination_types", {"destination_type": "Analytics 4"}, "not a name", "lower-case"),
    ("destination_types", {"supports_server_side": ""}, "not a yes or no", "true or false"),
    ("destination_types", {"supports_client_side": "1"}, "not a yes or no", "true or false"),
    ("destination_types", {"required_properties": "a;b."}, "does not parse", "semicolons"),
    ("destinations", {"destination_type": "google"}, "`destination_type` is unknown", "analytics"),
    ("destinations", {"destination_type": ""}, "`destination_type` is unknown", "analytics"),
    ("destinations", {"connection_mode": "cloud"}, "`connection_mode` is unknown", "server_side"),
    ("destinations", {"connection_mode": ""}, "`connection_mode` is unknown", "server_side"),
    ("destinations", {"connection_mode": "client_side"}, "client-side and restricted", "BAA"),
    ("destinations", {"restrict_phi": "no"}, "`restrict_phi` is not a yes or no", "false"),
    ("destinations", {"restrict_phi": "false"}, "restriction is off without a BAA", "baa_refer"),
    ("destinations", {"baa_expires_on": "31/12/2026"}, "`baa_expires_on` is not a date", "yyyy"),
    ("destinations", {"mask_scope": "ga4"}, "`mask_scope` is unknown", "destination"),
    ("destinations", {"timestamp_precision": "week"}, "`timestamp_precision` is unknown", "day"),
    ("destinations", {"destination": "GA4"}, "`destination` is not a name", "lower-case"),
    ("destinations", {"destination": "*"}, "`destination` is not a name", "lower-case"),
    ("destinations", {"environment": "de v"}, "`environment` is not a name", "dbt target"),
    ("destinations", {"environment": ""}, "`environment` is not a name", "dbt target"),
    ("allowed_events", {"event": " "}, "`event` is blank", "*"),
    ("allowed_events", {"event": "a\nb"}, "`event` holds a control character", "Remove"),
    ("allowed_events", {"event": "a", "sent_as": "b\x1f"}, "`sent_as` holds a control", "Remove"),
    ("allowed_events", {"event": "*", "sent_as": "all"}, "can't rename every event", "blank"),
    ("allowed_events", {"event": "a", "destination": ""}, "`destination` is not a name", "*"),
    ("allowed_events", {"event": "a", "destination": "ga5"}, "no such destination", "destinatio"),
    ("allowed_events", {"event": "a", "environment": "qa"}, "no such destination", "environment"),
    ("allowed_properties", {"property_list": "events"}, "`property_list` is unknown", "event"),
    ("allowed_properties", {"property": "a[0]"}, "`property` is not a property path", "path"),
    ("allowed_properties", {"property": ""}, "`property` is not a property path", "path"),
    ("allowed_properties", {"treatment": "hash"}, "`treatment` is wrong: unknown", "treatment"),
    ("allowed_properties", {"treatment": ""}, "`treatment` is wrong: unknown", "treatment"),
    (
        "allowed_properties",
        {"treatment": "hash", "normalize": "email"},
        "`treatment` is wrong: unknown",
        "treatment",
    ),
    ("allowed_properties", {"treatment": "zip3(5)"}, "takes no argument", "treatment"),
    (
        "allowed_properties",
        {"treatment": "mask", "normalize": "trim"},
        "`normalize` is unknown",
        "email",
    ),
    ("allowed_properties", {"normalize": "email"}, "does not go with `allow`", "mask"),
    ("allowed_properties", {"data_type": "uuid"}, "`data_type` is unknown", "integer"),
    ("allowed_properties", {"guard": "refuse"}, "`guard` is unknown", "none, warn, block"),
    (
        "allowed_properties",
        {"treatment": "mask", "guard": "block"},
        "`guard` does not go with `mask` to text",
        "blank",
    ),
    (
        "allowed_properties",
        {"treatment": "zip3", "guard": "none"},
        "`guard` does not go with `zip3` to text",
        "url_path",
    ),
    (
        "allowed_properties",
        {"data_type": "integer", "guard": "warn"},
        "`guard` does not go with `allow` to integer",
        "blank",
    ),
    (
        "allowed_properties",
        {"property_list": "envelope", "property": "user_id", "guard": "none"},
        "`guard` does not go with `allow` to text of an id",
        "blank",
    ),
    (
        "allowed_properties",
        {"treatment": "mask", "data_type": "integer"},
        "a `mask` column is text",
        "blank",
    ),
    (
        "allowed_properties",
        {"treatment": "year", "data_type": "json"},
        "json does not go with `year`",
        "allow",
    ),
    (
        "allowed_properties",
        {"property": "a[].b", "treatment": "surrogate"},
        "does not go into arrays",
        "mask",
    ),
    (
        "allowed_properties",
        {"property_list": "user", "event": "Signed In"},
        "`event` does not go with property list user",
        "blank",
    ),
    (
        "allowed_properties",
        {"property_list": "envelope", "property": "row_id"},
        "only the call's ids",
        "user_id",
    ),
    (
        "allowed_properties",
        {"property_list": "envelope", "property": "user_id", "treatment": "domain"},
        "only the call's ids",
        "deny",
    ),
    (
        "allowed_properties",
        {
            "property_list": "envelope",
            "property": "user_id",
            "treatment": "mask",
            "event": "Signed In",
        },
        "`event` does not go with property list envelope",
        "blank",
    ),
    (
        "allowed_properties",
        {
            "property_list": "envelope",
            "property": "user_id",
            "treatment": "allow",
            "normalize": "email",
        },
        "`normalize` does not go with `allow`",
        "use mask",
    ),
    ("allowed_properties", {"column_name": "a\tb"}, "`column_name` holds a control", "Remove"),
    ("allowed_properties", {"expires_on": "soon"}, "`expires_on` is not a date", "yyyy-mm-dd"),
    ("allowed_properties", {"destination": "ga5"}, "no such destination", "destinations"),
    ("allowed_properties", {"environment": "qa"}, "no such destination", "environment"),
    ("small_zip3_areas", {"zip3": "36"}, "not three digits", "leading zeros"),
    ("small_zip3_areas", {"census_year": "2021"}, "no year of a census", "2020"),
]


@pytest.mark.parametrize(("seed", "cells", "problem", "remedy"), FAULTY_ROWS)
def test_a_faulty_row_is_told_with_its_place_and_a_remedy(
    seed: str, cells: dict[str, str], problem: str, remedy: str, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    fresh = {
        "destination_types": {"destination_type": "other"},
        "destinations": {"destination": "other"},
        "allowed_properties": {"property": "other"},
    }
    line = seeds.add(seed, **(fresh.get(seed, {}) | cells))
    configuration = seeds.read(tmp_path)
    fault = the_fault(configuration.faults, problem)
    assert (fault.file, fault.line) == (label(seed), line)
    assert remedy in fault.remedy
    assert len(configuration.faults) == 1


@pytest.mark.parametrize(
    ("type_cells", "mode", "side"),
    [
        ({"supports_server_side": "false"}, "server_side", "server side"),
        ({"supports_client_side": "false"}, "client_side", "client side"),
    ],
)
def test_a_destination_needs_a_side_that_its_type_has(
    type_cells: dict[str, str], mode: str, side: str, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    seeds.add("destination_types", destination_type="one_sided", **type_cells)
    line = seeds.add(
        "destinations",
        destination="other",
        destination_type="one_sided",
        connection_mode=mode,
        restrict_phi="false",
        baa_reference="BAA-1",
    )
    configuration = seeds.read(tmp_path)
    fault = the_fault(configuration.faults, f"type `one_sided` has no {side}")
    assert (fault.file, fault.line) == (label("destinations"), line)
    assert len(configuration.faults) == 1


@pytest.mark.parametrize(
    "text",
    [
        "2026-13-01",
        "2026-02-30",
        "20260101",
        "2026-1-1",
        "01/02/2026",
        "tomorrow",
        "2026-01-01T00",
    ],
)
@pytest.mark.parametrize(
    ("seed", "column"), [("destinations", "baa_expires_on"), ("allowed_properties", "expires_on")]
)
def test_a_date_off_the_calendar_or_the_format_is_refused(
    seed: str, column: str, text: str, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    line = seeds.replace(seed, **{column: text})
    fault = the_fault(seeds.read(tmp_path).faults, f"`{column}` is not a date")
    assert (fault.file, fault.line) == (label(seed), line)


def test_a_repeated_destination_type_names_its_second_row(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    line = seeds.add("destination_types", supports_client_side="false")
    fault = the_fault(seeds.read(tmp_path).faults, "destination type is listed twice")
    assert (fault.file, fault.line) == (label("destination_types"), line)


@pytest.mark.parametrize(
    ("seed", "cells"),
    [
        ("destinations", {}),
        ("destinations", {"mask_scope": "destination"}),
        ("allowed_events", {}),
        ("allowed_events", {"sent_as": "login"}),
        ("allowed_properties", {"property": "plan"}),
        ("allowed_properties", {"property": '"plan"'}),
        ("allowed_properties", {"property": "plan", "reason": "Another reason"}),
    ],
)
def test_a_repeated_row_names_both_rows(seed: str, cells: dict[str, str], tmp_path: Path) -> None:
    seeds = minimal_seeds()
    line = seeds.add(seed, **cells)
    configuration = seeds.read(tmp_path)
    fault = the_fault(configuration.faults, "listed twice")
    assert (fault.file, fault.line) == (label(seed), line)
    assert "(first in line 2)" in fault.problem
    assert len(configuration.faults) == 1


@pytest.mark.parametrize(
    "cells",
    [
        {"treatment": "mask"},
        {"data_type": "integer"},
        {"column_name": "coverage"},
        {"treatment": "deny"},
    ],
)
def test_a_row_that_contradicts_another_is_told_so(cells: dict[str, str], tmp_path: Path) -> None:
    seeds = minimal_seeds()
    line = seeds.add("allowed_properties", property="plan", **cells)
    fault = the_fault(seeds.read(tmp_path).faults, "listed twice for this destination, in two fo")
    assert (fault.file, fault.line) == (label("allowed_properties"), line)
    assert "(first in line 2)" in fault.problem


@pytest.mark.parametrize("treatment", ["allow", "mask"])
def test_a_row_for_one_event_beside_one_for_every_event_is_a_contradiction(
    treatment: str, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    line = seeds.add("allowed_properties", property="plan", event="Signed In", treatment=treatment)
    configuration = seeds.read(tmp_path)
    fault = the_fault(configuration.faults, "line 2 already gives the property on every event")
    assert (fault.file, fault.line) == (label("allowed_properties"), line)
    assert len(configuration.faults) == 1


@pytest.mark.parametrize(
    "cells",
    [
        {"environment": "dev"},
        {"destination": "*"},
        {"property_list": "user"},
        {"property_list": "context"},
        {"property": "Plan", "column_name": "other_plan"},
        {"property": '"plan.name"'},
    ],
)
def test_rows_about_different_things_are_no_duplicates(
    cells: dict[str, str], tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", **({"property": "plan"} | cells))
    assert seeds.read(tmp_path).faults == []


def test_events_that_differ_by_case_or_blanks_are_different_events(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    for event in ("signed in", "Signed In ", "Signed  In"):
        seeds.add("allowed_events", event=event)
    configuration = seeds.read(tmp_path)
    assert configuration.faults == []
    assert len({row.event for row in configuration.allowed_events}) == 4


@pytest.mark.parametrize("seed", list(SEED_COLUMNS))
def test_a_header_without_a_column_is_told(seed: str, tmp_path: Path) -> None:
    files = minimal_seeds().write(tmp_path)
    may_lack = OPTIONAL_COLUMNS.get(seed, ())
    column = [name for name in SEED_COLUMNS[seed] if name not in may_lack][-1]
    text = files[seed].read_text().replace(column, "something_else", 1)
    files[seed].write_text(text)
    fault = the_fault(read_files(files).faults, f"the header lacks `{column}`")
    assert (fault.file, fault.line) == (label(seed), 1)


@pytest.mark.parametrize("seed", list(SEED_COLUMNS))
def test_a_seed_that_is_not_there_is_told(seed: str, tmp_path: Path) -> None:
    files = minimal_seeds().write(tmp_path)
    del files[seed]
    fault = the_fault(read_files(files).faults, "the seed is missing")
    assert fault.file == f"{seed}.csv"


@pytest.mark.parametrize("seed", list(SEED_COLUMNS))
def test_a_seed_that_is_not_utf_8_is_told(seed: str, tmp_path: Path) -> None:
    files = minimal_seeds().write(tmp_path)
    files[seed].write_bytes(files[seed].read_bytes() + b"\xff\n")
    assert the_fault(read_files(files).faults, "the file is not UTF-8").file == label(seed)


def test_faults_of_all_files_are_told_together(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    expected = {
        (label("destination_types"), seeds.add("destination_types", destination_type="A")),
        (label("destinations"), seeds.add("destinations", destination="b", connection_mode="x")),
        (label("destinations"), seeds.add("destinations", destination="c", restrict_phi="false")),
        (label("allowed_events"), seeds.add("allowed_events", event="")),
        (label("allowed_properties"), seeds.add("allowed_properties", property="a[0]")),
        (label("allowed_properties"), seeds.add("allowed_properties", property="plan")),
        (label("small_zip3_areas"), seeds.add("small_zip3_areas", zip3="x")),
    }
    faults = seeds.read(tmp_path).faults
    assert {(fault.file, fault.line) for fault in faults} == expected
    assert len(faults) == len(expected)


def test_all_faults_of_a_destination_row_are_told_together(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    checked = ["environment", "destination", "destination_type", "connection_mode"]
    checked += ["restrict_phi", "baa_expires_on", "mask_scope", "timestamp_precision"]
    seeds.add("destinations", **dict.fromkeys(checked, "?"))
    problems = [fault.problem for fault in seeds.read(tmp_path).faults]
    told = [column for column in checked if any(f"`{column}`" in text for text in problems)]
    assert told == checked


def test_all_faults_of_a_property_row_are_told_together(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    checked = ["environment", "destination", "property_list", "property", "treatment"]
    checked += ["normalize", "data_type", "expires_on"]
    seeds.add("allowed_properties", **dict.fromkeys(checked, "[?"))
    problems = [fault.problem for fault in seeds.read(tmp_path).faults]
    told = [column for column in checked if any(f"`{column}`" in text for text in problems)]
    assert told == checked


def test_a_faulty_destination_makes_no_fault_of_the_rows_that_name_it(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", connection_mode="cloud")
    assert len(seeds.read(tmp_path).faults) == 1


def test_a_faulty_type_makes_no_fault_of_the_destinations_of_that_type(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destination_types", supports_client_side="maybe")
    assert [str(fault) for fault in seeds.read(tmp_path).faults[1:]] == []


@pytest.mark.parametrize("seed", ["destination_types", "destinations"])
def test_an_unreadable_seed_makes_no_fault_of_the_rows_of_others(
    seed: str, tmp_path: Path
) -> None:
    files = minimal_seeds().write(tmp_path)
    files[seed].write_text(files[seed].read_text().replace("destination_type", "type", 1))
    assert [str(fault) for fault in read_files(files).faults[1:]] == []


@pytest.mark.parametrize("seed", ["destination_types", "destinations"])
@pytest.mark.parametrize("prefix", ["surplus,", '"broken"quotes,'])
def test_a_row_that_can_not_be_read_makes_no_fault_of_the_rows_of_others(
    seed: str, prefix: str, tmp_path: Path
) -> None:
    files = minimal_seeds().write(tmp_path)
    header, _, rows = files[seed].read_text().partition("\n")
    files[seed].write_text(f"{header}\n{prefix}{rows}")
    assert [str(fault) for fault in read_files(files).faults[1:]] == []


@pytest.mark.parametrize("cell", ["", " ", "true", "TRUE"])
def test_phi_is_restricted_unless_the_row_says_otherwise(cell: str, tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", restrict_phi=cell)
    [destination] = seeds.read(tmp_path).destinations
    assert destination.restrict_phi
    assert destination.is_in_hipaa_mode


def test_restriction_is_off_only_under_an_agreement(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", restrict_phi="false", baa_reference="BAA-1")
    configuration = seeds.read(tmp_path)
    assert configuration.faults == []
    [destination] = configuration.destinations
    assert not destination.restrict_phi
    assert not destination.is_in_hipaa_mode


def test_a_blank_agreement_is_no_agreement(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", restrict_phi="false", baa_reference="  ")
    the_fault(seeds.read(tmp_path).faults, "restriction is off without a BAA")


def test_blank_cells_have_the_careful_default(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    [destination] = seeds.read(tmp_path).destinations
    assert (destination.scope, destination.timestamp_precision) == ("*", "day")
    row = only_property(seeds, tmp_path)
    assert row.form == ("allow", "none", "text", "", "plan")
    assert row.event is None
    assert row.expires_on is None


def test_a_seed_of_before_the_guard_reads_as_one_with_blank_cells(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    files = seeds.write(tmp_path)
    new = seeds.read(tmp_path).allowed_properties
    with files["allowed_properties"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with files["allowed_properties"].open("w", encoding="utf-8", newline="") as file:
        columns = [column for column in rows[0] if column != "guard"]
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    configuration = read_files(files)
    assert configuration.faults == []
    assert [row.form for row in configuration.allowed_properties] == [row.form for row in new]
    assert [row.guard for row in configuration.allowed_properties] == [""]


def test_a_treatment_gives_the_column_its_type_unless_the_row_names_one(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("allowed_properties", treatment="year")
    assert only_property(seeds, tmp_path).data_type == "integer"
    seeds.replace("allowed_properties", data_type="string")
    assert only_property(seeds, tmp_path).data_type == "text"


def test_a_scope_of_its_own_has_the_destinations_name(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", mask_scope="destination")
    [destination] = seeds.read(tmp_path).destinations
    assert destination.scope == "ga4"


def test_a_destination_row_for_an_environment_beats_the_one_for_all(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", environment="*", timestamp_precision="day")
    seeds.add("destinations", environment="prod", timestamp_precision="hour")
    configuration = seeds.read(tmp_path)
    assert configuration.faults == []
    assert configuration.in_environment("prod")["ga4"].timestamp_precision == "hour"
    assert configuration.in_environment("dev")["ga4"].timestamp_precision == "day"
    assert configuration.environments() == ["prod"]


def test_the_order_of_destination_rows_does_not_decide_which_one_counts(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", environment="prod", timestamp_precision="hour")
    seeds.add("destinations", environment="*", timestamp_precision="day")
    found = seeds.read(tmp_path).in_environment("prod")
    assert found["ga4"].timestamp_precision == "hour"


def test_a_row_for_every_destination_or_environment_needs_no_other_mention(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_events", environment="*", destination="*", event="Home")
    seeds.add("allowed_events", environment="dev", destination="*", event="Home")
    seeds.add("allowed_properties", environment="*", destination="*", property="currency")
    assert seeds.read(tmp_path).faults == []


def test_a_warning_comes_a_fortnight_before_expiry() -> None:
    assert EXPIRY_WARNING.days == 14
