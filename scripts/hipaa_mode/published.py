"""What is published, as the manifests say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hipaa_mode.publishing import read_manifests


@dataclass(frozen=True)
class PublishedView:
    """One view of a destination, as published; its name is the full one, such as `ga4__events`.

    Dropped are names of properties that arrived and were not sent; None if they were not counted.
    """

    name: str
    rows: int
    columns: Sequence[Mapping[str, Any]]
    properties_dropped: int | None


@dataclass(frozen=True)
class PublishedDestination:
    """One destination, as published.

    Attributes:
        calls: how many calls the build read, by what became of them.
        consent: how many of them were denied to it, and why.
        size: bytes in all of its files.
    """

    name: str
    published_at: str
    allowlist_fingerprint: str
    calls: Mapping[str, int]
    consent: Mapping[str, Any]
    views: list[PublishedView]
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
    return PublishedDestination(
        manifest["destination"],
        manifest["published_at"],
        manifest["allowlist_fingerprint"],
        manifest["calls"],
        manifest.get("consent") or {},
        [
            PublishedView(name, facts["rows"], facts["columns"], facts["properties_dropped"])
            for name, facts in sorted(manifest["views"].items())
        ],
        len(manifest["files"]),
        sum(facts["bytes"] for facts in manifest["files"].values()),
    )


def delivered_rows(entry: Mapping[str, Any]) -> dict[str, int]:
    """Return the rows of each view in an entry of the audit log, by the view's short name."""
    return {
        str(facts["view"]).rpartition("__")[2]: int(facts["rows"])
        for facts in entry.get("views") or ()
    }
