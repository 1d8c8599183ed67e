"""A second reading of opt-outs and consent: whether calls are kept from a destination.

Written apart from hipaa_mode.consent and its macros on purpose: it looks at the calls themselves,
one after the other, as a careful person would.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hipaa_mode.selftest.messages import Object, is_text

ROUTING = ("integrations", "consent")
"""Keys of a call that say to which tools it may go."""

IN_CONTEXT = ("consent", "consentManagement")
"""Keys of its context that say to what somebody consents."""


@dataclass(frozen=True)
class Asked:
    """What a destination's rows ask for; see docs/consent.md."""

    names: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    one_is_enough: bool = False
    hears_opt_outs: bool = True

    def refuses(self, deliveries: Sequence[Object]) -> bool:
        """Whether a call of these deliveries, any of which may be the last, is kept from it."""
        return any(self._refuses(tree) for tree in deliveries)

    def _refuses(self, tree: Object) -> bool:
        if self.hears_opt_outs and any(self._opts_out(tree, key) for key in ROUTING):
            return True
        return bool(self.needs) and not self._consents(tree)

    def _opts_out(self, tree: Object, key: str) -> bool:
        if not _has(tree, key):
            return False
        answers = tree.first(key)
        if not isinstance(answers, Object):
            return True
        mine = {_alike(name) for name in self.names}
        is_named, none_else = False, False
        for name, answer in answers.members:
            of_all, of_mine = _alike(name) == "all", _alike(name) in mine
            is_yes = answer is True or (isinstance(answer, Object) and not of_all)
            if of_mine and not is_yes:
                return True
            if of_all and not is_yes:
                if answer is not False:
                    return True
                none_else = True
            is_named = is_named or (is_yes and name in self.names)
        return none_else and not is_named

    def _consents(self, tree: Object) -> bool:
        said = _Said()
        context = tree.first("context")
        if isinstance(context, Object):
            said.read_categories(context)
            said.read_lists(context)
        granted = {
            name
            for name in self.needs
            if name in said.yes and name not in said.no and name not in said.unclear
        }
        return not said.is_broken and (
            bool(granted) if self.one_is_enough else granted == self.needs
        )


@dataclass
class _Said:
    yes: set[str] = field(default_factory=set)
    no: set[str] = field(default_factory=set)
    unclear: set[str] = field(default_factory=set)
    is_broken: bool = False

    def read_categories(self, context: Object) -> None:
        consent = self._object(context, "consent")
        answers = None if consent is None else self._object(consent, "categoryPreferences")
        for name, answer in answers.members if answers else ():
            known = self.yes if answer is True else self.no if answer is False else self.unclear
            known.add(name.strip())

    def read_lists(self, context: Object) -> None:
        management = self._object(context, "consentManagement")
        if management is None:
            return
        for key, known in (("allowedConsentIds", self.yes), ("deniedConsentIds", self.no)):
            listed = management.first(key)
            if isinstance(listed, list):
                self.is_broken |= not all(is_text(name) for name in listed)
                known.update(name.strip() for name in listed if is_text(name))
            elif isinstance(listed, Object):
                for name, about in listed.members:
                    is_odd = known is self.yes and about in (None, False)
                    (self.unclear if is_odd else known).add(name.strip())
            elif _has(management, key):
                self.is_broken = True

    def _object(self, around: Object, key: str) -> Object | None:
        found = around.first(key)
        if isinstance(found, Object):
            return found
        self.is_broken |= _has(around, key)
        return None


def asked(cells: Mapping[str, str], types: Sequence[Mapping[str, str]]) -> Asked:
    """Read what a destination's row and its type's ask for."""
    wanted = cells["destination_type"].strip()
    [kind] = [row for row in types if row["destination_type"].strip() == wanted]
    named = kind.get("integration_names", "").strip() or kind["display_name"].strip() or wanted
    return Asked(
        names=_names(named),
        needs=_names(cells.get("consent_categories", "")),
        one_is_enough=cells.get("consent_strategy", "").strip().lower() == "or",
        hears_opt_outs=cells.get("honor_opt_outs", "").strip().lower() != "false",
    )


def _names(cell: str) -> frozenset[str]:
    return frozenset(name.strip() for name in cell.split(";") if name.strip())


def _has(tree: Object, key: str) -> bool:
    return any(name == key for name, _ in tree.members)


def _alike(name: str) -> str:
    """Return what two spellings of a tool's name have in common."""
    shown = (c for c in name if unicodedata.category(c)[0] != "Z")
    return "".join(c for c in shown if unicodedata.category(c) not in ("Cc", "Cf")).lower()
