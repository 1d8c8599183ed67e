"""What names the place in an object store, and why a URI may not: it is only looked at here."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

from hipaa_mode.errors import ConfigurationError

SETTING = "HIPAA_MODE_OBJECT_STORE"

S3 = "s3"
GCS = "gs"
FILE = "file"
AZURE = ("abfss", "abfs")
SCHEMES = (S3, GCS, *AZURE, FILE)

_PARAMETERS = {
    S3: ("region", "endpoint_override", "scheme"),
    GCS: ("endpoint_override", "scheme"),
}
"""What a URI may say besides the place. Anything else could be a secret, or weaken a check."""

_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_HOST = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_UNFIT = re.compile(r"[\x00-\x20\x7f%\\*?]|//|/\.{1,2}(?:/|$)")


@dataclass(frozen=True)
class Location:
    """A place in an object store.

    Attributes:
        uri: the setting, which has no secrets.
        shown: the place as messages name it, without parameters.
        path: the bucket and the prefix, or the folder.
        parameters: see `_PARAMETERS`.
    """

    scheme: str
    uri: str
    shown: str
    path: str
    parameters: Mapping[str, str]


def location_of(environ: Mapping[str, str]) -> Location | None:
    """Return the place that the environment names; None if it names none.

    Raises:
        ConfigurationError: it can't be used.
    """
    text = environ.get(SETTING)
    if text is None:
        return None
    if problem := uri_problem(text) or transport_problem(environ):
        raise ConfigurationError(f"`{SETTING}` {problem}. Correct it, or unset it")
    parts = urlsplit(text.strip())
    place = parts.path if parts.scheme == FILE else f"{parts.netloc}{parts.path}"
    return Location(
        scheme=parts.scheme,
        uri=text.strip(),
        shown=f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/"),
        path=place.rstrip("/"),
        parameters=dict(parse_qsl(parts.query)),
    )


def uri_problem(text: str) -> str:
    """Say what is wrong with a URI, of which nothing is quoted; blank where nothing is."""
    try:
        parts = urlsplit(text.strip())
        named = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        # A port that is none is told apart from a bucket's name only when it is asked for.
        has_port = parts.port is not None
    except ValueError:
        return "is no URI of an object store, such as s3://bucket/prefix"
    if parts.scheme not in SCHEMES:
        return "is no URI of an object store: it begins with s3://, gs://, abfss:// or file://"
    if parts.password is not None or (parts.username is not None and parts.scheme not in AZURE):
        return "has a name or a password before an @: credentials come from the environment alone"
    allowed = _PARAMETERS.get(parts.scheme, ())
    if any(name not in allowed or not value for name, value in named):
        may_be = f"than {', '.join(allowed)}" if allowed else "at all"
        return f"has a parameter where {parts.scheme}:// takes none {may_be}: it could be a secret"
    return _place_problem(parts, has_port) or _endpoint_problem(parts.scheme, dict(named))


def _place_problem(parts: SplitResult, has_port: bool) -> str:
    if parts.fragment or "#" in parts.geturl():
        return "has a part after a #, which names nothing in an object store"
    if parts.scheme == FILE and (parts.netloc or len(parts.path) < len("/x")):
        return "names no folder: write file:/// and its whole path"
    if parts.scheme != FILE and (not parts.netloc or has_port):
        return "names no bucket: write s3://bucket/prefix, without a port"
    if _UNFIT.search(parts.path):
        return "has a blank, a %, a wildcard, `..`, or an empty part in its path"
    return ""


def _endpoint_problem(scheme: str, parameters: Mapping[str, str]) -> str:
    endpoint, transport = parameters.get("endpoint_override"), parameters.get("scheme", "https")
    if endpoint is not None and not _HOST.fullmatch(endpoint):
        return "has an endpoint_override that is not a host and its port"
    if transport not in ("https", "http"):
        return "has a scheme= that is neither https nor http"
    if transport == "http" and not _is_this_machine(endpoint or ""):
        return "says scheme=http: what is published would go over a network in the clear"
    return ""


def transport_problem(environ: Mapping[str, str]) -> str:
    """Say where a variable of AWS's own would have it go over a network in the clear."""
    parts = urlsplit(environ.get(SETTING, "").strip())
    if parts.scheme != S3 or "endpoint_override" in dict(parse_qsl(parts.query)):
        return ""
    for name in _ENDPOINTS:
        scheme, _, host = environ.get(name, "").strip().partition("://")
        if scheme.lower() == "http" and not _is_this_machine(host.partition("/")[0]):
            return f"would go over a network in the clear: {name} begins with http"
    return ""


def _is_this_machine(endpoint: str) -> bool:
    found = _HOST.fullmatch(endpoint)
    host = found["host"].strip("[]") if found else ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
