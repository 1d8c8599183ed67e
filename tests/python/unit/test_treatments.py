"""The treatment column: a name of the catalogue, and for two of them a number."""

from __future__ import annotations

import pytest

from hipaa_mode.treatments import (
    DATA_TYPES,
    TREATMENTS,
    TreatmentSyntaxError,
    parse_treatment,
)

WITH_ARGUMENT = {"round": "1", "truncate": "3"}


@pytest.mark.parametrize("name", sorted(set(TREATMENTS) - set(WITH_ARGUMENT)))
def test_a_plain_treatment_is_written_as_its_name(name: str) -> None:
    treatment = parse_treatment(name)
    assert (treatment.kind.name, treatment.argument, str(treatment)) == (name, None, name)


@pytest.mark.parametrize("name", sorted(set(TREATMENTS) - set(WITH_ARGUMENT)))
def test_a_plain_treatment_takes_no_argument(name: str) -> None:
    with pytest.raises(TreatmentSyntaxError, match=f"`{name}` takes no argument"):
        parse_treatment(f"{name}(3)")


@pytest.mark.parametrize(("name", "default"), sorted(WITH_ARGUMENT.items()))
def test_a_treatment_with_an_argument_has_a_default(name: str, default: str) -> None:
    assert str(parse_treatment(name)) == f"{name}({default})"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("round(10)", "round(10)"),
        ("round( 10 )", "round(10)"),
        ("round(10.0)", "round(10)"),
        ("round(010)", "round(10)"),
        ("round(0.50)", "round(0.5)"),
        ("round(.5)", "round(0.5)"),
        ("round(1000000)", "round(1000000)"),
        ("truncate(2)", "truncate(2)"),
        ("truncate(2.0)", "truncate(2)"),
    ],
)
def test_spellings_of_one_argument_are_one_treatment(text: str, canonical: str) -> None:
    assert str(parse_treatment(text)) == canonical
    assert parse_treatment(text) == parse_treatment(canonical)


@pytest.mark.parametrize("text", ["round(0)", "round(0.0)", "round(1.2.3)", "round(.)"])
def test_a_step_must_be_a_number_above_zero(text: str) -> None:
    with pytest.raises(TreatmentSyntaxError, match="needs a number above 0"):
        parse_treatment(text)


def test_a_length_must_be_above_zero() -> None:
    with pytest.raises(TreatmentSyntaxError, match="needs a number above 0"):
        parse_treatment("truncate(0)")


def test_a_length_must_be_whole() -> None:
    with pytest.raises(TreatmentSyntaxError, match="whole number"):
        parse_treatment("truncate(2.5)")


@pytest.mark.parametrize(
    "text",
    ["", " ", "hash", "ALLOW", "allow ", "round()", "round(-1)", "round(1e3)", "round(1", "mask;"],
)
def test_an_unknown_treatment_lists_the_known_ones(text: str) -> None:
    with pytest.raises(TreatmentSyntaxError) as caught:
        parse_treatment(text)
    assert all(name in str(caught.value) for name in TREATMENTS)


def test_only_allow_passes_values() -> None:
    passing = {name for name, kind in TREATMENTS.items() if kind.passes_values}
    assert passing == {"allow"}


@pytest.mark.parametrize("name", sorted(TREATMENTS))
def test_every_treatment_says_what_it_does_and_where_that_comes_from(name: str) -> None:
    kind = TREATMENTS[name]
    assert kind.meaning
    assert kind.source
    assert kind.data_type in DATA_TYPES.values()
