"""Single calls as Python reads them: keys in any spelling, names, cut texts, and when it was."""

from __future__ import annotations

import pytest

from hipaa_mode.calls import event_name, event_time, first, judge, parse, without_broken_texts


@pytest.mark.parametrize(
    ("message", "key", "value"),
    [
        ('{"messageid": "m"}', "message_id", "m"),
        ('{"MESSAGE-ID": "m"}', "message_id", "m"),
        ('{"Type": "track"}', "type", "track"),
        ('{"userId": " ", "UserID": "u"}', "user_id", "u"),
        ('{"user_id": "u", "UserID": "x"}', "user_id", "u"),
        ('{"properties": null, "Properties": {"a": 1}}', "properties", (("a", 1),)),
        ('{"properties": {"a": 1}, "Properties": {"a": 2}}', "properties", (("a", 1),)),
        ('{"properties": {"UserID": "x"}}', "properties", (("UserID", "x"),)),
        ('{"user.id": "x"}', "user_id", None),
    ],
)
def test_keys_are_read_in_any_spelling(message: str, key: str, value: object) -> None:
    call = parse(message)
    assert isinstance(call, tuple)
    assert first(call, key) == value


@pytest.mark.parametrize(
    ("message", "whole"),
    [
        (r'{"t":"Book \ud83d"}', '{"t":null}'),
        (r'{"t":"\uDE00x","n":1}', '{"t":null,"n":1}'),
        (r'["a\ud83d", "\ud83d\ud83d\ude00"]', "[null, null]"),
        (r'{"k\ud83d" : 1}', r'{"k\ufffd" : 1}'),
        (r'{"t":"\ud83d\ude00"}', r'{"t":"\ud83d\ude00"}'),
        (r'{"t":"\\ud83d"}', r'{"t":"\\ud83d"}'),
        (r'{"t":"\\\ud83d"}', '{"t":null}'),
        (r'{"t":"a \" \ud83d","u":"b"}', '{"t":null,"u":"b"}'),
        (r'{"t":"a\u0000b","k\u0000":1}', r'{"t":null,"k\ufffd":1}'),
        (r'{"t":"\\u0000"}', r'{"t":"\\u0000"}'),
    ],
)
def test_a_text_that_is_cut_within_a_character_is_null(message: str, whole: str) -> None:
    assert without_broken_texts(message) == whole


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ('{"type":"track","event":"E","name":"N"}', "E"),
        ('{"type":"track","event":" "}', None),
        ('{"type":"page","name":"N","properties":{"name":"P"},"event":"E"}', "N"),
        ('{"type":"page","name":"","properties":{"name":"P"},"event":"E"}', "P"),
        ('{"type":"screen","properties":{"name":7},"event":"E"}', "E"),
        ('{"type":"screen","properties":[],"event":7}', "screen"),
        ('{"type":"identify","event":"E"}', None),
    ],
)
def test_the_name_of_an_event(message: str, name: str | None) -> None:
    call = parse(message)
    assert isinstance(call, tuple)
    reason, kind = judge(call)
    assert reason == ""
    assert event_name(call, kind) == name


@pytest.mark.parametrize("content", ["null", "[]", '""', '" "', "{}"])
def test_what_stands_for_an_empty_object_is_one(content: str) -> None:
    call = parse(f'{{"type":"track","event":"E","properties":{content}}}')
    assert isinstance(call, tuple)
    assert judge(call) == ("", "track")


@pytest.mark.parametrize("content", ["[1]", '"x"', "7", "false"])
def test_what_is_no_object_rejects_the_call(content: str) -> None:
    call = parse(f'{{"type":"identify","traits":{content}}}')
    assert isinstance(call, tuple)
    assert judge(call) == ("traits_not_an_object", "identify")


@pytest.mark.parametrize(
    ("times", "key", "day"),
    [
        ('"timestamp":"2026-03-02","sentAt":"2026-03-03"', "timestamp", "2026-03-02"),
        ('"timestamp":" ","sentAt":"2026-03-03"', "sentAt", "2026-03-03"),
        ('"timestamp":"2027-03-02","receivedAt":"2026-03-03"', "receivedAt", "2026-03-03"),
        (
            '"originalTimestamp":"2027-03-02T00:00Z","sentAt":"2027-03-04T00:00Z",'
            '"receivedAt":"2026-03-05T00:00Z"',
            "originalTimestamp",
            "2026-03-03",
        ),
        ('"sent at":"2026-03-03"', "sent_at", "2026-03-03"),
        # Parts of a minute are no time to a build either.
        ('"timestamp":"2026-03-02T14:31.5Z","sentAt":"2026-03-03"', "sentAt", "2026-03-03"),
    ],
)
def test_when_it_happened_and_the_key_that_says_so(times: str, key: str, day: str) -> None:
    call = parse(f'{{"type":"track",{times}}}')
    assert isinstance(call, tuple)
    found, time = event_time(call)
    assert (found, f"{time:%Y-%m-%d}") == (key, day)
