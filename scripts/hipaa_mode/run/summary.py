"""What a run says at its end: one block of the log, with every destination and all totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hipaa_mode.consent import describe_denials
from hipaa_mode.property_counts import count_properties
from hipaa_mode.run.counted import Counted


def totals(
    counted: Counted, retain_days: int | None, earliest_day: object, days_ahead: object
) -> list[str]:
    """Say what became of the raw calls.

    Args:
        earliest_day: day before which no call can have been made.
        days_ahead: days after its receipt by which none can.
    """
    lines = [
        f"{counted.raw} raw calls = {counted.staged} staged + {counted.duplicates} duplicates + "
        f"{counted.rejected} rejected + {counted.all_withheld} withheld"
    ]
    if counted.undated:
        lines.append(
            f"WARNING: {counted.undated} staged calls have no time, or one that can not be: "
            f"before {earliest_day}, or more than {days_ahead} days after their receipt"
        )
    if counted.namesakes:
        lines.append(
            f"WARNING: {counted.namesakes} calls have the message id of another call, of another "
            "type or with other ids: all are kept"
        )
    if counted.cut:
        lines.append(
            f"WARNING: {counted.cut} calls have texts that are cut in the middle of a character: "
            "those are null"
        )
    if counted.all_withheld or counted.suppressed_people or retain_days is not None:
        lines.append(_withheld(counted, retain_days))
    return lines


def _withheld(counted: Counted, retain_days: int | None) -> str:
    by_reason = counted.withheld
    people = counted.suppressed_people
    text = (
        f"withheld: {by_reason['suppressed']} calls of {people} suppressed "
        f"{'person' if people == 1 else 'people'}"
    )
    if by_reason["suppressed_by_alias"]:
        text += f", {by_reason['suppressed_by_alias']} tied to them by alias and merge calls"
    if retain_days is not None:
        text += (
            f", {by_reason['expired']} older than {retain_days} days, {by_reason['undated']} "
            "without a time"
        )
    return text


def of_destination(manifest: Mapping[str, Any]) -> list[str]:
    """Say what a destination received."""
    lines = []
    if denials := describe_denials(manifest["consent"]):
        lines.append(f"`{manifest['destination']}`: {denials}")
    for name, facts in manifest["views"].items():
        lines += _of_view(name, facts, bool(manifest["restrict_phi"]))
    return lines


def _of_view(name: str, facts: Mapping[str, Any], is_restricted: bool) -> Iterator[str]:
    columns: Sequence[Mapping[str, Any]] = facts["columns"]
    not_fitting = sum(column["values_not_fitting"] for column in columns)
    dropped = facts["properties_dropped"]
    properties = (
        f"{count_properties(columns).text}, {'uncounted' if dropped is None else dropped} dropped"
        if is_restricted
        else "every property (not restricted)"
    )
    yield (
        f"published {name}: {facts['rows']} rows ({facts['files_written']} of {facts['files']} "
        f"files written), {properties}"
        + (f", {not_fitting} values did not fit and are null" if not_fitting else "")
    )
    for line in facts["checks_overlook"]:
        yield f"{name}: {line} (arguments of its tests)"
    for column in columns:
        if count := column["values_like_identifiers"]:
            is_blocked = column["guard"] == "block"
            yield (
                f"{'guard' if is_blocked else 'WARNING'}: {name}.{column['name']}: {count} values "
                "look like identifiers and "
                + ("are null" if is_blocked else "were sent all the same (guard warn)")
            )
    for column in columns:
        if count := column["values_that_ids_equal"]:
            yield (
                f"NOTICE: {name}.{column['name']}: {count} of the values in many rows are also "
                "ids of a few calls, which is taken for a coincidence"
            )


def unselected(names: Sequence[str]) -> list[str]:
    """Say which destinations the run was not to build."""
    return [f"not selected, so left as they are: `{'`, `'.join(names)}`"] if names else []


def last_line(published: int, seconds: float) -> str:
    """Say how many destinations were published, and how long the run took."""
    noun = "destination" if published == 1 else "destinations"
    return f"published {published} {noun}; the run took {seconds:.0f} s"
