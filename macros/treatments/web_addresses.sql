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
    it but for runs of zeros). A port is passed over, and of several addresses, as X-Forwarded-For
    has them, the first counts. IPv4 within IPv6 (mapped, RFC 4291; 6to4, RFC 3056) is IPv4: a /48
    of the latter would hold all of it. Related to 45 CFR 164.514(b)(2)(i)(O), which takes the whole
    address away. -#}
{% macro treatment_ip_prefix(text) -%}
    {{- return(adapter.dispatch('treatment_ip_prefix', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__treatment_ip_prefix(text) -%}
    {%- set octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])' -%}
    {%- set ipv4 = '(?:::ffff:)?(' ~ octet ~ '\\.' ~ octet ~ '\\.' ~ octet ~ ')\\.' ~ octet ~ '(?::[0-9]{1,5})?' -%}
    {%- set ipv6 = "regexp_replace(first, '^(?:\\[([0-9a-f:]*)\\](?::[0-9]{1,5})?|([0-9a-f:]*))$', '\\1\\2')" -%}
    {%- set head = "list_filter(string_split(split_part(address, '::', 1), ':'), lambda part: part <> '')" -%}
    {%- set tail = "list_filter(string_split(split_part(address, '::', 2), ':'), lambda part: part <> '')" -%}
    {%- set is_short = "contains(address, '::')" -%}
    {%- set zeros = "list_resize([]::varchar[], cast(greatest(8 - len(" ~ head ~ ") - len(" ~ tail ~ "), 0) as bigint), '0')" -%}
    {%- set all_parts = 'list_concat(list_concat(' ~ head ~ ', case when ' ~ is_short ~ ' then ' ~ zeros ~ ' else [] end), ' ~ tail ~ ')' -%}
    {%- set is_address = hipaa_mode.matches('address', '([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?(::([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?)?')
        ~ ' and (' ~ is_short ~ ' = (len(' ~ head ~ ') + len(' ~ tail ~ ') < 8))' -%}
    {%- set parts = 'list_transform(' ~ all_parts ~ ", lambda part: coalesce(nullif(ltrim(part, '0'), ''), '0'))" -%}
    {%- set network = "case when len(parts) <> 8 then null when array_to_string(parts[1:6], ':') = '0:0:0:0:0:ffff' then "
        ~ hipaa_mode._ipv4_network('parts[7]', 'parts[8]') ~ " when parts[1] = '2002' then " ~ hipaa_mode._ipv4_network('parts[2]', 'parts[3]')
        ~ " else array_to_string(parts[1:3], ':') || '::/48' end" -%}
    {%- set of_ipv6 = hipaa_mode.bind('address', ipv6, 'case when ' ~ is_address ~ ' then ' ~ hipaa_mode.bind('parts', parts, network) ~ ' end') -%}
    {{- return(hipaa_mode.bind(
        'first',
        hipaa_mode.trimmed('lower(split_part(' ~ text ~ ", ',', 1))"),
        'case when ' ~ hipaa_mode.matches('first', ipv4) ~ ' then ' ~ hipaa_mode._group('first', ipv4, 1) ~ " || '.0/24' else " ~ of_ipv6 ~ ' end'
    )) -}}
{%- endmacro %}

{#- The /24 of an IPv4 address given as two hexadecimal numbers of 16 bits. -#}
{% macro _ipv4_network(first, second) -%}
    {%- set octets = [] -%}
    {%- for part in [first, second] -%}
        {%- set number = "try_cast('0x' || " ~ part ~ ' as integer)' -%}
        {%- do octets.append('cast(floor(' ~ number ~ ' / 256) as integer)') -%}
        {%- do octets.append(number ~ ' % 256') -%}
    {%- endfor -%}
    {{- return("concat_ws('.', " ~ octets[:3] | join(', ') ~ ") || '.0/24'") -}}
{%- endmacro %}
