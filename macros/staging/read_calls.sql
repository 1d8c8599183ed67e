{#- Parses every raw call once and types its envelope; one row a raw call, good or bad.

    `lines` names a relation to take the place of the raw calls, with the same columns. -#}
{% macro read_calls(source_relation, lines=none) -%}
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
{#- Of these spellings those that are not among plain_keys(). -#}
{%- set rare_keys = [
    'message_id', 'user_id', 'anonymous_id', 'group_id', 'previousId', 'previous_id', 'mergeProperties', 'merge_properties',
    'original_timestamp', 'sent_at', 'received_at',
] -%}
{%- set ids = ['message_id', 'user_id', 'anonymous_id', 'group_id', 'previous_id'] -%}
{%- set containers = ['properties', 'traits', 'context'] -%}
{%- set placeholders = hipaa_mode.listed_placeholders() -%}
{%- set counts_names = var('hipaa_mode__count_dropped_properties', true) -%}
{%- set key_paths = ['$', '$."properties"', '$."traits"'] + (['$."context"'] if counts_names else []) -%}
{%- set paths = [] -%}
{%- set rare_paths = [] -%}
{#- Where each spelling of a field is: a place in `found`, or in `rare`. -#}
{%- set places = {} -%}
{%- for field, spellings in fields.items() -%}
    {%- do places.update({field: []}) -%}
    {%- for spelling in spellings -%}
        {%- set list = 'rare' if spelling in rare_keys else 'found' -%}
        {%- set listed = rare_paths if spelling in rare_keys else paths -%}
        {%- do listed.append('$."' ~ (spelling if spelling is string else spelling | join('"."')) ~ '"') -%}
        {%- do places[field].append({'list': list, 'json': hipaa_mode.element_at(list, listed | length), 'place': listed | length}) -%}
    {%- endfor -%}
{%- endfor -%}
{%- set value_places = [] -%}
{%- for value in values -%}
    {%- do paths.append(value.json_path) -%}
    {%- do value_places.append(hipaa_mode.element_at('found', paths | length)) -%}
{%- endfor -%}
{%- set whole_places = {} -%}
{%- if whole -%}
    {%- for key in containers -%}
        {%- do paths.append('$."' ~ key ~ '"') -%}
        {%- do whole_places.update({key: hipaa_mode.element_at('found', paths | length)}) -%}
    {%- endfor -%}
{%- endif -%}
{%- set consent_places = [] -%}
{%- for path in ['$."integrations"', '$."consent"', '$."context"."consent"', '$."context"."consentManagement"'] -%}
    {%- do paths.append(path) -%}
    {%- do consent_places.append(hipaa_mode.element_at('found', paths | length)) -%}
{%- endfor -%}
with

raw_calls as {{ hipaa_mode.made_once() }}(

    select
        file_number,
        source_file,
        line_number,
        run_number,
        message,
        unreadable
    from {{ lines or hipaa_mode.raw_calls(source_relation) }}

),

{#- A text that is cut in the middle of a character, or has the character 0, is no text: it is null, and the
    call stays. In a key a mark of the same length stands for it. #}
readable as {{ hipaa_mode.made_once() }}(

    select
        *,
        case
            when hipaa_functions.may_break_characters(message) then hipaa_functions.without_broken_texts(message)
            else message
        end as readable
    from raw_calls

),

{#- What is no JSON has no list of names. #}
listed as {{ hipaa_mode.made_once() }}(

    select
        *,
        hipaa_functions.key_names(readable, {{ hipaa_mode.list_of(key_paths) }}) as names_first
    from readable

),

parsed as (

    select
        *,
        hipaa_functions.texts_of_json(case when names_first is not null then readable end, {{ hipaa_mode.list_of(paths) }}) as found_first
    from listed

),

{#- Keys in other spellings are looked for where a key is not plainly one of the usual ones. #}
keyed as {{ hipaa_mode.made_once() }}(

    select
        *,
        hipaa_functions.are_plain_keys({{ hipaa_mode.element_at('names_first', 1) }}) as has_plain_keys
    from parsed

),

spelled as {{ hipaa_mode.made_once() }}(

    select
        *,
        case
            when not has_plain_keys and not hipaa_functions.are_usual_keys({{ hipaa_mode.element_at('names_first', 1) }})
                then hipaa_functions.other_spellings({{ hipaa_mode.element_at('names_first', 1) }})
        end as other_keys
    from keyed

),

respelled as {{ hipaa_mode.made_once() }}(

    select
        *,
        case
            when hipaa_functions.has_any(other_keys) then hipaa_functions.respelled_call(readable, other_keys, {{ placeholders }})
            else readable
        end as call
    from spelled

),

reread as {{ hipaa_mode.made_once() }}(

    select
        *,
        case when hipaa_functions.has_any(other_keys) then hipaa_functions.json_texts(call, {{ hipaa_mode.list_of(paths) }}) else found_first end as found,
        case when hipaa_functions.has_any(other_keys) then hipaa_functions.key_names(call, {{ hipaa_mode.list_of(key_paths) }}) else names_first end as key_names,
        case when not has_plain_keys then hipaa_functions.json_texts(call, {{ hipaa_mode.list_of(rare_paths) }}) end as rare
    from respelled

),

named as {{ hipaa_mode.made_once() }}(

    select
        *,
        {#- What has keys is an object. #}
        case when hipaa_functions.has_no_key({{ hipaa_mode.element_at('key_names', 2) }}) or hipaa_functions.has_no_key({{ hipaa_mode.element_at('key_names', 3) }}) then hipaa_functions.json_kinds(call, {{ hipaa_mode.list_of(['$."properties"', '$."traits"']) }}) end as kinds
        {%- if counts_names %},
        hipaa_functions.joined({{ hipaa_mode.element_at('key_names', 2) }}) as properties_names,
        hipaa_functions.joined({{ hipaa_mode.element_at('key_names', 3) }}) as traits_names,
        hipaa_functions.joined({{ hipaa_mode.element_at('key_names', 4) }}) as context_names
        {%- endif %},
        nullif({{ places.type[0].json }}, 'null') as type_json,
        nullif({{ places.event[0].json }}, 'null') as event_json,
        nullif({{ places.name[0].json }}, 'null') as name_json,
        {#- Most calls have none, and a list of none would be looked through all the same. #}
        case when rare is not null then hipaa_functions.scalar_texts(rare) end as rare_texts
    from reread

),

texts as {{ hipaa_mode.made_once() }}(

    select
        *,
        hipaa_functions.call_type(type_json) as call_type,
        hipaa_functions.scalar_text(event_json) as event_written,
        hipaa_functions.scalar_text(name_json) as name_written,
        hipaa_functions.string_text({{ places.page_name[0].json }}) as page_name_written,
        case when rare is not null then hipaa_functions.merged_texts(coalesce(nullif({{ places.merged[0].json }}, 'null'), nullif({{ places.merged[1].json }}, 'null'))) end as merged_texts
        {%- for field in ids + ['timestamp', 'received_at'] %}{% for spelling in places[field] %},
        {{ hipaa_mode.element_at('rare_texts', spelling.place) if spelling.list == 'rare' else 'hipaa_functions.scalar_text(' ~ spelling.json ~ ')' }} as {{ field }}_text{{ loop.index }}
        {%- endfor %}{% endfor %}
    from named

),

judged as {{ hipaa_mode.made_once() }}(

    select
        *,
        hipaa_functions.not_blank(event_written) as event_text,
        hipaa_functions.not_blank(name_written) as name_text,
        hipaa_functions.not_blank(page_name_written) as page_name_text,
        {%- for field in ids %}
        hipaa_functions.first_id({{ field }}_text1, {{ field }}_text2, {{ placeholders }}) as {{ field }},
        {%- endfor %}
        case when merged_texts is not null then hipaa_functions.ids(merged_texts, {{ placeholders }}) end as merged_ids,
        hipaa_functions.first_time(received_at_text1, received_at_text2) as claimed_received_at,
        hipaa_functions.as_timestamp(timestamp_text1) as claimed_timestamp,
        case
            when message is null and unreadable is null then 'empty'
            when message is null then 'not_utf8'
            when found is null then 'broken_json'
            when not hipaa_functions.begins_as_object(message) then 'not_an_object'
            when type_json is null then 'missing_type'
            when call_type is null then 'type_not_text'
            when call_type not in ('track', 'page', 'screen', 'identify', 'group', 'alias', 'merge') then 'unknown_type'
            when call_type in ('track', 'page', 'screen') and {{ hipaa_mode.element_at('kinds', 1) }} not in ('OBJECT', 'NULL')
                and not hipaa_functions.is_empty_container(call, '$."properties"') then 'properties_not_an_object'
            when call_type in ('identify', 'group') and {{ hipaa_mode.element_at('kinds', 2) }} not in ('OBJECT', 'NULL')
                and not hipaa_functions.is_empty_container(call, '$."traits"') then 'traits_not_an_object'
            when call_type = 'track' and not hipaa_functions.is_string(event_json) then 'event_not_text'
            when call_type in ('page', 'screen') and not hipaa_functions.is_string(name_json) then 'name_not_text'
        end as rejection_reason
    from texts

),

received as {{ hipaa_mode.made_once() }}(

    select
        *,
        {{ hipaa_mode.possible_time('claimed_received_at', 'run_number') }} as received_at
    from judged

),

timed as {{ hipaa_mode.made_once() }}(

    select
        *,
        {{ hipaa_mode.possible_event_time('claimed_timestamp') }} as possible_timestamp
    from received

),

{#- Read only where `timestamp` does not tell it: most calls need no other time. #}
otherwise_timed as {{ hipaa_mode.made_once() }}(

    select
        *,
        case when possible_timestamp is null then hipaa_functions.first_time_of_json({{ places.original_timestamp | map(attribute='json') | join(', ') }}) end as claimed_original,
        case when possible_timestamp is null then hipaa_functions.first_time_of_json({{ places.sent_at | map(attribute='json') | join(', ') }}) end as claimed_sent
    from timed

),

{#- A wrong clock is as wrong when a call happens as when it is sent, so the receipt, less what lay
    between the two, is right: the Segment spec's correction. #}
corrected as {{ hipaa_mode.made_once() }}(

    select
        *,
        hipaa_functions.time_before(received_at, claimed_original, claimed_sent) as claimed_corrected
    from otherwise_timed

),

final as {{ hipaa_mode.made_once() }}(

    select
        file_number,
        source_file,
        line_number,
        run_number,
        rejection_reason,
        case when rejection_reason is not null then hipaa_functions.bytes_of(unreadable, message) end as rejected_bytes,
        case when rejection_reason is null and readable <> message and length(readable) < length(message) then true end as has_cut_text,
        message_id,
        case when rejection_reason is null and message_id is null then hipaa_functions.content_hash(message) end as content_hash,
        call_type,
        case
            when call_type = 'track' then event_text
            when call_type in ('page', 'screen') then coalesce(name_text, page_name_text, case when hipaa_functions.is_string(event_json) then event_text end, call_type)
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
        hipaa_functions.consent_signals({{ consent_places | join(', ') }}) as consent_signals
        {%- if counts_names %},
        properties_names,
        traits_names,
        context_names
        {%- endif %}
        {%- if whole %}{% for key in containers %},
        hipaa_functions.whole_object({{ whole_places[key] }}) as {{ key }}__whole
        {%- endfor %}{% endif %}
        {%- for value in values %},
        {{ hipaa_mode.staged_value(value, value_places[loop.index0]) }} as {{ hipaa_mode.identifier(value.name) }}
        {%- endfor %}
    from corrected

)

select * from final
{%- endmacro %}

{#- A time where it is possible at all, given microseconds since 1970 of its receipt. -#}
{% macro possible_time(time, received_us) -%}
    {%- set earliest = hipaa_mode.literal(var('hipaa_mode__earliest_day', '2000-01-01')) -%}
    {%- set ahead_us = (var('hipaa_mode__days_ahead', 1) | int) * 24 * 60 * 60 * 1000000 -%}
    {{- return('hipaa_functions.possible_time(' ~ [time, received_us, earliest, ahead_us] | join(', ') ~ ')') -}}
{%- endmacro %}

{#- The time of an event, or null where it can't be. -#}
{% macro possible_event_time(time) -%}
    {{- return(hipaa_mode.possible_time(time, 'coalesce(hipaa_functions.microseconds_of(received_at), run_number)')) -}}
{%- endmacro %}
