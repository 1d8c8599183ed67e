"""Ways to leak that `hipaa-mode verify` must refuse, each put into SQL that dbt really compiled.

Every case changes the compiled SQL of one model by hand, as a hand-edited model, a changed macro
or a package's override would. Nothing of it may be proven, on any engine: cases are written in
DuckDB's SQL, and `ON_POSTGRES` and `ON_SPARK` have what the others say for it.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from project import VIEWS, Project, allowed, destination, event

from hipaa_mode.engines import DUCKDB, POSTGRES, SPARK
from hipaa_mode.plan import Plan
from hipaa_mode.project import read_plan
from hipaa_mode.verify import proof, reviewed
from hipaa_mode.verify.manifest import Manifest, read_manifest
from hipaa_mode.verify.proof import RULES, Proof, prove
from hipaa_mode.verify.terms import parse

VIEW, OTHER, MASKED = "ga4__events", "ads__events", "masked_events"
READ, STAGED = "calls_read", "stg_calls"
USERS = "ga4__users"

PLAN = 'masked."properties__plan__allow" as "plan"'
COLUMN = 'masked."properties__plan__allow"'
FILTER = "masked.event in ('Signed In')"
NOT_DENIED = "not list_contains(masked.denied_to, 'ga4')"
WHERE = f"where {FILTER}\n    and {NOT_DENIED}"
RELATION = '"calls"."main_restricted"."masked_events" as masked'
EMAIL = '"properties__email__forms"."properties__email__mask__shared"'
EMAIL_VALUE = 'treated."properties__email"'


@dataclasses.dataclass(frozen=True)
class Compiled:
    """A project as dbt compiled it, and what its seeds say."""

    plan: Plan
    manifest: Manifest

    @property
    def engine(self) -> str:
        return self.manifest.engine

    def proof(self, model: str = "", **changes: Any) -> Proof:
        """Prove it with one model changed."""
        models = {
            key: dataclasses.replace(item, **changes) if item.name == model else item
            for key, item in self.manifest.models.items()
        }
        return prove(self.plan, dataclasses.replace(self.manifest, models=models))

    def sql(self, model: str) -> str:
        [found] = [item for item in self.manifest.models.values() if item.name == model]
        return found.sql


@pytest.fixture(scope="module", autouse=True)
def parsed_once() -> Iterator[None]:
    """Every case changes one model: the others need not be parsed again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "parse", functools.cache(parse))
        patch.setattr(reviewed, "parse", functools.cache(parse))
        yield


@pytest.fixture(scope="module", params=[DUCKDB, POSTGRES, SPARK])
def compiled(request: pytest.FixtureRequest, new_project: Callable[..., Project]) -> Compiled:
    project: Project = new_project(
        "verify",
        [
            destination("ga4", timestamp_precision="hour"),
            destination("ads", mask_scope="destination"),
            destination("crm", restrict_phi="false", baa_reference="BAA-1"),
        ],
        [event("ga4", "Signed In"), event("ads", "Signed In", "login"), event("ads", "Booked")],
        [
            allowed("ga4", "event", "plan", guard="none"),
            allowed("ga4", "event", "note"),
            allowed("ga4", "event", "email", "mask", normalize="email"),
            allowed("ga4", "event", "phones[]", "mask", normalize="phone"),
            allowed("ga4", "event", "items[].sku", guard="none"),
            allowed("ga4", "event", "zip", "zip3"),
            allowed("ga4", "event", "price", "round(5)"),
            allowed("ga4", "event", "address", data_type="json", guard="none"),
            allowed("ads", "event", "email", "mask"),
            allowed("ads", "event", "member", "surrogate"),
            allowed("ads", "event", "coupon", event="Booked", guard="none"),
            allowed("ads", "context", "page.url", "url_origin"),
            allowed("ga4", "user", "tier", guard="none"),
            allowed("ga4", "user", "mail", "mask", normalize="email"),
            allowed("ga4", "user", "born", "birth_year"),
        ],
        views={"ga4": (*VIEWS, "users"), "crm": (*VIEWS, "groups_latest")},
    )
    project.write_seed("environments", [{"environment": "dev", "retain_days": "400"}])
    run = project.dbt("compile", *_without_server(project, request.param))
    assert run.exit_code == 0, run.output
    manifest = read_manifest(project.folder / "target/manifest.json")
    return Compiled(read_plan(Path(project.folder), "dev"), manifest)


def _without_server(project: Project, engine: str) -> tuple[str, ...]:
    """Return options to compile for an engine, of which no server is there."""
    if engine == DUCKDB:
        return ()
    project.as_users_do = True
    # Nor is there a Java.
    project.environment |= {"PGDATABASE": "calls", "PGPORT": "1", "PATH": "", "JAVA_HOME": ""}
    variables = "{hipaa_mode__environment: dev}"
    options = ("--no-introspect", "--no-populate-cache")
    return ("--target", engine, *options, "--vars", variables)


def test_what_dbt_compiles_is_proven(compiled: Compiled) -> None:
    found = compiled.proof()

    assert found.violations == []
    outcomes = {(item.view, item.column): item.outcome for item in found.verdicts}
    assert outcomes[VIEW, "plan"] == "allow"
    assert outcomes[VIEW, "email"] == "mask"
    assert outcomes[VIEW, "zip"] == "zip3"
    assert outcomes[VIEW, ""] == "rows"
    latest = {column: form for (view, column), form in outcomes.items() if view == USERS}
    assert latest == {
        "": "rows",
        "row_id": "mask",
        "changed_at": "envelope",
        "user_id": "mask",
        "tier": "allow",
        "mail": "mask",
        "born": "birth_year",
    }
    assert outcomes["crm__groups_latest", "traits"] == "allow"


def more(column: str) -> tuple[str, str]:
    """An extra column in the view."""
    return PLAN, f'{PLAN}, {column} as "more"'


def instead(expression: str) -> tuple[str, str]:
    """Another expression in the place of a column that may be sent."""
    return PLAN, f'{expression} as "plan"'


def also(predicate: str) -> tuple[str, str]:
    """One more condition on the view's rows."""
    return WHERE, f"{WHERE} and {predicate}"


TOKENS = 'masked."properties__email__mask__shared"'
STG = '"calls"."main_restricted"."stg_calls"'

ON_POSTGRES = (
    ("system.main.hipaa_mask(", "hipaa_functions.token("),
    ("hipaa_mask(", "token("),
    ("system.main.hipaa_mode_random_code(", "hipaa_functions.random_code("),
    (" as varchar)", " as text)"),
    ("left(row_id__for_ads, 15)", "timestamp), row_id__for_ads"),
    ("left(user_id__for_ads, 15)", "timestamp), user_id__for_ads"),
    ("\ncalls as (", "\ncalls as materialized ("),
    ("['000', ", "array['000', "),
    ("readable end, [", "readable end, cast(array["),
    ("readable, [", "readable, cast(array["),
)
"""What DuckDB says, and what PostgreSQL says for it."""

ON_SPARK = (
    ("system.main.", "system.session."),
    (" as varchar)", " as string)"),
    ("varchar[]", "array<string>"),
    ("left(row_id__for_ads, 15)", "timestamp), row_id__for_ads"),
    ("left(user_id__for_ads, 15)", "timestamp), user_id__for_ads"),
    ("cast([] as", "cast(array() as"),
    ("['000', ", "cast(array('000', "),
    ("readable end, [", "readable end, cast(array("),
    ("readable, [", "readable, cast(array("),
    ("list_contains(", "array_contains("),
)
"""What DuckDB says, and what Spark says for it."""

# name: (rule it breaks, model, (text of its compiled SQL, text put in its place))
LEAKS: dict[str, tuple[str, str, tuple[str, str]]] = {
    # What the lineage of sqlglot does not see.
    "columns of a pattern": ("syntax", VIEW, instead("columns('.*')")),
    "columns of a lambda": ("syntax", VIEW, instead("columns(c -> c like '%raw%')")),
    "positional reference": ("syntax", VIEW, instead("#2")),
    "whole row": ("unresolved", VIEW, instead("masked")),
    "whole row as JSON": ("function", VIEW, instead("to_json(masked)")),
    "whole row as a struct": ("function", VIEW, instead("row(masked.*)")),
    "exists": (
        "predicate",
        VIEW,
        also(f"exists (select 1 from {STG} as s where s.user_id = masked.user_id__shared)"),
    ),
    "not exists": (
        "predicate",
        VIEW,
        also(f"not exists (select 1 from {STG} as s where s.event = 'x')"),
    ),
    "scalar subquery": ("syntax", VIEW, instead(f"(select max(user_id) from {STG})")),
    "in a subquery": (
        "syntax",
        VIEW,
        also(f"masked.user_id__shared in (select user_id from {STG})"),
    ),
    "table function of a file": (
        "join",
        VIEW,
        (" as masked\n", " as masked, read_csv('f') as more\n"),
    ),
    "table function alone": ("syntax", VIEW, (RELATION, "read_csv('f') as masked")),
    "query by name alone": ("syntax", VIEW, (RELATION, "query_table('stg_calls') as masked")),
    "query by text alone": ("syntax", VIEW, (RELATION, "query('select 1') as masked")),
    "rows of a parameter": ("syntax", VIEW, (RELATION, "unnest([1]) as masked")),
    "whole row in a list": ("unresolved", VIEW, instead("array_to_string([masked], ',')")),
    "whole row as text": ("unresolved", VIEW, instead("cast(masked as varchar)")),
    "whole row joined to a text": ("unresolved", VIEW, instead("masked || ''")),
    "whole row of a CTE": ("unresolved", MASKED, ("treated.call_type,", "treated as call_type,")),
    "field of a whole row": ("function", VIEW, instead("(masked).event")),
    "exists in a column": (
        "form",
        VIEW,
        instead(f"case when exists (select 1 from {STG} as s where s.event = 'x') then 'y' end"),
    ),
    "function of another schema": ("function", VIEW, instead(f"main.lower({COLUMN})")),
    "function of another database": ("function", VIEW, instead(f"calls.main.lower({COLUMN})")),
    "function nobody knows": ("function", VIEW, instead(f"own_macro({COLUMN})")),
    "list comprehension": ("syntax", VIEW, instead("[x for x in [masked.event]]")),
    "map": ("syntax", VIEW, instead("map {'a': masked.event}")),
    "struct": ("syntax", VIEW, instead("{'a': masked.event}")),
    "order in a subquery": (
        "syntax",
        MASKED,
        (") as texts", " order by 1) as texts"),
    ),
    "limit in a subquery": (
        "syntax",
        MASKED,
        (") as texts", " limit 1) as texts"),
    ),
    "distinct on in a subquery": (
        "syntax",
        MASKED,
        (
            "from (\n        select\n            value,",
            "from (\n        select distinct on (name)\n            value,",
        ),
    ),
    "masked rows in another order": ("form", MASKED, ("\norder by ", "\norder by event, ")),
    "masked rows in that of a value": (
        "form",
        MASKED,
        ("left(row_id__for_ads, 15)", "left(user_id__for_ads, 15)"),
    ),
    "limit after the order of masked rows": (
        "syntax",
        MASKED,
        ("\n-- depends_on", "\nlimit 1\n-- depends_on"),
    ),
    "order in an aggregate": (
        "syntax",
        VIEW,
        instead(f"string_agg({COLUMN} order by masked.event)"),
    ),
    "query by name": (
        "join",
        VIEW,
        (" as masked\n", " as masked, query_table('stg_calls') as more\n"),
    ),
    "query by text": ("join", VIEW, (" as masked\n", " as masked, query('select 1') as more\n")),
    "session variable": ("function", VIEW, instead("getvariable('k')")),
    "environment variable": ("function", VIEW, instead("getenv('HOME')")),
    "unresolved column": ("unresolved", VIEW, instead("masked.no_such_column")),
    "unresolved relation": ("unresolved", VIEW, instead('other."properties__plan__allow"')),
    "struct field": ("syntax", VIEW, instead(f"{COLUMN}.field")),
    "struct extraction": ("syntax", VIEW, instead(f"struct_extract({COLUMN}, 'a')")),
    "JSON field": (
        "unlisted-property",
        VIEW,
        instead("masked.properties__address__allow->>'$.street'"),
    ),
    "star": ("syntax", VIEW, (PLAN, f"{PLAN}, masked.*")),
    "star but one": ("syntax", VIEW, (PLAN, f"{PLAN}, * exclude (event)")),
    "star replacing": ("syntax", VIEW, (PLAN, f"{PLAN}, * replace (1 as event)")),
    "pivot": (
        "syntax",
        VIEW,
        (" as masked\n", " as masked pivot (count(*) for event in ('a'))\n"),
    ),
    "unpivot": ("syntax", VIEW, (" as masked\n", " as masked unpivot (v for n in (event))\n")),
    "sample": ("syntax", VIEW, (WHERE, f"{WHERE} using sample 1")),
    "two statements": ("syntax", VIEW, (WHERE, f"{WHERE}; select 1")),
    "union": ("syntax", VIEW, (WHERE, f"{WHERE} union all select * from {STG}")),
    "except": ("syntax", VIEW, (WHERE, f"{WHERE} except select * from {STG}")),
    "values": ("join", VIEW, (" as masked\n", " as masked, (values (1)) as more\n")),
    "lateral": (
        "join",
        VIEW,
        (" as masked\n", f" as masked, lateral (select user_id from {STG}) as m\n"),
    ),
    "unnest": ("join", VIEW, (" as masked\n", " as masked, unnest([1, 2]) as m\n")),
    "cross join": ("syntax", VIEW, (" as masked\n", f" as masked cross join {STG} as s\n")),
    "inner join on raw": (
        "join",
        VIEW,
        (" as masked\n", f" as masked join {STG} as s on s.user_id = masked.user_id__shared\n"),
    ),
    "asof join": (
        "syntax",
        VIEW,
        (" as masked\n", f" as masked asof join {STG} as s using (event)\n"),
    ),
    "natural join": ("syntax", VIEW, (" as masked\n", f" as masked natural join {STG} as s\n")),
    "order": ("syntax", VIEW, (WHERE, f"{WHERE} order by {TOKENS}")),
    "limit": ("syntax", VIEW, (WHERE, f"{WHERE} limit 5")),
    "offset": ("syntax", VIEW, (WHERE, f"{WHERE} offset 5")),
    "group": ("syntax", VIEW, (WHERE, f"{WHERE} group by all")),
    "having": ("syntax", VIEW, (WHERE, f"{WHERE} having count(*) > 1")),
    "qualify": ("syntax", VIEW, (WHERE, f"{WHERE} qualify row_number() over () = 1")),
    "window": ("syntax", VIEW, instead(f"first_value({COLUMN}) over (order by event)")),
    "aggregate": ("syntax", VIEW, instead(f"max({COLUMN})")),
    "distinct": ("syntax", VIEW, ("select\n", "select distinct\n")),
    "distinct on": ("syntax", VIEW, ("select\n", "select distinct on (event)\n")),
    # Columns and rows of the view.
    "another column": ("columns", VIEW, more("masked.call_type")),
    "another constant": ("columns", VIEW, more("'x'")),
    "missing column": ("columns", VIEW, (f"{PLAN},", "")),
    "another property": ("unlisted-property", VIEW, instead('masked."properties__note__allow"')),
    "property of another destination": (
        "unlisted-property",
        VIEW,
        instead('masked."properties__coupon__allow"'),
    ),
    "whole object": ("unlisted-property", VIEW, instead("masked.properties__whole")),
    "raw id": ("unmasked", VIEW, ('masked."user_id__shared"', 'masked."user_id__raw"')),
    "another id": ("form", VIEW, ('masked."user_id__shared"', 'masked."anonymous_id__shared"')),
    "another scope": ("scope", VIEW, ('masked."user_id__shared"', 'masked."user_id__for_ads"')),
    "shared scope": ("scope", OTHER, ('masked."user_id__for_ads"', 'masked."user_id__shared"')),
    "row id of another scope": (
        "scope",
        OTHER,
        ('masked."row_id__for_ads"', 'masked."row_id__shared"'),
    ),
    "finer time": ("form", VIEW, ('masked."timestamp__hour"', 'masked."timestamp__exact"')),
    "joined texts": ("form", VIEW, instead(f"{COLUMN} || masked.event")),
    "case on another property": (
        "unlisted-property",
        VIEW,
        instead(f"case when masked.properties__zip__zip3 = '036' then {COLUMN} end"),
    ),
    "no filter": ("missing-filter", VIEW, (WHERE, "")),
    "no event filter": ("missing-filter", VIEW, (WHERE, f"where {NOT_DENIED}")),
    "denied calls": ("missing-filter", VIEW, (WHERE, f"where {FILTER}")),
    "calls denied to another": (
        "missing-filter",
        VIEW,
        (NOT_DENIED, NOT_DENIED.replace("ga4", "ads")),
    ),
    "none but denied calls": ("missing-filter", VIEW, (NOT_DENIED, NOT_DENIED[4:])),
    "denied calls where it is not known": (
        "missing-filter",
        VIEW,
        (NOT_DENIED, f"coalesce({NOT_DENIED}, true)"),
    ),
    "denied calls of some event": (
        "missing-filter",
        VIEW,
        (NOT_DENIED, f"({NOT_DENIED} or masked.event = 'Signed In')"),
    ),
    "latest values of denied calls": ("missing-filter", USERS, (NOT_DENIED, "true")),
    "wider event filter": (
        "missing-filter",
        VIEW,
        (FILTER, "masked.event in ('Signed In', 'Booked')"),
    ),
    "or in the filter": ("missing-filter", VIEW, (WHERE, f"{WHERE} or true")),
    "not in the filter": ("missing-filter", VIEW, (WHERE, WHERE.replace(" in ", " not in "))),
    "filter on case folded": (
        "missing-filter",
        VIEW,
        (FILTER, "lower(masked.event) in ('Signed In')"),
    ),
    "pattern in the filter": ("syntax", VIEW, (FILTER, "masked.event like 'Signed%'")),
    "filter hidden by a comment": (
        "missing-filter",
        VIEW,
        (WHERE, f"where -- {FILTER} and\n    {NOT_DENIED}"),
    ),
    "filter on a property": ("predicate", VIEW, also(f"{COLUMN} = 'gold'")),
    "filter on a token": ("predicate", VIEW, also(f"{TOKENS} is not null")),
    "filter on chance": ("syntax", VIEW, also("random() < 0.5")),
    "shown on every event": (
        "missing-filter",
        OTHER,
        (
            "case when masked.event in ('Booked') then masked.\"properties__coupon__allow\" end",
            'masked."properties__coupon__allow"',
        ),
    ),
    "not renamed": (
        "form",
        OTHER,
        ("when 'Signed In' then 'login'", "when 'Signed In' then 'other'"),
    ),
    "raw relation": (
        "unresolved",
        VIEW,
        ('"main_restricted"."masked_events"', '"main_restricted"."stg_calls"'),
    ),
    "relation of another database": (
        "unresolved",
        VIEW,
        ('"calls"."main_restricted"', '"other"."main"'),
    ),
    "unqualified relation": (
        "unresolved",
        VIEW,
        ('"calls"."main_restricted"."masked_events"', "masked_events"),
    ),
    "columns renamed by the alias": (
        "syntax",
        VIEW,
        (" as masked\n", " as masked(row_id__shared, event)\n"),
    ),
    "columns of a CTE renamed": (
        "syntax",
        MASKED,
        ("\ncalls as (", "\ncalls (call_key, event) as ("),
    ),
    "columns of a subquery renamed": (
        "syntax",
        MASKED,
        (") as texts", ") as texts(other)"),
    ),
    "columns of a joined table renamed": (
        "syntax",
        MASKED,
        ('left join "user_id__forms"\n', 'left join "user_id__forms" as "user_id__forms"(v)\n'),
    ),
    "escape string": ("syntax", VIEW, (FILTER, "masked.event in (e'Signed\\x20In')")),
    "two columns that differ by case": ("syntax", VIEW, (PLAN, f'{PLAN}, masked.event as "PLAN"')),
    "quoted column of another case": ("form", VIEW, instead('masked."EVENT"')),
    "insert": ("syntax", VIEW, ("\nselect\n", "\ninsert into t select\n")),
    "create": ("syntax", VIEW, ("\nselect\n", "\ncreate table t as select\n")),
    "from first": ("syntax", VIEW, (WHERE, f"{WHERE} union all from {STG}")),
    "for update": ("syntax", VIEW, (WHERE, f"{WHERE} for update")),
    "try": ("function", VIEW, instead("try(getvariable('k'))")),
    "error that quotes": ("function", VIEW, instead("error(masked.event)")),
    "chance": ("syntax", VIEW, instead("cast(random() as varchar)")),
    "file function": ("function", VIEW, instead("read_text('f')")),
    "list of another place": ("form", READ, ("found[13]", "found[14]")),
    "list of a computed place": ("unresolved", READ, ("found[13]", "found[length(message)]")),
    "whole list": ("form", READ, ("found[13]", "cast(found as varchar)")),
    "whole message": ("form", READ, ("found[13]", "message")),
    "guard dropped": (
        "form",
        MASKED,
        (
            "hipaa_functions.guarded(hipaa_functions.to_url_origin(",
            "(hipaa_functions.to_url_origin(",
        ),
    ),
    "recursive query": (
        "syntax",
        VIEW,
        ("\nselect\n", "\nwith recursive r as (select 1)\nselect\n"),
    ),
    # Masking.
    "mask dropped": (
        "unmasked",
        MASKED,
        (f"cast({EMAIL} as varchar)", EMAIL_VALUE),
    ),
    "values as their own tokens": (
        "unmasked",
        MASKED,
        ("system.main.hipaa_mask(text, '*') as \"user_id__shared\"", 'text as "user_id__shared"'),
    ),
    "value beside the token": (
        "unmasked",
        MASKED,
        (f"cast({EMAIL} as varchar)", f"{EMAIL} || {EMAIL_VALUE}"),
    ),
    "value where there is no token": (
        "unlisted-property",
        MASKED,
        (f"cast({EMAIL} as varchar)", f"cast(coalesce({EMAIL}, treated.user_id) as varchar)"),
    ),
    "token cut short": (
        "form",
        MASKED,
        (f"cast({EMAIL} as varchar)", f"cast(left({EMAIL}, 8) as varchar)"),
    ),
    "short name of the masking function": (
        "function",
        MASKED,
        ("system.main.hipaa_mask(", "hipaa_mask("),
    ),
    "masking function of another schema": (
        "function",
        MASKED,
        ("system.main.hipaa_mask(", "calls.main.hipaa_mask("),
    ),
    "unkeyed hash": ("unmasked", MASKED, ("system.main.hipaa_mask(text, '*')", "sha256(text)")),
    "scope from data": ("scope", MASKED, ("hipaa_mask(text, '*')", "hipaa_mask(text, text)")),
    "scope swapped": ("scope", MASKED, ("hipaa_mask(text, '*')", "hipaa_mask(text, 'ads')")),
    "token of a constant": ("form", MASKED, ("hipaa_mask(text, '*')", "hipaa_mask('x', '*')")),
    "token looked up by another id": (
        "join",
        MASKED,
        (
            'treated."user_id" = "user_id__forms".value',
            'treated."group_id" = "user_id__forms".value',
        ),
    ),
    "token looked up by anything": (
        "join",
        MASKED,
        ('treated."user_id" = "user_id__forms".value', "true"),
    ),
    "tokens of another id's values": (
        "join",
        MASKED,
        ("where name = 'user_id'", "where name = 'group_id'"),
    ),
    "tokens of the values of all ids": ("join", MASKED, ("where name = 'user_id'", "where true")),
    "tokens of values by two names": (
        "join",
        MASKED,
        ("where name = 'user_id'", "where name in ('user_id', 'group_id')"),
    ),
    "tokens of other calls' values": (
        "join",
        MASKED,
        ("    group by grouping sets (", "    and user_id > 'u'\n    group by grouping sets ("),
    ),
    "values under another id's name": (
        "syntax",
        MASKED,
        ("is not null then 'user_id'", "is not null then 'group_id'"),
    ),
    "a value in the place of others": ("syntax", MASKED, ("coalesce(", "concat(")),
    "values grouped with others": (
        "syntax",
        MASKED,
        ("group by grouping sets (", "group by event, grouping sets ("),
    ),
    "only values that recur": (
        "syntax",
        MASKED,
        ("\n    )\n\n),", "\n    )\n    having count(*) > 1\n\n),"),
    ),
    "inner join with the tokens": (
        "syntax",
        MASKED,
        ('left join "user_id__forms"', 'inner join "user_id__forms"'),
    ),
    "code looked up without its scope": ("form", MASKED, (".scope = 'ads'", ".scope = '*'")),
    "code of another environment": (
        "join",
        MASKED,
        (".environment = 'dev'", ".environment = 'prod'"),
    ),
    "treatment left out": ("form", MASKED, ("hipaa_functions.to_zip3(", "coalesce(")),
    "another treatment": (
        "form",
        MASKED,
        ("hipaa_functions.to_round(", "hipaa_functions.pattern_group("),
    ),
    "small areas kept": ("form", MASKED, ("'000', '001', ", "'001', ")),
    "rounded finer": ("form", MASKED, (", 5, 0)", ", 1, 0)")),
    "function that is not there": (
        "function",
        MASKED,
        ("hipaa_functions.to_zip3(", "hipaa_functions.to_zip5("),
    ),
    "function of these in another database": (
        "function",
        MASKED,
        ("hipaa_functions.to_zip3(", "calls.hipaa_functions.to_zip3("),
    ),
    "short name of a function": ("function", MASKED, ("hipaa_functions.guarded(", "guarded(")),
    "function with an argument more": (
        "function",
        MASKED,
        ("hipaa_functions.guarded(", "hipaa_functions.guarded(1, "),
    ),
    "extraction by a wildcard": (
        "syntax",
        READ,
        ("""'$."properties"."plan"'""", """'$."properties"."*"'"""),
    ),
    "extraction by paths from data": (
        "syntax",
        READ,
        ("readable end, [", "readable end, [message, "),
    ),
    "extraction from what may be no JSON": (
        "staging",
        READ,
        ("case when names_first is not null then readable end, [", "readable, ["),
    ),
    "filter of the masked table widened by or": (
        "missing-filter",
        MASKED,
        ("call_type in (", "true or call_type in ("),
    ),
    # Latest values: of which calls.
    "users of unlisted values": (
        "unlisted-property",
        USERS,
        ('masked."traits__tier__allow" as value_1', "masked.traits__whole as value_1"),
    ),
    "users of masked values as they are": (
        "unlisted-property",
        USERS,
        ('masked."traits__mail__mask__shared" as value_2', "masked.user_id__raw as value_2"),
    ),
    "raw key of users": (
        "unmasked",
        USERS,
        ('masked."user_id__shared" as row_id', "masked.user_id__raw as row_id"),
    ),
    "key of users in another scope": (
        "scope",
        USERS,
        ('masked."user_id__shared" as row_id', "masked.user_id__for_ads as row_id"),
    ),
    "users by device": (
        "form",
        USERS,
        ('masked."user_id__shared" as row_id', "masked.anonymous_id__shared as row_id"),
    ),
    "latest by exact times": (
        "form",
        USERS,
        ("masked.timestamp__hour", "masked.timestamp__exact"),
    ),
    "ties in the order of exact times": (
        "form",
        USERS,
        ("masked.row_id__shared as call_id", "masked.timestamp__exact as call_id"),
    ),
    "calls of nobody": (
        "missing-filter",
        USERS,
        ('where masked."user_id__shared" is not null', "where true"),
    ),
    "users chosen by a property": (
        "predicate",
        USERS,
        ("is not null\n", "is not null and masked.traits__whole <> 'x'\n"),
    ),
    "users of another model": (
        "unresolved",
        USERS,
        ('"main_restricted"."masked_identifies"', '"main_restricted"."surrogate_codes"'),
    ),
    "users of other relations": (
        "unresolved",
        USERS,
        ('"main_restricted"."masked_identifies"', '"main"."raw"'),
    ),
    "more in the calls": (
        "columns",
        USERS,
        ("as call_id,", "as call_id, masked.user_id__raw as more,"),
    ),
    # What is made of them.
    "count of calls": ("form", USERS, (" as user_id", " as user_id, count(*) as calls")),
    "all values": ("form", USERS, ("arg_max(value_1, place)", "list(value_1)")),
    "first value": ("form", USERS, ("arg_max(value_1, place)", "arg_min(value_1, place)")),
    "value of another column": (
        "form",
        USERS,
        ('arg_max(value_1, place) as "tier"', 'arg_max(value_2, place) as "tier"'),
    ),
    "first seen": ("form", USERS, ("max(case when has_changed", "min(case when has_changed")),
    "last seen": ("form", USERS, ("case when has_changed then called_at end", "called_at")),
    "frequent users alone": (
        "form",
        USERS,
        ("group by row_id", "group by row_id having count(*) > 1"),
    ),
    "ties by value": ("form", USERS, ("nulls first, call_id", "nulls first, value_1")),
    "over all users": (
        "form",
        USERS,
        ("over (partition by row_id order by called_at", "over (order by called_at"),
    ),
    "second source": (
        "form",
        USERS,
        ("from compared", f"from compared cross join {STG}"),
    ),
    "one more CTE": ("form", USERS, ("placed as (", f"raw as (select * from {STG}), placed as (")),
    "another first CTE": (
        "form",
        USERS,
        ("calls as (", f"raw as (select 1 from {STG}), calls as ("),
    ),
    # Staging.
    "another path": (
        "unlisted-property",
        READ,
        ("""'$."properties"."plan"'""", """'$."properties"."ssn"'"""),
    ),
    "parent object": (
        "unlisted-property",
        READ,
        ("""'$."properties"."plan"'""", """'$."properties"'"""),
    ),
    "wildcard path": ("syntax", READ, ("""'$."properties"."plan"'""", """'$."properties".*'""")),
    "root path": ("syntax", READ, ("""'$."properties"."plan"'""", """'$'""")),
    "path of another case": (
        "unlisted-property",
        READ,
        ("""'$."properties"."plan"'""", """'$."properties"."PLAN"'"""),
    ),
    "event from another field": ("staging", READ, ("""'$."event"'""", """'$."email"'""")),
    "user id from another field": (
        "staging",
        READ,
        ("""'$."userId"'""", """'$."traits"."email"'"""),
    ),
    "rejected calls kept": ("staging", STAGED, ("calls_read.rejection_reason is null", "true")),
    "filter on raw data in staging": (
        "predicate",
        STAGED,
        (
            "calls_read.rejection_reason is null",
            "calls_read.rejection_reason is null\n and calls_read.user_id <> 'x'",
        ),
    ),
    "duplicates kept": (
        "staging",
        STAGED,
        ("and duplicate_calls.line_number is null", ""),
    ),
    "duplicates only": (
        "staging",
        STAGED,
        ("duplicate_calls.line_number is null", "duplicate_calls.line_number is not null"),
    ),
    "duplicates of another file": (
        "join",
        STAGED,
        ("calls_read.file_number = duplicate_calls.file_number", "true"),
    ),
    "suppression filter dropped": (
        "staging",
        STAGED,
        ("and withheld_calls.line_number is null", ""),
    ),
    "suppression filter turned round": (
        "staging",
        STAGED,
        (
            "withheld_calls.line_number is null",
            "withheld_calls.line_number is not null",
        ),
    ),
    "withheld calls of another file": (
        "join",
        STAGED,
        ("calls_read.file_number = withheld_calls.file_number", "true"),
    ),
    "denials of another call": (
        "join",
        STAGED,
        ("calls_read.line_number = denied_calls.line_number", "true"),
    ),
    "denials left out": ("missing-filter", STAGED, ("coalesce(denied_calls.denied_to, ", "(")),
    "an opt-out that denies nothing": (
        "staging",
        "denied_calls",
        ("            rules.says_no,", "            rules.consent_yes,"),
    ),
    "a destination whose opt-outs are left out": (
        "staging",
        "denied_calls",
        ("'ads' as destination", "'others' as destination"),
    ),
    "the first delivery answers": (
        "staging",
        "denied_calls",
        ("max(usable.received_at)", "min(usable.received_at)"),
    ),
    "opt-outs read from elsewhere": (
        "staging",
        READ,
        ("""'$."integrations"'""", """'$."options"'"""),
    ),
    "another list of suppressed people": (
        "staging",
        "withheld_calls",
        ('"main_restricted"."suppressed_users"', '"main"."suppressed_users"'),
    ),
    "list of suppressed people cut short": (
        "staging",
        "withheld_calls",
        ('"suppressed_users"\n    union', """"suppressed_users" where user_id < 'm'\n    union"""),
    ),
    "anonymous calls of suppressed people kept": (
        "staging",
        "withheld_calls",
        ("(user_id is null and hipaa_functions", "(false and hipaa_functions"),
    ),
    "alias calls not followed": (
        "staging",
        "withheld_calls",
        ("inner join ties on tied.id = ties.one_id", "inner join ties on false"),
    ),
    "alias calls followed one way": (
        "staging",
        "withheld_calls",
        ("inner join ties on tied.id = ties.one_id", "inner join said as ties using (one_id)"),
    ),
    "a listed device kept": (
        "staging",
        "withheld_calls",
        ("in (select id from listed_ids) then 'suppressed'", "is null then 'suppressed'"),
    ),
    "a former id not read": (
        "staging",
        "calls_read",
        (" as previous_id,", " as other_id, null as previous_id,"),
    ),
    "calls kept for longer": (
        "staging",
        "withheld_calls",
        ("when timestamp < ", "when timestamp is null and timestamp < "),
    ),
    "calls without a time kept": ("staging", "withheld_calls", ("then 'undated'", "then null")),
    "token of a retired key": (
        "function",
        MASKED,
        ("system.main.hipaa_mask(text, '*')", "system.main.hipaa_mask_retired(text, '*', 'k')"),
    ),
    "duplicates chosen by a property": (
        "staging",
        "duplicate_calls",
        ("delivery > 1", "message_id > 'm'"),
    ),
    "key of a call from its text": (
        "staging",
        "call_keys",
        ("'content:' || content_hash", "'content:' || line_number"),
    ),
    "surrogate that is the value": (
        "staging",
        "surrogate_codes",
        ("system.main.hipaa_mode_random_code(value)", "value"),
    ),
}


RULES_OF_OTHERS = {
    (POSTGRES, "quoted column of another case"): "syntax",
    (SPARK, "values"): "syntax",
}

# name: (rule it breaks, (text of the compiled SQL of a view, text put in its place))
LEAKS_OF_POSTGRES: dict[str, tuple[str, tuple[str, str]]] = {
    "subkey from a setting": ("function", instead("current_setting('hipaa_mode.subkey_a')")),
    "file of the server": ("function", instead("pg_read_file('f')")),
    "query in a text": ("function", instead("query_to_xml('select 1', true, true, '')")),
    "column by the name of a function": ("function", instead("user_id__raw(masked)")),
    "function in quotes": ("function", instead(f'"length"({COLUMN})')),
    "function of a schema": ("function", instead(f"public.length({COLUMN})")),
    "function that only sqlglot knows": (
        "function",
        instead(f"array_contains(masked.denied_to, {COLUMN})"),
    ),
    "function of DuckDB that masks": (
        "function",
        instead("system .main.hipaa_mask(masked.user_id__raw, '*')"),
    ),
    "function of DuckDB in a filter": (
        "function",
        (NOT_DENIED, "not array_contains(masked.denied_to, 'ga4')"),
    ),
    "field of a row": ("function", instead("(masked).user_id__raw")),
    "all fields of a row": ("syntax", (PLAN, f"{PLAN}, (masked).*")),
    "whole row by its type": ("unresolved", instead("masked::text")),
    "whole row in a filter": ("unresolved", also("masked is not null")),
    "rows of a table": ("syntax", (WHERE, f"{WHERE} union all table {STG}")),
    "table as a statement": ("syntax", (WHERE, f"{WHERE}; table {STG}")),
    "rows of XML": (
        "function",
        (RELATION, "xmltable('/a' passing '<a/>' columns b text) as masked"),
    ),
    "rows from functions": ("function", (RELATION, "rows from (pg_ls_dir('.')) as masked")),
    "place of a row": ("unresolved", instead("cast(masked.ctid as text)")),
    "oid of a relation": ("form", instead(f"cast({COLUMN} as regclass)")),
    "type of somebody's": ("function", instead(f"cast({COLUMN} as public.anything)")),
    "type before a text": ("syntax", instead("public.anything 'gold'")),
    "operator of a schema": ("function", also(f"{COLUMN} operator(public.=) 'x'")),
    "operator nobody knows": ("predicate", also(f"{COLUMN} ~ 'x'")),
    "text between dollars": ("syntax", (FILTER, "masked.event in ($$Signed In$$)")),
    "text between marks": ("syntax", (FILTER, "masked.event in ($a$Signed In$a$)")),
    "text of code points": ("syntax", (FILTER, "masked.event in (U&'Signed In')")),
    "text in two parts": ("missing-filter", (FILTER, "masked.event in ('Signed'\n' In')")),
    "another language's order": ("syntax", instead(f'{COLUMN} collate "und-x-icu"')),
    "another zone's time": ("syntax", instead("masked.timestamp__hour at time zone 'UTC'")),
    "sample of a table": ("function", (" as masked\n", " as masked tablesample system (1)\n")),
    "children of a table": ("syntax", ("from ", "from only ")),
    "locked rows": ("syntax", (WHERE, f"{WHERE} for share")),
    "first rows": ("syntax", (WHERE, f"{WHERE} fetch first 1 row only")),
    "rows into a table": ("syntax", ("\nfrom ", "\ninto copied from ")),
    "rows that are deleted": (
        "syntax",
        ("\nselect\n", f"\nwith gone as (delete from {STG} returning user_id)\nselect\n"),
    ),
    "name that is cut short": ("syntax", (PLAN, f'{PLAN}, masked.event as "{"x" * 64}"')),
    "name in capitals": ("syntax", (PLAN, f'{PLAN}, masked."Event" as more')),
    "current user": ("syntax", instead("current_user")),
    "comment in a comment": ("missing-filter", (WHERE, f"/* /* */ {WHERE} */")),
}

# The same of Spark.
LEAKS_OF_SPARK: dict[str, tuple[str, tuple[str, str]]] = {
    "field of a text": ("function", instead("from_json(masked.event, 'a string').a")),
    "field by a colon": ("syntax", instead("masked.properties__address__allow:street")),
    "whole row in a list": ("syntax", instead("array(masked.*)")),
    "all columns in a list": ("syntax", instead("array(*)")),
    "all columns in a function": ("syntax", instead("coalesce(*)")),
    "whole row as JSON": ("function", instead("to_json(struct(*))")),
    "whole row as a struct": ("syntax", instead("struct(masked.*)")),
    "whole row by names": ("function", instead("named_struct('a', masked.*)")),
    "raw id in a lambda": (
        "unlisted-property",
        instead("transform(array(masked.user_id__raw), element -> element)"),
    ),
    "rows of a list": ("syntax", instead("explode(array(masked.event))")),
    "columns of rows": ("function", instead("inline(array(masked.event))")),
    "stacked columns": ("function", instead("stack(1, masked.user_id__raw)")),
    "view of rows": (
        "syntax",
        ("as masked\n", "as masked lateral view explode(array(1)) e as one\n"),
    ),
    "method of Java": ("function", instead("java_method('java.lang.System', 'getenv', 'HOME')")),
    "method by reflection": ("function", instead("reflect('java.lang.System', 'getenv', 'HOME')")),
    "name in a text": ("function", instead("identifier('user_id__raw')")),
    "relation in a text": (
        "function",
        (RELATION, "identifier('main_restricted.stg_calls') as masked"),
    ),
    "files of a folder": ("function", (RELATION, "read_files('/raw') as masked")),
    "file as a table": ("unresolved", (RELATION, 'text."/raw/calls.json" as masked')),
    "file of a row": ("function", instead("input_file_name()")),
    "place of a row": ("function", instead("cast(monotonically_increasing_id() as string)")),
    "file by its column": ("syntax", instead("masked._metadata.file_path")),
    "program": (
        "syntax",
        ("select\n", "select transform(masked.event) using 'cat' as (plan string),\n"),
    ),
    "variable of the session": ("syntax", instead("system.session.own")),
    "parameter": ("syntax", instead(":own")),
    "setting in the text": ("syntax", instead("${env:HOME}")),
    "setting in a literal": ("missing-filter", (FILTER, "masked.event in ('${env:HOME}')")),
    "escape in a literal": ("syntax", (FILTER, r"masked.event in ('Signed\u0020In')")),
    "raw literal": ("syntax", (FILTER, "masked.event in (r'Signed In')")),
    "literal with two quotes": ("syntax", (FILTER, "masked.event in ('Signed'' In')")),
    "literal in two parts": ("missing-filter", (FILTER, "masked.event in ('Signed' ' In')")),
    "bytes as a literal": ("syntax", (FILTER, "masked.event in (x'41')")),
    "comment over two lines": ("syntax", (WHERE, WHERE.replace("\n", "-- \\\n"))),
    "comment in brackets": ("syntax", (WHERE, f"{WHERE} /* more */")),
    "comment in a comment": ("syntax", (WHERE, f"/* /* */ {WHERE} */")),
    "hint": ("syntax", ("select\n", "select /*+ broadcast(masked) */\n")),
    "quoted function": ("function", instead(f'"length"({COLUMN})')),
    "function of a catalog": ("function", instead(f"spark_catalog.main.length({COLUMN})")),
    "function of the session": ("function", instead(f"session.hipaa_mask({COLUMN}, '*')")),
    "token by its short name": ("function", instead(f"hipaa_mask({COLUMN}, '*')")),
    "token by a quoted name": (
        "function",
        instead(f"system.\"session\".hipaa_mask({COLUMN}, '*')"),
    ),
    "function by its name there": ("syntax", instead(f"hipaa_functions__kept_json({COLUMN})")),
    "function of a quoted schema": ("syntax", instead(f'"hipaa_functions".kept_json({COLUMN})')),
    "function in capitals": ("syntax", instead(f"HIPAA_FUNCTIONS.kept_json({COLUMN})")),
    "function of DuckDB that masks": (
        "function",
        instead("system .main.hipaa_mask(masked.user_id__raw, '*')"),
    ),
    "chance": ("function", instead("rand()")),
    "user": ("function", instead("current_user()")),
    "sample of a table": ("function", ("as masked\n", "as masked tablesample (1 percent)\n")),
    "sorted in parts": ("syntax", (WHERE, f"{WHERE} sort by event")),
    "step by a pipe": ("syntax", (WHERE, f"{WHERE} |> limit 1")),
    "another language's order": ("syntax", instead(f"{COLUMN} collate unicode_ci")),
    "older rows of a table": ("syntax", ("as masked\n", "version as of 1 as masked\n")),
    "time with a zone": ("form", instead(f"cast({COLUMN} as timestamp_ltz)")),
    "rows into a table": ("syntax", ("\nselect\n", "\ninsert into own select\n")),
}


def on_engine(engine: str, text: str) -> str:
    """Return SQL of DuckDB as an engine has it."""
    for theirs, own in {POSTGRES: ON_POSTGRES, SPARK: ON_SPARK}.get(engine, ()):
        text = text.replace(theirs, own)
    if engine == POSTGRES:
        text = re.sub(r"list_contains\((.*?), ('\w+')\)", r"(\2 = any (\1))", text)
        text = re.sub(
            r"arg_max\((\w+), place\)", r"hipaa_functions.latest(\1 order by place)", text
        )
    if engine == SPARK:
        relations = (
            r'"(main|main_\w+|masked_\w+|stg_calls|suppressed_users|surrogate_codes|raw|other)"'
        )
        text = re.sub(relations, r"\1", text.replace('"calls".', ""))
        text = re.sub(
            r'\$(?:\."[^"]*")+|"', lambda found: found[0] if found[0] != '"' else "`", text
        )
        text = re.sub(
            r"arg_max\((\w+), place\)",
            r"max_by(\1, case when \1 is not null then place end)",
            text,
        )
        text = re.sub(r"\b(found|rare|merged_ids)\[(\d+)\]", r"try_element_at(\1, \2)", text)
    return text


def called(text: str) -> set[str]:
    return set(re.findall(r"(\w+)\s*\(", text))


@pytest.mark.parametrize("name", LEAKS)
def test_leak_is_refused(compiled: Compiled, name: str) -> None:
    rule, model, texts = LEAKS[name]
    text, other = (on_engine(compiled.engine, item) for item in texts)
    rules = {RULES_OF_OTHERS.get((compiled.engine, name), rule)}
    if compiled.engine != DUCKDB and called(other) - called(text):
        # Functions are judged first there, by their names.
        rules.add("function")
    check_refused(compiled, rules, model, text, other)


@pytest.mark.parametrize("compiled", [POSTGRES], indirect=True)
@pytest.mark.parametrize("name", LEAKS_OF_POSTGRES)
def test_leak_of_postgres_is_refused(compiled: Compiled, name: str) -> None:
    rule, texts = LEAKS_OF_POSTGRES[name]
    text, other = (on_engine(POSTGRES, item) for item in texts)
    check_refused(compiled, {rule}, VIEW, text, other)


@pytest.mark.parametrize("compiled", [SPARK], indirect=True)
@pytest.mark.parametrize("name", LEAKS_OF_SPARK)
def test_leak_of_spark_is_refused(compiled: Compiled, name: str) -> None:
    rule, texts = LEAKS_OF_SPARK[name]
    text, other = (on_engine(SPARK, item) for item in texts)
    check_refused(compiled, {rule}, VIEW, text, other)


@pytest.mark.parametrize("compiled", [SPARK], indirect=True)
def test_what_is_a_name_in_a_run_is_no_literal(compiled: Compiled) -> None:
    check_refused(compiled, {"syntax"}, VIEW, FILTER, 'masked.event in ("Signed In")')


@pytest.mark.parametrize("compiled", [DUCKDB, POSTGRES], indirect=True)
def test_steps_that_threads_may_lose_are_refused(compiled: Compiled) -> None:
    texts = ("ties as materialized (", "ties as (")
    check_refused(compiled, {"staging"}, "withheld_calls", *texts)


def check_refused(compiled: Compiled, rules: set[str], model: str, text: str, other: str) -> None:
    sql = compiled.sql(model)
    assert text in sql, f"{model} no longer has what this case changes"

    violations = compiled.proof(model, sql=sql.replace(text, other)).violations

    assert rules & {violation.rule for violation in violations}
    for violation in violations:
        assert violation.rule in RULES
        assert violation.problem
        assert violation.remedy


HOOKED = {"materialized": "destination_view", "pre-hook": [{"sql": "select 1"}]}


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        pytest.param(VIEW, {"config": {"materialized": "table"}}, id="another materialization"),
        pytest.param(VIEW, {"sql": ""}, id="not compiled"),
        pytest.param(VIEW, {"sql": "select from where"}, id="not SQL"),
        pytest.param(VIEW, {"config": HOOKED}, id="hooks on a view"),
        pytest.param(MASKED, {"config": HOOKED}, id="hooks on a masked table"),
        pytest.param(READ, {"config": HOOKED}, id="hooks on staging"),
        pytest.param(MASKED, {"file": "models/masked_events.py"}, id="Python model"),
        pytest.param(VIEW, {"name": "ga4__other"}, id="view renamed"),
        pytest.param(MASKED, {"package": "elsewhere", "sql": "select 1 as event"}, id="override"),
    ],
)
def test_model_is_refused(compiled: Compiled, model: str, changes: dict[str, object]) -> None:
    assert compiled.proof(model, **changes).violations


def test_a_view_whose_id_is_denied_is_refused(compiled: Compiled) -> None:
    denied = dataclasses.replace(compiled.plan.destinations["ga4"], latest_views={})
    plan = dataclasses.replace(
        compiled.plan, destinations={**compiled.plan.destinations, "ga4": denied}
    )
    [violation] = prove(plan, compiled.manifest).violations
    assert (violation.rule, violation.view) == ("model", USERS)
    assert "may not have user_id" in violation.problem


EMPTY_USERS = """
with calls as (
    select
        cast(null as varchar) as call_id,
        cast(null as varchar) as row_id,
        cast(null as timestamp) as called_at,
        cast(null as varchar) as id
    from "calls"."main_restricted"."masked_identifies" as masked
    where {condition}
),
placed as (
    select row_id, called_at, id,
        row_number() over (partition by row_id order by called_at nulls first, call_id) as place
    from calls
),
compared as (
    select row_id, called_at, id, place, place = 1 as has_changed from placed
)
select
    row_id,
    max(case when has_changed then called_at end) as changed_at,
    arg_max(id, place) as user_id
from compared
group by row_id
"""


@pytest.mark.parametrize(("condition", "is_proven"), [("false", True), ("true", False)])
def test_the_view_of_another_environment_must_be_empty(
    compiled: Compiled, condition: str, is_proven: bool
) -> None:
    others = {name: item for name, item in compiled.plan.destinations.items() if name != "ga4"}
    sql = on_engine(compiled.engine, EMPTY_USERS.format(condition=condition))
    asked = r"union all\s+select\s+'ga4' as destination,.*? as needed"
    sqls = {
        USERS: sql,
        "denied_calls": re.sub(asked, "", compiled.sql("denied_calls"), flags=re.S),
    }
    models = {
        key: dataclasses.replace(item, sql=sqls.get(item.name, item.sql))
        for key, item in compiled.manifest.models.items()
    }
    manifest = dataclasses.replace(compiled.manifest, models=models)
    plan = dataclasses.replace(compiled.plan, destinations=others)
    found = {item.view for item in prove(plan, manifest).violations}
    assert (USERS not in found) == is_proven


@pytest.mark.parametrize("test", ["rows_match_calls", "masked_columns_are_tokens"])
def test_a_view_of_latest_values_needs_its_tests(compiled: Compiled, test: str) -> None:
    manifest = compiled.manifest
    [model] = [item.unique_id for item in manifest.models.values() if item.name == USERS]
    tests = [item for item in manifest.tests if (item.model, item.name) != (model, test)]
    [violation] = prove(
        compiled.plan, dataclasses.replace(manifest, tests=tuple(tests))
    ).violations
    assert (violation.rule, violation.view) == ("test", USERS)
    without_events = [
        item
        for item in manifest.tests
        if (item.model, item.name) != (model, "only_allowed_events")
    ]
    changed = dataclasses.replace(manifest, tests=tuple(without_events))
    assert prove(compiled.plan, changed).violations == []
