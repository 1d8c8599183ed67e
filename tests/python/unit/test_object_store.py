"""Copies in an object store: whole or not at all, ours alone, and gone when they have to be."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from project import REPOSITORY
from s3_server import NO_CREDENTIALS, SECRET, Bucket, serving

from hipaa_mode import audit
from hipaa_mode.audit import AuditLog
from hipaa_mode.errors import ConfigurationError, PublishingError
from hipaa_mode.publishing import file_facts
from hipaa_mode.run.store_copies import copy, store_faults, withdraw_at_start
from hipaa_mode.settings import environment_faults
from hipaa_mode.stopping import withdraw_copies
from hipaa_mode.stops import Stop
from hipaa_mode.store.copies import Copied, Copies
from hipaa_mode.store.files import Store, StoreError
from hipaa_mode.store.location import SETTING, location_of, uri_problem

MARCH_1, MARCH_2 = "ga4__events/2026-03-01.parquet", "ga4__events/2026-03-02.parquet"
FIRST = {MARCH_1: ["a", "b"], MARCH_2: ["c"]}
MORE = {MARCH_1: ["a", "b"], MARCH_2: ["c", "d"]}
FEWER = {MARCH_1: ["b"], MARCH_2: ["c", "d", "e"]}

Rows = Mapping[str, Sequence[str]]


class Published:
    """A published destination, and its copies."""

    def __init__(self, folder: Path, store: Store, name: str = "ga4") -> None:
        self.root = folder / "published"
        self.folder = self.root / "dev" / name
        self.name = name
        self.copies = Copies(store, "dev", "this machine")
        self.runs = 0
        self.manifest: dict[str, Any] = {}

    def write(self, rows: Rows, **facts: object) -> dict[str, Any]:
        """Publish rows by file, as a run of its own."""
        self.runs += 1
        files = {}
        for file, ids in rows.items():
            path = self.folder / file.replace("ga4", self.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table({"row_id": ids}), path)
            files[file.replace("ga4", self.name)] = file_facts(path)
        self.manifest = {
            **{"environment": "dev", "destination": self.name, "files": files, "views": {}},
            "published_at": f"2026-03-03T10:00:0{self.runs}+00:00",
            "dbt_invocation_id": f"0{self.runs}abcdef-1234",
            **{"allowlist_fingerprint": "x", "key_fingerprint": "y"},
            **facts,
        }
        (self.folder / "manifest.json").write_text(json.dumps(self.manifest))
        return self.manifest

    def copy(self) -> Copied:
        self.copies.open()
        with self.copies.held():
            return self.copies.copy(self.folder, self.manifest, contextlib.nullcontext())

    def copied(self, rows: Rows, **facts: object) -> Copied:
        self.write(rows, **facts)
        return self.copy()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in NO_CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    with serving() as bucket:
        for name, value in bucket.variables("some/prefix").items():
            monkeypatch.setenv(name, value)
        yield bucket


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(SETTING, f"file://{tmp_path}/place")
    return tmp_path / "place"


@pytest.fixture(params=["file", "s3"])
def on_either(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("place" if request.param == "file" else "bucket")


def store() -> Store:
    location = location_of(os.environ)
    assert location is not None
    return Store(location)


def names(found: Store, path: str = "dev/ga4") -> set[str]:
    """The files below a path."""
    listing = found.listing(path, recursive=True)
    return {name for name, size in listing.items() if size is not None}


def of_run(folder: str, rows: Rows = FIRST) -> set[str]:
    return {f"{folder}/{name}" for name in (*rows, "_run.json")}


def read(found: Store) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(found.read("dev/ga4/manifest.json") or b"{}")
    return manifest


class TestUri:
    @pytest.mark.parametrize(
        "uri",
        [
            "s3://bucket",
            "s3://bucket/some/prefix/",
            "s3://bucket/prefix?region=eu-central-1",
            "s3://bucket/prefix?endpoint_override=minio.internal:9000",
            "s3://bucket/prefix?endpoint_override=127.0.0.1:9000&scheme=http",
            "gs://bucket/prefix",
            "abfss://container@account.dfs.core.windows.net/prefix",
            "file:///srv/copies",
        ],
    )
    def test_names_a_place(self, uri: str) -> None:
        assert uri_problem(uri) == ""
        assert environment_faults({SETTING: uri}) == []
        location = location_of({SETTING: uri})
        assert location is not None and "?" not in location.shown

    @pytest.mark.parametrize(
        ("uri", "why"),
        [
            ("s3://hunter2:hunter3@bucket/prefix", "before an @"),
            ("s3://hunter2@bucket/prefix", "before an @"),
            ("gs://hunter2@bucket/prefix", "before an @"),
            ("abfss://container:hunter2@account.dfs.core.windows.net", "before an @"),
            ("abfss://container@account.dfs.core.windows.net/?sas=hunter2", "a parameter"),
            ("s3://bucket/prefix?secret_key=hunter2", "a parameter"),
            ("s3://bucket/prefix?hunter2", "no URI"),
            ("s3://bucket/prefix?region=", "a parameter"),
            ("s3://bucket/prefix?tls_verify_certificates=false", "a parameter"),
            ("s3://bucket/prefix?scheme=http", "in the clear"),
            ("s3://bucket/p?scheme=http&endpoint_override=127.0.0.1.hunter2.org", "in the clear"),
            ("s3://bucket/p?endpoint_override=http://hunter2.org", "endpoint_override"),
            ("s3://bucket/p?scheme=ftp", "neither https nor http"),
            ("s3://bucket/prefix#hunter2", "after a #"),
            ("s3://bucket/a/../hunter2", "`..`"),
            ("s3://bucket//hunter2", "an empty part"),
            ("s3://bucket/hunter%32", "a %"),
            ("s3://bucket/hunter2*", "a wildcard"),
            ("s3:///hunter2", "no bucket"),
            ("s3://hunter2:9000/prefix", "without a port"),
            ("file://hunter2/prefix", "no folder"),
            ("file:///", "no folder"),
            ("hdfs://hunter2/prefix", "begins with s3://"),
            ("https://hunter2/prefix", "begins with s3://"),
            ("hunter2/prefix", "begins with s3://"),
        ],
    )
    def test_is_refused_and_not_quoted(self, uri: str, why: str) -> None:
        [fault] = environment_faults({SETTING: uri})
        assert why in fault.problem
        assert "hunter" not in str(fault)
        with pytest.raises(ConfigurationError) as error:
            location_of({SETTING: uri})
        assert "hunter" not in str(error.value)

    def test_is_refused_where_a_variable_of_aws_would_send_it_in_the_clear(self) -> None:
        environ = {SETTING: "s3://bucket/prefix", "AWS_ENDPOINT_URL": "http://hunter2.org:9000"}
        [fault] = store_faults(environ, publishes_files=True)
        assert "AWS_ENDPOINT_URL begins with http" in str(fault) and "hunter2" not in str(fault)
        environ["AWS_ENDPOINT_URL"] = "http://localhost:9000"
        assert store_faults(environ, publishes_files=True) == []
        assert store_faults({}, publishes_files=False) == []

    def test_is_refused_on_postgresql_in_one_line(self) -> None:
        [fault] = store_faults({SETTING: "s3://bucket/prefix"}, publishes_files=False)
        assert "PostgreSQL" in str(fault) and "\n" not in str(fault)


@pytest.mark.usefixtures("on_either")
class TestCopy:
    def test_is_read_by_its_manifest_and_by_its_folder(self, tmp_path: Path) -> None:
        ga4 = Published(tmp_path, store())
        copied = ga4.copied(FIRST)
        assert copied.folder == "20260303T100001Z-01abcdef"
        assert names(store()) == {"manifest.json", *of_run(copied.folder)}
        manifest = read(store())
        assert manifest == {**ga4.manifest, "folder": copied.folder, "older": {}}
        rows = store().row_ids(f"dev/ga4/{manifest['folder']}/{MARCH_1}").to_pylist()
        assert rows == ["a", "b"]
        others = {name for name in names(store(), "") if not name.startswith("dev/ga4/")}
        assert others == {"_hipaa_mode.json"}

    def test_of_the_same_files_is_not_written_again(self, tmp_path: Path) -> None:
        ga4 = Published(tmp_path, store())
        first = ga4.copied(FIRST)
        again = ga4.copied(FIRST)
        assert (again.folder, again.files, again.removed) == (first.folder, 0, ())
        assert read(store())["published_at"] == "2026-03-03T10:00:02+00:00"
        store().remove(f"dev/ga4/{first.folder}/{MARCH_1}")
        assert ga4.copied(FIRST).files == 2
        assert store().row_ids(f"dev/ga4/{read(store())['folder']}/{MARCH_1}")

    def test_stays_an_hour_for_its_readers_where_no_row_was_taken_away(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ga4 = Published(tmp_path, store())
        first, second = ga4.copied(FIRST), ga4.copied(MORE)
        assert second.removed == () and second.folder != first.folder
        assert of_run(first.folder) < names(store())
        [(folder, end)] = read(store())["older"].items()
        left = dt.datetime.fromisoformat(end) - dt.datetime.now(dt.timezone.utc)
        assert folder == first.folder and dt.timedelta(minutes=59) < left <= dt.timedelta(hours=1)
        monkeypatch.setattr("hipaa_mode.store.copies.GRACE", dt.timedelta(0))
        third = ga4.copied({**MORE, "ga4__events/undated.parquet": ["z"]})
        assert third.removed == (second.folder,)
        past = {**read(store()), "older": {first.folder: "2026-03-03T11:00:00+00:00"}}
        store().put("dev/ga4/manifest.json", json.dumps(past).encode())
        assert ga4.copied(MORE).removed == (first.folder, third.folder)

    @pytest.mark.parametrize(
        ("rows", "facts"),
        [
            (FEWER, {}),
            ({MARCH_2: ["c"]}, {}),
            (MORE, {"allowlist_fingerprint": "narrower"}),
            (MORE, {"key_fingerprint": "rotated"}),
        ],
        ids=["a row", "a day", "a property", "a key"],
    )
    def test_goes_at_once_with_what_was_taken_away(
        self, tmp_path: Path, rows: Rows, facts: Mapping[str, object]
    ) -> None:
        ga4 = Published(tmp_path, store())
        first, second = ga4.copied({MARCH_1: ["a", "b"]}), ga4.copied(FIRST)
        third = ga4.copied(rows, **facts)
        assert third.removed == (first.folder, second.folder)
        assert names(store()) == {"manifest.json", *of_run(third.folder, rows)}

    def test_is_withdrawn_with_all_its_folders(self, tmp_path: Path) -> None:
        ga4, other = Published(tmp_path, store()), Published(tmp_path, store(), "mixpanel")
        for rows in (FIRST, MORE):
            ga4.copied(rows)
            other.copied(rows)
        done = ga4.copies.withdraw(lambda name: name == "ga4")
        assert (done.destinations, done.left) == (["ga4"], [])
        assert "dev/ga4" not in {name[:7] for name in store().listing("", recursive=True)}
        assert names(store(), "dev/mixpanel") > {"manifest.json"}
        assert ga4.copies.withdraw(lambda name: name == "ga4").destinations == []

    def test_of_what_was_held_back_stays_alone(self, tmp_path: Path) -> None:
        ga4 = Published(tmp_path, store())
        first, second = ga4.copied(FIRST), ga4.copied(MORE)
        ga4.copies.tidy(["ga4"])
        assert of_run(first.folder) < names(store())
        ga4.copies.tidy([])
        assert names(store()) == {"manifest.json", *of_run(second.folder)}

    def test_is_refused_by_a_prefix_that_holds_something_else(self, tmp_path: Path) -> None:
        store().put("theirs.txt", b"theirs")
        ga4 = Published(tmp_path, store())
        with pytest.raises(StoreError, match=r"holds something that no build made.*empty prefix"):
            ga4.copied(FIRST)
        assert names(store(), "") == {"theirs.txt"} and not ga4.copies.is_there()

    def test_touches_nothing_that_is_not_ours(self, tmp_path: Path) -> None:
        ga4 = Published(tmp_path, store())
        first = ga4.copied(FIRST)
        theirs = {
            "theirs.txt": b"a",
            "dev/mixpanel/manifest.json": b"{}",
            "dev/ga4/notes.txt": b"b",
            f"dev/ga4/{first.folder}/ga4__events/notes.txt": b"c",
            "dev/ga4/20200101T000000Z-00000000/ga4__events/2026-03-01.parquet": b"d",
            "dev/braze/20200101T000000Z-00000000/ga4__events/2026-03-01.parquet": b"e",
        }
        for name, content in theirs.items():
            store().put(name, content)
        # A forged list of a run's files leads nowhere.
        forged: dict[str, object] = {"made_by": "hipaa_mode", "environment": "dev"}
        forged["destination"] = "ga4"
        forged |= {"folder": "20200101T000000Z-00000000", "files": ["../notes.txt", "../../x"]}
        name = "dev/ga4/20200101T000000Z-00000000/_run.json"
        store().put(name, json.dumps(forged).encode())
        ga4.copied(FEWER)
        ga4.copies.tidy([])
        done = ga4.copies.withdraw(lambda name: True)
        assert done.destinations == ["ga4"] and done.left == [ga4.copies.shown("ga4")]
        assert {name: store().read(name) for name in theirs} == theirs
        for taken in ("mixpanel", "braze"):
            with pytest.raises(StoreError, match="no build of this environment made"):
                Published(tmp_path, store(), taken).copied(FIRST)


class TestTwoBuilds:
    def test_do_not_copy_at_once(self, tmp_path: Path, place: Path) -> None:
        ga4 = Published(tmp_path, store())
        ga4.copied(FIRST)
        elsewhere = Copies(store(), "dev", "another machine")
        with elsewhere.held():
            with pytest.raises(StoreError, match=r"another folder or machine.*_at_work\.json"):
                ga4.copied(MORE)
            assert read(store())["published_at"] == "2026-03-03T10:00:01+00:00"
        ga4.copy()
        assert read(store())["published_at"] == "2026-03-03T10:00:02+00:00"

    def test_of_one_folder_take_over_from_one_that_was_killed(
        self, tmp_path: Path, place: Path
    ) -> None:
        ga4 = Published(tmp_path, store())
        ga4.copied(FIRST)
        killed = {"holder": "this machine", "at": dt.datetime.now(dt.timezone.utc).isoformat()}
        for holder in (killed, {"holder": "another machine", "at": "2026-03-03T10:00:00+00:00"}):
            (place / "dev/_at_work.json").write_text(json.dumps(holder))
            ga4.copied(MORE)
            assert not (place / "dev/_at_work.json").exists()

    def test_leave_what_is_there_where_one_took_over(self, tmp_path: Path, place: Path) -> None:
        ga4 = Published(tmp_path, store())
        first = ga4.copied(FIRST)
        ga4.write(MORE)

        @contextlib.contextmanager
        def meanwhile() -> Iterator[None]:
            (place / "dev/_at_work.json").write_text(json.dumps({"holder": "x", "token": "y"}))
            yield

        with pytest.raises(StoreError, match="meanwhile"), ga4.copies.held():
            ga4.copies.copy(ga4.folder, ga4.manifest, meanwhile())
        assert names(store()) == {"manifest.json", *of_run(first.folder)}
        assert (place / "dev/_at_work.json").exists()


class TestFailure:
    """The copy of before stays, the message is one line, and the next run does it."""

    @pytest.mark.parametrize(
        ("status", "code", "why"),
        [
            (507, "InsufficientStorage", "is full (status 507)"),
            (403, "AccessDenied", "refuses the credentials"),
            (400, "Whatever", "can't be used"),
        ],
    )
    @pytest.mark.parametrize("written", ["2026-03-02.parquet", "manifest.json"])
    def test_of_a_write(
        self, tmp_path: Path, bucket: Bucket, status: int, code: str, why: str, written: str
    ) -> None:
        ga4 = Published(tmp_path, store())
        first = ga4.copied(FIRST)
        ga4.write(MORE)

        def fault(method: str, key: str) -> tuple[int, str] | None:
            is_write = method in ("PUT", "POST") and key.endswith(written)
            return (status, code) if is_write else None

        bucket.fault = fault
        said = self.run(ga4)
        [problem] = said.problems
        assert why in problem and "`ga4`" in problem and problem.endswith("tries again")
        assert "\n" not in problem and SECRET not in problem
        assert [entry["outcome"] for entry in said.entries] == [audit.NOT_COPIED]
        bucket.fault = lambda method, key: None
        assert names(store()) == {"manifest.json", *of_run(first.folder)}
        assert read(store())["folder"] == first.folder
        assert self.run(ga4).problems == []
        assert read(store())["folder"] != first.folder

    def run(self, ga4: Published, **environ: str) -> Any:
        return copy(
            {**os.environ, **environ},
            (ga4.root, "dev"),
            [ga4.manifest],
            lambda manifest: contextlib.nullcontext(),
            ["ga4"],
            dict,
        )

    @pytest.mark.parametrize(
        ("variables", "why"),
        [
            ({"AWS_ACCESS_KEY_ID": "another"}, "refuses the credentials of this process"),
            ({"bucket": "missing"}, "there is no bucket for s3://missing/some/prefix"),
            ({"port": "1"}, "can't be reached"),
        ],
        ids=["wrong credentials", "no bucket", "no server"],
    )
    def test_of_the_store_itself(
        self,
        tmp_path: Path,
        bucket: Bucket,
        monkeypatch: pytest.MonkeyPatch,
        variables: dict[str, str],
        why: str,
    ) -> None:
        uri = bucket.uri("some/prefix")
        if "port" in variables:
            uri = uri.replace(f":{bucket.port}", f":{variables.pop('port')}")
        uri = uri.replace("//bucket/", f"//{variables.pop('bucket', 'bucket')}/")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        ga4 = Published(tmp_path, Store.__new__(Store))
        ga4.write(FIRST)
        said = self.run(ga4, **{SETTING: uri})
        [problem] = said.problems
        assert why in problem and "\n" not in problem and SECRET not in problem
        at_start = withdraw_at_start({**os.environ, SETTING: uri}, (ga4.root, "dev"), [], {})
        assert why in at_start.problems[0]

    def test_of_an_answer_that_is_lost_is_none(self, tmp_path: Path, bucket: Bucket) -> None:
        ga4 = Published(tmp_path, store())
        ga4.copied(FIRST)
        ga4.write(MORE)
        put = bucket.objects.__class__.__setitem__

        class Losing(dict[str, bytes]):
            def __setitem__(self, key: str, value: bytes) -> None:
                put(self, key, value)
                if key.endswith("ga4/manifest.json"):
                    raise ConnectionError

        bucket.objects = Losing(bucket.objects)
        copied = ga4.copy()
        assert read(store())["folder"] == copied.folder
        assert of_run(copied.folder, MORE) < names(store())

    def test_of_a_removal_is_said_and_tried_again(self, tmp_path: Path, bucket: Bucket) -> None:
        ga4 = Published(tmp_path, store())
        first = ga4.copied(FIRST)
        ga4.write(FEWER)

        def fault(method: str, key: str) -> tuple[int, str] | None:
            return (403, "AccessDenied") if method == "DELETE" and "ga4/" in key else None

        bucket.fault = fault
        said = self.run(ga4)
        [problem] = said.problems
        assert "earlier folders are left" in problem and "\n" not in problem
        assert [entry["outcome"] for entry in said.entries] == [audit.COPIED]
        bucket.fault = lambda method, key: None
        ga4.write(FEWER)
        said = self.run(ga4)
        assert said.problems == []
        assert first.folder in said.entries[0]["object_store"]["removed"]
        assert names(store()) == {"manifest.json", *of_run(read(store())["folder"])}

    def test_of_the_bytes_that_are_there(self, tmp_path: Path, bucket: Bucket) -> None:
        class Wrong(dict[str, bytes]):
            def __setitem__(self, key: str, value: bytes) -> None:
                flipped = value[:-1] + bytes([value[-1] ^ 1]) if "parquet" in key else value
                super().__setitem__(key, flipped)

        bucket.objects = Wrong()
        ga4 = Published(tmp_path, store())
        with pytest.raises(StoreError, match="does not have the bytes"):
            ga4.copied(FIRST)
        assert read(store()) == {}

    def test_of_what_is_published(self, tmp_path: Path, place: Path) -> None:
        ga4 = Published(tmp_path, store())
        ga4.write(FIRST)
        pq.write_table(pa.table({"row_id": ["touched"]}), ga4.folder / MARCH_1)
        with pytest.raises(StoreError, match="not as its manifest says"):
            ga4.copy()
        (ga4.folder / MARCH_1).unlink()
        with pytest.raises(OSError):
            ga4.copy()
        assert names(store()) == set()

    def test_of_a_build_that_is_killed(self, tmp_path: Path, bucket: Bucket) -> None:
        ga4 = Published(tmp_path, store())
        first = ga4.copied(FIRST)
        ga4.write({**MORE, MARCH_1: ["b"]})

        def hanging(method: str, key: str) -> None:
            if method == "PUT" and key.endswith(MARCH_2):
                time.sleep(60)

        bucket.fault = hanging
        process = subprocess.Popen([sys.executable, "-c", _COPYING, str(tmp_path)])
        arrived = f"some/prefix/dev/ga4/20260303T100002Z-02abcdef/{MARCH_1}"
        while arrived not in bucket.objects or ("PUT", arrived[:-9] + "2.parquet") not in (
            bucket.requests
        ):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        bucket.fault = lambda method, key: None
        assert read(store())["folder"] == first.folder
        assert of_run(first.folder) < names(store()) and arrived in bucket.objects
        ga4.write({**FEWER, MARCH_1: ["b"]})
        third = ga4.copy()
        assert names(store()) == {"manifest.json", *of_run(third.folder)}


_COPYING = """
import json, os, sys
from contextlib import nullcontext
from pathlib import Path
from hipaa_mode.store.copies import Copies
from hipaa_mode.store.files import Store
from hipaa_mode.store.location import location_of
copies = Copies(Store(location_of(os.environ)), "dev", "this machine")
folder = Path(sys.argv[1], "published/dev/ga4")
with copies.held():
    copies.copy(folder, json.loads((folder / "manifest.json").read_text()), nullcontext())
"""


def test_files_are_written_and_looked_at_before_the_manifest_is(
    tmp_path: Path, bucket: Bucket
) -> None:
    ga4 = Published(tmp_path, store())
    ga4.copied(FIRST)
    asked = [(method, key.partition("dev/ga4/")[2]) for method, key in bucket.requests]
    named = asked.index(("PUT", "manifest.json"))
    parquet = [step for step, (_, key) in enumerate(asked) if key.endswith(".parquet")]
    assert len([step for step in parquet if asked[step][0] == "GET"]) == len(FIRST)
    assert max(parquet) < named
    assert [key for method, key in asked[named + 1 :] if method in ("PUT", "POST") and key] == []


def test_a_run_leaves_what_is_stopped_or_gone(tmp_path: Path, place: Path) -> None:
    ga4, mixpanel = (Published(tmp_path, store(), name) for name in ("ga4", "mixpanel"))
    place_of = (tmp_path / "published", "dev")

    def run(permit: Any, stopped: dict[str, str]) -> Any:
        manifests = [ga4.write(MORE), mixpanel.write(MORE)]
        kept = ("ga4", "mixpanel")
        return copy(os.environ, place_of, manifests, permit, kept, lambda: stopped)

    assert run(lambda manifest: contextlib.nullcontext(), {}).problems == []

    @contextlib.contextmanager
    def stopping(manifest: Mapping[str, Any]) -> Iterator[None]:
        if manifest["destination"] == "mixpanel":
            raise PublishingError("it was stopped")
        yield

    said = run(stopping, {"mixpanel": "A complaint"})
    assert said.problems == []
    outcomes = [(entry["destination"], entry["outcome"]) for entry in said.entries]
    assert outcomes == [("ga4", audit.COPIED), ("mixpanel", audit.COPY_REMOVED)]
    assert said.entries[0]["key_fingerprint"] == ga4.manifest["key_fingerprint"]
    assert not (place / "dev/mixpanel").exists()
    started = withdraw_at_start(os.environ, place_of, [], {})
    assert started.lines == [f"removed file://{place}/dev/ga4: no longer in destinations.csv"]
    assert withdraw_at_start({}, place_of, [], {}).lines == []


def test_an_emergency_stop_takes_copies_away_and_says_so(tmp_path: Path, place: Path) -> None:
    ga4 = Published(tmp_path, store())
    ga4.copied(FIRST)
    key = tmp_path / ".hipaa_mode/masking.key"
    key.parent.mkdir()
    environ = {SETTING: os.environ[SETTING], "HIPAA_MODE_KEY_FILE": str(key)}
    with AuditLog(ga4.root, "dev"):
        pass
    stop = Stop("*", "ga4", "A complaint", "2026-03-03", "dana")
    copy(environ, (ga4.root, "dev"), [], lambda manifest: contextlib.nullcontext(), ["ga4"], dict)
    # A place that was copied to is known without the variable.
    del environ[SETTING]
    done = withdraw_copies([ga4.root], stop, environ, tmp_path)
    assert (done.withdrawn, done.problems) == ([f"file://{place}/dev/ga4"], [])
    assert not (place / "dev/ga4").exists()
    [entry] = audit.entries(audit.read_lines(audit.log_path(ga4.root, "dev")))
    assert (entry["outcome"], entry["stopped_by"]) == (audit.COPY_REMOVED, "dana")
    assert withdraw_copies([ga4.root], stop, {}, tmp_path).withdrawn == []


def test_a_stop_says_where_it_could_not_look(tmp_path: Path, bucket: Bucket) -> None:
    bucket.fault = lambda method, key: (403, "AccessDenied")
    stop = Stop("dev", "ga4", "A complaint", "2026-03-03", "dana")
    done = withdraw_copies([tmp_path], stop, os.environ, tmp_path)
    [problem] = done.problems
    assert problem.endswith("remove it there")
    key = tmp_path / ".hipaa_mode/masking.key"
    key.parent.mkdir()
    key.with_name("masking.key.copied").write_text(json.dumps([os.environ[SETTING], "dev"]))
    listed = {name: value for name, value in os.environ.items() if name != SETTING}
    [problem] = withdraw_copies([tmp_path], stop, listed, tmp_path).problems
    assert problem.endswith("remove its line in " + str(key.with_name("masking.key.copied")))


@pytest.mark.usefixtures("on_either")
def test_the_reader_of_the_documentation_reads_by_the_manifest(tmp_path: Path) -> None:
    Published(tmp_path, store()).copied(FIRST)
    text = (REPOSITORY / "docs/object_stores.md").read_text("utf-8")
    example = text.partition("<!-- example: by the manifest -->\n```python\n")[2]
    code = example.partition("```")[0].replace("select event, count(*)", "select row_id, count(*)")
    where, _, parameters = os.environ[SETTING].partition("?")
    uri = f"{where}/dev/ga4" + (f"?{parameters}" if parameters else "")
    assert "s3://clinic-data/published/prod/ga4" in code
    found: dict[str, Any] = {}
    exec(code.replace("s3://clinic-data/published/prod/ga4", uri), found)
    assert sorted(found["by_event"]) == [("a", 1), ("b", 1), ("c", 1)]
