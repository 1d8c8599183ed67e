"""Deletion follows alias and merge calls: whoever is tied to a suppressed person is withheld too.

One project through its life: built, somebody suppressed, a further alias that arrives later, the
same from the beginning, and everybody back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from project import Project, Run, allowed, destination, event, token, track

GONE = "canary-gone"
TIED = {
    "device-1": "previousId of an alias",
    "former-1": "previous_id",
    "later-1": "the person's id is the previous one",
    "4711": "a number",
    "blank-1": "blanks around it",
    "step-6": "six steps away",
    "link-300": "three hundred steps away",
    "round-2": "in a circle",
    "rejected-1": "in a call that is rejected",
    "again-1": "in a further delivery",
    "no-user-1": "an alias without a user id",
    "ann@example.com": "merged",
    "merged-2": "merged, as an object",
    "merged-3": "merged, without an id of its own",
    "both-1": "a former id in a track call",
    "spelt-1": "in another spelling of the key",
    "spelt-2": "merged, in another spelling of the key",
}
"""Ids that are tied to the suppressed person, and how."""

LISTED_DEVICE = "canary-listed-device"
SHARED, OTHERS, APART = "device-shared", ("other-1", "other-2"), ("apart-1", "apart-2")


def alias(previous: object, user: object = GONE, **fields: Any) -> dict[str, object]:
    return {"type": "alias", "previousId": previous, "userId": user, **fields}


def merge(*values: object, **fields: Any) -> dict[str, object]:
    merged = [{"type": "any", "value": value} for value in values]
    return {"type": "merge", "mergeProperties": merged, **fields}


ALIASES = [
    alias("device-1", messageId="a1", anonymousId=SHARED),
    {"type": "Alias", "previous_id": "former-1", "user_id": GONE},
    alias(GONE, "later-1"),
    alias(4711),
    alias("blank-1 ", f" {GONE}"),
    *(alias(f"step-{n}", f"step-{n - 1}" if n > 1 else GONE) for n in (6, 3, 1, 5, 2, 4)),
    *(alias(f"link-{n}", f"link-{n - 1}" if n > 1 else GONE) for n in range(1, 301)),
    alias("round-1"),
    alias("round-2", "round-1"),
    alias(GONE, "round-2"),
    {"type": ["alias"], "previousId": "rejected-1", "userId": GONE},
    alias("again-1", messageId="a1"),
    {"type": "alias", "previousId": GONE, "anonymousId": "no-user-1"},
    merge("ann@example.com", None, {"no": "text"}, userId=GONE),
    {"type": "merge", "userId": "merged-2", "mergeProperties": {"type": "id", "value": GONE}},
    merge("merged-3", "ann@example.com"),
    {"type": "track", "event": "Visit", "userId": GONE, "previousId": "both-1"},
    {"type": "alias", "PREVIOUSID": "spelt-1", "userId": GONE},
    {"type": "merge", "MergeProperties": [{"value": "spelt-2"}], "userId": GONE},
    # What stands for an id that is not there ties nobody.
    *(alias(nobody, name) for nobody in ("undefined", 0) for name in (GONE, *OTHERS)),
    *(merge(" NULL ", userId=name) for name in (GONE, *OTHERS)),
    # Nobody of these is said to be the person, though they use the same device.
    alias("apart-1", "apart-2", anonymousId=SHARED),
    alias(None, "apart-2", anonymousId="device-1"),
    {"type": "alias", "previousId": "tablet-6", "anonymousId": "phone-6"},
    alias("apart-1", "apart-1"),
]
LATE = "late-1"
HUB = 20


def visit(name: str, **ids: Any) -> dict[str, object]:
    return track("Visit", {"plan": name}, sentAt="2026-03-02T10:00:00Z", **ids)


CALLS = [
    visit(GONE, userId=GONE),
    *(visit(name, userId=name) for name in TIED if name != "4711"),
    visit("4711", userId=4711),
    *(visit(f"{name} without user", anonymousId=name) for name in TIED),
    visit("a device of theirs", userId="step-6", anonymousId="phone-6"),
    visit("on it, without user", anonymousId="phone-6"),
    visit("on what it was before", anonymousId="tablet-6"),
    visit("from a listed device", anonymousId=LISTED_DEVICE),
    visit("from a listed device, as somebody", userId="apart-1", anonymousId=LISTED_DEVICE),
    # On the same devices, and somebody else.
    *(visit(name, userId=name, anonymousId="device-1") for name in OTHERS),
    *(visit(name, userId=name, anonymousId="phone-6") for name in APART),
    visit("on what their device was", userId="apart-1", anonymousId="tablet-6"),
    visit(LATE, userId=LATE),
    visit("late device", anonymousId="late-phone"),
    *ALIASES,
]
KEPT = {*OTHERS, *APART, "on what their device was"}


@dataclass
class Step:
    """What one build left."""

    run: Run
    plans: set[str]
    data: dict[str, bytes]
    withheld: dict[str, int]
    people: int


@dataclass
class Life:
    """The project and its builds by name."""

    project: Project
    steps: dict[str, Step] = field(default_factory=dict)
    tampered: Run | None = None

    def build(self, name: str, *arguments: str) -> None:
        run = self.project.build(*arguments)
        manifest = self.project.manifest("tool")
        files = self.project.published_bytes()
        rows = self.project.published_rows("tool__events")
        self.steps[name] = Step(
            run,
            {row["plan"] for row in rows if row["plan"] is not None},
            {name: content for name, content in files.items() if name.endswith(".parquet")},
            manifest["withheld"]["calls"],
            manifest["withheld"]["suppressed_people"],
        )


@pytest.fixture(scope="module")
def life(new_project: Callable[..., Project]) -> Life:
    project = new_project(
        "alias",
        [destination("tool")],
        [event("tool", "Visit")],
        [allowed("tool", "event", "plan", guard="none")],
        CALLS,
        views={"tool": ["events"]},
        view_tests=["holds_only_what_is_allowed"],
        unsuspected=["plan"],
    )
    life = Life(project)
    life.build("all")
    listed = (GONE, f"{LISTED_DEVICE}\u00a0")
    project.write_seed(
        "suppressed_users", [{"environment": "dev", "user_id": user_id} for user_id in listed]
    )
    life.build("suppressed")
    hub = [alias("portal", GONE), *(alias("portal", f"visitor-{n}") for n in range(HUB))]
    late = [alias(LATE, "step-6"), alias("late-phone", LATE)]
    project.write_calls([*late, *hub, visit("visitor", userId="visitor-1")], "more.ndjson")
    life.build("an alias arrives")
    project.execute(
        f"update main_restricted.masked_events set user_id__shared = '{token(GONE)}' "
        "where rowid = (select min(rowid) from main_restricted.masked_events)"
    )
    life.tampered = project.dbt("build", "--select", "masked_events")
    life.build("from the beginning", "--full-refresh")
    project.write_seed("suppressed_users", [])
    life.build("all again")
    return life


def test_everybody_is_there_first(life: Life) -> None:
    plans = life.steps["all"].plans
    assert {GONE, *TIED, *KEPT, LATE} <= plans
    assert life.steps["all"].withheld["suppressed_by_alias"] == 0


@pytest.mark.parametrize("name", TIED, ids=TIED.values())
def test_whoever_is_tied_to_the_person_is_gone(life: Life, name: str) -> None:
    plans = life.steps["suppressed"].plans
    assert {name, f"{name} without user"} <= life.steps["all"].plans
    assert not {name, f"{name} without user"} & plans


def test_calls_without_user_from_their_devices_are_gone(life: Life) -> None:
    gone = {"a device of theirs", "on it, without user", "on what it was before"}
    assert gone <= life.steps["all"].plans
    assert not gone & life.steps["suppressed"].plans


def test_whatever_has_an_id_of_the_list_is_gone(life: Life) -> None:
    gone = {"from a listed device", "from a listed device, as somebody"}
    assert gone <= life.steps["all"].plans
    assert not gone & life.steps["suppressed"].plans


def test_nobody_else_is_gone(life: Life) -> None:
    assert life.steps["suppressed"].plans == {*KEPT, LATE, "late device"}


def test_no_token_of_theirs_is_published(life: Life) -> None:
    rows = life.project.published_rows("tool__events")
    assert token("step-6") in str(rows)
    published = b"".join(life.steps["suppressed"].data.values())
    assert not [name for name in TIED if token(name).encode() in published]


def test_an_alias_that_arrives_later_takes_published_rows_back(life: Life) -> None:
    assert life.steps["an alias arrives"].plans == KEPT


def test_an_id_that_stands_for_many_is_withheld_and_said(life: Life) -> None:
    step = life.steps["an alias arrives"]
    assert "visitor" not in step.plans
    assert f"suppressed people, and {HUB + 1} of them to one and the same id" in step.run.output
    assert "one and the same id" not in life.steps["suppressed"].run.output
    assert "portal" not in step.run.output


def test_a_row_of_theirs_is_found_though_nothing_came_since_the_last_look(life: Life) -> None:
    assert life.tampered is not None
    assert life.tampered.exit_code == 1
    assert "Got 1 result" in life.tampered.output
    assert "withheld_calls_are_not_in_masked_events" in life.tampered.output


def test_it_is_the_same_from_the_beginning(life: Life) -> None:
    late, anew = life.steps["an alias arrives"], life.steps["from the beginning"]
    assert anew.data == late.data
    assert anew.withheld == late.withheld


def test_the_run_says_how_many_are_withheld_for_either_reason(life: Life) -> None:
    step = life.steps["suppressed"]
    listed, tied = step.withheld["suppressed"], step.withheld["suppressed_by_alias"]
    assert (step.people, step.withheld["expired"]) == (2, 0)
    said = (
        f"withheld: {listed} calls of 2 suppressed people, {tied} tied to them by alias and merge"
    )
    assert said in step.run.output
    assert tied > len(TIED)
    shown = life.project.hipaa_mode("audit", "show", COLUMNS="250")
    assert f"{tied} calls tied to them" in " ".join(shown.stdout.split())


def test_everybody_comes_back_with_the_person(life: Life) -> None:
    again = life.steps["all again"]
    assert again.plans == {*life.steps["all"].plans, "visitor"}
    assert "canary" not in again.run.output
