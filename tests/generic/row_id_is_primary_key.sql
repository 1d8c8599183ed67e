{#- row_id is never null and never twice in the view. -#}
{% test row_id_is_primary_key(model) %}
{%- do hipaa_mode.tested_columns(model) %}
select
    count(*) - count(row_id) as without_row_id,
    count(row_id) - count(distinct {{ hipaa_mode.compact_key('row_id') }}) as repeated
from {{ model }}
having without_row_id > 0 or repeated > 0
{% endtest %}
