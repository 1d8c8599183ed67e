-- The forms that a value may have on its way to a destination, and the queries of staging, as
-- reviewed. `hipaa-mode verify` takes nothing else for safe: who changes one of the macros changes
-- its form here too, and a reviewer sees both. `value` stands for the text that is given its form;
-- words in braces come from the seeds, or are a form of their own.

--- treatment year
coalesce(case when regexp_full_match(regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g'), '([0-9]{4})(?:-(?:0[1-9]|1[0-2]))?') then regexp_extract(regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g'), '^(?:([0-9]{4})(?:-(?:0[1-9]|1[0-2]))?)$', 1) end, strftime(coalesce(case when regexp_full_match(value, '[0-9]{4}-[0-9]{2}-[0-9]{2}') then try_cast(value as date) end, list_transform([list_transform([regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \2|\3') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3|\4') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])') then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])') and try_cast(written as bigint) % 900000 = 0 then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5|\6') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5:\6|\7') when regexp_full_match(written, '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 3) || '-' || cast(cast((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 2))) + 2) / 3 as integer) as varchar) || '-' || regexp_replace(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \4|\5') when regexp_full_match(written, '-?[1-9][0-9]{7,9}') and try_cast(written as bigint) % 900000 = 0 then null else cast(make_timestamp(case when regexp_full_match(written, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 6), 6, '0') as bigint) when regexp_full_match(written, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 3), 3, '0') as bigint) when regexp_full_match(written, '[1-9][0-9]{14,15}') then try_cast(written as bigint) when regexp_full_match(written, '[1-9][0-9]{17,18}') then try_cast(left(written, -3) as bigint) end) as varchar) end)[1]], lambda moment: cast(try_cast(rtrim(replace(split_part(moment, '|', 1), ',', '.')) as timestamp) as date))[1]), '%Y'))

--- treatment birth_year
list_transform([cast(coalesce(case when regexp_full_match(regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g'), '([0-9]{4})(?:-(?:0[1-9]|1[0-2]))?') then regexp_extract(regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g'), '^(?:([0-9]{4})(?:-(?:0[1-9]|1[0-2]))?)$', 1) end, strftime(coalesce(case when regexp_full_match(value, '[0-9]{4}-[0-9]{2}-[0-9]{2}') then try_cast(value as date) end, list_transform([list_transform([regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \2|\3') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3|\4') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])') then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])') and try_cast(written as bigint) % 900000 = 0 then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5|\6') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5:\6|\7') when regexp_full_match(written, '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 3) || '-' || cast(cast((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 2))) + 2) / 3 as integer) as varchar) || '-' || regexp_replace(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \4|\5') when regexp_full_match(written, '-?[1-9][0-9]{7,9}') and try_cast(written as bigint) % 900000 = 0 then null else cast(make_timestamp(case when regexp_full_match(written, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 6), 6, '0') as bigint) when regexp_full_match(written, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 3), 3, '0') as bigint) when regexp_full_match(written, '[1-9][0-9]{14,15}') then try_cast(written as bigint) when regexp_full_match(written, '[1-9][0-9]{17,18}') then try_cast(left(written, -3) as bigint) end) as varchar) end)[1]], lambda moment: cast(try_cast(rtrim(replace(split_part(moment, '|', 1), ',', '.')) as timestamp) as date))[1]), '%Y')) as bigint)], lambda year: case when year <= {this_year} then cast(greatest(year, {oldest_year}) as varchar) end)[1]

--- treatment month
coalesce(case when regexp_full_match(regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g'), '([0-9]{4}-(?:0[1-9]|1[0-2]))') then regexp_extract(regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g'), '^(?:([0-9]{4}-(?:0[1-9]|1[0-2])))$', 1) end, strftime(coalesce(case when regexp_full_match(value, '[0-9]{4}-[0-9]{2}-[0-9]{2}') then try_cast(value as date) end, list_transform([list_transform([regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \2|\3') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3|\4') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])') then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])') and try_cast(written as bigint) % 900000 = 0 then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5|\6') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5:\6|\7') when regexp_full_match(written, '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 3) || '-' || cast(cast((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 2))) + 2) / 3 as integer) as varchar) || '-' || regexp_replace(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \4|\5') when regexp_full_match(written, '-?[1-9][0-9]{7,9}') and try_cast(written as bigint) % 900000 = 0 then null else cast(make_timestamp(case when regexp_full_match(written, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 6), 6, '0') as bigint) when regexp_full_match(written, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 3), 3, '0') as bigint) when regexp_full_match(written, '[1-9][0-9]{14,15}') then try_cast(written as bigint) when regexp_full_match(written, '[1-9][0-9]{17,18}') then try_cast(left(written, -3) as bigint) end) as varchar) end)[1]], lambda moment: cast(try_cast(rtrim(replace(split_part(moment, '|', 1), ',', '.')) as timestamp) as date))[1]), '%Y-%m'))

--- treatment age_cap
list_transform([floor(list_transform([regexp_replace(list_transform([regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '(9[0-9]|1[0-9]{2})[+]') then rtrim(written, '+') else written end)[1], '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?') and isfinite(try_cast(written as double)) then try_cast(written as double) end)[1])], lambda age: case when age between 0 and 130 then cast(cast(least(age, 90) as bigint) as varchar) end)[1]

--- treatment domain
case when regexp_full_match(lower(rtrim(coalesce(case when regexp_full_match(value, '\s*[^@\s/]+@([^@\s/:?#]+?)\.?\s*') then regexp_extract(value, '^(?:\s*[^@\s/]+@([^@\s/:?#]+?)\.?\s*)$', 1) end, case when regexp_full_match(value, '\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*') then regexp_extract(value, '^(?:\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*)$', 2) end), '.')), '[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*') and not regexp_full_match(lower(rtrim(coalesce(case when regexp_full_match(value, '\s*[^@\s/]+@([^@\s/:?#]+?)\.?\s*') then regexp_extract(value, '^(?:\s*[^@\s/]+@([^@\s/:?#]+?)\.?\s*)$', 1) end, case when regexp_full_match(value, '\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*') then regexp_extract(value, '^(?:\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*)$', 2) end), '.')), '[0-9.]+') then lower(rtrim(coalesce(case when regexp_full_match(value, '\s*[^@\s/]+@([^@\s/:?#]+?)\.?\s*') then regexp_extract(value, '^(?:\s*[^@\s/]+@([^@\s/:?#]+?)\.?\s*)$', 1) end, case when regexp_full_match(value, '\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*') then regexp_extract(value, '^(?:\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*)$', 2) end), '.')) end

--- treatment url_path
case when regexp_full_match(value, '\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*') then coalesce(nullif(case when regexp_full_match(value, '\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*') then regexp_extract(value, '^(?:\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*)$', 4) end, ''), '/') else case when regexp_full_match(value, '\s*(/(?:[^/?#\s][^?#\s]*)?)(?:[?#](?s:.*))?\s*') then regexp_extract(value, '^(?:\s*(/(?:[^/?#\s][^?#\s]*)?)(?:[?#](?s:.*))?\s*)$', 1) end end

--- treatment url_origin
lower(case when regexp_full_match(value, '\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*') then regexp_extract(value, '^(?:\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*)$', 1) end || '://' || case when regexp_full_match(value, '\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*') then regexp_extract(value, '^(?:\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*)$', 2) end) || case when case when regexp_full_match(value, '\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*') then regexp_extract(value, '^(?:\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*)$', 3) end <> '' then ':' || case when regexp_full_match(value, '\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*') then regexp_extract(value, '^(?:\s*([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(/[^?#\s]*)?(?:[?#](?s:.*))?\s*)$', 3) end else '' end

--- treatment ip_prefix
list_transform([regexp_replace(lower(split_part(value, ',', 1)), '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda first: case when regexp_full_match(first, '(?:::ffff:)?((?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]))\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?::[0-9]{1,5})?') then regexp_extract(first, '^(?:::ffff:)?((?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]))\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?::[0-9]{1,5})?$', 1) || '.0/24' else list_transform([regexp_replace(first, '^(?:\[([0-9a-f:]*)\](?::[0-9]{1,5})?|([0-9a-f:]*))$', '\1\2')], lambda address: case when regexp_full_match(address, '([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?(::([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?)?') and (contains(address, '::') = (len(list_filter(string_split(split_part(address, '::', 1), ':'), lambda part: part <> '')) + len(list_filter(string_split(split_part(address, '::', 2), ':'), lambda part: part <> '')) < 8)) then list_transform([list_transform(list_concat(list_concat(list_filter(string_split(split_part(address, '::', 1), ':'), lambda part: part <> ''), case when contains(address, '::') then list_resize([]::varchar[], cast(greatest(8 - len(list_filter(string_split(split_part(address, '::', 1), ':'), lambda part: part <> '')) - len(list_filter(string_split(split_part(address, '::', 2), ':'), lambda part: part <> '')), 0) as bigint), '0') else [] end), list_filter(string_split(split_part(address, '::', 2), ':'), lambda part: part <> '')), lambda part: coalesce(nullif(ltrim(part, '0'), ''), '0'))], lambda parts: case when len(parts) <> 8 then null when array_to_string(parts[1:6], ':') = '0:0:0:0:0:ffff' then concat_ws('.', cast(floor(try_cast('0x' || parts[7] as integer) / 256) as integer), try_cast('0x' || parts[7] as integer) % 256, cast(floor(try_cast('0x' || parts[8] as integer) / 256) as integer)) || '.0/24' when parts[1] = '2002' then concat_ws('.', cast(floor(try_cast('0x' || parts[2] as integer) / 256) as integer), try_cast('0x' || parts[2] as integer) % 256, cast(floor(try_cast('0x' || parts[3] as integer) / 256) as integer)) || '.0/24' else array_to_string(parts[1:3], ':') || '::/48' end)[1] end)[1] end)[1]

--- treatment zip3
list_transform([list_transform([regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: coalesce(case when regexp_full_match(written, '([0-9]{3})(?:[0-9]{2}(?:[- ]?[0-9]{4})?)?') then regexp_extract(written, '^(?:([0-9]{3})(?:[0-9]{2}(?:[- ]?[0-9]{4})?)?)$', 1) end, '0' || case when regexp_full_match(written, '([0-9]{2})[0-9]{2}(?:-[0-9]{4})?') then regexp_extract(written, '^(?:([0-9]{2})[0-9]{2}(?:-[0-9]{4})?)$', 1) end))[1]], lambda zip3: case when zip3 in ({small_areas}) then '000' else zip3 end)[1]

--- treatment round
cast(round(round(list_transform([regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?') and isfinite(try_cast(written as double)) then try_cast(written as double) end)[1] / {argument}) * {argument}, {decimals}) + 0 as varchar)

--- treatment truncate
left(value, {argument})

--- type text
value

--- type integer
list_transform([regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '[+-]?[0-9]+') then try_cast(written as bigint) end)[1]

--- type number
list_transform([regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?') and isfinite(try_cast(written as double)) then try_cast(written as double) end)[1]

--- type boolean
list_transform([lower(regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g'))], lambda written: case when written in ('true', '1', 'yes') then true when written in ('false', '0', 'no') then false end)[1]

--- type timestamp
coalesce(case when ends_with(value, 'Z') then try_cast(value as timestamp) end, list_transform([list_transform([regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \2|\3') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3|\4') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])') then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])') and try_cast(written as bigint) % 900000 = 0 then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5|\6') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5:\6|\7') when regexp_full_match(written, '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 3) || '-' || cast(cast((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 2))) + 2) / 3 as integer) as varchar) || '-' || regexp_replace(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \4|\5') when regexp_full_match(written, '-?[1-9][0-9]{7,9}') and try_cast(written as bigint) % 900000 = 0 then null else cast(make_timestamp(case when regexp_full_match(written, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 6), 6, '0') as bigint) when regexp_full_match(written, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 3), 3, '0') as bigint) when regexp_full_match(written, '[1-9][0-9]{14,15}') then try_cast(written as bigint) when regexp_full_match(written, '[1-9][0-9]{17,18}') then try_cast(left(written, -3) as bigint) end) as varchar) end)[1]], lambda moment: make_timestamp(epoch_us(try_cast(cast(try_cast(rtrim(replace(split_part(moment, '|', 1), ',', '.')) as timestamp) as varchar) || coalesce(nullif(split_part(moment, '|', 2), ''), 'Z') as timestamptz))))[1])

--- type date
coalesce(case when regexp_full_match(value, '[0-9]{4}-[0-9]{2}-[0-9]{2}') then try_cast(value as date) end, list_transform([list_transform([regexp_replace(value, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \2|\3') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3|\4') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])') then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])') and try_cast(written as bigint) % 900000 = 0 then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5|\6') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5:\6|\7') when regexp_full_match(written, '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 3) || '-' || cast(cast((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 2))) + 2) / 3 as integer) as varchar) || '-' || regexp_replace(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \4|\5') when regexp_full_match(written, '-?[1-9][0-9]{7,9}') and try_cast(written as bigint) % 900000 = 0 then null else cast(make_timestamp(case when regexp_full_match(written, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 6), 6, '0') as bigint) when regexp_full_match(written, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 3), 3, '0') as bigint) when regexp_full_match(written, '[1-9][0-9]{14,15}') then try_cast(written as bigint) when regexp_full_match(written, '[1-9][0-9]{17,18}') then try_cast(left(written, -3) as bigint) end) as varchar) end)[1]], lambda moment: cast(try_cast(rtrim(replace(split_part(moment, '|', 1), ',', '.')) as timestamp) as date))[1])

--- scalar_text
case
        when starts_with(value, '"') and not contains(value, '\') then substring(value, 2, length(value) - 2)
        when starts_with(value, '"') then json_extract_string(value, '$')
        when value in ('true', 'false') then value
        when value = '-0.0' then '0'
        when regexp_full_match(value, '-?[0-9]{1,15}0*\.0') then left(value, -2)
        when regexp_full_match(value, '-?[0-9]{1,15}0{7,}') and length(ltrim(value, '-')) between 22 and 38 then replace(regexp_replace(value, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(value, '-')) - 1
        when regexp_full_match(value, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then value
        when regexp_full_match(value, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(value, 'e', 'e+')
        when regexp_full_match(value, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then value
    end

--- normalized none
value

--- normalized email
nfc_normalize(replace(lower(replace(nfc_normalize(regexp_replace(regexp_replace(value, '[\x{ad}\x{34f}\x{61c}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}]', '', 'g'), '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')), 'İ', 'i')), 'ς', 'σ'))

--- normalized phone
list_transform([list_transform([regexp_replace(translate(regexp_replace(value, '[\x{ad}\x{34f}\x{61c}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}]', '', 'g'), '０１２３４５６７８９＋٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '0123456789+01234567890123456789'), '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when not regexp_matches(written, '\([0\p{Z}]+\)') then regexp_replace(case when regexp_full_match(written, '(?:[Tt][Ee][Ll]:)?((?:[+(]|\+\(|\(\+)?[0-9][0-9\p{Z}\t()./\x{2010}-\x{2015}\x{2212}\x{ff0d}-]*?)(?:\.0)?(?:[,;\p{Z}\t()./\x{2010}-\x{2015}\x{2212}\x{ff0d}-]*(?:(?:[xX]|[eE][xX][tT](?:[nN]|[eE][nN][sS][iI][oO][nN])?|#)[.:=#\p{Z}\t]*[0-9]{1,7}|,+[0-9]{1,5})[#)]?)?') then regexp_extract(written, '^(?:(?:[Tt][Ee][Ll]:)?((?:[+(]|\+\(|\(\+)?[0-9][0-9\p{Z}\t()./\x{2010}-\x{2015}\x{2212}\x{ff0d}-]*?)(?:\.0)?(?:[,;\p{Z}\t()./\x{2010}-\x{2015}\x{2212}\x{ff0d}-]*(?:(?:[xX]|[eE][xX][tT](?:[nN]|[eE][nN][sS][iI][oO][nN])?|#)[.:=#\p{Z}\t]*[0-9]{1,7}|,+[0-9]{1,5})[#)]?)?)$', 1) end, '[^0-9+]', '', 'g') end)[1]], lambda number: case when regexp_full_match(number, '(?:[+]|00)?[1-9][0-9]{6,14}|0[1-9][0-9]{5,13}') then regexp_replace(number, '^(?:[+]|00)', '', 'g') end)[1]

--- normalized phone(1)
list_transform([list_transform([regexp_replace(translate(regexp_replace(value, '[\x{ad}\x{34f}\x{61c}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}]', '', 'g'), '０１２３４５６７８９＋٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '0123456789+01234567890123456789'), '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when not regexp_matches(written, '\([0\p{Z}]+\)') then regexp_replace(case when regexp_full_match(written, '(?:[Tt][Ee][Ll]:)?((?:[+(]|\+\(|\(\+)?[0-9][0-9\p{Z}\t()./\x{2010}-\x{2015}\x{2212}\x{ff0d}-]*?)(?:\.0)?(?:[,;\p{Z}\t()./\x{2010}-\x{2015}\x{2212}\x{ff0d}-]*(?:(?:[xX]|[eE][xX][tT](?:[nN]|[eE][nN][sS][iI][oO][nN])?|#)[.:=#\p{Z}\t]*[0-9]{1,7}|,+[0-9]{1,5})[#)]?)?') then regexp_extract(written, '^(?:(?:[Tt][Ee][Ll]:)?((?:[+(]|\+\(|\(\+)?[0-9][0-9\p{Z}\t()./\x{2010}-\x{2015}\x{2212}\x{ff0d}-]*?)(?:\.0)?(?:[,;\p{Z}\t()./\x{2010}-\x{2015}\x{2212}\x{ff0d}-]*(?:(?:[xX]|[eE][xX][tT](?:[nN]|[eE][nN][sS][iI][oO][nN])?|#)[.:=#\p{Z}\t]*[0-9]{1,7}|,+[0-9]{1,5})[#)]?)?)$', 1) end, '[^0-9+]', '', 'g') end)[1]], lambda number: case when regexp_full_match(number, '(?:[+]|00|011)?1[2-9][0-9]{9}') then '1' || right(number, 10) when regexp_full_match(number, '[2-9][0-9]{9}') then '1' || number when regexp_full_match(number, '(?:[+]|00|011)[2-9][0-9]{6,14}') then regexp_replace(number, '^(?:[+]|00|011)', '', 'g') end)[1]

--- normalized lower
replace(lower(replace(value, 'İ', 'i')), 'ς', 'σ')

--- guarded
case when (regexp_matches(value, '[^\s@"''(),:\x3b<>\[\]](@|%40)([^\s@"''(),:\x3b<>\[\]/?#&=.]+\.)+[^\s@"''(),:\x3b<>\[\]/?#&=.0-9_-]{2,}|(^|[^0-9A-Za-z])(\+?1[-.  ‐-–]?)?(\([2-9][0-9]{2}\)[-.  ‐-–]?|[2-9][0-9]{2}([-.  ‐-–]|/))[0-9]{3}[-.  ‐-–][0-9]{4}([^0-9A-Za-z]|[xX][0-9]|[Ee]xt|$)|(^|[^0-9A-Za-z+])\+[1-9][0-9]{0,2}(\.[0-9]{2,4}){3,6}([^0-9]|$)|(^|[^0-9A-Za-z+])\+[1-9]([- () ‐-–]{0,2}[0-9]){7,14}([^0-9]|$)|(^|[\[{:,])\s*"?\s*1?[2-9][0-9]{2}[2-9][0-9]{6}(\.0+)?\s*"?\s*([\]}:,]|$)|([Pp]hone|PHONE|[Mm]obile|MOBILE|(^|[^A-Za-z])([Tt]el|TEL|[Ff]ax|FAX))[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?[0-9]{10,15}([^0-9A-Za-z]|$)|(^|[^0-9A-Za-z.-])[0-9]{3}[-.  ‐-–][0-9]{2}[-.  ‐-–][0-9]{4}([^0-9A-Za-z-]|$)|([Ss][Ss][Nn]|[Ss]ocial[ _-]?[Ss]ecurity)[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?([0-9]{3}[-.  ‐-–]?[0-9]{2}[-.  ‐-–]?[0-9]{4}|[0-9]{7,8}([^0-9]|$))|(^|[^A-Za-z])[Mm]\.?[Rr]\.?[Nn]\.?[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?[A-Za-z]{0,3}[-_ ]?[0-9]([-. ]?[0-9]){3,}|(^|[^A-Za-z])([Mm]edical[ _-]?[Rr]ecord|MEDICAL RECORD|[Pp]atients?|PATIENT|[Cc]hart[ _-]?([Nn]o|[Nn]umber|#)|MR ?#)[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?[A-Za-z]{0,3}[-_ ]?[0-9]{5,}|((^|[^0-9A-Za-z./])|(^|[^A-Za-z_])([a-z][A-Za-z_]*|[A-Z_]*)/)((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])\.0\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])\.0\.0\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?))\.?([^0-9A-Za-z.]|$)|(^|[^0-9A-Za-z:.])(([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|([0-9A-Fa-f]{1,4}:){2,6}(:[0-9A-Fa-f]{1,4}){1,5}|[0-9A-Fa-f]{1,4}:(:[0-9A-Fa-f]{1,4}){2,6}|([0-9A-Fa-f]{1,4}:){2,7}:)([^0-9A-Za-z:]|$)|://[^\s?"<>]+\?[^\s"<>]|www\.[^\s?"]+\?[^\s"]|(^|[\s"]|/[^\s?"]*)\?[^\s?#=&"]+=|[0-9]([ .-]{0,2}[0-9]){12}') and (regexp_matches(value, '[^\s@"''(),:\x3b<>\[\]](@|%40)([^\s@"''(),:\x3b<>\[\]/?#&=.]+\.)+[^\s@"''(),:\x3b<>\[\]/?#&=.0-9_-]{2,}|(^|[^0-9A-Za-z])(\+?1[-.  ‐-–]?)?(\([2-9][0-9]{2}\)[-.  ‐-–]?|[2-9][0-9]{2}([-.  ‐-–]|/))[0-9]{3}[-.  ‐-–][0-9]{4}([^0-9A-Za-z]|[xX][0-9]|[Ee]xt|$)|(^|[^0-9A-Za-z+])\+[1-9][0-9]{0,2}(\.[0-9]{2,4}){3,6}([^0-9]|$)|(^|[^0-9A-Za-z+])\+[1-9]([- () ‐-–]{0,2}[0-9]){7,14}([^0-9]|$)|(^|[\[{:,])\s*"?\s*1?[2-9][0-9]{2}[2-9][0-9]{6}(\.0+)?\s*"?\s*([\]}:,]|$)|([Pp]hone|PHONE|[Mm]obile|MOBILE|(^|[^A-Za-z])([Tt]el|TEL|[Ff]ax|FAX))[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?[0-9]{10,15}([^0-9A-Za-z]|$)|(^|[^0-9A-Za-z.-])[0-9]{3}[-.  ‐-–][0-9]{2}[-.  ‐-–][0-9]{4}([^0-9A-Za-z-]|$)|([Ss][Ss][Nn]|[Ss]ocial[ _-]?[Ss]ecurity)[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?([0-9]{3}[-.  ‐-–]?[0-9]{2}[-.  ‐-–]?[0-9]{4}|[0-9]{7,8}([^0-9]|$))|(^|[^A-Za-z])[Mm]\.?[Rr]\.?[Nn]\.?[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?[A-Za-z]{0,3}[-_ ]?[0-9]([-. ]?[0-9]){3,}|(^|[^A-Za-z])([Mm]edical[ _-]?[Rr]ecord|MEDICAL RECORD|[Pp]atients?|PATIENT|[Cc]hart[ _-]?([Nn]o|[Nn]umber|#)|MR ?#)[^0-9A-Za-z]{0,4}(([Ii][Dd]|[Nn][Oo]|[Nn]r|[Nn]um|[Nn]umber|NUMBER|[Ii]s)[^0-9A-Za-z]{1,4})?[A-Za-z]{0,3}[-_ ]?[0-9]{5,}|((^|[^0-9A-Za-z./])|(^|[^A-Za-z_])([a-z][A-Za-z_]*|[A-Z_]*)/)((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])\.0\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])|(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9])\.0\.0\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?))\.?([^0-9A-Za-z.]|$)|(^|[^0-9A-Za-z:.])(([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|([0-9A-Fa-f]{1,4}:){2,6}(:[0-9A-Fa-f]{1,4}){1,5}|[0-9A-Fa-f]{1,4}:(:[0-9A-Fa-f]{1,4}){2,6}|([0-9A-Fa-f]{1,4}:){2,7}:)([^0-9A-Za-z:]|$)|://[^\s?"<>]+\?[^\s"<>]|www\.[^\s?"]+\?[^\s"]|(^|[\s"]|/[^\s?"]*)\?[^\s?#=&"]+=') or case when regexp_matches(value, '[0-9]([ .-]{0,2}[0-9]){12}') then len(list_filter(list_concat(regexp_extract_all(value, '(?:^|[^0-9A-Za-z.-])([0-9](?:[ -]?[0-9]){12,18})(?:[^0-9A-Za-z-]|$)', 1), regexp_extract_all(value, '(?:^|[^0-9A-Za-z.-])([0-9]{16}|[0-9]{4}(?:[ .-]{1,2}[0-9]{4}){3}|3[0-9]{3}[ .-]{0,2}[0-9]{6}[ .-]{0,2}[0-9]{4,5})(?:[^0-9A-Za-z-]|$)', 1)), lambda candidate: regexp_full_match(regexp_replace(candidate, '[^0-9]', '', 'g'), '4[0-9]{12}|3[0-9]{13}|[1-3][0-9]{14}|[2-6][0-9]{15,18}') and list_sum(list_transform(list_reverse(string_split(regexp_replace(candidate, '[^0-9]', '', 'g'), '')), lambda digit, place: try_cast(digit as integer) * (2 - place % 2) - case when place % 2 = 0 and try_cast(digit as integer) > 4 then 9 else 0 end)) % 10 = 0)) > 0 else false end)) then null else value end

--- whole object
case when regexp_full_match(nullif(value, 'null'), 'null|\[\]|"(?:[\p{Z}\x{85}]|\\[tnfr]|\\u00(?:0[bB]|1[c-fC-F]))*"') then '{}' else nullif(value, 'null') end

--- model calls_read
with

raw_calls as (

    select
        file_number,
        source_file,
        line_number,
        run_number,
        message,
        unreadable
    from raw_lines

),
readable as (

    select
        *,
        case
            when contains(message, '\u') and regexp_matches(message, '\\u[dD][89a-fA-F]') and not json_valid(message) then list_transform([regexp_extract_all(message, '(?s)"(?:[^"\\]|\\.)*"|[^"]+|"')], lambda parts: array_to_string(list_transform(parts, lambda part, place: case when not (starts_with(part, '"') and regexp_matches(regexp_replace(part, '\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ' ', 'g'), '\\u[dD][89a-fA-F][0-9a-fA-F]{2}')) then part when regexp_matches(coalesce(parts[place + 1], ''), '^\s*:') then regexp_replace(part, '\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\ufffd', 'g') else 'null' end), ''))[1]
            else message
        end as readable
    from raw_calls

),

parsed as (

    select
        *,
        cast(try(json_extract(readable, ['$."type"', '$."messageId"', '$."message_id"', '$."userId"', '$."user_id"', '$."anonymousId"', '$."anonymous_id"', '$."groupId"', '$."group_id"', '$."previousId"', '$."previous_id"', '$."mergeProperties"', '$."merge_properties"', '$."event"', '$."name"', '$."properties"."name"', '$."timestamp"', '$."originalTimestamp"', '$."original_timestamp"', '$."sentAt"', '$."sent_at"', '$."receivedAt"', '$."received_at"', '$."integrations"', '$."consent"', '$."context"."consent"', '$."context"."consentManagement"'])) as varchar[]) as found_first,
        try(json_keys(readable, ['$'])) as names_first
    from readable

),
spelled as (

    select
        *,
        case
            when not regexp_full_match(array_to_string(names_first[1], chr(31)), '(?:(?:type|messageId|message_id|userId|user_id|anonymousId|anonymous_id|groupId|group_id|previousId|previous_id|mergeProperties|merge_properties|event|name|timestamp|originalTimestamp|original_timestamp|sentAt|sent_at|receivedAt|received_at|properties|traits|context|integrations|consent|channel|projectId|category|[^tTmMuUaAgGeEnNoOsSrRpPcCiI_ \x1f-][^\x1f]*)(?:\x1f|$))*')
                then list_filter(names_first[1], lambda element: case lower(regexp_replace(element, '[_ -]', '', 'g')) when 'type' then 'type' when 'event' then 'event' when 'name' then 'name' when 'timestamp' then 'timestamp' when 'messageid' then 'message_id' when 'userid' then 'user_id' when 'anonymousid' then 'anonymous_id' when 'groupid' then 'group_id' when 'originaltimestamp' then 'original_timestamp' when 'sentat' then 'sent_at' when 'receivedat' then 'received_at' when 'properties' then 'properties' when 'traits' then 'traits' when 'context' then 'context' when 'integrations' then 'integrations' when 'consent' then 'consent' when 'previousid' then 'previous_id' when 'mergeproperties' then 'merge_properties' end is not null and element not in ('type', 'messageId', 'message_id', 'userId', 'user_id', 'anonymousId', 'anonymous_id', 'groupId', 'group_id', 'previousId', 'previous_id', 'mergeProperties', 'merge_properties', 'event', 'name', 'timestamp', 'originalTimestamp', 'original_timestamp', 'sentAt', 'sent_at', 'receivedAt', 'received_at', 'properties', 'traits', 'context', 'integrations', 'consent'))
        end as other_keys
    from parsed

),

respelled as (

    select
        *,
        case
            when len(other_keys) > 0 then list_transform([list_filter(list_transform(map_entries(try_cast(try_cast(readable as json) as map(varchar, json))), lambda member: member), lambda member: case lower(regexp_replace(member['key'], '[_ -]', '', 'g')) when 'type' then 'type' when 'event' then 'event' when 'name' then 'name' when 'timestamp' then 'timestamp' when 'messageid' then 'message_id' when 'userid' then 'user_id' when 'anonymousid' then 'anonymous_id' when 'groupid' then 'group_id' when 'originaltimestamp' then 'original_timestamp' when 'sentat' then 'sent_at' when 'receivedat' then 'received_at' when 'properties' then 'properties' when 'traits' then 'traits' when 'context' then 'context' when 'integrations' then 'integrations' when 'consent' then 'consent' when 'previousid' then 'previous_id' when 'mergeproperties' then 'merge_properties' end is not null)], lambda known: list_transform([list_concat(list_filter(known, lambda member: not list_contains(other_keys, member['key'])), list_filter(known, lambda member: list_contains(other_keys, member['key'])))], lambda read: '{' || array_to_string(list_concat(list_transform(list_filter(read, lambda member: lower(regexp_replace(member['key'], '[_ -]', '', 'g')) not in ('integrations', 'consent', 'context') and not regexp_full_match(coalesce(cast(member['value'] as varchar), 'null'), 'null|\[\]|"(?:[\p{Z}\x{85}]|\\[tnfr]|\\u00(?:0[bB]|1[c-fC-F]))*"') and not (ends_with(lower(regexp_replace(member['key'], '[_ -]', '', 'g')), 'id') and ((starts_with(coalesce(cast(member['value'] as varchar), 'null'), '{') or starts_with(coalesce(cast(member['value'] as varchar), 'null'), '[')) or regexp_full_match(trim(coalesce(cast(member['value'] as varchar), 'null'), '"'), {placeholders})))), lambda member: '"' || case when list_contains(other_keys, member['key']) then case lower(regexp_replace(member['key'], '[_ -]', '', 'g')) when 'type' then 'type' when 'event' then 'event' when 'name' then 'name' when 'timestamp' then 'timestamp' when 'messageid' then 'message_id' when 'userid' then 'user_id' when 'anonymousid' then 'anonymous_id' when 'groupid' then 'group_id' when 'originaltimestamp' then 'original_timestamp' when 'sentat' then 'sent_at' when 'receivedat' then 'received_at' when 'properties' then 'properties' when 'traits' then 'traits' when 'context' then 'context' when 'integrations' then 'integrations' when 'consent' then 'consent' when 'previousid' then 'previous_id' when 'mergeproperties' then 'merge_properties' end else member['key'] end || '":' || coalesce(cast(member['value'] as varchar), 'null')), ['"integrations":' || list_transform([list_transform(list_filter(read, lambda member: lower(regexp_replace(member['key'], '[_ -]', '', 'g')) = 'integrations'), lambda member: coalesce(cast(member['value'] as varchar), 'null'))], lambda said: case len(list_distinct(list_filter(said, lambda element: element not in ('{}', '{"All":true}')))) when 0 then said[1] when 1 then list_distinct(list_filter(said, lambda element: element not in ('{}', '{"All":true}')))[1] else '""' end)[1], '"consent":' || list_transform([list_transform(list_filter(read, lambda member: lower(regexp_replace(member['key'], '[_ -]', '', 'g')) = 'consent'), lambda member: coalesce(cast(member['value'] as varchar), 'null'))], lambda said: case len(list_distinct(list_filter(said, lambda element: element not in ('{}', '{"All":true}')))) when 0 then said[1] when 1 then list_distinct(list_filter(said, lambda element: element not in ('{}', '{"All":true}')))[1] else '""' end)[1], '"context":' || list_transform([list_transform(list_filter(read, lambda member: lower(regexp_replace(member['key'], '[_ -]', '', 'g')) = 'context' and not regexp_full_match(coalesce(cast(member['value'] as varchar), 'null'), 'null|\[\]|"(?:[\p{Z}\x{85}]|\\[tnfr]|\\u00(?:0[bB]|1[c-fC-F]))*"')), lambda member: coalesce(cast(member['value'] as varchar), 'null'))], lambda said: case len(list_distinct(list_filter(said, lambda element: element not in ('{}', '{"All":true}')))) when 0 then said[1] when 1 then list_distinct(list_filter(said, lambda element: element not in ('{}', '{"All":true}')))[1] else '""' end)[1]]), ',') || '}')[1])[1]
            else readable
        end as call
    from spelled

),

reread as (

    select
        * exclude (found_first, names_first),
        case when len(other_keys) > 0 then cast(try(json_extract(call, ['$."type"', '$."messageId"', '$."message_id"', '$."userId"', '$."user_id"', '$."anonymousId"', '$."anonymous_id"', '$."groupId"', '$."group_id"', '$."previousId"', '$."previous_id"', '$."mergeProperties"', '$."merge_properties"', '$."event"', '$."name"', '$."properties"."name"', '$."timestamp"', '$."originalTimestamp"', '$."original_timestamp"', '$."sentAt"', '$."sent_at"', '$."receivedAt"', '$."received_at"', '$."integrations"', '$."consent"', '$."context"."consent"', '$."context"."consentManagement"'])) as varchar[]) else found_first end as found
    from respelled

),

named as (

    select
        *,
        case when contains(call, '\u') or regexp_matches(call, '"(?:properties|traits)"\s*:\s*[^{\s]') then try(json_type(call, ['$."properties"', '$."traits"'])) end as kinds,
        nullif(found[1], 'null') as type_json1,
        nullif(found[2], 'null') as message_id_json1,
        nullif(found[3], 'null') as message_id_json2,
        nullif(found[4], 'null') as user_id_json1,
        nullif(found[5], 'null') as user_id_json2,
        nullif(found[6], 'null') as anonymous_id_json1,
        nullif(found[7], 'null') as anonymous_id_json2,
        nullif(found[8], 'null') as group_id_json1,
        nullif(found[9], 'null') as group_id_json2,
        nullif(found[10], 'null') as previous_id_json1,
        nullif(found[11], 'null') as previous_id_json2,
        nullif(found[12], 'null') as merged_json1,
        nullif(found[13], 'null') as merged_json2,
        nullif(found[14], 'null') as event_json1,
        nullif(found[15], 'null') as name_json1,
        nullif(found[16], 'null') as page_name_json1,
        nullif(found[17], 'null') as timestamp_json1,
        nullif(found[18], 'null') as original_timestamp_json1,
        nullif(found[19], 'null') as original_timestamp_json2,
        nullif(found[20], 'null') as sent_at_json1,
        nullif(found[21], 'null') as sent_at_json2,
        nullif(found[22], 'null') as received_at_json1,
        nullif(found[23], 'null') as received_at_json2
    from reread

),

texts as (

    select
        *,
        case when starts_with(type_json1, '"') then lower(trim(case
        when starts_with(type_json1, '"') and not contains(type_json1, '\') then substring(type_json1, 2, length(type_json1) - 2)
        when starts_with(type_json1, '"') then json_extract_string(type_json1, '$')
        when type_json1 in ('true', 'false') then type_json1
        when type_json1 = '-0.0' then '0'
        when regexp_full_match(type_json1, '-?[0-9]{1,15}0*\.0') then left(type_json1, -2)
        when regexp_full_match(type_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(type_json1, '-')) between 22 and 38 then replace(regexp_replace(type_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(type_json1, '-')) - 1
        when regexp_full_match(type_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then type_json1
        when regexp_full_match(type_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(type_json1, 'e', 'e+')
        when regexp_full_match(type_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then type_json1
    end)) end as call_type,
        case
        when starts_with(event_json1, '"') and not contains(event_json1, '\') then substring(event_json1, 2, length(event_json1) - 2)
        when starts_with(event_json1, '"') then json_extract_string(event_json1, '$')
        when event_json1 in ('true', 'false') then event_json1
        when event_json1 = '-0.0' then '0'
        when regexp_full_match(event_json1, '-?[0-9]{1,15}0*\.0') then left(event_json1, -2)
        when regexp_full_match(event_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(event_json1, '-')) between 22 and 38 then replace(regexp_replace(event_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(event_json1, '-')) - 1
        when regexp_full_match(event_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then event_json1
        when regexp_full_match(event_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(event_json1, 'e', 'e+')
        when regexp_full_match(event_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then event_json1
    end as event_text,
        case
        when starts_with(name_json1, '"') and not contains(name_json1, '\') then substring(name_json1, 2, length(name_json1) - 2)
        when starts_with(name_json1, '"') then json_extract_string(name_json1, '$')
        when name_json1 in ('true', 'false') then name_json1
        when name_json1 = '-0.0' then '0'
        when regexp_full_match(name_json1, '-?[0-9]{1,15}0*\.0') then left(name_json1, -2)
        when regexp_full_match(name_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(name_json1, '-')) between 22 and 38 then replace(regexp_replace(name_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(name_json1, '-')) - 1
        when regexp_full_match(name_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then name_json1
        when regexp_full_match(name_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(name_json1, 'e', 'e+')
        when regexp_full_match(name_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then name_json1
    end as name_text,
        case when starts_with(page_name_json1, '"') then case
        when starts_with(page_name_json1, '"') and not contains(page_name_json1, '\') then substring(page_name_json1, 2, length(page_name_json1) - 2)
        when starts_with(page_name_json1, '"') then json_extract_string(page_name_json1, '$')
        when page_name_json1 in ('true', 'false') then page_name_json1
        when page_name_json1 = '-0.0' then '0'
        when regexp_full_match(page_name_json1, '-?[0-9]{1,15}0*\.0') then left(page_name_json1, -2)
        when regexp_full_match(page_name_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(page_name_json1, '-')) between 22 and 38 then replace(regexp_replace(page_name_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(page_name_json1, '-')) - 1
        when regexp_full_match(page_name_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then page_name_json1
        when regexp_full_match(page_name_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(page_name_json1, 'e', 'e+')
        when regexp_full_match(page_name_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then page_name_json1
    end end as page_name_text,
        list_transform(list_transform(case when starts_with((case when starts_with(coalesce(merged_json1, merged_json2), '{') then '[' || coalesce(merged_json1, merged_json2) || ']' else coalesce(merged_json1, merged_json2) end), '[') then cast(json_extract((case when starts_with(coalesce(merged_json1, merged_json2), '{') then '[' || coalesce(merged_json1, merged_json2) || ']' else coalesce(merged_json1, merged_json2) end), '$[*]') as varchar[]) end, lambda element: cast(json_extract(element, '$."value"') as varchar)), lambda element: case
        when starts_with(element, '"') and not contains(element, '\') then substring(element, 2, length(element) - 2)
        when starts_with(element, '"') then json_extract_string(element, '$')
        when element in ('true', 'false') then element
        when element = '-0.0' then '0'
        when regexp_full_match(element, '-?[0-9]{1,15}0*\.0') then left(element, -2)
        when regexp_full_match(element, '-?[0-9]{1,15}0{7,}') and length(ltrim(element, '-')) between 22 and 38 then replace(regexp_replace(element, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(element, '-')) - 1
        when regexp_full_match(element, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then element
        when regexp_full_match(element, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(element, 'e', 'e+')
        when regexp_full_match(element, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then element
    end) as merged_texts,
        case
        when starts_with(message_id_json1, '"') and not contains(message_id_json1, '\') then substring(message_id_json1, 2, length(message_id_json1) - 2)
        when starts_with(message_id_json1, '"') then json_extract_string(message_id_json1, '$')
        when message_id_json1 in ('true', 'false') then message_id_json1
        when message_id_json1 = '-0.0' then '0'
        when regexp_full_match(message_id_json1, '-?[0-9]{1,15}0*\.0') then left(message_id_json1, -2)
        when regexp_full_match(message_id_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(message_id_json1, '-')) between 22 and 38 then replace(regexp_replace(message_id_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(message_id_json1, '-')) - 1
        when regexp_full_match(message_id_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then message_id_json1
        when regexp_full_match(message_id_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(message_id_json1, 'e', 'e+')
        when regexp_full_match(message_id_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then message_id_json1
    end as message_id_text1,
        case
        when starts_with(message_id_json2, '"') and not contains(message_id_json2, '\') then substring(message_id_json2, 2, length(message_id_json2) - 2)
        when starts_with(message_id_json2, '"') then json_extract_string(message_id_json2, '$')
        when message_id_json2 in ('true', 'false') then message_id_json2
        when message_id_json2 = '-0.0' then '0'
        when regexp_full_match(message_id_json2, '-?[0-9]{1,15}0*\.0') then left(message_id_json2, -2)
        when regexp_full_match(message_id_json2, '-?[0-9]{1,15}0{7,}') and length(ltrim(message_id_json2, '-')) between 22 and 38 then replace(regexp_replace(message_id_json2, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(message_id_json2, '-')) - 1
        when regexp_full_match(message_id_json2, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then message_id_json2
        when regexp_full_match(message_id_json2, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(message_id_json2, 'e', 'e+')
        when regexp_full_match(message_id_json2, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then message_id_json2
    end as message_id_text2,
        case
        when starts_with(user_id_json1, '"') and not contains(user_id_json1, '\') then substring(user_id_json1, 2, length(user_id_json1) - 2)
        when starts_with(user_id_json1, '"') then json_extract_string(user_id_json1, '$')
        when user_id_json1 in ('true', 'false') then user_id_json1
        when user_id_json1 = '-0.0' then '0'
        when regexp_full_match(user_id_json1, '-?[0-9]{1,15}0*\.0') then left(user_id_json1, -2)
        when regexp_full_match(user_id_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(user_id_json1, '-')) between 22 and 38 then replace(regexp_replace(user_id_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(user_id_json1, '-')) - 1
        when regexp_full_match(user_id_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then user_id_json1
        when regexp_full_match(user_id_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(user_id_json1, 'e', 'e+')
        when regexp_full_match(user_id_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then user_id_json1
    end as user_id_text1,
        case
        when starts_with(user_id_json2, '"') and not contains(user_id_json2, '\') then substring(user_id_json2, 2, length(user_id_json2) - 2)
        when starts_with(user_id_json2, '"') then json_extract_string(user_id_json2, '$')
        when user_id_json2 in ('true', 'false') then user_id_json2
        when user_id_json2 = '-0.0' then '0'
        when regexp_full_match(user_id_json2, '-?[0-9]{1,15}0*\.0') then left(user_id_json2, -2)
        when regexp_full_match(user_id_json2, '-?[0-9]{1,15}0{7,}') and length(ltrim(user_id_json2, '-')) between 22 and 38 then replace(regexp_replace(user_id_json2, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(user_id_json2, '-')) - 1
        when regexp_full_match(user_id_json2, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then user_id_json2
        when regexp_full_match(user_id_json2, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(user_id_json2, 'e', 'e+')
        when regexp_full_match(user_id_json2, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then user_id_json2
    end as user_id_text2,
        case
        when starts_with(anonymous_id_json1, '"') and not contains(anonymous_id_json1, '\') then substring(anonymous_id_json1, 2, length(anonymous_id_json1) - 2)
        when starts_with(anonymous_id_json1, '"') then json_extract_string(anonymous_id_json1, '$')
        when anonymous_id_json1 in ('true', 'false') then anonymous_id_json1
        when anonymous_id_json1 = '-0.0' then '0'
        when regexp_full_match(anonymous_id_json1, '-?[0-9]{1,15}0*\.0') then left(anonymous_id_json1, -2)
        when regexp_full_match(anonymous_id_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(anonymous_id_json1, '-')) between 22 and 38 then replace(regexp_replace(anonymous_id_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(anonymous_id_json1, '-')) - 1
        when regexp_full_match(anonymous_id_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then anonymous_id_json1
        when regexp_full_match(anonymous_id_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(anonymous_id_json1, 'e', 'e+')
        when regexp_full_match(anonymous_id_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then anonymous_id_json1
    end as anonymous_id_text1,
        case
        when starts_with(anonymous_id_json2, '"') and not contains(anonymous_id_json2, '\') then substring(anonymous_id_json2, 2, length(anonymous_id_json2) - 2)
        when starts_with(anonymous_id_json2, '"') then json_extract_string(anonymous_id_json2, '$')
        when anonymous_id_json2 in ('true', 'false') then anonymous_id_json2
        when anonymous_id_json2 = '-0.0' then '0'
        when regexp_full_match(anonymous_id_json2, '-?[0-9]{1,15}0*\.0') then left(anonymous_id_json2, -2)
        when regexp_full_match(anonymous_id_json2, '-?[0-9]{1,15}0{7,}') and length(ltrim(anonymous_id_json2, '-')) between 22 and 38 then replace(regexp_replace(anonymous_id_json2, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(anonymous_id_json2, '-')) - 1
        when regexp_full_match(anonymous_id_json2, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then anonymous_id_json2
        when regexp_full_match(anonymous_id_json2, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(anonymous_id_json2, 'e', 'e+')
        when regexp_full_match(anonymous_id_json2, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then anonymous_id_json2
    end as anonymous_id_text2,
        case
        when starts_with(group_id_json1, '"') and not contains(group_id_json1, '\') then substring(group_id_json1, 2, length(group_id_json1) - 2)
        when starts_with(group_id_json1, '"') then json_extract_string(group_id_json1, '$')
        when group_id_json1 in ('true', 'false') then group_id_json1
        when group_id_json1 = '-0.0' then '0'
        when regexp_full_match(group_id_json1, '-?[0-9]{1,15}0*\.0') then left(group_id_json1, -2)
        when regexp_full_match(group_id_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(group_id_json1, '-')) between 22 and 38 then replace(regexp_replace(group_id_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(group_id_json1, '-')) - 1
        when regexp_full_match(group_id_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then group_id_json1
        when regexp_full_match(group_id_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(group_id_json1, 'e', 'e+')
        when regexp_full_match(group_id_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then group_id_json1
    end as group_id_text1,
        case
        when starts_with(group_id_json2, '"') and not contains(group_id_json2, '\') then substring(group_id_json2, 2, length(group_id_json2) - 2)
        when starts_with(group_id_json2, '"') then json_extract_string(group_id_json2, '$')
        when group_id_json2 in ('true', 'false') then group_id_json2
        when group_id_json2 = '-0.0' then '0'
        when regexp_full_match(group_id_json2, '-?[0-9]{1,15}0*\.0') then left(group_id_json2, -2)
        when regexp_full_match(group_id_json2, '-?[0-9]{1,15}0{7,}') and length(ltrim(group_id_json2, '-')) between 22 and 38 then replace(regexp_replace(group_id_json2, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(group_id_json2, '-')) - 1
        when regexp_full_match(group_id_json2, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then group_id_json2
        when regexp_full_match(group_id_json2, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(group_id_json2, 'e', 'e+')
        when regexp_full_match(group_id_json2, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then group_id_json2
    end as group_id_text2,
        case
        when starts_with(previous_id_json1, '"') and not contains(previous_id_json1, '\') then substring(previous_id_json1, 2, length(previous_id_json1) - 2)
        when starts_with(previous_id_json1, '"') then json_extract_string(previous_id_json1, '$')
        when previous_id_json1 in ('true', 'false') then previous_id_json1
        when previous_id_json1 = '-0.0' then '0'
        when regexp_full_match(previous_id_json1, '-?[0-9]{1,15}0*\.0') then left(previous_id_json1, -2)
        when regexp_full_match(previous_id_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(previous_id_json1, '-')) between 22 and 38 then replace(regexp_replace(previous_id_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(previous_id_json1, '-')) - 1
        when regexp_full_match(previous_id_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then previous_id_json1
        when regexp_full_match(previous_id_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(previous_id_json1, 'e', 'e+')
        when regexp_full_match(previous_id_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then previous_id_json1
    end as previous_id_text1,
        case
        when starts_with(previous_id_json2, '"') and not contains(previous_id_json2, '\') then substring(previous_id_json2, 2, length(previous_id_json2) - 2)
        when starts_with(previous_id_json2, '"') then json_extract_string(previous_id_json2, '$')
        when previous_id_json2 in ('true', 'false') then previous_id_json2
        when previous_id_json2 = '-0.0' then '0'
        when regexp_full_match(previous_id_json2, '-?[0-9]{1,15}0*\.0') then left(previous_id_json2, -2)
        when regexp_full_match(previous_id_json2, '-?[0-9]{1,15}0{7,}') and length(ltrim(previous_id_json2, '-')) between 22 and 38 then replace(regexp_replace(previous_id_json2, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(previous_id_json2, '-')) - 1
        when regexp_full_match(previous_id_json2, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then previous_id_json2
        when regexp_full_match(previous_id_json2, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(previous_id_json2, 'e', 'e+')
        when regexp_full_match(previous_id_json2, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then previous_id_json2
    end as previous_id_text2,
        case
        when starts_with(timestamp_json1, '"') and not contains(timestamp_json1, '\') then substring(timestamp_json1, 2, length(timestamp_json1) - 2)
        when starts_with(timestamp_json1, '"') then json_extract_string(timestamp_json1, '$')
        when timestamp_json1 in ('true', 'false') then timestamp_json1
        when timestamp_json1 = '-0.0' then '0'
        when regexp_full_match(timestamp_json1, '-?[0-9]{1,15}0*\.0') then left(timestamp_json1, -2)
        when regexp_full_match(timestamp_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(timestamp_json1, '-')) between 22 and 38 then replace(regexp_replace(timestamp_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(timestamp_json1, '-')) - 1
        when regexp_full_match(timestamp_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then timestamp_json1
        when regexp_full_match(timestamp_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(timestamp_json1, 'e', 'e+')
        when regexp_full_match(timestamp_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then timestamp_json1
    end as timestamp_text1,
        case
        when starts_with(received_at_json1, '"') and not contains(received_at_json1, '\') then substring(received_at_json1, 2, length(received_at_json1) - 2)
        when starts_with(received_at_json1, '"') then json_extract_string(received_at_json1, '$')
        when received_at_json1 in ('true', 'false') then received_at_json1
        when received_at_json1 = '-0.0' then '0'
        when regexp_full_match(received_at_json1, '-?[0-9]{1,15}0*\.0') then left(received_at_json1, -2)
        when regexp_full_match(received_at_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(received_at_json1, '-')) between 22 and 38 then replace(regexp_replace(received_at_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(received_at_json1, '-')) - 1
        when regexp_full_match(received_at_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then received_at_json1
        when regexp_full_match(received_at_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(received_at_json1, 'e', 'e+')
        when regexp_full_match(received_at_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then received_at_json1
    end as received_at_text1,
        case
        when starts_with(received_at_json2, '"') and not contains(received_at_json2, '\') then substring(received_at_json2, 2, length(received_at_json2) - 2)
        when starts_with(received_at_json2, '"') then json_extract_string(received_at_json2, '$')
        when received_at_json2 in ('true', 'false') then received_at_json2
        when received_at_json2 = '-0.0' then '0'
        when regexp_full_match(received_at_json2, '-?[0-9]{1,15}0*\.0') then left(received_at_json2, -2)
        when regexp_full_match(received_at_json2, '-?[0-9]{1,15}0{7,}') and length(ltrim(received_at_json2, '-')) between 22 and 38 then replace(regexp_replace(received_at_json2, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(received_at_json2, '-')) - 1
        when regexp_full_match(received_at_json2, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then received_at_json2
        when regexp_full_match(received_at_json2, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(received_at_json2, 'e', 'e+')
        when regexp_full_match(received_at_json2, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then received_at_json2
    end as received_at_text2
    from named

),

judged as (

    select
        * exclude (event_text, name_text, page_name_text),
        case when ascii(event_text) between 33 and 126 then event_text when regexp_matches(event_text, '[^\p{Z}\x09-\x0d\x1c-\x1f\x{85}]') then event_text end as event_text,
        case when ascii(name_text) between 33 and 126 then name_text when regexp_matches(name_text, '[^\p{Z}\x09-\x0d\x1c-\x1f\x{85}]') then name_text end as name_text,
        case when ascii(page_name_text) between 33 and 126 then page_name_text when regexp_matches(page_name_text, '[^\p{Z}\x09-\x0d\x1c-\x1f\x{85}]') then page_name_text end as page_name_text,
        coalesce(case when not regexp_full_match(message_id_text1, {placeholders}) then message_id_text1 end, case when not regexp_full_match(message_id_text2, {placeholders}) then message_id_text2 end) as message_id,
        coalesce(case when not regexp_full_match(user_id_text1, {placeholders}) then user_id_text1 end, case when not regexp_full_match(user_id_text2, {placeholders}) then user_id_text2 end) as user_id,
        coalesce(case when not regexp_full_match(anonymous_id_text1, {placeholders}) then anonymous_id_text1 end, case when not regexp_full_match(anonymous_id_text2, {placeholders}) then anonymous_id_text2 end) as anonymous_id,
        coalesce(case when not regexp_full_match(group_id_text1, {placeholders}) then group_id_text1 end, case when not regexp_full_match(group_id_text2, {placeholders}) then group_id_text2 end) as group_id,
        coalesce(case when not regexp_full_match(previous_id_text1, {placeholders}) then previous_id_text1 end, case when not regexp_full_match(previous_id_text2, {placeholders}) then previous_id_text2 end) as previous_id,
        list_transform(merged_texts, lambda element: case when not regexp_full_match(element, {placeholders}) then element end) as merged_ids,
        coalesce(coalesce(case when ends_with(received_at_text1, 'Z') then try_cast(received_at_text1 as timestamp) end, list_transform([list_transform([regexp_replace(received_at_text1, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \2|\3') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3|\4') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])') then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])') and try_cast(written as bigint) % 900000 = 0 then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5|\6') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5:\6|\7') when regexp_full_match(written, '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 3) || '-' || cast(cast((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 2))) + 2) / 3 as integer) as varchar) || '-' || regexp_replace(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \4|\5') when regexp_full_match(written, '-?[1-9][0-9]{7,9}') and try_cast(written as bigint) % 900000 = 0 then null else cast(make_timestamp(case when regexp_full_match(written, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 6), 6, '0') as bigint) when regexp_full_match(written, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 3), 3, '0') as bigint) when regexp_full_match(written, '[1-9][0-9]{14,15}') then try_cast(written as bigint) when regexp_full_match(written, '[1-9][0-9]{17,18}') then try_cast(left(written, -3) as bigint) end) as varchar) end)[1]], lambda moment: make_timestamp(epoch_us(try_cast(cast(try_cast(rtrim(replace(split_part(moment, '|', 1), ',', '.')) as timestamp) as varchar) || coalesce(nullif(split_part(moment, '|', 2), ''), 'Z') as timestamptz))))[1]), case when received_at_text2 is not null then coalesce(case when ends_with(received_at_text2, 'Z') then try_cast(received_at_text2 as timestamp) end, list_transform([list_transform([regexp_replace(received_at_text2, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \2|\3') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3|\4') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])') then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])') and try_cast(written as bigint) % 900000 = 0 then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5|\6') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5:\6|\7') when regexp_full_match(written, '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 3) || '-' || cast(cast((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 2))) + 2) / 3 as integer) as varchar) || '-' || regexp_replace(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \4|\5') when regexp_full_match(written, '-?[1-9][0-9]{7,9}') and try_cast(written as bigint) % 900000 = 0 then null else cast(make_timestamp(case when regexp_full_match(written, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 6), 6, '0') as bigint) when regexp_full_match(written, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 3), 3, '0') as bigint) when regexp_full_match(written, '[1-9][0-9]{14,15}') then try_cast(written as bigint) when regexp_full_match(written, '[1-9][0-9]{17,18}') then try_cast(left(written, -3) as bigint) end) as varchar) end)[1]], lambda moment: make_timestamp(epoch_us(try_cast(cast(try_cast(rtrim(replace(split_part(moment, '|', 1), ',', '.')) as timestamp) as varchar) || coalesce(nullif(split_part(moment, '|', 2), ''), 'Z') as timestamptz))))[1]) end) as claimed_received_at,
        coalesce(case when ends_with(timestamp_text1, 'Z') then try_cast(timestamp_text1 as timestamp) end, list_transform([list_transform([regexp_replace(timestamp_text1, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \2|\3') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3|\4') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])') then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])') and try_cast(written as bigint) % 900000 = 0 then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5|\6') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5:\6|\7') when regexp_full_match(written, '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 3) || '-' || cast(cast((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 2))) + 2) / 3 as integer) as varchar) || '-' || regexp_replace(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \4|\5') when regexp_full_match(written, '-?[1-9][0-9]{7,9}') and try_cast(written as bigint) % 900000 = 0 then null else cast(make_timestamp(case when regexp_full_match(written, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 6), 6, '0') as bigint) when regexp_full_match(written, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 3), 3, '0') as bigint) when regexp_full_match(written, '[1-9][0-9]{14,15}') then try_cast(written as bigint) when regexp_full_match(written, '[1-9][0-9]{17,18}') then try_cast(left(written, -3) as bigint) end) as varchar) end)[1]], lambda moment: make_timestamp(epoch_us(try_cast(cast(try_cast(rtrim(replace(split_part(moment, '|', 1), ',', '.')) as timestamp) as varchar) || coalesce(nullif(split_part(moment, '|', 2), ''), 'Z') as timestamptz))))[1]) as claimed_timestamp,
        case
            when message is null and unreadable is null then 'empty'
            when message is null then 'not_utf8'
            when found is null then 'broken_json'
            when not starts_with(message, '{') and not starts_with(ltrim(message, ' ' || chr(9) || chr(10) || chr(13)), '{') then 'not_an_object'
            when type_json1 is null then 'missing_type'
            when call_type is null then 'type_not_text'
            when call_type not in ('track', 'page', 'screen', 'identify', 'group', 'alias', 'merge') then 'unknown_type'
            when call_type in ('track', 'page', 'screen') and kinds[1] not in ('OBJECT', 'NULL') and not regexp_full_match(cast(json_extract(call, '$."properties"') as varchar), 'null|\[\]|"(?:[\p{Z}\x{85}]|\\[tnfr]|\\u00(?:0[bB]|1[c-fC-F]))*"') then 'properties_not_an_object'
            when call_type in ('identify', 'group') and kinds[2] not in ('OBJECT', 'NULL') and not regexp_full_match(cast(json_extract(call, '$."traits"') as varchar), 'null|\[\]|"(?:[\p{Z}\x{85}]|\\[tnfr]|\\u00(?:0[bB]|1[c-fC-F]))*"') then 'traits_not_an_object'
            when call_type = 'track' and not starts_with(event_json1, '"') then 'event_not_text'
            when call_type in ('page', 'screen') and not starts_with(name_json1, '"') then 'name_not_text'
        end as rejection_reason
    from texts

),

received as (

    select
        *,
        case when claimed_received_at between cast({earliest_day} as timestamp) and make_timestamp(run_number + {ahead_us}) then claimed_received_at end as received_at
    from judged

),

timed as (

    select
        *,
        case when claimed_timestamp between cast({earliest_day} as timestamp) and make_timestamp(coalesce(epoch_us(received_at), run_number) + {ahead_us}) then claimed_timestamp end as possible_timestamp
    from received

),
otherwise_timed as (

    select
        *,
        case when possible_timestamp is null then list_filter(list_transform([case
        when starts_with(original_timestamp_json1, '"') and not contains(original_timestamp_json1, '\') then substring(original_timestamp_json1, 2, length(original_timestamp_json1) - 2)
        when starts_with(original_timestamp_json1, '"') then json_extract_string(original_timestamp_json1, '$')
        when original_timestamp_json1 in ('true', 'false') then original_timestamp_json1
        when original_timestamp_json1 = '-0.0' then '0'
        when regexp_full_match(original_timestamp_json1, '-?[0-9]{1,15}0*\.0') then left(original_timestamp_json1, -2)
        when regexp_full_match(original_timestamp_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(original_timestamp_json1, '-')) between 22 and 38 then replace(regexp_replace(original_timestamp_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(original_timestamp_json1, '-')) - 1
        when regexp_full_match(original_timestamp_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then original_timestamp_json1
        when regexp_full_match(original_timestamp_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(original_timestamp_json1, 'e', 'e+')
        when regexp_full_match(original_timestamp_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then original_timestamp_json1
    end, case
        when starts_with(original_timestamp_json2, '"') and not contains(original_timestamp_json2, '\') then substring(original_timestamp_json2, 2, length(original_timestamp_json2) - 2)
        when starts_with(original_timestamp_json2, '"') then json_extract_string(original_timestamp_json2, '$')
        when original_timestamp_json2 in ('true', 'false') then original_timestamp_json2
        when original_timestamp_json2 = '-0.0' then '0'
        when regexp_full_match(original_timestamp_json2, '-?[0-9]{1,15}0*\.0') then left(original_timestamp_json2, -2)
        when regexp_full_match(original_timestamp_json2, '-?[0-9]{1,15}0{7,}') and length(ltrim(original_timestamp_json2, '-')) between 22 and 38 then replace(regexp_replace(original_timestamp_json2, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(original_timestamp_json2, '-')) - 1
        when regexp_full_match(original_timestamp_json2, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then original_timestamp_json2
        when regexp_full_match(original_timestamp_json2, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(original_timestamp_json2, 'e', 'e+')
        when regexp_full_match(original_timestamp_json2, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then original_timestamp_json2
    end], lambda element: case when element is not null then coalesce(case when ends_with(element, 'Z') then try_cast(element as timestamp) end, list_transform([list_transform([regexp_replace(element, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \2|\3') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3|\4') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])') then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])') and try_cast(written as bigint) % 900000 = 0 then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5|\6') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5:\6|\7') when regexp_full_match(written, '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 3) || '-' || cast(cast((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 2))) + 2) / 3 as integer) as varchar) || '-' || regexp_replace(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \4|\5') when regexp_full_match(written, '-?[1-9][0-9]{7,9}') and try_cast(written as bigint) % 900000 = 0 then null else cast(make_timestamp(case when regexp_full_match(written, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 6), 6, '0') as bigint) when regexp_full_match(written, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 3), 3, '0') as bigint) when regexp_full_match(written, '[1-9][0-9]{14,15}') then try_cast(written as bigint) when regexp_full_match(written, '[1-9][0-9]{17,18}') then try_cast(left(written, -3) as bigint) end) as varchar) end)[1]], lambda moment: make_timestamp(epoch_us(try_cast(cast(try_cast(rtrim(replace(split_part(moment, '|', 1), ',', '.')) as timestamp) as varchar) || coalesce(nullif(split_part(moment, '|', 2), ''), 'Z') as timestamptz))))[1]) end), lambda element: element is not null)[1] end as claimed_original,
        case when possible_timestamp is null then list_filter(list_transform([case
        when starts_with(sent_at_json1, '"') and not contains(sent_at_json1, '\') then substring(sent_at_json1, 2, length(sent_at_json1) - 2)
        when starts_with(sent_at_json1, '"') then json_extract_string(sent_at_json1, '$')
        when sent_at_json1 in ('true', 'false') then sent_at_json1
        when sent_at_json1 = '-0.0' then '0'
        when regexp_full_match(sent_at_json1, '-?[0-9]{1,15}0*\.0') then left(sent_at_json1, -2)
        when regexp_full_match(sent_at_json1, '-?[0-9]{1,15}0{7,}') and length(ltrim(sent_at_json1, '-')) between 22 and 38 then replace(regexp_replace(sent_at_json1, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(sent_at_json1, '-')) - 1
        when regexp_full_match(sent_at_json1, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then sent_at_json1
        when regexp_full_match(sent_at_json1, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(sent_at_json1, 'e', 'e+')
        when regexp_full_match(sent_at_json1, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then sent_at_json1
    end, case
        when starts_with(sent_at_json2, '"') and not contains(sent_at_json2, '\') then substring(sent_at_json2, 2, length(sent_at_json2) - 2)
        when starts_with(sent_at_json2, '"') then json_extract_string(sent_at_json2, '$')
        when sent_at_json2 in ('true', 'false') then sent_at_json2
        when sent_at_json2 = '-0.0' then '0'
        when regexp_full_match(sent_at_json2, '-?[0-9]{1,15}0*\.0') then left(sent_at_json2, -2)
        when regexp_full_match(sent_at_json2, '-?[0-9]{1,15}0{7,}') and length(ltrim(sent_at_json2, '-')) between 22 and 38 then replace(regexp_replace(sent_at_json2, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(sent_at_json2, '-')) - 1
        when regexp_full_match(sent_at_json2, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then sent_at_json2
        when regexp_full_match(sent_at_json2, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(sent_at_json2, 'e', 'e+')
        when regexp_full_match(sent_at_json2, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then sent_at_json2
    end], lambda element: case when element is not null then coalesce(case when ends_with(element, 'Z') then try_cast(element as timestamp) end, list_transform([list_transform([regexp_replace(element, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')], lambda written: case when regexp_full_match(written, '([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^([0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \2|\3') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3|\4') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])') then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])') and try_cast(written as bigint) % 900000 = 0 then null when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9]) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5|\6') when regexp_full_match(written, '((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_replace(written, '^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[Tt]?([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:[.,][0-9]+)?) *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1-\2-\3 \4:\5:\6|\7') when regexp_full_match(written, '(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?') then regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 3) || '-' || cast(cast((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(regexp_extract(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', 2))) + 2) / 3 as integer) as varchar) || '-' || regexp_replace(written, '^(?i)(?:(?:mon|tue|wed|thu|fri|sat|sun), *)?([0-9]{1,2}) +(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +([0-9]{4})(?: +([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?))? *(?:Z|z|UTC|GMT|UT|([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?$', '\1 \4|\5') when regexp_full_match(written, '-?[1-9][0-9]{7,9}') and try_cast(written as bigint) % 900000 = 0 then null else cast(make_timestamp(case when regexp_full_match(written, '-[1-9][0-9]{7,9}|[1-9][0-9]{8,9}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 6), 6, '0') as bigint) when regexp_full_match(written, '-[1-9][0-9]{10,12}|[1-9][0-9]{11,12}(\.[0-9]+)?') then try_cast(split_part(written, '.', 1) || rpad(left(split_part(written, '.', 2), 3), 3, '0') as bigint) when regexp_full_match(written, '[1-9][0-9]{14,15}') then try_cast(written as bigint) when regexp_full_match(written, '[1-9][0-9]{17,18}') then try_cast(left(written, -3) as bigint) end) as varchar) end)[1]], lambda moment: make_timestamp(epoch_us(try_cast(cast(try_cast(rtrim(replace(split_part(moment, '|', 1), ',', '.')) as timestamp) as varchar) || coalesce(nullif(split_part(moment, '|', 2), ''), 'Z') as timestamptz))))[1]) end), lambda element: element is not null)[1] end as claimed_sent
    from timed

),
corrected as (

    select
        *,
        try(make_timestamp(epoch_us(received_at) - (epoch_us(claimed_sent) - epoch_us(claimed_original)))) as claimed_corrected
    from otherwise_timed

),

final as (

    select
        file_number,
        source_file,
        line_number,
        run_number,
        rejection_reason,
        case when rejection_reason is not null then coalesce(unreadable, encode(message), ''::blob) end as rejected_bytes,
        case when rejection_reason is null and readable <> message then true end as has_cut_text,
        message_id,
        case when rejection_reason is null and message_id is null then sha256(message) end as content_hash,
        call_type,
        case
            when call_type = 'track' then event_text
            when call_type in ('page', 'screen') then coalesce(name_text, page_name_text, case when starts_with(event_json1, '"') then event_text end, call_type)
        end as event,
        coalesce(
            possible_timestamp,
            case when claimed_corrected between cast({earliest_day} as timestamp) and make_timestamp(coalesce(epoch_us(received_at), run_number) + {ahead_us}) then claimed_corrected end,
            case when claimed_original between cast({earliest_day} as timestamp) and make_timestamp(coalesce(epoch_us(received_at), run_number) + {ahead_us}) then claimed_original end,
            case when claimed_sent between cast({earliest_day} as timestamp) and make_timestamp(coalesce(epoch_us(received_at), run_number) + {ahead_us}) then claimed_sent end,
            received_at
        ) as timestamp,
        received_at,
        user_id,
        anonymous_id,
        group_id,
        previous_id,
        merged_ids,
        {consent_signals} as consent_signals
    from corrected

)

select * from final

--- consent signals
case when coalesce(found[24], found[25], found[26], found[27]) is not null then list_sort(list_distinct(flatten([
            case when found[24] is null then cast([] as varchar[]) else coalesce(list_transform(map_entries(try_cast(try_cast(found[24] as json) as map(varchar, json))), lambda member: case when (cast(member['value'] as varchar) = 'true' or (starts_with(cast(member['value'] as varchar), '{') and lower(regexp_replace(member['key'], '[\p{Z}\p{Cc}\p{Cf}]+', '', 'g')) <> 'all')) then 'integration yes: ' || member['key'] when cast(member['value'] as varchar) = 'false' then 'integration no: ' || lower(regexp_replace(member['key'], '[\p{Z}\p{Cc}\p{Cf}]+', '', 'g')) else 'integration unreadable: ' || lower(regexp_replace(member['key'], '[\p{Z}\p{Cc}\p{Cf}]+', '', 'g')) end), ['integration unreadable']) end,
            case when found[25] is null then cast([] as varchar[]) else coalesce(list_transform(map_entries(try_cast(try_cast(found[25] as json) as map(varchar, json))), lambda member: case when (cast(member['value'] as varchar) = 'true' or (starts_with(cast(member['value'] as varchar), '{') and lower(regexp_replace(member['key'], '[\p{Z}\p{Cc}\p{Cf}]+', '', 'g')) <> 'all')) then 'consent yes: ' || member['key'] when cast(member['value'] as varchar) = 'false' then 'consent no: ' || lower(regexp_replace(member['key'], '[\p{Z}\p{Cc}\p{Cf}]+', '', 'g')) else 'consent unreadable: ' || lower(regexp_replace(member['key'], '[\p{Z}\p{Cc}\p{Cf}]+', '', 'g')) end), ['consent unreadable']) end,
            case when cast(json_extract(found[26], '$."categoryPreferences"') as varchar) is null then cast([] as varchar[]) else coalesce(list_transform(map_entries(try_cast(try_cast(cast(json_extract(found[26], '$."categoryPreferences"') as varchar) as json) as map(varchar, json))), lambda member: case when cast(member['value'] as varchar) = 'true' then 'category yes: ' || regexp_replace(member['key'], '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') when cast(member['value'] as varchar) = 'false' then 'category no: ' || regexp_replace(member['key'], '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') else 'category unreadable: ' || regexp_replace(member['key'], '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') end), ['categories unreadable']) end,
            case when found[26] is not null and not starts_with(found[26], '{') then ['categories unreadable'] else cast([] as varchar[]) end,
            case when starts_with(cast(json_extract(found[27], '$."allowedConsentIds"') as varchar), '[') then list_transform(case when starts_with(cast(json_extract(found[27], '$."allowedConsentIds"') as varchar), '[') then cast(json_extract(cast(json_extract(found[27], '$."allowedConsentIds"') as varchar), '$[*]') as varchar[]) end, lambda element: case when starts_with(element, '"') then 'category yes: ' || regexp_replace((case
        when starts_with(element, '"') and not contains(element, '\') then substring(element, 2, length(element) - 2)
        when starts_with(element, '"') then json_extract_string(element, '$')
        when element in ('true', 'false') then element
        when element = '-0.0' then '0'
        when regexp_full_match(element, '-?[0-9]{1,15}0*\.0') then left(element, -2)
        when regexp_full_match(element, '-?[0-9]{1,15}0{7,}') and length(ltrim(element, '-')) between 22 and 38 then replace(regexp_replace(element, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(element, '-')) - 1
        when regexp_full_match(element, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then element
        when regexp_full_match(element, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(element, 'e', 'e+')
        when regexp_full_match(element, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then element
    end), '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') else 'categories unreadable' end) else case when cast(json_extract(found[27], '$."allowedConsentIds"') as varchar) is null then cast([] as varchar[]) else coalesce(list_transform(map_entries(try_cast(try_cast(cast(json_extract(found[27], '$."allowedConsentIds"') as varchar) as json) as map(varchar, json))), lambda member: case when coalesce(cast(member['value'] as varchar), 'false') <> 'false' then 'category yes: ' else 'category unreadable: ' end || regexp_replace(member['key'], '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')), ['categories unreadable']) end end,
            case when starts_with(cast(json_extract(found[27], '$."deniedConsentIds"') as varchar), '[') then list_transform(case when starts_with(cast(json_extract(found[27], '$."deniedConsentIds"') as varchar), '[') then cast(json_extract(cast(json_extract(found[27], '$."deniedConsentIds"') as varchar), '$[*]') as varchar[]) end, lambda element: case when starts_with(element, '"') then 'category no: ' || regexp_replace((case
        when starts_with(element, '"') and not contains(element, '\') then substring(element, 2, length(element) - 2)
        when starts_with(element, '"') then json_extract_string(element, '$')
        when element in ('true', 'false') then element
        when element = '-0.0' then '0'
        when regexp_full_match(element, '-?[0-9]{1,15}0*\.0') then left(element, -2)
        when regexp_full_match(element, '-?[0-9]{1,15}0{7,}') and length(ltrim(element, '-')) between 22 and 38 then replace(regexp_replace(element, '^(-?[0-9])([0-9]*?)0*$', '\1.\2e+'), '.e', 'e') || length(ltrim(element, '-')) - 1
        when regexp_full_match(element, '-?[0-9]{1,38}|-?[0-9]+\.[0-9]*[1-9]') then element
        when regexp_full_match(element, '-?[0-9](\.[0-9]{1,14})?e([0-9]{2}|[12][0-9]{2}|30[0-7])') then replace(element, 'e', 'e+')
        when regexp_full_match(element, '-?[0-9](\.[0-9]+)?e-[0-9]{1,3}') then element
    end), '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') else 'categories unreadable' end) else case when cast(json_extract(found[27], '$."deniedConsentIds"') as varchar) is null then cast([] as varchar[]) else coalesce(list_transform(map_entries(try_cast(try_cast(cast(json_extract(found[27], '$."deniedConsentIds"') as varchar) as json) as map(varchar, json))), lambda member: 'category no: ' || regexp_replace(member['key'], '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g')), ['categories unreadable']) end end,
            case when found[27] is not null and not starts_with(found[27], '{') then ['categories unreadable'] else cast([] as varchar[]) end
        ]))) end

--- model stg_calls
select
    calls_read.* exclude (rejection_reason, rejected_bytes, content_hash, consent_signals),
    coalesce(call_keys.call_key, calls_read.message_id) as call_key,
    coalesce(denied_calls.denied_to, cast([] as varchar[])) as denied_to
from calls_read
left join call_keys
    on calls_read.file_number = call_keys.file_number
    and calls_read.line_number = call_keys.line_number
left join duplicate_calls
    on calls_read.file_number = duplicate_calls.file_number
    and calls_read.line_number = duplicate_calls.line_number
left join withheld_calls
    on calls_read.file_number = withheld_calls.file_number
    and calls_read.line_number = withheld_calls.line_number
left join denied_calls
    on calls_read.file_number = denied_calls.file_number
    and calls_read.line_number = denied_calls.line_number
where
    calls_read.rejection_reason is null
    and duplicate_calls.line_number is null
    and withheld_calls.line_number is null

--- model withheld_calls
with recursive

{ids}

said as (

    select
        coalesce(user_id, anonymous_id, previous_id, merged_ids[1]) as one_id,
        previous_id as other_id,
        case when user_id is null then 'device' else 'person' end as said_of
    from calls_read
    where previous_id is not null
    union all
    select
        coalesce(user_id, anonymous_id, previous_id, merged_ids[1]) as one_id,
        unnest(merged_ids) as other_id,
        case when user_id is null then 'device' else 'person' end as said_of
    from calls_read
    where merged_ids is not null
    {spelled}

),

ties as materialized (

    select
        regexp_replace(one_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') as one_id,
        regexp_replace(other_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') as other_id,
        said_of
    from said
    where one_id <> other_id and other_id <> ''
    union
    select
        regexp_replace(other_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') as one_id,
        regexp_replace(one_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') as other_id,
        said_of
    from said
    where one_id <> other_id and other_id <> ''

),

listed_ids as (

    select user_id as id from suppressed_users
    union
    select ties.other_id as id
    from listed_ids
    inner join ties on listed_ids.id = ties.one_id
    where ties.said_of in ('spelling')

),

tied as (

    select id from listed_ids
    union
    select ties.other_id as id
    from tied
    inner join ties on tied.id = ties.one_id
    where ties.said_of in ('spelling', 'device', 'person')

),

listed_devices as (

    select id
    from (
        select regexp_replace(anonymous_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') as id
        from calls_read
        where regexp_replace(user_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') in (select id from listed_ids)
        union
        select id
        from listed_ids
    ) as seen
    union
    select ties.other_id as id
    from listed_devices
    inner join ties on listed_devices.id = ties.one_id
    where ties.said_of in ('spelling')

),

tied_devices as (

    select id
    from (
        select regexp_replace(anonymous_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') as id
        from calls_read
        where regexp_replace(user_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') in (select id from tied)
        union
        select id
        from tied
    ) as seen
    union
    select ties.other_id as id
    from tied_devices
    inner join ties on tied_devices.id = ties.one_id
    where ties.said_of in ('spelling', 'device')

),

judged as (

    select
        file_number,
        line_number,
        message_id,
        case
            when regexp_replace(anonymous_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') in (select id from listed_ids) then 'suppressed'
            when regexp_replace(user_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') in (select id from listed_ids) or (user_id is null and regexp_replace(anonymous_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') in (select id from listed_devices)) then 'suppressed'
            when regexp_replace(user_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') in (select id from tied) or (user_id is null and regexp_replace(anonymous_id, '^[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+|[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+$', '', 'g') in (select id from tied_devices)) then 'suppressed_by_alias'
            {expired}
        end as reason
    from calls_read
    where rejection_reason is null

)

select
    judged.file_number,
    judged.line_number,
    coalesce(call_keys.call_key, judged.message_id) as call_key,
    judged.reason
from judged
left join call_keys as call_keys
    on judged.file_number = call_keys.file_number
    and judged.line_number = call_keys.line_number
left join duplicate_calls as duplicate_calls
    on judged.file_number = duplicate_calls.file_number
    and judged.line_number = duplicate_calls.line_number
where
    judged.reason is not null
    and duplicate_calls.line_number is null

--- ids of all calls
ids as (

    select user_id as id from calls_read
    union
    select anonymous_id as id from calls_read
    union
    select previous_id as id from calls_read
    union
    select unnest(merged_ids) as id from calls_read
    union
    select user_id as id from suppressed_users

),

--- ids that are spellings of one
union all
select
    id as one_id,
    {normalized} as other_id,
    'spelling' as said_of
from ids

--- where calls expire
when timestamp is null then 'undated'
when timestamp < timestamp '{retained_from}' then 'expired'

--- model denied_calls
with

rules as (

    {rules}

),

usable as (

    select
        file_number,
        line_number,
        message_id,
        content_hash,
        call_type,
        user_id,
        anonymous_id,
        group_id,
        received_at,
        coalesce(consent_signals, cast([] as varchar[])) as signals
    from calls_read
    where
        rejection_reason is null

),

repeated as (

    select
        usable.*,
        max(case when duplicate_calls.line_number is null then usable.file_number end) over same_call as first_file,
        max(case when duplicate_calls.line_number is null then usable.line_number end) over same_call as first_line,
        max(usable.received_at) over same_call as last_received_at
    from usable
    left join duplicate_calls as duplicate_calls
        on usable.file_number = duplicate_calls.file_number
        and usable.line_number = duplicate_calls.line_number
    where usable.message_id in (select message_id from duplicate_calls)
    window same_call as (partition by usable.message_id, usable.call_type, usable.user_id, usable.anonymous_id, usable.group_id)

),

heard as (

    select
        file_number,
        line_number,
        message_id,
        content_hash,
        signals
    from usable
    where
        (message_id is null or message_id not in (select message_id from duplicate_calls))
        {unless_needed}
    union all
    select
        first_file,
        first_line,
        message_id,
        content_hash,
        signals
    from repeated
    where received_at is null or received_at = last_received_at

),

answers as (

    select
        different.signals,
        rules.destination,
        case when list_has_any(different.signals, rules.says_no) then 'opted_out' when list_has_any(different.signals, rules.unreadable) then 'unreadable' when list_has_any(different.signals, rules.integration_no_to_all) and not list_has_any(different.signals, rules.integration_yes) then 'opted_out' when list_has_any(different.signals, rules.consent_no_to_all) and not list_has_any(different.signals, rules.consent_yes) then 'opted_out' when rules.needed = 0 then null when not list_contains(different.signals, 'categories unreadable') and len(list_filter(rules.categories, lambda element: list_contains(different.signals, 'category yes: ' || element) and not list_contains(different.signals, 'category no: ' || element) and not list_contains(different.signals, 'category unreadable: ' || element))) >= rules.needed then null when len(list_filter(rules.categories, lambda element: list_contains(different.signals, 'category no: ' || element))) > 0 then 'consent_refused' when list_contains(different.signals, 'categories unreadable') or len(list_filter(rules.categories, lambda element: list_contains(different.signals, 'category unreadable: ' || element))) > 0 then 'unreadable' else 'consent_missing' end as reason
    from (select distinct signals from heard) as different
    cross join rules

),

denials as (

    select
        heard.file_number,
        heard.line_number,
        heard.message_id,
        heard.content_hash,
        answers.destination,
        max(answers.reason) as reason
    from heard
    inner join answers on heard.signals = answers.signals
    where answers.reason is not null
    group by heard.file_number, heard.line_number, heard.message_id, heard.content_hash, answers.destination

),

denied as (

    select
        file_number,
        line_number,
        message_id,
        content_hash,
        list(destination order by destination) as denied_to,
        list(reason order by destination) as reasons
    from denials
    group by file_number, line_number, message_id, content_hash

)

select
    denied.file_number,
    denied.line_number,
    denied.message_id,
    denied.content_hash,
    coalesce(call_keys.call_key, denied.message_id) as call_key,
    denied.denied_to,
    denied.reasons
from denied
left join call_keys as call_keys
    on denied.file_number = call_keys.file_number
    and denied.line_number = call_keys.line_number

--- model duplicate_calls
with

repeated_ids as (

    select message_id
    from calls_read
    where rejection_reason is null and message_id is not null
    group by message_id
    having count(*) > 1

),

repeated as (

    select calls_read.*
    from calls_read as calls_read
    inner join repeated_ids on calls_read.message_id = repeated_ids.message_id
    where calls_read.rejection_reason is null

),

deliveries as (

    select
        file_number,
        source_file,
        line_number,
        run_number,
        message_id,
        'call:' || sha256(message_id || chr(31) || call_type || chr(31) || coalesce('=' || user_id, '') || chr(31) || coalesce('=' || anonymous_id, '') || chr(31) || coalesce('=' || group_id, '')) as call_key,
        row_number() over (
            partition by message_id, call_type, user_id, anonymous_id, group_id
            order by timestamp nulls last, received_at nulls last, list_transform(regexp_extract_all(source_file, '[0-9]+|[^0-9]+'), lambda element: case when regexp_full_match(element, '[0-9]+') then lpad(cast(length(ltrim(element, '0')) as varchar), 4, '0') || ltrim(element, '0') else element end), source_file, line_number
        ) as delivery,
        row_number() over (
            partition by message_id
            order by timestamp nulls last, received_at nulls last, list_transform(regexp_extract_all(source_file, '[0-9]+|[^0-9]+'), lambda element: case when regexp_full_match(element, '[0-9]+') then lpad(cast(length(ltrim(element, '0')) as varchar), 4, '0') || ltrim(element, '0') else element end), source_file, line_number
        ) as place
    from repeated

)

select
    file_number,
    source_file,
    line_number,
    run_number,
    message_id,
    delivery
from deliveries
where delivery > 1

--- model call_keys
with

repeated_ids as (

    select message_id
    from calls_read
    where rejection_reason is null and message_id is not null
    group by message_id
    having count(*) > 1

),

repeated as (

    select calls_read.*
    from calls_read as calls_read
    inner join repeated_ids on calls_read.message_id = repeated_ids.message_id
    where calls_read.rejection_reason is null

),

deliveries as (

    select
        file_number,
        source_file,
        line_number,
        run_number,
        message_id,
        'call:' || sha256(message_id || chr(31) || call_type || chr(31) || coalesce('=' || user_id, '') || chr(31) || coalesce('=' || anonymous_id, '') || chr(31) || coalesce('=' || group_id, '')) as call_key,
        row_number() over (
            partition by message_id, call_type, user_id, anonymous_id, group_id
            order by timestamp nulls last, received_at nulls last, list_transform(regexp_extract_all(source_file, '[0-9]+|[^0-9]+'), lambda element: case when regexp_full_match(element, '[0-9]+') then lpad(cast(length(ltrim(element, '0')) as varchar), 4, '0') || ltrim(element, '0') else element end), source_file, line_number
        ) as delivery,
        row_number() over (
            partition by message_id
            order by timestamp nulls last, received_at nulls last, list_transform(regexp_extract_all(source_file, '[0-9]+|[^0-9]+'), lambda element: case when regexp_full_match(element, '[0-9]+') then lpad(cast(length(ltrim(element, '0')) as varchar), 4, '0') || ltrim(element, '0') else element end), source_file, line_number
        ) as place
    from repeated

)

select
    file_number,
    line_number,
    content_hash,
    cast(null as varchar) as message_id,
    'content:' || content_hash || ':' || row_number() over (
        partition by content_hash
        order by source_file, line_number
    ) as call_key
from calls_read
where content_hash is not null
union all
select
    file_number,
    line_number,
    cast(null as varchar) as content_hash,
    message_id,
    call_key
from deliveries
where delivery = 1 and place > 1

--- latest values
with

calls as (

    select 1

),

placed as (

    select
        row_id,
        called_at,
        id,
        {values}
        row_number() over (partition by row_id order by called_at nulls first, call_id) as place
    from calls

),

compared as (

    select
        row_id,
        called_at,
        id,
        place,
        {values}
        place = 1{or_changed} as has_changed
    from placed

)

select
    row_id,
    max(case when has_changed then called_at end) as changed_at,
    arg_max(id, place) as {id_name}{and_latest}
from compared
group by row_id

--- latest values: a new value
({value} is not null and {value} is distinct from lag({value} ignore nulls) over (partition by row_id order by place))

--- latest values: the latest value
arg_max({value}, place)
