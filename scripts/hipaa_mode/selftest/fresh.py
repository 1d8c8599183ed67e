"""Fresh values: other texts for masked ones, and other values that generalise to the same."""

from __future__ import annotations

import datetime as dt
import random
import re
import string
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from hipaa_mode.selftest.messages import INVISIBLE, is_blank, moment_of, normalized

NORMALIZATIONS = ("none", "email", "phone", "phone(1)", "lower")


class Bijection:
    """A one-to-one map of texts that keeps apart what is apart and together what is together.

    It commutes with every normalisation, so texts that have one token have one token again, and
    no others do. Letters and digits are permuted. A text that is no telephone number gets a tail
    of letters, so lengths change too, and it is none afterwards; in a telephone number the digits
    2 to 9 are permuted, since 0 and 1 tell how it is written.

    Texts of `frozen`, and those that a normalisation makes equal to one of them, stay as they
    are: some destination sees them unmasked, and another as a token.
    """

    def __init__(self, seed: int, frozen: Iterable[str] = ()) -> None:
        source = random.Random(seed)
        # The Kelvin sign and the dotted I are lower-cased to the ASCII letters k and i.
        letters = [letter for letter in string.ascii_lowercase if letter not in "ik"]
        moved = _shifted(letters, source)
        digits = list(string.digits)
        pairs = [*zip(letters, moved), *zip(digits, _shifted(digits, source))]
        self._map = {ord(one): other for one, other in pairs}
        self._map |= {ord(one.upper()): other.upper() for one, other in zip(letters, moved)}
        self._numbers = {
            zero + int(one): chr(zero + int(other))
            for one, other in zip(digits[2:], _shifted(digits[2:], source))
            for zero in (ord("0"), 0xFF10, 0x660, 0x6F0)
        }
        self._tail = "".join(source.choices(string.ascii_lowercase, k=4))
        self._frozen: set[str] = set()
        for text in frozen:
            for once in spellings(text):
                self._frozen.update(spellings(once))
        self._frozen = {text for text in self._frozen if not is_blank(text)}

    def __call__(self, text: str) -> str:
        """Return the other text; a blank one, which has no token, is left as it is."""
        if is_blank(text) or is_blank(normalized(text, "email")) or self.is_frozen(text):
            return text
        if normalized(text, "phone") or normalized(text, "phone(1)"):
            return text.translate(self._numbers)
        core = _visible(text)
        start = text.index(core)
        return text[:start] + self._moved(core) + self._tail + text[start + len(core) :]

    def _moved(self, text: str) -> str:
        """Exchange characters, but those that are composed with others."""
        moved = []
        for place, character in enumerate(text):
            follows = next((c for c in text[place + 1 :] if ord(c) not in INVISIBLE), "")
            if follows and unicodedata.combining(follows):
                moved.append(character)
            elif ord(character) < 128:
                moved.append(self._map.get(ord(character), character))
            else:
                moved.append(_other_symbol(character))
        return "".join(moved)

    def is_frozen(self, text: str) -> bool:
        """Whether a text stays as it is."""
        return not self._frozen.isdisjoint(spellings(text))


def spellings(text: str) -> set[str]:
    """Return what the normalisations make of a text."""
    return {found for name in NORMALIZATIONS if (found := normalized(text, name)) is not None}


def _visible(text: str) -> str:
    """Return a text without the blanks and what nobody sees around it."""
    kept = [p for p, c in enumerate(text) if not is_blank(c) and ord(c) not in INVISIBLE]
    return text[kept[0] : kept[-1] + 1]


def _shifted(characters: list[str], source: random.Random) -> list[str]:
    """Permute so that no character stays in its place."""
    order = characters[:]
    source.shuffle(order)
    following = dict(zip(order, order[1:] + order[:1]))
    return [following[character] for character in characters]


def _other_symbol(character: str) -> str:
    """Exchange neighbours among the symbols: letters may be composed of, or with, others."""
    other = chr(ord(character) ^ 1)
    kinds = {unicodedata.category(character), unicodedata.category(other)}
    is_inert = not any(map(unicodedata.decomposition, (character, other)))
    return other if is_inert and kinds == {"So"} else character


def same_at_precision(text: str, precision: str, source: random.Random) -> str | None:
    """Return another time that is the same at a precision; None where that is not certain."""
    moment = moment_of(text)
    if moment is None or precision == "exact":
        return None
    finer = ["month", "day", "hour", "minute", "second", "microsecond"]
    if precision != "year":
        finer = finer[finer.index(precision) + 1 :]
    values = {
        "month": source.randint(1, 12),
        "day": source.randint(1, 28),
        "hour": source.randint(0, 23),
        "minute": source.randint(0, 59),
        "second": source.randint(0, 59),
        "microsecond": source.randint(0, 999_999),
    }
    moment = moment.replace(**{name: values[name] for name in finer})  # type: ignore[arg-type]
    if moment > dt.datetime.now(dt.timezone.utc):
        # A time that is still to come is none.
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_TIME = r"(?:T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z)?"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_YEAR = (rf"([1-9]\d{{3}})-\d\d-\d\d{_TIME}", "{kept}-{month:02}-{day:02}")
_OF_DAYS = ("year", "birth_year", "month")
_SAME = {
    "year": _YEAR,
    "birth_year": _YEAR,
    "month": (rf"([1-9]\d{{3}}-\d\d)-\d\d{_TIME}", "{kept}-{day:02}"),
    "zip3": ("([0-9]{3})[0-9]{2}(?:-?[0-9]{4})?", "{kept}{zip}"),
    "domain": ("[A-Za-z0-9._+-]+(@[A-Za-z0-9.-]+)", "{word}{kept}"),
    "url_path": (
        "https?://[A-Za-z0-9.-]+(/[A-Za-z0-9/._-]*)?(?:[?#][!-~]*)?",
        "https://{word}.example{kept}?{word}",
    ),
    "url_origin": (
        "(https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?)(?:[/?#][!-~]*)?",
        "{kept}/{word}?{word}",
    ),
    "ip_prefix": (rf"((?:{_BYTE}\.){{3}}){_BYTE}", "{kept}{byte}"),
    "age_cap": (r"([1-9]?[0-9]|1[0-2][0-9]|130)(?:\.[0-9]+)?", "{kept}.{day:02}"),
}
"""What texts of a treatment look like, what of them is kept, and others of the same result."""


def same_generalised(
    treatment: str, argument: str, text: str, small_areas: set[str], source: random.Random
) -> str | None:
    """Return another text that a generalisation makes the same of; None where not certain."""
    if treatment == "truncate":
        kept = text[: int(argument)]
        return kept + word(source) if len(text) > len(kept) and text.isascii() else None
    if treatment == "round":
        return _same_multiple(text, Decimal(argument), source)
    shape, other = _SAME.get(treatment, ("(?!)", ""))
    match = re.fullmatch(shape, text)
    if match is None or (treatment in _OF_DAYS and not _is_day(text[:10])):
        return None
    return other.format(
        kept=_kept(treatment, match[1] or "/", small_areas, source),
        word=word(source),
        month=source.randint(1, 12),
        day=source.randint(1, 28),
        zip=source.choice((f"{source.randrange(100):02}", f"{source.randrange(10**6):06}")),
        byte=source.randint(0, 255),
    )


def _kept(treatment: str, kept: str, small_areas: set[str], source: random.Random) -> str:
    """Return what is kept of a text, or another that is told alike."""
    oldest = dt.datetime.now(dt.timezone.utc).year - 90
    if treatment == "zip3" and kept in small_areas:
        return source.choice(sorted(small_areas))
    if treatment == "age_cap" and int(kept) >= 90:
        return str(source.randint(90, 130))
    if treatment == "birth_year" and int(kept) <= oldest:
        return str(source.randint(oldest - 20, oldest))
    return kept


def _is_day(text: str) -> bool:
    try:
        return bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


def _same_multiple(text: str, step: Decimal, source: random.Random) -> str | None:
    if not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,6})?", text) or step < Decimal("0.001"):
        return None
    nearest = (Decimal(text) / step).to_integral_value("ROUND_HALF_UP") * step
    return format(nearest + step * source.randint(-400, 400) / 1000, "f")


def word(source: random.Random) -> str:
    """Make a word that is in no feed."""
    return "x" + "".join(source.choices(string.ascii_lowercase, k=11))
