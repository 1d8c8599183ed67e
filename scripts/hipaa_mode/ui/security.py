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
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class Guard:
    """Refuses every request that is not the user's own, before the pages see it."""

    def __init__(self, app: ASGIApp, secrets: Secrets, port: int) -> None:
        self._app = app
        self._secrets = secrets
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: let it through, exchange the link's token, or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in HEADERS.items()
                        if name.lower().encode() not in known
                    ),
                ]
            await send(message)

        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        answer = self._answer(scope, headers)
        if answer is None and scope["method"] == "POST":
            answer, receive = await self._read_form(headers, receive)
        app: ASGIApp = self._app if answer is None else answer
        await app(scope, receive, send_with_headers)

    def _answer(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that is kept from the pages; None for any other."""
        host = headers.get("host", "")
        if host not in self._hosts:
            return _refused("This address is not served here.", 421)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return _refused("This method is not served here.", 405)
        if scope["method"] != "POST" and scope["path"] == "/":
            return self._exchange(scope)
        path, base = scope["path"], self._secrets.base
        # The path is compared as secrets are: it must not be found out by trying.
        is_ours = _same(path[: len(base)], base) and path[len(base) : len(base) + 1] in ("", "/")
        if not is_ours or not self._has_session(headers):
            return _refused("Open the link that `hipaa-mode ui` printed on the terminal.", 403)
        site = headers.get("sec-fetch-site", "")
        if scope["method"] == "POST":
            if headers.get("origin") != f"http://{host}" or site not in ("", "same-origin"):
                return _refused("This form came from elsewhere.", 403)
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/x-www-form-urlencoded":
                return _refused("This is no form.", 415)
        elif site not in ("", "none", "same-origin"):
            return _refused("This page is opened by its own links only.", 403)
        return None

    def _exchange(self, scope: Scope) -> Response:
        """Give the cookie for the link's token."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if not _same("".join(query.get("token", [])), self._secrets.link):
            return _refused("Open the link that `hipaa-mode ui` printed on the terminal.", 403)
        response = RedirectResponse(f"{self._secrets.base}/", status_code=303)
        response.set_cookie(
            COOKIE,
            self._secrets.session,
            path=self._secrets.base,
            httponly=True,
            samesite="strict",
        )
        return response

    def _has_session(self, headers: Headers) -> bool:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return COOKIE in cookies and _same(cookies[COOKIE].value, self._secrets.session)

    async def _read_form(
        self, headers: Headers, receive: Receive
    ) -> tuple[Response | None, Receive]:
        """Read a form, check its token, and give it to the pages as if it were just coming."""
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return _refused("The form did not arrive.", 400), receive
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > LARGEST_BODY:
                return _refused("The form is too large.", 413), receive
        try:
            form = parse_qs(body.decode("utf-8"), max_num_fields=100)
        except (UnicodeDecodeError, ValueError):
            return _refused("The form can't be read.", 400), receive
        if not _same("".join(form.get(TOKEN_FIELD, [])), self._secrets.form):
            return _refused("This form is not of this page. Load the page again.", 403), receive

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        return None, again


def _same(given: str, wanted: str) -> bool:
    """Compare in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())


def _refused(text: str, status: int) -> Response:
    return PlainTextResponse(f"{text}\n", status)
