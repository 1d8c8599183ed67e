{#- The checks of a destination view. Each generic test runs one of them, and
    holds_only_what_is_allowed runs all in one query.

    A check gives a row for everything that is wrong: check_name, column_name, problem, failures.
    No value is among them. -#}

{#- The checks that a view must have. One of latest values has no event names to check. -#}
{% macro check_names(view='events') -%}
    {%- set names = [
        'only_allowlisted_columns', 'masked_columns_are_tokens', 'no_raw_identifiers', 'no_identifier_patterns',
        'only_allowed_events', 'no_denied_calls', 'row_id_is_primary_key', 'rows_match_calls',
    ] -%}
    {{- return(names | reject('equalto', 'only_allowed_events') | list if hipaa_mode.latest_of(view) else names) -}}
{%- endmacro %}

{#- The query of some checks over a view. -#}
{% macro checks_of(model, names, minimum_length=4, except_columns=[]) -%}
{%- set destination, view = hipaa_mode.tested_name(model).rsplit('__', 1) -%}
{%- set applying = hipaa_mode.check_names(view) -%}
{%- if names | length == 1 and names[0] not in applying -%}
    {{- exceptions.raise_compiler_error('hipaa_mode: test ' ~ names[0] ~ ' has nothing to look at in ' ~ model.identifier ~ ', whose rows are no calls. Remove it') -}}
{%- endif -%}
{%- do hipaa_mode.check_connection() -%}
{%- set files = hipaa_mode.tested_files(model) -%}
{%- set normalized_ids = hipaa_mode.plan('normalized_ids') or {} -%}
{%- set destination_plan = hipaa_mode.destination_plan(destination) -%}
{%- set columns = hipaa_mode.view_columns(destination_plan, view) if execute else [] -%}
{%- set restricted = not destination_plan or destination_plan.restrict_phi -%}
{%- set condition = hipaa_mode.tested_condition(model) -%}
{%- if condition == 'false' -%}
    {#- Where nothing is about to be published there are no rows to look at, only columns. -#}
    {%- set names = ['only_allowlisted_columns'] | select('in', names) | list -%}
{%- endif -%}
{#- Looking at each different text of a column once is what makes the checks cheap. -#}
{%- set read = hipaa_mode.door().checked_columns(columns, names, restricted, except_columns) if execute else {} -%}
{#- Before this connection asks anything: what began earlier would not see them. -#}
{%- set counted_ids = hipaa_mode.door().count_ids() if read.looks_for_ids and flags.WHICH in ('build', 'test', 'retry') else none -%}
{%- set actual = hipaa_mode.actual_columns(model, files) -%}
{%- set looked_through = {'shown_texts': read.texts, 'shown_in_json': read.objects} -%}
{%- set shown = {'shown_texts': read.shown_texts, 'shown_in_json': read.objects} -%}
{%- set selects = [] -%}
{%- for name in names if name in applying -%}
    {%- if name == 'only_allowlisted_columns' -%}
        {%- do selects.append(hipaa_mode._check_columns(actual, columns)) -%}
    {%- elif name == 'masked_columns_are_tokens' -%}
        {%- if read.tokens -%}
            {%- set digits = 'case when ' ~ hipaa_mode._of_columns(read.surrogates, read.tokens) ~ ' then 32 else 64 end' -%}
            {%- set is_token = 'hipaa_functions.is_hexadecimal(shown_text, ' ~ digits ~ ')' -%}
            {%- do selects.append(hipaa_mode._check_tokens(name, 'values that are no tokens', 'suspected_tokens', read.tokens, read.tokens, 'not ' ~ is_token)) -%}
        {%- endif -%}
    {%- elif name == 'no_raw_identifiers' -%}
        {%- if counted_ids -%}
            {%- do selects.append(hipaa_mode._check(name, '', 'ids of the calls that are not counted: run dbt again', '1', '(select 1) as this_run', 'not ' ~ counted_ids.is_complete)) -%}
        {%- endif -%}
        {%- if read.ids_among_tokens -%}
            {%- set is_raw = 'shown_text in (select identifier from identifiers where length(identifier) = 64)' -%}
            {%- do selects.append(hipaa_mode._check_tokens(name, 'ids of users or groups as they arrived', 'shown_tokens', read.tokens, read.ids_among_tokens, is_raw)) -%}
        {%- endif -%}
        {%- for relation, columns_alike in looked_through.items() if columns_alike -%}
            {%- do selects.append(hipaa_mode._check_ids(model.identifier, relation, shown[relation], columns_alike)) -%}
        {%- endfor -%}
    {%- elif name == 'no_identifier_patterns' and read.suspected -%}
        {%- do selects.append(hipaa_mode._check_patterns(read.shown_texts, read.suspected)) -%}
    {%- elif name == 'only_allowed_events' -%}
        {%- do selects.append(hipaa_mode._check_events(model)) -%}
    {%- elif name == 'no_denied_calls' -%}
        {%- do selects.append(hipaa_mode._check_denied(destination, destination_plan, view, condition)) -%}
    {%- elif name == 'row_id_is_primary_key' -%}
        {%- do selects.append(hipaa_mode._check_row_ids()) -%}
    {%- elif name == 'rows_match_calls' -%}
        {%- do selects.append(hipaa_mode._check_rows(destination, view, condition)) -%}
    {%- endif -%}
{%- endfor %}
-- depends_on: {{ ref('hipaa_mode', 'calls_read') }}
-- depends_on: {{ ref('hipaa_mode', 'stg_calls') }}
-- depends_on: {{ ref('hipaa_mode', 'denied_calls') }}
-- depends_on: {{ ref('destinations') }}
-- depends_on: {{ ref('allowed_events') }}
with

{# The rows of small files are read once for all checks; of large ones each check reads its columns. -#}
rows_under_test as {{ hipaa_mode.kept(true if files and hipaa_mode.door().has_small_files(hipaa_mode.tested_name(model)) else false) }}(

    select * from {{ hipaa_mode.file_rows(files) | indent(4) if files else model }}
    {%- if not files %}
    where {{ condition }}
    {%- endif %}

),

{% if read.tokens -%}
{{ hipaa_mode.shown_tokens(read.tokens, read.surrogates, 'rows_under_test') }},

{% endif -%}
{% for relation, shown_columns in shown.items() if shown_columns -%}
{#- Materialized, or each column would compile the patterns of the checks for itself. -#}
{{ relation }} as {{ hipaa_mode.kept() }}(

    {{ hipaa_mode.different_texts(shown_columns, 'rows_under_test', relation == 'shown_in_json', hipaa_mode.tested_name(model)) | indent(4) }}

),

{% endfor -%}
{%- if read.looks_for_ids -%}
{#- Of all calls, whichever rows are under test: a text may quote somebody of another day, or who
    is withheld. -#}
identifiers as {{ hipaa_mode.kept() }}(

    {%- set id_names = ['user_id', 'anonymous_id', 'group_id'] | reject('in', read.passing_ids) | list %}
    {{ hipaa_mode.door().ids_of_calls(
        counted_ids.table if counted_ids else ref('hipaa_mode', 'calls_read') | string, id_names, minimum_length,
        hipaa_mode._spellings_of_ids(normalized_ids, 'id'), counted_ids is not none
    ) | indent(4) }}

),

{% for relation, columns_alike in looked_through.items() if columns_alike -%}
{#- Of all rows, not of those under test alone: whether many people have a value does not depend on
    what changed. Read only for values that are somebody's id. -#}
{{ relation }}__people as {{ hipaa_mode.kept(false) }}(

    {{ hipaa_mode.shown_texts(columns_alike, shown[relation], model, relation == 'shown_in_json', hipaa_mode._person(view)) }}

),

{{ relation }}__ids as {{ hipaa_mode.kept() }}(

    {{ hipaa_mode.door().judged_values(
        relation, relation ~ '__people', 'identifiers', hipaa_mode._spellings_of_ids(normalized_ids, 'shown_text').values() | sum(start=[]) | unique | list
    ) | indent(4) }}

),

{% endfor -%}
{%- endif -%}
{%- if 'rows_match_calls' in names or 'only_allowed_events' in names -%}
{{ hipaa_mode._allowed_by_the_seeds(destination) }},

{% endif -%}
failed_checks as (

    {%- for select in selects %}
    {{ select }}
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select '' as check_name, '' as column_name, '' as problem, 0 as failures from {{ model }} where false
    {%- endfor %}

)

select
    check_name,
    column_name,
    problem,
    failures
from failed_checks
where failures > 0
{%- endmacro %}

{#- The spellings of a text by which some destination takes ids for one, by the id's name. -#}
{% macro _spellings_of_ids(normalized_ids, text) -%}
    {%- set spellings = {} -%}
    {%- for id in normalized_ids.values() -%}
        {%- do spellings.setdefault(id.name, []).append(hipaa_mode.normalized(text, id.normalize)) -%}
    {%- endfor -%}
    {{- return(spellings) -}}
{%- endmacro %}

{#- One check: how many rows of a relation meet a condition that none may meet. -#}
{% macro _check(check_name, column_name, problem, counted, relation, condition='true') %}
    select
        {{ hipaa_mode.literal(check_name) }} as check_name,
        {{ hipaa_mode.literal(column_name) }} as column_name,
        {{ hipaa_mode.literal(problem) }} as problem,
        {{ counted }} as failures
    from {{ relation }}
    where {{ condition }}
{%- endmacro %}

{#- One check on the tokens of some of the columns that a relation shows: one row a column. -#}
{% macro _check_tokens(check_name, problem, relation, shown_columns, columns, condition) %}
    select
        {{ hipaa_mode.literal(check_name) }} as check_name,
        {{ hipaa_mode._column_name(shown_columns) }} as column_name,
        {{ hipaa_mode.literal(problem) }} as problem,
        count(distinct shown_text) as failures
    from {{ relation }}
    where
        {{ hipaa_mode._of_columns(columns, shown_columns) }}
        and {{ condition }}
    group by column_number
{%- endmacro %}

{#- One check: how many of the values that some id equals are leaks. Those that are taken for a
    coincidence are noted, so that the run's end tells of them. -#}
{% macro _check_ids(view_name, relation, shown_columns, columns) %}
    {%- set column_name = hipaa_mode._column_name(shown_columns) %}
    select
        'no_raw_identifiers' as check_name,
        {{ column_name }} as column_name,
        'ids of users or groups as they arrived' as problem,
        case when {{ hipaa_mode.note_coincidences(view_name, column_name, 'coincidences') }} then leaks else leaks + coincidences end as failures
    from {{ relation }}__ids
    where {{ hipaa_mode._of_columns(columns, shown_columns) }}
{%- endmacro %}

{#- SQL of what a destination knows a row's person by: null where it knows nothing. -#}
{% macro _person(view) -%}
    {%- if hipaa_mode.latest_of(view) -%}
        {{- return('row_id') -}}
    {%- endif -%}
    {{- return('coalesce(user_id, anonymous_id)') -}}
{%- endmacro %}

{#- The numbers of some of the columns that a relation shows. -#}
{% macro _numbers(columns, shown_columns) -%}
    {%- set names = columns | map(attribute='name') | list -%}
    {%- set numbers = [] -%}
    {%- for column in shown_columns -%}
        {%- if column.name in names -%}
            {%- do numbers.append(loop.index) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(numbers) -}}
{%- endmacro %}

{#- Whether a text is of some of the columns that a relation shows. -#}
{% macro _of_columns(columns, shown_columns) -%}
    {%- set numbers = hipaa_mode._numbers(columns, shown_columns) -%}
    {%- if not numbers -%}
        {{- return('false') -}}
    {%- endif -%}
    {{- return('column_number in (' ~ numbers | join(', ') ~ ')' if numbers | length < shown_columns | length else 'true') -}}
{%- endmacro %}

{#- The name of a text's column. -#}
{% macro _column_name(shown_columns) -%}
    {{- return(hipaa_mode.element_at(hipaa_mode.list_of(shown_columns | map(attribute='name')), 'column_number')) -}}
{%- endmacro %}

{#- Exactly the columns of the allowlist: no other and none missing. -#}
{% macro _check_columns(actual_columns, columns) -%}
    {%- set types = hipaa_mode.data_types(columns) | map('upper') -%}
    {%- set expected = dict(zip(columns | map(attribute='name'), types)) -%}
    {%- set actual = dict(zip(actual_columns | map(attribute='name'), actual_columns | map(attribute='dtype') | map('upper'))) %}
    select
        'only_allowlisted_columns' as check_name,
        coalesce(actual.column_name, expected.column_name) as column_name,
        case when expected.column_name is null then 'not allowlisted' else 'missing or of another type' end as problem,
        1 as failures
    from (
        {{ hipaa_mode._column_rows(actual) }}
    ) as actual
    full outer join (
        {{ hipaa_mode._column_rows(expected) }}
    ) as expected
        on actual.column_name = expected.column_name and actual.data_type = expected.data_type
    where actual.column_name is null or expected.column_name is null
{%- endmacro %}

{% macro _column_rows(types) -%}
    {%- if types -%}
        select {{ hipaa_mode.rows_side_by_side({'column_name': hipaa_mode.list_of(types.keys()), 'data_type': hipaa_mode.list_of(types.values())}) }}
    {%- else -%}
        select '' as column_name, '' as data_type where false
    {%- endif -%}
{%- endmacro %}

{#- One row a column, which tells how many of its texts look like what. -#}
{% macro _check_patterns(shown_columns, columns) -%}
    {%- set patterns = hipaa_mode.identifier_patterns() -%}
    {#- A network is all that treatment ip_prefix leaves, and looks like an address. -#}
    {%- set networks = columns | selectattr('treatment', 'equalto', 'ip_prefix') | list -%}
    {%- do patterns.update({'ip_like': '(not ' ~ hipaa_mode._of_columns(networks, shown_columns) ~ ' and ' ~ patterns.ip_like ~ ')'}) -%}
    {%- set counts = [] -%}
    {%- for kind in patterns -%}
        {%- do counts.append(hipaa_mode.literal(kind ~ ' ') ~ ' || ' ~ hipaa_mode.count_where(kind)) -%}
    {%- endfor %}
    select
        'no_identifier_patterns' as check_name,
        {{ hipaa_mode._column_name(shown_columns) }} as column_name,
        {{ counts | join(" || ', '\n        || ") }} as problem,
        {{ hipaa_mode.count_where(patterns.keys() | join(' or ')) }} as failures
    from (
        select
            column_number
            {%- for kind, condition in patterns.items() %},
            {{ condition }} as {{ kind }}
            {%- endfor %}
        from shown_texts
        where
            {{ hipaa_mode._of_columns(columns, shown_columns) }}
            and hipaa_functions.may_be_identifier(shown_text)
    ) as suspects
    group by column_number
{%- endmacro %}

{#- Every event name is one that the seed, as loaded, lets the destination have, as it is sent. -#}
{% macro _check_events(model) -%}
    {%- set condition -%}
        {{ 'true' if hipaa_mode.tested_name(model).endswith('__events') else 'event is not null' }}
        and not exists (select 1 from listed where is_unrestricted)
        and not exists (select 1 from allowed where allowed.event = '*')
        and (event is null or event not in (select allowed.sent_as from allowed))
    {%- endset -%}
    {{- return(hipaa_mode._check('only_allowed_events', 'event', 'rows of events that are not allowed', 'count(*)', 'rows_under_test', condition)) -}}
{%- endmacro %}

{#- No row is of a call that is denied to the destination; looked for by row id in what was denied, not
    in what the view is made of. In a view of latest values none is of somebody all of whose calls
    are. -#}
{% macro _check_denied(destination, destination_plan, own_view, condition) -%}
    {%- set is_denied = hipaa_mode.list_has('denied_to', hipaa_mode.literal(destination)) -%}
    {%- set denied -%}
        {%- if not destination_plan -%}
            {#- Whom the environment does not have has no rows, and no scope either. -#}
            null
        {%- elif hipaa_mode.latest_of(own_view) -%}
            {{ hipaa_mode.denied_rows(destination_plan, own_view) }}
        {%- else -%}
            select {{ hipaa_mode.token('call_key', hipaa_mode.view_columns(destination_plan, own_view)[0].scope) }}
            from {{ ref('hipaa_mode', 'denied_calls') }}
            where
                {{ is_denied }}
                {%- if condition != 'true' %}
                and call_key in (select call_key from {{ ref('hipaa_mode', 'stg_calls') }} where {{ condition }})
                {%- endif %}
        {%- endif -%}
    {%- endset -%}
    {{- return(hipaa_mode._check('no_denied_calls', 'row_id', 'rows of calls that are denied to it', 'count(*)', 'rows_under_test', 'row_id in (' ~ denied ~ ')')) -}}
{%- endmacro %}

{#- row_id is never null and never twice. -#}
{% macro _check_row_ids() -%}
    {%- set repeated = 'count(*) - count(distinct ' ~ hipaa_mode.compact_key('row_id') ~ ')' -%}
    {{- return(hipaa_mode._check('row_id_is_primary_key', 'row_id', 'null or repeated', repeated, 'rows_under_test')) -}}
{%- endmacro %}

{#- One row for every usable call that the destination may receive, counted from staging and the
    seeds' tables and not from what the view is made of; in a view of latest values one for every
    user or group of these calls. -#}
{% macro _check_rows(destination, own_view, condition) -%}
    {%- set of = hipaa_mode.latest_of(own_view) -%}
    {%- set view = hipaa_mode.calls_view(own_view) %}
    select
        'rows_match_calls' as check_name,
        '' as column_name,
        view_rows || ' rows for ' || calls || {{ hipaa_mode.literal(' different ' ~ of.id if of else ' calls') }} as problem,
        abs(view_rows - calls) as failures
    from (select count(*) as view_rows from rows_under_test) as actual
    cross join (
        select count({{ 'distinct ' ~ hipaa_mode._id_of_each(destination, own_view) if of else '*' }}) as calls
        from {{ ref('hipaa_mode', 'stg_calls') }}
        where
            call_type in ({{ hipaa_mode.literals(hipaa_mode.call_types(view)) }})
            and {{ condition }}
            and {{ hipaa_mode.is_not_denied(destination, 'denied_to') }}
            and exists (select 1 from listed)
            {%- if view == 'events' %}
            and (
                exists (select 1 from listed where is_unrestricted)
                or exists (select 1 from allowed where allowed.event = '*')
                or event in (select allowed.event from allowed)
            )
            {%- endif %}
    ) as expected
{%- endmacro %}

{#- What of an id tells the users or groups of a view of latest values apart. -#}
{% macro _id_of_each(destination, view) -%}
    {%- set id = hipaa_mode.latest_of(view).id -%}
    {%- set plan = hipaa_mode.destination_plan(destination) -%}
    {%- set normalize = plan.latest_views[view][0].normalize if plan and view in plan.latest_views else 'none' -%}
    {{- return(id if normalize == 'none' else 'hipaa_functions.not_blank(' ~ hipaa_mode.normalized(id, normalize) ~ ')') -}}
{%- endmacro %}

{#- What the seeds' tables themselves say, not what the build made of the files. Cast, since a project
    of its own that gives its seeds no column_types has columns of the types that dbt guesses. -#}
{% macro _allowed_by_the_seeds(destination) -%}
{%- set in_environment = "in ('*', " ~ hipaa_mode.literal(hipaa_mode.environment()) ~ ')' -%}
listed as {{ hipaa_mode.kept() }}(

    select coalesce(lower(trim(cast(restrict_phi as {{ hipaa_mode.data_type('text') }}))) = 'false', false) as is_unrestricted
    from {{ ref('destinations') }}
    where trim(environment) {{ in_environment }} and trim(destination) = {{ hipaa_mode.literal(destination) }}
    order by trim(environment) = '*'
    limit 1

),

allowed as {{ hipaa_mode.kept() }}(

    select
        cast(event as {{ hipaa_mode.data_type('text') }}) as event,
        coalesce(nullif(trim(cast(sent_as as {{ hipaa_mode.data_type('text') }})), ''), cast(event as {{ hipaa_mode.data_type('text') }})) as sent_as
    from {{ ref('allowed_events') }}
    where
        trim(environment) {{ in_environment }}
        and trim(destination) in ('*', {{ hipaa_mode.literal(destination) }})

)
{%- endmacro %}
