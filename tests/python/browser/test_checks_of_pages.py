"""The checks of pages are checked: each of them fails on a page that has the fault."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

SOUND = (
    "<!doctype html><html lang=en><meta name=viewport content='width=device-width'>"
    "<title>Sound</title><main><h1>Sound</h1><p>Nothing is wrong here.</p></main>"
)


def show(driver: WebDriver, folder: Path, html: str) -> None:
    """Show a page from disk; forget what earlier pages asked for."""
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    pages.requested_addresses(driver)
    driver.get(file.as_uri())


def test_a_sound_page(chromium: WebDriver, tmp_path: Path) -> None:
    show(chromium, tmp_path, SOUND)
    assert pages.axe_violations(chromium) == []
    assert pages.overflow(chromium) == 0
    assert pages.requested_addresses(chromium) == [(tmp_path / "page.html").as_uri()]
    assert pages.print_pdf(chromium).startswith(b"%PDF")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("<img src=data:,>", id="image without text"),
        pytest.param("<p style='color:#ccc;background:#fff'>Too pale to read</p>", id="contrast"),
        pytest.param("<input>", id="field without label"),
    ],
)
def test_axe_finds(chromium: WebDriver, tmp_path: Path, fault: str) -> None:
    show(chromium, tmp_path, SOUND.replace("</main>", f"{fault}</main>"))
    assert pages.axe_violations(chromium) != []


def test_other_hosts_are_asked_for_in_vain_and_seen(chromium: WebDriver, tmp_path: Path) -> None:
    show(chromium, tmp_path, SOUND.replace("</main>", "<img alt=x src=http://a.example/b></main>"))
    assert "http://a.example/b" in pages.requested_addresses(chromium)
    assert any("ERR_NAME_NOT_RESOLVED" in error for error in pages.console_errors(chromium))


def test_a_page_wider_than_a_phone_is_noticed(chromium: WebDriver, tmp_path: Path) -> None:
    pages.set_viewport(chromium, *pages.PHONE)
    try:
        show(chromium, tmp_path, SOUND)
        assert pages.overflow(chromium) == 0
        wide = "<p style='width:900px'>wide</p></main>"
        show(chromium, tmp_path, SOUND.replace("</main>", wide))
        assert pages.overflow(chromium) > 500
    finally:
        pages.set_viewport(chromium, *pages.DESKTOP)
