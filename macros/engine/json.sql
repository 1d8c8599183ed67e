{#- JSON as this engine reads it. A JSON text is a varchar holding one JSON value. -#}

{#- All the paths at once: one parse of the message, however many values are wanted. Null
    where the message is not JSON. -#}
{% macro extract_json_texts(message, json_paths) -%}
    {{- return(adapter.dispatch('extract_json_texts', 'hipaa_mode')(message, json_paths)) -}}
{%- endmacro %}

{% macro duckdb__extract_json_texts(message, json_paths) -%}
    {%- set found = 'try(json_extract(' ~ message ~ ', [' ~ hipaa_mode.literals(json_paths) ~ ']))' -%}
    {{- return('cast(' ~ found ~ ' as varchar[])') -}}
{%- endmacro %}

{% macro json_types(message, json_paths) -%}
    {{- return(adapter.dispatch('json_types', 'hipaa_mode')(message, json_paths)) -}}
{%- endmacro %}

{% macro duckdb__json_types(message, json_paths) -%}
    {{- return('try(json_type(' ~ message ~ ', [' ~ hipaa_mode.literals(json_paths) ~ ']))') -}}
{%- endmacro %}

{% macro json_text_at(json_text, json_path) -%}
    {{- return(adapter.dispatch('json_text_at', 'hipaa_mode')(json_text, json_path)) -}}
{%- endmacro %}

{% macro duckdb__json_text_at(json_text, json_path) -%}
    {{- return('cast(json_extract(' ~ json_text ~ ', ' ~ hipaa_mode.literal(json_path) ~ ') as varchar)') -}}
{%- endmacro %}

{#- The elements of an array as JSON texts; null where there is no array. -#}
{% macro json_elements(json_text) -%}
    {{- return(adapter.dispatch('json_elements', 'hipaa_mode')(json_text)) -}}
{%- endmacro %}

{% macro duckdb__json_elements(json_text) -%}
    {{- return(
        "case when starts_with(" ~ json_text ~ ", '[') then cast(json_extract(" ~ json_text
        ~ ", '$[*]') as varchar[]) end"
    ) -}}
{%- endmacro %}

{% macro is_json_container(json_text) -%}
    {{- return(adapter.dispatch('is_json_container', 'hipaa_mode')(json_text)) -}}
{%- endmacro %}

{% macro duckdb__is_json_container(json_text) -%}
    {{- return('(starts_with(' ~ json_text ~ ", '{') or starts_with(" ~ json_text ~ ", '['))") -}}
{%- endmacro %}

{#- The names of the keys of the objects at some paths, a list for each, from one parse. -#}
{% macro json_key_names(message, json_paths) -%}
    {{- return(adapter.dispatch('json_key_names', 'hipaa_mode')(message, json_paths)) -}}
{%- endmacro %}

{% macro duckdb__json_key_names(message, json_paths) -%}
    {{- return('try(json_keys(' ~ message ~ ', [' ~ hipaa_mode.literals(json_paths) ~ ']))') -}}
{%- endmacro %}

{#- A list of texts as one text, with the unit separator between them. -#}
{% macro joined_texts(texts) -%}
    {{- return(adapter.dispatch('joined_texts', 'hipaa_mode')(texts)) -}}
{%- endmacro %}

{% macro duckdb__joined_texts(texts) -%}
    {{- return('array_to_string(' ~ texts ~ ', chr(31))') -}}
{%- endmacro %}

{#- The text of a scalar, the same on every engine; null for an object, an array or null. A string
    is its characters, a boolean `true` or `false`. One number has one text or none: docs/values.md. -#}
{% macro scalar_text(json_text) -%}
    {{- return(adapter.dispatch('scalar_text', 'hipaa_mode')(json_text)) -}}
{%- endmacro %}

{% macro duckdb__scalar_text(json_text) -%}
    {%- set t = json_text -%}
    {#- Whole numbers from 10^21 on have an exponent, if no digit is lost by it. -#}
    {%- set with_exponent = "replace(regexp_replace(" ~ t ~ ", '^(-?[0-9])([0-9]*?)0*$', '\\1.\\2e+'), '.e', 'e') || length(ltrim(" ~ t ~ ", '-')) - 1" -%}
case
        when starts_with({{ t }}, '"') and not contains({{ t }}, '\') then substring({{ t }}, 2, length({{ t }}) - 2)
        when starts_with({{ t }}, '"') then json_extract_string({{ t }}, '$')
        when {{ t }} in ('true', 'false') then {{ t }}
        when {{ t }} = '-0.0' then '0'
        when regexp_full_match({{ t }}, '-?[0-9]{1,15}0*\.0') then left({{ t }}, -2)
        when regexp_full_match({{ t }}, '-?[0-9]{1,15}0{7,}') and length(ltrim({{ t }}, '-')) between 22 and 38 then {{ with_exponent }}
        when regexp_full_match({{ t }}, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then {{ t }}
        when regexp_full_match({{ t }}, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace({{ t }}, 'e', 'e+')
        when regexp_full_match({{ t }}, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then {{ t }}
    end
{%- endmacro %}

{#- An expression over each member of an object, as a list; null where there is no object. The
    expression names a member by member_name() and member_value(). A name that stands there twice is
    two members. -#}
{% macro map_members(json_text, expression) -%}
    {{- return(adapter.dispatch('map_members', 'hipaa_mode')(json_text, expression)) -}}
{%- endmacro %}

{% macro duckdb__map_members(json_text, expression) -%}
    {{- return(
        'list_transform(map_entries(try_cast(try_cast(' ~ json_text ~ ' as json) as map(varchar, json))), lambda member: ' ~ expression ~ ')'
    ) -}}
{%- endmacro %}

{% macro member_name() -%}
    {{- return(adapter.dispatch('member_name', 'hipaa_mode')()) -}}
{%- endmacro %}

{% macro duckdb__member_name() -%}
    {{- return("member['key']") -}}
{%- endmacro %}

{#- The JSON text of a member's value; null for null. -#}
{% macro member_value() -%}
    {{- return(adapter.dispatch('member_value', 'hipaa_mode')()) -}}
{%- endmacro %}

{% macro duckdb__member_value() -%}
    {{- return("cast(member['value'] as varchar)") -}}
{%- endmacro %}
