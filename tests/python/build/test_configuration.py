"""Faulty seeds stop the run before anything is touched, and all faults are told at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from project import Project, Run, allowed, destination, event, track

GOOD = [
    [destination("alpha"), destination("beta")],
    [event("alpha", "Visit"), event("beta", "Visit")],
    [allowed("alpha", "event", "plan"), allowed("beta", "event", "plan", "mask")],
]
CALLS = [track("Visit", {"plan": "gold"}, messageId="m-1", userId="patient-1")]

# Each faulty row with what the message says of it after "seeds/<file>.csv, line <n>: ".
DESTINATION_FAULTS = [
    (destination("nosuch", destination_type="fax"), "`destination_type` is unknown"),
    (destination("sideways", connection_mode="sideways"), "`connection_mode` is unknown"),
    (
        destination("browser", destination_type="mixpanel", connection_mode="client_side"),
        "the destination is client-side and restricted, which is invalid",
    ),
    (destination("heatmap", destination_type="hotjar"), "type `hotjar` has no server side"),
    (destination("open", restrict_phi="false"), "restriction is off without a BAA"),
    (destination("maybe", restrict_phi="maybe"), "`restrict_phi` is not a yes or no"),
    (
        destination(
            "lapsed", restrict_phi="false", baa_reference="BAA-1", baa_expires_on="2020-01-01"
        ),
        "the BAA of `lapsed` has expired (on 2020-01-01)",
    ),
    (destination("alpha", description="again"), "the destination is listed twice"),
    (destination("ghost"), "destination `ghost` has no model"),
]
EVENT_FAULTS = [
    (event("stranger", "Visit"), "no such destination is listed for this environment"),
    (event("alpha", "Visit", "Seen"), "the event is listed twice for this destination"),
    (event("alpha", " "), "`event` is blank"),
    (event("alpha", "*", "All"), "`sent_as` can't rename every event"),
]
PROPERTY_FAULTS = [
    (allowed("alpha", "event", "a", "encrypt"), "`treatment` is wrong: unknown treatment"),
    (allowed("alpha", "event", 'a."b'), "`property` is not a property path"),
    (allowed("alpha", "events", "c"), "`property_list` is unknown"),
    (
        allowed("alpha", "event", "plan", "mask", column_name="plan_token"),
        "the property is listed twice for this destination, in two forms",
    ),
    (
        allowed("alpha", "event", "Plan"),
        "column `plan` of `alpha__events` collides with the one of",
    ),
    (allowed("alpha", "event", "user_id"), "column `user_id` collides with envelope column"),
    (allowed("alpha", "event", "d", expires_on="31.12.2030"), "`expires_on` is not a date"),
    (allowed("alpha", "event", "e", normalize="email"), "`normalize` does not go with `allow`"),
    (allowed("alpha", "event", "f", data_type="uuid"), "`data_type` is unknown"),
    (allowed("alpha", "user", "g", event="Visit"), "`event` does not go with property list user"),
    (allowed("stranger", "event", "h"), "no such destination is listed for this environment"),
    (allowed("alpha", "envelope", "row_id"), "property list envelope holds only the call's ids"),
]


@dataclass
class Refused:
    """A good build, then one run for each set of faults."""

    project: Project
    published: dict[str, bytes]
    relations: list[tuple[Any, ...]]
    faulty: Run
    published_after_faulty: dict[str, bytes]
    unreadable: Run
    published_after_unreadable: dict[str, bytes]
    relations_after: list[tuple[Any, ...]]


def relations(project: Project) -> list[tuple[Any, ...]]:
    """Every relation with its columns and size, and every token: what a build would change.

    The audit log is left out: it tells of runs that were refused, too.
    """
    return project.query(
        "select schema_name, table_name, sql, estimated_size from duckdb_tables() "
        "where table_name <> 'audit_log' order by all"
    ) + project.query("from main_destinations.beta__events")


@pytest.fixture(scope="module")
def refused(new_project: Callable[..., Project]) -> Refused:
    views = {"alpha": ["events"], "beta": ["events"]}
    project = new_project("configuration", *GOOD, CALLS, views=views)
    project.build()
    published, before = project.published_bytes(), relations(project)
    for seed, good, faults in zip(
        ("destinations", "allowed_events", "allowed_properties"),
        GOOD,
        (DESTINATION_FAULTS, EVENT_FAULTS, PROPERTY_FAULTS),
        strict=True,
    ):
        project.write_seed(seed, [*good, *(row for row, _ in faults)])
    project.add_models("lapsed", ["events"])
    project.add_models("stray", ["events"])
    faulty = project.dbt("build")
    after_faulty = project.published_bytes()

    seeds = project.folder / "seeds"
    text = (seeds / "allowed_events.csv").read_text()
    (seeds / "allowed_events.csv").write_text(text.replace("event", "evnt", 1))
    with (seeds / "allowed_properties.csv").open("a") as file:
        file.write('"never closed\n')
    with (seeds / "destinations.csv").open("a") as file:
        file.write("dev,short,webhook\n")
    unreadable = project.dbt("build")
    return Refused(
        project,
        published,
        before,
        faulty,
        after_faulty,
        unreadable,
        project.published_bytes(),
        relations(project),
    )


FAULTS = [
    (f"seeds/{seed}.csv, line {line}: ", problem)
    for seed, good, faults in zip(
        ("destinations", "allowed_events", "allowed_properties"),
        GOOD,
        (DESTINATION_FAULTS, EVENT_FAULTS, PROPERTY_FAULTS),
        strict=True,
    )
    for line, (_, problem) in enumerate(faults, len(good) + 2)
]


@pytest.mark.parametrize(
    ("place", "problem"), [*FAULTS, ("model stray__events: ", "has no row in destinations.csv")]
)
def test_each_fault_is_told_with_its_place_and_a_remedy(
    refused: Refused, place: str, problem: str
) -> None:
    lines = [line for line in refused.faulty.output.splitlines() if place in line]
    told = [line for line in lines if problem in line]
    assert len(told) == 1, lines
    assert re.fullmatch(r".+\. [A-Z].+\.", told[0][told[0].index(place) :])


def test_one_message_has_all_faults_and_no_others(refused: Refused) -> None:
    assert refused.faulty.exit_code != 0
    count = len(FAULTS) + 1
    assert f"hipaa_mode: the configuration has {count} faults." in refused.faulty.output
    assert len(re.findall(r"^ *- (?:seeds|model)", refused.faulty.output, re.MULTILINE)) == count
    assert "Traceback" not in refused.faulty.output


def test_seeds_that_can_not_be_read_are_faults_like_others(refused: Refused) -> None:
    assert refused.unreadable.exit_code != 0
    for problem in (
        "seeds/allowed_events.csv, line 1: the header lacks `event`",
        f"seeds/allowed_properties.csv, line {len(PROPERTY_FAULTS) + 4}: the row is not CSV",
        "the row has 3 cells, the header has 10",
    ):
        assert problem in refused.unreadable.output
    assert "Traceback" not in refused.unreadable.output


def test_nothing_is_built_or_published_from_faulty_seeds(refused: Refused) -> None:
    assert len(refused.published) == 4
    assert refused.published_after_faulty == refused.published
    assert refused.published_after_unreadable == refused.published
    assert refused.relations_after == refused.relations
