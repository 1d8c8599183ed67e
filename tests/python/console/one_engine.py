"""A project that is built on one engine alone, and what its commands say there."""

from __future__ import annotations

import json
from collections.abc import Callable

from project import Project, allowed, as_line, destination, event

CALL = {"type": "track", "event": "Booked", "messageId": "m", "properties": {"plan": "gold"}}
FILES = ("--calls", "export.ndjson")


def project_on(new_project: Callable[..., Project], name: str, target: str) -> Project:
    """Make a project whose one target is as given, with a file of calls beside it."""
    project = new_project(
        name,
        [destination("tool")],
        [event("tool", "Booked")],
        [allowed("tool", "event", "plan")],
        [CALL],
    )
    profile = f"hipaa_mode:\n  target: dev\n  outputs:\n    dev: {target}\n"
    (project.folder / "profiles.yml").write_text(profile, "utf-8")
    (project.folder / "export.ndjson").write_bytes(as_line(CALL) + b"\n")
    return project


def assert_refused(project: Project, command: tuple[str, ...], code: int, text: str) -> None:
    done = project.hipaa_mode(*command)
    assert text in " ".join((done.stdout + done.stderr).split())
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def assert_done(project: Project, command: tuple[str, ...], text: str) -> None:
    done = project.hipaa_mode(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert text in done.stdout


def assert_log_is_checked_without_table(project: Project, engine: str) -> None:
    folder = project.published_folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "audit_log.jsonl").touch()
    done = project.hipaa_mode("audit", "verify", "--json")
    (folder / "audit_log.jsonl").unlink()
    assert f"The table was not compared: target dev is of type {engine}" in (
        " ".join(json.loads(done.stdout)["notes"])
    )
