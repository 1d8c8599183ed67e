{#- Parses every raw call once and types its envelope; one row a raw call, good or bad. -#}
{% macro read_calls(source_relation) -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set values = plan.staged_values if plan else [] -%}
{%- set whole = plan.keeps_whole_objects if plan else false -%}
{#- Spellings of each envelope field; the first that can be read counts. -#}
{%- set fields = {
    'type': ['type'],
    'message_id': ['messageId', 'message_id'],
    'user_id': ['userId', 'user_id'],
    'anonymous_id': ['anonymousId', 'anonymous_id'],
    'group_id': ['groupId', 'group_id'],
    'previous_id': ['previousId', 'previous_id'],
    'merged': ['mergeProperties', 'merge_properties'],
    'event': ['event'],
    'name': ['name'],
    'page_name': [['properties', 'name']],
    'timestamp': ['timestamp'],
    'original_timestamp': ['originalTimestamp', 'original_timestamp'],
    'sent_at': ['sentAt', 'sent_at'],
    'received_at': ['receivedAt', 'received_at'],
} -%}
{%- set ids = ['message_id', 'user_id', 'anonymous_id', 'group_id', 'previous_id'] -%}
{%- set containers = ['properties', 'traits', 'context'] -%}
{%- set usual = fields.values() | sum(start=[]) | select('string') | list + containers + ['integrations', 'consent'] -%}
{%- set counts_names = var('hipaa_mode__count_dropped_properties', true) -%}
{%- set key_paths = ['$'] + (['$."properties"', '$."traits"', '$."context"'] if counts_names else []) -%}
{%- set paths = [] -%}
{%- set found = {} -%}
{%- for field, spellings in fields.items() -%}
    {%- set places = [] -%}
    {%- for spelling in spellings -%}
        {%- do paths.append('$."' ~ (spelling if spelling is string else spelling | join('"."')) ~ '"') -%}
        {%- do places.append("nullif(found[" ~ (paths | length) ~ "], 'null')") -%}
    {%- endfor -%}
    {%- do found.update({field: places}) -%}
{%- endfor -%}
{%- set value_places = [] -%}
{%- for value in values -%}
    {%- do paths.append(value.json_path) -%}
    {%- do value_places.append('found[' ~ (paths | length) ~ ']') -%}
{%- endfor -%}
{%- if whole -%}
    {%- for key in containers -%}
        {%- do paths.append('$."' ~ key ~ '"') -%}
        {%- do found.update({key ~ '__whole': "nullif(found[" ~ (paths | length) ~ "], 'null')"}) -%}
    {%- endfor -%}
{%- endif -%}
{%- set consent_places = [] -%}
{%- for path in ['$."integrations"', '$."consent"', '$."context"."consent"', '$."context"."consentManagement"'] -%}
    {%- do paths.append(path) -%}
    {%- do consent_places.append('found[' ~ (paths | length) ~ ']') -%}
{%- endfor -%}
with

raw_calls as (

    select
        file_number,
        source_file,
        line_number,
        run_number,
        message,
        unreadable
    from {{ hipaa_mode.raw_calls(source_relation) }}

),

{#- A text that is cut in the middle of a character is no text: it is null, and the call stays. #}
readable as (

    select
        *,
        case
            when {{ hipaa_mode.may_break_characters('message') }} then {{ hipaa_mode.without_broken_texts('message') }}
            else message
        end as readable
    from raw_calls

),

parsed as (

    select
        *,
        {{ hipaa_mode.extract_json_texts('readable', paths) }} as found_first,
        {{ hipaa_mode.json_key_names('readable', key_paths) }} as names_first
    from readable

),

{#- Keys in other spellings are looked for where a key is not plainly one of the usual ones. #}
spelled as (

    select
        *,
        case
            when not {{ hipaa_mode.matches(hipaa_mode.joined_texts('names_first[1]'), hipaa_mode._usual_keys(usual)) }}
                then {{ hipaa_mode.filter_list('names_first[1]', hipaa_mode.field_of_key('element') ~ ' is not null and element not in (' ~ hipaa_mode.literals(usual) ~ ')') }}
        end as other_keys
    from parsed

),

respelled as (

    select
        *,
        case
            when len(other_keys) > 0 then {{ hipaa_mode.respelled_call('readable', 'other_keys') }}
            else readable
        end as call
    from spelled

),

reread as (

    select
        * exclude (found_first, names_first),
        case when len(other_keys) > 0 then {{ hipaa_mode.extract_json_texts('call', paths) }} else found_first end as found
        {%- if counts_names %},
        case when len(other_keys) > 0 then {{ hipaa_mode.json_key_names('call', key_paths) }} else names_first end as key_names
        {%- endif %}
    from respelled

),

named as (

    select
        *,
        {#- Most messages have nothing but an object under these names. #}
        case when {{ hipaa_mode.may_have_no_object('call', ['properties', 'traits']) }} then {{ hipaa_mode.json_types('call', ['$."properties"', '$."traits"']) }} end as kinds
        {%- if counts_names %},
        {{ hipaa_mode.joined_texts('key_names[2]') }} as properties_names,
        {{ hipaa_mode.joined_texts('key_names[3]') }} as traits_names,
        {{ hipaa_mode.joined_texts('key_names[4]') }} as context_names
        {%- endif %}
        {%- for field, places in found.items() if not field.endswith('__whole') %}{% for place in places %},
        {{ place }} as {{ field }}_json{{ loop.index }}
        {%- endfor %}{% endfor %}
    from reread

),

texts as (

    select
        *,
        case when starts_with(type_json1, '"') then lower(trim({{ hipaa_mode.scalar_text('type_json1') }})) end as call_type,
        {{ hipaa_mode.scalar_text('event_json1') }} as event_text,
        {{ hipaa_mode.scalar_text('name_json1') }} as name_text,
        case when starts_with(page_name_json1, '"') then {{ hipaa_mode.scalar_text('page_name_json1') }} end as page_name_text,
        {{ hipaa_mode.map_list(hipaa_mode.merged_values('coalesce(merged_json1, merged_json2)'), hipaa_mode.scalar_text('element')) }} as merged_texts
        {%- for field in ids + ['timestamp', 'received_at'] %}{% for spelling in fields[field] %},
        {{ hipaa_mode.scalar_text(field ~ '_json' ~ loop.index) }} as {{ field }}_text{{ loop.index }}
        {%- endfor %}{% endfor %}
    from named

),

judged as (

    select
        * exclude (event_text, name_text, page_name_text),
        {{ hipaa_mode.not_blank('event_text') }} as event_text,
        {{ hipaa_mode.not_blank('name_text') }} as name_text,
        {{ hipaa_mode.not_blank('page_name_text') }} as page_name_text,
        {%- for field in ids %}
        coalesce({{ hipaa_mode.if_id(field ~ '_text1') }}, {{ hipaa_mode.if_id(field ~ '_text2') }}) as {{ field }},
        {%- endfor %}
        {{ hipaa_mode.map_list('merged_texts', hipaa_mode.if_id('element')) }} as merged_ids,
        {{ hipaa_mode.first_time(['received_at_text1', 'received_at_text2']) }} as claimed_received_at,
        {{ hipaa_mode.first_time(['timestamp_text1']) }} as claimed_timestamp,
        case
            when message is null and unreadable is null then 'empty'
            when message is null then 'not_utf8'
            when found is null then 'broken_json'
            when not starts_with(message, '{') and not starts_with(ltrim(message, {{ hipaa_mode.json_blanks() }}), '{') then 'not_an_object'
            when type_json1 is null then 'missing_type'
            when call_type is null then 'type_not_text'
            when call_type not in ('track', 'page', 'screen', 'identify', 'group', 'alias', 'merge') then 'unknown_type'
            when call_type in ('track', 'page', 'screen') and kinds[1] not in ('OBJECT', 'NULL') and not {{ hipaa_mode.is_empty_container('call', 'properties') }} then 'properties_not_an_object'
            when call_type in ('identify', 'group') and kinds[2] not in ('OBJECT', 'NULL') and not {{ hipaa_mode.is_empty_container('call', 'traits') }} then 'traits_not_an_object'
            when call_type = 'track' and not starts_with(event_json1, '"') then 'event_not_text'
            when call_type in ('page', 'screen') and not starts_with(name_json1, '"') then 'name_not_text'
        end as rejection_reason
    from texts

),

received as (

    select
        *,
        {{ hipaa_mode.possible_time('claimed_received_at', 'run_number') }} as received_at
    from judged

),

timed as (

    select
        *,
        {{ hipaa_mode.possible_event_time('claimed_timestamp') }} as possible_timestamp
    from received

),

{#- Read only where `timestamp` does not tell it: most calls need no other time. #}
otherwise_timed as (

    select
        *,
        case when possible_timestamp is null then {{ hipaa_mode.first_time_of_json(['original_timestamp_json1', 'original_timestamp_json2']) }} end as claimed_original,
        case when possible_timestamp is null then {{ hipaa_mode.first_time_of_json(['sent_at_json1', 'sent_at_json2']) }} end as claimed_sent
    from timed

),

{#- A wrong clock is as wrong when a call happens as when it is sent, so the receipt, less what lay
    between the two, is right: the Segment spec's correction. #}
corrected as (

    select
        *,
        {{ hipaa_mode.time_before('received_at', 'claimed_original', 'claimed_sent') }} as claimed_corrected
    from otherwise_timed

),

final as (

    select
        file_number,
        source_file,
        line_number,
        run_number,
        rejection_reason,
        case when rejection_reason is not null then coalesce(unreadable, encode(message), ''::blob) end as rejected_bytes,
        case when rejection_reason is null and readable <> message then true end as has_cut_text,
        message_id,
        case when rejection_reason is null and message_id is null then sha256(message) end as content_hash,
        call_type,
        case
            when call_type = 'track' then event_text
            when call_type in ('page', 'screen') then coalesce(name_text, page_name_text, case when starts_with(event_json1, '"') then event_text end, call_type)
        end as event,
        coalesce(
            possible_timestamp,
            {{ hipaa_mode.possible_event_time('claimed_corrected') }},
            {{ hipaa_mode.possible_event_time('claimed_original') }},
            {{ hipaa_mode.possible_event_time('claimed_sent') }},
            received_at
        ) as timestamp,
        received_at,
        user_id,
        anonymous_id,
        group_id,
        previous_id,
        merged_ids,
        {{ hipaa_mode.consent_signals(*consent_places) }} as consent_signals
        {%- if counts_names %},
        properties_names,
        traits_names,
        context_names
        {%- endif %}
        {%- if whole %}{% for key in containers %},
        {{ hipaa_mode.whole_object(found[key ~ '__whole']) }} as {{ key }}__whole
        {%- endfor %}{% endif %}
        {%- for value in values %},
        {{ hipaa_mode.staged_value(value, value_places[loop.index0]) }} as {{ hipaa_mode.identifier(value.name) }}
        {%- endfor %}
    from corrected

)

select * from final
{%- endmacro %}

{#- What RudderStack's merge calls say of a person: the `value` of each of `mergeProperties`, as
    JSON texts. Its documentation calls that an object and shows an array: both are read. -#}
{% macro merged_values(json_text) -%}
    {%- set as_array = 'case when starts_with(' ~ json_text ~ ", '{') then '[' || " ~ json_text ~ " || ']' else " ~ json_text ~ ' end' -%}
    {{- return(hipaa_mode.map_list(hipaa_mode.json_elements('(' ~ as_array ~ ')'), hipaa_mode.json_text_at('element', '$."value"'))) -}}
{%- endmacro %}

{#- A time, or null where it can't be: before there were such calls, or well after it was received.
    The latter is given in microseconds since 1970, as run numbers are. -#}
{% macro possible_time(time, received_us) -%}
    {%- set earliest = hipaa_mode.literal(var('hipaa_mode__earliest_day', '2000-01-01')) -%}
    {%- set ahead_us = (var('hipaa_mode__days_ahead', 1) | int) * 24 * 60 * 60 * 1000000 -%}
    {{- return(
        'case when ' ~ time ~ ' between cast(' ~ earliest ~ ' as timestamp) and make_timestamp(' ~ received_us ~ ' + ' ~ ahead_us ~ ') then ' ~ time ~ ' end'
    ) -}}
{%- endmacro %}

{#- The first of some texts that is a time. Only few calls have a second one. -#}
{% macro first_time(texts) -%}
    {%- set times = [hipaa_mode.text_to_timestamp(texts[0])] -%}
    {%- for text in texts[1:] -%}
        {%- do times.append('case when ' ~ text ~ ' is not null then ' ~ hipaa_mode.text_to_timestamp(text) ~ ' end') -%}
    {%- endfor -%}
    {{- return(times[0] if times | length == 1 else 'coalesce(' ~ times | join(', ') ~ ')') -}}
{%- endmacro %}

{#- The same of JSON texts. -#}
{% macro first_time_of_json(json_texts) -%}
    {%- set texts = [] -%}
    {%- for json_text in json_texts -%}
        {%- do texts.append(hipaa_mode.scalar_text(json_text)) -%}
    {%- endfor -%}
    {%- set times = hipaa_mode.map_list('[' ~ texts | join(', ') ~ ']', 'case when element is not null then ' ~ hipaa_mode.text_to_timestamp('element') ~ ' end') -%}
    {{- return(hipaa_mode.first_in_list(times)) -}}
{%- endmacro %}

{#- The time of an event, or null where it can't be. -#}
{% macro possible_event_time(time) -%}
    {{- return(hipaa_mode.possible_time(time, 'coalesce(epoch_us(received_at), run_number)')) -}}
{%- endmacro %}

{#- A text of blanks only says nothing: null. The same blanks as in hipaa_mode.masking. Most
    texts begin with a letter or digit, which is quicker to see than a pattern. -#}
{% macro not_blank(text) -%}
    {%- set mark = '[^\\p{Z}\\x09-\\x0d\\x1c-\\x1f\\x{85}]' -%}
    {{- return(
        'case when ascii(' ~ text ~ ') between 33 and 126 then ' ~ text ~ ' when '
        ~ hipaa_mode.contains_pattern(text, mark) ~ ' then ' ~ text ~ ' end'
    ) -}}
{%- endmacro %}

{#- A text that is an id: not blank, and none of those that senders write where they have none. -#}
{% macro if_id(text) -%}
    {{- return('case when not ' ~ hipaa_mode.is_no_id(text) ~ ' then ' ~ text ~ ' end') -}}
{%- endmacro %}

{% macro is_no_id(text) -%}
    {%- set placeholders = [] -%}
    {%- for placeholder in hipaa_mode.placeholder_ids() -%}
        {%- do placeholders.append('\\Q' ~ placeholder | replace('\\E', '\\E\\\\E\\Q') ~ '\\E') -%}
    {%- endfor -%}
    {%- set blank = '[\\p{Z}\\x09-\\x0d\\x1c-\\x1f\\x{85}]*' -%}
    {{- return(hipaa_mode.matches(text, '(?i)' ~ blank ~ '(?:' ~ placeholders | join('|') ~ ')?' ~ blank)) -}}
{%- endmacro %}

{#- Names, each followed by the unit separator but the last, that are all usual: keys of the envelope
    as they are most often written, and such that no spelling of one begins as they do. -#}
{% macro _usual_keys(usual) -%}
    {{- return('(?:(?:' ~ (usual + ['channel', 'projectId', 'category']) | join('|') ~ '|[^tTmMuUaAgGeEnNoOsSrRpPcCiI_ \\x1f-][^\\x1f]*)(?:\\x1f|$))*') -}}
{%- endmacro %}

{#- The key that a key of a call is another spelling of: in any case, with or without `_`, `-` and
    blanks. Null where it is none. -#}
{% macro field_of_key(key) -%}
    {%- set fields = {
        'type': 'type', 'event': 'event', 'name': 'name', 'timestamp': 'timestamp',
        'messageid': 'message_id', 'userid': 'user_id', 'anonymousid': 'anonymous_id', 'groupid': 'group_id',
        'originaltimestamp': 'original_timestamp', 'sentat': 'sent_at', 'receivedat': 'received_at',
        'properties': 'properties', 'traits': 'traits', 'context': 'context',
        'integrations': 'integrations', 'consent': 'consent',
        'previousid': 'previous_id', 'mergeproperties': 'merge_properties',
    } -%}
    {%- set cases = [] -%}
    {%- for folded, field in fields.items() -%}
        {%- do cases.append('when ' ~ hipaa_mode.literal(folded) ~ ' then ' ~ hipaa_mode.literal(field)) -%}
    {%- endfor -%}
    {{- return('case ' ~ hipaa_mode.folded_key(key) ~ ' ' ~ cases | join(' ') ~ ' end') -}}
{%- endmacro %}

{#- Whether a JSON text says nothing: null, and what some senders write for an empty object, `[]` and
    a blank text. The same blanks as in not_blank, as JSON has them. -#}
{% macro says_nothing(json_text) -%}
    {%- set blank = '[\\p{Z}\\x{85}]|\\\\[tnfr]|\\\\u00(?:0[bB]|1[c-fC-F])' -%}
    {{- return(hipaa_mode.matches(json_text, 'null|\\[\\]|"(?:' ~ blank ~ ')*"')) -}}
{%- endmacro %}

{% macro is_empty_container(json, key) -%}
    {{- return(hipaa_mode.says_nothing(hipaa_mode.json_text_at(json, '$."' ~ key ~ '"'))) -}}
{%- endmacro %}

{% macro whole_object(json_text) -%}
    {{- return('case when ' ~ hipaa_mode.says_nothing(json_text) ~ " then '{}' else " ~ json_text ~ ' end') -}}
{%- endmacro %}

{#- The blanks that RFC 8259 allows before a value. -#}
{% macro json_blanks() -%}
    {{- return("' ' || chr(9) || chr(10) || chr(13)") -}}
{%- endmacro %}
