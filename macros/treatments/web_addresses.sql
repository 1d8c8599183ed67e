{#- Web and network addresses. Sources: RFC 3986 for the parts of a URL, RFC 5321 section 2.3.5
    for domains, RFC 6454 for origins; 45 CFR 164.514(b)(2)(i)(F), (N) and (O) for why. -#}

{% macro _url_pattern() -%}
    {#- Groups: 1 scheme, 2 host, 3 port, 4 path. User information matches no group. -#}
    {{- return('\\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\\s]*@)?([^/?#@:\\s\\[\\]]+|\\[[0-9A-Fa-f:.]+\\])(?::([0-9]{1,5}))?(/[^?#\\s]*)?(?:[?#](?s:.*))?\\s*') -}}
{%- endmacro %}

{#- The domain of an e-mail address or URL, lower-case. An IP address is no domain: null. -#}
{% macro treatment_domain(text) -%}
    {%- set email_domain = hipaa_mode.pattern_group(text, '\\s*[^@\\s/]+@([^@\\s/:?#]+?)\\.?\\s*', 1) -%}
    {%- set url_host = hipaa_mode.pattern_group(text, hipaa_mode._url_pattern(), 2) -%}
    {%- set domain = 'lower(rtrim(coalesce(' ~ email_domain ~ ', ' ~ url_host ~ "), '.'))" -%}
    {{- return(
        'case when ' ~ hipaa_mode.matches(domain, '[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*') ~ ' and not '
        ~ hipaa_mode.matches(domain, '[0-9.]+') ~ ' then ' ~ domain ~ ' end'
    ) -}}
{%- endmacro %}

{#- The path of a URL, or of a reference that starts with one slash: no query, no fragment. -#}
{% macro treatment_url_path(text) -%}
    {{- return(
        'case when ' ~ hipaa_mode.matches(text, hipaa_mode._url_pattern()) ~ " then coalesce(nullif("
        ~ hipaa_mode.pattern_group(text, hipaa_mode._url_pattern(), 4) ~ ", ''), '/') else "
        ~ hipaa_mode.pattern_group(text, '\\s*(/(?:[^/?#\\s][^?#\\s]*)?)(?:[?#](?s:.*))?\\s*', 1) ~ ' end'
    ) -}}
{%- endmacro %}

{#- Scheme, host and port of a URL, lower-case: no user, path, query or fragment. -#}
{% macro treatment_url_origin(text) -%}
    {%- set pattern = hipaa_mode._url_pattern() -%}
    {%- set port = hipaa_mode.pattern_group(text, pattern, 3) -%}
    {{- return(
        'lower(' ~ hipaa_mode.pattern_group(text, pattern, 1) ~ " || '://' || "
        ~ hipaa_mode.pattern_group(text, pattern, 2) ~ ') || case when ' ~ port ~ " <> '' then ':' || "
        ~ port ~ " else '' end"
    ) -}}
{%- endmacro %}

{#- The network of an IP address: /24 of IPv4, /48 of IPv6 (RFC 4291, written as RFC 5952 has
    it but for runs of zeros). Source: 45 CFR 164.514(b)(2)(i)(O). -#}
{% macro treatment_ip_prefix(text) -%}
    {{- return(adapter.dispatch('treatment_ip_prefix', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__treatment_ip_prefix(text) -%}
    {%- set octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])' -%}
    {%- set ipv4 = '\\s*(?:::ffff:)?(' ~ octet ~ '\\.' ~ octet ~ '\\.' ~ octet ~ ')\\.' ~ octet ~ '\\s*' -%}
    {%- set address = "regexp_extract(lower(" ~ text ~ "), '^\\s*\\[?([0-9a-f:]*)\\]?\\s*$', 1)" -%}
    {%- set head = "list_filter(string_split(split_part(" ~ address ~ ", '::', 1), ':'), lambda part: part <> '')" -%}
    {%- set tail = "list_filter(string_split(split_part(" ~ address ~ ", '::', 2), ':'), lambda part: part <> '')" -%}
    {%- set is_short = 'contains(' ~ address ~ ", '::')" -%}
    {%- set zeros = "list_resize([]::varchar[], cast(greatest(8 - len(" ~ head ~ ") - len(" ~ tail ~ "), 0) as bigint), '0')" -%}
    {%- set parts = 'list_concat(list_concat(' ~ head ~ ', case when ' ~ is_short ~ ' then ' ~ zeros ~ ' else [] end), ' ~ tail ~ ')' -%}
    {%- set is_ipv6 = hipaa_mode.matches(address, '([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?(::([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?)?')
        ~ ' and len(' ~ parts ~ ') = 8 and (' ~ is_short ~ ' = (len(' ~ head ~ ') + len(' ~ tail ~ ') < 8))' -%}
    {{- return(
        'case when ' ~ hipaa_mode.matches('lower(' ~ text ~ ')', ipv4) ~ ' then '
        ~ hipaa_mode.pattern_group('lower(' ~ text ~ ')', ipv4, 1) ~ " || '.0/24' when " ~ is_ipv6
        ~ " then array_to_string(list_transform(" ~ parts ~ "[1:3], lambda part: coalesce(nullif(ltrim(part, '0'), ''), '0')), ':') || '::/48' end"
    ) -}}
{%- endmacro %}
