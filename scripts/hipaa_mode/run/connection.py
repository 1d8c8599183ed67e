"""Whether a connection means what the package's SQL was reviewed with.

A setting such as `default_collation` decides what `=` means, for the filters and for the tests
that check them. So a setting keeps its default unless it is reviewed below: what the defaults are
is asked of a fresh database in memory, so that a setting of a later DuckDB is judged as well.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import duckdb

from hipaa_mode import functions
from hipaa_mode.engines import thread_connection
from hipaa_mode.errors import HipaaModeError

MAY_DIFFER = frozenset(
    (
        # How much of the machine is used, and when data is written to disk.
        *("threads", "worker_threads", "external_threads", "async_threads", "pin_threads"),
        *("memory_limit", "max_memory", "operator_memory_limit", "max_streaming_buffer_size"),
        *("block_allocator_memory", "allocator_background_threads"),
        *("allocator_flush_threshold", "allocator_bulk_deallocation_flush_threshold"),
        *("temp_directory", "max_temp_directory_size", "temp_file_encryption"),
        *("checkpoint_threshold", "wal_autocheckpoint", "wal_autocheckpoint_entries"),
        *("auto_checkpoint_skip_wal_threshold", "streaming_buffer_size", "max_vacuum_tasks"),
        *("write_buffer_row_group_count", "write_buffer_row_group_memory_limit"),
        *("default_block_size", "storage_compatibility_version", "access_mode"),
        # What is shown of progress, and how DuckDB presents itself.
        *("enable_progress_bar", "enable_progress_bar_print", "progress_bar_time"),
        *("custom_user_agent", "duckdb_api"),
        # What is written down of queries: SQL text and plans, which hold no value of a call.
        *("enable_profiling", "profiling_mode", "profiling_output", "profile_output"),
        "log_query_path",
        # Where extensions and secrets are, and how other places are reached.
        *("home_directory", "extension_directory", "extension_directories"),
        *("secret_directory", "default_secret_storage", "allow_persistent_secrets"),
        *("http_proxy", "http_proxy_username", "http_proxy_password", "ca_cert_file"),
        *("enable_server_cert_verification", "http_keep_alive", "http_timeout"),
        *("http_retries", "http_retry_backoff", "http_retry_wait_ms", "user", "username"),
        "password",
        # What only ever allows less.
        *("lock_configuration", "enable_external_access", "allowed_directories", "allowed_paths"),
        *("allowed_configs", "disabled_filesystems", "allow_community_extensions"),
        *("autoinstall_known_extensions", "autoload_known_extensions"),
    )
)
"""Settings that change neither values nor rows."""

REGISTERED = frozenset(
    (
        *("hipaa_mask", "hipaa_mask_retired", "hipaa_mode_is_hexadecimal"),
        *("hipaa_mode_note_coincidences", "hipaa_mode_random_code"),
    )
)
"""The functions that the plugin registers."""

MAY_DIFFER_PREFIXES = ("s3_", "azure_")
"""Settings by which object storage is reached; the names depend on the extension's version."""

SAME = {"TimeZone": frozenset(("UTC", "Etc/UTC", "Etc/UCT", "UCT", "Zulu"))}
"""Values of a setting that are one another."""

EXTENSIONS = frozenset(
    (
        *("autocomplete", "aws", "avro", "azure", "core_functions", "delta", "ducklake", "excel"),
        *("fts", "httpfs", "iceberg", "icu", "inet", "jemalloc", "json", "motherduck"),
        *("mysql_scanner", "parquet", "postgres_scanner", "spatial", "sqlite_scanner", "tpcds"),
        *("tpch", "ui", "unity_catalog", "vss"),
    )
)
"""DuckDB's own extensions: none has a collation, or another meaning of what SQL says."""


_ALL = "include_all := true" if int(duckdb.__version__.partition(".")[0]) >= 2 else ""
SETTINGS = f"system.main.duckdb_settings({_ALL})"
"""All settings: DuckDB 2 leaves out, unless told, those that it calls deprecated or for debugging,
which still have an effect."""


@functools.cache
def default_settings() -> Mapping[str, str]:
    """Return every setting of a fresh database in memory, by name."""
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(f"select name, value from {SETTINGS}").fetchall()
    return {name: _text(value) for name, value in rows}


STATE = (
    f"select (select system.main.list([name, value]) from {SETTINGS}), "
    "(select system.main.list(extension_name) from system.main.duckdb_extensions() where loaded)"
)
ENGINES = "select function_name from system.main.duckdb_functions() where internal"
"""Queries of what is judged: by full name, or a macro of these names could say what it likes. Some
values are secrets, so they come by no SQL that dbt logs."""


def this_connection() -> duckdb.DuckDBPyConnection:
    """Return the very connection that dbt gave to the model, test or hook which asks."""
    cursor: duckdb.DuckDBPyConnection = thread_connection().cursor()
    return cursor


def _rows(sql: str) -> list[Any]:
    """Ask this connection.

    Raises:
        HipaaModeError: it can't be asked.
    """
    try:
        return list(this_connection().execute(sql).fetchall())
    except (AttributeError, duckdb.Error) as error:
        raise HipaaModeError(
            f"The connection does not say how it is set ({type(error).__name__})"
        ) from None


def faults_of_this_connection() -> list[str]:
    """Say what of the connection that asks may change what the reviewed SQL means."""
    [(settings, extensions)] = _rows(STATE)
    return connection_faults(settings or (), extensions or (), default_settings())


def function_fault(made: str | None, rows: Callable[[str], list[Any]] = _rows) -> str:
    """Say what may stand in for a function of the package or of the engine; blank for nothing.

    Args:
        made: the digest of the functions that the plugin made; None where it made none.
    """
    if made is None:
        return (
            "the masking plugin is not loaded, so nothing was built. Add it to this target in "
            "profiles.yml:\n  plugins:\n    - module: hipaa_mode.plugin"
        )
    # Sorted out here: in SQL, a macro could stand in for what sorts.
    found = rows(functions.NOT_THE_ENGINES)
    if functions.digest(found) != made:
        return (
            f"the functions of the database {functions.SCHEMA}, which every value passes through, "
            "are not those that were made when it was opened, so nothing was built. Take out what "
            "replaces or drops one"
        )
    own = {str(name).lower() for database, _, name, *_ in found if database != functions.SCHEMA}
    if own & REGISTERED:
        return (
            "the database has a macro or function of its own with the name of a masking function. "
            "It could stand in for masking, so nothing was built. Drop it: select * from "
            "duckdb_functions() where function_name like 'hipaa%' shows it"
        )
    if shadowed := own and own & {name for (name,) in rows(ENGINES)}:
        # One called date_trunc would give all destinations exact times; count would empty tests.
        return (
            "the database has macros that stand in for the engine's own functions, so nothing was "
            f"built. Drop them: {', '.join(sorted(shadowed))}"
        )
    return ""


def connection_faults(
    settings: Iterable[Sequence[str | None]],
    extensions: Iterable[str],
    defaults: Mapping[str, str],
) -> list[str]:
    """Say which settings and extensions may change what the reviewed SQL means.

    Args:
        defaults: the settings of a fresh database, by name.
    """
    found = {str(name): _text(value) for name, value in settings}
    faults = [
        f"`{name}` of the connection is not DuckDB's default, and it can change which rows or "
        f"values are let through. {remedy(name)}"
        for name, value in sorted(found.items())
        if not _may_be(name, value, defaults.get(name))
    ]
    faults += [
        f"the connection lacks the setting `{name}`, by which it is judged. Use the DuckDB that "
        "is installed here"
        for name in sorted(defaults.keys() - found.keys())
        if not _is_free(name)
    ]
    faults += [
        f"DuckDB's extension `{name}` is loaded, which is not one that was reviewed. Take it out "
        "of `extensions` in profiles.yml"
        for name in sorted(set(extensions) - EXTENSIONS)
    ]
    return faults


def remedy(name: str) -> str:
    """Say how a setting gets its default back."""
    return (
        f"Take it out of `settings` and `config_options` in profiles.yml, and out of hooks and "
        f"models that run `set {name}`"
    )


def _may_be(name: str, value: str, default: str | None) -> bool:
    same = SAME.get(name, frozenset())
    return _is_free(name) or value == default or (value in same and default in same)


def _is_free(name: str) -> bool:
    return name in MAY_DIFFER or name.startswith(MAY_DIFFER_PREFIXES)


def _text(value: object) -> str:
    return "" if value is None else str(value)
