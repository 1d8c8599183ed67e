"""The audit log: what each run did with each destination, in a chain that shows tampering.

The log of an environment is a file of JSON lines beside what it publishes, and a table in the
restricted zone that holds the same lines. Each entry has the SHA-256 of the one before, its own,
and an HMAC under a subkey of the masking key. The file is only ever appended to: a line that a
crash tore stays, and the entry after it says so. Entries are never removed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hipaa_mode import folders, publishing
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.keys import MasterKey, load_master_key

if sys.platform != "win32":
    import fcntl

LOG_FILE = "audit_log.jsonl"
KEY_SCOPE = "audit-log"
"""Scope of the subkey of the entries' HMAC; no destination can have a name with a hyphen."""

GENESIS = "0" * 64
"""What the first entry has in place of an earlier entry's hash."""

PUBLISHED = "published"
HELD_BACK = "held back"
WITHDRAWN = "withdrawn"
REFUSED = "refused"
MISSING = "missing"
ALTERED = "altered"
ROTATED = "rotated"
REPAIRED = "repaired"
COPIED = "copied"
NOT_COPIED = "not copied"
COPY_REMOVED = "copy removed"
COPY_OUTCOMES = (COPIED, NOT_COPIED, COPY_REMOVED)
"""What can be said of a destination's copy in an object store."""

OUTCOMES = (
    *(PUBLISHED, HELD_BACK, WITHDRAWN, REFUSED, MISSING, ALTERED, ROTATED, REPAIRED),
    *COPY_OUTCOMES,
)
"""What can be said of a destination, with `rotated` of the masking key, or with `repaired` of the
log itself."""

FILES_NAMED = 5
_SEALS = ("hash", "mac")
_SECONDS_FOR_GIT = 5

Entry = dict[str, Any]


class AuditError(HipaaModeError):
    """The audit log can't be read or written."""


@dataclass(frozen=True)
class Line:
    """One line of the log: its number, its text, and the entry in it, if it is one."""

    number: int
    text: bytes
    entry: Entry | None


def log_path(root: Path, environment: str) -> Path:
    """Return where the log of an environment is."""
    return folders.environment_folder(root, environment) / LOG_FILE


def canonical(content: Mapping[str, Any]) -> str:
    """Write JSON in the one way that is hashed: RFC 8785, as far as entries need it.

    Keys are ASCII and numbers are whole, so sorting by code point and plain digits are the same.
    """
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def sealed(content: Mapping[str, Any], key: bytes | None) -> Entry:
    """Return an entry with its hash and, where there is a key, its HMAC."""
    entry = {name: value for name, value in content.items() if name not in _SEALS}
    digest = hashlib.sha256(canonical(entry).encode()).hexdigest()
    return {**entry, "hash": digest, "mac": _mac(digest, key) if key else None}


def _mac(digest: str, key: bytes) -> str:
    return hmac.digest(key, digest.encode(), "sha256").hex()


def seal_of(key: MasterKey, environment: str) -> tuple[bytes, str]:
    """Return the subkey of a masking key that seals entries, and the key's fingerprint."""
    subkey = key.subkey(environment, KEY_SCOPE).reveal().encode("ascii")
    return subkey, key.fingerprint(environment)


def seal_at_hand(
    environ: Mapping[str, str], environment: str, default_file: Path | None = None
) -> tuple[bytes, str] | tuple[None, None]:
    """Return the same of the masking key at hand; None where there is none."""
    try:
        return seal_of(load_master_key(environ, default_file), environment)
    except HipaaModeError:
        return None, None


class Reading:
    """What was read of a log: read again, only the lines that were added are looked through."""

    def __init__(self) -> None:
        self._content = b""
        self._lines: list[Line] = []

    def lines_of(self, path: Path) -> list[Line]:
        """Read the log as it is now; a file that is not there has no lines.

        Raises:
            AuditError: the file can't be read.
        """
        content = _content(path)
        if not content.startswith(self._content):
            self._content, self._lines = b"", []
        texts = content[len(self._content) :].split(b"\n")
        # What comes after the last end of a line may get longer.
        unended = texts.pop()
        numbered = enumerate(texts, start=len(self._lines) + 1)
        self._lines += [Line(number, text, _parsed(text)) for number, text in numbered]
        self._content = content[: len(content) - len(unended)]
        torn = [Line(len(self._lines) + 1, unended, _parsed(unended))] if unended else []
        return [*self._lines, *torn]


def read_lines(path: Path) -> list[Line]:
    """Read the log once; see `Reading`."""
    return Reading().lines_of(path)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise AuditError(f"{path} can't be read: {error.strerror}") from None


def _parsed(text: bytes) -> Entry | None:
    try:
        entry = json.loads(text)
        # Half a surrogate pair can't be written back.
        canonical(entry).encode()
    except (ValueError, RecursionError):
        return None
    texts = ("hash", "previous", "outcome", "destination", "time")
    is_entry = isinstance(entry, dict) and isinstance(entry.get("sequence"), int)
    return entry if is_entry and all(isinstance(entry.get(name), str) for name in texts) else None


def entries(lines: Iterable[Line]) -> list[Entry]:
    """Return the entries among the lines."""
    return [line.entry for line in lines if line.entry is not None]


class AuditLog:
    """The log of one environment, for appending. Use it as a context: it holds a lock.

    Args:
        reading: what was read of it before, if anything.
    """

    def __init__(
        self,
        root: Path,
        environment: str,
        key: bytes | None = None,
        key_fingerprint: str | None = None,
        reading: Reading | None = None,
    ) -> None:
        self.root = root
        self.environment = environment
        self.path = log_path(root, environment)
        self._key = key
        self._key_fingerprint = key_fingerprint
        self._reading = reading or Reading()
        self._descriptor = -1
        self.entries: list[Entry] = []

    def __enter__(self) -> AuditLog:
        """Open the file and fix a line that a crash tore."""
        try:
            folders.refuse_links(self.path.parent, self.path)
            folders.make_private(self.path.parent)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
            self._descriptor = os.open(self.path, flags, folders.FILE_MODE)
            if sys.platform != "win32":
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            lines = self._reading.lines_of(self.path)
            self.entries = entries(lines)
            self._fix(lines)
        except OSError as error:
            raise self._failure(error) from None
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file, which gives the lock back."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)

    @property
    def last(self) -> Entry | None:
        """The last entry."""
        return self.entries[-1] if self.entries else None

    def _follows(self) -> tuple[int, str]:
        """Return the number of the next entry, and the hash that it names."""
        return (self.last["sequence"] + 1, self.last["hash"]) if self.last else (1, GENESIS)

    def append(self, contents: Sequence[Mapping[str, Any]]) -> None:
        """Write entries at the end, each on a line of its own, and see them to the disk."""
        try:
            for content in contents:
                self._write(self._next(content))
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._failure(error) from None

    def restore(self, texts: Iterable[str]) -> int:
        """Append entries that the table has and the file lost; return how many."""
        restored = 0
        for text in texts:
            entry = _parsed(text.encode())
            if entry is None or (entry["sequence"], entry["previous"]) != self._follows():
                break
            self._write(entry)
            restored += 1
        if restored:
            self.append([self._about_the_log(f"{restored} lost entries restored from the table")])
        return restored

    def _next(self, content: Mapping[str, Any]) -> Entry:
        """Complete an entry; an allowlist that an earlier one holds is left out."""
        sequence, previous = self._follows()
        is_known = any(
            "allowlist_content" in entry and entry["allowlist"] == content.get("allowlist")
            for entry in self.entries
        )
        return sealed(
            {
                **{k: v for k, v in content.items() if not is_known or k != "allowlist_content"},
                "version": 2,
                "sequence": sequence,
                "time": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
                "environment": self.environment,
                "previous": previous,
                "mac_key": self._key_fingerprint if self._key else None,
            },
            self._key,
        )

    def _write(self, entry: Entry) -> None:
        os.write(self._descriptor, canonical(entry).encode() + b"\n")
        self.entries.append(entry)

    def _fix(self, lines: list[Line]) -> None:
        """End a line that has no end; where it is no entry, say so in the next one."""
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")
        if lines and lines[-1].entry is None:
            torn = hashlib.sha256(lines[-1].text).hexdigest()
            content = self._about_the_log("the line before was torn by a crash")
            self.append([{**content, "torn": {"line": lines[-1].number, "sha256": torn}}])

    @staticmethod
    def _about_the_log(reason: str) -> dict[str, Any]:
        return {"destination": "", "outcome": REPAIRED, "reasons": [reason]}

    def _failure(self, error: OSError) -> AuditError:
        reason = error.strerror or type(error).__name__
        return AuditError(f"The audit log {self.path} can't be written: {reason}. Fix the cause")


def last_deliveries(found: Iterable[Entry]) -> dict[str, Entry]:
    """Return, by destination, the entry that says what is published now; none after a removal."""
    standing: dict[str, Entry] = {}
    for entry in found:
        if entry["outcome"] == PUBLISHED:
            standing[entry["destination"]] = entry
        elif entry["outcome"] in (WITHDRAWN, MISSING):
            standing.pop(entry["destination"], None)
    return standing


@dataclass(frozen=True)
class CopyState:
    """What is known of a destination's copy in an object store.

    Attributes:
        text: that, in a line.
        is_missing: whether the last run was to copy it, and could not.
    """

    text: str
    is_missing: bool = False


def copy_states(found: Iterable[Entry]) -> list[CopyState]:
    """Return what the log says of each copy that there is, or was to be, by destination."""
    last: dict[str, Entry] = {}
    published: dict[str, int] = {}
    for entry in found:
        if entry["outcome"] == PUBLISHED:
            published[entry["destination"]] = entry["sequence"]
        elif entry["outcome"] in COPY_OUTCOMES:
            last[entry["destination"]] = entry
    return [
        _copy_state(name, entry, published.get(name, 0) > entry["sequence"])
        for name, entry in sorted(last.items())
        if entry["outcome"] != COPY_REMOVED
    ]


def last_copies(found: Iterable[Entry]) -> dict[str, Entry]:
    """Return, by destination, the entry that says what is copied now; none after a removal."""
    standing: dict[str, Entry] = {}
    for entry in found:
        if entry["outcome"] == COPIED:
            standing[entry["destination"]] = entry
        elif entry["outcome"] == COPY_REMOVED:
            standing.pop(entry["destination"], None)
    return standing


def _copy_state(name: str, entry: Entry, is_published_since: bool) -> CopyState:
    why = "; ".join(entry["reasons"])
    if entry["outcome"] == COPIED:
        since = ", and published since without a copy" if is_published_since else ""
        return CopyState(f"`{name}` was copied {why}{since}")
    text = f"`{name}` was not copied to the object store: {why}"
    return CopyState(text, is_missing=not is_published_since)


def delivery(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry says of published files, from their manifest.

    The allowlist is written out, with treatments and reasons, so that the log tells by itself what
    the destination received; once in the log, and by its hash from then on.
    """
    events = manifest.get("events")
    facts = ("dbt_invocation_id", "hipaa_mode", "allowlist_fingerprint", "key_fingerprint")
    column_facts = ("name", "property_list", "property", "treatment", "data_type", "events")
    content = {
        "events": None if events is None else sorted(map(list, events.items())),
        "views": {
            name: [
                {fact: column.get(fact) for fact in (*column_facts, "guard", "reason")}
                for column in view.get("columns", [])
            ]
            for name, view in manifest["views"].items()
        },
    }
    return {
        "destination": manifest["destination"],
        "outcome": PUBLISHED,
        **{fact: manifest.get(fact) for fact in (*facts, "calls", "withheld", "consent")},
        "allowlist": allowlist_sha256(content),
        "allowlist_content": content,
        "views": [_view(name, manifest) for name in sorted(manifest["views"])],
    }


def _view(name: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    facts = manifest["views"][name]
    files = {file: about for file, about in manifest["files"].items() if about.get("view") == name}
    return {
        "view": name,
        "rows": facts.get("rows"),
        "files": len(files),
        "files_written": facts.get("files_written"),
        "bytes": sum(about["bytes"] for about in files.values()),
        "sha256": listing_sha256({file: about["sha256"] for file, about in files.items()}),
    }


def allowlist_sha256(content: Any) -> str:
    """Hash what a destination may receive, as entries refer to it."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def with_allowlists(found: Iterable[Entry]) -> list[Entry]:
    """Return entries with what they refer to: events, and the columns of each view.

    Args:
        found: all entries of a log, from its first on.
    """
    known: dict[str, Any] = {}
    whole: list[Entry] = []
    for stored in found:
        entry = dict(stored)
        content = entry.pop("allowlist_content", None)
        if content is not None:
            known[entry["allowlist"]] = content
        content = known.get(str(entry.get("allowlist")))
        if content is not None:
            entry["events"] = content["events"]
            entry["views"] = [
                {**view, "columns": content["views"].get(view["view"], [])}
                for view in entry.get("views") or []
            ]
        whole.append(entry)
    return whole


def listing_sha256(hashes: Mapping[str, str]) -> str:
    """Hash the files of a view as one: SHA-256 of what `sha256sum` prints of them, by name.

    Args:
        hashes: SHA-256 of each file, by its name relative to the destination's folder.
    """
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def hashes(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the hash of each view of a delivery."""
    views = entry.get("views")
    recorded = views if isinstance(views, list) else []
    return {str(v.get("view")): str(v.get("sha256")) for v in recorded if isinstance(v, dict)}


def _run_of(entry: Mapping[str, Any]) -> str:
    return str(entry.get("dbt_invocation_id"))


Changes = Mapping[str, Mapping[str, str | None]]
"""By destination the files that were changed since a build published them; see `changes`."""


def changes(log: AuditLog) -> dict[str, dict[str, str | None]]:
    """Return the published files that are not those that a build put in place, by destination."""
    standing = last_deliveries(log.entries)
    return {
        manifest["destination"]: publishing.changed_files(
            log.root,
            log.environment,
            manifest,
            (standing.get(manifest["destination"]) or {}).get("manifest_stamp"),
        )
        for manifest in publishing.read_manifests(log.root, log.environment)
    }


def unrecorded(log: AuditLog, changed: Changes | None = None) -> list[dict[str, Any]]:
    """Return entries for what changed in the published folder without one.

    A run that was killed between putting files in place and writing its entry leaves such a
    change, and so does a hand.

    Args:
        changed: what `changes` found; it is looked for if not given.
    """
    changed = changes(log) if changed is None else changed
    standing = last_deliveries(log.entries)
    recorded = _recorded_changes(log)
    found: list[dict[str, Any]] = []
    altered_manifest = {folders.MANIFEST: None}
    for manifest in publishing.read_manifests(log.root, log.environment):
        content = delivery(manifest)
        destination = str(content["destination"])
        known = standing.pop(destination, None)
        told = recorded.get(destination, {}).items()
        if known is None or _run_of(known) != _run_of(content):
            reason = "recorded at the start of a later run: the run ended before its entry"
            found.append({**content, "reasons": [reason]})
        elif not _tells_the_same(known, content) and not altered_manifest.items() <= told:
            found.append(_altered(destination, altered_manifest))
        if new := changed.get(destination, {}).items() - told:
            found.append(_altered(destination, dict(new)))
    for destination in sorted(standing):
        if not os.path.lexists(log.path.parent / destination):
            reason = "the published files are gone without a run that withdrew them"
            found.append({"destination": destination, "outcome": MISSING, "reasons": [reason]})
        elif not altered_manifest.items() <= recorded.get(destination, {}).items():
            found.append(_altered(destination, altered_manifest))
    return found


def _tells_the_same(known: Entry, content: Mapping[str, Any]) -> bool:
    compared = (content.keys() & known.keys()) - {"outcome"}
    is_same = all(known[name] == content[name] for name in compared)
    return is_same and hashes(known) == hashes(content)


def _altered(destination: str, files: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the entry that tells of changed files: their names and what they hold now."""
    names = sorted(files)
    shown = [name.encode("utf-8", "backslashreplace").decode() for name in names]
    more = f" and {len(shown) - FILES_NAMED} more" if len(shown) > FILES_NAMED else ""
    reason = f"not as a run published it: {', '.join(shown[:FILES_NAMED])}{more}"
    pairs = [[text, files[name]] for text, name in zip(shown, names, strict=True)]
    return {
        "destination": destination,
        "outcome": ALTERED,
        "reasons": [reason],
        "changed": pairs,
    }


def _recorded_changes(log: AuditLog) -> dict[str, dict[str, str | None]]:
    """Return the changes that the log tells of and that no publication has undone."""
    recorded: dict[str, dict[str, str | None]] = {}
    for entry in log.entries:
        destination = str(entry["destination"])
        if entry["outcome"] == ALTERED:
            recorded.setdefault(destination, {}).update(map(tuple, entry.get("changed") or ()))
        elif entry["outcome"] == PUBLISHED:
            recorded[destination] = {
                name: digest
                for name, digest in recorded.get(destination, {}).items()
                if name != folders.MANIFEST and not folders.is_of_layout(name, destination)
            }
    return recorded


def git_state(folder: Path) -> dict[str, Any] | None:
    """Return the commit of a folder's repository and whether files differ from it, if any."""
    command = ("status", "--porcelain=v2", "--branch", "--untracked-files=no")
    try:
        finished = subprocess.run(
            ["git", "-C", str(folder), *command],
            capture_output=True,
            text=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            timeout=_SECONDS_FOR_GIT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = finished.stdout.splitlines()
    commit = lines[0].removeprefix("# branch.oid ") if lines else "(initial)"
    if finished.returncode or commit == "(initial)":
        return None
    return {"commit": commit, "dirty": any(not line.startswith("#") for line in lines)}


@dataclass
class Findings:
    """What verifying a log came to.

    Attributes:
        entries: how many entries there are.
        head: hash of the last one; keep it elsewhere to notice a log that was put back.
        faults: what is wrong, a line each.
        notes: what could not be checked, and why.
    """

    entries: int = 0
    head: str = GENESIS
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(
    root: Path,
    environment: str,
    key: bytes | None = None,
    key_fingerprint: str | None = None,
    table: Sequence[str] | None = None,
    retired: Mapping[str, bytes] | None = None,
) -> Findings:
    """Check the chain, the HMACs, the table's copy and the files that should be published.

    Args:
        key: subkey of the HMACs; None leaves them unchecked.
        key_fingerprint: fingerprint of the key that `key` is of: entries made under another key
            are not checked, unless it is among the retired ones.
        table: the lines that the warehouse's table has, in order; None leaves them unchecked.
        retired: subkeys for entries made before the masking key was rotated, by the fingerprint
            of the key that each is of.
    """
    lines = read_lines(log_path(root, environment))
    findings = Findings()
    findings.faults += _chain_faults(lines, environment)
    found = entries(lines)
    findings.entries = len(found)
    findings.head = found[-1]["hash"] if found else GENESIS
    keys = dict(retired or {})
    if key is not None and key_fingerprint is not None:
        keys[key_fingerprint] = key
    findings.faults += _mac_faults(lines, keys, key_fingerprint, findings.notes)
    if table is not None:
        findings.faults += _table_faults(found, table)
    findings.faults += _published_faults(root, environment, found)
    return findings


def _chain_faults(lines: Sequence[Line], environment: str) -> Iterator[str]:
    previous, sequence = GENESIS, 0
    allowlists: set[str] = set()
    for position, line in enumerate(lines):
        entry = line.entry
        if entry is None:
            after = lines[position + 1].entry if position + 1 < len(lines) else None
            torn = after.get("torn") if after else None
            digest = hashlib.sha256(line.text).hexdigest()
            if torn != {"line": line.number, "sha256": digest}:
                yield f"line {line.number} is not an entry"
            continue
        if canonical(entry).encode() != line.text or sealed(entry, None)["hash"] != entry["hash"]:
            yield f"line {line.number} was edited: its hash is not that of its content"
        if entry["previous"] != previous or entry["sequence"] != sequence + 1:
            yield (
                f"line {line.number} does not follow the entry before it: entries were removed, "
                "added or moved"
            )
        if entry.get("environment") != environment:
            yield f"line {line.number} is of another environment"
        if entry["outcome"] not in OUTCOMES:
            yield f"line {line.number} has no known outcome"
        if problem := _allowlist_problem(entry, allowlists):
            yield f"line {line.number} {problem}"
        previous, sequence = str(entry["hash"]), int(entry["sequence"])


def _allowlist_problem(entry: Entry, known: set[str]) -> str:
    """Say what is wrong with the allowlist of an entry; add one that it holds to the known."""
    named = str(entry.get("allowlist"))
    if "allowlist_content" in entry:
        if allowlist_sha256(entry["allowlist_content"]) != named:
            return "holds another allowlist than the one it names"
        known.add(named)
        return ""
    is_delivery = entry["outcome"] == PUBLISHED and "views" in entry
    if ("allowlist" in entry or is_delivery) and named not in known:
        return "names no allowlist that it or an entry before it holds"
    return ""


def _mac_faults(
    lines: Sequence[Line], keys: Mapping[str, bytes], active: str | None, notes: list[str]
) -> Iterator[str]:
    """Check the HMACs under the keys at hand.

    From an entry that tells of a rotation on, the old key proves nothing: who stole it, which is
    what keys are rotated for, could have written what follows. It counts again only if it is the
    active one.
    """
    of_other_keys = 0
    replaced: set[str] = set()
    for line in lines:
        entry = line.entry
        if entry is None or (entry.get("mac") is None and _needs_no_key(entry)):
            continue
        mac, named = entry.get("mac"), str(entry.get("mac_key"))
        if mac is None:
            yield f"line {line.number} has no HMAC"
        elif named not in keys:
            of_other_keys += 1
        elif not hmac.compare_digest(str(mac).encode(), _mac(entry["hash"], keys[named]).encode()):
            yield f"line {line.number} was not written by a holder of the masking key"
        elif entry["outcome"] == ROTATED and (named == active or named not in replaced):
            replaced = (replaced | {str(entry.get("previous_key_fingerprint"))}) - {named}
        elif named in replaced:
            yield f"line {line.number} is under a masking key that had been rotated away"
    if not keys and of_other_keys:
        notes.append("The HMACs were not checked: the masking key is not at hand")
    elif of_other_keys:
        notes.append(f"The HMACs of {of_other_keys} entries are under another masking key")


def _needs_no_key(entry: Entry) -> bool:
    """Whether an entry may be without HMAC: a refusal, or a stop, which waits for no key."""
    is_stop = isinstance(entry.get("stopped_by"), str)
    return entry["outcome"] == REFUSED or (
        is_stop and entry["outcome"] in (WITHDRAWN, NOT_COPIED, COPY_REMOVED)
    )


def _table_faults(found: Sequence[Entry], table: Sequence[str]) -> Iterator[str]:
    in_file = [canonical(entry) for entry in found]
    common = min(len(in_file), len(table))
    for position in range(common):
        if in_file[position] != table[position]:
            yield f"entry {position + 1} of the file is not the one that the table has"
            return
    if len(table) > common:
        yield f"the file lacks the last {len(table) - common} entries, which the table has"
    if len(in_file) > common:
        yield (
            f"the table lacks the last {len(in_file) - common} entries, which the file has; "
            "the next build adds them"
        )


def _published_faults(root: Path, environment: str, found: Sequence[Entry]) -> Iterator[str]:
    standing = last_deliveries(found)
    folder = folders.environment_folder(root, environment)
    present = {path.name for path in folder.glob("*") if publishing.looks_published(path)}
    for destination in sorted(present - set(standing)):
        yield f"`{destination}` is published without an entry; the next build records it"
    for destination, entry in sorted(standing.items()):
        if destination not in present:
            yield f"`{destination}` is not published any more, and no entry says so"
            continue
        manifest = publishing.manifest_of(root, environment, destination)
        # What is wrong with a manifest is said by publishing.check_files.
        if manifest is not None and _run_of(manifest) != _run_of(entry):
            yield f"`{destination}` was published by a run without an entry; the next adds it"
        of_views: dict[str, dict[str, str]] = {view: {} for view in hashes(entry)}
        for name in publishing.files_in(folder / destination):
            digest = publishing.file_sha256(folder / destination / name)
            of_views.setdefault(publishing.view_of(name), {})[name] = digest
        for view, found_hashes in sorted(of_views.items()):
            if listing_sha256(found_hashes) != hashes(entry).get(view):
                yield (
                    f"the files of {folder / destination / view} are not those of the last entry "
                    f"(number {entry['sequence']})"
                )
    yield from publishing.check_files(root, environment)
