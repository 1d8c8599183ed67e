{#- Counts of the run that every manifest quotes. No value of a call is among them. -#}
{% macro run_facts(plan) -%}
    {%- set calls -%}
        select
            (select count(*) from {{ hipaa_mode.package_relation('calls_read') }}) as raw_calls,
            (select count(*) from {{ hipaa_mode.package_relation('stg_calls') }}) as staged,
            (select count(*) from {{ hipaa_mode.package_relation('duplicate_calls') }}) as duplicates,
            (select count(*) from {{ hipaa_mode.package_relation('rejected_calls') }}) as rejected
    {%- endset -%}
    {%- set row = run_query(calls).rows[0] -%}
    {%- set key = run_query(
        'select fingerprint from ' ~ hipaa_mode._masking_keys() ~ ' where environment = '
        ~ hipaa_mode.literal(hipaa_mode.environment()) ~ ' order by first_used_at desc, rowid desc limit 1'
    ).columns[0].values()[0] -%}
    {%- set not_fitting = {} -%}
    {%- set like_identifiers = {} -%}
    {%- set property_names = {} -%}
    {%- for view in plan.masked_tables -%}
        {%- do like_identifiers.update({view: hipaa_mode.count_like_identifiers(plan, view)}) -%}
        {%- do not_fitting.update({view: hipaa_mode.count_not_fitting(plan, view)}) -%}
        {%- do property_names.update({view: hipaa_mode.seen_property_names(view)}) -%}
    {%- endfor -%}
    {{- return({
        'calls': {'raw': row[0] | int, 'staged': row[1] | int, 'duplicates': row[2] | int, 'rejected': row[3] | int},
        'key_fingerprint': key,
        'not_fitting': not_fitting,
        'like_identifiers': like_identifiers,
        'property_names': property_names,
    }) -}}
{%- endmacro %}

{#- By masked column: how many values were made null because they fit neither treatment nor
    data type, blank ones under a mask included; what a guard took is not among them. -#}
{% macro count_not_fitting(plan, view) -%}
    {%- set columns = plan.masked_tables[view] -%}
    {%- if not columns -%}
        {{- return({}) -}}
    {%- endif -%}
    {%- set types = {'events': ['track', 'page', 'screen'], 'identifies': ['identify'], 'groups': ['group']}[view] -%}
    {%- set events = plan.masked_events if view == 'events' else none -%}
    {%- set sql -%}
        with

        staged as (

            select
                {%- for column in columns %}
                {{ hipaa_mode._count_values(column, column.value) }} as {{ hipaa_mode.identifier(column.name) }}{{ ',' if not loop.last }}
                {%- endfor %}
            from {{ hipaa_mode.package_relation('stg_calls') }}
            where
                call_type in ({{ hipaa_mode.literals(types) }})
                {%- if events is not none %}
                and {% if events %}event in ({{ hipaa_mode.literals(events) }}){% else %}false{% endif %}
                {%- endif %}

        ),

        masked as (

            select
                {%- for column in columns %}
                {{ hipaa_mode._count_values(column, column.name) }}
                {%- if column.guard == 'block' %} + coalesce(sum({{ hipaa_mode.identifier(column.guard_column) }}), 0){% endif %} as {{ hipaa_mode.identifier(column.name) }}{{ ',' if not loop.last }}
                {%- endfor %}
            from {{ hipaa_mode.package_relation('masked_' ~ view) }}

        )

        select
            {%- for column in columns %}
            staged.{{ hipaa_mode.identifier(column.name) }} - masked.{{ hipaa_mode.identifier(column.name) }} as {{ hipaa_mode.identifier(column.name) }}{{ ',' if not loop.last }}
            {%- endfor %}
        from staged
        cross join masked
    {%- endset -%}
    {%- set row = run_query(sql).rows[0] -%}
    {%- set counts = {} -%}
    {%- for column in columns -%}
        {%- do counts.update({column.name: row[loop.index0] | int}) -%}
    {%- endfor -%}
    {{- return(counts) -}}
{%- endmacro %}

{#- By masked column, and by event: how many values looked like an identifier. -#}
{% macro count_like_identifiers(plan, view) -%}
    {%- set columns = plan.masked_tables[view] | selectattr('guard_column') | list -%}
    {%- set counts = {} -%}
    {%- if columns -%}
        {%- set sql -%}
            select
                event
                {%- for column in columns %},
                sum({{ hipaa_mode.identifier(column.guard_column) }}) as {{ hipaa_mode.identifier(column.guard_column) }}
                {%- endfor %}
            from {{ hipaa_mode.package_relation('masked_' ~ view) }}
            group by event
        {%- endset -%}
        {%- set rows = run_query(sql).rows -%}
        {%- for column in columns -%}
            {%- set position = loop.index -%}
            {%- set by_event = {} -%}
            {%- for row in rows -%}
                {%- do by_event.update({row[0]: row[position] | int}) -%}
            {%- endfor -%}
            {%- do counts.update({column.name: by_event}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(counts) -}}
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

{#- The names of properties that arrived, by where they were; for counting only. -#}
{% macro seen_property_names(view) -%}
    {%- if not var('hipaa_mode__count_dropped_properties', true) -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set types = {'events': ['track', 'page', 'screen'], 'identifies': ['identify'], 'groups': ['group']}[view] -%}
    {%- set names = {} -%}
    {%- for root in ['properties' if view == 'events' else 'traits', 'context'] -%}
        {%- set sql -%}
            with

            shapes as (

                select distinct {{ root }}_names as names
                from {{ hipaa_mode.package_relation('stg_calls') }}
                where call_type in ({{ hipaa_mode.literals(types) }}) and {{ root }}_names <> ''

            )

            select distinct unnest(string_split(names, chr(31))) as name
            from shapes
        {%- endset -%}
        {%- do names.update({root: run_query(sql).columns[0].values() | list}) -%}
    {%- endfor -%}
    {{- return(names) -}}
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
