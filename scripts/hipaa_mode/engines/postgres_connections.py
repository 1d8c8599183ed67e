"""Connections to PostgreSQL, dbt's and the package's: each gets a run's subkeys as it is opened.

They are in its start-up packet, so in no SQL text, plan or log; and not in the environment, which
every program would get that something in the run starts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import psycopg2
from dbt.adapters.contracts.connection import Connection, ConnectionState, Identifier
from dbt.adapters.postgres import connections as of_dbt
from dbt_common.dataclass_schema import ValidationError
from dbt_common.exceptions import DbtBaseException, DbtRuntimeError

from hipaa_mode.engines import POSTGRES
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.project_settings import rendered_target, target_refused

OPTIONS = "PGOPTIONS"
"""The environment variable of which libpq makes a connection's start-up options."""

_WHERE = "the target in profiles.yml, or the variables PG… that it takes"

_REMEDIES = (
    (
        "password|authentication failed",
        f"Give the role's own password: correct {_WHERE}",
    ),
    (
        'role ".*" does not exist',
        f"Make the role on the server (createuser), or correct {_WHERE}",
    ),
    (
        'database ".*" does not exist',
        f"Make the database as docs/postgres.md says, or correct {_WHERE}",
    ),
    ("pg_hba.conf", "Let the role in from this machine, in the server's pg_hba.conf"),
    ("permission denied", "Have the database's owner grant the role connect on it"),
    ("too many|slots", "End other connections, or let the server take more (max_connections)"),
    ("starting up|shutting down", "Wait for the server, then run it again"),
)
_NO_SERVER = f"See whether the server runs and can be reached, or correct {_WHERE}"


class _Psycopg2:
    """The client library as dbt's adapter sees it: it opens connections with our options.

    Attributes:
        options: what connections get from now on; blank for nothing.
    """

    def __init__(self) -> None:
        self.options = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg2, name)

    def connect(self, **given: Any) -> Any:
        """Open a connection.

        Raises:
            psycopg2.OperationalError: it can't be opened; in one line, with the remedy.
        """
        if self.options:
            # libpq takes the variable only where it is given no options.
            others = given.get("options") or os.environ.get(OPTIONS)
            given["options"] = " ".join(filter(None, (others, self.options)))
        try:
            return psycopg2.connect(**given)
        except psycopg2.OperationalError as error:
            raise psycopg2.OperationalError(f"hipaa_mode: {why_not(str(error))}") from None


CLIENT = _Psycopg2()


def use() -> None:
    """Have dbt open its connections by `CLIENT`."""
    vars(of_dbt)["psycopg2"] = CLIENT


def connect(credentials: Any, manager: Any = of_dbt.PostgresConnectionManager) -> Any:
    """Open a connection as dbt does; every statement is a transaction of its own.

    Args:
        credentials: of the target, as dbt has them.
        manager: what opens dbt's connections.

    Raises:
        HipaaModeError: it can't be opened.
    """
    use()
    opening = Connection(
        type=Identifier(POSTGRES),
        name="hipaa_mode",
        credentials=credentials,
        state=ConnectionState.INIT,
    )
    try:
        handle = manager.open(opening).handle
    except DbtRuntimeError as error:
        raise HipaaModeError(str(error.msg).removeprefix("hipaa_mode: ")) from None
    handle.autocommit = True
    return handle


def credentials_of(output: Mapping[str, Any]) -> Any:
    """Return the credentials of a target of profiles.yml, as dbt reads them.

    Raises:
        ConfigurationError: dbt would not take it.
    """
    rendered = rendered_target(output)
    try:
        credentials = of_dbt.PostgresCredentials.translate_aliases(rendered)
        of_dbt.PostgresCredentials.validate(credentials)
        return of_dbt.PostgresCredentials.from_dict(credentials)
    except (DbtBaseException, ValidationError) as error:
        # Its text may have the password.
        raise target_refused(error) from None


def why_not(message: str) -> str:
    """Say why a connection can't be opened, from the words of libpq, which have no password."""
    lines = [line.strip() for line in message.splitlines() if "failed" in line] or [message]
    # Of a host's several addresses the last one that answers says most.
    said = next((line for line in reversed(lines) if "FATAL" in line), lines[-1]).strip()
    remedy = next((way for shape, way in _REMEDIES if re.search(shape, said)), _NO_SERVER)
    return f"{said}. {remedy}"
