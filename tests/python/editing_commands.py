"""Commands that change the configuration, as they are run, and what they changed."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from hipaa_mode.cli import app
from hipaa_mode.errors import HipaaModeError


def run(project: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(app, [*arguments, "--project", str(project)])
    # `main` turns these into a message and an exit code.
    if isinstance(result.exception, HipaaModeError):
        result.exit_code = result.exception.exit_code
    elif result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def files(project: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(project)): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file() and ".hipaa_mode" not in path.parts
    }


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}
