"""Macros of the package, rendered without dbt: for SQL that a test runs by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jinja2
from project import REPOSITORY

NOT_PLAIN = "materializations"
"""Files of tags that only dbt knows."""


MACRO = re.compile(r"(\{%-?\s*macro\s+)")
PREFIX = "of_package__"
"""What names begin with while they are read: Jinja gives nobody a macro that begins with `_`."""


class GivenBackError(Exception):
    """What a macro gives back by `return`."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


class Macros:
    """The macros by name, as `hipaa_mode` has them in dbt, for DuckDB.

    Args:
        run_query: gives what SQL finds, as dbt does.
        stubs: what stands in for macros that ask Python or dbt.
    """

    def __init__(self, run_query: Callable[[str], Any], **stubs: Callable[..., Any]) -> None:
        self._macros: dict[str, Any] = dict(stubs)
        environment = jinja2.Environment(extensions=["jinja2.ext.do"])
        known = {
            "hipaa_mode": self,
            "adapter": self,
            "return": _give_back,
            "run_query": run_query,
            "ref": lambda package, name: name,
            "execute": True,
        }
        for file in sorted((REPOSITORY / "macros").rglob("*.sql")):
            if file.parent.name != NOT_PLAIN:
                text = MACRO.sub(rf"\1{PREFIX}", file.read_text("utf-8"))
                for name, macro in vars(environment.from_string(text).make_module(known)).items():
                    self._macros.setdefault(name.removeprefix(PREFIX), macro)

    def dispatch(self, name: str, package: str) -> Callable[..., Any]:
        """Return DuckDB's own macro, or that of all engines."""
        own = f"duckdb__{name}"
        return self[own if own in self._macros else f"default__{name}"]

    def __getitem__(self, name: str) -> Callable[..., Any]:
        macro = self._macros[name]

        def call(*values: Any, **named: Any) -> Any:
            try:
                return macro(*values, **named)
            except GivenBackError as returned:
                return returned.value

        return call

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self[name]


def _give_back(value: object) -> None:
    raise GivenBackError(value)
