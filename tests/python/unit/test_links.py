"""Links between the pages of the project lead somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]+)?\)")
PAGES = subprocess.run(
    ["git", "ls-files", "*.md"], cwd=REPOSITORY, capture_output=True, check=True, text=True
).stdout.split()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code forges make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {"#" + text.strip().replace(" ", "-") for text in kept}


@pytest.mark.parametrize("name", PAGES)
def test_links_of_a_page_lead_somewhere(name: str) -> None:
    page = REPOSITORY / name
    lost = []
    for path, anchor in LINK.findall(page.read_text("utf-8")):
        if path.startswith(("http://", "https://", "mailto:")):
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(path + anchor)
    assert lost == []


def test_a_lost_anchor_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# What `it` does, in short\n")
    assert anchors(page) == {"#what-it-does-in-short"}
