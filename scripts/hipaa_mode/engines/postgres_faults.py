"""What a PostgreSQL server, database or role lacks for a build, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

OLDEST_VERSION = 15

BYTEWISE = frozenset(("C", "POSIX", "C.UTF-8", "C.utf8"))
"""Collations by which texts are in the order of their characters, as on every engine."""

MAKE_DATABASE = (
    "Make one with `create database … template template0 encoding 'UTF8' lc_collate 'C' "
    "lc_ctype 'C'`, and build there"
)

TELLING = ("08", "0A", "25", "42501", "42P01", "3F000", "53", "55", "57", "58")
"""Beginnings of the codes of errors whose messages name objects and no values."""

REMEDIES: Mapping[str, str] = {
    "08": "See whether the server is there, then run it again",
    "0A": "Install what is missing on the server (Debian: apt-get install postgresql-contrib)",
    "25006": "Name the server that can be written to: a standby can't",
    "42501": "Let a database's owner grant it to the role that builds; see docs/postgres.md",
    "53": "Give the server more room, then run it again",
    "57": "See why the server ended it, then run it again",
    "58": "Install what is missing on the server (Debian: apt-get install postgresql-contrib)",
}

_SHADOWING = """
with

schemas as (

    select oid
    from pg_catalog.pg_namespace
    where nspname = any (current_schemas(false)) and nspname <> 'pg_catalog'

),

of_extensions as (

    select classid, objid
    from pg_catalog.pg_depend
    where deptype = 'e'

),

shadowing as (

    select 'function ' || own.proname as name, 'pg_proc'::regclass as kind, own.oid
    from pg_catalog.pg_proc as own
    inner join pg_catalog.pg_proc as built_in
        on built_in.pronamespace = 'pg_catalog'::regnamespace and built_in.proname = own.proname
    where own.pronamespace in (select oid from schemas)
    union
    select 'operator ' || own.oprname, 'pg_operator'::regclass, own.oid
    from pg_catalog.pg_operator as own
    inner join pg_catalog.pg_operator as built_in
        on built_in.oprnamespace = 'pg_catalog'::regnamespace and built_in.oprname = own.oprname
    where own.oprnamespace in (select oid from schemas)
    union
    select
        'cast (' || castsource::regtype || ' as ' || casttarget::regtype || ')',
        'pg_cast'::regclass,
        oid
    from pg_catalog.pg_cast
    where oid >= 16384 and castsource < 16384 and casttarget < 16384

)

select name
from shadowing
where not exists (
    select 1 from of_extensions where classid = kind and objid = shadowing.oid
)
order by name
"""


def faults_of_server(cursor: Any) -> Iterator[str]:
    """Give what of a server and its database keeps a build from being right."""
    cursor.execute(
        "select cast(current_setting('server_version_num') as integer) / 10000, "
        "pg_encoding_to_char(encoding), datcollate, datctype, current_schemas(true), "
        "pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on' "
        "from pg_database where datname = current_database()"
    )
    [(version, encoding, collation, kinds, path, is_read_only)] = cursor.fetchall()
    if version < OLDEST_VERSION:
        yield f"the server is PostgreSQL {version}. Use {OLDEST_VERSION} or later"
    if encoding != "UTF8":
        yield f"the database's encoding is {encoding}, and has to be UTF8. {MAKE_DATABASE}"
    if not {collation, kinds} <= BYTEWISE:
        yield f"the database sorts by a language. {MAKE_DATABASE}"
    if is_read_only:
        yield f"the database is read-only. {REMEDIES['25006']}"
    if [name for name in path if not name.startswith("pg_temp")][:1] != ["pg_catalog"]:
        yield (
            "the role's search_path has `pg_catalog` behind another schema, which may have "
            "functions of its own by the same names. Take pg_catalog out of it"
        )


def what_stands_in(cursor: Any) -> list[str]:
    """Return the functions, operators and casts that may stand in for the engine's own."""
    cursor.execute(_SHADOWING)
    return [name for (name,) in cursor.fetchall()]


def why(error: Any) -> str:
    """Say why a statement failed, with a remedy where there is one; no value of a call."""
    code, message = error.pgcode or "", error.diag.message_primary or ""
    # Other messages may quote a value.
    text = message if message and code.startswith(TELLING) else type(error).__name__
    known = (remedy for start, remedy in REMEDIES.items() if code.startswith(start))
    return ". ".join(filter(None, (text, next(known, ""))))
