"""What the report says, gathered from the seeds, the published files, the audit log and the proof.

Everything here is configuration, counts or names; no value of a call is read.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from hipaa_mode import __version__, audit, property_counts, publishing, stops_in_force
from hipaa_mode.configuration import ALL_VIEWS, ANY, ENVELOPE, PROPERTY_SCOPE, VIEWS
from hipaa_mode.consent import describe_denials
from hipaa_mode.editing.layout import Layout
from hipaa_mode.editing.screens import (
    HIPAA,
    INVALID,
    OPEN,
    DestinationScreen,
    ListedProperty,
    destination_screens,
)
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.inventory.kinds import KINDS
from hipaa_mode.inventory.state import State, read_state
from hipaa_mode.keys import DEFAULT_KEY_FILE
from hipaa_mode.plan import DestinationPlan
from hipaa_mode.received.gate import judge
from hipaa_mode.received.lock_file import read_lock
from hipaa_mode.treatments import TREATMENTS

AUDIT_ENTRIES_SHOWN = 30
DROPPED_SHOWN = 8
NEW_SHOWN = 50
CHECKS_NAMED = 5


@dataclass(frozen=True)
class SentProperty:
    """One line of a destination's list.

    Attributes:
        form: `sent`, `masked`, `generalised` or `denied`; `detail` says how exactly.
        events: the only events on which it is sent; blank for all.
        guard: what becomes of values that look like identifiers, and how many there were.
        unfit: how many values did not fit in the last build; None if it was not published.
    """

    path: str
    column: str
    form: str
    detail: str
    events: str
    reason: str
    approved_by: str
    expires_on: str
    guard: str
    unfit: int | None


@dataclass(frozen=True)
class DroppedProperty:
    """A property that arrives and is not sent."""

    property_list: str
    path: str
    calls: int
    looks: str


@dataclass(frozen=True)
class View:
    """A destination's view: what is proven of it, and what is published."""

    name: str
    proof: str
    rows: int | None
    properties_dropped: int | None


@dataclass
class DestinationReport:
    """What is told of one destination.

    Attributes:
        mode: `HIPAA mode`, `Not restricted` or `Invalid`.
        validity: whether the mode is valid, and until when, or why not.
        events: event names, each with the name it is sent as; None for every event.
        lists: what it receives, by property list.
        is_proven: whether everything is; None where it was not tried.
        tests_passed: whether all tests of the last build did; None where there was no build.
        dropped: what is dropped most, of the views that it has.
        stopped: since when and why it is stopped; blank if it is not.
    """

    name: str
    tool: str
    description: str
    mode: str
    validity: str
    is_valid: bool
    settings: dict[str, str] = field(default_factory=dict)
    events: list[tuple[str, str]] | None = field(default_factory=list)
    lists: dict[str, list[SentProperty]] = field(default_factory=dict)
    views: list[View] = field(default_factory=list)
    proof: str = ""
    is_proven: bool | None = None
    tests: str = ""
    tests_passed: bool | None = None
    published: str = ""
    is_current: bool | None = None
    dropped: list[DroppedProperty] = field(default_factory=list)
    stopped: str = ""

    @property
    def delivery(self) -> str:
        """Its mode and what is published, in a few words."""
        rows = [view.rows for view in self.views if view.rows is not None]
        words = f"{sum(rows):,} rows" if rows else "nothing published"
        return f"{self.mode}: {'stopped, ' if self.stopped else ''}{words}"


@dataclass(frozen=True)
class AuditEntry:
    """One entry of the audit log, for reading."""

    sequence: int
    time: str
    destination: str
    outcome: str
    rows: str
    allowlist: str
    commit: str
    reasons: str


@dataclass(frozen=True)
class NewProperty:
    """A property that appeared."""

    property_list: str
    path: str
    since: str
    looks: str
    received_by: str


@dataclass
class EnvironmentReport:
    """What is told of one environment.

    Attributes:
        attention: what someone has to look at, a line each.
        lock_state: whether the lock says what is received.
        calls: how many calls the last published build read, by what became of them.
        audit_state: what the check of the audit log came to.
        copies: what is known of the copies in an object store.
        inventory_state: when the inventory was taken, or how to take one.
    """

    name: str
    destinations: list[DestinationReport] = field(default_factory=list)
    attention: list[str] = field(default_factory=list)
    lock_state: str = ""
    calls: dict[str, int] = field(default_factory=dict)
    audit_state: str = ""
    audit_entries: list[AuditEntry] = field(default_factory=list)
    audit_count: int = 0
    copies: list[str] = field(default_factory=list)
    inventory_state: str = ""
    new_properties: list[NewProperty] = field(default_factory=list)

    def count(self, mode: str) -> int:
        """Count the destinations of a mode."""
        return sum(destination.mode == mode for destination in self.destinations)

    @property
    def stopped(self) -> int:
        """How many destinations are stopped."""
        return sum(bool(destination.stopped) for destination in self.destinations)


@dataclass
class Report:
    """The whole report."""

    project: str
    generated_at: str
    version: str
    commit: str
    is_dirty: bool
    environments: list[EnvironmentReport]

    @property
    def attention(self) -> int:
        """How many things there are to look at."""
        return sum(len(environment.attention) for environment in self.environments)


Proofs = Mapping[str, Mapping[str, Any]]
"""What `hipaa-mode verify --json` says, by environment; an environment that is not there was not
tried."""


def gather(project: Path, environments: Sequence[str], root: Path, proofs: Proofs) -> Report:
    """Gather what the report says.

    Args:
        environments: environments to tell of; all that the seeds name if there are none.
        proofs: what verify found; an entry `{"failed": "why"}` says that it could not run.
    """
    workspace = Workspace(Layout.read(project))
    chosen = list(environments) or workspace.configuration().environments() or ["dev"]
    git = audit.git_state(project) or {}
    return Report(
        project=workspace.layout.name,
        generated_at=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        version=__version__,
        commit=str(git.get("commit") or ""),
        is_dirty=bool(git.get("dirty")),
        environments=[
            _Environment(workspace, name, root, proofs.get(name)).report() for name in chosen
        ],
    )


class _Environment:
    """Gathers what is told of one environment."""

    def __init__(
        self, workspace: Workspace, name: str, root: Path, proof: Mapping[str, Any] | None
    ) -> None:
        self.workspace = workspace
        self.project = workspace.layout.root
        self.root = root
        self.proof = proof
        self.models = list(workspace.destination_models())
        self.plan = workspace.plans(environments=[name])[name]
        self.found = EnvironmentReport(name)
        self.state: State = State()
        self.published: dict[str, Mapping[str, Any]] = {}
        self.entries: list[audit.Entry] = []

    def report(self) -> EnvironmentReport:
        """Gather everything."""
        found = self.found
        found.attention += map(str, (*self.plan.faults, *self.plan.warnings))
        self._compare_with_lock()
        for read in (self._read_published, self._read_audit_log, self._read_inventory):
            try:
                read()
            except HipaaModeError as error:
                found.attention.append(str(error))
        try:
            screens = destination_screens(self.workspace, [found.name])
        except HipaaModeError as error:
            # Without a list of destinations there are only faults to show.
            found.attention.append(str(error))
            return found
        found.destinations = [self._destination(screen) for screen in screens]
        for destination in found.destinations:
            found.attention += _attention(destination)
        found.attention += stops_in_force.still_published(self.root, found.name, self.plan.stopped)
        if self.proof is not None and "failed" in self.proof:
            found.attention.append(f"Nothing is proven: {self.proof['failed']}")
        return found

    def _compare_with_lock(self) -> None:
        if self.plan.faults:
            self.found.lock_state = "was not compared: the configuration has faults."
            return
        configuration, today = self.workspace.configuration(), self.workspace.today
        read = partial(read_lock, self.project)
        found = judge(read, configuration, self.plan, today, self.models)
        self.found.attention += map(str, (*found.faults, *found.notices))
        self.found.lock_state = (
            "does not say what is received, so a build is refused."
            if found.faults
            else "says more than is received."
            if found.notices
            else "says what is received."
        )

    def _read_published(self) -> None:
        manifests = publishing.read_manifests(self.root, self.found.name)
        self.published = {manifest["destination"]: manifest for manifest in manifests}
        self.found.attention += publishing.check_files(self.root, self.found.name)
        last = max(manifests, key=lambda manifest: str(manifest["published_at"]), default=None)
        self.found.calls = dict(last["calls"]) if last else {}

    def _read_audit_log(self) -> None:
        found, name = self.found, self.found.name
        path = audit.log_path(self.root, name)
        if not path.exists():
            found.audit_state = "There is no audit log: nothing has been built here yet."
            return
        try:
            self.entries = audit.entries(audit.read_lines(path))
            seal = audit.seal_at_hand(os.environ, name, self.project / DEFAULT_KEY_FILE)
            findings = audit.verify(self.root, name, *seal)
        except HipaaModeError as error:
            found.audit_state = str(error)
            raise
        # Differences of published files are told with the files.
        faults = [fault for fault in findings.faults if fault not in found.attention]
        found.attention += [f"Audit log: {fault}" for fault in faults]
        state = "is not sound" if findings.faults else "is sound"
        notes = "".join(f" {note}." for note in findings.notes)
        found.audit_state = (
            f"The chain of {findings.entries} entries {state}.{notes} Head: {findings.head}"
        )
        found.audit_count = len(self.entries)
        copies = audit.copy_states(self.entries)
        found.copies = [state.text for state in copies]
        found.attention += [state.text for state in copies if state.is_missing]
        last = reversed(self.entries[-AUDIT_ENTRIES_SHOWN:])
        found.audit_entries = [_audit_entry(entry) for entry in last]

    def _read_inventory(self) -> None:
        found = self.found
        self.state = read_state(self.project, found.name)
        command = f"hipaa-mode inventory --environment {found.name}"
        if not self.state.taken_at:
            found.inventory_state = f"No inventory was taken. Run: {command}"
            return
        lines = self.state.last.get("lines", 0)
        taken = _moment(self.state.taken_at)
        found.inventory_state = f"Inventory of {taken}: {lines:,} raw calls."
        if not self.state.started_at:
            found.inventory_state += (
                f" Nobody keeps track of new properties. Run on a schedule: {command} --new"
            )
            return
        new = [item for item in map(self._new_property, self._arriving()) if item]
        new.sort(
            key=lambda item: (item.since or "9999", item.property_list, item.path), reverse=True
        )
        found.new_properties = new[:NEW_SHOWN]
        unseen = sum(item.since == "" for item in found.new_properties)
        if unseen:
            found.attention.append(
                f"{unseen} properties appeared since the last run of hipaa-mode inventory --new"
            )

    def _new_property(self, item: Mapping[str, Any]) -> NewProperty | None:
        """Describe a property that appeared after track began to be kept."""
        property_list, path = item["property_list"], item["property"]
        since = self.state.known.get(f"{property_list} {path}", "")
        if since and since <= self.state.started_at:
            return None
        receivers = sorted({f"{r['destination']} ({r['treatment']})" for r in item["received_by"]})
        received = ", ".join(receivers) or "nobody"
        return NewProperty(property_list, path, _moment(since), _looks(item), received)

    def _arriving(self) -> list[Mapping[str, Any]]:
        return list(self.state.last.get("properties", []))

    def _destination(self, screen: DestinationScreen) -> DestinationReport:
        plan = self.plan.destinations.get(screen.name)
        published = self.published.get(screen.name)
        found = DestinationReport(
            name=screen.name,
            tool=screen.display_name,
            description=screen.description,
            mode=_MODES[screen.mode],
            validity=_validity(screen),
            is_valid=screen.is_valid,
            stopped=screen.stopped,
        )
        found.tests, found.tests_passed = self._tests(screen.name)
        if plan is None:
            found.published = "Nothing is published while the configuration has faults"
            return found
        tokens = "shared with other destinations" if plan.scope == ANY else "its own"
        found.settings = {
            "Connection": screen.connection_mode.replace("_", "-"),
            "PHI": "restricted" if screen.restrict_phi else "not restricted",
            "Tokens": tokens if plan.restrict_phi else "none: ids are sent as they are",
            "Times": {"exact": "exact", "none": "not sent"}.get(
                plan.timestamp_precision, f"to the {plan.timestamp_precision}"
            ),
            "Consent": screen.consent,
            "Allowlist": plan.fingerprint[:12],
            **({"Properties": screen.properties.text} if screen.restrict_phi else {}),
        }
        is_open = plan.events is None or ANY in plan.events
        found.events = None if is_open else sorted((plan.events or {}).items())
        found.views = self._views(plan, published)
        found.proof, found.is_proven = self._proven(found.views)
        found.published = "Nothing is published"
        if published is not None:
            found.published = _moment(published["published_at"])
            if denials := describe_denials(published.get("consent") or {}):
                found.settings["Denied calls"] = denials
            found.is_current = published["allowlist_fingerprint"] == plan.fingerprint
        if plan.restrict_phi:
            found.lists = _lists(screen, published)
            found.dropped = self._dropped(plan)
        return found

    def _views(self, plan: DestinationPlan, published: Mapping[str, Any] | None) -> list[View]:
        there = published["views"] if published else {}
        views: list[View] = []
        for name in (f"{plan.name}__{view}" for view in ALL_VIEWS):
            if name in self.models:
                outcomes = [item["outcome"] for item in self._verdicts() if item["view"] == name]
                broken = outcomes.count("violation")
                state = "proven" if outcomes else "not tried"
                view = there.get(name)
                dropped = view["properties_dropped"] if view and plan.restrict_phi else None
                proof = f"{broken} not proven" if broken else state
                views.append(View(name, proof, view["rows"] if view else None, dropped))
        return views

    def _verdicts(self) -> Sequence[Mapping[str, Any]]:
        return self.proof.get("verdicts", []) if self.proof else []

    def _proven(self, views: Sequence[View]) -> tuple[str, bool | None]:
        if self.proof is None or "failed" in self.proof or not views:
            return "Not tried", None
        names = {view.name for view in views}
        wrong = sum(v["outcome"] == "violation" and v["view"] in names for v in self._verdicts())
        if wrong:
            return f"{wrong} violations", False
        if all(view.proof == "proven" for view in views):
            return "Proven", True
        return "Not proven: a view is missing", False

    def _tests(self, name: str) -> tuple[str, bool | None]:
        of_it = [
            entry
            for entry in self.entries
            if entry["destination"] in (name, "*") and entry["outcome"] not in audit.COPY_OUTCOMES
        ]
        if not of_it:
            return "No build yet", None
        last = of_it[-1]
        when = _moment(last["time"])
        if last["outcome"] == audit.PUBLISHED:
            return f"{len(last.get('checks') or ())} passed, {when}", True
        reasons = _reasons(last)
        return f"{last['outcome']}, {when}" + (f": {reasons}" if reasons else ""), False

    def _dropped(self, plan: DestinationPlan) -> list[DroppedProperty]:
        """Return what arrives most of what the destination's views could hold and do not."""
        lists = {VIEWS[view] for view in VIEWS if f"{plan.name}__{view}" in self.models}
        lists |= {"context"} if lists else set()
        found = [
            DroppedProperty(
                item["property_list"], item["property"], int(item["calls"]), _looks(item)
            )
            for item in self._arriving()
            if item["property_list"] in lists
            and item["calls"]
            and not any(r["destination"] == plan.name for r in item["received_by"])
        ]
        found.sort(key=lambda item: (-item.calls, item.property_list, item.path))
        return found[:DROPPED_SHOWN]


def _audit_entry(entry: audit.Entry) -> AuditEntry:
    git = entry.get("git") or {}
    rows = (
        f"{view['view'].rpartition('__')[2]} {view['rows']:,}" for view in entry.get("views") or ()
    )
    return AuditEntry(
        sequence=int(entry["sequence"]),
        time=_moment(entry["time"]),
        destination=entry["destination"] or "the log itself",
        outcome=entry["outcome"],
        rows=", ".join(rows),
        allowlist=str(entry.get("allowlist_fingerprint") or "")[:12],
        commit=str(git.get("commit") or "")[:12] + (" and changes" if git.get("dirty") else ""),
        reasons=_reasons(entry),
    )


def _reasons(entry: audit.Entry) -> str:
    reasons = [str(reason) for reason in entry.get("reasons") or ()]
    more = len(reasons) - CHECKS_NAMED
    return "; ".join(reasons[:CHECKS_NAMED]) + (f"; and {more} more" if more > 0 else "")


_MODES = {HIPAA: "HIPAA mode", OPEN: "Not restricted", INVALID: "Invalid"}
_FORMS = {property_counts.SENT: "sent", property_counts.NOT_SENT: "denied"}


def _validity(screen: DestinationScreen) -> str:
    if screen.faults:
        return f"Invalid: {screen.faults[0]}"
    if screen.faults_elsewhere:
        return "Not built: a build refuses others beside it"
    if screen.restrict_phi:
        return "Valid: server-side and restricted"
    until = f" until {screen.baa_expires_on}" if screen.baa_expires_on else ""
    return f"Valid under BAA {screen.baa_reference}{until}"


def _lists(
    screen: DestinationScreen, published: Mapping[str, Any] | None
) -> dict[str, list[SentProperty]]:
    """Return what is sent, by list: what a view that is there can show."""
    shown = {VIEWS[view] for view in VIEWS if view in screen.views}
    shown |= {"context", ENVELOPE} if shown else set()
    return {
        name: [
            _sent(listed, published)
            for listed in sorted(listed_here, key=lambda listed: listed.path)
            if name in shown and (name == ENVELOPE or listed.form != property_counts.NOT_SENT)
        ]
        for name, listed_here in screen.lists.items()
    }


def _sent(listed: ListedProperty, published: Mapping[str, Any] | None) -> SentProperty:
    # Of the manifest, what it says of the property's column in each view that has it.
    path = "" if listed.property_list == ENVELOPE else listed.path
    place = (listed.property_list, listed.column_name, path)
    facts = [
        fact
        for view in (published["views"].values() if published else ())
        for fact in view["columns"]
        if (fact.get("property_list"), fact.get("name"), fact.get("property")) == place
    ]
    unfit = sum(int(fact.get("values_not_fitting") or 0) for fact in facts)
    alike = sum(int(fact.get("values_like_identifiers") or 0) for fact in facts)
    state = "made null" if listed.guard == "block" else "sent all the same"
    return SentProperty(
        path=listed.path,
        column=listed.column_name,
        form=_FORMS.get(listed.form, listed.form),
        detail=_detail(listed),
        events=listed.event,
        reason=listed.reason,
        approved_by=listed.approved_by,
        expires_on=listed.expires_on,
        guard=listed.guard + (f": {alike:,} values {state}" if listed.guard and alike else ""),
        unfit=unfit if facts else None,
    )


def _attention(found: DestinationReport) -> list[str]:
    lines: list[str] = []
    if found.stopped:
        lines.append(f"{found.name}: {found.stopped}")
    if found.is_proven is False:
        lines.append(f"{found.name}: {found.proof}")
    if found.tests_passed is False and not found.stopped:
        lines.append(f"{found.name}: the last build did not publish it: {found.tests}")
    if found.is_current is False:
        lines.append(
            f"{found.name}: what is published was made under another allowlist than the seeds' "
            "now. Run: dbt build"
        )
    return lines


def _detail(column: ListedProperty) -> str:
    kind = TREATMENTS[column.treatment.partition("(")[0]]
    if column.treatment == "allow":
        text = "sent whole, as JSON" if column.data_type == "json" else "as it is"
    elif kind.default_argument is None:
        text = kind.meaning.removeprefix("sent ")
    else:
        text = f"{kind.meaning}: {column.treatment}"
    if column.normalize != "none":
        text += f", normalised as {column.normalize}"
    if column.mask_scope == PROPERTY_SCOPE:
        text += ", comparable with no other property"
    return text


def _looks(item: Mapping[str, Any]) -> str:
    named = (KINDS[look["kind"]] for look in item["looks_like"] if look["kind"] in KINDS)
    return ", ".join(kind.title + (f" ({kind.letter})" if kind.letter else "") for kind in named)


def _moment(text: str) -> str:
    """Write an ISO time as people read it."""
    return text[:16].replace("T", " ") + " UTC" if len(text) >= 16 else text
