"""Judges every column and every predicate of every destination view.

What a view may hold is worked out from the seeds; what it does hold is read from the compiled
SQL, down to the raw call. Both are terms, and a column is proven only where they are one term.
A predicate is proven only where the configuration or staging, as reviewed, names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlglot import exp

from hipaa_mode import PACKAGE, functions
from hipaa_mode.calls import CALL_TYPES
from hipaa_mode.configuration import ALL_VIEWS, LATEST_VIEWS, TIMESTAMP_PRECISIONS
from hipaa_mode.paths import parse_path
from hipaa_mode.plan import (
    CHANGED_AT,
    DestinationPlan,
    Plan,
    ViewColumn,
    scope_suffix,
)
from hipaa_mode.quoting import literal
from hipaa_mode.run import overrides
from hipaa_mode.run.node_settings import unreviewed_settings
from hipaa_mode.run.overrides import dispatch_faults, names_of_dbts_context, overriding_macros
from hipaa_mode.run.readers import REMEDY, readers
from hipaa_mode.run.relations import relation_faults
from hipaa_mode.run.required_checks import view_checks
from hipaa_mode.verify import functions as reviewed_functions
from hipaa_mode.verify.manifest import Manifest, Model
from hipaa_mode.verify.outsiders import problems_of_outsiders, raw_folders, unprovable_hooks
from hipaa_mode.verify.reviewed import FORMS, TYPES, Reviewed, reviewed_on
from hipaa_mode.verify.staging import compared_forms, listed, reading_form, what_is_read
from hipaa_mode.verify.terms import (
    JSON_TEXT,
    JSON_TEXTS,
    Evaluator,
    NotProvenError,
    Relation,
    Term,
    everything_in,
    parse,
    source_and_filters,
    substituted,
)
from hipaa_mode.verify.trace import Step, Traces

RAW_COLUMNS = (
    *("file_number", "source_file", "line_number", "run_number"),
    *("message", "unreadable"),
)
RAW_CALLS = Relation({name: Term("raw", name) for name in RAW_COLUMNS}, Term("rows", "raw calls"))
RAW_LINES = "hipaa_mode_raw_lines"
MASKED_MODELS = tuple(f"masked_{view}" for view in CALL_TYPES)
READ_BY = {
    "withheld_calls": ("user_id", "anonymous_id", "previous_id", "merged_ids", "timestamp"),
    "denied_calls": (
        *("consent_signals", "received_at", "rejection_reason", "message_id", "content_hash"),
        *("call_type", "user_id", "anonymous_id", "group_id"),
    ),
}
"""Columns of calls_read by which some calls are left out, or are denied to a destination."""

SUPPRESSED_USERS = "suppressed_users"
"""Table that every run writes the list of suppressed users to; it is no model."""

CROSSWALK = "surrogate_codes"
PROJECT_FILE = "dbt_project.yml"
HOOKS = {
    "on-run-start": "{{ hipaa_mode.start_run() }}",
    "on-run-end": "{{ hipaa_mode.publish(results) }}",
}
"""The package's own hooks."""

ALL = "*"

RULES = {
    "unlisted-property": "A property that the allowlist does not name reaches the column",
    "unmasked": "A property that must be masked reaches the column as it is",
    "scope": "A token is made in another scope than the destination's",
    "form": "The column is not in the form that the allowlist names",
    "predicate": "Which rows are there depends on something the configuration does not name",
    "missing-filter": "A filter that the configuration asks for is missing",
    "join": "A join that can change which rows are there, or show what it joins",
    "function": "A function that is not known to be safe",
    "syntax": "Syntax that is not on the list of what can be proven",
    "unresolved": "A name that can't be resolved",
    "columns": "The view has other columns than the allowlist",
    "model": "A model is missing, or is built in a way that can't be proven",
    "hook": "The project runs SQL of its own before or after the models, or lacks a hook of ours",
    "test": "A test that every destination view must have is missing or weakened",
    "setting": "A model, view, test or seed has a setting that was not reviewed for it",
    "macro": "A macro stands in for one of dbt's or of the package's",
    "reader": "Something beside the destination views reads the restricted zone",
    "relation": "The restricted zone shares its schema with something else",
    "staging": "Staging is not as reviewed",
    "lock": "The seeds do not say what receives.lock.yml says",
}
"""What can keep a column from being proven."""

REMEDIES = {
    "unlisted-property": "Take it out of the model, or allow it in allowed_properties.csv",
    "unmasked": "Make the model one line again; see macros/masking/",
    "columns": "Make the model one line again: {{ hipaa_mode.destination_events('…') }}",
    "model": "Add or restore the model, then compile again",
    "form": "Restore the macro, or review its new form in verify/reviewed_forms.sql",
    "staging": "Restore the macro, or review its new form in verify/reviewed_forms.sql",
    "hook": "Run it on its own with dbt run-operation, after the build. A package whose hooks run "
    "with every command, such as elementary, needs a dbt project of its own: that may read what "
    "is published",
    "macro": "Rename the macro, or take it out of the project",
    "relation": "Change generate_schema_name, or +schema in dbt_project.yml",
    "test": "Copy the tests of another destination's YAML, without settings",
}
NODE_HOOK_REMEDY = (
    "Take it out: only grant, revoke, comment, analyze, vacuum and checkpoint on {{ this }} are "
    "proven. Run the rest on its own with dbt run-operation, after the build"
)
DEFAULT_REMEDY = "Take it out of the model: only what docs/verify.md names can be proven"


EARLIEST_DAY = "2000-01-01"
_TIME_BOUNDS = re.compile(
    r"possible_time\(claimed_received_at, run_number, '([0-9]{4}-[0-9]{2}-[0-9]{2})', ([0-9]+)\)"
)


@dataclass(frozen=True)
class Verdict:
    """What was found of one column, of a view's rows, or of a whole view.

    Attributes:
        destination: the destination.
        view: the model of the view.
        column: the column; empty where the verdict is on the rows or the view.
        outcome: `allow`, `mask`, a generalisation, `envelope`, `rows` or `violation`.
        reads: JSON paths of the raw message that it is made of.
        rule: the rule that is broken; empty where it is proven.
        problem: what is wrong.
        remedy: what to do.
        file: file of the model where the problem is, or of the view.
        line: line of that model's compiled SQL, if known.
        trace: of a violation, the expressions that it comes from, the nearest first.
    """

    destination: str
    view: str
    column: str
    outcome: str
    reads: tuple[str, ...] = ()
    rule: str = ""
    problem: str = ""
    remedy: str = ""
    file: str = ""
    line: int | None = None
    trace: tuple[Step, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict for JSON."""
        return asdict(self)


@dataclass
class Proof:
    """All verdicts of an environment."""

    environment: str
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def violations(self) -> list[Verdict]:
        """What could not be proven."""
        return [verdict for verdict in self.verdicts if verdict.outcome == "violation"]


def prove(plan: Plan, manifest: Manifest) -> Proof:
    """Prove the destination views of one environment.

    Args:
        plan: what the seeds say.
        manifest: what was compiled.
    """
    proof = Proof(plan.environment, [*_judged_hooks(manifest), *_judged_project(manifest)])
    tracer = _Tracer(manifest, plan)
    views = {
        model.name: model
        for model in manifest.models.values()
        if model.materialized == "destination_view" or _is_view_name(model.name, plan)
    }
    for destination in plan.destinations.values():
        names = {view: f"{destination.name}__{view}" for view in ALL_VIEWS}
        own = {view: views.pop(name) for view, name in names.items() if name in views}
        if not own.keys() & CALL_TYPES.keys():
            problem = "the destination has no model"
            proof.verdicts.append(
                _violation(destination.name, names["events"], "", "model", problem)
            )
        for view, model in own.items():
            judge = _LatestProof if view in LATEST_VIEWS else _ViewProof
            proof.verdicts += judge(destination, view, model, tracer).verdicts()
            proof.verdicts += _judged_tests(destination.name, model, manifest)
    for model in views.values():
        name = model.name.rpartition("__")[0]
        if name in plan.known_destinations:
            # Listed for another environment: here its view must be empty.
            proof.verdicts += _empty_view(name, model, tracer)
        else:
            problem = "the model's destination has no row in destinations.csv"
            proof.verdicts.append(
                _violation(name, model.name, "", "model", problem, file=model.file)
            )
    return proof


def _is_view_name(name: str, plan: Plan) -> bool:
    destination, _, view = name.rpartition("__")
    return view in ALL_VIEWS and destination in plan.known_destinations


def _of_project(
    rule: str, name: str, problem: str, remedy: str = "", file: str = PROJECT_FILE, code: str = ""
) -> Verdict:
    """Return the violation of something that is no column; `code`: what it is or runs."""
    trace = (Step(name, file, None, code.strip()),) if code else ()
    remedy = remedy or REMEDIES[rule]
    return _violation(ALL, name, "", rule, problem, file=file, remedy=remedy, trace=trace)


def _judged_hooks(manifest: Manifest) -> Iterator[Verdict]:
    """Judge what runs beside the models, where nothing else is traced."""
    missing = dict(HOOKS)
    for hook in manifest.hooks:
        when = next((when for when in HOOKS if when in hook.name), hook.name)
        if hook.package == PACKAGE and hook.code.strip() == missing.get(when):
            del missing[when]
        else:
            problem = f"{when} of {hook.package} runs something that can't be traced"
            yield _of_project("hook", when, problem, code=hook.code)
    for when, code in missing.items():
        remedy = f"Put it back into {when} of dbt_project.yml"
        yield _of_project("hook", when, f"{when} lacks {code}", remedy)
    nodes = manifest.facts.nodes
    judged = {item.node.unique_id for item in unreviewed_settings(nodes)}
    for node, when, code in unprovable_hooks(nodes):
        if node.unique_id not in judged and node.kind != "operation":
            problem = f"its {when} runs something that can't be traced"
            yield _of_project("hook", node.name, problem, NODE_HOOK_REMEDY, node.file, code)


def _judged_project(manifest: Manifest) -> Iterator[Verdict]:
    """Judge every node and macro of the project: settings, readers and relations."""
    facts = manifest.facts
    for item in unreviewed_settings(facts.nodes):
        yield _of_project("setting", item.node.name, item.problem, item.remedy, item.node.file)
    for macro, what in overriding_macros(facts, names_of_dbts_context):
        yield _of_project("macro", macro.name, f"the macro {what}", overrides.REMEDY, macro.file)
    for problem in reviewed_functions.problems(manifest.engine):
        remedy = reviewed_functions.remedy(manifest.engine)
        file = functions.file_of(manifest.engine)
        yield _of_project("function", "functions", problem, remedy, file)
    for problem in dispatch_faults(facts):
        yield _of_project("macro", "dispatch", problem)
    inside = {node.unique_id for node, _ in readers(facts.nodes)}
    outside = problems_of_outsiders(facts, raw_folders(manifest.folder), manifest.engine)
    for node, problem in (
        *readers(facts.nodes),
        *((node, problem) for node, problem in outside if node.unique_id not in inside),
    ):
        yield _of_project("reader", node.name, f"it {problem}", REMEDY, node.file)
    for problem in relation_faults(facts.nodes):
        yield _of_project("relation", "relations", problem)


def _judged_tests(destination: str, model: Model, manifest: Manifest) -> list[Verdict]:
    """Judge whether a view has all the tests that it must have, and nothing lets them pass."""
    own = {test.name: test for test in manifest.tests if test.model == model.unique_id}
    found = []
    for name in view_checks(model.name.rpartition("__")[2]):
        if name not in own:
            problem = f"it has no test {name}"
        elif own[name].weakened_by:
            problem = f"test {name} has {' and '.join(own[name].weakened_by)} set"
        else:
            continue
        found.append(_violation(destination, model.name, "", "test", problem, file=model.file))
    return found


def _empty_view(destination: str, model: Model, tracer: _Tracer) -> list[Verdict]:
    try:
        latest = LATEST_VIEWS.get(model.name.rpartition("__")[2])
        if latest is None:
            relation = tracer.relation(model)
        else:
            relation = tracer.calls_of_latest(model, latest[1], [])
        no_rows = Term("Boolean")
        if relation.rows.kind == "where" and no_rows in relation.rows.arguments[1]:
            return []
        problem = "the environment does not have this destination, and its view may have rows"
        rule = "missing-filter"
        return [_violation(destination, model.name, "", rule, problem, file=model.file)]
    except NotProvenError as problem:
        return [_unproven(destination, model, problem)]


def _unproven(destination: str, model: Model, problem: NotProvenError) -> Verdict:
    """Return the violation that something can't be proven, with where it is."""
    place, file = problem.model or model.name, problem.file or model.file
    text = str(problem) if place == model.name else f"in model {place}: {problem}"
    step = Step(place, file, problem.line, problem.expression, problem.source_line)
    trace = (step,) if problem.expression else ()
    return _violation(
        destination, model.name, "", problem.rule, text, file=file, line=problem.line, trace=trace
    )


def _violation(
    destination: str, view: str, column: str, rule: str, problem: str, **more: Any
) -> Verdict:
    """Return a violation, with `more` of it than every one has."""
    more.setdefault("remedy", REMEDIES.get(rule, DEFAULT_REMEDY))
    return Verdict(destination, view, column, "violation", rule=rule, problem=problem, **more)


@contextmanager
def _located(model: Model) -> Iterator[None]:
    """Say of what can't be proven in which model it is, unless that is known more closely."""
    try:
        yield
    except NotProvenError as problem:
        if not problem.model:
            problem.model, problem.file = model.name, model.file
            problem.source_line = problem.line if model.keeps_lines else None
        raise


class _Tracer:
    """Evaluates the models that a view is built from, each once."""

    def __init__(self, manifest: Manifest, plan: Plan) -> None:
        self._manifest = manifest
        self._done: dict[str, Relation | NotProvenError] = {}
        self._stack: list[str] = []
        self.traces = Traces(manifest)
        self.plan = plan
        self.reviewed = Reviewed(Evaluator(self._no_table, _no_join), plan, manifest.day.year)
        self.reviewed_reading = self._reviewed_reading(_reading_form(manifest))
        forms = compared_forms(plan, manifest.day, manifest.engine)
        self._compared_queries = {name: parse(form) for name, form in forms.items()}
        compared = {name: _itself(name, query) for name, query in self._compared_queries.items()}
        self.reviewed_staging = self._given(
            {"calls_read": self.reviewed_reading, **compared}
        ).query(parse(FORMS["model stg_calls"]))

    def _given(self, relations: dict[str, Relation]) -> Evaluator:
        return Evaluator(lambda table: relations[table.name], self._left_join)

    def _reviewed_reading(self, form: str) -> Relation:
        raw = self._given({"raw_lines": RAW_CALLS})
        found = raw.query(parse(what_is_read(form, "found"))).columns["found"]
        # What the values of a call are taken from: its message, or that made readable.
        self.reviewed.message = found.arguments[0]
        return raw.query(parse(form))

    def _read(self, model: Model) -> exp.Expression:
        return parse(model.sql, self._manifest.engine)

    def relation(self, model: Model) -> Relation:
        """Evaluate a model, with the models it reads.

        Raises:
            NotProvenError: something in it can't be proven.
        """
        known = self._done.get(model.unique_id)
        if known is None:
            try:
                with _located(model):
                    known = self._evaluated(model)
            except NotProvenError as problem:
                known = problem
            self._done[model.unique_id] = known
        if isinstance(known, NotProvenError):
            raise known
        return known

    def _check_traceable(self, model: Model) -> None:
        if model.file.endswith(".py"):
            raise NotProvenError("model", "it is written in Python, which can't be traced")
        if model.has_hooks:
            raise NotProvenError("model", "SQL of its own runs before or after it")
        if not model.sql:
            raise NotProvenError("model", "it was not compiled. Run: dbt compile")

    def _evaluated(self, model: Model) -> Relation:
        self._check_traceable(model)
        if model.unique_id in self._stack:
            raise NotProvenError("model", "it reads itself")
        own = model.package == PACKAGE
        if own and model.name in self._compared_queries:
            return self._compared(model)
        if own and model.name == CROSSWALK:
            return self._crosswalk(model)
        query = self._read(model)
        if own and model.name in MASKED_MODELS and self.plan.scopes:
            query = self._without_order(query)
        self._stack.append(model.unique_id)
        try:
            return Evaluator(lambda table: self._table(table, model), self._left_join).query(query)
        finally:
            self._stack.pop()

    def _without_order(self, query: exp.Expression) -> exp.Expression:
        """Take the order off a masked table's query: rows may be in that of day and row id alone.

        Raises:
            NotProvenError: they are in another.
        """
        known = TIMESTAMP_PRECISIONS[:-1]
        finest = next((item for item in known if item in self.plan.precisions), None)
        day = f"cast(date_trunc('day', timestamp__{finest}) as timestamp), " if finest else ""
        row_id = f"row_id{scope_suffix(self.plan.scopes[0])}"
        form = reviewed_on("order of masked rows", self._manifest.engine)
        form = form.replace("{day}", day).replace("{row_id}", row_id)
        query = query.copy()
        order = query.args.get("order")
        if order is None or _bare(order) != parse(f"select 1 order by {form}").args["order"]:
            problem = "its rows are not in the order of day and row id"
            raise NotProvenError("form", problem, order)
        query.set("order", None)
        return query

    def calls_of_latest(self, model: Model, id_name: str, columns: Sequence[str]) -> Relation:
        """Evaluate the calls that a view of latest values is made of.

        What it makes of them must be the reviewed query, name by name.

        Args:
            model: the view's model.
            id_name: the id that tells whose values they are.
            columns: names of the columns that hold the values, in order.

        Raises:
            NotProvenError: something in it can't be proven.
        """
        with _located(model):
            self._check_traceable(model)
            query = self._read(model).copy()
            with_ = query.args.get("with_")
            first = with_.expressions[0] if with_ is not None else None
            if not isinstance(first, exp.CTE):
                raise NotProvenError("form", "it is not the reviewed query of latest values")
            calls = first.this.copy()
            first.set("this", parse("select 1"))
            if _bare(query) != _bare(self.reviewed.latest_query(id_name, columns)):
                raise NotProvenError("form", "it is not the reviewed query of latest values")
            evaluator = Evaluator(lambda table: self._table(table, model), self._left_join)
            return evaluator.query(calls)

    def _table(self, table: exp.Table, reader: Model) -> Relation:
        model = self._manifest.named(table)
        is_raw = table.name.lower() == RAW_LINES and not table.db and not table.catalog
        if model is not None and not is_raw:
            return self.relation(model)
        if reader.name == "calls_read" and reader.package == "hipaa_mode":
            if is_raw:
                return RAW_CALLS
            raise NotProvenError(
                "model", "the raw calls are a table: compile without HIPAA_MODE_RAW_CALLS"
            )
        raise NotProvenError("unresolved", f"relation `{table.name}` is no model of the project")

    def _no_table(self, table: exp.Table) -> Relation:
        raise NotProvenError("unresolved", f"relation `{table.name}` in a reviewed form")

    def _compared(self, model: Model) -> Relation:
        self._check_columns_read(READ_BY.get(model.name, ()))
        actual = self._read(model).copy()
        for table in actual.find_all(exp.Table):
            name = self._staging_table(table, model)
            if name is not None:
                alias = table.args.get("alias")
                table.replace(exp.Table(this=exp.to_identifier(name), alias=alias))
        reviewed = self._compared_queries[model.name]
        if _bare(actual) != _bare(reviewed):
            raise NotProvenError("staging", "it is not as reviewed")
        return _itself(model.name, reviewed)

    def _check_columns_read(self, names: Iterable[str]) -> None:
        """Compare columns of the calls with their reviewed forms.

        Raises:
            NotProvenError: it is another.
        """
        read = self._manifest.own("calls_read") if names else None
        columns = self.relation(read).columns if read else {}
        for name in names:
            if columns.get(name) is not self.reviewed_reading.columns[name]:
                raise NotProvenError(
                    "staging", f"its column {name} of calls_read is not as reviewed"
                )

    def _staging_table(self, table: exp.Table, reader: Model) -> str | None:
        """Return how reviewed forms name a table that staging reads; None if it is another."""
        found = self._manifest.named(table) if table.args.get("db") else None
        if found is not None:
            names = ("calls_read", *self._compared_queries)
            return found.name if found.package == PACKAGE and found.name in names else None
        # Beside the models of staging, where every run puts it.
        address = (table.catalog.lower(), table.db.lower(), table.name.lower())
        is_list = address == (*reader.address[:2], SUPPRESSED_USERS)
        return SUPPRESSED_USERS if is_list and reader.name == "withheld_calls" else None

    def _crosswalk(self, model: Model) -> Relation:
        query = self._read(model)
        wanted = "system.main.hipaa_mode_random_code(value) as code"
        shown = {item.sql("duckdb").lower() for item in getattr(query, "expressions", [])}
        environment = self.plan.environment.replace("'", "''").lower()
        allowed = {wanted, f"'{environment}' as environment", "scope", "value"}
        if wanted not in shown or not shown <= allowed:
            raise NotProvenError("staging", "a surrogate is not a random code")
        names = ("environment", "scope", "value", "code")
        rows = Term("rows", CROSSWALK)
        return Relation({name: Term("crosswalk", name) for name in names}, rows)

    def _left_join(self, base: Relation, right: Relation, condition: frozenset[Term]) -> Relation:
        """Return the right side's columns as terms of the left side's row."""
        rows = right.rows
        if rows.kind == "rows" and rows.arguments[0] in self._compared_queries:
            # These have at most one row for the place of a call.
            if condition == _same_place(rows.arguments[0]):
                return right
        elif rows.kind == "rows" and rows.arguments[0] == CROSSWALK:
            return self._looked_up_code(condition)
        elif rows.kind == "distinct":
            return _looked_up_forms(base, right, condition)
        raise NotProvenError("join", "a join that is not one of those that look up a form")

    def _looked_up_code(self, condition: frozenset[Term]) -> Relation:
        given: dict[str, Term] = {}
        for part in condition:
            sides = [argument[1] for argument in part.arguments] if part.kind == "EQ" else []
            keys = [side for side in sides if side.kind == "crosswalk"]
            others = [side for side in sides if side.kind != "crosswalk"]
            if len(keys) != 1 or len(others) != 1:
                raise NotProvenError(
                    "join", "a surrogate is looked up by something else than its key"
                )
            given[keys[0].arguments[0]] = others[0]
        literal = Term("literal", self.plan.environment, True)
        if set(given) != {"environment", "scope", "value"} or given["environment"] is not literal:
            raise NotProvenError("join", "a surrogate is looked up by something else than its key")
        code = Term("surrogate", given["scope"], given["value"])
        return Relation({"code": code}, Term("rows", "none"))


def _no_join(base: Relation, right: Relation, condition: frozenset[Term]) -> Relation:
    raise NotProvenError("join", "a join in a reviewed form")


def _reading_form(manifest: Manifest) -> str:
    """Return how calls are read, with the times that are possible and the ids that are none.

    These are settings of the project as the SQL has them, and none of them lets anything through.
    """
    read = manifest.own("calls_read")
    sql = read.sql if read else ""
    times = _TIME_BOUNDS.search(sql)
    day, ahead = times.groups() if times else (EARLIEST_DAY, "0")
    placeholders = _placeholders(parse(sql, manifest.engine)) if sql else []
    return reading_form(
        earliest_day=f"'{day}'",
        ahead_us=ahead,
        placeholders=listed(placeholders),
    )


def _placeholders(query: exp.Expression) -> list[str]:
    """Return the ids that are none, of the first call of a function that is given them."""
    for call in query.find_all(exp.Anonymous):
        if call.name == "first_id":
            given = call.expressions[-1]
            texts = given.expressions if isinstance(given, exp.Array) else []
            return [item.this for item in texts if isinstance(item, exp.Literal)]
    return []


def _itself(name: str, query: exp.Expression) -> Relation:
    """Return a model of staging whose SQL is compared whole: its columns mean themselves."""
    assert isinstance(query, exp.Query)
    columns = {column: Term(name, column) for column in query.named_selects}
    return Relation(columns, Term("rows", name))


def _same_place(name: str) -> frozenset[Term]:
    raw = {column: Term("raw", column) for column in ("file_number", "line_number")}
    return frozenset(
        Term("EQ", ("expression", Term(name, column)), ("this", raw[column])) for column in raw
    )


def _looked_up_forms(base: Relation, right: Relation, condition: frozenset[Term]) -> Relation:
    """Return forms of different values as forms of the base row's own value.

    Safe where the values are those of the very rows they are joined to: each row then finds the
    forms of its own value, once.
    """
    inner, value = right.rows.arguments
    key = Term("value of", right.rows)
    wanted = Term("EQ", ("expression", key), ("this", value))
    if condition != frozenset((wanted,)):
        raise NotProvenError("join", "a form is looked up by something else than its value")
    if inner is not base.rows:
        raise NotProvenError("join", "forms are made of the values of other rows")
    columns = {name: substituted(term, key, value) for name, term in right.columns.items()}
    return Relation(columns, right.rows)


def _bare(query: exp.Expression) -> exp.Expression:
    for node in query.walk():
        node.comments = None
    return query


class _ViewProof:
    """The proof of one view."""

    def __init__(
        self, destination: DestinationPlan, view: str, model: Model, tracer: _Tracer
    ) -> None:
        self._destination = destination
        self._view = view
        self._model = model
        self._tracer = tracer
        self._reviewed = tracer.reviewed

    def verdicts(self) -> list[Verdict]:
        """Judge the view's rows and its columns."""
        try:
            if self._model.materialized != "destination_view":
                raise NotProvenError(
                    "model", "it is not built by the materialization destination_view"
                )
            relation = self._relation()
            staged = self._staged_rows(relation.rows)
        except NotProvenError as problem:
            return [_unproven(self._destination.name, self._model, problem)]
        found = [self._judged_rows(relation.rows, staged)]
        return found + self._judged_columns(dict(relation.columns), staged)

    def _relation(self) -> Relation:
        """Return the columns and rows that are judged."""
        return self._tracer.relation(self._model)

    def _judged_columns(self, terms: dict[str, Term], staging: Relation) -> list[Verdict]:
        expected = {column.name.lower(): column for column in self._destination.views[self._view]}
        return self._judged_terms(terms, expected, staging, "the allowlist has no such column")

    def _judged_terms(
        self,
        terms: Mapping[str, Term],
        expected: Mapping[str, ViewColumn],
        staging: Relation,
        if_more: str,
    ) -> list[Verdict]:
        return [
            self._judged_column(column, terms[name], staging)
            if name in terms
            else self._violation(column.name, "columns", "the column is missing")
            for name, column in expected.items()
        ] + [
            self._violation(name, "columns", if_more, _reads(term))
            for name, term in terms.items()
            if name not in expected
        ]

    def _violation(
        self, column: str, rule: str, problem: str, reads: Iterable[str] = ()
    ) -> Verdict:
        traces = self._tracer.traces
        trace = traces.of_column(self._model, column) if column else traces.of_rows(self._model)
        is_here = bool(trace) and trace[0].model == self._model.name
        return _violation(
            self._destination.name,
            self._model.name,
            column,
            rule,
            problem,
            reads=tuple(sorted(reads)),
            file=self._model.file,
            line=trace[0].line if is_here else None,
            trace=trace,
        )

    def _staged_rows(self, rows: Term) -> Relation:
        """Return the reviewed staging, if the view's rows are taken from it."""
        source, filters = source_and_filters(rows)
        staging = self._tracer.reviewed_staging
        own, own_filters = source_and_filters(staging.rows)
        if source is own and own_filters <= filters:
            return staging
        raise NotProvenError("staging", "its rows are not those of staging, as reviewed")

    def _judged_rows(self, rows: Term, staging: Relation) -> Verdict:
        call_type, event = staging.columns["call_type"], staging.columns["event"]
        denied = Term(
            "ArrayContains",
            ("expression", Term("literal", self._destination.name, True)),
            ("this", staging.columns["denied_to"]),
        )
        wanted = {
            Term("in", call_type, _literals(CALL_TYPES[self._view])): (
                "calls of other types are not left out"
            ),
            Term("Not", ("this", denied)): (
                "calls that are denied to the destination are not left out"
            ),
        }
        events = self._destination.events if self._view == "events" else None
        listed = _literals(events) if events is not None and "*" not in events else None
        if listed is not None:
            wanted[Term("in", event, listed) if listed else Term("Boolean")] = (
                "the filter on event names is missing, or is not the seed's"
            )
        filters = rows.arguments[1]
        for predicate, problem in wanted.items():
            if predicate not in filters:
                return self._violation("", "missing-filter", problem)
        left = filters - staging.rows.arguments[1] - wanted.keys()
        for predicate in left:
            is_wider = predicate.kind == "in" and predicate.arguments[0] is event
            if not is_wider or listed is None or not listed <= predicate.arguments[1]:
                problem = "rows are chosen by a predicate that the configuration does not name"
                return self._violation("", "predicate", problem, _reads(predicate))
        return Verdict(self._destination.name, self._model.name, "", "rows", file=self._model.file)

    def _judged_column(self, column: ViewColumn, term: Term, staging: Relation) -> Verdict:
        try:
            if column.property_list == "envelope":
                is_proven = term is self._envelope(column, staging)
            elif column.other_path:
                is_proven = term in self._of_two_places(column)
            else:
                inner = self._without_events(column, term, staging)
                is_proven = inner in self._forms(column)
        except NotProvenError as problem:
            return self._explained(column, term, staging, problem)
        if is_proven:
            return Verdict(
                self._destination.name,
                self._model.name,
                column.name,
                column.treatment,
                tuple(sorted(_reads(term, inside_tokens=True))),
                file=self._model.file,
            )
        return self._explained(column, term, staging)

    def _explained(
        self,
        column: ViewColumn,
        term: Term,
        staging: Relation,
        found: NotProvenError | None = None,
    ) -> Verdict:
        """Say why a column is not proven: the worst that is true of it."""
        reads = _reads(term)
        parts = everything_in(term)
        listed = self._listed(column, staging)
        # Conditions may read these two; ids may not come beside their tokens.
        shown = parts & {staging.columns["event"], staging.columns["call_type"]}
        unlisted = reads - listed - {path for item in shown for path in _reads(item)}
        scopes = {part.arguments[0] for part in parts if part.kind == "token"}
        if unlisted:
            rule, problem = "unlisted-property", "it is made of something that is not allowlisted"
        elif column.treatment == "mask" and not scopes:
            rule, problem = "unmasked", "it does not pass through the masking function"
        elif scopes and scopes != {column.scope}:
            rule, problem = "scope", "its token is of another scope than the destination's"
        elif reads & listed and column.treatment == "mask":
            rule, problem = "unmasked", "it holds the property beside its token"
        elif found is not None:
            rule, problem = found.rule, str(found)
        elif column.treatment == "mask" and _reads(term, inside_tokens=True) != listed:
            rule, problem = "form", "its token is not made of the property alone"
        else:
            rule, problem = "form", f"it is not in the reviewed form of `{column.treatment}`"
        return self._violation(column.name, rule, problem, unlisted or reads)

    def _listed(self, column: ViewColumn, staging: Relation) -> set[str]:
        """Return the paths that a column may be made of."""
        if column.property_list == "envelope":
            name = "call_key" if column.name == "row_id" else column.name
            return _reads(staging.columns[name]) if name in staging.columns else set()
        return {
            read
            for property_list, path in column.places
            for read in _reads(
                self._reviewed.staged(property_list, parse_path(path), keeps_objects=False)
            )
        }

    def _envelope(self, column: ViewColumn, staging: Relation) -> Term:
        if column.treatment == "deny":
            return self._reviewed.form("cast(null as varchar)")
        if column.name == "row_id":
            return Term("token", column.scope, staging.columns["call_key"])
        if column.name in ("timestamp", "received_at"):
            precision = self._destination.timestamp_precision
            return self._reviewed.at_precision(staging.columns[column.name], precision)
        if column.name in ("properties", "traits", "context") and column.data_type == "json":
            whole = Term(JSON_TEXT, self._reviewed.message, f'$."{column.name}"')
            return self._reviewed.called("whole_object", whole)
        value = staging.columns[column.name]
        if column.treatment == "mask":
            value = self._reviewed.normalized(column.normalize, value)
            return Term("token", column.scope, value)
        renamed = {
            name: sent_as
            for name, sent_as in (self._destination.events or {}).items()
            if name != sent_as
        }
        if column.name == "event" and renamed and self._view == "events":
            branches = " ".join(f"when {literal(n)} then {literal(s)}" for n, s in renamed.items())
            return self._reviewed.form(f"case value {branches} else value end", value=value)
        return value

    def _without_events(self, column: ViewColumn, term: Term, staging: Relation) -> Term:
        """Take off the conditions that show a column on its own events alone, and its cast."""
        event = staging.columns["event"]
        if column.events is not None:
            branch = _only_branch(term)
            if branch is None or branch[0] is not Term("in", event, _literals(column.events)):
                raise NotProvenError("missing-filter", "it is not shown on its own events alone")
            term = branch[1]
        data_type = TYPES[column.data_type] + ("[]" if column.is_list else "")
        cast = self._reviewed.form(f"cast(value as {data_type})", value=Term("raw", "message"))
        if term.kind != "Cast" or term.arguments[1:] != cast.arguments[1:]:
            raise NotProvenError("form", "it is not of the data type that the allowlist names")
        [inner] = term.part("this")
        branch = _only_branch(inner)
        if branch is not None:
            condition, shown = branch
            if condition.kind == "in" and condition.arguments[0] is event:
                others = _literals(column.events or ())
                if column.events is None or not others <= condition.arguments[1]:
                    raise NotProvenError("form", "it is kept from some of its events")
                inner = shown
        assert isinstance(inner, Term)
        return inner

    def _forms(self, column: ViewColumn) -> list[Term]:
        """Return the terms that the value may be: one, or two where another row keeps objects."""
        path = parse_path(column.path)
        staged = [
            self._reviewed.staged(column.property_list, path, keeps_objects)
            for keeps_objects in ((True,) if column.data_type == "json" else (False, True))
        ]
        if not column.is_list:
            return [self._formed(column, item) for item in staged]
        element = Term("element", 0, 0)
        forms = []
        for item in staged:
            texts = item
            if column.data_type != "json":
                texts = self._reviewed.called("scalar_texts", item)
            form = self._scalar(column, element)
            forms.append(texts if form is element else _mapped(texts, form))
        return forms

    def _of_two_places(self, column: ViewColumn) -> list[Term]:
        """Return the terms that a trait may be which comes in two places."""
        second = replace(column, property_list="context", path=column.other_path)
        data_type = TYPES[column.data_type] + ("[]" if column.is_list else "")
        shown = f"coalesce(cast(one as {data_type}), cast(other as {data_type}))"
        return [
            self._reviewed.form(shown, one=one, other=other)
            for one in self._forms(column)
            for other in self._forms(second)
        ]

    def _formed(self, column: ViewColumn, staged: Term) -> Term:
        if column.data_type == "json" and column.treatment == "allow":
            return self._scalar(column, staged)
        return self._scalar(column, self._reviewed.called("scalar_text", staged))

    def _scalar(self, column: ViewColumn, text: Term) -> Term:
        if column.treatment in ("mask", "surrogate"):
            value = self._reviewed.normalized(column.normalize, text)
            if column.treatment == "mask":
                return Term("token", column.scope, value)
            return Term("surrogate", Term("literal", column.scope, True), value)
        if column.data_type == "json":
            value = text
        else:
            treated = self._reviewed.treated(column.treatment, text)
            value = self._reviewed.typed(column.data_type, treated)
        return self._reviewed.called("guarded", value) if column.guard == "block" else value


class _LatestProof(_ViewProof):
    """The proof of a view of latest values: of its calls, and of what it makes of them."""

    def __init__(
        self, destination: DestinationPlan, latest: str, model: Model, tracer: _Tracer
    ) -> None:
        view, self._id_name = LATEST_VIEWS[latest]
        super().__init__(destination, view, model, tracer)
        self._columns = destination.latest_views.get(latest)
        # Every view of calls begins with their row id.
        self._call_id = destination.views[view][0]

    def verdicts(self) -> list[Verdict]:
        """Judge the calls and each of their values, and the query over them."""
        if self._columns is None:
            problem = f"the destination may not have {self._id_name}, which each row stands for"
            return [self._violation("", "model", problem)]
        return super().verdicts()

    def _relation(self) -> Relation:
        assert self._columns is not None
        names = [column.name for column in self._columns[3:]]
        return self._tracer.calls_of_latest(self._model, self._id_name, names)

    def _judged_columns(self, terms: dict[str, Term], staging: Relation) -> list[Verdict]:
        assert self._columns is not None
        found = []
        if terms.pop("call_id", None) is not super()._envelope(self._call_id, staging):
            problem = "calls of one time are in an order that may tell more than their row ids"
            found.append(self._violation("", "form", problem))
        inner = [f"value_{number + 1}" for number in range(len(self._columns[3:]))]
        expected = dict(zip(("row_id", "called_at", "id", *inner), self._columns, strict=True))
        if_more = "the calls have a column that is no part of the view"
        return found + self._judged_terms(terms, expected, staging, if_more)

    def _judged_rows(self, rows: Term, staging: Relation) -> Verdict:
        """Judge the rows of the calls; all but those of nobody must be among them."""
        source, filters = source_and_filters(rows)
        assert self._columns is not None
        person = self._person(self._columns[0], staging)
        is_null = Term("Is", ("expression", Term("null")), ("this", person))
        is_there = Term("Not", ("this", is_null))
        if is_there not in filters:
            problem = f"calls without {self._id_name} are not left out"
            return self._violation("", "missing-filter", problem)
        return super()._judged_rows(Term("where", source, filters - {is_there}), staging)

    def _listed(self, column: ViewColumn, staging: Relation) -> set[str]:
        if column.property_list == "envelope" and column.name == "row_id":
            return _reads(staging.columns[self._id_name])
        if column.property_list == "envelope" and column.name == CHANGED_AT:
            return _reads(staging.columns["timestamp"])
        return super()._listed(column, staging)

    def _person(self, row_id: ViewColumn, staging: Relation) -> Term:
        """Return the token of the person or group that a row is of."""
        text = self._reviewed.normalized(row_id.normalize, staging.columns[self._id_name])
        return Term("token", row_id.scope, text)

    def _envelope(self, column: ViewColumn, staging: Relation) -> Term:
        if column.name == "row_id":
            return self._person(column, staging)
        if column.name == CHANGED_AT:
            precision = self._destination.timestamp_precision
            return self._reviewed.at_precision(staging.columns["timestamp"], precision)
        return super()._envelope(column, staging)


def _mapped(values: Term, body: Term) -> Term:
    return Term("Transform", ("expression", Term("lambda", 1, body)), ("this", values))


def _literals(texts: Iterable[str]) -> frozenset[Term]:
    return frozenset(Term("literal", text, True) for text in texts)


def _only_branch(term: Term) -> tuple[Term, Term] | None:
    """Return condition and value of `case when … then … end`; None if it is no such thing."""
    branches = term.part("ifs") if term.kind == "Case" else ()
    if len(branches) != 1 or len(term.arguments) != 1:
        return None
    [condition], [shown] = branches[0].part("this"), branches[0].part("true")
    return condition, shown


def _reads(term: Term, inside_tokens: bool = False) -> set[str]:
    """Return the JSON paths of the raw call that a term shows, or that its tokens are made of."""
    parts = everything_in(term, opaque=None if inside_tokens else "token")
    paths = {str(part.arguments[1]) for part in parts if part.kind == JSON_TEXT}
    lists = [part.arguments[1] for part in parts if part.kind == JSON_TEXTS]
    return paths.union(*lists)
