"""Rules of opt-outs and consent, and a second reading of the test vectors."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

import duckdb
import pytest
from consent_vectors import ASKED, VECTORS, Vector

from hipaa_mode import functions
from hipaa_mode.configuration import Configuration, read_configuration
from hipaa_mode.consent import count_denials, describe_denials, fold, rule
from hipaa_mode.plan import make_plan
from hipaa_mode.received.comparison import compare
from hipaa_mode.received.description import describe
from hipaa_mode.selftest.consent import asked
from hipaa_mode.selftest.messages import read_calls
from hipaa_mode.verify.reviewed import FORMS
from hipaa_mode.verify.staging import consent_form, reading_form

TYPES = (
    "destination_type,display_name,supports_server_side,supports_client_side,required_properties,"
    "integration_names"
)
DESTINATION = {
    "environment": "dev",
    "destination": "crm",
    "destination_type": "tool",
    "connection_mode": "server_side",
    "restrict_phi": "true",
    "baa_reference": "",
    "baa_expires_on": "",
    "mask_scope": "",
    "timestamp_precision": "",
    "consent_categories": "",
    "consent_strategy": "",
    "honor_opt_outs": "",
    "description": "",
}


def as_csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def configured(folder: Path, names: str = "Tool", **cells: str) -> Configuration:
    """The configuration of one destination, whose tool has these names in `integrations`."""
    kind = dict(zip(TYPES.split(","), ("tool", "Tool", "true", "false", "", names), strict=True))
    return write(folder, [kind], [{**DESTINATION, **cells}])


def write(
    folder: Path, types: list[dict[str, str]], destinations: list[dict[str, str]]
) -> Configuration:
    """Write seeds with these rows and read them."""
    files = {
        "destination_types": as_csv(types),
        "destinations": as_csv(destinations),
        "allowed_events": "environment,destination,event,sent_as\n",
        "allowed_properties": "environment,destination,property_list,event,property,treatment,"
        "normalize,data_type,column_name,reason,approved_by,expires_on\n",
        "small_zip3_areas": "census_year,zip3\n2020,036\n",
    }
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    paths = {name: folder / f"{name}.csv" for name in files}
    return read_configuration(paths, {name: f"{name}.csv" for name in files})


class TestCells:
    @pytest.mark.parametrize(
        ("cells", "problem"),
        [
            ({"consent_categories": ";"}, "`consent_categories` holds no category"),
            ({"consent_categories": "a,b"}, "`consent_categories` holds a comma"),
            ({"consent_categories": "a\x07"}, "`consent_categories` holds a control character"),
            ({"consent_categories": "a", "consent_strategy": "any"}, "`consent_strategy` is unk"),
            ({"consent_strategy": "or"}, "`consent_strategy` has no categories to go with"),
            ({"honor_opt_outs": "no"}, "`honor_opt_outs` is not a yes or no"),
            ({"names": " ; "}, "`integration_names` holds no tool"),
        ],
    )
    def test_a_wrong_cell_is_a_fault(
        self, tmp_path: Path, cells: dict[str, str], problem: str
    ) -> None:
        faults = [str(fault) for fault in configured(tmp_path, **cells).faults]
        assert any(problem in fault for fault in faults), faults

    def test_blank_cells_honor_opt_outs_and_need_no_consent(self, tmp_path: Path) -> None:
        configuration = configured(tmp_path, names="")
        assert configuration.faults == []
        [destination] = configuration.destinations
        assert destination.consent_rule == rule(["Tool"], [], "and", honors_opt_outs=True)
        assert destination.consent_rule.needed == 0
        assert "integration no: tool" in destination.consent_rule.says_no

    def test_names_and_categories_stand_between_semicolons(self, tmp_path: Path) -> None:
        cells = {"consent_categories": " b ;a;;b", "consent_strategy": "OR"}
        [destination] = configured(tmp_path, names="Tool A; Tool B", **cells).destinations
        assert destination.type is not None
        assert destination.type.integration_names == ("Tool A", "Tool B")
        assert destination.consent_categories == ("b", "a")
        assert destination.consent_rule.needed == 1


class TestRule:
    def test_names_are_folded_where_they_say_no_and_exact_where_they_say_yes(self) -> None:
        found = rule(["Google Analytics 4"], [], "and", honors_opt_outs=True)
        assert "integration no: googleanalytics4" in found.says_no
        assert found.integration_yes == ("integration yes: Google Analytics 4",)

    def test_nothing_of_integrations_counts_where_opt_outs_do_not(self) -> None:
        found = rule(["Tool"], ["a", "b"], "and", honors_opt_outs=False)
        assert found.says_no == found.unreadable == found.integration_no_to_all == ()
        assert found.consent_yes == found.consent_no_to_all == ()
        assert found.needed == 2

    def test_what_can_not_be_seen_tells_no_two_names_apart(self) -> None:
        assert fold("Mix\u200bpanel\u00a0\t") == fold("MIXPANEL") == "mixpanel"


class TestCounts:
    DENIALS = (
        ("crm", "opted_out", "track", "Visit", 3),
        ("crm", "opted_out", "track", "Other", 2),
        ("crm", "unreadable", "identify", None, 1),
        ("crm", "opted_out", "group", None, 4),
        ("ads", "opted_out", "track", "Visit", 9),
    )

    def test_what_a_destination_would_not_have_received_is_seen_and_not_withheld(self) -> None:
        counts = count_denials(self.DENIALS, "crm", ["track", "identify"], ["Visit"])
        assert counts == {
            "seen": {"opted_out": 9, "unreadable": 1},
            "withheld": {"opted_out": 3, "unreadable": 1},
        }

    def test_words(self) -> None:
        counts = {**count_denials(self.DENIALS, "crm", ["track"], None), "published": 0}
        assert describe_denials(counts) == (
            "10 calls are denied to it (9 opted out, 1 unreadable): 5 were withheld, 0 published"
        )
        assert describe_denials({}) == ""


class TestLock:
    @pytest.mark.parametrize(
        ("before", "after", "effect"),
        [
            ({"consent_categories": "a"}, {}, "widens"),
            ({"consent_categories": "a;b"}, {"consent_categories": "a"}, "widens"),
            ({"consent_categories": "a"}, {"consent_categories": "a;b"}, "narrows"),
            ({}, {"consent_categories": "a"}, "narrows"),
            ({"consent_categories": "a;b"},
             {"consent_categories": "a;b", "consent_strategy": "or"}, "widens"),
            ({"consent_categories": "a;b", "consent_strategy": "or"},
             {"consent_categories": "a;b;c", "consent_strategy": "or"}, "widens"),
            ({"consent_categories": "a;b;c", "consent_strategy": "or"},
             {"consent_categories": "a;b", "consent_strategy": "or"}, "narrows"),
            ({}, {"honor_opt_outs": "false"}, "widens"),
            ({"honor_opt_outs": "false"}, {}, "narrows"),
            ({"names": "Tool;Old"}, {"names": "Tool"}, "widens"),
            # A yes under a further name counts too.
            ({"names": "Tool"}, {"names": "Tool;New"}, "widens"),
        ],
    )  # fmt: skip
    def test_a_change_of_what_is_asked_for(
        self, tmp_path: Path, before: dict[str, str], after: dict[str, str], effect: str
    ) -> None:
        day = dt.date(2026, 3, 10)
        locked, current = (
            describe(configured(tmp_path / str(number), **cells), ["dev"], day, None)
            for number, cells in enumerate((before, after))
        )
        differences = compare(locked, current)
        assert effect in {difference.effect for difference in differences}
        if effect == "narrows":
            assert {difference.effect for difference in differences} == {"narrows"}


class TestStaticProof:
    """The SQL that `hipaa-mode verify` asks for, over the vectors: what it proves is right."""

    def test_the_reviewed_forms_deny_as_the_vectors_say(self, tmp_path: Path) -> None:
        types = {v.integration_names: f"t{number}" for number, v in enumerate(VECTORS)}
        rows = [
            {
                **DESTINATION,
                "destination": name,
                "destination_type": types[names],
                "consent_categories": categories,
                "consent_strategy": strategy,
                "honor_opt_outs": honor,
            }
            for (names, categories, strategy, honor), name in ASKED.items()
        ]
        kinds = [
            dict(zip(TYPES.split(","), (kind, "Webhook", "true", "false", "", names), strict=True))
            for names, kind in types.items()
        ]
        configuration = write(tmp_path, kinds, rows)
        assert configuration.faults == []
        plan = make_plan(configuration, "dev", dt.date(2026, 3, 10))
        words = {
            "earliest_day": "'2000-01-01'",
            "ahead_us": "86400000000",
            "placeholders": "['null']",
        }
        with duckdb.connect() as connection:
            functions.create(connection)
            connection.execute(
                "create table raw_lines as select 1 as file_number, 'calls' as source_file, "
                "line_number, 1 as run_number, message, cast(null as blob) as unreadable "
                "from (select unnest(range(?)) as line_number, unnest(?) as message)",
                [len(VECTORS), [v.line(f"v{n}").decode() for n, v in enumerate(VECTORS)]],
            )
            for model in ("calls_read", "duplicate_calls", "call_keys", "denied_calls"):
                form = consent_form(FORMS[f"model {model}"], plan)
                if model == "calls_read":
                    form = reading_form(**words)
                connection.execute(f"create table {model} as {form}")
            denied = connection.execute(
                "select line_number, unnest(denied_to), unnest(reasons) from denied_calls"
            ).fetchall()
        found = {(number, name): reason for number, name, reason in denied}
        wrong = {
            vector.name: (found.get((number, ASKED[vector.asked]), ""), vector.denied)
            for number, vector in enumerate(VECTORS)
            if found.get((number, ASKED[vector.asked]), "") != vector.denied
        }
        assert found and not wrong


class TestSecondReading:
    """The selftest's own reading of answers, which shares no code with the build's."""

    @pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
    def test_agrees_with_the_vectors(self, vector: Vector) -> None:
        [call], _ = read_calls([vector.line("1")])
        cells = {
            "destination_type": "tool",
            "consent_categories": vector.consent_categories,
            "consent_strategy": vector.consent_strategy,
            "honor_opt_outs": vector.honor_opt_outs,
        }
        kind = {
            "destination_type": "tool",
            "display_name": "Webhook",
            "integration_names": vector.integration_names,
        }
        assert asked(cells, [kind]).refuses(call.heard) is bool(vector.denied)

    def test_deliveries(self) -> None:
        def line(key: str, at: str, answer: str) -> bytes:
            return (
                f'{{"type":"identify","messageId":"{key}","receivedAt":{at},'
                f'"integrations":{{"All":{answer}}}}}'
            ).encode()

        ten, eleven = '"2026-03-02T10:00:00Z"', '"2026-03-02T06:00:00-05:00"'
        lines = [
            *(line("withdrawn", ten, "true"), line("withdrawn", eleven, "false")),
            *(line("granted", ten, "false"), line("granted", eleven, "true")),
            *(line("at once", ten, "true"), line("at once", ten, "false")),
            *(line("no time", "null", "false"), line("no time", ten, "true")),
        ]
        calls, _ = read_calls(lines)
        hears_all = asked(
            {"destination_type": "tool"}, [{"destination_type": "tool", "display_name": "Tool"}]
        )
        kept = {str(call.message_id) for call in calls if not hears_all.refuses(call.heard)}
        assert kept == {"granted"}
