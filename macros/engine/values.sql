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

{#- Text to a type of the allowlist's `data_type` column. -#}
{% macro text_to(data_type, text) -%}
    {{- return(adapter.dispatch('text_to', 'hipaa_mode')(data_type, text)) -}}
{%- endmacro %}

{% macro duckdb__text_to(data_type, text) -%}
    {%- if data_type == 'text' -%}
        {{- return(text) -}}
    {%- elif data_type == 'integer' -%}
        {{- return("case when regexp_full_match(" ~ text ~ ", '[+-]?[0-9]+') then try_cast(" ~ text ~ " as bigint) end") -}}
    {%- elif data_type == 'number' -%}
        {{- return(
            "case when regexp_full_match(" ~ text
            ~ ", '[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?') and isfinite(try_cast("
            ~ text ~ " as double)) then try_cast(" ~ text ~ " as double) end"
        ) -}}
    {%- elif data_type == 'boolean' -%}
        {{- return("case lower(" ~ text ~ ") when 'true' then true when 'false' then false end") -}}
    {%- elif data_type == 'timestamp' -%}
        {{- return(hipaa_mode.text_to_timestamp(text)) -}}
    {%- elif data_type == 'date' -%}
        {{- return('cast(' ~ hipaa_mode.text_to_timestamp(text) ~ ' as date)') -}}
    {%- else -%}
        {{- exceptions.raise_compiler_error("hipaa_mode: unknown data type " ~ data_type) -}}
    {%- endif -%}
{%- endmacro %}

{#- ISO 8601, or seconds or milliseconds since 1970; the result is in UTC. -#}
{% macro text_to_timestamp(text) -%}
    {{- return(adapter.dispatch('text_to_timestamp', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__text_to_timestamp(text) -%}
    {#- A cast to timestamp passes over the offset, and one to timestamptz of a text without
        offset takes the session's: each is used for what it reads right. -#}
    {%- set with_offset = 'make_timestamp(epoch_us(try_cast(' ~ text ~ ' as timestamptz)))' -%}
    {{- return(
        "case when ends_with(" ~ text ~ ", 'Z') then try_cast(" ~ text ~ " as timestamp) when regexp_matches(" ~ text ~ ", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*[+-][0-9]{2}(:?[0-9]{2})?$') and contains("
        ~ text ~ ", ':') then " ~ with_offset ~ " when regexp_matches(" ~ text
        ~ ", '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') then try_cast(" ~ text
        ~ " as timestamp) when regexp_full_match(" ~ text ~ ", '[0-9]{12,14}') then epoch_ms(try_cast("
        ~ text ~ " as bigint)) when regexp_full_match(" ~ text
        ~ ", '[0-9]{9,11}') then epoch_ms(try_cast(" ~ text ~ " as bigint) * 1000) end"
    ) -}}
{%- endmacro %}

{% macro timestamp_at_precision(timestamp, precision) -%}
    {{- return(adapter.dispatch('timestamp_at_precision', 'hipaa_mode')(timestamp, precision)) -}}
{%- endmacro %}

{% macro duckdb__timestamp_at_precision(timestamp, precision) -%}
    {%- if precision == 'none' -%}
        {{- return('cast(null as timestamp)') -}}
    {%- elif precision == 'exact' -%}
        {{- return(timestamp) -}}
    {%- else -%}
        {{- return("cast(date_trunc('" ~ precision ~ "', " ~ timestamp ~ ') as timestamp)') -}}
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
