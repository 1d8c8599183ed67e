"""Reads dbt's manifest: the compiled models, and which model a table name stands for."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlglot import exp

from hipaa_mode import PACKAGE
from hipaa_mode.engines import DUCKDB
from hipaa_mode.errors import MissingFileError
from hipaa_mode.run.facts import Facts, Node, read_macros, read_nodes, read_settings
from hipaa_mode.run.node_settings import HOOKS
from hipaa_mode.run.required_checks import ALL_VIEW_CHECKS, VIEW_CHECKS


class Model(Node):
    """A compiled model."""

    @property
    def materialized(self) -> str:
        """How it is built."""
        return str(self.config.get("materialized"))

    @property
    def has_hooks(self) -> bool:
        """Whether SQL of its own runs before or after it."""
        return any(self.config.get(name) for name in HOOKS)

    @property
    def keeps_lines(self) -> bool:
        """Whether its compiled SQL has the lines of its file, and so their numbers."""
        return self.code.count("\n") == self.sql.count("\n")


@dataclass(frozen=True)
class ViewTest:
    """A generic test of this package on a model.

    Attributes:
        name: name of the test, such as `only_allowed_events`.
        model: unique id of the model it tests.
        weakened_by: settings that let it pass on something it is there to find.
    """

    name: str
    model: str
    weakened_by: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """All models of a project, as last compiled, with their tests and the project's hooks.

    Attributes:
        models: the models by unique id.
        day: the day (UTC) on which the SQL was compiled.
        tests: this package's generic tests, each on its model.
        hooks: what the packages' dbt_project.yml run at the start or the end of every run.
        facts: every node and macro, for what is judged of the project as a whole.
        engine: the engine that it was compiled for.
        folder: folder of the project.
    """

    models: dict[str, Model]
    day: dt.date
    tests: tuple[ViewTest, ...] = ()
    hooks: tuple[Node, ...] = ()
    facts: Facts = field(default_factory=lambda: Facts(PACKAGE))
    engine: str = DUCKDB
    folder: Path = Path()

    def own(self, name: str) -> Model | None:
        """Return a model of this package."""
        own = (model for model in self.models.values() if model.package == PACKAGE)
        return next((model for model in own if model.name == name), None)

    def named(self, table: exp.Table) -> Model | None:
        """Return the model whose relation a table of the SQL names."""
        if not table.db:
            # The search path would decide which relation an unqualified name is.
            return None
        wanted = (table.catalog.lower(), table.db.lower(), table.name.lower())
        for model in self.models.values():
            if all(part in ("", own) for part, own in zip(wanted, model.address, strict=True)):
                return model
        return None


def read_manifest(path: Path, project: Path | None = None) -> Manifest:
    """Read `manifest.json` as `dbt compile` writes it.

    Args:
        path: the file.
        project: folder of the dbt project, for what dbt_project.yml says of whose macros come
            first; None for what says nothing.

    Raises:
        MissingFileError: there is no such file, or it is no manifest of dbt 1.11.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        day = dt.date.fromisoformat(str(content["metadata"]["generated_at"])[:10])
        tests = [test for node in content["nodes"].values() for test in _tests(node)]
        name = content["metadata"]["project_name"]
        engine = str(content["metadata"]["adapter_type"])
        facts = Facts(name, read_nodes(content), read_macros(content))
        if project is not None:
            facts = read_settings(facts, project / "dbt_project.yml")
    except OSError:
        raise MissingFileError(f"{path} can't be read. Run: dbt compile") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MissingFileError(f"{path} is no manifest of dbt 1.11. Run: dbt compile") from None
    return Manifest(
        {node.unique_id: Model(**vars(node)) for node in facts.nodes if node.kind == "model"},
        day,
        tuple(tests),
        tuple(node for node in facts.nodes if node.kind == "operation"),
        facts,
        engine,
        project or Path(),
    )


def _tests(node: dict[str, Any]) -> list[ViewTest]:
    """Read a generic test: each check of the one that runs all; none for what is not ours."""
    metadata = node.get("test_metadata")
    if node["resource_type"] != "test" or not metadata or not node.get("attached_node"):
        return []
    if f"macro.hipaa_mode.test_{metadata['name']}" not in node["depends_on"]["macros"]:
        return []
    config = node["config"]
    weakened = [
        name
        for name, harmless in _HARMLESS.items()
        if config.get(name) is not None and str(config[name]).lower() not in harmless
    ]
    names = VIEW_CHECKS if metadata["name"] == ALL_VIEW_CHECKS else (metadata["name"],)
    return [ViewTest(name, node["attached_node"], tuple(weakened)) for name in names]


_HARMLESS: dict[str, tuple[str, ...]] = {
    "severity": ("error",),
    "where": (),
    "limit": (),
    "error_if": ("!= 0",),
    "fail_calc": ("count(*)",),
}
"""Settings of a test that decide whether it fails, and what they may say."""
