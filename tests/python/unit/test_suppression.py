"""Who is suppressed: every way to list them is read, and no way of being wrong tells a name."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from seed_files import TODAY, Seeds, minimal_seeds, the_fault

from hipaa_mode.belonging import Withheld
from hipaa_mode.configuration import Configuration, read_configuration
from hipaa_mode.plan import make_plan
from hipaa_mode.seeds import Fault, add_optional_seeds
from hipaa_mode.suppression import (
    MOST_TIES,
    ListCounts,
    ReturningCalls,
    SuppressedUsers,
    hub_notices,
    list_faults,
    locations_of,
    returning_faults,
)

PERSON = "patient-10482"
HEADER = "environment,user_id,requested_on,reference\n"


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    seeds = minimal_seeds()
    seeds.add("destinations", environment="prod")
    return seeds.read(tmp_path)


def listed(users: SuppressedUsers) -> list[str]:
    """The ids as SQL reads them."""
    connection = duckdb.connect()
    connection.register("suppressed", users)
    rows = connection.execute("select distinct user_id from suppressed order by 1").fetchall()
    return [row[0] for row in rows]


def read(
    folder: Path,
    configuration: Configuration,
    seed: str | bytes | None = None,
    location: str | Sequence[str] = "",
    environment: str = "dev",
) -> tuple[SuppressedUsers, list[Fault]]:
    files, labels = {}, {}
    if seed is not None:
        files["suppressed_users"] = folder / "suppressed_users.csv"
        labels["suppressed_users"] = "seeds/suppressed_users.csv"
        content = seed.encode() if isinstance(seed, str) else seed
        files["suppressed_users"].write_bytes(content)
    users = SuppressedUsers()
    locations = locations_of(location)
    faults = users.read(configuration, environment, files, labels, locations, folder)
    for fault in faults:
        assert "patient" not in str(fault)
    return users, faults


def test_nobody_is_listed_where_nothing_is(tmp_path: Path, configuration: Configuration) -> None:
    users, faults = read(tmp_path, configuration)
    assert (listed(users), faults, users.tables) == ([], [], {})


LOADS = """
import sys
from hipaa_mode import masking
from hipaa_mode.keys import Subkey
from hipaa_mode.suppression import SuppressedUsers

users = SuppressedUsers()
users._rows = frozenset([("zo\\u00eb", "", "line 2"), ("a", "", "")])
users.__arrow_c_stream__()
values, scopes = masking.strings([b"a", b" "]), masking.strings([b"*"] * 2)
assert masking.make_tokens(values, scopes, lambda _: Subkey("b")).null_count == 1
assert "pandas" not in sys.modules
"""


def test_lists_and_few_tokens_are_made_without_pandas() -> None:
    subprocess.run([sys.executable, "-c", LOADS], check=True)


def test_rows_of_the_environment_and_of_all_count(
    tmp_path: Path, configuration: Configuration
) -> None:
    seed = HEADER + f"dev,{PERSON},2026-03-01,R-1\n*,a,,\nprod,b,,\ndev, c ,,\ndev,{PERSON},,\n"
    users, faults = read(tmp_path, configuration, seed)
    assert faults == []
    assert listed(users) == ["a", "c", PERSON]
    assert listed(read(tmp_path, configuration, seed, environment="prod")[0]) == ["a", "b"]


@pytest.mark.parametrize("user_id", ["0", " UNDEFINED ", "Null"])
def test_what_stands_for_no_id_is_a_fault_with_its_line(
    tmp_path: Path, configuration: Configuration, user_id: str
) -> None:
    seed = tmp_path / "suppressed_users.csv"
    seed.write_text(f"{HEADER}dev,{PERSON},,\ndev,{user_id},,\n")
    outside = tmp_path / "more.ndjson"
    outside.write_text(json.dumps({"user_id": user_id}))
    faults = SuppressedUsers().read(
        configuration,
        "dev",
        {"suppressed_users": seed},
        {"suppressed_users": "seeds/suppressed_users.csv"},
        ["more.ndjson"],
        tmp_path,
        placeholder_ids=["null", "undefined", "0"],
    )
    assert [(fault.file, fault.line) for fault in faults] == [
        ("seeds/suppressed_users.csv", 3),
        ("more.ndjson", 1),
    ]
    assert all("hipaa_mode__placeholder_ids" in str(fault) for fault in faults)


def test_an_id_is_read_as_it_is_written(tmp_path: Path, configuration: Configuration) -> None:
    odd = ["0042", "1e3", 'a"b', "a,b", "Ünï", "NULL", "a\nb"]
    quoted = "".join('dev,"{}",,\n'.format(item.replace('"', '""')) for item in odd)
    users, faults = read(tmp_path, configuration, HEADER + quoted)
    assert faults == []
    assert set(listed(users)) == set(odd)


def test_no_repr_shows_an_id(tmp_path: Path, configuration: Configuration) -> None:
    users, _ = read(tmp_path, configuration, HEADER + f"dev,{PERSON},,\n")
    assert PERSON not in repr(users) + str(users) + str(vars(users).keys())
    assert len(users) == 1


@pytest.mark.parametrize(
    "written", ["2026-33-99", "2026-02-30", "2026-3-1", "03/01/2026", "20260301", "T10:00", "soon"]
)
def test_a_day_that_is_none_is_a_fault_wherever_it_stands(
    tmp_path: Path, configuration: Configuration, written: str
) -> None:
    (tmp_path / "requests.csv").write_text(f"user_id,requested_on\nx,2026-03-01\ny,{written}\n")
    (tmp_path / "more.ndjson").write_text(f'{{"user_id": "z", "requested_on": "{written}"}}\n')
    lists = ("requests.csv", "more.ndjson")
    _, faults = read(tmp_path, configuration, f"{HEADER}dev,{PERSON},{written},\n", lists)
    found = [(Path(fault.file).name, fault.line) for fault in faults]
    assert found == [("suppressed_users.csv", 2), ("requests.csv", 3), ("more.ndjson", 1)]
    assert {fault.problem for fault in faults} == {"`requested_on` is not a date"}
    assert all(written not in str(fault) for fault in faults)


def test_a_day_may_be_blank_or_have_a_time(tmp_path: Path, configuration: Configuration) -> None:
    for written in ("", "2026-03-01", "2026-03-01T10:00:00Z", "2026-03-01 10:00"):
        assert read(tmp_path, configuration, f"{HEADER}dev,{PERSON},{written},\n")[1] == []


@pytest.mark.parametrize(
    ("seed", "line", "problem"),
    [
        pytest.param(HEADER + "dev, ,,\n", 2, "`user_id` is blank", id="no id"),
        pytest.param(HEADER + f"pord,{PERSON},,\n", 2, "no destination", id="unknown environment"),
        pytest.param(HEADER + f",{PERSON},,\n", 2, "no destination", id="no environment"),
        pytest.param(HEADER + f"dev,{PERSON}\n", 2, "2 cells", id="cells missing"),
        pytest.param(HEADER + f'dev,"{PERSON}"x,,\n', 2, "not CSV", id="quotes"),
        pytest.param(f"environment,user\ndev,{PERSON}\n", 1, "lacks `user_id`", id="header"),
        pytest.param(HEADER.encode() + b"dev,patient-\xff,,\n", None, "not UTF-8", id="bytes"),
        pytest.param("", None, "empty", id="empty"),
    ],
)
def test_a_list_with_a_fault_stops_the_run_and_shows_nobody(
    tmp_path: Path, configuration: Configuration, seed: str | bytes, line: int | None, problem: str
) -> None:
    _, faults = read(tmp_path, configuration, seed)
    assert the_fault(faults, problem).line == line


def test_the_reference_is_optional(tmp_path: Path, configuration: Configuration) -> None:
    seed = f"environment,user_id,requested_on\ndev,{PERSON},2026-03-01\n"
    users, faults = read(tmp_path, configuration, seed)
    assert (listed(users), faults) == ([PERSON], [])


class TestOutside:
    """Ids need not be in git: a file or table elsewhere lists them as well."""

    def test_a_csv_file_with_nothing_but_ids(
        self, tmp_path: Path, configuration: Configuration
    ) -> None:
        (tmp_path / "requests.csv").write_text(f"user_id\n{PERSON}\n7\n")
        users, faults = read(tmp_path, configuration, HEADER + "dev,a,,\n", "requests.csv")
        assert (listed(users), faults) == (["7", "a", PERSON], [])

    def test_a_csv_file_with_environments(
        self, tmp_path: Path, configuration: Configuration
    ) -> None:
        (tmp_path / "requests.csv").write_text("environment,user_id,more\nprod,a,x\n,b,x\ndev,c,")
        assert listed(read(tmp_path, configuration, None, "requests.csv")[0]) == ["b", "c"]

    def test_a_file_of_json_lines(self, tmp_path: Path, configuration: Configuration) -> None:
        rows = [
            {"user_id": PERSON},
            {"user_id": 42, "environment": "dev", "requested_on": "2026-03-01"},
            {"user_id": "b", "environment": "prod"},
        ]
        text = "\n\n".join(json.dumps(row) for row in rows)
        (tmp_path / "requests.ndjson").write_text(text)
        users, faults = read(tmp_path, configuration, None, "requests.ndjson")
        assert (listed(users), faults) == (["42", PERSON], [])

    @pytest.mark.parametrize(
        "line",
        [
            '{"user_id": "patient-1"',
            '["patient-1"]',
            '{"id": "patient-1"}',
            '{"user_id": ["patient-1"]}',
            '{"user_id": true}',
            '{"user_id": null}',
            '{"user_id": 1.5}',
            r'{"user_id": "patient-\ud800"}',
            '{"user_id": "patient-1", "environment": 1}',
            "[" * 100_000,
        ],
    )
    def test_a_line_that_names_nobody_is_a_fault(
        self, tmp_path: Path, configuration: Configuration, line: str
    ) -> None:
        (tmp_path / "requests.ndjson").write_text(f'{{"user_id": "a"}}\n{line}\n')
        _, faults = read(tmp_path, configuration, None, "requests.ndjson")
        assert the_fault(faults, "not a JSON object with a `user_id`").line == 2

    @pytest.mark.parametrize("location", ["gone.csv", "gone/requests.ndjson", "not a table"])
    def test_a_list_that_is_not_there_is_a_fault(
        self, tmp_path: Path, configuration: Configuration, location: str
    ) -> None:
        _, faults = read(tmp_path, configuration, None, location)
        assert the_fault(faults, "is not there").file == location

    def test_a_file_of_another_kind_is_a_fault(
        self, tmp_path: Path, configuration: Configuration
    ) -> None:
        (tmp_path / "requests.xlsx").write_text(PERSON)
        _, faults = read(tmp_path, configuration, None, "requests.xlsx")
        assert the_fault(faults, "neither CSV nor newline-delimited JSON")

    def test_a_table_is_left_to_sql(self, tmp_path: Path, configuration: Configuration) -> None:
        users, faults = read(tmp_path, configuration, None, 'privacy."open requests"')
        parts = ("privacy", "open requests")
        assert (users.tables, faults) == ({'privacy."open requests"': parts}, [])


class TestOptionalSeeds:
    """A list must not be overlooked: whatever folder of the seeds it is in, it is found."""

    def files(self, folder: Path, place: str) -> tuple[dict[str, Path], dict[str, str]]:
        path = folder / place / "destinations.csv"
        path.parent.mkdir(parents=True)
        path.touch()
        return {"destinations": path}, {"destinations": f"{place}/destinations.csv"}

    @pytest.mark.parametrize("place", ["seeds", "seeds/hipaa"])
    @pytest.mark.parametrize("own", ["seeds", "seeds/hipaa/more", "seeds/privacy"])
    def test_found_anywhere_among_the_seeds(self, tmp_path: Path, place: str, own: str) -> None:
        files, labels = self.files(tmp_path, place)
        path = tmp_path / own / "suppressed_users.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        assert add_optional_seeds(files, labels) == []
        assert files["suppressed_users"] == path
        assert labels["suppressed_users"] == f"{own}/suppressed_users.csv"

    def test_two_of_them_are_a_fault(self, tmp_path: Path) -> None:
        files, labels = self.files(tmp_path, "seeds")
        for folder in ("seeds", "seeds/privacy"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / "suppressed_users.csv").touch()
        assert the_fault(add_optional_seeds(files, labels), "a second suppressed_users.csv")

    def test_none_need_be_there(self, tmp_path: Path) -> None:
        files, labels = self.files(tmp_path, "seeds")
        assert add_optional_seeds(files, labels) == []
        assert set(files) == {"destinations"}


def environments(seeds: Seeds, folder: Path, text: str) -> Configuration:
    files = seeds.write(folder)
    files["environments"] = folder / "environments.csv"
    files["environments"].write_text("environment,retain_days\n" + text)
    return read_configuration(files, {seed: f"seeds/{seed}.csv" for seed in files})


class TestRetention:
    """For how many days an environment keeps calls."""

    def test_a_named_row_beats_the_one_for_all(self, tmp_path: Path) -> None:
        configuration = environments(minimal_seeds(), tmp_path, "*,90\ndev,30\n")
        assert configuration.faults == []
        assert [configuration.retained_days(name) for name in ("dev", "prod")] == [30, 90]

    def test_a_blank_cell_keeps_all(self, tmp_path: Path) -> None:
        configuration = environments(minimal_seeds(), tmp_path, "*,90\ndev,\n")
        assert configuration.retained_days("dev") is None

    def test_no_row_keeps_all(self, tmp_path: Path) -> None:
        assert minimal_seeds().read(tmp_path).retained_days("dev") is None

    @pytest.mark.parametrize("days", ["0", "-1", "1.5", "many", "36501", "1e2", "٣"])
    def test_what_is_no_number_of_days_is_a_fault(self, tmp_path: Path, days: str) -> None:
        faults = environments(minimal_seeds(), tmp_path, f"dev,{days}\n").faults
        assert the_fault(faults, "`retain_days` is not a number of days").line == 2

    def test_other_faults(self, tmp_path: Path) -> None:
        faults = environments(minimal_seeds(), tmp_path, "dev,1\ndev,2\npord,3\na b,4\n").faults
        assert the_fault(faults, "the environment is listed twice").line == 3
        lines = [fault.line for fault in faults if "no destination is listed" in fault.problem]
        assert lines == [4, 5]
        assert the_fault(faults, "`environment` is not a name").line == 5

    def test_the_plan_names_the_first_day_that_is_kept(self, tmp_path: Path) -> None:
        plan = make_plan(environments(minimal_seeds(), tmp_path, "dev,30\n"), "dev", TODAY)
        assert plan.retain_days == 30
        assert plan.retained_from == (TODAY - dt.timedelta(days=30)).isoformat() == "2026-02-08"

    def test_retention_is_part_of_the_configuration_and_not_of_an_allowlist(
        self, tmp_path: Path
    ) -> None:
        plans = [
            make_plan(environments(minimal_seeds(), tmp_path, text), "dev", TODAY)
            for text in ("", "dev,30\n", "dev,31\n")
        ]
        assert len({plan.fingerprint for plan in plans}) == 3
        assert len({plan.destinations["ga4"].fingerprint for plan in plans}) == 1


class TestComingBack:
    """Nobody comes back because a list from outside is not named, empty, or shorter."""

    def faults(
        self, known: dict[str, int], lists: dict[str, ListCounts], **accepted: object
    ) -> list[str]:
        return [str(fault) for fault in list_faults(known, lists, accepted)]

    def test_a_list_that_stays_or_grows_is_sound(self) -> None:
        lists = {"a.csv": ListCounts(now=5, before=3, is_named=True)}
        assert self.faults({"a.csv": 3}, lists) == []
        assert self.faults({}, {"a.csv": ListCounts(now=5, is_named=True)}) == []

    @pytest.mark.parametrize("before", [0, 3])
    def test_a_list_that_is_not_named_any_more_is_refused_until_given_up(
        self, before: int
    ) -> None:
        lists = {"a.csv": ListCounts(before=before, lost=before)} if before else {}
        [message] = self.faults({"a.csv": 3}, lists)
        assert message.startswith("a.csv: this list of 3 people is not named any more")
        assert 'hipaa_mode__give_up_suppression_lists: ["a.csv"]' in message
        given_up = {"hipaa_mode__give_up_suppression_lists": ["a.csv"]}
        assert self.faults({"a.csv": 3}, lists, **given_up) == []
        other = {"hipaa_mode__give_up_suppression_lists": "b.csv"}
        assert len(self.faults({"a.csv": 3}, lists, **other)) == 1

    def test_a_list_whose_people_are_all_on_another_has_moved(self) -> None:
        lists = {"a.csv": ListCounts(before=3, lost=0), "t": ListCounts(now=3, is_named=True)}
        assert self.faults({"a.csv": 3}, lists) == []

    @pytest.mark.parametrize(
        "lists",
        [
            {"a.csv": ListCounts(now=2, before=4, lost=2, is_named=True)},
            # Their ids in another case, or with quotes: others are listed in their place.
            {"a.csv": ListCounts(now=4, before=4, lost=2, is_named=True)},
            # A new database knows how many there were.
            {"a.csv": ListCounts(now=2, is_named=True)},
        ],
    )
    def test_people_who_are_on_no_list_now_are_accepted_by_their_number(
        self, lists: dict[str, ListCounts]
    ) -> None:
        [message] = self.faults({"a.csv": 4}, lists)
        assert "2 people that it listed in the last run are on no list now" in message
        assert "hipaa_mode__accept_returning_people: 2" in message
        assert self.faults({"a.csv": 4}, lists, hipaa_mode__accept_returning_people=2) == []
        assert len(self.faults({"a.csv": 4}, lists, hipaa_mode__accept_returning_people=3)) == 1

    def test_people_taken_off_the_seed_are_no_business_of_it(self) -> None:
        assert self.faults({}, {"": ListCounts(now=0, before=4, lost=4)}) == []

    def test_a_table_is_judged_by_counts(self) -> None:
        table = ListCounts(now=1, is_named=True, rows=5, blank=1, unknown=3)
        blank, unknown = self.faults({}, {"t": table})
        assert "`user_id` is blank in 1 row" in blank
        assert "no destination is listed for the environment of 3 rows" in unknown
        [empty] = self.faults({}, {"t": ListCounts(is_named=True, rows=0)})
        assert "lists nobody" in empty

    def test_several_lists_add_up(self, tmp_path: Path, configuration: Configuration) -> None:
        (tmp_path / "a.csv").write_text("user_id\na\nboth\n")
        (tmp_path / "b.ndjson").write_text('{"user_id": "b"}\n{"user_id": "both"}\n')
        places = ["a.csv", "b.ndjson", "privacy.requests"]
        users, faults = read(tmp_path, configuration, HEADER + "dev,seed,,\n", places)
        assert (listed(users), faults) == (["a", "b", "both", "seed"], [])
        assert list(users.tables) == ["privacy.requests"]
        assert len(users) == 4

    def test_settings_name_several(self) -> None:
        assert locations_of("a.csv; b.csv", None, ["c;d.csv", "a.csv"], "") == [
            "a.csv",
            "b.csv",
            "c;d.csv",
        ]

    @pytest.mark.parametrize(
        ("name", "content"),
        [("l.csv", "user_id\n"), ("l.csv", "\ufeffuser_id\n\n"), ("l.ndjson", ""), ("l.csv", "")],
    )
    def test_a_file_that_lists_nobody_is_refused_until_given_up(
        self, name: str, content: str, tmp_path: Path, configuration: Configuration
    ) -> None:
        (tmp_path / name).write_text(content, encoding="utf-8")
        _, faults = read(tmp_path, configuration, None, name)
        assert len(faults) == 1
        assert faults[0].file == name
        users = SuppressedUsers()
        assert users.read(configuration, "dev", {}, {}, [name], tmp_path, [name]) == []

    def test_a_list_for_other_environments_alone_lists_somebody(
        self, tmp_path: Path, configuration: Configuration
    ) -> None:
        (tmp_path / "l.csv").write_text("user_id,environment\na,prod\n")
        users, faults = read(tmp_path, configuration, None, "l.csv")
        assert (listed(users), faults) == ([], [])


class TestReturningCalls:
    """Calls that were withheld come back only for a reason in the configuration, or by number."""

    BEFORE = Withheld(run_number=5, raw=100, suppressed=10, retain_days=30)
    NOW = ReturningCalls(
        is_known=True, suppressed=0, aged=0, suppressed_now=10, raw_now=100, retain_days=30
    )

    def reasons(self, accepted: object = None, **counts: Any) -> list[str]:
        return returning_faults(self.BEFORE, replace(self.NOW, **counts), accepted)

    def test_nothing_came_back(self) -> None:
        assert self.reasons() == []
        assert returning_faults(None, self.NOW, None) == []
        # Their raw calls are gone.
        assert self.reasons(suppressed_now=2) == []

    def test_calls_that_came_back_are_accepted_by_their_number(self) -> None:
        [reason] = self.reasons(suppressed=3)
        assert reason.startswith("3 calls that were withheld")
        assert "hipaa_mode__accept_returning_calls: 3" in reason
        assert self.reasons(suppressed=3, accepted=3) == []
        assert len(self.reasons(suppressed=3, accepted=2)) == 1

    def test_expired_calls_come_back_only_with_another_retention(self) -> None:
        assert len(self.reasons(aged=1)) == 1
        assert self.reasons(aged=1, retain_days=60) == []
        assert self.reasons(aged=1, retain_days=None) == []

    def test_a_new_database_goes_by_numbers(self) -> None:
        [reason] = self.reasons(is_known=False, suppressed_now=6)
        assert reason.startswith("4 calls")
        assert self.reasons(is_known=False, suppressed_now=6, raw_now=96) == []
        assert len(self.reasons(is_known=False, suppressed_now=6, raw_now=97)) == 1
        assert self.reasons(is_known=False, suppressed_now=12) == []


def test_an_id_that_ties_many_others_to_somebody_is_said() -> None:
    assert hub_notices(most=MOST_TIES, ids=50) == []
    [notice] = hub_notices(most=MOST_TIES + 1, ids=50)
    assert notice.startswith("WARNING: alias and merge calls tie 50 ids to suppressed people")
    assert f"{MOST_TIES + 1} of them to one and the same id" in notice
