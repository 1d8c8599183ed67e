{#- Asks for the database file to be written anew when the run has ended. -#}
{% macro note_space_to_clear() -%}
    {%- call statement('note_space_to_clear') -%}
        insert into {{ hipaa_mode.build_table('space_to_clear') }} values ({{ hipaa_mode.door().run_number() }})
    {%- endcall -%}
{%- endmacro %}
