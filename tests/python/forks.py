"""Runs dbt, `hipaa-mode` and pytest in processes forked from one that has imported what they need.

A start of dbt costs two seconds of imports; a fork of this server costs none, and is a process of
its own all the same. The server never imports the package itself: each fork takes it from where
the request says. A socket takes the requests, so that a forked selftest can ask for builds of its
own.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from _pytest.config import default_plugins

IMPORTED = (
    *("dbt.cli.main", "dbt.adapters.duckdb", "duckdb", "polars", "polars_hash", "numpy"),
    *("pyarrow.compute", "pyarrow.parquet", "sqlglot", "sqlglot.dialects.duckdb", "typer"),
    *("cryptography.hazmat.primitives.kdf.hkdf", "rich.console", "rich.table", "rich.tree"),
    *("pytest", "hypothesis", "yaml", "selenium.webdriver.chrome.webdriver"),
    *(f"_pytest.{name}" for name in default_plugins),
)
SOCKET_VARIABLE = "HIPAA_MODE_MUTANTS_SOCKET"
NOT_INHERITED = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
NOT_RUN = 99
"""Exit code of a program that ended in an exception of its own."""


class Forks:
    """A running server, and what asks it."""

    def __init__(self, address: Path) -> None:
        self._address = address

    def run(
        self,
        program: str,
        arguments: Sequence[str],
        folder: Path,
        environ: Mapping[str, str],
        output: Path,
        timeout: int = 0,
    ) -> int:
        """Run a program to its end.

        Args:
            program: `dbt`, `hipaa-mode` or `pytest`.
            arguments: its arguments.
            folder: the folder it runs in.
            environ: its environment; the first folder of PYTHONPATH, if it has that, holds the
                package, which otherwise is the installed one.
            output: the file that gets its standard output and errors.
            timeout: the seconds after which it is killed; 0 never.

        Returns:
            Its exit code.
        """
        request = {
            "program": program,
            "arguments": list(arguments),
            "folder": str(folder),
            "environ": {**environ, SOCKET_VARIABLE: str(self._address)},
            "output": str(output),
            "timeout": timeout,
        }
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._address))
            connection.sendall(json.dumps(request).encode())
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(16)
        if not answer:
            raise RuntimeError(f"{program} died: {output.read_text('utf-8', 'replace')[-2000:]}")
        return int(answer)


@contextlib.contextmanager
def forks(**variables: str) -> Iterator[Forks]:
    """Start a server for as long as the context lasts, with some variables of its own."""
    with tempfile.TemporaryDirectory(prefix="hipaa_mode_forks_") as folder:
        address = Path(folder) / "socket"
        inherited = {name: os.environ[name] for name in os.environ if name not in NOT_INHERITED}
        server = subprocess.Popen(
            [sys.executable, __file__, str(address)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=inherited | variables,
        )
        try:
            assert server.stdout is not None
            if server.stdout.readline() != "ready\n":
                raise RuntimeError("the server of forks did not start")
            yield Forks(address)
        finally:
            server.terminate()
            server.communicate()


def _serve(address: str) -> None:
    for module in IMPORTED:
        importlib.import_module(module)
    assert "hipaa_mode" not in sys.modules
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            # Who started it holds the other end of its standard input, and may have died.
            if sys.stdin in select.select([server, sys.stdin], [], [])[0]:
                return
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _answer(connection)
            connection.close()


def _answer(connection: socket.socket) -> None:
    parts: list[bytes] = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    request: dict[str, Any] = json.loads(b"".join(parts))
    runner = os.fork()
    if runner == 0:
        code = _run(request)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    # Answered only when the process is gone, and with it its lock on the database.
    _, status = os.waitpid(runner, 0)
    code = os.waitstatus_to_exitcode(status)
    connection.sendall(str(code).encode() if code >= 0 else b"")
    os._exit(0)


def _run(request: Mapping[str, Any]) -> int:
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    time.tzset()
    package = os.environ.get("PYTHONPATH", "").split(os.pathsep)[0]
    sys.path[0] = package or str(Path(sys.executable).parent)
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for standard, descriptor in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
        os.dup2(descriptor, standard)
    os.close(output)
    signal.alarm(request["timeout"])
    sys.argv = [request["program"], *request["arguments"]]
    try:
        _PROGRAMS[request["program"]](request["arguments"])
    except SystemExit as end:
        return int(end.code or 0) if isinstance(end.code, int | None) else 1
    except BaseException as error:
        print(type(error).__name__, error)
        return NOT_RUN
    return 0


def _dbt(arguments: list[str]) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import cli

    close: Callable[[], None] = DuckDBConnectionManager.close_all_connections
    try:
        cli(arguments)
    finally:
        # What dbt-duckdb asks for at the end of a process, which a fork does not come to.
        close()


def _hipaa_mode(arguments: list[str]) -> None:
    from hipaa_mode import ending
    from hipaa_mode.cli import main

    # What a command builds or compiles is a fork too.
    vars(ending)["run"] = _run_elsewhere
    main()


def _run_elsewhere(
    command: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    server = Forks(Path(os.environ[SOCKET_VARIABLE]))
    with tempfile.NamedTemporaryFile() as output:
        code = server.run("dbt", command[1:], folder, environ, Path(output.name))
        return subprocess.CompletedProcess(command, code, output.read())


def _pytest(arguments: list[str]) -> None:
    import pytest

    raise SystemExit(int(pytest.main(arguments)))


_PROGRAMS = {"dbt": _dbt, "hipaa-mode": _hipaa_mode, "pytest": _pytest}

if __name__ == "__main__":
    _serve(sys.argv[1])
