"""The reviewed form of `denied_calls`, with what the seeds say put in."""

from __future__ import annotations

from collections.abc import Iterable

from hipaa_mode.plan import Plan
from hipaa_mode.quoting import literal

NO_LIST = "cast([] as varchar[])"


def consent_form(form: str, plan: Plan) -> str:
    """Return the form with the rules of a plan's destinations."""
    rules = [
        _rule(
            name,
            says_no=destination.consent.says_no,
            unreadable=destination.consent.unreadable,
            integration_no_to_all=destination.consent.integration_no_to_all,
            integration_yes=destination.consent.integration_yes,
            consent_no_to_all=destination.consent.consent_no_to_all,
            consent_yes=destination.consent.consent_yes,
            categories=destination.consent.categories,
        )
        + f", {destination.consent.needed} as needed"
        for name, destination in sorted(plan.destinations.items())
    ]
    needs_consent = any(item.consent.needed for item in plan.destinations.values())
    none_needed = "" if needs_consent else f"and signals <> {NO_LIST}"
    return form.replace("{rules}", " union all ".join(rules)).replace(
        "{unless_needed}", none_needed
    )


def _rule(name: str, **lists: Iterable[str]) -> str:
    shown = [f"{_listed(texts)} as {column}" for column, texts in lists.items()]
    return f"select {literal(name)} as destination, {', '.join(shown)}"


def _listed(texts: Iterable[str]) -> str:
    quoted = [literal(text) for text in texts]
    return f"[{', '.join(quoted)}]" if quoted else NO_LIST
