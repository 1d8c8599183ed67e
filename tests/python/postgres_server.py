"""A PostgreSQL of the tests' own: on 127.0.0.1, in a folder of its own, not as root."""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAMS = Path("/usr/lib/postgresql")
SYSTEM_USER = "postgres"
CAN_NOT_RUN = "PostgreSQL did not run: install its server (Debian: apt-get install postgresql)"
SECONDS = 30


def must_run() -> bool:
    """Whether a missing server is a failure: on CI, where a skipped test would hide it."""
    return os.environ.get("CI", "").lower() in ("1", "true")


def find_programs() -> Path | None:
    """Return the folder of the newest server's programs; None where there is none."""
    found = [path for path in PROGRAMS.glob("*/bin") if (path / "postgres").exists()]
    return max(found, key=lambda path: int(path.parent.name), default=None)


@dataclass(frozen=True)
class Server:
    """A server that runs: its port, the user who owns it, and what it logs, every statement."""

    port: int
    user: str
    log: Path

    def connect(self, database: str = "postgres") -> Any:
        """Open a connection; every statement is a transaction of its own."""
        import psycopg2

        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user=self.user, dbname=database
        )
        connection.autocommit = True
        return connection

    def run(self, sql: str, database: str = "postgres") -> str:
        """Run SQL by PostgreSQL's own client, and return what it gives, a row a line.

        Raises:
            AssertionError: a statement failed.
        """
        command = [
            *(f"{find_programs()}/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"),
            *("-p", str(self.port), "-U", self.user, "-d", database),
        ]
        environment = {**os.environ, "PGOPTIONS": "-c client_min_messages=warning"}
        done = subprocess.run(
            command, input=sql, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def create_database(self, name: str) -> None:
        """Make an empty database."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"create database {name}")

    def create_role(self, name: str) -> None:
        """Make a role that may log in, where there is none: all databases share them."""
        found = f"select 1 from pg_roles where rolname = '{name}'"
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(found)
            if not cursor.fetchall():
                cursor.execute(f"create role {name} login")


@contextlib.contextmanager
def run_server(folder: Path) -> Iterator[Server]:
    """Start a server with its files in a folder of its own, and stop it by its own process.

    Started by root, it runs as another user, who must come through the folders above.
    """
    programs = find_programs()
    if programs is None:
        raise FileNotFoundError(CAN_NOT_RUN)
    as_other = ["setpriv", f"--reuid={SYSTEM_USER}", f"--regid={SYSTEM_USER}", "--clear-groups"]
    is_root = os.geteuid() == 0
    before = as_other if is_root else []
    user = SYSTEM_USER if is_root else getpass.getuser()
    data = folder / "data"
    data.mkdir(mode=0o700)
    if is_root:
        owner = pwd.getpwnam(SYSTEM_USER)
        os.chown(data, owner.pw_uid, owner.pw_gid)
        folder.chmod(0o711)
    make = [
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        user,
        "--auth=trust",
        "-E",
        "UTF8",
        "-N",
    ]
    subprocess.run([*before, *make, "--locale=C"], check=True, capture_output=True, cwd="/")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "fsync": "off",
        "log_statement": "all",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*before, programs / "postgres", "-D", data, *options],
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    server = Server(port, user, folder / "log")
    try:
        _wait(server)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)
        shutil.rmtree(data, ignore_errors=True)


def _wait(server: Server) -> None:
    until = time.monotonic() + SECONDS
    ready = [f"{find_programs()}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(server.port)]
    while subprocess.run(ready, check=False).returncode:
        assert time.monotonic() < until, "PostgreSQL does not answer"
        time.sleep(0.1)
