"""The plan: which rows count for a destination, and exactly what it then receives."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seed_files import TODAY, Seeds, label, minimal_seeds, read_files, the_fault

from hipaa_mode.configuration import ENVELOPE_COLUMNS, VIEWS
from hipaa_mode.plan import DestinationPlan, Plan, ViewColumn, make_plan
from hipaa_mode.run.plan_texts import PlanCopy, PlanTexts

DAY = dt.timedelta(days=1)


def own_columns(destination: DestinationPlan, view: str = "events") -> list[ViewColumn]:
    return [column for column in destination.views[view] if column.property_list != "envelope"]


def column_forms(destination: DestinationPlan, view: str = "events") -> dict[str, str]:
    return {column.name: column.treatment for column in own_columns(destination, view)}


def received(seeds: Seeds, folder: Path, environment: str = "dev") -> dict[str, str]:
    """Return what ga4's events view shows besides the envelope, after a sound plan."""
    plan = seeds.plan(folder, environment)
    assert [str(fault) for fault in plan.faults] == []
    return column_forms(plan.destinations["ga4"])


def envelope_forms(destination: DestinationPlan, view: str = "events") -> dict[str, str]:
    return {
        column.name: column.treatment
        for column in destination.views[view]
        if column.name in ("user_id", "anonymous_id", "group_id")
    }


def test_people_are_one_in_every_spelling_that_some_destination_takes_for_one(
    tmp_path: Path,
) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="other")
    for name, id_name, normalize in (
        ("ga4", "user_id", "email"),
        ("ga4", "anonymous_id", "lower"),
        ("ga4", "group_id", "phone"),
        ("other", "user_id", "phone(1)"),
    ):
        cells = {"property_list": "envelope", "property": id_name, "treatment": "mask"}
        seeds.add("allowed_properties", destination=name, normalize=normalize, **cells)
    plan = seeds.plan(tmp_path)
    assert plan.faults == []
    assert plan.person_normalizations == ["email", "lower", "phone(1)"]
    [user_id] = [
        c for c in plan.destinations["other"].latest_views["users"] if c.name == "user_id"
    ]
    assert user_id.normalize == "phone(1)"


def test_a_sound_configuration_has_no_fault_and_no_warning(tmp_path: Path) -> None:
    plan = minimal_seeds().plan(tmp_path, models=["ga4__events"])
    assert plan.faults == []
    assert plan.warnings == []
    assert list(plan.destinations) == ["ga4"]
    assert received(minimal_seeds(), tmp_path) == {"plan": "allow"}


def test_a_restricted_view_is_its_envelope_and_the_allowlist(tmp_path: Path) -> None:
    plan = minimal_seeds().plan(tmp_path)
    names = [column.name for column in plan.destinations["ga4"].views["events"]]
    assert names == [*ENVELOPE_COLUMNS, "plan"]
    for view in ("identifies", "groups"):
        names = [column.name for column in plan.destinations["ga4"].views[view]]
        assert names == list(ENVELOPE_COLUMNS)


def test_each_list_of_properties_goes_to_its_view_and_context_to_all(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property_list="user", property="tier")
    seeds.add("allowed_properties", property_list="group", property="industry")
    seeds.add("allowed_properties", property_list="context", property="locale")
    destination = seeds.plan(tmp_path).destinations["ga4"]
    assert {view: sorted(column_forms(destination, view)) for view in VIEWS} == {
        "events": ["locale", "plan"],
        "identifies": ["locale", "tier"],
        "groups": ["industry", "locale"],
    }


def test_an_environment_without_destinations_is_a_fault(tmp_path: Path) -> None:
    plan = minimal_seeds().plan(tmp_path, environment="qa")
    fault = the_fault(plan.faults, "no destination is listed for environment qa")
    assert fault.file == "destinations.csv"
    assert "hipaa_mode__environment" in fault.remedy


def test_the_faults_of_the_seeds_are_faults_of_the_plan(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property="a..b")
    seeds.add("destinations", destination="other", connection_mode="cloud")
    plan = seeds.plan(tmp_path)
    the_fault(plan.faults, "a name is missing")
    the_fault(plan.faults, "`connection_mode` is unknown")


# Agreements.


@pytest.mark.parametrize(
    ("days", "is_fault", "is_warning"),
    [(-1, True, False), (0, False, True), (14, False, True), (15, False, False)],
)
def test_an_agreement_ends_the_day_after_its_date(
    days: int, is_fault: bool, is_warning: bool, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    seeds.rows["allowed_events"].clear()
    line = seeds.replace(
        "destinations",
        restrict_phi="false",
        baa_reference="BAA-1",
        baa_expires_on=str(TODAY + days * DAY),
    )
    plan = seeds.plan(tmp_path)
    if is_fault:
        fault = the_fault(plan.faults, "the BAA of `ga4` has expired")
        assert (fault.file, fault.line) == (label("destinations"), line)
        assert "restrict_phi" in fault.remedy
    if is_warning:
        warning = the_fault(plan.warnings, "the BAA of `ga4` expires on")
        assert (warning.file, warning.line) == (label("destinations"), line)
    assert (bool(plan.faults), bool(plan.warnings)) == (is_fault, is_warning)


def test_an_agreement_counts_in_its_own_environment_only(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add(
        "destinations",
        environment="prod",
        restrict_phi="false",
        baa_reference="BAA-1",
        baa_expires_on=str(TODAY - DAY),
    )
    assert seeds.plan(tmp_path, "dev").faults == []
    the_fault(seeds.plan(tmp_path, "prod").faults, "has expired")


def test_an_expired_agreement_does_not_matter_where_phi_is_restricted(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", baa_reference="BAA-1", baa_expires_on=str(TODAY - DAY))
    assert seeds.plan(tmp_path).faults == []


# Models.


def test_a_destination_without_a_model_is_a_fault(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    line = seeds.add("destinations", destination="mailchimp")
    plan = seeds.plan(tmp_path, models=["ga4__events"])
    fault = the_fault(plan.faults, "destination `mailchimp` has no model")
    assert (fault.file, fault.line) == (label("destinations"), line)
    assert "mailchimp__events.sql" in fault.remedy
    assert len(plan.faults) == 1


def test_a_model_without_a_destination_is_a_fault(tmp_path: Path) -> None:
    plan = minimal_seeds().plan(tmp_path, models=["ga4__events", "gone__events"])
    fault = the_fault(plan.faults, "destination `gone` has no row in destinations.csv")
    assert fault.file == "model gone__events"
    assert len(plan.faults) == 1


def test_destinations_that_can_not_be_read_make_no_fault_of_their_models(tmp_path: Path) -> None:
    files = minimal_seeds().write(tmp_path)
    files["destinations"].write_text("environment\n")
    plan = make_plan(read_files(files), "dev", TODAY, ["ga4__events"])
    assert [str(fault) for fault in plan.faults[1:]] == []


def test_a_model_of_another_environments_destination_is_no_fault(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", environment="prod", destination="mailchimp")
    assert seeds.plan(tmp_path, models=["ga4__events", "mailchimp__events"]).faults == []


@pytest.mark.parametrize("model", ["ga4", "ga4__event", "ga4_events", "ga4__events_v2"])
def test_a_model_that_names_no_view_is_a_fault(model: str, tmp_path: Path) -> None:
    plan = minimal_seeds().plan(tmp_path, models=["ga4__events", model])
    fault = the_fault(plan.faults, "must be <destination>__<view>")
    assert fault.file == f"model {model}"


def test_properties_without_a_view_to_be_in_are_a_warning(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property_list="user", property="tier")
    plan = seeds.plan(tmp_path, models=["ga4__events"])
    warning = the_fault(plan.warnings, "`ga4` has user properties but no model ga4__identifies")
    assert (warning.file, warning.line) == (label("destinations"), 2)
    assert plan.faults == []


# Columns that collide.


@pytest.mark.parametrize(
    "cells",
    [
        {"property": "Plan"},
        {"property": '"plan "'},
        {"property": "$plan"},
        {"property": "coverage", "column_name": "plan"},
        {"property": "coverage", "column_name": "PLAN"},
        {"property_list": "context", "property": "plan"},
    ],
)
def test_two_properties_of_one_column_are_a_fault_that_names_both_rows(
    cells: dict[str, str], tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    line = seeds.add("allowed_properties", **cells)
    plan = seeds.plan(tmp_path)
    fault = the_fault(plan.faults, "of `ga4__events` collides with the one of")
    assert (fault.file, fault.line) == (label("allowed_properties"), line)
    assert f"{label('allowed_properties')}, line 2" in fault.problem
    assert "column_name" in fault.remedy
    assert len(plan.faults) == 1


@pytest.mark.parametrize("column", ENVELOPE_COLUMNS)
def test_a_property_of_an_envelope_columns_name_is_a_fault(column: str, tmp_path: Path) -> None:
    seeds = minimal_seeds()
    line = seeds.add("allowed_properties", property=column)
    fault = the_fault(seeds.plan(tmp_path).faults, f"collides with envelope column `{column}`")
    assert (fault.file, fault.line) == (label("allowed_properties"), line)
    assert "`ga4__events`" in fault.problem
    assert "column_name" in fault.remedy


def test_a_column_name_resolves_a_collision(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property="Plan", column_name="plan_2")
    seeds.add("allowed_properties", property="user_id", column_name="customer", treatment="mask")
    assert received(seeds, tmp_path) == {"plan": "allow", "plan_2": "allow", "customer": "mask"}


def test_two_forms_of_one_property_on_two_events_collide_in_one_column(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_events", event="Home")
    seeds.replace("allowed_properties", event="Home")
    line = seeds.add("allowed_properties", property="plan", event="Signed In", treatment="mask")
    fault = the_fault(seeds.plan(tmp_path).faults, "collides with the one of")
    assert fault.line == line
    assert "line 2" in fault.problem


def test_the_same_name_in_two_views_is_no_collision(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property_list="user", property="plan")
    seeds.add("allowed_properties", property_list="group", property="plan")
    assert seeds.plan(tmp_path).faults == []


def test_a_collision_of_another_environment_is_a_fault_here_too(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", environment="prod")
    line = seeds.add("allowed_properties", environment="prod", property="Plan")
    assert the_fault(seeds.plan(tmp_path, "dev").faults, "collides").line == line


def test_the_objects_of_an_unrestricted_destination_are_columns_that_collide(
    tmp_path: Path,
) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", restrict_phi="false", baa_reference="BAA-1")
    line = seeds.add("allowed_properties", property="properties")
    assert the_fault(seeds.plan(tmp_path).faults, "collides with envelope column").line == line


def test_no_staged_value_has_the_name_of_a_whole_object(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="crm", restrict_phi="false", baa_reference="BAA-1")
    seeds.add("allowed_properties", property="whole", data_type="json")
    seeds.add("allowed_properties", property_list="user", property="whole")
    seeds.add("allowed_properties", property_list="context", property="whole", column_name="all")
    plan = seeds.plan(tmp_path)
    assert plan.faults == []
    assert plan.keeps_whole_objects
    objects = {"properties__whole", "traits__whole", "context__whole"}
    assert objects == {
        column.masked_column
        for columns in plan.destinations["crm"].views.values()
        for column in columns
        if column.data_type == "json"
    }
    assert not objects & {value.name for value in plan.staged_values}


# Which rows count.


def test_an_environment_without_rows_of_its_own_has_those_for_all(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", environment="*")
    for environment in ("dev", "prod", "qa"):
        assert received(seeds, tmp_path, environment) == {"plan": "allow"}


def test_a_row_of_another_environment_does_not_count(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", environment="prod")
    seeds.add("allowed_properties", environment="prod", property="email", treatment="mask")
    seeds.add("allowed_events", environment="prod", event="Home")
    assert received(seeds, tmp_path, "dev") == {"plan": "allow"}
    assert received(seeds, tmp_path, "prod") == {"plan": "allow", "email": "mask"}
    assert seeds.plan(tmp_path, "dev").destinations["ga4"].events == {"Signed In": "Signed In"}


def test_a_row_of_another_destination_does_not_count(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="mailchimp")
    seeds.add("allowed_properties", destination="mailchimp", property="email")
    plan = seeds.plan(tmp_path)
    assert column_forms(plan.destinations["ga4"]) == {"plan": "allow"}
    assert column_forms(plan.destinations["mailchimp"]) == {"email": "allow"}


def test_the_project_allowlist_is_for_every_restricted_destination_only(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="mailchimp")
    seeds.add("destinations", destination="crm", restrict_phi="false", baa_reference="BAA-1")
    seeds.add("allowed_properties", destination="*", property="currency")
    plan = seeds.plan(tmp_path)
    assert plan.faults == []
    forms = {name: sorted(column_forms(item)) for name, item in plan.destinations.items()}
    assert forms == {"crm": [], "ga4": ["currency", "plan"], "mailchimp": ["currency"]}


RANKED = [("*", "*"), ("dev", "*"), ("*", "ga4"), ("dev", "ga4")]
"""Environment and destination of rows about one property, the weakest first."""


@pytest.mark.parametrize("strongest", range(1, 4))
@pytest.mark.parametrize("is_last", [True, False])
def test_a_row_for_the_destination_beats_one_for_all_and_then_the_environment(
    strongest: int, is_last: bool, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    rows = list(enumerate(RANKED[: strongest + 1]))
    for rank, (environment, destination) in rows if is_last else reversed(rows):
        seeds.add(
            "allowed_properties",
            environment=environment,
            destination=destination,
            property="value",
            treatment=f"round({rank + 1})",
        )
    assert received(seeds, tmp_path)["value"] == f"round({strongest + 1})"


def test_deny_takes_a_property_of_the_project_allowlist_away(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="mailchimp")
    seeds.add("allowed_properties", destination="*", property="currency")
    seeds.add("allowed_properties", destination="ga4", property="currency", treatment="deny")
    plan = seeds.plan(tmp_path)
    assert column_forms(plan.destinations["ga4"]) == {"plan": "allow"}
    assert column_forms(plan.destinations["mailchimp"]) == {"currency": "allow"}


def test_deny_for_the_environment_takes_away_what_the_destination_has_elsewhere(
    tmp_path: Path,
) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", environment="dev", property="plan", treatment="deny")
    assert received(seeds, tmp_path) == {}


@pytest.mark.parametrize(
    ("days", "counts", "warning"),
    [
        (-1, False, "expired on"),
        (0, True, "expires on"),
        (1, True, "expires on"),
        (14, True, "expires on"),
        (15, True, ""),
    ],
)
def test_a_row_stops_counting_the_day_after_its_date(
    days: int, counts: bool, warning: str, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    line = seeds.replace("allowed_properties", expires_on=str(TODAY + days * DAY))
    plan = seeds.plan(tmp_path)
    assert plan.faults == []
    assert ("plan" in column_forms(plan.destinations["ga4"])) is counts
    assert bool(plan.warnings) is bool(warning)
    if warning:
        found = the_fault(plan.warnings, f"the row {warning} {TODAY + days * DAY}")
        assert (found.file, found.line) == (label("allowed_properties"), line)


@pytest.mark.parametrize("expired", range(1, 4))
@pytest.mark.parametrize("treatment", ["mask", "deny"])
def test_expiry_never_widens(expired: int, treatment: str, tmp_path: Path) -> None:
    seeds = minimal_seeds()
    for rank, (environment, destination) in enumerate(RANKED[: expired + 1]):
        is_strongest = rank == expired
        seeds.add(
            "allowed_properties",
            environment=environment,
            destination=destination,
            property="value",
            treatment=treatment if is_strongest else "allow",
            expires_on=str(TODAY - DAY) if is_strongest else "",
        )
    assert received(seeds, tmp_path) == {"plan": "allow"}


def test_an_expiry_that_concerns_several_destinations_is_one_warning(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="mailchimp")
    seeds.add("allowed_properties", destination="*", property="value", expires_on=str(TODAY + DAY))
    the_fault(seeds.plan(tmp_path).warnings, "the row expires on")


# Events.


def test_an_event_may_be_sent_under_another_name(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_events", event="Booked Oncology Appointment", sent_as="booking")
    assert seeds.plan(tmp_path).destinations["ga4"].events == {
        "Booked Oncology Appointment": "booking",
        "Signed In": "Signed In",
    }


@pytest.mark.parametrize("strongest", range(1, 4))
def test_the_name_an_event_is_sent_as_comes_from_the_most_particular_row(
    strongest: int, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    for rank, (environment, destination) in enumerate(RANKED[: strongest + 1]):
        seeds.add(
            "allowed_events",
            environment=environment,
            destination=destination,
            event="Booked",
            sent_as=f"name {rank}",
        )
    events = seeds.plan(tmp_path).destinations["ga4"].events
    assert events is not None
    assert events["Booked"] == f"name {strongest}"


def test_a_restricted_destination_without_events_receives_none(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="mailchimp")
    plan = seeds.plan(tmp_path)
    assert plan.destinations["mailchimp"].events == {}
    assert plan.masked_events == ["Signed In"]


def test_an_unrestricted_destination_receives_every_event(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", restrict_phi="false", baa_reference="BAA-1")
    plan = seeds.plan(tmp_path)
    assert plan.destinations["ga4"].events is None
    assert plan.masked_events is None


def test_allowing_every_event_is_said_so(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_events", event="*")
    plan = seeds.plan(tmp_path)
    warning = the_fault(plan.warnings, "every event name may be sent to `ga4`")
    assert (warning.file, warning.line) == (label("destinations"), 2)
    assert plan.destinations["ga4"].events == {"*": "*", "Signed In": "Signed In"}
    assert plan.masked_events is None


def test_rows_for_named_events_share_one_column(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_events", event="Home")
    seeds.replace("allowed_properties", event="Signed In")
    seeds.add("allowed_properties", property="plan", event="Home")
    plan = seeds.plan(tmp_path)
    assert plan.faults == []
    assert plan.warnings == []
    [column] = own_columns(plan.destinations["ga4"])
    assert (column.name, column.events) == ("plan", ("Home", "Signed In"))
    [masked] = plan.masked_tables["events"]
    assert masked.events == ("Home", "Signed In")


@pytest.mark.parametrize(
    ("cells", "guard"),
    [
        ({}, "block"),
        ({"guard": "warn"}, "warn"),
        ({"guard": "none"}, "none"),
        ({"property": "plans[]"}, "block"),
        ({"data_type": "json"}, "block"),
        ({"treatment": "truncate(40)"}, "block"),
        ({"treatment": "url_path"}, "block"),
        ({"treatment": "url_origin"}, "block"),
        ({"data_type": "integer"}, ""),
        ({"data_type": "date"}, ""),
        ({"treatment": "truncate(4)", "data_type": "integer"}, ""),
        *(({"treatment": name}, "") for name in ("mask", "surrogate", "zip3", "domain", "month")),
    ],
)
def test_free_text_is_guarded_in_hipaa_mode_unless_the_row_says_otherwise(
    cells: dict[str, str], guard: str, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    seeds.replace("allowed_properties", **cells)
    plan = seeds.plan(tmp_path)
    assert plan.faults == []
    [column] = own_columns(plan.destinations["ga4"])
    [masked] = plan.masked_tables["events"]
    assert (column.guard, masked.guard) == (guard, guard)
    assert (masked.guard_column is not None) == (guard in ("block", "warn"))


@pytest.mark.parametrize(("cell", "guard"), [("", "none"), ("block", "block")])
def test_without_restriction_text_is_guarded_only_where_a_row_asks(
    cell: str, guard: str, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", restrict_phi="false", baa_reference="BAA-1")
    seeds.replace("allowed_properties", guard=cell)
    [*_, column] = own_columns(seeds.plan(tmp_path).destinations["ga4"])
    assert (column.name, column.guard) == ("plan", guard)


def test_two_guards_on_one_property_are_two_masked_columns(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    for name, guard in [("mailchimp", "warn"), ("braze", ""), ("klaviyo", "none")]:
        seeds.add("destinations", destination=name)
        seeds.add("allowed_properties", destination=name, property="plan", guard=guard)
    plan = seeds.plan(tmp_path)
    shown = {name: own_columns(item)[0].masked_column for name, item in plan.destinations.items()}
    assert len(set(shown.values())) == 3
    assert shown["ga4"] == shown["braze"]
    by_name = {column.name: column for column in plan.masked_tables["events"]}
    assert {name: by_name[column].guard for name, column in shown.items()} == {
        "ga4": "block",
        "braze": "block",
        "mailchimp": "warn",
        "klaviyo": "none",
    }
    names = [*by_name, *(column.guard_column for column in by_name.values())]
    assert len(set(names)) == len(names)


def test_the_guard_is_part_of_what_a_destination_receives(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    fingerprints = set()
    for guard in ("", "warn", "none"):
        seeds.replace("allowed_properties", guard=guard)
        fingerprints.add(seeds.plan(tmp_path).destinations["ga4"].fingerprint)
    assert len(fingerprints) == 3


def test_a_masked_column_has_the_events_of_all_its_destinations(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_events", destination="*", event="Home")
    seeds.add("destinations", destination="mailchimp")
    seeds.replace("allowed_properties", event="Signed In")
    seeds.add("allowed_properties", destination="mailchimp", property="plan", event="Home")
    plan = seeds.plan(tmp_path)
    [masked] = plan.masked_tables["events"]
    assert masked.events == ("Home", "Signed In")
    shown = {name: own_columns(item)[0].events for name, item in plan.destinations.items()}
    assert shown == {"ga4": ("Signed In",), "mailchimp": ("Home",)}


@pytest.mark.parametrize("first", [True, False])
def test_a_masked_column_that_one_destination_has_on_every_event_is_not_narrowed(
    first: bool, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    name = "amplitude" if first else "mailchimp"
    seeds.add("destinations", destination=name)
    seeds.add("allowed_properties", destination=name, property="plan", event="Signed In")
    plan = seeds.plan(tmp_path)
    [masked] = plan.masked_tables["events"]
    assert masked.events is None
    assert own_columns(plan.destinations[name])[0].events == ("Signed In",)


def test_a_property_on_an_event_that_may_not_be_sent_is_a_warning(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    line = seeds.add("allowed_properties", property="coupon", event="Bought")
    warning = the_fault(seeds.plan(tmp_path).warnings, "the event of this row may not be sent")
    assert (warning.file, warning.line) == (label("allowed_properties"), line)


# Ids, scopes, required properties.


def test_ids_are_tokens_where_phi_is_restricted(tmp_path: Path) -> None:
    plan = minimal_seeds().plan(tmp_path)
    assert set(envelope_forms(plan.destinations["ga4"]).values()) == {"mask"}
    assert plan.raw_ids == []


def test_ids_pass_where_phi_is_not_restricted(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", restrict_phi="false", baa_reference="BAA-1")
    plan = seeds.plan(tmp_path)
    assert set(envelope_forms(plan.destinations["ga4"]).values()) == {"allow"}
    assert plan.raw_ids == ["user_id", "anonymous_id", "group_id"]


@pytest.mark.parametrize(
    ("treatment", "masked"), [("allow", "user_id__raw"), ("deny", ""), ("mask", "user_id__shared")]
)
def test_the_allowlist_decides_the_form_of_an_id(
    treatment: str, masked: str, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    seeds.add(
        "allowed_properties", property_list="envelope", property="user_id", treatment=treatment
    )
    plan = seeds.plan(tmp_path)
    assert plan.faults == []
    for view in VIEWS:
        forms = envelope_forms(plan.destinations["ga4"], view)
        assert forms == {"user_id": treatment, "anonymous_id": "mask", "group_id": "mask"}
        columns = {column.name: column for column in plan.destinations["ga4"].views[view]}
        assert columns["user_id"].masked_column == masked
    assert plan.raw_ids == (["user_id"] if treatment == "allow" else [])


def test_an_expired_grant_of_an_id_leaves_it_a_token(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add(
        "allowed_properties",
        property_list="envelope",
        property="user_id",
        expires_on=str(TODAY - DAY),
    )
    assert envelope_forms(seeds.plan(tmp_path).destinations["ga4"])["user_id"] == "mask"


WIDTHS = ("deny", "mask", "allow")


@pytest.mark.parametrize(
    ("restricts", "treatment"), [("true", "deny"), ("false", "deny"), ("false", "mask")]
)
def test_an_expired_row_does_not_widen_an_id(
    restricts: str, treatment: str, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    seeds.replace("destinations", restrict_phi=restricts, baa_reference="BAA-1")
    seeds.add(
        "allowed_properties",
        property_list="envelope",
        property="user_id",
        treatment=treatment,
        expires_on=str(TODAY - DAY),
    )
    form = envelope_forms(seeds.plan(tmp_path).destinations["ga4"])["user_id"]
    assert WIDTHS.index(form) <= WIDTHS.index(treatment)


def test_tokens_of_a_scope_of_its_own_are_in_columns_of_their_own(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="mailchimp", mask_scope="destination")
    seeds.add("allowed_properties", destination="*", property="email", treatment="mask")
    plan = seeds.plan(tmp_path)
    assert sorted(plan.scopes) == ["*", "mailchimp"]
    shown = {
        name: {
            column.masked_column for column in item.views["events"] if column.treatment == "mask"
        }
        for name, item in plan.destinations.items()
    }
    # The row's own id, the three ids of the envelope, and the property.
    assert all(len(columns) == 5 for columns in shown.values())
    assert not shown["ga4"] & shown["mailchimp"]
    scopes = {
        column.name: column.scope
        for column in plan.masked_tables["events"]
        if column.treatment == "mask"
    }
    assert sorted(scopes.values(), key=str) == ["*", "mailchimp"]


def test_a_required_property_that_is_not_allowed_is_a_warning(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add(
        "destination_types",
        destination_type="ads",
        display_name="Ads",
        required_properties="$gclid; conversion.label",
    )
    seeds.replace("destinations", destination_type="ads")
    seeds.add("allowed_properties", property="$gclid")
    plan = seeds.plan(tmp_path)
    warning = the_fault(plan.warnings, "Ads needs property `conversion.label`")
    assert (warning.file, warning.line) == (label("destinations"), 2)
    assert len(plan.warnings) == 1


def test_a_required_property_that_is_denied_or_expired_is_a_warning(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("destination_types", required_properties="gclid;value")
    seeds.add("allowed_properties", property="gclid", treatment="deny")
    seeds.add("allowed_properties", property="value", expires_on=str(TODAY - DAY))
    warnings = seeds.plan(tmp_path).warnings
    the_fault(warnings, "needs property `gclid`")
    the_fault(warnings, "needs property `value`")


# The plan as the macros read it.


def test_the_plan_is_json_with_every_name_as_written(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property='"it\'s ""😀"" \\"', column_name="odd name")
    content = PlanCopy(PlanTexts.of(seeds.plan(tmp_path)).parts)
    [column] = [
        column
        for column in content["destinations"]["ga4"]["views"]["events"]
        if column["name"] == "odd name"
    ]
    assert column["top_name"] == 'it\'s "😀" \\'
    assert content["faults"] == content["warnings"] == []
    # Places of rows are messages' alone.
    assert "column_rows" not in content
    assert json.loads(json.dumps(dict(content), sort_keys=True)) == dict(content)


def test_a_field_of_the_plan_is_read_when_somebody_looks_at_it() -> None:
    content = PlanCopy({"scopes": '["*"]', "destinations": "no JSON"})
    assert content
    content["scopes"].append("ga4")
    assert content["scopes"] == ["*", "ga4"]
    with pytest.raises(json.JSONDecodeError):
        content["destinations"]


@pytest.mark.parametrize(
    ("path", "json_path", "steps", "is_list"),
    [
        ("email", '$."properties"."email"', (), False),
        ("address.city", '$."properties"."address"."city"', (), False),
        ('"a.b"', '$."properties"."a.b"', (), False),
        ("*", '$."properties"', ("/*",), False),
        ("a.*.b", '$."properties"."a"', ("/*", '$."b"'), False),
        ("items[].sku", '$."properties"."items"', ("[]", '$."sku"'), True),
        ("a[][].b.c", '$."properties"."a"', ("[]", "[]", '$."b"."c"'), True),
        ("tags[]", '$."properties"."tags"', ("[]",), True),
        ("*[].*", '$."properties"', ("/*", "[]", "/*"), True),
    ],
)
def test_staging_takes_exactly_the_path_out_of_the_message(
    path: str, json_path: str, steps: tuple[str, ...], is_list: bool, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    seeds.replace("allowed_properties", property=path)
    [value] = seeds.plan(tmp_path).staged_values
    assert (value.json_path, value.steps, value.is_list) == (json_path, steps, is_list)
    assert not value.keeps_objects


@pytest.mark.parametrize(
    ("property_list", "root"),
    [("event", "properties"), ("user", "traits"), ("group", "traits"), ("context", "context")],
)
def test_each_list_has_its_own_root_in_the_message(
    property_list: str, root: str, tmp_path: Path
) -> None:
    seeds = minimal_seeds()
    seeds.replace("allowed_properties", property_list=property_list, property="a")
    [value] = seeds.plan(tmp_path).staged_values
    assert value.json_path == f'$."{root}"."a"'


@pytest.mark.parametrize("other", ["amplitude", "mailchimp"])
def test_only_a_json_row_keeps_objects(other: str, tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination=other)
    seeds.add("allowed_properties", destination=other, property="plan", data_type="json")
    plan = seeds.plan(tmp_path)
    [value] = plan.staged_values
    assert value.keeps_objects
    types = {column.name: column.data_type for column in plan.masked_tables["events"]}
    assert sorted(types.values()) == ["json", "text"]


def test_values_that_have_codes_are_known(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property="account", treatment="surrogate")
    plan = seeds.plan(tmp_path)
    assert {value.name for value in plan.staged_values} > {"properties__account"}
    assert plan.coded_values == ["properties__account"]


# Fingerprints.


def rich_seeds() -> Seeds:
    seeds = minimal_seeds()
    seeds.add("destination_types", destination_type="email", display_name="E-mail")
    seeds.add("destinations", destination="mailchimp", destination_type="email")
    seeds.add("destinations", environment="prod")
    seeds.add("allowed_events", event="Home", sent_as="home")
    seeds.add("allowed_properties", property="email", treatment="mask")
    seeds.add("allowed_properties", property="zip", treatment="zip3")
    seeds.add("allowed_properties", property="coupon", event="Home")
    return seeds


def fingerprint(seeds: Seeds, folder: Path, today: dt.date = TODAY) -> str:
    plan = seeds.plan(folder, today=today)
    assert [str(fault) for fault in plan.faults] == []
    return plan.destinations["ga4"].fingerprint


def row_of(seeds: Seeds, path: str) -> dict[str, str]:
    [row] = [row for row in seeds.rows["allowed_properties"] if row["property"] == path]
    return row


RELEVANT_CHANGES: dict[str, Callable[[Seeds], object]] = {
    "a property more": lambda seeds: seeds.add("allowed_properties", property="age"),
    "a property fewer": lambda seeds: seeds.rows["allowed_properties"].pop(),
    "another path": lambda seeds: row_of(seeds, "plan").update(
        property="coverage", column_name="plan"
    ),
    "another list": lambda seeds: row_of(seeds, "plan").update(property_list="user"),
    "another treatment": lambda seeds: row_of(seeds, "plan").update(treatment="mask"),
    "another argument": lambda seeds: row_of(seeds, "plan").update(treatment="truncate(2)"),
    "another type": lambda seeds: row_of(seeds, "plan").update(data_type="integer"),
    "another column name": lambda seeds: row_of(seeds, "plan").update(column_name="coverage"),
    "another normalisation": lambda seeds: row_of(seeds, "email").update(normalize="email"),
    "another event": lambda seeds: row_of(seeds, "coupon").update(event="Signed In"),
    "every event": lambda seeds: row_of(seeds, "coupon").update(event=""),
    "a denial": lambda seeds: row_of(seeds, "plan").update(treatment="deny"),
    "an id as it is": lambda seeds: seeds.add(
        "allowed_properties", property_list="envelope", property="user_id"
    ),
    "an event more": lambda seeds: seeds.add("allowed_events", event="Bought"),
    "another event name": lambda seeds: seeds.rows["allowed_events"][1].update(sent_as="start"),
    "another scope": lambda seeds: seeds.replace("destinations", mask_scope="destination"),
    "another precision": lambda seeds: seeds.replace("destinations", timestamp_precision="hour"),
    "no restriction": lambda seeds: seeds.replace(
        "destinations", restrict_phi="false", baa_reference="BAA-1"
    ),
    "another small area": lambda seeds: seeds.add("small_zip3_areas", zip3="059"),
}


@pytest.mark.parametrize("change", RELEVANT_CHANGES)
def test_the_fingerprint_changes_with_what_the_destination_receives(
    change: str, tmp_path: Path
) -> None:
    seeds = rich_seeds()
    before = fingerprint(seeds, tmp_path)
    RELEVANT_CHANGES[change](seeds)
    assert fingerprint(seeds, tmp_path) != before


IRRELEVANT_CHANGES: dict[str, Callable[[Seeds], object]] = {
    "reason": lambda seeds: row_of(seeds, "plan").update(reason="Another"),
    "approver": lambda seeds: row_of(seeds, "plan").update(approved_by="someone else"),
    "later expiry": lambda seeds: row_of(seeds, "plan").update(expires_on="2031-01-01"),
    "description": lambda seeds: seeds.replace("destinations", description="Another"),
    "display name": lambda seeds: seeds.replace(
        "destination_types", display_name="Another", integration_names="Analytics"
    ),
    "order of properties": lambda seeds: seeds.rows["allowed_properties"].reverse(),
    "order of events": lambda seeds: seeds.rows["allowed_events"].reverse(),
    "order of destinations": lambda seeds: seeds.rows["destinations"].reverse(),
    "spelling of a path": lambda seeds: row_of(seeds, "plan").update(property='"plan"'),
    "default written out": lambda seeds: row_of(seeds, "plan").update(column_name="plan"),
    "other destination": lambda seeds: seeds.add("destinations", destination="crm"),
    "other destination's property": lambda seeds: seeds.add(
        "allowed_properties", destination="mailchimp", property="secret"
    ),
    "other destination's similar property": lambda seeds: (
        seeds.add("destinations", destination="a"),
        seeds.add("allowed_properties", destination="a", property="Plan"),
    ),
    "other environment": lambda seeds: seeds.add(
        "allowed_properties", environment="prod", property="age"
    ),
}


@pytest.mark.parametrize("change", IRRELEVANT_CHANGES)
def test_the_fingerprint_stays_when_the_destination_receives_the_same(
    change: str, tmp_path: Path
) -> None:
    seeds = rich_seeds()
    before = fingerprint(seeds, tmp_path)
    IRRELEVANT_CHANGES[change](seeds)
    assert fingerprint(seeds, tmp_path) == before


def test_a_small_area_concerns_only_destinations_that_receive_areas(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    before = fingerprint(seeds, tmp_path)
    seeds.add("small_zip3_areas", zip3="059")
    assert fingerprint(seeds, tmp_path) == before


def test_the_fingerprint_changes_when_a_row_expires(tmp_path: Path) -> None:
    seeds = rich_seeds()
    row_of(seeds, "plan").update(expires_on=str(TODAY))
    before = fingerprint(seeds, tmp_path)
    assert fingerprint(seeds, tmp_path, TODAY + DAY) != before
    assert fingerprint(seeds, tmp_path, TODAY - DAY) == before


def test_destinations_that_receive_the_same_have_fingerprints_of_their_own(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="other")
    seeds.rows["allowed_properties"][0]["destination"] = "*"
    seeds.rows["allowed_events"][0]["destination"] = "*"
    plan = seeds.plan(tmp_path)
    assert len({item.fingerprint for item in plan.destinations.values()}) == 2


def test_the_plans_fingerprint_changes_with_any_destinations(tmp_path: Path) -> None:
    seeds = rich_seeds()
    before = seeds.plan(tmp_path).fingerprint
    seeds.add("allowed_properties", destination="mailchimp", property="age")
    after = seeds.plan(tmp_path).fingerprint
    assert after != before


# Default deny, for any allowlist.

EXTRACTIONS = {
    "email": ('."email"', ()),
    "$email": ('."$email"', ()),
    "address.city": ('."address"."city"', ()),
    "items[].sku": ('."items"', ("[]", '$."sku"')),
    '"a.b"': ('."a.b"', ()),
    "*": ("", ("/*",)),
}
ROOT_OF_LIST = {"event": "properties", "user": "traits", "group": "traits", "context": "context"}


@dataclass(frozen=True)
class Row:
    """What the allowlist says of a property, as the tests' own resolution sees it.

    It is one row of the seed for each of the events, or one for every event where none is named.
    """

    environment: str
    destination: str
    property_list: str
    path: str
    events: frozenset[str]
    treatment: str
    expires_in: int | None

    @property
    def column(self) -> str:
        return f"{self.property_list} {self.path} {self.treatment}"

    @property
    def extraction(self) -> tuple[str, tuple[str, ...]]:
        below, steps = EXTRACTIONS[self.path]
        return (f'$."{ROOT_OF_LIST[self.property_list]}"{below}', steps)


ROWS = st.lists(
    st.builds(
        Row,
        environment=st.sampled_from(["dev", "prod", "*"]),
        destination=st.sampled_from(["one", "two", "open", "*"]),
        property_list=st.sampled_from(list(ROOT_OF_LIST)),
        path=st.sampled_from(list(EXTRACTIONS)),
        events=st.frozensets(st.sampled_from(["A", "B"])),
        treatment=st.sampled_from(["allow", "mask", "domain", "deny"]),
        expires_in=st.sampled_from([None, None, -1, 0, 30]),
    )
    .map(
        # A row that seems to keep something back from an open destination is a fault.
        lambda row: (
            replace(row, events=frozenset(), treatment="allow", expires_in=None)
            if row.destination == "open"
            else row
        )
    )
    .filter(lambda row: not row.events or row.property_list in ("event", "context")),
    max_size=14,
    unique_by=lambda row: (row.environment, row.destination, row.property_list, row.path),
)


def seeds_of(rows: list[Row]) -> Seeds:
    seeds = Seeds()
    seeds.add("destination_types")
    for environment in ("dev", "prod"):
        for name, scope in (("one", "*"), ("two", "destination")):
            seeds.add("destinations", environment=environment, destination=name, mask_scope=scope)
        seeds.add(
            "destinations",
            environment=environment,
            destination="open",
            restrict_phi="false",
            baa_reference="BAA-1",
        )
    for event in ("A", "B"):
        seeds.add("allowed_events", destination="*", event=event)
    for row in rows:
        expires_on = "" if row.expires_in is None else str(TODAY + row.expires_in * DAY)
        for event in sorted(row.events) or [""]:
            seeds.add(
                "allowed_properties",
                environment=row.environment,
                destination=row.destination,
                property_list=row.property_list,
                property=row.path,
                event=event,
                treatment=row.treatment,
                column_name=row.column,
                expires_on=expires_on,
            )
    return seeds


def counting(rows: list[Row], destination: str) -> list[Row]:
    """Resolve the rows for a destination in `dev`, by the rules of the design alone."""
    precedence = [(destination, "dev"), (destination, "*")]
    if destination != "open":
        precedence += [("*", "dev"), ("*", "*")]
    found: list[Row] = []
    for place in {(row.property_list, row.path) for row in rows}:
        for name, environment in precedence:
            decisive = [
                row
                for row in rows
                if (row.property_list, row.path) == place
                and (row.destination, row.environment) == (name, environment)
            ]
            if decisive:
                found += decisive
                break
    return [
        row
        for row in found
        if row.treatment != "deny" and (row.expires_in is None or row.expires_in >= 0)
    ]


def planned(rows: list[Row]) -> Plan:
    with tempfile.TemporaryDirectory() as folder:
        plan = seeds_of(rows).plan(Path(folder))
    assert [str(fault) for fault in plan.faults] == []
    return plan


def in_view(rows: list[Row], view: str) -> list[Row]:
    return [row for row in rows if row.property_list in (VIEWS[view], "context")]


@settings(max_examples=150)
@given(ROWS)
def test_a_view_is_its_envelope_and_the_columns_of_the_rows_that_count(rows: list[Row]) -> None:
    plan = planned(rows)
    for name in ("one", "two", "open"):
        for view, columns in plan.destinations[name].views.items():
            expected = {
                (row.column, row.property_list, row.treatment, row.events or None)
                for row in in_view(counting(rows, name), view)
            }
            objects = ["properties" if view == "events" else "traits", "context"]
            envelope = [*ENVELOPE_COLUMNS, *(objects if name == "open" else [])]
            assert [column.name for column in columns][: len(envelope)] == envelope
            own = columns[len(envelope) :]
            assert len(own) == len(expected)
            assert expected == {
                (
                    column.name,
                    column.property_list,
                    column.treatment,
                    None if column.events is None else frozenset(column.events),
                )
                for column in own
            }


@settings(max_examples=150)
@given(ROWS)
def test_nothing_is_staged_or_masked_that_no_row_that_counts_allows(rows: list[Row]) -> None:
    plan = planned(rows)
    allowed = {name: counting(rows, name) for name in ("one", "two", "open")}
    extractions = {row.extraction for counted in allowed.values() for row in counted}
    staged = {value.name: (value.json_path, value.steps) for value in plan.staged_values}
    assert len(staged) == len(plan.staged_values)
    assert set(staged.values()) == extractions
    for view, columns in plan.masked_tables.items():
        permitted = {
            (*row.extraction, row.treatment, _scope(name, row), _guard(name, row))
            for name, counted in allowed.items()
            for row in in_view(counted, view)
        }
        held = {
            (*staged[column.value], column.treatment, column.scope, column.guard): column
            for column in columns
        }
        assert set(held) == permitted
        assert len(held) == len(columns) == len({column.name.casefold() for column in columns})


@settings(max_examples=100)
@given(ROWS)
def test_every_view_column_shows_the_masked_column_of_its_own_property(rows: list[Row]) -> None:
    plan = planned(rows)
    staged = {value.name: (value.json_path, value.steps) for value in plan.staged_values}
    for name, destination in plan.destinations.items():
        counted = counting(rows, name)
        for view in VIEWS:
            masked = {column.name: column for column in plan.masked_tables[view]}
            for column in own_columns(destination, view):
                if column.property_list == "envelope":
                    continue
                [row] = [row for row in counted if row.column == column.name]
                source = masked[column.masked_column]
                assert staged[source.value] == row.extraction
                assert source.treatment == row.treatment
                assert source.scope == _scope(name, row)
                if source.events is not None:
                    assert row.events
                    assert row.events <= set(source.events)


def _scope(destination: str, row: Row) -> str | None:
    if row.treatment != "mask":
        return None
    return "two" if destination == "two" else "*"


def _guard(destination: str, row: Row) -> str:
    if row.treatment != "allow":
        return ""
    return "none" if destination == "open" else "block"


class TestLatestViews:
    MODELS = ("ga4__events", "ga4__identifies", "ga4__users")

    @staticmethod
    def names(plan: Plan, view: str = "users") -> list[str]:
        return [column.name for column in plan.destinations["ga4"].latest_views[view]]

    def test_they_have_the_values_of_their_calls(self, tmp_path: Path) -> None:
        seeds = minimal_seeds()
        seeds.add("allowed_properties", property_list="user", property="tier")
        seeds.add("allowed_properties", property_list="context", property="locale")
        plan = seeds.plan(tmp_path, models=self.MODELS)
        assert plan.faults == []
        assert sorted(self.names(plan)) == ["changed_at", "locale", "row_id", "tier", "user_id"]
        assert self.names(plan)[:3] == ["row_id", "changed_at", "user_id"]
        assert sorted(self.names(plan, "groups_latest")[2:]) == ["group_id", "locale"]

    def test_the_row_id_is_the_id_s_token_even_where_the_id_passes(self, tmp_path: Path) -> None:
        seeds = minimal_seeds()
        seeds.add("allowed_properties", property_list="envelope", property="user_id")
        row_id, _, user_id, *_ = seeds.plan(tmp_path).destinations["ga4"].latest_views["users"]
        assert (row_id.masked_column, row_id.treatment) == ("user_id__shared", "mask")
        assert (user_id.masked_column, user_id.treatment) == ("user_id__raw", "allow")

    def test_they_change_no_fingerprint(self, tmp_path: Path) -> None:
        with_models = minimal_seeds().plan(tmp_path, models=self.MODELS)
        assert with_models.fingerprint == minimal_seeds().plan(tmp_path).fingerprint

    def test_a_destination_that_is_denied_the_id_can_not_have_one(self, tmp_path: Path) -> None:
        seeds = minimal_seeds()
        seeds.add(
            "allowed_properties", property_list="envelope", property="user_id", treatment="deny"
        )
        faults = seeds.plan(tmp_path, models=self.MODELS).faults
        the_fault(faults, "ga4__users has a row for each user_id, which `ga4` may not have")
        assert seeds.plan(tmp_path, models=self.MODELS[:2]).faults == []

    def test_one_without_its_calls_is_a_fault(self, tmp_path: Path) -> None:
        plan = minimal_seeds().plan(tmp_path, models=["ga4__events", "ga4__users"])
        the_fault(plan.faults, "model ga4__users stands without ga4__identifies")

    def test_it_does_for_no_view_of_calls(self, tmp_path: Path) -> None:
        plan = minimal_seeds().plan(tmp_path, models=["ga4__users", "ga4__identifies"])
        assert plan.faults == []
        plan = minimal_seeds().plan(tmp_path, models=["ga4__users"])
        the_fault(plan.faults, "destination `ga4` has no model")

    @pytest.mark.parametrize("name", ["changed_at", "Changed_At"])
    def test_a_property_called_changed_at_is_a_fault_there_alone(
        self, tmp_path: Path, name: str
    ) -> None:
        seeds = minimal_seeds()
        seeds.add("allowed_properties", property_list="user", property="p", column_name=name)
        faults = seeds.plan(tmp_path, models=self.MODELS).faults
        the_fault(faults, f"column `{name}` of `ga4__identifies` collides")
        assert seeds.plan(tmp_path, models=self.MODELS[:2]).faults == []
