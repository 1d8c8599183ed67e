"""The forms in which a property may reach a destination.

Each generalisation is a function of `macros/functions/`; this is the catalogue that the
configuration is checked against and that reports quote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

SAFE_HARBOR = "related to 45 CFR 164.514(b)(2)(i)"

DATA_TYPES = {
    "text": "text",
    "string": "text",
    "varchar": "text",
    "integer": "integer",
    "int": "integer",
    "bigint": "integer",
    "number": "number",
    "numeric": "number",
    "double": "number",
    "float": "number",
    "boolean": "boolean",
    "bool": "boolean",
    "timestamp": "timestamp",
    "date": "date",
    "json": "json",
}
"""Spellings accepted in `data_type`, and the type each stands for."""

NORMALIZATIONS = ("none", "email", "phone", "phone(1)", "lower")
"""How a value may be brought to one spelling before masking; `phone(1)` is North America's."""

GUARDS = ("none", "warn", "block")
"""What is done with a value that looks like an identifier: nothing, counted, or made null."""


@dataclass(frozen=True)
class TreatmentKind:
    """One entry of the catalogue.

    Attributes:
        name: what the `treatment` column says.
        data_type: type of the result when the row names none.
        meaning: one line for reports and documentation.
        source: the standard that the treatment follows, or the paragraph that it is related to. No
            treatment satisfies a paragraph by itself: that is judged over all that is received.
        default_argument: argument when the row gives none; None when it takes no argument.
        passes_values: whether original values pass unchanged.
        carries_text: whether a text result holds what the sender wrote, such as an e-mail address
            in a path, rather than a form fixed by the treatment.
    """

    name: str
    data_type: str
    meaning: str
    source: str
    default_argument: str | None = None
    passes_values: bool = False
    carries_text: bool = False


_KINDS = (
    TreatmentKind(
        "allow",
        "text",
        "sent as it is",
        "the row's own reason",
        passes_values=True,
        carries_text=True,
    ),
    TreatmentKind(
        "mask",
        "text",
        "sent as a keyed token (HMAC-SHA-256)",
        "RFC 2104, RFC 5869, NIST SP 800-107r1; derived from the value, so not the code "
        "that 45 CFR 164.514(c) allows",
    ),
    TreatmentKind(
        "surrogate",
        "text",
        "sent as a random code kept in a crosswalk",
        "related to 45 CFR 164.514(c): a code not derived from information about the person",
    ),
    TreatmentKind("deny", "text", "not sent, though the project allowlist has it", "default deny"),
    TreatmentKind("year", "integer", "date to its year", f"{SAFE_HARBOR}(C)"),
    TreatmentKind(
        "birth_year",
        "integer",
        "birth date to its year, people of 90 and over grouped together",
        f"{SAFE_HARBOR}(C), ages over 89",
    ),
    TreatmentKind(
        "month",
        "text",
        "date to its month, yyyy-mm; finer than Safe Harbor allows",
        "ISO 8601; NIST SP 800-188 on generalisation",
    ),
    TreatmentKind(
        "zip3",
        "text",
        "first three ZIP digits, 000 where few people live",
        f"{SAFE_HARBOR}(B), which asks for current figures; the areas, and the year of their "
        "census, are in seeds/small_zip3_areas.csv",
    ),
    TreatmentKind("age_cap", "integer", "age, 90 and over as 90", f"{SAFE_HARBOR}(C)"),
    TreatmentKind(
        "domain",
        "text",
        "domain of an e-mail address or URL",
        "RFC 5321 section 2.3.5, RFC 3986 section 3.2.2",
    ),
    TreatmentKind(
        "url_path",
        "text",
        "path of a URL, no query and no fragment",
        "RFC 3986 section 3.3",
        carries_text=True,
    ),
    TreatmentKind(
        "url_origin",
        "text",
        "scheme, host and port of a URL",
        "RFC 6454 section 4",
        carries_text=True,
    ),
    TreatmentKind(
        "ip_prefix",
        "text",
        "network of an IP address, /24 or /48",
        f"{SAFE_HARBOR}(O), which takes the whole address away; prefix lengths of RFC 4632 and "
        "RFC 6177",
    ),
    TreatmentKind(
        "round",
        "number",
        "number rounded to a step",
        "NIST SP 800-188 on generalisation",
        default_argument="1",
    ),
    TreatmentKind(
        "truncate",
        "text",
        "first characters of a text",
        "ISO/IEC 20889 section 9.4 on generalisation",
        default_argument="3",
        carries_text=True,
    ),
)

TREATMENTS = {kind.name: kind for kind in _KINDS}

_FORM = re.compile(r"([a-z0-9_]+)(?:\(\s*([0-9.]+)\s*\))?")


class TreatmentSyntaxError(ValueError):
    """The `treatment` column does not name a treatment. The text says what is accepted."""


@dataclass(frozen=True)
class Treatment:
    """A treatment as one allowlist row asks for it, argument included."""

    kind: TreatmentKind
    argument: str | None = None

    def __str__(self) -> str:
        """Write it as in the seed: `zip3`, `round(10)`."""
        return self.kind.name if self.argument is None else f"{self.kind.name}({self.argument})"


def parse_treatment(text: str) -> Treatment:
    """Parse the `treatment` column: a name, and for `round` and `truncate` a number.

    Raises:
        TreatmentSyntaxError: unknown name, or an argument where none belongs or of no use.
    """
    match = _FORM.fullmatch(text)
    kind = TREATMENTS.get(match.group(1)) if match else None
    if match is None or kind is None:
        raise TreatmentSyntaxError(
            "unknown treatment; use one of " + ", ".join(TREATMENTS) + ", such as round(10)"
        )
    argument = match.group(2)
    if kind.default_argument is None:
        if argument is not None:
            raise TreatmentSyntaxError(f"`{kind.name}` takes no argument")
        return Treatment(kind)
    return Treatment(kind, _checked_argument(kind, argument or kind.default_argument))


def _checked_argument(kind: TreatmentKind, argument: str) -> str:
    try:
        number = Decimal(argument)
    except InvalidOperation:
        number = Decimal(0)
    if number <= 0:
        raise TreatmentSyntaxError(f"`{kind.name}` needs a number above 0, as {kind.name}(10)")
    if kind.name == "truncate" and number != number.to_integral_value():
        raise TreatmentSyntaxError("`truncate` needs a whole number of characters")
    if kind.name == "truncate":
        return str(int(number))
    return format(number.normalize(), "f")
