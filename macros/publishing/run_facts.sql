{#- Counts that every manifest quotes. No value of a call is among them. -#}
{% macro run_facts(plan) -%}
    {%- set calls -%}
        select
            (select count(*) from {{ hipaa_mode.package_relation('calls_read') }}) as raw_calls,
            (select count(*) from {{ hipaa_mode.package_relation('stg_calls') }}) as staged,
            (select count(*) from {{ hipaa_mode.package_relation('duplicate_calls') }}) as duplicates,
            (select count(*) from {{ hipaa_mode.package_relation('rejected_calls') }}) as rejected,
            (select count(*) from {{ hipaa_mode.package_relation('withheld_calls') }}) as withheld,
            (select count(*) - count(timestamp) from {{ hipaa_mode.package_relation('stg_calls') }}) as undated,
            (select count(message_id) from {{ hipaa_mode.package_relation('call_keys') }}) as namesakes,
            (select count(has_cut_text) from {{ hipaa_mode.package_relation('calls_read') }}) as cut
    {%- endset -%}
    {%- set row = run_query(calls).rows[0] -%}
    {%- set not_fitting = {} -%}
    {%- set like_identifiers = {} -%}
    {%- set property_names = {} -%}
    {%- for view in plan.masked_tables -%}
        {%- set counts = hipaa_mode._noted_counts(view) -%}
        {%- do not_fitting.update({view: counts.not_fitting}) -%}
        {%- do like_identifiers.update({view: counts.like_identifiers}) -%}
        {%- do property_names.update({view: hipaa_mode._noted_property_names(view)}) -%}
    {%- endfor -%}
    {{- return({
        'calls': {'raw': row[0] | int, 'staged': row[1] | int, 'duplicates': row[2] | int, 'rejected': row[3] | int, 'withheld': row[4] | int},
        'undated': row[5] | int,
        'namesakes': row[6] | int,
        'cut': row[7] | int,
        'withheld': hipaa_mode.withheld_facts(plan),
        'denials': hipaa_mode.denial_facts(),
        'key_fingerprint': hipaa_mode.stored_key_fingerprint(),
        'not_fitting': not_fitting,
        'like_identifiers': like_identifiers,
        'property_names': property_names,
        'token_bridges': hipaa_mode.door().token_bridges(**hipaa_mode.published_request()),
    }) -}}
{%- endmacro %}

{#- What was withheld, and by which list: how many people it has and its fingerprint, the HMAC of
    its ids, sorted, a line each. Whoever has the list and the key can make it again. -#}
{% macro withheld_facts(plan) -%}
    {%- set calls = {'suppressed': 0, 'suppressed_by_alias': 0, 'expired': 0, 'undated': 0} -%}
    {%- set by_reason -%}
        select reason, count(*) from {{ hipaa_mode.package_relation('withheld_calls') }} group by 1
    {%- endset -%}
    {%- for row in run_query(by_reason).rows -%}
        {%- do calls.update({row[0]: row[1] | int}) -%}
    {%- endfor -%}
    {%- set ids = "string_agg(user_id, chr(10) order by user_id)" -%}
    {%- set list -%}
        select count(*), {{ hipaa_mode.token(ids, 'suppression-list') }}
        from {{ hipaa_mode.build_table('suppressed_users') }}
    {%- endset -%}
    {%- set row = run_query(list).rows[0] -%}
    {{- return({
        'calls': calls,
        'suppressed_people': row[0] | int,
        'suppressed_people_hmac': row[1],
        'retain_days': plan.retain_days,
        'retained_from': plan.retained_from,
    }) -}}
{%- endmacro %}

{#- A query of how many staged calls are denied to which destination, why, by type and event. -#}
{% macro denial_facts() -%}
    {%- set sql -%}
        select destination, reason, call_type, event, count(*)
        from (
            select
                unnest(denied_calls.denied_to) as destination,
                unnest(denied_calls.reasons) as reason,
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
                delete from {{ table }} where view_name = {{ hipaa_mode.literal(view) }}
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
            select distinct {{ run_number }}, {{ hipaa_mode.literal(view) }}, '{{ root }}', unnest(string_split(names, chr(31)))
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
            select
                {{ run_number }},
                {{ hipaa_mode.literal(view) }},
                unnest([{{ hipaa_mode.literals(columns | map(attribute='name')) }}]),
                null,
                unnest([
                    {%- for column in columns %}
                    staged.{{ hipaa_mode.identifier(column.name) }} - masked.{{ hipaa_mode.identifier(column.name) }}{{ ',' if not loop.last }}
                    {%- endfor %}
                ]),
                null,
                unnest([
                    {%- for column in columns %}
                    staged.{{ hipaa_mode.identifier(column.name) }}{{ ',' if not loop.last }}
                    {%- endfor %}
                ])
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
{%- endmacro %}

{#- By masked column, and by event: how many values looked like an identifier. -#}
{% macro _counts_like_identifiers(plan, view, run_number, masked) -%}
    {%- set columns = plan.masked_tables[view] | selectattr('guard_column') | list %}
            select
                {{ run_number }},
                {{ hipaa_mode.literal(view) }},
                unnest([{{ hipaa_mode.literals(columns | map(attribute='name')) }}]),
                event,
                null,
                unnest([
                    {%- for column in columns %}
                    {{ hipaa_mode.identifier(column.guard_column) }}{{ ',' if not loop.last }}
                    {%- endfor %}
                ]),
                null
            from (
                select
                    coalesce(event, '') as event
                    {%- for column in columns %},
                    sum({{ hipaa_mode.identifier(column.guard_column) }}) as {{ hipaa_mode.identifier(column.guard_column) }}
                    {%- endfor %}
                from {{ masked }}
                group by 1
            ) as by_event
{%- endmacro %}

{% macro _noted_counts(view) -%}
    {%- set sql -%}
        select column_name, event, cast(sum(not_fitting) as bigint), cast(sum(like_identifiers) as bigint)
        from {{ hipaa_mode.build_table('masked_counts') }}
        where view_name = {{ hipaa_mode.literal(view) }}
        group by 1, 2
    {%- endset -%}
    {%- set not_fitting = {} -%}
    {%- set like_identifiers = {} -%}
    {%- for row in run_query(sql).rows -%}
        {%- if row[2] is not none -%}
            {%- do not_fitting.update({row[0]: row[2] | int}) -%}
        {%- endif -%}
        {%- if row[3] is not none -%}
            {%- do like_identifiers.setdefault(row[0], {}).update({row[1]: row[3] | int}) -%}
        {%- endif -%}
    {%- endfor -%}
    {#- A guarded column without rows has counted too, and found nothing. -#}
    {%- for column in hipaa_mode.plan().masked_tables[view] if column.guard_column -%}
        {%- do like_identifiers.setdefault(column.name, {}) -%}
    {%- endfor -%}
    {{- return({'not_fitting': not_fitting, 'like_identifiers': like_identifiers}) -}}
{%- endmacro %}

{#- The names of properties that arrived, by where they were; for counting only. -#}
{% macro _noted_property_names(view) -%}
    {%- if not var('hipaa_mode__count_dropped_properties', true) -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set sql -%}
        select distinct root, name
        from {{ hipaa_mode.build_table('property_names') }}
        where view_name = {{ hipaa_mode.literal(view) }}
    {%- endset -%}
    {%- set names = {'properties' if view == 'events' else 'traits': [], 'context': []} -%}
    {%- for row in run_query(sql).rows -%}
        {%- do names[row[0]].append(row[1]) -%}
    {%- endfor -%}
    {{- return(names) -}}
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

{#- How many of the top-level properties that arrived in a view's calls it has nothing of. -#}
{% macro count_dropped_properties(seen, columns, view) -%}
    {%- if seen is none -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set dropped = namespace(count=0) -%}
    {%- for root, names in seen.items() -%}
        {%- set property_list = 'context' if root == 'context' else {'events': 'event', 'identifies': 'user', 'groups': 'group'}[view] -%}
        {%- set whole = columns | selectattr('name', 'equalto', root) | selectattr('property_list', 'equalto', 'envelope') | list -%}
        {%- set received = columns | selectattr('property_list', 'equalto', property_list) | map(attribute='top_name') | list -%}
        {%- if not whole -%}
            {%- set dropped.count = dropped.count + names | reject('in', received) | list | length -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(dropped.count) -}}
{%- endmacro %}

{#- A relation of this package, for hooks: they can't use ref(). -#}
{% macro package_relation(name) -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.package_name == 'hipaa_mode' and node.name == name -%}
        {{- return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) -}}
    {%- endfor -%}
    {{- exceptions.raise_compiler_error('hipaa_mode: model ' ~ name ~ ' is disabled or gone') -}}
{%- endmacro %}
