"""What the configuration screens show of a destination: its mode, validity and lists.

A screen is made for every row of destinations.csv that counts in an environment, faulty ones
included: those are what a privacy officer must see first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hipaa_mode.configuration import (
    ALL_VIEWS,
    ANY,
    ENVELOPE,
    ENVELOPE_IDS,
    SERVER_SIDE,
    AllowedEvent,
    AllowedProperty,
    Destination,
)
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.effects import effective_guard
from hipaa_mode.plan import counting_rows, denying_rows
from hipaa_mode.property_counts import (
    MASKED,
    SENT,
    PropertyCounts,
    count_properties,
    form_of,
    properties_of,
)
from hipaa_mode.seeds import Fault
from hipaa_mode.selection import strongest_events

HIPAA = "HIPAA mode"
OPEN = "open under BAA"
INVALID = "invalid"

LISTS = {
    "event": "Event properties",
    "user": "User properties",
    "group": "Group properties",
    "context": "Context properties",
    ENVELOPE: "Ids of the call",
}
"""The property lists, and what they are called on the pages, in the terminal and in the report."""


@dataclass(frozen=True)
class ListedEvent:
    """An event that a destination may receive.

    Attributes:
        sent_as: the name it is sent under.
        environment: the environment that its row names, `*` for all.
        destination: the destination that its row names, `*` for all.
        line: line of the row in allowed_events.csv.
    """

    event: str
    sent_as: str
    environment: str
    destination: str
    line: int


@dataclass(frozen=True)
class ListedProperty:
    """A property on one of a destination's lists.

    Attributes:
        form: sent as it is, masked, generalised or not sent.
        guard: what is done where a value looks like an identifier; of a row of the project
            allowlist what it says itself.
        event: the one event that it passes on; blank for every event.
        environment: the environment that its row names, `*` for all; blank where there is no row
            and the id is masked because every id is.
        destination: the destination that its row names, `*` for the project allowlist.
        line: line of the row in allowed_properties.csv; 0 where there is none.
    """

    property_list: str
    path: str
    treatment: str
    form: str
    column_name: str
    event: str = ""
    normalize: str = "none"
    data_type: str = "text"
    guard: str = ""
    mask_scope: str = ""
    reason: str = ""
    approved_by: str = ""
    expires_on: str = ""
    environment: str = ""
    destination: str = ""
    line: int = 0


@dataclass(frozen=True)
class DestinationScreen:
    """Everything the configuration says of a destination in one environment.

    Attributes:
        mode: HIPAA mode, open under BAA, or invalid.
        faults: why a build refuses it.
        properties: how many of them there are, in its views.
        faults_elsewhere: why a build refuses its environment, and so does not build it either.
        warnings: what a build warns of.
        events: the events that it may receive; None for all of them.
        lists: its properties by list; empty where its row is faulty.
        views: its views, those of calls first; it is sent nothing else.
        row_environment: the environment that its row names, `*` for all.
        consent: what calls must and may say to be sent to it, in words.
        consent_categories, consent_strategy, honors_opt_outs: the same, as its row has it.
        stopped: since when and why it is stopped; blank if it is not.
    """

    environment: str
    name: str
    display_name: str
    connection_mode: str
    restrict_phi: bool
    mask_scope: str
    description: str
    mode: str
    events: tuple[ListedEvent, ...] | None
    type: str = ""
    baa_reference: str = ""
    baa_expires_on: str = ""
    timestamp_precision: str = ""
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    lists: dict[str, tuple[ListedProperty, ...]] = field(default_factory=dict)
    row_environment: str = ""
    views: tuple[str, ...] = ()
    consent: str = ""
    consent_categories: str = ""
    consent_strategy: str = ""
    honors_opt_outs: bool = True
    stopped: str = ""
    faults_elsewhere: tuple[str, ...] = ()
    properties: PropertyCounts = field(default_factory=PropertyCounts)

    @property
    def is_valid(self) -> bool:
        """Whether a build has nothing against it, as `hipaa-mode check` judges."""
        return not self.faults and self.mode != INVALID

    @property
    def is_built(self) -> bool:
        """Whether a build would build it: it is valid, and so are all others beside it."""
        return self.is_valid and not self.faults_elsewhere

    def counts(self) -> dict[str, str]:
        """Return the figures that lists of destinations show, by their heading."""
        headings = ("Events", "Allowed", "Masked", "Coarser")
        if self.events is None:
            return dict(zip(headings, ("all", "all", "none", "none")))
        every = any(listed.event == ANY for listed in self.events)
        found = self.properties
        events = "all" if every else str(len(self.events))
        numbers = map(str, (found.allowed, found.masked, found.generalised))
        return dict(zip(headings, (events, *numbers)))


def destination_screens(
    workspace: Workspace, environments: Sequence[str] = ()
) -> list[DestinationScreen]:
    """Make the screens of all destinations, by environment and name.

    Args:
        environments: the environments to show; all that have destinations if none is named.
    """
    return [
        screen
        for environment in environments or workspace.environments()
        for screen in _Environment(workspace, environment).screens()
    ]


def project_screen(workspace: Workspace, environment: str) -> DestinationScreen:
    """Make a screen of the project allowlist: rows for every restricted destination."""
    configuration = workspace.configuration()
    properties = [
        _listed(row)
        for row in configuration.allowed_properties
        if row.destination == ANY and row.environment in (environment, ANY)
    ]
    return DestinationScreen(
        environment=environment,
        name=ANY,
        display_name="Project allowlist",
        connection_mode=SERVER_SIDE,
        restrict_phi=True,
        mask_scope=ANY,
        description="What every restricted destination may receive.",
        mode=HIPAA,
        events=tuple(
            _listed_event(row)
            for row in configuration.allowed_events
            if row.destination == ANY and row.environment in (environment, ANY)
        ),
        lists=_by_list(properties),
        row_environment=environment,
        properties=count_properties(
            {"property_list": row.property_list, "property": row.path, "treatment": row.treatment}
            for row in properties
        ),
    )


class _Environment:
    """Makes the screens of one environment."""

    def __init__(self, workspace: Workspace, environment: str) -> None:
        self.workspace = workspace
        self.environment = environment
        self.configuration = workspace.configuration()
        self.plan = workspace.plans(environments=[environment])[environment]
        self.models = workspace.destination_models()
        self.refusals = workspace.refusals(environment)

    def screens(self) -> list[DestinationScreen]:
        """Make a screen of each destination's row; a row of the environment beats a `*` row."""
        found: dict[str, tuple[int, dict[str, str]]] = {}
        for line, row in self.workspace.seed("destinations").rows.items():
            words = {column: text.strip() for column, text in row.items()}
            named, name = words["environment"], words["destination"]
            if named == self.environment or (named == ANY and name not in found):
                found[name] = (line, words)
        return [self._screen(line, words) for _, (line, words) in sorted(found.items())]

    def _screen(self, line: int, words: dict[str, str]) -> DestinationScreen:
        name, connection_mode = words["destination"], words["connection_mode"].lower()
        destination = self.configuration.in_environment(self.environment).get(name)
        if destination is not None and destination.row.line != line:
            destination = None
        of_row = (str(self.workspace.layout.seeds["destinations"]), line)
        faults = _about(self.plan.faults, of_row)
        restricted = words["restrict_phi"].lower() != "false"
        kind = self.configuration.types.get(words["destination_type"])
        shown = DestinationScreen(
            environment=self.environment,
            name=name,
            type=words["destination_type"],
            display_name=kind.display_name if kind else words["destination_type"],
            connection_mode=connection_mode,
            restrict_phi=restricted,
            baa_reference=words["baa_reference"],
            baa_expires_on=words["baa_expires_on"],
            mask_scope="destination" if words["mask_scope"].lower() == "destination" else ANY,
            timestamp_precision=words["timestamp_precision"] or ("day" if restricted else "exact"),
            description=words["description"],
            mode=_mode(destination, faults, connection_mode, restricted),
            faults=(
                *faults,
                *(
                    str(fault)
                    for fault in self.refusals
                    if fault.destination in (name, ANY) and (fault.file, fault.line) != of_row
                ),
            ),
            warnings=_about(self.plan.warnings, of_row),
            events=() if restricted else None,
            row_environment=words["environment"],
            views=tuple(view for view in ALL_VIEWS if f"{name}__{view}" in self.models),
            consent_categories=words.get("consent_categories", ""),
            consent_strategy=words.get("consent_strategy", "").lower(),
            honors_opt_outs=words.get("honor_opt_outs", "").lower() != "false",
            stopped=self.plan.stopped[name].text if name in self.plan.stopped else "",
            faults_elsewhere=tuple(
                str(fault) for fault in self.refusals if fault.destination not in (name, ANY)
            ),
        )
        return shown if destination is None else self._with_lists(shown, destination)

    def _with_lists(self, shown: DestinationScreen, destination: Destination) -> DestinationScreen:
        seeds, today = self.configuration, self.workspace.today
        rows = counting_rows(seeds, destination, self.environment, today)
        listed = [_listed(row, destination) for row in rows]
        with_rows = {(each.property_list, each.path) for each in listed}
        listed += [
            _unlisted_id(name, destination)
            for name in ENVELOPE_IDS
            if (ENVELOPE, name) not in with_rows
        ]
        # What takes a property of the project allowlist away.
        listed += [
            _listed(row, destination)
            for row in denying_rows(seeds, destination, self.environment)
            if (row.property_list, str(row.path)) not in with_rows
        ]
        chosen = strongest_events(seeds, destination, self.environment)
        events = tuple(map(_listed_event, chosen.values()))
        planned = self.plan.destinations.get(destination.name)
        return replace(
            shown,
            lists=_by_list(listed),
            events=events if destination.restrict_phi else None,
            consent=destination.consent_in_words,
            properties=properties_of(planned, self.models) if planned else PropertyCounts(),
        )


def _mode(
    destination: Destination | None, faults: Sequence[str], connection_mode: str, restricted: bool
) -> str:
    if destination is None or any("BAA" in fault and "expired" in fault for fault in faults):
        return INVALID
    if restricted:
        return HIPAA if connection_mode == SERVER_SIDE else INVALID
    return OPEN


def _about(faults: Sequence[Fault], place: tuple[str, int]) -> tuple[str, ...]:
    return tuple(
        f"{fault.problem}. {fault.remedy}."
        for fault in faults
        if (fault.file, fault.line) == place
    )


def _by_list(listed: Sequence[ListedProperty]) -> dict[str, tuple[ListedProperty, ...]]:
    return {name: tuple(each for each in listed if each.property_list == name) for name in LISTS}


def _listed_event(row: AllowedEvent) -> ListedEvent:
    sent_as = row.sent_as or row.event
    return ListedEvent(row.event, sent_as, row.environment, row.destination, row.row.line)


def _listed(row: AllowedProperty, destination: Destination | None = None) -> ListedProperty:
    return ListedProperty(
        property_list=row.property_list,
        path=str(row.path),
        event=row.event or "",
        treatment=str(row.treatment),
        form=form_of(str(row.treatment)),
        normalize=row.normalize,
        data_type=row.data_type,
        guard=effective_guard(destination, row) if destination else row.guard,
        mask_scope=row.mask_scope,
        column_name=row.column_name,
        reason=row.reason,
        approved_by=row.approved_by,
        expires_on=str(row.expires_on or ""),
        environment=row.environment,
        destination=row.destination,
        line=row.row.line,
    )


def _unlisted_id(name: str, destination: Destination) -> ListedProperty:
    """Show an id of the call that no row is about: a token in a restricted destination."""
    restricted = destination.restrict_phi
    return ListedProperty(
        property_list=ENVELOPE,
        path=name,
        treatment="mask" if restricted else "allow",
        form=MASKED if restricted else SENT,
        column_name=name,
        reason="" if restricted else f"Restriction is off under BAA {destination.baa_reference}",
    )
