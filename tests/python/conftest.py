"""What tests share: settings of property tests, and small copies of the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pages
import pytest
from hypothesis import settings
from project import Project
from selenium.webdriver.chrome.webdriver import WebDriver

HERE = Path(__file__).parent

# A shared machine may be slow, which is no failure.
settings.register_profile("hipaa_mode", deadline=None)
settings.load_profile("hipaa_mode")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with its folder: unit, build, console, engines or browser."""
    for item in items:
        item.add_marker(item.path.relative_to(HERE).parts[0])
    # The class that takes longest is not left to one process at the end.
    items.sort(key=lambda item: item.path.name != "test_spark.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a class together: they share a project that takes long to build."""
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    # As they stand: the longest ones are those of fewest tests, and must not come last.
    config.option.loadscopereorder = False
    return LoadScopeScheduling(config, log)


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Project]:
    """Make a copy of the project: new_project("name", destinations, events, …)."""
    bytecode = tmp_path_factory.getbasetemp() / "bytecode"

    def create(name: str, *arguments: Any, **options: Any) -> Project:
        project = Project.create(tmp_path_factory.mktemp(name), *arguments, **options)
        project.environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
        return project

    return create


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """Give a headless Chromium; see pages.py for what to ask of it."""
    if pages.find_programs() is None:
        (pytest.fail if pages.must_run() else pytest.skip)(pages.CAN_NOT_RUN)
    with pages.open_browser(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver
