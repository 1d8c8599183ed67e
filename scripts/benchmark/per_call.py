"""Per-call peer of the benchmark: the transform of a destination function, in plain Python.

Reads newline-delimited calls as a stream, one process, standard library only. Each call is
parsed once; each destination's function then makes the payload it may receive. By default a
call's values are masked and generalised once for the three destinations, whose tokens are the
same; `--isolated` leaves that to each destination's function, as customer-data platforms run
them: every function is handed the call and knows nothing of the others.

The HMAC key comes from the environment variable PER_CALL_KEY.
"""

from __future__ import annotations

import argparse
import contextlib
import hmac
import json
import math
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Call = dict[str, Any]

ALLOWED_EVENTS = frozenset(
    (
        "Appointment Booked",
        "Appointment Rescheduled",
        "Appointment Cancelled",
        "Prescription Refilled",
        "Site Searched",
        "Symptom Checker Submitted",
        "Message Sent",
        "Bill Paid",
        "Insurance Plan Changed",
        "Provider Searched",
        "Provider Viewed",
        "Video Visit Started",
        "Video Visit Ended",
        "Newsletter Signed Up",
        "Lab Result Viewed",
        "Order Completed",
        "Signed In",
        "Account Created",
    )
)
SMALL_ZIP3_AREAS = frozenset(
    (
        "036", "059", "063", "102", "203", "556", "692", "790", "821",
        "823", "830", "831", "878", "879", "884", "890", "893",
    )
)  # fmt: skip
TIMESTAMPS: dict[str, Callable[[str], str]] = {
    "ga4": lambda stamp: f"{stamp[:13]}:00:00",
    "mixpanel": lambda stamp: stamp[:19],
    "amplitude": lambda stamp: f"{stamp[:10]}T00:00:00",
}
"""By destination: a UTC timestamp at the precision it may receive (hour, second, day)."""

NOT_DIGITS = re.compile(r"[^0-9]")
ZIP = re.compile(r"[0-9]{5}(-?[0-9]{4})?")

KEY = os.environ["PER_CALL_KEY"].encode()
ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("raw_calls", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--isolated", action="store_true")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    transform = isolated_payloads if arguments.isolated else payloads
    run(arguments.raw_calls, arguments.output, transform)


def run(
    raw_calls: Path, output: Path, transform: Callable[[Call, str], list[dict[str, Any]]]
) -> None:
    """Send every usable call's payloads to the files of their destinations."""
    seen: set[str] = set()
    with contextlib.ExitStack() as stack:
        open_file = stack.enter_context
        lines = open_file(raw_calls.open(encoding="utf-8", newline="\n"))
        rejected = open_file((output / "rejected.ndjson").open("w", encoding="utf-8"))
        files = [
            open_file((output / f"{destination}.ndjson").open("w", encoding="utf-8"))
            for destination in TIMESTAMPS
        ]
        for line in lines:
            try:
                call = json.loads(line)
                message_id = call["messageId"]
                call_type = call["type"].strip().lower()
            except (ValueError, KeyError, TypeError, AttributeError):
                rejected.write(line)
                continue
            if message_id in seen:
                continue
            seen.add(message_id)
            if call_type != "track" or call.get("event") not in ALLOWED_EVENTS:
                continue
            for file, payload in zip(files, transform(call, call_type)):
                file.write(ENCODE(payload) + "\n")


def payloads(call: Call, call_type: str) -> list[dict[str, Any]]:
    """Make the payloads of all destinations, masking once."""
    permitted = permitted_call(call, call_type)
    return [at_precision(permitted, precise) for precise in TIMESTAMPS.values()]


def isolated_payloads(call: Call, call_type: str) -> list[dict[str, Any]]:
    """Make the payloads of all destinations, each from the call itself."""
    return [
        at_precision(permitted_call(call, call_type), precise) for precise in TIMESTAMPS.values()
    ]


def permitted_call(call: Call, call_type: str) -> dict[str, Any]:
    """Keep what a destination may receive, in the form it may; timestamps are still exact."""
    properties = call.get("properties") or {}
    return {
        "row_id": token(call["messageId"]),
        "call_type": call_type,
        "event": call["event"],
        "timestamp": utc(call.get("timestamp")),
        "received_at": utc(call.get("receivedAt")),
        "user_id": token(call.get("userId")),
        "anonymous_id": token(call.get("anonymousId")),
        "group_id": token(call.get("groupId")),
        "email_token": token(email(properties.get("email"))),
        "phone_token": token(phone(properties.get("phone"))),
        "member_token": token(properties.get("member_id")),
        "plan": properties.get("plan"),
        "zip3": zip3(properties.get("zip")),
        "age": age_cap(properties.get("age")),
        "price": number(properties.get("price")),
        "duration_seconds": rounded(properties.get("duration_seconds"), 60),
    }


def at_precision(permitted: dict[str, Any], precise: Callable[[str], str]) -> dict[str, Any]:
    """Coarsen the timestamps to what one destination may receive."""
    timestamp, received_at = permitted["timestamp"], permitted["received_at"]
    return {
        **permitted,
        "timestamp": timestamp and precise(timestamp),
        "received_at": received_at and precise(received_at),
    }


def token(value: str | None) -> str | None:
    if value is None or not value.strip():
        return None
    return hmac.digest(KEY, value.encode(), "sha256").hex()


def email(value: str | None) -> str | None:
    return None if value is None else value.strip().lower()


def phone(value: str | None) -> str | None:
    return None if value is None else NOT_DIGITS.sub("", value)


def zip3(value: str | None) -> str | None:
    if value is None or not ZIP.fullmatch(value):
        return None
    return "000" if value[:3] in SMALL_ZIP3_AREAS else value[:3]


def age_cap(value: float | None) -> int | None:
    return None if value is None or not 0 <= value <= 130 else min(math.floor(value), 90)


def number(value: float | None) -> float | None:
    return None if value is None else float(value)


def rounded(value: float | None, step: int) -> float | None:
    return None if value is None else float(math.floor(value / step + 0.5) * step)


def utc(value: str | None) -> str | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return moment.astimezone(UTC).isoformat()


if __name__ == "__main__":
    main()
