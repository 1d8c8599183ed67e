"""What is received, described and compared: whatever lets more through is said to."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seed_files import TODAY, Seeds, label

from hipaa_mode.configuration import AllowedEvent, AllowedProperty, Destination, read_configuration
from hipaa_mode.display import is_printable
from hipaa_mode.plan import DestinationPlan, ViewColumn
from hipaa_mode.received.comparison import (
    CHANGES,
    EFFECTS,
    NARROWS,
    WIDENS,
    Difference,
    compare,
    lets_more_through,
)
from hipaa_mode.received.description import Description, describe
from hipaa_mode.received.lock_file import (
    LOCK_FILE,
    LockFileError,
    as_text,
    nothing,
    parse,
    read_lock,
    write_lock,
)
from hipaa_mode.seeds import OPTIONAL_SEEDS

LATER, LAST = "2026-06-30", "2026-12-31"
TOMORROW = TODAY + dt.timedelta(days=1)
Lists = dict[str, list[tuple[str, ...]]]
Change = Callable[[Seeds, Lists], object]


def seeds() -> Seeds:
    """Rows of every kind that narrow something, and the rows that they narrow."""
    made = Seeds()
    made.add("destination_types")
    made.add("small_zip3_areas")
    made.add("small_zip3_areas", zip3="059")
    made.add(
        "destinations", mask_scope="destination", timestamp_precision="day", restrict_phi="true"
    )
    made.add(
        "destinations",
        destination="crm",
        restrict_phi="false",
        baa_reference="BAA-1",
        baa_expires_on=LAST,
    )
    made.add("destinations", destination="ads", environment="*")
    made.add("destinations", destination="mail")
    made.add("allowed_events", event="Visit", sent_as="visit_1")
    made.add("allowed_events", event="Signed In")
    made.add("allowed_events", destination="ads", event="Visit")
    add = made.add
    add("allowed_properties", property="plan", guard="block", expires_on=LATER)
    add("allowed_properties", property="note", event="Visit", guard="warn")
    add("allowed_properties", property="count", data_type="integer")
    add("allowed_properties", property="price", treatment="round(10)")
    add("allowed_properties", property="code", treatment="truncate(2)")
    add("allowed_properties", property="email", treatment="mask", normalize="email")
    add("allowed_properties", property="born", treatment="year")
    add("allowed_properties", property="user_id", property_list="envelope", treatment="deny")
    add("allowed_properties", property="city", destination="*")
    add("allowed_properties", property="city", treatment="deny", environment="dev")
    return made


def lists() -> Lists:
    return {
        "environments": [("dev", "400")],
        "suppressed_users": [("dev", "u1", "", ""), ("*", "u2", "", ""), ("*", "u1", "", "")],
    }


def described(
    folder: Path,
    made: Seeds | None = None,
    also: Lists | None = None,
    day: dt.date = TODAY,
    models: frozenset[str] | None = None,
) -> Description:
    """Write the files and describe what they say of the environments dev and prod."""
    files = (made or seeds()).write(folder)
    for name, rows in (lists() if also is None else also).items():
        files[name] = folder / f"{name}.csv"
        text = "\n".join(",".join(row) for row in (OPTIONAL_SEEDS[name], *rows))
        files[name].write_text(text + "\n")
    configuration = read_configuration(files, {seed: label(seed) for seed in files})
    assert configuration.faults == []
    return describe(configuration, ["dev", "prod"], day, models)


def row(made: Seeds, seed: str, **cells: str) -> dict[str, str]:
    """Return the only row with these cells."""
    [found] = [r for r in made.rows[seed] if all(r[name] == cells[name] for name in cells)]
    return found


def of(name: str, **cells: str) -> Change:
    """Change cells of the property's own row."""

    def change(made: Seeds, also: Lists) -> None:
        [found] = [
            r
            for r in made.rows["allowed_properties"]
            if r["property"] == name and r["destination"] == "ga4"
        ]
        found.update(cells)

    return change


def without(seed: str, **cells: str) -> Change:
    return lambda made, also: made.rows[seed].remove(row(made, seed, **cells))


def setting(destination: str, **cells: str) -> Change:
    return lambda made, also: row(made, "destinations", destination=destination).update(cells)


def event(name: str, **cells: str) -> Change:
    return lambda made, also: row(made, "allowed_events", event=name, destination="ga4").update(
        cells
    )


# What is wrong, the change, and the place that the comparison must name.
WIDER: dict[str, tuple[Change, str]] = {
    "an event filter is deleted": (of("note", event=""), "ga4__events.note"),
    "another event shows it": (of("note", event="Signed In"), "ga4__events.note"),
    "a guard is weaker": (of("plan", guard="warn"), "ga4__events.plan"),
    "a guard is taken away": (of("note", guard="none"), "ga4__events.note"),
    "a row has no end": (of("plan", expires_on=""), "ga4__events.plan"),
    "a row ends later": (of("plan", expires_on=LAST), "ga4__events.plan"),
    "an integer is text": (of("count", data_type=""), "ga4__events.count"),
    "a guarded text is an integer": (of("plan", data_type="integer", guard=""), "plan"),
    "a text is JSON": (of("plan", data_type="json"), "ga4__events.plan"),
    "a number is rounded less": (of("price", treatment="round(5)"), "ga4__events.price"),
    "rounded otherwise": (of("price", treatment="round(15)"), "ga4__events.price"),
    "a text is cut later": (of("code", treatment="truncate(3)"), "ga4__events.code"),
    "a token is a value": (of("email", treatment="allow", normalize=""), "ga4__events.email"),
    "other tokens": (of("email", normalize="lower"), "ga4__events.email"),
    "a year is a month": (of("born", treatment="month"), "ga4__events.born"),
    "a year is a date": (of("born", treatment="allow", data_type="date"), "ga4__events.born"),
    "another path": (of("plan", property="ssn", column_name="plan"), "ga4__events.plan"),
    "an id is not denied": (of("user_id", treatment="mask"), "ga4__events.user_id"),
    "an id is sent raw": (of("user_id", treatment="allow"), "ga4__events.user_id"),
    "no deny": (
        without("allowed_properties", property="city", treatment="deny"),
        "ga4__events.city",
    ),
    "a deny for another path": (of("city", property="ctiy"), "ga4__events.city"),
    "another property": (
        lambda made, also: made.add("allowed_properties", property="ssn"),
        "ga4__events.ssn",
    ),
    "a real name is sent": (event("Visit", sent_as=""), "Visit"),
    "another name is sent": (event("Visit", sent_as="oncology"), "Visit"),
    "another event": (event("Signed In", event="Signed Inn"), "Signed Inn"),
    "every event": (event("Signed In", event="*"), "every event"),
    "PHI is not restricted": (
        setting("mail", restrict_phi="false", baa_reference="BAA-1"),
        "restrict_phi",
    ),
    "tokens are shared": (setting("ga4", mask_scope=""), "mask_scope"),
    "times are finer": (setting("ga4", timestamp_precision="hour"), "timestamp_precision"),
    "an agreement has no end": (setting("crm", baa_expires_on=""), "baa_expires_on"),
    "another agreement": (setting("crm", baa_expires_on="2030-01-01"), "baa_expires_on"),
    "in the browser": (setting("crm", connection_mode="client_side"), "mode"),
    "a new destination": (
        lambda made, also: made.add("destinations", destination="new"),
        "new",
    ),
    "in every environment": (setting("crm", environment="*"), "crm"),
    "calls are kept for good": (lambda made, also: also["environments"].clear(), "retain_days"),
    "calls are kept longer": (
        lambda made, also: also.update(environments=[("dev", "401")]),
        "retain_days",
    ),
    "kept for another environment": (
        lambda made, also: also.update(environments=[("prod", "400")]),
        "retain_days",
    ),
    "no list of environments": (lambda made, also: also.pop("environments"), "lists"),
    "nobody is suppressed": (
        lambda made, also: also["suppressed_users"].clear(),
        "suppressed_users",
    ),
    "an id is misspelt": (
        lambda made, also: also["suppressed_users"].__setitem__(1, ("*", "u3", "", "")),
        "suppressed_users",
    ),
    "one is suppressed elsewhere": (
        lambda made, also: also.update(
            suppressed_users=[("dev", "u1", "", ""), ("prod", "u2", "", "")]
        ),
        "suppressed_users",
    ),
    "no list of people": (lambda made, also: also.pop("suppressed_users"), "lists"),
    "a small area is taken away": (without("small_zip3_areas", zip3="059"), "small_zip3_areas"),
    "a small area is another": (
        lambda made, also: row(made, "small_zip3_areas", zip3="059").update(zip3="058"),
        "small_zip3_areas",
    ),
}
NARROWER: dict[str, Change] = {
    "a property is taken away": without("allowed_properties", property="count"),
    "an event is taken away": without("allowed_events", event="Signed In"),
    "a destination is taken away": lambda made, also: made.rows.update(
        destinations=[r for r in made.rows["destinations"] if r["destination"] != "ads"],
        allowed_events=[r for r in made.rows["allowed_events"] if r["destination"] != "ads"],
    ),
    "a property is denied": lambda made, also: made.add(
        "allowed_properties", property="ssn", treatment="deny"
    ),
    "a value is a token": of("plan", treatment="mask", guard=""),
    "a value is a code": of("plan", treatment="surrogate", guard=""),
    "a guard is stronger": of("note", guard="block"),
    "a row ends sooner": of("plan", expires_on="2026-05-01"),
    "a row has an end": of("count", expires_on=LAST),
    "on one event": of("count", event="Visit"),
    "a number is rounded more": of("price", treatment="round(20)"),
    "a text is cut sooner": of("code", treatment="truncate(1)"),
    "a text is an integer": of("note", data_type="integer", guard=""),
    "times are coarser": setting("ga4", timestamp_precision="month"),
    "tokens are its own": setting("ads", mask_scope="destination"),
    "PHI is restricted": setting("crm", restrict_phi="true", baa_expires_on=LAST),
    "an agreement ends sooner": setting("crm", baa_expires_on="2026-11-30"),
    "calls are kept shorter": lambda made, also: also.update(environments=[("dev", "300")]),
    "calls are kept shorter elsewhere": lambda made, also: also["environments"].append(
        ("prod", "9")
    ),
    "one more is suppressed": lambda made, also: also["suppressed_users"].append(
        ("*", "u3", "", "")
    ),
    "one more small area": lambda made, also: made.add("small_zip3_areas", zip3="063"),
}
OTHERS: dict[str, Change] = {
    "a column has another name": of("count", column_name="number"),
    "a token is a code": of("email", treatment="surrogate"),
    "a name is hidden": event("Signed In", sent_as="login"),
    "another reference": setting("crm", baa_reference="BAA-2"),
}


def differences(folder: Path, change: Change) -> list[Difference]:
    before = described(folder)
    made, also = seeds(), lists()
    change(made, also)
    after = described(folder, made, also)
    # A change and its reverse are seen alike.
    assert len(compare(after, before)) == len(compare(before, after))
    return compare(before, after, TODAY)


@pytest.mark.parametrize("name", WIDER)
def test_what_lets_more_through_widens(name: str, tmp_path: Path) -> None:
    change, place = WIDER[name]
    found = differences(tmp_path, change)
    assert found[0].effect == WIDENS, [str(item) for item in found]
    wider = lets_more_through(found)
    assert any(place in item.place for item in wider), [str(item) for item in found]
    assert all(item.before != item.after for item in found), [str(item) for item in found]


@pytest.mark.parametrize("name", NARROWER)
def test_what_lets_less_through_narrows(name: str, tmp_path: Path) -> None:
    found = differences(tmp_path, NARROWER[name])
    assert found
    assert lets_more_through(found) == [], [str(item) for item in found]


@pytest.mark.parametrize("name", OTHERS)
def test_another_thing_must_be_agreed_to(name: str, tmp_path: Path) -> None:
    found = differences(tmp_path, OTHERS[name])
    assert {item.effect for item in found} == {CHANGES}, [str(item) for item in found]
    assert lets_more_through(found) == found


def test_what_says_nothing_of_what_is_received_is_no_difference(tmp_path: Path) -> None:
    before = described(tmp_path)
    made = seeds()
    for rows in made.rows.values():
        rows.reverse()
    setting("ga4", description="Another")(made, {})
    of("plan", reason="Another", approved_by="another@clinic.example")(made, {})
    assert described(tmp_path, made) == before


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*place, name))
    else:
        yield place


def at(description: Description, place: tuple[Any, ...]) -> Any:
    found: Any = description
    for name in place:
        found = found[name]
    return found


def test_every_word_of_a_description_counts(tmp_path: Path) -> None:
    """Whatever a description says, without it or with other words it is another one."""
    before = described(tmp_path)
    places = [place for place in leaves(before) if place != ("version",)]
    assert len(places) > 300
    for place in places:
        after = copy.deepcopy(before)
        words = at(after, place)
        other = [*words, "other"] if isinstance(words, list) else "7"
        at(after, place[:-1])[place[-1]] = {} if words == "every event" else other
        assert compare(before, after), place


@pytest.mark.parametrize(
    "place",
    [
        ("every_environment",),
        ("environments", "dev"),
        ("environments", "dev", "destinations", "ga4"),
        ("environments", "dev", "destinations", "ga4", "views", "ga4__events", "plan"),
    ],
)
def test_what_the_comparison_does_not_know_widens(place: tuple[str, ...], tmp_path: Path) -> None:
    before = described(tmp_path)
    after = copy.deepcopy(before)
    at(after, place)["consent"] = "not asked for"
    for one, other in ((before, after), (after, before)):
        [found] = compare(one, other)
        assert found.effect == WIDENS


def test_every_field_of_the_configuration_is_described_or_says_nothing_of_what_is_received() -> (
    None
):
    """A new field must be put into the description, or onto this list by who knows why not."""
    ours = {"masked_column", "other_masked_column", "top_name", "reason"}
    ours |= {"path", "other_path", "property_list"}  # `from` has these.
    assert {field.name for field in dataclasses.fields(ViewColumn)} - ours == {
        *("name", "treatment", "normalize", "data_type", "is_list", "events", "guard", "scope")
    }
    of_people = {"name", "description", "fingerprint"}
    in_mode = {"connection_mode", "is_in_hipaa_mode"}
    assert {field.name for field in dataclasses.fields(DestinationPlan)} - of_people - in_mode == {
        *("type", "restrict_phi", "baa_reference", "scope", "timestamp_precision", "events"),
        *("views", "latest_views", "consent"),
    }
    resolved = {"row", "environment", "destination", "type_name", "reason", "approved_by"}
    assert {field.name for field in dataclasses.fields(AllowedEvent)} - resolved == {
        *("event", "sent_as")
    }
    assert {field.name for field in dataclasses.fields(AllowedProperty)} - resolved == {
        *("property_list", "event", "path", "treatment", "normalize", "data_type", "guard"),
        *("mask_scope", "column_name", "expires_on"),
    }
    assert {field.name for field in dataclasses.fields(Destination)} - resolved == {
        *("name", "type", "connection_mode", "restrict_phi", "baa_reference", "baa_expires_on"),
        *("has_own_scope", "timestamp_precision", "description"),
        *("consent_categories", "consent_strategy", "honors_opt_outs"),
    }


def test_views_without_a_model_are_not_received(tmp_path: Path) -> None:
    views = frozenset({"ga4__events", "crm__events", "ads__events", "mail__events"})
    locked = described(tmp_path, models=views)
    current = described(tmp_path, models=views | {"ga4__identifies"})
    [found] = compare(locked, current)
    assert (found.kind, found.place, found.effect) == ("view", "ga4__identifies", WIDENS)
    assert "anonymous_id" in found.after


class TestEnds:
    """Rows that end on a day, which the lock says."""

    @pytest.fixture
    def locked(self, tmp_path: Path) -> Description:
        return described(tmp_path)

    def test_what_ended_as_agreed_is_no_difference(
        self, locked: Description, tmp_path: Path
    ) -> None:
        day = dt.date.fromisoformat(LATER)
        assert compare(locked, described(tmp_path, day=day), day) == []
        day += dt.timedelta(days=1)
        ended = described(tmp_path, day=day)
        assert (
            "plan"
            not in ended["environments"]["dev"]["destinations"]["ga4"]["views"]["ga4__events"]
        )
        assert compare(locked, ended, day) == []
        [found] = compare(locked, ended, TODAY)
        assert found.effect == NARROWS

    def test_a_clock_set_back_opens_nothing_that_was_locked_without(self, tmp_path: Path) -> None:
        day = dt.date.fromisoformat(LATER) + dt.timedelta(days=1)
        locked = described(tmp_path, day=day)
        [found] = compare(locked, described(tmp_path), TODAY)
        assert (found.place, found.effect) == ("ga4__events.plan", WIDENS)

    def test_ends_of_single_events(self, tmp_path: Path) -> None:
        made = seeds()
        of("note", expires_on=TODAY.isoformat())(made, {})
        made.add("allowed_properties", property="note", event="Signed In", guard="warn")
        locked = described(tmp_path, made)
        note = locked["environments"]["dev"]["destinations"]["ga4"]["views"]["ga4__events"]["note"]
        assert note["until"] == {"Visit": TODAY.isoformat()}
        assert parse(as_text(locked).encode()) == locked
        ended = described(tmp_path, made, day=TOMORROW)
        assert compare(locked, ended, TOMORROW) == []
        assert [item.effect for item in compare(ended, locked, TODAY)] == [WIDENS]


class TestLockFile:
    @pytest.fixture
    def description(self, tmp_path: Path) -> Description:
        return described(tmp_path)

    def test_it_says_what_was_written(self, description: Description, tmp_path: Path) -> None:
        assert read_lock(tmp_path) is None
        write_lock(tmp_path, description)
        assert read_lock(tmp_path) == description
        text = (tmp_path / LOCK_FILE).read_text()
        assert text == as_text(description)
        assert text.startswith("# What each destination receives, as agreed to")
        assert (
            "            note: {from: event note, form: allow, type: text, guard: warn, "
            "events: [Visit]}\n"
        ) in text
        assert "u1" not in text and "u2" not in text
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

    def test_a_column_is_one_line(self, description: Description) -> None:
        views = description["environments"]["dev"]["destinations"]["ga4"]["views"]
        before = as_text(description).splitlines()
        del views["ga4__events"]["plan"]
        assert len(before) - len(as_text(description).splitlines()) == 1

    @given(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip))
    def test_any_name_is_read_as_it_was_written(self, event: str, sent_as: str) -> None:
        description = nothing()
        columns = {event: {"from": f"event {event}", "form": "allow", "type": "text"}}
        description["environments"]["dev"] = {
            "retain_days": "for good",
            "suppressed_users": "0",
            "suppressed_marks": [],
            "destinations": {
                "ga4": {
                    "type": "analytics",
                    "mode": "HIPAA mode",
                    "restrict_phi": "true",
                    "mask_scope": "shared",
                    "timestamp_precision": "day",
                    "events": {event: sent_as},
                    "denied": [f"event {event}"],
                    "views": {"ga4__events": columns},
                }
            },
        }
        text = as_text(description)
        assert parse(text.encode()) == description
        assert is_printable(text.replace("\n", ""))

    @pytest.mark.parametrize(
        ("old", "new", "problem"),
        [
            ("guard: block", "gaurd: block", "ads__events: city: `gaurd` is unknown"),
            ("guard: block", "guard: blokc", "guard: it is not one of none, warn, block"),
            ("restrict_phi: true", "restrict_phi: yes", "it is not one of true, false"),
            ("form: year", "form: yaer", "form: it is not a treatment"),
            ("retain_days: 400", "retain_days: -1", "retain_days: it is not a number"),
            (f"until: {LATER}", "until: 2026-6-30", "until: it is not a date"),
            ("    suppressed_users: 2\n", "", "`suppressed_users` is missing"),
            ("version: 1", "version: 2", "version: it is not one of 1"),
            ("environments:\n  dev:", "environments: 1\n#", "can't be|no mapping|expected"),
            ("guard: warn", "guard: warn, guard: none", "a key is there twice"),
            ("guard: warn", "guard: !!str warn", "it has an alias or a tag"),
            ("guard: warn", "<<: *other", "alias|undefined"),
            ("version: 1\n", "version: 1\n<<<<<<< HEAD\n", "line 4|could not find"),
            ("ga4:", "ga4: [", "line "),
        ],
    )
    def test_what_nobody_can_have_agreed_to_is_refused(
        self, old: str, new: str, problem: str, description: Description
    ) -> None:
        text = as_text(description)
        assert old in text
        with pytest.raises(LockFileError) as raised:
            parse(text.replace(old, new, 1).encode())
        assert re.search(problem, str(raised.value)), str(raised.value)
        assert LOCK_FILE in str(raised.value)
        assert str(raised.value).endswith("or review what is received and run: hipaa-mode lock")

    @pytest.mark.parametrize(
        "content", [b"", b"a: 1\n---\na: 1\n", b"[]", b"text", b"\xff", b"[" * 5000, b"a: *b"]
    )
    def test_what_is_no_lock_is_refused(self, content: bytes) -> None:
        with pytest.raises(LockFileError):
            parse(content)

    def test_it_is_written_whole_or_not_at_all(
        self, description: Description, tmp_path: Path
    ) -> None:
        write_lock(tmp_path, description)
        before = (tmp_path / LOCK_FILE).read_bytes()
        description["environments"]["dev"]["destinations"]["ga4"]["events"] = {"a": object()}
        with pytest.raises(AttributeError):
            write_lock(tmp_path, description)
        assert (tmp_path / LOCK_FILE).read_bytes() == before
        tmp_path.joinpath("there").write_text("")
        with pytest.raises(LockFileError, match=r"can't be written"):
            write_lock(tmp_path / "there", nothing())


def test_effects_are_in_the_order_in_which_they_are_shown(tmp_path: Path) -> None:
    made = seeds()
    of("count", column_name="number")(made, {})
    without("allowed_events", event="Signed In")(made, {})
    of("plan", guard="none")(made, {})
    found = [item.effect for item in compare(described(tmp_path), described(tmp_path, made))]
    assert found == sorted(found, key=EFFECTS.index)
    assert set(found) == set(EFFECTS)
