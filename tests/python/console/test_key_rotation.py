"""Rotating the key: the old one is kept for reading, and at no moment is there none."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from hipaa_mode import audit, published_places
from hipaa_mode.cli import app
from hipaa_mode.errors import ExitCode, HipaaModeError, MaskingKeyError
from hipaa_mode.keys import (
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    RETIRED_KEYS_VARIABLE,
    MasterKey,
    forget_key,
    load_master_key,
    load_retired_keys,
    rotate_key,
    write_key_file,
)
from hipaa_mode.run.session import Session

FIRST = "8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d"
SECOND = "1679091c5a880faf6fb5e6087eb1b2dce4da3b7fbbce2345d7772b0674a318d5"


def name(key: str) -> str:
    return MasterKey(bytes.fromhex(key)).name


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "secure/masking.key"
    write_key_file(path, FIRST)
    return {KEY_FILE_VARIABLE: str(path)}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestRotate:
    """The key file gets a new key, and the old key a file of its own."""

    def test_the_old_key_is_kept_and_a_new_one_is_active(self, environ: dict[str, str]) -> None:
        done = rotate_key(environ)
        assert done.old == name(FIRST) != done.new
        assert load_master_key(environ).name == done.new
        assert [item.key.name for item in load_retired_keys(environ)] == [done.old]
        assert done.retired_file.read_text() == FIRST + "\n"

    def test_files_are_their_owners_alone(self, environ: dict[str, str]) -> None:
        done = rotate_key(environ)
        assert mode(done.key_file) == mode(done.retired_file) == 0o600
        assert mode(done.retired_file.parent) == 0o700
        names = {path.name for path in done.retired_file.parent.iterdir()}
        assert names == {done.old}
        assert {path.name for path in done.key_file.parent.iterdir()} == {
            "masking.key",
            "masking.key.retired",
        }

    def test_every_earlier_key_stays(self, environ: dict[str, str]) -> None:
        rotations = [rotate_key(environ) for _ in range(3)]
        retired = {item.key.name for item in load_retired_keys(environ)}
        assert retired == {done.old for done in rotations}
        assert load_master_key(environ).name == rotations[-1].new

    def test_a_link_to_the_key_stays_a_link(self, tmp_path: Path) -> None:
        write_key_file(tmp_path / "vault/real.key", FIRST)
        link = tmp_path / "masking.key"
        link.symlink_to("vault/real.key")
        done = rotate_key({KEY_FILE_VARIABLE: str(link)})
        assert link.is_symlink()
        assert load_master_key({KEY_FILE_VARIABLE: str(link)}).name == done.new
        assert load_retired_keys({KEY_FILE_VARIABLE: str(link)})[0].key.name == name(FIRST)

    def test_a_key_in_the_variable_is_refused_with_the_way_to_do_it(self) -> None:
        with pytest.raises(MaskingKeyError) as caught:
            rotate_key({KEY_VARIABLE: FIRST})
        assert FIRST not in str(caught.value)
        for word in (KEY_VARIABLE, RETIRED_KEYS_VARIABLE, "keygen --file"):
            assert word in str(caught.value)

    def test_what_can_not_be_written_leaves_the_key(self, environ: dict[str, str]) -> None:
        path = Path(environ[KEY_FILE_VARIABLE])
        path.with_name("masking.key.retired").touch()
        with pytest.raises(MaskingKeyError, match="the old one is still active"):
            rotate_key(environ)
        assert load_master_key(environ).name == name(FIRST)

    @pytest.mark.parametrize("step", range(1, 12))
    def test_a_crash_at_any_step_loses_no_key(
        self, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, step: int
    ) -> None:
        crash_at(monkeypatch, step)
        with pytest.raises(Crash):
            rotate_key(environ)
            raise Crash  # All steps were done before this one.
        monkeypatch.undo()
        active = load_master_key(environ).name
        known = {active, *(item.key.name for item in load_retired_keys(environ))}
        assert name(FIRST) in known
        done = rotate_key(environ)
        assert done.old == active
        known = {item.key.name for item in load_retired_keys(environ)}
        assert {name(FIRST), active} == known
        leftover = [path.name for path in done.key_file.parent.rglob(".*.new")]
        assert leftover == []

    def test_rotations_at_once_lose_no_key(self, environ: dict[str, str]) -> None:
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            done = pool.map(rotated, [environ] * 8)
        known = {item.key.name for item in load_retired_keys(environ)}
        known.add(load_master_key(environ).name)
        assert known == {name(FIRST), *(new for _, new in done)}
        assert len(known) == 9


def rotated(environ: dict[str, str]) -> tuple[str, str]:
    done = rotate_key(environ)
    return done.old, done.new


class Crash(BaseException):
    """Stands for a process that ends at once."""


def crash_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Crash before the step-th change of the file system."""
    steps = iter(range(1, 100))

    def counted(function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(steps) == step:
                raise Crash
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(os, "open", counted(os.open))
    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    monkeypatch.setattr(Path, "replace", counted(Path.replace))


class TestRetiredKeys:
    """Retired keys come from the folder beside the key and from a variable."""

    def test_there_need_be_none(self, environ: dict[str, str]) -> None:
        assert load_retired_keys(environ) == []

    def test_the_variable_lists_them(self) -> None:
        found = load_retired_keys(
            {KEY_VARIABLE: FIRST, RETIRED_KEYS_VARIABLE: f" {SECOND.upper()},\n{FIRST} "}
        )
        assert [(item.key.name, item.file) for item in found] == [(name(SECOND), None)]

    def test_one_that_others_can_read_is_refused(self, environ: dict[str, str]) -> None:
        rotate_key(environ).retired_file.chmod(0o640)
        with pytest.raises(MaskingKeyError, match="can be read by others"):
            load_retired_keys(environ)

    def test_one_that_is_no_key_is_refused_and_not_shown(self, environ: dict[str, str]) -> None:
        with pytest.raises(MaskingKeyError) as caught:
            load_retired_keys({**environ, RETIRED_KEYS_VARIABLE: SECOND[:-1]})
        assert "Key 1 in HIPAA_MODE_RETIRED_KEYS is not a masking key" in str(caught.value)
        assert SECOND[:12] not in str(caught.value)

    def test_one_is_forgotten(self, environ: dict[str, str]) -> None:
        rotate_key(environ)
        [retired] = load_retired_keys(environ)
        forget_key(retired)
        assert load_retired_keys(environ) == []
        [of_variable] = load_retired_keys({**environ, RETIRED_KEYS_VARIABLE: SECOND})
        with pytest.raises(MaskingKeyError, match="take it out there"):
            forget_key(of_variable)


class TestFunctions:
    """New tokens are made with the active key alone; old ones can be made again by their name."""

    @pytest.fixture
    def session(self, environ: dict[str, str]) -> Session:
        rotate_key(environ)
        return Session(environ, "dev")

    def test_old_and_new_tokens(self, session: Session, environ: dict[str, str]) -> None:
        values, scopes = pa.array(["a", None, "b"]), pa.array(["*", "*", "ads"])
        first = Session({KEY_VARIABLE: FIRST}, "dev").tokens(values, scopes).to_pylist()
        fingerprint = MasterKey(bytes.fromhex(FIRST)).fingerprint("dev")
        old = session.retired_tokens(values, scopes, pa.array([fingerprint] * 3)).to_pylist()
        new = session.tokens(values, scopes).to_pylist()
        assert old == first
        assert old[1] is None
        assert not {*old} & {*new} - {None}

    @pytest.mark.parametrize("of", ["active", "prod", "unknown"])
    def test_other_keys_are_refused(
        self, session: Session, environ: dict[str, str], of: str
    ) -> None:
        named = {
            "active": load_master_key(environ).fingerprint("dev"),
            "prod": MasterKey(bytes.fromhex(FIRST)).fingerprint("prod"),
            "unknown": "0" * 32,
        }[of]
        one = pa.array(["a"])
        with pytest.raises(HipaaModeError, match="not at hand"):
            session.retired_tokens(one, pa.array(["*"]), pa.array([named]))


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(app, ["key", *arguments], env=environ)


def shown(result: Result, *secrets: str) -> str:
    text = result.output + str(result.exception or "")
    for secret in secrets:
        assert secret[:12] not in text
    return text


class TestCommands:
    """`hipaa-mode key rotate`, `list` and `forget`."""

    def test_rotate_says_what_comes_next(self, environ: dict[str, str]) -> None:
        result = run("rotate", **environ)
        assert result.exit_code == 0, result.output
        text = shown(result, FIRST, Path(environ[KEY_FILE_VARIABLE]).read_text())
        assert name(FIRST) in text
        assert load_master_key(environ).name in text
        assert "Next: dbt build" in text

    def test_rotate_for_machines(self, environ: dict[str, str]) -> None:
        told = json.loads(run("rotate", "--json", **environ).stdout)
        assert (told["old"], told["new"]) == (name(FIRST), load_master_key(environ).name)

    def test_list_shows_state_fingerprints_and_use(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        rotate_key(environ)
        first = MasterKey(bytes.fromhex(FIRST))
        publish(tmp_path, "ga4", first.fingerprint("dev"))
        options = ("--published", str(tmp_path / "published"))
        active, retired = json.loads(run("list", "--json", *options, **environ).stdout)
        assert (active["state"], active["published"]) == ("active", [])
        assert (retired["state"], retired["published"]) == ("retired", ["dev/ga4"])
        assert retired["fingerprints"] == {"dev": first.fingerprint("dev")}
        text = shown(run("list", *options, **environ), FIRST)
        assert f"{name(FIRST)}: retired since" in text
        assert "published under it: ga4" in text

    def test_forget_refuses_a_key_that_is_in_use(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        rotate_key(environ)
        publish(tmp_path, "ga4", MasterKey(bytes.fromhex(FIRST)).fingerprint("dev"))
        options = ("--published", str(tmp_path / "published"))
        refused = run("forget", name(FIRST)[:8], *options, **environ)
        assert isinstance(refused.exception, HipaaModeError)
        assert refused.exception.exit_code == ExitCode.FAILED_CHECK
        assert "dev/ga4 still have tokens of it" in shown(refused)
        assert len(load_retired_keys(environ)) == 1
        assert run("forget", name(FIRST)[:8], "--force", *options, **environ).exit_code == 0
        assert load_retired_keys(environ) == []

    def test_forget_refuses_a_key_that_copies_have_tokens_of(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        rotate_key(environ)
        root = tmp_path / "published"
        published_places.note(environ, root, "dev")
        fingerprint = MasterKey(bytes.fromhex(FIRST)).fingerprint("dev")
        copied = {"destination": "ga4", "outcome": audit.COPIED, "key_fingerprint": fingerprint}
        with audit.AuditLog(root, "dev") as log:
            log.append([{**copied, "object_store": {"place": "s3://bucket/dev/ga4"}}])
        options = ("--published", str(root))
        refused = run("forget", name(FIRST), *options, **environ)
        assert "s3://bucket/dev/ga4 still have tokens of it" in shown(refused)
        with audit.AuditLog(root, "dev") as log:
            log.append([{**copied, "outcome": audit.COPY_REMOVED}])
        assert run("forget", name(FIRST), *options, **environ).exit_code == 0

    @pytest.mark.parametrize("destination", ["ga4", None])
    def test_forget_looks_in_every_folder_that_was_published_to(
        self, environ: dict[str, str], tmp_path: Path, destination: str | None
    ) -> None:
        rotate_key(environ)
        second = tmp_path / "second"
        fingerprint = MasterKey(bytes.fromhex(FIRST)).fingerprint("dev")
        publish(tmp_path, "ads", "0" * 32)
        publish(second, destination or "ga4", fingerprint if destination else "0" * 32)
        for root in (tmp_path / "published", second / "published"):
            published_places.note(environ, root, "dev")
        result = run(
            "forget", name(FIRST)[:8], "--published", str(tmp_path / "published"), **environ
        )
        assert (result.exit_code == 0) == (destination is None)
        if destination:
            assert f"{second}/published/dev/ga4 still have tokens of it" in shown(result)
        assert len(load_retired_keys(environ)) == bool(destination)

    def test_forget_says_that_nothing_lists_where_was_published_to(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        rotate_key(environ)
        options = ("--published", str(tmp_path / "published"))
        refused = shown(run("forget", name(FIRST), *options, **environ))
        assert "masking.key.published, the list of the folders" in refused
        assert f"so only {tmp_path}/published was looked in" in refused
        assert len(load_retired_keys(environ)) == 1
        assert run("forget", name(FIRST), "--force", *options, **environ).exit_code == 0

    @pytest.mark.parametrize("active", [KEY_VARIABLE, KEY_FILE_VARIABLE])
    def test_forget_says_that_nothing_lists_where_a_key_in_a_variable_was_used(
        self, environ: dict[str, str], tmp_path: Path, active: str
    ) -> None:
        keys = {RETIRED_KEYS_VARIABLE: SECOND, KEY_VARIABLE: FIRST} | environ
        keys = {name: keys[name] for name in (RETIRED_KEYS_VARIABLE, active)}
        published_places.note(environ, tmp_path / "published", "dev")
        publish(tmp_path, "ga4", "0" * 32)
        for force in ((), ("--force",)):
            result = run(
                "forget", name(SECOND), "--published", str(tmp_path / "published"), *force, **keys
            )
            assert isinstance(result.exception, MaskingKeyError)
            text = shown(result, SECOND)
            assert "HIPAA_MODE_RETIRED_KEYS: take it out there" in text
            assert "For a key in a variable, no list of the folders that were published to" in text
            assert f"only {tmp_path}/published was looked in" in text

    @pytest.mark.parametrize("text", ["active", "zz", ""])
    def test_forget_refuses_what_is_no_retired_key(
        self, environ: dict[str, str], text: str
    ) -> None:
        rotate_key(environ)
        wanted = load_master_key(environ).name if text == "active" else text
        refused = run("forget", wanted, **environ)
        assert isinstance(refused.exception, MaskingKeyError)
        assert len(load_retired_keys(environ)) == 1

    def test_show_scope_of_a_retired_key(self, environ: dict[str, str]) -> None:
        rotate_key(environ)
        result = run("show-scope", "dev", "*", "--retired", name(FIRST)[:6], **environ)
        assert result.stdout.strip() == MasterKey(bytes.fromhex(FIRST)).subkey("dev", "*").reveal()


def publish(folder: Path, destination: str, fingerprint: str) -> None:
    path = folder / "published/dev" / destination / "manifest.json"
    path.parent.mkdir(parents=True)
    manifest = {"destination": destination, "key_fingerprint": fingerprint}
    path.write_text(json.dumps({**manifest, "views": {}, "files": {}}))
