"""How runs end: what is missing, weakened or faked is held back by name, and no run lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from project import Project, Run, allowed, destination, event, identify, track

from hipaa_mode import audit

DESTINATIONS = [destination("alpha"), destination("beta")]
EVENTS = [event("alpha", "Visit"), event("beta", "Visit")]
PROPERTIES = [
    allowed("alpha", "event", "plan"),
    allowed("alpha", "user", "email", "mask"),
    allowed("beta", "event", "note"),
]
WRITTEN = "'select ' ~ shown | join(', ') ~ ' from '"
WITH_IDS = (
    "'select ' ~ shown | join(', ') ~ "
    """(", 'canary-patient-0' as extra" if 'beta' in view else '') ~ ' from '"""
)
"""What reads the rows of files, and the same with a column of raw ids in those of beta."""
IN_ORDER = "hipaa_mode.token_order('row_id')"
OUT_OF_ORDER = "hipaa_mode.token_order('row_id') ~ (' desc' if 'beta' in view else '')"
"""What sorts the rows of a file, and the same with those of beta the other way round."""


def calls(count: int) -> list[dict[str, object]]:
    return [
        call
        for number in range(count)
        for call in (
            track(
                "Visit",
                {"plan": "gold", "note": "plain"},
                messageId=f"visit {number}",
                userId=f"canary-patient-{number}",
            ),
            identify({"email": f"p{number}@example.org"}, messageId=f"identify {number}"),
        )
    ]


@contextmanager
def changed(path: Path, change: Callable[[str], str]) -> Iterator[None]:
    """Change a file, or make it, for a while."""
    before = path.read_text("utf-8") if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(change(before or ""), encoding="utf-8")
    assert path.read_text("utf-8") != before, path
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")


@dataclass
class Story:
    """One project through runs that end in all ways."""

    project: Project
    runs: dict[str, Run] = field(default_factory=dict)
    published: dict[str, set[str]] = field(default_factory=dict)
    entries: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    hooks: dict[str, dict[str, str]] = field(default_factory=dict)

    def note(self, step: str, *command: str) -> None:
        """Run dbt, and note which destinations were published anew."""
        known = len(audit.entries(audit.read_lines(self.project.audit_log())))
        run = self.project.dbt(*command)
        entries = audit.entries(audit.read_lines(self.project.audit_log()))[known:]
        self.runs[step] = run
        self.entries[step] = [
            (e["destination"], e["outcome"], "; ".join(e.get("reasons") or [])) for e in entries
        ]
        self.published[step] = {e["destination"] for e in entries if e["outcome"] == "published"}
        results = self.project.results()
        self.hooks[step] = {name: result["status"] for name, result in results.items()}


def by_command(line: str) -> str:
    shown = "{% if flags.WHICH == 'build' %}" + line.strip()
    return shown + "{% else %}select 1{% endif %}\n"


SEEDS_YML = "seeds/_seeds.yml"


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda content: content.replace(old, new, 1)


SWITCHED_OFF: dict[str, tuple[str, Callable[[str], str]]] = {
    "required check staging_gives_every_reason_and_key is missing": (
        "dbt_project.yml",
        replaced("+severity: error", "+severity: error\n    staging: {+enabled: false}"),
    ),
    "required check matches_reviewed_file of destination_types is missing": (
        SEEDS_YML,
        replaced(
            "data_tests: [matches_reviewed_file]",
            "data_tests: [{matches_reviewed_file: {config: {enabled: false}}}]",
        ),
    ),
    "required check withheld_calls_are_not_in_masked_identifies sets fail_calc": (
        "tests/masked/withheld_calls_are_not_in_masked_identifies.sql",
        lambda content: "{{ config(fail_calc='0') }}" + content,
    ),
    "required check raw_calls_are_all_accounted_for sets severity": (
        "dbt_project.yml",
        replaced("+severity: error", "+severity: error\n    reconciliation: {+severity: warn}"),
    ),
}
"""What must be in the reasons, and the change to a file that it is the reason for."""


@pytest.fixture(scope="module")
def story(new_project: Callable[..., Project]) -> Story:
    views = {"alpha": ["events", "identifies"], "beta": ["events"]}
    project = new_project("end_of_run", DESTINATIONS, EVENTS, PROPERTIES, calls(2), views=views)
    story = Story(project)
    project.build()
    folder = project.folder
    beta = folder / "models/destination_views/beta"
    writing = folder / "macros/engine/files.sql"
    with ExitStack() as changes:
        for path, change in SWITCHED_OFF.values():
            changes.enter_context(changed(folder / path, change))
        changes.enter_context(changed(writing, replaced(WRITTEN, WITH_IDS)))
        project.write_calls(calls(3))
        story.note("switched off", "build")
    failing = folder / "tests/no_visits.sql"
    with changed(failing, lambda _: "select 1 from {{ ref('beta__events') }}\n"):
        limited = "- holds_only_what_is_allowed: {config: {limit: 1}}"
        tests = replaced("- holds_only_what_is_allowed", limited)
        with changed(beta / "_beta.yml", tests), changed(beta / "beta__events.sql", by_command):
            story.note("weakened", "--quiet", "build")
        failing.write_text("select 1 from {{ ref('beta__events') }} where false\n")
        story.note("retry", "retry")
    story.note("empty", "build", "--empty")
    story.note("test left out", "build", "--exclude", "holds_only_what_is_allowed_beta__events_")
    story.note("one view", "build", "--select", "alpha__events")
    story.note("nothing of a destination", "build", "--select", "stg_calls")
    story.note("show", "show", "--select", "alpha__events")
    with changed(writing, replaced(IN_ORDER, OUT_OF_ORDER)):
        project.write_calls(calls(4))
        story.note("faked", "build")
    return story


class TestEnds:
    """A run that holds anything back does not end with 0, and says which and why."""

    @pytest.mark.parametrize("reason", SWITCHED_OFF)
    def test_a_check_of_the_whole_graph_that_is_switched_off_holds_everything_back(
        self, story: Story, reason: str
    ) -> None:
        run = story.runs["switched off"]
        assert run.exit_code == 1, run.output
        assert "NOT published: `alpha`" in run.output
        assert [entry[:2] for entry in story.entries["switched off"]] == [
            ("alpha", "held back"),
            ("beta", "held back"),
        ]
        concerned = story.entries["switched off"][: 1 if "identifies" in reason else 2]
        assert all(reason in reasons for _, _, reasons in concerned)

    def test_the_others_are_published_first_and_quiet_runs_say_why(self, story: Story) -> None:
        run = story.runs["weakened"]
        assert run.exit_code == 1
        assert story.published["weakened"] == {"alpha"}
        assert "NOT published: `beta`, its last good files stay: " in run.output
        [(_, _, reasons)] = [entry for entry in story.entries["weakened"] if entry[0] == "beta"]
        assert "the one it has sets limit" in reasons
        assert "no_visits failed" in reasons

    def test_the_results_are_written_all_the_same(self, story: Story) -> None:
        assert story.hooks["weakened"]["alpha__events"] == "success"
        assert story.hooks["weakened"]["hipaa_mode-on-run-end-0"] == "error"

    def test_a_model_that_differs_by_command_is_held_back(self, story: Story) -> None:
        assert "beta__events is not the one line" in story.runs["weakened"].output

    def test_a_test_left_out_is_named_with_what_to_run(self, story: Story) -> None:
        run = story.runs["test left out"]
        assert run.exit_code == 1
        assert story.published["test left out"] == {"alpha"}
        assert "holds_only_what_is_allowed_beta__events_ did not run" in run.output
        assert (
            "Run: dbt build, or dbt build --select +path:models/destination_views/beta"
            in run.output
        )

    def test_one_view_alone_says_what_to_run(self, story: Story) -> None:
        run = story.runs["one view"]
        assert run.exit_code == 1
        assert [entry[:2] for entry in story.entries["one view"]] == [("alpha", "held back")]
        assert "dbt build --select +path:models/destination_views/alpha" in run.output

    def test_a_run_of_no_destination_ends_well_and_publishes_nothing(self, story: Story) -> None:
        run = story.runs["nothing of a destination"]
        assert run.exit_code == 0, run.output
        assert story.entries["nothing of a destination"] == []

    def test_a_retry_says_what_to_run_instead(self, story: Story) -> None:
        run = story.runs["retry"]
        assert run.exit_code == 1, run.output
        assert story.published["retry"] == set()
        assert "dbt retry runs only what failed before. Run: dbt build" in run.output

    def test_an_empty_run_publishes_nothing_and_says_so(self, story: Story) -> None:
        run = story.runs["empty"]
        assert run.exit_code == 0, run.output
        assert story.published["empty"] == set()
        assert "the run read only a part of the calls. Run: dbt build" in run.output

    def test_a_view_can_be_shown(self, story: Story) -> None:
        assert story.runs["show"].exit_code == 0, story.runs["show"].output

    def test_finished_files_are_looked_at_though_every_test_passed(self, story: Story) -> None:
        run = story.runs["faked"]
        assert run.exit_code == 1
        assert "fail" not in story.hooks["faked"].values()
        assert "beta__events.row_id: 3 rows out of order" in run.output

    def test_what_was_written_is_what_is_tested(self, story: Story) -> None:
        failed = {n for n, status in story.hooks["switched off"].items() if status == "fail"}
        assert any(name.startswith("holds_only_what_is_allowed_beta__events_") for name in failed)
        assert not any("alpha" in name for name in failed)
        assert "canary-patient" not in story.runs["switched off"].output

    def test_each_destination_fails_alone_and_has_its_entry(self, story: Story) -> None:
        assert [entry[:2] for entry in story.entries["faked"]] == [
            ("alpha", "published"),
            ("beta", "held back"),
        ]
