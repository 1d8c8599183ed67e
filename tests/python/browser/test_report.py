"""The report in a browser: it fits, prints, and can be read by everybody."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest
from report_pages import hostile_report, report_seeds
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.keys import Keys


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return hostile_report(tmp_path, report_seeds())


@pytest.mark.parametrize("size", [pages.PHONE, pages.DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_is_accessible_and_fits(
    chromium: WebDriver, page: Path, size: tuple[int, int], dark: bool
) -> None:
    pages.requested_addresses(chromium)
    pages.console_errors(chromium)
    pages.set_viewport(chromium, *size)
    pages.set_media(chromium, dark=dark)
    try:
        chromium.get(page.as_uri())
        assert pages.axe_violations(chromium) == []
        assert pages.overflow(chromium) == 0
        assert pages.requested_addresses(chromium) == [page.as_uri()]
        assert pages.console_errors(chromium) == []
        picture = page.with_name("report.png")
        pages.save_screenshot(chromium, picture)
        assert picture.read_bytes().startswith(b"\x89PNG")
        [flow] = chromium.find_elements("css selector", ".flow")
        assert flow.is_displayed()
        assert len(flow.find_elements("css selector", ".box")) == 5
    finally:
        pages.set_viewport(chromium, *pages.DESKTOP)
        pages.set_media(chromium)


def test_it_can_be_read_with_the_keyboard(chromium: WebDriver, page: Path) -> None:
    chromium.get(page.as_uri())
    body = chromium.find_element("tag name", "body")
    body.send_keys(Keys.TAB)
    skip = chromium.switch_to.active_element
    assert skip.text == "Skip to the report"
    skip.send_keys(Keys.ENTER)
    assert chromium.execute_script("return document.activeElement.id") == "main"
    links = chromium.find_elements("css selector", "nav a")
    for link in links:
        href = link.get_attribute("href")
        assert href is not None
        target = href.partition("#")[2]
        assert chromium.find_element("id", target).is_displayed()


A4 = (703, 1000)
BADGES_IN_THEIR_CELLS = """
return [...document.querySelectorAll("td .badge")].every(badge =>
  badge.getBoundingClientRect().right <= badge.closest("td").getBoundingClientRect().right)
"""


def test_it_prints_all_of_it(chromium: WebDriver, page: Path) -> None:
    chromium.get(page.as_uri())
    pages.set_media(chromium, "print", dark=True)
    try:
        ink = chromium.execute_script("return getComputedStyle(document.body).color")
        assert ink == "rgb(0, 0, 0)"
        for row in chromium.find_elements("css selector", "tr"):
            assert row.is_displayed()
        assert pages.overflow(chromium) == 0
        assert len(pages.print_pdf(chromium)) > 10_000
        # Paper is as narrow as a tablet, and has tables all the same.
        pages.set_viewport(chromium, *A4)
        headings = chromium.find_elements("css selector", "table.list thead tr")
        assert headings and all(
            heading.value_of_css_property("display") == "table-row" for heading in headings
        )
        assert chromium.execute_script(BADGES_IN_THEIR_CELLS)
    finally:
        pages.set_media(chromium)
        pages.set_viewport(chromium, *pages.DESKTOP)
