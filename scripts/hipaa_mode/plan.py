"""What one environment's build does: the configuration resolved to columns and rows.

The plan is what the dbt macros read, as JSON. It says which values staging extracts, which
columns the masked tables hold, and which of those each destination view shows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
from hipaa_mode.selection import candidate_rows, grants, rank, still_counts, strongest
from hipaa_mode.stops import Stop
from hipaa_mode.two_places import with_second_places

CHANGED_AT = "changed_at"
"""Column of a view of latest values: when one of them last changed."""

ROOTS = {"event": "properties", "user": "traits", "group": "traits", "context": "context"}
"""Key of the message that each property list lives under."""


@dataclass(frozen=True)
class StagedValue:
    """A value that staging takes out of the message.

    Attributes:
        name: the staging column.
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
        name: the column.
        value: the staging column it is made from.
        is_list: whether it holds a list.
        treatment: name of the treatment.
        argument: argument of the treatment, if it takes one.
        normalize: normalisation before masking.
        data_type: type of the result.
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
    """Tokens of an id of the calls, made of its one spelling.

    Attributes:
        name: the id: `user_id`, …
        normalize: how it is brought to that spelling.
        scopes: scopes of the tokens.
    """

    name: str
    normalize: str
    scopes: list[str]


@dataclass(frozen=True)
class ViewColumn:
    """A column of a destination view.

    Attributes:
        name: the column as the destination sees it.
        masked_column: the column of the masked table it shows; empty for an id that is denied.
        property_list: list of the property, `envelope` for the call's own columns.
        path: the property's path; empty for the envelope.
        top_name: the first key of the path.
        treatment: the treatment as the seed writes it; `envelope` where there is none.
        normalize: normalisation before masking.
        data_type: type of the column.
        is_list: whether it holds a list.
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
    display_name: str
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
    misses_destinations: bool = False
    staged_values: list[StagedValue] = field(default_factory=list)
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

    def as_json(self) -> str:
        """Write the plan as JSON text for the dbt macros."""
        content = asdict(self)
        content["faults"] = [str(fault) for fault in self.faults]
        content["warnings"] = [str(warning) for warning in self.warnings]
        for ours in ("rows_without_effect", "column_rows", "event_rows"):
            del content[ours]
        return json.dumps(content, ensure_ascii=False, sort_keys=True)


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
    plan.misses_destinations = "destinations" in configuration.unread
    plan.small_zip3_areas = sorted(set(configuration.small_areas.areas))
    plan.stopped = configuration.stopped(environment)
    plan.retain_days = configuration.retained_days(environment)
    if plan.retain_days is not None:
        plan.retained_from = retained_from(today, plan.retain_days)
    destinations = configuration.in_environment(environment)
    if not destinations and not configuration.faults:
        plan.faults.append(
            Fault(
                "destinations.csv",
                None,
                f"no destination is listed for environment {environment}",
                "Add one, or set the variable hipaa_mode__environment",
            )
        )
    _check_agreements(plan, destinations.values(), today)
    resolved = _Resolution(plan)
    for destination in destinations.values():
        rows = _rows_for(configuration, destination, environment, today, plan)
        resolved.add(destination, rows, _events_for(configuration, destination, environment))
    _note_event_rows(plan, configuration, destinations.values())
    resolved.finish()
    for other in configuration.environments():
        if other != environment:
            _check_collisions_elsewhere(configuration, other, today, plan)
    environments = {*configuration.known_environments(), environment} - {ANY}
    plan.faults += misleading_rows(configuration, environments, today)
    plan.warnings += rows_with_exceptions(configuration, environment, environments)
    plan.rows_without_effect = rows_without_effect(configuration, environments, today)
    plan.warnings += plan.rows_without_effect
    if models is not None:
        _check_models(plan, destinations, set(models))
    content: list[object] = [
        environment,
        {name: item.fingerprint for name, item in plan.destinations.items()},
    ]
    if plan.retain_days is not None:
        content.append({"retain_days": plan.retain_days})
    plan.fingerprint = _fingerprint(content)
    return plan


def retained_from(today: dt.date, days: int) -> str:
    """Return the first day (UTC) whose calls are still kept, ISO 8601; today is day 0."""
    return (today - dt.timedelta(days=days)).isoformat()


def _fingerprint(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_agreements(plan: Plan, destinations: Iterable[Destination], today: dt.date) -> None:
    for destination in destinations:
        expires_on = destination.baa_expires_on
        if destination.restrict_phi or expires_on is None:
            continue
        if expires_on < today:
            plan.faults.append(
                destination.row.fault(
                    f"the BAA of `{destination.name}` has expired (on {expires_on})",
                    "Renew it and its date, or set restrict_phi to true",
                )
            )
        elif expires_on <= today + EXPIRY_WARNING:
            plan.warnings.append(
                destination.row.fault(
                    f"the BAA of `{destination.name}` expires on {expires_on}",
                    "Renew it: from the day after, the build refuses",
                )
            )


def _rows_for(
    configuration: Configuration,
    destination: Destination,
    environment: str,
    today: dt.date,
    plan: Plan,
) -> list[AllowedProperty]:
    """Return the rows that count: for each property the most particular ones, not expired.

    Expiry never widens: an expired row still beats what it beat, and one that masks or denies an
    id still counts.
    """
    chosen: list[AllowedProperty] = []
    for rows in candidate_rows(configuration, destination, environment).values():
        for row in strongest(rows):
            if row.expires_on is not None and row.expires_on < today:
                counts = still_counts(row, today)
                effect = "still counts, since it narrows" if counts else "no longer counts"
                problem = f"the row expired on {row.expires_on} and {effect}"
                _warn_once(plan, row.row.fault(problem, "Remove it, or review and renew it"))
                if not counts:
                    continue
            elif row.expires_on is not None and row.expires_on <= today + EXPIRY_WARNING:
                problem = f"the row expires on {row.expires_on}"
                _warn_once(plan, row.row.fault(problem, "Review it, then renew or remove it"))
            if grants(row):
                chosen.append(row)
    for warning in configuration.small_areas.age_warning(today) if _uses_zip3(chosen) else ():
        _warn_once(plan, warning)
    return chosen


def _warn_once(plan: Plan, warning: Fault) -> None:
    if warning not in plan.warnings:
        plan.warnings.append(warning)


def _events_for(
    configuration: Configuration, destination: Destination, environment: str
) -> dict[str, str] | None:
    if not destination.restrict_phi:
        return None
    chosen: dict[str, tuple[tuple[bool, bool], str]] = {}
    for row in configuration.allowed_events:
        if row.environment not in (environment, ANY):
            continue
        if row.destination not in (destination.name, ANY):
            continue
        if row.event not in chosen or rank(row) > chosen[row.event][0]:
            chosen[row.event] = (rank(row), row.sent_as or row.event)
    return {event: sent_as for event, (_, sent_as) in sorted(chosen.items())}


def _note_event_rows(
    plan: Plan, configuration: Configuration, destinations: Iterable[Destination]
) -> None:
    restricted = {destination.name for destination in destinations if destination.restrict_phi}
    for row in configuration.allowed_events:
        reaches = row.destination in restricted or (row.destination == ANY and restricted)
        if reaches and row.environment in (plan.environment, ANY) and row.event != ANY:
            place = f"{row.row.file}, line {row.row.line}"
            plan.event_rows.setdefault(row.event, []).append(place)


class _Resolution:
    """Collects what all destinations need, and names staging and masked columns."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.value_names: dict[object, str] = {}
        self.id_scopes: dict[str, dict[str, None]] = {name: {} for name in ENVELOPE_IDS}
        self.values: dict[str, StagedValue] = {}
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
        views: dict[str, list[ViewColumn]] = {}
        for view, property_list in VIEWS.items():
            columns = self._envelope(destination, rows, view)
            in_view = [row for row in rows if row.property_list in (property_list, "context")]
            for grouped, second in _columns_of(view, in_view, destination):
                columns.append(self._column_of_places(destination, view, grouped, second))
            _check_collisions(plan, destination, view, in_view)
            views[view] = columns
        for row in rows:
            if (
                row.event is not None
                and events is not None
                and not (row.event in events or ANY in events)
            ):
                _warn_once(
                    plan,
                    row.row.fault(
                        f"the event of this row may not be sent to `{destination.name}`",
                        "Allow it in allowed_events, or remove the row",
                    ),
                )
        if destination.restrict_phi and events is not None and ANY in events:
            plan.warnings.append(
                destination.row.fault(
                    f"every event name may be sent to `{destination.name}`",
                    "A name can itself be PHI: list the names in allowed_events",
                )
            )
        self._check_required(destination, rows)
        assert destination.type is not None
        content: dict[str, object] = {
            "connection_mode": destination.connection_mode,
            "restrict_phi": destination.restrict_phi,
            "scope": destination.scope,
            "timestamp_precision": destination.timestamp_precision,
            "consent": asdict(destination.consent_rule),
            "events": events,
            "views": {view: _received(columns) for view, columns in views.items()},
            "small_zip3_areas": plan.small_zip3_areas if _uses_zip3(rows) else [],
        }
        plan.destinations[destination.name] = DestinationPlan(
            name=destination.name,
            type=destination.type.name,
            display_name=destination.type.display_name,
            connection_mode=destination.connection_mode,
            restrict_phi=destination.restrict_phi,
            is_in_hipaa_mode=destination.is_in_hipaa_mode,
            baa_reference=destination.baa_reference,
            scope=destination.scope,
            timestamp_precision=destination.timestamp_precision,
            description=destination.description,
            consent=destination.consent_rule,
            events=events,
            views=views,
            latest_views=latest_views(views, destination.scope),
            fingerprint=_fingerprint([plan.environment, destination.name, content]),
        )
        if destination.scope not in plan.scopes:
            plan.scopes.append(destination.scope)
        if destination.timestamp_precision not in plan.precisions:
            plan.precisions.append(destination.timestamp_precision)
        plan.keeps_whole_objects |= not destination.restrict_phi
        if plan.masked_events is not None:
            if events is None or ANY in events:
                plan.masked_events = None
            else:
                plan.masked_events = sorted({*plan.masked_events, *events})

    def finish(self) -> None:
        """Write the collected values and columns into the plan."""
        self.plan.id_scopes = {
            name: list(dict.fromkeys([*self.plan.scopes, *scopes]))
            for name, scopes in self.id_scopes.items()
        }
        self.plan.person_normalizations = sorted(
            {id_.normalize for id_ in self.plan.normalized_ids.values() if id_.name in PERSON_IDS}
        )
        self.plan.staged_values = list(self.values.values())
        self.plan.masked_tables = {
            view: list(columns.values()) for view, columns in self.columns.items()
        }

    def _envelope(
        self, destination: Destination, rows: Sequence[AllowedProperty], view: str
    ) -> list[ViewColumn]:
        listed = {str(row.path): row for row in rows if row.property_list == ENVELOPE}
        columns: list[ViewColumn] = []
        for name in ENVELOPE_COLUMNS:
            treatment, masked, data_type = "envelope", name, "text"
            scope: str | None = None
            normalize = "none"
            if name == "row_id":
                treatment, scope = "mask", destination.scope
                masked = f"row_id{scope_suffix(scope)}"
            elif name in ("timestamp", "received_at"):
                masked = f"{name}__{destination.timestamp_precision}"
                data_type = "timestamp"
            elif name in ENVELOPE_IDS:
                treatment = "mask" if destination.restrict_phi else "allow"
                row = listed.get(name)
                if row is not None:
                    treatment = row.treatment.kind.name
                masked = "" if treatment == "deny" else f"{name}__raw"
                if treatment == "allow" and name not in self.plan.raw_ids:
                    self.plan.raw_ids.append(name)
                if treatment == "mask":
                    scope = row.scope_for(destination) if row else destination.scope
                    assert scope is not None
                    normalize = row.normalize if row else "none"
                    masked = f"{self._id_tokens(name, normalize, scope)}{scope_suffix(scope)}"
            columns.append(
                ViewColumn(
                    name,
                    masked,
                    ENVELOPE,
                    treatment,
                    data_type,
                    normalize=normalize,
                    scope=scope,
                )
            )
        if not destination.restrict_phi:
            whole = ("properties", "context") if view == "events" else ("traits", "context")
            reason = f"restriction is off under BAA {destination.baa_reference}"
            columns += [
                ViewColumn(name, f"{name}__whole", ENVELOPE, "allow", "json", reason=reason)
                for name in whole
            ]
        return columns

    def _id_tokens(self, name: str, normalize: str, scope: str) -> str:
        """Ask for tokens of an id, and return what the names of their columns begin with."""
        if normalize == "none":
            self.id_scopes[name][scope] = None
            return name
        key = f"{name}{normalize_suffix(normalize)}"
        found = self.plan.normalized_ids.setdefault(key, NormalizedId(name, normalize, []))
        if scope not in found.scopes:
            found.scopes.append(scope)
        return key

    def _column_of_places(
        self,
        destination: Destination,
        view: str,
        rows: Sequence[AllowedProperty],
        second: Sequence[AllowedProperty] | None,
    ) -> ViewColumn:
        column = self._column(destination, view, rows)
        if second is None:
            return column
        other = self._column(destination, view, second)
        return replace(column, other_path=other.path, other_masked_column=other.masked_column)

    def _column(
        self, destination: Destination, view: str, rows: Sequence[AllowedProperty]
    ) -> ViewColumn:
        row = rows[0]
        kind = row.treatment.kind.name
        value = self._value(row)
        scope = row.scope_for(destination)
        events = _joined_events(rows)
        guard = effective_guard(destination, row)
        key = (value.name, str(row.treatment), row.normalize, row.data_type, scope, guard)
        known = self.columns[view].get(key)
        guard_column = None
        if known is None:
            name = f"{value.name}__{kind}"
            name += "" if scope is None else scope_suffix(scope)
            name = self._unused(view, name)
            if guard in ("warn", "block"):
                guard_column = self._unused(view, f"{name}__guard_count")
        else:
            name, guard_column = known.name, known.guard_column
        both = events
        if known is not None:
            both = (
                None
                if known.events is None or events is None
                else tuple(sorted({*known.events, *events}))
            )
        sources = self.plan.column_rows.setdefault(view, {}).setdefault(name, [])
        for source in rows:
            place = (source.row.file, source.row.line, f"{source.property_list} {source.path}")
            if place not in sources:
                sources.append(place)
        self.columns[view][key] = MaskedColumn(
            name=name,
            value=value.name,
            is_list=value.is_list,
            treatment=kind,
            argument=row.treatment.argument,
            normalize=row.normalize,
            data_type=row.data_type,
            scope=scope,
            events=both,
            guard=guard,
            guard_column=guard_column,
        )
        return ViewColumn(
            name=row.column_name,
            masked_column=name,
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
        name = self.value_names.get((root, row.path))
        if name is None:
            name = self._unused("staging", f"{root}__{snake_case(row.path)}")
            self.value_names[(root, row.path)] = name
        first, steps = _extraction(root, row.path)
        earlier = self.values.get(name)
        value = StagedValue(
            name=name,
            json_path=first,
            steps=steps,
            is_list=row.path.reaches_into_array,
            keeps_objects=row.data_type == "json"
            or (earlier is not None and earlier.keeps_objects),
        )
        self.values[name] = value
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
                self.plan.warnings.append(
                    destination.row.fault(
                        f"{destination.type.display_name} needs property `{path}`, which "
                        f"`{destination.name}` does not allow",
                        "Allow it in allowed_properties, or accept that the tool works less well",
                    )
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
    return "__" + normalize.replace("(", "_").replace(")", "")


def _extraction(root: str, path: PropertyPath) -> tuple[str, tuple[str, ...]]:
    """Split a path into the one JSON path of the common extraction and what follows it."""
    names: list[str] = [root]
    steps: list[str] = []
    for step in path.steps:
        if step.is_array:
            steps += duckdb_json_path(tuple(names)) if names else []
            steps.append(ARRAY)
            names = []
        else:
            names.append(step.name)
    if names:
        steps += duckdb_json_path(tuple(names))
    return steps[0], tuple(steps[1:])


def _joined_events(rows: Sequence[AllowedProperty]) -> tuple[str, ...] | None:
    if any(row.event is None for row in rows):
        return None
    return tuple(sorted({row.event for row in rows if row.event is not None}))


def _by_column(rows: Sequence[AllowedProperty]) -> list[list[AllowedProperty]]:
    """Group the rows that feed one column: same place and form, on different events."""
    groups: dict[object, list[AllowedProperty]] = {}
    for row in rows:
        groups.setdefault((row.place, row.form), []).append(row)
    return list(groups.values())


def _columns_of(
    view: str, rows: Sequence[AllowedProperty], destination: Destination
) -> list[tuple[Sequence[AllowedProperty], Sequence[AllowedProperty] | None]]:
    """Return the rows of each column of a view, and those of its second place if it has one."""
    columns = _by_column(rows)
    if view != "identifies":
        return [(grouped, None) for grouped in columns]
    return with_second_places(columns, destination)


def _check_collisions(
    plan: Plan, destination: Destination, view: str, rows: Sequence[AllowedProperty]
) -> None:
    reserved = {name.casefold() for name in ENVELOPE_COLUMNS}
    if not destination.restrict_phi:
        reserved |= set(WHOLE_OBJECT_COLUMNS)
    taken: dict[str, AllowedProperty] = {}
    for grouped, _ in _columns_of(view, rows, destination):
        row = grouped[0]
        column = row.column_name.casefold()
        problem = ""
        if column in reserved:
            problem = (
                f"column `{row.column_name}` collides with envelope column `{column}` "
                f"of `{destination.name}__{view}`"
            )
        elif column in taken:
            other = taken[column].row
            problem = (
                f"column `{row.column_name}` of `{destination.name}__{view}` collides with the "
                f"one of {other.file}, line {other.line}"
            )
        taken.setdefault(column, row)
        if problem:
            fault = row.row.fault(problem, "Give one of them another column_name")
            if fault not in plan.faults:
                plan.faults.append(fault)


def _check_collisions_elsewhere(
    configuration: Configuration, environment: str, today: dt.date, plan: Plan
) -> None:
    """Find collisions in the other environments too: the seeds are reviewed as a whole."""
    other = Plan(environment)
    for destination in configuration.in_environment(environment).values():
        rows = _rows_for(configuration, destination, environment, today, other)
        for view, property_list in VIEWS.items():
            in_view = [row for row in rows if row.property_list in (property_list, "context")]
            _check_collisions(other, destination, view, in_view)
    plan.faults += [fault for fault in other.faults if fault not in plan.faults]


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


def _check_models(plan: Plan, destinations: dict[str, Destination], models: set[str]) -> None:
    with_models: set[str] = set()
    for model in sorted(models):
        destination, _, view = model.rpartition("__")
        if view not in ALL_VIEWS:
            plan.faults.append(
                Fault(
                    f"model {model}",
                    None,
                    "the name of a destination model must be <destination>__<view>",
                    "Rename it, with "
                    + ", ".join(f"__{name}" for name in ALL_VIEWS)
                    + " at its end",
                    destination,
                )
            )
        elif destination not in plan.known_destinations and not plan.misses_destinations:
            plan.faults.append(
                Fault(
                    f"model {model}",
                    None,
                    f"destination `{destination}` has no row in destinations.csv",
                    "Add a row to the seed, or remove the model and its files are withdrawn",
                    destination,
                )
            )
        elif view in VIEWS:
            with_models.add(destination)
    for name, destination_plan in plan.destinations.items():
        _check_latest_views(plan, destinations[name], models)
        if name not in with_models:
            plan.faults.append(
                destinations[name].row.fault(
                    f"destination `{name}` has no model",
                    f"Add models/destination_views/{name}/{name}__events.sql with "
                    f"{{{{ hipaa_mode.destination_events('{name}') }}}}",
                )
            )
            continue
        for view, columns in destination_plan.views.items():
            listed = [column for column in columns if column.property_list == VIEWS[view]]
            if listed and f"{name}__{view}" not in models:
                plan.warnings.append(
                    destinations[name].row.fault(
                        f"`{name}` has {VIEWS[view]} properties but no model {name}__{view}",
                        "Add the model, or the properties are not sent",
                    )
                )


def _check_latest_views(plan: Plan, destination: Destination, models: set[str]) -> None:
    """Find what keeps a destination's models of latest values from being built."""
    for latest, (view, id_name) in LATEST_VIEWS.items():
        model = f"{destination.name}__{latest}"
        if model not in models:
            continue
        if f"{destination.name}__{view}" not in models:
            plan.faults.append(
                destination.row.fault(
                    f"model {model} stands without {destination.name}__{view}, whose calls it "
                    "sums up",
                    f"Add the model {destination.name}__{view}, or remove {model}",
                )
            )
        columns = plan.destinations[destination.name].latest_views.get(latest)
        if columns is None:
            plan.faults.append(
                destination.row.fault(
                    f"model {model} has a row for each {id_name}, which `{destination.name}` "
                    "may not have",
                    f"Take the envelope row that denies {id_name} away, or remove the model",
                )
            )
            continue
        plan.faults += [
            destination.row.fault(
                f"column `{name}` of `{destination.name}__{view}` collides with "
                f"column {CHANGED_AT} of model {model}",
                "Give the property another column_name, or remove the model",
            )
            for name in named_as_changed_at(columns)
        ]


def counting_rows(
    configuration: Configuration, destination: Destination, environment: str, today: dt.date
) -> list[AllowedProperty]:
    """Return the rows of the allowlist that count for a destination, for those who show them."""
    return _rows_for(configuration, destination, environment, today, Plan(environment))


def denying_rows(
    configuration: Configuration, destination: Destination, environment: str
) -> list[AllowedProperty]:
    """Return the rows that keep a property from a destination, which nothing then shows."""
    return [
        row
        for rows in candidate_rows(configuration, destination, environment).values()
        for row in strongest(rows)
        if row.treatment.kind.name == "deny" and row.property_list != ENVELOPE
    ]
