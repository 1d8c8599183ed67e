{#- What this environment's build does, as resolved from the seeds when the run started: see
    scripts/hipaa_mode/plan.py for its fields, of which one may be asked for alone. Nothing at parse
    time. -#}
{% macro plan(part=none) -%}
    {%- if not execute -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- if hipaa_mode._asks_for_itself() -%}
        {{- return(hipaa_mode.door().plan(part, **hipaa_mode.configuration_request())) -}}
    {%- endif -%}
    {{- return(hipaa_mode.door().plan(part)) -}}
{%- endmacro %}

{#- What one destination receives; none if the environment does not have it. -#}
{% macro destination_plan(destination) -%}
    {%- if not execute -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set request = {} -%}
    {%- if hipaa_mode._asks_for_itself() -%}
        {%- do request.update(hipaa_mode.configuration_request()) -%}
    {%- endif -%}
    {%- do request.update({'destination': destination}) -%}
    {{- return(hipaa_mode.door().destination(**request)) -}}
{%- endmacro %}

{#- Whether a model can't rely on what the run's first hook read: unit tests have seeds of their
    own, and `dbt compile` compiles the hook beside the models, in any order. -#}
{% macro _asks_for_itself() -%}
    {{- return(var('hipaa_mode__seed_folder', none) or flags.WHICH in ('compile', 'generate', 'show')) -}}
{%- endmacro %}

{#- Says in a model that it is built from the seeds, so that they load before it. -#}
{% macro depends_on_configuration() -%}
-- depends_on: {{ ref('destination_types') }}
-- depends_on: {{ ref('destinations') }}
-- depends_on: {{ ref('allowed_events') }}
-- depends_on: {{ ref('allowed_properties') }}
-- depends_on: {{ ref('small_zip3_areas') }}
{%- endmacro %}
