"""Who is suppressed: every way to list them is read, and no way of being wrong tells a name."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import duckdb
import pytest
from seed_files import TODAY, Seeds, minimal_seeds, the_fault

from hipaa_mode.configuration import Configuration, read_configuration
from hipaa_mode.plan import make_plan
from hipaa_mode.seeds import Fault, add_optional_seeds
from hipaa_mode.suppression import SuppressedUsers

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
    return [row[0] for row in connection.execute("select * from suppressed").fetchall()]


def read(
    folder: Path,
    configuration: Configuration,
    seed: str | bytes | None = None,
    location: str = "",
    environment: str = "dev",
) -> tuple[SuppressedUsers, list[Fault]]:
    files, labels = {}, {}
    if seed is not None:
        files["suppressed_users"] = folder / "suppressed_users.csv"
        labels["suppressed_users"] = "seeds/suppressed_users.csv"
        content = seed.encode() if isinstance(seed, str) else seed
        files["suppressed_users"].write_bytes(content)
    users = SuppressedUsers()
    faults = users.read(configuration, environment, files, labels, location, folder)
    for fault in faults:
        assert "patient" not in str(fault)
    return users, faults


def test_nobody_is_listed_where_nothing_is(tmp_path: Path, configuration: Configuration) -> None:
    users, faults = read(tmp_path, configuration)
    assert (listed(users), faults, users.table) == ([], [], ())


def test_rows_of_the_environment_and_of_all_count(
    tmp_path: Path, configuration: Configuration
) -> None:
    seed = HEADER + f"dev,{PERSON},2026-03-01,R-1\n*,a,,\nprod,b,,\ndev, c ,,\ndev,{PERSON},,\n"
    users, faults = read(tmp_path, configuration, seed)
    assert faults == []
    assert listed(users) == ["a", "c", PERSON]
    assert listed(read(tmp_path, configuration, seed, environment="prod")[0]) == ["a", "b"]


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
        assert (users.table, faults) == (("privacy", "open requests"), [])


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
