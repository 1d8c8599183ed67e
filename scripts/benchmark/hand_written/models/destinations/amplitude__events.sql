with

calls as (

    select * from {{ ref('stg_calls') }}
    where event in ({{ allowed_events() }})

),

final as (

    select
        {{ masked('message_id') }} as row_id,
        call_type,
        event,
        date_trunc('day', timestamp) as timestamp,
        received_at,
        {{ masked('user_id') }} as user_id,
        {{ masked('anonymous_id') }} as anonymous_id,
        {{ masked('group_id') }} as group_id,
        {{ masked('lower(trim(email))') }} as email_token,
        {{ masked("regexp_replace(phone, '[^0-9]', '', 'g')") }} as phone_token,
        {{ masked('member_id') }} as member_token,
        plan,
        {{ zip3('zip') }} as zip3,
        least(age, 90) as age,
        price,
        round(duration_seconds / 60) * 60 as duration_seconds
    from calls

)

select * from final
