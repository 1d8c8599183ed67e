-- Every function that a value passes through on its way from a raw call to a destination view, as
-- PostgreSQL has it. docs/functions.md says when they are made, and how to change one. What a
-- function says of its values holds for every engine: duckdb.sql explains each.
--
-- Patterns are PostgreSQL's "advanced regular expressions": classes of Unicode are spelled out, since
-- it has none, and `.` matches a line break.

-- Blanks and letters ---------------------------------------------------------------------------

-- What nobody sees at the ends of a text: blanks of every kind, as in hipaa_mode.masking.
create function hipaa_functions.blank_characters() returns text language sql immutable
return ' \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u0009-\u000d\u001c-\u001f\u0085';

-- A text without the blanks around it.
create function hipaa_functions.trimmed(value text) returns text language sql immutable
return case
    when ascii(value) between 33 and 126 and ascii(right(value, 1)) between 33 and 126 then value
    else regexp_replace(
        value,
        '^[' || hipaa_functions.blank_characters() || ']+|[' || hipaa_functions.blank_characters() || ']+$',
        '',
        'g'
    )
end;

-- The same of an id in a column.
create function hipaa_functions.trimmed_id(value text) returns text language sql immutable
return hipaa_functions.trimmed(value);

-- A text of blanks only says nothing: null.
create function hipaa_functions.not_blank(value text) returns text language sql immutable
return case
    when ascii(value) between 33 and 126 then value
    when value ~ ('[^' || hipaa_functions.blank_characters() || ']') then value
end;

-- Without characters that nobody sees, which copying leaves behind: soft hyphens, zero-width
-- blanks and joiners, marks of direction, the byte order mark.
create function hipaa_functions.without_invisible(value text) returns text language sql immutable
return regexp_replace(
    value,
    '[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]',
    '',
    'g'
);

-- Small letters by Unicode's simple mapping, one character at a time. Engines differ on two
-- letters alone, the dotted capital I and the sigma at a word's end: those are given here.
create function hipaa_functions.lower_cased(value text) returns text language sql immutable
return replace(lower(replace(value, chr(304), 'i') collate "und-x-icu"), chr(962), chr(963)) collate "C";

-- A tool's name as names are compared where they say no: lower-case, without blanks; as in
-- hipaa_mode.consent.
create function hipaa_functions.folded(value text) returns text language sql immutable
return case
    when value ~ '^[!-~]*$' then lower(value)
    else hipaa_functions.lower_cased(
        regexp_replace(
            value,
            '[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u0001-\u001f\u007f-\u009f\u00ad\u0600-\u0605'
            '\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff'
            '\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a'
            '\U000e0001\U000e0020-\U000e007f]+',
            '',
            'g'
        )
    )
end;

-- Whether a text is so many lower-case hexadecimal digits.
create function hipaa_functions.is_hexadecimal(value text, digits integer) returns boolean language sql immutable
return length(value) = digits and value !~ '[^0-9a-f]';

-- Whether a pattern matches a whole text.
create function hipaa_functions.matches_whole(value text, pattern text) returns boolean language sql immutable
return value ~ ('^(?:' || pattern || ')$');

-- A group of a pattern; null where the pattern does not match the whole text.
create function hipaa_functions.pattern_group(value text, pattern text, place integer) returns text language sql immutable
return case
    when hipaa_functions.matches_whole(value, pattern)
        then coalesce((regexp_match(value, '^(?:' || pattern || ')$'))[place], '')
end;

-- What texts are sorted by so that numbers within them come in their order: `9` before `10`.
create function hipaa_functions.natural_order(value text) returns text[] language sql immutable
return array(
    select case
        when part ~ '^[0-9]+$' then lpad(cast(length(ltrim(part, '0')) as text), 4, '0') || ltrim(part, '0')
        else part
    end
    from regexp_matches(value, '[0-9]+|[^0-9]+', 'g') with ordinality as parts (matched, place)
    cross join lateral (select matched[1] as part) as first_group
    order by place
);

-- Ids ------------------------------------------------------------------------------------------

-- Some texts in small letters, each between unit separators: made once a query where they are literals.
create function hipaa_functions.listed_lower(texts text[]) returns text language sql immutable
return chr(31) || lower(array_to_string(texts, chr(31)) collate "und-x-icu") collate "C" || chr(31);

-- Whether a text is no id: blank, or one of those that senders write where they have none, in any
-- case.
create function hipaa_functions.is_no_id(value text, placeholders text[]) returns boolean language sql immutable
return case
    when hipaa_functions.not_blank(value) is null then value is not null
    else strpos(value, chr(31)) = 0 and strpos(
        hipaa_functions.listed_lower(placeholders),
        chr(31) || lower(hipaa_functions.trimmed(value) collate "und-x-icu") collate "C" || chr(31)
    ) > 0
end;

-- A text that is an id, else null.
create function hipaa_functions.if_id(value text, placeholders text[]) returns text language sql immutable
return case when not hipaa_functions.is_no_id(value, placeholders) then value end;

-- The first of two texts that is an id.
create function hipaa_functions.first_id(one text, other text, placeholders text[]) returns text language sql immutable
return coalesce(hipaa_functions.if_id(one, placeholders), hipaa_functions.if_id(other, placeholders));

-- Those of some texts that are ids; null in place of the others.
create function hipaa_functions.ids(texts text[], placeholders text[]) returns text[] language sql immutable
return case
    when texts is not null then array(
        select hipaa_functions.if_id(element, placeholders)
        from unnest(texts) with ordinality as elements (element, place)
        order by place
    )
end;

-- Percent-encoding taken off, where what it stands for is a text.
create function hipaa_functions.url_decoded(value text) returns text language plpgsql immutable as $$
declare
    decoded bytea := '';
    part text[];
begin
    if value is null or strpos(value, '%') = 0 then
        return value;
    end if;
    for part in select regexp_matches(value, '%([0-9A-Fa-f]{2})|([^%]+|%)', 'g') loop
        decoded := decoded || case when part[1] is not null then decode(part[1], 'hex') else convert_to(part[2], 'UTF8') end;
    end loop;
    return convert_from(decoded, 'UTF8');
exception when character_not_in_repertoire or untranslatable_character then
    return value;
end
$$;

-- The one spelling in which ids and values are compared: percent-encoding, blanks around it, case and
-- the composition of accents make no difference.
create function hipaa_functions.comparable(value text) returns text language sql immutable
return case
    when value ~ '^[!-$&-~]([ -$&-~]*[!-$&-~])?$' then lower(value)
    else hipaa_functions.lower_cased(
        normalize(
            regexp_replace(
                hipaa_functions.url_decoded(value),
                '^[\u0009-\u000d \u0085\u00a0\u00ad\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]+'
                '|[\u0009-\u000d \u0085\u00a0\u00ad\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]+$',
                '',
                'g'
            ),
            nfc
        )
    )
end;

-- The key of a call whose message id another call has too. No id is something other than an id of
-- any text.
create function hipaa_functions.key_of_namesake(
    message_id text, call_type text, user_id text, anonymous_id text, group_id text
) returns text language sql immutable
return 'call:' || encode(
    sha256(
        convert_to(
            message_id || chr(31) || call_type
            || chr(31) || coalesce('=' || user_id, '')
            || chr(31) || coalesce('=' || anonymous_id, '')
            || chr(31) || coalesce('=' || group_id, ''),
            'UTF8'
        )
    ),
    'hex'
);

-- JSON -----------------------------------------------------------------------------------------
-- A JSON text is a text holding one JSON value, written in one way: without blanks, numbers and
-- characters as DuckDB writes them.

-- How many keys the objects of a JSON text have: colons outside of its strings.
create function hipaa_functions.count_of_keys(value text) returns integer language sql immutable
return (
    select length(written) - length(replace(written, ':', ''))
    from regexp_replace(value, '"(?:[^"\\]|\\.)*"', 's', 'g') as texts (written)
);

-- JSON in which no object has a key twice: the first of them counts.
create function hipaa_functions.without_repeated_keys(value json) returns text language plpgsql immutable as $$
begin
    return case json_typeof(value)
        when 'object' then '{' || coalesce(
            (
                select string_agg(cast(to_json(key) as text) || ':' || member, ',' order by place)
                from (
                    select distinct on (key) key, hipaa_functions.without_repeated_keys(own) as member, place
                    from json_each(value) with ordinality as members (key, own, place)
                    order by key, place
                ) as first_members
            ),
            ''
        ) || '}'
        when 'array' then '[' || coalesce(
            (
                select string_agg(hipaa_functions.without_repeated_keys(element), ',' order by place)
                from json_array_elements(value) with ordinality as elements (element, place)
            ),
            ''
        ) || ']'
        else cast(value as text)
    end;
end
$$;

-- A message as JSON; null where it is none. PostgreSQL would take the last of two keys, others take
-- the first.
create function hipaa_functions.parsed(message text) returns json language plpgsql immutable as $$
declare
    unique_keys text;
begin
    unique_keys := cast(cast(message as jsonb) as text);
    -- Quicker, where no string has a quote in it and no blank is before a colon.
    if strpos(message, '\') = 0 and message !~ '"[ \t\n\r]+:'
        and length(message) - length(replace(message, '":', '')) = length(unique_keys) - length(replace(unique_keys, '":', '')) then
        return cast(message as json);
    end if;
    if hipaa_functions.count_of_keys(message) = hipaa_functions.count_of_keys(unique_keys) then
        return cast(message as json);
    end if;
    return cast(hipaa_functions.without_repeated_keys(cast(message as json)) as json);
exception when data_exception or program_limit_exceeded then
    return null;
end
$$;

-- A number as DuckDB writes it: whole ones as they are, others with the fewest digits that give them.
create function hipaa_functions.number_written(value text) returns text language plpgsql immutable as $$
declare
    number double precision;
    short numeric;
    written text;
begin
    if value ~ '^-?[0-9]+$' then
        return case when value = '-0' then '0' else value end;
    end if;
    number := cast(value as double precision);
    if number = 0 then
        return case when starts_with(value, '-') then '-0.0' else '0.0' end;
    end if;
    -- PostgreSQL's own text is not always the shortest; as a numeric it has 15 digits.
    short := cast(number as numeric);
    written := cast(number as text);
    if length(written) > 17 and cast(short as double precision) = number then
        written := regexp_replace(btrim(to_char(short, '9.99999999999999EEEE')), '\.?0*e', 'e');
    end if;
    if abs(cast(written as numeric)) >= 0.000001 and abs(cast(written as numeric)) < 1000000000000000000000 then
        written := cast(trim_scale(cast(written as numeric)) as text);
        return case when strpos(written, '.') = 0 then written || '.0' else written end;
    end if;
    return regexp_replace(replace(written, 'e+', 'e'), 'e(-?)0+', 'e\1');
exception when numeric_value_out_of_range then
    return case when value !~ '[eE]-' then lower(value) when starts_with(value, '-') then '-0.0' else '0.0' end;
end
$$;

-- A text as a JSON string.
create function hipaa_functions.string_written(value text) returns text language plpgsql immutable as $$
declare
    written text := cast(to_json(value) as text);
begin
    if strpos(written, '\u00') = 0 then
        return written;
    end if;
    return (
        select '"' || string_agg(
            case
                when letter ~ '[\x01-\x1f]' and length(cast(to_json(letter) as text)) > 4
                    then '\u00' || upper(lpad(to_hex(ascii(letter)), 2, '0'))
                else left(right(cast(to_json(letter) as text), -1), -1)
            end,
            '' order by place
        ) || '"'
        from string_to_table(value, null) with ordinality as letters (letter, place)
    );
end
$$;

-- A JSON value as a JSON text.
create function hipaa_functions.json_written(value json) returns text language plpgsql immutable as $$
declare
    written text := ltrim(cast(value as text), E' \t\n\r');
begin
    case left(written, 1)
        when '"' then
            if strpos(written, '\') = 0 then
                return written;
            end if;
            return hipaa_functions.string_written(value #>> '{}');
        when '{' then
            return '{' || coalesce(
                (
                    select string_agg(
                        hipaa_functions.string_written(member.key) || ':' || hipaa_functions.json_written(member.value),
                        ',' order by place
                    )
                    from json_each(value) with ordinality as member (key, value, place)
                ),
                ''
            ) || '}';
        when '[' then
            return '[' || coalesce(
                (
                    select string_agg(hipaa_functions.json_written(element), ',' order by place)
                    from json_array_elements(value) with ordinality as elements (element, place)
                ),
                ''
            ) || ']';
        when 't', 'f', 'n' then
            return rtrim(written, E' \t\n\r');
        else
            return hipaa_functions.number_written(rtrim(written, E' \t\n\r'));
    end case;
exception when case_not_found then
    return null;
end
$$;

-- The keys that a path of a JSON text leads through.
create function hipaa_functions.path_keys(path text) returns text[] language sql immutable
return array(
    select regexp_replace(found[1], '\\(.)', '\1', 'g')
    from regexp_matches(path, '\."((?:[^"\\]|\\.)*)"', 'g') with ordinality as steps (found, place)
    order by place
);

-- The keys of some paths, a text for each: made once a query and not for each call.
create function hipaa_functions.keys_of_paths(paths text[]) returns text[] language sql immutable
return array(
    select cast(hipaa_functions.path_keys(path) as text)
    from unnest(paths) with ordinality as listed (path, place)
    order by place
);

-- What is at a path; null where there is nothing. A number is a key here, and not a place in an array.
create function hipaa_functions.json_picked(whole json, keys text[]) returns json language plpgsql immutable as $$
declare
    found json := whole;
    step text;
begin
    step := array_to_string(keys, '');
    if step = translate(step, '0123456789', '') then
        return whole #> keys;
    end if;
    foreach step in array keys loop
        found := case when json_typeof(found) = 'object' then found -> step end;
    end loop;
    return found;
end
$$;

-- The JSON texts at the keys of some paths.
create function hipaa_functions.texts_at_keys(message text, keys text[]) returns text[] language plpgsql immutable as $$
declare
    whole json := hipaa_functions.parsed(message);
    quick jsonb := cast(cast(whole as text) as jsonb);
    texts text[] := '{}';
    own text;
    part jsonb;
begin
    if whole is null then
        return null;
    end if;
    foreach own in array keys loop
        -- What is a scalar is found in jsonb, quicker; numbers have their own text in json alone.
        part := case when own = translate(own, '0123456789', '') then quick #> cast(own as text[]) else '{}' end;
        if part is null or jsonb_typeof(part) in ('null', 'boolean') then
            texts := texts || cast(part as text);
        elsif jsonb_typeof(part) = 'string' and strpos(cast(part as text), '\u00') = 0 then
            texts := texts || cast(part as text);
        else
            texts := texts || hipaa_functions.json_written(hipaa_functions.json_picked(whole, cast(own as text[])));
        end if;
    end loop;
    return texts;
end
$$;

-- The values at some paths, from one parse of the message; null where it is not JSON.
create function hipaa_functions.json_texts(message text, paths text[]) returns text[] language sql immutable
return hipaa_functions.texts_at_keys(message, hipaa_functions.keys_of_paths(paths));

-- The same of a message that is JSON, or null.
create function hipaa_functions.texts_of_json(message text, paths text[]) returns text[] language sql immutable
return hipaa_functions.json_texts(message, paths);

-- The names of the keys of the objects at some paths, a text for each: PostgreSQL has no lists of
-- lists. Each name is followed by the unit separator.
create function hipaa_functions.key_names(message text, paths text[]) returns text[] language plpgsql immutable as $$
declare
    whole json := hipaa_functions.parsed(message);
begin
    if whole is null then
        return null;
    end if;
    return array(
        select case
            when part is null then null
            when json_typeof(part) <> 'object' then ''
            else coalesce(
                (
                    select string_agg(name || chr(31), '' order by name_place)
                    from json_object_keys(part) with ordinality as names (name, name_place)
                ),
                ''
            )
        end
        from unnest(paths) with ordinality as listed (path, place)
        cross join lateral hipaa_functions.json_picked(whole, hipaa_functions.path_keys(path)) as picked (part)
        order by place
    );
end
$$;

-- What kinds of value there are at some paths: OBJECT, ARRAY, VARCHAR, …
create function hipaa_functions.json_kinds(message text, paths text[]) returns text[] language sql immutable
return array(
    select case json_typeof(hipaa_functions.json_picked(hipaa_functions.parsed(message), hipaa_functions.path_keys(path)))
        when 'object' then 'OBJECT'
        when 'array' then 'ARRAY'
        when 'string' then 'VARCHAR'
        when 'number' then 'DOUBLE'
        when 'boolean' then 'BOOLEAN'
        when 'null' then 'NULL'
    end
    from unnest(paths) with ordinality as listed (path, place)
    order by place
);

-- The value at a path of a JSON text.
create function hipaa_functions.json_at(value text, path text) returns text language sql immutable
return hipaa_functions.json_written(hipaa_functions.json_picked(cast(value as json), hipaa_functions.path_keys(path)));

-- The value at a path of each of some JSON texts.
create function hipaa_functions.json_at_each(texts text[], path text) returns text[] language sql immutable
return case
    when texts is not null then array(
        select hipaa_functions.json_at(element, path)
        from unnest(texts) with ordinality as elements (element, place)
        order by place
    )
end;

-- The elements of an array as JSON texts; null where there is no array.
create function hipaa_functions.json_elements(value text) returns text[] language sql immutable
return case
    when starts_with(value, '[') then array(
        select hipaa_functions.json_written(element)
        from json_array_elements(cast(value as json)) with ordinality as elements (element, place)
        order by place
    )
end;

-- Those of all of some arrays, in one list.
create function hipaa_functions.json_elements_of_each(texts text[]) returns text[] language sql immutable
return case
    when texts is not null then array(
        select inner_element
        from unnest(texts) with ordinality as elements (element, place)
        cross join lateral unnest(hipaa_functions.json_elements(element)) with ordinality as inner_elements (inner_element, inner_place)
        order by place, inner_place
    )
end;

-- Whether a JSON text is an object or array.
create function hipaa_functions.is_container(value text) returns boolean language sql immutable
return starts_with(value, '{') or starts_with(value, '[');

-- Whether a JSON text says nothing: null, and what some senders write for an empty object, `[]` and
-- a blank text. The same blanks as above, as JSON has them.
create function hipaa_functions.says_nothing(value text) returns boolean language sql immutable
return value ~ (
    '^(?:null|\[\]|"(?:[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u0085]|\\[tnfr]|\\u00(?:0[bB]|1[c-fC-F]))*")$'
);

-- What staging keeps of a value: JSON null is null, and `{}` stands for an object or array, so that
-- it is counted and nothing of it is kept.
create function hipaa_functions.kept_scalar(value text) returns text language sql immutable
return case when hipaa_functions.is_container(value) then '{}' else nullif(value, 'null') end;

-- The same of each of some JSON texts.
create function hipaa_functions.kept_scalars(texts text[]) returns text[] language sql immutable
return case
    when texts is not null then array(
        select hipaa_functions.kept_scalar(element)
        from unnest(texts) with ordinality as elements (element, place)
        order by place
    )
end;

-- The same where a row of the allowlist grants objects whole.
create function hipaa_functions.kept_json(value text) returns text language sql immutable
return nullif(value, 'null');

-- The same of each of some JSON texts.
create function hipaa_functions.kept_jsons(texts text[]) returns text[] language sql immutable
return case
    when texts is not null then array(
        select hipaa_functions.kept_json(element)
        from unnest(texts) with ordinality as elements (element, place)
        order by place
    )
end;

-- All properties, traits or context of a call; what says nothing is an empty object.
create function hipaa_functions.whole_object(value text) returns text language sql immutable
return case when hipaa_functions.says_nothing(nullif(value, 'null')) then '{}' else nullif(value, 'null') end;

-- The text of a scalar, the same on every engine; null for an object, an array or null. A string
-- is its characters, a boolean `true` or `false`. One number has one text or none: docs/values.md.
create function hipaa_functions.scalar_text(value text) returns text language sql immutable
return case
    when starts_with(value, '"') and strpos(value, '\') = 0 then substr(value, 2, length(value) - 2)
    when starts_with(value, '"') then cast(value as json) #>> '{}'
    when value in ('true', 'false') then value
    when value = '-0.0' then '0'
    when value ~ '^-?[0-9]{1,15}0*\.0$' then left(value, -2)
    -- Whole numbers from 10^21 on have an exponent, if no digit is lost by it.
    when value ~ '^-?[0-9]{1,15}0{7,}$' and length(ltrim(value, '-')) between 22 and 38
        then replace(regexp_replace(value, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e')
            || length(ltrim(value, '-')) - 1
    when value ~ '^(?:-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9])$' then value
    when value ~ '^-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])$' then replace(value, 'e', 'e+')
    when value ~ '^-?[0-9](\.[0-9]+)?e-[0-9]{1,3}$' then value
end;

-- The same of each of some JSON texts.
create function hipaa_functions.scalar_texts(texts text[]) returns text[] language sql immutable
return case
    when texts is not null then array(
        select hipaa_functions.scalar_text(element)
        from unnest(texts) with ordinality as elements (element, place)
        order by place
    )
end;

-- Whether a JSON text is a string.
create function hipaa_functions.is_string(value text) returns boolean language sql immutable
return starts_with(value, '"');

-- The text of a JSON string; null for anything else.
create function hipaa_functions.string_text(value text) returns text language sql immutable
return case when hipaa_functions.is_string(value) then hipaa_functions.scalar_text(value) end;

-- All scalars and key names in a JSON text, as texts. What is no JSON is looked at as it is, without an
-- error that would quote it.
create function hipaa_functions.texts_within(value text) returns text[] language plpgsql immutable as $$
begin
    return array(
        with recursive

        parts as (

            select cast(value as json) as part
            union all
            select child
            from parts
            cross join lateral (
                select members.value as child
                from json_each(case when json_typeof(part) = 'object' then part end) as members
                union all
                select elements.value
                from json_array_elements(case when json_typeof(part) = 'array' then part end) as elements (value)
            ) as children

        )

        select case
            when json_typeof(part) in ('object', 'array') then hipaa_functions.json_written(part)
            else hipaa_functions.scalar_text(hipaa_functions.json_written(part))
        end
        from parts
        union all
        select name
        from parts
        cross join lateral json_object_keys(case when json_typeof(part) = 'object' then part end) as names (name)
    );
exception when data_exception or program_limit_exceeded then
    return array[value];
end
$$;

-- The type of a call, of the JSON text of its `type`; null where that is no string.
create function hipaa_functions.call_type(value text) returns text language sql immutable
return lower(btrim(hipaa_functions.string_text(value)));

-- The names of the keys of an object as one text, with the unit separator between them.
create function hipaa_functions.joined(names text) returns text language sql immutable
return left(names, -1);

-- Raw calls ------------------------------------------------------------------------------------

-- Whether a text is JSON.
create function hipaa_functions.is_json(value text) returns boolean language plpgsql immutable as $$
begin
    return cast(value as jsonb) is not null;
exception when data_exception or program_limit_exceeded then
    return false;
end
$$;

-- Whether a JSON text may hold half of a character that is written as two escapes, or `\u0000`, which no
-- text of PostgreSQL can have. The quicker conditions first: most messages have no escape at all.
create function hipaa_functions.may_break_characters(value text) returns boolean language sql immutable
return strpos(value, '\u') > 0 and value ~ '\\u([dD][89a-fA-F]|0000)' and not hipaa_functions.is_json(value);

-- A part of a JSON text with null in its place where it is a text with half of a character: whole
-- characters and other escapes out of the way, what is left of surrogates is a half. In a key a
-- mark stands for the half, since no path that is listed can have it.
create function hipaa_functions.unbroken_part(value text, next_value text) returns text language sql immutable
return case
    when not (
        starts_with(value, '"')
        and regexp_replace(
            value, '\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ' ', 'g'
        ) ~ '\\u([dD][89a-fA-F][0-9a-fA-F]{2}|0000)'
    ) then value
    when coalesce(next_value, '') ~ '^[ \t\n\f\r]*:'
        then regexp_replace(value, '\\u([dD][89a-fA-F][0-9a-fA-F]{2}|0000)', '\\ufffd', 'g')
    else 'null'
end;

-- JSON without texts that are cut in the middle of a character: they are no texts.
create function hipaa_functions.without_broken_texts(value text) returns text language sql immutable
return (
    select string_agg(hipaa_functions.unbroken_part(part, next_part), '' order by place)
    from (
        select found[1] as part, lead(found[1]) over (order by place) as next_part, place
        from regexp_matches(value, '"(?:[^"\\]|\\.)*"|[^"]+|"', 'g') with ordinality as parts (found, place)
    ) as in_order
);

-- The text of a message that a table has as bytes; null where they are not UTF-8.
create function hipaa_functions.text_of_bytes(value bytea) returns text language plpgsql immutable as $$
begin
    return convert_from(value, 'UTF8');
exception when character_not_in_repertoire or untranslatable_character then
    return null;
end
$$;

-- The text of a message in a column, whatever its collation.
create function hipaa_functions.text_of_column(value anyelement) returns text language sql stable as $$
select cast(value as text) collate "C"
$$;

-- The bytes of a raw call: those that are no UTF-8, or those of its text.
create function hipaa_functions.bytes_of(unreadable bytea, message text) returns bytea language sql immutable
return coalesce(unreadable, convert_to(message, 'UTF8'), cast('' as bytea));

-- The SHA-256 of a text, in hexadecimal digits.
create function hipaa_functions.content_hash(value text) returns text language sql immutable
return encode(sha256(convert_to(value, 'UTF8')), 'hex');

-- Whether a list has anything in it.
create function hipaa_functions.has_any(texts text[]) returns boolean language sql immutable
return cardinality(texts) > 0;

-- Whether there are no keys where a call has something: in an empty object, or in what is none.
create function hipaa_functions.has_no_key(names text) returns boolean language sql immutable
return names = '';

-- Whether what stands for properties or traits is an empty one.
create function hipaa_functions.is_empty_container(value text, path text) returns boolean language sql immutable
return hipaa_functions.says_nothing(hipaa_functions.json_at(value, path));

-- Whether a message begins as an object does, after the blanks that RFC 8259 allows.
create function hipaa_functions.begins_as_object(value text) returns boolean language sql immutable
return starts_with(ltrim(value, E' \t\n\r'), '{');

-- A key in one spelling: lower-case, without `_`, `-` and blanks.
create function hipaa_functions.folded_key(value text) returns text language sql immutable
return lower(regexp_replace(value, '[_ -]', '', 'g') collate "und-x-icu") collate "C";

-- The key that a key of a call is another spelling of: in any case, with or without `_`, `-` and
-- blanks. Null where it is none.
create function hipaa_functions.field_of_key(value text) returns text language sql immutable
return case hipaa_functions.folded_key(value)
    when 'type' then 'type'
    when 'event' then 'event'
    when 'name' then 'name'
    when 'timestamp' then 'timestamp'
    when 'messageid' then 'message_id'
    when 'userid' then 'user_id'
    when 'anonymousid' then 'anonymous_id'
    when 'groupid' then 'group_id'
    when 'originaltimestamp' then 'original_timestamp'
    when 'sentat' then 'sent_at'
    when 'receivedat' then 'received_at'
    when 'properties' then 'properties'
    when 'traits' then 'traits'
    when 'context' then 'context'
    when 'integrations' then 'integrations'
    when 'consent' then 'consent'
    when 'previousid' then 'previous_id'
    when 'mergeproperties' then 'merge_properties'
end;

-- Keys of the envelope as they are most often written.
create function hipaa_functions.usual_keys() returns text[] language sql immutable
return array[
    'type', 'messageId', 'message_id', 'userId', 'user_id', 'anonymousId', 'anonymous_id',
    'groupId', 'group_id', 'previousId', 'previous_id', 'mergeProperties', 'merge_properties',
    'event', 'name', 'timestamp', 'originalTimestamp', 'original_timestamp', 'sentAt', 'sent_at',
    'receivedAt', 'received_at', 'properties', 'traits', 'context', 'integrations', 'consent'
];

-- Those of them that nearly all senders write: the others are looked for only where a call has another
-- key than these.
create function hipaa_functions.plain_keys() returns text[] language sql immutable
return array[
    'type', 'messageId', 'userId', 'anonymousId', 'groupId', 'event', 'name', 'timestamp', 'originalTimestamp',
    'sentAt', 'receivedAt', 'properties', 'traits', 'context', 'integrations', 'consent'
];

-- Whether each key of a call is one of some, or begins as no spelling of a key of the envelope does.
create function hipaa_functions.are_keys_of(names text, keys text[]) returns boolean language sql immutable
return names ~ (
    '^(?:(?:' || array_to_string(keys, '|')
    || '|channel|projectId|category|[^tTmMuUaAgGeEnNoOsSrRpPcCiI_ \x1f-][^\x1f]*)\x1f)*$'
);

-- The same of the keys that nearly all senders write.
create function hipaa_functions.are_plain_keys(names text) returns boolean language sql immutable
return hipaa_functions.are_keys_of(names, hipaa_functions.plain_keys());

-- The same of all usual keys.
create function hipaa_functions.are_usual_keys(names text) returns boolean language sql immutable
return hipaa_functions.are_keys_of(names, hipaa_functions.usual_keys());

-- Those keys of a call that are other spellings of a key of the envelope.
create function hipaa_functions.other_spellings(names text) returns text[] language sql immutable
return case
    when names is not null then array(
        select name
        from string_to_table(left(names, -1), chr(31)) with ordinality as listed (name, place)
        where hipaa_functions.field_of_key(name) is not null and name <> all (hipaa_functions.usual_keys())
        order by place
    )
end;

-- The members of an object, each its key and the JSON text of its value; none where there is no
-- object.
create function hipaa_functions.members(value text) returns table (place bigint, name text, member text)
language sql immutable as $$
select members.place, members.name, hipaa_functions.json_written(members.member)
from json_each(case when hipaa_functions.begins_as_object(value) then cast(value as json) end)
    with ordinality as members (name, member, place)
$$;

-- Whether a member of a call says something that is no matter of where the call may go; an id that
-- is none says nothing.
create function hipaa_functions.is_plain_member(name text, member text, placeholders text[]) returns boolean
language sql immutable
return hipaa_functions.folded_key(name) not in ('integrations', 'consent', 'context')
    and not hipaa_functions.says_nothing(member)
    and not (
        right(hipaa_functions.folded_key(name), 2) = 'id'
        and (hipaa_functions.is_container(member) or hipaa_functions.is_no_id(btrim(member, '"'), placeholders))
    );

-- What the members of one name say of where a call may go: where they differ, it can't be read.
create function hipaa_functions.agreed_member(names text[], members text[], wanted text) returns text
language sql immutable
return (
    with

    said as (

        select member, place
        from unnest(names, members) with ordinality as listed (name, member, place)
        where
            hipaa_functions.folded_key(name) = wanted
            and (wanted <> 'context' or not hipaa_functions.says_nothing(member))

    ),

    telling as (

        select distinct member
        from said
        where member not in ('{}', '{"All":true}')

    )

    select '"' || wanted || '":' || case (select count(*) from telling)
        when 0 then (select member from said order by place limit 1)
        when 1 then (select member from telling)
        else '""'
    end
);

-- A call made again of the keys that a call is read by, each under its usual name: first those that
-- have it, then the keys in the list `others`. A key that says nothing is left out, so that another
-- spelling counts. Of what says where a call may go all spellings count.
create function hipaa_functions.respelled_call(value text, others text[], placeholders text[]) returns text
language sql immutable
return (
    with

    read as (

        select name, member, row_number() over (order by name = any (others), place) as place
        from hipaa_functions.members(value) as members
        where hipaa_functions.field_of_key(name) is not null

    ),

    listed as (

        select
            array(select name from read order by place) as names,
            array(select member from read order by place) as members

    )

    select '{' || concat_ws(
        ',',
        (
            select string_agg(
                '"' || case when name = any (others) then hipaa_functions.field_of_key(name) else name end
                    || '":' || member,
                ',' order by place
            )
            from read
            where hipaa_functions.is_plain_member(name, member, placeholders)
        ),
        hipaa_functions.agreed_member(names, members, 'integrations'),
        hipaa_functions.agreed_member(names, members, 'consent'),
        hipaa_functions.agreed_member(names, members, 'context')
    ) || '}'
    from listed
);

-- What RudderStack's merge calls say of a person: the `value` of each of `mergeProperties`, as
-- texts. Its documentation calls that an object and shows an array: both are read.
create function hipaa_functions.merged_texts(value text) returns text[] language sql immutable
return hipaa_functions.scalar_texts(
    hipaa_functions.json_at_each(
        hipaa_functions.json_elements(case when starts_with(value, '{') then '[' || value || ']' else value end),
        '$."value"'
    )
);

-- Consent: what a call says of where it may go, as a list of signals, each a text. docs/consent.md --

-- One signal for each tool that an object names, which begins with `word`; no signal where there is
-- nothing, and one that it is unreadable where there is something else than an object. So do the
-- others.
create function hipaa_functions.tool_signals(value text, word text) returns text[] language plpgsql immutable as $$
begin
    if value is null then
        return cast('{}' as text[]);
    end if;
    if not starts_with(value, '{') then
        return array[word || ' unreadable'];
    end if;
    return array(
        select case
            when member = 'true' or (starts_with(member, '{') and hipaa_functions.folded(name) <> 'all')
                then word || ' yes: ' || name
            when member = 'false' then word || ' no: ' || hipaa_functions.folded(name)
            else word || ' unreadable: ' || hipaa_functions.folded(name)
        end
        from hipaa_functions.members(value) as members
        order by place
    );
end
$$;

-- One signal for each category of consent, of an object.
create function hipaa_functions.category_signals(value text) returns text[] language plpgsql immutable as $$
begin
    if value is null then
        return cast('{}' as text[]);
    end if;
    if not starts_with(value, '{') then
        return array['categories unreadable'];
    end if;
    return array(
        select case member
            when 'true' then 'category yes: '
            when 'false' then 'category no: '
            else 'category unreadable: '
        end || hipaa_functions.trimmed(name)
        from hipaa_functions.members(value) as members
        order by place
    );
end
$$;

-- One signal for each of a list of categories.
create function hipaa_functions.listed_signals(value text, mark text) returns text[] language sql immutable
return array(
    select case
        when starts_with(element, '"') then mark || hipaa_functions.trimmed(hipaa_functions.scalar_text(element))
        else 'categories unreadable'
    end
    from unnest(hipaa_functions.json_elements(value)) with ordinality as elements (element, place)
    order by place
);

-- A list of categories that are allowed, or an object of them as older SDKs send it.
create function hipaa_functions.allowed_signals(value text) returns text[] language plpgsql immutable as $$
begin
    if starts_with(value, '[') then
        return hipaa_functions.listed_signals(value, 'category yes: ');
    end if;
    if value is null then
        return cast('{}' as text[]);
    end if;
    if not starts_with(value, '{') then
        return array['categories unreadable'];
    end if;
    return array(
        select case
            when member not in ('false', 'null') then 'category yes: '
            else 'category unreadable: '
        end || hipaa_functions.trimmed(name)
        from hipaa_functions.members(value) as members
        order by place
    );
end
$$;

-- A list of categories that are denied, or an object of them.
create function hipaa_functions.denied_signals(value text) returns text[] language plpgsql immutable as $$
begin
    if starts_with(value, '[') then
        return hipaa_functions.listed_signals(value, 'category no: ');
    end if;
    if value is null then
        return cast('{}' as text[]);
    end if;
    if not starts_with(value, '{') then
        return array['categories unreadable'];
    end if;
    return array(
        select 'category no: ' || hipaa_functions.trimmed(name)
        from hipaa_functions.members(value) as members
        order by place
    );
end
$$;

-- The signal that there is something where an object should be.
create function hipaa_functions.unless_object(value text) returns text[] language sql immutable
return case
    when value is not null and not starts_with(value, '{') then array['categories unreadable']
    else cast('{}' as text[])
end;

-- All signals of a call, each once; null where it has none of these objects. The arguments are JSON
-- texts: `integrations`, Freshpaint's `consent`, `context.consent` and `context.consentManagement`.
create function hipaa_functions.consent_signals(
    integrations text, consent text, context_consent text, consent_management text
) returns text[] language sql immutable
return case
    when coalesce(integrations, consent, context_consent, consent_management) is not null then array(
        select distinct signal collate "C"
        from unnest(
            hipaa_functions.tool_signals(integrations, 'integration')
            || hipaa_functions.tool_signals(consent, 'consent')
            || hipaa_functions.category_signals(hipaa_functions.json_at(context_consent, '$."categoryPreferences"'))
            || hipaa_functions.unless_object(context_consent)
            || hipaa_functions.allowed_signals(hipaa_functions.json_at(consent_management, '$."allowedConsentIds"'))
            || hipaa_functions.denied_signals(hipaa_functions.json_at(consent_management, '$."deniedConsentIds"'))
            || hipaa_functions.unless_object(consent_management)
        ) as signals (signal)
        where signal is not null
        order by 1
    )
end;

-- How many categories of a rule the signals have a mark for.
create function hipaa_functions.categories_with(categories text[], signals text[], mark text) returns bigint
language sql immutable
return (
    select count(*)
    from unnest(categories) as listed (category)
    where 'category ' || mark || ': ' || category = any (signals)
);

-- How many categories of a rule the signals allow, and nothing in them denies.
create function hipaa_functions.categories_allowed(categories text[], signals text[]) returns bigint
language sql immutable
return (
    select count(*)
    from unnest(categories) as listed (category)
    where
        'category yes: ' || category = any (signals)
        and 'category no: ' || category <> all (signals)
        and 'category unreadable: ' || category <> all (signals)
);

-- Why a call with these signals is denied to the destination of a rule; null where it is not. As in
-- hipaa_mode.consent.
create function hipaa_functions.denial(
    signals text[], says_no text[], unreadable text[], integration_no_to_all text[], integration_yes text[],
    consent_no_to_all text[], consent_yes text[], categories text[], needed integer
) returns text language sql immutable
return case
    when signals && says_no then 'opted_out'
    when signals && unreadable then 'unreadable'
    when signals && integration_no_to_all and not signals && integration_yes then 'opted_out'
    when signals && consent_no_to_all and not signals && consent_yes then 'opted_out'
    when needed = 0 then null
    when 'categories unreadable' <> all (signals)
        and hipaa_functions.categories_allowed(categories, signals) >= needed then null
    when hipaa_functions.categories_with(categories, signals, 'no') > 0 then 'consent_refused'
    when 'categories unreadable' = any (signals)
        or hipaa_functions.categories_with(categories, signals, 'unreadable') > 0 then 'unreadable'
    else 'consent_missing'
end;

-- Numbers and casts ------------------------------------------------------------------------------
-- A cast that fails would end the statement with an error that quotes the value, so what is cast was
-- matched before, and of numbers the range too.

-- A whole number of 64 bits; null for a larger one.
create function hipaa_functions.whole_number(value text) returns bigint language sql immutable
return case
    when value ~ '^[+-]?[0-9]{1,30}$' and cast(value as numeric) between -9223372036854775808 and 9223372036854775807
        then cast(value as bigint)
end;

-- A day, where there is one.
create function hipaa_functions.day_of_parts(year integer, month integer, day integer) returns date language sql immutable
return case
    when year between 1 and 9999 and month between 1 and 12 and day between 1 and 28 + case
        when month = 2 then cast(year % 4 = 0 and (year % 100 <> 0 or year % 400 = 0) as integer)
        when month in (4, 6, 9, 11) then 2
        else 3
    end
        then make_date(year, month, day)
end;

-- `1985-6-7 10:20:30.5`, as a moment; null where there is none.
create function hipaa_functions.moment_of_text(value text) returns timestamp language sql immutable
return (
    select hipaa_functions.day_of_parts(cast(parts[1] as integer), cast(parts[2] as integer), cast(parts[3] as integer))
        + make_interval(
            hours => coalesce(cast(parts[4] as integer), 0),
            mins => coalesce(cast(parts[5] as integer), 0)
        )
        + cast(coalesce(left(rpad(parts[6], 2, '0'), 2), '0') || ' seconds' as interval)
        + cast(coalesce(left(rpad(parts[7], 6, '0'), 6), '0') || ' microseconds' as interval)
    from regexp_match(
        value,
        '^([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})(?:[ T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?)?$'
    ) as matched (parts)
    where coalesce(cast(parts[4] as integer), 0) < 24
        and coalesce(cast(parts[5] as integer), 0) < 60
        and coalesce(cast(parts[6] as integer), 0) < 60
);

-- Times ----------------------------------------------------------------------------------------
-- A text is read only where its form has one meaning, else it is null: docs/values.md has the whole
-- table. Sources: ISO 8601 and RFC 3339 (extended and basic format), RFC 2822 section 3.3, HL7 v2
-- data type DTM.

-- The offset at the end of a time; its group has it where it is not UTC.
create function hipaa_functions.zone_pattern() returns text language sql immutable
return '(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?';

-- Hours and minutes, with seconds or without.
create function hipaa_functions.clock_pattern() returns text language sql immutable
return '((?:[01]?[0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)';

-- `2026-03-01T10:20:30.5+02:00`, `2026/03/01 10:20`. Groups: day, time, offset.
create function hipaa_functions.iso_pattern() returns text language sql immutable
return '([1-9][0-9]{3}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)' || hipaa_functions.clock_pattern()
    || ')? *' || hipaa_functions.zone_pattern();

-- Without separators: only of these two centuries, so that few other numbers are days.
create function hipaa_functions.day_pattern() returns text language sql immutable
return '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])';

-- Hour and minute without a separator.
create function hipaa_functions.minute_pattern() returns text language sql immutable
return '[Tt]?([01][0-9]|2[0-3])([0-5][0-9])';

-- Seconds after them.
create function hipaa_functions.second_pattern() returns text language sql immutable
return '([0-5][0-9](?:[.,][0-9]+)?)';

-- `Sun, 01 Mar 2026 10:20:30 -0500`, in small letters. Groups: day, month, year, time, offset.
create function hipaa_functions.mail_pattern() returns text language sql immutable
return '(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +'
    || '(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([1-9][0-9]{3})(?: +' || hipaa_functions.clock_pattern()
    || ')? *' || '(?:z|utc|gmt|ut|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?';

-- Whether a number, as one of milliseconds, is a whole quarter of an hour, as birth dates are.
create function hipaa_functions.may_be_milliseconds(value text) returns boolean language sql immutable
return hipaa_functions.whole_number(value) % 900000 = 0;

-- A number whose whole part counts what has so many decimals of a microsecond.
create function hipaa_functions.microseconds(value text, decimals integer) returns bigint language sql immutable
return hipaa_functions.whole_number(
    split_part(value, '.', 1) || rpad(left(split_part(value, '.', 2), decimals), decimals, '0')
);

-- A moment that is so many microseconds after 1970 began. In steps: a number of seconds with decimals
-- would be rounded.
create function hipaa_functions.moment_of_microseconds(value bigint) returns timestamp language sql immutable
return timestamp '1970-01-01' + (value / 1000000) * interval '1 second' + (value % 1000000) * interval '1 microsecond';

-- The moment that a number names: seconds, milli-, micro- or nanoseconds since 1970.
create function hipaa_functions.moment_of_number(value text) returns timestamp language sql immutable
return hipaa_functions.moment_of_microseconds(
    case
        when value ~ '^(-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?)$' then hipaa_functions.microseconds(value, 6)
        when value ~ '^(-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?)$' then hipaa_functions.microseconds(value, 3)
        when value ~ '^[1-9][0-9]{14,15}$' then cast(value as bigint)
        when value ~ '^[1-9][0-9]{17,18}$' then cast(left(value, -3) as bigint)
    end
);

-- The moment that a text names, as `day time|offset`; null where its form is not certain.
create function hipaa_functions.moment(value text) returns text language sql immutable
return case
    when hipaa_functions.matches_whole(value, hipaa_functions.iso_pattern())
        then regexp_replace(value, '^' || hipaa_functions.iso_pattern() || '$', '\1 \2|\3')
    when hipaa_functions.matches_whole(value, hipaa_functions.day_pattern() || hipaa_functions.zone_pattern())
        then regexp_replace(
            value, '^' || hipaa_functions.day_pattern() || hipaa_functions.zone_pattern() || '$', '\1-\2-\3|\4'
        )
    when hipaa_functions.matches_whole(value, hipaa_functions.day_pattern() || '([01][0-9]|2[0-3])') then null
    when hipaa_functions.matches_whole(value, hipaa_functions.day_pattern() || '([01][0-9]|2[0-3])([0-5][0-9])')
        and hipaa_functions.may_be_milliseconds(value) then null
    when hipaa_functions.matches_whole(
        value,
        hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || ' *' || hipaa_functions.zone_pattern()
    )
        then regexp_replace(
            value,
            '^' || hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || ' *'
                || hipaa_functions.zone_pattern() || '$',
            '\1-\2-\3 \4:\5|\6'
        )
    when hipaa_functions.matches_whole(
        value,
        hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || hipaa_functions.second_pattern() || ' *'
            || hipaa_functions.zone_pattern()
    )
        then regexp_replace(
            value,
            '^' || hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || hipaa_functions.second_pattern()
                || ' *' || hipaa_functions.zone_pattern() || '$',
            '\1-\2-\3 \4:\5:\6|\7'
        )
    when hipaa_functions.matches_whole(lower(value), hipaa_functions.mail_pattern())
        then (
            select parts[3]
                || '-' || (strpos('janfebmaraprmayjunjulaugsepoctnovdec', parts[2]) + 2) / 3
                || '-' || parts[1] || ' ' || coalesce(parts[4], '') || '|' || coalesce(parts[5], '')
            from regexp_match(lower(value), '^' || hipaa_functions.mail_pattern() || '$') as matched (parts)
        )
    when value ~ '^-?[1-9][0-9]{7,9}$' and hipaa_functions.may_be_milliseconds(value) then null
    else regexp_replace(to_char(hipaa_functions.moment_of_number(value), 'YYYY-MM-DD HH24:MI:SS.US'), '\.?0{1,6}$', '')
end;

-- Day and time of a moment without its offset.
create function hipaa_functions.as_written(value text) returns timestamp language sql immutable
return hipaa_functions.moment_of_text(rtrim(replace(split_part(value, '|', 1), ',', '.')));

-- A text in any form but the usual one to a timestamp in UTC.
create function hipaa_functions.as_timestamp_of_any_form(value text) returns timestamp language sql immutable
return (
    select hipaa_functions.as_written(read)
        - case left(zone, 1) when '-' then -1 else 1 end * make_interval(
            hours => cast(coalesce(nullif(substring(zone from 2 for 2), ''), '0') as integer),
            mins => cast(coalesce(nullif(substring(replace(zone, ':', '') from 4 for 2), ''), '0') as integer)
        )
    from hipaa_functions.moment(hipaa_functions.trimmed(value)) as moments (read)
    cross join lateral (select split_part(read, '|', 2) as zone) as offsets
);

-- A text to a timestamp in UTC; one without an offset is taken for UTC.
create function hipaa_functions.as_timestamp(value text) returns timestamp language sql immutable
return case
    when value ~ '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?Z$'
        then hipaa_functions.day_of_parts(
            cast(left(value, 4) as integer), cast(substr(value, 6, 2) as integer), cast(substr(value, 9, 2) as integer)
        )
            + cast(substr(value, 12, 8) as time)
            + cast(rpad(left(rtrim(substr(value, 21), 'Z'), 6), 6, '0') || ' microseconds' as interval)
    when value is not null then hipaa_functions.as_timestamp_of_any_form(value)
end;

-- A text to the day that it names, whatever its offset.
create function hipaa_functions.as_date(value text) returns date language sql immutable
return cast(hipaa_functions.as_written(hipaa_functions.moment(hipaa_functions.trimmed(value))) as date);

-- The first of two texts that is a time.
create function hipaa_functions.first_time(one text, other text) returns timestamp language sql immutable
return coalesce(hipaa_functions.as_timestamp(one), hipaa_functions.as_timestamp(other));

-- The same of JSON texts.
create function hipaa_functions.first_time_of_json(one text, other text) returns timestamp language sql immutable
return hipaa_functions.first_time(hipaa_functions.scalar_text(one), hipaa_functions.scalar_text(other));

-- A time, or null where it can't be: before there were such calls, or well after it was received.
-- The latter is given in microseconds since 1970, as run numbers are.
create function hipaa_functions.possible_time(
    value timestamp, received_us bigint, earliest text, ahead_us bigint
) returns timestamp language sql immutable
return case
    when value between hipaa_functions.moment_of_text(earliest)
        and hipaa_functions.moment_of_microseconds(received_us + ahead_us) then value
end;

-- A time in microseconds since 1970.
create function hipaa_functions.microseconds_of(value timestamp) returns bigint language sql immutable
return cast(extract(epoch from value) * 1000000 as bigint);

-- A time, less what lies between two others; null where the three give none.
create function hipaa_functions.time_before(value timestamp, earlier timestamp, later timestamp) returns timestamp
language sql immutable
return case
    when extract(year from value) - (extract(year from later) - extract(year from earlier)) between -200000 and 200000
        then value - (later - earlier)
end;

-- Data types -----------------------------------------------------------------------------------
-- Null where the text does not fit, and never an error that quotes it. Blanks around it say nothing.

-- A whole number.
create function hipaa_functions.as_integer(value text) returns bigint language sql immutable
return hipaa_functions.whole_number(
    (select case when written ~ '^[+-]?[0-9]+$' then regexp_replace(written, '^([+-]?)0+(?=[0-9])', '\1') end
    from hipaa_functions.trimmed(value) as texts (written))
);

-- A number that has an end.
create function hipaa_functions.as_number(value text) returns double precision language plpgsql immutable as $$
declare
    written text := hipaa_functions.trimmed(value);
begin
    if written ~ '^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$' then
        return cast(written as double precision);
    end if;
    return null;
exception when numeric_value_out_of_range then
    return case when written ~ '[eE]-' then 0 end;
end
$$;

-- `true`, `1`, `yes`; `false`, `0`, `no`; in any case.
create function hipaa_functions.as_boolean(value text) returns boolean language sql immutable
return case
    when lower(hipaa_functions.trimmed(value)) in ('true', '1', 'yes') then true
    when lower(hipaa_functions.trimmed(value)) in ('false', '0', 'no') then false
end;

-- Treatments -----------------------------------------------------------------------------------
-- The result is text; what does not fit the treatment is null.

-- A date or timestamp to its year. Related to 45 CFR 164.514(b)(2)(i)(C).
create function hipaa_functions.to_year(value text) returns text language sql immutable
return coalesce(
    hipaa_functions.pattern_group(hipaa_functions.trimmed(value), '([1-9][0-9]{3})(?:-(?:0[1-9]|1[0-2]))?', 1),
    to_char(hipaa_functions.as_date(value), 'YYYY')
);

-- A birth date to its year; people who are or turn 90 this year, or are older, share one.
create function hipaa_functions.to_birth_year(value text, this_year integer) returns text language sql immutable
return (
    select case when year <= this_year then cast(greatest(year, this_year - 90) as text) end
    from cast(hipaa_functions.to_year(value) as integer) as years (year)
);

-- A date or timestamp to yyyy-mm (ISO 8601). Finer than Safe Harbor allows.
create function hipaa_functions.to_month(value text) returns text language sql immutable
return coalesce(
    hipaa_functions.pattern_group(hipaa_functions.trimmed(value), '([1-9][0-9]{3}-(?:0[1-9]|1[0-2]))', 1),
    to_char(hipaa_functions.as_date(value), 'YYYY-MM')
);

-- The first three digits of a ZIP or ZIP+4 code; 000 for the areas where 20,000 people or fewer
-- live, which small_zip3_areas.csv lists. Four digits have lost their leading zero; three are such
-- an area already. Related to 45 CFR 164.514(b)(2)(i)(B).
create function hipaa_functions.to_zip3(value text, small_areas text[]) returns text language sql immutable
return (
    select case
        when area is null then null
        -- Without a list of small areas any may be one.
        when cardinality(small_areas) = 0 or area = any (small_areas) then '000'
        else area
    end
    from hipaa_functions.trimmed(value) as texts (written)
    cross join lateral (
        select coalesce(
            hipaa_functions.pattern_group(written, '([0-9]{3})(?:[0-9]{2}(?:[- ]?[0-9]{4})?)?', 1),
            '0' || hipaa_functions.pattern_group(written, '([0-9]{2})[0-9]{2}(?:-[0-9]{4})?', 1)
        ) as area
    ) as areas
);

-- An age in whole years, 90 and over (also written `90+`) as 90; no age below 0 or above 130. Of 89+
-- nobody knows on which side it is. Related to 45 CFR 164.514(b)(2)(i)(C).
create function hipaa_functions.to_age_cap(value text) returns text language sql immutable
return (
    select case when age between 0 and 130 then cast(cast(least(age, 90) as integer) as text) end
    from hipaa_functions.trimmed(value) as texts (shown)
    cross join lateral (
        select floor(
            hipaa_functions.as_number(case when shown ~ '^(9[0-9]|1[0-9]{2})[+]$' then rtrim(shown, '+') else shown end)
        ) as age
    ) as ages
);

-- A number rounded half away from zero, as other engines round.
create function hipaa_functions.rounded(value double precision) returns double precision language sql immutable
return trunc(value) + case when abs(value - trunc(value)) >= 0.5 then sign(value) else 0 end;

-- A number with decimals as DuckDB writes it: with `.0` where it is whole.
create function hipaa_functions.decimal_written(value double precision) returns text language sql immutable
return case
    when value = 0 then '0.0'
    when abs(value) >= 1e15 and abs(value) < 1e16 then cast(cast(cast(value as text) as numeric) as text) || '.0'
    when cast(value as text) ~ '[.eEN]' then cast(value as text)
    else cast(value as text) || '.0'
end;

-- A number rounded to the nearest multiple of a step. The second rounding takes off what 3 * 0.1
-- leaves behind.
create function hipaa_functions.to_round(value text, step double precision, decimals integer) returns text language sql immutable
return hipaa_functions.decimal_written(
    (
        -- No error where a number is too large or too small to be reckoned with.
        select case
            when abs(number) < 1e-290 then 0
            when abs(number) < 1e290 then hipaa_functions.rounded(
                hipaa_functions.rounded(number / step) * step * power(cast(10 as double precision), decimals)
            ) / power(cast(10 as double precision), decimals)
        end
        from hipaa_functions.as_number(value) as numbers (number)
    )
);

-- The first characters of a text.
create function hipaa_functions.to_truncate(value text, characters integer) returns text language sql immutable
return left(value, characters);

-- Web and network addresses. Sources: RFC 3986 for the parts of a URL, RFC 5321 section 2.3.5 for
-- domains, RFC 6454 for origins; 45 CFR 164.514(b)(2)(i)(F), (N) and (O) for why.

-- Groups: 1 scheme, 2 host, 3 port, 4 path. User information matches no group.
create function hipaa_functions.url_pattern() returns text language sql immutable
return '[ \t\n\f\r]*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@ \t\n\f\r]*@)?([^/?#@: \t\n\f\r\[\]]+|\[[0-9A-Fa-f:.]+\])'
    '(?::([0-9]{1,5}))?(/[^?# \t\n\f\r]*)?(?:[?#].*)?[ \t\n\f\r]*';

-- The host of an e-mail address or URL, lower-case.
create function hipaa_functions.host(value text) returns text language sql immutable
return lower(
    rtrim(
        coalesce(
            hipaa_functions.pattern_group(
                value, '[ \t\n\f\r]*[^@ \t\n\f\r/]+@([^@ \t\n\f\r/:?#]+)[ \t\n\f\r]*', 1
            ),
            hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 2)
        ),
        '.'
    ) collate "und-x-icu"
) collate "C";

-- The domain of an e-mail address or URL. An IP address is no domain: null.
create function hipaa_functions.to_domain(value text) returns text language sql immutable
return case
    when hipaa_functions.host(value) ~ '^[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$'
        and hipaa_functions.host(value) !~ '^[0-9.]+$'
        then hipaa_functions.host(value)
end;

-- The path of a URL, or of a reference that starts with one slash: no query, no fragment.
create function hipaa_functions.to_url_path(value text) returns text language sql immutable
return case
    when hipaa_functions.matches_whole(value, hipaa_functions.url_pattern())
        then coalesce(nullif(hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 4), ''), '/')
    else hipaa_functions.pattern_group(
        value, '[ \t\n\f\r]*(/(?:[^/?# \t\n\f\r][^?# \t\n\f\r]*)?)(?:[?#].*)?[ \t\n\f\r]*', 1
    )
end;

-- Scheme, host and port of a URL, lower-case: no user, path, query or fragment.
create function hipaa_functions.to_url_origin(value text) returns text language sql immutable
return lower(
    hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 1) || '://'
    || hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 2) collate "und-x-icu"
) collate "C" || case
    when hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 3) <> ''
        then ':' || hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 3)
    else ''
end;

-- An IPv4 address, alone or within IPv6, a port let be. Its group has the network.
create function hipaa_functions.ipv4_pattern() returns text language sql immutable
return '(?:::ffff:)?((?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
    '\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]))\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?::[0-9]{1,5})?';

-- The parts of an IPv6 address, without leading zeros, those that `::` stands for included; null
-- where a text is none.
create function hipaa_functions.ipv6_parts(value text) returns text[] language sql immutable
return (
    select case
        when value !~ '^([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?(::([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?)?$' then null
        when (strpos(value, '::') > 0) = (cardinality(head) + cardinality(tail) < 8) then array(
            select coalesce(nullif(ltrim(piece, '0'), ''), '0')
            from unnest(
                head || array_fill(text '0', array[greatest(8 - cardinality(head) - cardinality(tail), 0)]) || tail
            ) with ordinality as pieces (piece, place)
            order by place
        )
    end
    from (
        select
            array_remove(string_to_array(split_part(value, '::', 1), ':'), '') as head,
            array_remove(string_to_array(split_part(value, '::', 2), ':'), '') as tail
    ) as halves
);

-- The /24 of an IPv4 address given as two hexadecimal numbers of 16 bits.
create function hipaa_functions.ipv4_network(one text, other text) returns text language sql immutable
return (
    select get_byte(first, 0) || '.' || get_byte(first, 1) || '.' || get_byte(second, 0) || '.0/24'
    from (select decode(lpad(one, 4, '0'), 'hex') as first, decode(lpad(other, 4, '0'), 'hex') as second) as halves
);

-- The /48 of an IPv6 address. IPv4 within IPv6 (mapped, RFC 4291; 6to4, RFC 3056) is IPv4: a /48 of
-- the latter would hold all of it.
create function hipaa_functions.ipv6_network(value text) returns text language sql immutable
return (
    select case
        when cardinality(parts) <> 8 then null
        when array_to_string(parts[1:6], ':') = '0:0:0:0:0:ffff' then hipaa_functions.ipv4_network(parts[7], parts[8])
        when parts[1] = '2002' then hipaa_functions.ipv4_network(parts[2], parts[3])
        else array_to_string(parts[1:3], ':') || '::/48'
    end
    from hipaa_functions.ipv6_parts(value) as addresses (parts)
);

-- The network of an IP address: /24 of IPv4, /48 of IPv6 (RFC 4291, written as RFC 5952 has it but
-- for runs of zeros). A port is passed over, and of several addresses, as X-Forwarded-For has them,
-- the first counts. Related to 45 CFR 164.514(b)(2)(i)(O), which takes the whole address away.
create function hipaa_functions.to_ip_prefix(value text) returns text language sql immutable
return (
    select case
        when hipaa_functions.matches_whole(first, hipaa_functions.ipv4_pattern())
            then hipaa_functions.pattern_group(first, hipaa_functions.ipv4_pattern(), 1) || '.0/24'
        else hipaa_functions.ipv6_network(
            regexp_replace(first, '^(?:\[([0-9a-f:]*)\](?::[0-9]{1,5})?|([0-9a-f:]*))$', '\1\2')
        )
    end
    from hipaa_functions.trimmed(lower(split_part(value, ',', 1))) as addresses (first)
);

-- Normalisation: one spelling of an identifier, so that one person has one token. docs/values.md ---

-- In small letters.
create function hipaa_functions.normalized_lower(value text) returns text language sql immutable
return hipaa_functions.lower_cased(value);

-- An e-mail address: composed (NFC), in small letters, without blanks around it.
create function hipaa_functions.normalized_email(value text) returns text language sql immutable
return normalize(
    hipaa_functions.lower_cased(
        normalize(hipaa_functions.trimmed(hipaa_functions.without_invisible(value)), nfc)
    ),
    nfc
);

-- Digits of every script that telephone numbers come in, as ASCII; 0 to 9 in each.
create function hipaa_functions.ascii_digits(value text) returns text language sql immutable
return translate(value, '０１２３４５６７８９＋٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '0123456789+01234567890123456789');

-- What stands between the digits of a telephone number.
create function hipaa_functions.phone_separators() returns text language sql immutable
return ' \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\t()./\u2010-\u2015\u2212\uff0d-';

-- What follows the number of an extension: `ext. 12`, `x12`, `,,12`.
create function hipaa_functions.extension_pattern() returns text language sql immutable
return '(?:[,;' || hipaa_functions.phone_separators()
    || ']*(?:(?:[xX]|[eE][xX][tT](?:[nN]|[eE][nN][sS][iI][oO][nN])?|#)'
    || '[.:=# \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\t]*[0-9]{1,7}|,+[0-9]{1,5})[#)]?)?';

-- Digits and plus sign of a telephone number, an extension left off; null where it is none for
-- certain, such as one with letters. A number that has been a decimal one ends in `.0`; `(0)` is
-- dialled from some places and left out from others.
create function hipaa_functions.dialled(value text) returns text language sql immutable
return (
    select case
        when written !~ '\([0 \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+\)' then regexp_replace(
            hipaa_functions.pattern_group(
                written,
                '(?:[Tt][Ee][Ll]:)??((?:[+(]|\+\(|\(\+)??[0-9][0-9' || hipaa_functions.phone_separators()
                    || ']*?)(?:\.0)?' || hipaa_functions.extension_pattern(),
                1
            ),
            '[^0-9+]',
            '',
            'g'
        )
    end
    from hipaa_functions.trimmed(hipaa_functions.ascii_digits(hipaa_functions.without_invisible(value))) as texts (written)
);

-- The digits of a telephone number, without the prefix of international calls.
create function hipaa_functions.normalized_phone(value text) returns text language sql immutable
return (
    select case
        when number ~ '^(?:(?:[+]|00)?[1-9][0-9]{6,14}|0[1-9][0-9]{5,13})$' then regexp_replace(number, '^(?:[+]|00)', '')
    end
    from hipaa_functions.dialled(value) as numbers (number)
);

-- As people of the North American plan write theirs (country 1): ten digits are such a number, and
-- it begins with 1.
create function hipaa_functions.normalized_phone_1(value text) returns text language sql immutable
return (
    select case
        when number ~ '^(?:[+]|00|011)?1[2-9][0-9]{9}$' then '1' || right(number, 10)
        when number ~ '^[2-9][0-9]{9}$' then '1' || number
        when number ~ '^(?:[+]|00|011)[2-9][0-9]{6,14}$' then regexp_replace(number, '^(?:[+]|00|011)', '')
    end
    from hipaa_functions.dialled(value) as numbers (number)
);
-- The guard: what identifiers look like -----------------------------------------------------------
-- Used twice: on what goes into the masked tables, and to test the destination views. docs/guard.md
-- measures what the patterns find and what they miss.

-- Blanks and hyphens as people and word processors write them: the no-break space, and U+2010 to
-- U+2013.
create function hipaa_functions.wide_separators() returns text language sql immutable
return chr(160) || chr(8208) || '-' || chr(8211);

-- One of these, or a dot, between two groups of digits.
create function hipaa_functions.separator_or_dot() returns text language sql immutable
return '[-. ' || hipaa_functions.wide_separators() || ']';

-- What may stand between a label and its number: `MRN no. 12345`, `"mrn": "12345"`.
create function hipaa_functions.after_label() returns text language sql immutable
return '[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?';

-- An e-mail address, its @ as it is or as a URL has it.
create function hipaa_functions.email_pattern() returns text language sql immutable
return '[^ \t\n\f\r@"''(),:;<>\[\]](@|%40)([^ \t\n\f\r@"''(),:;<>\[\]/?#&=.]+\.)+[^ \t\n\f\r@"''(),:;<>\[\]/?#&=.0-9_-]{2,}';

-- A telephone number: grouped, with a plus sign, ten digits that are all there is, or labelled.
create function hipaa_functions.phone_pattern() returns text language sql immutable
return concat_ws(
    '|',
    '(^|[^0-9A-Za-z])(\+?1' || hipaa_functions.separator_or_dot() || '?)?(\([2-9][0-9]{2}\)'
        || hipaa_functions.separator_or_dot() || '?|[2-9][0-9]{2}(' || hipaa_functions.separator_or_dot()
        || '|/))[0-9]{3}' || hipaa_functions.separator_or_dot() || '[0-9]{4}([^0-9A-Za-z]|[xX][0-9]|[Ee]xt|$)',
    '(^|[^0-9A-Za-z+])\+[1-9][0-9]{0,2}(\.[0-9]{2,4}){3,6}([^0-9]|$)',
    '(^|[^0-9A-Za-z+])\+[1-9]([- ()' || hipaa_functions.wide_separators() || ']{0,2}[0-9]){7,14}([^0-9]|$)',
    '(^|[\[{:,])[ \t\n\f\r]*"?[ \t\n\f\r]*1?[2-9][0-9]{2}[2-9][0-9]{6}(\.0+)?[ \t\n\f\r]*"?[ \t\n\f\r]*([\]}:,]|$)',
    '([Pp]hone|PHONE|[Mm]obile|MOBILE|(^|[^A-Za-z])([Tt]el|TEL|[Ff]ax|FAX))' || hipaa_functions.after_label()
        || '[0-9]{10,15}([^0-9A-Za-z]|$)'
);

-- A Social Security number, grouped or labelled.
create function hipaa_functions.ssn_pattern() returns text language sql immutable
return concat_ws(
    '|',
    '(^|[^0-9A-Za-z.-])[0-9]{3}' || hipaa_functions.separator_or_dot() || '[0-9]{2}'
        || hipaa_functions.separator_or_dot() || '[0-9]{4}([^0-9A-Za-z-]|$)',
    '([Ss][Ss][Nn]|[Ss]ocial[ _-]?[Ss]ecurity)' || hipaa_functions.after_label() || hipaa_functions.after_label()
        || '([0-9]{3}' || hipaa_functions.separator_or_dot() || '?[0-9]{2}' || hipaa_functions.separator_or_dot()
        || '?[0-9]{4}|[0-9]{7,8}([^0-9]|$))'
);

-- The number of a medical record, a patient or a chart, labelled.
create function hipaa_functions.mrn_pattern() returns text language sql immutable
return concat_ws(
    '|',
    '(^|[^A-Za-z])[Mm]\.?[Rr]\.?[Nn]\.?' || hipaa_functions.after_label()
        || '[A-Za-z]{0,3}[-_ ]?[0-9]([-. ]?[0-9]){3,}',
    '(^|[^A-Za-z])([Mm]edical[ _-]?[Rr]ecord|MEDICAL RECORD|[Pp]atients?|PATIENT|[Cc]hart[ _-]?([Nn]o|[Nn]umber|#)|MR ?#)'
        || hipaa_functions.after_label() || '[A-Za-z]{0,3}[-_ ]?[0-9]{5,}'
);

-- A number of an IPv4 address.
create function hipaa_functions.octet() returns text language sql immutable
return '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';

-- Such a number of two or three digits.
create function hipaa_functions.long_octet() returns text language sql immutable
return '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])';

-- Such a number other than 0.
create function hipaa_functions.octet_but_0() returns text language sql immutable
return '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)';

-- Four single digits are a version more often than an address, and one with three zeros at its end
-- is a version of Chrome, or a network. Behind the name of a product stands its version:
-- `Whale/3.24.223.21`. Names of hosts begin with a small letter, or have digits, dots or hyphens.
create function hipaa_functions.ip_pattern() returns text language sql immutable
return concat_ws(
    '|',
    '((^|[^0-9A-Za-z./])|(^|[^A-Za-z_])([a-z][A-Za-z_]*|[A-Z_]*)/)(' || concat_ws(
        '|',
        concat_ws('\.', hipaa_functions.octet(), hipaa_functions.long_octet(), hipaa_functions.octet(), hipaa_functions.octet()),
        concat_ws('\.', hipaa_functions.long_octet(), hipaa_functions.octet_but_0(), hipaa_functions.octet(), hipaa_functions.octet()),
        concat_ws('\.', hipaa_functions.octet(), hipaa_functions.octet(), hipaa_functions.long_octet(), hipaa_functions.octet()),
        concat_ws('\.', hipaa_functions.long_octet(), '0', hipaa_functions.octet_but_0(), hipaa_functions.octet()),
        concat_ws('\.', hipaa_functions.octet(), hipaa_functions.octet(), hipaa_functions.octet(), hipaa_functions.long_octet()),
        concat_ws('\.', hipaa_functions.long_octet(), '0', '0', hipaa_functions.octet_but_0())
    ) || ')\.?([^0-9A-Za-z.]|$)',
    '(^|[^0-9A-Za-z:.])(([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|([0-9A-Fa-f]{1,4}:){2,6}(:[0-9A-Fa-f]{1,4}){1,5}'
        || '|[0-9A-Fa-f]{1,4}:(:[0-9A-Fa-f]{1,4}){2,6}|([0-9A-Fa-f]{1,4}:){2,7}:)([^0-9A-Za-z:]|$)'
);

-- A URL, or part of one, with a query.
create function hipaa_functions.url_query_pattern() returns text language sql immutable
return '://[^ \t\n\f\r?"<>]+\?[^ \t\n\f\r"<>]|www\.[^ \t\n\f\r?"]+\?[^ \t\n\f\r"]|(^|[ \t\n\f\r"]|/[^ \t\n\f\r?"]*)\?[^ \t\n\f\r?#=&"]+=';

-- An identifier of any kind but payment cards, which need arithmetic.
create function hipaa_functions.identifier_pattern() returns text language sql immutable
return concat_ws(
    '|',
    hipaa_functions.email_pattern(),
    hipaa_functions.phone_pattern(),
    hipaa_functions.ssn_pattern(),
    hipaa_functions.mrn_pattern(),
    hipaa_functions.ip_pattern(),
    hipaa_functions.url_query_pattern()
);

-- Whether a text holds an e-mail address.
create function hipaa_functions.is_email_like(value text) returns boolean language sql immutable
return value ~ hipaa_functions.email_pattern();

-- Whether a text holds a telephone number.
create function hipaa_functions.is_phone_like(value text) returns boolean language sql immutable
return value ~ hipaa_functions.phone_pattern();

-- Whether a text holds a Social Security number.
create function hipaa_functions.is_ssn_like(value text) returns boolean language sql immutable
return value ~ hipaa_functions.ssn_pattern();

-- Whether a text holds the number of a medical record.
create function hipaa_functions.is_mrn_like(value text) returns boolean language sql immutable
return value ~ hipaa_functions.mrn_pattern();

-- Whether a text holds an IP address.
create function hipaa_functions.is_ip_like(value text) returns boolean language sql immutable
return value ~ hipaa_functions.ip_pattern();

-- Whether a text holds a URL with a query.
create function hipaa_functions.is_url_query_like(value text) returns boolean language sql immutable
return value ~ hipaa_functions.url_query_pattern();

-- Whether digits begin as an issuer's do and pass the check of ISO/IEC 7812-1 (Luhn). Visa has 13,
-- 16 or 19 digits, Diners Club 14, American Express 15. A number of 13 digits that begins with 1 is
-- a time in milliseconds. Digits count from the right; every second one is doubled, and 9 taken off
-- above 9.
create function hipaa_functions.is_card_of_issuer(number text) returns boolean language sql immutable
return number ~ '^(?:4[0-9]{12}|3[0-9]{13}|[1-3][0-9]{14}|[2-6][0-9]{15,18})$'
    and (
        select sum(
            cast(digit as integer) * (2 - place % 2) - case when place % 2 = 0 and digit > '4' then 9 else 0 end
        ) % 10 = 0
        from string_to_table(reverse(number), null) with ordinality as digits (digit, place)
    );

-- Whether a text holds the number of a payment card: 13 to 19 digits, however they stand, blanks and
-- hyphens between them let be; and in the usual groups, where more digits may follow.
create function hipaa_functions.is_card_like(value text) returns boolean language sql immutable
return case
    when value ~ '[0-9]([ .-]{0,2}[0-9]){12}' then exists (
        select 1
        from (
            select found[1] as candidate
            from regexp_matches(
                value, '(?:^|[^0-9A-Za-z.-])([0-9](?:[ -]?[0-9]){12,18})(?:[^0-9A-Za-z-]|$)', 'g'
            ) as by_digits (found)
            union all
            select found[1]
            from regexp_matches(
                value,
                '(?:^|[^0-9A-Za-z.-])([0-9]{16}|[0-9]{4}(?:[ .-]{1,2}[0-9]{4}){3}|3[0-9]{3}[ .-]{0,2}[0-9]{6}[ .-]{0,2}[0-9]{4,5})'
                '(?:[^0-9A-Za-z-]|$)',
                'g'
            ) as by_groups (found)
        ) as candidates
        where hipaa_functions.is_card_of_issuer(regexp_replace(candidate, '[^0-9]', '', 'g'))
    )
    when value is not null then false
end;

-- Whether a text is worth a closer look: one search for all kinds lets nearly every text go.
create function hipaa_functions.may_be_identifier(value text) returns boolean language sql immutable
return value ~ (hipaa_functions.identifier_pattern() || '|[0-9]([ .-]{0,2}[0-9]){12}');

-- Whether a text looks like, or holds, an identifier of any kind.
create function hipaa_functions.looks_like_identifier(value text) returns boolean language sql immutable
return hipaa_functions.may_be_identifier(value)
    and (value ~ hipaa_functions.identifier_pattern() or hipaa_functions.is_card_like(value));

-- A text, or null where it looks like an identifier: free text can hold one that nobody expected.
create function hipaa_functions.guarded(value text) returns text language sql immutable
return case when hipaa_functions.looks_like_identifier(value) then null else value end;

-- How many values a guard took: a number, never a value. `before` is what there was.
create function hipaa_functions.taken(before anyelement, after anyelement) returns bigint language sql immutable as $$
select cast(before is not null and after is null as integer)::bigint
$$;

-- The same of a list.
create function hipaa_functions.taken_of_list(before anyarray, after anyarray) returns bigint language sql immutable as $$
select coalesce(cardinality(array_remove(before, null)) - cardinality(array_remove(after, null)), 0)::bigint
$$;

-- How many values look like an identifier, where nothing is taken.
create function hipaa_functions.suspected(value text) returns bigint language sql immutable
return cast(cast(coalesce(hipaa_functions.looks_like_identifier(value), false) as integer) as bigint);

-- The same of a list.
create function hipaa_functions.suspected_of_list(texts text[]) returns bigint language sql immutable
return (
    select count(*)
    from unnest(texts) as elements (element)
    where hipaa_functions.looks_like_identifier(element)
);

-- Tokens -----------------------------------------------------------------------------------------

-- The token of a text in a scope: HMAC-SHA-256 under the scope's subkey, which the connection was
-- started with. No statement has it; where it is not there, the statement fails.
create function hipaa_functions.token(value text, scope text) returns text language sql stable as $$
select encode(
    pgcrypto.hmac(hipaa_functions.not_blank(value), current_setting('hipaa_mode.subkey_' || left(md5(scope), 16)), 'sha256'),
    'hex'
)
$$;

-- A random 128-bit code for every row, as 32 hexadecimal digits; null for a null.
create function hipaa_functions.random_code(value text) returns text language sql volatile as $$
select case when value is not null then encode(pgcrypto.gen_random_bytes(16), 'hex') end
$$;

-- Values in an order -----------------------------------------------------------------------------

-- The later of two values.
create function hipaa_functions.later(earlier anyelement, later anyelement) returns anyelement
language sql immutable strict as $$
select later
$$;

-- The last value that is not null.
create aggregate hipaa_functions.latest(anyelement) (sfunc = hipaa_functions.later, stype = anyelement);
