{#- What identifiers look like: conditions on a text called `shown_text`, by kind. -#}
{% macro identifier_patterns() -%}
    {{- return({
        'email_like': hipaa_mode.contains_pattern('shown_text', '[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*\\.[A-Za-z]{2,}'),
        'phone_like': '(' ~ hipaa_mode.contains_pattern(
            'shown_text', '(^|[^0-9A-Za-z])(\\+?1[-. ]?)?(\\([2-9][0-9]{2}\\) ?|[2-9][0-9]{2}[-. ])[0-9]{3}[-. ][0-9]{4}([^0-9A-Za-z]|$)'
        ) ~ ' or ' ~ hipaa_mode.contains_pattern('shown_text', '(^|[^0-9A-Za-z+])\\+[1-9][0-9]{7,14}([^0-9]|$)')
        ~ ' or ' ~ hipaa_mode.matches('shown_text', '\\s*1?[2-9][0-9]{2}[2-9][0-9]{6}\\s*') ~ ')',
        'ssn_like': hipaa_mode.contains_pattern('shown_text', '(^|[^0-9A-Za-z-])[0-9]{3}-[0-9]{2}-[0-9]{4}([^0-9A-Za-z-]|$)'),
        'card_like': hipaa_mode.is_card_number('shown_text'),
    }) -}}
{%- endmacro %}

{#- Whether a text holds 13 to 19 digits, blanks and hyphens between them let be, that pass the
    check of ISO/IEC 7812 (Luhn). -#}
{% macro is_card_number(text) -%}
    {{- return(adapter.dispatch('is_card_number', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__is_card_number(text) -%}
    {%- set candidates = 'regexp_extract_all(' ~ text ~ ", '(?:^|[^0-9A-Za-z.-])([0-9](?:[ -]?[0-9]){12,18})(?:[^0-9A-Za-z-]|$)', 1)" -%}
    {%- set digits = "list_reverse(string_split(regexp_replace(candidate, '[^0-9]', '', 'g'), ''))" -%}
    {#- Digits count from the right; every second one is doubled, and 9 taken off above 9. -#}
    {%- set weighed = 'lambda digit, place: try_cast(digit as integer) * (2 - place % 2) - case when place % 2 = 0 and try_cast(digit as integer) > 4 then 9 else 0 end' -%}
    {%- set passes = 'list_sum(list_transform(' ~ digits ~ ', ' ~ weighed ~ ')) % 10 = 0' -%}
    {{- return(
        'case when ' ~ hipaa_mode.contains_pattern(text, '[0-9]([ -]?[0-9]){12}')
        ~ ' then len(list_filter(' ~ candidates ~ ', lambda candidate: ' ~ passes ~ ')) > 0 else false end'
    ) -}}
{%- endmacro %}
