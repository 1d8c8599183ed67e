"""Who may use the pages: whoever has the link, from this machine, from these pages.

The pages change what leaves the restricted zone, so a page of another site, or of another program
on this machine, must not be able to drive them through the user's browser.

- The server listens on the loopback address only, and answers only to names of it: a name that
  somebody points at 127.0.0.1 (DNS rebinding) is refused.
- The link on the terminal has a random token. It is exchanged for a cookie, `HttpOnly` and
  `SameSite=Strict`, and the pages are below a random path that the cookie is bound to: browsers
  send a cookie to every port of a host, so that another server on it would get it otherwise.
- What changes anything is a POST with the page's own token, from the page's own origin.
- Nothing is loaded from elsewhere, and no other page may frame these.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp

COOKIE = "hipaa_mode_session"
TOKEN_FIELD = "csrf_token"
TOKEN_BYTES = 32
LARGEST_BODY = 64 * 1024

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, browsers would send `Origin: null` with the pages' own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True)
class Secrets:
    """The random tokens of one run of the server.

    Attributes:
        link: token of the link on the terminal.
        session: what the cookie holds.
        path: the part of every page's address that the cookie is bound to.
        form: what every form holds.
    """

    link: str = field(default_factory=_new_token)
    session: str = field(default_factory=_new_token)
    path: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    form: str = field(default_factory=_new_token)

    @property
    def base(self) -> str:
        """What the address of every page begins with."""
        return f"/s/{self.path}"


class Guard(BaseHTTPMiddleware):
    """Refuses every request that is not the user's own, before the pages see it.

    What a form says is in the request's state, where it is let through.
    """

    def __init__(self, app: ASGIApp, secrets: Secrets, port: int) -> None:
        super().__init__(app)
        self._secrets = secrets
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Answer a request: let it through, exchange the link's token, or refuse."""
        answer = self._answer(request)
        if answer is None and request.method == "POST":
            answer = await self._read_form(request)
        if answer is None:
            answer = await call_next(request)
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    def _answer(self, request: Request) -> Response | None:
        """Return the answer to a request that is kept from the pages; None for any other."""
        headers, method, path = request.headers, request.method, request.scope["path"]
        host = headers.get("host", "")
        if host not in self._hosts:
            return _refused("This address is not served here.", 421)
        if method not in ("GET", "HEAD", "POST"):
            return _refused("This method is not served here.", 405)
        if method != "POST" and path == "/":
            return self._exchange(request)
        base = self._secrets.base
        # The path is compared as secrets are: it must not be found out by trying.
        is_ours = _same(path[: len(base)], base) and path[len(base) : len(base) + 1] in ("", "/")
        if not is_ours or not _same(request.cookies.get(COOKIE, ""), self._secrets.session):
            return _refused("Open the link that `hipaa-mode ui` printed on the terminal.", 403)
        site = headers.get("sec-fetch-site", "")
        if method == "POST":
            if headers.get("origin") != f"http://{host}" or site not in ("", "same-origin"):
                return _refused("This form came from elsewhere.", 403)
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/x-www-form-urlencoded":
                return _refused("This is no form.", 415)
        elif site not in ("", "none", "same-origin"):
            return _refused("This page is opened by its own links only.", 403)
        return None

    def _exchange(self, request: Request) -> Response:
        """Give the cookie for the link's token."""
        if not _same("".join(request.query_params.getlist("token")), self._secrets.link):
            return _refused("Open the link that `hipaa-mode ui` printed on the terminal.", 403)
        base = self._secrets.base
        response = RedirectResponse(f"{base}/", status_code=303)
        response.set_cookie(
            COOKIE, self._secrets.session, path=base, httponly=True, samesite="strict"
        )
        return response

    async def _read_form(self, request: Request) -> Response | None:
        """Read a form and check its token; of a field that is there twice the last one counts."""
        length = request.headers.get("content-length", "")
        if not length.isdecimal():
            return _refused("The form does not say how large it is.", 411)
        if int(length) > LARGEST_BODY:
            return _refused("The form is too large.", 413)
        try:
            body = (await request.body()).decode("utf-8")
            fields = parse_qs(body, keep_blank_values=True, max_num_fields=100)
        except ClientDisconnect:
            return _refused("The form did not arrive.", 400)
        except ValueError:
            return _refused("The form can't be read.", 400)
        if not _same("".join(fields.get(TOKEN_FIELD, [])), self._secrets.form):
            return _refused("This form is not of this page. Load the page again.", 403)
        request.state.form = {name: values[-1] for name, values in fields.items()}
        return None


def _same(given: str, wanted: str) -> bool:
    """Compare in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())


def _refused(text: str, status: int) -> Response:
    return PlainTextResponse(f"{text}\n", status)
