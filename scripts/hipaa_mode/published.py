"""What is published, as the manifests say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hipaa_mode.publishing import read_manifests


@dataclass(frozen=True)
class PublishedView:
    """One view of a destination, as published.

    Attributes:
        name: its full name, such as `ga4__events`.
        rows: how many rows it has.
        columns: what the manifest says of its columns.
        properties_dropped: property names that arrived and were not sent; None if not counted.
    """

    name: str
    rows: int
    columns: tuple[Mapping[str, Any], ...]
    properties_dropped: int | None


@dataclass(frozen=True)
class PublishedDestination:
    """One destination, as published.

    Attributes:
        name: the destination.
        published_at: when, in UTC.
        allowlist_fingerprint: fingerprint of the allowlist that it was published under.
        calls: how many calls the build read, by what became of them.
        consent: how many of them were denied to it, and why.
        views: its views, by name.
        files: how many files there are.
        size: bytes in all of them.
    """

    name: str
    published_at: str
    allowlist_fingerprint: str
    calls: Mapping[str, int]
    consent: Mapping[str, Any]
    views: tuple[PublishedView, ...]
    files: int
    size: int


def read_published(root: Path, environment: str) -> dict[str, PublishedDestination]:
    """Read what is published in an environment, by destination.

    Raises:
        PublishingError: a manifest can't be read.
    """
    found = (_destination(manifest) for manifest in read_manifests(root, environment))
    return {destination.name: destination for destination in found}


def _destination(manifest: Mapping[str, Any]) -> PublishedDestination:
    files = manifest["files"]
    return PublishedDestination(
        name=str(manifest["destination"]),
        published_at=str(manifest.get("published_at") or ""),
        allowlist_fingerprint=str(manifest.get("allowlist_fingerprint") or ""),
        calls=dict(manifest.get("calls") or {}),
        consent=dict(manifest.get("consent") or {}),
        views=tuple(
            PublishedView(
                name,
                int(facts.get("rows") or 0),
                tuple(facts.get("columns") or ()),
                facts.get("properties_dropped"),
            )
            for name, facts in sorted(manifest["views"].items())
        ),
        files=len(files),
        size=sum(int(facts.get("bytes") or 0) for facts in files.values()),
    )


def delivered_rows(entry: Mapping[str, Any]) -> dict[str, int]:
    """Return the rows of each view in an entry of the audit log, by the view's short name."""
    return {
        str(facts["view"]).rpartition("__")[2]: int(facts["rows"])
        for facts in entry.get("views") or ()
    }
