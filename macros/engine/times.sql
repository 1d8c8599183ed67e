{#- Times as texts write them. A text is read only where its form has one meaning, else it is null:
    docs/values.md has the whole table. -#}

{#- A text to a timestamp in UTC; one without an offset is taken for UTC. -#}
{% macro text_to_timestamp(text) -%}
    {{- return(adapter.dispatch('text_to_timestamp', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__text_to_timestamp(text) -%}
    {%- set offset = "coalesce(nullif(split_part(moment, '|', 2), ''), 'Z')" -%}
    {%- set instant = 'make_timestamp(epoch_us(try_cast(cast(' ~ hipaa_mode._as_written() ~ ' as varchar) || ' ~ offset ~ ' as timestamptz)))' -%}
    {#- The usual form first, since it is quick to read. -#}
    {{- return(
        'coalesce(case when ends_with(' ~ text ~ ", 'Z') then try_cast(" ~ text ~ ' as timestamp) end, '
        ~ hipaa_mode._of_moment(text, instant) ~ ')'
    ) -}}
{%- endmacro %}

{#- A text to the day that it names, whatever its offset. -#}
{% macro text_to_date(text) -%}
    {{- return(adapter.dispatch('text_to_date', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__text_to_date(text) -%}
    {{- return(
        'coalesce(case when ' ~ hipaa_mode.matches(text, '[0-9]{4}-[0-9]{2}-[0-9]{2}') ~ ' then try_cast(' ~ text ~ ' as date) end, '
        ~ hipaa_mode._of_moment(text, 'cast(' ~ hipaa_mode._as_written() ~ ' as date)') ~ ')'
    ) -}}
{%- endmacro %}

{#- Day and time of a moment without its offset. -#}
{% macro _as_written() -%}
    {{- return("try_cast(rtrim(replace(split_part(moment, '|', 1), ',', '.')) as timestamp)") -}}
{%- endmacro %}

{#- An expression over the `moment` that a text names. -#}
{% macro _of_moment(text, expression) -%}
    {%- set moment = hipaa_mode.bind('written', hipaa_mode.trimmed(text), hipaa_mode._moment('written')) -%}
    {{- return(hipaa_mode.bind('moment', moment, expression)) -}}
{%- endmacro %}

{#- The moment that a text names, as `day time|offset`; null where its form is not certain. Sources:
    ISO 8601 and RFC 3339 (extended and basic format), RFC 2822 section 3.3, HL7 v2 data type DTM. -#}
{% macro _moment(text) -%}
    {%- set zone = '(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?' -%}
    {%- set clock = '([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)' -%}
    {%- set iso = '([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)' ~ clock ~ ')? *' ~ zone -%}
    {#- Without separators: only of these two centuries, so that few other numbers are days. -#}
    {%- set day = '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])' -%}
    {%- set minute = '[Tt]?([01][0-9]|2[0-3])([0-5][0-9])' -%}
    {%- set second = '([0-5][0-9](?:[.,][0-9]+)?)' -%}
    {%- set mail = '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +' ~ clock ~ ')? *' ~ zone -%}
    {%- set month = "cast(cast((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(" ~ hipaa_mode._group(text, mail, 2) ~ ')) + 2) / 3 as integer) as varchar)' -%}
    {#- As a number of milliseconds it would be a whole quarter of an hour, as birth dates are. -#}
    {%- set may_be_milliseconds = 'try_cast(' ~ text ~ ' as bigint) % 900000 = 0' -%}
    {{- return(
        'case when ' ~ hipaa_mode.matches(text, iso) ~ ' then ' ~ hipaa_mode._rewritten(text, iso, '\\1 \\2|\\3')
        ~ ' when ' ~ hipaa_mode.matches(text, day ~ zone) ~ ' then ' ~ hipaa_mode._rewritten(text, day ~ zone, '\\1-\\2-\\3|\\4')
        ~ ' when ' ~ hipaa_mode.matches(text, day ~ '([01][0-9]|2[0-3])') ~ ' then null'
        ~ ' when ' ~ hipaa_mode.matches(text, day ~ '([01][0-9]|2[0-3])([0-5][0-9])') ~ ' and ' ~ may_be_milliseconds ~ ' then null'
        ~ ' when ' ~ hipaa_mode.matches(text, day ~ minute ~ ' *' ~ zone) ~ ' then ' ~ hipaa_mode._rewritten(text, day ~ minute ~ ' *' ~ zone, '\\1-\\2-\\3 \\4:\\5|\\6')
        ~ ' when ' ~ hipaa_mode.matches(text, day ~ minute ~ second ~ ' *' ~ zone) ~ ' then ' ~ hipaa_mode._rewritten(text, day ~ minute ~ second ~ ' *' ~ zone, '\\1-\\2-\\3 \\4:\\5:\\6|\\7')
        ~ ' when ' ~ hipaa_mode.matches(text, mail) ~ ' then ' ~ hipaa_mode._group(text, mail, 3) ~ " || '-' || " ~ month ~ " || '-' || " ~ hipaa_mode._rewritten(text, mail, '\\1 \\4|\\5')
        ~ ' when ' ~ hipaa_mode.matches(text, '-?[1-9][0-9]{7,9}') ~ ' and ' ~ may_be_milliseconds ~ ' then null'
        ~ ' else cast(make_timestamp(case when '
        ~ hipaa_mode.matches(text, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\\.[0-9]+)?') ~ ' then ' ~ hipaa_mode._microseconds(text, 6) ~ ' when '
        ~ hipaa_mode.matches(text, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\\.[0-9]+)?') ~ ' then ' ~ hipaa_mode._microseconds(text, 3) ~ ' when '
        ~ hipaa_mode.matches(text, '[1-9][0-9]{14,15}') ~ ' then try_cast(' ~ text ~ ' as bigint) when '
        ~ hipaa_mode.matches(text, '[1-9][0-9]{17,18}') ~ ' then try_cast(left(' ~ text ~ ', -3) as bigint) end) as varchar) end'
    ) -}}
{%- endmacro %}

{#- A number whose whole part counts what has so many decimals of a microsecond. -#}
{% macro _microseconds(text, decimals) -%}
    {{- return(
        "try_cast(split_part(" ~ text ~ ", '.', 1) || rpad(left(split_part(" ~ text ~ ", '.', 2), " ~ decimals ~ '), ' ~ decimals ~ ", '0') as bigint)"
    ) -}}
{%- endmacro %}

{#- A group of a pattern that a text is known to match. -#}
{% macro _group(text, pattern, group) -%}
    {{- return('regexp_extract(' ~ text ~ ', ' ~ hipaa_mode.literal('^' ~ pattern ~ '$') ~ ', ' ~ group ~ ')') -}}
{%- endmacro %}

{% macro _rewritten(text, pattern, replacement) -%}
    {{- return('regexp_replace(' ~ text ~ ', ' ~ hipaa_mode.literal('^' ~ pattern ~ '$') ~ ', ' ~ hipaa_mode.literal(replacement) ~ ')') -}}
{%- endmacro %}

{#- A time, less what lies between two others; null where the three give none. -#}
{% macro time_before(time, earlier, later) -%}
    {{- return(adapter.dispatch('time_before', 'hipaa_mode')(time, earlier, later)) -}}
{%- endmacro %}

{% macro duckdb__time_before(time, earlier, later) -%}
    {{- return('try(make_timestamp(epoch_us(' ~ time ~ ') - (epoch_us(' ~ later ~ ') - epoch_us(' ~ earlier ~ '))))') -}}
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
