{#- How many threads the engine works with. While one thread has work that another waits for, the
    waiting one keeps a processor busy: so where several views of few rows are written at once, each
    gets its share, and where one table is made, it gets all. The plugin reckons the shares. -#}

{#- The engine's threads, as the run finds them. -#}
{% macro threads() -%}
    {{- return(adapter.dispatch('threads', 'hipaa_mode')()) -}}
{%- endmacro %}

{% macro duckdb__threads() -%}
    {{- return(run_query("select current_setting('threads')").columns[0].values()[0] | int) -}}
{%- endmacro %}

{% macro default__threads() -%}
    {{- return(1) -}}
{%- endmacro %}

{#- The statement that has the engine work with so many threads. -#}
{% macro set_threads(threads) -%}
    {{- return(adapter.dispatch('set_threads', 'hipaa_mode')(threads)) -}}
{%- endmacro %}

{% macro duckdb__set_threads(threads) -%}
    {{- return('set threads = ' ~ threads) -}}
{%- endmacro %}

{% macro default__set_threads(threads) -%}
    {{- return('select 1') -}}
{%- endmacro %}
