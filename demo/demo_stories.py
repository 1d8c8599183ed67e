"""A few people of the demo whose calls say what ordinary traffic does not.

Somebody who asked to be deleted and is known by three ids, people who said no to a tool in each of
the ways that calls can say it, a phone that sent its queue a day late, and one with a wrong clock.
Everybody's user id is below those of the other invented people, and every value is fixed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

Object = dict[str, object]

DELETED_USER = "patient-9001"
"""Who is on the demo's list of suppressed users."""

_FIRST_DEVICE = "5d0c7b1e-0001-4a00-a000-00000000d001"
_SECOND_DEVICE = "5d0c7b1e-0002-4a00-a000-00000000d002"
_FIRST_USER = "patient-9000"
_WEB: Object = {"library": {"name": "analytics.js", "version": "2.11.1"}, "locale": "en-US"}
_PHONE: Object = {"library": {"name": "analytics-ios", "version": "4.1.8"}, "locale": "en-US"}
_AT_ONCE = timedelta(seconds=1)


class Story(NamedTuple):
    """A call without its message id and times, and how these differ from an ordinary call's."""

    call: Object
    waited: timedelta = _AT_ONCE
    """For how long it was queued before it was sent."""
    ahead: timedelta = timedelta(0)
    """By how much the sender's clock is ahead."""
    again: bool = False
    """Whether it is a further delivery of the call before it."""


def _track(event: str, properties: Object, **envelope: object) -> Object:
    return {"type": "track", "event": event, "properties": properties, "context": _WEB, **envelope}


def _page(name: str, **envelope: object) -> Object:
    return {"type": "page", "name": name, "properties": {}, "context": _WEB, **envelope}


def _alias(previous_id: str, user_id: str) -> Object:
    return {"type": "alias", "previousId": previous_id, "userId": user_id, "context": _PHONE}


def _consent(**categories: bool) -> Object:
    return {**_WEB, "consent": {"categoryPreferences": categories}}


_BOOKING: Object = {"plan": "plus", "appointment_type": "follow-up", "price": 85}

STORIES = (
    # The device, the guest account and the account are one person, and only the last is listed.
    Story(_page("Home", anonymousId=_FIRST_DEVICE)),
    Story(_track("Site Searched", {"query": "migraine"}, anonymousId=_FIRST_DEVICE)),
    Story(_alias(_FIRST_DEVICE, _FIRST_USER)),
    Story(_track("Signed In", {"plan": "basic"}, userId=_FIRST_USER, anonymousId=_SECOND_DEVICE)),
    Story(_alias(_FIRST_USER, DELETED_USER)),
    Story(_track("Appointment Booked", _BOOKING, userId=DELETED_USER)),
    # No to every tool, to one, to all but one, and in a form that is no answer.
    Story(
        _track("Appointment Booked", _BOOKING, userId="patient-9002", integrations={"All": False})
    ),
    Story(_page("Home", userId="patient-9002", integrations={"All": False})),
    Story(
        {
            "type": "identify",
            "traits": {"plan_tier": "gold", "email": "ines.marsh9002@example.com"},
            "userId": "patient-9002",
            "context": _WEB,
            "integrations": {"All": False},
        }
    ),
    Story(
        _track(
            "Signed In",
            {"plan": "family"},
            userId="patient-9003",
            integrations={"All": True, "Google Analytics 4": False},
        )
    ),
    Story(
        _page(
            "Home", userId="patient-9003", integrations={"All": False, "Google Analytics 4": True}
        )
    ),
    Story(
        _track(
            "Site Searched",
            {"results_count": 4},
            userId="patient-9003",
            integrations={"Mixpanel": "no"},
        )
    ),
    # Consent by category, given, then withdrawn by a further delivery of the same call.
    Story(
        _track(
            "Appointment Booked",
            _BOOKING,
            userId="patient-9004",
            context=_consent(Advertising=True, Analytics=True),
        )
    ),
    Story(
        _track(
            "Appointment Booked",
            _BOOKING,
            userId="patient-9004",
            context=_consent(Advertising=False, Analytics=True),
        ),
        again=True,
    ),
    Story(
        _track(
            "Newsletter Signed Up",
            {"coupon": "WELLNESS10"},
            userId="patient-9004",
            context={
                **_WEB,
                "consentManagement": {
                    "provider": "custom",
                    "allowedConsentIds": ["Analytics"],
                    "deniedConsentIds": ["Advertising"],
                },
            },
        )
    ),
    # A phone that was off for a day, and one whose clock is a year ahead.
    Story(
        _track(
            "Bill Paid", {"value": 120, "currency": "USD"}, userId="patient-9005", context=_PHONE
        ),
        waited=timedelta(days=1),
    ),
    Story(
        _track("Signed In", {"plan": "plus"}, userId="patient-9006", context=_PHONE),
        ahead=timedelta(days=365),
    ),
)


def story_call(number: int, received: datetime) -> Object:
    """Return the call of a story, by its place in `STORIES`, as it arrives at a time."""
    story = STORIES[number]
    sent = received - timedelta(milliseconds=60) + story.ahead
    happened = sent - story.waited
    # A server that corrects clocks adds `timestamp`; the call with a wrong one has none.
    corrected: Object = {} if story.ahead else {"timestamp": _iso(happened)}
    return {
        "messageId": f"5d0c7b1e-1000-4a00-a000-{number - story.again:012d}",
        **story.call,
        **corrected,
        "originalTimestamp": _iso(happened),
        "sentAt": _iso(sent),
        "receivedAt": _iso(received),
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"
