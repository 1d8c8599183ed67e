"""Publishing: a destination's files are all new or all old, private, and as manifested."""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from publishing_steps import (
    EVENTS,
    GROUPS,
    IDENTIFIES,
    NEW,
    OLD,
    Files,
    begin_new,
    data,
    finish_new,
    of,
    parquet,
    publish,
    published,
    rows_of,
    write_bridge,
)

from hipaa_mode import folders, publishing, token_bridges
from hipaa_mode.errors import PublishingError
from hipaa_mode.folders import MANIFEST, UNFINISHED, incoming_folder
from hipaa_mode.publishing import (
    begin,
    check_files,
    file_sha256,
    finish,
    read_manifests,
    withdraw,
)

EXCHANGE = publishing._exchange


class Killed(BaseException):
    """Stands for a process that ends at once: nothing catches it."""


def found_by_readers(root: Path) -> Files:
    """Read the Parquet files that a reader of the whole folder finds."""
    pattern = str(root / "**" / "*.parquet")
    rows = duckdb.execute("select file from glob(?)", [pattern]).fetchall()
    return {str(Path(file).relative_to(root / "dev")): Path(file).read_bytes() for (file,) in rows}


def kill(*_: object, **__: object) -> None:
    raise Killed


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=["exchange", "one by one"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Publish with the system's exchange of folders, and without it."""
    way = str(request.param)
    if way == "one by one":
        monkeypatch.setattr(publishing, "_exchange", lambda first, second: False)
    return way


def test_the_first_files_of_a_destination_are_put_in_place(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    assert data(tmp_path) == OLD
    assert not incoming_folder(tmp_path, "dev").exists()


def test_a_new_set_replaces_the_whole_old_one(either_way: str, tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    publish(tmp_path, NEW)
    assert data(tmp_path) == NEW
    assert check_files(tmp_path, "dev") == []
    assert sorted(path.name for path in (tmp_path / "dev").iterdir()) == ["ga4"]


def test_the_whole_set_changes_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, OLD)
    exchange = publishing._exchange
    seen: list[Files] = []

    def watched(first: Path, second: Path) -> bool:
        seen.append(data(tmp_path))
        assert exchange(first, second), "this file system can't exchange folders"
        seen.append(data(tmp_path))
        return True

    monkeypatch.setattr(publishing, "_exchange", watched)
    publish(tmp_path, NEW)
    assert seen == [OLD, NEW]


def test_other_destinations_are_left_alone(tmp_path: Path) -> None:
    publish(tmp_path, OLD, "mailchimp")
    before = published(tmp_path, "mailchimp")
    publish(tmp_path, NEW, "ga4")
    assert published(tmp_path, "mailchimp") == before


def test_a_reader_with_an_open_file_keeps_the_old_bytes(either_way: str, tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    with (tmp_path / "dev" / "ga4" / EVENTS).open("rb") as reader:
        begun = reader.read(3)
        publish(tmp_path, NEW)
        assert begun + reader.read() == OLD[EVENTS]
    assert data(tmp_path) == NEW


def test_the_manifest_tells_size_and_hash_of_every_file(tmp_path: Path) -> None:
    written = publish(tmp_path, NEW)
    assert json.loads((tmp_path / "dev" / "ga4" / MANIFEST).read_text()) == written
    assert written["destination"] == "ga4"
    assert written["files"] == {
        name: {
            "view": name.partition("/")[0],
            "rows": rows_of(content),
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for name, content in NEW.items()
    }
    assert read_manifests(tmp_path, "dev") == [written]


def test_a_file_with_other_rows_than_its_view_is_not_published(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    before = published(tmp_path)
    begin_new(tmp_path, NEW)
    rows = dict.fromkeys(NEW, 2)
    with pytest.raises(PublishingError, match="has 1 rows where its view has 2"):
        finish(tmp_path, "dev", "ga4", list(NEW), [], rows, {"destination": "ga4", "views": {}})
    assert published(tmp_path) == before


def test_kept_files_are_the_very_files_that_were_published(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    folder = tmp_path / "dev" / "ga4"
    before = {name: (folder / name).stat() for name in OLD}
    written = publish(tmp_path, {IDENTIFIES: NEW[IDENTIFIES]}, kept=(EVENTS,))
    assert data(tmp_path) == {EVENTS: OLD[EVENTS], IDENTIFIES: NEW[IDENTIFIES]}
    after = (folder / EVENTS).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before[EVENTS].st_ino, before[EVENTS].st_mtime_ns)
    assert set(written["files"]) == {EVENTS, IDENTIFIES}
    assert check_files(tmp_path, "dev") == []


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EACCES])
def test_kept_files_are_copied_where_they_can_not_be_linked(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, OLD)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    publish(tmp_path, {}, kept=tuple(OLD))
    assert data(tmp_path) == OLD
    assert check_files(tmp_path, "dev") == []


def test_a_file_that_was_altered_or_removed_is_not_kept(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    assert set(publishing.keepable_files(tmp_path, "dev", "ga4")) == set(OLD)
    folder = tmp_path / "dev" / "ga4"
    altered = bytearray(OLD[EVENTS])
    altered[-6] ^= 1
    (folder / EVENTS).write_bytes(altered)
    (folder / GROUPS).unlink()
    assert publishing.keepable_files(tmp_path, "dev", "ga4") == {}
    assert publishing.keepable_files(tmp_path, "dev", "nobody") == {}


def test_what_is_written_aside_and_not_published_is_discarded(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    before = published(tmp_path)
    begin_new(tmp_path, NEW)
    publishing.discard(tmp_path, "dev")
    assert not incoming_folder(tmp_path, "dev").exists()
    assert published(tmp_path) == before


def test_a_destination_without_files_publishes_its_manifest(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    publish(tmp_path, {})
    assert data(tmp_path) == {}


def test_everything_published_is_its_owners_alone(either_way: str, tmp_path: Path) -> None:
    root = tmp_path / "published"
    root.mkdir(mode=0o755)
    # New files get the access of those in whose place they come, the first ones their own.
    for files in (OLD, NEW):
        previous = os.umask(0)
        try:
            publish(root, files)
        finally:
            os.umask(previous)
        assert mode(root) == 0o755, "a folder that was there keeps its mode"
        assert [mode(path) for path in (root / "dev", root / "dev" / "ga4")] == [0o700] * 2
        paths = list((root / "dev" / "ga4").rglob("*"))
        assert {mode(path) for path in paths if path.is_file()} == {0o600}
        assert {mode(path) for path in paths if path.is_dir()} == {0o700}


def test_the_folder_for_incoming_files_is_its_owners_alone_and_empty(tmp_path: Path) -> None:
    folder = begin(tmp_path, "dev", "ga4", "ga4__events")
    (folder / f"all.parquet{UNFINISHED}").write_bytes(b"")
    previous = os.umask(0)
    try:
        assert begin(tmp_path, "dev", "ga4", "ga4__events") == folder
    finally:
        os.umask(previous)
    assert list(folder.iterdir()) == []
    assert mode(folder) == mode(folder.parent) == 0o700


# Failures.


def test_a_missing_file_leaves_what_was_published(either_way: str, tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    before = published(tmp_path)
    begin_new(tmp_path, {EVENTS: NEW[EVENTS]})
    with pytest.raises(PublishingError, match="`ga4` was not published") as caught:
        finish_new(tmp_path, NEW)
    assert "dbt build" in str(caught.value)
    assert published(tmp_path) == before
    assert check_files(tmp_path, "dev") == []
    assert found_by_readers(tmp_path).keys() == {f"ga4/{name}" for name in OLD}


@pytest.mark.parametrize("step", ["_write", "sync", "_exchange", "_put_in_place", "file_sha256"])
def test_a_step_that_fails_leaves_what_was_published(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, OLD)
    before = published(tmp_path)
    begin_new(tmp_path, NEW)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")

    with monkeypatch.context() as patch:
        patch.setattr(publishing, step, fail)
        with pytest.raises(PublishingError, match="No space left on device"):
            finish_new(tmp_path, NEW)
    assert published(tmp_path) == before
    publish(tmp_path, NEW)
    assert data(tmp_path) == NEW


def test_a_root_that_can_not_be_a_folder_is_a_publishing_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PublishingError, match="`ga4` was not published"):
        begin(tmp_path / "file", "dev", "ga4", "ga4__events")


def test_a_set_replaced_in_part_is_found_by_its_manifest_and_not_called_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, OLD)
    monkeypatch.setattr(publishing, "_exchange", lambda first, second: False)
    replace = os.replace
    done: list[object] = []

    def fail_on_the_second(source: Path, target: Path) -> None:
        if done:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(target))
        done.append(source)
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_on_the_second)
    with pytest.raises(PublishingError) as caught:
        publish(tmp_path, NEW)
    assert data(tmp_path) != OLD
    assert check_files(tmp_path, "dev") != []
    assert "Its last good files are in place" not in str(caught.value)


def test_a_replacement_that_fails_at_once_leaves_what_was_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, OLD)
    before = published(tmp_path)
    monkeypatch.setattr(publishing, "_exchange", lambda first, second: False)

    def fail(source: Path, target: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(target))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(PublishingError, match="Its last good files are in place"):
        publish(tmp_path, NEW)
    assert published(tmp_path) == before


# A writer that is killed.


def kill_while_writing(root: Path, _: pytest.MonkeyPatch) -> None:
    begin_new(root, NEW)


def kill_before_the_exchange(root: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(publishing, "_put_in_place", kill)
    with pytest.raises(Killed):
        publish(root, NEW)


def kill_after_the_exchange(root: Path, patch: pytest.MonkeyPatch) -> None:
    begin_new(root, NEW)
    patch.setattr(publishing, "_exchange", exchange_and_die)
    with pytest.raises(Killed):
        finish_new(root, NEW)


def exchange_and_die(first: Path, second: Path) -> bool:
    assert EXCHANGE(first, second), "this file system can't exchange folders"
    raise Killed


def kill_while_withdrawing(root: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(publishing, "remove_ours", kill)
    with pytest.raises(Killed):
        withdraw(root, "dev", ["mailchimp"])


KILLS: dict[str, tuple[Callable[[Path, pytest.MonkeyPatch], None], Files]] = {
    "while writing": (kill_while_writing, OLD),
    "before the exchange": (kill_before_the_exchange, OLD),
    "after the exchange": (kill_after_the_exchange, NEW),
    "while withdrawing": (kill_while_withdrawing, {}),
}


@pytest.mark.parametrize("moment", KILLS)
def test_readers_never_find_what_a_killed_writer_left(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, in_place = KILLS[moment]
    publish(tmp_path, OLD)
    with monkeypatch.context() as patch:
        killed(tmp_path, patch)
    assert found_by_readers(tmp_path) == {f"ga4/{name}": text for name, text in in_place.items()}


@pytest.mark.parametrize("moment", ["while writing", "before the exchange", "after the exchange"])
def test_what_a_killed_writer_left_does_not_stop_the_next(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, in_place = KILLS[moment]
    publish(tmp_path, OLD)
    with monkeypatch.context() as patch:
        killed(tmp_path, patch)
    assert data(tmp_path) == in_place
    publish(tmp_path, OLD | NEW)
    assert data(tmp_path) == OLD | NEW
    assert not incoming_folder(tmp_path, "dev").exists()


@pytest.mark.parametrize("moment", KILLS)
def test_what_a_killed_writer_left_is_cleared_when_withdrawing(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, _ = KILLS[moment]
    publish(tmp_path, OLD)
    with monkeypatch.context() as patch:
        killed(tmp_path, patch)
    withdraw(tmp_path, "dev", ["ga4"])
    assert not incoming_folder(tmp_path, "dev").exists()


# Withdrawing.


def test_only_the_destinations_to_keep_stay(tmp_path: Path) -> None:
    for name in ("ga4", "mailchimp", "mixpanel"):
        publish(tmp_path, OLD, name)
    before = published(tmp_path, "mailchimp")
    assert withdraw(tmp_path, "dev", ["mailchimp", "never_published"]).withdrawn == [
        "ga4",
        "mixpanel",
    ]
    assert [path.name for path in (tmp_path / "dev").iterdir()] == ["mailchimp"]
    assert published(tmp_path, "mailchimp") == before
    assert withdraw(tmp_path, "dev", ["mailchimp"]).withdrawn == []


def test_an_environment_is_withdrawn_alone(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    shutil.copytree(tmp_path / "dev", tmp_path / "prod")
    assert withdraw(tmp_path, "dev", []).withdrawn == ["ga4"]
    assert (tmp_path / "prod" / "ga4" / MANIFEST).exists()


def test_an_environment_that_published_nothing_has_nothing_to_withdraw(tmp_path: Path) -> None:
    assert withdraw(tmp_path / "published", "dev", []).withdrawn == []
    assert not (tmp_path / "published").exists()


def test_a_reader_with_an_open_file_of_a_withdrawn_destination_keeps_it(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    with (tmp_path / "dev" / "ga4" / EVENTS).open("rb") as reader:
        withdraw(tmp_path, "dev", [])
        assert reader.read() == OLD[EVENTS]


# Checking what is published.


def test_published_files_match_their_manifest(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    publish(tmp_path, NEW, "mailchimp")
    assert check_files(tmp_path, "dev") == []


def test_nothing_published_has_no_manifests(tmp_path: Path) -> None:
    assert read_manifests(tmp_path, "dev") == []


@pytest.mark.parametrize(
    ("harm", "difference"),
    [
        (lambda folder: (folder / EVENTS).unlink(), f"{EVENTS} is missing"),
        (lambda folder: (folder / "extra.parquet").write_bytes(b""), "extra.parquet is not ours"),
        (
            lambda folder: (folder / EVENTS).write_bytes(b"old eventz"),
            f"{EVENTS} has changed since it was published",
        ),
    ],
)
def test_every_difference_from_the_manifest_is_told(
    harm: Callable[[Path], object], difference: str, tmp_path: Path
) -> None:
    publish(tmp_path, OLD)
    publish(tmp_path, NEW, "mailchimp")
    harm(tmp_path / "dev" / "ga4")
    [line] = check_files(tmp_path, "dev")
    assert difference in line
    assert str(tmp_path / "dev" / "ga4") in line


def test_several_differences_are_told_together(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    folder = tmp_path / "dev" / "ga4"
    (folder / GROUPS).rename(folder / "copy.parquet")
    (folder / EVENTS).write_bytes(b"changed")
    assert len(check_files(tmp_path, "dev")) == 3


def test_files_without_a_manifest_are_told(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    (tmp_path / "dev" / "ga4" / MANIFEST).unlink()
    assert check_files(tmp_path, "dev") != []


def test_a_folder_renamed_by_hand_is_told(tmp_path: Path) -> None:
    publish(tmp_path, OLD)
    (tmp_path / "dev" / "ga4").rename(tmp_path / "dev" / "ga5")
    assert check_files(tmp_path, "dev") != []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]"])
def test_a_broken_manifest_is_a_publishing_error_that_names_it(
    content: bytes, tmp_path: Path
) -> None:
    publish(tmp_path, OLD)
    path = tmp_path / "dev" / "ga4" / MANIFEST
    path.write_bytes(content)
    with pytest.raises(PublishingError, match="is not a manifest") as caught:
        check_files(tmp_path, "dev")
    assert str(path) in str(caught.value)


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    content = os.urandom((1 << 20) + 1)
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def publish_again_and_again(root: Path, environment: str, times: int) -> None:
    """Publish as a build does, folders for incoming files made and taken away each time."""
    for count in range(times):
        content = parquet(f"{environment} {count}")
        for destination in ("ga4", "ads"):
            folder = begin(root, environment, destination, f"{destination}__events")
            (folder / ("2026-03-01.parquet" + UNFINISHED)).write_bytes(content)
        for destination in ("ga4", "ads"):
            [name] = of(destination, {EVENTS: content})
            manifest = {"destination": destination, "views": {f"{destination}__events": {}}}
            finish(root, environment, destination, [name], [], {name: 1}, manifest)
        publishing.discard(root, environment)
        withdraw(root, environment, ["ga4", "ads"])


def test_two_environments_publish_to_one_folder_at_once(tmp_path: Path) -> None:
    root = tmp_path / "published"
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        work = [
            pool.apply_async(publish_again_and_again, (root, environment, 30))
            for environment in ("dev", "prod")
        ]
        for item in work:
            item.get(timeout=100)
    for environment in ("dev", "prod"):
        assert check_files(root, environment) == []
        assert [item["destination"] for item in read_manifests(root, environment)] == [
            "ads",
            "ga4",
        ]
        rows = pq.ParquetFile(root / environment / "ga4" / EVENTS).read().to_pylist()
        assert rows == [{"text": f"{environment} 29"}]
    assert not incoming_folder(root, "dev").parent.exists()


def test_a_folder_that_another_build_takes_away_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".published.incoming/dev"
    make: Callable[..., None] = Path.mkdir
    taken: list[Path] = []

    def racing(path: Path, *arguments: Any, parents: bool = False, **options: Any) -> None:
        if path == folder and not parents and len(taken) < 3:
            # Between making the folder around it and itself.
            folder.parent.rmdir()
            taken.append(folder.parent)
        make(path, *arguments, parents=parents, **options)

    monkeypatch.setattr(Path, "mkdir", racing)
    folders.make_private(folder)
    assert folder.is_dir()
    assert len(taken) == 3


def test_a_token_bridge_is_put_beside_its_destination(tmp_path: Path) -> None:
    root = tmp_path / "published"
    publish(root, OLD)
    write_bridge(root, "ga4")
    facts = token_bridges.finish(root, "dev", "ga4")
    path = root / "dev/ga4.token_bridge.parquet"
    assert facts == {"rows": 1, "bytes": path.stat().st_size, "sha256": file_sha256(path)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert check_files(root, "dev") == []
    assert token_bridges.remove(root, "dev", "ga4")
    assert not token_bridges.remove(root, "dev", "ga4")


def test_token_bridges_go_with_their_destinations(tmp_path: Path) -> None:
    root = tmp_path / "published"
    publish(root, OLD)
    for destination in ("ga4", "gone"):
        write_bridge(root, destination)
        token_bridges.finish(root, "dev", destination)
    token_bridges.remove_others(root, "dev", {"ga4"})
    assert [path.name for path in (root / "dev").glob("*.parquet")] == ["ga4.token_bridge.parquet"]
    token_bridges.remove_others(root, "prod", set())


def test_a_token_bridge_that_can_not_be_written_says_why(tmp_path: Path) -> None:
    root = tmp_path / "published"
    publish(root, OLD)
    with pytest.raises(PublishingError, match="token bridge of `ga4` was not published"):
        token_bridges.finish(root, "dev", "ga4")
