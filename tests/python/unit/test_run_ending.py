"""The end of a run: who is published, who is held back and why, and what the run says."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_mode.plan import ViewColumn
from hipaa_mode.run.counted import Counted, Noted, count_dropped, counts_of, described_column
from hipaa_mode.run.ending import Ending, Said
from hipaa_mode.run.permission import EndOfRun, Permission
from hipaa_mode.run.summary import of_destination, totals


def permission(*reasons: str, is_selected: bool = True) -> Permission:
    return Permission(is_selected=is_selected, reasons=list(reasons), checks=["a check"])


def ending(**permissions: Permission) -> Ending:
    return Ending(EndOfRun(permissions), sorted(permissions))


class TestChoice:
    """A destination is published only where nothing at all speaks against it."""

    def test_each_for_its_own_reasons(self) -> None:
        end = ending(ads=permission("a test failed"), ga4=permission(), crm=permission())
        assert end.choose({"crm": "Contract ended"}) == ["ga4"]
        assert end.problems == ["NOT published: `ads`, its last good files stay: a test failed"]
        assert end.held_back == [
            {
                "destination": "ads",
                "outcome": "held back",
                "reasons": ["a test failed"],
                "checks": ["a check"],
            }
        ]
        [line] = end.lines
        assert line.startswith("STOPPED: `crm` is not published: Contract ended.")

    def test_a_reason_of_the_run_holds_back_all_and_closes_the_gate(self) -> None:
        ads, ga4 = permission("a test failed"), permission()
        end = ending(ads=ads, ga4=ga4)
        end.reasons.append("calls come back")
        assert end.choose({}) == []
        assert ga4.reasons == ["calls come back"]
        assert [problem.rpartition("stay: ")[2] for problem in end.problems] == [
            "calls come back; a test failed",
            "calls come back",
        ]

    def test_what_was_not_selected_is_no_fault(self) -> None:
        end = ending(ga4=permission("ga4__events did not run", is_selected=False))
        assert end.choose({}) == []
        said = end.say([], 1)
        assert said.failure == ""
        assert "not selected, so left as they are: `ga4`" in said.lines

    @pytest.mark.parametrize(
        ("found", "is_publishable"),
        [
            (permission(), True),
            (permission("a reason"), False),
            (permission(is_selected=False), False),
        ],
    )
    def test_the_database_is_asked_only_what_can_matter(
        self, found: Permission, is_publishable: bool
    ) -> None:
        assert ending(ga4=found).is_publishable == is_publishable

    def test_a_run_that_publishes_nothing_says_why(self) -> None:
        end = Ending(EndOfRun({}, "nothing was published", "`dbt run` does not test"), ["ads"])
        assert [entry["reasons"] for entry in end.held_back] == [["`dbt run` does not test"]]
        assert end.say(["noted"], 1) == Said(["noted", "nothing was published"])
        end.reasons.append("a function was replaced")
        assert end.say([], 1).failure == "a function was replaced"

    def test_it_is_said_in_the_order_in_which_it_is_read(self) -> None:
        end = ending(ga4=permission(is_selected=False))
        end.choose({})
        end.totals.append("totals")
        end.hints.append("hints")
        assert end.say(["noted"], 61.4).lines == [
            "noted",
            "totals",
            "not selected, so left as they are: `ga4`",
            "hints",
            "published 0 destinations; the run took 61 s",
        ]

    def test_a_reason_without_a_destination_fails_the_run_too(self) -> None:
        end = ending()
        end.reasons.append("a setting was changed")
        assert end.choose({}) == []
        assert end.say([], 1).failure == "a setting was changed"

    def test_what_is_refused_at_the_last_look_is_held_back(self) -> None:
        end = ending(ga4=permission())
        end.refuse("ga4", "its files differ")
        assert end.held_back[0]["reasons"] == ["its files differ"]
        end.lacks_entries(["ga4", "ads"], "the disk is full")
        assert end.say([], 1).failure.split("\nhipaa_mode: ") == [
            "NOT published: `ga4`, its last good files stay: its files differ",
            "the audit log lacks an entry of `ga4`, `ads`: the disk is full",
        ]


def view_column(name: str, property_list: str = "event", **changes: Any) -> ViewColumn:
    known: dict[str, Any] = {
        "name": name,
        "masked_column": name,
        "property_list": property_list,
        "path": name,
        "top_name": name.split(".")[0],
        "treatment": "allow",
        "normalize": "none",
        "data_type": "text",
        "is_list": False,
        "events": None,
        "reason": "",
    }
    return ViewColumn(**{**known, **changes})


NOTED = [
    Noted("events", "plan", None, 2, None, 9),
    Noted("events", "plan", None, 1, None, None),
    Noted("events", "plan", "Visit", None, 4, None),
    Noted("events", "plan", "", None, 8, None),
    Noted("groups", "plan", None, 16, 32, 64),
]


class TestCounts:
    """Manifests quote what was counted of the columns that a destination has."""

    @pytest.mark.parametrize(
        ("view_events", "column_events", "like"),
        [
            (None, None, 12),
            ({"*": "*"}, None, 12),
            ({"Visit": "Visit"}, None, 4),
            (None, ("Visit",), 4),
            ({"Bill": "Bill"}, None, 0),
            ({"Visit": "Visit"}, ("Bill",), 0),
        ],
    )
    def test_of_the_events_that_are_shown(
        self, view_events: Any, column_events: Any, like: int
    ) -> None:
        counts = counts_of("events", NOTED, ())
        column = view_column("plan", events=column_events)
        found = described_column(column, view_events, counts, {"plan": 5})
        assert found["values_not_fitting"] == 3
        assert found["values_like_identifiers"] == like
        assert found["values_that_ids_equal"] == 5

    def test_a_second_place_counts_too_and_what_is_not_counted_is_none(self) -> None:
        counts = counts_of("events", NOTED, ())
        both = view_column("email", masked_column="other", other_masked_column="plan")
        found = described_column(both, None, counts, {})
        assert (found["values_not_fitting"], found["values_like_identifiers"]) == (3, 12)
        neither = described_column(view_column("tier"), None, counts, {})
        assert (neither["values_not_fitting"], neither["values_like_identifiers"]) == (0, None)

    @pytest.mark.parametrize(
        ("columns", "dropped"),
        [
            ([], 3),
            ([view_column("plan")], 2),
            ([view_column("plan"), view_column("page", "context")], 1),
            ([view_column("page", "event")], 3),
            ([view_column("properties", "envelope")], 1),
            ([view_column("context", "envelope"), view_column("plan.tier")], 1),
        ],
    )
    def test_properties_that_a_view_has_nothing_of_are_dropped(
        self, columns: list[ViewColumn], dropped: int
    ) -> None:
        names = [
            ("events", "properties", "plan"),
            ("events", "properties", "note"),
            ("events", "context", "page"),
            ("groups", "traits", "plan"),
        ]
        assert count_dropped(names, columns, "events") == dropped
        assert count_dropped(None, columns, "events") is None


COUNTED = Counted(
    {"suppressed": 2, "suppressed_by_alias": 0, "expired": 0, "undated": 0},
    noted=(),
    property_names=None,
    denials=(),
    raw=10,
    staged=6,
    duplicates=1,
    rejected=1,
    undated=0,
    namesakes=0,
    cut=0,
    suppressed_people=1,
    suppressed_people_hmac="hmac",
)


def test_all_raw_calls_are_accounted_for() -> None:
    assert totals(COUNTED, None, "2000-01-01", 1) == [
        "10 raw calls = 6 staged + 1 duplicates + 1 rejected + 2 withheld",
        "withheld: 2 calls of 1 suppressed person",
    ]
    lines = totals(COUNTED, 30, "2000-01-01", 1)
    assert lines[-1].endswith(", 0 older than 30 days, 0 without a time")


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ("block", "guard: ads__events.note: 3 values look like identifiers and are null"),
        ("warn", "WARNING: ads__events.note: 3 values look like identifiers and were sent all"),
    ],
)
def test_values_like_identifiers_are_said(guard: str, said: str) -> None:
    column = {
        "name": "note",
        "property_list": "event",
        "property": "note",
        "treatment": "allow",
        "guard": guard,
        "values_not_fitting": 0,
        "values_like_identifiers": 3,
        "values_that_ids_equal": 2,
    }
    facts = {
        "rows": 1,
        "files": 1,
        "files_written": 1,
        "columns": [column],
        "properties_dropped": None,
        "checks_overlook": [],
    }
    views = {"ads__events": facts}
    manifest = {"destination": "ads", "consent": {}, "restrict_phi": True, "views": views}
    lines = of_destination(manifest)
    assert lines[0].endswith("1 property allowed (0 masked, 0 coarser), uncounted dropped")
    assert lines[1].startswith(said)
    assert lines[2].startswith("NOTICE: ads__events.note: 2 of the values in many rows are also")
