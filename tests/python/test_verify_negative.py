"""Ways to leak that `hipaa-mode verify` must refuse, each put into SQL that dbt really compiled.

Every case changes the compiled SQL of one model by hand, as a hand-edited model, a changed macro
or a package's override would. Nothing of it may be proven.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project, allowed, destination, event

from hipaa_mode.plan import Plan
from hipaa_mode.project import read_plan
from hipaa_mode.verify.manifest import Manifest, read_manifest
from hipaa_mode.verify.proof import RULES, Proof, prove

VIEW, OTHER, MASKED = "ga4__events", "ads__events", "masked_events"
READ, STAGED = "calls_read", "stg_calls"

PLAN = 'masked."properties__plan__allow" as "plan"'
COLUMN = 'masked."properties__plan__allow"'
WHERE = "where masked.event in ('Signed In')"
FROM = "from "
EMAIL = '"properties__email__email__tokens".token__shared'


@dataclasses.dataclass(frozen=True)
class Compiled:
    """A project as dbt compiled it, and what its seeds say."""

    plan: Plan
    manifest: Manifest

    def proof(self, model: str = "", **changes: object) -> Proof:
        """Prove it with one model changed."""
        models = {
            key: dataclasses.replace(item, **changes) if item.name == model else item
            for key, item in self.manifest.models.items()
        }
        return prove(self.plan, dataclasses.replace(self.manifest, models=models))

    def sql(self, model: str) -> str:
        [found] = [item for item in self.manifest.models.values() if item.name == model]
        return found.sql


@pytest.fixture(scope="module")
def compiled(new_project: Callable[..., Project]) -> Compiled:
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
        ],
    )
    run = project.dbt("compile")
    assert run.exit_code == 0, run.output
    manifest = read_manifest(project.folder / "target/manifest.json")
    return Compiled(read_plan(Path(project.folder), "dev"), manifest)


def test_what_dbt_compiles_is_proven(compiled: Compiled) -> None:
    proof = compiled.proof()

    assert proof.violations == []
    outcomes = {(item.view, item.column): item.outcome for item in proof.verdicts}
    assert outcomes[VIEW, "plan"] == "allow"
    assert outcomes[VIEW, "email"] == "mask"
    assert outcomes[VIEW, "zip"] == "zip3"
    assert outcomes[VIEW, ""] == "rows"


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

# name: (model, (text of its compiled SQL, text put in its place))
LEAKS: dict[str, tuple[str, tuple[str, str]]] = {
    # What the lineage of sqlglot does not see.
    "columns of a pattern": (VIEW, instead("columns('.*')")),
    "columns of a lambda": (VIEW, instead("columns(c -> c like '%raw%')")),
    "positional reference": (VIEW, instead("#2")),
    "whole row": (VIEW, instead("masked")),
    "whole row as JSON": (VIEW, instead("to_json(masked)")),
    "whole row as a struct": (VIEW, instead("row(masked.*)")),
    "exists": (
        VIEW,
        also(f"exists (select 1 from {STG} as s where s.user_id = masked.user_id__shared)"),
    ),
    "not exists": (VIEW, also(f"not exists (select 1 from {STG} as s where s.event = 'x')")),
    "scalar subquery": (VIEW, instead(f"(select max(user_id) from {STG})")),
    "in a subquery": (VIEW, also(f"masked.user_id__shared in (select user_id from {STG})")),
    "table function of a file": (VIEW, (" as masked\n", " as masked, read_csv('f') as more\n")),
    "query by name": (VIEW, (" as masked\n", " as masked, query_table('stg_calls') as more\n")),
    "query by text": (VIEW, (" as masked\n", " as masked, query('select 1') as more\n")),
    "session variable": (VIEW, instead("getvariable('k')")),
    "environment variable": (VIEW, instead("getenv('HOME')")),
    "unresolved column": (VIEW, instead("masked.no_such_column")),
    "unresolved relation": (VIEW, instead('other."properties__plan__allow"')),
    "struct field": (VIEW, instead(f"{COLUMN}.field")),
    "struct extraction": (VIEW, instead(f"struct_extract({COLUMN}, 'a')")),
    "JSON field": (VIEW, instead("masked.properties__address__allow->>'$.street'")),
    "star": (VIEW, (PLAN, f"{PLAN}, masked.*")),
    "star but one": (VIEW, (PLAN, f"{PLAN}, * exclude (event)")),
    "star replacing": (VIEW, (PLAN, f"{PLAN}, * replace (1 as event)")),
    "pivot": (VIEW, (" as masked\n", " as masked pivot (count(*) for event in ('a'))\n")),
    "unpivot": (VIEW, (" as masked\n", " as masked unpivot (v for n in (event))\n")),
    "sample": (VIEW, (WHERE, f"{WHERE} using sample 1")),
    "two statements": (VIEW, (WHERE, f"{WHERE}; select 1")),
    "union": (VIEW, (WHERE, f"{WHERE} union all select * from {STG}")),
    "except": (VIEW, (WHERE, f"{WHERE} except select * from {STG}")),
    "values": (VIEW, (" as masked\n", " as masked, (values (1)) as more\n")),
    "lateral": (VIEW, (" as masked\n", f" as masked, lateral (select user_id from {STG}) as m\n")),
    "unnest": (VIEW, (" as masked\n", " as masked, unnest([1, 2]) as m\n")),
    "cross join": (VIEW, (" as masked\n", f" as masked cross join {STG} as s\n")),
    "inner join on raw": (
        VIEW,
        (" as masked\n", f" as masked join {STG} as s on s.user_id = masked.user_id__shared\n"),
    ),
    "asof join": (VIEW, (" as masked\n", f" as masked asof join {STG} as s using (event)\n")),
    "natural join": (VIEW, (" as masked\n", f" as masked natural join {STG} as s\n")),
    "order": (VIEW, (WHERE, f"{WHERE} order by {TOKENS}")),
    "limit": (VIEW, (WHERE, f"{WHERE} limit 5")),
    "offset": (VIEW, (WHERE, f"{WHERE} offset 5")),
    "group": (VIEW, (WHERE, f"{WHERE} group by all")),
    "having": (VIEW, (WHERE, f"{WHERE} having count(*) > 1")),
    "qualify": (VIEW, (WHERE, f"{WHERE} qualify row_number() over () = 1")),
    "window": (VIEW, instead(f"first_value({COLUMN}) over (order by event)")),
    "aggregate": (VIEW, instead(f"max({COLUMN})")),
    "distinct": (VIEW, ("select\n", "select distinct\n")),
    "distinct on": (VIEW, ("select\n", "select distinct on (event)\n")),
    # Columns and rows of the view.
    "another column": (VIEW, more("masked.call_type")),
    "another constant": (VIEW, more("'x'")),
    "missing column": (VIEW, (f"{PLAN},", "")),
    "another property": (VIEW, instead('masked."properties__note__allow"')),
    "property of another destination": (VIEW, instead('masked."properties__coupon__allow"')),
    "whole object": (VIEW, instead("masked.properties__whole")),
    "raw id": (VIEW, ('masked."user_id__shared"', 'masked."user_id__raw"')),
    "another id": (VIEW, ('masked."user_id__shared"', 'masked."anonymous_id__shared"')),
    "another scope": (VIEW, ('masked."user_id__shared"', 'masked."user_id__for_ads"')),
    "shared scope": (OTHER, ('masked."user_id__for_ads"', 'masked."user_id__shared"')),
    "row id of another scope": (OTHER, ('masked."row_id__for_ads"', 'masked."row_id__shared"')),
    "finer time": (VIEW, ('masked."sent_at__hour"', 'masked."sent_at__exact"')),
    "joined texts": (VIEW, instead(f"{COLUMN} || masked.event")),
    "case on another property": (
        VIEW,
        instead(f"case when masked.properties__zip__zip3 = '036' then {COLUMN} end"),
    ),
    "no event filter": (VIEW, (WHERE, "")),
    "wider event filter": (VIEW, (WHERE, "where masked.event in ('Signed In', 'Booked')")),
    "or in the filter": (VIEW, (WHERE, f"{WHERE} or true")),
    "not in the filter": (VIEW, (WHERE, WHERE.replace(" in ", " not in "))),
    "filter on case folded": (VIEW, (WHERE, "where lower(masked.event) in ('Signed In')")),
    "pattern in the filter": (VIEW, (WHERE, "where masked.event like 'Signed%'")),
    "filter hidden by a comment": (VIEW, (WHERE, f"-- {WHERE}")),
    "filter on a property": (VIEW, also(f"{COLUMN} = 'gold'")),
    "filter on a token": (VIEW, also(f"{TOKENS} is not null")),
    "filter on chance": (VIEW, also("random() < 0.5")),
    "shown on every event": (
        OTHER,
        (
            "case when masked.event in ('Booked') then masked.\"properties__coupon__allow\" end",
            'masked."properties__coupon__allow"',
        ),
    ),
    "not renamed": (OTHER, ("when 'Signed In' then 'login'", "when 'Signed In' then 'other'")),
    "raw relation": (VIEW, ('"main_restricted"."masked_events"', '"main_restricted"."stg_calls"')),
    "relation of another database": (VIEW, ('"calls"."main_restricted"', '"other"."main"')),
    "unqualified relation": (VIEW, ('"calls"."main_restricted"."masked_events"', "masked_events")),
    "columns renamed by the alias": (
        VIEW,
        (" as masked\n", " as masked(row_id__shared, event)\n"),
    ),
    "columns of a CTE renamed": (MASKED, ("\ncalls as (", "\ncalls (call_key, event) as (")),
    "columns of a subquery renamed": (
        MASKED,
        (") as different_values", ") as different_values(other)"),
    ),
    "columns of a joined table renamed": (
        MASKED,
        ('left join "user_id__tokens"\n', 'left join "user_id__tokens" as "user_id__tokens"(v)\n'),
    ),
    "escape string": (VIEW, (WHERE, "where masked.event in (e'Signed\\x20In')")),
    "two columns that differ by case": (VIEW, (PLAN, f'{PLAN}, masked.event as "PLAN"')),
    "quoted column of another case": (VIEW, instead('masked."EVENT"')),
    "insert": (VIEW, ("\nselect\n", "\ninsert into t select\n")),
    "create": (VIEW, ("\nselect\n", "\ncreate table t as select\n")),
    "from first": (VIEW, (WHERE, f"{WHERE} union all from {STG}")),
    "for update": (VIEW, (WHERE, f"{WHERE} for update")),
    "try": (VIEW, instead("try(getvariable('k'))")),
    "error that quotes": (VIEW, instead("error(masked.event)")),
    "chance": (VIEW, instead("cast(random() as varchar)")),
    "file function": (VIEW, instead("read_text('f')")),
    "list of another place": (READ, ("found[19]", "found[20]")),
    "list of a computed place": (READ, ("found[19]", "found[length(message)]")),
    "whole list": (READ, ("found[19]", "cast(found as varchar)")),
    "whole message": (READ, ("found[19]", "message")),
    "guard dropped": (MASKED, ("then null else", "then 'x' else")),
    "recursive query": (VIEW, ("\nselect\n", "\nwith recursive r as (select 1)\nselect\n")),
    # Masking.
    "mask dropped": (MASKED, (f"cast({EMAIL} as varchar)", 'texts."properties__email__json"')),
    "value beside the token": (
        MASKED,
        (f"cast({EMAIL} as varchar)", f'{EMAIL} || texts."properties__email__json"'),
    ),
    "value where there is no token": (
        MASKED,
        (f"cast({EMAIL} as varchar)", f"cast(coalesce({EMAIL}, texts.user_id) as varchar)"),
    ),
    "token cut short": (
        MASKED,
        (f"cast({EMAIL} as varchar)", f"cast(left({EMAIL}, 8) as varchar)"),
    ),
    "short name of the masking function": (MASKED, ("system.main.hipaa_mask(", "hipaa_mask(")),
    "masking function of another schema": (
        MASKED,
        ("system.main.hipaa_mask(", "calls.main.hipaa_mask("),
    ),
    "unkeyed hash": (MASKED, ("system.main.hipaa_mask(value, '*')", "sha256(value)")),
    "scope from data": (MASKED, ("hipaa_mask(value, '*')", "hipaa_mask(value, value)")),
    "scope swapped": (MASKED, ("hipaa_mask(value, '*')", "hipaa_mask(value, 'ads')")),
    "token of a constant": (MASKED, ("hipaa_mask(value, '*')", "hipaa_mask('x', '*')")),
    "token looked up by another id": (
        MASKED,
        (
            'texts."user_id" = "user_id__tokens".value',
            'texts."group_id" = "user_id__tokens".value',
        ),
    ),
    "token looked up by anything": (
        MASKED,
        ('texts."user_id" = "user_id__tokens".value', "true"),
    ),
    "inner join with the tokens": (
        MASKED,
        ('left join "user_id__tokens"', 'inner join "user_id__tokens"'),
    ),
    "code looked up without its scope": (MASKED, (".scope = 'ads'", ".scope = '*'")),
    "code of another environment": (MASKED, (".environment = 'dev'", ".environment = 'prod'")),
    "zip of four digits": (
        MASKED,
        ('left("properties__zip", 3) end', 'left("properties__zip", 4) end'),
    ),
    "small areas kept": (MASKED, ("in ('036', ", "in (")),
    "rounded finer": (MASKED, ("/ 5) * 5", "/ 1) * 1")),
    "filter of the masked table widened by or": (
        MASKED,
        ("call_type in (", "true or call_type in ("),
    ),
    # Staging.
    "another path": (READ, ("""'$."properties"."plan"'""", """'$."properties"."ssn"'""")),
    "parent object": (READ, ("""'$."properties"."plan"'""", """'$."properties"'""")),
    "wildcard path": (READ, ("""'$."properties"."plan"'""", """'$."properties".*'""")),
    "root path": (READ, ("""'$."properties"."plan"'""", """'$'""")),
    "path of another case": (READ, ("""'$."properties"."plan"'""", """'$."properties"."PLAN"'""")),
    "event from another field": (READ, ("""'$."event"'""", """'$."email"'""")),
    "user id from another field": (READ, ("""'$."userId"'""", """'$."traits"."email"'""")),
    "rejected calls kept": (STAGED, ("calls_read.rejection_reason is null", "true")),
    "filter on raw data in staging": (
        STAGED,
        (
            "calls_read.rejection_reason is null",
            "calls_read.rejection_reason is null\n and calls_read.user_id <> 'x'",
        ),
    ),
    "duplicates kept": (STAGED, ("not exists (", "exists (")),
    "duplicates chosen by a property": ("duplicate_calls", ("delivery > 1", "message_id > 'm'")),
    "key of a call from its text": (
        "calls_without_message_id",
        ("'content:' || content_hash", "'content:' || line_number"),
    ),
    "surrogate that is the value": (
        "surrogate_codes",
        ("system.main.hipaa_mode_random_code(value)", "value"),
    ),
}


@pytest.mark.parametrize("name", LEAKS)
def test_leak_is_refused(compiled: Compiled, name: str) -> None:
    model, (text, other) = LEAKS[name]
    sql = compiled.sql(model)
    assert text in sql, f"{model} no longer has what this case changes"

    proof = compiled.proof(model, sql=sql.replace(text, other))

    assert proof.violations
    for violation in proof.violations:
        assert violation.rule in RULES
        assert violation.problem
        assert violation.remedy


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        pytest.param(VIEW, {"materialized": "table"}, id="another materialization"),
        pytest.param(VIEW, {"sql": ""}, id="not compiled"),
        pytest.param(VIEW, {"sql": "select from where"}, id="not SQL"),
        pytest.param(VIEW, {"has_hooks": True}, id="hooks on a view"),
        pytest.param(MASKED, {"has_hooks": True}, id="hooks on a masked table"),
        pytest.param(READ, {"has_hooks": True}, id="hooks on staging"),
        pytest.param(MASKED, {"language": "python"}, id="Python model"),
        pytest.param(VIEW, {"name": "ga4__other"}, id="view renamed"),
        pytest.param(MASKED, {"package": "elsewhere", "sql": "select 1 as event"}, id="override"),
    ],
)
def test_model_is_refused(compiled: Compiled, model: str, changes: dict[str, object]) -> None:
    assert compiled.proof(model, **changes).violations
