{#- What a call says of where it may go: a list of signals, each a text, and nothing else of these
    objects; null where the call has none of them. See docs/consent.md.

    The arguments are JSON texts: `integrations`, Freshpaint's `consent`, `context.consent` and
    `context.consentManagement`. -#}
{% macro consent_signals(integrations, consent, context_consent, consent_management) -%}
    {%- set categories = hipaa_mode.json_text_at(context_consent, '$."categoryPreferences"') -%}
    {%- set allowed = hipaa_mode.json_text_at(consent_management, '$."allowedConsentIds"') -%}
    {%- set denied = hipaa_mode.json_text_at(consent_management, '$."deniedConsentIds"') -%}
    {%- set lists = [
        hipaa_mode._tool_signals('integration', integrations),
        hipaa_mode._tool_signals('consent', consent),
        hipaa_mode._category_signals(categories),
        hipaa_mode._unless_object(context_consent),
        hipaa_mode._allowed_signals(allowed),
        hipaa_mode._denied_signals(denied),
        hipaa_mode._unless_object(consent_management),
    ] -%}
    {%- set listed = hipaa_mode.sorted_list(hipaa_mode.joined_lists(['\n            ' ~ lists | join(',\n            ') ~ '\n        '])) -%}
    {{- return(
        'case when coalesce(' ~ [integrations, consent, context_consent, consent_management] | join(', ') ~ ') is not null then '
        ~ listed ~ ' end'
    ) -}}
{%- endmacro %}

{#- One signal for each tool that an object names; `word` begins it. -#}
{% macro _tool_signals(word, json_text) -%}
    {%- set name = hipaa_mode.member_name() -%}
    {%- set value = hipaa_mode.member_value() -%}
    {%- set folded = hipaa_mode.folded(name) -%}
    {%- set is_yes = '(' ~ value ~ " = 'true' or (starts_with(" ~ value ~ ", '{') and " ~ folded ~ " <> 'all'))" -%}
    {%- set signal = 'case when ' ~ is_yes ~ " then '" ~ word ~ " yes: ' || " ~ name ~ ' when ' ~ value ~ " = 'false' then '" ~ word ~ " no: ' || " ~ folded
        ~ " else '" ~ word ~ " unreadable: ' || " ~ folded ~ ' end' -%}
    {{- return(hipaa_mode._members_or(json_text, signal, word ~ ' unreadable')) -}}
{%- endmacro %}

{% macro _category_signals(json_text) -%}
    {%- set id = hipaa_mode.trimmed(hipaa_mode.member_name()) -%}
    {%- set value = hipaa_mode.member_value() -%}
    {%- set signal = "case when " ~ value ~ " = 'true' then 'category yes: ' || " ~ id ~ " when " ~ value ~ " = 'false' then 'category no: ' || " ~ id
        ~ " else 'category unreadable: ' || " ~ id ~ ' end' -%}
    {{- return(hipaa_mode._members_or(json_text, signal, 'categories unreadable')) -}}
{%- endmacro %}

{#- A list of ids, or an object of them as older SDKs send it. -#}
{% macro _allowed_signals(json_text) -%}
    {%- set of_member = "case when coalesce(" ~ hipaa_mode.member_value() ~ ", 'false') <> 'false' then 'category yes: ' else 'category unreadable: ' end || " ~ hipaa_mode.trimmed(hipaa_mode.member_name()) -%}
    {{- return(hipaa_mode._ids_or_members(json_text, 'category yes: ', of_member)) -}}
{%- endmacro %}

{% macro _denied_signals(json_text) -%}
    {%- set of_member = "'category no: ' || " ~ hipaa_mode.trimmed(hipaa_mode.member_name()) -%}
    {{- return(hipaa_mode._ids_or_members(json_text, 'category no: ', of_member)) -}}
{%- endmacro %}

{% macro _ids_or_members(json_text, mark, of_member) -%}
    {%- set id = hipaa_mode.trimmed('(' ~ hipaa_mode.scalar_text('element') ~ ')') -%}
    {%- set signal = "case when starts_with(element, '\"') then " ~ hipaa_mode.literal(mark) ~ ' || ' ~ id ~ " else 'categories unreadable' end" -%}
    {{- return(
        'case when starts_with(' ~ json_text ~ ", '[') then " ~ hipaa_mode.map_list(hipaa_mode.json_elements(json_text), signal)
        ~ ' else ' ~ hipaa_mode._members_or(json_text, of_member, 'categories unreadable') ~ ' end'
    ) -}}
{%- endmacro %}

{#- A signal for each member of an object; no signal where there is nothing, and one that it is
    unreadable where there is something else than an object. -#}
{% macro _members_or(json_text, signal, unreadable) -%}
    {{- return(
        'case when ' ~ json_text ~ ' is null then ' ~ hipaa_mode.empty_list() ~ ' else coalesce(' ~ hipaa_mode.map_members(json_text, signal) ~ ', ' ~ hipaa_mode.list_of([unreadable]) ~ ') end'
    ) -}}
{%- endmacro %}

{% macro _unless_object(json_text) -%}
    {{- return('case when ' ~ json_text ~ " is not null and not starts_with(" ~ json_text ~ ", '{') then " ~ hipaa_mode.list_of(['categories unreadable']) ~ ' else ' ~ hipaa_mode.empty_list() ~ ' end') -}}
{%- endmacro %}

{#- A tool's name as names are compared where they say no: lower-case, without blanks; as in
    hipaa_mode.consent. -#}
{% macro folded(text) -%}
    {{- return('lower(' ~ hipaa_mode.remove_pattern(text, '[\\p{Z}\\p{Cc}\\p{Cf}]+') ~ ')') -}}
{%- endmacro %}
