"""What a key's fingerprint means for a run, and what is known of the tables that builds make."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_mode.run.stored import KeyChoice, Tables, TableState, choose_key

OWN, OLD, OTHER = "own", "old", "other"


def choose(**changes: Any) -> KeyChoice:
    sound = {
        "fingerprint": OWN,
        "used": (),
        "published": (),
        "retired": (),
        "accepted": None,
        "command": "build",
        "environment": "dev",
    }
    return choose_key(**{**sound, **changes})


@pytest.mark.parametrize(
    ("stored", "note"),
    [
        ({}, (OWN,)),
        ({"used": (OWN,)}, ()),
        ({"used": (OLD, OWN)}, ()),
        # A database made anew has no row, though files were published from the old one.
        ({"published": (OWN,)}, (OWN,)),
        ({"used": (OWN,), "published": (OTHER,)}, ()),
    ],
)
def test_the_key_of_the_stored_tokens_goes_on(
    stored: dict[str, Any], note: tuple[str, ...]
) -> None:
    assert choose(**stored) == KeyChoice(note=note)


@pytest.mark.parametrize("stored", [{"used": (OLD,)}, {"used": (OWN, OLD)}, {"published": (OLD,)}])
@pytest.mark.parametrize("accepted", [None, "", OLD, OTHER])
def test_another_key_is_refused_by_both_fingerprints(
    stored: dict[str, Any], accepted: object
) -> None:
    problem = choose(**stored, accepted=accepted).problem
    assert f"its fingerprint is {OLD}, the loaded one has {OWN}" in problem
    assert f"hipaa_mode__accept_key_fingerprint: {OWN}" in problem


@pytest.mark.parametrize(
    ("stored", "note"), [({"used": (OLD,)}, (OWN,)), ({"published": (OLD,)}, (OLD, OWN))]
)
def test_a_rotated_key_and_an_accepted_one_are_noted(
    stored: dict[str, Any], note: tuple[str, ...]
) -> None:
    assert choose(**stored, retired=(OTHER, OLD)) == KeyChoice("", "rotated", OLD, note)
    accepted = choose(**stored, accepted=OWN)
    assert accepted.reason == "accepted by hipaa_mode__accept_key_fingerprint"
    assert (accepted.previous, accepted.note) == (OLD, note)


@pytest.mark.parametrize("command", ["test", "snapshot"])
def test_after_a_rotation_nothing_goes_on_before_a_build(command: str) -> None:
    assert "Run: dbt build" in choose(used=(OLD,), retired=(OLD,), command=command).problem
    assert choose(used=(OWN,), retired=(OLD,), command=command) == KeyChoice()


def test_the_last_state_of_a_table_counts_and_every_known_run_of_it() -> None:
    tables = Tables([("masked_events", "b", 7, 3), ("masked_events", "a", 5, 3)])
    assert tables.state("masked_events") == TableState("b", 7, 3)
    assert tables.state("masked_groups") is None
    assert tables.last_run == 7
    known = [tables.was_brought_up_to_date("masked_events", number) for number in (5, 6, 7, 0)]
    assert known == [True, False, True, False]
    tables.note("masked_events", TableState("c", 9, 9))
    assert tables.state("masked_events") == TableState("c", 9, 9)
    assert Tables().last_run == 0


FOLLOWED = ("masked", "f", ["calls"], ["keys"])


@pytest.mark.parametrize(
    ("rows", "is_rebuilt"),
    [
        ([("masked", "f", 7, 3), ("calls", "c", 9, 5), ("keys", "k", 7, 1)], False),
        ([("calls", "c", 9, 5), ("keys", "k", 7, 1)], True),
        ([("masked", "g", 7, 3), ("calls", "c", 9, 5), ("keys", "k", 7, 1)], True),
        ([("masked", "f", 7, 3), ("keys", "k", 7, 1)], True),
        ([("masked", "f", 7, 3), ("calls", "c", 9, 8), ("keys", "k", 7, 1)], True),
        ([("masked", "f", 7, 3), ("calls", "c", 9, 5)], True),
        ([("masked", "f", 7, 3), ("calls", "c", 9, 5), ("keys", "k", 6, 1)], True),
    ],
)
def test_a_table_is_made_anew_where_what_is_stored_can_not_be_right(
    rows: list[tuple[str, str, int, int]], is_rebuilt: bool
) -> None:
    assert Tables(rows).must_rebuild(*FOLLOWED) is is_rebuilt
