"""Reads dbt's manifest: the compiled models, and which model a table name stands for."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlglot import exp

from hipaa_mode import PACKAGE
from hipaa_mode.errors import MissingFileError
from hipaa_mode.run.facts import Facts, read_macros, read_nodes, read_settings
from hipaa_mode.run.required_checks import ALL_VIEW_CHECKS, VIEW_CHECKS


@dataclass(frozen=True)
class Model:
    """A compiled model.

    Attributes:
        unique_id: dbt's name of the node.
        name: the model's name.
        package: the package it comes from.
        file: its file, as dbt writes it.
        materialized: how it is built.
        language: `sql` or `python`.
        sql: the compiled SQL; empty where it was not compiled.
        address: database, schema and identifier of the relation, lower-case.
        has_hooks: whether SQL of its own runs before or after it.
        keeps_lines: whether the compiled SQL has as many lines as the file: then line numbers
            are the file's too.
    """

    unique_id: str
    name: str
    package: str
    file: str
    materialized: str
    language: str
    sql: str
    address: tuple[str, str, str]
    has_hooks: bool
    keeps_lines: bool = False


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
class Hook:
    """What a project runs at the start or the end of every run.

    Attributes:
        package: the package whose dbt_project.yml has it.
        name: dbt's name of it, which says when it runs.
        code: the hook as written.
    """

    package: str
    name: str
    code: str


@dataclass(frozen=True)
class Manifest:
    """All models of a project, as last compiled, with their tests and the project's hooks.

    Attributes:
        models: the models by unique id.
        day: the day (UTC) on which the SQL was compiled.
        tests: this package's generic tests, each on its model.
        hooks: hooks of all packages.
        facts: every node and macro, for what is judged of the project as a whole.
        folder: folder of the project.
    """

    models: dict[str, Model]
    day: dt.date
    tests: tuple[ViewTest, ...] = ()
    hooks: tuple[Hook, ...] = ()
    facts: Facts = field(default_factory=lambda: Facts(PACKAGE))
    folder: Path = Path()

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
        nodes = content["nodes"].values()
        day = dt.date.fromisoformat(str(content["metadata"]["generated_at"])[:10])
        models = [_model(node) for node in nodes if node["resource_type"] == "model"]
        tests = [test for node in nodes for test in _tests(node)]
        hooks = [
            Hook(node["package_name"], node["name"], node["raw_code"])
            for node in nodes
            if node["resource_type"] == "operation"
        ]
        name = content["metadata"]["project_name"]
        facts = Facts(name, read_nodes(content), read_macros(content))
        if project is not None:
            facts = read_settings(facts, project / "dbt_project.yml")
    except OSError:
        raise MissingFileError(f"{path} can't be read. Run: dbt compile") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MissingFileError(f"{path} is no manifest of dbt 1.11. Run: dbt compile") from None
    return Manifest(
        {model.unique_id: model for model in models},
        day,
        tuple(tests),
        tuple(hooks),
        facts,
        project or Path(),
    )


def _model(node: dict[str, Any]) -> Model:
    config = node["config"]
    return Model(
        unique_id=node["unique_id"],
        name=node["name"],
        package=node["package_name"],
        file=node["original_file_path"],
        materialized=config["materialized"],
        language=node["language"],
        sql=node.get("compiled_code") or "",
        address=(
            str(node["database"] or "").lower(),
            str(node["schema"]).lower(),
            str(node["alias"]).lower(),
        ),
        has_hooks=bool(config.get("pre-hook") or config.get("post-hook")),
        keeps_lines=_lines(node.get("raw_code")) == _lines(node.get("compiled_code")),
    )


def _lines(code: str | None) -> int:
    return (code or "").count("\n")


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
