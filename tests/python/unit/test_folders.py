"""Nothing that a build did not make is removed, replaced, changed or given other modes."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from publishing_steps import (
    EVENTS,
    NEW,
    OLD,
    Tree,
    begin_new,
    data,
    finish_new,
    publish,
    tree,
    write_bridge,
)

from hipaa_mode import audit, folders, publishing, token_bridges
from hipaa_mode.errors import PublishingError
from hipaa_mode.folders import MANIFEST
from hipaa_mode.publishing import withdraw


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    publish(folder, OLD)
    return folder


@pytest.fixture(params=["exchange", "one by one"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "one by one":
        monkeypatch.setattr(publishing, "_exchange", lambda first, second: False)
    return str(request.param)


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        path.write_bytes(b"of others")
        path.chmod(0o644)


OF_OTHERS = (
    "otherteam/backup.tar",
    "otherteam/otherteam__events/2026-03-01.parquet",
    ".snapshots/1/manifest.json",
    "file.txt",
    "x.token_bridge.parquet",
    "Capital/manifest.json",
)


class TestWithdrawing:
    def test_takes_no_folder_or_file_without_a_manifest_of_ours(self, root: Path) -> None:
        fill(root / "dev", *OF_OTHERS)
        (root / "dev/link").symlink_to(root.parent)
        (root / "dev/hollow").mkdir(mode=0o755)
        before = tree(root)
        done = withdraw(root, "dev", ["ga4"], ["ga4"])
        token_bridges.remove_others(root, "dev", {"ga4"})
        assert (done.withdrawn, done.left, done.problems) == ([], [], [])
        assert tree(root) == before
        assert withdraw(root, "dev", [], ["ga4"]).withdrawn == ["ga4"]
        others = {name: facts for name, facts in before.items() if "ga4" not in name}
        assert tree(root) == others

    @pytest.mark.parametrize(
        "claim",
        [
            {"environment": "prod"},
            {"destination": "ads"},
            {"environment": None},
            {"destination": "../ga4"},
        ],
    )
    def test_takes_no_folder_whose_manifest_names_another(self, claim: Tree, root: Path) -> None:
        path = root / "dev/ga4" / MANIFEST
        path.write_text(json.dumps({**json.loads(path.read_text()), **claim}))
        before = tree(root)
        assert withdraw(root, "dev", []).problems == []
        [problem] = withdraw(root, "dev", [], ["ga4"]).problems
        assert str(root / "dev/ga4") in problem
        assert tree(root) == before

    def test_takes_of_a_mixed_folder_only_what_is_ours(self, root: Path) -> None:
        fill(root / "dev/ga4", "notes.txt", "ga4__events/extra.parquet", "deep/manifest.json")
        others = [name for name in tree(root / "dev/ga4") if "ga4__groups" not in name]
        done = withdraw(root, "dev", [])
        assert done.withdrawn == ["ga4"]
        left = {
            str(root / "dev/ga4" / n) for n in ("notes.txt", "deep", "ga4__events/extra.parquet")
        }
        assert set(done.left) == left
        kept = set(others) - {MANIFEST, EVENTS}
        assert set(tree(root / "dev/ga4")) == kept
        assert withdraw(root, "dev", []).withdrawn == []

    def test_says_that_what_a_link_leads_to_may_still_hold_what_was_published(
        self, root: Path
    ) -> None:
        elsewhere = root.parent / "elsewhere"
        (root / "dev/ga4").rename(elsewhere)
        (root / "dev/ga4").symlink_to(elsewhere)
        before = tree(root), tree(elsewhere)
        [problem] = withdraw(root, "dev", [], ["ga4"]).problems
        assert "symbolic link" in problem
        assert (tree(root), tree(elsewhere)) == before

    def test_says_so_of_a_view_that_is_a_link(self, root: Path) -> None:
        elsewhere = root.parent / "elsewhere"
        (root / "dev/ga4/ga4__events").rename(elsewhere)
        (root / "dev/ga4/ga4__events").symlink_to(elsewhere)
        [problem] = withdraw(root, "dev", []).problems
        assert "symbolic link" in problem
        assert "ga4__events" in problem
        assert (elsewhere / "2026-03-01.parquet").exists()

    def test_goes_on_with_the_others(self, root: Path) -> None:
        publish(root, OLD, "ads")
        (root / "dev/ads" / MANIFEST).write_text("{}")
        done = withdraw(root, "dev", [], ["ads", "ga4"])
        assert done.withdrawn == ["ga4"]
        assert len(done.problems) == 1


class TestPublishing:
    def test_leaves_what_is_not_ours_where_it_is(self, either_way: str, root: Path) -> None:
        fill(root / "dev/ga4", "notes.txt", "ga4__events/extra.parquet", "deep/x", "_SUCCESS")
        before = tree(root / "dev/ga4")
        publish(root, NEW)
        after = tree(root / "dev/ga4")
        for name in ("notes.txt", "ga4__events/extra.parquet", "deep/x", "_SUCCESS"):
            assert after[name] == before[name]
        assert not folders.incoming_folder(root, "dev").exists()
        assert (root / "dev/ga4" / EVENTS).read_bytes() == NEW[EVENTS]

    @pytest.mark.parametrize("name", ["backup.tar", "ga4__events/2026-03-01.parquet", MANIFEST])
    def test_over_a_folder_that_is_not_ours_is_refused(self, name: str, tmp_path: Path) -> None:
        fill(tmp_path / "published/dev/ga4", name)
        before = tree(tmp_path / "published")
        with pytest.raises(PublishingError, match="no build of this environment made it"):
            publish(tmp_path / "published", NEW)
        with pytest.raises(PublishingError):
            finish_new(tmp_path / "published", NEW)
        assert tree(tmp_path / "published") == before

    def test_over_another_environments_folder_is_refused(self, root: Path) -> None:
        (root / "dev/ga4").rename(root / "prod")
        (root / "dev/ga4").mkdir()
        (root / "prod").rename(root / "dev/ga4/x")
        with pytest.raises(PublishingError):
            publish(root, NEW)

    @pytest.mark.parametrize(
        "place",
        [
            "published/dev",
            "published/dev/ga4",
            ".published.incoming",
            ".published.incoming/dev",
            ".published.incoming/dev/ga4",
            ".published.incoming/dev/ga4/ga4__events",
        ],
    )
    def test_through_a_link_is_refused(self, place: str, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        link = tmp_path / place
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(elsewhere)
        before = tree(tmp_path)
        with pytest.raises(PublishingError, match="symbolic link") as error:
            publish(tmp_path / "published", NEW)
        assert "what it leads to was changed" in str(error.value)
        assert str(link) in str(error.value)
        assert {name: tree(tmp_path)[name] for name in before} == before
        assert list(elsewhere.iterdir()) == []

    @pytest.mark.parametrize("name", [EVENTS, MANIFEST, "ga4__events", "notes.txt"])
    def test_over_a_link_in_a_destinations_folder_is_refused(self, name: str, root: Path) -> None:
        target = root.parent / "target"
        path = root / "dev/ga4" / name
        if path.exists():
            path.rename(target)
        path.symlink_to(target)
        before = tree(root / "dev/ga4")
        with pytest.raises(PublishingError):
            publish(root, NEW)
        assert tree(root / "dev/ga4") == before

    def test_in_a_folder_for_incoming_files_of_others_leaves_theirs(self, root: Path) -> None:
        aside = root.parent / ".published.incoming"
        fill(aside, "notes.txt", "dev/notes.txt", "other/x.parquet", "dev/ads/x.tar")
        aside.chmod(0o755)
        before = tree(aside)
        publish(root, NEW)
        publishing.discard(root, "dev")
        withdraw(root, "dev", [])
        assert tree(aside) == before
        assert stat.S_IMODE(aside.stat().st_mode) == 0o755

    def test_with_files_of_others_among_the_incoming_is_refused(self, root: Path) -> None:
        aside = root.parent / ".published.incoming/dev/ga4"
        fill(aside, "ga4__events/somebody.parquet")
        with pytest.raises(PublishingError, match=r"somebody\.parquet is in the way"):
            publish(root, NEW)
        assert data(root) == OLD
        assert (aside / "ga4__events/somebody.parquet").read_bytes() == b"of others"

    def test_over_a_token_bridge_of_others_is_refused(self, root: Path) -> None:
        fill(root / "dev", "ga4.token_bridge.parquet")
        write_bridge(root, "ga4")
        with pytest.raises(PublishingError, match="no build made it"):
            token_bridges.finish(root, "dev", "ga4")
        assert not token_bridges.remove(root, "dev", "ga4")
        assert (root / "dev/ga4.token_bridge.parquet").read_bytes() == b"of others"

    def test_of_a_token_bridge_over_a_link_is_refused(self, root: Path) -> None:
        fill(root.parent, "target")
        (root / "dev/ga4.token_bridge.parquet").symlink_to(root.parent / "target")
        with pytest.raises(PublishingError, match="symbolic link"):
            token_bridges.begin(root, "dev", "ga4")


class TestModes:
    def test_of_folders_that_were_there_stay(self, tmp_path: Path) -> None:
        root = tmp_path / "published"
        (root / "dev").mkdir(parents=True)
        for folder in (root, root / "dev"):
            folder.chmod(0o2755)
        (tmp_path / ".published.incoming").mkdir()
        (tmp_path / ".published.incoming").chmod(0o751)
        publishing.make_folder(root, "dev")
        begin_new(root, NEW)
        assert stat.S_IMODE((tmp_path / ".published.incoming").stat().st_mode) == 0o751
        finish_new(root, NEW)
        with audit.AuditLog(root, "dev") as log:
            log.append([])
        log.path.chmod(0o640)
        with audit.AuditLog(root, "dev") as log:
            log.append([])
        assert stat.S_IMODE(log.path.stat().st_mode) == 0o640
        for folder in (root, root / "dev"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o2755
        assert stat.S_IMODE((root / "dev/ga4").stat().st_mode) == 0o700

    @pytest.mark.usefixtures("either_way")
    def test_a_destination_keeps_the_access_that_a_group_was_given(self, root: Path) -> None:
        folder = root / "dev/ga4"
        for path in (folder, *(path for path in folder.iterdir() if path.is_dir())):
            os.chown(path, -1, os.getgid() + 1 if os.getuid() == 0 else os.getgid())
            path.chmod(0o750)
        group = folder.stat().st_gid
        publish(root, NEW)
        paths = [folder, *folder.rglob("*")]
        assert {path.stat().st_gid for path in paths} == {group}
        assert {stat.S_IMODE(p.stat().st_mode) for p in paths if p.is_dir()} == {0o750}
        assert {stat.S_IMODE(p.stat().st_mode) for p in paths if p.is_file()} == {0o640}

    def test_what_could_not_be_given_to_the_group_is_its_owners_alone(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (root / "dev/ga4").chmod(0o750)

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "chown", refuse)
        publish(root, NEW)
        paths = list((root / "dev/ga4").rglob("*"))
        assert paths
        assert not any(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in paths)


def test_a_root_that_is_a_link_is_the_folder_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "published").symlink_to("real")
    assert folders.real_root(tmp_path / "published") == tmp_path / "real"
    assert folders.real_root(tmp_path / "not_yet") == tmp_path / "not_yet"


def test_what_is_not_ours_is_not_said_to_be_published(root: Path) -> None:
    fill(root / "dev", "otherteam/backup.tar")
    assert publishing.check_files(root, "dev") == []
    log = audit.verify(root, "dev")
    assert not any("otherteam" in fault for fault in log.faults)


def test_a_view_that_is_written_meanwhile_has_no_strangers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = tmp_path / "ga4/ga4__events"
    view.mkdir(parents=True)
    listed = folders._entries

    def entries(folder: Path) -> list[os.DirEntry[str]]:
        if folder == view:
            day = len(list(view.iterdir())) + 1
            (view / f"2026-03-{day:02}.parquet.unfinished").write_bytes(b"")
        return listed(folder)

    monkeypatch.setattr(folders, "_entries", entries)
    assert folders.strangers(view.parent, "ga4") == []
    assert list(view.iterdir()) != []
    (view / "theirs.parquet").write_bytes(b"")
    assert folders.strangers(view.parent, "ga4") == ["ga4__events/theirs.parquet"]
