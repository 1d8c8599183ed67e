"""A command that is told to end leaves no copy of raw calls behind, and no program running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
DBT = """\
import os, pathlib, signal, sys, time
pathlib.Path(os.environ["STARTED"], str(os.getpid())).touch()
time.sleep(60)
"""
COMMANDS = {
    "selftest": ["selftest", "-e", "dev", "--calls", "calls.ndjson"],
    "preview": ["preview", "ga4", "-e", "dev", "--call", "calls.ndjson"],
}
CALL = '{"type":"track","event":"Signed In","messageId":"m-%d","userId":"patient-1"}\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The demo's configuration, and a dbt that does nothing for a minute."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("dbt_project.yml", "profiles.yml", "receives.lock.yml"):
        shutil.copy(REPOSITORY / name, folder)
    for name in ("seeds", "models"):
        shutil.copytree(REPOSITORY / name, folder / name)
    (folder / "calls.ndjson").write_text("".join(CALL % number for number in range(20)))
    (tmp_path / "dbt.py").write_text(DBT)
    (tmp_path / "dbt").write_text(f"#!/bin/sh\nexec {sys.executable} {tmp_path}/dbt.py\n")
    (tmp_path / "dbt").chmod(0o755)
    for name in ("started", "temporary", "home"):
        (tmp_path / name).mkdir()
    return folder


def start(project: Path, arguments: list[str]) -> subprocess.Popen[str]:
    there = project.parent
    code = (
        "import hipaa_mode.selftest.builds as builds, hipaa_mode.preview.build as preview\n"
        f"builds.dbt_command = preview.dbt_command = lambda: {str(there / 'dbt')!r}\n"
        "from hipaa_mode.cli import main; main()\n"
    )
    environ = {
        **{name: v for name, v in os.environ.items() if not name.startswith(("HIPAA_", "DBT_"))},
        "PYTHONPATH": str(REPOSITORY / "scripts"),
        "TMPDIR": str(there / "temporary"),
        "HOME": str(there / "home"),
        "STARTED": str(there / "started"),
    }
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=project, env=environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def wait_for(what: Callable[[], object], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.05)


def with_calls(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if b"patient-1" in path.read_bytes()]


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "number", "exit_code"),
    [
        ("selftest", signal.SIGTERM, 143),
        ("selftest", signal.SIGHUP, 129),
        ("selftest", signal.SIGINT, 130),
        ("preview", signal.SIGTERM, 143),
    ],
)
def test_no_calls_and_no_program_are_left(
    project: Path, name: str, number: int, exit_code: int
) -> None:
    process = start(project, COMMANDS[name])
    started = project.parent / "started"
    wait_for(lambda: list(started.iterdir()), process)
    [child] = [int(path.name) for path in started.iterdir()]
    places = [project.parent / "temporary", project / "restricted"]
    assert any(with_calls(place) for place in places)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == exit_code, output
    assert "Traceback" not in output
    assert [path for place in places for path in with_calls(place)] == []
    assert list((project.parent / "temporary").iterdir()) == []
    assert not is_running(child)


def test_builds_at_once_end_too(tmp_path: Path) -> None:
    """As the selftest builds its two changed copies."""
    code = (
        "import pathlib, sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from hipaa_mode import ending\n"
        "here = pathlib.Path.cwd()\n"
        'child = [sys.executable, \'-c\', \'import os,time;open(f"{os.getpid()}.pid","w")'
        ".close();time.sleep(60)']\n"
        "with ending.signals_as_exceptions(), ThreadPoolExecutor(2) as pool:\n"
        "    list(pool.map(lambda n: ending.run(child, here, {}), range(4)))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY / "scripts")},
    )  # fmt: skip
    until = time.monotonic() + 30
    while len(children := list(tmp_path.glob("*.pid"))) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    process.terminate()
    assert process.wait(timeout=30) == 143
    # Those that had not begun never did.
    assert len(list(tmp_path.glob("*.pid"))) == 2
    assert not any(is_running(int(path.stem)) for path in children)


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "from hipaa_mode.ending import signals_as_exceptions\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with signals_as_exceptions():\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "print('went on')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(REPOSITORY / "scripts")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "went on\n"
