"""Invented health-care site traffic as newline-delimited Segment-spec calls.

The demo's own calls are `python3 demo/demo_calls.py FILE --count 6000`.

The people, clinics, employers and providers are made up. Addresses use the reserved
example domains, phones the 555-01xx range, IP addresses the documentation ranges, and
social security numbers area codes that are never issued.

Every value is drawn from :meth:`random.Random.random` alone, the only method whose
sequence Python promises to keep, so one (count, seed) gives the same bytes everywhere.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from random import Random
from typing import Generic, NamedTuple, TypeVar, cast
from urllib.parse import quote_plus

from demo_stories import STORIES, story_call

T = TypeVar("T")
Object = dict[str, object]

DEFAULT_SEED = 2026
WINDOW_START = datetime(2026, 1, 5)
WINDOW_END = datetime(2026, 3, 29, 23, 59, 59)
# Late calls happened up to nine days before they arrived, still inside the window.
FIRST_ARRIVAL = datetime(2026, 1, 15)
CALLS_PER_PERSON = 10
EVERY_KIND_FROM = 5000
EVERY_KIND_TIMES = 2
STORY_STEP = 50
HISTORY_SIZE = 500
FIRST_PATIENT = 10_000
SITE = "https://portal.example.com"

# --------------------------------------------------------------------------- word tables

FIRST_NAMES = (
    "Maria", "James", "Aisha", "Wei", "José", "Priya", "Liam", "Fatima", "Noah", "Zoë",
    "Hannah", "Kofi", "Yuki", "Carlos", "Ingrid", "Omar", "Chloe", "Dmitri", "Leila", "Samuel",
    "Renée", "Tomás", "Grace", "Amir", "Nadia", "Ethan", "Lucía", "Mateo", "Olivia", "Kwame",
)  # fmt: skip
LAST_NAMES = (
    "Lopez", "Okafor", "Nguyễn", "Patel", "Smith", "Muñoz", "Kim", "Haddad", "O'Brien", "Ivanov",
    "Johansson", "Garcia", "Mensah", "Tanaka", "Brown", "Silva", "Rossi", "Ahmed", "Novak",
    "Williams", "Chen", "Dubois", "Fischer", "Moreau", "Jackson",
)  # fmt: skip
STREETS = ("Maple Street", "Oak Avenue", "Harbor Road", "Mill Lane", "Sunset Drive", "2nd Street")
CITIES = (
    ("Springfield", "IL", "62701", "America/Chicago"),
    ("Portland", "OR", "97201", "America/Los_Angeles"),
    ("Albany", "NY", "12207", "America/New_York"),
    ("Boulder", "CO", "80302", "America/Denver"),
    ("Savannah", "GA", "31401", "America/New_York"),
    ("Tucson", "AZ", "85701", "America/Phoenix"),
    ("Duluth", "MN", "55802", "America/Chicago"),
)
CLINIC_AREAS = (
    "North", "Harbor", "Old Mill", "Lakeside", "Station", "Hilltop", "Riverside", "Garden",
    "Market", "West End", "Orchard", "University",
)  # fmt: skip
CLINICS = tuple(
    (f"clinic-{number:03d}", f"Quillmere {area} Clinic")
    for number, area in enumerate(CLINIC_AREAS, start=1)
)
EMPLOYERS = (
    ("Fernhollow Logistics", "logistics"),
    ("Brightmoor Schools", "education"),
    ("Tessel & Dale Foods", "food production"),
    ("Ondine Software", "software"),
    ("Copperline Transit", "transport"),
    ("Wrenfield Hotels", "hospitality"),
)
DEPARTMENTS = (
    "cardiology", "dermatology", "family medicine", "oncology", "orthopedics", "pediatrics",
    "behavioral health", "women's health", "radiology",
)  # fmt: skip
SPECIALTIES = (
    "cardiologist", "dermatologist", "family doctor", "oncologist", "orthopedic surgeon",
    "pediatrician", "psychiatrist", "gynecologist", "radiologist",
)  # fmt: skip
APPOINTMENT_TYPES = ("new patient", "follow-up", "annual physical", "vaccination", "lab work")
CANCEL_REASONS = ("feeling better", "schedule conflict", "cost", "changed provider")
PROVIDER_NAMES = (
    "Dr. Imani Castellan", "Dr. Paul Winterbourne", "Dr. Sana Rahmani", "Dr. Eli Thornquist",
    "Dr. Mei Hollander", "Dr. Rosa Valverde", "Dr. Anton Greaves", "Dr. Joy Adeyemi-Clarke",
    "Dr. Björn Sandoval",
)  # fmt: skip
DRUGS = (
    ("rx-101", "Atorvastatin", "20 mg"),
    ("rx-102", "Metformin", "500 mg"),
    ("rx-103", "Sertraline", "50 mg"),
    ("rx-104", "Lisinopril", "10 mg"),
    ("rx-105", "Albuterol", "90 mcg"),
    ("rx-106", "Levothyroxine", "75 mcg"),
    ("rx-107", "Emtricitabine/tenofovir", "200/300 mg"),
)
PRODUCTS = (
    ("BP-CUFF-M", "Blood pressure cuff", 39.95),
    ("GLU-STRIP-50", "Glucose test strips", 24.5),
    ("VIT-D-60", "Vitamin D tablets", 11.25),
    ("PREG-TEST-2", "Pregnancy test", 9.99),
    ("KNEE-BRACE-L", "Knee brace", 32.0),
    ("MASK-N-20", "Face masks", 14.75),
)
CONDITIONS = (
    "asthma", "type 2 diabetes", "depression", "hypertension", "migraine", "HIV", "pregnancy",
    "breast cancer", "eczema", "anxiety",
)  # fmt: skip
SYMPTOMS = (
    "fever", "cough", "chest pain", "rash", "fatigue", "nausea", "shortness of breath",
    "headache", "joint pain", "insomnia",
)  # fmt: skip
HARMLESS_QUERIES = (
    "opening hours", "parking", "flu shot", "covid test near me", "pay my bill",
    "insurance accepted", "video visit", "café hours", "careers",
)  # fmt: skip
FORMS = ("symptom-checker-a", "symptom-checker-b", "intake-short", "newsletter-footer")
PLANS = ("basic", "plus", "premium", "family", "medicare-advantage")
PLAN_TIERS = ("bronze", "silver", "gold", "platinum")
PAYERS = ("Blue Heron Mutual", "Cedarline Health Plan", "Northgate Assurance", "Self pay")
COUPONS = ("WELLNESS10", "NEWYEAR", "FLUSHOT5", "FAMILY15")
CURRENCIES = ("USD", "USD", "USD", "CAD")
CONVERSION_LABELS = ("appt-booked", "lead-form", "bill-paid", "store-order")
UTM_SOURCES = ("google", "facebook", "bing", "spring-newsletter")
CAMPAIGNS = (
    ("google", "cpc", "winter-checkups", "family doctor near me"),
    ("google", "cpc", "heart-month", "cardiologist reviews"),
    ("facebook", "paid-social", "video-visits", "telehealth"),
    ("newsletter", "email", "february-news", "wellness tips"),
    ("bing", "cpc", "flu-season", "flu shot"),
)
LANGUAGES = ("en", "es", "fr", "zh", "vi")
LOCALES = ("en-US", "en-US", "en-US", "es-US", "fr-CA", "zh-CN")
PAYMENT_METHODS = ("card", "hsa", "bank transfer")
LOGIN_METHODS = ("password", "one-time code", "face id")
MESSAGE_TOPICS = ("test results", "medication question", "billing question", "referral")
OFFSETS = ((330, "+05:30"), (-480, "-08:00"), (60, "+01:00"), (-300, "-05:00"))
DOCUMENTATION_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")

WEB_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/143.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.2 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
)
IOS_AGENT = "QuillmerePortal/4.12 (iPhone; iOS 18.2; Scale/3.00)"
ANDROID_AGENT = "QuillmerePortal/4.11 (Linux; Android 15; Pixel 9)"


class Platform(NamedTuple):
    """What a person uses the portal with."""

    device_type: str
    library: str
    version: str
    agents: tuple[str, ...]


WEB = Platform("desktop", "analytics.js", "2.11.1", WEB_AGENTS)
IOS = Platform("ios", "analytics-ios", "4.1.8", (IOS_AGENT,))
ANDROID = Platform("android", "analytics-android", "4.11.3", (ANDROID_AGENT,))
PLATFORMS = (WEB, WEB, WEB, IOS, ANDROID)

# A page without a name is one the site's template forgot to name.
PAGES: tuple[tuple[str | None, str, str], ...] = (
    ("Home", "/", "Quillmere Health"),
    ("Home", "/", "Quillmere Health"),
    ("Find a Provider", "/providers", "Find a provider"),
    ("Provider Profile", "/providers/dr-0004", "Dr. Eli Thornquist"),
    ("Book Appointment", "/appointments/new", "Book an appointment"),
    ("My Appointments", "/appointments", "My appointments"),
    ("Prescriptions", "/prescriptions", "My prescriptions"),
    ("Messages", "/messages", "Messages to my care team"),
    ("Billing", "/billing", "Bills and payments"),
    ("Insurance", "/insurance", "My insurance plan"),
    ("Symptom Checker", "/symptom-checker", "Symptom checker"),
    ("Video Visit Lobby", "/video-visit", "Your video visit"),
    ("Lab Results", "/results", "Lab results"),
    (None, "/library/type-2-diabetes", "Living with type 2 diabetes"),
    (None, "/library/depression", "Depression: where to start"),
    (None, "/locations", "Our clinics"),
    (None, "/newsletter", "Newsletter"),
)
SEARCH_PAGE = ("Search Results", "/search", "Search results")
REFERRERS = ("", "https://www.example.net/", f"{SITE}/", f"{SITE}/appointments")
SCREENS = (
    "Home", "Appointments", "Appointment Detail", "Prescriptions", "Messages", "Pay Bill",
    "Symptom Checker", "Video Visit", "Settings",
)  # fmt: skip


# ----------------------------------------------------------------------------- primitives


class Dice:
    """Draws built on ``Random.random`` only, to be the same on every Python."""

    def __init__(self, seed: int) -> None:
        """Start a sequence from `seed`."""
        self.random = Random(seed).random

    def below(self, limit: int) -> int:
        """Return a whole number from 0 up to, not including, `limit`."""
        return int(self.random() * limit)

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def chance(self, likelihood: float) -> bool:
        """Return True with the given likelihood."""
        return self.random() < likelihood

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of `choices`."""
        return choices[self.below(len(choices))]

    def several(self, choices: Sequence[T], most: int) -> list[T]:
        """Return one to `most` different entries, in the order of `choices`."""
        wanted = {self.below(len(choices)) for _ in range(self.between(1, most))}
        return [choices[index] for index in sorted(wanted)]

    def uuid(self) -> str:
        """Return text shaped like a version 4 UUID."""
        digits = "".join(f"{self.below(1 << 40):010x}" for _ in range(3))
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-a{digits[15:18]}-{digits[18:30]}"

    def money(self, low: int, high: int) -> float:
        """Return an amount with at most two decimals."""
        return self.between(low * 100, high * 100) / 100


class Weighted(Generic[T]):
    """Choices drawn in proportion to their weights."""

    def __init__(self, rows: Iterable[tuple[T, int]]) -> None:
        """Take (choice, weight) rows."""
        kept = [row for row in rows if row[1] > 0]
        self._choices = [choice for choice, _ in kept]
        self._limits = list(accumulate(weight for _, weight in kept))
        self.total = self._limits[-1]

    def pick(self, dice: Dice) -> T:
        """Return one choice."""
        return self._choices[bisect_right(self._limits, dice.below(self.total))]


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _encode(value: object) -> bytes:
    return _ENCODER.encode(value).encode()


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def _handle(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in plain if letter.isascii() and letter.isalpha()).lower()


# --------------------------------------------------------------------------------- people


@dataclass(frozen=True)
class Person:
    """One invented portal user."""

    user_id: str | int
    anonymous_id: str
    first_name: str
    last_name: str
    email: str
    phone: str
    mrn: str
    ssn: str
    birth_date: str
    age: int
    plan: str
    plan_tier: str
    payer: str
    member_id: str
    clinic_id: str
    clinic_name: str
    address: Object
    timezone: str
    locale: str
    ip: str
    platform: Platform
    user_agent: str
    device_id: str

    @property
    def full_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


def _user_id(dice: Dice, number: int, email: str) -> str | int:
    draw = dice.random()
    if draw < 0.03:
        return number
    if draw < 0.08:
        return email
    return f"patient-{number}"


def _phone(dice: Dice) -> str:
    area, last = dice.between(201, 989), dice.below(100)
    shapes = ("{0}-555-01{1:02d}", "({0}) 555-01{1:02d}", "+1{0}55501{1:02d}")
    return dice.pick(shapes).format(area, last)


def _ssn(dice: Dice) -> str:
    area = dice.between(900, 999) if dice.chance(0.8) else 0
    return f"{area:03d}-{dice.between(10, 99)}-{dice.between(1000, 9999)}"


def _ip(dice: Dice) -> str:
    if dice.chance(0.2):
        return f"2001:db8:{dice.below(65536):x}::{dice.between(1, 65535):x}"
    return f"{dice.pick(DOCUMENTATION_NETWORKS)}.{dice.between(1, 254)}"


def _make_person(seed: int, number: int) -> Person:
    dice = Dice(seed * 1_000_003 + number)
    first, last = dice.pick(FIRST_NAMES), dice.pick(LAST_NAMES)
    domain = dice.pick(("example.com", "example.org", "example.net"))
    email = f"{_handle(first)}.{_handle(last)}{number}@{domain}"
    birth_year = dice.between(1936, 2007)
    clinic_id, clinic_name = dice.pick(CLINICS)
    city, state, postal_code, timezone = dice.pick(CITIES)
    platform = dice.pick(PLATFORMS)
    return Person(
        user_id=_user_id(dice, number, email),
        anonymous_id=dice.uuid(),
        first_name=first,
        last_name=last,
        email=email,
        phone=_phone(dice),
        mrn=f"MRN{number:08d}",
        ssn=_ssn(dice),
        birth_date=f"{birth_year}-{dice.between(1, 12):02d}-{dice.between(1, 28):02d}",
        age=2025 - birth_year,
        plan=dice.pick(PLANS),
        plan_tier=dice.pick(PLAN_TIERS),
        payer=dice.pick(PAYERS),
        member_id=f"MBR{dice.below(10**9):09d}",
        clinic_id=clinic_id,
        clinic_name=clinic_name,
        address={
            "street": f"{dice.between(1, 999)} {dice.pick(STREETS)}",
            "city": city,
            "state": state,
            "postal_code": postal_code,
        },
        timezone=timezone,
        locale=dice.pick(LOCALES),
        ip=_ip(dice),
        platform=platform,
        user_agent=dice.pick(platform.agents),
        device_id=dice.uuid(),
    )


class Scene(NamedTuple):
    """Who makes a call, and when it arrives."""

    dice: Dice
    person: Person
    now: datetime


# ----------------------------------------------------------------------- event properties


def _clinic(scene: Scene) -> Object:
    return {"clinic_id": scene.person.clinic_id, "clinic_name": scene.person.clinic_name}


def _provider(scene: Scene) -> Object:
    index = scene.dice.below(len(PROVIDER_NAMES))
    return {
        "provider_id": f"dr-{index + 1:04d}",
        "provider_name": PROVIDER_NAMES[index],
        "specialty": SPECIALTIES[index],
        "department": DEPARTMENTS[index],
    }


def _appointment(scene: Scene) -> Object:
    dice = scene.dice
    day = scene.now.replace(hour=0, minute=0, second=0, microsecond=0)
    start = day + timedelta(days=dice.between(1, 45), minutes=15 * dice.between(56, 88))
    return {
        "appointmentId": f"appt-{dice.below(10**6):06d}",
        "appointment_type": dice.pick(APPOINTMENT_TYPES),
        "appointment_at": _iso(start),
        **_provider(scene),
        **_clinic(scene),
    }


def _appointment_booked(scene: Scene) -> Object:
    price = scene.dice.money(20, 240)
    return {
        **_appointment(scene),
        "is_new_patient": scene.dice.chance(0.3),
        "price": price,
        "value": price,
        "currency": "USD",
    }


def _appointment_rescheduled(scene: Scene) -> Object:
    return {**_appointment(scene), "timesMoved": scene.dice.between(1, 3)}


def _appointment_cancelled(scene: Scene) -> Object:
    return {**_appointment(scene), "reason": scene.dice.pick(CANCEL_REASONS)}


def _prescription_refilled(scene: Scene) -> Object:
    dice = scene.dice
    drug_id, name, dosage = dice.pick(DRUGS)
    return {
        "prescription": {
            "id": drug_id,
            "name": name,
            "dosage": dosage,
            "refills": dice.below(6),
        },
        "price": dice.money(4, 90),
        "currency": dice.pick(CURRENCIES),
        **_provider(scene),
    }


def _query(scene: Scene) -> str:
    dice, person = scene.dice, scene.person
    draw = dice.random()
    if draw < 0.45:
        return dice.pick(HARMLESS_QUERIES)
    if draw < 0.85:
        wording = ("{}", "{} treatment", "{} symptoms", "do I have {}?", "{} medication cost")
        return dice.pick(wording).format(dice.pick(CONDITIONS))
    private = (
        f"results for {person.full_name}",
        f"reset password {person.email}",
        f"call me back {person.phone}",
        f"{person.full_name} {person.birth_date} {dice.pick(CONDITIONS)}",
    )
    return dice.pick(private)


def _site_searched(scene: Scene) -> Object:
    query = _query(scene)
    return {
        "query": query,
        "results_count": scene.dice.below(60),
        "url": f"{SITE}/search?q={quote_plus(query)}",
    }


def _symptom_checker(scene: Scene) -> Object:
    dice = scene.dice
    return {
        "form_id": dice.pick(FORMS[:3]),
        "symptoms": dice.several(SYMPTOMS, 4),
        "age": scene.person.age,
        "birth_date": scene.person.birth_date,
        "zip": scene.person.address["postal_code"],
        "duration_seconds": dice.between(20, 900),
    }


def _message_sent(scene: Scene) -> Object:
    return {
        **_provider(scene),
        "messageTopic": scene.dice.pick(MESSAGE_TOPICS),
        "body_length": scene.dice.between(12, 2400),
    }


def _bill_paid(scene: Scene) -> Object:
    dice = scene.dice
    total = dice.money(15, 1900)
    return {
        "invoiceId": f"inv-{dice.below(10**6):06d}",
        "total billed": total,
        "revenue": total,
        "value": total,
        "currency": dice.pick(CURRENCIES),
        "paymentMethod": dice.pick(PAYMENT_METHODS),
        **_clinic(scene),
    }


def _plan_changed(scene: Scene) -> Object:
    return {
        "plan": scene.dice.pick(PLANS),
        "previous_plan": scene.person.plan,
        "payer": scene.person.payer,
        "price": scene.dice.money(80, 640),
        "currency": "USD",
        "address": scene.person.address,
    }


def _provider_searched(scene: Scene) -> Object:
    dice = scene.dice
    return {
        "query": _query(scene),
        "specialty": dice.pick(SPECIALTIES),
        "zip": scene.person.address["postal_code"],
        "results_count": dice.below(40),
    }


def _provider_viewed(scene: Scene) -> Object:
    provider = _provider(scene)
    return {**provider, "url": f"{SITE}/providers/{provider['provider_id']}"}


def _video_visit_started(scene: Scene) -> Object:
    return {
        **_provider(scene),
        "appointment_type": "follow-up",
        "isMobile": scene.person.platform is not WEB,
    }


def _video_visit_ended(scene: Scene) -> Object:
    return {
        **_video_visit_started(scene),
        "duration_seconds": scene.dice.between(40, 3600),
        "value": scene.dice.between(1, 5),
    }


def _newsletter(_scene: Scene) -> Object:
    return {"form_id": "newsletter-footer", "url": f"{SITE}/newsletter"}


def _lab_result_viewed(scene: Scene) -> Object:
    return {"department": scene.dice.pick(DEPARTMENTS), **_clinic(scene)}


def _order(scene: Scene) -> Object:
    products = [
        {"sku": sku, "name": name, "price": price, "quantity": scene.dice.between(1, 3)}
        for sku, name, price in scene.dice.several(PRODUCTS, 3)
    ]
    total = scene.dice.money(9, 160)
    order: Object = {
        "orderId": f"order-{scene.dice.below(10**5):05d}",
        "products": products,
        "revenue": total,
        "value": total,
        "currency": scene.dice.pick(CURRENCIES),
    }
    if scene.dice.chance(0.4):
        order["coupon"] = scene.dice.pick(COUPONS)
    return order


def _signed_in(scene: Scene) -> Object:
    return {"loginMethod": scene.dice.pick(LOGIN_METHODS)}


def _account_created(scene: Scene) -> Object:
    return {
        "is_new_patient": True,
        "birth_date": scene.person.birth_date,
        "address": scene.person.address,
        **_signed_in(scene),
    }


class Event(NamedTuple):
    """A track event: its name, how common it is, and what makes its properties."""

    name: str
    weight: int
    properties: Callable[[Scene], Object]


EVENTS = (
    Event("Appointment Booked", 14, _appointment_booked),
    Event("Appointment Rescheduled", 5, _appointment_rescheduled),
    Event("Appointment Cancelled", 4, _appointment_cancelled),
    Event("Prescription Refilled", 10, _prescription_refilled),
    Event("Site Searched", 12, _site_searched),
    Event("Symptom Checker Submitted", 7, _symptom_checker),
    Event("Message Sent", 8, _message_sent),
    Event("Bill Paid", 8, _bill_paid),
    Event("Insurance Plan Changed", 2, _plan_changed),
    Event("Provider Searched", 7, _provider_searched),
    Event("Provider Viewed", 6, _provider_viewed),
    Event("Video Visit Started", 4, _video_visit_started),
    Event("Video Visit Ended", 4, _video_visit_ended),
    Event("Newsletter Signed Up", 2, _newsletter),
    Event("Lab Result Viewed", 4, _lab_result_viewed),
    Event("Order Completed", 4, _order),
    Event("Signed In", 6, _signed_in),
    Event("Account Created", 2, _account_created),
)
_EVENT_DRAW = Weighted((event, event.weight) for event in EVENTS)


def _identifying_properties(scene: Scene) -> Object:
    dice, person = scene.dice, scene.person
    found: Object = {"plan": person.plan}
    if dice.chance(0.7):
        found["email"] = person.email
    if dice.chance(0.4):
        found["phone"] = person.phone
    if dice.chance(0.6):
        found["mrn"] = person.mrn
    return found


def _gclid(dice: Dice) -> str:
    # Letters only: a run of digits could pass for a phone or card number.
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
    return "CjKCQiA" + "".join(dice.pick(letters) for _ in range(20))


def _attribution(dice: Dice) -> Object:
    return {
        dice.pick(("$gclid", "gclid")): _gclid(dice),
        "conversion_label": dice.pick(CONVERSION_LABELS),
        "utm.source": dice.pick(UTM_SOURCES),
    }


def _event_properties(scene: Scene, event: Event) -> Object:
    found = {**_identifying_properties(scene), **event.properties(scene)}
    if scene.dice.chance(0.2):
        found.update(_attribution(scene.dice))
    return found


# --------------------------------------------------------------------------------- traits


def _user_traits(scene: Scene) -> Object:
    dice, person = scene.dice, scene.person
    traits: Object = {
        "email": person.email,
        "phone": person.phone,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "birth_date": person.birth_date,
        "age": person.age,
        "plan": person.plan,
        "plan_tier": person.plan_tier,
        "preferred_language": dice.pick(LANGUAGES),
        "email_opt_in": dice.chance(0.6),
        "created_at": _iso(WINDOW_START - timedelta(days=dice.between(1, 1800))),
        "lifetime_value": dice.money(0, 9000),
        "primary_clinic_id": person.clinic_id,
        "mrn": person.mrn,
    }
    if dice.chance(0.7):
        traits["address"] = person.address
    if dice.chance(0.6):
        traits["insurance"] = {
            "payer": person.payer,
            "member_id": person.member_id,
            "group_number": f"GRP-{dice.between(100, 999)}",
        }
    if dice.chance(0.2):
        traits["ssn"] = person.ssn
    if dice.chance(0.5):
        traits["conditions"] = dice.several(CONDITIONS, 3)
    return traits


def _group_place(index: int) -> Object:
    city, state, postal_code, _ = CITIES[index % len(CITIES)]
    return {"city": city, "state": state, "postal_code": postal_code}


def _clinic_group(dice: Dice) -> tuple[str, Object]:
    index = dice.below(len(CLINICS))
    clinic_id, name = CLINICS[index]
    return clinic_id, {
        "name": name,
        "industry": "health care",
        "employees": 40 + 17 * index,
        "plan": "network",
        **_group_place(index),
        "website": f"https://{clinic_id}.example.com",
        # Issued numbers start with 1 or 2.
        "npi": f"{9_000_000_000 + 7919 * (index + 1)}",
        "total_visits": dice.between(900, 60_000),
    }


def _employer_group(dice: Dice) -> tuple[str, Object]:
    index = dice.below(len(EMPLOYERS))
    name, industry = EMPLOYERS[index]
    return f"employer-{index + 1:03d}", {
        "name": name,
        "industry": industry,
        "employees": 120 + 431 * index,
        "plan": PLANS[index % len(PLANS)],
        **_group_place(index + 3),
        "website": f"https://employer-{index + 1}.example.org",
        "total_visits": dice.between(10, 4000),
    }


def _group(dice: Dice) -> tuple[str, Object]:
    return _clinic_group(dice) if dice.chance(0.6) else _employer_group(dice)


# ------------------------------------------------------------------------------ envelopes


def _page(scene: Scene) -> tuple[str | None, Object]:
    dice = scene.dice
    searching = dice.chance(0.12)
    name, path, title = SEARCH_PAGE if searching else dice.pick(PAGES)
    search = f"?q={quote_plus(_query(scene))}" if searching else ""
    return name, {
        "url": f"{SITE}{path}{search}",
        "path": path,
        "referrer": dice.pick(REFERRERS),
        "title": title,
        "search": search,
    }


def _context(scene: Scene, platform: Platform, page: Object | None) -> Object:
    dice, person = scene.dice, scene.person
    same_device = platform is person.platform
    context: Object = {
        "ip": person.ip,
        "userAgent": person.user_agent if same_device else dice.pick(platform.agents),
        "locale": person.locale,
        "library": {"name": platform.library, "version": platform.version},
        "timezone": person.timezone,
    }
    if page is not None:
        context["page"] = page
    if dice.chance(0.15):
        source, medium, name, term = dice.pick(CAMPAIGNS)
        context["campaign"] = {"source": source, "medium": medium, "name": name, "term": term}
    if platform is not WEB or dice.chance(0.2):
        context["device"] = {"id": person.device_id, "type": platform.device_type}
    return context


def _stamps(dice: Dice, now: datetime, waited: timedelta) -> Object:
    happened = now - waited - timedelta(milliseconds=dice.between(80, 9000))
    sent = now - timedelta(milliseconds=dice.between(20, 79))
    client = _iso(happened)
    if dice.chance(0.06):
        minutes, suffix = dice.pick(OFFSETS)
        local = happened + timedelta(minutes=minutes)
        client = local.isoformat(timespec="milliseconds") + suffix
    stamps: Object = {
        "timestamp": client,
        "originalTimestamp": client,
        "sentAt": _iso(sent),
        "receivedAt": _iso(now),
    }
    if dice.chance(0.1):
        del stamps["originalTimestamp"]
    return stamps


CALL_TYPES = Weighted(
    (("track", 60), ("page", 20), ("screen", 6), ("identify", 9), ("group", 3), ("alias", 2))
)
# Visitors look around before they sign in; the other kinds always name their user.
ANONYMOUS_SHARE = {"page": 0.35, "screen": 0.35, "track": 0.08}
_NO_WAIT = timedelta(0)


def _payload(scene: Scene, kind: str, page_name: str | None, page: Object) -> Object:
    dice = scene.dice
    if kind == "track":
        event = _EVENT_DRAW.pick(dice)
        return {"event": event.name, "properties": _event_properties(scene, event)}
    if kind == "page":
        named: Object = {} if page_name is None else {"name": page_name}
        extra: Object = {"plan": scene.person.plan} if dice.chance(0.3) else {}
        return {**named, "properties": {**page, **extra}}
    if kind == "screen":
        return {"name": dice.pick(SCREENS), "properties": _clinic(scene)}
    if kind == "identify":
        return {"traits": _user_traits(scene)}
    if kind == "group":
        group_id, traits = _group(dice)
        return {"groupId": group_id, "traits": traits}
    return {"previousId": scene.person.anonymous_id}


def _platform_for(scene: Scene, kind: str) -> Platform:
    if kind == "page":
        return WEB
    if kind == "screen" and scene.person.platform is WEB:
        return IOS
    return scene.person.platform


def _call(scene: Scene, kind: str) -> Object:
    dice, person = scene.dice, scene.person
    call: Object = {"messageId": dice.uuid(), "type": kind}
    if dice.chance(ANONYMOUS_SHARE.get(kind, 0)):
        if dice.chance(0.5):
            call["userId"] = None
    else:
        call["userId"] = person.user_id
    call["anonymousId"] = person.anonymous_id
    page_name, page = _page(scene)
    call.update(_payload(scene, kind, page_name, page))
    platform = _platform_for(scene, kind)
    call["context"] = _context(scene, platform, page if platform is WEB else None)
    if dice.chance(0.7):
        call["integrations"] = dice.pick(({}, {"All": True}, {"All": True, "Braze": False}))
    call.update(_stamps(dice, scene.now, _NO_WAIT))
    return call


class Traffic:
    """The running state of one generated stream."""

    def __init__(self, count: int, seed: int) -> None:
        """Set up the people and the clock for `count` calls."""
        self.dice = Dice(seed)
        self.history: list[bytes] = []
        self.now = FIRST_ARRIVAL
        self._count = count
        self._seed = seed
        self._people: dict[int, Person] = {}
        self._population = max(1, count // CALLS_PER_PERSON)

    def advance(self, position: int) -> None:
        """Move the clock to the arrival of the call at `position`."""
        span = int((WINDOW_END - FIRST_ARRIVAL).total_seconds()) * 1000
        self.now = FIRST_ARRIVAL + timedelta(milliseconds=span * position // self._count)

    def person(self) -> Person:
        """Return someone, the same person for the same number every time."""
        number = FIRST_PATIENT + self.dice.below(self._population)
        if number not in self._people:
            self._people[number] = _make_person(self._seed, number)
        return self._people[number]

    def call(self, kind: str | None = None) -> Object:
        """Return a well-formed call of `kind`, or of any kind."""
        scene = Scene(self.dice, self.person(), self.now)
        return _call(scene, kind or CALL_TYPES.pick(self.dice))

    def ordinary_line(self) -> bytes:
        """Return a well-formed line and keep it for later repeats."""
        line = _encode(self.call())
        if len(self.history) < HISTORY_SIZE:
            self.history.append(line)
        elif self.dice.chance(0.1):
            self.history[self.dice.below(HISTORY_SIZE)] = line
        return line


# ----------------------------------------------------------------------------------- mess

MakeLine = Callable[[Traffic, Object], bytes]


def _properties(call: Object) -> Object:
    return cast(Object, call["properties"])


def _set_field(key: str, *values: object) -> MakeLine:
    def make(traffic: Traffic, call: Object) -> bytes:
        return _encode({**call, key: traffic.dice.pick(values)})

    return make


def _drop_field(key: str) -> MakeLine:
    def make(_traffic: Traffic, call: Object) -> bytes:
        del call[key]
        return _encode(call)

    return make


def _odd_key(*keys: str) -> MakeLine:
    """Add properties under odd keys; they hold an e-mail, so letting one through shows."""

    def make(traffic: Traffic, call: Object) -> bytes:
        email = traffic.person().email
        _properties(call).update(dict.fromkeys(keys, email))
        return _encode(call)

    return make


def _add_property(key: str, make_value: Callable[[Traffic], object]) -> MakeLine:
    def make(traffic: Traffic, call: Object) -> bytes:
        _properties(call)[key] = make_value(traffic)
        return _encode(call)

    return make


def _with_raw_properties(call: Object, raw: str, keys: Sequence[str]) -> bytes:
    """Write `raw` JSON text in place of `keys`, where the encoder could not produce it."""
    properties = {key: value for key, value in _properties(call).items() if key not in keys}
    marker = "raw text goes here"
    text = _ENCODER.encode({**call, "properties": {**properties, marker: None}})
    return text.replace(f'"{marker}":null', raw).encode()


def _late(traffic: Traffic, call: Object) -> bytes:
    dice = traffic.dice
    waited = timedelta(days=dice.between(2, 8), seconds=dice.below(86_400))
    # The stamps may leave out originalTimestamp, so the call's own must not linger.
    call.pop("originalTimestamp", None)
    return _encode({**call, **_stamps(dice, traffic.now, waited)})


def _exact_duplicate(traffic: Traffic, call: Object) -> bytes:
    return traffic.dice.pick(traffic.history) if traffic.history else _encode(call)


def _redelivery(traffic: Traffic, call: Object) -> bytes:
    if not traffic.history:
        return _encode(call)
    again: Object = json.loads(traffic.dice.pick(traffic.history))
    return _encode({**again, "receivedAt": _iso(traffic.now)})


def _hollow_ids(text: str) -> MakeLine:
    keys = (("userId",), ("messageId",), ("anonymousId",), ("userId", "anonymousId"))

    def make(traffic: Traffic, call: Object) -> bytes:
        return _encode({**call, **dict.fromkeys(traffic.dice.pick(keys), text)})

    return make


def _numeric_ids(traffic: Traffic, call: Object) -> bytes:
    dice = traffic.dice
    number = FIRST_PATIENT + dice.below(90_000)
    ids: Object = {"userId": number, "anonymousId": dice.below(10**9)}
    if dice.chance(0.5):
        ids["messageId"] = dice.below(10**12)
    return _encode({**call, **ids})


def _padded_ids(_traffic: Traffic, call: Object) -> bytes:
    padded = {key: f" {call[key]} " for key in ("userId", "anonymousId") if call.get(key)}
    return _encode({**call, **padded})


def _null_values(_traffic: Traffic, call: Object) -> bytes:
    _properties(call).update({"email": None, "plan": None, "price": None})
    return _encode(call)


def _empty_objects(traffic: Traffic, call: Object) -> bytes:
    if traffic.dice.chance(0.5):
        return _encode({**call, "properties": {}, "context": {}})
    _properties(call).update({"address": {}, "prescription": {}, "products": []})
    return _encode(call)


SNAKE_ENVELOPE = {
    "messageId": "message_id",
    "userId": "user_id",
    "anonymousId": "anonymous_id",
    "originalTimestamp": "original_timestamp",
    "sentAt": "sent_at",
    "receivedAt": "received_at",
}


def _snake_case_envelope(_traffic: Traffic, call: Object) -> bytes:
    return _encode({SNAKE_ENVELOPE.get(key, key): value for key, value in call.items()})


def _case_pair(traffic: Traffic, call: Object) -> bytes:
    email = traffic.person().email
    _properties(call).update({"email": email, "Email": email.upper()})
    return _encode(call)


def _duplicate_keys(traffic: Traffic, call: Object) -> bytes:
    email = traffic.person().email
    raws = {
        "query": f'"query":"flu shot","query":"{email}"',
        "price": f'"price":45,"price":"{email}"',
    }
    key = traffic.dice.pick(tuple(raws))
    return _with_raw_properties(call, raws[key], [key])


def _raw_floats(_traffic: Traffic, call: Object) -> bytes:
    return _with_raw_properties(call, '"price":1.10,"value":1e2', ["price", "value"])


def _big_integer(traffic: Traffic) -> object:
    return 2**53 + 1 + traffic.dice.below(10**12)


def _deep(traffic: Traffic) -> object:
    note: object = traffic.person().email
    for key in ("note", "detail", "answer", "question", "section", "part"):
        note = {key: note}
    return note


def _dependents(traffic: Traffic) -> object:
    people = [traffic.person() for _ in range(2)]
    return [
        {"first_name": each.first_name, "email": each.email, "birth_date": each.birth_date}
        for each in people
    ]


def _digest(traffic: Traffic) -> object:
    digest = hashlib.sha256(traffic.person().email.encode()).hexdigest()
    return digest.upper() if traffic.dice.chance(0.3) else digest


def _truncated(traffic: Traffic, call: Object) -> bytes:
    text = _ENCODER.encode(call)
    return text[: traffic.dice.between(20, len(text) - 2)].encode()


def _array_line(_traffic: Traffic, call: Object) -> bytes:
    return _encode([call])


def _empty_object_line(_traffic: Traffic, _call: Object) -> bytes:
    return b"{}"


def _text_line(traffic: Traffic, _call: Object) -> bytes:
    lines = (
        "undefined",
        "-- replay of the february queue starts here --",
        f"ERROR could not deliver call for {traffic.person().email}",
    )
    return traffic.dice.pick(lines).encode()


def _invalid_utf8(_traffic: Traffic, call: Object) -> bytes:
    _properties(call)["reason"] = "bad bytes here"
    return _encode(call).replace(b"bad bytes here", b"caf\xe9 \xff\xfe")


def _huge_line(_traffic: Traffic, call: Object) -> bytes:
    _properties(call)["notes"] = "Patient reports a mild headache. " * 9500
    return _encode(call)


def _carriage_return(_traffic: Traffic, call: Object) -> bytes:
    return _encode(call) + b"\r"


class Mess(NamedTuple):
    """A kind of mess: its weight, the call it starts from (None: any) and its maker."""

    name: str
    weight: int
    base: str | None
    make: MakeLine


# Weights are per 10 000 calls. Weight 0: only the guaranteed two in a long stream.
MESS = (
    Mess("late", 80, None, _late),
    Mess("exact_duplicate", 50, None, _exact_duplicate),
    Mess("redelivery", 40, None, _redelivery),
    Mess("carriage_return", 8, None, _carriage_return),
    Mess("missing_message_id", 6, None, _drop_field("messageId")),
    Mess("empty_ids", 5, "track", _hollow_ids("")),
    Mess("blank_ids", 3, "track", _hollow_ids("   ")),
    Mess("numeric_ids", 4, "track", _numeric_ids),
    Mess("padded_ids", 4, "track", _padded_ids),
    Mess("snake_case_envelope", 6, None, _snake_case_envelope),
    Mess("null_properties", 3, "track", _set_field("properties", None)),
    Mess("null_values", 6, "track", _null_values),
    Mess("empty_objects", 4, "track", _empty_objects),
    Mess("properties_array", 2, "track", _set_field("properties", [], ["plan", "basic"])),
    Mess("properties_string", 2, "track", _set_field("properties", "", "plan=basic", "{}")),
    Mess("properties_number", 1, "track", _set_field("properties", 0, 42, 3.5)),
    Mess("traits_not_object", 2, "identify", _set_field("traits", [], "plus", 7, None)),
    Mess("type_case_track", 4, "track", _set_field("type", "Track", "TRACK", " TRACK ")),
    Mess("type_case_identify", 2, "identify", _set_field("type", "Identify", "IDENTIFY")),
    Mess("unknown_type", 3, "page", _set_field("type", "pageleave")),
    Mess("missing_type", 2, None, _drop_field("type")),
    Mess("event_number", 1, "track", _set_field("event", 42, 7.5)),
    Mess("event_object", 1, "track", _set_field("event", {"name": "Bill Paid"})),
    Mess("event_null", 2, "track", _set_field("event", None)),
    Mess("event_missing", 2, "track", _drop_field("event")),
    Mess("key_star", 1, "track", _odd_key("*")),
    Mess("key_dot", 1, "track", _odd_key("a.b")),
    Mess("key_apostrophe", 1, "track", _odd_key("it's")),
    Mess("key_quotes", 1, "track", _odd_key('say "hi"')),
    Mess("key_dollar", 1, "track", _odd_key("$special")),
    Mess("key_case_pair", 2, "track", _case_pair),
    Mess("key_drop_table", 1, "track", _odd_key("drop table")),
    Mess("key_envelope_names", 2, "track", _odd_key("user_id", "event")),
    Mess("key_emoji", 1, "track", _odd_key("mood 🩺")),
    Mess("key_very_long", 1, "track", _odd_key("answer_" * 60 + "end")),
    Mess("duplicate_keys", 3, "track", _duplicate_keys),
    Mess("big_integer", 3, "track", _add_property("value", _big_integer)),
    Mess("raw_floats", 3, "track", _raw_floats),
    Mess("deep_nesting", 3, "track", _add_property("survey", _deep)),
    Mess("array_of_objects", 4, "track", _add_property("dependents", _dependents)),
    Mess("sha256_like", 4, "track", _add_property("email", _digest)),
    Mess("nul_escape", 2, "track", _add_property("reason", lambda _: "left\u0000right")),
    Mess("truncated_line", 4, None, _truncated),
    Mess("array_line", 1, None, _array_line),
    Mess("empty_object_line", 1, None, _empty_object_line),
    Mess("text_line", 2, None, _text_line),
    Mess("invalid_utf8", 0, "track", _invalid_utf8),
    Mess("huge_line", 0, "track", _huge_line),
)
MESS_KINDS = tuple(mess.name for mess in MESS)
_MESS_DRAW = Weighted((mess, mess.weight) for mess in MESS)
_MESS_SHARE = _MESS_DRAW.total / 10_000


def _planned_mess(dice: Dice, count: int) -> dict[int, Mess]:
    """Choose places that guarantee every kind a showing in a long stream."""
    planned: dict[int, Mess] = {}
    if count < EVERY_KIND_FROM:
        return planned
    for mess in MESS * EVERY_KIND_TIMES:
        # Repeats need something to repeat, so leave the start of the stream alone.
        position = dice.between(count // 10, count - 1)
        while position in planned:
            position = dice.between(count // 10, count - 1)
        planned[position] = mess
    return planned


def _planned_stories(count: int, taken: Collection[int]) -> dict[int, int]:
    """Choose places for the calls of the stories, in their order, in the second half."""
    if count < EVERY_KIND_FROM:
        return {}
    free = (place for place in range(count // 2, count, STORY_STEP) if place not in taken)
    return {place: number for number, place in enumerate(islice(free, len(STORIES)))}


# ------------------------------------------------------------------------------ generators


def generate_calls(count: int, seed: int = DEFAULT_SEED) -> Iterator[bytes]:
    """Yield exactly `count` lines of realistic traffic, a few percent of it messy.

    Lines carry no newline. The same `count` and `seed` give the same bytes on every
    machine. From 5000 calls on, every kind in `MESS_KINDS` occurs at least twice, and the calls
    of `demo_stories` take the place of as many others, spread over its second half.
    """
    traffic = Traffic(count, seed)
    dice = traffic.dice
    planned = _planned_mess(dice, count)
    told = _planned_stories(count, planned)
    for position in range(count):
        traffic.advance(position)
        mess = planned.get(position)
        if mess is None and dice.chance(_MESS_SHARE):
            mess = _MESS_DRAW.pick(dice)
        line = (
            traffic.ordinary_line()
            if mess is None
            else mess.make(traffic, traffic.call(mess.base))
        )
        story = told.get(position)
        yield line if story is None else _encode(story_call(story, traffic.now))


def write_calls(path: Path, count: int, seed: int = DEFAULT_SEED) -> None:
    """Write `generate_calls(count, seed)` to `path`, gzipped when it ends in ``.gz``.

    The file appears whole or not at all: it is written beside `path` and then moved.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    lines = (line + b"\n" for line in generate_calls(count, seed))
    try:
        with beside.open("wb") as raw:
            if path.name.endswith(".gz"):
                # No name and no time in the header, or the bytes would differ by run.
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
                    packed.writelines(lines)
            else:
                raw.writelines(lines)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


# ----------------------------------------------------------------------- benchmark traffic

CLEAN_SHAPES = 1024
CLEAN_TYPES = Weighted(
    (("track", 900), ("page", 50), ("identify", 30), ("screen", 10), ("group", 10))
)


class CleanShape(NamedTuple):
    """Text of a benchmark call that does not depend on its person or time."""

    head: str
    tail: str
    is_group: bool


def _members(values: Object) -> str:
    """Encode an object without its braces, to be set into a larger one."""
    return _ENCODER.encode(values)[1:-1]


def _clean_tail(dice: Dice) -> Object:
    extras: tuple[Object, ...] = (
        {"clinic_id": dice.pick(CLINICS)[0]},
        {"results_count": dice.below(60)},
        {"duration_seconds": dice.between(20, 3600)},
        {"specialty": dice.pick(SPECIALTIES)},
        {"coupon": dice.pick(COUPONS)},
        {"is_new_patient": dice.chance(0.3)},
        {"query": dice.pick(CONDITIONS)},
    )
    return {
        "plan": dice.pick(PLANS),
        "zip": dice.pick(CITIES)[2],
        "age": dice.between(18, 89),
        **dice.pick(extras),
        "price": dice.money(4, 240),
    }


def _clean_shape(dice: Dice) -> CleanShape:
    kind = CLEAN_TYPES.pick(dice)
    head: Object = {"type": kind}
    if kind == "group":
        head["groupId"], traits = _group(dice)
        return CleanShape(_members(head), _members(traits), is_group=True)
    if kind == "track":
        head["event"] = _EVENT_DRAW.pick(dice).name
    elif kind == "page":
        head["name"] = dice.pick(PAGES)[0] or SEARCH_PAGE[0]
    elif kind == "screen":
        head["name"] = dice.pick(SCREENS)
    return CleanShape(_members(head), _members(_clean_tail(dice)), is_group=False)


def generate_clean_calls(count: int, seed: int = DEFAULT_SEED) -> Iterator[bytes]:
    """Yield exactly `count` lines of the same traffic without any mess, quickly.

    Meant for benchmarks. Calls average some 300 bytes and nine in ten are track calls.
    Apart from the one percent of group calls, each has eight properties (or traits), of
    which `email`, `phone` and `member_id` identify one of ``count / 10`` people.
    """
    dice = Dice(seed)
    random = dice.random
    shapes = [_clean_shape(dice) for _ in range(CLEAN_SHAPES)]
    handles = [_handle(name) for name in FIRST_NAMES]
    people = max(1, count // CALLS_PER_PERSON)
    offset = dice.below(1 << 48)
    span = int((WINDOW_END - WINDOW_START).total_seconds())
    second, clock = -1, ""
    for position in range(count):
        # An odd factor makes the product distinct for every position.
        high = (position * 0x9E3779B97F4A7C15 + offset) & 0xFFFFFFFFFFFFFFFF
        head, tail, is_group = shapes[int(random() * CLEAN_SHAPES)]
        number = FIRST_PATIENT + int(random() * people)
        if span * position // count != second:
            second = span * position // count
            clock = (WINDOW_START + timedelta(seconds=second)).isoformat()
        start = (
            f'{{"messageId":"{high:016x}{int(random() * (1 << 48)):012x}{position & 65535:04x}"'
            f',{head},"userId":"patient-{number}","timestamp":"{clock}Z"'
        )
        if is_group:
            line = f'{start},"traits":{{{tail}}}}}'
        else:
            section = "traits" if head == '"type":"identify"' else "properties"
            line = (
                f'{start},"{section}":{{"email":"{handles[number % len(handles)]}{number}'
                f'@example.com","phone":"{201 + number % 789}-555-01{number // 789 % 100:02d}"'
                f',"member_id":"M{number:07d}",{tail}}}}}'
            )
        yield line.encode()


def main() -> None:
    """Write the calls that the arguments ask for."""
    parser = argparse.ArgumentParser(description="Make calls of an invented patient portal.")
    parser.add_argument("file", type=Path, help="file to write; gzip if its name ends in .gz")
    parser.add_argument("--count", "-n", type=int, default=6000, help="how many calls")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="same seed, same calls")
    arguments = parser.parse_args()
    write_calls(arguments.file, arguments.count, arguments.seed)


if __name__ == "__main__":
    main()
