"""The group and mode of what is published: given to all that readers may have, or refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from publishing_steps import (
    A_GROUP,
    EVENTS,
    GROUPS,
    NEW,
    OLD,
    begin_new,
    finish_new,
    parquet,
    publish,
    write_bridge,
)

from hipaa_mode import publishing, token_bridges
from hipaa_mode.audit import AuditLog
from hipaa_mode.errors import PublishingError
from hipaa_mode.published_access import GROUP, MODE, Access, access_faults, read_access
from hipaa_mode.settings import environment_faults

READERS = Access(A_GROUP, 0o750)


def access_of(paths: list[Path]) -> set[tuple[bool, int, int]]:
    facts = [path.lstat() for path in paths]
    return {(stat.S_ISDIR(f.st_mode), f.st_gid, stat.S_IMODE(f.st_mode)) for f in facts}


def given(access: Access) -> set[tuple[bool, int | None, int | None]]:
    assert access.mode is not None
    return {(True, access.group, access.mode), (False, access.group, access.mode & 0o666)}


@pytest.fixture(params=["exchange", "one by one"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "one by one":
        monkeypatch.setattr(publishing, "_exchange", lambda first, second: False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "published"


class TestIsGiven:
    def publish(self, root: Path, files: dict[str, bytes], kept: tuple[str, ...] = ()) -> None:
        begin_new(root, files)
        finish_new(root, files, kept=kept, access=READERS)

    @pytest.mark.usefixtures("either_way")
    def test_to_a_new_destination_and_to_what_takes_its_place(self, root: Path) -> None:
        for files in (OLD, NEW):
            self.publish(root, files)
            folder = root / "dev/ga4"
            assert access_of([folder, *folder.rglob("*")]) == given(READERS)
        assert publishing.check_files(root, "dev") == []

    def test_to_a_new_day_beside_days_that_stay(self, root: Path) -> None:
        publish(root, OLD)
        later = {"ga4__events/2026-03-02.parquet": parquet("later")}
        self.publish(root, later, kept=(EVENTS, GROUPS))
        folder = root / "dev/ga4"
        assert access_of([folder, *folder.rglob("*")]) == given(READERS)

    def test_at_the_start_to_what_was_published_and_to_the_way_there(self, root: Path) -> None:
        manifest = publish(root, OLD)
        write_bridge(root, "ga4")
        token_bridges.finish(root, "dev", "ga4", READERS)
        with AuditLog(root, "dev") as log:
            log.append([])
        (root / "dev/otherteam").mkdir(mode=0o700)
        publishing.give_access(root, "dev", READERS)
        mine = [root, root / "dev", root / "dev/ga4.token_bridge.parquet", root / "dev/ga4"]
        assert access_of([*mine, *mine[-1].rglob("*")]) == given(READERS)
        apart = [log.path, root / "dev/otherteam"]
        assert access_of(apart) == {(False, os.getegid(), 0o600), (True, os.getegid(), 0o700)}
        # Whatever was touched is known as it was.
        stamp = publishing.stamp(root, "dev", "ga4")
        assert publishing.changed_files(root, "dev", manifest, stamp) == {}
        publishing.give_access(root, "dev", READERS)
        assert publishing.stamp(root, "dev", "ga4") == stamp

    def test_to_no_root_that_lets_others_in_already(self, root: Path) -> None:
        publish(root, OLD)
        root.chmod(0o755)
        publishing.give_access(root, "dev", READERS)
        assert access_of([root]) == {(True, os.getegid(), 0o755)}

    def test_or_the_run_ends_with_the_remedy(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        publish(root, OLD)

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted", str(root / "dev"))

        monkeypatch.setattr(os, "chown", refuse)
        with pytest.raises(PublishingError, match="chown"):
            publishing.give_access(root, "dev", Access((os.getegid() or 0) + 1, 0o750))


class TestSettings:
    @pytest.mark.parametrize("mode", ["750", "0750", "770", "700", "2750", " 750 "])
    def test_a_mode_for_a_group_is_one(self, mode: str) -> None:
        assert environment_faults({MODE: mode}) == []
        assert read_access({MODE: mode}) == Access(None, int(mode, 8))

    @pytest.mark.parametrize(
        "mode",
        ["755", "0777", "751", "754", "1750", "4750", "050", "550", "640", "u=rwx", "0o750", "75"],
    )
    def test_a_mode_that_opens_to_everybody_or_is_none_is_refused(self, mode: str) -> None:
        [fault] = environment_faults({MODE: mode})
        assert f"`{MODE}`" in fault.problem and "750" in fault.problem
        assert mode not in fault.remedy

    def test_a_group_alone_may_read(self) -> None:
        assert read_access({GROUP: str(A_GROUP)}) == Access(A_GROUP, 0o750)
        assert not read_access({}).is_set

    def test_a_group_goes_by_its_name(self) -> None:
        grp = pytest.importorskip("grp")
        named = grp.getgrgid(os.getegid())
        assert read_access({GROUP: named.gr_name}).group == named.gr_gid

    def test_an_unknown_group_is_refused(self, root: Path) -> None:
        [fault] = access_faults({GROUP: "no such group"}, root)
        assert "names no group of this machine" in fault.problem
        assert "no such group" not in str(fault)

    def test_one_that_can_be_given_is_tried_and_leaves_nothing(self, root: Path) -> None:
        assert access_faults({GROUP: str(A_GROUP)}, root) == []
        assert list(root.parent.iterdir()) == []

    def test_a_group_that_may_not_be_given_is_refused(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "chown", refuse)
        [fault] = access_faults({GROUP: str(os.getegid() + 1)}, root)
        assert "Operation not permitted" in fault.problem and "usermod" in fault.remedy
        assert list(root.parent.iterdir()) == []

    def test_a_file_system_that_keeps_no_modes_is_refused(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Path, "chmod", lambda *_: None)
        [fault] = access_faults({MODE: "770"}, root)
        assert "does not keep the group and mode" in fault.problem

    def test_a_root_that_the_group_can_not_enter_is_refused(self, root: Path) -> None:
        root.mkdir()
        root.chmod(0o750)
        assert access_faults({GROUP: str(os.getegid())}, root) == []
        if not os.geteuid():
            [fault] = access_faults({GROUP: str(os.getegid() + 1)}, root)
            assert "can't enter" in fault.problem
