"""Reads dbt's manifest: the compiled models, and which model a table name stands for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlglot import exp

from hipaa_mode.errors import MissingFileError


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


@dataclass(frozen=True)
class Manifest:
    """All models of a project, as last compiled.

    Attributes:
        models: the models by unique id.
        year: the year in which the SQL was compiled.
    """

    models: dict[str, Model]
    year: int

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


def read_manifest(path: Path) -> Manifest:
    """Read `manifest.json` as `dbt compile` writes it.

    Raises:
        MissingFileError: there is no such file, or it is no manifest of dbt 1.11.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        nodes = content["nodes"].values()
        year = int(str(content["metadata"]["generated_at"])[:4])
        models = [_model(node) for node in nodes if node["resource_type"] == "model"]
    except OSError:
        raise MissingFileError(f"{path} can't be read. Run: dbt compile") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MissingFileError(f"{path} is no manifest of dbt 1.11. Run: dbt compile") from None
    return Manifest({model.unique_id: model for model in models}, year)


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
    )
