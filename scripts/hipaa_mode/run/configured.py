"""The configuration of a run: where macros say that its seeds are, read and resolved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hipaa_mode.configuration import Configuration, read_configuration
from hipaa_mode.names import environment_name
from hipaa_mode.plan import Plan, make_plan
from hipaa_mode.run_settings import run_targets
from hipaa_mode.seeds import Fault, add_optional_seeds
from hipaa_mode.suppression import SuppressedUsers, locations_of


@dataclass(frozen=True)
class Configured:
    """Where a run's configuration is; see macro `configuration_request`.

    Attributes:
        seed_labels: what messages call it.
        models: names of the destination views of the project; None leaves them unchecked.
        suppressed_users: what else names lists of suppressed people.
        placeholder_ids: what senders write for an id that they do not have.
        loaded_by_dbt: lists of suppressed people that dbt would load as seeds.
    """

    environment: str
    today: str
    seed_files: Mapping[str, str]
    seed_labels: Mapping[str, str]
    models: Sequence[str] | None = None
    suppressed_users: Sequence[object] = ()
    placeholder_ids: Sequence[str] = ()
    loaded_by_dbt: Sequence[str] = ()

    @property
    def day(self) -> dt.date:
        """The day that expiry is measured against."""
        return dt.date.fromisoformat(self.today)

    def files(self) -> dict[str, Path]:
        """Return the seeds, and those that may lie beside them, by name."""
        files = self.named_files()
        add_optional_seeds(files, dict(self.seed_labels))
        return files

    def named_files(self) -> dict[str, Path]:
        """Return the seeds that dbt has, by name."""
        return {seed: Path(path) for seed, path in self.seed_files.items()}

    def read(
        self, suppressed_users: SuppressedUsers | None = None, given_up: object = None
    ) -> tuple[Configuration, Plan]:
        """Read the seeds, and who is suppressed where that is wanted.

        Args:
            suppressed_users: takes the ids of who is suppressed.
            given_up: lists that may be missing; see `suppression.GIVE_UP_LISTS`.
        """
        files, labels = self.named_files(), dict(self.seed_labels)
        environment = environment_name(self.environment)
        faults = add_optional_seeds(files, labels)
        configuration = read_configuration(files, labels, {environment, *run_targets()})
        configuration.faults += faults
        if suppressed_users is not None:
            configuration.faults += suppressed_users.read(
                configuration,
                environment,
                files,
                labels,
                locations_of(*self.suppressed_users),
                Path.cwd(),
                locations_of(given_up),
                self.placeholder_ids,
            )
            for seed in self.loaded_by_dbt:
                problem = "dbt would load the ids into a table that anyone may read"
                remedy = "Say `config: {enabled: false}` of the seed in its YAML"
                configuration.faults.append(Fault(seed, None, problem, remedy))
        return configuration, make_plan(configuration, environment, self.day, self.models)
