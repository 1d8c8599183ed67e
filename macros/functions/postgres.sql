-- Every function that a value passes through on its way from a raw call to a destination view, as
-- PostgreSQL has it. docs/functions.md says when they are made, and how to change one. What a
-- function says of its values holds for every engine: duckdb.sql explains each.
--
-- A function of one expression is put in the place of its call. One that has a subquery, or whose
-- argument would be evaluated more than once, is not, and would be planned at each call: so it is
-- PL/pgSQL, whose plans are kept.
--
-- Patterns are PostgreSQL's "advanced regular expressions": classes of Unicode are spelled out, since
-- it has none, and `.` matches a line break.

-- Blanks and letters ---------------------------------------------------------------------------

-- What nobody sees at the ends of a text: blanks of every kind, as in hipaa_mode.masking.
create function hipaa_functions.blank_characters() returns text language sql immutable parallel safe
return ' \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u0009-\u000d\u001c-\u001f\u0085';

-- A text without the blanks around it.
create function hipaa_functions.trimmed(value text) returns text language sql immutable parallel safe
return regexp_replace(
    value,
    '^[' || hipaa_functions.blank_characters() || ']+|[' || hipaa_functions.blank_characters() || ']+$',
    '',
    'g'
);

-- A text of blanks only says nothing: null.
create function hipaa_functions.not_blank(value text) returns text language sql immutable parallel safe
return case
    when ascii(value) between 33 and 126 then value
    when value ~ ('[^' || hipaa_functions.blank_characters() || ']') then value
end;

-- Without characters that nobody sees, which copying leaves behind: soft hyphens, zero-width
-- blanks and joiners, marks of direction, the byte order mark.
create function hipaa_functions.without_invisible(value text) returns text language sql immutable parallel safe
return regexp_replace(
    value,
    '[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]',
    '',
    'g'
);

-- Small letters by Unicode's simple mapping, one character at a time, whatever the database's locale.
-- ICU alone would write the dotted capital I as two characters, and a sigma as its place in a word has it.
create function hipaa_functions.lowered(value text) returns text language sql immutable parallel safe
return case
    when octet_length(value) = length(value) then lower(value collate "C")
    else lower(translate(value, chr(304) || chr(931), 'i' || chr(963)) collate "und-x-icu") collate "C"
end;

-- The same, and a sigma at a word's end as any other.
create function hipaa_functions.lower_cased(value text) returns text language sql immutable parallel safe
return translate(hipaa_functions.lowered(value), chr(962), chr(963));

-- A text as texts are compared without regard to case, by Unicode's simple folding.
create function hipaa_functions.case_folded(value text) returns text language sql immutable parallel safe
return case
    when octet_length(value) = length(value) then lower(value collate "C")
    else translate(
        lower(replace(value, chr(931), chr(963)) collate "und-x-icu") collate "C",
        E'\u017f\u03c2\u03d0\u03f5\u03d1\u1fbe\u0345\u03f0\u00b5\u03d6\u03f1\u03d5\u1e9b\u1c80\u1c81\u1c82\u1c83\u1c84\u1c85\u1c86\u1c87\u1c88',
        E's\u03c3\u03b2\u03b5\u03b8\u03b9\u03b9\u03ba\u03bc\u03c0\u03c1\u03c6\u1e61\u0432\u0434\u043e\u0441\u0442\u0442\u044a\u0463\ua64b'
    )
end;

-- A tool's name as names are compared where they say no: lower-case, without blanks; as in
-- hipaa_mode.consent.
create function hipaa_functions.folded(value text) returns text language sql immutable parallel safe
return hipaa_functions.lowered(
    regexp_replace(
        value,
        '[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u0001-\u001f\u007f-\u009f\u00ad\u0600-\u0605'
        '\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff'
        '\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a'
        '\U000e0001\U000e0020-\U000e007f]+',
        '',
        'g'
    )
);

-- Whether a text is so many lower-case hexadecimal digits.
create function hipaa_functions.is_hexadecimal(value text, digits integer) returns boolean language sql immutable parallel safe
return length(value) = digits and value !~ '[^0-9a-f]';

-- Whether a pattern matches a whole text.
create function hipaa_functions.matches_whole(value text, pattern text) returns boolean language sql immutable parallel safe
return value ~ ('^(?:' || pattern || ')$');

-- A group of a pattern; null where the pattern does not match the whole text.
create function hipaa_functions.pattern_group(value text, pattern text, place integer) returns text language sql immutable parallel safe
return case
    when hipaa_functions.matches_whole(value, pattern)
        then coalesce((regexp_match(value, '^(?:' || pattern || ')$'))[place], '')
end;

-- What texts are sorted by so that numbers within them come in their order: `9` before `10`.
create function hipaa_functions.natural_order(value text) returns text[] language plpgsql immutable strict parallel safe as $$
begin
    return array(
        select case
            when part ~ '^[0-9]+$' then lpad(cast(length(ltrim(part, '0')) as text), 4, '0') || ltrim(part, '0')
            else part
        end
        from regexp_matches(value, '[0-9]+|[^0-9]+', 'g') with ordinality as parts (matched, place)
        cross join lateral (select matched[1] as part) as first_group
        order by place
    );
end
$$;

-- Ids ------------------------------------------------------------------------------------------

-- Whether a text is no id: blank, or one of those that senders write where they have none, in any
-- case.
create function hipaa_functions.is_no_id(value text, placeholders text[]) returns boolean language plpgsql immutable parallel safe as $$
begin
    return hipaa_functions.not_blank(value) is null and value is not null
        or hipaa_functions.case_folded(hipaa_functions.trimmed(value)) = any (
            select hipaa_functions.case_folded(placeholder) from unnest(placeholders) as listed (placeholder)
        );
end
$$;

-- A text that is an id, else null.
create function hipaa_functions.if_id(value text, placeholders text[]) returns text language plpgsql immutable parallel safe as $$
begin
    return case when not hipaa_functions.is_no_id(value, placeholders) then value end;
end
$$;

-- The first of two texts that is an id.
create function hipaa_functions.first_id(one text, other text, placeholders text[]) returns text language sql immutable parallel safe
return coalesce(hipaa_functions.if_id(one, placeholders), hipaa_functions.if_id(other, placeholders));

-- Those of some texts that are ids; null in place of the others.
create function hipaa_functions.ids(texts text[], placeholders text[]) returns text[] language plpgsql immutable parallel safe as $$
begin
    return case
        when texts is not null then array(
            select hipaa_functions.if_id(element, placeholders)
            from unnest(texts) with ordinality as elements (element, place)
            order by place
        )
    end;
end
$$;

-- Percent-encoding taken off, where what it stands for is a text, other than the character 0.
create function hipaa_functions.url_decoded(value text) returns text language plpgsql immutable parallel safe as $$
declare
    digits text;
begin
    if value is null or value !~ '%[0-9A-Fa-f]{2}' or strpos(value, '%00') > 0 then
        return value;
    end if;
    digits := (
        select string_agg(
            case
                when part[1] is not null then lower(part[1] collate "C")
                else encode(convert_to(part[2], 'UTF8'), 'hex')
            end,
            ''
            order by place
        )
        from regexp_matches(value, '%([0-9A-Fa-f]{2})|([^%]+|%)', 'g') with ordinality as parts (part, place)
    );
    -- UTF-8, RFC 3629, in hexadecimal digits.
    if digits !~ (
        '^(?:[0-7].|(?:c[2-9a-f]|d.)[89ab].|e0[ab].[89ab].|e[1-9a-cef][89ab].[89ab].|ed[89].[89ab].'
        '|f0[9ab].[89ab].[89ab].|f[1-3][89ab].[89ab].[89ab].|f48.[89ab].[89ab].)*$'
    ) then
        return value;
    end if;
    return convert_from(decode(digits, 'hex'), 'UTF8');
end
$$;

-- Blanks of every kind, and characters that nobody sees.
create function hipaa_functions.blanks() returns text language sql immutable parallel safe
return E'\u0009\u000a\u000b\u000c\u000d \u0085\u00a0\u00ad\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'
    '\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff';

-- The one spelling in which ids and values are compared: percent-encoding, blanks around it, case and
-- the composition of accents make no difference.
create function hipaa_functions.comparable(value text) returns text language sql immutable parallel safe
return case
    when value ~ '^[!-$&-~]([ -$&-~]*[!-$&-~])?$' then lower(value collate "C")
    else hipaa_functions.lowered(
        normalize(btrim(hipaa_functions.url_decoded(value), hipaa_functions.blanks()), nfc)
    )
end;

-- The same of an id in a column.
create function hipaa_functions.trimmed_id(value text) returns text language sql immutable parallel safe
return hipaa_functions.trimmed(value);

-- The key of a call whose message id another call has too. No id is something other than an id of
-- any text.
create function hipaa_functions.key_of_namesake(
    message_id text, call_type text, user_id text, anonymous_id text, group_id text
) returns text language sql immutable parallel safe
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
-- A JSON text is a text holding one JSON value, written without blanks, the keys in their order.
-- PostgreSQL 15 asks whether a text is JSON by reading it, and a function that survives the error
-- can't run in a parallel query: what reaches one is not `parallel safe`.

-- The double that a number's text stands for; null where it is too large for one. A cast alone
-- would end the statement where there is none, or where it is next to nothing.
create function hipaa_functions.double_of(value text) returns double precision language plpgsql immutable parallel safe as $$
declare
    parts text[] := regexp_match(value, '^([+-]?)0*([0-9]*)(?:\.(0*)([0-9]*))?(?:[eE]([+-]?)0*([0-9]*))?$');
    exponent bigint := cast(parts[5] || '0' || left(parts[6], 9) as bigint);
    digits text;
begin
    if parts[2] <> '' then
        exponent := coalesce(exponent, 0) + length(parts[2]) - 1;
    elsif parts[4] <> '' then
        exponent := coalesce(exponent, 0) - length(parts[3]) - 1;
    else
        return cast(parts[1] || '0' as double precision);
    end if;
    if exponent between -323 and 307 then
        return cast(value as double precision);
    elsif exponent in (-324, 308) then
        digits := ltrim(concat(parts[2], parts[3], parts[4]), '0') collate "C";
        -- Half of what is between 0 and the least double; and of what is after the largest.
        if exponent = 308 and left(digits, 40) < '1797693134862315807937289714053034150799' then
            return cast(value as double precision);
        elsif exponent = -324 and left(digits, 40) > '2470328229206232720882843964341106861825' then
            return cast(value as double precision);
        end if;
    end if;
    return case when exponent < 0 then cast(parts[1] || '0' as double precision) end;
end
$$;

-- Sign, digits and exponent of the shortest number that is this double; no digits of 0.
create function hipaa_functions.shortest(value double precision) returns text[] language plpgsql immutable parallel safe
set extra_float_digits = 1 as $$
declare
    parts text[] := regexp_match(cast(value as text), '^(-?)([0-9]+)(?:\.([0-9]+))?(?:e([+-][0-9]+))?$');
    written text := concat(parts[2], parts[3]);
    digits text := ltrim(written, '0');
    exponent integer := length(parts[2]) - 1 - length(written) + length(digits) + coalesce(cast(parts[4] as integer), 0);
    rounded text;
begin
    -- PostgreSQL does not take a number that is halfway between two doubles, as 2e23 is.
    if length(digits) > 15 and exponent between 15 and 307 then
        for kept in 15 .. length(digits) - 1 loop
            rounded := cast(trunc(round(cast(digits as numeric), kept - length(digits))) as text);
            if cast(parts[1] || rounded || 'e' || exponent + 1 - length(digits) as double precision) = value then
                exponent := exponent + length(rounded) - length(digits);
                digits := rounded;
                exit;
            end if;
        end loop;
    end if;
    return array[parts[1], rtrim(digits, '0'), cast(exponent as text)];
end
$$;

-- Digits with the point where an exponent of ten has it; a number without decimals ends in `.0`.
create function hipaa_functions.positional(digits text, exponent integer) returns text language sql immutable parallel safe
return case
    when digits = '' then '0.0'
    when exponent < 0 then '0.' || repeat('0', -exponent - 1) || digits
    when length(digits) <= exponent + 1 then rpad(digits, exponent + 1, '0') || '.0'
    else left(digits, exponent + 1) || '.' || substr(digits, exponent + 2)
end;

-- The first digit, and the others after a point.
create function hipaa_functions.mantissa(digits text) returns text language sql immutable parallel safe
return left(digits, 1) || case when length(digits) > 1 then '.' || substr(digits, 2) else '' end;

-- A JSON number as a JSON text: digits alone stay; any other is the shortest form of its double.
create function hipaa_functions.number_written(value text) returns text language plpgsql immutable parallel safe as $$
declare
    parts text[];
    exponent integer;
    number double precision;
begin
    if value !~ '[.eE]' then
        return case value when '-0' then '0' else value end;
    end if;
    number := hipaa_functions.double_of(value);
    if number is null then
        return value;
    end if;
    parts := hipaa_functions.shortest(number);
    exponent := parts[3];
    if exponent between -6 and 20 then
        return parts[1] || hipaa_functions.positional(parts[2], exponent);
    end if;
    return parts[1] || hipaa_functions.mantissa(parts[2]) || 'e' || exponent;
end
$$;

-- Control characters of a JSON string with capital digits.
create function hipaa_functions.capital_escapes(value text) returns text language plpgsql immutable parallel safe as $$
begin
    return case
        when strpos(value, '\u00') = 0 then value
        else (
            select string_agg(
                case when part[1] like '\\u%' then '\u' || upper(substr(part[1], 3) collate "C") else part[1] end, '' order by place
            )
            from regexp_matches(value, '\\u[0-9a-f]{4}|\\.|[^\\]+', 'g') with ordinality as parts (part, place)
        )
    end;
end
$$;

-- The characters of a JSON string that has escapes; null where they are no text.
create function hipaa_functions.unescaped(value text) returns text language sql immutable parallel safe
return case
    when value ~ '^"(?:[^"\\\u0001-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"$'
        and regexp_replace(value, '\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ' ', 'g')
            !~ '\\u(?:0000|[dD][89a-fA-F])'
        then cast(value as json) #>> '{}'
end;

-- A part of JSON, a string, a number or another, as a JSON text.
create function hipaa_functions.token_written(value text) returns text language sql immutable parallel safe
return case
    when value ~ '^[-0-9]' then hipaa_functions.number_written(value)
    when value ~ '^"\\uFfFf-?[a-zA-Z]+"$' then substr(value, 8, length(value) - 8)
    when strpos(value, '\') > 0
        then coalesce(
            hipaa_functions.capital_escapes(cast(to_json(hipaa_functions.unescaped(value)) as text)), value
        )
    else value
end;

-- JSON as a JSON text.
create function hipaa_functions.json_written(value json) returns text language plpgsql immutable parallel safe as $$
declare
    written text := btrim(cast(value as text), E' \t\n\r');
begin
    if written !~ '^[[{]' then
        return hipaa_functions.token_written(written);
    elsif written ~ '^(?:\{\}|\[\]|\{"[^"\\]*":(?:"[^"\\]*"|true|false|null)\})$' then
        return written;
    end if;
    return (
        select string_agg(hipaa_functions.token_written(part[1]), '' order by place)
        from regexp_matches(
            written, '"(?:[^"\\]|\\.)*"|[^] \t\n\r",:[{}]+|[][,:{}]', 'g'
        ) with ordinality as parts (part, place)
    );
end
$$;

-- JSON as RFC 8259 has it, of a text that has what DuckDB lets pass: a comma after the last member
-- or element, and numbers without an end, `NaN` and `Infinity`. These are strings with a mark until they
-- are written.
create function hipaa_functions.strict_json(value text) returns text language plpgsql immutable parallel safe as $$
begin
    return (
        select string_agg(
            case
                when part[1] like '"%' then part[1]
                else regexp_replace(
                    regexp_replace(part[1], '(^|[^ \t\n\r\[{:,])([ \t\n\r]*),(?=[ \t\n\r]*[\]}])', '\1\2', 'g'),
                    '(^|[ \t\n\r\[:,])(-?(?:[nN][aA][nN]|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?))(?=[ \t\n\r\]},]|$)',
                    '\1"\\uFfFf\2"',
                    'g'
                )
            end,
            ''
            order by place
        )
        from regexp_matches(value, '"(?:[^"\\]|\\.)*"|[^"]+|"', 'g') with ordinality as parts (part, place)
    );
end
$$;

-- Whether a text has half of a character that is written as two escapes, or the character 0.
create function hipaa_functions.has_broken_text(value text) returns boolean language sql immutable parallel safe
return strpos(value, '\u') > 0
    and value ~ '\\u(?:0000|[dD][89a-fA-F])'
    and regexp_replace(value, '\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ' ', 'g')
        ~ '\\u(?:0000|[dD][89a-fA-F])';

-- A text as JSON; null where it is none.
create function hipaa_functions.json_of(value text) returns json language plpgsql immutable as $$
begin
    if hipaa_functions.has_broken_text(value) then
        return null;
    end if;
    begin
        return cast(value as json);
    exception when invalid_text_representation or statement_too_complex then
        null;
    end;
    return cast(hipaa_functions.strict_json(value) as json);
exception when invalid_text_representation or statement_too_complex then
    return null;
end
$$;

-- The keys of a path as DuckDB has it: `$."context"."page"`, or `/*` of a key that can't stand in such
-- a one.
create function hipaa_functions.keys_of_path(path text) returns text[] language plpgsql immutable parallel safe as $$
begin
    return case
        when path like '/%' then array[substr(path, 2)]
        else array(
            select regexp_replace(part[1], '\\(.)', '\1', 'g')
            from regexp_matches(path, '\."((?:[^"\\]|\\.)*)"', 'g') with ordinality as parts (part, place)
            order by place
        )
    end;
end
$$;

-- The keys of some paths, each as the text of a list.
create function hipaa_functions.keys_of_paths(paths text[]) returns text[] language plpgsql immutable parallel safe as $$
begin
    return array(
        select cast(hipaa_functions.keys_of_path(path) as text)
        from unnest(paths) with ordinality as listed (path, place)
        order by place
    );
end
$$;

-- Paths as PostgreSQL reads them quickest. `strict`: an array is no object.
create function hipaa_functions.strict_paths(paths text[]) returns jsonpath[] language plpgsql immutable parallel safe as $$
begin
    return array(
        select cast('strict ' || case when path like '/%' then '$.' || to_json(substr(path, 2)) else path end as jsonpath)
        from unnest(paths) with ordinality as listed (path, place)
        order by place
    );
end
$$;

-- The value at a path of keys. Of a key that stands there more than once, the first.
create function hipaa_functions.json_within(value json, keys text[]) returns json language plpgsql immutable parallel safe as $$
declare
    found json := value;
    name text;
begin
    foreach name in array keys loop
        if json_typeof(found) is distinct from 'object' then
            return null;
        end if;
        found := (
            select member.value
            from json_each(found) with ordinality as member (key, value, place)
            where member.key = name
            order by place
            limit 1
        );
    end loop;
    return found;
end
$$;

-- A message as `jsonb`, which is quick to look into; null where that would not say the same: no
-- JSON, numbers that are too large, or a key that stands in an object twice. Then there is less than
-- one `":` for each that is in the message.
create function hipaa_functions.plain_json(message text) returns jsonb language plpgsql immutable as $$
declare
    parsed jsonb;
    written text;
begin
    if strpos(message, '" :') > 0 or strpos(message, E'"\t') > 0 or strpos(message, E'"\n') > 0 or strpos(message, E'"\r') > 0 then
        return null;
    elsif strpos(message, '\u00') > 0
        and (strpos(message, '\u0022') > 0 or strpos(message, '\u003a') > 0 or strpos(message, '\u003A') > 0) then
        return null;
    end if;
    parsed := cast(message as jsonb);
    written := cast(parsed as text);
    if octet_length(message) - octet_length(replace(message, '":', ''))
        = octet_length(written) - octet_length(replace(written, '":', '')) then
        return parsed;
    end if;
    return null;
exception when others then
    return null;
end
$$;

-- Whether a message may have a number with an exponent.
create function hipaa_functions.may_have_exponents(message text) returns boolean language sql immutable parallel safe
return message ~ '[:\[, \t\n\r]-?[0-9][0-9.]*[eE]';

-- The values at some paths, given twice: for `jsonb`, and their keys as texts of lists, for `json`. A list of
-- lists can't have some of different lengths. Where a path was found, it goes through objects alone.
create function hipaa_functions.values_at(message text, strict jsonpath[], keys text[]) returns text[] language plpgsql immutable as $$
declare
    parsed jsonb := hipaa_functions.plain_json(message);
    whole json;
    found jsonb;
    written text;
    kind text;
    texts text[] := cast(array[] as text[]);
begin
    if parsed is null then
        whole := hipaa_functions.json_of(message);
        return case
            when whole is not null then array(
                select hipaa_functions.json_written(hipaa_functions.json_within(whole, cast(path as text[])))
                from unnest(keys) with ordinality as listed (path, place)
                order by place
            )
        end;
    end if;
    for place in 1 .. cardinality(strict) loop
        found := jsonb_path_query_first(parsed, strict[place], '{}', true);
        written := cast(found as text);
        kind := left(written, 1);
        if kind = '"' then
            if strpos(written, '\u00') > 0 then
                written := hipaa_functions.capital_escapes(written);
            end if;
        elsif kind in ('{', '[') then
            if written ~ '^\{"[^"\\]*": (?:true|false|null|"[^"\\]*")\}$' then
                written := replace(written, '": ', '":');
            elsif written not in ('{}', '[]') then
                written := hipaa_functions.json_written(cast(message as json) #> cast(keys[place] as text[]));
            end if;
        elsif kind not in ('t', 'f', 'n') and not (
            written ~ '^-?[0-9]{1,9}\.[0-9]{0,4}[1-9]$'
            or (written ~ '^-?[0-9]{1,15}$' and not hipaa_functions.may_have_exponents(message))
        ) then
            written := hipaa_functions.json_written(cast(message as json) #> cast(keys[place] as text[]));
        end if;
        texts[place] := written;
    end loop;
    return texts;
end
$$;

-- The values at some paths; null where the message is not JSON.
create function hipaa_functions.json_texts(message text, paths text[]) returns text[] language sql immutable
return hipaa_functions.values_at(message, hipaa_functions.strict_paths(paths), hipaa_functions.keys_of_paths(paths));

-- The same of a message that is JSON, or null.
create function hipaa_functions.texts_of_json(message text, paths text[]) returns text[] language sql immutable
return hipaa_functions.values_at(message, hipaa_functions.strict_paths(paths), hipaa_functions.keys_of_paths(paths));

-- The names of the keys of an object, with the unit separator after each; none of what is no object.
create function hipaa_functions.names_of(value json) returns text language plpgsql immutable parallel safe as $$
begin
    return case
        when json_typeof(value) = 'object' then (
            select coalesce(string_agg(name || chr(31), '' order by place), '')
            from json_object_keys(value) with ordinality as names (name, place)
        )
        when value is not null then ''
    end;
end
$$;

-- The same, in the order of `jsonb`.
create function hipaa_functions.names_of(value jsonb) returns text language plpgsql immutable parallel safe as $$
begin
    return case
        when jsonb_typeof(value) = 'object' then (
            select coalesce(string_agg(name || chr(31), ''), '') from jsonb_object_keys(value) as names (name)
        )
        when value is not null then ''
    end;
end
$$;

-- The names of the keys of objects at some paths, as json_texts has values.
create function hipaa_functions.names_at(message text, paths text[], strict jsonpath[]) returns text[] language plpgsql immutable as $$
declare
    parsed jsonb := hipaa_functions.plain_json(message);
    whole json;
    texts text[] := cast(array[] as text[]);
begin
    if parsed is null then
        whole := hipaa_functions.json_of(message);
        return case
            when whole is not null then array(
                select hipaa_functions.names_of(hipaa_functions.json_within(whole, hipaa_functions.keys_of_path(path)))
                from unnest(paths) with ordinality as listed (path, place)
                order by place
            )
        end;
    end if;
    for place in 1 .. cardinality(paths) loop
        texts[place] := hipaa_functions.names_of(jsonb_path_query_first(parsed, strict[place], '{}', true));
    end loop;
    return texts;
end
$$;

-- The names of the keys of the objects at some paths, a text for each: the names in any order, with
-- the unit separator after each. PostgreSQL has no lists of lists of different lengths.
create function hipaa_functions.key_names(message text, paths text[]) returns text[] language sql immutable
return hipaa_functions.names_at(message, paths, hipaa_functions.strict_paths(paths));

-- What kinds of value there are at some paths: OBJECT, ARRAY, VARCHAR, …
create function hipaa_functions.json_kinds(message text, paths text[]) returns text[] language plpgsql immutable as $$
begin
    return (
        select case
            when whole is not null then array(
                select case json_typeof(value)
                    when 'string' then case when cast(value as text) like '"\\uFfFf%' then 'DOUBLE' else 'VARCHAR' end
                    when 'number' then case
                        when cast(value as text) ~ '[.eE]' or length(cast(value as text)) > 20 then 'DOUBLE'
                        when cast(value as text) like '-%' then 'BIGINT'
                        else 'UBIGINT'
                    end
                    else upper(json_typeof(value) collate "C")
                end
                from unnest(paths) with ordinality as listed (path, place)
                cross join lateral hipaa_functions.json_within(whole, hipaa_functions.keys_of_path(path)) as values_found (value)
                order by place
            )
        end
        from hipaa_functions.json_of(message) as messages (whole)
    );
end
$$;

-- The value at a path of a JSON text.
create function hipaa_functions.json_at(value text, path text) returns text language sql immutable
return hipaa_functions.json_written(
    hipaa_functions.json_within(hipaa_functions.json_of(value), hipaa_functions.keys_of_path(path))
);

-- The value at a path of each of some JSON texts.
create function hipaa_functions.json_at_each(texts text[], path text) returns text[] language plpgsql immutable as $$
begin
    return case
        when texts is not null then array(
            select hipaa_functions.json_at(element, path)
            from unnest(texts) with ordinality as elements (element, place)
            order by place
        )
    end;
end
$$;

-- The elements of an array as JSON texts; null where there is no array.
create function hipaa_functions.json_elements(value text) returns text[] language plpgsql immutable as $$
begin
    return case
        when starts_with(value, '[') then array(
            select hipaa_functions.json_written(element)
            from json_array_elements(hipaa_functions.json_of(value)) with ordinality as elements (element, place)
            order by place
        )
    end;
end
$$;

-- Those of all of some arrays, in one list.
create function hipaa_functions.json_elements_of_each(texts text[]) returns text[] language plpgsql immutable as $$
begin
    return case
        when texts is not null then array(
            select within.element
            from unnest(texts) with ordinality as elements (element, place)
            cross join lateral unnest(hipaa_functions.json_elements(elements.element)) with ordinality as within (element, place)
            order by elements.place, within.place
        )
    end;
end
$$;

-- Whether a JSON text is an object or array.
create function hipaa_functions.is_container(value text) returns boolean language sql immutable parallel safe
return starts_with(value, '{') or starts_with(value, '[');

-- Whether a JSON text says nothing: null, and what some senders write for an empty object, `[]` and
-- a blank text. The same blanks as above, as JSON has them.
create function hipaa_functions.says_nothing(value text) returns boolean language sql immutable parallel safe
return case
    when value ~ '^["[n]' then value ~ (
        '^(?:null|\[\]|"(?:[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u0085]|\\[tnfr]|\\u00(?:0[bB]|1[c-fC-F]))*")$'
    )
    when value is not null then false
end;

-- What staging keeps of a value: JSON null is null, and `{}` stands for an object or array, so that
-- it is counted and nothing of it is kept.
create function hipaa_functions.kept_scalar(value text) returns text language sql immutable parallel safe
return case when hipaa_functions.is_container(value) then '{}' else nullif(value, 'null') end;

-- The same of each of some JSON texts.
create function hipaa_functions.kept_scalars(texts text[]) returns text[] language plpgsql immutable parallel safe as $$
begin
    return case
        when texts is not null then array(
            select hipaa_functions.kept_scalar(element)
            from unnest(texts) with ordinality as elements (element, place)
            order by place
        )
    end;
end
$$;

-- The same where a row of the allowlist grants objects whole.
create function hipaa_functions.kept_json(value text) returns text language sql immutable parallel safe
return nullif(value, 'null');

-- The same of each of some JSON texts.
create function hipaa_functions.kept_jsons(texts text[]) returns text[] language plpgsql immutable parallel safe as $$
begin
    return case
        when texts is not null then array(
            select hipaa_functions.kept_json(element)
            from unnest(texts) with ordinality as elements (element, place)
            order by place
        )
    end;
end
$$;

-- All properties, traits or context of a call; what says nothing is an empty object.
create function hipaa_functions.whole_object(value text) returns text language sql immutable parallel safe
return case when hipaa_functions.says_nothing(nullif(value, 'null')) then '{}' else nullif(value, 'null') end;

-- The text of a JSON number.
create function hipaa_functions.number_text(value text) returns text language sql immutable parallel safe
return case
    when value = '-0.0' then '0'
    when value ~ '^-?[0-9]{1,15}0*\.0$' then left(value, -2)
    -- Whole numbers from 10^21 on have an exponent, if no digit is lost by it.
    when value ~ '^-?[0-9]{1,15}0{7,}$' and length(ltrim(value, '-')) between 22 and 38
        then replace(regexp_replace(value, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e')
            || length(ltrim(value, '-')) - 1
    when value ~ '^(?:-?[0-9]{1,38}|-?[0-9]{1,16}\.[0-9]*[1-9])$' then value
    when value ~ '^-?[0-9](?:\.[0-9]{1,14})?e(?:[0-9]{2}|[12][0-9]{2}|30[0-7])$' then replace(value, 'e', 'e+')
    when value ~ '^-?[0-9](?:\.[0-9]+)?e-[0-9]{1,3}$' then value
end;

-- The text of a scalar, the same on every engine; null for an object, an array or null. A string
-- is its characters, a boolean `true` or `false`. One number has one text or none: docs/values.md.
create function hipaa_functions.scalar_text(value text) returns text language sql immutable parallel safe
return case
    when starts_with(value, '"') and strpos(value, '\') = 0 then substr(value, 2, length(value) - 2)
    when starts_with(value, '"') then hipaa_functions.unescaped(value)
    when value in ('true', 'false') then value
    when value ~ '^[-0-9]' then hipaa_functions.number_text(value)
end;

-- The same of each of some JSON texts.
create function hipaa_functions.scalar_texts(texts text[]) returns text[] language plpgsql immutable parallel safe as $$
begin
    return case
        when texts is not null then array(
            select hipaa_functions.scalar_text(element)
            from unnest(texts) with ordinality as elements (element, place)
            order by place
        )
    end;
end
$$;

-- Whether a JSON text is a string.
create function hipaa_functions.is_string(value text) returns boolean language sql immutable parallel safe
return starts_with(value, '"');

-- The text of a JSON string; null for anything else.
create function hipaa_functions.string_text(value text) returns text language sql immutable parallel safe
return case when hipaa_functions.is_string(value) then hipaa_functions.scalar_text(value) end;

-- A scalar as `texts_within` has it: a number as it is written.
create function hipaa_functions.shown_scalar(value text) returns text language sql immutable parallel safe
return case when starts_with(value, '"') then hipaa_functions.scalar_text(value) else nullif(value, 'null') end;

-- The type of a call, of the JSON text of its `type`; null where that is no string.
create function hipaa_functions.call_type(value text) returns text language sql immutable parallel safe
return case
    when value = '"track"' then 'track'
    else hipaa_functions.lowered(btrim(hipaa_functions.string_text(value)))
end;

-- All values and key names in a JSON text, as texts, of objects and arrays the whole text. What is no
-- JSON is looked at as it is, without an error that would quote it.
create function hipaa_functions.texts_within(value text) returns text[] language plpgsql immutable as $$
begin
    return case
        when hipaa_functions.json_of(value) is null then array[value]
        else array(
            with recursive nodes as (

                select
                    cast(null as text) as key,
                    hipaa_functions.json_of(value) as node
                union all
                select
                    coalesce(members.key, elements.key),
                    coalesce(members.value, elements.value)
                from nodes
                left join lateral json_each(case json_typeof(nodes.node) when 'object' then nodes.node end) as members
                    on json_typeof(nodes.node) = 'object'
                left join lateral (
                    select null as key, element as value
                    from json_array_elements(case json_typeof(nodes.node) when 'array' then nodes.node end) as listed (element)
                ) as elements on json_typeof(nodes.node) = 'array'
                where json_typeof(nodes.node) in ('object', 'array') and coalesce(members.value, elements.value) is not null

            )

            select case
                when json_typeof(node) in ('object', 'array') then hipaa_functions.json_written(node)
                else hipaa_functions.shown_scalar(hipaa_functions.json_written(node))
            end
            from nodes
            union all
            select key from nodes where key is not null
        )
    end;
end
$$;

-- A list of texts as one text, with the unit separator between them.
create function hipaa_functions.joined(texts text[]) returns text language sql immutable parallel safe
return array_to_string(texts, chr(31));

-- The same of names that have it after each.
create function hipaa_functions.joined(names text) returns text language sql immutable parallel safe
return left(names, -1);

-- Raw calls ------------------------------------------------------------------------------------

-- Whether a JSON text may have a text that is none: half of a character that is written as two escapes.
create function hipaa_functions.may_break_characters(value text) returns boolean language sql immutable
return strpos(value, '\u') > 0
    and (value ~ '\\u0000' or value ~ '\\u[dD][89a-fA-F]' and hipaa_functions.json_of(value) is null);

-- A part of a JSON text with null in its place where it is a text with half of a character, or with the
-- character 0: whole characters and other escapes out of the way, what is left of surrogates is a half. In
-- a key a mark stands for it, since no path that is listed can have it.
create function hipaa_functions.unbroken_part(value text, next_value text) returns text language sql immutable parallel safe
return case
    when not (
        starts_with(value, '"')
        and regexp_replace(
            value, '\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ' ', 'g'
        ) ~ '\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})'
    ) then value
    when coalesce(next_value, '') ~ '^[ \t\n\f\r]*:'
        then regexp_replace(value, '\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\ufffd', 'g')
    else 'null'
end;

-- JSON without texts that are cut in the middle of a character, or have the character 0: they are no
-- texts.
create function hipaa_functions.without_broken_texts(value text) returns text language plpgsql immutable parallel safe as $$
begin
    return (
        select coalesce(string_agg(hipaa_functions.unbroken_part(part, next_part), '' order by place), value)
        from (
            select matched[1] as part, lead(matched[1]) over (order by place) as next_part, place
            from regexp_matches(value, '"(?:[^"\\]|\\.)*"|[^"]+|"', 'g') with ordinality as found (matched, place)
        ) as parts
    );
end
$$;

-- The text of a message that a table has as bytes; null where they are not UTF-8, or have a 0, which no
-- text of PostgreSQL can have.
create function hipaa_functions.text_of_bytes(value bytea) returns text language plpgsql immutable as $$
begin
    return convert_from(value, 'UTF8');
exception when character_not_in_repertoire or untranslatable_character then
    return null;
end
$$;

-- The text of a message in a column. A collation of the column would decide what is equal.
create function hipaa_functions.text_of_column(value text) returns text language sql immutable parallel safe
return value collate "C";

-- The same of JSON.
create function hipaa_functions.text_of_column(value json) returns text language sql immutable parallel safe
return cast(value as text) collate "C";

-- The same of parsed JSON.
create function hipaa_functions.text_of_column(value jsonb) returns text language sql immutable parallel safe
return cast(value as text) collate "C";

-- The bytes of a raw call: those that are no UTF-8, or those of its text.
create function hipaa_functions.bytes_of(unreadable bytea, message text) returns bytea language sql immutable parallel safe
return coalesce(unreadable, convert_to(message, 'UTF8'), cast('' as bytea));

-- The SHA-256 of a text, in hexadecimal digits.
create function hipaa_functions.content_hash(value text) returns text language sql immutable parallel safe
return encode(sha256(convert_to(value, 'UTF8')), 'hex');

-- Whether a list has anything in it.
create function hipaa_functions.has_any(texts text[]) returns boolean language sql immutable parallel safe
return cardinality(texts) > 0;

-- Whether there are no keys where a call has something: in an empty object, or in what is none.
create function hipaa_functions.has_no_key(names text) returns boolean language sql immutable parallel safe
return names = '';

-- Whether what stands for properties or traits is an empty one.
create function hipaa_functions.is_empty_container(value text, path text) returns boolean language sql immutable
return hipaa_functions.says_nothing(hipaa_functions.json_at(value, path));

-- Whether a message begins as an object does, after the blanks that RFC 8259 allows.
create function hipaa_functions.begins_as_object(value text) returns boolean language sql immutable parallel safe
return starts_with(value, '{') or starts_with(ltrim(value, E' \t\n\r'), '{');

-- A key in one spelling: lower-case, without `_`, `-` and blanks.
create function hipaa_functions.folded_key(value text) returns text language sql immutable parallel safe
return hipaa_functions.lowered(translate(value, '_ -', ''));

-- The key that a key of a call is another spelling of: in any case, with or without `_`, `-` and
-- blanks. Null where it is none.
create function hipaa_functions.field_of_key(value text) returns text language sql immutable parallel safe
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
create function hipaa_functions.usual_keys() returns text[] language sql immutable parallel safe
return array[
    'type', 'messageId', 'message_id', 'userId', 'user_id', 'anonymousId', 'anonymous_id',
    'groupId', 'group_id', 'previousId', 'previous_id', 'mergeProperties', 'merge_properties',
    'event', 'name', 'timestamp', 'originalTimestamp', 'original_timestamp', 'sentAt', 'sent_at',
    'receivedAt', 'received_at', 'properties', 'traits', 'context', 'integrations', 'consent'
];

-- Those of them that nearly all senders write: the others are looked for only where a call has another
-- key than these.
create function hipaa_functions.plain_keys() returns text[] language sql immutable parallel safe
return array[
    'type', 'messageId', 'userId', 'anonymousId', 'groupId', 'event', 'name', 'timestamp', 'originalTimestamp',
    'sentAt', 'receivedAt', 'properties', 'traits', 'context', 'integrations', 'consent'
];

-- Whether each key of a call is one of some, or begins as no spelling of a key of the envelope does.
create function hipaa_functions.are_keys_of(names text, keys text[]) returns boolean language sql immutable parallel safe
return names = chr(31) or names ~ (
    '^(?:(?:' || array_to_string(keys, '|')
    || '|channel|projectId|category|[^tTmMuUaAgGeEnNoOsSrRpPcCiI_ \u001f-][^\u001f]*)\u001f)*$'
);

-- The same of the keys that nearly all senders write.
create function hipaa_functions.are_plain_keys(names text) returns boolean language sql immutable parallel safe
return hipaa_functions.are_keys_of(names, hipaa_functions.plain_keys());

-- The same of all usual keys.
create function hipaa_functions.are_usual_keys(names text) returns boolean language sql immutable parallel safe
return hipaa_functions.are_keys_of(names, hipaa_functions.usual_keys());

-- Those keys of a call that are other spellings of a key of the envelope.
create function hipaa_functions.other_spellings(names text) returns text[] language plpgsql immutable parallel safe as $$
begin
    return case
        when names is not null then array(
            select name
            from unnest(string_to_array(left(names, -1), chr(31))) with ordinality as listed (name, place)
            where hipaa_functions.field_of_key(name) is not null and name <> all (hipaa_functions.usual_keys())
            order by place
        )
    end;
end
$$;

-- The members of an object, each its key and the JSON text of its value; null where there is no
-- object. A key that stands there twice is two members.
create function hipaa_functions.members(value text) returns text[] language plpgsql immutable as $$
begin
    return (
        select case
            when json_typeof(whole) = 'object' then coalesce(
                (
                    select array_agg(array[member.key, hipaa_functions.json_written(member.value)] order by place)
                    from json_each(whole) with ordinality as member (key, value, place)
                ),
                cast(array[] as text[])
            )
        end
        from hipaa_functions.json_of(value) as texts (whole)
    );
end
$$;

-- Whether a member of a call says something that is no matter of where the call may go; an id that
-- is none says nothing.
create function hipaa_functions.is_plain_member(item text[], placeholders text[]) returns boolean language sql immutable parallel safe
return hipaa_functions.folded_key(item[1]) not in ('integrations', 'consent', 'context')
    and not hipaa_functions.says_nothing(item[2])
    and not (
        right(hipaa_functions.folded_key(item[1]), 2) = 'id'
        and (hipaa_functions.is_container(item[2]) or hipaa_functions.is_no_id(btrim(item[2], '"'), placeholders))
    );

-- What the members of one name say of where a call may go: where they differ, it can't be read.
create function hipaa_functions.agreed_member(items text[], name text) returns text language plpgsql immutable parallel safe as $$
begin
    return '"' || name || '":' || (
        select case count(distinct said) filter (where said not in ('{}', '{"All":true}'))
            when 0 then (array_agg(said order by place))[1]
            when 1 then min(said) filter (where said not in ('{}', '{"All":true}'))
            else '""'
        end
        from generate_subscripts(items, 1) as places (place)
        cross join lateral (select items[place][2] as said) as members
        where hipaa_functions.folded_key(items[place][1]) = name
            and (name <> 'context' or not hipaa_functions.says_nothing(said))
    );
end
$$;

-- A call made again of the keys that a call is read by, each under its usual name: first those that
-- have it, then the keys in the list `others`. A key that says nothing is left out, so that another
-- spelling counts. Of what says where a call may go all spellings count.
create function hipaa_functions.respelled_call(value text, others text[], placeholders text[]) returns text language plpgsql immutable as $$
declare
    items text[] := hipaa_functions.members(value);
    read integer[] := array(
        select place
        from generate_subscripts(items, 1) as places (place)
        where hipaa_functions.field_of_key(items[place][1]) is not null
        order by items[place][1] = any (others), place
    );
    known text[] := coalesce(
        (
            select array_agg(array[items[place][1], items[place][2]] order by nth)
            from unnest(read) with ordinality as places (place, nth)
        ),
        cast(array[] as text[])
    );
begin
    return case
        when items is not null then '{' || array_to_string(
            array(
                select '"' || case
                    when known[place][1] = any (others) then hipaa_functions.field_of_key(known[place][1])
                    else known[place][1]
                end || '":' || known[place][2]
                from generate_subscripts(known, 1) as places (place)
                where hipaa_functions.is_plain_member(array[known[place][1], known[place][2]], placeholders)
                order by place
            ) || array[
                hipaa_functions.agreed_member(known, 'integrations'),
                hipaa_functions.agreed_member(known, 'consent'),
                hipaa_functions.agreed_member(known, 'context')
            ],
            ','
        ) || '}'
    end;
end
$$;

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
    return case
        when value is null then cast(array[] as text[])
        else (
            select case
                when items is null then array[word || ' unreadable']
                else array(
                    select case
                        when items[place][2] = 'true'
                            or (starts_with(items[place][2], '{') and hipaa_functions.folded(items[place][1]) <> 'all')
                            then word || ' yes: ' || items[place][1]
                        when items[place][2] = 'false' then word || ' no: ' || hipaa_functions.folded(items[place][1])
                        else word || ' unreadable: ' || hipaa_functions.folded(items[place][1])
                    end
                    from generate_subscripts(items, 1) as places (place)
                    order by place
                )
            end
            from hipaa_functions.members(value) as called (items)
        )
    end;
end
$$;

-- One signal for each category of consent, of an object.
create function hipaa_functions.category_signals(value text) returns text[] language plpgsql immutable as $$
begin
    return case
        when value is null then cast(array[] as text[])
        else (
            select case
                when items is null then array['categories unreadable']
                else array(
                    select case items[place][2]
                        when 'true' then 'category yes: '
                        when 'false' then 'category no: '
                        else 'category unreadable: '
                    end || hipaa_functions.trimmed(items[place][1])
                    from generate_subscripts(items, 1) as places (place)
                    order by place
                )
            end
            from hipaa_functions.members(value) as called (items)
        )
    end;
end
$$;

-- One signal for each of a list of categories.
create function hipaa_functions.listed_signals(value text, mark text) returns text[] language plpgsql immutable as $$
begin
    return (
        select case
            when elements is not null then array(
                select case
                    when starts_with(element, '"') then mark || hipaa_functions.trimmed(hipaa_functions.scalar_text(element))
                    else 'categories unreadable'
                end
                from unnest(elements) with ordinality as listed (element, place)
                order by place
            )
        end
        from hipaa_functions.json_elements(value) as lists (elements)
    );
end
$$;

-- A list of categories that are allowed, or an object of them as older SDKs send it.
create function hipaa_functions.allowed_signals(value text) returns text[] language plpgsql immutable as $$
begin
    return case
        when starts_with(value, '[') then hipaa_functions.listed_signals(value, 'category yes: ')
        when value is null then cast(array[] as text[])
        else (
            select case
                when items is null then array['categories unreadable']
                else array(
                    select case
                        when items[place][2] not in ('false', 'null') then 'category yes: '
                        else 'category unreadable: '
                    end || hipaa_functions.trimmed(items[place][1])
                    from generate_subscripts(items, 1) as places (place)
                    order by place
                )
            end
            from hipaa_functions.members(value) as called (items)
        )
    end;
end
$$;

-- A list of categories that are denied, or an object of them.
create function hipaa_functions.denied_signals(value text) returns text[] language plpgsql immutable as $$
begin
    return case
        when starts_with(value, '[') then hipaa_functions.listed_signals(value, 'category no: ')
        when value is null then cast(array[] as text[])
        else (
            select case
                when items is null then array['categories unreadable']
                else array(
                    select 'category no: ' || hipaa_functions.trimmed(items[place][1])
                    from generate_subscripts(items, 1) as places (place)
                    order by place
                )
            end
            from hipaa_functions.members(value) as called (items)
        )
    end;
end
$$;

-- The signal that there is something where an object should be.
create function hipaa_functions.unless_object(value text) returns text[] language sql immutable parallel safe
return case
    when value is not null and not starts_with(value, '{') then array['categories unreadable']
    else cast(array[] as text[])
end;

-- All signals of a call, each once; null where it has none of these objects. The arguments are JSON
-- texts: `integrations`, Freshpaint's `consent`, `context.consent` and `context.consentManagement`.
create function hipaa_functions.consent_signals(
    integrations text, consent text, context_consent text, consent_management text
) returns text[] language plpgsql immutable as $$
begin
    -- Most calls say no more than this.
    if coalesce(consent, context_consent, consent_management) is null and coalesce(integrations, '{}') in ('{}', '{"All":true}') then
        return case integrations when '{}' then cast(array[] as text[]) when '{"All":true}' then array['integration yes: All'] end;
    end if;
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
            ) as all_signals (signal)
            where signal is not null
            order by signal collate "C"
        )
    end;
end
$$;

-- How many categories of a rule the signals have a mark for.
create function hipaa_functions.categories_with(categories text[], signals text[], mark text) returns bigint language plpgsql immutable parallel safe as $$
begin
    return case
        when categories is not null then (
            select count(*)
            from unnest(categories) as listed (category)
            where 'category ' || mark || ': ' || category = any (signals)
        )
    end;
end
$$;

-- How many categories of a rule the signals allow, and nothing in them denies.
create function hipaa_functions.categories_allowed(categories text[], signals text[]) returns bigint language plpgsql immutable parallel safe as $$
begin
    return case
        when categories is not null then (
            select count(*)
            from unnest(categories) as listed (category)
            where 'category yes: ' || category = any (signals)
                and ('category no: ' || category = any (signals)) is not true
                and ('category unreadable: ' || category = any (signals)) is not true
        )
    end;
end
$$;

-- Why a call with these signals is denied to the destination of a rule; null where it is not. As in
-- hipaa_mode.consent.
create function hipaa_functions.denial(
    signals text[], says_no text[], unreadable text[], integration_no_to_all text[], integration_yes text[],
    consent_no_to_all text[], consent_yes text[], categories text[], needed bigint
) returns text language sql immutable parallel safe
return case
    when signals && says_no then 'opted_out'
    when signals && unreadable then 'unreadable'
    when signals && integration_no_to_all and not signals && integration_yes then 'opted_out'
    when signals && consent_no_to_all and not signals && consent_yes then 'opted_out'
    when needed = 0 then null
    when ('categories unreadable' = any (signals)) is not true
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
create function hipaa_functions.whole_number(value text) returns bigint language sql immutable parallel safe
return case
    when value ~ '^[+-]?[0-9]{1,30}$' and cast(value as numeric) between -9223372036854775808 and 9223372036854775807
        then cast(value as bigint)
end;

-- A day, where there is one.
create function hipaa_functions.day_of_parts(year integer, month integer, day integer) returns date language sql immutable parallel safe
return case
    when year between 1 and 9999 and month between 1 and 12 and day between 1 and 28 + case
        when month = 2 then cast(year % 4 = 0 and (year % 100 <> 0 or year % 400 = 0) as integer)
        when month in (4, 6, 9, 11) then 2
        else 3
    end
        then make_date(year, month, day)
end;

-- `1985-6-7 10:20:30.5`, as a moment; null where there is none.
create function hipaa_functions.moment_of_text(value text) returns timestamp language plpgsql immutable parallel safe as $$
declare
    parts text[] := regexp_match(
        value,
        '^([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})(?:[ T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?)?$'
    );
    hours integer := coalesce(parts[4], '0');
    minutes integer := coalesce(parts[5], '0');
    seconds integer := coalesce(parts[6], '0');
begin
    if hours < 24 and minutes < 60 and seconds < 60 then
        return hipaa_functions.day_of_parts(cast(parts[1] as integer), cast(parts[2] as integer), cast(parts[3] as integer))
            + make_interval(hours => hours, mins => minutes, secs => seconds)
            + cast(left(rpad(coalesce(parts[7], ''), 6, '0'), 6) as integer) * interval '1 microsecond';
    end if;
    return null;
end
$$;

-- Times ----------------------------------------------------------------------------------------
-- A text is read only where its form has one meaning, else it is null: docs/values.md has the whole
-- table. Sources: ISO 8601 and RFC 3339 (extended and basic format), RFC 2822 section 3.3, HL7 v2
-- data type DTM.

-- The offset at the end of a time; its group has it where it is not UTC.
create function hipaa_functions.zone_pattern() returns text language sql immutable parallel safe
return '(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?';

-- Hours and minutes, with seconds or without.
create function hipaa_functions.clock_pattern() returns text language sql immutable parallel safe
return '((?:[01]?[0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)';

-- `2026-03-01T10:20:30.5+02:00`, `2026/03/01 10:20`. Groups: day, time, offset.
create function hipaa_functions.iso_pattern() returns text language sql immutable parallel safe
return '([1-9][0-9]{3}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)' || hipaa_functions.clock_pattern()
    || ')? *' || hipaa_functions.zone_pattern();

-- Without separators: only of these two centuries, so that few other numbers are days.
create function hipaa_functions.day_pattern() returns text language sql immutable parallel safe
return '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])';

-- Hour and minute without a separator.
create function hipaa_functions.minute_pattern() returns text language sql immutable parallel safe
return '[Tt]?([01][0-9]|2[0-3])([0-5][0-9])';

-- Seconds after them.
create function hipaa_functions.second_pattern() returns text language sql immutable parallel safe
return '([0-5][0-9](?:[.,][0-9]+)?)';

-- `Sun, 01 Mar 2026 10:20:30 -0500`, in small letters. Groups: day, month, year, time, offset.
create function hipaa_functions.mail_pattern() returns text language sql immutable parallel safe
return '(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +'
    || '(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([1-9][0-9]{3})(?: +' || hipaa_functions.clock_pattern()
    || ')? *' || '(?:z|utc|gmt|ut|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?';

-- Whether a number, as one of milliseconds, is a whole quarter of an hour, as birth dates are.
create function hipaa_functions.may_be_milliseconds(value text) returns boolean language sql immutable parallel safe
return hipaa_functions.whole_number(value) % 900000 = 0;

-- A number whose whole part counts what has so many decimals of a microsecond.
create function hipaa_functions.microseconds(value text, decimals integer) returns bigint language sql immutable parallel safe
return hipaa_functions.whole_number(
    split_part(value, '.', 1) || rpad(left(split_part(value, '.', 2), decimals), decimals, '0')
);

-- A moment that is so many microseconds after 1970 began. In steps: a number of seconds with decimals
-- would be rounded.
create function hipaa_functions.moment_of_microseconds(value bigint) returns timestamp language sql immutable parallel safe
return timestamp '1970-01-01' + (value / 1000000) * interval '1 second' + (value % 1000000) * interval '1 microsecond';

-- The moment that a number names: seconds, milli-, micro- or nanoseconds since 1970.
create function hipaa_functions.moment_of_number(value text) returns timestamp language sql immutable parallel safe
return hipaa_functions.moment_of_microseconds(
    case
        when value ~ '^(-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?)$' then hipaa_functions.microseconds(value, 6)
        when value ~ '^(-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?)$' then hipaa_functions.microseconds(value, 3)
        when value ~ '^[1-9][0-9]{14,15}$' then cast(value as bigint)
        when value ~ '^[1-9][0-9]{17,18}$' then cast(left(value, -3) as bigint)
    end
);

-- The moment that a text names, as `day time|offset`; null where its form is not certain.
create function hipaa_functions.moment(value text) returns text language plpgsql immutable parallel safe as $$
declare
    mail text[];
begin
    if value is null then
        return null;
    end if;
    mail := regexp_match(lower(value collate "C"), '^' || hipaa_functions.mail_pattern() || '$');
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
        when mail is not null
            then mail[3] || '-' || (strpos('janfebmaraprmayjunjulaugsepoctnovdec', mail[2]) + 2) / 3
                || '-' || mail[1] || ' ' || coalesce(mail[4], '') || '|' || coalesce(mail[5], '')
        when value ~ '^-?[1-9][0-9]{7,9}$' and hipaa_functions.may_be_milliseconds(value) then null
        else regexp_replace(to_char(hipaa_functions.moment_of_number(value), 'YYYY-MM-DD HH24:MI:SS.US'), '\.?0{1,6}$', '')
    end;
end
$$;

-- Day and time of a moment without its offset.
create function hipaa_functions.as_written(value text) returns timestamp language sql immutable parallel safe
return hipaa_functions.moment_of_text(rtrim(replace(split_part(value, '|', 1), ',', '.')));

-- A text to a timestamp in UTC; one without an offset is taken for UTC.
create function hipaa_functions.as_timestamp(value text) returns timestamp language plpgsql immutable parallel safe as $$
declare
    moment text;
    zone text;
begin
    if value ~ '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z$' then
        return hipaa_functions.moment_of_text(left(value, -1));
    end if;
    moment := hipaa_functions.moment(hipaa_functions.trimmed(value));
    zone := replace(split_part(moment, '|', 2), ':', '');
    return hipaa_functions.as_written(moment) - case left(zone, 1) when '-' then -1 else 1 end * make_interval(
        hours => cast(coalesce(nullif(substr(zone, 2, 2), ''), '0') as integer),
        mins => cast(coalesce(nullif(substr(zone, 4, 2), ''), '0') as integer)
    );
end
$$;

-- A text to the day that it names, whatever its offset.
create function hipaa_functions.as_date(value text) returns date language plpgsql immutable parallel safe as $$
declare
    moment text := case
        when value ~ '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$' then value
        else hipaa_functions.moment(hipaa_functions.trimmed(value))
    end;
begin
    return cast(hipaa_functions.as_written(moment) as date);
end
$$;

-- The first of two texts that is a time.
create function hipaa_functions.first_time(one text, other text) returns timestamp language sql immutable parallel safe
return coalesce(hipaa_functions.as_timestamp(one), hipaa_functions.as_timestamp(other));

-- A time, or null where it can't be: before there were such calls, or well after it was received.
-- The latter is given in microseconds since 1970, as run numbers are.
create function hipaa_functions.possible_time(
    value timestamp, received_us bigint, earliest text, ahead_us bigint
) returns timestamp language sql immutable parallel safe
return case
    when value between hipaa_functions.moment_of_text(earliest)
        and hipaa_functions.moment_of_microseconds(received_us + ahead_us) then value
end;

-- The same of JSON texts.
create function hipaa_functions.first_time_of_json(one text, other text) returns timestamp language sql immutable parallel safe
return hipaa_functions.first_time(hipaa_functions.scalar_text(one), hipaa_functions.scalar_text(other));

-- A time in microseconds since 1970.
create function hipaa_functions.microseconds_of(value timestamp) returns bigint language sql immutable parallel safe
return cast(extract(epoch from value) * 1000000 as bigint);

-- A time, less what lies between two others; null where the three give none.
create function hipaa_functions.time_before(value timestamp, earlier timestamp, later timestamp) returns timestamp
language sql immutable parallel safe
return case
    when extract(year from value) - (extract(year from later) - extract(year from earlier)) between -200000 and 200000
        then value - (later - earlier)
end;

-- Data types -----------------------------------------------------------------------------------
-- Null where the text does not fit, and never an error that quotes it. Blanks around it say nothing.

-- A whole number.
create function hipaa_functions.as_integer(value text) returns bigint language plpgsql immutable parallel safe as $$
declare
    written text := hipaa_functions.trimmed(value);
begin
    return case
        when written ~ '^[+-]?[0-9]+$' then hipaa_functions.whole_number(regexp_replace(written, '^([+-]?)0+(?=[0-9])', '\1'))
    end;
end
$$;

-- A number that has an end.
create function hipaa_functions.as_number(value text) returns double precision language plpgsql immutable parallel safe as $$
declare
    written text := hipaa_functions.trimmed(value);
begin
    return case
        when written ~ '^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$' then hipaa_functions.double_of(written)
    end;
end
$$;

-- `true`, `1`, `yes`; `false`, `0`, `no`; in any case.
create function hipaa_functions.as_boolean(value text) returns boolean language plpgsql immutable parallel safe as $$
declare
    written text := hipaa_functions.lowered(hipaa_functions.trimmed(value));
begin
    return case when written in ('true', '1', 'yes') then true when written in ('false', '0', 'no') then false end;
end
$$;

-- Treatments -----------------------------------------------------------------------------------
-- The result is text; what does not fit the treatment is null.

-- A date or timestamp to its year. Related to 45 CFR 164.514(b)(2)(i)(C).
create function hipaa_functions.to_year(value text) returns text language sql immutable parallel safe
return coalesce(
    hipaa_functions.pattern_group(hipaa_functions.trimmed(value), '([1-9][0-9]{3})(?:-(?:0[1-9]|1[0-2]))?', 1),
    to_char(hipaa_functions.as_date(value), 'YYYY')
);

-- A birth date to its year; people who are or turn 90 this year, or are older, share one.
create function hipaa_functions.to_birth_year(value text, this_year integer) returns text language plpgsql immutable parallel safe as $$
declare
    year integer := hipaa_functions.to_year(value);
begin
    return case when year <= this_year then cast(greatest(year, this_year - 90) as text) end;
end
$$;

-- A date or timestamp to yyyy-mm (ISO 8601). Finer than Safe Harbor allows.
create function hipaa_functions.to_month(value text) returns text language sql immutable parallel safe
return coalesce(
    hipaa_functions.pattern_group(hipaa_functions.trimmed(value), '([1-9][0-9]{3}-(?:0[1-9]|1[0-2]))', 1),
    to_char(hipaa_functions.as_date(value), 'YYYY-MM')
);

-- The first three digits of a ZIP or ZIP+4 code; 000 for the areas where 20,000 people or fewer
-- live, which small_zip3_areas.csv lists. Four digits have lost their leading zero; three are such
-- an area already. Related to 45 CFR 164.514(b)(2)(i)(B).
create function hipaa_functions.to_zip3(value text, small_areas text[]) returns text language plpgsql immutable parallel safe as $$
declare
    written text := hipaa_functions.trimmed(value);
    area text := coalesce(
        hipaa_functions.pattern_group(written, '([0-9]{3})(?:[0-9]{2}(?:[- ]?[0-9]{4})?)?', 1),
        '0' || hipaa_functions.pattern_group(written, '([0-9]{2})[0-9]{2}(?:-[0-9]{4})?', 1)
    );
begin
    -- Without a list of small areas any may be one.
    return case when area is not null and (cardinality(small_areas) = 0 or area = any (small_areas)) then '000' else area end;
end
$$;

-- An age in whole years, 90 and over (also written `90+`) as 90; no age below 0 or above 130. Of 89+
-- nobody knows on which side it is. Related to 45 CFR 164.514(b)(2)(i)(C).
create function hipaa_functions.to_age_cap(value text) returns text language plpgsql immutable parallel safe as $$
declare
    shown text := hipaa_functions.trimmed(value);
    age double precision := floor(
        hipaa_functions.as_number(case when shown ~ '^(9[0-9]|1[0-9]{2})[+]$' then rtrim(shown, '+') else shown end)
    );
begin
    return case when age between 0 and 130 then cast(cast(least(age, 90) as integer) as text) end;
end
$$;

-- A number rounded to a whole one, halves away from 0.
create function hipaa_functions.whole(value double precision) returns double precision language plpgsql immutable parallel safe as $$
begin
    return trunc(value) + case when abs(value - trunc(value)) >= 0.5 then sign(value) else 0 end;
end
$$;

-- The text of a double: an exponent below 10^-4 and from 10^16 on.
create function hipaa_functions.double_text(value double precision) returns text language plpgsql immutable parallel safe as $$
declare
    parts text[] := hipaa_functions.shortest(value);
    exponent integer := parts[3];
begin
    return parts[1] || case
        when exponent between -4 and 15 then hipaa_functions.positional(parts[2], exponent)
        else hipaa_functions.mantissa(parts[2]) || 'e' || case when exponent < 0 then '-' else '+' end
            || lpad(cast(abs(exponent) as text), greatest(length(cast(abs(exponent) as text)), 2), '0')
    end;
end
$$;

-- A number rounded to the nearest multiple of a step, in units of the last of its decimals: the second
-- rounding takes off what 3 * 0.1 leaves behind. + 0 makes -0.0 plain. A number of more than 15 digits has
-- no such text.
create function hipaa_functions.to_round(value text, step double precision, decimals integer) returns text language plpgsql immutable parallel safe as $$
declare
    number double precision := hipaa_functions.as_number(value);
    factor double precision := power(cast(10 as double precision), decimals);
    units double precision := case
        when abs(number) < 1e-280 then 0
        when abs(number) < 1e280 then hipaa_functions.whole(hipaa_functions.whole(number / step) * step * factor)
    end;
begin
    return case when abs(units) < 1e15 then hipaa_functions.double_text(units / factor + 0) end;
end
$$;

-- The first characters of a text.
create function hipaa_functions.to_truncate(value text, characters integer) returns text language sql immutable parallel safe
return left(value, characters);

-- Web and network addresses. Sources: RFC 3986 for the parts of a URL, RFC 5321 section 2.3.5 for
-- domains, RFC 6454 for origins; 45 CFR 164.514(b)(2)(i)(F), (N) and (O) for why.

-- Groups: 1 scheme, 2 host, 3 port, 4 path. User information matches no group.
create function hipaa_functions.url_pattern() returns text language sql immutable parallel safe
return '[ \t\n\f\r]*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@ \t\n\f\r]*@)?([^/?#@: \t\n\f\r\[\]]+|\[[0-9A-Fa-f:.]+\])'
    '(?::([0-9]{1,5}))?(/[^?# \t\n\f\r]*)?(?:[?#].*)?[ \t\n\f\r]*';

-- The host of an e-mail address or URL, lower-case.
create function hipaa_functions.host(value text) returns text language sql immutable parallel safe
return hipaa_functions.lowered(
    rtrim(
        coalesce(
            hipaa_functions.pattern_group(
                value, '[ \t\n\f\r]*[^@ \t\n\f\r/]+@([^@ \t\n\f\r/:?#]+)[ \t\n\f\r]*', 1
            ),
            hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 2)
        ),
        '.'
    )
);

-- The domain of an e-mail address or URL. An IP address is no domain: null.
create function hipaa_functions.to_domain(value text) returns text language sql immutable parallel safe
return case
    when hipaa_functions.host(value) ~ '^[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$'
        and hipaa_functions.host(value) !~ '^[0-9.]+$'
        then hipaa_functions.host(value)
end;

-- The path of a URL, or of a reference that starts with one slash: no query, no fragment.
create function hipaa_functions.to_url_path(value text) returns text language sql immutable parallel safe
return case
    when hipaa_functions.matches_whole(value, hipaa_functions.url_pattern())
        then coalesce(nullif(hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 4), ''), '/')
    else hipaa_functions.pattern_group(
        value, '[ \t\n\f\r]*(/(?:[^/?# \t\n\f\r][^?# \t\n\f\r]*)?)(?:[?#].*)?[ \t\n\f\r]*', 1
    )
end;

-- Scheme, host and port of a URL, lower-case: no user, path, query or fragment.
create function hipaa_functions.to_url_origin(value text) returns text language sql immutable parallel safe
return hipaa_functions.lowered(
    hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 1) || '://'
    || hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 2)
) || case
    when hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 3) <> ''
        then ':' || hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 3)
    else ''
end;

-- An IPv4 address, alone or within IPv6, a port let be. Its group has the network.
create function hipaa_functions.ipv4_pattern() returns text language sql immutable parallel safe
return '(?:::ffff:)?((?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
    '\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]))\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?::[0-9]{1,5})?';

-- The parts of an IPv6 address, without leading zeros, those that `::` stands for included; null
-- where a text is none.
create function hipaa_functions.ipv6_parts(value text) returns text[] language plpgsql immutable parallel safe as $$
begin
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
end
$$;

-- The /24 of an IPv4 address given as two hexadecimal numbers of 16 bits.
create function hipaa_functions.ipv4_network(one text, other text) returns text language plpgsql immutable parallel safe as $$
begin
    return (
        select get_byte(first, 0) || '.' || get_byte(first, 1) || '.' || get_byte(second, 0) || '.0/24'
        from (select decode(lpad(one, 4, '0'), 'hex') as first, decode(lpad(other, 4, '0'), 'hex') as second) as halves
    );
end
$$;

-- The /48 of an IPv6 address. IPv4 within IPv6 (mapped, RFC 4291; 6to4, RFC 3056) is IPv4: a /48 of
-- the latter would hold all of it.
create function hipaa_functions.ipv6_network(value text) returns text language plpgsql immutable parallel safe as $$
begin
    return (
        select case
            when cardinality(parts) <> 8 then null
            when array_to_string(parts[1:6], ':') = '0:0:0:0:0:ffff' then hipaa_functions.ipv4_network(parts[7], parts[8])
            when parts[1] = '2002' then hipaa_functions.ipv4_network(parts[2], parts[3])
            else array_to_string(parts[1:3], ':') || '::/48'
        end
        from hipaa_functions.ipv6_parts(value) as addresses (parts)
    );
end
$$;

-- The network of an IP address: /24 of IPv4, /48 of IPv6 (RFC 4291, written as RFC 5952 has it but
-- for runs of zeros). A port is passed over, and of several addresses, as X-Forwarded-For has them,
-- the first counts. Related to 45 CFR 164.514(b)(2)(i)(O), which takes the whole address away.
create function hipaa_functions.to_ip_prefix(value text) returns text language plpgsql immutable parallel safe as $$
declare
    first text := hipaa_functions.trimmed(hipaa_functions.lowered(split_part(value, ',', 1)));
begin
    if hipaa_functions.matches_whole(first, hipaa_functions.ipv4_pattern()) then
        return hipaa_functions.pattern_group(first, hipaa_functions.ipv4_pattern(), 1) || '.0/24';
    end if;
    return hipaa_functions.ipv6_network(
        regexp_replace(first, '^(?:\[([0-9a-f:]*)\](?::[0-9]{1,5})?|([0-9a-f:]*))$', '\1\2')
    );
end
$$;

-- Normalisation: one spelling of an identifier, so that one person has one token. docs/values.md ---

-- In small letters.
create function hipaa_functions.normalized_lower(value text) returns text language sql immutable parallel safe
return hipaa_functions.lower_cased(value);

-- An e-mail address: composed (NFC), in small letters, without blanks around it.
create function hipaa_functions.normalized_email(value text) returns text language sql immutable parallel safe
return normalize(
    hipaa_functions.lower_cased(
        normalize(hipaa_functions.trimmed(hipaa_functions.without_invisible(value)), nfc)
    ),
    nfc
);

-- Digits of every script that telephone numbers come in, as ASCII; 0 to 9 in each.
create function hipaa_functions.ascii_digits(value text) returns text language sql immutable parallel safe
return translate(value, '０１２３４５６７８９＋٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '0123456789+01234567890123456789');

-- What stands between the digits of a telephone number.
create function hipaa_functions.phone_separators() returns text language sql immutable parallel safe
return ' \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\t()./\u2010-\u2015\u2212\uff0d-';

-- What follows the number of an extension: `ext. 12`, `x12`, `,,12`.
create function hipaa_functions.extension_pattern() returns text language sql immutable parallel safe
return '(?:[,;' || hipaa_functions.phone_separators()
    || ']*(?:(?:[xX]|[eE][xX][tT](?:[nN]|[eE][nN][sS][iI][oO][nN])?|#)'
    || '[.:=# \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\t]*[0-9]{1,7}|,+[0-9]{1,5})[#)]?)?';

-- Digits and plus sign of a telephone number, an extension left off; null where it is none for
-- certain, such as one with letters. A number that has been a decimal one ends in `.0`; `(0)` is
-- dialled from some places and left out from others.
create function hipaa_functions.dialled(value text) returns text language plpgsql immutable parallel safe as $$
declare
    written text := hipaa_functions.trimmed(hipaa_functions.ascii_digits(hipaa_functions.without_invisible(value)));
begin
    return case
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
    end;
end
$$;

-- The digits of a telephone number, without the prefix of international calls.
create function hipaa_functions.normalized_phone(value text) returns text language plpgsql immutable parallel safe as $$
declare
    number text := hipaa_functions.dialled(value);
begin
    return case
        when number ~ '^(?:(?:[+]|00)?[1-9][0-9]{6,14}|0[1-9][0-9]{5,13})$' then regexp_replace(number, '^(?:[+]|00)', '')
    end;
end
$$;

-- As people of the North American plan write theirs (country 1): ten digits are such a number, and
-- it begins with 1.
create function hipaa_functions.normalized_phone_1(value text) returns text language plpgsql immutable parallel safe as $$
declare
    number text := hipaa_functions.dialled(value);
begin
    return case
        when number ~ '^(?:[+]|00|011)?1[2-9][0-9]{9}$' then '1' || right(number, 10)
        when number ~ '^[2-9][0-9]{9}$' then '1' || number
        when number ~ '^(?:[+]|00|011)[2-9][0-9]{6,14}$' then regexp_replace(number, '^(?:[+]|00|011)', '')
    end;
end
$$;

-- The guard: what identifiers look like -----------------------------------------------------------
-- Used twice: on what goes into the masked tables, and to test the destination views. docs/guard.md
-- measures what the patterns find and what they miss.

-- Blanks and hyphens as people and word processors write them: the no-break space, and U+2010 to
-- U+2013.
create function hipaa_functions.wide_separators() returns text language sql immutable parallel safe
return chr(160) || chr(8208) || '-' || chr(8211);

-- One of these, or a dot, between two groups of digits.
create function hipaa_functions.separator_or_dot() returns text language sql immutable parallel safe
return '[-. ' || hipaa_functions.wide_separators() || ']';

-- What may stand between a label and its number: `MRN no. 12345`, `"mrn": "12345"`.
create function hipaa_functions.after_label() returns text language sql immutable parallel safe
return '[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?';

-- An e-mail address, its @ as it is or as a URL has it.
create function hipaa_functions.email_pattern() returns text language sql immutable parallel safe
return '[^ \t\n\f\r@"''(),:;<>\[\]](@|%40)([^ \t\n\f\r@"''(),:;<>\[\]/?#&=.]+\.)+[^ \t\n\f\r@"''(),:;<>\[\]/?#&=.0-9_-]{2,}';

-- A telephone number: grouped, with a plus sign, ten digits that are all there is, or labelled.
create function hipaa_functions.phone_pattern() returns text language sql immutable parallel safe
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
create function hipaa_functions.ssn_pattern() returns text language sql immutable parallel safe
return concat_ws(
    '|',
    '(^|[^0-9A-Za-z.-])[0-9]{3}' || hipaa_functions.separator_or_dot() || '[0-9]{2}'
        || hipaa_functions.separator_or_dot() || '[0-9]{4}([^0-9A-Za-z-]|$)',
    '([Ss][Ss][Nn]|[Ss]ocial[ _-]?[Ss]ecurity)' || hipaa_functions.after_label() || hipaa_functions.after_label()
        || '([0-9]{3}' || hipaa_functions.separator_or_dot() || '?[0-9]{2}' || hipaa_functions.separator_or_dot()
        || '?[0-9]{4}|[0-9]{7,8}([^0-9]|$))'
);

-- The number of a medical record, a patient or a chart, labelled.
create function hipaa_functions.mrn_pattern() returns text language sql immutable parallel safe
return concat_ws(
    '|',
    '(^|[^A-Za-z])[Mm]\.?[Rr]\.?[Nn]\.?' || hipaa_functions.after_label()
        || '[A-Za-z]{0,3}[-_ ]?[0-9]([-. ]?[0-9]){3,}',
    '(^|[^A-Za-z])([Mm]edical[ _-]?[Rr]ecord|MEDICAL RECORD|[Pp]atients?|PATIENT|[Cc]hart[ _-]?([Nn]o|[Nn]umber|#)|MR ?#)'
        || hipaa_functions.after_label() || '[A-Za-z]{0,3}[-_ ]?[0-9]{5,}'
);

-- A number of an IPv4 address.
create function hipaa_functions.octet() returns text language sql immutable parallel safe
return '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';

-- Such a number of two or three digits.
create function hipaa_functions.long_octet() returns text language sql immutable parallel safe
return '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])';

-- Such a number other than 0.
create function hipaa_functions.octet_but_0() returns text language sql immutable parallel safe
return '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)';

-- Four single digits are a version more often than an address, and one with three zeros at its end
-- is a version of Chrome, or a network. Behind the name of a product stands its version:
-- `Whale/3.24.223.21`. Names of hosts begin with a small letter, or have digits, dots or hyphens.
create function hipaa_functions.ip_pattern() returns text language sql immutable parallel safe
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
create function hipaa_functions.url_query_pattern() returns text language sql immutable parallel safe
return '://[^ \t\n\f\r?"<>]+\?[^ \t\n\f\r"<>]|www\.[^ \t\n\f\r?"]+\?[^ \t\n\f\r"]|(^|[ \t\n\f\r"]|/[^ \t\n\f\r?"]*)\?[^ \t\n\f\r?#=&"]+=';

-- An identifier of any kind but payment cards, which need arithmetic.
create function hipaa_functions.identifier_pattern() returns text language sql immutable parallel safe
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
create function hipaa_functions.is_email_like(value text) returns boolean language sql immutable parallel safe
return value ~ hipaa_functions.email_pattern();

-- Whether a text holds a telephone number.
create function hipaa_functions.is_phone_like(value text) returns boolean language sql immutable parallel safe
return value ~ hipaa_functions.phone_pattern();

-- Whether a text holds a Social Security number.
create function hipaa_functions.is_ssn_like(value text) returns boolean language sql immutable parallel safe
return value ~ hipaa_functions.ssn_pattern();

-- Whether a text holds the number of a medical record.
create function hipaa_functions.is_mrn_like(value text) returns boolean language sql immutable parallel safe
return value ~ hipaa_functions.mrn_pattern();

-- Whether a text holds an IP address.
create function hipaa_functions.is_ip_like(value text) returns boolean language sql immutable parallel safe
return value ~ hipaa_functions.ip_pattern();

-- Whether a text holds a URL with a query.
create function hipaa_functions.is_url_query_like(value text) returns boolean language sql immutable parallel safe
return value ~ hipaa_functions.url_query_pattern();

-- Whether digits begin as an issuer's do and pass the check of ISO/IEC 7812-1 (Luhn). Visa has 13,
-- 16 or 19 digits, Diners Club 14, American Express 15. A number of 13 digits that begins with 1 is
-- a time in milliseconds. Digits count from the right; every second one is doubled, and 9 taken off
-- above 9.
create function hipaa_functions.is_card_of_issuer(number text) returns boolean language plpgsql immutable parallel safe as $$
begin
    return number ~ '^(?:4[0-9]{12}|3[0-9]{13}|[1-3][0-9]{14}|[2-6][0-9]{15,18})$'
        and (
            select sum(
                cast(digit as integer) * (2 - place % 2) - case when place % 2 = 0 and digit > '4' then 9 else 0 end
            ) % 10 = 0
            from string_to_table(reverse(number), null) with ordinality as digits (digit, place)
        );
end
$$;

-- Whether a text holds the number of a payment card: 13 to 19 digits, however they stand, blanks and
-- hyphens between them let be; and in the usual groups, where more digits may follow.
create function hipaa_functions.is_card_like(value text) returns boolean language plpgsql immutable parallel safe as $$
begin
    return case
        when value ~ '[0-9]([ .-]{0,2}[0-9]){12}' then exists (
            select 1
            from (
                select digits[1] as candidate
                from regexp_matches(
                    value, '(?:^|[^0-9A-Za-z.-])([0-9](?:[ -]?[0-9]){12,18})(?:[^0-9A-Za-z-]|$)', 'g'
                ) as by_digits (digits)
                union all
                select digits[1]
                from regexp_matches(
                    value,
                    '(?:^|[^0-9A-Za-z.-])([0-9]{16}|[0-9]{4}(?:[ .-]{1,2}[0-9]{4}){3}|3[0-9]{3}[ .-]{0,2}[0-9]{6}[ .-]{0,2}[0-9]{4,5})'
                    '(?:[^0-9A-Za-z-]|$)',
                    'g'
                ) as by_groups (digits)
            ) as candidates
            where hipaa_functions.is_card_of_issuer(regexp_replace(candidate, '[^0-9]', '', 'g'))
        )
        else false
    end;
end
$$;

-- Whether a text is worth a closer look: one search for all kinds lets nearly every text go. Each kind
-- has one of the characters that are looked for first.
create function hipaa_functions.may_be_identifier(value text) returns boolean language sql immutable parallel safe
return value ~ '[0-9@?:]' and value ~ (hipaa_functions.identifier_pattern() || '|[0-9]([ .-]{0,2}[0-9]){12}');

-- Whether a text looks like, or holds, an identifier of any kind.
create function hipaa_functions.looks_like_identifier(value text) returns boolean language sql immutable parallel safe
return hipaa_functions.may_be_identifier(value)
    and (value ~ hipaa_functions.identifier_pattern() or hipaa_functions.is_card_like(value));

-- A text, or null where it looks like an identifier: free text can hold one that nobody expected.
create function hipaa_functions.guarded(value text) returns text language sql immutable parallel safe
return case when hipaa_functions.looks_like_identifier(value) then null else value end;

-- How many values a guard took: a number, never a value. `before` is what there was.
create function hipaa_functions.taken(before anyelement, after anycompatible) returns bigint language sql immutable parallel safe as $$
select case when before is not null and after is null then 1 else 0 end
$$;

-- The same of a list.
create function hipaa_functions.taken_of_list(before anyarray, after anycompatiblearray) returns bigint language sql immutable parallel safe as $$
select coalesce(cardinality(array_remove(before, null)) - cardinality(array_remove(after, null)), 0)
$$;

-- How many values look like an identifier, where nothing is taken.
create function hipaa_functions.suspected(value text) returns bigint language sql immutable parallel safe
return case when hipaa_functions.looks_like_identifier(value) then 1 else 0 end;

-- The same of a list.
create function hipaa_functions.suspected_of_list(texts text[]) returns bigint language plpgsql immutable parallel safe as $$
begin
    return (
        select count(*) from unnest(texts) as listed (element) where hipaa_functions.looks_like_identifier(element)
    );
end
$$;

-- Raw calls --------------------------------------------------------------------------------------

-- What tells a row of a table of raw calls from the others: 63 bits of the hash of what it holds.
create function hipaa_functions.place_of(value bytea) returns bigint language sql immutable parallel safe
return coalesce(
    cast(cast('x' || left(encode(sha256(value), 'hex'), 16) as bit(64)) as bigint) & 9223372036854775807, 0
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

-- The token that a text had in a scope under a retired key, given by its fingerprint.
create function hipaa_functions.retired_token(value text, scope text, fingerprint text) returns text language sql stable
return hipaa_functions.token(value, fingerprint || ' ' || scope);

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
