#!/usr/bin/env python3
"""Sets up hipaa_mode and does one thing with it: `demo` or `test`.

Needs Python 3.10 or later and nothing else: everything installed goes into `.venv`, at the
versions and hashes of requirements.lock; Spark, for `test` and `setup --spark`, of
requirements-spark.lock.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENT = PROJECT / ".venv"
LOCK = PROJECT / "requirements.lock"
SPARK_LOCK = PROJECT / "requirements-spark.lock"
STAMP = ENVIRONMENT / "installed"
PROGRAMS = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
OLDEST_PYTHON = (3, 10)
BROWSER_PACKAGES = ("chromium", "chromium-driver", "fonts-dejavu-core")
NO_BROWSER = (
    "The tests of pages in a browser did NOT run: they need Chromium and its driver "
    "(Debian: apt-get install chromium chromium-driver)."
)
POSTGRES_PACKAGES = ("postgresql",)
NO_POSTGRES = (
    "The tests on PostgreSQL did NOT run: they need its server (Debian: apt-get install "
    "postgresql), and builds `pip install -e '.[postgres]'`."
)
NO_SPARK = (
    "The tests on Spark did NOT run: they need Python 3.11 or later and Java 17 or 21 "
    "(Debian: apt-get install default-jre-headless)."
)
SPARK_PACKAGES = ("default-jre-headless",)
OLDEST_PYTHON_OF_SPARK = (3, 11)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def main() -> int:
    """Set up, then run the demo or the tests; return their exit code."""
    if sys.version_info < OLDEST_PYTHON:
        print("hipaa_mode needs Python 3.10 or later; this is", sys.version.split()[0])
        return 1
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("setup", "demo", "test"))
    parser.add_argument("--target", default="dev", help="environment of the demo: dev or prod")
    parser.add_argument("--spark", action="store_true", help="set up what Spark needs, too")
    arguments = parser.parse_args()
    set_up(with_spark=arguments.spark or arguments.action == "test")
    if arguments.action == "demo":
        return run_demo(arguments.target)
    if arguments.action == "test":
        return run_tests()
    print(f"Set up. Next: {PROGRAMS / 'dbt'} build")
    return 0


def set_up(with_spark: bool) -> None:
    """Install what the lock files name, unless that is done, and make a key if there is none."""
    base = digest(LOCK)
    installed = STAMP.read_text().split() if STAMP.exists() else []
    if base not in installed:
        print("Setting up in .venv: about a minute the first time …", flush=True)
        venv.EnvBuilder(with_pip=True, clear=True).create(ENVIRONMENT)
        install("--require-hashes", "-r", str(LOCK))
        install("--no-build-isolation", "--no-index", "-e", ".")
        installed = [base]
        STAMP.write_text(base)
    if with_spark and sys.version_info >= OLDEST_PYTHON_OF_SPARK:
        spark = digest(SPARK_LOCK)
        if spark not in installed:
            print("Setting up Spark in .venv: about a minute more …", flush=True)
            install("--no-build-isolation", "--require-hashes", "-r", str(SPARK_LOCK))
            STAMP.write_text(f"{base} {spark}")
    has_key = os.environ.get("HIPAA_MODE_KEY") or os.environ.get("HIPAA_MODE_KEY_FILE")
    if not has_key and not (PROJECT / ".hipaa_mode" / "masking.key").exists():
        run("hipaa-mode", "keygen")


def digest(lock: Path) -> str:
    """Return what tells that a lock file was installed for this Python."""
    return hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()


def install(*arguments: str) -> None:
    """Have pip install into the environment, nothing that is not named."""
    pip = [str(PROGRAMS / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    subprocess.run([*pip, "--no-deps", *arguments], cwd=PROJECT, check=True)


def run_demo(target: str) -> int:
    """Build the project, then show what was published."""
    built = run("dbt", "build", "--target", target)
    shown = run("hipaa-mode", "summary", "--environment", target)
    return built or shown


def run_tests() -> int:
    """Run the linters and all the tests on every processor."""
    missing = [
        said
        for is_there, packages, said in (
            (has_browser, BROWSER_PACKAGES, NO_BROWSER),
            (has_postgres, POSTGRES_PACKAGES, NO_POSTGRES),
            (has_spark, SPARK_PACKAGES, NO_SPARK),
        )
        if not provide(is_there, packages)
    ]
    print("Checking style and types …", flush=True)
    checked = (
        run("ruff", "check", "."),
        run("ruff", "format", "--check", "."),
        run("mypy"),
    )
    print("Running the tests …", flush=True)
    tested = run("pytest", "-n", str(os.cpu_count() or 2))
    for said in missing:
        print(said)
    return next((code for code in (*checked, tested) if code), 0)


def provide(is_there: Callable[[], bool], packages: tuple[str, ...]) -> bool:
    """Install what some tests need where Debian's packages allow; say if it is there.

    Only for root on a machine with apt-get: nobody else's system is changed.
    """
    if is_there():
        return True
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root and shutil.which("apt-get"):
        print(f"Installing {packages[0]} for its tests …", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["install", "-qq", "--no-install-recommends", *packages]
        for arguments in (["update", "-qq"], install):
            command = ["apt-get", *arguments]
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    return is_there()


def has_browser() -> bool:
    """Whether Chromium and its driver are installed."""
    return any(map(shutil.which, BROWSERS)) and shutil.which("chromedriver") is not None


def has_postgres() -> bool:
    """Whether a PostgreSQL server can be started here."""
    programs = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return any(programs) or shutil.which("postgres") is not None


def has_spark() -> bool:
    """Whether Spark can be started here."""
    return sys.version_info >= OLDEST_PYTHON_OF_SPARK and shutil.which("java") is not None


def run(program: str, *arguments: str) -> int:
    """Run an installed program in the project's folder; return its exit code."""
    search = os.pathsep.join((str(PROGRAMS), os.environ.get("PATH", "")))
    environment = {**os.environ, "PATH": search}
    command = [str(PROGRAMS / program), *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
