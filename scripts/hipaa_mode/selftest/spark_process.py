"""A process that runs dbt on Spark, one command after the other, for copies of a project.

One process has one Java machine, which starts once, and plans each build faster than the one
before. It is talked to in lines of JSON on its standard input and output, by `SparkWarehouses`.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    """Run what is asked for until nobody asks any more."""
    with os.fdopen(os.dup(0), "r") as asked, os.fdopen(os.dup(1), "w") as answers:
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        for line in asked:
            print(json.dumps({"exit_code": _run(**json.loads(line))}), file=answers, flush=True)


def _run(arguments: list[str], folder: str, output: str) -> int:
    """Run a command of dbt.

    Args:
        arguments: those of dbt.
        folder: where it runs.
        output: the file that gets what it writes.

    Returns:
        Its exit code.
    """
    from dbt.cli.main import dbtRunner

    os.chdir(folder)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for standard in (1, 2):
        os.dup2(written, standard)
    os.close(written)
    done = dbtRunner().invoke(arguments)
    sys.stdout.flush()
    return 0 if done.success else 1


if __name__ == "__main__":
    main()
