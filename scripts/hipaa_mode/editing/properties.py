"""Editing the property lists: which properties a destination receives, and in which form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hipaa_mode.configuration import (
    ANY,
    ENVELOPE,
    LATEST_VIEWS,
    VIEWS,
    AllowedProperty,
)
from hipaa_mode.editing.rows import (
    add_row,
    could_count,
    covers,
    find_destination,
    note_unrestricted,
    one_line,
    planned,
    refuse_unrestricted,
    still_reaches,
)
from hipaa_mode.editing.scaffold import add_models, remove_model
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.paths import PathSyntaxError, PropertyPath, parse_path
from hipaa_mode.plan import DestinationPlan, ViewColumn, named_as_changed_at
from hipaa_mode.selection import rank
from hipaa_mode.treatments import TreatmentSyntaxError, parse_treatment

SEED = "allowed_properties"
_FORM_COLUMNS = ("normalize", "data_type", "guard", "mask_scope")
"""Columns that belong to a treatment: another treatment starts without them."""

_NEAR = (("destination", "property_list"), ("destination",))
"""Columns in which a new row is like those that it is written after."""


@dataclass(frozen=True)
class Place:
    """What a row of the allowlist is about.

    Attributes:
        environment: the environment, `*` for all.
        destination: the destination, `*` for the project allowlist.
        property_list: event, user, group, context or envelope.
        path: the property's path, as the seed writes it.
        event: the one event that it passes on; blank for every event.
    """

    environment: str
    destination: str
    property_list: str
    path: str
    event: str = ""

    @property
    def cells(self) -> dict[str, str]:
        """Return the cells of a row that say this."""
        return {
            "environment": self.environment,
            "destination": self.destination,
            "property_list": self.property_list,
            "event": self.event,
            "property": self.path,
        }

    def parsed(self) -> PropertyPath | None:
        """Return the path; None if it does not parse, which the check of the seeds will say."""
        try:
            return parse_path(self.path)
        except PathSyntaxError:
            return None

    def __str__(self) -> str:
        """Write it for a message."""
        on_event = f" on event {self.event}" if self.event else ""
        return f"{self.property_list} property `{self.path}`{on_event}"


def set_property(
    workspace: Workspace, place: Place, treatment: str, cells: Mapping[str, str | None]
) -> None:
    """Let a property pass in a form: changes the row of the place, or adds one.

    Args:
        place: what the row is about.
        treatment: the form, as the seed writes it.
        cells: other cells of the row; None keeps what the row has, if it goes with the form.

    Raises:
        ConfigurationError: no reason is given for a new form, or there is no such destination.
        EditRefusedError: a build would refuse the result.
    """
    what = "whole objects, whatever its property lists say"
    note_unrestricted(workspace, place.destination, place.environment, what)
    given = {name: one_line(value) for name, value in cells.items() if value is not None}
    row = _row_at(workspace, place)
    is_new_form = row is None or str(row.treatment) != _canonical(treatment)
    if is_new_form and not given.get("reason"):
        raise ConfigurationError(
            f"A reason is missing: say why {place} may be sent in this form. It becomes the "
            "column's documentation"
        )
    if row is None:
        new = {"treatment": treatment, **_kept(workspace, place, treatment), **given}
        add_row(workspace, SEED, {**place.cells, **new}, *_NEAR)
    else:
        seed = workspace.seed(SEED)
        changed = {"treatment": treatment} if is_new_form else {}
        if is_new_form:
            changed |= {name: "" for name in _FORM_COLUMNS if name in seed.columns}
        workspace.set_seed(SEED, seed.change(row.row.line, changed | given))
    workspace.refuse_new_faults(with_models=False)
    _add_missing_model(workspace, place)
    workspace.refuse_new_faults()
    _note_other_forms(workspace, place, _canonical(treatment))


def _kept(workspace: Workspace, place: Place, treatment: str) -> dict[str, str]:
    """Return what a new row keeps of the row that counted in its place: the column's name.

    In the same form also what belongs to the form: without `normalize` tokens would be others.
    """
    stood = [
        row
        for row in _rows_about(workspace, place)
        if row.treatment.kind.name != "deny"
        and row.environment in (place.environment, ANY)
        and row.destination in (place.destination, ANY)
        and (row.environment, row.destination) != (place.environment, place.destination)
        and row.event in (place.event or None, None)
    ]
    if not stood:
        return {}
    row = max(stood, key=lambda row: (row.event is not None, rank(row)))
    names = ["column_name"]
    if str(row.treatment) == _canonical(treatment):
        names += _FORM_COLUMNS
    kept = {name: row.row.cells.get(name, "").strip() for name in names}
    if kept["column_name"]:
        workspace.notes.append(
            f"The column keeps its name `{kept['column_name']}`, as in {row.row.where}; "
            "--column gives it another"
        )
    return {name: text for name, text in kept.items() if text}


def deny_property(workspace: Workspace, place: Place, reason: str = "") -> None:
    """Stop a property from reaching a destination.

    Removes the destination's own rows for it, and writes a `deny` row where a row for every
    environment, or the project allowlist, would still let it pass. An id of the envelope is
    denied by a row of its own, since it would be a token without one, and models of latest
    values, which have a row for each of them, are removed.

    Raises:
        ConfigurationError: there is no such destination, or it is not restricted.
        EditRefusedError: a build would refuse the result.
    """
    what = "whole objects, so no property can be denied"
    refuse_unrestricted(workspace, place.destination, place.environment, what)
    path = place.parsed()
    if path is None or (place.event and place.property_list == ENVELOPE):
        # Says what is wrong with the row as the check of the seeds does.
        set_property(workspace, place, "deny", {"reason": reason or "denied"})
        return
    about = _rows_about(workspace, place)
    own = [
        row
        for row in about
        if row.destination == place.destination and covers(place.environment, row.environment)
    ]
    passing = [row for row in about if row.treatment.kind.name != "deny"]
    if place.event:
        for row in own:
            if row in passing and row.event is None:
                raise ConfigurationError(
                    f"{row.row.where} lets it pass on every event. Deny it on all of them, then "
                    "allow it on those where it may pass"
                )
        own = [row for row in own if row.event == place.event]
    remaining = [
        row
        for row in passing
        if row not in own
        and could_count(row, place.destination, place.environment)
        and (not place.event or row.event in (None, place.event))
    ]
    needs_row = place.property_list == ENVELOPE or bool(remaining)
    if needs_row and place.event:
        raise ConfigurationError(
            f"{remaining[0].row.where} lets it pass, and can't be denied on one event: deny it on "
            "all of them, then allow it on those where it may pass"
        )
    _rewrite(workspace, place, own, needs_row, one_line(reason))
    if place.property_list == ENVELOPE:
        _remove_models_without_id(workspace, place, str(path))
    workspace.refuse_new_faults()
    _check_denied(workspace, place)
    if place.destination == ANY:
        for row in passing:
            if row.destination != ANY:
                workspace.notes.append(
                    f"{row.row.where} still lets it pass to `{row.destination}`: the project "
                    "allowlist is not all"
                )


def _rewrite(
    workspace: Workspace,
    place: Place,
    own: list[AllowedProperty],
    needs_row: bool,
    reason: str,
) -> None:
    """Remove rows, and leave or write one that denies."""
    seed = workspace.seed(SEED)
    at_place = (row for row in own if needs_row and row.environment == place.environment)
    keep = next(at_place, None)
    if keep is not None and keep.treatment.kind.name != "deny":
        blank = dict.fromkeys(("event", "column_name", *_FORM_COLUMNS), "")
        cells = {name: text for name, text in blank.items() if name in seed.columns}
        cells |= {"treatment": "deny"} | ({"reason": reason} if reason else {})
        seed = seed.change(keep.row.line, cells)
    # From the end, so that the lines of the others hold.
    for row in sorted(own, key=lambda row: row.row.line, reverse=True):
        if row is not keep:
            seed = seed.remove(row.row.line)
    workspace.set_seed(SEED, seed)
    if needs_row and keep is None:
        new = {**place.cells, "event": "", "treatment": "deny", "reason": reason}
        add_row(workspace, SEED, new, *_NEAR)


def _check_denied(workspace: Workspace, place: Place) -> None:
    """Look at the result: what was denied must be in no view."""
    for environment, plan in planned(workspace, place.destination, place.environment).items():
        for column in _columns(plan, place):
            is_denied = place.property_list == ENVELOPE and not column.masked_column
            on_event = not place.event or column.events is None or place.event in column.events
            if on_event and not is_denied:
                raise still_reaches(place, place.destination, environment)


def _columns(plan: DestinationPlan, place: Place) -> list[ViewColumn]:
    return [
        column
        for columns in plan.views.values()
        for column in columns
        if column.property_list == place.property_list
        and (column.path or column.name) == str(place.parsed())
    ]


def _note_other_forms(workspace: Workspace, place: Place, treatment: str) -> None:
    """Say where another row decides, so that the new one has no effect."""
    for environment, plan in planned(workspace, place.destination, place.environment).items():
        forms = {column.treatment for column in _columns(plan, place)} or {"deny"}
        if treatment not in forms:
            workspace.notes.append(
                f"In {environment} another row beats this one: there it is "
                f"{' and '.join(sorted(forms))}"
            )


def _rows_about(workspace: Workspace, place: Place) -> list[AllowedProperty]:
    """Return the rows about a property, of any destination, environment and event."""
    about = (place.property_list, place.parsed())
    return [row for row in workspace.configuration().allowed_properties if row.place == about]


def _row_at(workspace: Workspace, place: Place) -> AllowedProperty | None:
    whole = (place.environment, place.destination, place.event)
    for row in _rows_about(workspace, place):
        if (row.environment, row.destination, row.event or "") == whole:
            return row
    return None


def _add_missing_model(workspace: Workspace, place: Place) -> None:
    """Add the models that show a list's properties, call by call and their latest values.

    Where the destination has the model of the calls already, nothing is added.
    """
    views = [view for view, property_list in VIEWS.items() if property_list == place.property_list]
    models = workspace.destination_models()
    if place.destination == ANY or all(f"{place.destination}__{view}" in models for view in views):
        return
    plans = planned(workspace, place.destination, ANY).values()
    views += [
        latest
        for latest, (view, _) in LATEST_VIEWS.items()
        if view in views and all(_can_have(plan, latest) for plan in plans)
    ]
    rows = find_destination(workspace.configuration(), place.destination, place.environment)
    kind = rows[0].type
    add_models(
        workspace, place.destination, kind.display_name if kind else place.destination, views
    )


def _remove_models_without_id(workspace: Workspace, place: Place, id_name: str) -> None:
    """Remove models whose rows are those of an id that the destination may no longer have."""
    views = [view for view, (_, name) in LATEST_VIEWS.items() if name == id_name]
    models = workspace.destination_models()
    names = {name for plan in workspace.plans().values() for name in plan.destinations}
    for name in sorted(names) if place.destination == ANY else [place.destination]:
        plans = planned(workspace, name, ANY).values()
        for view in views:
            if f"{name}__{view}" in models and any(
                view not in plan.latest_views for plan in plans
            ):
                remove_model(workspace, name, view)
                workspace.notes.append(
                    f"{name}__{view} is removed, in every environment: it has a row for each "
                    f"{id_name}. The next `dbt build` withdraws its files"
                )


def _can_have(plan: DestinationPlan, latest: str) -> bool:
    """Whether a view of latest values can stand: not without the id, nor beside its own column."""
    columns = plan.latest_views.get(latest, [])
    return bool(columns) and not named_as_changed_at(columns)


def _canonical(treatment: str) -> str:
    try:
        return str(parse_treatment(treatment.strip().lower()))
    except TreatmentSyntaxError:
        return treatment
