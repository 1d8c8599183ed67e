-- The functions of duckdb.sql as Spark has them, with the same results. What a function is for,
-- duckdb.sql says; here stands what is otherwise on Spark.
--
-- Each is a temporary function of the session, so nobody else can replace it, and is called
-- `hipaa_functions__` with its name there: engines/spark.py writes statements so before they run.
-- Spark puts its body in the place of its call, and evaluates an argument once, whether the body
-- needs it or not. A function within a lambda is refused: what a list needs is written there, and
-- what does not depend on the element is an argument.
--
-- A statement ends with `;` at the end of a line, and nothing else does. Patterns are raw
-- literals, r'\d': in others a backslash escapes. They are Java's: `$` matches before a line break
-- too, so `\z` ends a text; `(…)*` of long texts needs a possessive `*+`, or the stack overflows;
-- classes of Unicode and `\s` are spelled out, since engines differ.

-- Blanks and letters ---------------------------------------------------------------------------

-- What nobody sees at the ends of a text: blanks of every kind, as in hipaa_mode.masking.
create function hipaa_functions.blank_characters() returns string return r'\p{Z}\x09-\x0d\x1c-\x1f\x85';

-- A text without the blanks around it. What is looked behind for keeps a long blank from being read
-- again from each of its places.
create function hipaa_functions.trimmed(value string) returns string
return regexp_replace(
    value,
    '^[' || hipaa_functions.blank_characters() || ']+|(?<![' || hipaa_functions.blank_characters() || '])['
        || hipaa_functions.blank_characters() || r']+\z',
    ''
);

-- Without characters that nobody sees, which copying leaves behind.
create function hipaa_functions.without_invisible(value string) returns string
return regexp_replace(value, r'[\x{ad}\x{34f}\x{61c}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}]', '');

-- Small letters by Unicode's simple mapping, one character at a time.
create function hipaa_functions.lowered(value string) returns string
return lower(translate(value, '\u0130\u03a3', 'i\u03c3'));

-- The same, and a sigma at a word's end as any other.
create function hipaa_functions.lower_cased(value string) returns string
return translate(hipaa_functions.lowered(value), '\u03c2', '\u03c3');

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

-- The shortest text `d.ddde+xx` that reads as a double. Java before 19 does not write the shortest.
create function hipaa_functions.scientific(value double) returns string
return case
    when try_cast(format_string('%.14e', value) as double) = value then format_string('%.14e', value)
    when try_cast(format_string('%.15e', value) as double) = value then format_string('%.15e', value)
    else format_string('%.16e', value)
end;

-- Digits with the point where an exponent of ten has it; a number without decimals ends in `.0`.
create function hipaa_functions.positional(digits string, exponent int) returns string
return case
    when digits = '' then '0.0'
    when exponent < 0 then '0.' || repeat('0', -exponent - 1) || digits
    when length(digits) <= exponent + 1 then rpad(digits, exponent + 1, '0') || '.0'
    else left(digits, exponent + 1) || '.' || substr(digits, exponent + 2)
end;

-- The first digit, and the others after a point.
create function hipaa_functions.mantissa(digits string) returns string
return left(digits, 1) || case when length(digits) > 1 then '.' || substr(digits, 2) else '' end;

-- The text of a double of its sign, digits and exponent: an exponent below 10^-4 and from 10^16 on.
create function hipaa_functions.double_text_of_parts(sign string, digits string, exponent int) returns string
return sign || case
    when exponent between -4 and 15 then hipaa_functions.positional(digits, exponent)
    else hipaa_functions.mantissa(digits) || 'e' || case when exponent < 0 then '-' else '+' end
        || lpad(cast(abs(exponent) as string), greatest(length(cast(abs(exponent) as string)), 2), '0')
end;

-- The same of a text as `scientific` gives it.
create function hipaa_functions.double_text_of_scientific(value string) returns string
return hipaa_functions.double_text_of_parts(
    case when value like '-%' then '-' else '' end,
    rtrim('0', translate(split_part(value, 'e', 1), '-.', '')),
    try_cast(split_part(value, 'e', 2) as int)
);

-- The text of a double.
create function hipaa_functions.double_text(value double) returns string
return hipaa_functions.double_text_of_scientific(hipaa_functions.scientific(value));

-- A number rounded to a whole one, halves away from 0.
create function hipaa_functions.whole(value double) returns double
return rint(value) + case
    when abs(value - rint(value)) = 0.5 and abs(rint(value)) < abs(value) then signum(value) else 0
end;

-- A number rounded to the nearest multiple of a step.
create function hipaa_functions.rounded(number double, step double, factor double) returns double
return case
    when number between -1e280 and 1e280
        then hipaa_functions.whole(hipaa_functions.whole(number / step) * step * factor) / factor + 0
end;

-- A number rounded to the nearest multiple of a step. The second rounding takes off what 3 * 0.1
-- leaves behind; + 0 makes -0.0 plain. A number that is too large for this arithmetic has no such text.
create function hipaa_functions.to_round(value string, step double, decimals int) returns string
return hipaa_functions.double_text(
    hipaa_functions.rounded(hipaa_functions.as_number(value), step, power(10, decimals))
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

-- A host that is a domain; null for an IP address.
create function hipaa_functions.if_domain(host string) returns string
return case
    when host rlike r'^[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*\z'
        and not host rlike r'^[0-9.]+\z'
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
        when value rlike r'^([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?(::([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?)?\z'
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
    || r']*(?:(?:[xX]|[eE][xX][tT](?:[nN]|[eE][nN][sS][iI][oO][nN])?|#)[.:=#\p{Z}\t]*[0-9]{1,7}|,+[0-9]{1,5})[#)]?)?';

-- The same of a text that was made plain.
create function hipaa_functions.dialled_of_written(written string) returns string
return case
    when not written rlike r'\([0\p{Z}]+\)' then regexp_replace(
        hipaa_functions.pattern_group(
            written,
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

-- An e-mail address, its @ as it is or as a URL has it.
create function hipaa_functions.email_pattern() returns string
return r'[^ \t\n\f\r@"\x27(),:;<>\[\]](@|%40)([^ \t\n\f\r@"\x27(),:;<>\[\]/?#&=.]+\.)+[^ \t\n\f\r@"\x27(),:;<>\[\]/?#&=.0-9_-]{2,}';

-- A telephone number: grouped, with a plus sign, ten digits that are all there is, or labelled.
create function hipaa_functions.phone_pattern() returns string
return concat_ws(
    '|',
    r'(^|[^0-9A-Za-z])(\+?1' || hipaa_functions.separator_or_dot() || r'?)?(\([2-9][0-9]{2}\)'
        || hipaa_functions.separator_or_dot() || '?|[2-9][0-9]{2}(' || hipaa_functions.separator_or_dot()
        || '|/))[0-9]{3}' || hipaa_functions.separator_or_dot() || r'[0-9]{4}([^0-9A-Za-z]|[xX][0-9]|[Ee]xt|\z)',
    r'(^|[^0-9A-Za-z+])\+[1-9][0-9]{0,2}(\.[0-9]{2,4}){3,6}([^0-9]|\z)',
    r'(^|[^0-9A-Za-z+])\+[1-9]([- ()' || hipaa_functions.wide_separators() || r']{0,2}[0-9]){7,14}([^0-9]|\z)',
    r'(^|[\[{:,])[ \t\n\f\r]*"?[ \t\n\f\r]*1?[2-9][0-9]{2}[2-9][0-9]{6}(\.0+)?[ \t\n\f\r]*"?[ \t\n\f\r]*([\]}:,]|\z)',
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
        || '[A-Za-z]{0,3}[-_ ]?[0-9]([-. ]?[0-9]){3,}',
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

-- A URL, or part of one, with a query.
create function hipaa_functions.url_query_pattern() returns string
return r'://[^ \t\n\f\r?"<>]+\?[^ \t\n\f\r"<>]|www\.[^ \t\n\f\r?"]+\?[^ \t\n\f\r"]|(^|[ \t\n\f\r"]|/[^ \t\n\f\r?"]*)\?[^ \t\n\f\r?#=&"]+=';

-- An identifier of any kind but payment cards, which need arithmetic.
create function hipaa_functions.identifier_pattern() returns string
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
create function hipaa_functions.is_email_like(value string) returns boolean
return value rlike hipaa_functions.email_pattern();

-- Whether a text holds a telephone number.
create function hipaa_functions.is_phone_like(value string) returns boolean
return value rlike hipaa_functions.phone_pattern();

-- Whether a text holds a Social Security number.
create function hipaa_functions.is_ssn_like(value string) returns boolean
return value rlike hipaa_functions.ssn_pattern();

-- Whether a text holds the number of a medical record.
create function hipaa_functions.is_mrn_like(value string) returns boolean
return value rlike hipaa_functions.mrn_pattern();

-- Whether a text holds an IP address.
create function hipaa_functions.is_ip_like(value string) returns boolean
return value rlike hipaa_functions.ip_pattern();

-- Whether a text holds a URL with a query.
create function hipaa_functions.is_url_query_like(value string) returns boolean
return value rlike hipaa_functions.url_query_pattern();

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
return hipaa_functions.has_card_number('<' || regexp_replace(number, '[^0-9]', 'x') || '>');

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

-- Whether a text is worth a closer look: one search for all kinds lets nearly every text go.
create function hipaa_functions.may_be_identifier(value string) returns boolean
return value rlike '[0-9@?:]' and value rlike (hipaa_functions.identifier_pattern() || '|[0-9]([ .-]{0,2}[0-9]){12}');

-- Whether a text looks like, or holds, an identifier of any kind.
create function hipaa_functions.looks_like_identifier(value string) returns boolean
return hipaa_functions.may_be_identifier(value)
    and (value rlike hipaa_functions.identifier_pattern() or hipaa_functions.is_card_like(value));

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
