"""The dbt-core plugin: gives Jinja the name `modules.hipaa_mode`, on every adapter.

dbt imports every top-level module whose name begins with `dbt_` and makes its `plugins` before it
parses a project, for every command, wherever this package is installed. So nothing of the package
is imported here before a macro asks for it, but for a target of PostgreSQL. dbt calls this
interface experimental: dbt-core is pinned, and macro `door` says plainly where the name is
missing.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from dbt.adapters.factory import FACTORY
from dbt.context import base
from dbt.plugins.manager import dbtPlugin

NAME = "hipaa_mode"


class LazyDoor:
    """Stands for `hipaa_mode.run.door.DOOR` until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            # What Jinja and copying look for in any object.
            raise AttributeError(name)
        return getattr(importlib.import_module("hipaa_mode.run.door").DOOR, name)


class HipaaMode(dbtPlugin):
    """Adds the door to the modules that dbt gives to Jinja; once in a process."""

    def initialize(self) -> None:
        """Wrap dbt's own list of modules, and how it connects to PostgreSQL."""
        if "dbt.adapters.postgres" in sys.modules:
            importlib.import_module("hipaa_mode.engines.postgres_connections").use()
        modules_of_dbt = base.get_context_modules
        if hasattr(modules_of_dbt, NAME):
            return
        door = LazyDoor()

        def get_context_modules() -> dict[str, Any]:
            if (adapter := FACTORY.adapters.get("spark")) is not None:
                # Before dbt opens a session.
                faults = importlib.import_module("hipaa_mode.engines.spark_faults")
                faults.refuse_once(adapter, os.environ)
            return {**modules_of_dbt(), NAME: door}

        setattr(get_context_modules, NAME, door)
        base.get_context_modules = get_context_modules


plugins = [HipaaMode]
