"""Showing text that someone else wrote: no control character, no direction switch, no flood."""

from __future__ import annotations

import unicodedata

CUT = "…"

# Control, format, surrogate, private use, unassigned; line and paragraph separators.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str, limit: int | None = None) -> str:
    r"""Write what can't be seen as `\u{202e}`, and cut what is longer than `limit` characters.

    A terminal obeys control characters, and a reader is misled by characters that turn the
    direction of writing or take no room.
    """
    if limit is not None and len(text) > limit:
        text = text[: max(limit - 1, 0)] + CUT
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    hidden = unicodedata.category(character) in _HIDDEN
    return f"\\u{{{ord(character):x}}}" if hidden else character


def is_printable(text: str) -> bool:
    """Whether nothing of a text is hidden from who reads it."""
    return not any(unicodedata.category(character) in _HIDDEN for character in text)
