"""A dbt project as it was parsed: its nodes and macros, from the run itself or from a manifest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from hipaa_mode import PACKAGE
from hipaa_mode.engines import running_adapter

ZONE = "restricted_zone"
DBT = "dbt"
DBT_PACKAGES = ("dbt", "dbt_duckdb", "dbt_postgres", "dbt_spark")
"""Packages of macros that come with dbt and its adapter."""

ADAPTERS = ("default", "duckdb", "postgres", "spark")
"""Names of adapters that dbt looks for in front of a macro's name."""

VIEW = "destination_view"

MATERIALIZED = {
    "calls_read": "accumulated_table",
    "call_keys": "accumulated_table",
    "denied_calls": "accumulated_table",
    "duplicate_calls": "accumulated_table",
    "rejected_calls": "view",
    "stg_calls": "view",
    "withheld_calls": "accumulated_table",
    "masked_events": "accumulated_table",
    "masked_groups": "accumulated_table",
    "masked_identifies": "accumulated_table",
    "surrogate_codes": "incremental",
    "token_bridge": "accumulated_table",
}
"""The package's models, which are restricted, and how each is built."""

SEEDS = (
    "destination_types",
    "destinations",
    "allowed_events",
    "allowed_properties",
    "small_zip3_areas",
)
"""The seeds that dbt loads; their tests read the tables, where the build read the files."""

COLLECTIONS = ("nodes", "exposures", "metrics", "semantic_models", "saved_queries", "functions")
"""Where a manifest has what may depend on a relation."""


@dataclass(frozen=True)
class Node:
    """A node of the project.

    Attributes:
        kind: its resource type, such as `model`.
        file: its file, as dbt writes it.
        address: database, schema and identifier of its relation, lower-case.
        sql: its code as compiled; empty where it was not compiled.
        attached: of a generic test, the node it is on.
    """

    unique_id: str
    kind: str
    package: str
    name: str
    file: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    macros: tuple[str, ...] = ()
    address: tuple[str, str, str] = ("", "", "")
    code: str = ""
    sql: str = ""
    test: str = ""
    attached: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def destination(self) -> str:
        """Destination of a view, from its name."""
        return self.name.rpartition("__")[0]

    @property
    def view(self) -> str:
        """Which of a destination's views it is."""
        return self.name.rpartition("__")[2]

    def calls(self, test: str) -> bool:
        """Tell whether a generic test is the one of this name that is meant, and no other's."""
        return self.test == test and f"macro.{PACKAGE}.test_{test}" in self.macros

    @property
    def is_restricted(self) -> bool:
        """Whether it is one of the package's own models."""
        return self.kind == "model" and self.package == PACKAGE and self.name in MATERIALIZED

    @property
    def is_view(self) -> bool:
        """Whether it is a destination view."""
        return self.kind == "model" and self.config.get("materialized") == VIEW

    @property
    def is_seed(self) -> bool:
        """Whether it is a seed of the configuration."""
        return self.kind == "seed" and self.name in SEEDS

    @property
    def is_check(self) -> bool:
        """Whether it is one of the package's tests, on whatever model."""
        own = f"macro.{PACKAGE}.test_"
        is_ours = self.package == PACKAGE or any(name.startswith(own) for name in self.macros)
        return self.kind == "test" and is_ours


@dataclass(frozen=True)
class Macro:
    """A macro of the project, of one of its packages, or of dbt."""

    package: str
    name: str
    file: str = ""


@dataclass(frozen=True)
class Facts:
    """All of a project.

    Attributes:
        dispatch: by namespace, the packages that `dispatch` in dbt_project.yml puts in its place.
        packages_override: whether packages may replace dbt's own materializations.
    """

    project: str
    nodes: tuple[Node, ...] = ()
    macros: tuple[Macro, ...] = ()
    dispatch: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    packages_override: bool = False


def read_nodes(content: Mapping[str, Any]) -> tuple[Node, ...]:
    """Read every node of a manifest as dbt writes it to JSON.

    Raises:
        KeyError, TypeError: it is no such manifest.
    """
    return tuple(
        _node(item) for name in COLLECTIONS for item in (content.get(name) or {}).values()
    )


def read_macros(content: Mapping[str, Any]) -> tuple[Macro, ...]:
    """Read every macro of a manifest as dbt writes it to JSON."""
    return tuple(
        Macro(item["package_name"], item["name"], item.get("original_file_path") or "")
        for item in content["macros"].values()
    )


def _node(item: Mapping[str, Any]) -> Node:
    depends_on, of_test = item.get("depends_on") or {}, item.get("test_metadata") or {}
    config = dict(item.get("config") or {})
    # dbt says it of the node too, where a model's YAML has it outside of its config.
    config["group"] = config.get("group") or item.get("group")
    return Node(
        unique_id=item["unique_id"],
        kind=str(item["resource_type"]),
        package=item["package_name"],
        name=item["name"],
        file=item.get("original_file_path") or "",
        config=config,
        parents=tuple(depends_on.get("nodes") or ()),
        macros=tuple(depends_on.get("macros") or ()),
        address=(
            str(item.get("database") or "").lower(),
            str(item.get("schema") or "").lower(),
            str(item.get("alias") or item["name"]).lower(),
        ),
        code=item.get("raw_code") or "",
        sql=item.get("compiled_code") or "",
        test=of_test.get("name") or "",
        attached=item.get("attached_node") or "",
        arguments=of_test.get("kwargs") or {},
    )


def read_dispatch(entries: object) -> dict[str, tuple[str, ...]]:
    """Read `dispatch` of dbt_project.yml: by namespace, the packages searched for its macros."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("search_order"), list):
            order = tuple(str(name) for name in entry["search_order"])
            found[str(entry.get("macro_namespace"))] = order
    return found


def read_settings(facts: Facts, file: Path) -> Facts:
    """Return a project with what dbt_project.yml says of whose macros come first.

    Raises:
        OSError, ValueError: the file can't be read.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError:
        raise ValueError(f"{file} is no YAML") from None
    settings = content if isinstance(content, dict) else {}
    flags = settings.get("flags") or {}
    return replace(
        facts,
        dispatch=read_dispatch(settings.get("dispatch")),
        packages_override=flags.get(OVERRIDES_FLAG) is False,
    )


def running_project() -> Facts:
    """Return the project of the dbt run that this process is.

    Raises:
        LookupError: dbt does not say which project it runs.
    """
    from dbt.flags import get_flags

    try:
        adapter = running_adapter()
        manifest, config = adapter.get_macro_resolver(), adapter.config
        flags = get_flags()  # type: ignore[no-untyped-call]
        return Facts(
            project=str(config.project_name),
            nodes=tuple(
                _node(_as_written(item))
                for name in COLLECTIONS
                for item in (getattr(manifest, name, None) or {}).values()
            ),
            macros=tuple(
                Macro(macro.package_name, macro.name, macro.original_file_path)
                for macro in manifest.macros.values()
            ),
            dispatch=read_dispatch(list(config.dispatch or ())),
            packages_override=not getattr(flags, OVERRIDES_FLAG, True),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise LookupError(type(error).__name__) from None


OVERRIDES_FLAG = "require_explicit_package_overrides_for_builtin_materializations"
"""Flag of dbt_project.yml; off, packages replace dbt's own materializations."""


def _as_written(item: Any) -> dict[str, Any]:
    """Return a node of dbt's as its JSON has it, as far as it is read here."""
    depends_on = getattr(item, "depends_on", None)
    of_test = getattr(item, "test_metadata", None)
    return {
        **{name: getattr(item, name, None) for name in _PLAIN},
        "resource_type": str(getattr(item.resource_type, "value", item.resource_type)),
        "config": item.config.to_dict(omit_none=False) if hasattr(item, "config") else {},
        "depends_on": {
            "nodes": list(getattr(depends_on, "nodes", ()) or ()),
            "macros": list(getattr(depends_on, "macros", ()) or ()),
        },
        "test_metadata": {"name": of_test.name, "kwargs": of_test.kwargs} if of_test else None,
    }


_PLAIN = (
    *("unique_id", "package_name", "name", "original_file_path", "group", "database", "schema"),
    *("alias", "raw_code", "attached_node"),
)

_MATERIALIZATION = re.compile(rf"materialization_(.+)_(?:{'|'.join(ADAPTERS)})")
_ADAPTER = re.compile(rf"(?:{'|'.join(ADAPTERS)})__(.+)")


def base_name(name: str) -> str:
    """Return the name under which dbt looks for a macro, whatever the adapter."""
    for pattern, form in ((_MATERIALIZATION, "materialization_{}"), (_ADAPTER, "{}")):
        found = pattern.fullmatch(name)
        if found:
            return form.format(found.group(1))
    return name
