{#- First three digits of a ZIP code; 000 where 20,000 people or fewer live. -#}
{% macro zip3(column) -%}
    case
        when left({{ column }}, 3) in (
            '036', '059', '063', '102', '203', '556', '692', '790', '821',
            '823', '830', '831', '878', '879', '884', '890', '893'
        ) then '000'
        else left({{ column }}, 3)
    end
{%- endmacro %}
