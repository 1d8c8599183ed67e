"""Which values count as raw ids: no leak passes, and no outsider stops a destination."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest
from duckdb.func import FunctionNullHandling, PythonUDFType
from project import Project, Run, allowed, destination, event, token, track

from hipaa_mode import functions
from hipaa_mode.masking import are_hexadecimal

VIEW = "main_destinations.tool__events"
PLANS = ("basic", "plus", "premium", "family", "senior")
PEOPLE = [
    track(
        "Visit",
        {
            "plan": PLANS[n % 5],
            "tags": ["new", "web", "caf%E9"],
            "form": {"steps": [1, {"name": "end"}]},
        },
        messageId=f"visit-{n}",
        userId=f"Patient-{n}",
        anonymousId=f"device/{n}",
        sentAt="2026-03-02T10:00:00Z",
    )
    for n in range(100)
]


def outsider(name: str, **properties: Any) -> dict[str, Any]:
    """A call of somebody who calls themselves what they like."""
    return track(
        "Visit",
        properties,
        messageId=f"of {name}",
        userId=name,
        sentAt="2026-03-03T10:00:00Z",
    )


@dataclass
class Built:
    """A project after the builds of its story."""

    project: Project
    runs: dict[str, Run]
    manifests: dict[str, Any]


@pytest.fixture(scope="class")
def built(new_project: Callable[..., Project]) -> Built:
    project = new_project(
        "raw_ids",
        [destination("tool", timestamp_precision="day")],
        [event("tool", "Visit")],
        [
            allowed("tool", "event", "plan"),
            allowed("tool", "event", "tags[]"),
            allowed("tool", "event", "form", data_type="json"),
        ],
        PEOPLE,
        views={"tool": ["events"]},
    )
    built = Built(project, {}, {})

    def build(step: str) -> None:
        built.runs[step] = project.dbt("build")
        built.manifests[step] = project.manifest("tool")

    kiosk = track("Visit", messageId="kiosk", anonymousId="kiosk-1")
    project.write_calls([outsider(" Premium "), outsider("plus"), kiosk], "outsiders.ndjson")
    build("outsiders")
    in_the_way = {**outsider("nobody-1", plan="PATIENT-7 "), "anonymousId": "kiosk-1"}
    later = [outsider("patient-x", plan="premium"), in_the_way]
    project.write_calls(later, "later.ndjson")
    build("leak")
    project.write_seed("suppressed_users", [{"environment": "*", "user_id": "nobody-1"}])
    build("suppressed")
    return built


class TestBuilds:
    """What builds make of outsiders and of leaks."""

    def test_outsiders_who_are_called_like_a_plan_stop_nothing(self, built: Built) -> None:
        run = built.runs["outsiders"]
        assert run.exit_code == 0, run.output
        assert len(built.project.published_rows("tool__events")) >= 102

    def test_the_run_and_the_manifest_tell_of_the_coincidence(self, built: Built) -> None:
        assert (
            "NOTICE: tool__events.plan: 2 of the values in many rows are also ids of a few calls"
            in built.runs["outsiders"].output
        )
        columns = built.manifests["outsiders"]["views"]["tool__events"]["columns"]
        assert {c["name"]: c["values_that_ids_equal"] for c in columns if c["property"]} == {
            "plan": 2,
            "tags": 0,
            "form": 0,
        }

    def test_one_id_of_somebody_else_in_another_case_is_held_back(self, built: Built) -> None:
        run = built.runs["leak"]
        assert run.exit_code == 1
        assert "no_raw_identifiers on `plan`: 1" in run.output
        assert "patient-7" not in run.output.lower()
        assert built.manifests["leak"] == built.manifests["outsiders"]

    def test_who_is_in_the_way_on_purpose_can_be_suppressed(self, built: Built) -> None:
        assert built.runs["suppressed"].exit_code == 0, built.runs["suppressed"].output

    def test_in_a_build_of_one_day_the_people_of_all_days_count(self, built: Built) -> None:
        assert "tool__events.plan: 1 of the values" in built.runs["suppressed"].output


class TestChecks:
    """The compiled check itself, over the built view with faults put into it."""

    @pytest.fixture(scope="class")
    @staticmethod
    def check(built: Built) -> Iterator[Callable[[str], dict[str, int]]]:
        """Tell which columns the check complains of in some rows made of the view's."""
        folder = built.project.folder / "target/compiled/hipaa_mode/models/destination_views/tool"
        [path] = folder.glob("_tool.yml/holds_only*.sql")
        # Of all rows, and not only of those in the last build's files.
        compiled, files = re.subn(
            r"read_parquet\(\[[^\]]*\]\)", "tampered", path.read_text("utf-8")
        )
        assert files
        with duckdb.connect(str(built.project.database), read_only=True) as connection:
            functions.create(connection)
            connection.create_function(
                "hipaa_mode_is_hexadecimal",
                are_hexadecimal,
                [str],
                bool,
                type=PythonUDFType.ARROW,
                null_handling=FunctionNullHandling.SPECIAL,
            )
            connection.create_function(
                "hipaa_mode_note_coincidences",
                lambda view, column, count: True,
                [str, str, int],
                bool,
            )
            connection.create_function(
                "hipaa_mask", lambda text, scope: token(text, scope=scope), [str, str], str
            )

            def check(query: str) -> dict[str, int]:
                sound = f"(from {VIEW})"
                connection.execute(
                    f"create or replace temp table tampered as with sound as {sound} {query}"
                )
                name = '"calls"."main_destinations"."tool__events"'
                assert name in compiled
                rows = connection.execute(compiled.replace(name, "tampered")).fetchall()
                return {row[1]: row[3] for row in rows if row[0] == "no_raw_identifiers"}

            yield check

    def test_nothing_is_found_in_what_is_sound(
        self, check: Callable[[str], dict[str, int]]
    ) -> None:
        assert check("from sound") == {}

    @pytest.mark.parametrize(
        "value",
        [
            *("Patient-5", "patient-5", "PATIENT-5", "  Patient-5 ", "\u00a0patient-5\u200b"),
            *("Patient%2D5", "patient%2d5", "%20Patient-5", "device/5", "device%2F5", "DEVICE/5"),
        ],
    )
    @pytest.mark.parametrize("place", ["plan", "tags", "form"])
    def test_an_id_is_found_in_every_spelling_and_place(
        self, check: Callable[[str], dict[str, int]], value: str, place: str
    ) -> None:
        put = {
            "plan": f"'{value}'",
            "tags": f"['web', '{value}']",
            "form": f'\'{{"a": [{{"b": "{value}"}}]}}\'',
        }[place]
        one = "row_id = (select min(row_id) from sound)"
        query = (
            f"select * replace (case when {one} then {put} else {place} end as {place}) from sound"
        )
        assert check(query) == {place: 1}

    @pytest.mark.parametrize(
        "json",
        [
            '{"Patient-5": 1}',
            '"Patient-5"',
            '["x", "patient-5"]',
            '[[{"x": {"patient-5": null}}]]',
        ],
    )
    def test_an_id_is_found_anywhere_in_json(
        self, check: Callable[[str], dict[str, int]], json: str
    ) -> None:
        query = f"select * replace ('{json}' as form) from sound limit 1"
        assert check(query) == {"form": 1}

    def test_a_hundredth_of_the_rows_with_ids_is_found(
        self, check: Callable[[str], dict[str, int]]
    ) -> None:
        own = "'patient-' || (abs(hash(row_id)) % 100)::varchar"
        few = "row_id in (select row_id from sound order by row_id limit 1)"
        query = f"select * replace (case when {few} then {own} else plan end as plan) from sound"
        assert check(query) == {"plan": 1}

    def test_ids_that_many_share_are_found_when_they_are_many(
        self, check: Callable[[str], dict[str, int]]
    ) -> None:
        shared = "'patient-' || (abs(hash(row_id)) % 4)::varchar"
        assert check(f"select * replace ({shared} as plan) from sound") == {"plan": 4}


class TestWithheld:
    """The test on the masked tables, with rows put into one that should not be there."""

    @pytest.fixture(scope="class")
    @staticmethod
    def count(built: Built) -> Iterator[Callable[[str], int]]:
        """Tell how many rows the test complains of in a table made by a query of `sound`."""
        folder = built.project.folder / "target/compiled/hipaa_mode/tests/masked"
        path = folder / "withheld_calls_are_not_in_masked_events.sql"
        compiled = path.read_text("utf-8")
        name = '"calls"."main_restricted"."masked_events"'
        assert name in compiled
        with duckdb.connect(str(built.project.database), read_only=True) as connection:
            functions.create(connection)
            connection.create_function(
                "hipaa_mask", lambda text, scope: token(text, scope=scope), [str, str], str
            )

            def count(query: str) -> int:
                connection.execute(
                    f"create or replace temp table tampered as with sound as (from {name}) {query}"
                )
                found = connection.execute(compiled.replace(name, "tampered")).fetchall()
                return sum(failures for (failures,) in found)

            yield count

    def test_nothing_is_found_in_what_is_sound(self, count: Callable[[str], int]) -> None:
        assert count("from sound") == 0

    @pytest.mark.parametrize(
        ("user", "device", "found"),
        [
            ("nobody-1", None, 1),
            ("nobody-1", "another", 1),
            (None, "kiosk-1", 1),
            # A device that others use too: with their user id it is theirs.
            ("patient-1", "kiosk-1", 0),
            (None, "another", 0),
        ],
    )
    def test_a_row_of_a_suppressed_person_or_their_device_is_found(
        self, count: Callable[[str], int], user: str | None, device: str | None, found: int
    ) -> None:
        of_user = f"'{token(user)}'" if user else "cast(null as varchar)"
        of_device = f"'{token(device)}'" if device else "cast(null as varchar)"
        put = f"{of_user} as user_id__shared, {of_device} as anonymous_id__shared"
        assert count(f"select * replace ({put}) from sound limit 1") == found
