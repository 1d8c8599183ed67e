"""From raw calls to the report, with every part real: build, inventory, static proof, report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

from project import Project, allowed, destination, event, identify, track
from report_pages import Page

CANARIES = {
    "email": "canary.mail@example.org",
    "note": "canary note of a patient",
    "diagnosis": "canarydiagnosis",
    "unlisted": "canaryunlisted",
    "user": "canary-user-10482",
    "key": "canary.key@example.org",
}


def test_a_report_of_a_real_build(new_project: Callable[..., Project]) -> None:
    project = new_project(
        "report",
        [destination("tool"), destination("crm", restrict_phi="false", baa_reference="B-1")],
        [event("tool", "Booked")],
        [
            allowed("tool", "event", "email", "mask"),
            allowed("tool", "event", "note", reason="Typed by staff"),
        ],
        [
            track(
                "Booked",
                {
                    "email": CANARIES["email"],
                    "note": CANARIES["note"],
                    "diagnosis": CANARIES["diagnosis"],
                    "by": {CANARIES["key"]: CANARIES["unlisted"]},
                },
                messageId="m1",
                userId=CANARIES["user"],
            ),
            identify({"name": CANARIES["unlisted"]}, messageId="m2", userId=CANARIES["user"]),
            b"not a call",
        ],
        views={"tool": ["events"], "crm": ["events"]},
    )
    project.build()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hipaa_mode.cli", *arguments]
        return subprocess.run(
            command,
            cwd=project.folder,
            env=project.variables(),
            capture_output=True,
            text=True,
            check=False,
        )

    taken = run("inventory", "--new")
    assert taken.returncode == 0, taken.stderr
    project.write_calls([track("Booked", {"appeared": "canaryappeared"})], "later.ndjson")
    assert run("inventory", "--new").returncode == 1
    made = run("report", "--output", "report.html", "--check")
    assert made.returncode == 0, made.stderr
    html = (project.folder / "report.html").read_text("utf-8")
    words = Page(html).words
    for expected in (
        "Environment dev",
        "1 in HIPAA mode",
        "3 raw calls in the last published build",
        "Typed by staff",
        "Valid under BAA B-1",
        "is sound",
        "appeared",
    ):
        assert expected in words, expected
    content = json.loads(run("report", "--no-verify", "--json").stdout)
    [environment] = content["environments"]
    assert environment["calls"] == {
        **{"raw": 3, "staged": 2, "duplicates": 0, "rejected": 1},
        "withheld": 0,
    }
    assert environment["attention"] == []
    crm, tool = environment["destinations"]
    assert (tool["tests_passed"], tool["is_current"], crm["tests_passed"]) == (True, True, True)
    assert tool["views"][0]["rows"] == 1
    assert "diagnosis" in {item["path"] for item in tool["dropped"]}
    assert [item["path"] for item in environment["new_properties"]] == ["appeared"]
    assert environment["audit_count"] == 2
    # Proven by a proof that was really run, once for each destination and in the table.
    assert words.count("Proven") >= 4
    assert "Not tried" not in words
    for canary in (*CANARIES.values(), "canaryappeared"):
        assert canary not in html
        assert canary not in taken.stdout
    assert "canary" not in html
