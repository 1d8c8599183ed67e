{#- Where the configuration is: the seeds' own files, since the tables may be of another run. -#}
{% macro configuration_request() -%}
    {%- set request = {
        'environment': hipaa_mode.environment(),
        'today': (run_started_at | string)[:10],
        'seed_files': {},
        'seed_labels': {},
    } -%}
    {%- set seeds = ['destination_types', 'destinations', 'allowed_events', 'allowed_properties', 'small_zip3_areas'] -%}
    {%- set folder = var('hipaa_mode__seed_folder', none) -%}
    {%- if folder -%}
        {%- for seed in seeds -%}
            {%- do request.seed_files.update({seed: folder ~ '/' ~ seed ~ '.csv'}) -%}
            {%- do request.seed_labels.update({seed: folder ~ '/' ~ seed ~ '.csv'}) -%}
        {%- endfor -%}
        {{- return(request) -}}
    {%- endif -%}
    {%- do request.update({'models': [], 'suppressed_users': hipaa_mode.suppressed_users_locations(), 'loaded_by_dbt': []}) -%}
    {%- do request.update({'placeholder_ids': hipaa_mode.placeholder_ids()}) -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'seed' and node.name in seeds -%}
            {#- The root project's seed stands for the package's own. -#}
            {%- if node.name not in request.seed_files or node.package_name == project_name -%}
                {%- do request.seed_files.update({node.name: node.root_path ~ '/' ~ node.original_file_path}) -%}
                {%- do request.seed_labels.update({node.name: node.original_file_path}) -%}
            {%- endif -%}
        {%- elif node.resource_type == 'seed' and node.name == 'suppressed_users' -%}
            {%- do request.loaded_by_dbt.append(node.original_file_path) -%}
        {%- elif node.resource_type == 'model' and node.config.materialized == 'destination_view' -%}
            {%- do request.models.append(node.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(request) -}}
{%- endmacro %}

{#- What names the people who are suppressed besides those of suppressed_users.csv: CSV or NDJSON
    files or tables, so that their ids need not be in git. All of them are read. -#}
{% macro suppressed_users_locations() -%}
    {{- return([var('hipaa_mode__suppressed_users', none), env_var('HIPAA_MODE_SUPPRESSED_USERS', '')]) -}}
{%- endmacro %}

{#- What senders write for an id that they do not have, in any case: such an id is none. -#}
{% macro placeholder_ids() -%}
    {{- return(var('hipaa_mode__placeholder_ids', none) or []) -}}
{%- endmacro %}
