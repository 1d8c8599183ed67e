"""What the pages' forms say, made into steps of the draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hipaa_mode.configuration import ANY
from hipaa_mode.editing.destinations import change_destination
from hipaa_mode.editing.events import allow_event, deny_event
from hipaa_mode.editing.properties import Place, deny_property, set_property
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.treatments import TREATMENTS
from hipaa_mode.ui.draft import Step

COARSER = tuple(
    kind.name
    for kind in TREATMENTS.values()
    if kind.name not in ("allow", "mask", "surrogate", "deny")
)
"""Treatments that send less than the value, in the order of the catalogue."""

_ARGUMENT = ("round", "truncate")
FORM_CELLS = ("column_name", "data_type", "guard", "normalize", "mask_scope")
CELLS = ("reason", "approved_by", "expires_on", *FORM_CELLS)
"""Columns of allowed_properties.csv that have a field of their own."""

Form = Mapping[str, str]
StepOf = Callable[[str, str, Form], Step]
"""Makes the step of an environment, a destination and a form."""


def property_step(environment: str, destination: str, form: Form) -> Step:
    """Let a property pass in a form.

    Raises:
        ConfigurationError: the form is not whole.
    """
    place = _place(environment, destination, form)
    treatment = _treatment(form)
    if not form.get("reason", "").strip():
        raise ConfigurationError("Say why it is safe to send it: the reason documents the column")
    cells: dict[str, str | None] = {name: form[name].strip() for name in CELLS if name in form}
    # The page leaves fields of other forms in the form.
    if treatment in ("mask", "surrogate"):
        cells |= {"data_type": "", "guard": ""}
    else:
        cells |= {"normalize": "", "mask_scope": ""}
    how = {"allow": "sent as it is", "mask": "masked"}.get(treatment, treatment)
    text = f"{_where(place.environment, destination)}: {_named(place)} {how}"
    return Step(text, lambda workspace: set_property(workspace, place, treatment, cells))


def deny_step(environment: str, destination: str, form: Form) -> Step:
    """Stop a property from reaching a destination."""
    place, reason = _place(environment, destination, form), form.get("reason", "")
    text = f"{_where(place.environment, destination)}: {_named(place)} not sent"
    return Step(text, lambda workspace: deny_property(workspace, place, reason))


def event_step(environment: str, destination: str, form: Form) -> Step:
    """Let an event pass.

    Raises:
        ConfigurationError: no event is named.
    """
    scope, event, sent_as = _scope(environment, form), form.get("event", ""), form.get("sent_as")
    if not event.strip():
        raise ConfigurationError("Name the event, or write * to allow all of them")
    renamed = f" as “{sent_as}”" if sent_as else ""
    text = f"{_where(scope, destination)}: event “{event}” sent{renamed}"
    return Step(text, lambda workspace: allow_event(workspace, scope, destination, event, sent_as))


def deny_event_step(environment: str, destination: str, form: Form) -> Step:
    """Stop an event from reaching a destination."""
    scope, event = _scope(environment, form), form.get("event", "")
    text = f"{_where(scope, destination)}: event “{event}” not sent"
    return Step(text, lambda workspace: deny_event(workspace, scope, destination, event))


def restriction_step(environment: str, destination: str, form: Form) -> Step:
    """Switch the restriction of PHI."""
    restricts = form.get("restrict_phi") == "true"
    cells = {
        "restrict_phi": "true" if restricts else "false",
        "baa_reference": form.get("baa_reference"),
        "baa_expires_on": form.get("baa_expires_on"),
    }
    switched = "on" if restricts else f"off under {cells['baa_reference'] or 'no BAA'}"
    text = f"{_where(environment, destination)}: restriction {switched}"
    return Step(text, lambda changed: change_destination(changed, environment, destination, cells))


def consent_step(environment: str, destination: str, form: Form) -> Step:
    """Say which consent calls need, and whether opt-outs count."""
    categories = form.get("consent_categories", "").strip()
    cells = {
        "consent_categories": categories,
        # The page leaves the choice in the form where nothing is needed.
        "consent_strategy": form.get("consent_strategy", "").strip() if categories else "",
        "honor_opt_outs": "false" if form.get("honor_opt_outs") == "false" else "",
    }
    needed = f"consent needed to {categories}" if categories else "no consent needed"
    ignored = ", opt-outs do not count" if cells["honor_opt_outs"] else ""
    text = f"{_where(environment, destination)}: {needed}{ignored}"
    return Step(text, lambda changed: change_destination(changed, environment, destination, cells))


STEPS: Mapping[str, StepOf] = {
    "/property": property_step,
    "/deny": deny_step,
    "/event": event_step,
    "/event/deny": deny_event_step,
    "/restriction": restriction_step,
    "/consent": consent_step,
}
"""What each form of a destination's page does, by how its address ends."""


def _place(environment: str, destination: str, form: Form) -> Place:
    path = form.get("property", "").strip()
    if not path:
        raise ConfigurationError("Name the property by its path, such as `address.city`")
    return Place(
        _scope(environment, form), destination, form.get("list", ""), path, form.get("event", "")
    )


def _named(place: Place) -> str:
    on_event = f" on event “{place.event}”" if place.event else ""
    return f"{place.property_list} property “{place.path}”{on_event}"


def _scope(environment: str, form: Form) -> str:
    return ANY if form.get("scope") == "all" else environment


def _treatment(form: Form) -> str:
    how = form.get("how", "")
    if how in ("allow", "mask", "surrogate"):
        return how
    coarser = form.get("coarser", "")
    if how != "coarser" or coarser not in COARSER:
        raise ConfigurationError("Say how it may be sent: masked, coarser or as it is")
    argument = form.get("argument", "").strip()
    return f"{coarser}({argument})" if coarser in _ARGUMENT and argument else coarser


def _where(environment: str, destination: str) -> str:
    whose = "project allowlist" if destination == ANY else destination
    return f"{whose} in {'every environment' if environment == ANY else environment}"
