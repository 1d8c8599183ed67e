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

{#- Whether a JSON text may have something other than an object under one of some names: a quick look
    that never misses any. A name with escapes in it is written in another way. -#}
{% macro may_have_no_object(json, names) -%}
    {{- return(adapter.dispatch('may_have_no_object', 'hipaa_mode')(json, names)) -}}
{%- endmacro %}

{% macro duckdb__may_have_no_object(json, names) -%}
    {%- set found = hipaa_mode.contains_pattern(json, '"(?:' ~ names | join('|') ~ ')"\\s*:\\s*[^{\\s]') -%}
    {{- return('contains(' ~ json ~ ", '\\u') or " ~ found) -}}
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

{#- A key in one spelling: lower-case, without `_`, `-` and blanks. -#}
{% macro folded_key(key) -%}
    {{- return(adapter.dispatch('folded_key', 'hipaa_mode')(key)) -}}
{%- endmacro %}

{% macro duckdb__folded_key(key) -%}
    {{- return('lower(regexp_replace(' ~ key ~ ", '[_ -]', '', 'g'))") -}}
{%- endmacro %}

{#- A call made again of the keys that a call is read by, each under its usual name: first those that
    have it, then the keys in the list `others`. A key that says nothing is left out, so that another spelling counts. Of
    what says where a call may go all spellings count: where they differ, it can't be read. -#}
{% macro respelled_call(json, others) -%}
    {{- return(adapter.dispatch('respelled_call', 'hipaa_mode')(json, others)) -}}
{%- endmacro %}

{% macro duckdb__respelled_call(json, others) -%}
    {%- set key = hipaa_mode.member_name() -%}
    {%- set value = 'coalesce(' ~ hipaa_mode.member_value() ~ ", 'null')" -%}
    {%- set field = hipaa_mode.field_of_key(key) -%}
    {%- set folded = hipaa_mode.folded_key(key) -%}
    {%- set is_other = 'list_contains(' ~ others ~ ', ' ~ key ~ ')' -%}
    {%- set members = hipaa_mode.map_members(json, 'member') -%}
    {%- set known = 'list_filter(' ~ members ~ ', lambda member: ' ~ field ~ ' is not null)' -%}
    {%- set ordered = 'list_concat(list_filter(known, lambda member: not ' ~ is_other ~ '), list_filter(known, lambda member: ' ~ is_other ~ '))' -%}
    {%- set says = 'not ' ~ hipaa_mode.says_nothing(value) -%}
    {%- set is_no_id = 'ends_with(' ~ folded ~ ", 'id') and (" ~ hipaa_mode.is_json_container(value) ~ ' or ' ~ hipaa_mode.is_no_id('trim(' ~ value ~ ", '\"')") ~ ')' -%}
    {%- set is_plain = folded ~ " not in ('integrations', 'consent', 'context') and " ~ says ~ ' and not (' ~ is_no_id ~ ')' -%}
    {%- set name = 'case when ' ~ is_other ~ ' then ' ~ field ~ ' else ' ~ key ~ ' end' -%}
    {%- set plain = 'list_transform(list_filter(read, lambda member: ' ~ is_plain ~ "), lambda member: '\"' || " ~ name ~ " || '\":' || " ~ value ~ ')' -%}
    {%- set agreed = [] -%}
    {%- for name in ['integrations', 'consent', 'context'] -%}
        {%- set is_read = folded ~ ' = ' ~ hipaa_mode.literal(name) ~ (' and ' ~ says if name == 'context' else '') -%}
        {%- set all = 'list_transform(list_filter(read, lambda member: ' ~ is_read ~ '), lambda member: ' ~ value ~ ')' -%}
        {%- set telling = "list_distinct(list_filter(said, lambda element: element not in ('{}', '{\"All\":true}')))" -%}
        {%- set one = hipaa_mode.bind('said', all, 'case len(' ~ telling ~ ') when 0 then said[1] when 1 then ' ~ telling ~ "[1] else '\"\"' end") -%}
        {%- do agreed.append("'\"" ~ name ~ "\":' || " ~ one) -%}
    {%- endfor -%}
    {%- set call = "'{' || array_to_string(list_concat(" ~ plain ~ ', [' ~ agreed | join(', ') ~ "]), ',') || '}'" -%}
    {{- return(hipaa_mode.bind('known', known, hipaa_mode.bind('read', ordered, call))) -}}
{%- endmacro %}

{#- Whether a JSON text may hold half of a character that is written as two escapes. -#}
{% macro may_break_characters(json) -%}
    {{- return(adapter.dispatch('may_break_characters', 'hipaa_mode')(json)) -}}
{%- endmacro %}

{% macro duckdb__may_break_characters(json) -%}
    {#- The quicker conditions first: most messages have no escape at all. -#}
    {{- return(
        'contains(' ~ json ~ ", '\\u') and " ~ hipaa_mode.contains_pattern(json, '\\\\u[dD][89a-fA-F]')
        ~ ' and not json_valid(' ~ json ~ ')'
    ) -}}
{%- endmacro %}

{#- JSON with null in place of each text that holds half of a character; in a key a mark stands for
    the half, since no path that is listed can have it. -#}
{% macro without_broken_texts(json) -%}
    {{- return(adapter.dispatch('without_broken_texts', 'hipaa_mode')(json)) -}}
{%- endmacro %}

{% macro duckdb__without_broken_texts(json) -%}
    {%- set half = '\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}' -%}
    {#- Whole characters and other escapes out of the way, what is left of surrogates is a half. -#}
    {%- set rest = "regexp_replace(part, '\\\\[^u]|\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}', ' ', 'g')" -%}
    {%- set is_broken = "starts_with(part, '\"') and " ~ hipaa_mode.contains_pattern(rest, half) -%}
    {%- set is_key = hipaa_mode.contains_pattern('coalesce(parts[place + 1], \'\')', '^\\s*:') -%}
    {%- set part = 'case when not (' ~ is_broken ~ ') then part when ' ~ is_key ~ " then regexp_replace(part, '" ~ half ~ "', '\\\\ufffd', 'g') else 'null' end" -%}
    {%- set parts = "regexp_extract_all(" ~ json ~ ", '(?s)\"(?:[^\"\\\\]|\\\\.)*\"|[^\"]+|\"')" -%}
    {{- return(hipaa_mode.bind('parts', parts, "array_to_string(list_transform(parts, lambda part, place: " ~ part ~ "), '')")) -}}
{%- endmacro %}
