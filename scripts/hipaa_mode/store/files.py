"""What is asked of an object store, by pyarrow's file systems; what goes wrong in one line each.

An error of pyarrow's may quote requests and answers, so only its kind is said.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from hipaa_mode.errors import HipaaModeError
from hipaa_mode.store.location import FILE, GCS, S3, Location

ASIDE = "_hipaa_mode.unfinished-"
"""How the name of a small file begins that is about to be moved to its place, in a folder."""

BLOCK = 1 << 20
SECONDS_TO_CONNECT = 10
SECONDS_TO_RETRY = 60
TRIES = 3

_CODE = re.compile(r"AWS Error ([A-Z_]{3,40}) |(?:HTTP status|status code:?) ?([0-9]{3})")
_REFUSED = re.compile(
    r"ACCESS_DENIED|SIGNATURE|INVALID_ACCESS_KEY|INVALID_CLIENT_TOKEN|UNRECOGNIZED_CLIENT"
    r"|EXPIRED_TOKEN|MISSING_AUTHENTICATION|HTTP status 40[13]\b|status code:? ?40[13]\b"
    r"|[Pp]ermission denied|[Uu]nauthorized|Could not create a OAuth2|credential"
)
_NO_BUCKET = re.compile(r"NO_SUCH_BUCKET|[Bb]ucket '[^']*' not found|NoSuchBucket")
_FULL = re.compile(
    r"HTTP status 507\b|status code:? ?507\b|QuotaExceeded|StorageFull|Insufficient"
)
_UNREACHABLE = re.compile(r"NETWORK_CONNECTION|curlCode|[Cc]ould not connect|resolve host")

Listing = dict[str, int | None]
"""What is in a folder, by its name relative to it: the bytes of a file, None for a folder."""


class StoreError(HipaaModeError):
    """The object store can't be used so. The text says why and what to do."""


class Store:
    """A place in an object store; paths are relative to it.

    Raises:
        StoreError: it can't be opened; and so of every method that asks something of it.
    """

    def __init__(self, location: Location) -> None:
        self.location = location
        self._root = location.path
        with self._errors():
            self._files = self._open()

    def _open(self) -> fs.FileSystem:
        location = self.location
        if location.scheme == FILE:
            return fs.LocalFileSystem()
        if location.scheme != S3:
            wait = "&" if location.parameters else "?"
            limit = f"{wait}retry_limit_seconds={SECONDS_TO_RETRY}"
            uri = location.uri + (limit if location.scheme == GCS else "")
            files, place = fs.FileSystem.from_uri(uri)
            self._root = place.rstrip("/")
            return files
        given = location.parameters
        region = given.get("region")
        is_known = (
            region
            or given.get("endpoint_override")
            or any(map(os.environ.get, ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")))
        )
        if not is_known:
            region = fs.resolve_s3_region(self._root.partition("/")[0])
        return fs.S3FileSystem(
            region=region,
            scheme=given.get("scheme"),
            endpoint_override=given.get("endpoint_override"),
            connect_timeout=SECONDS_TO_CONNECT,
            # A small file in one request: nothing of an upload that was begun is left.
            allow_delayed_open=True,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=TRIES),
        )

    def shown(self, *parts: str) -> str:
        """Return a path in the place as messages name it."""
        return "/".join((self.location.shown, *parts))

    def check_bucket(self) -> None:
        """See that the bucket, or the folder, is there; a folder is made."""
        with self._errors():
            if self.location.scheme == FILE:
                self._files.create_dir(self._root)
                return
            bucket = self._root.partition("/")[0]
            if self._files.get_file_info(bucket).type is fs.FileType.NotFound:
                raise self._no_bucket()

    def read(self, path: str) -> bytes | None:
        """Read a small file; None where there is none."""
        try:
            with (
                self._errors(may_be_gone=True),
                self._files.open_input_stream(self._path(path)) as file,
            ):
                return bytes(file.read())
        except FileNotFoundError:
            return None

    def put(self, path: str, content: bytes) -> None:
        """Write a small file, over another one in one step."""
        with self._errors():
            if self.location.scheme != FILE:
                with self._files.open_output_stream(self._path(path)) as file:
                    file.write(content)
                return
            aside = self._path(f"{ASIDE}{secrets.token_hex(8)}")
            self._make_parent(path)
            with self._files.open_output_stream(aside) as file:
                file.write(content)
            self._files.move(aside, self._path(path))

    def upload(self, source: Path, path: str, size: int, sha256: str) -> None:
        """Copy a file, and see by its size and hash that what was written is what it is to be."""
        target = self._path(path)
        self._make_parent(path)
        with (
            source.open("rb") as file,
            self._errors(),
            self._files.open_output_stream(target) as output,
        ):
            sent = _hash(file.read, output.write)
        if sent != sha256:
            raise StoreError(f"{source} is not as its manifest says: run dbt build again")
        with self._errors():
            is_whole = self._files.get_file_info(target).size == size
            if is_whole:
                with self._files.open_input_stream(target) as written:
                    is_whole = _hash(written.read) == sha256
        if not is_whole:
            raise StoreError(
                f"{self.shown(path)} does not have the bytes that were written to it: look at the "
                "store"
            )

    def row_ids(self, path: str) -> pa.ChunkedArray:
        """Return the row ids of a Parquet file."""
        with self._errors():
            table = pq.read_table(self._path(path), columns=["row_id"], filesystem=self._files)
            return table.column("row_id")

    def listing(self, path: str = "", recursive: bool = False) -> Listing:
        """Return what is in a folder; of one that is not there, nothing."""
        folder = self._path(path)
        with self._errors():
            selector = fs.FileSelector(folder, allow_not_found=True, recursive=recursive)
            found = self._files.get_file_info(selector)
        is_folder = fs.FileType.Directory
        return {
            info.path[len(folder) :].strip("/"): None if info.type is is_folder else info.size
            for info in found
        }

    def remove(self, path: str) -> None:
        """Remove a file, unless it is gone."""
        with contextlib.suppress(FileNotFoundError), self._errors(may_be_gone=True):
            self._files.delete_file(self._path(path))

    def remove_empty(self, path: str) -> None:
        """Remove a folder that has no files, and the folders in it."""
        if not any(size is not None for size in self.listing(path, recursive=True).values()):
            with contextlib.suppress(FileNotFoundError), self._errors(may_be_gone=True):
                self._files.delete_dir(self._path(path))

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def _make_parent(self, path: str) -> None:
        if self.location.scheme == FILE:
            with self._errors():
                self._files.create_dir(self._path(path).rpartition("/")[0])

    @contextlib.contextmanager
    def _errors(self, may_be_gone: bool = False) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if may_be_gone:
                raise
            raise self._failure(error) from None
        except (OSError, pa.ArrowException) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> StoreError:
        text = str(error)
        if _NO_BUCKET.search(text):
            return self._no_bucket()
        code = _code_of(error, text)
        if _FULL.search(text):
            return StoreError(
                f"{self.shown()} is full ({code}): make room there, or raise its quota"
            )
        if _REFUSED.search(text):
            return StoreError(
                f"{self.shown()} refuses the credentials of this process ({code}): give it those "
                "of an account that may list, read, write and delete there"
            )
        if _UNREACHABLE.search(text):
            return StoreError(
                f"{self.shown()} can't be reached ({code}): look at the network and the endpoint"
            )
        return StoreError(f"{self.shown()} can't be used ({code}): fix the cause")

    def _no_bucket(self) -> StoreError:
        return StoreError(
            f"there is no bucket for {self.shown()}: make it, or correct HIPAA_MODE_OBJECT_STORE"
        )


def _hash(read: Callable[[int], bytes], write: Callable[[bytes], Any] = len) -> str:
    """Hash what is read, and write it on."""
    digest = hashlib.sha256()
    while block := read(BLOCK):
        digest.update(block)
        write(block)
    return digest.hexdigest()


def _code_of(error: Exception, text: str) -> str:
    """Return what an error may be called by: a code of the protocol, or of the system."""
    if isinstance(error, OSError) and error.errno and error.strerror:
        return os.strerror(error.errno)
    found = [name or f"status {status}" for name, status in _CODE.findall(text)]
    found = [code for code in found if code != "UNKNOWN"]
    return ", ".join(dict.fromkeys(found)) or type(error).__name__
