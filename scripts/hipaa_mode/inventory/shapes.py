"""The shapes of identifiers that the guard seeks, for Python.

The same expressions as in macros/functions/duckdb.sql, which a test compares, so
that the inventory says of a value what the guard would. docs/guard.md measures them.
"""

from __future__ import annotations

import re

_SEPARATOR = "[-. \u00a0\u2010-\u2013]"
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LONG_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])"
_NOT_ZERO = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)"
_ADDRESSES = "|".join(
    r"\.".join(octets)
    for position in range(1, 4)
    for octets in (
        [_OCTET] * position + [_LONG_OCTET] + [_OCTET] * (3 - position),
        [_LONG_OCTET] + ["0"] * (position - 1) + [_NOT_ZERO] + [_OCTET] * (3 - position),
    )
)
_BEFORE_ADDRESS = "((^|[^0-9A-Za-z./])|(^|[^A-Za-z_])([a-z][A-Za-z_]*|[A-Z_]*)/)"
_GROUP = "[0-9A-Fa-f]{1,4}"
_LABELLED = (
    "[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?"
)
_LETTERS = "[A-Za-z]{0,3}[-_ ]?"

EXPRESSIONS: dict[str, tuple[str, ...]] = {
    "email_like": (
        r"""[^\s@"'(),:\x3b<>\[\]](@|%40)([^\s@"'(),:\x3b<>\[\]/?#&=.]+\.)+"""
        r"""[^\s@"'(),:\x3b<>\[\]/?#&=.0-9_-]{2,}""",
    ),
    "phone_like": (
        rf"(^|[^0-9A-Za-z])(\+?1{_SEPARATOR}?)?(\([2-9][0-9]{{2}}\){_SEPARATOR}?|"
        rf"[2-9][0-9]{{2}}({_SEPARATOR}|/))[0-9]{{3}}{_SEPARATOR}[0-9]{{4}}"
        "([^0-9A-Za-z]|[xX][0-9]|[Ee]xt|$)",
        r"(^|[^0-9A-Za-z+])\+[1-9][0-9]{0,2}(\.[0-9]{2,4}){3,6}([^0-9]|$)",
        "(^|[^0-9A-Za-z+])\\+[1-9]([- ()\u00a0\u2010-\u2013]{0,2}[0-9]){7,14}([^0-9]|$)",
        r"""(^|[\[{:,])\s*"?\s*1?[2-9][0-9]{2}[2-9][0-9]{6}(\.0+)?\s*"?\s*([\]}:,]|$)""",
        "([Pp]hone|PHONE|[Mm]obile|MOBILE|(^|[^A-Za-z])([Tt]el|TEL|[Ff]ax|FAX))"
        rf"{_LABELLED}[0-9]{{10,15}}([^0-9A-Za-z]|$)",
    ),
    "ssn_like": (
        rf"(^|[^0-9A-Za-z.-])[0-9]{{3}}{_SEPARATOR}[0-9]{{2}}{_SEPARATOR}[0-9]{{4}}"
        "([^0-9A-Za-z-]|$)",
        rf"([Ss][Ss][Nn]|[Ss]ocial[ _-]?[Ss]ecurity){_LABELLED}{_LABELLED}([0-9]{{3}}{_SEPARATOR}?"
        rf"[0-9]{{2}}{_SEPARATOR}?[0-9]{{4}}|[0-9]{{7,8}}([^0-9]|$))",
    ),
    "mrn_like": (
        rf"(^|[^A-Za-z])[Mm]\.?[Rr]\.?[Nn]\.?{_LABELLED}{_LETTERS}[0-9]([-. ]?[0-9]){{3,}}",
        "(^|[^A-Za-z])([Mm]edical[ _-]?[Rr]ecord|MEDICAL RECORD|[Pp]atients?|PATIENT|"
        f"[Cc]hart[ _-]?([Nn]o|[Nn]umber|#)|MR ?#){_LABELLED}{_LETTERS}[0-9]{{5,}}",
    ),
    "ip_like": (
        rf"{_BEFORE_ADDRESS}({_ADDRESSES})\.?([^0-9A-Za-z.]|$)",
        f"(^|[^0-9A-Za-z:.])(({_GROUP}:){{7}}{_GROUP}|({_GROUP}:){{2,6}}(:{_GROUP}){{1,5}}|"
        f"{_GROUP}:(:{_GROUP}){{2,6}}|({_GROUP}:){{2,7}}:)([^0-9A-Za-z:]|$)",
    ),
    "url_query_like": (
        r'://[^\s?"<>]+\?[^\s"<>]',
        r'www\.[^\s?"]+\?[^\s"]|(^|[\s"]|/[^\s?"]*)\?[^\s?#=&"]+=',
    ),
}
"""Regular expressions by kind, under the macro's names."""

_COMPILED = {kind: re.compile("|".join(those)) for kind, those in EXPRESSIONS.items()}
_THIRTEEN_DIGITS = re.compile("[0-9]([ .-]{0,2}[0-9]){12}")
# However the digits stand; and in the usual groups, where more digits may follow.
_CARDS = (
    re.compile("(?:^|[^0-9A-Za-z.-])([0-9](?:[ -]?[0-9]){12,18})(?:[^0-9A-Za-z-]|$)"),
    re.compile(
        "(?:^|[^0-9A-Za-z.-])([0-9]{16}|[0-9]{4}(?:[ .-]{1,2}[0-9]{4}){3}|"
        "3[0-9]{3}[ .-]{0,2}[0-9]{6}[ .-]{0,2}[0-9]{4,5})(?:[^0-9A-Za-z-]|$)"
    ),
)
_ISSUED = re.compile("4[0-9]{12}|3[0-9]{13}|[1-3][0-9]{14}|[2-6][0-9]{15,18}")


def has_shape(kind: str, text: str) -> bool:
    """Whether a text looks like, or holds, an identifier of a kind."""
    return _COMPILED[kind].search(text) is not None


def has_card_number(text: str) -> bool:
    """Whether a text holds the number of a payment card."""
    if not _THIRTEEN_DIGITS.search(text):
        return False
    return any(is_card_number(m[1]) for cards in _CARDS for m in cards.finditer(text))


def is_card_number(text: str) -> bool:
    """Whether digits begin as a card issuer's and pass the check of ISO/IEC 7812-1 (Luhn)."""
    number = re.sub("[^0-9]", "", text)
    if not _ISSUED.fullmatch(number):
        return False
    digits = [int(digit) for digit in number]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
