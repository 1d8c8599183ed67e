"""What one environment's build does: the configuration resolved to columns and rows.

The plan is what the dbt macros read, as JSON. It says which values staging extracts, which
columns the masked tables hold, and which of those each destination view shows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from hipaa_mode.configuration import (
    ALL_VIEWS,
    ANY,
    ENVELOPE,
    ENVELOPE_COLUMNS,
    ENVELOPE_IDS,
    EXPIRY_WARNING,
    LATEST_VIEWS,
    PERSON_IDS,
    VIEWS,
    WHOLE_OBJECT_COLUMNS,
    AllowedProperty,
    Configuration,
    Destination,
)
from hipaa_mode.consent import ConsentRule
from hipaa_mode.effects import (
    effective_guard,
    misleading_rows,
    rows_with_exceptions,
    rows_without_effect,
)
from hipaa_mode.names import environment_name
from hipaa_mode.paths import ARRAY, PropertyPath, duckdb_json_path, parse_path, snake_case
from hipaa_mode.seeds import Fault
from hipaa_mode.selection import candidate_rows, grants, still_counts, strongest, strongest_events
from hipaa_mode.stops import Stop
from hipaa_mode.two_places import with_second_places

CHANGED_AT = "changed_at"
"""Column of a view of latest values: when one of them last changed."""

ROOTS = {"event": "properties", "user": "traits", "group": "traits", "context": "context"}
"""Key of the message that each property list lives under."""


@dataclass(frozen=True)
class StagedValue:
    """A value that staging takes out of the message, and the column it puts it in.

    Attributes:
        json_path: DuckDB JSON path for the one extraction of all values.
        steps: what remains to be done to what was found there: a JSON path, or `[]`.
        is_list: whether the column is a list of JSON texts rather than one.
        keeps_objects: whether some row grants the whole object (`data_type = json`).
    """

    name: str
    json_path: str
    steps: tuple[str, ...]
    is_list: bool
    keeps_objects: bool


@dataclass(frozen=True)
class MaskedColumn:
    """A column of a masked table: one staged value in one form.

    Attributes:
        value: the staging column it is made from.
        scope: scope of the tokens, for `mask` and `surrogate`.
        events: names of the events on which any destination may see it; None for all.
        guard: what becomes of a value that looks like an identifier: `block` makes it null,
            `warn` counts it, `none` or blank lets it be.
        guard_column: the column that counts such values of a row; None where none is counted.
    """

    name: str
    value: str
    is_list: bool
    treatment: str
    argument: str | None
    normalize: str
    data_type: str
    scope: str | None
    events: tuple[str, ...] | None
    guard: str
    guard_column: str | None


@dataclass(frozen=True)
class NormalizedId:
    """Tokens of an id of the calls (`user_id`, …), made of its one spelling, by their scopes."""

    name: str
    normalize: str
    scopes: list[str]


@dataclass(frozen=True)
class ViewColumn:
    """A column of a destination view.

    Attributes:
        masked_column: the column of the masked table it shows; empty for an id that is denied.
        property_list: list of the property, `envelope` for the call's own columns.
        treatment: the treatment as the seed writes it; `envelope` where there is none.
        path: the property's path; empty for the envelope.
        top_name: the first key of the path.
        events: the only events it is shown on; None for all.
        reason: why it is safe, from the seed.
        guard: `none`, `warn` or `block` where the value can be free text; else blank.
        scope: scope of the tokens or codes; None where it holds none.
        other_path: path in the context of a trait that comes there too; blank for others.
        other_masked_column: the column of the masked table that shows it.
    """

    name: str
    masked_column: str
    property_list: str
    treatment: str
    data_type: str
    path: str = ""
    top_name: str = ""
    normalize: str = "none"
    is_list: bool = False
    events: tuple[str, ...] | None = None
    reason: str = ""
    guard: str = ""
    scope: str | None = None
    other_path: str = ""
    other_masked_column: str = ""

    @property
    def places(self) -> list[tuple[str, str]]:
        """The property list and path of each place that its value comes from, the first first."""
        second = [("context", self.other_path)] if self.other_path else []
        return [(self.property_list, self.path), *second]

    def holds(self, property_list: str, path: PropertyPath) -> bool | None:
        """Whether it holds a property, and as a part of an object that is sent whole.

        None where it does not hold it; for columns of properties.
        """
        for place, written in self.places:
            steps = parse_path(written).steps
            is_whole = self.data_type == "json" and path.steps[: len(steps)] == steps
            if place == property_list and (is_whole or path.steps == steps):
                return is_whole
        return None


@dataclass(frozen=True)
class DestinationPlan:
    """What one destination receives.

    Attributes:
        events: event names it may receive, each with the name it is sent as; None for all.
        views: columns of each view of calls, in order.
        consent: what decides whether a call is denied to it.
        latest_views: columns of each view of latest values; none where the destination may not
            have the id that tells whose values they are.
        fingerprint: SHA-256 over everything above and below but descriptions.
    """

    name: str
    type: str
    connection_mode: str
    restrict_phi: bool
    is_in_hipaa_mode: bool
    baa_reference: str
    scope: str
    timestamp_precision: str
    description: str
    consent: ConsentRule
    events: dict[str, str] | None
    views: dict[str, list[ViewColumn]]
    latest_views: dict[str, list[ViewColumn]]
    fingerprint: str

    def columns(self, view: str) -> list[ViewColumn]:
        """Return the columns of one of its views, in order; none where it may not have it."""
        return (self.latest_views if view in LATEST_VIEWS else self.views).get(view, [])


@dataclass
class Plan:
    """The build of one environment. `faults` not empty means it must not run.

    `retain_days` is for how many days calls are kept, and `retained_from` the first of these days
    (UTC, ISO 8601); None for good. `column_rows` has by view and masked column the rows that ask
    for it, each as file, line and path, and `event_rows` the places of each event's rows.
    `coded_values` names the staged values that have surrogate codes.
    `normalized_ids` has, by what the names of their columns begin with, the ids that are brought
    to one spelling; `id_scopes` the scopes of those that are not. `person_normalizations` are the
    normalisations by which some destination takes spellings of a user or anonymous id for one
    person: who is deleted is deleted in all of them.
    `rows_without_effect` are the warnings of rows without which nothing would be otherwise.
    `stopped` has the destinations that an emergency stop keeps unpublished.
    """

    environment: str
    destinations: dict[str, DestinationPlan] = field(default_factory=dict)
    known_destinations: list[str] = field(default_factory=list)
    staged_values: list[StagedValue] = field(default_factory=list)
    coded_values: list[str] = field(default_factory=list)
    masked_tables: dict[str, list[MaskedColumn]] = field(default_factory=dict)
    masked_events: list[str] | None = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    id_scopes: dict[str, list[str]] = field(default_factory=dict)
    normalized_ids: dict[str, NormalizedId] = field(default_factory=dict)
    person_normalizations: list[str] = field(default_factory=list)
    raw_ids: list[str] = field(default_factory=list)
    precisions: list[str] = field(default_factory=list)
    keeps_whole_objects: bool = False
    small_zip3_areas: list[str] = field(default_factory=list)
    retain_days: int | None = None
    retained_from: str | None = None
    stopped: dict[str, Stop] = field(default_factory=dict)
    fingerprint: str = ""
    column_rows: dict[str, dict[str, list[tuple[str, int, str]]]] = field(default_factory=dict)
    event_rows: dict[str, list[str]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    rows_without_effect: list[Fault] = field(default_factory=list)


def make_plan(
    configuration: Configuration,
    environment: str,
    today: dt.date,
    models: Iterable[str] | None = None,
) -> Plan:
    """Resolve the configuration for one environment.

    Raises:
        ConfigurationError: the environment has a name that can't be one.
    """
    if environment != ANY:
        environment_name(environment)
    plan = Plan(environment, faults=list(configuration.faults))
    plan.known_destinations = sorted({name for _, name in configuration.listed})
    plan.small_zip3_areas = sorted(set(configuration.small_areas.areas))
    plan.stopped = configuration.stopped(environment)
    plan.retain_days = configuration.retained_days(environment)
    if plan.retain_days is not None:
        plan.retained_from = retained_from(today, plan.retain_days)
    destinations = configuration.in_environment(environment)
    if not destinations and not configuration.faults:
        problem = f"no destination is listed for environment {environment}"
        remedy = "Add one, or set the variable hipaa_mode__environment"
        plan.faults.append(Fault("destinations.csv", None, problem, remedy))
    for destination in destinations.values():
        _check_agreement(plan, destination, today)
    resolved = _Resolution(plan)
    for destination in destinations.values():
        rows = counting_rows(configuration, destination, environment, today)
        plan.warnings += _expiring(configuration, destination, environment, today)
        if _uses_zip3(rows):
            plan.warnings += configuration.small_areas.age_warning(today)
        resolved.add(destination, rows, _events_for(configuration, destination, environment))
    plan.event_rows = _event_rows(configuration, destinations.values(), environment)
    resolved.finish()
    # The seeds are reviewed as a whole: collisions elsewhere are faults here.
    for name in (environment, *configuration.environments()):
        plan.faults += _collisions(configuration, name, today)
    environments = {*configuration.known_environments(), environment} - {ANY}
    plan.faults += misleading_rows(configuration, environments, today)
    plan.warnings += rows_with_exceptions(configuration, environment, environments)
    plan.rows_without_effect = rows_without_effect(configuration, environments, today)
    plan.warnings += plan.rows_without_effect
    if models is not None:
        _check_models(plan, configuration, set(models))
    plan.faults, plan.warnings = _once(plan.faults), _once(plan.warnings)
    content: list[object] = [
        environment,
        {name: item.fingerprint for name, item in plan.destinations.items()},
    ]
    if plan.retain_days is not None:
        content.append({"retain_days": plan.retain_days})
    plan.fingerprint = _fingerprint(content)
    return plan


def _once(faults: Iterable[Fault]) -> list[Fault]:
    return list(dict.fromkeys(faults))


def retained_from(today: dt.date, days: int) -> str:
    """Return the first day (UTC) whose calls are still kept, ISO 8601; today is day 0."""
    return (today - dt.timedelta(days=days)).isoformat()


def _fingerprint(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_agreement(plan: Plan, destination: Destination, today: dt.date) -> None:
    expires_on = destination.baa_expires_on
    if destination.restrict_phi or expires_on is None:
        return
    if expires_on < today:
        problem = f"the BAA of `{destination.name}` has expired (on {expires_on})"
        remedy = "Renew it and its date, or set restrict_phi to true"
        plan.faults.append(destination.row.fault(problem, remedy))
    elif expires_on <= today + EXPIRY_WARNING:
        problem = f"the BAA of `{destination.name}` expires on {expires_on}"
        remedy = "Renew it: from the day after, the build refuses"
        plan.warnings.append(destination.row.fault(problem, remedy))


def counting_rows(
    configuration: Configuration, destination: Destination, environment: str, today: dt.date
) -> list[AllowedProperty]:
    """Return the rows that count: for each property the most particular ones, not expired.

    Expiry never widens: an expired row still beats what it beat, and one that masks or denies an
    id still counts.
    """
    return [
        row
        for row in _strongest_rows(configuration, destination, environment)
        if still_counts(row, today) and grants(row)
    ]


def denying_rows(
    configuration: Configuration, destination: Destination, environment: str
) -> list[AllowedProperty]:
    """Return the rows that keep a property from a destination, which nothing then shows."""
    strongest_rows = _strongest_rows(configuration, destination, environment)
    return [row for row in strongest_rows if not grants(row)]


def _strongest_rows(
    configuration: Configuration, destination: Destination, environment: str
) -> Iterator[AllowedProperty]:
    for rows in candidate_rows(configuration, destination, environment).values():
        yield from strongest(rows)


def _expiring(
    configuration: Configuration, destination: Destination, environment: str, today: dt.date
) -> Iterator[Fault]:
    for row in _strongest_rows(configuration, destination, environment):
        if row.expires_on is None or row.expires_on > today + EXPIRY_WARNING:
            continue
        if row.expires_on < today:
            counts = still_counts(row, today)
            effect = "still counts, since it narrows" if counts else "no longer counts"
            problem = f"the row expired on {row.expires_on} and {effect}"
            yield row.row.fault(problem, "Remove it, or review and renew it")
        else:
            problem = f"the row expires on {row.expires_on}"
            yield row.row.fault(problem, "Review it, then renew or remove it")


def _events_for(
    configuration: Configuration, destination: Destination, environment: str
) -> dict[str, str] | None:
    if not destination.restrict_phi:
        return None
    chosen = strongest_events(configuration, destination, environment)
    return {event: row.sent_as or event for event, row in sorted(chosen.items())}


def _event_rows(
    configuration: Configuration, destinations: Iterable[Destination], environment: str
) -> dict[str, list[str]]:
    restricted = {destination.name for destination in destinations if destination.restrict_phi}
    reached = restricted | ({ANY} if restricted else set())
    found: dict[str, list[str]] = {}
    for row in configuration.allowed_events:
        is_here = row.destination in reached and row.environment in (environment, ANY)
        if is_here and row.event != ANY:
            found.setdefault(row.event, []).append(f"{row.row.file}, line {row.row.line}")
    return found


class _Resolution:
    """Collects what all destinations need, and names staging and masked columns."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.values: dict[object, StagedValue] = {}
        self.columns: dict[str, dict[object, MaskedColumn]] = {view: {} for view in VIEWS}
        whole = [f"{root}__whole" for root in WHOLE_OBJECT_COLUMNS]
        self.used_names: Counter[tuple[str, str]] = Counter(
            (table, name) for table in ("staging", *VIEWS) for name in whole
        )

    def add(
        self,
        destination: Destination,
        rows: Sequence[AllowedProperty],
        events: dict[str, str] | None,
    ) -> None:
        """Add a destination's views to the plan."""
        plan = self.plan
        views = {view: self._columns_of(destination, rows, view) for view in VIEWS}
        for row in rows:
            if row.event is not None and events is not None and not {row.event, ANY} & {*events}:
                problem = f"the event of this row may not be sent to `{destination.name}`"
                remedy = "Allow it in allowed_events, or remove the row"
                plan.warnings.append(row.row.fault(problem, remedy))
        if events is not None and ANY in events:
            problem = f"every event name may be sent to `{destination.name}`"
            remedy = "A name can itself be PHI: list the names in allowed_events"
            plan.warnings.append(destination.row.fault(problem, remedy))
        self._check_required(destination, rows)
        assert destination.type is not None
        named = ("connection_mode", "restrict_phi", "scope", "timestamp_precision")
        facts = {name: getattr(destination, name) for name in named}
        content: dict[str, object] = {
            **facts,
            "consent": asdict(destination.consent_rule),
            "events": events,
            "views": {view: _received(columns) for view, columns in views.items()},
            "small_zip3_areas": plan.small_zip3_areas if _uses_zip3(rows) else [],
        }
        plan.destinations[destination.name] = DestinationPlan(
            name=destination.name,
            type=destination.type.name,
            **facts,
            is_in_hipaa_mode=destination.is_in_hipaa_mode,
            baa_reference=destination.baa_reference,
            description=destination.description,
            consent=destination.consent_rule,
            events=events,
            views=views,
            latest_views=latest_views(views, destination.scope),
            fingerprint=_fingerprint([plan.environment, destination.name, content]),
        )

    def finish(self) -> None:
        """Write into the plan what all its destinations need together."""
        plan = self.plan
        plan.staged_values = list(self.values.values())
        plan.masked_tables = {
            view: list(columns.values()) for view, columns in self.columns.items()
        }
        destinations = plan.destinations.values()
        coded = {
            column.value
            for columns in plan.masked_tables.values()
            for column in columns
            if column.treatment == "surrogate"
        }
        plan.coded_values = sorted(coded)
        plan.scopes = list(dict.fromkeys(item.scope for item in destinations))
        plan.precisions = list(dict.fromkeys(item.timestamp_precision for item in destinations))
        plan.keeps_whole_objects = any(not item.restrict_phi for item in destinations)
        is_open = any(item.events is None or ANY in item.events for item in destinations)
        names = {name for item in destinations for name in item.events or ()}
        plan.masked_events = None if is_open else sorted(names)
        ids = [
            column
            for item in destinations
            for columns in item.views.values()
            for column in columns
            if column.property_list == ENVELOPE and column.name in ENVELOPE_IDS
        ]
        plan.raw_ids = list(dict.fromkeys(id_.name for id_ in ids if id_.treatment == "allow"))
        plan.id_scopes = {name: list(plan.scopes) for name in ENVELOPE_IDS}
        for id_ in (id_ for id_ in ids if id_.scope is not None):
            scopes = plan.id_scopes[id_.name]
            if suffix := normalize_suffix(id_.normalize):
                tokens = NormalizedId(id_.name, id_.normalize, [])
                scopes = plan.normalized_ids.setdefault(f"{id_.name}{suffix}", tokens).scopes
            if id_.scope not in scopes:
                scopes.append(str(id_.scope))
        plan.person_normalizations = sorted(
            {id_.normalize for id_ in plan.normalized_ids.values() if id_.name in PERSON_IDS}
        )

    def _columns_of(
        self, destination: Destination, rows: Sequence[AllowedProperty], view: str
    ) -> list[ViewColumn]:
        ids = {str(row.path): row for row in rows if row.property_list == ENVELOPE}
        columns = [_envelope(destination, ids.get(name), name) for name in ENVELOPE_COLUMNS]
        if not destination.restrict_phi:
            whole = ("properties", "context") if view == "events" else ("traits", "context")
            reason = f"restriction is off under BAA {destination.baa_reference}"
            columns += [
                ViewColumn(name, f"{name}__whole", ENVELOPE, "allow", "json", reason=reason)
                for name in whole
            ]
        for grouped, second in _rows_by_column(view, rows, destination):
            column = self._column(destination, view, grouped)
            if second is not None:
                other = self._column(destination, view, second)
                column = replace(
                    column, other_path=other.path, other_masked_column=other.masked_column
                )
            columns.append(column)
        return columns

    def _column(
        self, destination: Destination, view: str, rows: Sequence[AllowedProperty]
    ) -> ViewColumn:
        row = rows[0]
        value = self._value(row)
        scope = row.scope_for(destination)
        events = _joined_events(rows)
        guard = effective_guard(destination, row)
        key = (value.name, str(row.treatment), row.normalize, row.data_type, scope, guard)
        known = self.columns[view].get(key)
        if known is None:
            suffix = "" if scope is None else scope_suffix(scope)
            name = self._unused(view, f"{value.name}__{row.treatment.kind.name}{suffix}")
            is_counted = guard in ("warn", "block")
            known = MaskedColumn(
                name=name,
                value=value.name,
                is_list=value.is_list,
                treatment=row.treatment.kind.name,
                argument=row.treatment.argument,
                normalize=row.normalize,
                data_type=row.data_type,
                scope=scope,
                events=events,
                guard=guard,
                guard_column=self._unused(view, f"{name}__guard_count") if is_counted else None,
            )
        is_on_all = known.events is None or events is None
        both = None if is_on_all else tuple(sorted({*(known.events or ()), *(events or ())}))
        self.columns[view][key] = replace(known, events=both)
        places = self.plan.column_rows.setdefault(view, {}).setdefault(known.name, [])
        for source in rows:
            place = (source.row.file, source.row.line, f"{source.property_list} {source.path}")
            if place not in places:
                places.append(place)
        return ViewColumn(
            name=row.column_name,
            masked_column=known.name,
            property_list=row.property_list,
            path=str(row.path),
            top_name=row.path.steps[0].name,
            treatment=str(row.treatment),
            normalize=row.normalize,
            data_type=row.data_type,
            is_list=value.is_list,
            events=events,
            reason=row.reason,
            guard=guard,
            scope=scope,
        )

    def _value(self, row: AllowedProperty) -> StagedValue:
        root = ROOTS[row.property_list]
        earlier = self.values.get((root, row.path))
        first, *steps = _extraction(root, row.path)
        value = StagedValue(
            name=earlier.name
            if earlier
            else self._unused("staging", f"{root}__{snake_case(row.path)}"),
            json_path=first,
            steps=tuple(steps),
            is_list=row.path.reaches_into_array,
            keeps_objects=row.data_type == "json" or bool(earlier and earlier.keeps_objects),
        )
        self.values[root, row.path] = value
        return value

    def _unused(self, table: str, name: str) -> str:
        # DuckDB folds the case of identifiers.
        self.used_names[(table, name.casefold())] += 1
        times = self.used_names[(table, name.casefold())]
        return name if times == 1 else self._unused(table, f"{name}__{times}")

    def _check_required(self, destination: Destination, rows: Sequence[AllowedProperty]) -> None:
        if destination.type is None or not destination.restrict_phi:
            return
        allowed = {row.path for row in rows}
        for path in destination.type.required_properties:
            if path not in allowed:
                problem = (
                    f"{destination.type.display_name} needs property `{path}`, which "
                    f"`{destination.name}` does not allow"
                )
                remedy = "Allow it in allowed_properties, or accept that the tool works less well"
                self.plan.warnings.append(destination.row.fault(problem, remedy))


def _envelope(destination: Destination, row: AllowedProperty | None, name: str) -> ViewColumn:
    """Return a column of the call's own.

    Args:
        row: what the allowlist says of it, where it is an id.
    """
    treatment, masked, data_type = "envelope", name, "text"
    scope: str | None = None
    normalize = "none"
    if name == "row_id":
        treatment, scope = "mask", destination.scope
        masked = f"row_id{scope_suffix(scope)}"
    elif name in ("timestamp", "received_at"):
        masked, data_type = f"{name}__{destination.timestamp_precision}", "timestamp"
    elif name in ENVELOPE_IDS:
        treatment = "mask" if destination.restrict_phi else "allow"
        treatment = row.treatment.kind.name if row else treatment
        masked = "" if treatment == "deny" else f"{name}__raw"
        if treatment == "mask":
            scope = (row.scope_for(destination) if row else None) or destination.scope
            normalize = row.normalize if row else "none"
            masked = f"{name}{normalize_suffix(normalize)}{scope_suffix(scope)}"
    return ViewColumn(
        name, masked, ENVELOPE, treatment, data_type, normalize=normalize, scope=scope
    )


def _received(columns: Sequence[ViewColumn]) -> list[dict[str, object]]:
    """Describe what a destination receives in a view, whatever the order and the reasons."""
    ours = ("masked_column", "other_masked_column", "top_name", "reason")
    described = [
        {name: value for name, value in asdict(column).items() if name not in ours}
        for column in columns
    ]
    return sorted(described, key=lambda column: str(column["name"]))


def _uses_zip3(rows: Sequence[AllowedProperty]) -> bool:
    return any(row.treatment.kind.name == "zip3" for row in rows)


def scope_suffix(scope: str) -> str:
    """Return what the name of a masked column ends with, for tokens of a scope.

    Differs for all scopes that the tokens of one value may have.
    """
    base, *property_ = scope.split("/", 1)
    shown = "shared" if base == ANY else f"for_{base}"
    return f"__property_{shown}" if property_ else f"__{shown}"


def normalize_suffix(normalize: str) -> str:
    """Return what a normalisation adds to a name; as the macro of that name."""
    return "" if normalize == "none" else "__" + normalize.replace("(", "_").replace(")", "")


def _extraction(root: str, path: PropertyPath) -> list[str]:
    """Split a path into the one JSON path of the common extraction and what follows it."""
    names = [root]
    steps: list[str] = []
    for step in path.steps:
        if step.is_array:
            steps += [*(duckdb_json_path(tuple(names)) if names else ()), ARRAY]
            names = []
        else:
            names.append(step.name)
    return [*steps, *(duckdb_json_path(tuple(names)) if names else ())]


def _joined_events(rows: Sequence[AllowedProperty]) -> tuple[str, ...] | None:
    if any(row.event is None for row in rows):
        return None
    return tuple(sorted({row.event for row in rows if row.event is not None}))


def _rows_by_column(
    view: str, rows: Sequence[AllowedProperty], destination: Destination
) -> list[tuple[Sequence[AllowedProperty], Sequence[AllowedProperty] | None]]:
    """Return the rows that feed each column of a view, and those of its second place if any.

    The rows of a column have the same place and form, on different events.
    """
    groups: dict[object, list[AllowedProperty]] = {}
    for row in rows:
        if row.property_list in (VIEWS[view], "context"):
            groups.setdefault((row.place, row.form), []).append(row)
    columns = list(groups.values())
    if view != "identifies":
        return [(grouped, None) for grouped in columns]
    return with_second_places(columns, destination)


def _collisions(configuration: Configuration, environment: str, today: dt.date) -> Iterator[Fault]:
    for destination in configuration.in_environment(environment).values():
        rows = counting_rows(configuration, destination, environment, today)
        whole = () if destination.restrict_phi else WHOLE_OBJECT_COLUMNS
        reserved = {name.casefold() for name in (*ENVELOPE_COLUMNS, *whole)}
        for view in VIEWS:
            taken: dict[str, AllowedProperty] = {}
            for [row, *_], _ in _rows_by_column(view, rows, destination):
                column = row.column_name.casefold()
                other = taken.setdefault(column, row).row
                of, problem = f"{destination.name}__{view}", ""
                if column in reserved:
                    problem = f"collides with envelope column `{column}` of `{of}`"
                elif other is not row.row:
                    problem = f"of `{of}` collides with the one of {other.file}, line {other.line}"
                if problem:
                    problem = f"column `{row.column_name}` {problem}"
                    yield row.row.fault(problem, "Give one of them another column_name")


def latest_views(
    views: Mapping[str, Sequence[ViewColumn]], scope: str
) -> dict[str, list[ViewColumn]]:
    """Return the columns of the views of latest values, from those of the views of calls.

    Each has the token of the person or group as its row id, when a value last changed, the id as
    the destination may have it, and what else of the calls is no part of a single call.
    """
    found: dict[str, list[ViewColumn]] = {}
    for latest, (view, id_name) in LATEST_VIEWS.items():
        [id_column] = [
            column
            for column in views[view]
            if column.name == id_name and column.property_list == ENVELOPE
        ]
        if id_column.treatment == "deny":
            continue
        own = id_column.scope or scope
        is_masked = id_column.treatment == "mask"
        person = id_column.masked_column if is_masked else f"{id_name}{scope_suffix(own)}"
        row_id = replace(
            id_column, name="row_id", masked_column=person, treatment="mask", scope=own
        )
        changed_at = ViewColumn(CHANGED_AT, "", ENVELOPE, ENVELOPE, "timestamp")
        values = [
            column
            for column in views[view]
            if column.property_list != ENVELOPE or column.name in WHOLE_OBJECT_COLUMNS
        ]
        found[latest] = [row_id, changed_at, id_column, *values]
    return found


def named_as_changed_at(columns: Iterable[ViewColumn]) -> list[str]:
    """Return the columns of properties that a view of latest values can't have beside its own."""
    return [
        column.name
        for column in columns
        if column.property_list != ENVELOPE and column.name.casefold() == CHANGED_AT
    ]


def _check_models(plan: Plan, configuration: Configuration, models: set[str]) -> None:
    destinations = configuration.in_environment(plan.environment)
    is_whole = "destinations" not in configuration.unread
    with_models: set[str] = set()
    endings = ", ".join(f"__{name}" for name in ALL_VIEWS)
    for model in sorted(models):
        destination, _, view = model.rpartition("__")
        problem = ""
        if view not in ALL_VIEWS:
            problem = "the name of a destination model must be <destination>__<view>"
            remedy = f"Rename it, with {endings} at its end"
        elif destination not in plan.known_destinations and is_whole:
            problem = f"destination `{destination}` has no row in destinations.csv"
            remedy = "Add a row to the seed, or remove the model and its files are withdrawn"
        if problem:
            plan.faults.append(Fault(f"model {model}", None, problem, remedy, destination))
        elif view in VIEWS:
            with_models.add(destination)
    for name, destination_plan in plan.destinations.items():
        row = destinations[name].row
        _check_latest_views(plan, destinations[name], models)
        if name not in with_models:
            model = f"models/destination_views/{name}/{name}__events.sql"
            remedy = f"Add {model} with {{{{ hipaa_mode.destination_events('{name}') }}}}"
            plan.faults.append(row.fault(f"destination `{name}` has no model", remedy))
            continue
        for view, columns in destination_plan.views.items():
            is_listed = any(column.property_list == VIEWS[view] for column in columns)
            if is_listed and f"{name}__{view}" not in models:
                problem = f"`{name}` has {VIEWS[view]} properties but no model {name}__{view}"
                remedy = "Add the model, or the properties are not sent"
                plan.warnings.append(row.fault(problem, remedy))


def _check_latest_views(plan: Plan, destination: Destination, models: set[str]) -> None:
    """Find what keeps a destination's models of latest values from being built."""
    fault, name = destination.row.fault, destination.name
    for latest, (view, id_name) in LATEST_VIEWS.items():
        model, calls = f"{name}__{latest}", f"{name}__{view}"
        if model not in models:
            continue
        if calls not in models:
            problem = f"model {model} stands without {calls}, whose calls it sums up"
            plan.faults.append(fault(problem, f"Add the model {calls}, or remove {model}"))
        columns = plan.destinations[name].latest_views.get(latest)
        if columns is None:
            problem = f"model {model} has a row for each {id_name}, which `{name}` may not have"
            remedy = f"Take the envelope row that denies {id_name} away, or remove the model"
            plan.faults.append(fault(problem, remedy))
        for column in named_as_changed_at(columns or ()):
            problem = f"column `{column}` of `{calls}` collides with column {CHANGED_AT} of model"
            remedy = "Give the property another column_name, or remove the model"
            plan.faults.append(fault(f"{problem} {model}", remedy))
