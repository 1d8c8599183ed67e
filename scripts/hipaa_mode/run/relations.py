"""Where dbt puts relations, whatever macro of the project decided it.

A project may give schemas, databases and names of its own with `generate_schema_name` and the
like. What they come to is judged here: the restricted zone has a schema to itself, where the
package's own tables are too.
"""

from __future__ import annotations

from collections.abc import Sequence

from hipaa_mode.run.facts import Node

REMEDY = "Change `generate_schema_name`, or `+schema` in dbt_project.yml"
SHOWN = 3


def relation_faults(nodes: Sequence[Node]) -> list[str]:
    """Say which relations are where they must not be."""
    zone = {node.address[:2] for node in nodes if node.is_restricted}
    shown = ", ".join(sorted(f"`{'.'.join(address)}`" for address in zone))
    faults = []
    if len(zone) > 1:
        faults.append(f"the package's own models are in {shown}: they need one schema. {REMEDY}")
    others = sorted(
        node.name
        for node in nodes
        if node.address[:2] in zone
        and not node.is_restricted
        and node.kind in ("model", "seed", "snapshot")
        and node.config.get("materialized") != "ephemeral"
    )
    if others:
        names = ", ".join(f"`{name}`" for name in others[:SHOWN])
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        faults.append(
            f"{names}{more} would be in {shown}, the schema of the restricted zone: who may read "
            f"one may read the other. {REMEDY}"
        )
    return faults
