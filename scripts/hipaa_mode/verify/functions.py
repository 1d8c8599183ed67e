"""The functions that the models call, as reviewed.

`REVIEWED` has the SHA-256 of each engine's file of macros/functions/ as somebody read it. Under
that hash each function is known by its name: it gives what its comment in duckdb.sql says, of its
arguments and nothing else. Whoever changes a file reviews it and puts the new hash here;
docs/functions.md says how.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import Token, TokenType

from hipaa_mode import functions
from hipaa_mode.engines import DUCKDB, POSTGRES, SPARK, spark_json
from hipaa_mode.verify.dialects import calls_of_others, is_word, tokens_of
from hipaa_mode.verify.terms import (
    Evaluator,
    NotProvenError,
    Relation,
    Scope,
    Term,
    everything_in,
    parse,
)

REVIEWED = {
    DUCKDB: "344289562332aee46bc0a1aea982cc9679c5df2f38e2805a7af27f599d4f56d8",
    SPARK: "ffaba3a05bd5e7a619de6446f1273882130da97bacbe652706c993de76017179",
    POSTGRES: "7921f47ee1221f5e3b0b66c65e0c30416f5c3c44e00a4278c2ef4a0f561d29ff",
}


def problems(engine: str = DUCKDB) -> list[str]:
    """Say why an engine's functions are not known to be safe; nothing where they are."""
    if functions.file_hash(engine) != REVIEWED.get(engine):
        return [f"{functions.file_of(engine)} is not as reviewed"]
    if engine in OF_ARGUMENTS:
        return list(problems_of_text(functions.read_text(engine), engine))
    return [
        f"{functions.SCHEMA}.{function.name}: {problem}"
        for function in functions.functions().values()
        if (problem := reads_more(function))
    ]


def remedy(engine: str = DUCKDB) -> str:
    """Say what to do about them."""
    return (
        "Restore the file; or have it reviewed, then put its SHA-256 into verify/functions.py: "
        + functions.file_hash(engine)
    )


def reads_more(function: functions.Function) -> str:
    """Say what a function is made of beside its parameters; nothing where that is all."""
    given = {name: Term("parameter", name) for name in function.parameters}
    try:
        body = parse(f"select {function.body} as body").expressions[0].this
        term = Evaluator(_no_table, _no_join).expression(body, Scope(), {}, given)
    except NotProvenError as problem:
        return str(problem)
    is_masking = any(part.kind == "token" for part in everything_in(term))
    return "it makes a token, which the models are to show" if is_masking else ""


def _no_table(table: object) -> Relation:
    raise NotProvenError("function", "a relation in the body of a function")


def _no_join(base: Relation, right: Relation, condition: frozenset[Term]) -> Relation:
    raise NotProvenError("function", "a join in the body of a function")


OF_ARGUMENTS: Mapping[str, frozenset[str]] = {
    POSTGRES: frozenset(
        (
            *("abs", "all", "and", "any", "array", "array_agg", "array_fill", "array_remove"),
            *("array_to_string", "as", "ascii", "bit", "btrim", "cardinality", "cast", "chr"),
            "coalesce",
            *("concat", "concat_ws", "convert_from", "convert_to", "count", "decode", "else"),
            *("encode", "exists", "extract", "filter", "floor", "from", "generate_subscripts"),
            *(
                "get_byte",
                "greatest",
                "in",
                "json_array_elements",
                "json_each",
                "json_object_keys",
            ),
            *("json_typeof", "jsonb_object_keys", "jsonb_path_query_first", "jsonb_typeof"),
            *("lateral", "lead", "least", "left", "length", "lower", "lpad", "ltrim", "make_date"),
            *("make_interval", "md5", "min", "normalize", "not", "nullif", "octet_length", "or"),
            *("over", "power", "regexp_match", "regexp_matches", "regexp_replace", "repeat"),
            *("replace", "return", "reverse", "right", "round", "rpad", "rtrim", "sha256", "sign"),
            *("split_part", "starts_with", "string_agg", "string_to_array", "string_to_table"),
            *("strpos", "substr", "sum", "then", "to_char", "to_json", "translate", "trunc"),
            *("unnest", "upper", "when"),
        )
    ),
    SPARK: frozenset(
        (
            *("abs", "and", "array", "array_contains", "array_distinct", "array_join"),
            *("array_remove", "array_repeat", "array_size", "arrays_overlap", "ascii"),
            *("cardinality", "cast", "coalesce", "concat", "concat_ws", "contains", "conv"),
            *("count", "double", "endswith", "explode", "filter", "flatten", "floor", "from"),
            *("from_json", "get", "greatest", "in", "least", "left", "length", "locate"),
            *("lower", "lpad", "ltrim", "map", "map_contains_key", "not", "nullif", "nvl2"),
            *("octet_length", "or", "power", "regexp_extract", "regexp_extract_all"),
            *("regexp_replace", "repeat", "replace", "return", "right", "rint", "rlike"),
            *("rpad", "rtrim", "sha2", "signum", "slice", "sort_array", "split", "split_part"),
            *("startswith", "substr", "substring", "timestampadd", "timestampdiff", "to_json"),
            *("transform", "translate", "trim", "try_cast", "try_element_at"),
            *("try_url_decode", "try_validate_utf8"),
        )
    )
    | spark_json.NAMES,
}
"""Words that may stand before a bracket in a function of an engine: of arguments alone."""

_OF_MORE: Mapping[str, Mapping[str, str]] = {
    POSTGRES: {"current_setting": "token", "hmac": "token", "gen_random_bytes": "random_code"},
    # Of ICU: it composes accents.
    SPARK: {"java_method": "composed"},
}
"""What reads a setting, a key or chance, or is not SQL, and the one function that may."""


def problems_of_text(text: str, engine: str = POSTGRES) -> Iterator[str]:
    """Say what an engine's functions are made of beside their arguments."""
    for made in text.replace("$$", " ").replace("..", " to ").split("\ncreate ")[1:]:
        name = made.partition("(")[0].rpartition(".")[2]
        tokens = tokens_of(f"create {made}", engine)
        for word, _ in calls_of_others(tokens, OF_ARGUMENTS[engine]):
            if _OF_MORE[engine].get(word) != name:
                yield f"{functions.SCHEMA}.{name}: function `{word}` is not known"
        for relation in _relations(tokens):
            yield f"{functions.SCHEMA}.{name}: it reads `{relation}`"


_BEFORE_VALUES = (["extract", "("], ["(", "both"], ["(", "leading"])
"""What stands two words before a `from` that is no relation's."""


def _relations(tokens: list[Token]) -> Iterator[str]:
    """Give the names that a function reads rows of, other than those of its own queries."""
    words = [token.text.lower() for token in tokens]
    own = {word for word, *after in zip(words, words[1:], words[2:]) if after == ["as", "("]}
    for place, word in enumerate(words[:-2]):
        is_of_query = word in ("from", "join", "using", "into", "execute", "perform")
        is_of_value = (
            words[place - 3 : place - 1] in _BEFORE_VALUES or words[place - 1] == "distinct"
        )
        name, after = tokens[place + 1], tokens[place + 2]
        if not is_of_query or is_of_value or not is_word(name) or name.text.lower() in own:
            continue
        is_called = after.token_type == TokenType.L_PAREN or name.text == functions.SCHEMA
        if not is_called and name.text.lower() != "lateral":
            yield name.text
