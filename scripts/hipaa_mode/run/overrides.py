"""Which macros of a project or a package stand in for dbt's own, or for the package's.

dbt looks for a macro of a project first: one called `statement` or `get_test_sql` runs in the
place of dbt's for every model and test, and `duckdb__write_rows` in the place of the package's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from hipaa_mode import PACKAGE
from hipaa_mode.run.facts import DBT, DBT_PACKAGES, Facts, Macro, base_name

MAY_BE_REPLACED = (
    *("generate_schema_name", "generate_schema_name_for_env"),
    *("generate_alias_name", "generate_database_name"),
)
"""Macros that say where relations go: what they say is judged, see `relations`."""


OUR_OWN = (
    Macro(PACKAGE, "spark__create_csv_table", "macros/engine/seeds.sql"),
    Macro(PACKAGE, "spark__load_csv_rows", "macros/engine/seeds.sql"),
    Macro(PACKAGE, "postgres__safe_cast", "macros/engine/safe_cast.sql"),
)
"""Macros of the package that stand in for dbt's: of Spark, which does not escape the texts of
seeds, and of PostgreSQL, which can't cast to lists."""

REMEDY = "Rename it, or keep it in a project of its own, which can read what is published"


def overriding_macros(
    facts: Facts, context_names: Callable[[], Collection[str]]
) -> list[tuple[Macro, str]]:
    """Return every macro that stands in for one of dbt's or of the package's, and for which.

    Args:
        context_names: gives the names that dbt defines beside macros, such as `ref`; asked for
            only where the project has macros of its own.
    """
    own = [m for m in facts.macros if m.package not in DBT_PACKAGES and m not in OUR_OWN]
    built_in = {base_name(m.name) for m in facts.macros if m.package in DBT_PACKAGES}
    ours = {base_name(macro.name) for macro in own if macro.package == PACKAGE}
    in_front_of_dbt = {facts.project}.union(*(_in_front(facts, name) for name in DBT_PACKAGES))
    in_front_of_us = {facts.project, *_in_front(facts, PACKAGE)} - {PACKAGE}
    others = {macro.package for macro in own} | {DBT}
    suspects = [macro for macro in own if macro.package in in_front_of_dbt]
    context = frozenset(context_names()) if suspects else frozenset()
    found = []
    for macro in own:
        base = base_name(macro.name)
        is_materialization = base.startswith("materialization_")
        if macro.package in in_front_of_dbt and base not in MAY_BE_REPLACED:
            if base in built_in:
                found.append((macro, "stands in for dbt's own"))
            elif base in context or base in others:
                found.append((macro, f"stands in for `{base}` of dbt's Jinja"))
        elif is_materialization and base in built_in and facts.packages_override:
            found.append((macro, "stands in for dbt's own materialization"))
        if macro.package == PACKAGE or base not in ours:
            continue
        # What is called by the package's name is not looked for elsewhere: but for these.
        is_dispatched = macro.package in in_front_of_us and base != macro.name
        is_test = macro.package == facts.project and base.startswith("test_")
        if is_materialization or is_dispatched or is_test:
            found.append((macro, f"stands in for that of {PACKAGE}"))
    return found


def dispatch_faults(facts: Facts) -> list[str]:
    """Say where dbt_project.yml puts other packages before this one."""
    order = facts.dispatch.get(PACKAGE)
    if order is None:
        return []
    return [
        f"dbt_project.yml: `dispatch` puts {', '.join(order) or 'nothing'} in the place of "
        f"{PACKAGE}'s macros. Take `macro_namespace: {PACKAGE}` out of it"
    ]


def _in_front(facts: Facts, namespace: str) -> tuple[str, ...]:
    return facts.dispatch.get(namespace, ())


def names_of_dbts_context() -> frozenset[str]:
    """Return the names that dbt defines in Jinja beside macros, such as `ref` and `var`."""
    from dbt.context.providers import ModelContext, TestContext

    members = {*ModelContext._context_members_, *TestContext._context_members_}
    return frozenset(str(name) for name in members)
