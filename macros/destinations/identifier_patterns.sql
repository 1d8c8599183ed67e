{#- What identifiers look like. Used twice: to guard what goes into the masked tables, and to test
    the destination views. docs/guard.md measures what the patterns find and what they miss. -#}

{#- Conditions on a text, by kind; true where the text holds such an identifier. -#}
{% macro identifier_patterns(text='shown_text') -%}
    {%- set conditions = {} -%}
    {%- for kind, expressions in hipaa_mode.identifier_expressions().items() -%}
        {%- do conditions.update({kind: hipaa_mode.contains_pattern(text, expressions | join('|'))}) -%}
    {%- endfor -%}
    {%- do conditions.update({'card_like': hipaa_mode.is_card_number(text)}) -%}
    {{- return(conditions) -}}
{%- endmacro %}

{#- Regular expressions by kind, without look-around, which not every engine has. Payment cards
    need arithmetic too: see is_card_number. -#}
{% macro identifier_expressions() -%}
    {#- Blanks and hyphens as people and word processors write them. -#}
    {%- set separator_or_dot = '[-. \u00a0\u2010-\u2013]' -%}
    {%- set octet = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])' -%}
    {%- set long_octet = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])' -%}
    {#- Four single digits are a version more often than an address, and one with three zeros
        at its end is a version of Chrome, or a network. -#}
    {%- set not_zero = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)' -%}
    {%- set addresses = [] -%}
    {%- for position in range(1, 4) -%}
        {%- set octets = [octet] * position + [long_octet] + [octet] * (3 - position) -%}
        {%- do addresses.append(octets | join('\\.')) -%}
        {%- do addresses.append(([long_octet] + ['0'] * (position - 1) + [not_zero] + [octet] * (3 - position)) | join('\\.')) -%}
    {%- endfor -%}
    {#- Behind the name of a product stands its version: `Whale/3.24.223.21`. Names of hosts begin
        with a small letter, or have digits, dots or hyphens. -#}
    {%- set before_address = '((^|[^0-9A-Za-z./])|(^|[^A-Za-z_])([a-z][A-Za-z_]*|[A-Z_]*)/)' -%}
    {%- set group = '[0-9A-Fa-f]{1,4}' -%}
    {#- What may stand between a label and its number: `MRN no. 12345`, `"mrn": "12345"`. -#}
    {%- set labelled = '[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?' -%}
    {%- set letters = '[A-Za-z]{0,3}[-_ ]?' -%}
    {{- return({
        'email_like': [
            '[^\\s@"\'(),:\\x3b<>\\[\\]](@|%40)([^\\s@"\'(),:\\x3b<>\\[\\]/?#&=.]+\\.)+[^\\s@"\'(),:\\x3b<>\\[\\]/?#&=.0-9_-]{2,}',
        ],
        'phone_like': [
            '(^|[^0-9A-Za-z])(\\+?1' ~ separator_or_dot ~ '?)?(\\([2-9][0-9]{2}\\)' ~ separator_or_dot ~ '?|[2-9][0-9]{2}('
            ~ separator_or_dot ~ '|/))[0-9]{3}' ~ separator_or_dot ~ '[0-9]{4}([^0-9A-Za-z]|[xX][0-9]|[Ee]xt|$)',
            '(^|[^0-9A-Za-z+])\\+[1-9][0-9]{0,2}(\\.[0-9]{2,4}){3,6}([^0-9]|$)',
            '(^|[^0-9A-Za-z+])\\+[1-9]([- ()\u00a0\u2010-\u2013]{0,2}[0-9]){7,14}([^0-9]|$)',
            '(^|[\\[{:,])\\s*"?\\s*1?[2-9][0-9]{2}[2-9][0-9]{6}(\\.0+)?\\s*"?\\s*([\\]}:,]|$)',
            '([Pp]hone|PHONE|[Mm]obile|MOBILE|(^|[^A-Za-z])([Tt]el|TEL|[Ff]ax|FAX))' ~ labelled ~ '[0-9]{10,15}([^0-9A-Za-z]|$)',
        ],
        'ssn_like': [
            '(^|[^0-9A-Za-z.-])[0-9]{3}' ~ separator_or_dot ~ '[0-9]{2}' ~ separator_or_dot ~ '[0-9]{4}([^0-9A-Za-z-]|$)',
            '([Ss][Ss][Nn]|[Ss]ocial[ _-]?[Ss]ecurity)' ~ labelled ~ labelled ~ '([0-9]{3}' ~ separator_or_dot ~ '?[0-9]{2}' ~ separator_or_dot ~ '?[0-9]{4}|[0-9]{7,8}([^0-9]|$))',
        ],
        'mrn_like': [
            '(^|[^A-Za-z])[Mm]\\.?[Rr]\\.?[Nn]\\.?' ~ labelled ~ letters ~ '[0-9]([-. ]?[0-9]){3,}',
            '(^|[^A-Za-z])([Mm]edical[ _-]?[Rr]ecord|MEDICAL RECORD|[Pp]atients?|PATIENT|[Cc]hart[ _-]?([Nn]o|[Nn]umber|#)|MR ?#)' ~ labelled ~ letters ~ '[0-9]{5,}',
        ],
        'ip_like': [
            before_address ~ '(' ~ addresses | join('|') ~ ')\\.?([^0-9A-Za-z.]|$)',
            '(^|[^0-9A-Za-z:.])((' ~ group ~ ':){7}' ~ group ~ '|(' ~ group ~ ':){2,6}(:' ~ group ~ '){1,5}|' ~ group ~ ':(:' ~ group
            ~ '){2,6}|(' ~ group ~ ':){2,7}:)([^0-9A-Za-z:]|$)',
        ],
        'url_query_like': [
            '://[^\\s?"<>]+\\?[^\\s"<>]',
            'www\\.[^\\s?"]+\\?[^\\s"]|(^|[\\s"]|/[^\\s?"]*)\\?[^\\s?#=&"]+=',
        ],
    }) -}}
{%- endmacro %}

{#- Whether a text looks like, or holds, an identifier of any kind. -#}
{% macro looks_like_identifier(text) -%}
    {{- return(
        '(' ~ hipaa_mode.may_be_identifier(text) ~ ' and ('
        ~ hipaa_mode.contains_pattern(text, hipaa_mode._any_kind()) ~ ' or ' ~ hipaa_mode.is_card_number(text) ~ '))'
    ) -}}
{%- endmacro %}

{#- Whether a text is worth a closer look: one search for all kinds lets nearly every text go. -#}
{% macro may_be_identifier(text) -%}
    {{- return(hipaa_mode.contains_pattern(text, hipaa_mode._any_kind() ~ '|[0-9]([ .-]{0,2}[0-9]){12}')) -}}
{%- endmacro %}

{% macro _any_kind() -%}
    {{- return(hipaa_mode.identifier_expressions().values() | sum(start=[]) | join('|')) -}}
{%- endmacro %}

{#- Whether a text holds 13 to 19 digits, blanks and hyphens between them let be, that begin as an
    issuer's do and pass the check of ISO/IEC 7812-1 (Luhn). -#}
{% macro is_card_number(text) -%}
    {{- return(adapter.dispatch('is_card_number', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__is_card_number(text) -%}
    {#- However the digits stand; and in the usual groups, where more digits may follow. -#}
    {%- set loose = 'regexp_extract_all(' ~ text ~ ", '(?:^|[^0-9A-Za-z.-])([0-9](?:[ -]?[0-9]){12,18})(?:[^0-9A-Za-z-]|$)', 1)" -%}
    {%- set grouped = 'regexp_extract_all(' ~ text ~ ", '(?:^|[^0-9A-Za-z.-])([0-9]{16}|[0-9]{4}(?:[ .-]{1,2}[0-9]{4}){3}|3[0-9]{3}[ .-]{0,2}[0-9]{6}[ .-]{0,2}[0-9]{4,5})(?:[^0-9A-Za-z-]|$)', 1)" -%}
    {%- set number = "regexp_replace(candidate, '[^0-9]', '', 'g')" -%}
    {#- Visa has 13, 16 or 19 digits, Diners Club 14, American Express 15. A number of 13 digits
        that begins with 1 is a time in milliseconds. -#}
    {%- set is_issued = 'regexp_full_match(' ~ number ~ ", '4[0-9]{12}|3[0-9]{13}|[1-3][0-9]{14}|[2-6][0-9]{15,18}')" -%}
    {%- set digits = 'list_reverse(string_split(' ~ number ~ ", ''))" -%}
    {#- Digits count from the right; every second one is doubled, and 9 taken off above 9. -#}
    {%- set weighed = 'lambda digit, place: try_cast(digit as integer) * (2 - place % 2) - case when place % 2 = 0 and try_cast(digit as integer) > 4 then 9 else 0 end' -%}
    {%- set passes = 'list_sum(list_transform(' ~ digits ~ ', ' ~ weighed ~ ')) % 10 = 0' -%}
    {{- return(
        'case when ' ~ hipaa_mode.contains_pattern(text, '[0-9]([ .-]{0,2}[0-9]){12}')
        ~ ' then len(list_filter(list_concat(' ~ loose ~ ', ' ~ grouped ~ '), lambda candidate: ' ~ is_issued ~ ' and ' ~ passes ~ ')) > 0 else false end'
    ) -}}
{%- endmacro %}
