"""The lists that a project need not have: which there are, and how many people one names."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from hipaa_mode.seeds import OPTIONAL_SEEDS, Fault, SeedFile, read_seed

EVERY = "*"
MARK_LENGTH = 4


@dataclass(frozen=True)
class OptionalLists:
    """The optional lists of a project, without what they list.

    Attributes:
        names: the files that there are, such as `environments.csv`, in order.
        suppressed: marks of the people who are suppressed in each environment that the list
            names, and, by `*`, in every other one.
    """

    names: tuple[str, ...] = ()
    suppressed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def suppressed_in(self, environment: str) -> tuple[str, ...]:
        """Return marks of the people whom the list suppresses in an environment."""
        return self.suppressed.get(environment, self.suppressed.get(EVERY, ()))


def mark(user_id: str) -> str:
    """Return what tells whether somebody is still on a list: too short to tell who it is.

    One in 65,536 ids has the same mark, so that a list that lost a person or misspells one shows.
    """
    return hashlib.sha256(user_id.encode("utf-8", "surrogatepass")).hexdigest()[:MARK_LENGTH]


def read_optional_lists(files: Mapping[str, SeedFile], labels: Mapping[str, str]) -> OptionalLists:
    """Look which lists there are; what is wrong with one is for who uses it to say."""
    ids: dict[str, set[str]] = defaultdict(set)
    if "suppressed_users" in files:
        ignored: list[Fault] = []
        label = labels["suppressed_users"]
        for row in read_seed("suppressed_users", files["suppressed_users"], label, ignored) or []:
            ids[row.word("environment")].add(row["user_id"].strip())
    everywhere = ids.get(EVERY, set())
    return OptionalLists(
        names=tuple(f"{name}.csv" for name in sorted(OPTIONAL_SEEDS) if name in files),
        suppressed={
            environment: tuple(sorted(mark(user_id) for user_id in listed | everywhere))
            for environment, listed in [*ids.items(), (EVERY, everywhere)]
        },
    )
