"""An emergency stop withdraws at once, and a row keeps withdrawn what it names."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path

import pytest
from publishing_steps import NEW, OLD, begin_new, data, finish_new, publish, tree, write_bridge
from typer.testing import CliRunner, Result

from hipaa_mode import audit, locking, published_places, publishing, stopping, token_bridges
from hipaa_mode.cli import app
from hipaa_mode.configuration import read_configuration
from hipaa_mode.errors import ExitCode, MissingFileError, PublishingError
from hipaa_mode.folders import incoming_folder
from hipaa_mode.seeds import SEED_COLUMNS
from hipaa_mode.stops import (
    COLUMNS,
    Stop,
    read_stops,
    stopped_in,
    with_stop,
    without_stops,
)

KEY = "3f" * 31 + "a1"
HEADER = ",".join(COLUMNS) + "\n"
GA4 = Stop("*", "ga4", "Contract ended", "2026-03-01", "dana")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for seed, columns in SEED_COLUMNS.items():
        (seeds / f"{seed}.csv").write_text(",".join(columns) + "\n")
    with (seeds / "destination_types.csv").open("a") as file:
        file.write("webhook,Webhook,true,true,,\n")
    with (seeds / "destinations.csv").open("a") as file:
        for environment, name in (("*", "ga4"), ("prod", "ads")):
            file.write(f"{environment},{name},webhook,server_side,true,,,,,,,,\n")
    (tmp_path / "dbt_project.yml").write_text("name: clinic\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HIPAA_MODE_PUBLISHED", raising=False)
    monkeypatch.setenv("HIPAA_MODE_KEY", KEY)
    return tmp_path


def files(project: Path) -> tuple[dict[str, Path], dict[str, str]]:
    paths = {seed: project / f"seeds/{seed}.csv" for seed in SEED_COLUMNS}
    return paths, {seed: f"seeds/{seed}.csv" for seed in SEED_COLUMNS}


def stops_file(project: Path) -> Path:
    return project / "seeds/stopped_destinations.csv"


def publish_to_read(project: Path, name: str) -> None:
    """Publish with a manifest that says enough to be shown."""
    publish(project / "published", OLD, name)
    path = project / "published/dev" / name / "manifest.json"
    calls = dict.fromkeys(("raw", "staged", "duplicates", "rejected"), 0)
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "hipaa_mode": True, "calls": calls})
    )


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["stop", *arguments])


class TestRows:
    def test_a_row_stops_a_destination_or_all_in_an_environment_or_all(self) -> None:
        names = ["ads", "ga4"]
        for environment, name, stopped in (
            ("prod", "ga4", ["ga4"]),
            ("*", "ga4", ["ga4"]),
            ("prod", "*", names),
            ("dev", "*", []),
        ):
            row = Stop(environment, name, "why", "", "")
            assert list(stopped_in([row], "prod", names)) == stopped

    def test_are_added_once_and_taken_out_by_name(self) -> None:
        text = with_stop(None, GA4)
        assert text == HEADER + "*,ga4,Contract ended,2026-03-01,dana\n"
        assert with_stop(text, GA4) == text
        both = with_stop(text.rstrip("\n"), Stop("prod", "ga4", 'a, "b"', "2026-03-02", "dana"))
        assert both.endswith('prod,ga4,"a, ""b""",2026-03-02,dana\n')
        assert without_stops(both, "*", "ga4") == HEADER + both.splitlines()[2] + "\n"
        assert without_stops(both, None, "ga4") == HEADER
        assert without_stops(both, None, "ads") == both

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            ("*,gA4,why,,", "`destination` is not a name"),
            ("*,ga5,why,,", "stops nothing"),
            ("dev,ads,why,,", "stops nothing"),
            ("porduction,*,why,,", "stops nothing"),
            ("prod/x,ga4,why,,", "`environment` is not a name"),
            (",ga4,why,,", "`environment` is not a name"),
            ("*,ga4,,,", "`reason` is blank"),
            ("*,ga4,why,yesterday,", "`stopped_on` is not a date"),
            ("*,ga4,why", "the row has 3 cells"),
        ],
    )
    def test_that_can_not_be_meant_are_faults(self, row: str, problem: str, project: Path) -> None:
        stops_file(project).write_text(HEADER + row + "\n")
        paths, labels = files(project)
        paths["stopped_destinations"] = stops_file(project)
        labels["stopped_destinations"] = "seeds/stopped_destinations.csv"
        configuration = read_configuration(paths, labels)
        found = [str(fault) for fault in configuration.faults if "stopped_" in fault.file]
        assert [problem in fault for fault in found] == [True]

    @pytest.mark.parametrize(
        "content", [b"", b"environment,destination\n", b"\xff", b'a"b,\n"', b"\n"]
    )
    def test_that_can_not_be_read_are_faults_and_not_nothing(
        self, content: bytes, project: Path
    ) -> None:
        stops_file(project).write_bytes(content)
        assert read_stops(*files(project))[1] != []

    def test_by_another_name_are_faults(self, project: Path) -> None:
        (project / "seeds/Stopped_destinations.csv").write_text(with_stop(None, GA4))
        assert read_stops(*files(project))[1] != []


class TestAtOnce:
    def test_withdraws_writes_the_row_and_records_it(self, project: Path) -> None:
        root = project / "published"
        for name in ("ga4", "ads"):
            publish(root, OLD, name)
        write_bridge(root, "ga4")
        token_bridges.finish(root, "dev", "ga4")
        result = run("ga4", "--reason", "Contract ended", "--by", "dana")
        assert result.exit_code == 0, result.output
        assert sorted(path.name for path in (root / "dev").iterdir()) == ["ads", "audit_log.jsonl"]
        assert "*,ga4,Contract ended,2" in stops_file(project).read_text()
        [entry] = audit.entries(audit.read_lines(audit.log_path(root, "dev")))
        assert (entry["outcome"], entry["reasons"]) == ("withdrawn", ["stopped: Contract ended"])
        assert entry["mac"]
        assert not incoming_folder(root, "dev").parent.exists()

    def test_needs_no_key_and_no_sound_seeds(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("HIPAA_MODE_KEY")
        (project / "dbt_project.yml").unlink()
        (project / "seeds/allowed_events.csv").write_text("oops")
        publish(project / "published", OLD)
        result = run("ga4", "--reason", "x")
        assert result.exit_code == 0, result.output
        assert not (project / "published/dev/ga4").exists()
        faults = audit.verify(project / "published", "dev", b"a" * 64, "f" * 32).faults
        assert faults == []

    def test_withdraws_though_the_row_can_not_be_written(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError("Read-only file system")

        monkeypatch.setattr(stopping, "write_changes", refuse)
        publish(project / "published", OLD)
        result = run("ga4", "--reason", "x")
        assert result.exit_code == 1
        assert not (project / "published/dev/ga4").exists()
        assert "the next build publishes again" in result.output

    def test_all_of_one_environment_alone(self, project: Path) -> None:
        root = project / "published"
        publish(root, OLD)
        (root / "prod").mkdir()
        result = run("--all", "-e", "prod", "--reason", "x", "--json")
        assert json.loads(result.stdout)["withdrawn"] == []
        assert data(root) == OLD
        assert json.loads(run("--all", "--reason", "x", "--json").stdout)["withdrawn"] == [
            str(root / "dev/ga4")
        ]

    def test_leaves_what_is_not_ours_and_says_so_of_links(self, project: Path) -> None:
        root = project / "published"
        publish(root, OLD)
        (root / "dev/ga4").rename(project / "elsewhere")
        (root / "dev/ga4").symlink_to(project / "elsewhere")
        (root / "dev/otherteam").mkdir()
        (root / "dev/otherteam/x").write_text("x")
        before = tree(root), tree(project / "elsewhere")
        result = run("--all", "--reason", "x")
        assert result.exit_code == 1
        assert "symbolic link" in result.output
        assert (tree(root), tree(project / "elsewhere")) == before

    @pytest.mark.parametrize("arguments", [(), ("ga4", "--all"), ("gaa4",), ("..",), ("ga4",)])
    def test_is_refused_where_it_is_not_clear(
        self, arguments: tuple[str, ...], project: Path
    ) -> None:
        reason = () if arguments == ("ga4",) else ("--reason", "x")
        publish(project / "published", OLD)
        result = run(*arguments, *reason)
        assert result.exception is not None
        assert data(project / "published") == OLD
        assert not stops_file(project).exists()

    def test_looks_in_every_folder_that_was_published_to(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("HIPAA_MODE_KEY")
        key = project / "masking.key"
        key.write_text(KEY)
        key.chmod(0o600)
        monkeypatch.setenv("HIPAA_MODE_KEY_FILE", str(key))
        publish(project / "other", OLD)
        for root in ("other", "gone"):
            published_places.note({"HIPAA_MODE_KEY_FILE": str(key)}, project / root, "dev")
        result = run("ga4", "--reason", "x")
        assert not (project / "other/dev/ga4").exists()
        assert result.exit_code == 1
        assert f"{project / 'gone/dev'} was published to" in result.output

    def test_says_that_nothing_lists_where_was_published_to(self, project: Path) -> None:
        publish(project / "published", OLD)
        note = f"so only {project}/published was looked in"
        assert note in " ".join(run("ga4", "--reason", "x").output.split())
        assert note in json.loads(run("ga4", "--reason", "x", "--json").stdout)["note"]
        named = run("ga4", "--reason", "x", "--published", "published", "--json")
        assert json.loads(named.stdout)["note"] == ""

    def test_is_lifted_by_name(self, project: Path) -> None:
        everything = Stop("*", "*", "x", "", "")
        stops_file(project).write_text(with_stop(with_stop(None, GA4), everything))
        result = run("ga4", "--lift")
        assert result.exit_code == 0, result.output
        assert "Still stopped: * in *" in result.output
        assert "ga4" not in stops_file(project).read_text()
        assert run("--all", "--lift").exit_code == 0
        assert stops_file(project).read_text() == HEADER
        assert run("ga4", "--lift").exception is not None


class TestShown:
    """Every command that looks at destinations says since when one is stopped, and why."""

    TEXT = "stopped since 2026-03-01: Contract ended"

    def command(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    @pytest.mark.parametrize("name", ["check", "summary"])
    def test_as_text_and_as_json(self, name: str, project: Path) -> None:
        publish_to_read(project, "ads")
        assert json.loads(self.command(name, "--json").stdout)["stopped"] == {}
        assert "stopped" not in self.command(name).output.replace("stopped_", "")
        stops_file(project).write_text(with_stop(None, GA4))
        assert json.loads(self.command(name, "--json").stdout)["stopped"] == {"ga4": asdict(GA4)}
        result = self.command(name, "-e", "dev")
        assert f"ga4: {self.TEXT}\n" in result.output
        assert result.exit_code == (ExitCode.BAD_CONFIGURATION if name == "check" else 0)

    def test_by_its_own_row_or_one_for_all_and_not_in_another_environment(
        self, project: Path
    ) -> None:
        row = Stop("prod", "*", "Breach", "", "dana")
        stops_file(project).write_text(with_stop(None, row))
        for environment, names in (("prod", ["ads", "ga4"]), ("dev", [])):
            told = json.loads(self.command("check", "-e", environment, "--json").stdout)
            assert list(told["stopped"]) == names
        assert "ads: stopped: Breach\n" in self.command("check", "-e", "prod").output

    def test_though_its_own_row_is_faulty(self, project: Path) -> None:
        stops_file(project).write_text(with_stop(None, GA4))
        seed = project / "seeds/destinations.csv"
        seed.write_text(seed.read_text().replace("*,ga4,webhook", "*,ga4,none"))
        for name in ("check", "summary"):
            assert f"ga4: {self.TEXT}" in self.command(name).output

    def test_where_nothing_is_published(self, project: Path) -> None:
        stops_file(project).write_text(with_stop(None, GA4))
        result = self.command("summary")
        # `main` makes it a message and the exit code 3.
        assert isinstance(result.exception, MissingFileError)
        assert f"ga4: {self.TEXT}" in result.output
        assert "Run: dbt build, for what is not stopped" in str(result.exception)

    def test_files_of_it_that_are_still_there_fail_the_summary(self, project: Path) -> None:
        publish_to_read(project, "ga4")
        assert self.command("summary").exit_code == 0
        stops_file(project).write_text(with_stop(None, GA4))
        result = self.command("summary")
        assert result.exit_code == ExitCode.FAILED_CHECK
        assert "dev/ga4 is still there though ga4 is stopped" in result.output
        [told] = json.loads(self.command("summary", "--json").stdout)["differences"]
        assert "hipaa-mode stop ga4 --environment dev --reason" in told

    @pytest.mark.parametrize(
        ("file", "content", "said"),
        [
            ("seeds/stopped_destinations.csv", "oops", "More may be stopped: "),
            ("seeds/Stopped_destinations.csv", HEADER, "More may be stopped: "),
            ("dbt_project.yml", "{", "What is stopped is not known: "),
        ],
    )
    def test_what_can_not_be_read_is_not_taken_for_no_stop(
        self, file: str, content: str, said: str, project: Path
    ) -> None:
        publish_to_read(project, "ads")
        (project / file).write_text(content)
        assert said in " ".join(self.command("summary").output.split())
        told = json.loads(self.command("summary", "--json").stdout)
        assert told["stopped_unknown"].startswith(said)

    def test_what_a_reason_hides_is_spelt_out_and_is_no_markup(self, project: Path) -> None:
        row = Stop("*", "ga4", "[red]a\u202eb", "", "")
        stops_file(project).write_text(with_stop(None, row))
        for arguments in (("check",), ("summary",), ("destination", "list")):
            assert "stopped: [red]a\\u{202e}b" in self.command(*arguments).output

    def test_in_the_list_of_destinations(self, project: Path) -> None:
        stops_file(project).write_text(with_stop(None, GA4))
        assert f"prod ga4: {self.TEXT}" in self.command("destination", "list").output
        [shown] = json.loads(
            self.command("destination", "show", "ga4", "-e", "prod", "--json").stdout
        )
        assert shown["stopped"] == self.TEXT


class TestWhileABuildIsAtWork:
    def test_nothing_is_put_in_place_that_was_stopped_before_the_swap(
        self, tmp_path: Path
    ) -> None:
        root = tmp_path / "published"
        publish(root, OLD)
        begin_new(root, NEW)
        stopping.withdraw_stopped([root], GA4, {})

        def refuse() -> None:
            raise PublishingError("stopped")

        facts = {name: 1 if "identifies" in name else 2 for name in NEW}
        with pytest.raises(PublishingError, match="stopped"):
            publishing.finish(
                root, "dev", "ga4", list(NEW), [], facts, {"views": {}}, before_swap=refuse
            )
        assert not (root / "dev/ga4").exists()
        publishing.discard(root, "dev")
        assert not incoming_folder(root, "dev").exists()

    def test_what_the_build_writes_aside_is_left_to_it(self, tmp_path: Path) -> None:
        root = tmp_path / "published"
        publish(root, OLD)
        begin_new(root, NEW)
        before = tree(incoming_folder(root, "dev"))
        stopping.withdraw_stopped([root], GA4, {})
        assert tree(incoming_folder(root, "dev")) == before
        finish_new(root, NEW)
        assert data(root) == NEW

    def test_a_stop_and_a_swap_wait_for_each_other(self, tmp_path: Path) -> None:
        root = tmp_path / "published"
        publish(root, OLD)
        moved: list[str] = []
        swap = publishing._put_in_place

        def watched(*arguments: Path) -> None:
            moved.append("swap")
            swap(*arguments)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(publishing, "_put_in_place", watched)
            with locking.alone_in(root):
                other = threading.Thread(target=publish, args=(root, NEW))
                other.start()
                other.join(0.5)
                assert moved == []
            other.join()
        assert moved == ["swap"]
        assert data(root) == NEW
