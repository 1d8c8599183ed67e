"""A model that could differ between `dbt build` and `dbt compile` is told from one that can't."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipaa_mode.run.plain_models import is_plain

MODELS = sorted((Path(__file__).resolve().parents[3] / "models").glob("*/*.sql"))


@pytest.mark.parametrize("path", MODELS, ids=[path.stem for path in MODELS])
def test_every_model_of_the_package_is_plain(path: Path) -> None:
    assert is_plain(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "code",
    [
        "select {% if flags.WHICH == 'compile' %}1{% else %}2{% endif %}",
        "select {{ 1 if flags.WHICH == 'compile' else 2 }}",
        "select {{ flags.WHICH }}",
        "select '{{ invocation_id }}'",
        "{{ hipaa_mode.masked_calls(flags.WHICH) }}",
        "{{ hipaa_mode.masked_calls('events') | replace('a', 'b') }}",
        "{{ hipaa_mode.masked_calls('events') ~ target.name }}",
        "{{ hipaa_mode.masked_calls(*names) }}",
        "{{ masked_calls('events') }}",
        "{{ ours.masked_calls('events') }}",
        "{{ env_var('HOME') }}",
        "{{ config(materialized=var('how')) }} select 1",
        "{{ ref(target.name) }}",
        "{% set which = 'a' %}select 1",
        "{% do run_query('select 1') %}select 1",
        "{% macro ref(x) %}raw{% endmacro %}select 1",
        "{{ broken",
    ],
)
def test_what_could_differ_by_command_is_not_plain(code: str) -> None:
    assert not is_plain(code)
