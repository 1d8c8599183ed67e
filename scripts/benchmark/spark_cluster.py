"""A standalone cluster of Spark on this machine, as small as one can be.

For trying, not for use: nothing on it is encrypted.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from processes import wait_for

_DEPLOY = "org.apache.spark.deploy"


@dataclass
class Cluster:
    """A master and its workers, each a session of processes of its own.

    Attributes:
        url: what `spark.master` is.
        processes: the master, and the workers in their order.
    """

    url: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def kill_worker(self) -> None:
        """Kill the last worker and its executors, without a word to anybody."""
        _kill(self.processes.pop())

    def stop(self) -> None:
        """End all of it."""
        while self.processes:
            _kill(self.processes.pop())


@contextlib.contextmanager
def started(folder: Path, workers: int, memory: str) -> Iterator[Cluster]:
    """Have a cluster on 127.0.0.1 whose workers have one core and so much memory each.

    Raises:
        TimeoutError: it does not start.
    """
    import pyspark

    home = Path(pyspark.__file__).parent
    port = _free_port()
    cluster = Cluster(f"spark://127.0.0.1:{port}")
    environ = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_WORKER_DIR": str(folder / "work"),
        "PYSPARK_PYTHON": sys.executable,
    }

    def run(name: str, *arguments: str) -> Path:
        log = folder / f"{name}.log"
        with log.open("wb") as output:
            command = (str(home / "bin/spark-class"), *arguments, "--host", "127.0.0.1")
            cluster.processes.append(
                subprocess.Popen(
                    (*command, "--webui-port", "0"),
                    env=environ,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        return log

    try:
        log = run("master", f"{_DEPLOY}.master.Master", "--port", str(port))
        wait_for(log, "New state: ALIVE", 1)
        for number in range(1, workers + 1):
            run(
                f"worker_{number}", f"{_DEPLOY}.worker.Worker",
                "--cores", "1", "--memory", memory, cluster.url,
            )  # fmt: skip
        wait_for(log, "Registering worker", workers)
        yield cluster
    finally:
        cluster.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _kill(process: subprocess.Popen[bytes]) -> None:
    # The executors that a worker started are of its session.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
