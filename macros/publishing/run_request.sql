{#- What ran, and the project's graph as far as publishing goes by it: Python decides by it which
    destinations may be published. See scripts/hipaa_mode/run/permission.py. -#}
{% macro run_request(results) -%}
    {%- set request = {
        'command': flags.WHICH,
        'invoked': invocation_args_dict.get('invocation_command'),
        'is_part': true if flags.EMPTY or flags.SAMPLE else false,
        'selected': selected_resources | list,
        'statuses': {},
        'unit_tests': [],
        'failures': {},
        'errors': {},
        'nodes': [],
    } -%}
    {%- for result in results -%}
        {%- set node = result.node -%}
        {%- set status = result.status | string -%}
        {%- do request.statuses.update({node.unique_id: status}) -%}
        {%- if node.resource_type == 'unit_test' and status not in ('pass', 'success') -%}
            {%- do request.unit_tests.append({'name': node.name, 'reads': node.depends_on.nodes}) -%}
        {%- elif status == 'fail' -%}
            {%- do request.failures.update({node.unique_id: hipaa_mode._failures(node)}) -%}
        {%- elif status == 'error' -%}
            {%- do request.errors.update({node.unique_id: result.message | string}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed', 'snapshot', 'test') -%}
        {%- set is_test = node.resource_type == 'test' -%}
        {%- set is_view = node.config.materialized == 'destination_view' -%}
        {%- set of_test = node.test_metadata if is_test and node.test_metadata else {} -%}
        {%- do request.nodes.append({
            'unique_id': node.unique_id, 'kind': node.resource_type, 'name': node.name, 'package': node.package_name,
            'parents': node.depends_on.nodes | default([]),
        }) -%}
        {%- if is_view -%}
            {%- do request.nodes[-1].update({'is_view': true, 'code': node.raw_code, 'path': node.original_file_path}) -%}
        {%- elif node.resource_type == 'model' and node.package_name == 'hipaa_mode' -%}
            {%- do request.nodes[-1].update({'code': node.raw_code}) -%}
        {%- elif is_test -%}
            {%- do request.nodes[-1].update({
                'test': of_test.name or '', 'attached': node.attached_node or '',
                'arguments': of_test.kwargs or {}, 'macros': node.depends_on.macros, 'config': hipaa_mode._settings(node.config),
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(request) -}}
{%- endmacro %}

{% macro _settings(config) -%}
    {%- set settings = {} -%}
    {%- for name in ('severity', 'where', 'limit', 'fail_calc', 'warn_if', 'error_if', 'store_failures', 'store_failures_as') -%}
        {%- do settings.update({name: config.get(name)}) -%}
    {%- endfor -%}
    {{- return(settings) -}}
{%- endmacro %}

{#- What a failed check of a destination view says: which check, on which column, how often. The
    rows of other tests may hold values, and are not read. -#}
{% macro _failures(node) -%}
    {%- set test = node.test_metadata if node.resource_type == 'test' else none -%}
    {%- set found = [] -%}
    {%- if test and test.name in hipaa_mode.check_names() + ['holds_only_what_is_allowed'] and 'macro.hipaa_mode.test_' ~ test.name in node.depends_on.macros -%}
        {%- for row in run_query(node.compiled_code).rows -%}
            {%- do found.append({'check_name': row['check_name'], 'column_name': row['column_name'], 'failures': row['failures'] | int, 'problem': row['problem']}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}
