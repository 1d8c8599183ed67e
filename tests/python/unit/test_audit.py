"""The audit log's chain: what is appended can be checked, and what is changed is found."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_mode import audit, folders, publishing
from hipaa_mode.errors import ExitCode

KEY = b"a" * 64
FINGERPRINT = "f" * 32
OTHER_KEY = b"b" * 64


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "published"


def held_back(number: int = 0, **fields: object) -> dict[str, object]:
    return {"destination": f"d{number % 3}", "outcome": audit.HELD_BACK, "reasons": [], **fields}


def write(root: Path, count: int, key: bytes | None = KEY) -> list[str]:
    with audit.AuditLog(root, "dev", key, FINGERPRINT) as log:
        log.append([held_back(number) for number in range(count)])
        return [audit.canonical(entry) for entry in log.entries]


def faults(root: Path, table: list[str] | None = None, key: bytes | None = KEY) -> list[str]:
    return audit.verify(root, "dev", key, FINGERPRINT, table).faults


def content_of(root: Path) -> list[bytes]:
    return audit.log_path(root, "dev").read_bytes().splitlines(keepends=True)


def put(root: Path, lines: list[bytes]) -> None:
    audit.log_path(root, "dev").write_bytes(b"".join(lines))


def test_a_log_written_in_several_runs_is_one_sound_chain(root: Path) -> None:
    for count in (1, 0, 3):
        table = write(root, count)
    assert faults(root, table) == []
    assert [entry["sequence"] for entry in audit.entries(read(root))] == [1, 2, 3, 4]
    assert audit.log_path(root, "dev").stat().st_mode & 0o777 == 0o600


def read(root: Path) -> list[audit.Line]:
    return audit.read_lines(audit.log_path(root, "dev"))


def test_a_log_read_again_is_looked_through_from_where_it_ended(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, 5)
    reading, looked_at = audit.Reading(), list[bytes]()
    parsed = audit._parsed

    def noting(text: bytes) -> audit.Entry | None:
        looked_at.append(text)
        return parsed(text)

    monkeypatch.setattr(audit, "_parsed", noting)
    for count, expected in ((2, 5), (3, 2), (0, 3), (1, 0)):
        looked_at.clear()
        with audit.AuditLog(root, "dev", KEY, FINGERPRINT, reading) as log:
            log.append([held_back(number) for number in range(count)])
        assert len(looked_at) == expected
    assert reading.lines_of(log.path) == read(root)
    assert len(read(root)) == 11
    assert faults(root) == []


@pytest.mark.parametrize("tampering", ["edited", "dropped", "first dropped", "truncated"])
def test_a_log_that_was_changed_is_read_anew(root: Path, tampering: str) -> None:
    write(root, 4)
    reading, path = audit.Reading(), audit.log_path(root, "dev")
    reading.lines_of(path)
    put(root, TAMPERING[tampering](content_of(root)))
    assert reading.lines_of(path) == read(root)
    path.unlink()
    assert reading.lines_of(path) == []


def test_a_torn_line_is_read_as_far_as_it_goes(root: Path) -> None:
    write(root, 3)
    reading, path = audit.Reading(), audit.log_path(root, "dev")
    whole = path.read_bytes()
    for end in (len(whole) - 1, len(whole) - 30, len(whole)):
        path.write_bytes(whole[:end])
        assert reading.lines_of(path) == read(root)
        assert len(reading.lines_of(path)) == 3


def test_the_hash_is_that_of_the_documented_text(root: Path) -> None:
    write(root, 1)
    [line] = content_of(root)
    entry = json.loads(line)
    content = {name: value for name, value in entry.items() if name not in ("hash", "mac")}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert entry["hash"] == digest
    assert entry["mac"] == hmac.new(KEY, digest.encode(), "sha256").hexdigest()
    assert entry["previous"] == "0" * 64


def resealed(line: bytes, **changes: object) -> bytes:
    """An entry changed by someone who knows how hashes are made, and not the key."""
    entry = {**json.loads(line), **changes}
    mac = entry["mac"]
    return audit.canonical({**audit.sealed(entry, None), "mac": mac}).encode() + b"\n"


TAMPERING: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "edited": lambda lines: [lines[0], lines[1].replace(b"held back", b"published"), *lines[2:]],
    "a reason added": lambda lines: [
        lines[0],
        lines[1].replace(b'"reasons":[]', b'"reasons":["x"]'),
        *lines[2:],
    ],
    "spaced": lambda lines: [lines[0].replace(b",", b", ", 1), *lines[1:]],
    "dropped": lambda lines: [lines[0], *lines[2:]],
    "first dropped": lambda lines: lines[1:],
    "swapped": lambda lines: [lines[1], lines[0], *lines[2:]],
    "repeated": lambda lines: [*lines, lines[-1]],
    "truncated": lambda lines: lines[:-1],
    "half a line": lambda lines: [*lines[:-1], lines[-1][:50]],
    "emptied": lambda lines: [],
    "foreign line": lambda lines: [*lines, b"{}\n"],
    "edited and hashed anew": lambda lines: [*lines[:-1], resealed(lines[-1], destination="x")],
    "HMAC taken off": lambda lines: [*lines[:-1], resealed(lines[-1], mac=None)],
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found(root: Path, how: str) -> None:
    table = write(root, 4)
    lines = content_of(root)
    if how == "HMAC taken off":
        entry = json.loads(lines[-1])
        put(root, [*lines[:-1], audit.canonical({**entry, "mac": None}).encode() + b"\n"])
        assert any("has no HMAC" in fault for fault in faults(root))
    else:
        put(root, TAMPERING[how](lines))
    assert faults(root, table)
    needs_table = {"truncated", "emptied"}
    needs_key = {"edited and hashed anew"}
    assert bool(faults(root)) == (how not in needs_table)
    assert bool(faults(root, key=None)) == (how not in needs_table | needs_key)


def publish(root: Path, run: str) -> dict[str, object]:
    folder = publishing.begin(root, "dev", "ga4", "ga4__events")
    pq.write_table(pa.table({"row_id": ["a"]}), folder / f"all.parquet{folders.UNFINISHED}")
    name = "ga4__events/all.parquet"
    manifest = {"destination": "ga4", "dbt_invocation_id": run, "views": {"ga4__events": {}}}
    return publishing.finish(root, "dev", "ga4", [name], [], {name: 1}, manifest)


COLUMNS = [
    {
        "name": f"column_{number}",
        "property_list": "event",
        "property": f"path_{number}",
        "treatment": "allow",
        "reason": "It tells nothing of a person",
    }
    for number in range(40)
]


def delivered(destination: str, columns: list[dict[str, str]]) -> dict[str, object]:
    view = f"{destination}__events"
    return audit.delivery(
        {
            "destination": destination,
            "events": {"Visit": "Visit"},
            "views": {view: {"rows": 1, "columns": columns}},
            "files": {f"{view}/all.parquet": {"view": view, "bytes": 1, "sha256": "0" * 64}},
        }
    )


class TestAllowlists:
    """An allowlist is in the log once; later entries name it by its hash."""

    @pytest.fixture
    def runs(self, root: Path) -> list[bytes]:
        """Three runs of two destinations; in the third one of them receives less."""
        for columns in (COLUMNS, COLUMNS, COLUMNS[1:]):
            with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
                log.append([delivered("ga4", columns), delivered("crm", COLUMNS)])
        return content_of(root)

    def chain(self, root: Path, lines: list[bytes]) -> list[str]:
        """The faults of a log, but not those of files that were never published."""
        put(root, lines)
        return [fault for fault in faults(root) if fault.startswith("line")]

    def test_each_is_stored_once(self, runs: list[bytes], root: Path) -> None:
        entries = [json.loads(line) for line in runs]
        held = ["allowlist_content" in entry for entry in entries]
        assert held == [True, True, False, False, True, False]
        assert len(runs[2]) < 1_000 < len(runs[0])
        assert self.chain(root, runs) == []

    def test_each_entry_tells_what_was_received(self, runs: list[bytes], root: Path) -> None:
        whole = audit.with_allowlists(audit.entries(read(root)))
        assert [len(entry["views"][0]["columns"]) for entry in whole] == [40, 40, 40, 40, 39, 40]
        assert all(entry["events"] == [["Visit", "Visit"]] for entry in whole)
        assert whole[5]["views"][0]["columns"][0]["reason"] == "It tells nothing of a person"

    def test_one_that_is_gone_breaks_the_chain(self, runs: list[bytes], root: Path) -> None:
        problem = "names no allowlist that it or an entry before it holds"
        kept = [json.loads(line) for line in runs]
        del kept[0]["allowlist_content"]
        found = [line for line in self.chain(root, self.hashed_anew(kept)) if problem in line]
        assert found == [f"line 1 {problem}", f"line 3 {problem}"]

    def test_one_that_was_changed_is_found(self, runs: list[bytes], root: Path) -> None:
        kept = [json.loads(line) for line in runs]
        kept[0]["allowlist_content"]["views"]["ga4__events"].pop()
        found = self.chain(root, self.hashed_anew(kept))
        assert "line 1 holds another allowlist than the one it names" in found

    def test_published_entries_name_one(self, runs: list[bytes], root: Path) -> None:
        kept = [json.loads(line) for line in runs]
        del kept[2]["allowlist"]
        found = self.chain(root, self.hashed_anew(kept))
        assert "line 3 names no allowlist that it or an entry before it holds" in found

    def test_one_whose_entry_was_torn_is_stored_again(self, runs: list[bytes], root: Path) -> None:
        put(root, [runs[0][:-200]])
        with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
            log.append([delivered("ga4", COLUMNS)])
            assert "allowlist_content" in (log.last or {})

    def hashed_anew(self, entries: list[dict[str, object]]) -> list[bytes]:
        """A chain as somebody makes it who knows how hashes are made."""
        previous, lines = audit.GENESIS, []
        for entry in entries:
            made = {**audit.sealed({**entry, "previous": previous}, None), "mac": entry["mac"]}
            previous = str(made["hash"])
            lines.append(audit.canonical(made).encode() + b"\n")
        return lines


def test_a_run_that_published_the_same_bytes_without_an_entry_is_found(root: Path) -> None:
    with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
        log.append([audit.delivery(publish(root, "one"))])
    assert faults(root) == []
    publish(root, "two")
    problem = "`ga4` was published by a run without an entry; the next adds it"
    assert faults(root) == [problem]
    with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
        [late] = audit.unrecorded(log)
        assert (late["outcome"], late["dbt_invocation_id"]) == (audit.PUBLISHED, "two")
        log.append([late])
        assert audit.unrecorded(log) == []
    assert faults(root) == []


def test_entries_of_another_key_are_a_note_and_not_a_pass(root: Path) -> None:
    with audit.AuditLog(root, "dev", OTHER_KEY, "e" * 32) as log:
        log.append([held_back()])
    findings = audit.verify(root, "dev", KEY, FINGERPRINT)
    assert findings.faults == []
    assert findings.notes == ["The HMACs of 1 entries are under another masking key"]


def rotated_log(root: Path, *entries: tuple[bytes, str, dict[str, object]]) -> None:
    """Write entries, each under a key and its fingerprint."""
    for key, fingerprint, entry in entries:
        with audit.AuditLog(root, "dev", key, fingerprint) as log:
            log.append([entry])


def rotation(old: str, new: str) -> dict[str, object]:
    return held_back(
        outcome=audit.ROTATED, previous_key_fingerprint=old, key_fingerprint=new, destination="*"
    )


OLD = (OTHER_KEY, "e" * 32)
NEW = (KEY, FINGERPRINT)
ROTATED = (*NEW, rotation(OLD[1], NEW[1]))


def verified(root: Path, retired: bool = True) -> audit.Findings:
    keys = {OLD[1]: OLD[0]} if retired else {}
    return audit.verify(root, "dev", KEY, FINGERPRINT, None, keys)


def test_entries_of_before_a_rotation_are_checked_with_the_retired_key(root: Path) -> None:
    rotated_log(root, (*OLD, held_back()), ROTATED, (*NEW, held_back()))
    assert verified(root) == audit.Findings(3, verified(root).head, [], [])
    assert verified(root, retired=False).notes == [
        "The HMACs of 1 entries are under another masking key"
    ]


def test_an_entry_of_before_a_rotation_that_was_edited_is_found(root: Path) -> None:
    rotated_log(root, (*OLD, held_back()), ROTATED)
    first, *rest = content_of(root)
    put(root, [resealed(first, destination="x"), *rest])
    assert "line 1 was not written by a holder of the masking key" in verified(root).faults


def test_a_retired_key_proves_nothing_of_what_follows_its_rotation(root: Path) -> None:
    rotated_log(root, (*OLD, held_back()), ROTATED, (*OLD, held_back()))
    assert verified(root).faults == ["line 3 is under a masking key that had been rotated away"]


def test_a_retired_key_can_not_rotate_itself_back(root: Path) -> None:
    forged = (*OLD, rotation(NEW[1], OLD[1]))
    rotated_log(root, (*OLD, held_back()), ROTATED, forged, (*OLD, held_back()))
    assert len(verified(root).faults) == 2


def test_a_key_that_was_taken_back_counts_again(root: Path) -> None:
    back = (*NEW, rotation(OLD[1], NEW[1]))
    forth = (*OLD, rotation(NEW[1], OLD[1]))
    rotated_log(root, (*NEW, held_back()), forth, (*OLD, held_back()), back, (*NEW, held_back()))
    assert verified(root).faults == []


def test_only_a_refused_run_may_lack_the_key(root: Path) -> None:
    with audit.AuditLog(root, "dev") as log:
        log.append([held_back(outcome=audit.REFUSED)])
    assert faults(root) == []
    with audit.AuditLog(root, "dev") as log:
        log.append([held_back()])
    assert faults(root) == ["line 2 has no HMAC"]


@pytest.mark.parametrize("keep", [1, 40, -2])
def test_a_torn_line_is_mended_by_appending(root: Path, keep: int) -> None:
    write(root, 2)
    lines = content_of(root)
    put(root, [lines[0], lines[1][:keep]])
    assert faults(root) == ["line 2 is not an entry"]
    before = audit.log_path(root, "dev").read_bytes()
    write(root, 1)
    assert audit.log_path(root, "dev").read_bytes().startswith(before)
    assert faults(root) == []
    outcomes = [entry["outcome"] for entry in audit.entries(read(root))]
    assert outcomes == [audit.HELD_BACK, audit.REPAIRED, audit.HELD_BACK]


def test_a_torn_line_that_lost_only_its_end_is_an_entry(root: Path) -> None:
    write(root, 2)
    lines = content_of(root)
    put(root, [lines[0], lines[1].rstrip(b"\n")])
    table = write(root, 1)
    assert len(table) == 3
    assert faults(root, table) == []


def test_a_mended_line_can_not_be_changed_later(root: Path) -> None:
    write(root, 2)
    lines = content_of(root)
    put(root, [lines[0], lines[1][:40]])
    write(root, 1)
    torn = content_of(root)
    put(root, [torn[0], b"something else\n", *torn[2:]])
    assert faults(root) == ["line 2 is not an entry"]


def test_lost_entries_come_back_from_the_table(root: Path) -> None:
    table = write(root, 5)
    put(root, content_of(root)[:2])
    with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
        assert log.restore(table[2:]) == 3
        table = [audit.canonical(entry) for entry in log.entries]
    assert faults(root, table) == []
    assert len(table) == 6


def test_entries_that_do_not_follow_are_not_restored(root: Path) -> None:
    table = write(root, 5)
    with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
        assert log.restore(table[1:]) == 0
        assert log.restore(["nonsense"]) == 0


def test_a_log_that_can_not_be_written_is_an_error_with_a_remedy(root: Path) -> None:
    audit.log_path(root, "dev").mkdir(parents=True)
    with pytest.raises(audit.AuditError, match="can't be written") as caught:
        write(root, 1)
    assert caught.value.exit_code == ExitCode.FAILED_CHECK


@pytest.mark.parametrize(
    "change",
    [{"files": 7}, {"files": [7]}, {"files": [{}]}, {"destination": 7}],
)
def test_an_entry_of_another_shape_is_a_fault_and_no_crash(
    root: Path, change: dict[str, object]
) -> None:
    with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
        log.append([{**held_back(outcome=audit.PUBLISHED, files=[]), **change}])
    assert faults(root)


@pytest.mark.parametrize("line", [b"\xed\xa0\x80", b'"\\ud800"', b"[" * 100_000, b"\xff"])
def test_a_line_that_is_no_text_is_no_entry(root: Path, line: bytes) -> None:
    write(root, 1)
    put(root, [*content_of(root), line + b"\n"])
    assert faults(root) == ["line 2 is not an entry"]


def test_the_hash_of_a_view_is_what_sha256sum_prints_of_its_files(tmp_path: Path) -> None:
    names = [f"ga4__events/{day}.parquet" for day in ("2026-03-01", "2026-02-28", "undated")]
    (tmp_path / "ga4__events").mkdir()
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    command = "sha256sum ga4__events/*.parquet | sha256sum"
    shell = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=True)
    hashes = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in names}
    assert audit.listing_sha256(hashes) == shell.stdout.decode().split()[0]


def test_git_state_is_none_outside_a_repository(tmp_path: Path) -> None:
    assert audit.git_state(tmp_path / "nowhere") is None


@settings(max_examples=200)
@given(st.data())
def test_any_change_of_bytes_is_found(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        table = write(root, 4)
        path = audit.log_path(root, "dev")
        content = path.read_bytes()
        position = data.draw(st.integers(0, len(content) - 1))
        old = content[position : position + 1]
        new = data.draw(st.binary(max_size=3).filter(lambda changed: changed != old))
        path.write_bytes(content[:position] + new + content[position + 1 :])
        if path.read_bytes() == content[:-1]:
            return  # Only the last line's end is gone, and the line is whole.
        assert faults(root, table)


@settings(max_examples=100)
@given(st.permutations(range(6)), st.integers(0, 6), st.integers(0, 6))
def test_any_other_order_or_choice_of_entries_is_found(
    order: list[int], start: int, end: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        table = write(root, 6)
        lines = content_of(root)
        chosen = [lines[number] for number in order][start:end]
        put(root, chosen)
        assert bool(faults(root, table)) == (chosen != lines)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=100)
@given(st.lists(st.tuples(text, st.lists(text, max_size=3)), min_size=1, max_size=5))
def test_entries_of_any_text_are_read_back_as_written(
    contents: list[tuple[str, list[str]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
            log.append([held_back(destination=name, reasons=why) for name, why in contents])
        found = audit.entries(read(root))
        assert [(e["destination"], e["reasons"]) for e in found] == contents
        assert faults(root) == []


# Files that somebody changed.


def flip(path: Path) -> None:
    """Change a byte, and put size and times back as they were."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def another_file_of_its_size(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(bytes(path.stat().st_size))
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


def link_to_itself(path: Path) -> None:
    moved = path.rename(path.parents[3] / "moved")
    path.symlink_to(moved)


def edited_manifest(path: Path) -> None:
    manifest = path.parents[1] / "manifest.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "calls": {"raw": 0}}))


def restored_from_elsewhere(path: Path) -> None:
    """Put back a copy of the whole folder, in which a file had been changed before."""
    folder, copy = path.parents[1], path.parents[3] / "copy"
    shutil.copytree(folder, copy)
    flip(copy / path.relative_to(folder))
    shutil.copystat(folder / "manifest.json", copy / "manifest.json")
    (copy / "manifest.json").rename(copy / "m")
    (copy / "m").rename(copy / "manifest.json")
    shutil.rmtree(folder)
    copy.rename(folder)


HARMS = {
    "a byte, with size and times kept": flip,
    "another file of its size": another_file_of_its_size,
    "emptied": lambda path: path.write_bytes(b""),
    "removed": lambda path: path.unlink(),
    "a link": link_to_itself,
    "one more": lambda path: path.with_name("2026-03-02.parquet").write_bytes(b"more"),
    "one more, of others": lambda path: path.with_name("notes.txt").write_bytes(b"more"),
    "the manifest": edited_manifest,
    "a copy put back": restored_from_elsewhere,
}


def published(root: Path, log: audit.AuditLog, run: str) -> None:
    entry = audit.delivery(publish(root, run))
    log.append([{**entry, "manifest_stamp": publishing.stamp(root, "dev", "ga4")}])


@pytest.mark.parametrize("harm", HARMS)
def test_a_published_file_that_somebody_changed_is_recorded_once(harm: str, root: Path) -> None:
    with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
        published(root, log, "one")
        assert audit.unrecorded(log) == []
        HARMS[harm](root / "dev/ga4/ga4__events/all.parquet")
        [entry] = audit.unrecorded(log)
        assert (entry["outcome"], entry["destination"]) == (audit.ALTERED, "ga4")
        assert len(entry["changed"]) == 1
        assert entry["changed"][0][0] in entry["reasons"][0]
        log.append([entry])
        assert audit.unrecorded(log) == []
    assert [fault for fault in faults(root) if "no known outcome" in fault] == []


def test_the_same_change_after_another_publication_is_recorded_again(root: Path) -> None:
    file = root / "dev/ga4/ga4__events/all.parquet"
    with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
        for run in ("one", "two"):
            published(root, log, run)
            flip(file)
            [entry] = audit.unrecorded(log)
            log.append([entry])


def test_a_changed_file_of_a_run_that_was_killed_is_recorded_too(root: Path) -> None:
    with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
        publish(root, "one")
        flip(root / "dev/ga4/ga4__events/all.parquet")
        late, altered = audit.unrecorded(log)
    assert (late["outcome"], altered["outcome"]) == (audit.PUBLISHED, audit.ALTERED)


def test_only_files_that_were_touched_since_are_hashed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []
    sha256 = publishing.file_sha256

    def noted(path: Path) -> str:
        hashed.append(path)
        return sha256(path)

    with audit.AuditLog(root, "dev", KEY, FINGERPRINT) as log:
        published(root, log, "one")
        monkeypatch.setattr(publishing, "file_sha256", noted)
        assert audit.unrecorded(log) == []
        assert hashed == []
        os.utime(root / "dev/ga4/ga4__events/all.parquet")
        assert audit.unrecorded(log) == []
        assert len(hashed) == 1
        time.sleep(0.05)  # The next step of the clock that files are stamped by.
        os.utime(root / "dev/ga4/manifest.json")
        assert audit.unrecorded(log) == []
    assert len(hashed) == 2
