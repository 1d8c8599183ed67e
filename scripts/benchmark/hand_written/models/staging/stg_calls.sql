with

source as (

    select json as message
    from read_ndjson_objects('{{ env_var("HAND_WRITTEN_RAW_CALLS") }}')

),

renamed as (

    select
        message ->> '$.messageId' as message_id,
        message ->> '$.type' as call_type,
        message ->> '$.event' as event,
        cast(message ->> '$.timestamp' as timestamp) as timestamp,
        cast(message ->> '$.receivedAt' as timestamp) as received_at,
        message ->> '$.userId' as user_id,
        message ->> '$.anonymousId' as anonymous_id,
        message ->> '$.groupId' as group_id,
        message ->> '$.properties.email' as email,
        message ->> '$.properties.phone' as phone,
        message ->> '$.properties.member_id' as member_id,
        message ->> '$.properties.plan' as plan,
        message ->> '$.properties.zip' as zip,
        try_cast(message ->> '$.properties.age' as integer) as age,
        try_cast(message ->> '$.properties.price' as double) as price,
        try_cast(message ->> '$.properties.duration_seconds' as double) as duration_seconds
    from source

),

deduplicated as (

    select * from renamed
    qualify row_number() over (partition by message_id order by timestamp) = 1

)

select * from deduplicated
