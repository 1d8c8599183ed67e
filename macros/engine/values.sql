{#- Casts that give null where the text does not fit, and never an error that quotes it. -#}

{% macro data_type(name, is_list=false) -%}
    {{- return(adapter.dispatch('data_type', 'hipaa_mode')(name, is_list)) -}}
{%- endmacro %}

{% macro duckdb__data_type(name, is_list) -%}
    {%- set types = {
        'text': 'varchar', 'json': 'varchar', 'integer': 'bigint', 'number': 'double',
        'boolean': 'boolean', 'timestamp': 'timestamp', 'date': 'date',
    } -%}
    {{- return(types[name] ~ ('[]' if is_list else '')) -}}
{%- endmacro %}

{#- The types of columns of a view, in their order. -#}
{% macro data_types(columns) -%}
    {%- set known = {} -%}
    {%- set types = [] -%}
    {%- for column in columns -%}
        {%- set kind = (column.data_type, column.is_list) -%}
        {%- if kind not in known -%}
            {%- do known.update({kind: hipaa_mode.data_type(column.data_type, column.is_list)}) -%}
        {%- endif -%}
        {%- do types.append(known[kind]) -%}
    {%- endfor -%}
    {{- return(types) -}}
{%- endmacro %}

{#- A text without the blanks around it: those of every kind, as in hipaa_mode.masking. -#}
{% macro trimmed(text) -%}
    {%- set blanks = '[\\p{Z}\\x09-\\x0d\\x1c-\\x1f\\x{85}]+' -%}
    {{- return(hipaa_mode.remove_pattern(text, '^' ~ blanks ~ '|' ~ blanks ~ '$')) -}}
{%- endmacro %}

{#- A text in Unicode's composed form (NFC). -#}
{% macro composed(text) -%}
    {{- return(adapter.dispatch('composed', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__composed(text) -%}
    {{- return('nfc_normalize(' ~ text ~ ')') -}}
{%- endmacro %}

{#- An expression over a value under a name, so that the value is written once. -#}
{% macro bind(name, value, expression) -%}
    {{- return(adapter.dispatch('bind', 'hipaa_mode')(name, value, expression)) -}}
{%- endmacro %}

{% macro duckdb__bind(name, value, expression) -%}
    {{- return('list_transform([' ~ value ~ '], lambda ' ~ name ~ ': ' ~ expression ~ ')[1]') -}}
{%- endmacro %}

{#- Text to a type of the allowlist's `data_type` column; blanks around it say nothing. -#}
{% macro text_to(data_type, text) -%}
    {{- return(adapter.dispatch('text_to', 'hipaa_mode')(data_type, text)) -}}
{%- endmacro %}

{% macro duckdb__text_to(data_type, text) -%}
    {%- if data_type == 'text' -%}
        {{- return(text) -}}
    {%- elif data_type == 'integer' -%}
        {%- set integer = 'case when ' ~ hipaa_mode.matches('written', '[+-]?[0-9]+') ~ ' then try_cast(written as bigint) end' -%}
        {{- return(hipaa_mode.bind('written', hipaa_mode.trimmed(text), integer)) -}}
    {%- elif data_type == 'number' -%}
        {%- set number = 'case when ' ~ hipaa_mode.matches('written', '[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?')
            ~ ' and isfinite(try_cast(written as double)) then try_cast(written as double) end' -%}
        {{- return(hipaa_mode.bind('written', hipaa_mode.trimmed(text), number)) -}}
    {%- elif data_type == 'boolean' -%}
        {%- set boolean = "case when written in ('true', '1', 'yes') then true when written in ('false', '0', 'no') then false end" -%}
        {{- return(hipaa_mode.bind('written', 'lower(' ~ hipaa_mode.trimmed(text) ~ ')', boolean)) -}}
    {%- elif data_type == 'timestamp' -%}
        {{- return(hipaa_mode.text_to_timestamp(text)) -}}
    {%- elif data_type == 'date' -%}
        {{- return(hipaa_mode.text_to_date(text)) -}}
    {%- else -%}
        {{- exceptions.raise_compiler_error("hipaa_mode: unknown data type " ~ data_type) -}}
    {%- endif -%}
{%- endmacro %}

{% macro matches(text, pattern) -%}
    {{- return(adapter.dispatch('matches', 'hipaa_mode')(text, pattern)) -}}
{%- endmacro %}

{% macro duckdb__matches(text, pattern) -%}
    {{- return('regexp_full_match(' ~ text ~ ', ' ~ hipaa_mode.literal(pattern) ~ ')') -}}
{%- endmacro %}

{% macro contains_pattern(text, pattern) -%}
    {{- return(adapter.dispatch('contains_pattern', 'hipaa_mode')(text, pattern)) -}}
{%- endmacro %}

{% macro duckdb__contains_pattern(text, pattern) -%}
    {{- return('regexp_matches(' ~ text ~ ', ' ~ hipaa_mode.literal(pattern) ~ ')') -}}
{%- endmacro %}

{#- A group of a pattern; null where the pattern does not match the whole text. -#}
{% macro pattern_group(text, pattern, group) -%}
    {{- return(adapter.dispatch('pattern_group', 'hipaa_mode')(text, pattern, group)) -}}
{%- endmacro %}

{% macro duckdb__pattern_group(text, pattern, group) -%}
    {{- return(
        'case when ' ~ hipaa_mode.matches(text, pattern) ~ ' then regexp_extract(' ~ text ~ ', '
        ~ hipaa_mode.literal('^(?:' ~ pattern ~ ')$') ~ ', ' ~ group ~ ') end'
    ) -}}
{%- endmacro %}

{% macro remove_pattern(text, pattern) -%}
    {{- return(adapter.dispatch('remove_pattern', 'hipaa_mode')(text, pattern)) -}}
{%- endmacro %}

{% macro duckdb__remove_pattern(text, pattern) -%}
    {{- return('regexp_replace(' ~ text ~ ', ' ~ hipaa_mode.literal(pattern) ~ ", '', 'g')") -}}
{%- endmacro %}
