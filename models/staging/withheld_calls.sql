-- Usable calls that are withheld: of suppressed people, and of days that are no longer kept.
{{ config(materialized='accumulated_table', meta={'upkeep': 'withhold_calls', 'query_may_change': true, 'follows': ['calls_read']}) }}
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.withheld_calls() }}
