"""What a single value looks like. The patterns find shapes: no spelled-out number, no context.

What the guard would take is among them (see `shapes.py`), and more: names, addresses, dates.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

from hipaa_mode.inventory.shapes import has_card_number, has_shape, is_card_number

LENGTH_LOOKED_AT = 2048
"""Characters of a text that are looked at; what comes after in a long one is not."""

LONGEST_NAME = 64
"""Characters of the longest key that is taken for the name of a property."""

REMEMBERED = 1 << 16

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S|(?:^|\s)www\.\S|^/(?!/)\S*[/?=]\S*$")
_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")
_CODE = re.compile(
    r"(?=[A-Za-z_-]*[0-9])[0-9A-Za-z_-]{12,}|[A-Za-z]{1,12}[-_:]?[0-9]{4,}|[0-9]{6,}"
)
_CODE_IN_KEY = re.compile(
    r"[0-9]{5,}|[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}|(?=[a-fA-F]*[0-9])[0-9a-fA-F]{16,}|"
    r"^(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[0-9A-Za-z_-]{20,}$"
)
_ZIP = re.compile(r"[0-9]{5}(?:-[0-9]{4})?")
_DATE = re.compile(
    r"([0-9]{4})-(?:0[1-9]|1[0-2])-(?:[0-2][0-9]|3[01])"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    r"|(?:0?[1-9]|1[0-2]|[12][0-9]|3[01])[/.](?:0?[1-9]|[12][0-9]|3[01])[/.]([0-9]{4})"
)
_STREET = re.compile(
    r"(?:^|[\s,])[0-9]{1,6}[A-Za-z]?\s+(?:[A-Za-z0-9.'-]+\s+){1,4}(?:street|st|avenue|ave|road|rd|"
    r"boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|terrace|way|parkway|pkwy|circle|"
    r"highway|hwy)\b|\bP\.?\s?O\.?\s?Box\s+[0-9]",
    re.IGNORECASE,
)
_NAME = re.compile(r"([A-Z][a-z]+)(?:,?\s[A-Z]\.?)?(?:,?\s(?:[A-Z][\w'\u2019-]+)){1,2}")
_TITLE = re.compile(r"(?:Dr|Mr|Mrs|Ms|Prof)\.?\s[A-Z][\w'\u2019-]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_AGENT = re.compile(r"[^\s/]+/[0-9]+\.[0-9]")

# Given names that are frequent in the United States; a name made of others is not recognised.
_GIVEN_NAMES_TEXT = """
Aaron Abigail Adam Alan Albert Alex Alexander Alice Amanda Amber Amy Andrea Andrew Angela Ann
Anna Anne Anthony Antonio Arthur Ashley Austin Barbara Benjamin Beth Betty Beverly Bob Bobby
Brandon Brenda Brian Bruce Carl Carlos Carol Carolyn Catherine Charles Cheryl Chloe Chris
Christian Christina Christine Christopher Cynthia Daniel David Deborah Debra Dennis Diana Diane
Donald Donna Doris Dorothy Douglas Dylan Edward Elena Elijah Elizabeth Ella Emily Emma Eric
Ethan Eugene Eva Evelyn Fatima Frances Francisco Frank Gabriel Gary George Gerald Gloria Grace
Gregory Hannah Harold Harry Heather Helen Henry Isabella Jack Jacob Jacqueline James Jamal Jane
Janet Janice Jason Jean Jeffrey Jennifer Jeremy Jerry Jesse Jessica Joan Joe John Jonathan
Jordan Jose Joseph Joshua Joyce Juan Judith Judy Julia Julie Justin Karen Katherine Kathleen
Kathryn Kayla Keith Kelly Kenneth Kevin Kimberly Kyle Larry Laura Lauren Lawrence Leo Liam
Linda Lisa Logan Lori Louis Lucas Luis Madison Margaret Maria Marie Marilyn Mark Martha Martin
Mary Mason Matthew Megan Melissa Mia Michael Michelle Miguel Mohammed Nancy Natalie Nathan
Nicholas Nicole Noah Nora Olga Oliver Olivia Omar Pamela Patricia Patrick Paul Pedro Peter
Philip Priya Rachel Ralph Randy Raymond Rebecca Richard Robert Roger Ronald Rosa Rose Roy
Russell Ruth Ryan Samantha Samuel Sandra Sara Sarah Scott Sean Sharon Shirley Sofia Sophia
Stephanie Stephen Steven Susan Teresa Theresa Thomas Tiffany Timothy Tyler Victoria Vincent
Virginia Walter Wayne Wei William Willie Yusuf Zachary
"""
_GIVEN_NAMES = frozenset(_GIVEN_NAMES_TEXT.split())


@lru_cache(REMEMBERED)
def kinds_of_text(text: str) -> tuple[str, ...]:
    """Return the kinds of identifier that a text looks like or holds."""
    text = text[:LENGTH_LOOKED_AT]
    found: list[str] = []
    if "@" in text or "%40" in text:
        found += ["email"] if has_shape("email", text) else []
    if "/" in text or "www." in text or "?" in text:
        is_url = _URL.search(text) or has_shape("url_query", text)
        found += ["url"] if is_url else []
    if any(map(text.__contains__, "0123456789")) or "::" in text:
        found += _with_digits(text)
    given = _NAME.fullmatch(text.strip())
    if (given and given[1] in _GIVEN_NAMES) or _TITLE.fullmatch(text.strip()):
        found.append("name")
    if _is_free_text(text) and "url" not in found:
        found.append("free_text")
    return tuple(found)


def _with_digits(text: str) -> list[str]:
    bare = text.strip()
    date = _DATE.fullmatch(bare)
    if date:
        year = int(date[1] or date[2])
        is_birth = len(bare) <= 10 and 110 > dt.date.today().year - year > 0
        return ["date", "date_of_birth"] if is_birth else ["date"]
    if _UUID.fullmatch(bare):
        return ["unique_id"]
    if _MAC.fullmatch(bare):
        return ["device_id"]
    may_be_address = text.count(".") > 2 or text.count(":") > 1
    holds = {
        "ssn": has_shape("ssn", text),
        "phone": has_shape("phone", text),
        "card": has_card_number(text),
        "mrn": has_shape("mrn", text),
        "ip": may_be_address and has_shape("ip", text),
        "zip": _ZIP.fullmatch(bare),
        "address": _STREET.search(text),
    }
    found = [kind for kind, match in holds.items() if match]
    return found or (["unique_id"] if _CODE.fullmatch(bare) else [])


def kinds_of_number(number: float) -> tuple[str, ...]:
    """Return the kinds of identifier that a number may be."""
    if not isinstance(number, int) or number < 10**9:
        return ()
    text = str(number) if number < 10**19 else ""
    if has_shape("phone", text):
        return ("phone",)
    return ("card",) if is_card_number(text) else ()


def _is_free_text(text: str) -> bool:
    if text.count(" ") < 3 or _AGENT.match(text):
        return False
    return len(_WORD.findall(text)) >= 4


@lru_cache(REMEMBERED)
def is_identifier_key(key: str) -> bool:
    """Whether a key looks like a value: an id, an e-mail address, a date, a text.

    Maps are keyed by such: `{"ann@example.org": {…}}`. A name of a property that looks like
    one is not shown either; it is the price of never showing a value.
    """
    if len(key) > LONGEST_NAME or key.count(" ") > 4 or "://" in key:
        return True
    shapes = {*kinds_of_text(key)} - {"free_text", "url", "unique_id"}
    return bool(shapes or _CODE_IN_KEY.search(key))
