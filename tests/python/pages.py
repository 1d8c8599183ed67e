"""A headless Chromium for tests of pages, and what they ask of it.

Needs Chromium and its driver on the machine (Debian: `apt-get install chromium chromium-driver`);
nothing is ever downloaded. Names of other hosts do not resolve, so a page that loads anything
from elsewhere fails to.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver

PHONE = (375, 812)
DESKTOP = (1280, 900)
CAN_NOT_RUN = (
    "browser tests need Chromium and its driver: apt-get install chromium chromium-driver"
)

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_DRIVER = "chromedriver"
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--force-prefers-reduced-motion",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)


@dataclass(frozen=True)
class Programs:
    """Chromium and the driver that goes with it."""

    browser: str
    driver: str


def find_programs() -> Programs | None:
    """Find Chromium and its driver; None where one of them is missing."""
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    driver = shutil.which(_DRIVER)
    return Programs(browser, driver) if browser and driver else None


def must_run() -> bool:
    """Whether a missing browser is a failure: on CI, where a skipped test would hide it."""
    return os.environ.get("CI", "").lower() in ("1", "true")


@contextlib.contextmanager
def open_browser(profile: Path) -> Iterator[WebDriver]:
    """Start Chromium with a profile of its own, and end it afterwards.

    Args:
        profile: an empty folder, or one that is not there yet.
    """
    programs = find_programs()
    if programs is None:
        raise FileNotFoundError(CAN_NOT_RUN)
    options = Options()
    options.binary_location = programs.browser
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # With the driver named, Selenium looks for none and downloads none.
    driver = webdriver.Chrome(options=options, service=Service(programs.driver))
    try:
        set_viewport(driver, *DESKTOP)
        yield driver
    finally:
        driver.quit()


def set_viewport(driver: WebDriver, width: int, height: int) -> None:
    """Give the page so many CSS pixels; a window can't be as narrow as a phone."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def set_media(driver: WebDriver, media: str = "", dark: bool = False) -> None:
    """Show the page as for `print`, or as for `screen` (blank), light or dark."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})


def save_screenshot(driver: WebDriver, file: Path, whole_page: bool = True) -> None:
    """Save the page as PNG: all of it, or what is in view."""
    options = {"format": "png", "captureBeyondViewport": whole_page}
    taken = driver.execute_cdp_cmd("Page.captureScreenshot", options)
    file.write_bytes(base64.b64decode(taken["data"]))


def print_pdf(driver: WebDriver) -> bytes:
    """Print the page to PDF, as the browser's own print command would."""
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
    return base64.b64decode(printed["data"])


def axe_violations(driver: WebDriver) -> list[str]:
    """Check the page's accessibility with axe-core; return a line for every violation."""
    script = resources.files("selenium_axe_python") / "axe-core/axe.min.js"
    driver.execute_script(script.read_text(encoding="utf-8"))
    results: dict[str, Any] = driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, {resultTypes: ['violations']})"
        ".then(done, error => done({failed: String(error)}));"
    )
    if "failed" in results or not results.get("passes"):
        raise RuntimeError(f"axe-core did not run: {results.get('failed', 'it checked nothing')}")
    return [
        f"{violation['id']} ({violation['impact']}): {node['target']} {node['failureSummary']}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]


def overflow(driver: WebDriver) -> int:
    """Return by how many CSS pixels the page is wider than the viewport."""
    script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(driver.execute_script(script))


def console_errors(driver: WebDriver) -> list[str]:
    """Return errors and warnings of the console since the last time this was asked."""
    told = _log(driver, "browser")
    return [entry["message"] for entry in told if entry["level"] in ("SEVERE", "WARNING")]


def requested_addresses(driver: WebDriver) -> list[str]:
    """Return every address that pages asked for since the last time this was asked."""
    found: list[str] = []
    for entry in _log(driver, "performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.append(message["params"]["request"]["url"])
    # The browser's own start page is made of such.
    return [address for address in found if not address.startswith("chrome://")]


def _log(driver: WebDriver, kind: str) -> list[dict[str, Any]]:
    get_log: Callable[[str], list[dict[str, Any]]] = driver.get_log
    return get_log(kind)
