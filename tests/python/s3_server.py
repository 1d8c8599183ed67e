"""As much of S3's protocol as pyarrow speaks, over HTTP on 127.0.0.1, with objects in memory.

The access key must be `KEY_ID`; signatures are not checked. `fault` may answer a request by a
status and a code in place of the server.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

KEY_ID = "tests-only"
SECRET = "a secret that no message may have"
NO_CREDENTIALS = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION")

Fault = Callable[[str, str], "tuple[int, str] | None"]


@dataclass
class Bucket:
    """What the server has: objects by key, parts by upload, and every request."""

    name: str = "bucket"
    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    fault: Fault = lambda method, key: None
    port: int = 0

    def uri(self, prefix: str) -> str:
        where = f"endpoint_override=127.0.0.1:{self.port}&scheme=http&region=us-east-1"
        return f"s3://{self.name}/{prefix}?{where}"

    def variables(self, prefix: str) -> dict[str, str]:
        """What a process needs to copy there, and no credentials of this machine."""
        return {
            "HIPAA_MODE_OBJECT_STORE": self.uri(prefix),
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def files(self) -> dict[str, bytes]:
        """The objects, without the empty ones that stand for folders."""
        return {key: text for key, text in self.objects.items() if not key.endswith("/")}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    bucket: Bucket

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        self.query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        name, _, self.key = unquote(parts.path.lstrip("/")).partition("/")
        body, method = self._body(), self.command
        self.bucket.requests.append((method, self.key))
        if f"Credential={KEY_ID}/" not in self.headers.get("Authorization", ""):
            self._error(403, "InvalidAccessKeyId")
        elif name != self.bucket.name:
            self._error(404, "NoSuchBucket")
        elif fault := self.bucket.fault(method, self.key):
            self._error(*fault)
        else:
            getattr(self, f"_{method.lower()}")(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle  # noqa: N815

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            raw = b"".join(self._chunks())
        else:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return raw
        found = b""
        rest = raw
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            count = int(size.partition(b";")[0], 16)
            if not count:
                break
            found, rest = found + rest[:count], rest[count + 2 :]
        return found

    def _chunks(self) -> Iterator[bytes]:
        while count := int(self.rfile.readline().strip() or b"0", 16):
            yield self.rfile.read(count)
            self.rfile.readline()
        self.rfile.readline()

    def _send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _error(self, status: int, code: str) -> None:
        self._send(
            status, f"<Error><Code>{code}</Code><Message>{SECRET}</Message></Error>".encode()
        )

    def _head(self, _: bytes) -> None:
        content = self.bucket.objects.get(self.key)
        if not self.key:
            self._send(200)
        elif content is None:
            self._send(404)
        else:
            self._send(200, content, ETag=_tag(content), Last_Modified=_LONG_AGO)

    def _get(self, _: bytes) -> None:
        if not self.key:
            self._list()
            return
        content = self.bucket.objects.get(self.key)
        if content is None:
            self._error(404, "NoSuchKey")
            return
        facts = {"ETag": _tag(content), "Last_Modified": _LONG_AGO}
        asked = self.headers.get("Range", "").removeprefix("bytes=")
        begin, end = asked.split("-") if asked else ("", "")
        if not begin:
            self._send(200, content, **facts)
            return
        part = content[int(begin) : int(end) + 1 if end else None]
        of = f"bytes {begin}-{int(begin) + len(part) - 1}/{len(content)}"
        self._send(206, part, Content_Range=of, **facts)

    def _list(self) -> None:
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter", "")
        keys = sorted(key for key in self.bucket.objects if key.startswith(prefix))
        folders, xml = set(), ""
        for key in keys:
            name, found, _ = (
                key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            )
            if found:
                folders.add(prefix + name + delimiter)
            else:
                size = len(self.bucket.objects[key])
                xml += f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size></Contents>"
        for name in sorted(folders):
            xml += f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
        self._xml("ListBucketResult", f"<IsTruncated>false</IsTruncated>{xml}")

    def _put(self, body: bytes) -> None:
        if "uploadId" in self.query:
            self.bucket.uploads[self.query["uploadId"]][int(self.query["partNumber"])] = body
        else:
            self.bucket.objects[self.key] = body
        self._send(200, ETag=_tag(body))

    def _post(self, body: bytes) -> None:
        if "uploads" in self.query:
            upload = str(len(self.bucket.uploads))
            self.bucket.uploads[upload] = {}
            self._xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
        elif "uploadId" in self.query:
            parts = self.bucket.uploads.pop(self.query["uploadId"])
            self.bucket.objects[self.key] = b"".join(parts[number] for number in sorted(parts))
            self._xml("CompleteMultipartUploadResult", "<ETag>e</ETag>")
        else:
            for found in ElementTree.fromstring(body).iter():
                if found.tag.endswith("Key"):
                    self.bucket.objects.pop(str(found.text), None)
            self._xml("DeleteResult", "")

    def _delete(self, _: bytes) -> None:
        if "uploadId" in self.query:
            self.bucket.uploads.pop(self.query["uploadId"], None)
        else:
            self.bucket.objects.pop(self.key, None)
        self._send(204)

    def _xml(self, root: str, content: str) -> None:
        self._send(200, f"<{root}>{content}</{root}>".encode(), Content_Type="application/xml")


_LONG_AGO = "Thu, 01 Jan 2026 00:00:00 GMT"


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


@contextmanager
def serving() -> Iterator[Bucket]:
    """Serve an empty bucket until the block ends."""
    bucket = Bucket()
    handler = type("Handler", (_Handler,), {"bucket": bucket})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads, server.block_on_close = True, False
    bucket.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
