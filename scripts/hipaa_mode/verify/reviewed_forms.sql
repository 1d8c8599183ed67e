-- The queries of staging and of latest values, as reviewed: `hipaa-mode verify` takes nothing else for
-- safe. Who changes one of the macros changes its form here too, and a reviewer sees both. What a value
-- passes through is called by name: see verify/functions.py. Words in braces come from the seeds, from
-- settings of the project that let nothing through, or are a form of their own.

--- model calls_read
with

readable as (

    select
        *,
        case
            when hipaa_functions.may_break_characters(message) then hipaa_functions.without_broken_texts(message)
            else message
        end as readable
    from raw_lines

),

listed as (

    select
        *,
        hipaa_functions.key_names(readable, ['$', '$."properties"', '$."traits"']) as names_first
    from readable

),

parsed as (

    select
        *,
        hipaa_functions.texts_of_json(case when names_first is not null then readable end, ['$."type"', '$."messageId"', '$."userId"', '$."anonymousId"', '$."groupId"', '$."event"', '$."name"', '$."properties"."name"', '$."timestamp"', '$."originalTimestamp"', '$."sentAt"', '$."receivedAt"', '$."integrations"', '$."consent"', '$."context"."consent"', '$."context"."consentManagement"']) as found_first
    from listed

),
keyed as (

    select
        *,
        hipaa_functions.are_plain_keys(names_first[1]) as has_plain_keys
    from parsed

),

spelled as (

    select
        *,
        case
            when not has_plain_keys and not hipaa_functions.are_usual_keys(names_first[1])
                then hipaa_functions.other_spellings(names_first[1])
        end as other_keys
    from keyed

),

respelled as (

    select
        *,
        case
            when hipaa_functions.has_any(other_keys) then hipaa_functions.respelled_call(readable, other_keys, {placeholders})
            else readable
        end as call
    from spelled

),

reread as (

    select
        *,
        case when hipaa_functions.has_any(other_keys) then hipaa_functions.json_texts(call, ['$."type"', '$."messageId"', '$."userId"', '$."anonymousId"', '$."groupId"', '$."event"', '$."name"', '$."properties"."name"', '$."timestamp"', '$."originalTimestamp"', '$."sentAt"', '$."receivedAt"', '$."integrations"', '$."consent"', '$."context"."consent"', '$."context"."consentManagement"']) else found_first end as found,
        case when hipaa_functions.has_any(other_keys) then hipaa_functions.key_names(call, ['$', '$."properties"', '$."traits"']) else names_first end as key_names,
        case when not has_plain_keys then hipaa_functions.json_texts(call, ['$."message_id"', '$."user_id"', '$."anonymous_id"', '$."group_id"', '$."previousId"', '$."previous_id"', '$."mergeProperties"', '$."merge_properties"', '$."original_timestamp"', '$."sent_at"', '$."received_at"']) end as rare
    from respelled

),

named as (

    select
        *,
        case when hipaa_functions.has_no_key(key_names[2]) or hipaa_functions.has_no_key(key_names[3]) then hipaa_functions.json_kinds(call, ['$."properties"', '$."traits"']) end as kinds,
        nullif(found[1], 'null') as type_json,
        nullif(found[6], 'null') as event_json,
        nullif(found[7], 'null') as name_json,
        case when rare is not null then hipaa_functions.scalar_texts(rare) end as rare_texts
    from reread

),

texts as (

    select
        *,
        hipaa_functions.call_type(type_json) as call_type,
        hipaa_functions.scalar_text(event_json) as event_written,
        hipaa_functions.scalar_text(name_json) as name_written,
        hipaa_functions.string_text(found[8]) as page_name_written,
        case when rare is not null then hipaa_functions.merged_texts(coalesce(nullif(rare[7], 'null'), nullif(rare[8], 'null'))) end as merged_texts,
        hipaa_functions.scalar_text(found[2]) as message_id_text1,
        rare_texts[1] as message_id_text2,
        hipaa_functions.scalar_text(found[3]) as user_id_text1,
        rare_texts[2] as user_id_text2,
        hipaa_functions.scalar_text(found[4]) as anonymous_id_text1,
        rare_texts[3] as anonymous_id_text2,
        hipaa_functions.scalar_text(found[5]) as group_id_text1,
        rare_texts[4] as group_id_text2,
        rare_texts[5] as previous_id_text1,
        rare_texts[6] as previous_id_text2,
        hipaa_functions.scalar_text(found[9]) as timestamp_text1,
        hipaa_functions.scalar_text(found[12]) as received_at_text1,
        rare_texts[11] as received_at_text2
    from named

),

judged as (

    select
        *,
        hipaa_functions.not_blank(event_written) as event_text,
        hipaa_functions.not_blank(name_written) as name_text,
        hipaa_functions.not_blank(page_name_written) as page_name_text,
        hipaa_functions.first_id(message_id_text1, message_id_text2, {placeholders}) as message_id,
        hipaa_functions.first_id(user_id_text1, user_id_text2, {placeholders}) as user_id,
        hipaa_functions.first_id(anonymous_id_text1, anonymous_id_text2, {placeholders}) as anonymous_id,
        hipaa_functions.first_id(group_id_text1, group_id_text2, {placeholders}) as group_id,
        hipaa_functions.first_id(previous_id_text1, previous_id_text2, {placeholders}) as previous_id,
        case when merged_texts is not null then hipaa_functions.ids(merged_texts, {placeholders}) end as merged_ids,
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
            when call_type in ('track', 'page', 'screen') and kinds[1] not in ('OBJECT', 'NULL')
                and not hipaa_functions.is_empty_container(call, '$."properties"') then 'properties_not_an_object'
            when call_type in ('identify', 'group') and kinds[2] not in ('OBJECT', 'NULL')
                and not hipaa_functions.is_empty_container(call, '$."traits"') then 'traits_not_an_object'
            when call_type = 'track' and not hipaa_functions.is_string(event_json) then 'event_not_text'
            when call_type in ('page', 'screen') and not hipaa_functions.is_string(name_json) then 'name_not_text'
        end as rejection_reason
    from texts

),

received as (

    select
        *,
        hipaa_functions.possible_time(claimed_received_at, run_number, {earliest_day}, {ahead_us}) as received_at
    from judged

),

timed as (

    select
        *,
        hipaa_functions.possible_time(claimed_timestamp, coalesce(hipaa_functions.microseconds_of(received_at), run_number), {earliest_day}, {ahead_us}) as possible_timestamp
    from received

),
otherwise_timed as (

    select
        *,
        case when possible_timestamp is null then hipaa_functions.first_time_of_json(found[10], rare[9]) end as claimed_original,
        case when possible_timestamp is null then hipaa_functions.first_time_of_json(found[11], rare[10]) end as claimed_sent
    from timed

),
corrected as (

    select
        *,
        hipaa_functions.time_before(received_at, claimed_original, claimed_sent) as claimed_corrected
    from otherwise_timed

)

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
        hipaa_functions.possible_time(claimed_corrected, coalesce(hipaa_functions.microseconds_of(received_at), run_number), {earliest_day}, {ahead_us}),
        hipaa_functions.possible_time(claimed_original, coalesce(hipaa_functions.microseconds_of(received_at), run_number), {earliest_day}, {ahead_us}),
        hipaa_functions.possible_time(claimed_sent, coalesce(hipaa_functions.microseconds_of(received_at), run_number), {earliest_day}, {ahead_us}),
        received_at
    ) as timestamp,
    received_at,
    user_id,
    anonymous_id,
    group_id,
    previous_id,
    merged_ids,
    hipaa_functions.consent_signals(found[13], found[14], found[15], found[16]) as consent_signals
from corrected

--- model stg_calls
select
    calls_read.*,
    coalesce(call_keys.call_key, calls_read.message_id) as call_key,
    coalesce(denied_calls.denied_to, cast([] as varchar[])) as denied_to
from calls_read
left join call_keys
    on calls_read.file_number = call_keys.file_number
    and calls_read.line_number = call_keys.line_number
left join duplicate_calls
    on calls_read.file_number = duplicate_calls.file_number
    and calls_read.line_number = duplicate_calls.line_number
left join withheld_calls
    on calls_read.file_number = withheld_calls.file_number
    and calls_read.line_number = withheld_calls.line_number
left join denied_calls
    on calls_read.file_number = denied_calls.file_number
    and calls_read.line_number = denied_calls.line_number
where
    calls_read.rejection_reason is null
    and duplicate_calls.line_number is null
    and withheld_calls.line_number is null

--- model withheld_calls
with recursive

{ids}

said as (

    select
        coalesce(user_id, anonymous_id, previous_id, merged_ids[1]) as one_id,
        previous_id as other_id,
        case when user_id is null then 'device' else 'person' end as said_of
    from calls_read
    where previous_id is not null
    union all
    select
        coalesce(user_id, anonymous_id, previous_id, merged_ids[1]) as one_id,
        unnest(merged_ids) as other_id,
        case when user_id is null then 'device' else 'person' end as said_of
    from calls_read
    where merged_ids is not null
    {spelled}

),

ties as materialized (

    select
        hipaa_functions.trimmed_id(one_id) as one_id,
        hipaa_functions.trimmed_id(other_id) as other_id,
        said_of
    from said
    where one_id <> other_id and other_id <> ''
    union
    select
        hipaa_functions.trimmed_id(other_id) as one_id,
        hipaa_functions.trimmed_id(one_id) as other_id,
        said_of
    from said
    where one_id <> other_id and other_id <> ''

),

listed_ids as (

    select user_id as id from suppressed_users
    union
    select ties.other_id as id
    from listed_ids
    inner join ties on listed_ids.id = ties.one_id
    where ties.said_of in ('spelling')

),

tied as (

    select id from listed_ids
    union
    select ties.other_id as id
    from tied
    inner join ties on tied.id = ties.one_id
    where ties.said_of in ('spelling', 'device', 'person')

),

listed_devices as (

    select id
    from (
        select hipaa_functions.trimmed_id(anonymous_id) as id
        from calls_read
        where hipaa_functions.trimmed_id(user_id) in (select id from listed_ids)
        union
        select id
        from listed_ids
    ) as seen
    union
    select ties.other_id as id
    from listed_devices
    inner join ties on listed_devices.id = ties.one_id
    where ties.said_of in ('spelling')

),

tied_devices as (

    select id
    from (
        select hipaa_functions.trimmed_id(anonymous_id) as id
        from calls_read
        where hipaa_functions.trimmed_id(user_id) in (select id from tied)
        union
        select id
        from tied
    ) as seen
    union
    select ties.other_id as id
    from tied_devices
    inner join ties on tied_devices.id = ties.one_id
    where ties.said_of in ('spelling', 'device')

),

judged as (

    select
        file_number,
        line_number,
        message_id,
        case
            when hipaa_functions.trimmed_id(anonymous_id) in (select id from listed_ids) then 'suppressed'
            when hipaa_functions.trimmed_id(user_id) in (select id from listed_ids) or (user_id is null and hipaa_functions.trimmed_id(anonymous_id) in (select id from listed_devices)) then 'suppressed'
            when hipaa_functions.trimmed_id(user_id) in (select id from tied) or (user_id is null and hipaa_functions.trimmed_id(anonymous_id) in (select id from tied_devices)) then 'suppressed_by_alias'
            {expired}
        end as reason
    from calls_read
    where rejection_reason is null

)

select
    judged.file_number,
    judged.line_number,
    coalesce(call_keys.call_key, judged.message_id) as call_key,
    judged.reason
from judged
left join call_keys as call_keys
    on judged.file_number = call_keys.file_number
    and judged.line_number = call_keys.line_number
left join duplicate_calls as duplicate_calls
    on judged.file_number = duplicate_calls.file_number
    and judged.line_number = duplicate_calls.line_number
where
    judged.reason is not null
    and duplicate_calls.line_number is null

--- ids of all calls
ids as (

    select user_id as id from calls_read
    union
    select anonymous_id as id from calls_read
    union
    select previous_id as id from calls_read
    union
    select unnest(merged_ids) as id from calls_read
    union
    select user_id as id from suppressed_users

),

--- ids that are spellings of one
union all
select
    id as one_id,
    {normalized} as other_id,
    'spelling' as said_of
from ids

--- where calls expire
when timestamp is null then 'undated'
when timestamp < timestamp '{retained_from}' then 'expired'

--- model denied_calls
with

rules as (

    {rules}

),

usable as (

    select
        file_number,
        line_number,
        message_id,
        content_hash,
        call_type,
        user_id,
        anonymous_id,
        group_id,
        received_at,
        coalesce(consent_signals, cast([] as varchar[])) as signals
    from calls_read
    where
        rejection_reason is null

),

repeated as (

    select
        usable.*,
        max(case when duplicate_calls.line_number is null then usable.file_number end) over same_call as first_file,
        max(case when duplicate_calls.line_number is null then usable.line_number end) over same_call as first_line,
        max(usable.received_at) over same_call as last_received_at
    from usable
    left join duplicate_calls as duplicate_calls
        on usable.file_number = duplicate_calls.file_number
        and usable.line_number = duplicate_calls.line_number
    where usable.message_id in (select message_id from duplicate_calls)
    window same_call as (partition by usable.message_id, usable.call_type, usable.user_id, usable.anonymous_id, usable.group_id)

),

heard as (

    select
        file_number,
        line_number,
        message_id,
        content_hash,
        signals
    from usable
    where
        (message_id is null or message_id not in (select message_id from duplicate_calls))
        {unless_needed}
    union all
    select
        first_file,
        first_line,
        message_id,
        content_hash,
        signals
    from repeated
    where received_at is null or received_at = last_received_at

),

answers as (

    select
        different.signals,
        rules.destination,
        hipaa_functions.denial(
            different.signals,
            rules.says_no,
            rules.unreadable,
            rules.integration_no_to_all,
            rules.integration_yes,
            rules.consent_no_to_all,
            rules.consent_yes,
            rules.categories,
            rules.needed
        ) as reason
    from (select distinct signals from heard) as different
    cross join rules

),

denials as (

    select
        heard.file_number,
        heard.line_number,
        heard.message_id,
        heard.content_hash,
        answers.destination,
        max(answers.reason) as reason
    from heard
    inner join answers on heard.signals = answers.signals
    where answers.reason is not null
    group by heard.file_number, heard.line_number, heard.message_id, heard.content_hash, answers.destination

),

denied as (

    select
        file_number,
        line_number,
        message_id,
        content_hash,
        list(destination order by destination) as denied_to,
        list(reason order by destination) as reasons
    from denials
    group by file_number, line_number, message_id, content_hash

)

select
    denied.file_number,
    denied.line_number,
    denied.message_id,
    denied.content_hash,
    coalesce(call_keys.call_key, denied.message_id) as call_key,
    denied.denied_to,
    denied.reasons
from denied
left join call_keys as call_keys
    on denied.file_number = call_keys.file_number
    and denied.line_number = call_keys.line_number

--- deliveries of one message id
repeated_ids as (

    select message_id
    from calls_read
    where rejection_reason is null and message_id is not null
    group by message_id
    having count(*) > 1

),

repeated as (

    select calls_read.*
    from calls_read as calls_read
    inner join repeated_ids on calls_read.message_id = repeated_ids.message_id
    where calls_read.rejection_reason is null

),

deliveries as (

    select
        file_number,
        source_file,
        line_number,
        run_number,
        message_id,
        hipaa_functions.key_of_namesake(message_id, call_type, user_id, anonymous_id, group_id) as call_key,
        row_number() over (
            partition by message_id, call_type, user_id, anonymous_id, group_id
            order by timestamp nulls last, received_at nulls last, hipaa_functions.natural_order(source_file), source_file, line_number, file_number
        ) as delivery,
        row_number() over (
            partition by message_id
            order by timestamp nulls last, received_at nulls last, hipaa_functions.natural_order(source_file), source_file, line_number, file_number
        ) as place
    from repeated

)

--- model duplicate_calls
with

{deliveries}

select
    file_number,
    source_file,
    line_number,
    run_number,
    message_id,
    delivery
from deliveries
where delivery > 1

--- model call_keys
with

{deliveries}

select
    file_number,
    line_number,
    content_hash,
    cast(null as varchar) as message_id,
    'content:' || content_hash || ':' || row_number() over (
        partition by content_hash
        order by source_file, line_number, file_number
    ) as call_key
from calls_read
where content_hash is not null
union all
select
    file_number,
    line_number,
    cast(null as varchar) as content_hash,
    message_id,
    call_key
from deliveries
where delivery = 1 and place > 1

--- order of masked rows
{day}try_cast('0x' || left({row_id}, 15) as bigint)

--- order of masked rows on postgres
{day}{row_id}

--- order of masked rows on spark
{day}{row_id}

--- latest values
with

calls as (

    select 1

),

placed as (

    select
        row_id,
        called_at,
        id,
        {values}
        row_number() over (partition by row_id order by called_at nulls first, call_id) as place
    from calls

),

compared as (

    select
        row_id,
        called_at,
        id,
        place,
        {values}
        place = 1{or_changed} as has_changed
    from placed

)

select
    row_id,
    max(case when has_changed then called_at end) as changed_at,
    arg_max(id, place) as {id_name}{and_latest}
from compared
group by row_id

--- latest values: a new value
({value} is not null and {value} is distinct from lag({value} ignore nulls) over (partition by row_id order by place))

--- latest values: the latest value
arg_max({value}, place)
