{#- Helpers of the generic tests on destination views. -#}

{#- The columns that a view under test has, or the files that are tested in its place. Fails where
    there are none. -#}
{% macro actual_columns(model, files) -%}
    {%- if not execute or flags.WHICH in ('compile', 'generate') -%}
        {#- Compiling tests nothing, and needs no relation. -#}
        {{- return([]) -}}
    {%- endif -%}
    {%- if files -%}
        {{- return(hipaa_mode.columns_of(hipaa_mode.file_rows(files, all_columns=true))) -}}
    {%- endif -%}
    {%- set existing = adapter.get_relation(model.database, model.schema, model.identifier) -%}
    {%- if existing is none -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ model.identifier ~ ' does not exist, so it can not be tested. Run: dbt build') -}}
    {%- endif -%}
    {%- set columns = hipaa_mode.columns_of(model) -%}
    {%- if columns | length == 0 -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ model.identifier ~ ' has no columns, so it can not be tested. Run: dbt build') -}}
    {%- endif -%}
    {{- return(columns) -}}
{%- endmacro %}

{#- The files under test: in a build those that are about to be published, since the others stay as
    they were tested. None where this run wrote none: then the view itself is tested. -#}
{% macro tested_files(model) -%}
    {%- if flags.WHICH in ('compile', 'generate') or not execute -%}
        {{- return(none) -}}
    {%- endif -%}
    {{- return(hipaa_mode.door().tested_files(hipaa_mode.tested_name(model))) -}}
{%- endmacro %}

{#- The condition on `timestamp` that tells the calls of the rows under test. -#}
{% macro tested_condition(model) -%}
    {%- set partitions = none if flags.WHICH in ('compile', 'generate') or not execute else hipaa_mode.door().tested_partitions(hipaa_mode.tested_name(model)) -%}
    {%- if partitions is none -%}
        {{- return('true') -}}
    {%- endif -%}
    {%- set conditions = [] -%}
    {%- for partition in partitions -%}
        {%- do conditions.append(hipaa_mode.in_partition(partition)) -%}
    {%- endfor -%}
    {{- return('(' ~ conditions | join(' or ') ~ ')' if conditions else 'false') -}}
{%- endmacro %}

{#- The name of the view under test: <destination>__<view>. -#}
{% macro tested_name(model) -%}
    {%- if not execute -%}
        {{- return('parsing__events') -}}
    {%- endif -%}
    {%- set name = hipaa_mode.node_name(model) -%}
    {%- set parts = name.rsplit('__', 1) -%}
    {%- if parts | length != 2 or parts[1] not in ('events', 'identifies', 'groups', 'users', 'groups_latest') -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ name ~ ' is not a destination view: its name must be <destination>__events, __identifies, __groups, __users or __groups_latest') -}}
    {%- endif -%}
    {{- return(name) -}}
{%- endmacro %}

{#- The name of the model or seed that a relation is of: a project may give relations other names.
    Most have the node's own, so that no test need go through all nodes of many destinations. -#}
{% macro node_name(relation) -%}
    {%- set likely = [] -%}
    {%- for prefix in ['model.' ~ project_name, 'seed.' ~ project_name, 'seed.hipaa_mode'] -%}
        {%- do likely.append(graph.nodes.get(prefix ~ '.' ~ relation.identifier)) -%}
    {%- endfor -%}
    {%- for node in likely | select | list + graph.nodes.values() | list if node.resource_type in ('model', 'seed') -%}
        {%- if (node.database, node.schema, node.alias) == (relation.database, relation.schema, relation.identifier) -%}
            {{- return(node.name) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(relation.identifier) -}}
{%- endmacro %}

{#- The query of the texts that rows show in some of the numbered columns: `column_number` and
    `shown_text`; of a list, its elements; `in_json` of JSON, all scalars and keys in it; and, where
    it is asked for, the `person`. Columns that hold texts are read together, since a query for each
    would take longer to plan than to run. -#}
{% macro shown_texts(columns, numbered_columns, rows, in_json=false, person=none) -%}
    {%- set together = [] if in_json else columns | rejectattr('is_list') | list -%}
    {%- set groups = [] -%}
    {%- if together | length > 1 -%}
        {%- do groups.append(hipaa_mode.rows_side_by_side({
            'column_number': hipaa_mode.values_as_list(hipaa_mode._numbers(together, numbered_columns)),
            'shown_text': hipaa_mode.values_as_list(hipaa_mode.each_identifier(together | map(attribute='name'))),
        })) -%}
    {%- endif -%}
    {%- for column in columns if not groups or column not in together -%}
        {%- do groups.append(hipaa_mode._numbers([column], numbered_columns)[0] ~ ' as column_number, ' ~ hipaa_mode.each_shown_text(column, in_json) ~ ' as shown_text') -%}
    {%- endfor -%}
    {%- for texts in groups -%}
    select
        {{ texts | indent(4) }}{{ ',\n        ' ~ person ~ ' as person' if person }}
    from {{ hipaa_mode.rows_with_texts(rows, columns[loop.index0], in_json) }}
    {%- if not loop.last %}
    union all
    {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro count_where(condition) -%}
    {{- return('count(case when ' ~ condition ~ ' then 1 end)') -}}
{%- endmacro %}
