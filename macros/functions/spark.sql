-- The functions of duckdb.sql as Spark has them, with the same results. What a function is for,
-- duckdb.sql says; here stands what is otherwise on Spark.
--
-- Each is a temporary function of the session, so nobody else can replace it, and is called
-- `hipaa_functions__` with its name there: engines/spark.py writes statements so before they run.
-- Spark puts its body in the place of its call, and evaluates an argument once, whether the body
-- needs it or not. A function within a lambda is refused: what a list needs is written there, and
-- what does not depend on the element is an argument. So is a lambda within an argument: a subquery
-- gives what it makes a name.
--
-- A statement ends with `;` at the end of a line, and nothing else does. Patterns are raw
-- literals, r'\d': in others a backslash escapes. They are Java's: `$` matches before a line break
-- too, so `\z` ends a text; `(…)*` of long texts needs a possessive `*+`, or the stack overflows;
-- classes of Unicode and `\s` are spelled out, since engines differ.

-- Blanks and letters ---------------------------------------------------------------------------

-- What nobody sees at the ends of a text: blanks of every kind, as in hipaa_mode.masking.
create function hipaa_functions.blank_characters() returns string return r'\p{Z}\x09-\x0d\x1c-\x1f\x85';

-- A pattern of a character that is no blank.
create function hipaa_functions.no_blank() returns string return '[^' || hipaa_functions.blank_characters() || ']';

-- A pattern of the blanks around a text. What is looked behind for keeps a long blank from being read
-- again from each of its places.
create function hipaa_functions.outer_blanks() returns string
return '^[' || hipaa_functions.blank_characters() || ']+|(?<![' || hipaa_functions.blank_characters() || '])['
    || hipaa_functions.blank_characters() || r']+\z';

-- A text without the blanks around it.
create function hipaa_functions.trimmed(value string) returns string
return regexp_replace(value, hipaa_functions.outer_blanks(), '');

-- The same of an id in a column. Nearly every one begins and ends with a character that is no blank.
create function hipaa_functions.trimmed_id(value string) returns string
return case
    when ascii(value) between 33 and 126 and ascii(right(value, 1)) between 33 and 126 then value
    else hipaa_functions.trimmed(value)
end;

-- A text of blanks only says nothing: null.
create function hipaa_functions.not_blank(value string) returns string
return case
    when ascii(value) between 33 and 126 then value
    when value rlike hipaa_functions.no_blank() then value
end;

-- Without characters that nobody sees, which copying leaves behind.
create function hipaa_functions.without_invisible(value string) returns string
return regexp_replace(value, r'[\x{ad}\x{34f}\x{61c}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}]', '');

-- Small letters by Unicode's simple mapping, one character at a time.
create function hipaa_functions.lowered(value string) returns string
return lower(translate(value, '\u0130\u03a3', 'i\u03c3'));

-- The same, and a sigma at a word's end as any other.
create function hipaa_functions.lower_cased(value string) returns string
return translate(hipaa_functions.lowered(value), '\u03c2', '\u03c3');

-- Letters that are another small letter where case makes no difference.
create function hipaa_functions.rare_letters() returns string
return '\u017f\u03c2\u03d0\u03f5\u03d1\u1fbe\u0345\u03f0\u00b5\u03d6\u03f1\u03d5\u1e9b\u1c80\u1c81\u1c82\u1c83\u1c84\u1c85\u1c86\u1c87\u1c88';

-- What they are, in their order.
create function hipaa_functions.usual_letters() returns string
return 's\u03c3\u03b2\u03b5\u03b8\u03b9\u03b9\u03ba\u03bc\u03c0\u03c1\u03c6\u1e61\u0432\u0434\u043e\u0441\u0442\u0442\u044a\u0463\ua64b';

-- A text as texts are compared without regard to case, by Unicode's simple folding.
create function hipaa_functions.case_folded(value string) returns string
return translate(
    lower(translate(value, '\u03a3', '\u03c3')), hipaa_functions.rare_letters(), hipaa_functions.usual_letters()
);

-- A pattern of blanks, of control characters and of what has no form, by Unicode 15.
create function hipaa_functions.formless() returns string
return r'[ \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x00-\x1f\x7f-\x9f\xad\x{600}-\x{605}'
    r'\x{61c}\x{6dd}\x{70f}\x{890}\x{891}\x{8e2}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2064}\x{2066}-\x{206f}\x{feff}'
    r'\x{fff9}-\x{fffb}\x{110bd}\x{110cd}\x{13430}-\x{1343f}\x{1bca0}-\x{1bca3}\x{1d173}-\x{1d17a}\x{e0001}\x{e0020}-\x{e007f}]+';

-- A tool's name as names are compared where they say no: lower-case, without blanks; as in
-- hipaa_mode.consent.
create function hipaa_functions.folded(value string) returns string
return hipaa_functions.lowered(regexp_replace(value, hipaa_functions.formless(), ''));

-- Whether a text is so many lower-case hexadecimal digits.
create function hipaa_functions.is_hexadecimal(value string, digits int) returns boolean
return length(value) = digits and not value rlike '[^0-9a-f]';

-- Whether a pattern matches a whole text.
create function hipaa_functions.matches_whole(value string, pattern string) returns boolean
return value rlike (r'^(?:' || pattern || r')\z');

-- A group of a pattern; null where the pattern does not match the whole text.
create function hipaa_functions.pattern_group(value string, pattern string, place int) returns string
return case when hipaa_functions.matches_whole(value, pattern) then regexp_extract(value, r'^(?:' || pattern || r')\z', place) end;

-- A text with its accents composed (NFC). Spark has no function for it, but ICU, which does this.
create function hipaa_functions.composed(value string) returns string
return case
    when octet_length(value) = length(value) then value
    when value is not null then java_method('com.ibm.icu.text.Normalizer', 'compose', coalesce(value, ''), false)
end;

-- What texts are sorted by so that numbers within them come in their order: `9` before `10`.
create function hipaa_functions.natural_order(value string) returns array<string>
return transform(
    regexp_extract_all(value, '[0-9]+|[^0-9]+', 0),
    part -> case
        when ascii(part) between 48 and 57
            then lpad(cast(length(trim(leading '0' from part)) as string), 4, '0') || trim(leading '0' from part)
        else part
    end
);

-- Ids ------------------------------------------------------------------------------------------

-- Each of some texts as texts are compared without regard to case.
create function hipaa_functions.each_case_folded(texts array<string>) returns array<string>
return split(hipaa_functions.case_folded(array_join(texts, '\u001f')), '\u001f');

-- Whether a text is no id: blank, or one of those that senders write where they have none, in any
-- case.
create function hipaa_functions.is_no_id(value string, placeholders array<string>) returns boolean
return case
    when value is not null then hipaa_functions.not_blank(value) is null or array_contains(
        hipaa_functions.each_case_folded(placeholders), hipaa_functions.case_folded(hipaa_functions.trimmed(value))
    )
end;

-- A text that is an id, else null.
create function hipaa_functions.if_id(value string, placeholders array<string>) returns string
return case when not hipaa_functions.is_no_id(value, placeholders) then value end;

-- The first of two texts that is an id.
create function hipaa_functions.first_id(one string, other string, placeholders array<string>) returns string
return coalesce(hipaa_functions.if_id(one, placeholders), hipaa_functions.if_id(other, placeholders));

-- Those of some texts that are ids; what their elements are compared with is given.
create function hipaa_functions.ids_but(
    texts array<string>, no_ids array<string>, no_blank string, outer_blanks string, rare string, usual string
) returns array<string>
return transform(
    texts,
    element -> case
        when element rlike no_blank and not array_contains(
            no_ids,
            translate(lower(translate(regexp_replace(element, outer_blanks, ''), '\u03a3', '\u03c3')), rare, usual)
        ) then element
    end
);

-- Those of some texts that are ids; null in place of the others.
create function hipaa_functions.ids(texts array<string>, placeholders array<string>) returns array<string>
return hipaa_functions.ids_but(
    texts,
    hipaa_functions.each_case_folded(placeholders),
    hipaa_functions.no_blank(),
    hipaa_functions.outer_blanks(),
    hipaa_functions.rare_letters(),
    hipaa_functions.usual_letters()
);

-- Blanks of every kind, and characters that nobody sees.
create function hipaa_functions.blanks() returns string
return '\u0009\u000a\u000b\u000c\u000d \u0085\u00a0\u00ad\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'
    '\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff';

-- A pattern of a text whose percent-encoding is UTF-8, RFC 3629. A `%` without two digits is one.
create function hipaa_functions.encoded_utf8() returns string
return '(?i)^(?:[^%]++|%(?![0-9a-f]{2})|%[0-7][0-9a-f]|%(?:c[2-9a-f]|d[0-9a-f])%[89ab][0-9a-f]'
    '|%e0%[ab][0-9a-f]%[89ab][0-9a-f]|%e[1-9a-cef](?:%[89ab][0-9a-f]){2}|%ed%[89][0-9a-f]%[89ab][0-9a-f]'
    r'|%f0%[9ab][0-9a-f](?:%[89ab][0-9a-f]){2}|%f[1-3](?:%[89ab][0-9a-f]){3}|%f4%8[0-9a-f](?:%[89ab][0-9a-f]){2})*+\z';

-- Percent-encoding taken off, where what it stands for is a text, other than the character 0. Spark
-- would take `+` for a blank, and refuse a `%` without two digits.
create function hipaa_functions.url_decoded(value string) returns string
return case
    when contains(value, '%') and not contains(value, '%00') and value rlike hipaa_functions.encoded_utf8()
        then try_url_decode(regexp_replace(replace(value, '+', '%2B'), '%(?![0-9A-Fa-f]{2})', '%25'))
    else value
end;

-- The one spelling in which ids and values are compared: percent-encoding, blanks around it, case and
-- the composition of accents make no difference.
create function hipaa_functions.comparable(value string) returns string
return case
    when value rlike r'^[!-$&-~](?:[ -$&-~]*[!-$&-~])?\z' then lower(value)
    else hipaa_functions.lowered(
        hipaa_functions.composed(trim(both hipaa_functions.blanks() from hipaa_functions.url_decoded(value)))
    )
end;

-- The key of a call whose message id another call has too. No id is something other than an id of
-- any text.
create function hipaa_functions.key_of_namesake(
    message_id string, call_type string, user_id string, anonymous_id string, group_id string
) returns string
return 'call:' || sha2(
    message_id || '\u001f' || call_type
    || '\u001f' || coalesce('=' || user_id, '')
    || '\u001f' || coalesce('=' || anonymous_id, '')
    || '\u001f' || coalesce('=' || group_id, ''),
    256
);

-- JSON -----------------------------------------------------------------------------------------
-- A JSON text is a text holding one JSON value. engines/spark_json.py reads and writes it, in functions
-- called `hipaa_mode_` and their names there; they are given lists of paths as JSON texts.

-- The values at some paths, from one parse of the message; null where it is not JSON.
create function hipaa_functions.json_texts(message string, paths array<string>) returns array<string>
return hipaa_mode_texts_at(message, to_json(paths));

-- The same of a message that is JSON, or null.
create function hipaa_functions.texts_of_json(message string, paths array<string>) returns array<string>
return hipaa_mode_texts_at(message, to_json(paths));

-- The names of the keys of the objects at some paths, a list for each, from one parse.
create function hipaa_functions.key_names(message string, paths array<string>) returns array<array<string>>
return hipaa_mode_names_at(message, to_json(paths));

-- What kinds of values there are at some paths: OBJECT, ARRAY, VARCHAR, …
create function hipaa_functions.json_kinds(message string, paths array<string>) returns array<string>
return hipaa_mode_kinds_at(message, to_json(paths));

-- The value at a path of a JSON text.
create function hipaa_functions.json_at(value string, path string) returns string
return hipaa_mode_texts_at(value, to_json(array(path)))[0];

-- The value at a path of each of some JSON texts.
create function hipaa_functions.json_at_each(texts array<string>, path string) returns array<string>
return hipaa_mode_text_at_each(texts, to_json(array(path)));

-- The elements of an array as JSON texts; null where there is no array.
create function hipaa_functions.json_elements(value string) returns array<string>
return hipaa_mode_elements_of(case when startswith(value, '[') then value end);

-- Those of all of some arrays, in one list.
create function hipaa_functions.json_elements_of_each(texts array<string>) returns array<string>
return hipaa_mode_elements_of_each(texts);

-- Whether a JSON text is an object or array.
create function hipaa_functions.is_container(value string) returns boolean
return startswith(value, '{') or startswith(value, '[');

-- A pattern of a JSON text that says nothing: null, `[]` or a blank text. The same blanks as above, as
-- JSON has them.
create function hipaa_functions.nothing_said() returns string
return r'^(?:null|\[\]|"(?:[\p{Z}\x85]|\\[tnfr]|\\u00(?:0[bB]|1[c-fC-F]))*+")\z';

-- Whether a JSON text says nothing: null, and what some senders write for an empty object.
create function hipaa_functions.says_nothing(value string) returns boolean
return value rlike hipaa_functions.nothing_said();

-- What staging keeps of a value: JSON null is null, and `{}` stands for an object or array, so that
-- it is counted and nothing of it is kept.
create function hipaa_functions.kept_scalar(value string) returns string
return case when hipaa_functions.is_container(value) then '{}' else nullif(value, 'null') end;

-- The same of each of some JSON texts.
create function hipaa_functions.kept_scalars(texts array<string>) returns array<string>
return transform(
    texts,
    element -> case when startswith(element, '{') or startswith(element, '[') then '{}' else nullif(element, 'null') end
);

-- The same where a row of the allowlist grants objects whole.
create function hipaa_functions.kept_json(value string) returns string
return nullif(value, 'null');

-- The same of each of some JSON texts.
create function hipaa_functions.kept_jsons(texts array<string>) returns array<string>
return transform(texts, element -> nullif(element, 'null'));

-- All properties, traits or context of a call; what says nothing is an empty object.
create function hipaa_functions.whole_object(value string) returns string
return case when hipaa_functions.says_nothing(nullif(value, 'null')) then '{}' else nullif(value, 'null') end;

-- The text of a JSON number.
create function hipaa_functions.number_text(value string) returns string
return case
    when value = '-0.0' then '0'
    when value rlike r'^-?[0-9]{1,15}0*\.0\z' then left(value, length(value) - 2)
    -- Whole numbers from 10^21 on have an exponent, if no digit is lost by it.
    when value rlike r'^-?[0-9]{1,15}0{7,}\z' and length(ltrim('-', value)) between 22 and 38
        then replace(regexp_replace(value, r'^(-?[0-9])([0-9]*?)0*\z', '$1.$2e+'), '.e', 'e')
            || cast(length(ltrim('-', value)) - 1 as string)
    when value rlike r'^(?:-?[0-9]{1,38}|-?[0-9]{1,16}\.[0-9]*[1-9])\z' then value
    when value rlike r'^-?[0-9](?:\.[0-9]{1,14})?e(?:[0-9]{2}|[12][0-9]{2}|30[0-7])\z' then replace(value, 'e', 'e+')
    when value rlike r'^-?[0-9](?:\.[0-9]+)?e-[0-9]{1,3}\z' then value
end;

-- The text of a scalar, the same on every engine; null for an object, an array or null. A string
-- is its characters, a boolean `true` or `false`. One number has one text or none: docs/values.md.
create function hipaa_functions.scalar_text(value string) returns string
return case
    when startswith(value, '"') and not contains(value, r'\') then substring(value, 2, length(value) - 2)
    when startswith(value, '"') then from_json('[' || value || ']', 'array<string>')[0]
    when value in ('true', 'false') then value
    else hipaa_functions.number_text(value)
end;

-- The same of each of some JSON texts.
create function hipaa_functions.scalar_texts(texts array<string>) returns array<string>
return transform(
    texts,
    element -> case
        when startswith(element, '"') and not contains(element, r'\') then substring(element, 2, length(element) - 2)
        when startswith(element, '"') then from_json('[' || element || ']', 'array<string>')[0]
        when element in ('true', 'false') then element
        when element = '-0.0' then '0'
        when element rlike r'^-?[0-9]{1,15}0*\.0\z' then left(element, length(element) - 2)
        when element rlike r'^-?[0-9]{1,15}0{7,}\z' and length(ltrim('-', element)) between 22 and 38
            then replace(regexp_replace(element, r'^(-?[0-9])([0-9]*?)0*\z', '$1.$2e+'), '.e', 'e')
                || cast(length(ltrim('-', element)) - 1 as string)
        when element rlike r'^(?:-?[0-9]{1,38}|-?[0-9]{1,16}\.[0-9]*[1-9])\z' then element
        when element rlike r'^-?[0-9](?:\.[0-9]{1,14})?e(?:[0-9]{2}|[12][0-9]{2}|30[0-7])\z' then replace(element, 'e', 'e+')
        when element rlike r'^-?[0-9](?:\.[0-9]+)?e-[0-9]{1,3}\z' then element
    end
);

-- Whether a JSON text is a string.
create function hipaa_functions.is_string(value string) returns boolean
return startswith(value, '"');

-- The text of a JSON string; null for anything else.
create function hipaa_functions.string_text(value string) returns string
return case when hipaa_functions.is_string(value) then hipaa_functions.scalar_text(value) end;

-- All scalars and key names in a JSON text, as texts. What is no JSON is looked at as it is.
create function hipaa_functions.texts_within(value string) returns array<string>
return coalesce(hipaa_mode_texts_within(value), array(value));

-- The type of a call, of the JSON text of its `type`; null where that is no string.
create function hipaa_functions.call_type(value string) returns string
return case
    when value = '"track"' then 'track'
    else hipaa_functions.lowered(trim(hipaa_functions.string_text(value)))
end;

-- A list of texts as one text, with the unit separator between them.
create function hipaa_functions.joined(texts array<string>) returns string
return array_join(texts, '\u001f');

-- Raw calls ------------------------------------------------------------------------------------

-- Whether a JSON text may hold half of a character that is written as two escapes, or the character 0.
create function hipaa_functions.may_break_characters(value string) returns boolean
return contains(value, r'\u') and (
    contains(value, r'\u0000') or (
        value rlike r'\\u[dD][89a-fA-F]'
        and not hipaa_mode_is_json(case when contains(value, r'\u') and value rlike r'\\u[dD][89a-fA-F]' then value end)
    )
);

-- Parts of a JSON text as one, with null in place of a text with half of a character, or with the
-- character 0: whole characters and other escapes out of the way, what is left of surrogates is a half.
-- In a key a mark stands for it, since no path that is listed can have it.
create function hipaa_functions.unbroken_parts(parts array<string>) returns string
return array_join(
    transform(
        parts,
        (part, place) -> case
            when not (
                startswith(part, '"')
                and regexp_replace(
                    part, r'\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ' '
                ) rlike r'\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})'
            ) then part
            when coalesce(get(parts, place + 1), '') rlike r'^[ \t\n\f\r]*:'
                then regexp_replace(part, r'\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})', r'\\ufffd')
            else 'null'
        end
    ),
    ''
);

-- JSON without texts that are cut in the middle of a character, or have the character 0: they are no
-- texts.
create function hipaa_functions.without_broken_texts(value string) returns string
return hipaa_functions.unbroken_parts(regexp_extract_all(value, r'"[^"\\]*+(?:\\[\s\S][^"\\]*+)*+"|[^"]+|"', 0));

-- The text of a message that a table has as bytes; null where they are not UTF-8.
create function hipaa_functions.text_of_bytes(value binary) returns string
return try_validate_utf8(cast(value as string));

-- The text of a message in a column. A collation of the column would decide what is equal.
create function hipaa_functions.text_of_column(value string) returns string
return value collate utf8_binary;

-- The bytes of a raw call: those that are no UTF-8, or those of its text.
create function hipaa_functions.bytes_of(unreadable binary, message string) returns binary
return coalesce(unreadable, cast(message as binary), cast('' as binary));

-- The SHA-256 of a text, in hexadecimal digits.
create function hipaa_functions.content_hash(value string) returns string
return sha2(value, 256);

-- Whether a list has anything in it.
create function hipaa_functions.has_any(texts array<string>) returns boolean
return array_size(texts) > 0;

-- Whether there are no keys where a call has something: in an empty object, or in what is none.
create function hipaa_functions.has_no_key(names array<string>) returns boolean
return array_size(names) = 0;

-- Whether what stands for properties or traits is an empty one.
create function hipaa_functions.is_empty_container(value string, path string) returns boolean
return hipaa_functions.says_nothing(hipaa_functions.json_at(value, path));

-- Whether a message begins as an object does, after the blanks that RFC 8259 allows.
create function hipaa_functions.begins_as_object(value string) returns boolean
return value rlike r'^[ \t\n\r]*+\{';

-- A key in one spelling: lower-case, without `_`, `-` and blanks.
create function hipaa_functions.folded_key(value string) returns string
return hipaa_functions.lowered(translate(value, '_ -', ''));

-- The keys of a call, each by its one spelling.
create function hipaa_functions.fields() returns map<string, string>
return map(
    'type', 'type',
    'event', 'event',
    'name', 'name',
    'timestamp', 'timestamp',
    'messageid', 'message_id',
    'userid', 'user_id',
    'anonymousid', 'anonymous_id',
    'groupid', 'group_id',
    'originaltimestamp', 'original_timestamp',
    'sentat', 'sent_at',
    'receivedat', 'received_at',
    'properties', 'properties',
    'traits', 'traits',
    'context', 'context',
    'integrations', 'integrations',
    'consent', 'consent',
    'previousid', 'previous_id',
    'mergeproperties', 'merge_properties'
);

-- The key that a key of a call is another spelling of: in any case, with or without `_`, `-` and
-- blanks. Null where it is none.
create function hipaa_functions.field_of_key(value string) returns string
return try_element_at(hipaa_functions.fields(), hipaa_functions.folded_key(value));

-- Keys of the envelope as they are most often written.
create function hipaa_functions.usual_keys() returns array<string>
return array(
    'type', 'messageId', 'message_id', 'userId', 'user_id', 'anonymousId', 'anonymous_id',
    'groupId', 'group_id', 'previousId', 'previous_id', 'mergeProperties', 'merge_properties',
    'event', 'name', 'timestamp', 'originalTimestamp', 'original_timestamp', 'sentAt', 'sent_at',
    'receivedAt', 'received_at', 'properties', 'traits', 'context', 'integrations', 'consent'
);

-- Those of them that nearly all senders write: the others are looked for only where a call has another
-- key than these.
create function hipaa_functions.plain_keys() returns array<string>
return array(
    'type', 'messageId', 'userId', 'anonymousId', 'groupId', 'event', 'name', 'timestamp', 'originalTimestamp',
    'sentAt', 'receivedAt', 'properties', 'traits', 'context', 'integrations', 'consent'
);

-- Whether each key of a call is one of some, or begins as no spelling of a key of the envelope does.
create function hipaa_functions.are_keys_of(names array<string>, keys array<string>) returns boolean
return hipaa_functions.joined(names) rlike (
    r'^(?:(?:' || array_join(keys, '|')
    || r'|channel|projectId|category|[^tTmMuUaAgGeEnNoOsSrRpPcCiI_ \x1f-][^\x1f]*+)(?:\x1f|\z))*+\z'
);

-- The same of the keys that nearly all senders write.
create function hipaa_functions.are_plain_keys(names array<string>) returns boolean
return hipaa_functions.are_keys_of(names, hipaa_functions.plain_keys());

-- The same of all usual keys.
create function hipaa_functions.are_usual_keys(names array<string>) returns boolean
return hipaa_functions.are_keys_of(names, hipaa_functions.usual_keys());

-- Those of some keys that are spellings of a field, other than some.
create function hipaa_functions.spellings_but(
    names array<string>, usual array<string>, fields map<string, string>
) returns array<string>
return filter(
    names,
    element -> map_contains_key(fields, lower(translate(element, '\u0130\u03a3_ -', 'i\u03c3')))
        and not array_contains(usual, element)
);

-- Those keys of a call that are other spellings of a key of the envelope.
create function hipaa_functions.other_spellings(names array<string>) returns array<string>
return hipaa_functions.spellings_but(names, hipaa_functions.usual_keys(), hipaa_functions.fields());

-- The members of an object, each a list of its key and the JSON text of its value; null where there is
-- no object. A key that stands there twice is two members.
create function hipaa_functions.members(value string) returns array<array<string>>
return hipaa_mode_members_of(value);

-- Whether a member of a call says something that is no matter of where the call may go; an id that
-- is none says nothing.
create function hipaa_functions.is_plain_member(item array<string>, placeholders array<string>) returns boolean
return hipaa_functions.folded_key(item[0]) not in ('integrations', 'consent', 'context')
    and not hipaa_functions.says_nothing(item[1])
    and not (
        endswith(hipaa_functions.folded_key(item[0]), 'id')
        and (
            hipaa_functions.is_container(item[1])
            or hipaa_functions.is_no_id(trim(both '"' from item[1]), placeholders)
        )
    );

-- What the members of one name say of where a call may go: where they differ, it can't be read.
create function hipaa_functions.agreed_of_name(items array<array<string>>, name string, nothing_said string) returns string
return '"' || name || '":' || (
    select case array_size(telling) when 0 then get(said, 0) when 1 then telling[0] else '""' end
    from (
        select
            said,
            array_distinct(filter(said, element -> element not in ('{}', '{"All":true}'))) as telling
        from (
            select transform(
                filter(
                    items,
                    member -> lower(translate(member[0], '\u0130\u03a3_ -', 'i\u03c3')) = name
                        and (name <> 'context' or not member[1] rlike nothing_said)
                ),
                member -> member[1]
            ) as said
        )
    )
);

-- A call made again of some members, each under its usual name; what their ids are compared with is
-- given.
create function hipaa_functions.call_of_members(
    items array<array<string>>, others array<string>, fields map<string, string>, nothing_said string,
    no_ids array<string>, no_blank string, outer_blanks string, rare string, usual string
) returns string
return '{' || array_join(
    concat(
        transform(
            filter(
                items,
                member -> lower(translate(member[0], '\u0130\u03a3_ -', 'i\u03c3')) not in ('integrations', 'consent', 'context')
                    and not member[1] rlike nothing_said
                    and not (
                        endswith(lower(translate(member[0], '\u0130\u03a3_ -', 'i\u03c3')), 'id')
                        and (
                            startswith(member[1], '{')
                            or startswith(member[1], '[')
                            or not trim(both '"' from member[1]) rlike no_blank
                            or array_contains(
                                no_ids,
                                translate(
                                    lower(
                                        translate(
                                            regexp_replace(trim(both '"' from member[1]), outer_blanks, ''),
                                            '\u03a3',
                                            '\u03c3'
                                        )
                                    ),
                                    rare,
                                    usual
                                )
                            )
                        )
                    )
            ),
            member -> '"' || case
                when array_contains(others, member[0])
                    then fields[lower(translate(member[0], '\u0130\u03a3_ -', 'i\u03c3'))]
                else member[0]
            end || '":' || member[1]
        ),
        array(
            hipaa_functions.agreed_of_name(items, 'integrations', nothing_said),
            hipaa_functions.agreed_of_name(items, 'consent', nothing_said),
            hipaa_functions.agreed_of_name(items, 'context', nothing_said)
        )
    ),
    ','
) || '}';

-- The members that a call is read by: first those that have the usual name, then those in a list.
create function hipaa_functions.members_read(
    items array<array<string>>, others array<string>, fields map<string, string>
) returns array<array<string>>
return concat(
    filter(
        items,
        member -> map_contains_key(fields, lower(translate(member[0], '\u0130\u03a3_ -', 'i\u03c3')))
            and not array_contains(others, member[0])
    ),
    filter(
        items,
        member -> map_contains_key(fields, lower(translate(member[0], '\u0130\u03a3_ -', 'i\u03c3')))
            and array_contains(others, member[0])
    )
);

-- A call made again of the keys that a call is read by, each under its usual name: first those that
-- have it, then the keys in the list `others`. A key that says nothing is left out, so that another
-- spelling counts. Of what says where a call may go all spellings count.
create function hipaa_functions.respelled_call(value string, others array<string>, placeholders array<string>) returns string
return (
    select hipaa_functions.call_of_members(
        items,
        others,
        hipaa_functions.fields(),
        hipaa_functions.nothing_said(),
        hipaa_functions.each_case_folded(placeholders),
        hipaa_functions.no_blank(),
        hipaa_functions.outer_blanks(),
        hipaa_functions.rare_letters(),
        hipaa_functions.usual_letters()
    )
    from (
        select hipaa_functions.members_read(hipaa_functions.members(value), others, hipaa_functions.fields()) as items
    )
);

-- What RudderStack's merge calls say of a person: the `value` of each of `mergeProperties`, as
-- texts. Its documentation calls that an object and shows an array: both are read.
create function hipaa_functions.merged_texts(value string) returns array<string>
return hipaa_functions.scalar_texts(
    hipaa_functions.json_at_each(
        hipaa_functions.json_elements(case when startswith(value, '{') then '[' || value || ']' else value end),
        '$."value"'
    )
);

-- Consent: what a call says of where it may go, as a list of signals, each a text. docs/consent.md --

-- One signal for each tool that an object names.
create function hipaa_functions.signals_of_members(
    items array<array<string>>, word string, formless string
) returns array<string>
return transform(
    items,
    member -> word || case
        when member[1] = 'true'
            or startswith(member[1], '{')
            and lower(translate(regexp_replace(member[0], formless, ''), '\u0130\u03a3', 'i\u03c3')) <> 'all'
            then ' yes: ' || member[0]
        else case when member[1] = 'false' then ' no: ' else ' unreadable: ' end
            || lower(translate(regexp_replace(member[0], formless, ''), '\u0130\u03a3', 'i\u03c3'))
    end
);

-- The same of an object, each beginning with `word`; no signal where there is nothing, and one that it is
-- unreadable where there is something else than an object. So do the others.
create function hipaa_functions.tool_signals(value string, word string) returns array<string>
return case
    when value is null then cast(array() as array<string>)
    else coalesce(
        hipaa_functions.signals_of_members(hipaa_functions.members(value), word, hipaa_functions.formless()),
        array(word || ' unreadable')
    )
end;

-- One signal for each of some members: what begins it by the value, for any other value, and the key.
create function hipaa_functions.signals_by_value(
    items array<array<string>>, marks map<string, string>, other string, outer_blanks string
) returns array<string>
return transform(
    items, member -> coalesce(marks[member[1]], other) || regexp_replace(member[0], outer_blanks, '')
);

-- The same of an object.
create function hipaa_functions.signals_of_object(value string, marks map<string, string>, other string) returns array<string>
return case
    when value is null then cast(array() as array<string>)
    else coalesce(
        hipaa_functions.signals_by_value(hipaa_functions.members(value), marks, other, hipaa_functions.outer_blanks()),
        array('categories unreadable')
    )
end;

-- One signal for each category of consent, of an object.
create function hipaa_functions.category_signals(value string) returns array<string>
return hipaa_functions.signals_of_object(
    value, map('true', 'category yes: ', 'false', 'category no: '), 'category unreadable: '
);

-- One signal for each of some texts of categories.
create function hipaa_functions.signals_of_elements(
    elements array<string>, mark string, outer_blanks string
) returns array<string>
return transform(
    elements,
    element -> case
        when not startswith(element, '"') then 'categories unreadable'
        when contains(element, r'\')
            then mark || regexp_replace(from_json('[' || element || ']', 'array<string>')[0], outer_blanks, '')
        else mark || regexp_replace(substring(element, 2, length(element) - 2), outer_blanks, '')
    end
);

-- One signal for each of a list of categories.
create function hipaa_functions.listed_signals(value string, mark string) returns array<string>
return hipaa_functions.signals_of_elements(hipaa_functions.json_elements(value), mark, hipaa_functions.outer_blanks());

-- A list of categories that are allowed, or an object of them as older SDKs send it.
create function hipaa_functions.allowed_signals(value string) returns array<string>
return case
    when startswith(value, '[') then hipaa_functions.listed_signals(value, 'category yes: ')
    else hipaa_functions.signals_of_object(
        value, map('false', 'category unreadable: ', 'null', 'category unreadable: '), 'category yes: '
    )
end;

-- A list of categories that are denied, or an object of them.
create function hipaa_functions.denied_signals(value string) returns array<string>
return case
    when startswith(value, '[') then hipaa_functions.listed_signals(value, 'category no: ')
    else hipaa_functions.signals_of_object(value, cast(map() as map<string, string>), 'category no: ')
end;

-- The signal that there is something where an object should be.
create function hipaa_functions.unless_object(value string) returns array<string>
return case
    when value is not null and not startswith(value, '{') then array('categories unreadable')
    else cast(array() as array<string>)
end;

-- All signals of a call, each once; null where it has none of these objects. The arguments are JSON
-- texts: `integrations`, Freshpaint's `consent`, `context.consent` and `context.consentManagement`.
create function hipaa_functions.consent_signals(
    integrations string, consent string, context_consent string, consent_management string
) returns array<string>
return case
    when coalesce(integrations, consent, context_consent, consent_management) is not null
        then sort_array(array_distinct(flatten(array(
            hipaa_functions.tool_signals(integrations, 'integration'),
            hipaa_functions.tool_signals(consent, 'consent'),
            hipaa_functions.category_signals(hipaa_functions.json_at(context_consent, '$."categoryPreferences"')),
            hipaa_functions.unless_object(context_consent),
            hipaa_functions.allowed_signals(hipaa_functions.json_at(consent_management, '$."allowedConsentIds"')),
            hipaa_functions.denied_signals(hipaa_functions.json_at(consent_management, '$."deniedConsentIds"')),
            hipaa_functions.unless_object(consent_management)
        ))))
end;

-- How many categories of a rule the signals have a mark for.
create function hipaa_functions.categories_with(categories array<string>, signals array<string>, mark string) returns int
return array_size(filter(categories, element -> coalesce(array_contains(signals, 'category ' || mark || ': ' || element), false)));

-- How many categories of a rule the signals allow, and nothing in them denies.
create function hipaa_functions.categories_allowed(categories array<string>, signals array<string>) returns int
return array_size(
    filter(
        categories,
        element -> coalesce(array_contains(signals, 'category yes: ' || element), false)
            and not coalesce(array_contains(signals, 'category no: ' || element), false)
            and not coalesce(array_contains(signals, 'category unreadable: ' || element), false)
    )
);

-- Whether two lists have a text in common. Of null, which none of them has, Spark would not say no.
create function hipaa_functions.have_same(one array<string>, other array<string>) returns boolean
return coalesce(arrays_overlap(one, other), false);

-- Why a call with these signals is denied to the destination of a rule; null where it is not. As in
-- hipaa_mode.consent.
create function hipaa_functions.denial(
    signals array<string>, says_no array<string>, unreadable array<string>, integration_no_to_all array<string>,
    integration_yes array<string>, consent_no_to_all array<string>, consent_yes array<string>,
    categories array<string>, needed int
) returns string
return case
    when hipaa_functions.have_same(signals, says_no) then 'opted_out'
    when hipaa_functions.have_same(signals, unreadable) then 'unreadable'
    when hipaa_functions.have_same(signals, integration_no_to_all) and not hipaa_functions.have_same(signals, integration_yes) then 'opted_out'
    when hipaa_functions.have_same(signals, consent_no_to_all) and not hipaa_functions.have_same(signals, consent_yes) then 'opted_out'
    when needed = 0 then null
    when not hipaa_functions.have_same(signals, array('categories unreadable'))
        and hipaa_functions.categories_allowed(categories, signals) >= needed then null
    when hipaa_functions.categories_with(categories, signals, 'no') > 0 then 'consent_refused'
    when hipaa_functions.have_same(signals, array('categories unreadable'))
        or hipaa_functions.categories_with(categories, signals, 'unreadable') > 0 then 'unreadable'
    else 'consent_missing'
end;

-- Times ----------------------------------------------------------------------------------------
-- A text is read only where its form has one meaning, else it is null: docs/values.md has the whole table.

-- The offset at the end of a time; its group has it where it is not UTC.
create function hipaa_functions.zone_pattern() returns string
return '(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?';

-- Hours and minutes, with seconds or without.
create function hipaa_functions.clock_pattern() returns string
return '((?:[01]?[0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)';

-- `2026-03-01T10:20:30.5+02:00`, `2026/03/01 10:20`. Groups: day, time, offset.
create function hipaa_functions.iso_pattern() returns string
return '([1-9][0-9]{3}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)' || hipaa_functions.clock_pattern()
    || ')? *' || hipaa_functions.zone_pattern();

-- Without separators: only of these two centuries, so that few other numbers are days.
create function hipaa_functions.day_pattern() returns string
return '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])';

-- Hour and minute without a separator.
create function hipaa_functions.minute_pattern() returns string
return '[Tt]?([01][0-9]|2[0-3])([0-5][0-9])';

-- Seconds after them.
create function hipaa_functions.second_pattern() returns string
return '([0-5][0-9](?:[.,][0-9]+)?)';

-- `Sun, 01 Mar 2026 10:20:30 -0500`. Groups: day, month, year, time, offset.
create function hipaa_functions.mail_pattern() returns string
return '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +'
    || '(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([1-9][0-9]{3})(?: +' || hipaa_functions.clock_pattern()
    || ')? *' || hipaa_functions.zone_pattern();

-- Whether a number, as one of milliseconds, is a whole quarter of an hour, as birth dates are.
create function hipaa_functions.may_be_milliseconds(value string) returns boolean
return try_cast(value as bigint) % 900000 = 0;

-- A number whose whole part counts what has so many decimals of a microsecond.
create function hipaa_functions.microseconds(value string, decimals int) returns bigint
return try_cast(
    split_part(value, '.', 1) || rpad(left(split_part(value, '.', 2), decimals), decimals, '0') as bigint
);

-- A moment that is so many microseconds after 1970 began, whatever the session's time zone.
create function hipaa_functions.moment_of_microseconds(value bigint) returns timestamp_ntz
return timestampadd(microsecond, value, timestamp_ntz '1970-01-01 00:00:00');

-- The moment that a number names: seconds, milli-, micro- or nanoseconds since 1970.
create function hipaa_functions.moment_of_number(value string) returns timestamp_ntz
return hipaa_functions.moment_of_microseconds(
    case
        when hipaa_functions.matches_whole(value, r'-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?')
            then hipaa_functions.microseconds(value, 6)
        when hipaa_functions.matches_whole(value, r'-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?')
            then hipaa_functions.microseconds(value, 3)
        when hipaa_functions.matches_whole(value, '[1-9][0-9]{14,15}') then try_cast(value as bigint)
        when hipaa_functions.matches_whole(value, '[1-9][0-9]{17,18}')
            then try_cast(left(value, length(value) - 3) as bigint)
    end
);

-- A text that matches a pattern, written in another way.
create function hipaa_functions.rewritten(value string, pattern string, replacement string) returns string
return regexp_replace(value, '^' || pattern || r'\z', replacement);

-- The moment that a text names, as `day time|offset`; null where its form is not certain.
create function hipaa_functions.moment(value string) returns string
return case
    when hipaa_functions.matches_whole(value, hipaa_functions.iso_pattern())
        then hipaa_functions.rewritten(value, hipaa_functions.iso_pattern(), '$1 $2|$3')
    when hipaa_functions.matches_whole(value, hipaa_functions.day_pattern() || hipaa_functions.zone_pattern())
        then hipaa_functions.rewritten(value, hipaa_functions.day_pattern() || hipaa_functions.zone_pattern(), '$1-$2-$3|$4')
    when hipaa_functions.matches_whole(value, hipaa_functions.day_pattern() || '([01][0-9]|2[0-3])') then null
    when hipaa_functions.matches_whole(value, hipaa_functions.day_pattern() || '([01][0-9]|2[0-3])([0-5][0-9])')
        and hipaa_functions.may_be_milliseconds(value) then null
    when hipaa_functions.matches_whole(
        value,
        hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || ' *' || hipaa_functions.zone_pattern()
    )
        then hipaa_functions.rewritten(
            value,
            hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || ' *' || hipaa_functions.zone_pattern(),
            '$1-$2-$3 $4:$5|$6'
        )
    when hipaa_functions.matches_whole(
        value,
        hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || hipaa_functions.second_pattern() || ' *'
            || hipaa_functions.zone_pattern()
    )
        then hipaa_functions.rewritten(
            value,
            hipaa_functions.day_pattern() || hipaa_functions.minute_pattern() || hipaa_functions.second_pattern() || ' *'
                || hipaa_functions.zone_pattern(),
            '$1-$2-$3 $4:$5:$6|$7'
        )
    when hipaa_functions.matches_whole(value, hipaa_functions.mail_pattern())
        then hipaa_functions.rewritten(value, hipaa_functions.mail_pattern(), '$3')
            || '-' || (
                locate(
                    lower(hipaa_functions.rewritten(value, hipaa_functions.mail_pattern(), '$2')),
                    'janfebmaraprmayjunjulaugsepoctnovdec'
                ) + 2
            ) div 3
            || '-' || hipaa_functions.rewritten(value, hipaa_functions.mail_pattern(), '$1 $4|$5')
    when hipaa_functions.matches_whole(value, '-?[1-9][0-9]{7,9}') and hipaa_functions.may_be_milliseconds(value) then null
    else cast(hipaa_functions.moment_of_number(value) as string)
end;

-- Day and time of a moment without its offset.
create function hipaa_functions.as_written(value string) returns timestamp_ntz
return try_cast(rtrim(translate(split_part(value, '|', 1), ',/', '.-')) as timestamp_ntz);

-- The offset of a moment, in minutes.
create function hipaa_functions.minutes_of_offset(zone string) returns int
return case when zone like '-%' then -1 else 1 end
    * (
        60 * coalesce(try_cast(nullif(substr(zone, 2, 2), '') as int), 0)
        + coalesce(try_cast(nullif(substr(zone, 4, 2), '') as int), 0)
    );

-- The moment itself, in UTC.
create function hipaa_functions.in_utc(moment string) returns timestamp_ntz
return timestampadd(
    minute,
    -hipaa_functions.minutes_of_offset(replace(split_part(moment, '|', 2), ':', '')),
    hipaa_functions.as_written(moment)
);

-- Whether a time has the usual form, which is quick to read.
create function hipaa_functions.is_usual_time(value string) returns boolean
return value rlike r'^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z\z';

-- A text to a timestamp in UTC; one without an offset is taken for UTC.
create function hipaa_functions.as_timestamp(value string) returns timestamp_ntz
return coalesce(
    case when hipaa_functions.is_usual_time(value) then try_cast(left(value, length(value) - 1) as timestamp_ntz) end,
    -- An argument is evaluated first: so it is null where it is not needed.
    hipaa_functions.in_utc(
        hipaa_functions.moment(
            hipaa_functions.trimmed(case when not hipaa_functions.is_usual_time(value) then value end)
        )
    )
);

-- Whether a day has the usual form.
create function hipaa_functions.is_usual_day(value string) returns boolean
return value rlike r'^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}\z';

-- A text to the day that it names, whatever its offset.
create function hipaa_functions.as_date(value string) returns date
return coalesce(
    case when hipaa_functions.is_usual_day(value) then try_cast(value as date) end,
    cast(
        hipaa_functions.as_written(
            hipaa_functions.moment(
                hipaa_functions.trimmed(case when not hipaa_functions.is_usual_day(value) then value end)
            )
        ) as date
    )
);

-- The first of two texts that is a time.
create function hipaa_functions.first_time(one string, other string) returns timestamp_ntz
return coalesce(hipaa_functions.as_timestamp(one), hipaa_functions.as_timestamp(other));

-- The same of JSON texts.
create function hipaa_functions.first_time_of_json(one string, other string) returns timestamp_ntz
return hipaa_functions.first_time(hipaa_functions.scalar_text(one), hipaa_functions.scalar_text(other));

-- A time, or null where it can't be: before there were such calls, or well after it was received.
-- The latter is given in microseconds since 1970, as run numbers are.
create function hipaa_functions.possible_time(
    value timestamp_ntz, received_us bigint, earliest string, ahead_us bigint
) returns timestamp_ntz
return case
    when value between try_cast(earliest as timestamp_ntz)
        and hipaa_functions.moment_of_microseconds(received_us + ahead_us) then value
end;

-- A time in microseconds since 1970.
create function hipaa_functions.microseconds_of(value timestamp_ntz) returns bigint
return timestampdiff(microsecond, timestamp_ntz '1970-01-01 00:00:00', value);

-- A time, less what lies between two others; null where the three give none.
create function hipaa_functions.time_before(
    value timestamp_ntz, earlier timestamp_ntz, later timestamp_ntz
) returns timestamp_ntz
return timestampadd(microsecond, timestampdiff(microsecond, later, earlier), value);

-- Data types -----------------------------------------------------------------------------------
-- Null where the text does not fit, and never an error that quotes it. Blanks around it say nothing.

-- A whole number without blanks around it.
create function hipaa_functions.integer_written(value string) returns bigint
return case when value rlike r'^[+-]?[0-9]+\z' then try_cast(value as bigint) end;

-- A whole number.
create function hipaa_functions.as_integer(value string) returns bigint
return hipaa_functions.integer_written(hipaa_functions.trimmed(value));

-- A number that has an end; null for any other.
create function hipaa_functions.if_finite(value double) returns double
return case when abs(value) < double('Infinity') then value end;

-- A number without blanks around it.
create function hipaa_functions.number_text_as_double(value string) returns double
return hipaa_functions.if_finite(
    case
        when value rlike r'^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\z' then try_cast(value as double)
    end
);

-- A number that has an end.
create function hipaa_functions.as_number(value string) returns double
return hipaa_functions.number_text_as_double(hipaa_functions.trimmed(value));

-- `true`, `1`, `yes`; `false`, `0`, `no`; in any case.
create function hipaa_functions.as_boolean(value string) returns boolean
return case
    when hipaa_functions.matches_whole(
        value, '(?i)[' || hipaa_functions.blank_characters() || ']*(?:true|1|yes)[' || hipaa_functions.blank_characters() || ']*'
    )
        then true
    when hipaa_functions.matches_whole(
        value, '(?i)[' || hipaa_functions.blank_characters() || ']*(?:false|0|no)[' || hipaa_functions.blank_characters() || ']*'
    )
        then false
end;

-- Treatments -----------------------------------------------------------------------------------
-- The result is text; what does not fit the treatment is null.

-- A date or timestamp to its year. Related to 45 CFR 164.514(b)(2)(i)(C).
create function hipaa_functions.to_year(value string) returns string
return coalesce(
    hipaa_functions.pattern_group(hipaa_functions.trimmed(value), '([1-9][0-9]{3})(?:-(?:0[1-9]|1[0-2]))?', 1),
    substr(cast(hipaa_functions.as_date(value) as string), 1, 4)
);

-- A year of birth, or the one that the oldest people share.
create function hipaa_functions.capped_year(year bigint, this_year int) returns string
return case when year <= this_year then cast(greatest(year, this_year - 90) as string) end;

-- A birth date to its year; people who are or turn 90 this year, or are older, share one.
create function hipaa_functions.to_birth_year(value string, this_year int) returns string
return hipaa_functions.capped_year(try_cast(hipaa_functions.to_year(value) as bigint), this_year);

-- A date or timestamp to yyyy-mm (ISO 8601). Finer than Safe Harbor allows.
create function hipaa_functions.to_month(value string) returns string
return coalesce(
    hipaa_functions.pattern_group(hipaa_functions.trimmed(value), '([1-9][0-9]{3}-(?:0[1-9]|1[0-2]))', 1),
    substr(cast(hipaa_functions.as_date(value) as string), 1, 7)
);

-- An area of ZIP codes; 000 if it is one of the small ones. Without a list of small areas any may be one.
create function hipaa_functions.unless_small(area string, small_areas array<string>) returns string
return case
    when cardinality(small_areas) = 0 or array_contains(small_areas, area) then nvl2(area, '000', null)
    when not array_contains(small_areas, area) then area
end;

-- The first three digits of a ZIP code without blanks around it.
create function hipaa_functions.zip3_written(value string) returns string
return coalesce(
    hipaa_functions.pattern_group(value, '([0-9]{3})(?:[0-9]{2}(?:[- ]?[0-9]{4})?)?', 1),
    '0' || hipaa_functions.pattern_group(value, '([0-9]{2})[0-9]{2}(?:-[0-9]{4})?', 1)
);

-- The first three digits of a ZIP or ZIP+4 code; 000 for the areas where 20,000 people or fewer
-- live, which small_zip3_areas.csv lists. Related to 45 CFR 164.514(b)(2)(i)(B).
create function hipaa_functions.to_zip3(value string, small_areas array<string>) returns string
return hipaa_functions.unless_small(hipaa_functions.zip3_written(hipaa_functions.trimmed(value)), small_areas);

-- An age in whole years, 90 and over as 90; no age below 0 or above 130.
create function hipaa_functions.capped_age(age double) returns string
return case when age >= 0 and age < 131 then cast(cast(floor(least(age, 90)) as int) as string) end;

-- An age in whole years, 90 and over (also written `90+`) as 90; no age below 0 or above 130.
-- Related to 45 CFR 164.514(b)(2)(i)(C).
create function hipaa_functions.to_age_cap(value string) returns string
return hipaa_functions.capped_age(
    hipaa_functions.number_text_as_double(
        regexp_replace(hipaa_functions.trimmed(value), r'^(9[0-9]|1[0-9]{2})[+]\z', '$1')
    )
);

-- Digits with the point where an exponent of ten has it; a number without decimals ends in `.0`.
create function hipaa_functions.positional(digits string, exponent int) returns string
return case
    when exponent < 0 then '0.' || repeat('0', -exponent - 1) || digits
    when length(digits) <= exponent + 1 then rpad(digits, exponent + 1, '0') || '.0'
    else left(digits, exponent + 1) || '.' || substr(digits, exponent + 2)
end;

-- The first digit, and the others after a point.
create function hipaa_functions.mantissa(digits string) returns string
return left(digits, 1) || case when length(digits) > 1 then '.' || substr(digits, 2) else '' end;

-- The text of a double of 15 digits or fewer, as DuckDB writes it: an exponent below 10^-4. Java before 19
-- does not always write the shortest.
create function hipaa_functions.double_text_of_parts(sign string, digits string, exponent int) returns string
return case
    when digits = '' then '0.0'
    when exponent >= -4 then sign || hipaa_functions.positional(digits, exponent)
    else sign || hipaa_functions.mantissa(digits) || 'e-' || lpad(cast(-exponent as string), 2, '0')
end;

-- The same of a whole number of units, of which 10^decimals are 1.
create function hipaa_functions.double_text_of_units(units bigint, decimals int) returns string
return hipaa_functions.double_text_of_parts(
    case when units < 0 then '-' else '' end,
    rtrim('0', cast(abs(units) as string)),
    length(cast(abs(units) as string)) - 1 - decimals
);

-- A number rounded to a whole one, halves away from 0.
create function hipaa_functions.whole(value double) returns double
return rint(value) + case
    when abs(value - rint(value)) = 0.5 and abs(rint(value)) < abs(value) then signum(value) else 0
end;

-- A whole number of 15 digits or fewer; null for any other.
create function hipaa_functions.if_short(value double) returns bigint
return case when abs(value) < 1e15 then try_cast(value as bigint) end;

-- A number rounded to the nearest multiple of a step, in units of the last of its decimals: the second
-- rounding takes off what 3 * 0.1 leaves behind. A number of more than 15 digits has no such text.
create function hipaa_functions.to_round(value string, step double, decimals int) returns string
return hipaa_functions.double_text_of_units(
    hipaa_functions.if_short(
        hipaa_functions.whole(
            hipaa_functions.whole(hipaa_functions.as_number(value) / step) * step * power(10, decimals)
        )
    ),
    decimals
);

-- The first characters of a text.
create function hipaa_functions.to_truncate(value string, characters int) returns string
return left(value, characters);

-- Web and network addresses. Sources: RFC 3986 for the parts of a URL, RFC 5321 section 2.3.5 for
-- domains, RFC 6454 for origins; 45 CFR 164.514(b)(2)(i)(F), (N) and (O) for why.

-- Groups: 1 scheme, 2 host, 3 port, 4 path. User information matches no group. Java's `\s` has one
-- character more.
create function hipaa_functions.url_pattern() returns string
return r'[ \t\n\f\r]*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@ \t\n\f\r]*@)?([^/?#@: \t\n\f\r\[\]]+|\[[0-9A-Fa-f:.]+\])'
    || r'(?::([0-9]{1,5}))?(/[^?# \t\n\f\r]*)?(?:[?#](?s:.*))?[ \t\n\f\r]*';

-- The host of an e-mail address or URL, lower-case.
create function hipaa_functions.host(value string) returns string
return hipaa_functions.lowered(
    regexp_replace(
        coalesce(
            hipaa_functions.pattern_group(value, r'[ \t\n\f\r]*[^@ \t\n\f\r/]+@([^@ \t\n\f\r/:?#]+)[ \t\n\f\r]*', 1),
            hipaa_functions.pattern_group(value, hipaa_functions.url_pattern(), 2)
        ),
        r'\.+\z',
        ''
    )
);

-- A host that is a domain; null for an IP address. A label begins with no hyphen, and ends with a letter or
-- digit if it has more than one character.
create function hipaa_functions.if_domain(host string) returns string
return case
    when host rlike r'^[a-z0-9._-]+\z'
        and not host rlike r'(?:^|\.)(?:[-.]|\z)|[a-z0-9_-][_-](?:\.|\z)|^[0-9.]+\z'
        then host
end;

-- The domain of an e-mail address or URL. An IP address is no domain: null.
create function hipaa_functions.to_domain(value string) returns string
return hipaa_functions.if_domain(hipaa_functions.host(value));

-- The path of a URL, or of a reference that starts with one slash: no query, no fragment.
create function hipaa_functions.to_url_path(value string) returns string
return case
    when hipaa_functions.matches_whole(value, hipaa_functions.url_pattern())
        then coalesce(nullif(hipaa_functions.rewritten(value, hipaa_functions.url_pattern(), '$4'), ''), '/')
    else hipaa_functions.pattern_group(
        value, r'[ \t\n\f\r]*(/(?:[^/?# \t\n\f\r][^?# \t\n\f\r]*)?)(?:[?#](?s:.*))?[ \t\n\f\r]*', 1
    )
end;

-- Scheme, host and port of a URL, lower-case: no user, path, query or fragment.
create function hipaa_functions.to_url_origin(value string) returns string
return case
    when hipaa_functions.matches_whole(value, hipaa_functions.url_pattern())
        then hipaa_functions.lowered(hipaa_functions.rewritten(value, hipaa_functions.url_pattern(), '$1://$2'))
            || coalesce(':' || nullif(hipaa_functions.rewritten(value, hipaa_functions.url_pattern(), '$3'), ''), '')
end;

-- An IPv4 address, alone or within IPv6, a port let be. Its group has the network.
create function hipaa_functions.ipv4_pattern() returns string
return r'(?:::ffff:)?((?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
    || r'\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]))\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?::[0-9]{1,5})?';

-- The /24 of an IPv4 address given as two numbers of 16 bits.
create function hipaa_functions.ipv4_network_of_numbers(one int, other int) returns string
return (one div 256) || '.' || (one % 256) || '.' || (other div 256) || '.0/24';

-- The same as two hexadecimal numbers.
create function hipaa_functions.ipv4_network(one string, other string) returns string
return hipaa_functions.ipv4_network_of_numbers(
    try_cast(conv(one, 16, 10) as int), try_cast(conv(other, 16, 10) as int)
);

-- The parts before and after `::`, with those that it stands for; null where their number is wrong.
create function hipaa_functions.ipv6_parts_with(
    head array<string>, tail array<string>, has_gap boolean
) returns array<string>
return case
    when has_gap = (cardinality(head) + cardinality(tail) < 8)
        then concat(head, array_repeat('0', greatest(8 - cardinality(head) - cardinality(tail), 0)), tail)
end;

-- The parts of an IPv6 address whose parts have no leading zeros, those that `::` stands for included.
create function hipaa_functions.ipv6_parts_of_short(value string) returns array<string>
return hipaa_functions.ipv6_parts_with(
    array_remove(split(split_part(value, '::', 1), ':'), ''),
    array_remove(split(split_part(value, '::', 2), ':'), ''),
    contains(value, '::')
);

-- The parts of an IPv6 address, without leading zeros, those that `::` stands for included; null
-- where a text is none.
create function hipaa_functions.ipv6_parts(value string) returns array<string>
return hipaa_functions.ipv6_parts_of_short(
    case
        when value rlike r'^(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*+)?(?:::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*+)?)?\z'
            then regexp_replace(value, r'(^|:)0+(?=[0-9a-f])', '$1')
    end
);

-- The network of the parts of an IPv6 address.
create function hipaa_functions.network_of_parts(parts array<string>) returns string
return case
    when cardinality(parts) <> 8 then null
    when array_join(slice(parts, 1, 6), ':') = '0:0:0:0:0:ffff'
        then hipaa_functions.ipv4_network(get(parts, 6), get(parts, 7))
    when get(parts, 0) = '2002' then hipaa_functions.ipv4_network(get(parts, 1), get(parts, 2))
    else array_join(slice(parts, 1, 3), ':') || '::/48'
end;

-- The /48 of an IPv6 address. IPv4 within IPv6 (mapped, RFC 4291; 6to4, RFC 3056) is IPv4: a /48 of
-- the latter would hold all of it.
create function hipaa_functions.ipv6_network(value string) returns string
return hipaa_functions.network_of_parts(hipaa_functions.ipv6_parts(value));

-- The network of one address.
create function hipaa_functions.network_of_address(value string) returns string
return coalesce(
    hipaa_functions.pattern_group(value, hipaa_functions.ipv4_pattern(), 1) || '.0/24',
    hipaa_functions.ipv6_network(
        case
            when not hipaa_functions.matches_whole(value, hipaa_functions.ipv4_pattern())
                then regexp_replace(value, r'^(?:\[([0-9a-f:]*)\](?::[0-9]{1,5})?|([0-9a-f:]*))\z', '$1$2')
        end
    )
);

-- The network of an IP address: /24 of IPv4, /48 of IPv6 (RFC 4291, written as RFC 5952 has it but
-- for runs of zeros). A port is passed over, and of several addresses, as X-Forwarded-For has them,
-- the first counts. Related to 45 CFR 164.514(b)(2)(i)(O), which takes the whole address away.
create function hipaa_functions.to_ip_prefix(value string) returns string
return hipaa_functions.network_of_address(
    hipaa_functions.trimmed(hipaa_functions.lowered(split_part(value, ',', 1)))
);

-- Normalisation: one spelling of an identifier, so that one person has one token. docs/values.md ---

-- In small letters.
create function hipaa_functions.normalized_lower(value string) returns string
return hipaa_functions.lower_cased(value);

-- An e-mail address: composed (NFC), in small letters, without blanks around it.
create function hipaa_functions.normalized_email(value string) returns string
return hipaa_functions.composed(
    hipaa_functions.lower_cased(
        hipaa_functions.composed(hipaa_functions.trimmed(hipaa_functions.without_invisible(value)))
    )
);

-- Digits of every script that telephone numbers come in, as ASCII; 0 to 9 in each.
create function hipaa_functions.ascii_digits(value string) returns string
return translate(value, '０１２３４５６７８９＋٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '0123456789+01234567890123456789');

-- What stands between the digits of a telephone number.
create function hipaa_functions.phone_separators() returns string
return r'\p{Z}\t()./\x{2010}-\x{2015}\x{2212}\x{ff0d}-';

-- What follows the number of an extension: `ext. 12`, `x12`, `,,12`.
create function hipaa_functions.extension_pattern() returns string
return '(?:[,;' || hipaa_functions.phone_separators()
    || r']*(?:(?:[xX]|[eE][xX][tT](?:[nN]|[eE][nN][sS][iI][oO][nN])?|#)[.:=#\p{Z}\t]*[0-9]{1,7}|,[0-9]{1,5})[#)]?)?';

-- What stands between two digits, as two characters: a pattern would read a long run of them again and again.
create function hipaa_functions.short_separators(value string) returns string
return regexp_replace(
    value,
    '(?<=[0-9])[' || hipaa_functions.phone_separators() || ']+([' || hipaa_functions.phone_separators() || '])',
    ' $1'
);

-- The same as `dialled` of a text that was made plain.
create function hipaa_functions.dialled_of_written(written string) returns string
return case
    when not written rlike r'\([0\p{Z}]+\)' then regexp_replace(
        hipaa_functions.pattern_group(
            hipaa_functions.short_separators(written),
            r'(?:[Tt][Ee][Ll]:)?((?:[+(]|\+\(|\(\+)?[0-9][0-9' || hipaa_functions.phone_separators()
                || r']*?)(?:\.0)?' || hipaa_functions.extension_pattern(),
            1
        ),
        '[^0-9+]',
        ''
    )
end;

-- Digits and plus sign of a telephone number, an extension left off; null where it is none for
-- certain, such as one with letters. A number that has been a decimal one ends in `.0`; `(0)` is
-- dialled from some places and left out from others.
create function hipaa_functions.dialled(value string) returns string
return hipaa_functions.dialled_of_written(
    hipaa_functions.trimmed(hipaa_functions.ascii_digits(hipaa_functions.without_invisible(value)))
);

-- The digits of a number as it is dialled, without the prefix of international calls.
create function hipaa_functions.phone_of_dialled(number string) returns string
return case
    when number rlike r'^(?:(?:[+]|00)?[1-9][0-9]{6,14}|0[1-9][0-9]{5,13})\z' then regexp_replace(number, '^(?:[+]|00)', '')
end;

-- The digits of a telephone number, without the prefix of international calls.
create function hipaa_functions.normalized_phone(value string) returns string
return hipaa_functions.phone_of_dialled(hipaa_functions.dialled(value));

-- The same in country 1.
create function hipaa_functions.phone_1_of_dialled(number string) returns string
return case
    when number rlike r'^(?:[+]|00|011)?1[2-9][0-9]{9}\z' then '1' || right(number, 10)
    when number rlike r'^[2-9][0-9]{9}\z' then '1' || number
    when number rlike r'^(?:[+]|00|011)[2-9][0-9]{6,14}\z' then regexp_replace(number, '^(?:[+]|00|011)', '')
end;

-- As people of the North American plan write theirs (country 1): ten digits are such a number, and
-- it begins with 1.
create function hipaa_functions.normalized_phone_1(value string) returns string
return hipaa_functions.phone_1_of_dialled(hipaa_functions.dialled(value));

-- The guard: what identifiers look like -----------------------------------------------------------
-- Used twice: on what goes into the masked tables, and to test the destination views. docs/guard.md
-- measures what the patterns find and what they miss.

-- Blanks and hyphens as people and word processors write them: the no-break space, and U+2010 to
-- U+2013.
create function hipaa_functions.wide_separators() returns string
return r'\x{a0}\x{2010}-\x{2013}';

-- One of these, or a dot, between two groups of digits.
create function hipaa_functions.separator_or_dot() returns string
return '[-. ' || hipaa_functions.wide_separators() || ']';

-- What may stand between a label and its number: `MRN no. 12345`, `"mrn": "12345"`.
create function hipaa_functions.after_label() returns string
return '[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?';

-- An e-mail address, its @ as it is or as a URL has it: up to the first label that may be the last one, or
-- to another `%40`, from where it is looked for again.
create function hipaa_functions.email_pattern() returns string
return r'[^ \t\n\f\r@"\x27(),:;<>\[\]](@|%40)[^ \t\n\f\r@"\x27(),:;<>\[\]/?#&=.](?:(?!%40[^ \t\n\f\r@"\x27(),:;<>\[\]/?#&=.])[^ \t\n\f\r@"\x27(),:;<>\[\]/?#&=.])*+'
    || r'(?:\.(?![^ \t\n\f\r@"\x27(),:;<>\[\]/?#&=.0-9_-]{2})(?:(?!%40[^ \t\n\f\r@"\x27(),:;<>\[\]/?#&=.])[^ \t\n\f\r@"\x27(),:;<>\[\]/?#&=.])++)*+'
    || r'\.[^ \t\n\f\r@"\x27(),:;<>\[\]/?#&=.0-9_-]{2}';

-- A telephone number: grouped, with a plus sign, ten digits that are all there is, or labelled.
create function hipaa_functions.phone_pattern() returns string
return concat_ws(
    '|',
    r'(^|[^0-9A-Za-z])(\+?1' || hipaa_functions.separator_or_dot() || r'?)?(\([2-9][0-9]{2}\)'
        || hipaa_functions.separator_or_dot() || '?|[2-9][0-9]{2}(' || hipaa_functions.separator_or_dot()
        || '|/))[0-9]{3}' || hipaa_functions.separator_or_dot() || r'[0-9]{4}([^0-9A-Za-z]|[xX][0-9]|[Ee]xt|\z)',
    r'(^|[^0-9A-Za-z+])\+[1-9][0-9]{0,2}(\.[0-9]{2,4}){3,6}([^0-9]|\z)',
    r'(^|[^0-9A-Za-z+])\+[1-9]([- ()' || hipaa_functions.wide_separators() || r']{0,2}[0-9]){7,14}([^0-9]|\z)',
    r'(^|[\[{:,])[ \t\n\f\r]*+"?+[ \t\n\f\r]*+1?[2-9][0-9]{2}[2-9][0-9]{6}(\.0++)?+[ \t\n\f\r]*+"?+[ \t\n\f\r]*+([\]}:,]|\z)',
    '([Pp]hone|PHONE|[Mm]obile|MOBILE|(^|[^A-Za-z])([Tt]el|TEL|[Ff]ax|FAX))' || hipaa_functions.after_label()
        || r'[0-9]{10,15}([^0-9A-Za-z]|\z)'
);

-- A Social Security number, grouped or labelled.
create function hipaa_functions.ssn_pattern() returns string
return concat_ws(
    '|',
    '(^|[^0-9A-Za-z.-])[0-9]{3}' || hipaa_functions.separator_or_dot() || '[0-9]{2}'
        || hipaa_functions.separator_or_dot() || r'[0-9]{4}([^0-9A-Za-z-]|\z)',
    '([Ss][Ss][Nn]|[Ss]ocial[ _-]?[Ss]ecurity)' || hipaa_functions.after_label() || hipaa_functions.after_label()
        || '([0-9]{3}' || hipaa_functions.separator_or_dot() || '?[0-9]{2}' || hipaa_functions.separator_or_dot()
        || r'?[0-9]{4}|[0-9]{7,8}([^0-9]|\z))'
);

-- The number of a medical record, a patient or a chart, labelled.
create function hipaa_functions.mrn_pattern() returns string
return concat_ws(
    '|',
    r'(^|[^A-Za-z])[Mm]\.?[Rr]\.?[Nn]\.?' || hipaa_functions.after_label()
        || '[A-Za-z]{0,3}[-_ ]?[0-9]([-. ]?[0-9]){3}',
    '(^|[^A-Za-z])([Mm]edical[ _-]?[Rr]ecord|MEDICAL RECORD|[Pp]atients?|PATIENT|[Cc]hart[ _-]?([Nn]o|[Nn]umber|#)|MR ?#)'
        || hipaa_functions.after_label() || '[A-Za-z]{0,3}[-_ ]?[0-9]{5,}'
);

-- A number of an IPv4 address.
create function hipaa_functions.octet() returns string
return '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';

-- Such a number of two or three digits.
create function hipaa_functions.long_octet() returns string
return '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])';

-- Such a number other than 0.
create function hipaa_functions.octet_but_0() returns string
return '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)';

-- Four single digits are a version more often than an address, and one with three zeros at its end
-- is a version of Chrome, or a network. Behind the name of a product stands its version:
-- `Whale/3.24.223.21`. Names of hosts begin with a small letter, or have digits, dots or hyphens.
create function hipaa_functions.ip_pattern() returns string
return concat_ws(
    '|',
    '((^|[^0-9A-Za-z./])|(^|[^A-Za-z_])([a-z][A-Za-z_]*|[A-Z_]*)/)(' || concat_ws(
        '|',
        concat_ws(r'\.', hipaa_functions.octet(), hipaa_functions.long_octet(), hipaa_functions.octet(), hipaa_functions.octet()),
        concat_ws(r'\.', hipaa_functions.long_octet(), hipaa_functions.octet_but_0(), hipaa_functions.octet(), hipaa_functions.octet()),
        concat_ws(r'\.', hipaa_functions.octet(), hipaa_functions.octet(), hipaa_functions.long_octet(), hipaa_functions.octet()),
        concat_ws(r'\.', hipaa_functions.long_octet(), '0', hipaa_functions.octet_but_0(), hipaa_functions.octet()),
        concat_ws(r'\.', hipaa_functions.octet(), hipaa_functions.octet(), hipaa_functions.octet(), hipaa_functions.long_octet()),
        concat_ws(r'\.', hipaa_functions.long_octet(), '0', '0', hipaa_functions.octet_but_0())
    ) || r')\.?([^0-9A-Za-z.]|\z)',
    '(^|[^0-9A-Za-z:.])(([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|([0-9A-Fa-f]{1,4}:){2,6}(:[0-9A-Fa-f]{1,4}){1,5}'
        || r'|[0-9A-Fa-f]{1,4}:(:[0-9A-Fa-f]{1,4}){2,6}|([0-9A-Fa-f]{1,4}:){2,7}:)([^0-9A-Za-z:]|\z)'
);

-- A URL, or part of one, with a query: up to another beginning, from where it is looked for again.
create function hipaa_functions.url_query_pattern() returns string
return concat_ws(
    '|',
    r'://[^ \t\n\f\r?"<>](?:(?!://[^?])[^ \t\n\f\r?"<>])*+\?[^ \t\n\f\r"<>]',
    r'www\.[^ \t\n\f\r?"](?:(?!www\.[^?])[^ \t\n\f\r?"])*+\?[^ \t\n\f\r"]',
    r'(^|[ \t\n\f\r"]|/[^ \t\n\f\r?"/]*+)\?[^ \t\n\f\r?#=&"]++='
);

-- Java tries each alternative of a pattern at each place of a text: what the patterns can't do without is
-- looked for first, and there is none for all kinds.

-- Whether a text holds an e-mail address.
create function hipaa_functions.is_email_like(value string) returns boolean
return (contains(value, '@') or contains(value, '%40')) and value rlike hipaa_functions.email_pattern();

-- Whether a text holds a telephone number.
create function hipaa_functions.is_phone_like(value string) returns boolean
return value rlike (r'(?=[+0-9])(?:[0-9]{3}' || hipaa_functions.separator_or_dot() || r'[0-9]{4}|[0-9]{10}|\+[1-9])')
    and value rlike hipaa_functions.phone_pattern();

-- Whether a text holds a Social Security number.
create function hipaa_functions.is_ssn_like(value string) returns boolean
return value rlike ('(?=[0-9Ss])(?:[0-9]{2}' || hipaa_functions.separator_or_dot() || '[0-9]{4}|[Ss][Ss][Nn]|[Ss]ecurity)')
    and value rlike hipaa_functions.ssn_pattern();

-- Whether a text holds the number of a medical record.
create function hipaa_functions.is_mrn_like(value string) returns boolean
return value rlike '[0-9](?:[-. ]?[0-9]){3}'
    and value rlike r'(?=[CMPcmp])(?:[Mm](?:\.?[Rr]|edical)|MEDICAL|[Pp]atient|PATIENT|[Cc]hart)'
    and value rlike hipaa_functions.mrn_pattern();

-- Whether a text holds an IP address.
create function hipaa_functions.is_ip_like(value string) returns boolean
return value rlike r'(?=[0-9A-Fa-f])(?:[0-9]\.[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]:[0-9A-Fa-f]{0,4}:)' and value rlike hipaa_functions.ip_pattern();

-- Whether a text holds a URL with a query.
create function hipaa_functions.is_url_query_like(value string) returns boolean
return contains(value, '?') and value rlike hipaa_functions.url_query_pattern();

-- Whether one of some numbers, each in angle brackets, begins as an issuer's does and passes the check of
-- ISO/IEC 7812-1 (Luhn). No lambda: a function that has one can't be an argument of another. Every
-- second digit from the right is written twice, from 5 on with a 1 beside it, for 9 taken off is 1
-- added; then each digit as so many strokes, of which ten are none.
create function hipaa_functions.has_card_number(numbers string) returns boolean
return contains(
    regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            regexp_replace(
                                regexp_replace(
                                    regexp_replace(
                                        regexp_replace(
                                            numbers,
                                            '<(?!(?:4[0-9]{12}|3[0-9]{13}|[1-3][0-9]{14}|[2-6][0-9]{15,18})>)[0-9]*>',
                                            ''
                                        ),
                                        '([0-9])(?=[0-9](?:[0-9]{2})*>)',
                                        '$1d'
                                    ),
                                    '([5-9])d',
                                    '1$1$1'
                                ),
                                '([0-4])d',
                                '$1$1'
                            ),
                            '([13579])',
                            '$1|'
                        ),
                        '([2367])',
                        '$1||'
                    ),
                    '([4-7])',
                    '$1||||'
                ),
                '([89])',
                '$1||||||||'
            ),
            '[0-9]',
            ''
        ),
        r'\|{10}',
        ''
    ),
    '<>'
);

-- The same of one number.
create function hipaa_functions.is_card_of_issuer(number string) returns boolean
return hipaa_functions.has_card_number(
    case when number rlike r'^[0-9]{13,19}\z' then '<' || number || '>' else left(number, 0) end
);

-- The numbers of 13 to 19 digits in a text, each in angle brackets.
create function hipaa_functions.long_numbers(value string) returns string
return '<' || regexp_replace(
    array_join(
        concat(
            regexp_extract_all(value, r'(?:^|[^0-9A-Za-z.-])([0-9](?:[ -]?[0-9]){12,18})(?:[^0-9A-Za-z-]|\z)', 1),
            regexp_extract_all(
                value,
                r'(?:^|[^0-9A-Za-z.-])([0-9]{16}|[0-9]{4}(?:[ .-]{1,2}[0-9]{4}){3}|3[0-9]{3}[ .-]{0,2}[0-9]{6}[ .-]{0,2}[0-9]{4,5})'
                    || r'(?:[^0-9A-Za-z-]|\z)',
                1
            )
        ),
        '><'
    ),
    '[ .-]',
    ''
) || '>';

-- Whether a text holds the number of a payment card: 13 to 19 digits, however they stand, blanks and
-- hyphens between them let be; and in the usual groups, where more digits may follow.
create function hipaa_functions.is_card_like(value string) returns boolean
return coalesce(
    hipaa_functions.has_card_number(
        hipaa_functions.long_numbers(case when value rlike '[0-9]([ .-]{0,2}[0-9]){12}' then value end)
    ),
    false
);

-- Whether a text looks like, or holds, an identifier of any kind but payment cards, which need arithmetic.
create function hipaa_functions.holds_identifier(value string) returns boolean
return hipaa_functions.is_email_like(value)
    or hipaa_functions.is_phone_like(value)
    or hipaa_functions.is_ssn_like(value)
    or hipaa_functions.is_mrn_like(value)
    or hipaa_functions.is_ip_like(value)
    or hipaa_functions.is_url_query_like(value);

-- Whether a text is worth a closer look.
create function hipaa_functions.may_be_identifier(value string) returns boolean
return hipaa_functions.holds_identifier(value) or value rlike '[0-9](?:[ .-]{0,2}[0-9]){12}';

-- Whether a text looks like, or holds, an identifier of any kind.
create function hipaa_functions.looks_like_identifier(value string) returns boolean
return hipaa_functions.holds_identifier(value) or hipaa_functions.is_card_like(value);

-- A text, or null where it looks like an identifier: free text can hold one that nobody expected.
create function hipaa_functions.guarded(value string) returns string
return case when hipaa_functions.looks_like_identifier(value) then null else value end;

-- How many values a guard took: a number, never a value. `before` is what there was.
create function hipaa_functions.taken(before string, after string) returns bigint
return cast(case when before is not null and after is null then 1 else 0 end as bigint);

-- How many elements of a list are not null.
create function hipaa_functions.present(texts array<string>) returns int
return cardinality(texts) - length(array_join(texts, '', '-')) + length(array_join(texts, ''));

-- The same of a list.
create function hipaa_functions.taken_of_list(before array<string>, after array<string>) returns bigint
return cast(coalesce(hipaa_functions.present(before) - hipaa_functions.present(after), 0) as bigint);

-- How many values look like an identifier, where nothing is taken.
create function hipaa_functions.suspected(value string) returns bigint
return cast(case when hipaa_functions.looks_like_identifier(value) then 1 else 0 end as bigint);

-- The same of a list.
create function hipaa_functions.suspected_of_list(texts array<string>) returns bigint
return (
    select count(*) from explode(texts) as listed (element) where hipaa_functions.looks_like_identifier(element)
);
