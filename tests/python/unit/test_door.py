"""The door: who may ask what, what a refusal says, and that it hands out copies."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from dbt.context import base
from dbt_common.events.contextvars import log_contextvars
from dbt_common.exceptions import CompilationError
from seed_files import TODAY, label, minimal_seeds

import dbt_hipaa_mode
from hipaa_mode.run import current
from hipaa_mode.run.door import ACTIONS, DOOR, END, IN_COMPILED_SQL, START
from hipaa_mode.run.session import Session
from hipaa_mode.seeds import SEED_COLUMNS

REPOSITORY = Path(__file__).resolve().parents[3]
OUR_START = "operation.hipaa_mode.hipaa_mode-on-run-start-0"
OUR_END = "operation.hipaa_mode.hipaa_mode-on-run-end-0"
OTHERS = (
    "",
    "model.hipaa_mode.ga4__events",
    "operation.theirs.theirs-on-run-start-0",
    "operation.theirs.hipaa_mode-on-run-end-0",
    "test.hipaa_mode.operation.hipaa_mode.hipaa_mode-on-run-start-0",
)


@pytest.fixture(autouse=True)
def session() -> Iterator[Session]:
    own = Session({}, "dev")
    current.use(own)
    yield own
    current.forget()


@pytest.fixture
def configured(tmp_path: Path) -> dict[str, Any]:
    files = minimal_seeds().write(tmp_path)
    return {
        "environment": "dev",
        "today": str(TODAY),
        "seed_files": {seed: str(path) for seed, path in files.items()},
        "seed_labels": {seed: label(seed) for seed in SEED_COLUMNS},
    }


def refusal(name: str, **named: Any) -> str:
    """Ask for something by name, and return why it is refused; blank where it is not."""
    try:
        getattr(DOOR, name)(**named)
    except CompilationError as error:
        return str(error.msg)
    return ""


def asked_by(unique_id: str) -> Any:
    return log_contextvars(node_info={"unique_id": unique_id})


def test_every_action_is_a_question_of_the_session() -> None:
    assert [name for name in ACTIONS if not callable(getattr(Session, name, None))] == []
    assert set(ACTIONS) >= IN_COMPILED_SQL


@pytest.mark.parametrize("name", [name for name, hook in ACTIONS.items() if hook])
def test_what_a_hook_asks_nobody_else_may(name: str) -> None:
    own, other_hook = {START: (OUR_START, OUR_END), END: (OUR_END, OUR_START)}[ACTIONS[name]]
    for other in (*OTHERS, other_hook):
        with asked_by(other):
            assert "by no other macro" in refusal(name)
    with asked_by(own):
        try:
            assert "by no other macro" not in refusal(name)
        except (TypeError, ValueError, AttributeError):
            # A request without its fields, or out of a run: it came through.
            pass


def test_a_refusal_is_raised_as_dbt_shows_messages() -> None:
    with pytest.raises(CompilationError, match=r"hipaa_mode: .*Keep hipaa_mode's on-run-start"):
        DOOR.plan()


@pytest.mark.parametrize(
    ("name", "named"), [("subkey", {}), ("tokens", {}), ("run_number", {"more": 1})]
)
def test_what_is_not_known_is_refused_by_name(name: str, named: dict[str, int]) -> None:
    assert f"does not know `{name}`" in refusal(name, **named)


def test_only_what_no_circumstance_changes_is_answered_while_models_are_compiled_again(
    session: Session,
) -> None:
    session.is_compiling = True
    for name in sorted(ACTIONS.keys() - IN_COMPILED_SQL):
        with asked_by(OUR_START if ACTIONS[name] == START else OUR_END):
            assert "is no part of a model's SQL" in refusal(name)
    assert DOOR.json_texts("value").startswith("hipaa_functions.texts_within(")


def test_what_is_handed_out_changes_nothing(configured: dict[str, Any]) -> None:
    first = DOOR.plan(**configured)
    first["destinations"]["ga4"]["views"]["events"].clear()
    assert DOOR.plan(**configured)["destinations"]["ga4"]["views"]["events"] != []


def test_a_part_of_the_plan_is_that_of_the_whole(configured: dict[str, Any]) -> None:
    whole = DOOR.plan(**configured)
    for name, part in whole.items():
        assert DOOR.plan(name, **configured) == part
    DOOR.plan("scopes", **configured).append("another")
    assert DOOR.plan("scopes", **configured) == whole["scopes"]
    own = DOOR.destination("ga4", **configured)
    assert own == whole["destinations"]["ga4"]
    own["views"].clear()
    assert DOOR.destination("ga4", **configured) == whole["destinations"]["ga4"]
    assert DOOR.destination("nobody", **configured) is None


def test_an_error_of_the_file_system_says_what_to_do(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> int:
        raise PermissionError(13, "Permission denied", "calls.ndjson")

    monkeypatch.setattr(session, "run_number", fail)
    assert refusal("run_number") == (
        "hipaa_mode: Permission denied (calls.ndjson). Fix the cause and run dbt build again"
    )


# How dbt finds it.


def test_dbt_finds_the_plugin_and_gives_its_door_to_macros() -> None:
    assert "dbt_hipaa_mode" in [found.name for found in pkgutil.iter_modules()]
    for _ in range(2):
        [plugin] = dbt_hipaa_mode.plugins
        plugin("any_project")
    modules: dict[str, Any] = base.get_context_modules()
    assert {"datetime", "re"} < modules.keys()
    assert modules["hipaa_mode"].json_texts("value") == DOOR.json_texts("value")
    assert not hasattr(modules["hipaa_mode"], "_session")


@pytest.mark.parametrize("modules", [{}, {"hipaa_mode": DOOR}])
def test_where_dbt_does_not_find_it_macros_say_what_to_install(modules: dict[str, Any]) -> None:
    def fail(message: str) -> None:
        raise CompilationError(message)

    environment = jinja2.Environment()
    environment.globals |= {
        "modules": modules,
        "exceptions": SimpleNamespace(raise_compiler_error=fail),
        "return": lambda value: value.json_texts("value"),
    }
    macro = (REPOSITORY / "macros/configuration/door.sql").read_text("utf-8")
    template = environment.from_string(macro + "{{ door() }}")
    if modules:
        assert template.render().strip() == DOOR.json_texts("value")
        return
    with pytest.raises(CompilationError) as caught:
        template.render()
    message = caught.value.msg
    assert message.startswith("hipaa_mode: dbt does not find the Python package hipaa-mode")
    assert "nothing was built" in message and "pip install" in message and "\n" not in message


def test_the_plugin_imports_nothing_of_the_package_before_a_macro_asks() -> None:
    code = (
        "import sys, dbt_hipaa_mode; from dbt.context import base; "
        "dbt_hipaa_mode.plugins[0]('p'); base.get_context_modules(); "
        "sys.exit('hipaa_mode' in sys.modules or 'duckdb' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_wheel_has_the_plugin_at_its_top(tmp_path: Path) -> None:
    build = (
        "from setuptools import build_meta; "
        f"print(build_meta.build_wheel({str(tmp_path)!r}), end='')"
    )
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (REPOSITORY / name).exists():
            (source / name).write_bytes((REPOSITORY / name).read_bytes())
    scripts = source / "scripts"
    (scripts / "hipaa_mode").mkdir(parents=True)
    (scripts / "hipaa_mode/__init__.py").write_text("")
    plugin = REPOSITORY / "scripts/dbt_hipaa_mode.py"
    (scripts / "dbt_hipaa_mode.py").write_bytes(plugin.read_bytes())
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    assert "dbt_hipaa_mode.py" in zipfile.ZipFile(wheel).namelist()
