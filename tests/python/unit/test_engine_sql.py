"""SQL of one engine stands in macros/engine/ and macros/functions/ alone."""

from __future__ import annotations

import re

from project import REPOSITORY

ENGINES_OWN = re.compile(
    r"""
    \b(?:qualify|exclude|rowid|lambda|epoch_us|epoch_ms|make_timestamp|strftime|try_cast|arg_max
        |ascii|encode|decode|sha256|url_decode|nfc_normalize)\b(?!\s*=)
    | \b(?:list|array|json|regexp|string|map|struct)_\w+\(
    | \b(?:unnest|len|starts_with|ends_with|contains|flatten|read_csv|split_part|translate)\(
    | :: | \bcreate\s+or\s+replace\s+temp\b | \bsystem\.main\.
    | \binto\s+(?:\{\{[^}]+\}\}|\w+)\s+from\b | \busing\s+(?:\{\{|\w+\s+as\b) | \bcopy\s+\(
    """,
    re.VERBOSE,
)
JINJA_ONLY = re.compile(r"hipaa_(?:mode|functions)\.\w+\(|\{#.*?#\}", re.DOTALL)
FOLDERS = ("macros", "models", *(f"tests/{name}" for name in ("generic", "masked", "staging")))


def test_models_and_macros_have_no_sql_of_one_engine() -> None:
    found = {}
    for folder in FOLDERS:
        for file in sorted((REPOSITORY / folder).rglob("*.sql")):
            name = file.relative_to(REPOSITORY)
            if name.parts[:2] in [("macros", "engine"), ("macros", "functions")]:
                continue
            text = JINJA_ONLY.sub("", file.read_text("utf-8"))
            if words := ENGINES_OWN.findall(text):
                found[str(name)] = words
    assert found == {}


def test_macros_are_dispatched_in_one_place() -> None:
    dispatching = {
        file.relative_to(REPOSITORY).parts[1]
        for file in (REPOSITORY / "macros").rglob("*.sql")
        if "adapter.dispatch(" in file.read_text("utf-8")
    }
    assert dispatching == {"engine"}
