"""Everything about a project that keeps a run from starting."""

from __future__ import annotations

from hipaa_mode.run import overrides, readers
from hipaa_mode.run.facts import Facts, running_project
from hipaa_mode.run.node_settings import setting_faults, unreviewed_settings
from hipaa_mode.run.relations import relation_faults


def faults_of_running_project() -> list[str]:
    """Say what of the project that dbt runs is not as reviewed."""
    try:
        facts = running_project()
    except LookupError:
        return ["dbt does not say which project it runs. Use a version of dbt that is supported"]
    return project_faults(facts)


def project_faults(facts: Facts) -> list[str]:
    """Say what of a project is not as reviewed: settings, macros, readers and relations."""
    return [
        *setting_faults(unreviewed_settings(facts.nodes)),
        *(
            f"{macro.file}: macro `{macro.name}` {problem}. {overrides.REMEDY}"
            for macro, problem in overrides.overriding_macros(
                facts, overrides.names_of_dbts_context
            )
        ),
        *(
            f"{node.file}: {node.kind} `{node.name}` {problem}. {readers.REMEDY}"
            for node, problem in readers.readers(facts.nodes)
        ),
        *overrides.dispatch_faults(facts),
        *relation_faults(facts.nodes),
    ]
