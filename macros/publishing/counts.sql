{#- Queries of counts that every manifest quotes: see scripts/hipaa_mode/run/counted.py. No value of a
    call is among them. -#}
{% macro run_counts() -%}
    {%- set counts -%}
        with

        calls as (

            select
                count(*) as raw,
                count(rejection_reason) as rejected,
                count(has_cut_text) as cut
            from {{ hipaa_mode.package_relation('calls_read') }}

        ),

        {#- Once: what is staged is found anew by joins over all calls. #}
        staged as (

            select
                count(*) as staged,
                count(*) - count(timestamp) as undated
            from {{ hipaa_mode.package_relation('stg_calls') }}

        ),

        people as (

            select
                count(*) as suppressed_people,
                {{ hipaa_mode.token(hipaa_mode.lines_of('user_id'), 'suppression-list') }} as suppressed_people_hmac
            from {{ hipaa_mode.build_table('suppressed_users') }}

        )

        select
            calls.raw,
            staged.staged,
            (select count(*) from {{ hipaa_mode.package_relation('duplicate_calls') }}) as duplicates,
            calls.rejected,
            staged.undated,
            (select count(message_id) from {{ hipaa_mode.package_relation('call_keys') }}) as namesakes,
            calls.cut,
            people.suppressed_people,
            people.suppressed_people_hmac
        from calls
        cross join staged
        cross join people
    {%- endset -%}
    {%- set withheld -%}
        select reasons.reason, count(withheld_calls.reason)
        from (values ('suppressed'), ('suppressed_by_alias'), ('expired'), ('undated')) as reasons (reason)
        left join {{ hipaa_mode.package_relation('withheld_calls') }} as withheld_calls
            on reasons.reason = withheld_calls.reason
        group by 1
    {%- endset -%}
    {#- View, masked column, event, and what was counted of it: see `Noted` in Python. -#}
    {%- set noted -%}
        select
            view_name,
            column_name,
            event,
            cast(sum(not_fitting) as bigint),
            cast(sum(like_identifiers) as bigint),
            cast(sum(arrived) as bigint)
        from {{ hipaa_mode.build_table('masked_counts') }}
        group by 1, 2, 3
        order by 1, 2, 3
    {%- endset -%}
    {%- set names = 'select distinct view_name, root, name from ' ~ hipaa_mode.build_table('property_names') -%}
    {{- return({
        'counts': counts, 'withheld': withheld, 'noted': noted,
        'property_names': names if var('hipaa_mode__count_dropped_properties', true) else none,
    }) -}}
{%- endmacro %}

{#- A query of how many staged calls are denied to which destination, why, by type and event. -#}
{% macro denial_facts() -%}
    {%- set sql -%}
        select destination, reason, call_type, event, count(*)
        from (
            select
                {{ hipaa_mode.rows_side_by_side({'destination': 'denied_calls.denied_to', 'reason': 'denied_calls.reasons'}) }},
                stg_calls.call_type,
                stg_calls.event
            from {{ hipaa_mode.package_relation('denied_calls') }} as denied_calls
            inner join {{ hipaa_mode.package_relation('stg_calls') }} as stg_calls
                on denied_calls.call_key = stg_calls.call_key
        ) as denials
        group by 1, 2, 3, 4
    {%- endset -%}
    {{- return(sql) -}}
{%- endmacro %}

{#- Counts what a masked table's new rows made null, and notes the property names that came with
    them, so that nobody has to count all rows again.

    `staged` has the calls and `masked` the rows that were made of them. -#}
{% macro note_counts(view, run_number, staged, masked, is_whole) -%}
    {%- set plan = hipaa_mode.plan() -%}
    {%- set counts = hipaa_mode.build_table('masked_counts') -%}
    {%- set names = hipaa_mode.build_table('property_names') -%}
    {%- set types = hipaa_mode.call_types(view) -%}
    {%- if is_whole -%}
        {%- for table in [counts, names] -%}
            {%- call statement('forget_counts') -%}
                {{ hipaa_mode.delete_rows(table, 'view_name = ' ~ hipaa_mode.literal(view)) }}
            {%- endcall -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if plan.masked_tables[view] -%}
        {%- call statement('note_counts') -%}
            insert into {{ counts }}
            {{ hipaa_mode._counts_not_fitting(plan, view, run_number, staged, masked) }}
            {%- if plan.masked_tables[view] | selectattr('guard_column') | list %}
            union all
            {{ hipaa_mode._counts_like_identifiers(plan, view, run_number, masked) }}
            {%- endif %}
        {%- endcall -%}
    {%- endif -%}
    {%- if var('hipaa_mode__count_dropped_properties', true) -%}
        {%- call statement('note_names') -%}
            insert into {{ names }}
            {%- for root in ['properties' if view == 'events' else 'traits', 'context'] %}
            select distinct {{ run_number }}, {{ hipaa_mode.literal(view) }}, '{{ root }}', {{ hipaa_mode.rows_of(hipaa_mode.parts_of('names')) }}
            from (
                select distinct {{ root }}_names as names
                from {{ staged }}
                where call_type in ({{ hipaa_mode.literals(types) }}) and {{ root }}_names <> ''
            ) as shapes
            {% if not loop.last %}union all{% endif %}
            {%- endfor %}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}

{#- The types of the calls that a view is made of. -#}
{% macro call_types(view) -%}
    {{- return({'events': ['track', 'page', 'screen'], 'identifies': ['identify'], 'groups': ['group']}[view]) -}}
{%- endmacro %}

{#- By masked column: how many values were made null because they fit neither treatment nor
    data type, blank ones under a mask included; what a guard took is not among them. And how many
    arrived. -#}
{% macro _counts_not_fitting(plan, view, run_number, staged, masked) -%}
    {%- set columns = plan.masked_tables[view] -%}
    {%- set events = plan.masked_events if view == 'events' else none %}
    {%- set arrived = [] -%}
    {%- set lost = [] -%}
    {%- for name in hipaa_mode.each_identifier(columns | map(attribute='name')) -%}
        {%- do arrived.append('staged.' ~ name) -%}
        {%- do lost.append('staged.' ~ name ~ ' - masked.' ~ name) -%}
    {%- endfor %}
            select
                {{ run_number }},
                {{ hipaa_mode.literal(view) }},
                column_name,
                null,
                lost,
                null,
                arrived
            from (
                select {{ hipaa_mode.rows_side_by_side({
                    'column_name': hipaa_mode.list_of(columns | map(attribute='name') | list),
                    'lost': hipaa_mode.values_as_list(lost),
                    'arrived': hipaa_mode.values_as_list(arrived),
                }) }}
                from (
                select
                    {%- for column in columns %}
                    {{ hipaa_mode._count_values(column, column.value) }} as {{ hipaa_mode.identifier(column.name) }}{{ ',' if not loop.last }}
                    {%- endfor %}
                from {{ staged }}
                where
                    call_type in ({{ hipaa_mode.literals(hipaa_mode.call_types(view)) }})
                    {%- if events is not none %}
                    and {% if events %}event in ({{ hipaa_mode.literals(events) }}){% else %}false{% endif %}
                    {%- endif %}
            ) as staged
            cross join (
                select
                    {%- for column in columns %}
                    {{ hipaa_mode._count_values(column, column.name) }}
                    {%- if column.guard == 'block' %} + coalesce(sum({{ hipaa_mode.identifier(column.guard_column) }}), 0){% endif %} as {{ hipaa_mode.identifier(column.name) }}{{ ',' if not loop.last }}
                    {%- endfor %}
                from {{ masked }}
            ) as masked
            ) as counted
{%- endmacro %}

{#- By masked column, and by event: how many values looked like an identifier. -#}
{% macro _counts_like_identifiers(plan, view, run_number, masked) -%}
    {%- set columns = plan.masked_tables[view] | selectattr('guard_column') | list %}
            select
                {{ run_number }},
                {{ hipaa_mode.literal(view) }},
                column_name,
                event,
                null,
                suspected,
                null
            from (
                select
                    event,
                    {{ hipaa_mode.rows_side_by_side({
                        'column_name': hipaa_mode.list_of(columns | map(attribute='name') | list),
                        'suspected': hipaa_mode.values_as_list(hipaa_mode.each_identifier(columns | map(attribute='guard_column'))),
                    }) }}
                from (
                select
                    coalesce(event, '') as event
                    {%- for column in columns %},
                    sum({{ hipaa_mode.identifier(column.guard_column) }}) as {{ hipaa_mode.identifier(column.guard_column) }}
                    {%- endfor %}
                from {{ masked }}
                group by 1
                ) as by_event
            ) as counted
{%- endmacro %}

{% macro _count_values(column, name) -%}
    {%- set value = hipaa_mode.identifier(name) -%}
    {%- if column.events is not none -%}
        {%- set value = 'case when event in (' ~ hipaa_mode.literals(column.events) ~ ') then ' ~ value ~ ' end' -%}
    {%- endif -%}
    {%- if column.is_list -%}
        {{- return(hipaa_mode.count_list_values(value)) -}}
    {%- endif -%}
    {{- return('count(' ~ value ~ ')') -}}
{%- endmacro %}

{#- A relation of this package, for hooks: they can't use ref(). -#}
{% macro package_relation(name) -%}
    {%- set node = graph.nodes.get('model.hipaa_mode.' ~ name) -%}
    {%- if not node -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: model ' ~ name ~ ' is disabled or gone') -}}
    {%- endif -%}
    {{- return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) -}}
{%- endmacro %}
