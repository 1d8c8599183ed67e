{#- What checks of the destination views are made of. -#}

{#- The texts that a row shows in a column, one a row of the result. -#}
{% macro each_shown_text(column, in_json=false) -%}
    {{- return(adapter.dispatch('each_shown_text', 'hipaa_mode')(column, in_json)) -}}
{%- endmacro %}

{% macro duckdb__each_shown_text(column, in_json) -%}
    {%- set name = hipaa_mode.identifier(column.name) -%}
    {%- if not in_json -%}
        {{- return('unnest(' ~ name ~ ')' if column.is_list else name) -}}
    {%- elif column.is_list -%}
        {{- return('unnest(' ~ hipaa_mode.flatten_list(hipaa_mode.map_list(name, hipaa_mode.door().json_texts('element'))) ~ ')') -}}
    {%- endif -%}
    {{- return('unnest(' ~ hipaa_mode.door().json_texts(name) ~ ')') -}}
{%- endmacro %}

{% macro postgres__each_shown_text(column, in_json) -%}
    {%- set name = hipaa_mode.identifier(column.name) -%}
    {%- if not in_json -%}
        {{- return('unnest(' ~ name ~ ')' if column.is_list else name) -}}
    {%- elif column.is_list -%}
        {{- return(
            'unnest(array(select part from unnest(' ~ name ~ ') as elements (element) cross join lateral unnest('
            ~ hipaa_mode.door().json_texts('element') ~ ') as parts (part)))'
        ) -}}
    {%- endif -%}
    {{- return('unnest(' ~ hipaa_mode.door().json_texts(name) ~ ')') -}}
{%- endmacro %}

{% macro spark__each_shown_text(column, in_json) -%}
    {%- set name = hipaa_mode.identifier(column.name) -%}
    {{- return('explode(texts_of_column)' if in_json else ('explode(' ~ name ~ ')' if column.is_list else name)) -}}
{%- endmacro %}

{#- Rows to be read for what they show in a column; `in_json` each column has a query of its own. -#}
{% macro rows_with_texts(rows, column, in_json=false) -%}
    {{- return(adapter.dispatch('rows_with_texts', 'hipaa_mode')(rows, column, in_json)) -}}
{%- endmacro %}

{% macro default__rows_with_texts(rows, column, in_json) -%}
    {{- return(rows) -}}
{%- endmacro %}

{#- No rows are made there of what a function gives. -#}
{% macro spark__rows_with_texts(rows, column, in_json) -%}
    {%- if not in_json -%}
        {{- return(rows) -}}
    {%- endif -%}
    {%- set name = hipaa_mode.identifier(column.name) -%}
    {%- set texts = hipaa_mode.flatten_list(hipaa_mode.map_list(name, hipaa_mode.door().json_texts('element'))) if column.is_list else hipaa_mode.door().json_texts(name) -%}
    {{- return('(select *, ' ~ texts ~ ' as texts_of_column from ' ~ rows ~ ') as rows_with_texts') -}}
{%- endmacro %}

{#- The query of the different texts that rows show in some columns: `column_number`, `shown_text`. -#}
{% macro different_texts(columns, rows, in_json, view_name) -%}
    {{- return(adapter.dispatch('different_texts', 'hipaa_mode')(columns, rows, in_json, view_name)) -}}
{%- endmacro %}

{% macro default__different_texts(columns, rows, in_json, view_name) -%}
select distinct column_number, shown_text
from (
    {{ hipaa_mode.shown_texts(columns, columns, rows, in_json) }}
) as texts
{%- endmacro %}

{#- Where they can be held at once they are lists first: all columns in one scan, and of a column that is
    stored as places in a dictionary its different texts alone. -#}
{% macro duckdb__different_texts(columns, rows, in_json, view_name) -%}
{%- set plain = [] if in_json else columns | rejectattr('is_list') | list -%}
{%- set lists = columns | selectattr('is_list') | list -%}
{%- if not plain or not hipaa_mode.door().has_few_texts(view_name, plain | map(attribute='name') | list) -%}
{{ hipaa_mode.default__different_texts(columns, rows, in_json, view_name) }}
{%- else -%}
select
    column_number,
    unnest(texts) as shown_text
from (
    select
        {{ hipaa_mode.rows_side_by_side({'column_number': hipaa_mode.values_as_list(hipaa_mode._numbers(plain, columns)), 'texts': 'texts_of_columns'}) | indent(8) }}
    from (
        select [list(distinct {{ hipaa_mode.each_identifier(plain | map(attribute='name')) | join('), list(distinct ') }})] as texts_of_columns
        from {{ rows }}
    ) as lists
) as texts
{%- if lists %}
union all
select distinct column_number, shown_text
from (
    {{ hipaa_mode.shown_texts(lists, columns, rows) }}
) as texts
{%- endif -%}
{%- endif -%}
{%- endmacro %}

{#- Steps `shown_tokens`, the texts of columns of tokens, and `suspected_tokens`: those of them that may
    be none. -#}
{% macro shown_tokens(columns, surrogates, rows) -%}
    {{- return(adapter.dispatch('shown_tokens', 'hipaa_mode')(columns, surrogates, rows)) -}}
{%- endmacro %}

{#- Each different text once; row ids are as many as rows, and read again sooner than kept. -#}
{% macro default__shown_tokens(columns, surrogates, rows) -%}
{%- set row_ids = columns | selectattr('name', 'equalto', 'row_id') | list -%}
{%- set others = columns | rejectattr('name', 'equalto', 'row_id') | list -%}
different_tokens as {{ hipaa_mode.kept() }}(

    {% if others -%}
    select distinct column_number, shown_text
    from (
        {{ hipaa_mode.shown_texts(others, columns, rows) | indent(4) }}
    ) as texts
    {%- else -%}
    select 0 as column_number, '' as shown_text
    where false
    {%- endif %}

),

shown_tokens as {{ hipaa_mode.kept(false) }}(

    {% if row_ids -%}
    {{ hipaa_mode.shown_texts(row_ids, columns, rows) }}
    union all
    {% endif -%}
    select column_number, shown_text
    from different_tokens

),

suspected_tokens as {{ hipaa_mode.kept(false) }}(

    select column_number, shown_text
    from shown_tokens

)
{%- endmacro %}

{#- One look at a whole row tells that nothing in it is suspect: a pattern would take ten times as long
    over so many digits, and different texts more memory. -#}
{% macro duckdb__shown_tokens(columns, surrogates, rows) -%}
{%- set texts = [] -%}
{%- set conditions = [] -%}
{%- for column in columns -%}
    {%- set name = hipaa_mode.identifier(column.name) -%}
    {%- set digits = 32 if column in surrogates else 64 -%}
    {%- do texts.append("array_to_string(" ~ name ~ ", '')" if column.is_list else name) -%}
    {%- do conditions.append(
        'len(list_filter(' ~ name ~ ', lambda element: strlen(element) <> ' ~ digits ~ ')) > 0' if column.is_list
        else 'strlen(' ~ name ~ ') <> ' ~ digits
    ) -%}
{%- endfor -%}
shown_tokens as {{ hipaa_mode.kept(false) }}(

    {{ hipaa_mode.shown_texts(columns, columns, rows) }}

),

suspected_rows as {{ hipaa_mode.kept(false) }}(

    select *
    from {{ rows }}
    where
        not system.main.hipaa_mode_is_hexadecimal(concat({{ texts | join(', ') }}))
        {%- for condition in conditions %}
        or coalesce({{ condition }}, false)
        {%- endfor %}

),

suspected_tokens as {{ hipaa_mode.kept(false) }}(

    {{ hipaa_mode.shown_texts(columns, columns, 'suspected_rows') }}

)
{%- endmacro %}

{#- A text as a key of 64 bits, quicker to count by. That two of ten million texts share one is as
    likely as three in a million, and then a check fails that should pass. -#}
{% macro compact_key(text) -%}
    {{- return(adapter.dispatch('compact_key', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__compact_key(text) -%}
    {{- return('case when ' ~ text ~ ' is not null then hash(' ~ text ~ ') end') -}}
{%- endmacro %}

{% macro postgres__compact_key(text) -%}
    {{- return('hashtextextended(' ~ text ~ ', 0)') -}}
{%- endmacro %}

{% macro spark__compact_key(text) -%}
    {{- return('case when ' ~ text ~ ' is not null then xxhash64(' ~ text ~ ') end') -}}
{%- endmacro %}

{#- The relation of the rows of published files, or of those about to be. `all_columns` are those
    that any of them has; else all must have those of the first. -#}
{% macro file_rows(files, all_columns=false) -%}
    {{- return(adapter.dispatch('file_rows', 'hipaa_mode')(files, all_columns)) -}}
{%- endmacro %}

{% macro duckdb__file_rows(files, all_columns) -%}
    {%- set listed = hipaa_mode.each_literal(files) | join(',\n    ') -%}
    {{- return('read_parquet([\n    ' ~ listed ~ '\n]' ~ (', union_by_name = true' if all_columns else '') ~ ')') -}}
{%- endmacro %}

{% macro postgres__file_rows(files, all_columns) -%}
    {{- exceptions.raise_compiler_error('hipaa_mode: PostgreSQL publishes no files') -}}
{%- endmacro %}

{% macro spark__file_rows(files, all_columns) -%}
    {{- return(hipaa_mode.door().view_of_files(files, all_columns)) -}}
{%- endmacro %}

{% macro csv_rows(file) -%}
    {{- return(adapter.dispatch('csv_rows', 'hipaa_mode')(file)) -}}
{%- endmacro %}

{% macro duckdb__csv_rows(file) -%}
    {{- return('read_csv(' ~ hipaa_mode.literal(file) ~ ", header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')") -}}
{%- endmacro %}

{#- The server does not have the file, so its rows stand in the query. -#}
{% macro default__csv_rows(file) -%}
    {%- set found = hipaa_mode.door().csv_rows(file) if file else {'names': ['nothing'], 'rows': []} -%}
    {%- set rows = [] -%}
    {%- for row in found.rows -%}
        {%- do rows.append('(' ~ hipaa_mode.cells_of(row) ~ ')') -%}
    {%- endfor -%}
    {%- if not rows -%}
        {{- return('(select ' ~ hipaa_mode.cells_of([none] * found.names | length) ~ ' where false) as rows_of_file (' ~ hipaa_mode.each_identifier(found.names) | join(', ') ~ ')') -}}
    {%- endif -%}
    {{- return('(values ' ~ rows | join(', ') ~ ') as rows_of_file (' ~ hipaa_mode.each_identifier(found.names) | join(', ') ~ ')') -}}
{%- endmacro %}

{#- The cells of a row of a seed, as SQL of texts. -#}
{% macro cells_of(row) -%}
    {%- set cells = [] -%}
    {%- for cell in row -%}
        {%- do cells.append('cast(null as ' ~ hipaa_mode.data_type('text') ~ ')' if cell is none else hipaa_mode.literal(cell)) -%}
    {%- endfor -%}
    {{- return(cells | join(', ')) -}}
{%- endmacro %}

{#- The query of all columns of a table, to be compared with texts. -#}
{% macro rows_as_texts(relation) -%}
    {{- return(adapter.dispatch('rows_as_texts', 'hipaa_mode')(relation)) -}}
{%- endmacro %}

{% macro default__rows_as_texts(relation) -%}
    {{- return('select * from ' ~ relation) -}}
{%- endmacro %}

{#- dbt takes a column without values for one of numbers, where nobody says what it is. -#}
{% macro postgres__rows_as_texts(relation) -%}
    {%- set columns = [] -%}
    {%- if execute and flags.WHICH not in ('compile', 'generate') -%}
        {%- for name in hipaa_mode.each_identifier(adapter.get_columns_in_relation(relation) | map(attribute='name')) -%}
            {%- do columns.append('cast(' ~ name ~ ' as text) as ' ~ name) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return('select ' ~ (columns | join(', ') or '*') ~ ' from ' ~ relation) -}}
{%- endmacro %}

{#- Notes how many values of a column are taken for a coincidence; true once that is done. -#}
{% macro note_coincidences(view_name, column_name, count) -%}
    {{- return(adapter.dispatch('note_coincidences', 'hipaa_mode')(view_name, column_name, count)) -}}
{%- endmacro %}

{% macro duckdb__note_coincidences(view_name, column_name, count) -%}
    {{- return('system.main.hipaa_mode_note_coincidences(' ~ hipaa_mode.literal(view_name) ~ ', ' ~ column_name ~ ', ' ~ count ~ ')') -}}
{%- endmacro %}

{#- No test can note anything there: what is published is looked at once more, and that is noted. -#}
{% macro postgres__note_coincidences(view_name, column_name, count) -%}
    {{- return('true') -}}
{%- endmacro %}

{% macro spark__note_coincidences(view_name, column_name, count) -%}
    {{- return('false') -}}
{%- endmacro %}

{#- A statement that fails with a message: the one way for a last hook to make dbt's exit code 1 and
    still have it write its results. -#}
{% macro failing_statement(message) -%}
    {{- return(adapter.dispatch('failing_statement', 'hipaa_mode')(message)) -}}
{%- endmacro %}

{% macro duckdb__failing_statement(message) -%}
    {{- return('select system.main.error(' ~ hipaa_mode.literal(message) ~ ')') -}}
{%- endmacro %}

{% macro postgres__failing_statement(message) -%}
    {%- set block = 'begin raise exception using message = ' ~ hipaa_mode.literal(message) ~ '; end' -%}
    {{- return('do ' ~ hipaa_mode.literal(block)) -}}
{%- endmacro %}

{% macro spark__failing_statement(message) -%}
    {{- return('select raise_error(' ~ hipaa_mode.literal(message) ~ ')') -}}
{%- endmacro %}
