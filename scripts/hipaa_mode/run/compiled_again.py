"""Whether what a build ran is what `hipaa-mode verify` proves.

`verify` proves what `dbt compile` makes of the models; a build runs what `dbt build` makes. So at
the end of a build the models are compiled once more, as in other circumstances: for another
command, on another day of the year, without environment variables and variables of others, and
with the environment's name for the target's. Whatever macro decides it, the SQL must be the same.
"""

from __future__ import annotations

import datetime as dt
import threading
from argparse import Namespace
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from hipaa_mode import PACKAGE
from hipaa_mode.engines import running_adapter

COMMAND = "compile"
RAW_LINES = "hipaa_mode_raw_lines"
"""What a compilation reads in the place of the raw calls, wherever they are."""

OWN = "hipaa_mode__"
"""What the package's own variables begin with."""

DIFFERS = (
    "{name} was built from other SQL than `dbt compile` gives, so that nothing proves what was "
    "built. One of its macros asks for the command, the target, the day or a variable: "
    "take that out of it"
)
FAILS = (
    "{name} can't be compiled as `hipaa-mode verify` compiles it, so that nothing proves what was "
    "built. One of its macros needs the command, the target, the day or a variable: take "
    "that out of it"
)


def is_same(built: str, again: str) -> bool:
    """Tell whether SQL that ran is that of a compilation."""
    if built == again:
        return True
    # A table of raw calls is read in the place of the lines of files.
    before, found, after = again.partition(RAW_LINES)
    return (
        bool(found)
        and RAW_LINES not in after
        and len(built) > len(before) + len(after)
        and built.startswith(before)
        and built.endswith(after)
    )


def other_circumstances(context: Mapping[str, Any], environment: str) -> dict[str, Any]:
    """Return what a model's Jinja finds of its circumstances where others compile it.

    Args:
        environment: the run's environment, which `verify` takes for the target.
    """
    started, var = context["run_started_at"], context["var"]
    first_day = (started.month, started.day) == (1, 1)
    month, day = (12, 31) if first_day else (1, 1)
    unset = dict.fromkeys(vars(context["flags"]))
    return {
        "flags": Namespace(**{**unset, "WHICH": COMMAND}),
        "invocation_args_dict": {"which": COMMAND},
        "invocation_id": "",
        "thread_id": "",
        "selected_resources": [],
        "dbt_metadata_envs": {},
        # The door: it answers nothing then that could differ, see `door.IN_COMPILED_SQL`.
        "modules": {PACKAGE: context["modules"][PACKAGE]},
        # No further than its year: ages and years of birth are counted from that.
        "run_started_at": dt.datetime(started.year, month, day, tzinfo=started.tzinfo),
        "target": {**context["target"], "name": environment, "target_name": environment},
        "var": lambda name, default=None: var(name, default) if name.startswith(OWN) else default,
    }


def built_otherwise(
    unique_ids: Collection[str],
    environment: str,
    compiling: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> dict[str, str]:
    """Compile models of the running project once more, and say of which the SQL differs.

    Args:
        unique_ids: dbt's names of the models, which this run has built.
        compiling: entered while they are compiled.

    Returns:
        By unique id, what is wrong.
    """
    found: dict[str, str] = {}
    failed: list[Exception] = []

    def work() -> None:
        try:
            with compiling():
                found.update(_built_otherwise(unique_ids, environment))
        except Exception as error:
            failed.append(error)

    # dbt has a connection for each thread, and that of this one is in the middle of a query.
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        # Something of dbt is not as it was: then nothing can be said of any of them.
        return {unique_id: FAILS.format(name=unique_id) for unique_id in unique_ids}
    return found


def _built_otherwise(unique_ids: Collection[str], environment: str) -> dict[str, str]:
    from dbt_common.context import set_invocation_context

    # What `env_var` looks at, in this thread alone.
    set_invocation_context({})
    adapter = running_adapter()
    manifest = adapter.get_macro_resolver()
    found: dict[str, str] = {}
    with adapter.connection_named("hipaa_mode_compiled_again"):
        for unique_id in unique_ids:
            node = manifest.nodes[unique_id]
            try:
                again = _compiled(node, adapter.config, manifest, environment)
            except Exception:
                found[unique_id] = FAILS.format(name=node.name)
                continue
            if not any(is_same(node.compiled_code or "", sql) for sql in again):
                found[unique_id] = DIFFERS.format(name=node.name)
    return found


def _compiled(node: Any, config: Any, manifest: Any, environment: str) -> list[str]:
    """Compile a model: of one that is added to, for a first build as well as for a later one."""
    from dbt.clients.jinja import get_rendered
    from dbt.context.providers import generate_runtime_model_context

    context = generate_runtime_model_context(node, config, manifest)
    context.update(other_circumstances(context, environment))
    found = []
    for is_later in (False, True) if node.config.materialized == "incremental" else (False,):
        context["is_incremental"] = lambda is_later=is_later: is_later
        found.append(str(get_rendered(node.raw_code, context, node)))
    return found
