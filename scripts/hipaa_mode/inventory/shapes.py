"""The shapes of identifiers that the guard seeks, for Python.

The expressions are those of macros/functions/duckdb.sql, so that the inventory says of a value
what the guard would. docs/guard.md measures them. Cards need arithmetic, which is written again.
"""

from __future__ import annotations

import functools
import re

import duckdb

from hipaa_mode.functions import SCHEMA, create_called

KINDS_OF_SHAPE = ("email", "phone", "ssn", "mrn", "ip", "url_query")

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


@functools.cache
def expressions() -> dict[str, str]:
    """Return the regular expression of each kind of shape."""
    query = f"select {', '.join(f'{SCHEMA}.{kind}_pattern()' for kind in KINDS_OF_SHAPE)}"
    with duckdb.connect() as connection:
        create_called(connection, query)
        [found] = connection.execute(query).fetchall()
    return dict(zip(KINDS_OF_SHAPE, found))


@functools.cache
def _compiled() -> dict[str, re.Pattern[str]]:
    return {kind: re.compile(expression) for kind, expression in expressions().items()}


def has_shape(kind: str, text: str) -> bool:
    """Whether a text looks like, or holds, an identifier of a kind."""
    return _compiled()[kind].search(text) is not None


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
