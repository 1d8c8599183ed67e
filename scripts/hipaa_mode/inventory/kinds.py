"""Kinds of identifier, how properties that hold them are called, and what the law says of them.

The letters are those of 45 CFR 164.514(b)(2)(i), the Safe Harbor's list of 18 identifiers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hipaa_mode.paths import PropertyPath, snake_case

SAFE_HARBOR = {
    "A": "names",
    "B": "places smaller than a state",
    "C": "dates other than years, and ages over 89",
    "D": "telephone numbers",
    "E": "fax numbers",
    "F": "e-mail addresses",
    "G": "social security numbers",
    "H": "medical record numbers",
    "I": "health plan beneficiary numbers",
    "J": "account numbers",
    "K": "certificate and licence numbers",
    "L": "vehicle identifiers and plates",
    "M": "device identifiers and serial numbers",
    "N": "web addresses (URLs)",
    "O": "IP addresses",
    "P": "biometric identifiers",
    "Q": "full-face photographs",
    "R": "any other unique number, characteristic or code",
}
"""The 18 identifiers of 45 CFR 164.514(b)(2)(i) by their letters."""


@dataclass(frozen=True)
class Kind:
    """A kind of identifier.

    Attributes:
        name: key of the kind, as in JSON.
        title: the kind as people call it.
        letter: its letter in the Safe Harbor's list; blank for free text, which may hold any.
        threshold: share of a property's values that must look like it before it is said; 0 where
            one is enough to say so.
        is_text: whether no number can be one.
    """

    name: str
    title: str
    letter: str
    threshold: float = 0.0
    is_text: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("email", "e-mail address", "F", is_text=True),
        Kind("phone", "phone number", "D"),
        Kind("fax", "fax number", "E"),
        Kind("ssn", "social security number", "G"),
        Kind("mrn", "medical record number", "H"),
        Kind("health_plan", "health plan number", "I"),
        Kind("card", "payment card", "J"),
        Kind("account", "account number", "J"),
        Kind("licence", "licence number", "K"),
        Kind("vehicle", "vehicle or plate", "L"),
        Kind("device_id", "device id", "M", 0.2),
        Kind("url", "URL", "N", is_text=True),
        Kind("ip", "IP address", "O", is_text=True),
        Kind("biometric", "biometric", "P", is_text=True),
        Kind("photo", "photograph", "Q", is_text=True),
        Kind("name", "name of a person", "A", 0.2, is_text=True),
        Kind("date_of_birth", "date of birth", "C", 0.5),
        Kind("date", "date", "C", 0.2),
        Kind("age", "age", "C"),
        Kind("address", "address", "B", 0.05, is_text=True),
        Kind("zip", "ZIP code", "B", 0.5),
        Kind("place", "place", "B"),
        Kind("unique_id", "unique id", "R", 0.2),
        Kind("free_text", "free text", "", 0.05, is_text=True),
    )
}
"""The kinds, in the order in which they are shown."""

_PERSON = (
    "user|patient|person|member|customer|client|contact|dependents?|child|children|parent|"
    "guardian|spouse|partner|provider|doctor|physician|nurse|employee|author|recipient|sender|"
    "subscriber|insured|guarantor|emergency|caregiver|attendee|guest|lead"
)

# On the path in snake_case between underscores, as `_address_postal_code_`. The first of a group
# of kinds that exclude each other counts: a mail address is no place, a MAC address no address.
_NAMES: tuple[tuple[str, str], ...] = (
    ("email", r"_(e_?)?mails?_(address_)?"),
    ("fax", r"_fax_"),
    (
        "phone",
        r"_(tele)?phones?_(number_|no_)?|(?<!_is)_mobile_(number_|no_)?$|_cell_|_tel_|_msisdn_|_sms_(number_)?$",
    ),
    ("ssn", r"_ssn_|_social_security_|_tax_id_|_tin_|_itin_"),
    ("mrn", r"_mrn_|_medical_record_|_chart_(id|number|no)_|_patient_(id|number|no)_"),
    (
        "health_plan",
        r"_(member|subscriber|beneficiary|policy|group_policy|medicare|medicaid|insurance)_"
        r"(id|number|no)_|_insurance_.*_?(id|number|no)_$|_mbi_|_hicn_",
    ),
    ("card", r"_(credit_?|debit_?|payment_)?card_(number_|no_|pan_)?$|_cc_number_|_pan_"),
    ("account", r"_account_(id|number|no)_$|_iban_|_routing_|_bank_|_invoice_(id|number|no)_"),
    ("licence", r"_licen[cs]e_|_npi_|_dea_(number_)?|_certificate_|_passport_"),
    ("vehicle", r"_vin_|_vehicle_|_plate_"),
    (
        "device_id",
        r"_device_(id|token|serial|name)_|_idf[av]_|_gaid_|_aaid_|_advertising_id_|_imei_|_imsi_|"
        r"_mac_(address_)?|_serial_|_android_id_|_udid_",
    ),
    ("ip", r"_ip_(address_|v[46]_)?|_ipv[46]_|_ip$|_remote_addr_|_request_ip_"),
    (
        "url",
        r"_ur[il]s?_|_href_|_referr?er_|_link_|_page_(path|search|location)_|_deep_?link_|"
        r"_web_?site_|_landing_",
    ),
    ("biometric", r"_biometric|_finger_?print_|_face_id_|_voice_?print_|_retina_|_iris_"),
    ("photo", r"_photos?_|_avatar_|_picture_|_selfie_|_headshot_"),
    (
        "date_of_birth",
        r"_dob_|_birth_?(day|date)_|_date_of_birth_|_birth_?year_|_year_of_birth_|_born_",
    ),
    ("age", r"_age_$|_age_(years|at)_"),
    ("zip", r"_zip_?(code_)?|_postal_?(code_)?|_post_?code_"),
    (
        "name",
        r"_(first|last|full|given|family|middle|maiden|sur|display|legal|nick|birth)_?name_|"
        rf"_surname_|_({_PERSON})_name_|_({_PERSON})_.*_name_$|_initials_",
    ),
    ("address", r"_address_((line_?)?[0-9]_?)?$|_street_|_addr_|_apartment_|_po_box_"),
    (
        "place",
        r"_city_|_town_|_county_|_neighbou?rhood_|_precinct_|_lat_|_lng_|_lon_|_latitude_|"
        r"_longitude_|_coordinates_|_geo_(?!country)",
    ),
    (
        "date",
        r"_date_|_(at|on)_$|_time_?stamp_|_datetime_|_day_$|_time_$|_(admission|discharge|visit)_"
        r"(date|day)_",
    ),
    (
        "free_text",
        r"_notes?_|_comments?_|_message_(body_|text_)?$|_body_|_description_|_query_|_search_|"
        r"_term_|_reason_|_feedback_|_question_|_answer_|_remarks?_|_summary_|_free_?text_|"
        r"_subject_|_title_|_transcript_",
    ),
    (
        "unique_id",
        r"_id_$|_ids_$|_uuid_|_guid_|_token_|_hash_|_(user|log_?in|screen)_?name_|_username_|"
        r"_handle_|_session_|_gclid_|_fbclid_|_click_id_|_key_$|_(order|transaction|reference|"
        r"confirmation|tracking|case|claim|ticket)_(id|number|no|code)_|_cookie_|_signature_",
    ),
)

_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _NAMES)

# A kind that is said makes a weaker reading of the same name idle.
_BEATS = {
    "email": {"address", "free_text"},
    "device_id": {"unique_id", "address", "name"},
    "mrn": {"unique_id"},
    "health_plan": {"unique_id"},
    "account": {"unique_id"},
    "ip": {"address"},
    "date_of_birth": {"date"},
    "url": {"free_text"},
    "name": {"unique_id", "free_text"},
    "zip": {"address", "place"},
    "place": {"address"},
}


def kinds_of_name(property_list: str, path: PropertyPath) -> list[str]:
    """Return the kinds of identifier that a property of this name often holds."""
    name = f"_{snake_case(path)}_"
    found = {kind for kind, pattern in _PATTERNS if pattern.search(name)}
    # Of the traits of a user a plain `name` is the person's.
    if (name == "_name_" and property_list == "user") or name == "_traits_name_":
        found.add("name")
    beaten = set().union(*(_BEATS.get(kind, set()) for kind in found))
    return [kind for kind in KINDS if kind in found - beaten]
