"""Labelled texts to measure the guard on: invented, of many formats, the same for the same seed.

Nothing here knows the guard's patterns. Numbers are of ranges kept for fiction or documentation
where there are such (NANP 555-01xx, RFC 5737, RFC 3849, RFC 2606), and random elsewhere.
"""

# ruff: noqa: E501 (a line a format)

from __future__ import annotations

import base64
import hashlib
import ipaddress
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

KINDS = ("email", "phone", "ssn", "card", "mrn", "ip", "url_query")
NO_SHAPE = "no shape"
"""Label of identifiers that no pattern seeks."""

Maker = Callable[[random.Random], str]


@dataclass(frozen=True)
class LabelledText:
    """A text and the truth about it.

    Attributes:
        label: kind of the identifier it holds; `no shape` for one that no pattern seeks; `none`.
        form: the format, in words.
        text: the text.
    """

    label: str
    form: str
    text: str


FIRST = ("Ann", "José", "Wei", "Olga", "Priya", "Søren", "Fatima", "Kwame", "Mary-Jane", "Łukasz")
LAST = ("Miller", "García", "Zhang", "Ivanova", "Patel", "Ødegård", "Haddad", "Mensah", "O'Neil")
WORDS = ("visit", "refill", "question", "thanks", "appointment", "delay", "portal", "card", "form")
DOMAINS = ("example.org", "example.com", "mail.example.co.uk", "clinic-group.example", "a.example")
BEFORE = (
    "Please contact {}",
    "{}",
    "{}",
    "as discussed: {}",
    "Hello, my details are {}, thanks!",
    '{{"note":"{}","ok":true}}',
    "notes={}; status=open",
    "患者の連絡先は {} です",
    "See below.\n{}\nRegards 😀",
    "({})",
)
"""What an identifier stands in. Half of all texts are the bare value or nearly so."""


def generate(seed: int, texts_of_each: int) -> list[LabelledText]:
    """Make so many texts of each format."""
    texts: list[LabelledText] = []
    for label, forms in FORMATS.items():
        for form, (make, is_bare) in forms.items():
            dice = random.Random(f"{seed} {label} {form}")
            for _ in range(texts_of_each):
                value = make(dice)
                frame = "{}" if is_bare else dice.choice(BEFORE)
                texts.append(LabelledText(label, form, frame.format(value)))
    return texts


def digits(dice: random.Random, count: int, first: str = "0123456789") -> str:
    """Return so many digits, the first of them of a choice."""
    return dice.choice(first) + "".join(dice.choice("0123456789") for _ in range(count - 1))


def luhn(number: str) -> str:
    """Return a number with its check digit (ISO/IEC 7812-1 annex B) at the end."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return number + str(-total % 10)


def _user(dice: random.Random) -> str:
    first = "".join(letter for letter in dice.choice(FIRST).lower() if letter.isascii())
    last = "".join(letter for letter in dice.choice(LAST).lower() if letter.isalpha())
    last = "".join(letter for letter in last if letter.isascii())
    styles = (
        f"{first}.{last}",
        f"{first[0]}{last}{digits(dice, 2)}",
        f"{first}_{last}+news",
        last,
    )
    return dice.choice(styles)


def _email(dice: random.Random) -> str:
    return f"{_user(dice)}@{dice.choice(DOMAINS)}"


def _nanp(dice: random.Random) -> tuple[str, str, str]:
    return digits(dice, 3, "23456789"), dice.choice(("555", "867", "301")), f"01{digits(dice, 2)}"


def _phone(form: str) -> Maker:
    return lambda dice: form.format(*_nanp(dice))


def _foreign_phone(dice: random.Random) -> str:
    code = dice.choice(("44", "49", "33", "81", "91", "55", "353"))
    groups = " ".join(digits(dice, dice.choice((2, 3, 4))) for _ in range(3))
    return f"+{code} {groups}"


def _ssn_parts(dice: random.Random) -> tuple[str, str, str]:
    return f"{dice.randrange(1, 900):03}", f"{dice.randrange(1, 100):02}", digits(dice, 4)


def _ssn(form: str) -> Maker:
    return lambda dice: form.format(*_ssn_parts(dice))


def _card(dice: random.Random) -> str:
    prefix, length = dice.choice(
        (("4", 16), ("51", 16), ("2221", 16), ("6011", 16), ("34", 15), ("37", 15), ("36", 14))
    )
    return luhn(prefix + digits(dice, length - len(prefix) - 1))


def _grouped_card(separator: str) -> Maker:
    def make(dice: random.Random) -> str:
        number = luhn("4" + digits(dice, 14))
        return separator.join(number[start : start + 4] for start in range(0, 16, 4))

    return make


def _amex(dice: random.Random) -> str:
    number = luhn("37" + digits(dice, 12))
    return f"{number[:4]} {number[4:10]} {number[10:]}"


def _ipv4(dice: random.Random) -> str:
    network = dice.choice(("203.0.113.", "198.51.100.", "192.0.2.", "10.20.", "172.16."))
    tail = (
        str(dice.randrange(256))
        if network.count(".") == 3
        else (f"{dice.randrange(256)}.{dice.randrange(256)}")
    )
    return network + tail


def _ipv6(dice: random.Random, exploded: bool = False) -> str:
    address = ipaddress.IPv6Address((0x20010DB8 << 96) | dice.getrandbits(64))
    return address.exploded if exploded else address.compressed


def _words(dice: random.Random, count: int) -> str:
    return " ".join(dice.choice(WORDS) for _ in range(count))


def _query_url(form: str) -> Maker:
    def make(dice: random.Random) -> str:
        return form.format(
            host=dice.choice(("portal.example.org", "www.clinic.example", "localhost:8080")),
            path=dice.choice(("book", "search/results", "a/b.html", "")),
            query=dice.choice(("reason=oncology", "q=chest+pain&page=2", "id=82", "flu")),
        )

    return make


USER_AGENTS = Path(__file__).with_name("user_agents.txt").read_text("utf-8").splitlines()
"""As browsers, apps and bots send them."""

SPELLED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# By label and format: how to make one, and whether it stands for itself only.
FORMATS: dict[str, dict[str, tuple[Maker, bool]]] = {
    "email": {
        "plain": (_email, False),
        "upper case": (lambda d: _email(d).upper(), False),
        "mailto link": (lambda d: f"mailto:{_email(d)}", False),
        "with a display name": (lambda d: f"{d.choice(FIRST)} <{_email(d)}>", False),
        "at sign percent-encoded": (lambda d: _email(d).replace("@", "%40"), False),
        "internationalised (RFC 6531)": (lambda d: f"{d.choice(('почта', '用户', 'josé'))}@пример.рф", False),
        "quoted local part": (lambda d: f'"{d.choice(FIRST)} {d.choice(LAST)}"@example.org', True),
        "domain literal": (lambda d: f"{_user(d)}@[192.0.2.{d.randrange(256)}]", False),
        "without a top-level domain": (lambda d: f"{_user(d)}@localhost", False),
        "at and dot spelled out": (lambda d: _email(d).replace("@", " at ").replace(".", " dot "), False),
        "blanks around the at sign": (lambda d: _email(d).replace("@", " @ "), False),
        "HTML entity for the at sign": (lambda d: _email(d).replace("@", "&#64;"), False),
    },
    "phone": {
        "212-555-0123": (_phone("{}-{}-{}"), False),
        "(212) 555-0123": (_phone("({}) {}-{}"), False),
        "(212)555-0123": (_phone("({}){}-{}"), False),
        "212.555.0123": (_phone("{}.{}.{}"), False),
        "212 555 0123": (_phone("{} {} {}"), False),
        "1-212-555-0123": (_phone("1-{}-{}-{}"), False),
        "+1 (212) 555-0123": (_phone("+1 ({}) {}-{}"), False),
        "+12125550123 (E.164)": (_phone("+1{}{}{}"), False),
        "212-555-0123 x45": (_phone("{}-{}-{} x45"), False),
        "212-555-0123ext45": (_phone("{}-{}-{}ext45"), False),
        "tel: URI": (_phone("tel:+1-{}-{}-{}"), False),
        "212-555-0123 with non-breaking hyphens": (_phone("{}\u2011{}\u2011{}"), False),
        "2125550123 alone": (_phone("{}{}{}"), True),
        "2125550123 in a text": (_phone("call {}{}{} today"), False),
        "212/555-0123": (_phone("{}/{}-{}"), False),
        "212 5550123": (_phone("{} {}{}"), False),
        "555-0123, no area code": (lambda d: "-".join(_nanp(d)[1:]), False),
        "international, grouped": (_foreign_phone, False),
        "international, compact": (lambda d: _foreign_phone(d).replace(" ", ""), False),
        "international with dots": (lambda d: _foreign_phone(d).replace(" ", "."), False),
        "international with 00": (lambda d: _foreign_phone(d).replace("+", "00"), False),
        "national, leading 0": (lambda d: f"0{digits(d, 3, '123456789')} {digits(d, 6)}", False),
        "JSON number": (_phone('{{"plan":"plus","phone":{}{}{}}}'), True),
        "JSON numbers in a list": (_phone('{{"plan":["plus",{{"all":[1, {}{}{}]}}]}}'), True),
        "JSON text": (_phone('{{"phone":"{}{}{}"}}'), True),
        "JSON key": (_phone('{{"{}{}{}":true}}'), True),
        "full-width digits": (lambda d: "-".join(_nanp(d)).translate({48 + n: 65296 + n for n in range(10)}), False),
    },
    "ssn": {
        "078-05-1120": (_ssn("{}-{}-{}"), False),
        "078 05 1120": (_ssn("{} {} {}"), False),
        "labelled, no hyphens": (_ssn("SSN {}{}{}"), False),
        "JSON number": (lambda d: f'{{"ssn":{int("".join(_ssn_parts(d)))}}}', True),
        "labelled `Social Security number:`": (_ssn("Social Security number: {}-{}-{}"), False),
        "with en dashes": (_ssn("{}\u2013{}\u2013{}"), False),
        "with dots": (_ssn("{}.{}.{}"), False),
        "nine digits alone": (_ssn("{}{}{}"), True),
        "last four, labelled": (lambda d: f"SSN ending in {digits(d, 4)}", False),
    },
    "card": {
        "compact": (_card, False),
        "in fours with blanks": (_grouped_card(" "), False),
        "in fours with hyphens": (_grouped_card("-"), False),
        "American Express, 4-6-5": (_amex, False),
        "followed by expiry": (lambda d: f"{_grouped_card(' ')(d)} 09/29", False),
        "followed by security code": (lambda d: f"{_card(d)} {digits(d, 3)}", False),
        "with dots": (_grouped_card("."), False),
        "in fours with two blanks": (_grouped_card("  "), False),
        "masked but for the last four": (lambda d: f"**** **** **** {digits(d, 4)}", False),
    },
    "mrn": {
        "MRN 12345678": (lambda d: f"MRN {digits(d, 8)}", False),
        "MRN00012345": (lambda d: f"MRN{digits(d, 8)}", False),
        "MRN: A-123456": (lambda d: f"MRN: {d.choice('ABCHJ')}-{digits(d, 6)}", False),
        "MRN #12-34-56": (lambda d: f"MRN #{digits(d, 2)}-{digits(d, 2)}-{digits(d, 2)}", False),
        "mrn=1234567": (lambda d: f"mrn={digits(d, 7)}", False),
        "JSON `mrn`": (lambda d: f'{{"mrn":"{digits(d, 8)}"}}', True),
        "medical record number 1234567": (lambda d: f"medical record number {digits(d, 7)}", False),
        "Medical Record No. 1234567": (lambda d: f"Medical Record No. {digits(d, 7)}", False),
        "Patient ID: 1234567": (lambda d: f"Patient ID: {digits(d, 7)}", False),
        "patient-104822": (lambda d: f"patient-{digits(d, 6)}", False),
        "/patients/104822 in a path": (lambda d: f"/portal/patients/{digits(d, 6)}/chart", False),
        "chart number 123456": (lambda d: f"chart number {digits(d, 6)}", False),
        "MR# 1234567": (lambda d: f"MR# {digits(d, 7)}", False),
        "Epic-style E1234567, no label": (lambda d: f"E{digits(d, 7)}", False),
        "bare number": (lambda d: digits(d, 8), False),
        "Spanish, `historia clínica 123456`": (lambda d: f"historia clínica {digits(d, 6)}", False),
    },
    "ip": {
        "IPv4": (_ipv4, False),
        "IPv4 with port": (lambda d: f"{_ipv4(d)}:{d.randrange(1024, 65536)}", False),
        "IPv4 in a URL": (lambda d: f"http://{_ipv4(d)}/status", False),
        "IPv4 of four single digits": (lambda d: ".".join(digits(d, 1, "123456789") for _ in range(4)), False),
        "IPv4 as a number": (lambda d: str(int(ipaddress.IPv4Address(d.getrandbits(31) | 1 << 30))), False),
        "IPv4 behind a host name and a slash": (lambda d: f"{d.choice(('localhost', 'web1', 'portal.example.org'))}/{_ipv4(d)}", False),
        "IPv4 in a host name": (lambda d: f"ip-{_ipv4(d).replace('.', '-')}.ec2.internal", False),
        "IPv6, shortened": (_ipv6, False),
        "IPv6, in full": (lambda d: _ipv6(d, exploded=True), False),
        "IPv6 in brackets": (lambda d: f"[{_ipv6(d)}]:443", False),
        "IPv6, link-local with zone": (lambda d: f"fe80::{d.getrandbits(16):x}:{d.getrandbits(16):x}:fe12:{d.getrandbits(16):x}%eth0", False),
        "IPv4 mapped into IPv6": (lambda d: f"::ffff:{_ipv4(d)}", False),
    },
    "url_query": {
        "https URL": (_query_url("https://{host}/{path}?{query}"), False),
        "with user and fragment": (_query_url("https://user@{host}/{path}?{query}#top"), False),
        "app scheme": (_query_url("clinicapp://open/{path}?{query}"), False),
        "www without scheme": (_query_url("www.clinic.example/{path}?{query}&x=1"), False),
        "path and query": (_query_url("/{path}?reason=oncology&x={query}"), False),
        "host without scheme": (_query_url("clinic.example/{path}?reason={query}"), False),
        "query in the fragment": (_query_url("https://{host}/#/{path}?{query}"), False),
        "percent-encoded URL": (_query_url("https%3A%2F%2F{host}%2F{path}%3Freason%3D1"), False),
        "parameters in the fragment only": (_query_url("https://{host}/{path}#token=82&{query}"), False),
        "bare query string": (_query_url("?{query}&reason=oncology"), False),
    },
    NO_SHAPE: {
        "full name": (lambda d: f"{d.choice(FIRST)} {d.choice(LAST)}", False),
        "street address": (lambda d: f"{d.randrange(1, 9999)} {d.choice(LAST)} Street, Apt {d.randrange(1, 40)}", False),
        "date of birth": (lambda d: f"born {d.randrange(1930, 2010)}-{d.randrange(1, 13):02}-{d.randrange(1, 29):02}", False),
        "phone number spelled out": (lambda d: " ".join(SPELLED[int(n)] for n in "".join(_nanp(d))), False),
        "licence plate": (lambda d: f"{d.choice('ABCD')}{d.choice('XYZ')}K {digits(d, 4)}", False),
        "member id of an insurer": (lambda d: f"W{digits(d, 9)}", False),
        "e-mail address in Base64": (lambda d: base64.b64encode(_email(d).encode()).decode(), False),
        "social media handle": (lambda d: f"@{_user(d)}", False),
        "device MAC address": (lambda d: ":".join(f"{d.getrandbits(8):02X}" for _ in range(6)), False),
        "diagnosis in words": (lambda d: f"has {d.choice(('lupus', 'HIV', 'asthma'))} since spring", False),
    },
    "none": {
        "plain words": (lambda d: _words(d, d.randrange(1, 12)), True),
        "other scripts and emoji": (lambda d: d.choice(("予約をお願いします", "Спасибо большое 😀", "شكرا جزيلا", "👩‍⚕️🏥 ok", "ευχαριστώ")), True),
        "version, two or three parts": (lambda d: f"v{d.randrange(20)}.{d.randrange(40)}.{d.randrange(400)}", False),
        "version, four parts": (lambda d: ".".join(str(d.randrange(m)) for m in (20, 10, 30, 10)), False),
        "browser version": (lambda d: f"Chrome/{d.randrange(90, 150)}.0.{d.randrange(4000, 7000)}.{d.randrange(200)}", False),
        "user agent": (lambda d: d.choice(USER_AGENTS), True),
        "ISO date": (lambda d: f"{d.randrange(2000, 2030)}-{d.randrange(1, 13):02}-{d.randrange(1, 29):02}", False),
        "US date and time": (lambda d: f"{d.randrange(1, 13)}/{d.randrange(1, 29)}/{d.randrange(2000, 2030)} {d.randrange(1, 13)}:{d.randrange(60):02} PM", False),
        "ISO time stamp": (lambda d: f"2026-{d.randrange(1, 13):02}-{d.randrange(1, 29):02}T{d.randrange(24):02}:{d.randrange(60):02}:{d.randrange(60):02}.{digits(d, 3)}+02:00", False),
        "clock times": (lambda d: f"{d.randrange(24):02}:{d.randrange(60):02}-{d.randrange(24):02}:{d.randrange(60):02}:{d.randrange(60):02}", False),
        "seconds since 1970": (lambda d: str(1_700_000_000 + d.randrange(100_000_000)), False),
        "milliseconds since 1970": (lambda d: str(1_700_000_000_000 + d.randrange(100_000_000_000)), False),
        "microseconds since 1970": (lambda d: str(1_700_000_000_000_000 + d.randrange(10**14)), False),
        "price": (lambda d: f"${d.randrange(1, 9999):,}.{digits(d, 2)}", False),
        "dose or pressure": (lambda d: d.choice((f"{d.randrange(90, 180)}-{d.randrange(50, 110)}", f"{d.randrange(5, 900)} mg/{d.randrange(1, 9)} mL", f"{d.randrange(90, 180)}/{d.randrange(50, 110)} mmHg")), False),
        "order number, 7 digits": (lambda d: f"order {digits(d, 7)}", False),
        "order number, 3-7-7": (lambda d: f"{digits(d, 3)}-{digits(d, 7)}-{digits(d, 7)}", False),
        "order number, 10 digits alone": (lambda d: digits(d, 10, "123456789"), True),
        "order number, 10 digits in a text": (lambda d: f"order {digits(d, 10, '123456789')}", False),
        "order number, 16 digits": (lambda d: f"order {digits(d, 16, '123456789')}", False),
        "ISBN": (lambda d: f"978-{digits(d, 1)}-{digits(d, 2)}-{digits(d, 6)}-{digits(d, 1)}", False),
        "bar code (EAN-13)": (lambda d: digits(d, 13, "0456789"), False),
        "UUID": (lambda d: str(uuid.UUID(int=d.getrandbits(128), version=4)), False),
        "SHA-256": (lambda d: hashlib.sha256(d.randbytes(8)).hexdigest(), False),
        "Git commit": (lambda d: d.randbytes(20).hex()[: d.choice((7, 40))], False),
        "Base64 token": (lambda d: base64.urlsafe_b64encode(d.randbytes(24)).decode(), False),
        "Google click id": (lambda d: "EAIaIQobChMI" + base64.urlsafe_b64encode(d.randbytes(30)).decode(), True),
        "product code": (lambda d: f"{d.choice(('SKU', 'AB', 'X'))}-{digits(d, 4)}-{digits(d, 3)}", False),
        "part number, 3-2-4": (lambda d: f"P/N {digits(d, 3)}-{digits(d, 2)}-{digits(d, 4)}", False),
        "drug code (NDC 5-4-2)": (lambda d: f"NDC {digits(d, 5)}-{digits(d, 4)}-{digits(d, 2)}", False),
        "diagnosis or procedure code": (lambda d: d.choice((f"E11.{digits(d, 2)}", f"{digits(d, 5)}-{digits(d, 2)}", f"J{digits(d, 4)}")), False),
        "provider number (NPI)": (lambda d: luhn("1" + digits(d, 8)), True),
        "ZIP+4": (lambda d: f"{digits(d, 5)}-{digits(d, 4)}", False),
        "coordinates": (lambda d: f"{d.uniform(-90, 90):.5f}, {d.uniform(-180, 180):.6f}", False),
        "ISO 6709 coordinates": (lambda d: f"{d.uniform(-90, 90):+09.5f}{d.uniform(-180, 180):+010.5f}/", False),
        "long decimal": (lambda d: str(d.random() * 10 ** d.randrange(6)), False),
        "host name": (lambda d: f"{d.choice(WORDS)}-{d.randrange(99)}.portal.example.org", False),
        "URL without query": (lambda d: f"https://portal.example.org/{d.choice(WORDS)}/{d.choice(WORDS)}", False),
        "URL at the end of a question": (lambda d: f"Is it https://portal.example.org/{d.choice(WORDS)}?", True),
        "package and version": (lambda d: f"{d.choice(WORDS)}@{d.randrange(20)}.{d.randrange(20)}.{d.randrange(20)}", False),
        "retina image name": (lambda d: f"{d.choice(WORDS)}@{d.choice((2, 3))}x.png", False),
        "Git address": (lambda d: f"git@code.example.org:team/{d.choice(WORDS)}.git", False),
        "object identifier": (lambda d: f"2.16.840.1.113883.{d.randrange(1, 20)}.{d.randrange(1, 99)}", False),
        "C++ name": (lambda d: f"std::{d.choice(WORDS)}::iterator", False),
        "count of patients": (lambda d: f"{d.randrange(1, 99999):,} patients in {d.randrange(2000, 2027)}", False),
        "JSON object": (lambda d: f'{{"plan":"{d.choice(WORDS)}","count":{d.randrange(99999)},"at":"2026-03-02T10:{d.randrange(10, 60)}:00Z"}}', True),
    },
}  # fmt: skip
