"""Runs one command and writes its wall time, processor time and peak memory as JSON.

A small process of its own between the benchmark and the command: on Linux a command's peak
counts from that of the process that started it, and the benchmark's own is large.

Peak memory is the maximum resident set size that `os.wait4` reports: of the largest process
among the command and the descendants it waited for, not their sum. No contestant starts a
second process that matters.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    """Run `measure.py RESULT LOG COMMAND …`; return the command's exit code."""
    result, log, *command = sys.argv[1:]
    with Path(log).open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    peak_bytes = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
    figures = {
        "seconds": seconds,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": peak_bytes,
    }
    Path(result).write_text(json.dumps(figures), encoding="ascii")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
