"""Which settings the package's models, the destination views, their tests and seeds may have.

A setting of a node can run SQL (`sql_header`, hooks), change how its query is stored
(`materialized`, `contract`), or open it to others (`group`, `access`). So each setting is on the
list below with the values that were reviewed, and whatever else is set is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hipaa_mode.run.facts import MATERIALIZED, VIEW, ZONE, Node

FREE = frozenset(
    (
        *("enabled", "tags", "meta", "docs", "description", "persist_docs", "grants", "quoting"),
        *("alias", "schema", "database", "static_analysis"),
    )
)
"""Settings that say nothing of values and rows. Where relations are is judged by outcome."""

JUDGED_AS_TEST = frozenset(("severity", "where", "limit", "fail_calc", "warn_if", "error_if"))
"""Settings that decide whether a test passes: a destination with such a test is held back."""

NOTHING: tuple[Any, ...] = (None, "", [], {}, ())

SHOWN = 3

HOOKS = ("pre-hook", "post-hook", "pre_hook", "post_hook")

TEXT_TYPES = frozenset(("varchar", "text", "string"))

_MODEL: dict[str, tuple[Any, ...]] = {
    "group": (ZONE,),
    "on_schema_change": ("ignore",),
    "on_configuration_change": ("apply",),
    "lookback": (1,),
}
_VIEW = {**_MODEL, "access": ("private", "protected", "public"), "materialized": (VIEW,)}
_TEST: dict[str, tuple[Any, ...]] = {
    "group": (None, ZONE),
    "materialized": ("test",),
    "store_failures": (None, False),
    "store_failures_as": (None, "ephemeral"),
}
_SEED: dict[str, tuple[Any, ...]] = {
    **_MODEL,
    "group": (None, ZONE),
    "materialized": ("seed",),
    "full_refresh": (None, True),
    "delimiter": (",",),
    "quote_columns": (None, True, False),
}


@dataclass(frozen=True)
class Unreviewed:
    """A setting that a node may not have."""

    node: Node
    setting: str
    problem: str
    remedy: str


def setting_faults(settings: Iterable[Unreviewed]) -> list[str]:
    """Say what is not as reviewed, once for all nodes that have it."""
    by_problem: dict[tuple[str, str, str], list[Node]] = {}
    for item in settings:
        by_problem.setdefault((item.node.kind, item.problem, item.remedy), []).append(item.node)
    faults = []
    for (kind, problem, remedy), nodes in by_problem.items():
        names = ", ".join(f"`{node.name}`" for node in nodes[:SHOWN])
        more = f" and {len(nodes) - SHOWN} more" if len(nodes) > SHOWN else ""
        noun = kind if len(nodes) == 1 else f"{kind}s"
        faults.append(f"{nodes[0].file}: {noun} {names}{more}: {problem}. {remedy}")
    return faults


def unreviewed_settings(nodes: Iterable[Node]) -> list[Unreviewed]:
    """Return every setting, of what the package judges, that is not as reviewed."""
    restricted = {node.unique_id for node in nodes if node.is_restricted}
    found: list[Unreviewed] = []
    for node in nodes:
        reviewed = _reviewed(node)
        if reviewed is not None:
            found += _differing(node, reviewed)
        elif node.kind == "test" and restricted & set(node.parents):
            # A project's own test may read the restricted zone, but keep nothing of it.
            kept = {name: _TEST[name] for name in ("store_failures", "store_failures_as")}
            found += [
                item
                for name, values in kept.items()
                if (item := _judged(node, name, node.config.get(name), values))
            ]
    return found


def _reviewed(node: Node) -> Mapping[str, tuple[Any, ...]] | None:
    """Return the values that a node's settings may have; None for what is not judged here."""
    if node.is_restricted:
        reviewed = {
            **_MODEL,
            "access": ("private",),
            "materialized": (MATERIALIZED[node.name],),
        }
        if node.name == "surrogate_codes":
            reviewed |= {"incremental_strategy": ("append",), "full_refresh": (False,)}
        return reviewed
    if node.is_view:
        return _VIEW
    if node.is_check:
        return _TEST
    if node.is_seed:
        return _SEED
    return None


def _differing(node: Node, reviewed: Mapping[str, tuple[Any, ...]]) -> list[Unreviewed]:
    names = [*node.config, *(name for name in reviewed if name not in node.config)]
    return [
        item
        for name in names
        if (item := _judged(node, name, node.config.get(name), reviewed.get(name, NOTHING)))
    ]


def _judged(node: Node, name: str, value: Any, values: tuple[Any, ...]) -> Unreviewed | None:
    if name in FREE or (node.kind == "test" and name in JUDGED_AS_TEST):
        return None
    if name in HOOKS:
        problem = f"a {name} runs SQL that nothing proves"
        return None if value in NOTHING else Unreviewed(node, name, problem, HOOK_REMEDY)
    if name in _JUDGES:
        is_sound, problem, remedy = _JUDGES[name]
        return None if is_sound(node, value) else Unreviewed(node, name, problem, remedy)
    if any(value == allowed and type(value) is type(allowed) for allowed in values):
        return None
    return Unreviewed(node, name, _problem(name, values), OUT)


def _problem(name: str, values: tuple[Any, ...]) -> str:
    if name == "sql_header":
        return "`sql_header` runs SQL that nothing proves"
    if name in ("store_failures", "store_failures_as"):
        return f"`{name}` keeps what it finds, which would be a copy of raw data"
    if values is NOTHING:
        return f"`{name}` is set, which is not a setting that was reviewed for it"
    wanted = " or ".join(f"`{item}`" for item in values if item is not None) or "unset"
    return f"`{name}` must be {wanted}"


def _has_text_columns(node: Node, value: Any) -> bool:
    """Whether columns have no types of their own, or those of a seed are plain text."""
    if value in NOTHING:
        return True
    types = value.values() if isinstance(value, Mapping) else (value,)
    return node.kind == "seed" and all(str(item).strip().lower() in TEXT_TYPES for item in types)


def _has_no_contract(node: Node, value: Any) -> bool:
    """Whether no contract builds it in another way; of a destination view none does."""
    return node.is_view or not (isinstance(value, Mapping) and value.get("enforced"))


OUT = "Take the setting out of the file, of its YAML and of dbt_project.yml"
HOOK_REMEDY = (
    "Take it out of the file and its YAML. Where dbt_project.yml gives hooks to every model, give "
    "them to your own alone: under `models:`, `<your project>:`, `<your folder>:`"
)

_JUDGES: dict[str, tuple[Callable[[Node, Any], bool], str, str]] = {
    "column_types": (
        _has_text_columns,
        "`column_types` names another type than varchar",
        "Say varchar of every column of the seed, without a collation",
    ),
    "contract": (_has_no_contract, "`contract` is enforced, which builds it in another way", OUT),
}
"""Settings with a rule of their own, what breaks it, and the remedy."""
