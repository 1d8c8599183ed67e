"""What a run is compared with before anything is touched: files, environments, the day."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hipaa_mode.belonging import (
    ACCEPT_RAW_CALLS,
    MOST_FILES,
    RECORD,
    SHARE_WITH,
    RunRecord,
    Withheld,
    environment_faults,
    known_day,
    latest,
    marks_of,
    other_records,
    raw_calls_faults,
    read_json,
    read_record,
    write_record,
)
from hipaa_mode.errors import PublishingError
from hipaa_mode.folders import UNFINISHED
from hipaa_mode.raw_calls import RawFile, RawLocation

NOW = dt.date(2026, 11, 29)


def files(*named: str, size: int = 10) -> RawLocation:
    return RawLocation("lines", tuple(RawFile(path, size) for path in named))


def record(location: RawLocation, environment: str = "prod", **more: Any) -> RunRecord:
    more = {"location": "/data/*.ndjson", "files": marks_of(location), **more}
    return RunRecord(environment, 1, **more)


def refused(
    location: RawLocation,
    known: RunRecord | None = None,
    *others: RunRecord,
    environment: str = "prod",
    named: str = "/data/*.ndjson",
    is_default: bool = False,
    has_published: bool = False,
    **accepted: Any,
) -> list[str]:
    faults = raw_calls_faults(
        environment,
        named,
        location,
        marks_of(location),
        known,
        others,
        accepted,
        is_default,
        has_published,
    )
    return [str(fault) for fault in faults]


class TestRawCalls:
    """A run reads on where the environment was built from, or from what is accepted by name."""

    def test_an_environment_that_is_new_may_read_anything(self) -> None:
        assert refused(files("/demo/a"), is_default=True) == []

    @pytest.mark.parametrize(
        "now",
        [
            pytest.param(files("/data/a"), id="the same"),
            pytest.param(files("/data/a", "/data/b"), id="one more"),
            pytest.param(files("/data/a", size=99), id="grown or written anew"),
            pytest.param(files("/mnt/new/a"), id="moved"),
        ],
    )
    def test_a_file_that_was_read_is_enough(self, now: RawLocation) -> None:
        assert refused(now, record(files("/data/a", "/data/x"))) == []

    @pytest.mark.parametrize(
        "now",
        [
            pytest.param(files("/data/b"), id="another file"),
            pytest.param(files("/other/a", size=11), id="its name, another size"),
            pytest.param(files("/data/a", size=0), id="emptied"),
            pytest.param(files(), id="none"),
            pytest.param(RawLocation("table", table=("raw", "calls")), id="a table"),
        ],
    )
    def test_other_calls_are_refused_until_they_are_accepted(self, now: RawLocation) -> None:
        known = record(files("/data/a"))
        [message] = refused(now, known)
        assert message.startswith("Raw calls /data/*.ndjson: none of them was read before")
        assert f'{ACCEPT_RAW_CALLS}: "/data/*.ndjson"' in message
        assert refused(now, known, hipaa_mode__accept_raw_calls="/data/*.ndjson") == []
        assert len(refused(now, known, hipaa_mode__accept_raw_calls="/data/*")) == 1

    def test_the_demos_calls_are_refused_by_that_name(self) -> None:
        [message] = refused(files("/demo/d"), record(files("/data/a")), is_default=True)
        assert "they are the demo's" in message
        assert "built from /data/*.ndjson" in message
        assert "Set HIPAA_MODE_RAW_CALLS" in message

    def test_what_is_published_without_a_record_was_built_from_something(self) -> None:
        [message] = refused(files("/data/a"), has_published=True)
        assert "none of them was read before" in message

    def test_a_table_is_known_by_its_name_and_database(self) -> None:
        table = RawLocation("table", table=("Raw", "calls"))
        same = RawLocation("table", table=("raw", "CALLS"))
        assert marks_of(table, "a.duckdb") == marks_of(same, "a.duckdb")
        assert marks_of(table, "a.duckdb") != marks_of(same, "b.duckdb")
        assert marks_of(table) != marks_of(RawLocation("table", table=("raw", "other")))

    def test_the_newest_of_many_files_are_known(self) -> None:
        many = RawLocation(
            "lines", tuple(RawFile(f"/data/{n}", 5, modified_at=n) for n in range(1_500))
        )
        known = record(many)
        assert len(known.files) == 2 * MOST_FILES
        assert refused(files("/data/1499", size=5), known) == []
        assert len(refused(files("/data/3", size=5), known)) == 1

    def test_no_path_is_in_the_record(self) -> None:
        assert "secret" not in str(marks_of(files("/data/secret")))


class TestSharing:
    """What another environment was built from is its own until sharing is said."""

    THEIRS = record(files("/data/a", "/data/b"), "prod")

    @pytest.mark.parametrize(
        ("now", "mine"),
        [
            pytest.param(files("/data/b", "/data/c"), None, id="a new environment"),
            pytest.param(
                files("/dev/a", "/data/a", size=10),
                record(files("/dev/a", size=3), "dev"),
                id="a glob that is too wide",
            ),
            pytest.param(files("/copy/a"), None, id="a copy of its files"),
        ],
    )
    def test_files_of_another_environment_are_refused(
        self, now: RawLocation, mine: RunRecord | None
    ) -> None:
        [message] = refused(now, mine, self.THEIRS, environment="dev")
        assert "environment `prod` was built from them first" in message
        assert "--target prod" in message
        assert f"{SHARE_WITH}: [prod]" in message
        accepted: dict[str, Any] = {SHARE_WITH: ["prod"]}
        assert refused(now, mine, self.THEIRS, environment="dev", **accepted) == []
        accepted = {SHARE_WITH: ["x"]}
        assert len(refused(now, mine, self.THEIRS, environment="dev", **accepted)) == 1

    def test_who_was_there_first_reads_on(self) -> None:
        mine = record(files("/data/a"), "dev")
        assert refused(files("/data/a"), mine, self.THEIRS, environment="dev") == []

    @pytest.mark.parametrize("mine_says", [False, True])
    def test_sharing_that_was_said_once_counts_for_both(self, mine_says: bool) -> None:
        mine = record(files("/data/a"), "dev", shares_with=("prod",) * mine_says)
        theirs = replace(self.THEIRS, shares_with=("dev",) * (not mine_says))
        now = files("/data/a", "/data/b")
        assert refused(now, mine, theirs, environment="dev") == []

    def test_a_database_belongs_to_who_used_it_first(self) -> None:
        assert environment_faults("dev", [], None, ()) == []
        assert environment_faults("dev", ["prod", "dev"], None, ()) == []
        [fault] = environment_faults("dev", ["prod"], None, ())
        assert "it belongs to environment `prod`, and this run is of `dev`" in str(fault)
        assert environment_faults("dev", ["prod"], None, ["prod"]) == []
        assert len(environment_faults("dev", ["prod"], None, ["other"])) == 1

    def test_a_folder_with_the_record_of_another_environment_is_refused(self) -> None:
        [fault] = environment_faults("dev", [], self.THEIRS, ())
        assert str(fault).startswith("The published folder: it belongs to environment `prod`")


class TestDay:
    """A clock that was set back lets nothing that expired return."""

    def test_the_day_is_the_later_of_the_clocks_and_the_last_runs(self) -> None:
        assert known_day(NOW, [], None) == (NOW, None)
        assert known_day(NOW, ["2026-11-28", "2026-11-29", ""], None) == (NOW, None)
        day, notice = known_day(NOW, ["2026-12-05", "2026-12-01"], None)
        assert day == dt.date(2026, 12, 5)
        assert notice is not None
        assert "the clock says 2026-11-29" in notice
        assert 'hipaa_mode__accept_day: "2026-11-29"' in notice

    def test_a_clock_is_right_when_its_day_is_named(self) -> None:
        day, notice = known_day(NOW, ["2099-01-01"], "2026-11-29")
        assert (day, bool(notice)) == (NOW, True)
        assert known_day(NOW, ["2099-01-01"], "2026-11-30")[0] == dt.date(2099, 1, 1)


class TestRecord:
    """The record is the same read as written, its owner's alone, and never half there."""

    FULL = RunRecord(
        "prod",
        7,
        "2026-11-29",
        "/data/ü",
        ("a", "b"),
        ("dev",),
        {"list.csv": 3},
        Withheld(6, 100, 9, None),
    )

    def test_it_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        write_record(tmp_path, self.FULL)
        write_record(tmp_path, self.FULL)
        assert read_record(tmp_path, "prod") == self.FULL
        assert read_record(tmp_path, "dev") is None
        assert os.stat(tmp_path / "prod" / RECORD).st_mode & 0o777 == 0o600
        assert [path.name for path in (tmp_path / "prod").iterdir()] == [RECORD]

    def test_a_link_in_its_place_is_not_followed(self, tmp_path: Path) -> None:
        victim = tmp_path / "victim"
        victim.write_text("mine")
        (tmp_path / "prod").mkdir()
        (tmp_path / "prod" / (RECORD + UNFINISHED)).symlink_to(victim)
        (tmp_path / "prod" / RECORD).symlink_to(victim)
        write_record(tmp_path, self.FULL)
        assert victim.read_text() == "mine"
        assert read_record(tmp_path, "prod") == self.FULL

    @pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"environment": "prod"', "x"])
    def test_one_that_cant_be_read_stops_the_run(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "prod").mkdir()
        (tmp_path / "prod" / RECORD).write_text(text)
        with pytest.raises(PublishingError, match="can't be read"):
            read_record(tmp_path, "prod")

    def test_a_day_that_is_none_stops_the_run(self) -> None:
        content = json.loads(self.FULL.as_json()) | {"day": "soon"}
        with pytest.raises(ValueError, match="soon"):
            read_json(json.dumps(content))

    def test_the_latest_counts_with_the_last_day_of_all(self) -> None:
        old = replace(self.FULL, run_number=5, day="2026-12-24", location="old")
        same = replace(self.FULL, withheld=None)
        assert latest([]) is None
        assert latest([None, old]) == old
        assert latest([same, old, self.FULL]) == replace(self.FULL, day="2026-12-24")

    def test_other_environments_are_found_below_the_same_folder(self, tmp_path: Path) -> None:
        write_record(tmp_path, self.FULL)
        write_record(tmp_path, replace(self.FULL, environment="dev"))
        assert [item.environment for item in other_records(tmp_path, "dev")] == ["prod"]
