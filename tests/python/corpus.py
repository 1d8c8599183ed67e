"""Texts and messages that every engine must read alike.

Those of the documentation and the demo, odd ones, and changed ones of them; and the feeds in the
folder that the environment variable `EVENT_FEEDS` names, where it does.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from project import REPOSITORY

_CHANGED = 1500
_LINES_OF_A_FILE = 150

_TEXTS = (
    *("2026-03-01T10:20:30.5+02:00", "20260301T1020", "202603011020", "20260301102030.12-0500"),
    *("Sun, 01 Mar 2026 10:20:30 -0500", "FRI, 01 MAR 2026", "1 Mar 2026", "1772360430.5"),
    *("1772360430123456789", "-86400000", "2024-02-29T23:59:60Z", "9999-12-31T23:59:59-14:00"),
    *(
        "1e2",
        "1e999",
        "1e-400",
        "-1e-400",
        "1e99999999999999999999",
        "0e9999999",
        "5.",
        ".5",
        "-0",
    ),
    *("1e308", "1.7976931348623158e308", "1.7976931348623159e308", "2.4e-324", "9.99e-324"),
    *("9007199254740993", "0.049999999999999996", "2.675", "1e15", "1e16", "123456789012345.65"),
    *("000000000000000000012", "0x10", "1_000", "NaN", "Infinity", "FIRST", "YES", " \u0130 "),
    *("https://ann:pw@Host.Example:8443/a/b?x=1#y", "http://[::1]:80/", "HTTP://\u00c9.example/ü"),
    *("mailto:x@y.zz", "a@b@c.d", "Ann.Smith@Mail.Example.", "https://h.example#a b"),
    *("203.0.113.77:80, 1.1.1.1", "2002:cb00:7107::1", "[2001:db8::1]:443", "::", "fe80::1%eth0"),
    *("+1 (415) 555-2671 ext. 12", "1-800-FLOWERS", "tel:+44 (0)20 7946 0958", "555-2671,,12"),
    *(
        "(null)",
        " 0 ",
        "a|b",
        "undefined",
        "anonymou\u017f",
        "\u0130STANBUL",
        "\u0391\u03a3 \u03a3",
    ),
    *("1 \u017fep 2026", "12345678901234.56", "-42917889731.8", "1e15", "999999999999999.4"),
    *("\u212a", "\u01c5", "\u1e9e", "\ufb01", "e\u0301", "a%20b", "%C3%A9", "%ff", "%zz", "100%"),
    *("%E2%82%AC", "%00", "%ED%A0%80", "%F4%90%80%80", "%C0%80", "00af", "a10b9", "", "  ", "\t"),
    *("\u3000", "\x1c", "\ufeff", "ask jane@clinic.example", "MRN 0012345", "SSN: 078-05-1120"),
    *(
        "4111 1111 1111 1111",
        "USER_ID",
        "user id",
        "MessageId",
        "null",
        r'"a\u0000b"',
        r'"\ud83d"',
    ),
)
_MESSAGES = (
    *("", " ", "null", "7", '"x"', "[1,]", '{"a":1,}', "[,]", "{,}", "[1,,2]", "[1] x", "[+1]"),
    *("[.5]", "[01]", "[1.]", "/*c*/[1]", "\ufeff[1]", '["a\tb"]', "['a']", "\x0b[1]", " [1] "),
    '{"properties":{"a":NaN,"b":-Infinity,"c":[nan,1,],"d":inf}}',
    '{"type":"track","type":"page","properties":{"a":1,"a":2,"b":{"c":"x","c":"y"}}}',
    '{"properties" : {"a": 1, "a": 3}}',
    '{"properties":{"a":"\\":"},"properties":{"a":2}}',
    '{"properties":{"a":"\\u0022:"},"properties":{"a":2}}',
    '{"properties":{"a":"\\"\\u003a"},"properties":{"a":2}}',
    '{"properties"\t:{"a":1},"properties":{"a":2}}',
    '{"properties":[{"a":1}]}',
    '{"properties":{"a":[1,2],"0":5}}',
    '{"properties":{"a":{"0":7}}}',
    '{"properties":{"":1,"*":2,"a.b":3,"a\\"b":4,"a\\\\b":5,"$x":6,"é":7,"[0]":8}}',
    '{"a":"\\ud83d","b":"\\ud83d\\ude00","\\ud83dk":1}',
    '{"a":"x\\u0000y","\\u0000k":2}',
    '{"a":"\\\\u0000","b":"\\\\ud83d"}',
    '{"properties":{"a":1.0,"b":1e2,"c":1E400,"d":-0.0,"e":-0,"f":1.10,"g":0.00001}}',
    '{"properties":{"a":12345678901234567890,"b":0.1234567890123456789,"c":100,"d":2e23}}',
    '{"properties":{"a":1.2345678901234567890e19,"b":123456789012345678901234567890.0}}',
    '{"properties":{"a":1e308,"b":9.5e-320,"c":1e-7,"d":0.0000012,"e":5e-324,"f":-1e400}}',
    '{"properties":{"a":9007199254740993.0,"b":1e21,"c":1e22,"d":123456.789e3}}',
    '{"userid":"u1","USER_ID":"u2","messageid":"m","Integrations":{"GA4":false},'
    '"integrations":{"All":true},"type":"track","channel":"x"}',
    '{"TYPE":"track","User-Id":"n/a","userId":"","consent":{"GA":true},"Consent":{"GA":false},'
    '"context":{},"Context":{"ip":"1"}}',
    '{"type":"track","\u212a":1,"user\u0130d":"x","user id":"y"}',
    '{"":1}',
    '{"":1,"type":2}',
    '{"USER_ID":"null"}',
    '{"integrations":{"All":false,"Google Ads":{"x":1},"all":{"z":1},"X":null},"consent":"no",'
    '"context":{"consent":{"categoryPreferences":{"Ads":true,"M":false,"Z":3}},'
    '"consentManagement":{"allowedConsentIds":["a"," b ",3],"deniedConsentIds":{"c":1}}}}',
    '{"integrations":{"GA":true,"GA":false}}',
    '{"context":{"consent":[],"consentManagement":{"allowedConsentIds":{"q":true,"r":false},'
    '"deniedConsentIds":["s"]}}}',
    '{"context":{"consent":null,"consentManagement":"x"}}',
    '{"mergeProperties":[{"type":"email","value":"a@b.c"},{"value":5},{"x":1},7]}',
    '{"mergeProperties":{"value":"a\\u0041"}}',
    '{"a":"tab\\t\\u001b\\u007f\\u2028\\/ \\" \\\\ \\b\\f"}',
    ' \n{"type" \t:"track"}',
    '{"properties":{"a":{"z":1,"b":[1, 2,{"c" : 1.50, "d":"x\\u001By"}]}}}',
    '{"traits":[],"properties":"","context":" "}',
    '{"a":' * 400 + "1" + "}" * 400,
)
_PUT_IN_TEXTS = (
    *"0123456789-+:/. TtZz,()[]@#?%abcdefxEeIiKsS\u0130\u03c2\u03a3\u017fß\n\t\u200b",
    "%00",
)
_PUT_IN_MESSAGES = (
    *'{}[],:"\\ \t0123456789.eE-+truefalsnNaI',
    *("\\u0000", "\\ud83d", "\\u00e9", "\\u001b", '"a":', '"properties":{', "NaN", "null", "1e5"),
)


def texts(seed: int = 1) -> list[str]:
    """Return texts, each once."""
    given = [*_TEXTS, *_of_documentation(), *_of_list("naughty_strings.json")]
    return _each_once([*given, *_changed(given, _PUT_IN_TEXTS, seed)])


def messages(seed: int = 1) -> list[str]:
    """Return raw calls, good and bad, each once."""
    given = [*_MESSAGES, *_of_files((REPOSITORY / "demo/raw_calls/dev").glob("*.gz"))]
    if feeds := os.environ.get("EVENT_FEEDS"):
        given += _of_files(Path(feeds).glob("*.ndjson*"))
    short = [message for message in given if len(message) < 1500]
    return _each_once([*given, *_changed(short, _PUT_IN_MESSAGES, seed)])


def _of_documentation() -> list[str]:
    found: list[str] = []
    for name in ("values", "guard"):
        page = (REPOSITORY / f"docs/{name}.md").read_text("utf-8")
        rows = (line for line in page.splitlines() if line.startswith("| "))
        found += itertools.chain.from_iterable(re.findall(r"`([^`]*)`", row) for row in rows)
    return [
        re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text) for text in found
    ]


def _of_list(name: str) -> list[str]:
    feeds = os.environ.get("EVENT_FEEDS")
    if not feeds:
        return []
    listed = json.loads((Path(feeds) / name).read_text("utf-8"))
    return [text for text in listed if isinstance(text, str)]


def _of_files(files: Iterable[Path]) -> list[str]:
    lines: list[str] = []
    for file in sorted(files):
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as content:
            read = itertools.islice(content, _LINES_OF_A_FILE)
            lines += [line.decode("utf-8", "replace").rstrip("\n") for line in read]
    return lines


def _changed(given: Sequence[str], inserted: Sequence[str], seed: int) -> list[str]:
    source = random.Random(seed)
    changed = []
    for _ in range(_CHANGED):
        characters = list(source.choice(given))
        for _ in range(source.randint(1, 3)):
            place = source.randint(0, len(characters))
            until = place + source.randint(0, 1)
            characters[place:until] = source.choice([[], [source.choice(inserted)]])
        changed.append("".join(characters))
    return changed


def _each_once(found: Sequence[str]) -> list[str]:
    # No engine but DuckDB has texts with the character 0.
    return [text for text in dict.fromkeys(found) if "\x00" not in text]
