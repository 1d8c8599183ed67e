"""The report: what it says, that nothing in it is markup from outside, and how it looks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from report_pages import (
    HOSTILE,
    SHOWN,
    Page,
    arriving,
    gathered,
    hostile_report,
    manifest,
    publish,
    report_seeds,
    write_project,
)
from seed_files import Seeds, minimal_seeds
from typer.testing import CliRunner

from hipaa_mode import audit
from hipaa_mode.cli import app
from hipaa_mode.errors import ExitCode, MissingFileError
from hipaa_mode.inventory.state import State, write_state
from hipaa_mode.received.environments import describe_project
from hipaa_mode.received.lock_file import LOCK_FILE, write_lock
from hipaa_mode.report.render import render
from hipaa_mode.stops import Stop, with_stop


@pytest.fixture
def seeds() -> Seeds:
    return report_seeds()


@pytest.fixture
def page(tmp_path: Path, seeds: Seeds) -> Path:
    return hostile_report(tmp_path, seeds)


# What it says


def test_lists_modes_and_counts(tmp_path: Path, seeds: Seeds) -> None:
    write_project(tmp_path, seeds)
    write_lock(tmp_path, describe_project(tmp_path, None))
    publish(tmp_path, "ga4")
    [environment] = gathered(tmp_path).environments
    crm, ga4 = environment.destinations
    assert (ga4.mode, ga4.is_valid, ga4.validity) == (
        "HIPAA mode",
        True,
        "Valid: server-side and restricted",
    )
    assert crm.validity == "Valid under BAA BAA-7 until 2031-12-31"
    assert crm.lists == {}
    assert ga4.events == [("Booked <b>", "done"), ("Signed In", "Signed In")]
    told = {item.path: item for items in ga4.lists.values() for item in items}
    assert {path: item.form for path, item in told.items()} == {
        "plan": "sent",
        "email": "masked",
        "born": "generalised",
        "price": "generalised",
        "survey": "sent",
        "locale": "sent",
        "user_id": "masked",
        "anonymous_id": "denied",
        "group_id": "masked",
    }
    assert told["plan"].expires_on == "2031-01-31"
    assert told["plan"].approved_by == "privacy@clinic.example"
    assert told["plan"].unfit == 7
    assert told["plan"].guard == "block: 12 values made null"
    assert told["survey"].guard == "warn: 12 values sent all the same"
    assert told["survey"].detail == "sent whole, as JSON"
    assert told["born"].events == "Signed In"
    assert "normalised as email" in told["email"].detail
    assert environment.calls["raw"] == 6000
    assert [(view.rows, view.properties_dropped) for view in ga4.views] == [(1712, 62)]
    assert environment.calls["rejected"] == 34
    assert ga4.is_current is True


def test_invalid_destinations_and_faults(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="chat", connection_mode="client_side")
    seeds.add("destinations", destination="old", restrict_phi="false", baa_reference="B")
    seeds.rows["destinations"][2]["baa_expires_on"] = "2020-01-31"
    write_project(tmp_path, seeds)
    [environment] = gathered(tmp_path).environments
    found = {destination.name: destination for destination in environment.destinations}
    assert found["chat"].mode == "Invalid"
    assert "nothing can be filtered on the server" in found["chat"].validity
    assert found["old"].is_valid is False
    assert "has expired" in found["old"].validity
    assert found["old"].mode == "Invalid", "as on the page and in `destination list`"
    assert environment.count("Invalid") == 2
    assert sum("line 3" in line for line in environment.attention) == 1
    html = Page(render(gathered(tmp_path)))
    assert "client-side and restricted, which is invalid" in html.words


def test_a_list_of_destinations_that_cant_be_read_is_something_to_look_at(tmp_path: Path) -> None:
    write_project(tmp_path, minimal_seeds())
    (tmp_path / "seeds/destinations.csv").write_bytes(b"\xff\xfe")
    [environment] = gathered(tmp_path).environments
    assert environment.destinations == []
    assert any("destinations.csv" in line for line in environment.attention)
    assert "destinations.csv" in Page(render(gathered(tmp_path))).words


def test_a_withdrawn_destination_says_since_when_and_why(tmp_path: Path, seeds: Seeds) -> None:
    write_project(tmp_path, seeds)
    publish(tmp_path, "ga4")
    [environment] = gathered(tmp_path).environments
    assert environment.stopped == 0
    assert "stopped" not in Page(render(gathered(tmp_path))).words
    row = Stop("dev", "ga4", "A complaint <b>", "2026-03-01", "dana")
    (tmp_path / "seeds/stopped_destinations.csv").write_text(with_stop(None, row))
    report = gathered(tmp_path)
    [environment] = report.environments
    text = "stopped since 2026-03-01: A complaint <b>"
    assert {item.name: item.stopped for item in environment.destinations} == {
        "crm": "",
        "ga4": text,
    }
    assert environment.attention[-2] == f"ga4: {text}"
    assert "dev/ga4 is still there though ga4 is stopped" in environment.attention[-1]
    page = Page(render(report))
    assert page.words.count(text) == 2
    assert f"S{text[1:]}" in page.words
    assert "1 stopped" in page.words
    assert "HIPAA mode: stopped, 1,712 rows" in page.words
    result = run(tmp_path, "--no-verify", "--output", str(tmp_path / "report.html"))
    assert "0 invalid, 1 stopped; " in result.output


def test_whether_the_lock_says_what_is_received(tmp_path: Path, seeds: Seeds) -> None:
    write_project(tmp_path, seeds)

    def told() -> tuple[str, list[str]]:
        [environment] = gathered(tmp_path).environments
        lines = [line for line in environment.attention if line.startswith(LOCK_FILE)]
        assert environment.lock_state in Page(render(gathered(tmp_path))).words
        return environment.lock_state, lines

    state, lines = told()
    assert state == "does not say what is received, so a build is refused."
    assert "the file is missing" in lines[0]
    write_lock(tmp_path, describe_project(tmp_path, None))
    assert told() == ("says what is received.", [])
    seeds.add("allowed_events", event="Paid")
    seeds.write(tmp_path / "seeds")
    state, lines = told()
    assert state == "does not say what is received, so a build is refused."
    assert "event Paid: not sent -> sent" in lines[0]
    seeds.rows["allowed_events"].clear()
    seeds.write(tmp_path / "seeds")
    state, lines = told()
    assert state == "says more than is received."
    assert "event Signed In: sent -> not sent" in " ".join(lines)
    seeds.add("allowed_events", destination="nobody")
    seeds.write(tmp_path / "seeds")
    assert told() == ("was not compared: the configuration has faults.", [])


def test_proofs(tmp_path: Path, seeds: Seeds) -> None:
    write_project(tmp_path, seeds, ("events", "identifies"))
    sound = {"destination": "ga4", "view": "ga4__events", "column": "plan", "outcome": "allow"}
    broken = {**sound, "view": "ga4__identifies", "outcome": "violation"}

    def proof_of(verdicts: list[dict[str, str]]) -> tuple[str, bool | None]:
        report = gathered(tmp_path, {"dev": {"verdicts": verdicts}})
        ga4 = report.environments[0].destinations[1]
        return ga4.proof, ga4.is_proven

    assert proof_of([sound, {**sound, "view": "ga4__identifies"}]) == ("Proven", True)
    assert proof_of([sound, broken]) == ("1 violations", False)
    # A view of which the proof says nothing is not proven.
    assert proof_of([sound]) == ("Not proven: a view is missing", False)
    assert gathered(tmp_path).environments[0].destinations[1].is_proven is None
    failed = gathered(tmp_path, {"dev": {"failed": "dbt is away"}}).environments[0]
    assert failed.destinations[1].is_proven is None
    assert "Nothing is proven: dbt is away" in failed.attention


def test_audit_trail(tmp_path: Path, seeds: Seeds) -> None:
    write_project(tmp_path, seeds)
    publish(tmp_path, "ga4")
    with audit.AuditLog(tmp_path / "published", "dev") as log:
        log.append(
            [
                {
                    **audit.delivery(manifest(tmp_path, "ga4")),
                    "checks": ["one", "two"],
                    "git": {"commit": "c" * 40, "dirty": True},
                },
                {"destination": "crm", "outcome": "held back", "reasons": [HOSTILE] * 9},
            ]
        )
    [environment] = gathered(tmp_path).environments
    crm, ga4 = environment.destinations
    assert ga4.tests.startswith("2 passed")
    assert ga4.tests_passed is True
    assert crm.tests_passed is False
    assert any("did not publish" in line for line in environment.attention)
    newest, oldest = environment.audit_entries
    assert newest.outcome == "held back"
    assert newest.reasons.endswith("and 4 more")
    assert (oldest.rows, oldest.commit) == ("events 1,712", "cccccccccccc and changes")
    # What is published has no file of its name, and the log has no HMAC: both are told.
    assert any("is missing" in line for line in environment.attention)
    path = audit.log_path(tmp_path / "published", "dev")
    path.write_text(path.read_text().replace("held back", "published", 1))
    [tampered] = gathered(tmp_path).environments
    assert "is not sound" in tampered.audit_state
    assert any("was edited" in line for line in tampered.attention)


def test_copies_in_an_object_store_are_told_and_are_no_tests(tmp_path: Path, seeds: Seeds) -> None:
    write_project(tmp_path, seeds)
    publish(tmp_path, "ga4")
    published = {**audit.delivery(manifest(tmp_path, "ga4")), "checks": ["one", "two"]}
    copied = {"destination": "ga4", "outcome": audit.COPIED, "reasons": ["to s3://b/dev/ga4/1"]}
    with audit.AuditLog(tmp_path / "published", "dev") as log:
        log.append([published, copied])
    [environment] = gathered(tmp_path).environments
    assert environment.copies == ["`ga4` was copied to s3://b/dev/ga4/1"]
    assert environment.destinations[1].tests.startswith("2 passed")
    assert not any("s3://" in line for line in environment.attention)
    with audit.AuditLog(tmp_path / "published", "dev") as log:
        log.append([{**copied, "outcome": audit.NOT_COPIED, "reasons": ["it is full"]}])
    [environment] = gathered(tmp_path).environments
    told = "`ga4` was not copied to the object store: it is full"
    assert environment.copies == [told] and told in environment.attention
    with audit.AuditLog(tmp_path / "published", "dev") as log:
        log.append([published])
    assert not audit.copy_states(log.entries)[0].is_missing
    with audit.AuditLog(tmp_path / "published", "dev") as log:
        log.append([{**copied, "outcome": audit.COPY_REMOVED}])
    assert audit.copy_states(log.entries) == []


def test_another_allowlist_than_now(tmp_path: Path, seeds: Seeds) -> None:
    write_project(tmp_path, seeds)
    publish(tmp_path, "ga4", allowlist_fingerprint="f" * 64)
    [environment] = gathered(tmp_path).environments
    assert environment.destinations[1].is_current is False
    assert any("another allowlist" in line for line in environment.attention)


def test_new_properties_and_what_is_dropped(tmp_path: Path, seeds: Seeds) -> None:
    write_project(tmp_path, seeds)
    properties = [
        arriving("event", "plan", 900, "ga4"),
        arriving("event", "diagnosis", 500),
        arriving("event", "mail_2", 700),
        arriving("context", "ip", 999),
        arriving("user", "ssn", 999),
        arriving("envelope", "integrations.All", 999),
        arriving("event", HOSTILE, 1),
    ]
    known = {
        "event plan": "2026-03-01",
        "event diagnosis": "2026-03-09",
        "context ip": "2026-03-01",
    }
    last = {"lines": 1000, "properties": properties}
    state = State(known, "2026-03-01", "2026-03-10T00:00:00+00:00", last)
    write_state(tmp_path, "dev", state)
    [environment] = gathered(tmp_path).environments
    ga4 = environment.destinations[1]
    # Of the lists that its views could hold, the most frequent first.
    assert [(item.path, item.calls, item.looks) for item in ga4.dropped] == [
        ("ip", 999, ""),
        ("mail_2", 700, "e-mail address (F)"),
        ("diagnosis", 500, ""),
        (HOSTILE, 1, ""),
    ]
    new = [(item.path, item.since) for item in environment.new_properties]
    assert ("diagnosis", "2026-03-09") in new
    assert ("mail_2", "") in new
    assert not {"plan", "ip"} & {path for path, _ in new}
    assert new[-1] == ("diagnosis", "2026-03-09")
    assert any("appeared since the last run" in line for line in environment.attention)
    assert "1,000 raw calls" in environment.inventory_state


def test_without_anything_but_seeds_it_says_what_to_run(tmp_path: Path, seeds: Seeds) -> None:
    write_project(tmp_path, seeds)
    words = Page(render(gathered(tmp_path))).words
    assert "hipaa-mode inventory --environment dev" in words
    assert "nothing has been built here yet" in words
    assert "No build yet" in words


# What it is made of


def test_what_comes_from_outside_is_text(page: Path) -> None:
    html = page.read_text("utf-8")
    shown = Page(html)
    assert not {"script", "iframe", "img", "object", "link"} & {
        tag for tag, attributes in shown.elements if attributes.get("rel") != "icon"
    }
    assert not any(
        name.startswith("on") for _, attributes in shown.elements for name in attributes
    )
    assert f"Why {SHOWN}" in shown.words
    assert "Booked <b>" in shown.words
    assert "\x1b" not in html
    assert "\u202e" not in html
    # The description's own hostile text, the audit log's and the inventory's.
    assert shown.words.count("<script>") >= 4


def test_it_is_self_contained(page: Path) -> None:
    shown = Page(page.read_text("utf-8"))
    for tag, attributes in shown.elements:
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:,")), (tag, name)
    style = page.read_text("utf-8").split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    [policy] = [a["content"] for _, a in shown.elements if a.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    anchors = {a["id"] for _, a in shown.elements if a.get("id")}
    links = {str(a["href"])[1:] for t, a in shown.elements if t == "a"}
    assert links <= anchors
    ids = [a["id"] for _, a in shown.elements if a.get("id")]
    assert len(ids) == len(set(ids))


# The command


def run(project: Path, *arguments: str) -> Any:
    environ = dict.fromkeys(
        ("HIPAA_MODE_PUBLISHED", "HIPAA_MODE_KEY_FILE", "HIPAA_MODE_KEY"), None
    )
    return CliRunner().invoke(app, ["report", "--project", str(project), *arguments], env=environ)


def test_the_command(tmp_path: Path, seeds: Seeds) -> None:
    write_project(tmp_path, seeds)
    publish(tmp_path, "ga4", allowlist_fingerprint="f" * 64)
    proof = tmp_path / "proof.json"
    proof.write_text(json.dumps([{"environment": "dev", "verdicts": []}]))
    file = tmp_path / "report.html"
    result = run(tmp_path, "--proof", str(proof), "--output", str(file))
    assert result.exit_code == 0, result.output
    assert file.read_text("utf-8").startswith("<!doctype html>")
    told = run(tmp_path, "--no-verify", "--json", "--check")
    assert told.exit_code == ExitCode.FAILED_CHECK
    content = json.loads(told.stdout)
    assert content["environments"][0]["destinations"][1]["name"] == "ga4"
    assert "<!doctype html>" in run(tmp_path, "--no-verify", "--output", "-").stdout


def test_the_commands_errors(tmp_path: Path, seeds: Seeds) -> None:
    write_project(tmp_path, seeds)
    (tmp_path / "proof.json").write_text("{}")
    wrong = run(tmp_path, "--proof", str(tmp_path / "proof.json"))
    assert isinstance(wrong.exception, MissingFileError)
    nowhere = run(tmp_path, "--no-verify", "--output", str(tmp_path / "no/such/folder.html"))
    assert isinstance(nowhere.exception, MissingFileError)
