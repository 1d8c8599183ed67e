"""Fresh values: other texts for masked ones, and other values that generalise to the same."""

from __future__ import annotations

import calendar
import datetime as dt
import random
import re
import string
import unicodedata
from collections.abc import Callable, Iterable
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

    def __init__(self, seed: int, texts: Iterable[str], frozen: Iterable[str] = ()) -> None:
        source = random.Random(seed)
        # The Kelvin sign and the dotted I are lower-cased to the ASCII letters k and i.
        used = set().union(*texts)
        fixed = ("k" if "\u212a" in used else "") + ("i" if used & set("\u0130\u0307") else "")
        letters = [letter for letter in string.ascii_lowercase if letter not in fixed]
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


def same_generalised(
    treatment: str, argument: str, text: str, small_areas: set[str], source: random.Random
) -> str | None:
    """Return another text that a generalisation makes the same of; None where not certain."""
    if treatment == "zip3":
        return _same_area(text, small_areas, source)
    if treatment == "truncate":
        kept = text[: int(argument)]
        return kept + word(source) if len(text) > len(kept) and text.isascii() else None
    if treatment == "round":
        return _same_multiple(text, Decimal(argument), source)
    return _SAME[treatment](text, source) if treatment in _SAME else None


def _same_area(text: str, small_areas: set[str], source: random.Random) -> str | None:
    if not re.fullmatch("[0-9]{5}(-?[0-9]{4})?", text):
        return None
    area = source.choice(sorted(small_areas)) if text[:3] in small_areas else text[:3]
    return area + source.choice((f"{source.randrange(100):02}", f"{source.randrange(10**6):06}"))


def _same_multiple(text: str, step: Decimal, source: random.Random) -> str | None:
    if not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,6})?", text) or step < Decimal("0.001"):
        return None
    nearest = (Decimal(text) / step).to_integral_value("ROUND_HALF_UP") * step
    return format(nearest + step * source.randint(-400, 400) / 1000, "f")


def _same_age(text: str, source: random.Random) -> str | None:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", text) or Decimal(text) > 130:
        return None
    age = int(Decimal(text))
    return f"{source.randint(90, 130) if age >= 90 else age}.{source.randrange(100):02}"


def _same_year(text: str, source: random.Random) -> str | None:
    year = _year(text)
    return year and f"{year}-{source.randint(1, 12):02}-{source.randint(1, 28):02}"


def _same_birth_year(text: str, source: random.Random) -> str | None:
    year = _year(text)
    last = dt.datetime.now(dt.timezone.utc).year - 90
    return year and _same_year(
        f"{source.randint(last - 20, last)}-01-01" if int(year) <= last else text, source
    )


def _same_month(text: str, source: random.Random) -> str | None:
    return _year(text) and f"{text[:7]}-{source.randint(1, 28):02}"


def _year(text: str) -> str | None:
    match = re.fullmatch(r"([1-9]\d{3})-(\d\d)-(\d\d)(T\d\d:\d\d:\d\d(\.\d+)?Z)?", text)
    if match is None or not 1 <= int(match[2]) <= 12:
        return None
    last_day = calendar.monthrange(int(match[1]), int(match[2]))[1]
    return (
        match[1] if 1 <= int(match[3]) <= last_day and (not match[4] or _is_time(text)) else None
    )


def _is_time(text: str) -> bool:
    hour, minute, second = text[11:19].split(":")
    return int(hour) < 24 and int(minute) < 60 and int(second) < 60


def _same_domain(text: str, source: random.Random) -> str | None:
    match = re.fullmatch(r"[A-Za-z0-9._+-]+(@[A-Za-z0-9.-]+)", text)
    return match and word(source) + match[1]


def _same_url_path(text: str, source: random.Random) -> str | None:
    match = re.fullmatch(r"https?://[A-Za-z0-9.-]+(/[A-Za-z0-9/._-]*)?([?#][!-~]*)?", text)
    return match and f"https://{word(source)}.example{match[1] or '/'}?{word(source)}"


def _same_url_origin(text: str, source: random.Random) -> str | None:
    match = re.fullmatch(r"(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)([/?#][!-~]*)?", text)
    return match and f"{match[1]}/{word(source)}?{word(source)}"


def _same_network(text: str, source: random.Random) -> str | None:
    match = re.fullmatch(r"(([0-9]{1,3}\.){3})[0-9]{1,3}", text)
    if match is None or any(int(part) > 255 or str(int(part)) != part for part in text.split(".")):
        return None
    return match[1] + str(source.randint(0, 255))


_SAME: dict[str, Callable[[str, random.Random], str | None]] = {
    "age_cap": _same_age,
    "year": _same_year,
    "birth_year": _same_birth_year,
    "month": _same_month,
    "domain": _same_domain,
    "url_path": _same_url_path,
    "url_origin": _same_url_origin,
    "ip_prefix": _same_network,
}


def word(source: random.Random) -> str:
    """Make a word that is in no feed."""
    return "x" + "".join(source.choices(string.ascii_lowercase, k=11))
