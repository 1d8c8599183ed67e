"""Tables that views are published as: each is written to a file, which gets the last look."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from hipaa_mode.engines import Engine
from hipaa_mode.errors import PublishingError
from hipaa_mode.folders import UNFINISHED, make_private
from hipaa_mode.partitions import ALL, Partition, PartitionPlan
from hipaa_mode.run.file_writer import write_file


def write_table(
    engine: Engine, table: str, relation: str, model: str, folder: Path
) -> PartitionPlan:
    """Write a table, in the order in which it is stored, to an unfinished file of its view.

    Args:
        relation: the view; it says how many rows there have to be.
        model: name of the view's model.
        folder: of the destination's unfinished files; nothing of it is published.

    Raises:
        PublishingError: it has values that can't be written.
    """
    make_private(folder / model)
    [(count,)] = engine.ask(f"select count(*) from {relation}", {})
    whole = Partition(ALL)
    plan = PartitionPlan(model, (whole,), (), {}, is_whole=True)
    file = plan.file(whole)
    try:
        with engine.read(f"select * from {table}") as rows:
            write_file(rows, str(folder / (file + UNFINISHED)), ())
    except (ValueError, pa.ArrowException) as error:
        # Its text could quote a value.
        raise PublishingError(
            f"The table of {model} can't be looked at ({type(error).__name__}), so it was not put "
            "in place. Run dbt build again"
        ) from None
    return PartitionPlan(model, (whole,), (), {file: count}, is_whole=True)
