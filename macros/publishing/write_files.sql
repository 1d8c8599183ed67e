{#- Writes a view's files aside: those of the days, or coarser periods, that changed since it was
    published. They are put in place at the end of the run, if every test passed.

    Here and not at the end, so that the views of several destinations are written at once. -#}
{% macro write_files(relation, destination_plan, view, columns, name, sql) -%}
    {%- set planned = hipaa_mode.plan_partitions(relation, destination_plan, view, name, sql) -%}
    {%- if planned.write -%}
        {#- One thread gives rows in the order in which they are stored. -#}
        {%- do hipaa_mode._work_with(1 if planned.days else planned.threads) -%}
        {%- do hipaa_mode.write_rows(name, relation, hipaa_mode.each_identifier(columns | map(attribute='name')), planned) -%}
        {%- if planned.days and planned.threads > 1 -%}
            {%- do hipaa_mode._work_with(planned.threads) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _work_with(threads) -%}
    {%- call statement('threads') -%}
        {{ hipaa_mode.set_threads(threads) }}
    {%- endcall -%}
{%- endmacro %}

{% macro plan_partitions(relation, destination_plan, view, name, sql) -%}
    {%- set period = {'month': 'month', 'year': 'year'}.get(destination_plan.timestamp_precision, 'day') -%}
    {#- A view of latest values is one file, written anew if its calls changed. -#}
    {%- set of = hipaa_mode.latest_of(view) -%}
    {%- set of_view = hipaa_mode.calls_view(view) -%}
    {%- set counts -%}
        {%- if of %}
        select cast(null as {{ hipaa_mode.data_type('text') }}) as day, count(*) as calls
        from {{ relation }}
        {%- else %}
        {#- Once for each period: to write a day as text takes longer than to count its rows. #}
        select {{ hipaa_mode.day_of('period_begins', period) }} as day, sum(calls) as calls
        from (
            select {{ hipaa_mode.timestamp_at_precision('timestamp', period) }} as period_begins, count(*) as calls
            from {{ relation }}
            group by 1
        ) as periods
        {%- endif %}
        group by 1
    {%- endset -%}
    {%- if hipaa_mode.door().changed_days(of_view) is none -%}
        {%- set changed -%}
            select day, max(run_number)
            from {{ hipaa_mode.build_table('changed_days') }}
            where view_name = {{ hipaa_mode.literal(of_view) }}
            group by 1
        {%- endset -%}
        {%- do hipaa_mode.door().know_changed_days(of_view, hipaa_mode._pairs(changed)) -%}
    {%- endif -%}
    {%- set request = hipaa_mode.published_request() -%}
    {%- do request.update({
        'destination': destination_plan.name,
        'view': name,
        'calls_view': of_view,
        'query': local_md5(sql),
        'counts': hipaa_mode._pairs(counts),
        'models_at_once': target.threads,
        'is_whole': of is not none,
    }) -%}
    {{- return(hipaa_mode.door().plan_partitions(**request)) -}}
{%- endmacro %}

{% macro _pairs(sql) -%}
    {%- set pairs = [] -%}
    {%- for row in run_query(sql).rows -%}
        {%- do pairs.append([row[0] if row[0] is none else row[0] | string, row[1] | int]) -%}
    {%- endfor -%}
    {{- return(pairs) -}}
{%- endmacro %}

{#- The condition on `timestamp` that tells the rows of one file. -#}
{% macro in_partition(partition) -%}
    {%- if partition.name == 'all' -%}
        {{- return('true') -}}
    {%- elif partition.first is none -%}
        {{- return('(timestamp is null or (' ~ hipaa_mode.day_of('timestamp') ~ ') is null)') -}}
    {%- endif -%}
    {{- return("timestamp >= timestamp '" ~ partition.first ~ "' and timestamp < timestamp '" ~ partition.after ~ "'") -}}
{%- endmacro %}
