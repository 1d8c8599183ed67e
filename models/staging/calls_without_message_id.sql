-- A key for every call that came without a message id, made of its content. Two calls of the
-- same content are two calls; the key counts them.
select
    file_number,
    line_number,
    'content:' || content_hash || ':' || row_number() over (
        partition by content_hash
        order by file_number, line_number
    ) as call_key
from {{ ref('calls_read') }}
where content_hash is not null
