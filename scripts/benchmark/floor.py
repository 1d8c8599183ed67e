"""The least that any of the contestants has to do: read the calls, parse each once, write Parquet.

    python floor.py CALLS.ndjson OUTPUT.parquet

DuckDB's own parallel reader, one extraction of all the paths, one Parquet file. Nothing is typed,
masked, filtered, de-duplicated or tested, and dbt takes no part.
"""

from __future__ import annotations

import sys

import duckdb

ENVELOPE = ("messageId", "type", "event", "timestamp", "userId", "anonymousId", "groupId")
PROPERTIES = ("email", "phone", "member_id", "plan", "zip", "age", "price", "duration_seconds")


def main() -> None:
    """Run the floor."""
    calls, output = sys.argv[1:]
    paths = [f'$."{name}"' for name in ENVELOPE]
    paths += [f'$."properties"."{name}"' for name in PROPERTIES]
    listed = ", ".join(f"'{path}'" for path in paths)
    names = (*ENVELOPE, *PROPERTIES)
    columns = ", ".join(f'found[{place}] as "{name}"' for place, name in enumerate(names, start=1))
    duckdb.execute(
        f"""
        copy (
            select {columns}
            from (
                select json_extract_string(json, [{listed}]) as found
                from read_ndjson_objects('{calls}')
            )
        ) to '{output}' (format parquet, compression zstd, compression_level 1)
        """
    )


if __name__ == "__main__":
    main()
