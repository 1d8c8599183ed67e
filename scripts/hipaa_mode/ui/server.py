"""Serving the pages on the loopback address, until somebody stops it."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from hipaa_mode.editing.layout import Layout
from hipaa_mode.editing.writing import recover
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.ui.app import make_app
from hipaa_mode.ui.security import Secrets

LOOPBACK = "127.0.0.1"
SECONDS_TO_END = 2


@dataclass(frozen=True)
class Ready:
    """A server that is ready to be run; the URL, with its token, opens the pages."""

    url: str
    port: int
    _server: uvicorn.Server
    _socket: socket.socket

    def run(self) -> None:
        """Serve until interrupted."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Have `run` end, in another thread."""
        self._server.should_exit = True


def prepare(project: Path, port: int = 0, builds_previews: bool = True) -> Ready:
    """Take a port of the loopback address and make the pages of a project; see `make_app`.

    Raises:
        HipaaModeError: there is no project, or the port is taken.
    """
    layout = Layout.read(project)
    recover(layout.root)
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise HipaaModeError(
            f"Port {port} can't be used ({error.strerror}). Name another one with --port"
        ) from None
    taken: int = listening.getsockname()[1]
    secrets = Secrets()
    config = uvicorn.Config(
        make_app(layout, secrets, taken, builds_previews),
        log_level="warning",
        # The link's token would be in it.
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=SECONDS_TO_END,
    )
    url = f"http://{LOOPBACK}:{taken}/?token={secrets.link}"
    return Ready(url, taken, uvicorn.Server(config), listening)
