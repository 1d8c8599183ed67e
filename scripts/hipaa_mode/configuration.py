"""The configuration: seed rows made into typed records, and every fault found at once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from hipaa_mode.consent import STRATEGIES, ConsentRule, rule
from hipaa_mode.names import is_destination, is_environment
from hipaa_mode.optional_lists import OptionalLists, read_optional_lists
from hipaa_mode.paths import PathSyntaxError, PropertyPath, parse_path, snake_case
from hipaa_mode.seeds import SEED_COLUMNS, Fault, SeedFile, SeedRow, read_seed
from hipaa_mode.small_areas import SmallAreas, read_small_areas
from hipaa_mode.stops import SEED as STOPS
from hipaa_mode.stops import Stop, stopped_in
from hipaa_mode.treatments import (
    DATA_TYPES,
    GUARDS,
    NORMALIZATIONS,
    TREATMENTS,
    Treatment,
    TreatmentSyntaxError,
    parse_treatment,
)

ANY = "*"
PROPERTY_LISTS = ("event", "user", "group", "context")
ENVELOPE = "envelope"
"""Property list that stands for the call's own ids, so that a row can allow or deny them."""

ENVELOPE_IDS = ("user_id", "anonymous_id", "group_id")
PERSON_IDS = ("user_id", "anonymous_id")
"""Ids of the calls that are a person's."""

ENVELOPE_COLUMNS = (
    "row_id",
    "call_type",
    "event",
    "timestamp",
    "received_at",
    "user_id",
    "anonymous_id",
    "group_id",
)
WHOLE_OBJECT_COLUMNS = ("properties", "traits", "context")
"""Columns that a destination without restriction has besides its envelope."""

VIEWS = {"events": "event", "identifies": "user", "groups": "group"}
"""Destination views and the property list that each carries besides the context."""

LATEST_VIEWS = {"users": ("identifies", "user_id"), "groups_latest": ("groups", "group_id")}
"""Views of the latest values, one row a user or group: the view whose calls each is made of, and
the id that tells whose values they are."""

ALL_VIEWS = (*VIEWS, *LATEST_VIEWS)
"""Views that a destination may have models for."""

TIMESTAMP_PRECISIONS = ("exact", "second", "minute", "hour", "day", "month", "year", "none")
CONNECTION_MODES = ("server_side", "client_side")
SERVER_SIDE = "server_side"
OWN_SCOPE = "destination"
PROPERTY_SCOPE = "property"
MASK_SCOPES = ("", OWN_SCOPE, PROPERTY_SCOPE)
"""What a row's `mask_scope` may say: as the destination's, the destination's own, or its own."""
EXPIRY_WARNING = dt.timedelta(days=14)
MOST_DAYS = 36_500
"""The longest time, a hundred years, that calls can be said to be kept for."""

NOT_A_DATE = "Write yyyy-mm-dd, from 2000 to 2199, or leave it blank"

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class DestinationType:
    """A kind of tool, as the catalogue describes it.

    `integration_names` are what `integrations` in a call may call it.
    """

    name: str
    display_name: str
    supports_server_side: bool
    supports_client_side: bool
    required_properties: tuple[PropertyPath, ...]
    integration_names: tuple[str, ...]


@dataclass(frozen=True)
class Destination:
    """A tool that receives data in one environment, or in every one (`*`)."""

    row: SeedRow
    environment: str
    name: str
    type: DestinationType | None
    type_name: str
    connection_mode: str
    restrict_phi: bool
    baa_reference: str
    baa_expires_on: dt.date | None
    has_own_scope: bool
    timestamp_precision: str
    consent_categories: tuple[str, ...]
    consent_strategy: str
    honors_opt_outs: bool
    description: str

    @property
    def consent_rule(self) -> ConsentRule:
        """What decides whether a call is denied to it."""
        names = self.type.integration_names if self.type else ()
        return rule(names, self.consent_categories, self.consent_strategy, self.honors_opt_outs)

    @property
    def consent_in_words(self) -> str:
        """What calls must and may say to be sent to it."""
        joined = " or " if self.consent_strategy == "or" else " and "
        said = []
        if self.consent_categories:
            said.append(f"needs consent to {joined.join(self.consent_categories)}")
        if not self.honors_opt_outs:
            said.append("opt-outs do not count")
        return "; ".join(said) or "no consent needed, opt-outs count"

    @property
    def is_in_hipaa_mode(self) -> bool:
        """Whether PHI is restricted on a connection where that can be done."""
        return self.restrict_phi and self.connection_mode == SERVER_SIDE

    @property
    def scope(self) -> str:
        """Scope of the destination's tokens: its own name, or `*` shared with others."""
        return self.name if self.has_own_scope else ANY


@dataclass(frozen=True)
class AllowedEvent:
    """An event name that may be sent, and under which name."""

    row: SeedRow
    environment: str
    destination: str
    event: str
    sent_as: str | None


@dataclass(frozen=True)
class AllowedProperty:
    """A property that may reach a destination, and in which form.

    `guard` is what the row says of values that look like an identifier, and `mask_scope` of the
    scope of its tokens; blank where it says nothing.
    """

    row: SeedRow
    environment: str
    destination: str
    property_list: str
    event: str | None
    path: PropertyPath
    treatment: Treatment
    normalize: str
    data_type: str
    guard: str
    mask_scope: str
    column_name: str
    reason: str
    approved_by: str
    expires_on: dt.date | None

    @property
    def place(self) -> tuple[str, PropertyPath]:
        """The property list and path: what the row is about."""
        return (self.property_list, self.path)

    @property
    def form(self) -> tuple[str, ...]:
        """Everything that decides what the destination sees of the value."""
        return (
            str(self.treatment),
            self.normalize,
            self.data_type,
            self.guard,
            self.column_name,
            *([self.mask_scope] if self.mask_scope else []),
        )

    def scope_for(self, destination: Destination) -> str | None:
        """Return the scope of the tokens that a destination gets; None where it gets none.

        The scope of a property is that of its property list and path, in the destination's scope.
        A slash is in no name of a destination, so it is no destination's.
        """
        if self.treatment.kind.name not in ("mask", "surrogate"):
            return None
        if self.mask_scope == PROPERTY_SCOPE:
            return f"{destination.scope}/{self.property_list}/{self.path}"
        return destination.name if self.mask_scope == OWN_SCOPE else destination.scope

    @property
    def can_be_guarded(self) -> bool:
        """Whether what the destination sees can be free text: text or JSON that a sender wrote."""
        return (
            self.property_list != ENVELOPE
            and self.treatment.kind.carries_text
            and self.data_type in ("text", "json")
        )


@dataclass
class Configuration:
    """Everything the seeds say, for every environment, and what is wrong with it.

    `listed` has the environment and name of every destination row and `listed_types` the name
    of every type, faulty ones included, and `unread` the seeds that could not be read, or not all
    of them, so that one fault does not make a dozen others. `retain_days` has, by environment or
    `*`, for how many days calls are kept, None for good, and `environment_rows` the rows that say
    so. `stops` are the emergency stops. `optional_lists` tells which of the lists that need not be
    there are. `targets` are the names of the dbt targets, where they are known.
    """

    types: dict[str, DestinationType] = field(default_factory=dict)
    destinations: list[Destination] = field(default_factory=list)
    allowed_events: list[AllowedEvent] = field(default_factory=list)
    allowed_properties: list[AllowedProperty] = field(default_factory=list)
    small_areas: SmallAreas = field(default_factory=SmallAreas)
    listed: set[tuple[str, str]] = field(default_factory=set)
    listed_types: set[str] = field(default_factory=set)
    retain_days: dict[str, int | None] = field(default_factory=dict)
    stops: list[Stop] = field(default_factory=list)
    optional_lists: OptionalLists = field(default_factory=OptionalLists)
    environment_rows: dict[str, SeedRow] = field(default_factory=dict)
    targets: frozenset[str] = frozenset()
    unread: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)

    def in_environment(self, environment: str) -> dict[str, Destination]:
        """Return the destinations of an environment by name; a named row beats a `*` row."""
        found: dict[str, Destination] = {}
        for destination in self.destinations:
            if destination.environment == environment or (
                destination.environment == ANY and destination.name not in found
            ):
                found[destination.name] = destination
        return dict(sorted(found.items()))

    def retained_days(self, environment: str) -> int | None:
        """Return for how many days an environment keeps calls; None for good."""
        return self.retain_days.get(environment, self.retain_days.get(ANY))

    def stopped(self, environment: str) -> dict[str, Stop]:
        """Return the stopped destinations of an environment, those with faulty rows included."""
        names = {name for place, name in self.listed if place in (environment, ANY)}
        return stopped_in(self.stops, environment, names)

    def has_destinations(self, environment: str) -> bool:
        """Whether some destination is listed for this environment, or for every one."""
        return environment == ANY or any(listed in (environment, ANY) for listed, _ in self.listed)

    def names(self, environment: str) -> bool:
        """Whether there is such an environment: a destination for every one makes none."""
        return environment == ANY or environment in self.known_environments()

    def known_environments(self) -> frozenset[str]:
        """Return the environments that a destination's row, their own row or a target names."""
        named = {environment for environment, _ in self.listed} | self.environment_rows.keys()
        return frozenset(named - {ANY}) | self.targets

    def environments(self) -> list[str]:
        """Return the environments that the destinations seed names."""
        return sorted({environment for environment, _ in self.listed} - {ANY})


def read_configuration(
    seed_files: Mapping[str, SeedFile],
    labels: Mapping[str, str],
    targets: Iterable[str] = (),
) -> Configuration:
    """Read and check the seeds.

    Args:
        seed_files: the CSV file of each seed of `SEED_COLUMNS`, and of each optional one that is
            there. Of who is suppressed, the configuration has no more than the number: see
            `hipaa_mode.suppression`.
        targets: names of the dbt targets, each of which is an environment.

    Returns:
        The configuration; `faults` lists everything wrong that no date and no dbt model is
        needed to see. Rows with faults are left out.
    """
    configuration = Configuration(
        optional_lists=read_optional_lists(seed_files, labels), targets=frozenset(targets)
    )
    rows = _read_rows(configuration, seed_files, labels)
    configuration.small_areas = read_small_areas(rows["small_zip3_areas"], configuration.faults)
    for seed, add in _ADDED.items():
        for row in rows[seed]:
            add(configuration, _RowReader(row, configuration.faults))
    _check_duplicates(configuration)
    _check_references(configuration)
    return configuration


def _read_rows(
    configuration: Configuration, seed_files: Mapping[str, SeedFile], labels: Mapping[str, str]
) -> dict[str, list[SeedRow]]:
    faults = configuration.faults
    rows: dict[str, list[SeedRow]] = {}
    for seed in (*SEED_COLUMNS, "environments", STOPS):
        found = None
        known_faults = len(faults)
        if seed in seed_files:
            found = read_seed(seed, seed_files[seed], labels[seed], faults)
        elif seed in SEED_COLUMNS:
            faults.append(
                Fault(f"{seed}.csv", None, "the seed is missing", "Add it, or enable it in dbt")
            )
        if len(faults) > known_faults:
            configuration.unread.add(seed)
        rows[seed] = found or []
    return rows


def parse_date(text: str) -> dt.date:
    """Parse the date of a cell.

    Raises:
        ValueError: it is none, or of a century that nobody means.
    """
    if not re.fullmatch(r"2[01][0-9]{2}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError
    return dt.date.fromisoformat(text)


class _RowReader:
    """Turns a row's cells into values and collects the faults of that row."""

    def __init__(self, row: SeedRow, faults: list[Fault]) -> None:
        self.row = row
        self.faults = faults
        self.is_sound = True

    def fault(self, problem: str, remedy: str) -> None:
        self.is_sound = False
        self.faults.append(self.row.fault(problem, remedy))

    def identifier(self, column: str, or_any: bool = False) -> str:
        value = self.row.word(column)
        if (or_any and value == ANY) or is_destination(value):
            return value
        remedy = "Write lower-case letters, digits and underscores, starting with a letter"
        self.fault(f"`{column}` is not a name", remedy + (", or *" if or_any else ""))
        return value

    def environment(self) -> str:
        value = self.row.word("environment")
        if value != ANY and not is_environment(value):
            self.fault(
                "`environment` is not a name",
                "Write a dbt target's name (letters, digits, _ and -), or * for all",
            )
        return value

    def boolean(self, column: str, default: bool | None) -> bool:
        value = self.row.word(column).lower()
        if value in ("true", "false"):
            return value == "true"
        if value == "" and default is not None:
            return default
        self.fault(f"`{column}` is not a yes or no", "Write true or false")
        return True

    def choice(self, column: str, choices: Iterable[str], default: str | None = None) -> str:
        value = self.row.word(column).lower()
        if value in choices:
            return value
        if value == "" and default is not None:
            return default
        self.fault(f"`{column}` is unknown", "Use one of " + ", ".join(choices))
        return value

    def date(self, column: str) -> dt.date | None:
        value = self.row.word(column)
        if not value:
            return None
        try:
            return parse_date(value)
        except ValueError:
            self.fault(f"`{column}` is not a date", NOT_A_DATE)
            return None

    def days(self, column: str) -> int | None:
        value = self.row.word(column)
        if not value:
            return None
        if re.fullmatch(r"[0-9]{1,5}", value) and 0 < int(value) <= MOST_DAYS:
            return int(value)
        self.fault(
            f"`{column}` is not a number of days",
            f"Write a whole number from 1 to {MOST_DAYS}, or leave it blank to keep all",
        )
        return None

    def names(self, column: str, what: str) -> tuple[str, ...]:
        """Read names between semicolons; none where the cell is blank."""
        text = self.row[column]
        names = tuple(dict.fromkeys(name.strip() for name in text.split(";") if name.strip()))
        if text.strip() and not names:
            self.fault(f"`{column}` holds no {what}", f"Name a {what}, or leave it blank")
        self.refuse_control(column, text)
        return names

    def refuse_control(self, column: str, text: str) -> None:
        if _CONTROL.search(text):
            self.fault(f"`{column}` holds a control character", "Remove it")

    def path(self, column: str) -> PropertyPath:
        try:
            return parse_path(self.row[column])
        except PathSyntaxError as error:
            self.fault(f"`{column}` is not a property path: {error}", "Fix the path")
            return PropertyPath(())

    def treatment(self) -> Treatment:
        try:
            return parse_treatment(self.row.word("treatment").lower())
        except TreatmentSyntaxError as error:
            self.fault(f"`treatment` is wrong: {error}", "Fix the treatment")
            return parse_treatment("deny")

    def event(self) -> str:
        self.refuse_control("event", self.row["event"])
        return self.row["event"]


def _add_type(configuration: Configuration, read: _RowReader) -> None:
    name = read.identifier("destination_type")
    configuration.listed_types.add(name)
    if name in configuration.types:
        read.fault("the destination type is listed twice", "Remove one of the rows")
    required: list[PropertyPath] = []
    for text in read.row["required_properties"].split(";"):
        if not text.strip():
            continue
        try:
            required.append(parse_path(text.strip()))
        except PathSyntaxError as error:
            read.fault(
                f"`required_properties` holds a path that does not parse: {error}",
                "Separate paths with semicolons",
            )
    display_name = read.row.word("display_name") or name
    kind = DestinationType(
        name=name,
        display_name=display_name,
        supports_server_side=read.boolean("supports_server_side", None),
        supports_client_side=read.boolean("supports_client_side", None),
        required_properties=tuple(required),
        integration_names=read.names("integration_names", "tool") or (display_name,),
    )
    if read.is_sound:
        configuration.types[name] = kind


def _add_destination(configuration: Configuration, read: _RowReader) -> None:
    type_name = read.row.word("destination_type")
    kind = configuration.types.get(type_name)
    if kind is None and (
        type_name in configuration.listed_types or "destination_types" in configuration.unread
    ):
        read.is_sound = False
    elif kind is None:
        known = ", ".join(sorted(configuration.types))
        read.fault(
            "`destination_type` is unknown",
            f"Use one of {known}, or add a row to destination_types",
        )
    mode = read.choice("connection_mode", CONNECTION_MODES)
    restrict_phi = read.boolean("restrict_phi", default=True)
    scope = read.choice("mask_scope", (ANY, "shared", "destination"), default=ANY)
    precision = read.choice(
        "timestamp_precision",
        TIMESTAMP_PRECISIONS,
        default="day" if restrict_phi else "exact",
    )
    destination = Destination(
        row=read.row,
        environment=read.environment(),
        name=read.identifier("destination"),
        type=kind,
        type_name=type_name,
        connection_mode=mode,
        restrict_phi=restrict_phi,
        baa_reference=read.row.word("baa_reference"),
        baa_expires_on=read.date("baa_expires_on"),
        has_own_scope=scope == "destination",
        timestamp_precision=precision,
        consent_categories=read.names("consent_categories", "category"),
        consent_strategy=read.choice("consent_strategy", STRATEGIES, default="and"),
        honors_opt_outs=read.boolean("honor_opt_outs", default=True),
        description=read.row.word("description"),
    )
    _check_consent(read, destination)
    for side, other in (("server", "client"), ("client", "server")) if kind else ():
        if mode == f"{side}_side" and not getattr(kind, f"supports_{side}_side"):
            read.fault(
                f"type `{type_name}` has no {side} side",
                f"Choose {other}_side, or another destination_type",
            )
    if mode == "client_side" and restrict_phi:
        read.fault(
            "the destination is client-side and restricted, which is invalid: "
            "nothing can be filtered on the server",
            "Set connection_mode to server_side, or restrict_phi to false under a BAA",
        )
    if not restrict_phi and not destination.baa_reference:
        read.fault(
            "restriction is off without a BAA",
            "Give baa_reference the agreement's reference, or set restrict_phi to true",
        )
    configuration.listed.add((destination.environment, destination.name))
    if read.is_sound:
        configuration.destinations.append(destination)


def _check_consent(read: _RowReader, destination: Destination) -> None:
    if any("," in category for category in destination.consent_categories):
        read.fault(
            "`consent_categories` holds a comma, which no id of a category has",
            "Separate categories with semicolons",
        )
    if read.row.word("consent_strategy") and not destination.consent_categories:
        read.fault(
            "`consent_strategy` has no categories to go with",
            "Name them in consent_categories, or leave it blank",
        )


def _add_stop(configuration: Configuration, read: _RowReader) -> None:
    environment, name = read.environment(), read.identifier("destination", or_any=True)
    if not read.row.word("reason"):
        read.fault("`reason` is blank", "Say why it is stopped")
    read.date("stopped_on")
    is_known = name == ANY or any(
        (listed == name and ANY in (environment, place)) or (place, listed) == (environment, name)
        for place, listed in configuration.listed
    )
    is_known = is_known and configuration.names(environment)
    if "destinations" not in configuration.unread and read.is_sound and not is_known:
        read.fault(
            "no such destination is listed for this environment, so that the row stops nothing",
            "Correct `environment` or `destination`, or remove the row",
        )
    # What is wrong with a row does not let through what it may be meant to stop.
    configuration.stops.append(Stop.of(read.row))


def _add_environment(configuration: Configuration, read: _RowReader) -> None:
    environment = read.environment()
    days = read.days("retain_days")
    if environment in configuration.retain_days:
        read.fault("the environment is listed twice", "Remove one of the rows")
    is_read = "destinations" not in configuration.unread
    if is_read and not configuration.has_destinations(environment):
        read.fault(
            "no destination is listed for this environment",
            "Correct `environment`, or remove the row",
        )
    if read.is_sound:
        configuration.retain_days[environment] = days
        configuration.environment_rows[environment] = read.row


def _add_event(configuration: Configuration, read: _RowReader) -> None:
    event = read.event()
    sent_as = read.row["sent_as"]
    if not event.strip():
        read.fault("`event` is blank", "Name the event, or write * to allow all")
    read.refuse_control("sent_as", sent_as)
    if sent_as and not sent_as.strip():
        read.fault("`sent_as` holds nothing but blanks", "Give the name, or leave it blank")
    if sent_as and sent_as.strip() == event.strip():
        read.fault("`sent_as` is the event's own name", "Leave it blank, or give another name")
    if event == ANY and sent_as:
        read.fault("`sent_as` can't rename every event", "Leave it blank, or name the event")
    allowed = AllowedEvent(
        row=read.row,
        environment=read.environment(),
        destination=read.identifier("destination", or_any=True),
        event=event,
        sent_as=sent_as if sent_as.strip() else None,
    )
    if read.is_sound:
        configuration.allowed_events.append(allowed)


def _add_property(configuration: Configuration, read: _RowReader) -> None:
    property_list = read.choice("property_list", (*PROPERTY_LISTS, ENVELOPE))
    path = read.path("property")
    treatment = read.treatment()
    normalize = read.choice("normalize", NORMALIZATIONS, default="none")
    data_type = read.choice("data_type", DATA_TYPES, default="")
    guard = read.choice("guard", GUARDS, default="")
    mask_scope = read.choice("mask_scope", MASK_SCOPES[1:], default="")
    event = read.event()
    allowed = AllowedProperty(
        row=read.row,
        environment=read.environment(),
        destination=read.identifier("destination", or_any=True),
        property_list=property_list,
        event=event if event.strip() else None,
        path=path,
        treatment=treatment,
        normalize=normalize,
        data_type=DATA_TYPES.get(data_type, "") or treatment.kind.data_type,
        guard=guard,
        mask_scope=mask_scope,
        column_name=read.row.word("column_name") or snake_case(path),
        reason=read.row.word("reason"),
        approved_by=read.row.word("approved_by"),
        expires_on=read.date("expires_on"),
    )
    if read.is_sound:
        _check_property_form(read, allowed)
        _check_guard(read, allowed)
    if read.is_sound:
        configuration.allowed_properties.append(allowed)


def _check_property_form(read: _RowReader, allowed: AllowedProperty) -> None:
    name = allowed.treatment.kind.name
    read.refuse_control("column_name", allowed.column_name)
    _check_masking(read, allowed)
    if allowed.data_type == "json" and name != "allow":
        read.fault(f"data_type json does not go with `{name}`", "Use allow, or another type")
    if name == "surrogate" and allowed.path.reaches_into_array:
        read.fault("`surrogate` does not go into arrays", "Use mask, which does")
    if allowed.event is not None and allowed.property_list not in ("event", "context"):
        read.fault(
            f"`event` does not go with property list {allowed.property_list}",
            "Leave event blank: only track, page and screen calls have an event",
        )
    is_id = str(allowed.path) in ENVELOPE_IDS and name in ("allow", "mask", "deny")
    if allowed.property_list == ENVELOPE and not is_id:
        read.fault(
            "property list envelope holds only the call's ids",
            f"Use {', '.join(ENVELOPE_IDS)} with allow, mask or deny",
        )


def _check_masking(read: _RowReader, allowed: AllowedProperty) -> None:
    name = allowed.treatment.kind.name
    is_masked = name in ("mask", "surrogate")
    if allowed.normalize != "none" and not is_masked:
        read.fault(f"`normalize` does not go with `{name}`", "Leave it blank, or use mask")
    if allowed.mask_scope and not is_masked:
        read.fault(f"`mask_scope` does not go with `{name}`", "Leave it blank, or use mask")
    if is_masked and allowed.data_type != "text":
        read.fault(f"a `{name}` column is text", "Leave data_type blank")


def _check_guard(read: _RowReader, allowed: AllowedProperty) -> None:
    if allowed.guard and not allowed.can_be_guarded:
        kinds = ", ".join(kind.name for kind in TREATMENTS.values() if kind.carries_text)
        of_an_id = " of an id" if allowed.property_list == ENVELOPE else ""
        read.fault(
            f"`guard` does not go with `{allowed.treatment.kind.name}` to "
            f"{allowed.data_type}{of_an_id}",
            f"Leave it blank: only text and json that {kinds} let pass can hold an identifier",
        )


_ADDED: Mapping[str, Callable[[Configuration, _RowReader], None]] = {
    "destination_types": _add_type,
    "destinations": _add_destination,
    "allowed_events": _add_event,
    "allowed_properties": _add_property,
    "environments": _add_environment,
    STOPS: _add_stop,
}
"""What reads the rows of each seed, in an order in which each finds what it refers to."""


def _check_duplicates(configuration: Configuration) -> None:
    _fault_repeated(
        configuration,
        configuration.destinations,
        key=lambda row: (row.environment, row.name),
        what="the destination is listed twice for this environment",
    )
    _fault_repeated(
        configuration,
        configuration.allowed_events,
        key=lambda row: (row.environment, row.destination, row.event),
        what="the event is listed twice for this destination",
    )
    _fault_repeated(
        configuration,
        configuration.allowed_properties,
        key=lambda row: (row.environment, row.destination, *row.place, row.event),
        what="the property is listed twice for this destination",
    )
    on_every_event = {
        (row.environment, row.destination, row.place): row.row.line
        for row in reversed(configuration.allowed_properties)
        if row.event is None
    }
    for row in configuration.allowed_properties:
        line = on_every_event.get((row.environment, row.destination, row.place))
        if line is not None and row.event is not None:
            configuration.faults.append(
                row.row.fault(
                    f"line {line} already gives the property on every event, so this row "
                    "contradicts or repeats it",
                    "Remove one of the two rows",
                )
            )


def _fault_repeated(
    configuration: Configuration,
    rows: Iterable[Destination | AllowedEvent | AllowedProperty],
    key: Callable[..., object],
    what: str,
) -> None:
    first: dict[object, Destination | AllowedEvent | AllowedProperty] = {}
    for row in rows:
        earlier = first.setdefault(key(row), row)
        if earlier is not row:
            form, other = (getattr(each, "form", None) for each in (row, earlier))
            forms = "" if form == other else ", in two forms"
            configuration.faults.append(
                row.row.fault(
                    f"{what}{forms} (first in line {earlier.row.line})",
                    "Remove one of the two rows",
                )
            )


def _check_references(configuration: Configuration) -> None:
    if "destinations" in configuration.unread:
        return
    listed = configuration.listed
    names = {name for _, name in listed}
    rows: list[AllowedEvent | AllowedProperty] = [
        *configuration.allowed_events,
        *configuration.allowed_properties,
    ]
    for row in rows:
        environments = {row.environment, ANY}
        if row.destination == ANY:
            is_known = row.environment == ANY or any(env in environments for env, _ in listed)
        elif row.environment == ANY:
            is_known = row.destination in names
        else:
            is_known = any((env, row.destination) in listed for env in environments)
        if not is_known:
            configuration.faults.append(
                row.row.fault(
                    "no such destination is listed for this environment",
                    "Correct `environment` or `destination`, or add the destination to "
                    "destinations",
                )
            )
        elif not configuration.names(row.environment):
            configuration.faults.append(unknown_environment(row.row))


def unknown_environment(row: SeedRow) -> Fault:
    """Describe a row for an environment that there is not: `*` destinations make none."""
    return row.fault(
        "no destination's row, no row of environments and no dbt target names this environment",
        "Correct `environment`, or add it to environments.csv",
    )
