"""A few mutations of the seeds, through a whole build: nothing is built, nothing is published.

All of them are in unit/test_seed_mutations.py, as the start of a build judges them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project, allowed, destination, event, track

DAY = "2026-03-02T10:00:00Z"


@pytest.fixture(scope="class")
def project(new_project: Callable[..., Project]) -> Project:
    """A project that was built as agreed to; from now on nobody agrees to anything."""
    project = new_project(
        "mutations",
        [destination("ga4", mask_scope="destination")],
        [event("ga4", "Signed In"), event("ga4", "Booked", sent_as="booking")],
        [
            allowed("*", "event", "note", environment="*"),
            allowed("ga4", "event", "note", "deny"),
            allowed("ga4", "event", "url", "url_path", event="Booked"),
            allowed("ga4", "event", "trial", expires_on="2099-01-31"),
        ],
        [
            track(
                "Signed In", {"note": "a", "trial": "b"}, userId="u-1", messageId="1", sentAt=DAY
            ),
            track(
                "Signed In", {"note": "a", "trial": "b"}, userId="u-2", messageId="2", sentAt=DAY
            ),
        ],
        views={"ga4": ["events"]},
    )
    project.write_seed(
        "suppressed_users",
        [{"environment": "*", "user_id": "u-1", "requested_on": "2026-01-02", "reference": "R"}],
    )
    project.write_seed("environments", [{"environment": "dev", "retain_days": "9000"}])
    project.build()
    project.locks = False
    return project


def replaced(before: str, after: str, seed: str) -> Callable[[Path], None]:
    def change(seeds: Path) -> None:
        path = seeds / f"{seed}.csv"
        text = path.read_text()
        assert text.count(before) == 1
        path.write_text(text.replace(before, after))

    return change


def moved(seed: str, place: str) -> Callable[[Path], None]:
    def change(seeds: Path) -> None:
        (seeds / place).parent.mkdir(exist_ok=True)
        (seeds / f"{seed}.csv").rename(seeds / place)

    return change


MUTATIONS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "a deny is deleted, an end and an event too": (
        lambda seeds: [
            replaced(
                "dev,ga4,event,,note,deny,,,,,a test needs it,tests,\n", "", "allowed_properties"
            )(seeds),
            replaced("2099-01-31", "", "allowed_properties")(seeds),
            replaced(",Booked,booking", ",Booked,", "allowed_events")(seeds),
            replaced("true,,,destination,", "true,,,,", "destinations")(seeds),
        ],
        (
            "denied event note: denied -> not denied (widens)",
            "event Booked: sent as booking -> sent (widens)",
            "mask_scope: destination -> shared",
            "ga4__events.trial",
        ),
    ),
    "the list of environments is moved out of the seeds": (
        moved("environments", "../data/environments.csv"),
        ("retain_days: 9000 -> for good (widens)",),
    ),
    "a suppressed id is misspelt": (
        replaced("u-1", "u1", "suppressed_users"),
        ("suppressed_users: 1 -> 1, 1 of the former not among them (widens)",),
    ),
}


class TestNoMutationIsBuilt:
    @pytest.mark.parametrize("mutation", MUTATIONS)
    def test_nothing_is_built_or_published(self, project: Project, mutation: str) -> None:
        seeds = project.folder / "seeds"
        kept = {path: path.read_bytes() for path in seeds.glob("*.csv")}
        before = project.published_bytes()
        change, said = MUTATIONS[mutation]
        change(seeds)
        try:
            run = project.dbt("build")
        finally:
            for path, content in kept.items():
                path.unlink(missing_ok=True)
                path.write_bytes(content)
        assert run.exit_code != 0, run.output
        told = " ".join(run.output.split())
        assert [line for line in said if line not in told] == [], run.output
        assert "Nothing was built or published" in told
        assert "u-1" not in run.output
        assert project.published_bytes() == before
