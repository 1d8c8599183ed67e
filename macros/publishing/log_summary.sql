{#- The run's summary: what each destination received, and which were not to be built. -#}
{% macro log_summary(published, unselected) -%}
    {%- for manifest in published -%}
        {%- if loop.first -%}
            {%- do log(
                'hipaa_mode: ' ~ manifest.calls.raw ~ ' raw calls = ' ~ manifest.calls.staged ~ ' staged + '
                ~ manifest.calls.duplicates ~ ' duplicates + ' ~ manifest.calls.rejected ~ ' rejected + '
                ~ manifest.calls.withheld ~ ' withheld', info=true
            ) -%}
            {%- if manifest.undated -%}
                {%- do log(
                    'hipaa_mode: WARNING: ' ~ manifest.undated ~ ' staged calls have no time, or one that can not be: before '
                    ~ var('hipaa_mode__earliest_day', '2000-01-01') ~ ', or more than ' ~ var('hipaa_mode__days_ahead', 1) ~ ' days after their receipt', info=true
                ) -%}
            {%- endif -%}
            {%- if manifest.namesakes -%}
                {%- do log(
                    'hipaa_mode: WARNING: ' ~ manifest.namesakes ~ ' calls have the message id of another call, of another type or with other ids: all are kept', info=true
                ) -%}
            {%- endif -%}
            {%- if manifest.cut -%}
                {%- do log(
                    'hipaa_mode: WARNING: ' ~ manifest.cut ~ ' calls have texts that are cut in the middle of a character: those are null', info=true
                ) -%}
            {%- endif -%}
            {%- set withheld = manifest.withheld -%}
            {%- if manifest.calls.withheld or withheld.suppressed_people or withheld.retain_days is not none -%}
                {%- do log(
                    'hipaa_mode: withheld: ' ~ withheld.calls.suppressed ~ ' calls of ' ~ withheld.suppressed_people ~ (' suppressed person' if withheld.suppressed_people == 1 else ' suppressed people')
                    ~ (', ' ~ withheld.calls.suppressed_by_alias ~ ' tied to them by alias and merge calls' if withheld.calls.suppressed_by_alias else '')
                    ~ (', ' ~ withheld.calls.expired ~ ' older than ' ~ withheld.retain_days ~ ' days, ' ~ withheld.calls.undated
                    ~ ' without a time' if withheld.retain_days is not none else ''), info=true
                ) -%}
            {%- endif -%}
        {%- endif -%}
        {%- set denials = hipaa_mode.door().describe_denials(manifest.consent) -%}
        {%- if denials -%}
            {%- do log('hipaa_mode: `' ~ manifest.destination ~ '`: ' ~ denials, info=true) -%}
        {%- endif -%}
        {%- for name, facts in manifest.views.items() -%}
            {%- set not_fitting = facts.columns | sum(attribute='values_not_fitting') -%}
            {%- set properties = hipaa_mode.door().property_counts(facts.columns) -%}
            {%- set dropped = (facts.properties_dropped if facts.properties_dropped is not none else 'uncounted') ~ ' dropped' -%}
            {%- do log(
                'hipaa_mode: published ' ~ name ~ ': ' ~ facts.rows ~ ' rows (' ~ facts.files_written ~ ' of ' ~ facts.files ~ ' files written), '
                ~ (properties ~ ', ' ~ dropped if manifest.restrict_phi else 'every property (not restricted)')
                ~ (', ' ~ not_fitting ~ ' values did not fit and are null' if not_fitting else ''), info=true
            ) -%}
            {%- for line in facts.checks_overlook -%}
                {%- do log('hipaa_mode: ' ~ name ~ ': ' ~ line ~ ' (arguments of its tests)', info=true) -%}
            {%- endfor -%}
            {%- for column in facts.columns if column.values_like_identifiers -%}
                {%- do log(
                    'hipaa_mode: ' ~ ('guard' if column.guard == 'block' else 'WARNING') ~ ': ' ~ name
                    ~ '.' ~ column.name ~ ': ' ~ column.values_like_identifiers ~ ' values look like identifiers and '
                    ~ ('are null' if column.guard == 'block' else 'were sent all the same (guard warn)'), info=true
                ) -%}
            {%- endfor -%}
            {%- for column in facts.columns if column.values_that_ids_equal -%}
                {%- do log(
                    'hipaa_mode: NOTICE: ' ~ name ~ '.' ~ column.name ~ ': ' ~ column.values_that_ids_equal
                    ~ ' of the values in many rows are also ids of a few calls, which is taken for a coincidence', info=true
                ) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if unselected -%}
        {%- do log('hipaa_mode: not selected, so left as they are: `' ~ unselected | join('`, `') ~ '`', info=true) -%}
    {%- endif -%}
{%- endmacro %}
