"""Checks of what a run does, for faults that no look at one good build can show.

Each gets a copy of the project, runs what it needs and returns what is wrong. On a sound copy it
must return nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import duckdb
from project import Project
from sandbox import Sandbox

from hipaa_mode import audit
from hipaa_mode.received.lock_file import LOCK_FILE

Files = dict[str, bytes]


def _of(project: Project, name: str) -> Files:
    files = project.published_bytes()
    return {path: content for path, content in files.items() if path.startswith(f"dev/{name}/")}


def _last(project: Project, name: str) -> str:
    """Return the last outcome that the audit log tells of a destination."""
    found = audit.entries(audit.read_lines(project.audit_log()))
    outcomes = [entry["outcome"] for entry in found if entry["destination"] == name]
    return str(outcomes[-1]) if outcomes else "none"


def _held_back(sandbox: Sandbox, *arguments: str) -> list[str]:
    """Build where ga4 must be held back, and look whether it was."""
    project = sandbox.project
    before = _of(project, "ga4")
    sandbox.dbt("build", *arguments)
    found = []
    if not before or _of(project, "ga4") != before:
        found.append("a destination that did not pass was published")
    if _last(project, "ga4") != audit.HELD_BACK:
        found.append("the audit log does not say that it was held back")
    return found


def failed_test(sandbox: Sandbox) -> list[str]:
    """Build with a test on ga4 that fails."""
    test = sandbox.project.folder / "tests/no_visits.sql"
    test.write_text("select 1 from {{ ref('ga4__events') }}\n")
    return _held_back(sandbox)


def rejected_lines(sandbox: Sandbox) -> list[str]:
    """Build with a raw file that holds no call."""
    sandbox.project.set_variable("hipaa_mode__rejected_share", 0.1)
    sandbox.project.write_calls([b"user_id,event", b"patient-1,Visit"], "export.ndjson")
    return _held_back(sandbox)


def warned_test(sandbox: Sandbox) -> list[str]:
    """Build with a test on ga4 that warns."""
    test = sandbox.project.folder / "tests/no_visits.sql"
    test.write_text("{{ config(severity='warn') }}\nselect 1 from {{ ref('ga4__events') }}\n")
    return _held_back(sandbox)


def left_out_test(sandbox: Sandbox) -> list[str]:
    """Build without one of the tests of ga4."""
    return _held_back(sandbox, "--exclude", "only_allowed_events_ga4__events_")


def run_of_a_part(sandbox: Sandbox) -> list[str]:
    """Build on a part of the calls: nothing may be published."""
    before = sandbox.project.published_bytes()
    sandbox.dbt("build", "--empty")
    same = sandbox.project.published_bytes() == before
    return [] if same else ["a run on a part of the calls published"]


def publication_recorded(sandbox: Sandbox) -> list[str]:
    """Build: the audit log must tell of everything that is published."""
    sandbox.dbt("build")
    return sandbox.project.verify_audit().faults


def refusal_recorded(sandbox: Sandbox) -> list[str]:
    """Build with a faulty seed: the audit log must say that the run was refused."""
    seed = sandbox.project.folder / "seeds/allowed_events.csv"
    seed.write_text(seed.read_text() + "dev,nobody,Signed In,\n")
    sandbox.dbt("build")
    outcome = _last(sandbox.project, "*")
    return [] if outcome == audit.REFUSED else ["the audit log does not say that it was refused"]


def changed_file_noticed(sandbox: Sandbox) -> list[str]:
    """Change a published file by hand: verifying the audit log must say so."""
    path = sandbox.project.published_files("ga4__events")[0]
    path.write_bytes(path.read_bytes() + b" ")
    code, _ = sandbox.run("hipaa-mode", "audit", "verify", "--database", "restricted/calls.duckdb")
    code_of_summary, _ = sandbox.run("hipaa-mode", "summary")
    found = ["`audit verify` does not see a changed file"] if code != 1 else []
    return found + (["`summary` does not see a changed file"] if code_of_summary != 1 else [])


def unlocked_refused(sandbox: Sandbox) -> list[str]:
    """Allow an event that the lock does not have, then take the lock away: nothing goes on."""
    found = []
    seed = sandbox.project.folder / "seeds/allowed_events.csv"
    seed.write_text(seed.read_text() + "dev,ga4,Booked Canary Visit,\n")
    code, output = sandbox.dbt("build")
    if not code or "event Booked Canary Visit: not sent -> sent" not in output:
        found.append("more than the lock says was built")
    code, output = sandbox.dbt("compile", *MODELS_ONLY)
    code, output = sandbox.run("hipaa-mode", "verify", "--manifest", "target/manifest.json")
    if code != 1 or "lock:" not in output:
        found.append("more than the lock says was proven")
    (sandbox.project.folder / LOCK_FILE).unlink()
    code, output = sandbox.dbt("build")
    if not code or f"{LOCK_FILE}: the file is missing" not in output:
        found.append("a build without a lock went on")
    return found


def removed_destination(sandbox: Sandbox) -> list[str]:
    """Take a destination out of the configuration: its files must go, and the log must say so."""
    project = sandbox.project
    for seed in ("destinations", "allowed_events", "allowed_properties"):
        path = project.folder / f"seeds/{seed}.csv"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if ",ads," not in line))
    project.remove_models("ads")
    sandbox.dbt("build")
    found = ["its files are still published"] if _of(project, "ads") else []
    if _last(project, "ads") != audit.WITHDRAWN:
        found.append("the audit log does not say that it was withdrawn")
    return found


def every_line_counted(sandbox: Sandbox) -> list[str]:
    """Build: every raw line must be a call that was read."""
    sandbox.dbt("build")
    lines = (sandbox.project.folder / "raw_calls/calls.ndjson").read_bytes().splitlines()
    with duckdb.connect(str(sandbox.project.database), read_only=True) as connection:
        row = connection.execute("select count(*) from main_restricted.calls_read").fetchone()
    return [] if row == (len(lines),) else ["raw lines are not all among the calls read"]


def no_value_kept(sandbox: Sandbox) -> list[str]:
    """Build: of a value that is masked no more must be stored of a call than that it came."""
    sandbox.dbt("build")
    with duckdb.connect(str(sandbox.project.database), read_only=True) as connection:
        stored = "select max(properties__email) from main_restricted.calls_read"
        row = connection.execute(stored).fetchone()
    return [] if row == ("",) else ["calls keep values"]


def latest_of_what_is_left(sandbox: Sandbox) -> list[str]:
    """Take a person's last calls back, and build: the file must have what was latest before."""
    sandbox.dbt("build")
    calls = sandbox.project.folder / "raw_calls/people.ndjson"
    lines = calls.read_text().splitlines(keepends=True)
    taken_back = [line for line in lines if "canary-user-1" in line and "2026-03-02T" in line]
    calls.write_text("".join(line for line in lines if line not in taken_back))
    before = _of(sandbox.project, "ga4")
    sandbox.dbt("build")
    if _of(sandbox.project, "ga4") == before:
        return ["nothing was published anew"]
    with duckdb.connect(str(sandbox.project.database), read_only=True) as connection:
        shown = "select row_id, changed_at, tier from main_destinations.ga4__users order by row_id"
        expected = connection.execute(shown).fetchall()
    rows = sandbox.project.published_rows("ga4__users")
    found = sorted((row["row_id"], row["changed_at"], row["tier"]) for row in rows)
    return [] if found == expected else ["the file does not have the latest values"]


def _refused(what: str, model: str, old: str, new: str) -> Callable[[Sandbox], list[str]]:
    """Return a check that verify refuses the compiled SQL with one text replaced."""

    def check(sandbox: Sandbox) -> list[str]:
        path = sandbox.project.folder / "target/manifest.json"
        sandbox.dbt("compile", *MODELS_ONLY)
        manifest = json.loads(path.read_text("utf-8"))
        node = manifest["nodes"][f"model.hipaa_mode.{model}"]
        if old not in node["compiled_code"]:
            return [f"{model} no longer has what the check replaces"]
        node["compiled_code"] = node["compiled_code"].replace(old, new)
        path.write_text(json.dumps(manifest), encoding="utf-8")
        code, _ = sandbox.run("hipaa-mode", "verify", "--manifest", str(path), "--json")
        return [] if code == 1 else [f"{what} proven"]

    return check


MODELS_ONLY = ("--select", "resource_type:model", "--indirect-selection", "empty")
PLAN = 'masked."properties__plan__allow"'
FILTER = "where masked.event in ("

CHECKS: dict[str, Callable[[Sandbox], list[str]]] = {
    "failed test": failed_test,
    "rejected lines": rejected_lines,
    "warned test": warned_test,
    "left out test": left_out_test,
    "run of a part": run_of_a_part,
    "publication recorded": publication_recorded,
    "refusal recorded": refusal_recorded,
    "changed file noticed": changed_file_noticed,
    "more than the lock says refused": unlocked_refused,
    "removed destination": removed_destination,
    "every line counted": every_line_counted,
    "no value kept": no_value_kept,
    "latest values of what is left": latest_of_what_is_left,
    "column of another property refused": _refused(
        "a column of another property is",
        "ga4__events",
        PLAN,
        'masked."properties__note__allow"',
    ),
    "filter on a token refused": _refused(
        "a filter on a token is",
        "ga4__events",
        FILTER,
        f"where masked.user_id__shared > 'f' and{FILTER[5:]}",
    ),
    "token looked up by another id refused": _refused(
        "a token looked up by another id is",
        "masked_events",
        'on treated."user_id" = "user_id__forms".value',
        'on treated."group_id" = "user_id__forms".value',
    ),
    "value under another id's name refused": _refused(
        "a value under another id's name is",
        "masked_events",
        "is not null then 'user_id'",
        "is not null then 'group_id'",
    ),
    "calls of nobody refused": _refused(
        "calls of nobody are", "ga4__users", 'where masked."user_id__shared" is not null', ""
    ),
    "all values ever sent refused": _refused(
        "all values ever sent are",
        "ga4__users",
        "arg_max(value_1, place)",
        "string_agg(value_1, ' ')",
    ),
}
