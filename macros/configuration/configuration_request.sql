{#- Where the configuration is: the seeds' own files, since the tables may be of another run. -#}
{% macro configuration_request() -%}
    {%- set seeds = ['destination_types', 'destinations', 'allowed_events', 'allowed_properties', 'small_zip3_areas'] -%}
    {%- set files = {} -%}
    {%- set labels = {} -%}
    {%- set models = [] -%}
    {%- set folder = var('hipaa_mode__seed_folder', none) -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'seed' and node.name in seeds -%}
            {#- The root project's seed stands for the package's own. -#}
            {%- if node.name not in files or node.package_name == project_name -%}
                {%- do files.update({node.name: node.root_path ~ '/' ~ node.original_file_path}) -%}
                {%- do labels.update({node.name: node.original_file_path}) -%}
            {%- endif -%}
        {%- elif node.resource_type == 'model' and node.config.materialized == 'destination_view' -%}
            {%- do models.append(node.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set request = {
        'environment': hipaa_mode.environment(),
        'today': run_started_at.strftime('%Y-%m-%d'),
        'seed_files': files,
        'seed_labels': labels,
        'models': models,
    } -%}
    {%- if folder -%}
        {%- for seed in seeds -%}
            {%- do files.update({seed: folder ~ '/' ~ seed ~ '.csv'}) -%}
            {%- do labels.update({seed: folder ~ '/' ~ seed ~ '.csv'}) -%}
        {%- endfor -%}
        {%- do request.pop('models') -%}
    {%- endif -%}
    {{- return(request) -}}
{%- endmacro %}
