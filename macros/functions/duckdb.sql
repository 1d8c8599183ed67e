-- Every function that a value passes through on its way from a raw call to a destination view, as
-- DuckDB has it. The models call them by their full names. docs/functions.md says when they are
-- made, and how to change one. What a function says of its values holds for every engine.
--
-- Arguments take the place of parameters as they are written. So a name within a lambda is the
-- lambda's own, or a parameter that only literals and plain columns are given for.

-- Blanks and letters ---------------------------------------------------------------------------

-- What nobody sees at the ends of a text: blanks of every kind, as in hipaa_mode.masking.
create macro hipaa_functions.blank_characters() as '\p{Z}\x09-\x0d\x1c-\x1f\x{85}';

-- A text without the blanks around it.
create macro hipaa_functions.trimmed(value) as
    regexp_replace(
        value,
        '^[' || hipaa_functions.blank_characters() || ']+|[' || hipaa_functions.blank_characters() || ']+$',
        '',
        'g'
    );

-- The same of an id in a column. Nearly every one begins and ends with a character that is no blank,
-- which is quicker to see than a pattern.
create macro hipaa_functions.trimmed_id(value) as
    case
        when ascii(value) between 33 and 126 and ascii(right(value, 1)) between 33 and 126 then value
        else hipaa_functions.trimmed(value)
    end;

-- A text of blanks only says nothing: null. Most texts begin with a letter or digit, which is
-- quicker to see than a pattern.
create macro hipaa_functions.not_blank(value) as
    case
        when ascii(value) between 33 and 126 then value
        when regexp_matches(value, '[^' || hipaa_functions.blank_characters() || ']') then value
    end;

-- Without characters that nobody sees, which copying leaves behind: soft hyphens, zero-width
-- blanks and joiners, marks of direction, the byte order mark.
create macro hipaa_functions.without_invisible(value) as
    regexp_replace(
        value,
        '[\x{ad}\x{34f}\x{61c}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}]',
        '',
        'g'
    );

-- Small letters by Unicode's simple mapping, one character at a time. Engines differ on two
-- letters alone, the dotted capital I and the sigma at a word's end: those are given here.
create macro hipaa_functions.lower_cased(value) as
    replace(lower(replace(value, chr(304), 'i')), chr(962), chr(963));

-- A tool's name as names are compared where they say no: lower-case, without blanks; as in
-- hipaa_mode.consent.
create macro hipaa_functions.folded(value) as
    lower(regexp_replace(value, '[\p{Z}\p{Cc}\p{Cf}]+', '', 'g'));

-- Whether a text is so many lower-case hexadecimal digits.
create macro hipaa_functions.is_hexadecimal(value, digits) as
    (length(value) = digits and not regexp_matches(value, '[^0-9a-f]'));

-- A group of a pattern; null where the pattern does not match the whole text.
create macro hipaa_functions.pattern_group(value, pattern, place) as
    case
        when regexp_full_match(value, pattern) then regexp_extract(value, '^(?:' || pattern || ')$', place)
    end;

-- A text that matches a pattern, written in another way.
create macro hipaa_functions.rewritten(value, pattern, replacement) as
    regexp_replace(value, '^' || pattern || '$', replacement);

-- What texts are sorted by so that numbers within them come in their order: `9` before `10`.
create macro hipaa_functions.natural_order(value) as
    list_transform(
        regexp_extract_all(value, '[0-9]+|[^0-9]+'),
        lambda part:
            case
                when regexp_full_match(part, '[0-9]+')
                    then lpad(cast(length(ltrim(part, '0')) as varchar), 4, '0') || ltrim(part, '0')
                else part
            end
    );

-- Ids ------------------------------------------------------------------------------------------

-- The texts of a list as the alternatives of a pattern.
create macro hipaa_functions.alternatives(texts) as
    '\Q' || replace(replace(array_to_string(texts, chr(31)), '\E', '\E\\E\Q'), chr(31), '\E|\Q') || '\E';

-- Whether a text is no id: blank, or one of those that senders write where they have none, in any
-- case.
create macro hipaa_functions.is_no_id(value, placeholders) as
    regexp_full_match(
        value,
        '(?i)[' || hipaa_functions.blank_characters() || ']*(?:' || hipaa_functions.alternatives(placeholders)
            || ')?[' || hipaa_functions.blank_characters() || ']*'
    );

-- A text that is an id, else null.
create macro hipaa_functions.if_id(value, placeholders) as
    case when not hipaa_functions.is_no_id(value, placeholders) then value end;

-- The first of two texts that is an id.
create macro hipaa_functions.first_id(one, other, placeholders) as
    coalesce(hipaa_functions.if_id(one, placeholders), hipaa_functions.if_id(other, placeholders));

-- Those of some texts that are ids; null in place of the others.
create macro hipaa_functions.ids(texts, placeholders) as
    list_transform(texts, lambda element: hipaa_functions.if_id(element, placeholders));

-- Blanks of every kind, and characters that nobody sees.
create macro hipaa_functions.blanks() as
    chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(32) || chr(133) || chr(160) || chr(173)
    || chr(8192) || chr(8193) || chr(8194) || chr(8195) || chr(8196) || chr(8197) || chr(8198)
    || chr(8199) || chr(8200) || chr(8201) || chr(8202) || chr(8203) || chr(8204) || chr(8205)
    || chr(8206) || chr(8207) || chr(8232) || chr(8233) || chr(8239) || chr(8287) || chr(8288)
    || chr(12288) || chr(65279);

-- The one spelling in which ids and values are compared: percent-encoding, blanks around it, case and
-- the composition of accents make no difference. Nearly every text is plain, and trimming dozens of
-- different blanks is slow. Percent-encoding that is no UTF-8 stays, since an error would quote the text;
-- so does that of the character 0, which not every engine's texts can have.
create macro hipaa_functions.comparable(value) as
    case
        when regexp_full_match(value, '[!-$&-~]([ -$&-~]*[!-$&-~])?') then lower(value)
        else lower(
            nfc_normalize(
                trim(
                    case when contains(value, '%00') then value else coalesce(try(url_decode(value)), value) end,
                    hipaa_functions.blanks()
                )
            )
        )
    end;

-- The key of a call whose message id another call has too. No id is something other than an id of
-- any text.
create macro hipaa_functions.key_of_namesake(message_id, call_type, user_id, anonymous_id, group_id) as
    'call:' || sha256(
        message_id || chr(31) || call_type
        || chr(31) || coalesce('=' || user_id, '')
        || chr(31) || coalesce('=' || anonymous_id, '')
        || chr(31) || coalesce('=' || group_id, '')
    );

-- JSON -----------------------------------------------------------------------------------------
-- A JSON text is a varchar holding one JSON value.

-- The values at some paths, from one parse of the message; null where it is not JSON.
create macro hipaa_functions.json_texts(message, paths) as
    cast(try(json_extract(message, paths)) as varchar[]);

-- The same of a message that is JSON, or null.
create macro hipaa_functions.texts_of_json(message, paths) as
    cast(json_extract(message, paths) as varchar[]);

-- The names of the keys of the objects at some paths, a list for each, from one parse.
create macro hipaa_functions.key_names(message, paths) as
    try(json_keys(message, paths));

-- What kinds of value there are at some paths: OBJECT, ARRAY, VARCHAR, …
create macro hipaa_functions.json_kinds(message, paths) as
    try(json_type(message, paths));

-- The value at a path of a JSON text.
create macro hipaa_functions.json_at(value, path) as
    cast(json_extract(value, path) as varchar);

-- The value at a path of each of some JSON texts.
create macro hipaa_functions.json_at_each(texts, path) as
    list_transform(texts, lambda element: hipaa_functions.json_at(element, path));

-- The elements of an array as JSON texts; null where there is no array.
create macro hipaa_functions.json_elements(value) as
    case when starts_with(value, '[') then cast(json_extract(value, '$[*]') as varchar[]) end;

-- Those of all of some arrays, in one list.
create macro hipaa_functions.json_elements_of_each(texts) as
    flatten(list_transform(texts, lambda element: coalesce(hipaa_functions.json_elements(element), [])));

-- Whether a JSON text is an object or array.
create macro hipaa_functions.is_container(value) as
    (ascii(value) in (ascii('{'), ascii('[')));

-- Whether a JSON text says nothing: null, and what some senders write for an empty object, `[]` and
-- a blank text. The same blanks as above, as JSON has them.
create macro hipaa_functions.says_nothing(value) as
    regexp_full_match(value, 'null|\[\]|"(?:[\p{Z}\x{85}]|\\[tnfr]|\\u00(?:0[bB]|1[c-fC-F]))*"');

-- What staging keeps of a value: JSON null is null, and `{}` stands for an object or array, so that
-- it is counted and nothing of it is kept.
create macro hipaa_functions.kept_scalar(value) as
    case when hipaa_functions.is_container(value) then '{}' when value <> 'null' then value end;

-- The same of each of some JSON texts.
create macro hipaa_functions.kept_scalars(texts) as
    list_transform(texts, lambda element: hipaa_functions.kept_scalar(element));

-- The same where a row of the allowlist grants objects whole.
create macro hipaa_functions.kept_json(value) as
    nullif(value, 'null');

-- The same of each of some JSON texts.
create macro hipaa_functions.kept_jsons(texts) as
    list_transform(texts, lambda element: hipaa_functions.kept_json(element));

-- All properties, traits or context of a call; what says nothing is an empty object.
create macro hipaa_functions.whole_object(value) as
    case
        when hipaa_functions.says_nothing(nullif(value, 'null')) then '{}'
        else nullif(value, 'null')
    end;

-- The text of a scalar, the same on every engine; null for an object, an array or null. A string
-- is its characters, a boolean `true` or `false`. One number has one text or none: docs/values.md.
create macro hipaa_functions.scalar_text(value) as
    case
        when starts_with(value, '"') and not contains(value, '\') then substring(value, 2, length(value) - 2)
        when value is null or value = 'null' then null
        when starts_with(value, '"') then json_extract_string(value, '$')
        when value in ('true', 'false') then value
        when value = '-0.0' then '0'
        when regexp_full_match(value, '-?[0-9]{1,15}0*\.0') then left(value, -2)
        -- Whole numbers from 10^21 on have an exponent, if no digit is lost by it.
        when regexp_full_match(value, '-?[0-9]{1,15}0{7,}') and length(ltrim(value, '-')) between 22 and 38
            then replace(regexp_replace(value, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e')
                || length(ltrim(value, '-')) - 1
        when regexp_full_match(value, '-?[0-9]{1,38}|-?[0-9]{1,16}\.[0-9]*[1-9]') then value
        when regexp_full_match(value, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])')
            then replace(value, 'e', 'e+')
        when regexp_full_match(value, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then value
    end;

-- The same of each of some JSON texts.
create macro hipaa_functions.scalar_texts(texts) as
    list_transform(texts, lambda element: hipaa_functions.scalar_text(element));

-- Whether a JSON text is a string.
create macro hipaa_functions.is_string(value) as
    starts_with(value, '"');

-- The text of a JSON string; null for anything else.
create macro hipaa_functions.string_text(value) as
    case when hipaa_functions.is_string(value) then hipaa_functions.scalar_text(value) end;

-- All scalars and key names in a JSON text, as texts. What is no JSON is looked at as it is, without an
-- error that would quote it.
create macro hipaa_functions.texts_within(value) as
    coalesce(
        try(
            list_concat(
                json_extract_string(value, '$.**'),
                [json_extract_string(value, '$')],
                json_keys(value),
                flatten(json_keys(value, '$.**'))
            )
        ),
        [value]
    );

-- The type of a call, of the JSON text of its `type`; null where that is no string.
create macro hipaa_functions.call_type(value) as
    case
        when value = '"track"' then 'track'
        else lower(trim(hipaa_functions.string_text(value)))
    end;

-- A list of texts as one text, with the unit separator between them.
create macro hipaa_functions.joined(texts) as
    array_to_string(texts, chr(31));

-- Raw calls ------------------------------------------------------------------------------------

-- Whether a JSON text may hold half of a character that is written as two escapes, or the character 0,
-- which not every engine's texts can have. The quicker conditions first: most messages have no escape
-- at all.
create macro hipaa_functions.may_break_characters(value) as
    contains(value, '\u') and (
        contains(value, '\u0000') or (regexp_matches(value, '\\u[dD][89a-fA-F]') and not json_valid(value))
    );

-- A part of a JSON text with null in its place where it is a text with one of these: whole characters
-- and other escapes out of the way, what is left of surrogates is a half. In a key a mark stands for
-- it, since no path that is listed can have it.
create macro hipaa_functions.unbroken_part(value, next_value) as
    case
        when not (
            starts_with(value, '"')
            and regexp_matches(
                regexp_replace(
                    value,
                    '\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}',
                    ' ',
                    'g'
                ),
                '\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})'
            )
        ) then value
        when regexp_matches(coalesce(next_value, ''), '^\s*:')
            then regexp_replace(value, '\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\ufffd', 'g')
        else 'null'
    end;

-- JSON without texts that are cut in the middle of a character, or have the character 0: they are no
-- texts.
create macro hipaa_functions.without_broken_texts(value) as
    list_transform(
        [regexp_extract_all(value, '(?s)"(?:[^"\\]|\\.)*"|[^"]+|"')],
        lambda parts: array_to_string(
            list_transform(parts, lambda part, place: hipaa_functions.unbroken_part(part, parts[place + 1])),
            ''
        )
    )[1];

-- The text of a message that a table has as bytes; null where they are not UTF-8.
create macro hipaa_functions.text_of_bytes(value) as
    try(decode(value));

-- The text of a message in a column. As bytes and back: a collation of the column would decide what
-- is equal.
create macro hipaa_functions.text_of_column(value) as
    decode(encode(cast(value as varchar)));

-- The bytes of a raw call: those that are no UTF-8, or those of its text.
create macro hipaa_functions.bytes_of(unreadable, message) as
    coalesce(unreadable, encode(message), cast('' as blob));

-- The SHA-256 of a text, in hexadecimal digits.
create macro hipaa_functions.content_hash(value) as
    sha256(value);

-- Whether a list has anything in it.
create macro hipaa_functions.has_any(texts) as
    len(texts) > 0;

-- Whether there are no keys where a call has something: in an empty object, or in what is none.
create macro hipaa_functions.has_no_key(names) as
    len(names) = 0;

-- Whether what stands for properties or traits is an empty one.
create macro hipaa_functions.is_empty_container(value, path) as
    hipaa_functions.says_nothing(hipaa_functions.json_at(value, path));

-- Whether a message begins as an object does, after the blanks that RFC 8259 allows.
create macro hipaa_functions.begins_as_object(value) as
    case
        when starts_with(value, '{') then true
        else starts_with(ltrim(value, ' ' || chr(9) || chr(10) || chr(13)), '{')
    end;

-- A key in one spelling: lower-case, without `_`, `-` and blanks.
create macro hipaa_functions.folded_key(value) as
    lower(regexp_replace(value, '[_ -]', '', 'g'));

-- The key that a key of a call is another spelling of: in any case, with or without `_`, `-` and
-- blanks. Null where it is none.
create macro hipaa_functions.field_of_key(value) as
    case hipaa_functions.folded_key(value)
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
create macro hipaa_functions.usual_keys() as
    [
        'type', 'messageId', 'message_id', 'userId', 'user_id', 'anonymousId', 'anonymous_id',
        'groupId', 'group_id', 'previousId', 'previous_id', 'mergeProperties', 'merge_properties',
        'event', 'name', 'timestamp', 'originalTimestamp', 'original_timestamp', 'sentAt', 'sent_at',
        'receivedAt', 'received_at', 'properties', 'traits', 'context', 'integrations', 'consent'
    ];

-- Those of them that nearly all senders write: the others are looked for only where a call has another
-- key than these.
create macro hipaa_functions.plain_keys() as
    [
        'type', 'messageId', 'userId', 'anonymousId', 'groupId', 'event', 'name', 'timestamp', 'originalTimestamp',
        'sentAt', 'receivedAt', 'properties', 'traits', 'context', 'integrations', 'consent'
    ];

-- Whether each key of a call is one of some, or begins as no spelling of a key of the envelope does.
create macro hipaa_functions.are_keys_of(names, keys) as
    regexp_full_match(
        hipaa_functions.joined(names),
        '(?:(?:' || array_to_string(keys, '|')
            || '|channel|projectId|category|[^tTmMuUaAgGeEnNoOsSrRpPcCiI_ \x1f-][^\x1f]*)(?:\x1f|$))*'
    );

-- The same of the keys that nearly all senders write.
create macro hipaa_functions.are_plain_keys(names) as
    hipaa_functions.are_keys_of(names, hipaa_functions.plain_keys());

-- The same of all usual keys.
create macro hipaa_functions.are_usual_keys(names) as
    hipaa_functions.are_keys_of(names, hipaa_functions.usual_keys());

-- Those keys of a call that are other spellings of a key of the envelope.
create macro hipaa_functions.other_spellings(names) as
    list_filter(
        names,
        lambda element:
            hipaa_functions.field_of_key(element) is not null
            and not list_contains(hipaa_functions.usual_keys(), element)
    );

-- The members of an object, each its key and the JSON text of its value; null where there is no
-- object. A key that stands there twice is two members.
create macro hipaa_functions.members(value) as
    case
        when json_type(try_cast(value as json)) = 'OBJECT' then list_zip(
            json_keys(try_cast(value as json)),
            cast(json_extract(try_cast(value as json), '$.*') as varchar[])
        )
    end;

-- Whether a member of a call says something that is no matter of where the call may go; an id that
-- is none says nothing.
create macro hipaa_functions.is_plain_member(item, placeholders) as
    hipaa_functions.folded_key(item[1]) not in ('integrations', 'consent', 'context')
    and not hipaa_functions.says_nothing(item[2])
    and not (
        ends_with(hipaa_functions.folded_key(item[1]), 'id')
        and (
            hipaa_functions.is_container(item[2])
            or hipaa_functions.is_no_id(trim(item[2], '"'), placeholders)
        )
    );

-- What the members of one name say of where a call may go: where they differ, it can't be read.
create macro hipaa_functions.agreed_member(items, name) as
    '"' || name || '":' || list_transform(
        [
            list_transform(
                list_filter(
                    items,
                    lambda member:
                        hipaa_functions.folded_key(member[1]) = name
                        and (name <> 'context' or not hipaa_functions.says_nothing(member[2]))
                ),
                lambda member: member[2]
            )
        ],
        lambda said: list_transform(
            [list_distinct(list_filter(said, lambda element: element not in ('{}', '{"All":true}')))],
            lambda telling: case len(telling) when 0 then said[1] when 1 then telling[1] else '""' end
        )[1]
    )[1];

-- A call made again of the keys that a call is read by, each under its usual name: first those that
-- have it, then the keys in the list `others`. A key that says nothing is left out, so that another
-- spelling counts. Of what says where a call may go all spellings count.
create macro hipaa_functions.respelled_call(value, others, placeholders) as
    list_transform(
        [
            list_filter(
                hipaa_functions.members(value),
                lambda member: hipaa_functions.field_of_key(member[1]) is not null
            )
        ],
        lambda known: list_transform(
            [
                list_concat(
                    list_filter(known, lambda member: not list_contains(others, member[1])),
                    list_filter(known, lambda member: list_contains(others, member[1]))
                )
            ],
            lambda read: '{' || coalesce(
                array_to_string(
                    list_concat(
                        list_transform(
                            list_filter(read, lambda member: hipaa_functions.is_plain_member(member, placeholders)),
                            lambda member: '"' || case
                                when list_contains(others, member[1]) then hipaa_functions.field_of_key(member[1])
                                else member[1]
                            end || '":' || member[2]
                        ),
                        [
                            hipaa_functions.agreed_member(read, 'integrations'),
                            hipaa_functions.agreed_member(read, 'consent'),
                            hipaa_functions.agreed_member(read, 'context')
                        ]
                    ),
                    ','
                ),
                case when known is not null then '' end
            ) || '}'
        )[1]
    )[1];

-- What RudderStack's merge calls say of a person: the `value` of each of `mergeProperties`, as
-- texts. Its documentation calls that an object and shows an array: both are read.
create macro hipaa_functions.merged_texts(value) as
    list_transform(
        hipaa_functions.json_elements(case when starts_with(value, '{') then '[' || value || ']' else value end),
        lambda element: hipaa_functions.scalar_text(hipaa_functions.json_at(element, '$."value"'))
    );

-- Consent: what a call says of where it may go, as a list of signals, each a text. docs/consent.md --

-- One signal for each tool that an object names, which begins with `word`; no signal where there is
-- nothing, and one that it is unreadable where there is something else than an object. So do the
-- others.
create macro hipaa_functions.tool_signals(value, word) as
    case
        when value is null then cast([] as varchar[])
        else coalesce(
            list_transform(
                hipaa_functions.members(value),
                lambda member: case
                    when (
                        member[2] = 'true'
                        or (
                            starts_with(member[2], '{')
                            and hipaa_functions.folded(member[1]) <> 'all'
                        )
                    ) then word || ' yes: ' || member[1]
                    when member[2] = 'false'
                        then word || ' no: ' || hipaa_functions.folded(member[1])
                    else word || ' unreadable: ' || hipaa_functions.folded(member[1])
                end
            ),
            [word || ' unreadable']
        )
    end;

-- One signal for each category of consent, of an object.
create macro hipaa_functions.category_signals(value) as
    case
        when value is null then cast([] as varchar[])
        else coalesce(
            list_transform(
                hipaa_functions.members(value),
                lambda member: case
                    when member[2] = 'true' then 'category yes: '
                    when member[2] = 'false' then 'category no: '
                    else 'category unreadable: '
                end || hipaa_functions.trimmed(member[1])
            ),
            ['categories unreadable']
        )
    end;

-- One signal for each of a list of categories.
create macro hipaa_functions.listed_signals(value, mark) as
    list_transform(
        hipaa_functions.json_elements(value),
        lambda element: case
            when starts_with(element, '"')
                then mark || hipaa_functions.trimmed(hipaa_functions.scalar_text(element))
            else 'categories unreadable'
        end
    );

-- A list of categories that are allowed, or an object of them as older SDKs send it.
create macro hipaa_functions.allowed_signals(value) as
    case
        when starts_with(value, '[') then hipaa_functions.listed_signals(value, 'category yes: ')
        when value is null then cast([] as varchar[])
        else coalesce(
            list_transform(
                hipaa_functions.members(value),
                lambda member: case
                    when member[2] not in ('false', 'null') then 'category yes: '
                    else 'category unreadable: '
                end || hipaa_functions.trimmed(member[1])
            ),
            ['categories unreadable']
        )
    end;

-- A list of categories that are denied, or an object of them.
create macro hipaa_functions.denied_signals(value) as
    case
        when starts_with(value, '[') then hipaa_functions.listed_signals(value, 'category no: ')
        when value is null then cast([] as varchar[])
        else coalesce(
            list_transform(
                hipaa_functions.members(value),
                lambda member: 'category no: ' || hipaa_functions.trimmed(member[1])
            ),
            ['categories unreadable']
        )
    end;

-- The signal that there is something where an object should be.
create macro hipaa_functions.unless_object(value) as
    case
        when value is not null and not starts_with(value, '{') then ['categories unreadable']
        else cast([] as varchar[])
    end;

-- All signals of a call, each once; null where it has none of these objects. The arguments are JSON
-- texts: `integrations`, Freshpaint's `consent`, `context.consent` and `context.consentManagement`.
create macro hipaa_functions.consent_signals(integrations, consent, context_consent, consent_management) as
    case
        when coalesce(integrations, consent, context_consent, consent_management) is not null
            then list_sort(list_distinct(flatten([
                hipaa_functions.tool_signals(integrations, 'integration'),
                hipaa_functions.tool_signals(consent, 'consent'),
                hipaa_functions.category_signals(hipaa_functions.json_at(context_consent, '$."categoryPreferences"')),
                hipaa_functions.unless_object(context_consent),
                hipaa_functions.allowed_signals(hipaa_functions.json_at(consent_management, '$."allowedConsentIds"')),
                hipaa_functions.denied_signals(hipaa_functions.json_at(consent_management, '$."deniedConsentIds"')),
                hipaa_functions.unless_object(consent_management)
            ])))
    end;

-- How many categories of a rule the signals have a mark for.
create macro hipaa_functions.categories_with(categories, signals, mark) as
    len(list_filter(categories, lambda element: list_contains(signals, 'category ' || mark || ': ' || element)));

-- How many categories of a rule the signals allow, and nothing in them denies.
create macro hipaa_functions.categories_allowed(categories, signals) as
    len(
        list_filter(
            categories,
            lambda element:
                list_contains(signals, 'category yes: ' || element)
                and not list_contains(signals, 'category no: ' || element)
                and not list_contains(signals, 'category unreadable: ' || element)
        )
    );

-- Why a call with these signals is denied to the destination of a rule; null where it is not. As in
-- hipaa_mode.consent.
create macro hipaa_functions.denial(
    signals, says_no, unreadable, integration_no_to_all, integration_yes, consent_no_to_all, consent_yes, categories, needed
) as
    case
        when list_has_any(signals, says_no) then 'opted_out'
        when list_has_any(signals, unreadable) then 'unreadable'
        when list_has_any(signals, integration_no_to_all) and not list_has_any(signals, integration_yes) then 'opted_out'
        when list_has_any(signals, consent_no_to_all) and not list_has_any(signals, consent_yes) then 'opted_out'
        when needed = 0 then null
        when not list_contains(signals, 'categories unreadable')
            and hipaa_functions.categories_allowed(categories, signals) >= needed then null
        when hipaa_functions.categories_with(categories, signals, 'no') > 0 then 'consent_refused'
        when list_contains(signals, 'categories unreadable')
            or hipaa_functions.categories_with(categories, signals, 'unreadable') > 0 then 'unreadable'
        else 'consent_missing'
    end;

-- Times ----------------------------------------------------------------------------------------
-- A text is read only where its form has one meaning, else it is null: docs/values.md has the whole
-- table. Sources: ISO 8601 and RFC 3339 (extended and basic format), RFC 2822 section 3.3, HL7 v2
-- data type DTM.

-- The offset at the end of a time; its group has it where it is not UTC.
create macro hipaa_functions.zone_pattern() as
    '(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?';

-- Hours and minutes, with seconds or without.
create macro hipaa_functions.clock_pattern() as
    '((?:[01]?[0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)';

-- `2026-03-01T10:20:30.5+02:00`, `2026/03/01 10:20`. Groups: day, time, offset.
create macro hipaa_functions.iso_pattern() as
    '([1-9][0-9]{3}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)' || hipaa_functions.clock_pattern()
    || ')? *' || hipaa_functions.zone_pattern();

-- Without separators: only of these two centuries, so that few other numbers are days.
create macro hipaa_functions.day_pattern() as
    '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])';

-- Hour and minute without a separator.
create macro hipaa_functions.minute_pattern() as
    '[Tt]?([01][0-9]|2[0-3])([0-5][0-9])';

-- Seconds after them.
create macro hipaa_functions.second_pattern() as
    '([0-5][0-9](?:[.,][0-9]+)?)';

-- `Sun, 01 Mar 2026 10:20:30 -0500`. Groups: day, month, year, time, offset. A long s is no letter S.
create macro hipaa_functions.mail_pattern() as
    '(?i)(?:(?:mon|tue|wed|thu|fri|(?-i:[Ss])at|(?-i:[Ss])un), *)?([0-9]{1,2}) +'
    || '(jan|feb|mar|apr|may|jun|jul|aug|(?-i:[Ss])ep|oct|nov|dec) +([1-9][0-9]{3})(?: +' || hipaa_functions.clock_pattern()
    || ')? *' || hipaa_functions.zone_pattern();

-- Whether a number, as one of milliseconds, is a whole quarter of an hour, as birth dates are.
create macro hipaa_functions.may_be_milliseconds(value) as
    try_cast(value as bigint) % 900000 = 0;

-- A number whose whole part counts what has so many decimals of a microsecond.
create macro hipaa_functions.microseconds(value, decimals) as
    try_cast(
        split_part(value, '.', 1) || rpad(left(split_part(value, '.', 2), decimals), decimals, '0') as bigint
    );

-- The moment that a number names: seconds, milli-, micro- or nanoseconds since 1970.
create macro hipaa_functions.moment_of_number(value) as
    make_timestamp(
        case
            when regexp_full_match(value, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?')
                then hipaa_functions.microseconds(value, 6)
            when regexp_full_match(value, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?')
                then hipaa_functions.microseconds(value, 3)
            when regexp_full_match(value, '[1-9][0-9]{14,15}') then try_cast(value as bigint)
            when regexp_full_match(value, '[1-9][0-9]{17,18}') then try_cast(left(value, -3) as bigint)
        end
    );

-- The moment that a text names, as `day time|offset`; null where its form is not certain.
create macro hipaa_functions.moment(value) as
    case
        when regexp_full_match(value, hipaa_functions.iso_pattern())
            then hipaa_functions.rewritten(value, hipaa_functions.iso_pattern(), '\1 \2|\3')
        when regexp_full_match(value, hipaa_functions.day_pattern() || hipaa_functions.zone_pattern())
            then hipaa_functions.rewritten(
                value, hipaa_functions.day_pattern() || hipaa_functions.zone_pattern(), '\1-\2-\3|\4'
            )
        when regexp_full_match(value, hipaa_functions.day_pattern() || '([01][0-9]|2[0-3])') then null
        when regexp_full_match(value, hipaa_functions.day_pattern() || '([01][0-9]|2[0-3])([0-5][0-9])')
            and hipaa_functions.may_be_milliseconds(value) then null
        when regexp_full_match(
            value,
            hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || ' *' || hipaa_functions.zone_pattern()
        )
            then hipaa_functions.rewritten(
                value,
                hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || ' *' || hipaa_functions.zone_pattern(),
                '\1-\2-\3 \4:\5|\6'
            )
        when regexp_full_match(
            value,
            hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || hipaa_functions.second_pattern() || ' *'
                || hipaa_functions.zone_pattern()
        )
            then hipaa_functions.rewritten(
                value,
                hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || hipaa_functions.second_pattern() || ' *'
                    || hipaa_functions.zone_pattern(),
                '\1-\2-\3 \4:\5:\6|\7'
            )
        when regexp_full_match(value, hipaa_functions.mail_pattern())
            then regexp_extract(value, '^' || hipaa_functions.mail_pattern() || '$', 3)
                || '-' || cast(
                    cast(
                        (
                            strpos(
                                'janfebmaraprmayjunjulaugsepoctnovdec',
                                lower(regexp_extract(value, '^' || hipaa_functions.mail_pattern() || '$', 2))
                            ) + 2
                        ) / 3 as integer
                    ) as varchar
                )
                || '-' || hipaa_functions.rewritten(value, hipaa_functions.mail_pattern(), '\1 \4|\5')
        when regexp_full_match(value, '-?[1-9][0-9]{7,9}') and hipaa_functions.may_be_milliseconds(value) then null
        else cast(hipaa_functions.moment_of_number(value) as varchar)
    end;

-- Day and time of a moment without its offset.
create macro hipaa_functions.as_written(value) as
    try_cast(rtrim(replace(split_part(value, '|', 1), ',', '.')) as timestamp);

-- A text to a timestamp in UTC; one without an offset is taken for UTC. The usual form first, since
-- it is quick to read: DuckDB alone would take years of other lengths or before Christ, single
-- digits, and 24:00 for the next day.
create macro hipaa_functions.as_timestamp(value) as
    case
        when value is not null then coalesce(
            case
                when regexp_full_match(
                    value, '[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z'
                )
                    then try_cast(value as timestamp)
            end,
            list_transform(
                [list_transform([hipaa_functions.trimmed(value)], lambda written: hipaa_functions.moment(written))[1]],
                lambda moment: make_timestamp(
                    epoch_us(
                        try_cast(
                            cast(hipaa_functions.as_written(moment) as varchar)
                            || coalesce(nullif(split_part(moment, '|', 2), ''), 'Z') as timestamptz
                        )
                    )
                )
            )[1]
        )
    end;

-- A text to the day that it names, whatever its offset.
create macro hipaa_functions.as_date(value) as
    coalesce(
        case when regexp_full_match(value, '[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}') then try_cast(value as date) end,
        list_transform(
            [list_transform([hipaa_functions.trimmed(value)], lambda written: hipaa_functions.moment(written))[1]],
            lambda moment: cast(hipaa_functions.as_written(moment) as date)
        )[1]
    );

-- The first of two texts that is a time. Only few calls have a second one.
create macro hipaa_functions.first_time(one, other) as
    coalesce(
        hipaa_functions.as_timestamp(one),
        case when other is not null then hipaa_functions.as_timestamp(other) end
    );

-- The same of JSON texts.
create macro hipaa_functions.first_time_of_json(one, other) as
    list_filter(
        list_transform(
            [hipaa_functions.scalar_text(one), hipaa_functions.scalar_text(other)],
            lambda element: case when element is not null then hipaa_functions.as_timestamp(element) end
        ),
        lambda element: element is not null
    )[1];

-- A time, or null where it can't be: before there were such calls, or well after it was received.
-- The latter is given in microseconds since 1970, as run numbers are.
create macro hipaa_functions.possible_time(value, received_us, earliest, ahead_us) as
    case when value between cast(earliest as timestamp) and make_timestamp(received_us + ahead_us) then value end;

-- A time in microseconds since 1970.
create macro hipaa_functions.microseconds_of(value) as
    epoch_us(value);

-- A time, less what lies between two others; null where the three give none.
create macro hipaa_functions.time_before(value, earlier, later) as
    try(make_timestamp(epoch_us(value) - (epoch_us(later) - epoch_us(earlier))));

-- Data types -----------------------------------------------------------------------------------
-- Null where the text does not fit, and never an error that quotes it. Blanks around it say nothing.

-- A whole number.
create macro hipaa_functions.as_integer(value) as
    list_transform(
        [hipaa_functions.trimmed(value)],
        lambda written: case when regexp_full_match(written, '[+-]?[0-9]+') then try_cast(written as bigint) end
    )[1];

-- A number that has an end.
create macro hipaa_functions.as_number(value) as
    list_transform(
        [hipaa_functions.trimmed(value)],
        lambda written: case
            when regexp_full_match(written, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?')
                and isfinite(try_cast(written as double)) then try_cast(written as double)
        end
    )[1];

-- `true`, `1`, `yes`; `false`, `0`, `no`; in any case.
create macro hipaa_functions.as_boolean(value) as
    list_transform(
        [lower(hipaa_functions.trimmed(value))],
        lambda written: case
            when written in ('true', '1', 'yes') then true
            when written in ('false', '0', 'no') then false
        end
    )[1];

-- Treatments -----------------------------------------------------------------------------------
-- The result is text; what does not fit the treatment is null.

-- A date or timestamp to its year. For birth dates use to_birth_year. Related to 45 CFR
-- 164.514(b)(2)(i)(C), which lets of a date only the year stay, and of ages over 89 neither the age
-- nor any date, year included, that tells it.
create macro hipaa_functions.to_year(value) as
    coalesce(
        hipaa_functions.pattern_group(hipaa_functions.trimmed(value), '([1-9][0-9]{3})(?:-(?:0[1-9]|1[0-2]))?', 1),
        strftime(hipaa_functions.as_date(value), '%Y')
    );

-- A birth date to its year; people who are or turn 90 this year, or are older, share one.
create macro hipaa_functions.to_birth_year(value, this_year) as
    list_transform(
        [cast(hipaa_functions.to_year(value) as bigint)],
        lambda year: case when year <= this_year then cast(greatest(year, this_year - 90) as varchar) end
    )[1];

-- A date or timestamp to yyyy-mm (ISO 8601). Finer than Safe Harbor allows.
create macro hipaa_functions.to_month(value) as
    coalesce(
        hipaa_functions.pattern_group(hipaa_functions.trimmed(value), '([1-9][0-9]{3}-(?:0[1-9]|1[0-2]))', 1),
        strftime(hipaa_functions.as_date(value), '%Y-%m')
    );

-- The first three digits of a ZIP or ZIP+4 code; 000 for the areas where 20,000 people or fewer
-- live, which small_zip3_areas.csv lists. Four digits have lost their leading zero; three are such
-- an area already. Related to 45 CFR 164.514(b)(2)(i)(B).
create macro hipaa_functions.to_zip3(value, small_areas) as
    regexp_replace(
        list_transform(
            [hipaa_functions.trimmed(value)],
            lambda written: coalesce(
                hipaa_functions.pattern_group(written, '([0-9]{3})(?:[0-9]{2}(?:[- ]?[0-9]{4})?)?', 1),
                '0' || hipaa_functions.pattern_group(written, '([0-9]{2})[0-9]{2}(?:-[0-9]{4})?', 1)
            )
        )[1],
        -- Without a list of small areas any may be one. A pattern: a list is slow to look through.
        case when len(small_areas) = 0 then '^.*$' else '^(?:' || hipaa_functions.alternatives(small_areas) || ')$' end,
        '000'
    );

-- An age in whole years, 90 and over (also written `90+`) as 90; no age below 0 or above 130. Of 89+
-- nobody knows on which side it is. Related to 45 CFR 164.514(b)(2)(i)(C).
create macro hipaa_functions.to_age_cap(value) as
    list_transform(
        [
            floor(
                hipaa_functions.as_number(
                    list_transform(
                        [hipaa_functions.trimmed(value)],
                        lambda shown: case
                            when regexp_full_match(shown, '(9[0-9]|1[0-9]{2})[+]') then rtrim(shown, '+')
                            else shown
                        end
                    )[1]
                )
            )
        ],
        lambda age: case when age between 0 and 130 then cast(cast(least(age, 90) as bigint) as varchar) end
    )[1];

-- A number rounded to the nearest multiple of a step, in units of the last of its decimals: the second
-- rounding takes off what 3 * 0.1 leaves behind. + 0 makes -0.0 plain. A number of more than 15 digits has
-- no such text: engines round it in their own ways.
create macro hipaa_functions.to_round(value, step, decimals) as
    list_transform(
        [round(round(hipaa_functions.as_number(value) / step) * step * pow(10, decimals))],
        lambda units: case when units > -1e15 and units < 1e15 then cast(units / pow(10, decimals) + 0 as varchar) end
    )[1];

-- The first characters of a text.
create macro hipaa_functions.to_truncate(value, characters) as
    left(value, characters);

-- Web and network addresses. Sources: RFC 3986 for the parts of a URL, RFC 5321 section 2.3.5 for
-- domains, RFC 6454 for origins; 45 CFR 164.514(b)(2)(i)(F), (N) and (O) for why.

-- Groups: 1 scheme, 2 host, 3 port, 4 path. User information matches no group.
create macro hipaa_functions.url_pattern() as
    '\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?'
    || '(/[^?#\s]*)?(?:[?#](?s:.*))?\s*';

-- The host of an e-mail address or URL, lower-case.
create macro hipaa_functions.host(value) as
    lower(
        rtrim(
            coalesce(
                hipaa_functions.pattern_group(value, '\s*[^@\s/]+@([^@\s/:?#]+?)\.?\s*', 1),
                hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 2)
            ),
            '.'
        )
    );

-- The domain of an e-mail address or URL. An IP address is no domain: null.
create macro hipaa_functions.to_domain(value) as
    case
        when regexp_full_match(
                hipaa_functions.host(value),
                '[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*'
            )
            and not regexp_full_match(hipaa_functions.host(value), '[0-9.]+')
            then hipaa_functions.host(value)
    end;

-- The path of a URL, or of a reference that starts with one slash: no query, no fragment.
create macro hipaa_functions.to_url_path(value) as
    case
        when regexp_full_match(value, hipaa_functions.url_pattern())
            then coalesce(nullif(hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 4), ''), '/')
        else hipaa_functions.pattern_group(value, '\s*(/(?:[^/?#\s][^?#\s]*)?)(?:[?#](?s:.*))?\s*', 1)
    end;

-- Scheme, host and port of a URL, lower-case: no user, path, query or fragment.
create macro hipaa_functions.to_url_origin(value) as
    lower(
        hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 1) || '://'
        || hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 2)
    ) || case
        when hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 3) <> ''
            then ':' || hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 3)
        else ''
    end;

-- An IPv4 address, alone or within IPv6, a port let be. Its group has the network.
create macro hipaa_functions.ipv4_pattern() as
    '(?:::ffff:)?((?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
    || '\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]))\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?::[0-9]{1,5})?';

-- A number written in hexadecimal digits.
create macro hipaa_functions.hexadecimal(value) as
    try_cast('0x' || value as integer);

-- The /24 of an IPv4 address given as two hexadecimal numbers of 16 bits.
create macro hipaa_functions.ipv4_network(one, other) as
    concat_ws(
        '.',
        cast(floor(hipaa_functions.hexadecimal(one) / 256) as integer),
        hipaa_functions.hexadecimal(one) % 256,
        cast(floor(hipaa_functions.hexadecimal(other) / 256) as integer)
    ) || '.0/24';

-- The parts of an IPv6 address before and after `::`.
create macro hipaa_functions.ipv6_head(value) as
    list_filter(string_split(split_part(value, '::', 1), ':'), lambda piece: piece <> '');

-- Those after it.
create macro hipaa_functions.ipv6_tail(value) as
    list_filter(string_split(split_part(value, '::', 2), ':'), lambda piece: piece <> '');

-- Whether a text is an IPv6 address.
create macro hipaa_functions.is_ipv6(value) as
    regexp_full_match(value, '([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?(::([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?)?')
    and (
        contains(value, '::')
        = (len(hipaa_functions.ipv6_head(value)) + len(hipaa_functions.ipv6_tail(value)) < 8)
    );

-- All eight parts of an IPv6 address, without leading zeros.
create macro hipaa_functions.ipv6_parts(value) as
    list_transform(
        list_concat(
            list_concat(
                hipaa_functions.ipv6_head(value),
                case
                    when contains(value, '::') then list_resize(
                        cast([] as varchar[]),
                        cast(
                            greatest(
                                8 - len(hipaa_functions.ipv6_head(value)) - len(hipaa_functions.ipv6_tail(value)), 0
                            ) as bigint
                        ),
                        '0'
                    )
                    else []
                end
            ),
            hipaa_functions.ipv6_tail(value)
        ),
        lambda piece: coalesce(nullif(ltrim(piece, '0'), ''), '0')
    );

-- The /48 of an IPv6 address. IPv4 within IPv6 (mapped, RFC 4291; 6to4, RFC 3056) is IPv4: a /48 of
-- the latter would hold all of it.
create macro hipaa_functions.ipv6_network(value) as
    case
        when hipaa_functions.is_ipv6(value) then list_transform(
            [hipaa_functions.ipv6_parts(value)],
            lambda parts: case
                when len(parts) <> 8 then null
                when array_to_string(parts[1:6], ':') = '0:0:0:0:0:ffff'
                    then hipaa_functions.ipv4_network(parts[7], parts[8])
                when parts[1] = '2002' then hipaa_functions.ipv4_network(parts[2], parts[3])
                else array_to_string(parts[1:3], ':') || '::/48'
            end
        )[1]
    end;

-- The network of an IP address: /24 of IPv4, /48 of IPv6 (RFC 4291, written as RFC 5952 has it but
-- for runs of zeros). A port is passed over, and of several addresses, as X-Forwarded-For has them,
-- the first counts. Related to 45 CFR 164.514(b)(2)(i)(O), which takes the whole address away.
create macro hipaa_functions.to_ip_prefix(value) as
    list_transform(
        [hipaa_functions.trimmed(lower(split_part(value, ',', 1)))],
        lambda first: case
            when regexp_full_match(first, hipaa_functions.ipv4_pattern())
                then regexp_extract(first, '^' || hipaa_functions.ipv4_pattern() || '$', 1) || '.0/24'
            else list_transform(
                [regexp_replace(first, '^(?:\[([0-9a-f:]*)\](?::[0-9]{1,5})?|([0-9a-f:]*))$', '\1\2')],
                lambda address: hipaa_functions.ipv6_network(address)
            )[1]
        end
    )[1];

-- Normalisation: one spelling of an identifier, so that one person has one token. docs/values.md ---

-- In small letters.
create macro hipaa_functions.normalized_lower(value) as
    hipaa_functions.lower_cased(value);

-- An e-mail address: composed (NFC), in small letters, without blanks around it.
create macro hipaa_functions.normalized_email(value) as
    nfc_normalize(
        hipaa_functions.lower_cased(
            nfc_normalize(hipaa_functions.trimmed(hipaa_functions.without_invisible(value)))
        )
    );

-- Digits of every script that telephone numbers come in, as ASCII; 0 to 9 in each.
create macro hipaa_functions.ascii_digits(value) as
    translate(value, '０１２３４５６７８９＋٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '0123456789+01234567890123456789');

-- What stands between the digits of a telephone number.
create macro hipaa_functions.phone_separators() as
    '\p{Z}\t()./\x{2010}-\x{2015}\x{2212}\x{ff0d}-';

-- What follows the number of an extension: `ext. 12`, `x12`, `,,12`.
create macro hipaa_functions.extension_pattern() as
    '(?:[,;' || hipaa_functions.phone_separators()
    || ']*(?:(?:[xX]|[eE][xX][tT](?:[nN]|[eE][nN][sS][iI][oO][nN])?|#)[.:=#\p{Z}\t]*[0-9]{1,7}|,+[0-9]{1,5})[#)]?)?';

-- Digits and plus sign of a telephone number, an extension left off; null where it is none for
-- certain, such as one with letters. A number that has been a decimal one ends in `.0`; `(0)` is
-- dialled from some places and left out from others.
create macro hipaa_functions.dialled(value) as
    list_transform(
        [hipaa_functions.trimmed(hipaa_functions.ascii_digits(hipaa_functions.without_invisible(value)))],
        lambda written: case
            when not regexp_matches(written, '\([0\p{Z}]+\)') then regexp_replace(
                hipaa_functions.pattern_group(
                    written,
                    '(?:[Tt][Ee][Ll]:)?((?:[+(]|\+\(|\(\+)?[0-9][0-9' || hipaa_functions.phone_separators()
                        || ']*?)(?:\.0)?' || hipaa_functions.extension_pattern(),
                    1
                ),
                '[^0-9+]',
                '',
                'g'
            )
        end
    )[1];

-- The digits of a telephone number, without the prefix of international calls.
create macro hipaa_functions.normalized_phone(value) as
    list_transform(
        [hipaa_functions.dialled(value)],
        lambda number: case
            when regexp_full_match(number, '(?:[+]|00)?[1-9][0-9]{6,14}|0[1-9][0-9]{5,13}')
                then regexp_replace(number, '^(?:[+]|00)', '', 'g')
        end
    )[1];

-- As people of the North American plan write theirs (country 1): ten digits are such a number, and
-- it begins with 1.
create macro hipaa_functions.normalized_phone_1(value) as
    list_transform(
        [hipaa_functions.dialled(value)],
        lambda number: case
            when regexp_full_match(number, '(?:[+]|00|011)?1[2-9][0-9]{9}') then '1' || right(number, 10)
            when regexp_full_match(number, '[2-9][0-9]{9}') then '1' || number
            when regexp_full_match(number, '(?:[+]|00|011)[2-9][0-9]{6,14}')
                then regexp_replace(number, '^(?:[+]|00|011)', '', 'g')
        end
    )[1];

-- The guard: what identifiers look like -----------------------------------------------------------
-- Used twice: on what goes into the masked tables, and to test the destination views. docs/guard.md
-- measures what the patterns find and what they miss. Without look-around, which not every engine
-- has.

-- Blanks and hyphens as people and word processors write them: the no-break space, and U+2010 to
-- U+2013.
create macro hipaa_functions.wide_separators() as
    chr(160) || chr(8208) || '-' || chr(8211);

-- One of these, or a dot, between two groups of digits.
create macro hipaa_functions.separator_or_dot() as
    '[-. ' || hipaa_functions.wide_separators() || ']';

-- What may stand between a label and its number: `MRN no. 12345`, `"mrn": "12345"`.
create macro hipaa_functions.after_label() as
    '[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?';

-- An e-mail address, its @ as it is or as a URL has it.
create macro hipaa_functions.email_pattern() as
    '[^\s@"''(),:\x3b<>\[\]](@|%40)([^\s@"''(),:\x3b<>\[\]/?#&=.]+\.)+[^\s@"''(),:\x3b<>\[\]/?#&=.0-9_-]{2,}';

-- A telephone number: grouped, with a plus sign, ten digits that are all there is, or labelled.
create macro hipaa_functions.phone_pattern() as
    concat_ws(
        '|',
        '(^|[^0-9A-Za-z])(\+?1' || hipaa_functions.separator_or_dot() || '?)?(\([2-9][0-9]{2}\)'
            || hipaa_functions.separator_or_dot() || '?|[2-9][0-9]{2}(' || hipaa_functions.separator_or_dot()
            || '|/))[0-9]{3}' || hipaa_functions.separator_or_dot() || '[0-9]{4}([^0-9A-Za-z]|[xX][0-9]|[Ee]xt|$)',
        '(^|[^0-9A-Za-z+])\+[1-9][0-9]{0,2}(\.[0-9]{2,4}){3,6}([^0-9]|$)',
        '(^|[^0-9A-Za-z+])\+[1-9]([- ()' || hipaa_functions.wide_separators() || ']{0,2}[0-9]){7,14}([^0-9]|$)',
        '(^|[\[{:,])\s*"?\s*1?[2-9][0-9]{2}[2-9][0-9]{6}(\.0+)?\s*"?\s*([\]}:,]|$)',
        '([Pp]hone|PHONE|[Mm]obile|MOBILE|(^|[^A-Za-z])([Tt]el|TEL|[Ff]ax|FAX))' || hipaa_functions.after_label()
            || '[0-9]{10,15}([^0-9A-Za-z]|$)'
    );

-- A Social Security number, grouped or labelled.
create macro hipaa_functions.ssn_pattern() as
    concat_ws(
        '|',
        '(^|[^0-9A-Za-z.-])[0-9]{3}' || hipaa_functions.separator_or_dot() || '[0-9]{2}'
            || hipaa_functions.separator_or_dot() || '[0-9]{4}([^0-9A-Za-z-]|$)',
        '([Ss][Ss][Nn]|[Ss]ocial[ _-]?[Ss]ecurity)' || hipaa_functions.after_label() || hipaa_functions.after_label()
            || '([0-9]{3}' || hipaa_functions.separator_or_dot() || '?[0-9]{2}' || hipaa_functions.separator_or_dot()
            || '?[0-9]{4}|[0-9]{7,8}([^0-9]|$))'
    );

-- The number of a medical record, a patient or a chart, labelled.
create macro hipaa_functions.mrn_pattern() as
    concat_ws(
        '|',
        '(^|[^A-Za-z])[Mm]\.?[Rr]\.?[Nn]\.?' || hipaa_functions.after_label()
            || '[A-Za-z]{0,3}[-_ ]?[0-9]([-. ]?[0-9]){3,}',
        '(^|[^A-Za-z])([Mm]edical[ _-]?[Rr]ecord|MEDICAL RECORD|[Pp]atients?|PATIENT|[Cc]hart[ _-]?([Nn]o|[Nn]umber|#)|MR ?#)'
            || hipaa_functions.after_label() || '[A-Za-z]{0,3}[-_ ]?[0-9]{5,}'
    );

-- A number of an IPv4 address.
create macro hipaa_functions.octet() as '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';

-- Such a number of two or three digits.
create macro hipaa_functions.long_octet() as '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])';

-- Such a number other than 0.
create macro hipaa_functions.octet_but_0() as '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)';

-- Four single digits are a version more often than an address, and one with three zeros at its end
-- is a version of Chrome, or a network. Behind the name of a product stands its version:
-- `Whale/3.24.223.21`. Names of hosts begin with a small letter, or have digits, dots or hyphens.
create macro hipaa_functions.ip_pattern() as
    concat_ws(
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
create macro hipaa_functions.url_query_pattern() as
    '://[^\s?"<>]+\?[^\s"<>]|www\.[^\s?"]+\?[^\s"]|(^|[\s"]|/[^\s?"]*)\?[^\s?#=&"]+=';

-- An identifier of any kind but payment cards, which need arithmetic.
create macro hipaa_functions.identifier_pattern() as
    concat_ws(
        '|',
        hipaa_functions.email_pattern(),
        hipaa_functions.phone_pattern(),
        hipaa_functions.ssn_pattern(),
        hipaa_functions.mrn_pattern(),
        hipaa_functions.ip_pattern(),
        hipaa_functions.url_query_pattern()
    );

-- Whether a text holds an e-mail address.
create macro hipaa_functions.is_email_like(value) as
    regexp_matches(value, hipaa_functions.email_pattern());

-- Whether a text holds a telephone number.
create macro hipaa_functions.is_phone_like(value) as
    regexp_matches(value, hipaa_functions.phone_pattern());

-- Whether a text holds a Social Security number.
create macro hipaa_functions.is_ssn_like(value) as
    regexp_matches(value, hipaa_functions.ssn_pattern());

-- Whether a text holds the number of a medical record.
create macro hipaa_functions.is_mrn_like(value) as
    regexp_matches(value, hipaa_functions.mrn_pattern());

-- Whether a text holds an IP address.
create macro hipaa_functions.is_ip_like(value) as
    regexp_matches(value, hipaa_functions.ip_pattern());

-- Whether a text holds a URL with a query.
create macro hipaa_functions.is_url_query_like(value) as
    regexp_matches(value, hipaa_functions.url_query_pattern());

-- Whether digits begin as an issuer's do and pass the check of ISO/IEC 7812-1 (Luhn). Visa has 13,
-- 16 or 19 digits, Diners Club 14, American Express 15. A number of 13 digits that begins with 1 is
-- a time in milliseconds. Digits count from the right; every second one is doubled, and 9 taken off
-- above 9.
create macro hipaa_functions.is_card_of_issuer(number) as
    regexp_full_match(number, '4[0-9]{12}|3[0-9]{13}|[1-3][0-9]{14}|[2-6][0-9]{15,18}')
    and list_sum(
        list_transform(
            list_reverse(string_split(number, '')),
            lambda digit, place:
                try_cast(digit as integer) * (2 - place % 2)
                - case when place % 2 = 0 and try_cast(digit as integer) > 4 then 9 else 0 end
        )
    ) % 10 = 0;

-- Whether a text holds the number of a payment card: 13 to 19 digits, however they stand, blanks and
-- hyphens between them let be; and in the usual groups, where more digits may follow.
create macro hipaa_functions.is_card_like(value) as
    case
        when regexp_matches(value, '[0-9]([ .-]{0,2}[0-9]){12}')
            then len(
                list_filter(
                    list_concat(
                        regexp_extract_all(
                            value, '(?:^|[^0-9A-Za-z.-])([0-9](?:[ -]?[0-9]){12,18})(?:[^0-9A-Za-z-]|$)', 1
                        ),
                        regexp_extract_all(
                            value,
                            '(?:^|[^0-9A-Za-z.-])([0-9]{16}|[0-9]{4}(?:[ .-]{1,2}[0-9]{4}){3}|3[0-9]{3}[ .-]{0,2}[0-9]{6}[ .-]{0,2}[0-9]{4,5})(?:[^0-9A-Za-z-]|$)',
                            1
                        )
                    ),
                    lambda candidate: hipaa_functions.is_card_of_issuer(regexp_replace(candidate, '[^0-9]', '', 'g'))
                )
            ) > 0
        else false
    end;

-- Whether a text is worth a closer look: one search for all kinds lets nearly every text go.
create macro hipaa_functions.may_be_identifier(value) as
    regexp_matches(value, hipaa_functions.identifier_pattern() || '|[0-9]([ .-]{0,2}[0-9]){12}');

-- Whether a text looks like, or holds, an identifier of any kind.
create macro hipaa_functions.looks_like_identifier(value) as
    (
        hipaa_functions.may_be_identifier(value)
        and (
            regexp_matches(value, hipaa_functions.identifier_pattern()) or hipaa_functions.is_card_like(value)
        )
    );

-- A text, or null where it looks like an identifier: free text can hold one that nobody expected.
create macro hipaa_functions.guarded(value) as
    case when hipaa_functions.looks_like_identifier(value) then null else value end;

-- How many values a guard took: a number, never a value. `before` is what there was.
create macro hipaa_functions.taken(before, after) as
    cast(case when before is not null and after is null then 1 else 0 end as bigint);

-- The same of a list.
create macro hipaa_functions.taken_of_list(before, after) as
    cast(
        coalesce(
            len(list_filter(before, lambda element: element is not null))
            - len(list_filter(after, lambda element: element is not null)),
            0
        ) as bigint
    );

-- How many values look like an identifier, where nothing is taken.
create macro hipaa_functions.suspected(value) as
    cast(case when hipaa_functions.looks_like_identifier(value) then 1 else 0 end as bigint);

-- The same of a list.
create macro hipaa_functions.suspected_of_list(texts) as
    cast(
        coalesce(len(list_filter(texts, lambda element: hipaa_functions.looks_like_identifier(element))), 0) as bigint
    );
