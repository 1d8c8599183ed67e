"""`hipaa-mode preview` of calls: what it shows is what the build publishes, and why is right."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project import (
    DEFAULTS,
    Project,
    RawCall,
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
from typer.testing import CliRunner

from hipaa_mode.cli import app
from hipaa_mode.commands import console
from hipaa_mode.commands import preview as command
from hipaa_mode.errors import HipaaModeError, MaskingKeyError
from hipaa_mode.preview.build import Built, Previewer
from hipaa_mode.preview.explain import OUTCOMES, Explainer, Line, Preview
from hipaa_mode.project import destination_models, read_plan, read_seeds, today

DESTINATIONS = [
    destination("tool", timestamp_precision="hour", mask_scope="destination"),
    destination("crm", restrict_phi="false", baa_reference="BAA-1"),
]
EVENTS = [event("tool", "Booked", "done"), event("tool", "Seen"), event("tool", "page")]
PROPERTIES = [
    allowed("tool", "event", "plan"),
    allowed("tool", "event", "note"),
    allowed("tool", "event", "email", "mask", normalize="email"),
    allowed("tool", "event", "price", "round(5)"),
    allowed("tool", "event", "count", data_type="integer"),
    allowed("tool", "event", "zip", "zip3"),
    allowed("tool", "event", "products[].sku", column_name="skus"),
    allowed("tool", "event", "survey", data_type="json", guard="none"),
    allowed("tool", "event", "only", event="Booked"),
    allowed("*", "event", "denied"),
    allowed("tool", "event", "denied", "deny", reason="no use"),
    allowed("tool", "event", "old", expires_on="2020-01-31"),
    allowed("tool", "envelope", "anonymous_id", "deny"),
    allowed("tool", "context", "ip", "ip_prefix"),
    allowed("tool", "context", "traits.plan"),
    allowed("tool", "user", "plan"),
]
REQUEST = {"requested_on": "2026-03-03", "reference": "R1"}
STAMP = "2026-03-02T14:31:09Z"
CALLS: list[RawCall] = [
    track(
        "Booked",
        {
            "plan": "premium",
            "note": "call 212-555-0143",
            "email": " Ann@Example.org",
            "price": 7.2,
            "count": "seven",
            "zip": "85701",
            "products": [{"sku": "a"}, {"sku": "ann@example.org"}, {"other": 1}],
            "survey": {"q": [1, {"a": "b"}]},
            "only": "here",
            "denied": "x",
            "old": "y",
            "unlisted": "z",
        },
        messageId="m1",
        userId="ann",
        anonymousId="anon",
        sentAt=STAMP,
        context={"ip": "203.0.113.9", "library": {"name": "x"}},
        integrations={"All": True},
    ),
    track("Seen", {"only": "there", "plan": {"tier": 1}, "email": "  ", "zip": "x"}),
    page(None, {"plan": None, "price": "1e1"}, messageId=7),
    track("Not Listed", {"plan": "x"}, messageId="m4"),
    identify({"plan": "basic"}, messageId="m5", context={"traits": {"plan": "deep"}}),
    identify({"plan": "again"}, messageId="m5"),
    group({"plan": "g"}, messageId="m6", groupId="g"),
    {"type": "alias", "previousId": "p"},
    {"type": "nonsense"},
    b'{"type":"track","event":"Seen","properties":{"plan":"first","plan":"second","count":1.0}}',
    track("Booked", {"plan": "x"}, messageId="m10", integrations={"Webhook": False}),
    track("Booked", {"plan": "x"}, messageId="m11", userId="gone"),
    track("Booked", {"plan": "x"}, messageId="m12", anonymousId="phone of gone"),
    {"type": "alias", "messageId": "m13", "previousId": "phone of gone", "userId": "gone"},
]


@pytest.fixture(scope="class")
def built(new_project: Callable[..., Project]) -> Project:
    project = new_project(
        "preview",
        DESTINATIONS,
        EVENTS,
        PROPERTIES,
        CALLS,
        views={"tool": ["events", "identifies"], "crm": ["events", "groups"]},
    )
    project.write_seed("suppressed_users", [{"environment": "*", "user_id": "gone", **REQUEST}])
    # Without its tests every destination is held back, which is all that fails.
    run = project.dbt("build", "--exclude-resource-type", "unit_test", "test")
    assert run.exit_code == 1, run.output
    held_back = re.findall(r"NOT published: `(\w+)`.* did not run", run.output)
    assert sorted(held_back) == ["crm", "tool"]
    assert " ERROR=1 SKIP=0 " in run.output
    return project


def explain(project: Project, name: str, calls: list[str], built: list[Built]) -> list[Preview]:
    configuration = read_seeds(project.folder)
    plan = read_plan(project.folder, "dev")
    models = [m for m in destination_models(project.folder) if m.startswith(f"{name}__")]
    explainer = Explainer(configuration, "dev", plan.destinations[name], models, today())
    return [explainer.explain(text, found) for text, found in zip(calls, built)]


def lines(preview: Preview) -> dict[str, Line]:
    return {f"{line.property_list} {line.path}".strip(): line for line in preview.lines}


@pytest.fixture(scope="class")
def previews(
    built: Project, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[list[Built], list[Preview]]]:
    """Preview all the calls for both destinations, with the key of the build."""
    calls = [as_line(call).decode() for call in CALLS]
    plan = read_plan(built.folder, "dev")
    found: dict[str, tuple[list[Built], list[Preview]]] = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in built.variables().items():
            patch.setenv(name, value)
        # Relative, as users write it: to where the command runs.
        patch.chdir(built.folder)
        with Previewer(built.folder, plan) as previewer:
            assert previewer.has_own_key
            for name in ("tool", "crm"):
                models = [m for m in destination_models(built.folder) if m.startswith(name)]
                made = previewer.build(name, models, calls)
                found[name] = (made, explain(built, name, calls, made))
    return found


class TestPreview:
    def test_every_row_is_the_one_that_the_build_gives(
        self, built: Project, previews: dict[str, tuple[list[Built], list[Preview]]]
    ) -> None:
        """The views of the user's own build hold these rows and no others."""
        assert previews
        for name, (made, _) in previews.items():
            for view in ("events", "identifies", "groups"):
                if f"{name}__{view}" not in destination_models(built.folder):
                    continue
                columns = [
                    c.name for c in read_plan(built.folder, "dev").destinations[name].views[view]
                ]
                listed = ", ".join(f'"{column}"' for column in columns)
                expected = built.query(f"select {listed} from main_destinations.{name}__{view}")
                shown = [
                    tuple(call.row[column] for column in columns)
                    for call in made
                    if call.row is not None and call.view == view
                ]
                assert sorted(map(repr, shown)) == sorted(map(repr, expected))
                assert shown or (name, view) == ("crm", "groups")

    def test_why_each_value_is_what_it_is(
        self, previews: dict[str, tuple[list[Built], list[Preview]]]
    ) -> None:
        shown = lines(previews["tool"][1][0])
        outcomes = {path: (line.outcome, line.column, line.after) for path, line in shown.items()}
        assert outcomes == {
            "envelope type": ("kept", "call_type", "track"),
            "envelope event": ("kept", "event", "done"),
            "envelope messageId": ("masked", "row_id", token("m1", scope="tool")),
            "envelope userId": ("masked", "user_id", token("ann", scope="tool")),
            "envelope anonymousId": ("dropped", "", None),
            "envelope sentAt": ("generalised", "timestamp", "2026-03-02 14:00:00"),
            "envelope integrations.All": ("dropped", "", None),
            "event plan": ("kept", "plan", "premium"),
            "event note": ("nulled by the guard", "note", None),
            "event email": ("masked", "email", token("ann@example.org", scope="tool")),
            "event price": ("generalised", "price", "5.0"),
            "event count": ("nulled by type", "count", None),
            "event zip": ("generalised", "zip", "857"),
            "event products[].sku": ("kept", "skus", "[a, null, null]"),
            "event products[].other": ("dropped", "", None),
            "event survey.q[]": ("kept", "survey", "[1]"),
            "event survey.q[].a": ("kept", "survey", '["b"]'),
            "event only": ("kept", "only", "here"),
            "event denied": ("dropped", "", None),
            "event old": ("dropped", "", None),
            "event unlisted": ("dropped", "", None),
            "context ip": ("generalised", "ip", "203.0.113.0/24"),
            "context library.name": ("dropped", "", None),
        }
        why = {path: line.why for path, line in shown.items()}
        assert why["envelope event"] == "sent_as in allowed_events.csv"
        assert "denied for tool" in why["envelope anonymousId"]
        assert why["event denied"] == "denied for tool: no use"
        assert why["event old"] == "its row expired on 2020-01-31"
        assert why["event unlisted"] == "on no list of tool"
        assert why["event note"] == "looks like an identifier (guard block)"
        assert why["event count"] == "is no integer"
        assert DEFAULTS["reason"] in why["event plan"]
        assert "1 of 3 null for looking like an identifier" in why["event products[].sku"]
        assert "1 of 3 null for want of a value" in why["event products[].sku"]
        assert "which is sent whole" in why["event survey.q[]"]
        assert previews["tool"][1][0].view == "tool__events"
        assert "received_at" in previews["tool"][1][0].empty_columns

    def test_other_calls(self, previews: dict[str, tuple[list[Built], list[Preview]]]) -> None:
        _, shown = previews["tool"]
        seen = lines(shown[1])
        assert seen["event only"].why == "allowed on Booked only"
        assert seen["event plan.tier"].outcome == "dropped"
        assert "a single value" in seen["event plan.tier"].why
        assert (seen["event email"].outcome, seen["event email"].after) == ("nulled by type", None)
        assert seen["event zip"].why == "does not fit zip3"
        # Without a message id the row's id is made of the content.
        assert seen["envelope"].why == "keyed token of the call's content"
        paged = {line.column: line for line in shown[2].lines}
        assert paged["event"].after == "page"
        assert paged["plan"].why == "null in the call too"
        assert paged["price"].after == "10.0"
        assert lines(shown[4])["context traits.plan"].after == "deep"
        # Of a key that is repeated the first counts.
        assert lines(shown[9])["event plan"].after == "first"
        assert lines(shown[9])["event count"].before == "1.0"

    def test_calls_that_are_not_sent(
        self, previews: dict[str, tuple[list[Built], list[Preview]]]
    ) -> None:
        reasons = [preview.not_sent for preview in previews["tool"][1]]
        assert reasons[0] == reasons[1] == reasons[2] == reasons[4] == reasons[9] == ""
        assert reasons[3] == "allowed_events.csv does not let its event go to tool"
        assert reasons[5] == "an earlier call is the same: message id, type and ids"
        assert reasons[6] == "tool has no view tool__groups"
        assert reasons[7] == "alias calls are sent to no destination"
        assert "its type is none of" in reasons[8]
        assert reasons[10] == "it is denied to tool: `integrations` says no"
        assert reasons[11] == "it is withheld: its person is on the list of suppressed users"
        tied = "it is withheld: it is tied by an alias or merge call to a suppressed person"
        assert reasons[12] == tied
        for preview in previews["tool"][1]:
            assert bool(preview.not_sent) != bool(preview.view)
            assert preview.lines
            if preview.not_sent:
                assert {line.after for line in preview.lines} == {None}

    def test_a_destination_that_is_not_restricted_gets_all_of_it(
        self, previews: dict[str, tuple[list[Built], list[Preview]]]
    ) -> None:
        shown = lines(previews["crm"][1][0])
        assert shown["event unlisted"].after == '"z"'
        assert shown["event unlisted"].column == "properties"
        assert shown["envelope userId"].after == "ann"
        assert shown["envelope integrations.All"].outcome == "dropped"
        assert previews["crm"][1][3].not_sent == ""

    def test_nothing_of_the_calls_is_left(
        self, built: Project, previews: dict[str, tuple[list[Built], list[Preview]]]
    ) -> None:
        folder = built.folder / "restricted/preview_dev"
        assert {path.name for path in folder.iterdir()} == {
            ".gitignore",
            ".lock",
            "partial_parse.msgpack",
        }
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for path in folder.iterdir():
            assert b"ann@example.org" not in path.read_bytes().lower()
        assert built.published_bytes() == {}

    def test_the_command_with_a_throw_away_key_while_another_preview_runs(
        self,
        built: Project,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        """Also: a call over many lines, hostile texts, and JSON for machines."""
        for name in list(os.environ):
            if name.startswith(("HIPAA_MODE_", "DBT_")):
                monkeypatch.delenv(name)
        key = built.folder / ".hipaa_mode/masking.key"
        kept = key.read_bytes()
        key.unlink()
        call = tmp_path / "call.json"
        first = CALLS[0]
        assert isinstance(first, dict)
        nasty = {**first, "properties": {"plan": "[red]\x1b[31m", "we\x07ird": 1}}
        call.write_text(json.dumps(nasty, indent=2))
        with Previewer(built.folder, read_plan(built.folder, "dev")):
            console.output.width = 160
            result = CliRunner().invoke(
                app, ["preview", "tool", "--call", str(call), "--project", str(built.folder)]
            )
        key.write_bytes(kept)
        key.chmod(0o600)
        assert result.exit_code == 0, result.output
        assert "throw-away key" in result.stdout
        assert "\x1b[31m" not in result.stdout
        assert "[red]" in result.stdout
        assert r"we\u{7}ird" in result.stdout
        assert token("ann", scope="tool")[:20] not in result.stdout

    def test_a_key_that_can_not_be_used_is_no_throw_away_key(
        self, built: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HIPAA_MODE_KEY_FILE", str(built.folder / "no such key"))
        with pytest.raises(MaskingKeyError):
            Previewer(built.folder, read_plan(built.folder, "dev"))

    def test_a_build_that_fails_says_why_and_leaves_nothing(
        self, built: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HIPAA_MODE_KEY_FILE", str(built.folder / ".hipaa_mode/masking.key"))
        plan = read_plan(built.folder, "dev")
        broken = built.folder / "models/destination_views/tool/tool__events.sql"
        text = broken.read_text()
        broken.write_text("select nonsense from nowhere {{ hipaa_mode.destination_eventz() }}")
        try:
            with (
                pytest.raises(HipaaModeError, match="dbt could not build"),
                Previewer(built.folder, plan) as previewer,
            ):
                previewer.build("tool", ["tool__events"], ['{"type":"track","event":"Seen"}'])
        finally:
            broken.write_text(text)
        assert not (built.folder / "restricted/preview_dev/project").exists()


def test_outcomes_have_a_style() -> None:
    assert set(command.STYLES) == {*OUTCOMES}
    assert shutil.which("git")


def test_arguments_that_do_not_go_together(tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["preview", *arguments, "--project", str(tmp_path)])

    assert run().exit_code == 2
    assert run("tool", "--markdown").exit_code == 2
    assert run("--diff", "HEAD", "--call", "x").exit_code == 2
