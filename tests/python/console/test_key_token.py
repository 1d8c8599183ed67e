"""`hipaa-mode key token`: the tokens that a build makes, of values on standard input."""

from __future__ import annotations

import hmac
import json
from pathlib import Path

import pytest
from project import KEY, OTHER_KEY, subkey
from project import token as expected
from typer.testing import CliRunner, Result

from hipaa_mode.cli import app
from hipaa_mode.commands.key_token import tokens_of
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.keys import MasterKey, Subkey

ROOT = Path(__file__).parents[3]
VARIABLES: dict[str, str | None] = {"HIPAA_MODE_KEY": KEY, "HIPAA_MODE_KEY_FILE": None}


def run(given: bytes | str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["key", "token", *arguments], input=given, env=VARIABLES)


def tokens(given: bytes | str, *arguments: str) -> list[str]:
    result = run(given, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.split("\n")[:-1]


@pytest.mark.parametrize("ends", ["", "\n"])
def test_a_line_has_the_token_that_a_build_gives_it(ends: str) -> None:
    values = ["patient-10482", " with blanks ", "é😀"]
    assert tokens("\n".join(values) + ends, "dev") == [expected(value) for value in values]


@pytest.mark.parametrize("scope", ["*", "ga4", "*/event/email", "audit-log"])
def test_environment_and_scope_count(scope: str) -> None:
    assert tokens("Ann", "prod", scope) == [expected("Ann", "prod", scope)]


def test_ends_of_lines_as_on_windows_are_no_part_of_values() -> None:
    assert tokens(b"Ann\r\nBob\r\n", "dev") == [expected("Ann"), expected("Bob")]


def test_values_that_end_with_nul_may_hold_lines() -> None:
    given = b"1 Main St\nApt 2\0Ann\r\0"
    assert tokens(given, "dev", "--null") == [expected("1 Main St\nApt 2"), expected("Ann\r")]


@pytest.mark.parametrize(
    ("normalize", "given", "text"),
    [
        ("email", " Ann@Example.COM ", "ann@example.com"),
        ("phone", "+1 (212) 555-0187", "12125550187"),
        ("lower", "ANN", "ann"),
    ],
)
def test_values_are_normalised_as_in_a_build(normalize: str, given: str, text: str) -> None:
    assert tokens(given, "dev", "--normalize", normalize) == [expected(text)]


def test_a_blank_value_has_no_token() -> None:
    assert tokens("\n \nAnn\n", "dev") == ["", "", expected("Ann")]
    assert json.loads(run("\nAnn\n", "dev", "--json").stdout) == [None, expected("Ann")]
    assert tokens("", "dev") == []
    assert json.loads(run("", "dev", "--json").stdout) == []


def test_a_retired_key_makes_its_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VARIABLES, "HIPAA_MODE_RETIRED_KEYS", OTHER_KEY)
    name = MasterKey(bytes.fromhex(OTHER_KEY)).name
    assert tokens("Ann", "dev", "--retired", name[:8]) == [expected("Ann", key=OTHER_KEY)]


def test_what_is_not_utf_8_is_refused_by_its_number() -> None:
    refused = run(b"Ann\nsecret \xff\n", "dev")
    assert isinstance(refused.exception, ConfigurationError)
    assert "Value 2 on standard input is not UTF-8" in str(refused.exception)
    assert "secret" not in refused.output + str(refused.exception)


def test_another_normalize_is_refused() -> None:
    assert isinstance(run("Ann", "dev", "--normalize", "e-mail").exception, ConfigurationError)


def test_nothing_but_tokens_is_shown() -> None:
    result = run("patient-10482\n", "dev")
    assert result.output == expected("patient-10482") + "\n"
    assert subkey("dev", "*") not in result.output


@pytest.mark.parametrize(
    ("key", "data", "digest"),
    [
        (b"Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ],
)  # fmt: skip
def test_tokens_are_those_of_rfc_4231(key: bytes, data: str, digest: str) -> None:
    assert hmac.digest(key, data.encode(), "sha256").hex() == digest
    assert tokens_of([data], Subkey(key.decode())) == [digest]


@pytest.mark.parametrize(
    "file", sorted(str(path) for pattern in ("*.md", "docs/*.md") for path in ROOT.glob(pattern))
)
def test_no_document_puts_a_subkey_into_an_argument(file: str) -> None:
    text = Path(file).read_text("utf-8")
    assert "$(hipaa-mode key show-scope" not in text
    assert '-hmac "' not in text
