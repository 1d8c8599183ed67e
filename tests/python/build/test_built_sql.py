"""What was built is what `verify` proves: a macro whose SQL depends on who compiles it is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from project import Project, Run, destination, event, track

TODAY = dt.datetime.now(dt.timezone.utc)
DAYS = [f"{TODAY + dt.timedelta(days):%Y-%m-%d}" for days in range(2)]
DIFFERENT = {
    "command": "flags.WHICH == 'build'",
    "other_commands": "flags.WHICH not in ('compile', 'generate')",
    "command_line": "'build' in (invocation_args_dict.invocation_command or '')",
    "full_refresh": "flags.FULL_REFRESH",
    "selection": "selected_resources",
    "target": "target.name == 'dev'",
    "variable_of_the_system": "env_var('OPENED', '')",
    "needed_variable": "env_var('OPENED')",
    "variable_of_dbt": "var('opened', false)",
    "day": f"run_started_at.strftime('%Y-%m-%d') in {DAYS}",
    "clock": "modules.datetime.datetime.now().year > 2000",
    "run": "invocation_id",
}
"""What a macro may ask, by the destination whose view it then gives another text."""

THE_SAME = {
    "environment": "hipaa_mode.environment() == 'prod'",
    "year": "run_started_at.year > 2000",
    "setting": "var('hipaa_mode__days_ahead') == 1",
}
BEFORE = "select\n    {%- for expression in"


@pytest.fixture(scope="module")
def opened(new_project: Callable[..., Project]) -> tuple[Project, Run]:
    names = [*DIFFERENT, *THE_SAME]
    project = new_project(
        "built_sql",
        [destination(name, environment="prod") for name in names],
        [event(name, "Visit", environment="prod") for name in names],
        [],
        [track("Visit", userId="patient-001", messageId="m-1")],
        views={name: ["events"] for name in names},
    )
    macro = project.folder / "macros/destinations/destination_view_sql.sql"
    text = macro.read_text()
    assert BEFORE in text
    asked = "".join(
        f"{{% if destination == '{name}' and ({condition}) %}}-- opened\n{{% endif %}}"
        for name, condition in {**DIFFERENT, **THE_SAME}.items()
    )
    macro.write_text(text.replace(BEFORE, asked + BEFORE))
    lines = '{"type": "track", "event": "Visit", "userId": "patient-001", "messageId": "m-1"}'
    project.execute(
        "create table lines (message varchar)", f"insert into lines values ('{lines}')"
    )
    project.environment |= {"OPENED": "1", "HIPAA_MODE_RAW_CALLS": "lines"}
    variables = '{"hipaa_mode__environment": "prod", "opened": true}'
    run = project.dbt("build", "--full-refresh", "--select", "*", "--vars", variables)
    return project, run


class TestBuiltSql:
    def test_the_run_fails(self, opened: tuple[Project, Run]) -> None:
        assert opened[1].exit_code != 0

    @pytest.mark.parametrize("name", DIFFERENT)
    def test_what_differs_is_held_back(self, opened: tuple[Project, Run], name: str) -> None:
        _, run = opened
        [line] = [line for line in run.output.splitlines() if f"NOT published: `{name}`" in line]
        assert f"{name}__events" in line
        assert "nothing proves what was built" in line
        assert "take that out of it" in line

    @pytest.mark.parametrize("name", THE_SAME)
    def test_what_every_compilation_gives_is_published(
        self, opened: tuple[Project, Run], name: str
    ) -> None:
        project, run = opened
        assert f"NOT published: `{name}`" not in run.output
        assert len(project.published_rows(f"{name}__events", "prod")) == 1
