"""`hipaa-mode key token`: tokens of values on standard input, without a key in a process list."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import duckdb
import pyarrow as pa
import typer

from hipaa_mode import functions
from hipaa_mode.commands import console, options
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.keys import Subkey, load_master_key, named_key
from hipaa_mode.masking import make_tokens
from hipaa_mode.treatments import NORMALIZATIONS


def token(
    environment: options.EnvironmentArgument,
    scope: Annotated[str, typer.Argument(help="Scope of the tokens: `*`, a destination, …")] = "*",
    retired: Annotated[
        str | None,
        typer.Option(help="Under this retired key: its name in `key list`, or how that begins."),
    ] = None,
    normalize: Annotated[
        str, typer.Option(help="The row's `normalize`: " + ", ".join(NORMALIZATIONS) + ".")
    ] = "none",
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Values end with NUL and may hold line breaks.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Read values from standard input, one a line, and print the token of each.

    A blank value has no token: a blank line, or null in JSON. No value and no key is shown, and
    none is in the list of processes.

    Example: `printf 'patient-10482' | hipaa-mode key token prod`
    """
    if normalize not in NORMALIZATIONS:
        raise ConfigurationError("--normalize must be one of " + ", ".join(NORMALIZATIONS))
    key = named_key(os.environ, retired).key if retired else load_master_key(os.environ)
    values = split_values(sys.stdin.buffer.read(), null)
    tokens = tokens_of(values, key.subkey(environment, scope), normalize)
    if as_json:
        console.print_json(tokens)
    else:
        print("".join(f"{item or ''}\n" for item in tokens), end="")


def split_values(content: bytes, by_null: bool = False) -> list[str]:
    """Split what came on standard input into values: lines, or texts that end with NUL.

    The last one needs no end. A carriage return before a line feed is part of the line's end.

    Raises:
        ConfigurationError: a value is not UTF-8; the message says which, and not what it is.
    """
    if not content:
        return []
    end = b"\0" if by_null else b"\n"
    values: list[str] = []
    for number, value in enumerate(content.removesuffix(end).split(end), 1):
        try:
            values.append((value if by_null else value.removesuffix(b"\r")).decode())
        except UnicodeDecodeError:
            raise ConfigurationError(
                f"Value {number} on standard input is not UTF-8. Convert it first"
            ) from None
    return values


def tokens_of(values: list[str], subkey: Subkey, normalize: str = "none") -> list[str | None]:
    """Make the token of each value, normalised as the masked tables do; None for a blank one."""
    texts = pa.table({"value": pa.array(values, pa.string())})
    with duckdb.connect() as connection:
        connection.register("texts", texts)
        functions.create(connection)
        name = functions.normalizing(normalize)
        form = f"{functions.SCHEMA}.{name}(value)" if name else "value"
        spelled = connection.sql(f"select {form} as value from texts").to_arrow_table()
    scopes = pa.array(["*"] * len(values), pa.string())
    made = make_tokens(spelled["value"].combine_chunks(), scopes, lambda scope: subkey)
    return list(made.to_pylist())
