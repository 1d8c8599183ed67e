"""Raw ids among the values that a destination may have: what counts as one, and what is chance.

One home for the rule. The dbt test `no_raw_identifiers` and the last look at finished files both
ask here for their SQL, so that they can't disagree.

A value that some id equals is a leak, and the destination is held back, unless it is plainly a
word that many people share and that somebody else took for an id: an outsider who calls
themselves `premium` must not stop every destination that has the column `plan`. It is taken for a
coincidence if

- more than `PEOPLE_PER_CALL` different people have it for each call that was made under the id,
- and no more than `MOST_COINCIDENCES` values of the column are such.

An id in the rows of its own person alone, of few others, or of nobody known is never a
coincidence, and neither is a shared id under which many calls are made, such as a group's.

An id counts in every spelling that some destination takes for the same person or group, and so
does a value: `202-555-0123` is the id `+1 202 555 0123` where the row of the id says `phone(1)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hipaa_mode.configuration import ENVELOPE_IDS
from hipaa_mode.functions import SCHEMA

PEOPLE_PER_CALL = 10
"""How many different people must have a value for each call of the id that it equals."""

MOST_COINCIDENCES = 3
"""How many values of one column may be coincidences: a column of ids has more."""

UP_TO = "up to"
"""The kind of a row of counted ids that has none, and says up to which run they are counted."""


def spelling(text: str) -> str:
    """Return SQL of the one spelling in which ids and values are compared.

    Percent-encoding, blanks around it, case and the composition of accents make no difference.

    Args:
        text: SQL of a text.
    """
    return f"{SCHEMA}.comparable({text})"


def json_texts(text: str) -> str:
    """Return SQL of the list of all scalars and key names in a JSON text.

    Args:
        text: SQL of the JSON text.
    """
    return f"{SCHEMA}.texts_within({text})"


def judged_values(
    shown: str,
    people: str,
    identifiers: str,
    key: Callable[[str], str] = spelling,
    spellings: Sequence[str] = (),
    before_joins: bool = False,
) -> str:
    """Return a query that judges the values which some id equals.

    The result has, for each column with such values, `column_number`, `leaks` and `coincidences`:
    how many different values are the one or the other, and never which.

    Args:
        shown: relation of the values to look at: `column_number`, `shown_text`.
        people: relation of all rows: `column_number`, `shown_text`, and `person`, what the
            destination knows the row's person by; null where it knows nothing.
        identifiers: relation of the ids of all calls: `identifier`, in its `spelling`, and
            `calls`, how many were made under it.
        key: SQL of what a text has in common with the ids that it equals, given SQL of the text.
        spellings: SQL of other spellings of `shown_text`, null where it has none.
        before_joins: whether keys are columns, where no join may be on what SQL calls.
    """
    shown = _respelled(shown, "column_number", spellings)
    people = _respelled(people, "column_number, person", spellings)
    shown_key, others_key = key("shown.shown_text"), key("others.shown_text")
    if before_joins:
        keyed = f"(select *, {key('shown_text')} as shown_key from {{}} as texts)"
        shown, people = keyed.format(shown), keyed.format(people)
        shown_key, others_key = "shown.shown_key", "others.shown_key"
    return f"""select
    column_number,
    count(case when not is_common or common > {MOST_COINCIDENCES} then 1 end) as leaks,
    count(case when is_common and common <= {MOST_COINCIDENCES} then 1 end) as coincidences
from (
    select
        column_number,
        is_common,
        count(case when is_common then 1 end) over (partition by column_number) as common
    from (
        select
            ids_shown.column_number,
            ids_shown.identifier,
            count(distinct others.person) > {PEOPLE_PER_CALL} * ids_shown.calls as is_common
        from (
            select distinct
                shown.column_number,
                identifiers.identifier,
                identifiers.calls
            from {shown} as shown
            inner join {identifiers} as identifiers
                on {shown_key} = identifiers.identifier
        ) as ids_shown
        inner join {people} as others
            on ids_shown.column_number = others.column_number
            and ids_shown.identifier = {others_key}
        group by
            ids_shown.column_number,
            ids_shown.identifier,
            ids_shown.calls
    ) as ids_with_people
) as judged
group by column_number"""


def _respelled(texts: str, columns: str, spellings: Sequence[str]) -> str:
    """Return a relation of texts with their other spellings as rows of their own."""
    if not spellings:
        return texts
    others = "".join(
        f"\n    union all\n    select {columns}, {other} as shown_text from {texts} as texts"
        for other in spellings
    )
    return f"(select {columns}, shown_text from {texts} as texts{others})"


def different_texts(texts: Sequence[str]) -> str:
    """Return SQL of the different ones of some texts, as rows, on DuckDB."""
    return f"unnest(list_distinct([{', '.join(texts)}]))"


def count_of_calls(
    calls: str,
    names: list[str],
    minimum_length: int,
    spellings: Mapping[str, Sequence[str]] | None = None,
    different: Callable[[Sequence[str]], str] = different_texts,
    is_counted: bool = False,
    before_rows: bool = False,
) -> str:
    """Return a query of the ids of all usable calls, `identifier`, each with its `calls`.

    Args:
        calls: the relation `calls_read`; the table of counted ids, if it `is_counted`.
        names: which of its ids: `user_id`, `anonymous_id`, `group_id`.
        minimum_length: characters that an id must have: shorter ones would be found in any
            column of small numbers.
        spellings: by name, SQL of other spellings of such an `id`, null where it has none.
        different: SQL of the different ones of some texts, as rows.
        before_rows: whether the texts are columns, where no rows are made of what SQL calls.
    """
    others = spellings or {}
    each = "\n        union all\n".join(
        _ids_of(
            _counted(calls, name) if is_counted else _count(calls, name),
            others.get(name, ()),
            different,
            before_rows,
        )
        for name in names
    )
    return f"""select
    identifier,
    sum(calls) as calls
from (
{each}
) as ids
where length(identifier) >= {minimum_length:d}
group by 1"""


def count_new(counted: str, calls: str) -> str:
    """Return the statement that adds the ids of calls that were read since they were counted last.

    A row without an id says up to which run, `$run_number`, that is done.

    Args:
        counted: the table of counted ids: `run_number`, `kind`, `id`, `calls`.
        calls: the relation `calls_read`.
    """
    is_new = f"run_number > (select coalesce(max(run_number), 0) from {counted})"
    each = " union all ".join(
        f"select '{name}', id, calls from ({_count(calls, name, is_new)}) as ids"
        for name in ENVELOPE_IDS
    )
    return (
        f"insert into {counted} select cast($run_number as bigint), kind, id, calls "
        f"from ({each} union all select '{UP_TO}', null, 0) as new_ids (kind, id, calls)"
    )


def is_counted_up_to(counted: str, run_number: int) -> str:
    """Return the condition that the ids of all calls which a run has are counted.

    A transaction that began before they were sees none of them, and must not pass for it.
    """
    return (
        f"exists (select 1 from {counted} where kind = '{UP_TO}' and run_number = {run_number:d})"
    )


def _count(calls: str, name: str, condition: str = "") -> str:
    return (
        f"select {name} as id, count(*) as calls from {calls} where rejection_reason is null "
        f"and {name} is not null{' and ' if condition else ''}{condition} group by 1"
    )


def _counted(counted: str, name: str) -> str:
    return f"select id, calls from {counted} where kind = '{name}'"


def _ids_of(
    ids: str,
    spellings: Sequence[str],
    different: Callable[[Sequence[str]], str],
    before_rows: bool,
) -> str:
    """Return a query of ids in every spelling, given one of each `id` and its `calls`."""
    each_id = f"(\n            {ids}\n        ) as each_id"
    if not (before_rows and spellings):
        return (
            f"        select {_identifier(spellings, different)} as identifier, calls\n"
            f"        from {each_id}"
        )
    texts = {f"text_{place}": text for place, text in enumerate(("id", *spellings))}
    columns = ", ".join(f"{spelling(text)} as {column}" for column, text in texts.items())
    return (
        f"        select {different(list(texts))} as identifier, calls\n"
        f"        from (select {columns}, calls from {each_id}) as spelled"
    )


def _identifier(spellings: Sequence[str], different: Callable[[Sequence[str]], str]) -> str:
    """Return SQL of an id as it is compared; rows where it has several spellings."""
    if not spellings:
        return spelling("id")
    return different([spelling(text) for text in ("id", *spellings)])
