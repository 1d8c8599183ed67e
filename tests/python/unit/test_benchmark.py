"""The page of the benchmark is made of the figures beside it, and the README quotes them."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from project import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "scripts/benchmark"))

from processes import Watch
from report import as_markdown, exponent, median, plot, readme_row

PAGE = REPOSITORY / "docs/benchmark.md"


@pytest.fixture
def facts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PAGE.with_suffix(".json").read_text("utf-8"))
    return found


def test_the_page_and_its_plot_are_made_of_the_figures(facts: dict[str, Any]) -> None:
    assert as_markdown(facts, "benchmark.svg") == PAGE.read_text("utf-8")
    assert plot(facts) == PAGE.with_suffix(".svg").read_text("utf-8")


def test_the_readme_quotes_the_figures(facts: dict[str, Any]) -> None:
    assert readme_row(facts) in (REPOSITORY / "README.md").read_text("utf-8").splitlines()


def test_of_several_runs_the_median_counts(facts: dict[str, Any]) -> None:
    section = copy.deepcopy(facts["sections"]["1_million"])
    [run] = section["runs"]["hipaa_mode"][:1]
    section["runs"]["hipaa_mode"] = [{**run, "seconds": s} for s in (1.0, 90.0, 2.0)]
    assert median(section, "hipaa_mode") == 2.0


def test_a_contestant_that_failed_is_shown_as_failed(facts: dict[str, Any]) -> None:
    assert exponent(facts["sections"]) is not None
    for section in facts["sections"].values():
        for runs in section["runs"].values():
            runs.append({"failed": "exit code 1", "load": 0.1})
    page = as_markdown(facts, "benchmark.svg")
    assert "| hipaa_mode | failed | exit code 1 |" in page
    assert "| 10,000 | failed |" in page
    assert "## Growth" not in page
    assert "<rect x=" not in plot(facts)


def test_other_outputs_are_shown(facts: dict[str, Any]) -> None:
    facts["sections"]["1_million"]["agrees"]["node"] = False
    assert as_markdown(facts, "benchmark.svg").count("DIFFERENT") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_what_a_process_does_for_another_is_counted() -> None:
    """Spark's work is done by processes that dbt does not wait for."""
    work = "while time.process_time() < 0.3: pass"
    child = f"import time\n{work}\nprint('done', flush=True)\ntime.sleep(60)"
    parent = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        watch = Watch(process.pid)
        watch.look()
        os.killpg(process.pid, signal.SIGKILL)
    assert watch.processor_seconds >= 0.3
    assert watch.peak_bytes > 1 << 20
