"""Runs the pieces of Python in docs/sync.md as a reader would, kept off the network."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from project import REPOSITORY

GUIDE = REPOSITORY / "docs/sync.md"

# An audit hook can't be taken away again. What it refuses it also writes down: a library may
# swallow the error.
GUARD = """
import sys

HERE = (None, "", "127.0.0.1", "localhost", "::1")

def refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in HERE:
        with open("refused.txt", "a") as file:
            file.write(f"{event} {host}\\n")
        raise OSError("the tests are kept off the network")

sys.addaudithook(refuse)
"""


def examples() -> dict[str, str]:
    """The guide's pieces of Python by name."""
    found = re.findall(
        r"^<!-- example: (\w+) -->\n```python\n(.*?)^```$", GUIDE.read_text(), re.M | re.S
    )
    return dict(found)


@dataclass
class Reader:
    """A folder in which an example finds what is published, and keeps what it loads."""

    folder: Path

    def show(self, published: Path) -> None:
        """Put a published tree where the example looks, in place of the one before."""
        link = self.folder / "published"
        link.unlink(missing_ok=True)
        link.symlink_to(published)

    def run(self, name: str, then: str, **environment: str) -> Any:
        """Run an example, then more Python that gives `answer`; return it."""
        (self.folder / "guard.py").write_text(GUARD)
        code = f"import guard\n{examples()[name]}\n{then}\nimport json\n"
        code += "open('answer.json', 'w').write(json.dumps(answer, default=str))\n"
        path = self.folder / f"example_{name}.py"
        path.write_text(code.replace('if __name__ == "__main__":', "if False:"))
        self._start(path, environment)
        return json.loads((self.folder / "answer.json").read_text())

    def run_whole(self, name: str, **environment: str) -> str:
        """Run an example as it stands; return what it prints."""
        (self.folder / "guard.py").write_text(GUARD)
        path = self.folder / f"example_{name}_whole.py"
        path.write_text(f"import guard\n{examples()[name]}")
        return self._start(path, environment)

    def _start(self, path: Path, environment: dict[str, str]) -> str:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HIPAA_MODE_", "DBT_")) and not name.lower().endswith("_proxy")
        }
        done = subprocess.run(
            [sys.executable, path.name],
            cwd=self.folder,
            env={
                **inherited,
                "HOME": str(self.folder),
                "DLT_DATA_DIR": str(self.folder / "dlt_data"),
                "RUNTIME__DLTHUB_TELEMETRY": "false",
                "DO_NOT_TRACK": "1",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        refused = self.folder / "refused.txt"
        assert not refused.exists(), refused.read_text()
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
