"""Opt-outs and consent in whole builds: who said no to a tool is in nothing that goes there."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable

import pytest
from consent_vectors import ASKED, VECTORS
from project import (
    Project,
    allowed,
    as_line,
    destination,
    event,
    group,
    identify,
    page,
    token,
    track,
)


def write_types(project: Project, **names: str) -> None:
    """Add types of tools with what `integrations` calls them."""
    path = project.folder / "seeds/destination_types.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, integration_names in names.items():
        webhook = next(row for row in rows if row["destination_type"] == "webhook")
        of_its_own = {"destination_type": name, "integration_names": integration_names}
        rows.append(webhook | of_its_own)
    columns = dict.fromkeys((*rows[0], "integration_names"))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


class TestVectors:
    @pytest.fixture(scope="class")
    @classmethod
    def project(cls, tmp_path_factory: pytest.TempPathFactory) -> Project:
        types = {
            f"t{number}": names
            for number, names in enumerate(sorted({v.integration_names for v in VECTORS}))
        }
        of_names = {names: name for name, names in types.items()}
        project = Project.create(
            tmp_path_factory.mktemp("vectors"),
            destinations=[
                destination(
                    name,
                    destination_type=of_names[names],
                    consent_categories=categories,
                    consent_strategy=strategy,
                    honor_opt_outs=honor,
                )
                for (names, categories, strategy, honor), name in ASKED.items()
            ],
            events=[event(name, "Visit") for name in ASKED.values()],
            calls=[vector.line(f"v{number}") for number, vector in enumerate(VECTORS)],
            views={name: ["events"] for name in ASKED.values()},
        )
        write_types(project, **types)
        project.build()
        return project

    def test_each_call_is_denied_for_the_reason_that_its_row_names(self, project: Project) -> None:
        found = {
            (key, name): reason
            for key, names, reasons in project.query(
                "select call_key, denied_to, reasons from main_restricted.denied_calls"
            )
            for name, reason in zip(names, reasons, strict=True)
        }
        wrong = {
            vector.name: (found.get((f"v{number}", ASKED[vector.asked]), ""), vector.denied)
            for number, vector in enumerate(VECTORS)
            if found.get((f"v{number}", ASKED[vector.asked]), "") != vector.denied
        }
        assert not wrong

    def test_a_denied_call_is_not_published_and_any_other_is(self, project: Project) -> None:
        published = {
            name: {row["row_id"] for row in project.published_rows(f"{name}__events")}
            for name in ASKED.values()
            if project.published_files(f"{name}__events")
        }
        wrong = [
            vector.name
            for number, vector in enumerate(VECTORS)
            if (token(f"v{number}") in published.get(ASKED[vector.asked], ()))
            is bool(vector.denied)
        ]
        assert not wrong

    def test_reading_keeps_nothing_else_of_these_objects(self, project: Project) -> None:
        [(texts,)] = project.query(
            "select string_agg(array_to_string(consent_signals, ' '), ' ') "
            "from main_restricted.calls_read"
        )
        assert "integration yes: Mixpanel" in texts
        assert "token" not in texts
        assert "Functional" not in texts


NO = {"All": False}
EARLY, LATE, LATER = "2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z"
TIME = "2026-03-02T09:00:00Z"
GIVEN = {"consent": {"categoryPreferences": {"C1": True}}}
WITHDRAWN = {"consent": {"categoryPreferences": {"C1": False}}}


def delivered(key: str, received_at: str | None, **fields: object) -> dict[str, object]:
    return track("Visit", messageId=key, sentAt=TIME, receivedAt=received_at, **fields)


def said(
    make: Callable[..., dict[str, object]], key: str, *arguments: object, **fields: object
) -> dict[str, object]:
    return make(*arguments, messageId=key, sentAt=TIME, receivedAt=EARLY, **fields)


NAMELESS = track("Visit", sentAt=TIME, integrations={"mixpanel": False})
FIRST = [
    NAMELESS,
    NAMELESS,
    *(
        said(make, f"{make.__name__}-{answer}", *arguments, **fields, integrations=integrations)
        for make, arguments, fields in (
            (track, ("Visit",), {"userId": "u1"}),
            (page, ("Visit",), {"userId": "u1"}),
            (identify, ({"plan": "gold"},), {"userId": "u1"}),
            (group, ({"size": 4},), {"groupId": "g1"}),
        )
        for answer, integrations in (("no", NO), ("yes", {}))
    ),
    said(track, "screen-no", "Visit", integrations=NO) | {"type": "screen", "name": "Visit"},
    # What is known of these comes from calls that said yes alone.
    said(identify, "i2", {"plan": "silver"}, userId="u2", integrations=NO),
    said(identify, "i3", {"plan": "iron"}, userId="u1", integrations=NO) | {"sentAt": LATER},
    said(group, "g2", {"size": 9}, groupId="g2", integrations=NO),
    # Two deliveries of one call in one file.
    delivered("last-says-no", EARLY),
    delivered("last-says-no", LATE, integrations=NO),
    delivered("last-says-yes", EARLY, integrations=NO),
    delivered("last-says-yes", LATE),
    delivered("last-comes-first", LATE),
    delivered("last-comes-first", EARLY, integrations=NO),
    delivered("both-at-once", LATE, integrations=NO),
    delivered("both-at-once", LATE),
    delivered("no-time", None, integrations=NO),
    delivered("no-time", LATE),
    # What a later file says of these changes the answer, or does not.
    delivered("withdrawn", LATE, context=GIVEN),
    delivered("granted", LATE, context=WITHDRAWN),
    delivered("withdrawn-too-early", LATE, context=GIVEN),
    delivered("withdrawn-at-once", LATE, context=GIVEN),
    delivered("opted-out-later", LATE, context=GIVEN),
]
SECOND = [
    delivered("withdrawn", LATER, context=WITHDRAWN),
    delivered("granted", LATER, context=GIVEN),
    delivered("withdrawn-too-early", EARLY, context=WITHDRAWN),
    delivered("withdrawn-at-once", LATE, context=WITHDRAWN),
    delivered("opted-out-later", LATER, context=GIVEN, integrations={"Mixpanel": False}),
    delivered("new-no", LATE, integrations=NO),
    delivered("new-yes", LATE, context=GIVEN),
]


DESTINATIONS = [
    destination("mixpanel", destination_type="mixpanel"),
    destination("deaf", destination_type="mixpanel", honor_opt_outs="false"),
    destination("ads", consent_categories="C1"),
]


class TestBuilds:
    """One project over builds: as at first, with more deliveries and without them again, and with
    another row."""

    @pytest.fixture(scope="class")
    @classmethod
    def project(cls, tmp_path_factory: pytest.TempPathFactory) -> Project:
        views = ("events", "identifies", "groups", "users", "groups_latest")
        project = Project.create(
            tmp_path_factory.mktemp("builds"),
            destinations=DESTINATIONS,
            events=[event("*", "Visit")],
            properties=[
                allowed("mixpanel", "user", "plan"),
                allowed("mixpanel", "group", "size", data_type="integer"),
            ],
            calls=FIRST,
            views={"mixpanel": views},
        )
        project.build()
        return project

    @pytest.fixture(scope="class")
    @classmethod
    def states(cls, project: Project) -> list[dict[str, set[str]]]:
        """What each view holds after each build, and after one that makes all anew."""
        found = [cls.published(project)]
        project.write_calls(SECOND, "calls_2.ndjson")
        project.build()
        found.append(cls.published(project))
        project.build("--full-refresh")
        found.append(cls.published(project))
        (project.folder / "raw_calls/calls_2.ndjson").unlink()
        project.build()
        found.append(cls.published(project))
        other = destination("ads", consent_categories="C2", honor_opt_outs="false")
        project.write_seed("destinations", [*DESTINATIONS[:2], other])
        project.build()
        found.append(cls.published(project))
        return found

    @staticmethod
    def published(project: Project) -> dict[str, set[str]]:
        return {
            f"{name}__{view}": {row["row_id"] for row in project.published_rows(f"{name}__{view}")}
            for name, views in (
                ("mixpanel", ("events", "identifies", "groups", "users", "groups_latest")),
                ("deaf", ("events", "identifies", "groups")),
                ("ads", ("events",)),
            )
            for view in views
            if project.published_files(f"{name}__{view}")
        }

    def test_no_kind_of_call_goes_where_it_says_no(
        self, states: list[dict[str, set[str]]]
    ) -> None:
        first = states[0]
        for kind, view in (
            ("track", "events"),
            ("page", "events"),
            ("identify", "identifies"),
            ("group", "groups"),
        ):
            assert token(f"{kind}-yes") in first[f"mixpanel__{view}"]
            assert token(f"{kind}-no") not in first[f"mixpanel__{view}"]
            assert token(f"{kind}-no") in first[f"deaf__{view}"]
        assert token("screen-no") not in first["mixpanel__events"]
        digest = hashlib.sha256(as_line(NAMELESS)).hexdigest()
        for number in (1, 2):
            assert token(f"content:{digest}:{number}") in first["deaf__events"]
            assert token(f"content:{digest}:{number}") not in first["mixpanel__events"]

    def test_latest_values_are_of_calls_that_did_not_say_no(
        self, project: Project, states: list[dict[str, set[str]]]
    ) -> None:
        assert states[0]["mixpanel__users"] == {token("u1")}
        assert states[0]["mixpanel__groups_latest"] == {token("g1")}
        [user] = project.published_rows("mixpanel__users")
        assert user["plan"] == "gold"

    def test_the_delivery_received_last_answers(self, states: list[dict[str, set[str]]]) -> None:
        shown = {
            key
            for key in (
                *("last-says-no", "last-says-yes", "last-comes-first", "both-at-once", "no-time"),
            )
            if token(key) in states[0]["mixpanel__events"]
        }
        assert shown == {"last-says-yes", "last-comes-first"}

    def test_a_later_delivery_withdraws_and_grants(
        self, states: list[dict[str, set[str]]]
    ) -> None:
        keys = (
            *("withdrawn", "granted", "withdrawn-too-early", "withdrawn-at-once"),
            *("opted-out-later", "new-no", "new-yes"),
        )
        ads = [
            {key for key in keys if token(key) in state.get("ads__events", ())} for state in states
        ]
        before = {"withdrawn", "withdrawn-too-early", "withdrawn-at-once", "opted-out-later"}
        after = {"granted", "withdrawn-too-early", "opted-out-later", "new-yes"}
        assert ads == [before, after, after, before, set()]
        mixpanel = [
            {key for key in keys if token(key) in state["mixpanel__events"]} for state in states
        ]
        assert "opted-out-later" in mixpanel[0]
        assert "opted-out-later" not in mixpanel[1]
        assert "new-no" not in mixpanel[1]

    def test_builds_agree_with_one_that_makes_all_anew(
        self, states: list[dict[str, set[str]]]
    ) -> None:
        assert states[1] == states[2]
        assert states[3] == states[0]

    def test_another_row_reaches_what_is_stored(self, states: list[dict[str, set[str]]]) -> None:
        assert states[3]["ads__events"]
        assert states[4].get("ads__events", set()) == set()
        others = [{**state, "ads__events": set()} for state in states[3:]]
        assert others[0] == others[1]
