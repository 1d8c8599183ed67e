{#- Refuses raw calls of which none was read before, and those of another environment. -#}
{% macro check_raw_calls() -%}
    {%- if 'model.hipaa_mode.calls_read' in selected_resources -%}
        {%- do hipaa_mode.pinned_raw_calls() -%}
        {%- do hipaa_mode.refuse(hipaa_mode.door().check_raw_calls(target.database or '', **hipaa_mode.raw_calls_request())) -%}
    {%- endif -%}
{%- endmacro %}

{#- Notes what the environment was built from, once its raw calls were read. -#}
{% macro note_run(run_number) -%}
    {%- set record = hipaa_mode.door().note_run() -%}
    {%- call statement('forget_run') -%}
        {{ hipaa_mode.delete_rows(hipaa_mode.build_table('run_records'), 'environment = ' ~ hipaa_mode.literal(hipaa_mode.environment())) }}
    {%- endcall -%}
    {%- call statement('note_run') -%}
        insert into {{ hipaa_mode.build_table('run_records') }} values (
            {{ run_number }}, {{ hipaa_mode.literal(hipaa_mode.environment()) }}, {{ hipaa_mode.literal(record) }}
        )
    {%- endcall -%}
{%- endmacro %}
