"""Tokens of a property with a scope of its own, through a build, its proof and its bridge."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from project import Project, allowed, destination, event, identify, token, track

OWN = {"mask_scope": "property"}
TRAITS = {"email": "Ann", "phones": ["1", "Ann"]}
CALLS = [
    track("Visit", {**TRAITS, "again": "Ann", "code": "Ann"}, messageId="m-1", userId="Ann"),
    track("Visit", {"code": "Ann"}, messageId="m-2", userId="Bob", anonymousId="Ann"),
    identify(TRAITS, messageId="m-3", userId="Ann", anonymousId="Ann"),
]


@pytest.fixture(scope="class")
def project(new_project: Callable[..., Project]) -> Project:
    project = new_project(
        "property_scope",
        [destination("tool"), destination("other", mask_scope="destination")],
        [event("*", "Visit")],
        [
            *(allowed("*", "event", path, "mask", **OWN) for path in ("email", "phones[]")),
            allowed("*", "event", "again", "mask"),
            allowed("*", "event", "code", "surrogate", **OWN),
            allowed("*", "user", "email", "mask", **OWN),
            allowed("*", "envelope", "user_id", "mask", **OWN),
        ],
        CALLS,
        views={name: ["events", "identifies", "users"] for name in ("tool", "other")},
    )
    project.build()
    return project


def row(project: Project, view: str, **wanted: Any) -> dict[str, Any]:
    [found] = [
        row
        for row in project.published_rows(view)
        if all(row[name] == value for name, value in wanted.items())
    ]
    return found


class TestBuild:
    @pytest.mark.parametrize(("name", "base"), [("tool", "*"), ("other", "other")])
    def test_a_token_is_of_its_own_property_and_its_destination(
        self, project: Project, name: str, base: str
    ) -> None:
        found = row(project, f"{name}__events", row_id=token("m-1", scope=base))
        assert found["email"] == token("Ann", scope=f"{base}/event/email")
        assert found["phones"] == [
            token(text, scope=f"{base}/event/phones[]") for text in TRAITS["phones"]
        ]
        assert found["again"] == token("Ann", scope=base)
        assert found["user_id"] == token("Ann", scope=f"{base}/envelope/user_id")
        found = row(project, f"{name}__identifies")
        assert found["email"] == token("Ann", scope=f"{base}/user/email")
        assert found["anonymous_id"] == token("Ann", scope=base)
        assert found["user_id"] == token("Ann", scope=f"{base}/envelope/user_id")

    def test_no_token_of_one_text_is_there_twice(self, project: Project) -> None:
        shown = row(project, "tool__events", row_id=token("m-1"))
        shown |= {f"of {k}": v for k, v in row(project, "tool__identifies").items()}
        names = ("email", "again", "user_id", "of email")
        assert len({shown[name] for name in names}) == len(names)

    def test_a_row_of_latest_values_is_known_by_the_id_as_shown(self, project: Project) -> None:
        found = row(project, "tool__users")
        assert found["row_id"] == found["user_id"] == token("Ann", scope="*/envelope/user_id")

    def test_codes_are_one_for_each_value_and_scope(self, project: Project) -> None:
        codes = {
            name: {found["code"] for found in project.published_rows(f"{name}__events")}
            for name in ("tool", "other")
        }
        assert [len(found) for found in codes.values()] == [1, 1]
        assert codes["tool"] != codes["other"]
        assert project.query(
            "select distinct scope from main_restricted.surrogate_codes order by 1"
        ) == [
            ("*/event/code",),
            ("other/event/code",),
        ]

    def test_it_is_proven(self, project: Project) -> None:
        result = project.hipaa_mode("verify", "--json")
        assert result.returncode == 0, result.stdout + result.stderr

    def test_the_bridge_of_a_rotation_has_every_scope(self, project: Project) -> None:
        rotated = project.hipaa_mode("key", "rotate", "--json")
        assert json.loads(rotated.stdout)["old"]
        wanted = "{hipaa_mode__publish_token_bridge: [tool]}"
        project.build("--vars", wanted)
        pairs = {
            (scope, kind): old
            for scope, kind, old in project.query(
                "select scope, kind, min(old_token) from main_restricted.token_bridge group by all"
            )
        }
        assert pairs["*/event/email", "property"] == token("Ann", scope="*/event/email")
        assert pairs["other/user/email", "property"] == token("Ann", scope="other/user/email")
        assert {kind for scope, kind in pairs if scope == "*/envelope/user_id"} == {"id"}
        [bridge] = project.published_folder().glob("tool.token_bridge.parquet")

        tokens = {old for (old,) in duckdb.execute(f"select old_token from '{bridge}'").fetchall()}
        assert token("Ann", scope="*/event/email") in tokens
        assert token("Ann", scope="*/envelope/user_id") in tokens
        assert token("Ann", scope="other/event/email") not in tokens
