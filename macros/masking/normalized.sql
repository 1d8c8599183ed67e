{#- One spelling of an identifier, so that one person has one token. docs/values.md has the rules. -#}
{% macro normalized(text, normalize) -%}
    {%- if normalize == 'email' -%}
        {{- return(hipaa_mode.composed(hipaa_mode.lower_cased(hipaa_mode.composed(hipaa_mode.trimmed(hipaa_mode.without_invisible(text)))))) -}}
    {%- elif normalize in ('phone', 'phone(1)') -%}
        {{- return(hipaa_mode._telephone_number(text, normalize == 'phone(1)')) -}}
    {%- elif normalize == 'lower' -%}
        {{- return(hipaa_mode.lower_cased(text)) -}}
    {%- else -%}
        {{- return(text) -}}
    {%- endif -%}
{%- endmacro %}

{#- What a normalisation adds to a name: letters, digits and underscores. -#}
{% macro normalize_suffix(normalize) -%}
    {{- return('' if normalize == 'none' else '__' ~ normalize | replace('(', '_') | replace(')', '')) -}}
{%- endmacro %}

{#- Small letters by Unicode's simple mapping, one character at a time. Engines differ on two
    letters alone, the dotted capital I and the sigma at a word's end: those are given here. -#}
{% macro lower_cased(text) -%}
    {{- return("replace(lower(replace(" ~ text ~ ", '\u0130', 'i')), '\u03c2', '\u03c3')") -}}
{%- endmacro %}

{#- Without characters that nobody sees, which copying leaves behind: soft hyphens, zero-width
    blanks and joiners, marks of direction, the byte order mark. -#}
{% macro without_invisible(text) -%}
    {{- return(hipaa_mode.remove_pattern(text, '[\\x{ad}\\x{34f}\\x{61c}\\x{180e}\\x{200b}-\\x{200f}\\x{202a}-\\x{202e}\\x{2060}-\\x{206f}\\x{feff}]')) -}}
{%- endmacro %}

{#- The digits of a telephone number, an extension left off; null where it is none for certain, such
    as one with letters. With `is_nanp`, as people of the North American plan write theirs (country
    1): ten digits are such a number, and it begins with 1. -#}
{% macro _telephone_number(text, is_nanp) -%}
    {%- set digits = 'translate(' ~ hipaa_mode.without_invisible(text)
        ~ ", '\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff0b\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u06f0\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8\u06f9', '0123456789+01234567890123456789')" -%}
    {%- set between = '\\p{Z}\\t()./\\x{2010}-\\x{2015}\\x{2212}\\x{ff0d}-' -%}
    {%- set extension = '(?:[,;' ~ between ~ ']*(?:(?:[xX]|[eE][xX][tT](?:[nN]|[eE][nN][sS][iI][oO][nN])?|#)[.:=#\\p{Z}\\t]*[0-9]{1,7}|,+[0-9]{1,5})[#)]?)?' -%}
    {#- A number that has been a decimal one ends in `.0`. -#}
    {%- set number = hipaa_mode.pattern_group('written', '(?:[Tt][Ee][Ll]:)?((?:[+(]|\\+\\(|\\(\\+)?[0-9][0-9' ~ between ~ ']*?)(?:\\.0)?' ~ extension, 1) -%}
    {#- `(0)` is dialled from some places and left out from others. -#}
    {%- set certain = 'case when not ' ~ hipaa_mode.contains_pattern('written', '\\([0\\p{Z}]+\\)') ~ ' then ' ~ hipaa_mode.remove_pattern(number, '[^0-9+]') ~ ' end' -%}
    {%- if is_nanp -%}
        {%- set plain = 'case when ' ~ hipaa_mode.matches('number', '(?:[+]|00|011)?1[2-9][0-9]{9}') ~ " then '1' || right(number, 10) when "
            ~ hipaa_mode.matches('number', '[2-9][0-9]{9}') ~ " then '1' || number when "
            ~ hipaa_mode.matches('number', '(?:[+]|00|011)[2-9][0-9]{6,14}') ~ ' then ' ~ hipaa_mode.remove_pattern('number', '^(?:[+]|00|011)') ~ ' end' -%}
    {%- else -%}
        {%- set plain = 'case when ' ~ hipaa_mode.matches('number', '(?:[+]|00)?[1-9][0-9]{6,14}|0[1-9][0-9]{5,13}') ~ ' then ' ~ hipaa_mode.remove_pattern('number', '^(?:[+]|00)') ~ ' end' -%}
    {%- endif -%}
    {{- return(hipaa_mode.bind('number', hipaa_mode.bind('written', hipaa_mode.trimmed(digits), certain), plain)) -}}
{%- endmacro %}
