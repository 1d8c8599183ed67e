{#- Salted hash of an identifier. -#}
{% macro masked(column) -%}
    sha256('{{ env_var("HAND_WRITTEN_SALT") }}' || {{ column }})
{%- endmacro %}
