{#- By destination: `reasons` why it may not be published, none where it may, and the names of
    the `checks` that passed.

    A destination needs its views, all they are built from, and every test on any of these to
    have run and passed in this run. A test that reads a destination's view counts for that
    destination alone, whatever else it reads. -#}
{% macro publishing_blockers(results, destinations) -%}
    {%- set status = {} -%}
    {%- set failed_checks = {} -%}
    {%- for result in results -%}
        {%- do status.update({result.node.unique_id: result.status | string}) -%}
        {%- if result.status | string == 'fail' -%}
            {%- do failed_checks.update({result.node.unique_id: hipaa_mode._failed_checks(result.node)}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set view_owner = {} -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'model' and node.config.materialized == 'destination_view' -%}
            {%- do view_owner.update({node.unique_id: node.name.rsplit('__', 1)[0]}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set blockers = {} -%}
    {%- for destination in destinations -%}
        {%- set needed = hipaa_mode._needed_nodes(destination, view_owner) -%}
        {%- set reasons = [] -%}
        {%- for unique_id in needed -%}
            {%- do reasons.append(hipaa_mode._blocker(unique_id, status.get(unique_id))) -%}
        {%- endfor -%}
        {%- set tests_on_views = [] -%}
        {%- set checks = [] -%}
        {#- A test on a disabled model stays in the graph, and is no test of anything. -#}
        {%- for node in graph.nodes.values() if node.resource_type == 'test' and (not node.attached_node or node.attached_node in graph.nodes) -%}
            {%- set owners = [] -%}
            {%- for unique_id in node.depends_on.nodes if unique_id in view_owner -%}
                {%- do owners.append(view_owner[unique_id]) -%}
            {%- endfor -%}
            {%- set concerns = destination in owners if owners else node.depends_on.nodes | select('in', needed) | list | length > 0 -%}
            {%- if concerns -%}
                {%- do reasons.append(hipaa_mode._blocker(node.unique_id, status.get(node.unique_id)) ~ failed_checks.get(node.unique_id, '')) -%}
                {%- if status.get(node.unique_id) in ('success', 'pass') -%}
                    {%- do checks.extend(hipaa_mode._check_names_of(node)) -%}
                {%- endif -%}
                {%- if owners -%}
                    {%- do tests_on_views.append(node.unique_id) -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for result in results if result.node.resource_type == 'unit_test' -%}
            {%- if result.node.depends_on.nodes | select('in', needed) | list and result.status | string not in ('pass', 'success') -%}
                {%- do reasons.append('unit test ' ~ result.node.name ~ ' failed') -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not tests_on_views -%}
            {%- do reasons.append('no test is configured on its views') -%}
        {%- else -%}
            {%- do reasons.extend(hipaa_mode._missing_tests(destination, view_owner)) -%}
        {%- endif -%}
        {%- do blockers.update({destination: {'reasons': reasons | select | list, 'checks': checks | sort}}) -%}
    {%- endfor -%}
    {{- return(blockers) -}}
{%- endmacro %}

{#- Which checks a destination's views have no test for. One with a setting that lets it pass on what it is
    there to find is as good as none. -#}
{% macro _missing_tests(destination, view_owner) -%}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'test' and node.test_metadata and view_owner.get(node.attached_node) == destination -%}
        {%- set config = node.config -%}
        {%- set is_whole = config.severity | upper == 'ERROR' and not config.where and config.limit is none and config.error_if == '!= 0' and config.fail_calc == 'count(*)' -%}
        {%- if is_whole and 'macro.hipaa_mode.test_' ~ node.test_metadata.name in node.depends_on.macros -%}
            {%- set view = graph.nodes[node.attached_node].name.rsplit('__', 1)[1] -%}
            {%- for check in hipaa_mode.check_names(view) if node.test_metadata.name in (check, 'holds_only_what_is_allowed') -%}
                {%- do found.append(node.attached_node ~ ' ' ~ check) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set missing = [] -%}
    {%- for unique_id, owner in view_owner.items() if owner == destination -%}
        {%- set view = graph.nodes[unique_id].name.rsplit('__', 1)[1] -%}
        {%- for test in hipaa_mode.check_names(view) if unique_id ~ ' ' ~ test not in found -%}
            {%- do missing.append(unique_id.split('.')[2] ~ ' has no test ' ~ test ~ ' without settings') -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(missing) -}}
{%- endmacro %}

{#- A destination's views and everything they are built from. -#}
{% macro _needed_nodes(destination, view_owner) -%}
    {%- set needed = [] -%}
    {%- for unique_id, owner in view_owner.items() if owner == destination -%}
        {%- do needed.append(unique_id) -%}
    {%- endfor -%}
    {#- The list grows while it is walked: each node adds what it is built from. -#}
    {%- for unique_id in needed -%}
        {%- for parent in graph.nodes[unique_id].depends_on.nodes | default([]) -%}
            {%- if parent not in needed and parent in graph.nodes -%}
                {%- do needed.append(parent) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(needed) -}}
{%- endmacro %}

{% macro _blocker(unique_id, status) -%}
    {%- set name = unique_id.split('.')[2] -%}
    {%- if status in ('success', 'pass') -%}
        {{- return('') -}}
    {%- elif status == 'warn' -%}
        {{- return(name ~ ' warned, which is not passing') -}}
    {%- elif status is none -%}
        {{- return(name ~ ' did not run') -}}
    {%- elif status == 'skipped' -%}
        {{- return(name ~ ' was skipped') -}}
    {%- endif -%}
    {{- return(name ~ ' failed') -}}
{%- endmacro %}

{#- What a test checked: its name, or of the one that runs all checks the name of each. -#}
{% macro _check_names_of(node) -%}
    {%- if not node.test_metadata or node.test_metadata.name != 'holds_only_what_is_allowed' -%}
        {{- return([node.name]) -}}
    {%- endif -%}
    {%- set view = node.attached_node.split('.')[2] -%}
    {%- set names = [] -%}
    {%- for check in hipaa_mode.check_names(view.rsplit('__', 1)[1]) -%}
        {%- do names.append(check ~ '_' ~ view) -%}
    {%- endfor -%}
    {{- return(names) -}}
{%- endmacro %}

{#- What a failed check of a destination view says: which check, on which column, how often. The
    rows of other tests may hold values, and are not read. -#}
{% macro _failed_checks(node) -%}
    {%- set test = node.test_metadata if node.resource_type == 'test' else none -%}
    {%- if not test or test.name not in hipaa_mode.check_names() + ['holds_only_what_is_allowed'] -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set found = [] -%}
    {%- for row in run_query(node.compiled_code).rows -%}
        {%- do found.append(row['check_name'] ~ (' on `' ~ row['column_name'] ~ '`' if row['column_name']) ~ ': ' ~ (row['failures'] | int) ~ ' (' ~ row['problem'] ~ ')') -%}
    {%- endfor -%}
    {{- return(' (' ~ found | join('; ') ~ ')' if found else '') -}}
{%- endmacro %}
