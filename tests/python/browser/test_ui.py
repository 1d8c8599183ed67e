"""The configuration screens: what they let through, what they show, and what they write."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pages
import pytest
from project import Project, allowed, destination, event, track
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as expected
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.preview.explain import Preview
from hipaa_mode.stops import Stop, with_stop
from hipaa_mode.ui import previews, suggestions
from hipaa_mode.ui.previews import Previewed
from hipaa_mode.ui.server import Ready, prepare

REPOSITORY = Path(__file__).resolve().parents[3]
PROPERTIES = "seeds/allowed_properties.csv"
DESTINATIONS = "seeds/destinations.csv"
SCREENSHOTS = os.environ.get("HIPAA_MODE_SCREENSHOTS", "")

Headers = Mapping[str, str | None]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str


@dataclass
class Screens:
    """A running server, and somebody who talks to it without a browser."""

    project: Path
    ready: Ready
    cookie: str = ""
    base: str = ""
    forms: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.ready.port}"

    def ask(
        self, method: str, path: str, body: str | bytes = "", headers: Headers | None = None
    ) -> Answer:
        """Send a request as written; a header given as None is left out."""
        content = body.encode() if isinstance(body, str) else body
        given: dict[str, str | None] = {
            "Host": f"127.0.0.1:{self.ready.port}",
            "Cookie": self.cookie,
            "Content-Length": str(len(content)),
            **(headers or {}),
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.ready.port, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(content)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return Answer(response.status, response.headers, text)

    def open(self) -> None:
        """Follow the link on the terminal."""
        link = urlsplit(self.ready.url)
        answer = self.ask("GET", f"{link.path}?{link.query}")
        assert answer.status == 303, answer.text
        self.cookie = answer.headers["set-cookie"].split(";")[0]
        self.base = answer.headers["location"].rstrip("/")

    def token(self) -> str:
        """The token of the pages' forms."""
        page = self.ask("GET", f"{self.base}/e/dev/ga4")
        return page.text.split('name="csrf_token" value="')[1].split('"')[0]

    def post(self, path: str, headers: Headers | None = None, /, **fields: str) -> Answer:
        """Send a form as the pages do."""
        form = urlencode({"csrf_token": self.token(), **fields})
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin}
        return self.ask("POST", f"{self.base}{path}", form, {**kind, **(headers or {})})

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.project)): path.read_bytes()
            for name in ("seeds", "models")
            for path in sorted((self.project / name).rglob("*"))
            if path.is_file()
        }

    def has_unsaved(self) -> bool:
        return "not saved" in self.ask("GET", f"{self.base}/e/dev").text.partition("<footer>")[0]


@contextlib.contextmanager
def serve(project: Path, builds_previews: bool = False) -> Iterator[Screens]:
    ready = prepare(project, builds_previews=builds_previews)
    thread = threading.Thread(target=ready.run)
    thread.start()
    try:
        screens = Screens(project, ready)
        screens.open()
        yield screens
    finally:
        ready.stop()
        thread.join(timeout=30)
    assert not thread.is_alive()


@contextlib.contextmanager
def serve_demo(folder: Path) -> Iterator[Screens]:
    """Serve the demo's configuration; without macros, so that nothing can be built."""
    calls = folder / "calls.ndjson"
    calls.write_text("".join(json.dumps(call) + "\n" for call in CALLS), encoding="utf-8")
    project = folder / "project"
    project.mkdir()
    for name in ("dbt_project.yml", "profiles.yml", "receives.lock.yml"):
        shutil.copy(REPOSITORY / name, project)
    shutil.copytree(REPOSITORY / "seeds", project / "seeds")
    shutil.copytree(REPOSITORY / "models/destination_views", project / "models/destination_views")
    with pytest.MonkeyPatch.context() as patch, serve(project) as served:
        patch.setenv("HIPAA_MODE_RAW_CALLS", str(calls))
        yield served


@pytest.fixture
def screens(tmp_path: Path) -> Iterator[Screens]:
    with serve_demo(tmp_path) as served:
        yield served


CALLS = [
    {
        "type": "track",
        "event": "Visit",
        "messageId": f"m-{number}",
        "userId": "patient-1",
        "properties": {
            "plan": "gold",
            "work_email": f"person{number}@clinic.example",
            "<script>alert(1)</script>": "x",
            "visit_count": number,
        },
    }
    for number in range(20)
]
NEW = {
    "list": "event",
    "property": "coupon",
    "how": "mask",
    "reason": "Counts people",
    "scope": "this",
}


class TestWhoMayUseThem:
    @pytest.fixture(scope="class")
    @classmethod
    def screens(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screens]:
        """One server for all, since nothing here may change anything."""
        with serve_demo(tmp_path_factory.mktemp("guarded")) as served:
            before = served.files()
            yield served
            assert served.files() == before

    def test_the_link_gives_a_cookie_that_only_these_pages_get(self, screens: Screens) -> None:
        link = urlsplit(screens.ready.url)
        assert (link.hostname, link.path) == ("127.0.0.1", "/")
        assert len(parse_qs(link.query)["token"][0]) >= 43
        answer = screens.ask("GET", f"/?{link.query}", headers={"Cookie": None})
        cookie = answer.headers["set-cookie"]
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "samesite=strict", f"path={screens.base.lower()}"} <= attributes
        assert "domain" not in cookie.lower()
        token = parse_qs(link.query)["token"][0]
        assert token not in cookie and token not in answer.headers["location"]

    def test_the_server_listens_on_the_loopback_address_only(self, screens: Screens) -> None:
        assert screens.ready._socket.getsockname()[0] == "127.0.0.1"
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.2", screens.ready.port), timeout=2)

    @pytest.mark.parametrize(
        "path",
        ["/", "/?token=", "/?token=wrong", "/e/dev", "/static/ui.css", "/s/", "/s/wrong/e/dev"],
    )
    def test_without_the_token_there_is_nothing(self, screens: Screens, path: str) -> None:
        answer = screens.ask("GET", path, headers={"Cookie": None})
        assert answer.status == 403
        assert "set-cookie" not in answer.headers
        assert screens.base not in answer.text

    @pytest.mark.parametrize("cookie", [None, "", "hipaa_mode_session=wrong", "hipaa_mode=x; y"])
    def test_without_the_cookie_there_is_nothing(
        self, screens: Screens, cookie: str | None
    ) -> None:
        for path in ("/e/dev", "/e/dev/ga4", "/static/ui.css", "/nothing"):
            answer = screens.ask("GET", f"{screens.base}{path}", headers={"Cookie": cookie})
            assert answer.status == 403, path

    def test_the_links_token_opens_no_page_by_itself(self, screens: Screens) -> None:
        query = urlsplit(screens.ready.url).query
        answer = screens.ask("GET", f"{screens.base}/e/dev?{query}", headers={"Cookie": None})
        assert answer.status == 403

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:{port}",
            "127.0.0.1",
            "127.0.0.1:1",
            "127.0.0.1.evil.example:{port}",
            "localhost.:{port}",
            "[::1]:{port}",
            "0.0.0.0:{port}",
            "",
            None,
        ],
    )
    def test_a_name_that_was_pointed_here_is_refused(
        self, screens: Screens, host: str | None
    ) -> None:
        named = None if host is None else host.format(port=screens.ready.port)
        query = urlsplit(screens.ready.url).query
        for path in (f"/?{query}", f"{screens.base}/e/dev"):
            answer = screens.ask("GET", path, headers={"Host": named})
            assert answer.status in (400, 421)
            assert "set-cookie" not in answer.headers

    def test_localhost_is_a_name_of_it(self, screens: Screens) -> None:
        host = {"Host": f"localhost:{screens.ready.port}"}
        assert screens.ask("GET", f"{screens.base}/e/dev", headers=host).status == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": None},
            {"Origin": "null"},
            {"Origin": "http://evil.example"},
            {"Origin": "http://127.0.0.1"},
            {"Origin": "http://127.0.0.1:1"},
            {"Origin": "https://127.0.0.1:{port}"},
            {"Origin": "http://localhost:{port}"},
            {"Origin": "http://127.0.0.1:{port}.evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "none"},
            {"Cookie": None},
            {"Cookie": "hipaa_mode_session=wrong"},
            {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
        ],
        ids=str,
    )
    def test_a_form_from_elsewhere_does_nothing(self, screens: Screens, headers: Headers) -> None:
        before, port = screens.files(), screens.ready.port
        sent = {name: value and value.format(port=port) for name, value in headers.items()}
        for path in ("/e/dev/ga4/property", "/save", "/discard"):
            answer = screens.post(path, sent, **NEW)
            assert answer.status in (403, 421)
        assert screens.files() == before
        assert not screens.has_unsaved()

    @pytest.mark.parametrize("token", ["", "wrong", None])
    def test_a_form_without_the_pages_token_does_nothing(
        self, screens: Screens, token: str | None
    ) -> None:
        fields = {**NEW} if token is None else {**NEW, "csrf_token": token}
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": screens.origin}
        answer = screens.ask("POST", f"{screens.base}/e/dev/ga4/property", urlencode(fields), kind)
        assert answer.status == 403
        assert not screens.has_unsaved()

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/json", "multipart/form-data; boundary=x", None]
    )
    def test_other_kinds_of_content_are_refused(self, screens: Screens, kind: str | None) -> None:
        answer = screens.post("/e/dev/ga4/property", {"Content-Type": kind}, **NEW)
        assert answer.status == 415
        assert not screens.has_unsaved()

    def test_a_form_too_large_is_refused(self, screens: Screens) -> None:
        answer = screens.post("/e/dev/ga4/property", **{**NEW, "reason": "x" * 100_000})
        assert answer.status == 413

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
    def test_other_methods_are_refused(self, screens: Screens, method: str) -> None:
        answer = screens.ask(
            method, f"{screens.base}/e/dev", headers={"Origin": "http://a.example"}
        )
        assert answer.status == 405
        assert not any(name.startswith("access-control") for name in answer.headers)

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_another_page_cant_open_them(self, screens: Screens, site: str) -> None:
        headers = {"Sec-Fetch-Site": site}
        assert screens.ask("GET", f"{screens.base}/e/dev", headers=headers).status == 403

    def test_what_changes_something_is_no_get(self, screens: Screens) -> None:
        for path in ("/save", "/discard", "/undo", "/e/dev/ga4/property"):
            assert screens.ask("GET", f"{screens.base}{path}").status in (404, 405)

    def test_every_answer_forbids_framing_sniffing_and_storing(self, screens: Screens) -> None:
        paths = ["/nothing", f"{screens.base}/", f"{screens.base}/e/dev/ga4", "/?token=wrong",
                 f"{screens.base}/static/ui.css", f"{screens.base}/nothing"]  # fmt: skip
        for path in paths:
            headers = screens.ask("GET", path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-frame-options"] == "DENY"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert headers["referrer-policy"] == "same-origin"
            assert "server" not in headers

    @pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/"])
    def test_nothing_but_the_style_and_script_is_served_as_files(
        self, screens: Screens, path: str
    ) -> None:
        assert screens.ask("GET", f"{screens.base}{path}").status in (404, 405)


class Tags(HTMLParser):
    """Collects the tags of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name in ("src", "href", "action", "data-preview"):
                self.addresses.append(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(name)


class TestWhatTheyDo:
    def test_a_property_passes_through_draft_diff_and_save(self, screens: Screens) -> None:
        before = screens.files()
        answer = screens.post("/e/dev/ga4/property", **NEW, normalize="email", approved_by="Ann")
        assert answer.status == 303
        assert answer.headers["location"].endswith("/e/dev/ga4#list-event")
        assert screens.files() == before
        assert screens.has_unsaved()
        review = screens.ask("GET", f"{screens.base}/review").text
        row = "dev,ga4,event,,coupon,mask,email,,,,Counts people,Ann,"
        assert f"+{row}" in review
        assert "widens" in review
        digest = review.split('name="digest" value="')[1].split('"')[0]
        saved = screens.post("/save", digest=digest)
        assert saved.status == 200 and "<h1>Saved</h1>" in saved.text
        changes = _lines(screens.files()[PROPERTIES]) - _lines(before[PROPERTIES])
        assert changes == Counter([row])
        assert not screens.has_unsaved()

    def test_what_a_build_refuses_is_refused_in_its_words(self, screens: Screens) -> None:
        before = screens.files()
        refused = {
            "restriction is off without a BAA": ("restriction", {"restrict_phi": "false"}),
            "has expired": (
                "restriction",
                {"restrict_phi": "false", "baa_reference": "B", "baa_expires_on": "2020-01-01"},
            ),
            "`consent_categories` holds a comma": ("consent", {"consent_categories": "a,b"}),
            "collides with the one": ("property", {**NEW, "column_name": "plan"}),
            "is not a property path": ("property", {**NEW, "property": "a..b"}),
            "Say why it is safe": ("property", {**NEW, "reason": " "}),
            "Say how it may be sent": ("property", {**NEW, "how": "encrypted"}),
            "`guard` is unknown": ("property", {**NEW, "how": "allow", "guard": "maybe"}),
            "Name the event": ("event", {"event": " "}),
        }
        for message, (form, fields) in refused.items():
            answer = screens.post(f"/e/dev/ga4/{form}", **fields)
            assert answer.status == 422, message
            assert message in answer.text.replace("&#39;", "'")
            assert 'role="alert"' in answer.text
        assert screens.files() == before
        assert not screens.has_unsaved()

    def test_consent_is_shown_and_changed(self, screens: Screens) -> None:
        fields = {"consent_categories": "analytics;ads", "honor_opt_outs": "false"}
        assert screens.post("/e/dev/ga4/consent", **fields, consent_strategy="or").status == 303
        page = screens.ask("GET", f"{screens.base}/e/dev/ga4").text
        assert "Needs consent to analytics or ads; opt-outs do not count." in page
        assert 'name="consent_categories" value="analytics;ads"' in page
        assert "analytics;ads,or,false" in screens.ask("GET", f"{screens.base}/review").text
        screens.post("/e/dev/ga4/consent", consent_categories=" ", consent_strategy="or")
        assert "analytics;ads,or" not in screens.ask("GET", f"{screens.base}/review").text

    def test_what_was_written_in_a_refused_form_is_kept(self, screens: Screens) -> None:
        answer = screens.post("/e/dev/ga4/property", **{**NEW, "property": "a..b"})
        assert 'name="property" value="a..b"' in answer.text
        assert 'value="Counts people"' in answer.text

    def test_steps_are_undone_one_by_one_and_discarded(self, screens: Screens) -> None:
        before = screens.files()
        screens.post("/e/dev/ga4/property", **NEW)
        screens.post("/e/prod/ga4/event", event="Bill Paid", sent_as="paid", scope="this")
        screens.post("/e/dev/ga4/event/deny", event="Home", scope="all")
        assert screens.post("/undo", step="1").status == 303
        review = screens.ask("GET", f"{screens.base}/review").text
        assert "+dev,ga4,event,,coupon" in review and "-*,ga4,Home," in review
        assert "Bill Paid" not in review
        screens.post("/discard")
        assert not screens.has_unsaved()
        assert screens.files() == before

    def test_every_list_can_be_edited_for_one_environment_or_all(self, screens: Screens) -> None:
        for name in ("event", "user", "group", "context"):
            for scope in ("this", "all"):
                fields = {**NEW, "list": name, "property": f"{name}_{scope}", "scope": scope}
                assert screens.post("/e/prod/mixpanel/property", **fields).status == 303
        screens.post("/e/prod/mixpanel/property", list="envelope", property="user_id",
                     how="allow", reason="They hold them", scope="this")  # fmt: skip
        review = screens.ask("GET", f"{screens.base}/review").text
        for name in ("event", "user", "group", "context"):
            assert f"+prod,mixpanel,{name},,{name}_this,mask" in review
            assert f"+*,mixpanel,{name},,{name}_all,mask" in review
        assert "+prod,mixpanel,envelope,,user_id,allow" in review

    def test_masking_is_switched_for_a_property(self, screens: Screens) -> None:
        fields = {**NEW, "property": "email", "scope": "all"}
        screens.post("/e/dev/ga4/property", **{**fields, "how": "coarser", "coarser": "domain"})
        screens.post("/e/dev/mailchimp/property", list="event", property="coupon", how="mask",
                     reason="Now by token", scope="all", guard="warn")  # fmt: skip
        review = screens.ask("GET", f"{screens.base}/review").text
        assert "+*,ga4,event,,email,domain,,,,email_token,Counts people,privacy@" in review
        assert "+*,mailchimp,event,,coupon,mask,,,,,Now by token,privacy@" in review
        assert "narrows" in review

    def test_the_project_allowlist_is_edited_too(self, screens: Screens) -> None:
        page = screens.ask("GET", f"{screens.base}/e/dev/project")
        assert page.status == 200 and "Two currency codes" in page.text
        screens.post("/e/dev/project/property", **NEW)
        assert "+dev,*,event,,coupon,mask" in screens.ask("GET", f"{screens.base}/review").text

    def test_files_that_changed_meanwhile_are_not_written_over(self, screens: Screens) -> None:
        screens.post("/e/dev/ga4/property", **NEW)
        review = screens.ask("GET", f"{screens.base}/review").text
        digest = review.split('name="digest" value="')[1].split('"')[0]
        seed = screens.project / PROPERTIES
        seed.write_bytes(seed.read_bytes() + b"dev,ga4,event,,mine,allow,,,,,Mine,,\n")
        before = screens.files()
        answer = screens.post("/save", digest=digest)
        assert answer.status == 409 and "no longer those that were shown" in answer.text
        assert screens.files() == before
        # The step was made again on what is there now, and the new diff can be saved.
        digest = answer.text.split('name="digest" value="')[1].split('"')[0]
        assert screens.post("/save", digest=digest).status == 200
        assert b",mine," in screens.files()[PROPERTIES]
        assert b",coupon,mask" in screens.files()[PROPERTIES]

    def test_a_step_that_can_no_longer_be_made_is_told(self, screens: Screens) -> None:
        screens.post("/e/dev/ga4/property", **NEW)
        seed = screens.project / PROPERTIES
        seed.write_bytes(seed.read_bytes() + b"dev,ga4,event,,Coupon,allow,,,,,Mine,,\n")
        page = screens.ask("GET", f"{screens.base}/e/dev").text
        assert "this no longer can be done" in page
        assert not screens.has_unsaved()

    def test_faulty_destinations_are_shown_as_invalid(self, screens: Screens) -> None:
        seed = screens.project / DESTINATIONS
        row = "dev,mailchimp,mailchimp,"
        seed.write_text(seed.read_text().replace(f"{row}server_side", f"{row}client_side"))
        overview = screens.ask("GET", f"{screens.base}/e/dev").text
        assert "A build would refuse this configuration" in overview
        assert ">invalid</span>" in overview
        page = screens.ask("GET", f"{screens.base}/e/dev/mailchimp").text
        assert "client-side and restricted" in page

    @pytest.mark.parametrize(
        ("name", "old", "new"),
        [
            (PROPERTIES, "*,ga4,event,,email,mask", "*,ga4,event,,email,hash"),
            ("receives.lock.yml", "email_token: ", "email_tokens: "),
        ],
    )
    def test_what_check_refuses_is_not_valid(
        self, screens: Screens, name: str, old: str, new: str
    ) -> None:
        assert "<td" in (overview := screens.ask("GET", f"{screens.base}/e/dev").text)
        assert "refused</span>" not in overview and ">yes" in overview
        file = screens.project / name
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        overview = screens.ask("GET", f"{screens.base}/e/dev").text
        assert "refused</span>" in overview and ">yes" not in overview
        assert "A build would refuse this configuration" in overview
        page = screens.ask("GET", f"{screens.base}/e/dev/ga4").text
        assert "refused</span>" in page
        assert "not built</span>" in screens.ask("GET", f"{screens.base}/e/dev/google_ads").text

    def test_what_is_stopped_says_since_when_and_why(self, screens: Screens) -> None:
        overview = screens.ask("GET", f"{screens.base}/e/dev").text
        assert "stopped" not in overview
        row = Stop("*", "ga4", "A complaint <b>", "2026-03-01", "dana")
        seed = screens.project / "seeds/stopped_destinations.csv"
        # While the pages are open, as `hipaa-mode stop` in another window does.
        seed.write_text(with_stop(seed.read_text(), row))
        text = "topped since 2026-03-01: A complaint &lt;b&gt;"
        overview = screens.ask("GET", f"{screens.base}/e/dev").text
        assert overview.count(f"s{text}") == 1
        assert "<strong>1</strong> stopped" in overview
        page = screens.ask("GET", f"{screens.base}/e/prod/ga4").text
        assert f"S{text}. Nothing is published to it until" in page
        assert "hipaa-mode stop ga4 --lift" in page
        assert "stopped" not in screens.ask("GET", f"{screens.base}/e/dev/mailchimp").text
        seed.unlink()
        assert text not in screens.ask("GET", f"{screens.base}/e/dev").text

    def test_suggestions_come_from_what_arrives(self, screens: Screens) -> None:
        page = screens.ask("GET", f"{screens.base}/e/dev/ga4").text
        assert "From the 20 raw calls at hand." in page
        assert "e-mail address" in page
        query = urlencode({"list": "event", "property": "work_email", "how": "mask",
                           "coarser": "", "normalize": "email"})  # fmt: skip
        assert query.replace("&", "&amp;") in page
        assert "person1@" not in page and "patient-1" not in page
        filled = screens.ask("GET", f"{screens.base}/e/dev/ga4?{query}").text
        assert 'name="property" value="work_email"' in filled

    @pytest.mark.parametrize(
        ("kind", "by_name", "share", "is_telling"),
        [
            ("email", False, 1.0, True),
            ("email", False, 0.01, False),
            ("phone", True, None, True),
            ("url", True, 0.9, True),
            ("url", True, 0.2, False),
            ("ip", False, 0.25, False),
        ],
    )
    def test_a_form_is_proposed_for_what_most_values_are(
        self, kind: str, by_name: bool, share: float | None, is_telling: bool
    ) -> None:
        found = suggestions.is_telling(kind, by_name, share)
        assert found is is_telling

    def test_names_are_text_and_never_markup(self, screens: Screens) -> None:
        name = "<script>alert(1)</script>"
        screens.post("/e/dev/ga4/property", **{**NEW, "property": name, "reason": name})
        screens.post("/e/dev/ga4/event", event=f'"><img src=x onerror={name}>', scope="this")
        for path in ("/e/dev", "/e/dev/ga4", "/review"):
            page = screens.ask("GET", f"{screens.base}{path}").text
            tags = Tags(page)
            assert tags.tags["script"] == 1 and tags.tags["img"] == 0
            assert tags.inline == []
            assert "&lt;script&gt;" in page

    def test_pages_point_to_nothing_else(self, screens: Screens) -> None:
        for path in ("/e/dev", "/e/dev/ga4", "/e/prod/care_crm", "/review", "/e/dev/project"):
            tags = Tags(screens.ask("GET", f"{screens.base}{path}").text)
            assert tags.addresses
            for address in tags.addresses:
                assert address.startswith((f"{screens.base}/", "#", "data:,")), address

    @pytest.mark.parametrize(
        "path", ["/nothing", "/e/nowhere", "/e/dev/nobody", "/e/dev/ga4/nothing", "/e/..%2f"]
    )
    def test_what_is_not_there_is_told(self, screens: Screens, path: str) -> None:
        answer = screens.ask("GET", f"{screens.base}{path}")
        assert answer.status == 404
        assert "Traceback" not in answer.text


def _lines(content: bytes) -> Counter[str]:
    return Counter(content.decode().splitlines())


def test_the_command_prints_its_link_and_ends(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(REPOSITORY / "seeds", project / "seeds")
    shutil.copy(REPOSITORY / "dbt_project.yml", project)
    command = [sys.executable, "-m", "hipaa_mode.cli", "ui", "--json", "--project", str(project)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")},
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        screens = Screens(project, Ready(told["url"], told["port"], None, None))  # type: ignore[arg-type]
        screens.open()
        assert screens.ask("GET", f"{screens.base}/e/dev").status == 200
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=20)
    # Neither a log of addresses, which hold tokens, nor a traceback.
    assert errors == ""


# In a browser


@dataclass
class Person:
    """Somebody who uses the pages with a browser."""

    driver: WebDriver
    screens: Screens

    def go(self, path: str) -> None:
        self.driver.get(f"{self.screens.origin}{self.screens.base}{path}")

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self) -> str:
        return self.find("body").text

    def wait(self, condition: Callable[[], object], seconds: int = 10) -> None:
        WebDriverWait(self.driver, seconds).until(lambda _: condition())

    def follow(self, element: WebElement) -> None:
        """Click on what leads to another page, and wait for it."""
        page = self.find("html")
        element.click()
        self.wait(lambda: expected.staleness_of(page)(self.driver))
        self.wait(lambda: self.driver.execute_script("return document.readyState") == "complete")

    def press(self, button: str, within: str = "main") -> None:
        """Press a button by its text, as it is shown."""
        for found in self.driver.find_elements(By.CSS_SELECTOR, f"{within} button, {within} a"):
            if found.is_displayed() and found.text.strip().startswith(button):
                self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
                self.follow(found)
                return
        raise AssertionError(f"no button {button}")

    def picture(self, name: str) -> None:
        """Keep a screenshot, where somebody asks for them to look at."""
        if SCREENSHOTS:
            pages.save_screenshot(self.driver, Path(SCREENSHOTS) / f"{name}.png")


@pytest.fixture
def person(chromium: WebDriver, screens: Screens) -> Iterator[Person]:
    """Somebody who followed the link on the terminal."""
    pages.set_viewport(chromium, *pages.DESKTOP)
    pages.requested_addresses(chromium)
    pages.console_errors(chromium)
    chromium.get(screens.ready.url)
    yield Person(chromium, screens)
    # Nothing from elsewhere, and nothing that the policy had to stop.
    for address in pages.requested_addresses(chromium):
        assert address.startswith((screens.origin, "data:")), address
    pages.set_media(chromium)
    pages.set_viewport(chromium, *pages.DESKTOP)


class TestInABrowser:
    def test_a_property_is_added_as_masked_and_saved(self, person: Person) -> None:
        before = person.screens.files()
        assert person.find("h1").text == "Destinations in dev"
        assert "token=" not in person.driver.current_url
        person.follow(person.find("table a[href$='/ga4']"))
        person.find("#add-event > summary").click()
        person.find("#new-event-property").send_keys("coupon")
        person.find("#add-event input[value=mask]").click()
        person.find("#new-event-reason").send_keys("Counts people")
        normalize = person.find("#new-event-normalize")
        assert normalize.is_displayed()
        assert not person.find("#new-event-coarser").is_displayed()
        Select(normalize).select_by_value("lower")
        person.press("Add property")
        assert "1 change is not saved" in person.find(".unsaved").text
        person.press("Review and save", ".unsaved")
        assert person.find("h1").text == "Review changes"
        row = "dev,ga4,event,,coupon,mask,lower,,,,Counts people,,"
        assert f"+{row}" in person.find("pre.diff .added:not(.file)").text
        assert person.screens.files() == before
        person.press("Save these changes")
        assert person.find("h1").text == "Saved"
        after = person.screens.files()
        assert _lines(after[PROPERTIES]) - _lines(before[PROPERTIES]) == Counter([row])
        assert pages.console_errors(person.driver) == []

    def test_restriction_is_not_lifted_without_a_baa(self, person: Person) -> None:
        before = person.screens.files()
        person.go("/e/dev/google_ads")
        person.find("section[aria-labelledby=restriction-title] summary").click()
        person.press("Switch restriction off")
        alert = person.find("[role=alert]")
        assert "restriction is off without a BAA" in alert.text
        assert person.driver.switch_to.active_element == alert
        assert not person.driver.find_elements(By.CSS_SELECTOR, ".unsaved")
        person.picture("refused")
        assert pages.axe_violations(person.driver) == []
        person.find("#baa-reference").send_keys("BAA-2026-009")
        person.press("Switch restriction off")
        assert "open under BAA" in person.text()
        assert "1 change is not saved" in person.find(".unsaved").text
        assert person.screens.files() == before

    def test_the_keyboard_is_enough(self, person: Person) -> None:
        person.go("/e/dev/ga4")
        skip = person.driver.switch_to.active_element
        skip.send_keys(Keys.TAB)
        assert person.driver.switch_to.active_element.text == "Skip to the content"
        person.driver.switch_to.active_element.send_keys(Keys.ENTER)
        summary = person.find("#add-user > summary")
        summary.send_keys(Keys.ENTER)
        chain = person.find("#new-user-property")
        chain.send_keys("member_level", Keys.TAB)
        # Into the group of radio buttons, then to the reason, without a mouse.
        person.driver.switch_to.active_element.send_keys(Keys.SPACE)
        assert person.find("#add-user input[value=mask]").is_selected()
        page = person.find("html")
        person.find("#new-user-reason").send_keys("Three levels", Keys.ENTER)
        person.wait(lambda: expected.staleness_of(page)(person.driver))
        assert "1 change is not saved" in person.find(".unsaved").text
        assert "member_level" in person.find("#list-user").text

    def test_a_suggestion_fills_the_form(self, person: Person) -> None:
        person.go("/e/dev/ga4")
        person.find("#list-event .arrives > summary").click()
        table = person.find("#list-event .arrives table")
        [row] = [r for r in table.find_elements(By.TAG_NAME, "tr") if "work_email" in r.text]
        assert "e-mail address" in row.text and "100 %" in row.text
        person.follow(row.find_element(By.TAG_NAME, "a"))
        assert person.find("#new-event-property").get_attribute("value") == "work_email"
        assert person.find("#add-event input[value=mask]").is_selected()
        assert person.find("#new-event-normalize").get_attribute("value") == "email"
        field = person.find("#new-event-property")
        person.wait(lambda: person.driver.switch_to.active_element == field)

    def test_it_works_without_the_script(self, person: Person) -> None:
        command = "Emulation.setScriptExecutionDisabled"
        person.driver.execute_cdp_cmd(command, {"value": True})
        try:
            person.go("/e/dev/ga4?list=event&property=coupon&how=mask")
            assert person.find("#new-event-coarser").is_displayed()
            person.find("#new-event-reason").send_keys("Counts people")
            person.press("Add property")
            person.press("Review and save", ".unsaved")
            person.press("Save these changes")
            assert person.find("h1").text == "Saved"
        finally:
            person.driver.execute_cdp_cmd(command, {"value": False})
        assert b"dev,ga4,event,,coupon,mask" in person.screens.files()[PROPERTIES]

    def test_a_page_of_another_port_cant_drive_it(self, person: Person, tmp_path: Path) -> None:
        """Cookies go to every port of a host, so the browser alone does not keep it out."""
        before, screens = person.screens.files(), person.screens
        form = "".join(f"<input name={name} value='{value}'>" for name, value in NEW.items())
        page = (
            f"<form method=post action='{screens.origin}{screens.base}/e/dev/ga4/property'>"
            f"<input name=csrf_token value='{screens.token()}'>{form}</form>"
            "<script>document.forms[0].submit()</script>"
        )
        with _other_site(page) as (address, cookies):
            person.driver.get(address)
            person.wait(lambda: "This form came from elsewhere" in person.text())
            person.driver.get(address + "frame")
            framed = person.driver.find_element(By.TAG_NAME, "iframe")
            person.driver.switch_to.frame(framed)
            assert "ga4" not in person.driver.page_source
            person.driver.switch_to.default_content()
            assert not any("hipaa_mode_session" in cookie for cookie in cookies)
        pages.requested_addresses(person.driver)
        assert not screens.has_unsaved() and screens.files() == before

    @pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
    @pytest.mark.parametrize("size", ["desktop", "phone"])
    def test_pages_can_be_read_by_everybody(self, person: Person, size: str, dark: bool) -> None:
        screens = person.screens
        screens.post("/e/dev/ga4/property", **NEW)
        screens.post("/e/dev/mailchimp/deny", list="event", property="plan", scope="this")
        sizes = {"desktop": pages.DESKTOP, "phone": pages.PHONE}
        pages.set_viewport(person.driver, *sizes[size])
        pages.set_media(person.driver, dark=dark)
        paths = {
            "overview": "/e/dev",
            "destination": "/e/dev/ga4",
            "open": "/e/dev/care_crm",
            "project": "/e/prod/project",
            "review": "/review",
            "missing": "/nothing",
        }
        for name, path in paths.items():
            if dark and name not in ("destination", "review"):
                continue
            person.go(path)
            _open_some(person)
            assert pages.axe_violations(person.driver) == [], name
            assert pages.overflow(person.driver) == 0, name
            person.picture(f"{name}-{size}-{'dark' if dark else 'light'}")


def _open_some(person: Person) -> None:
    """Open what is folded, one of each kind."""
    for selector in (
        "#list-event .rows details",
        "#events .rows details",
        "#list-event details.add",
        "#list-event details.arrives",
        "section[aria-labelledby=restriction-title] details",
    ):
        script = "const found = document.querySelector(arguments[0]); if (found) found.open = true"
        person.driver.execute_script(script, selector)


class _other_site:  # noqa: N801
    """Another server on this machine, which notes the cookies that it is sent."""

    def __init__(self, page: str) -> None:
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        cookies: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                cookies.append(self.headers.get("Cookie", ""))
                target = page.split("action='")[1].split("/property")[0]
                shown = f"<iframe src='{target}'></iframe>" if "frame" in self.path else page
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(f"<!doctype html>{shown}".encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._cookies = cookies

    def __enter__(self) -> tuple[str, list[str]]:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}/", self._cookies

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class TestKeptPreviews:
    """A preview is kept as long as nothing that it was made from changed; dbt is left out."""

    @pytest.fixture
    def built(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        built: list[str] = []

        def make(workspace: Workspace, environment: str, destination: str) -> list[Previewed]:
            built.append(destination)
            text = f"Build {len(built)}"
            return [Previewed(text, "{}", Preview("", "nothing is built here", [], []))]

        monkeypatch.setattr(previews, "_make", make)
        return built

    def shown(self, screens: Screens) -> str:
        return screens.ask("GET", f"{screens.base}/e/dev/ga4/preview").text

    def test_a_preview_is_built_once_for_one_state_of_the_project(
        self, screens: Screens, built: list[str]
    ) -> None:
        assert "Build 1" in self.shown(screens)
        assert "Build 1" in self.shown(screens)
        assert "Build 1" in screens.ask("GET", f"{screens.base}/e/dev/ga4").text

    def test_saving_changes_leaves_no_preview_of_before(
        self, screens: Screens, built: list[str]
    ) -> None:
        assert "Build 1" in self.shown(screens)
        screens.post("/e/dev/ga4/property", **NEW)
        assert "Build 2" in self.shown(screens)
        review = screens.ask("GET", f"{screens.base}/review").text
        digest = review.split('name="digest" value="')[1].split('"')[0]
        assert screens.post("/save", digest=digest).status == 200
        # What was saved is what was previewed as a draft.
        assert "Build 2" in screens.ask("GET", f"{screens.base}/e/dev/ga4").text

    @pytest.mark.parametrize(
        "name",
        [
            "seeds/allowed_properties.csv",
            "seeds/small_zip3_areas.csv",
            "seeds/suppressed_users.csv",
            "models/destination_views/ga4/ga4__events.sql",
            "models/of_our_own.sql",
            "macros/of_our_own.sql",
            "dbt_packages/other/macros/other.sql",
            "dbt_project.yml",
            "packages.yml",
            "profiles.yml",
            ".hipaa_mode/masking.key",
        ],
    )
    def test_what_changed_outside_is_built_anew(
        self, screens: Screens, built: list[str], name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
        assert "Build 1" in self.shown(screens)
        file = screens.project / name
        before = file.read_bytes() if file.exists() else b""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(before + b"\n")
        assert "Build 1" not in screens.ask("GET", f"{screens.base}/e/dev/ga4").text
        assert "Build 2" in self.shown(screens)
        file.write_bytes(before)
        # As before, byte for byte: what was built then holds again.
        assert before == b"" or "Build 1" in self.shown(screens)

    def test_a_setting_that_changed_is_built_anew(
        self, screens: Screens, built: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "Build 1" in self.shown(screens)
        monkeypatch.setenv("HIPAA_MODE_MEMORY_LIMIT", "2GB")
        assert "Build 2" in self.shown(screens)

    def test_a_preview_of_a_project_that_changed_meanwhile_is_not_shown(
        self, screens: Screens, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def make(workspace: Workspace, environment: str, destination: str) -> list[Previewed]:
            (screens.project / "macros").mkdir(exist_ok=True)
            (screens.project / "macros/late.sql").write_text("-- late\n")
            return [Previewed("Of two states", "{}", Preview("", "", [], []))]

        monkeypatch.setattr(previews, "_make", make)
        shown = self.shown(screens)
        assert "Of two states" not in shown
        assert "changed meanwhile" in shown
        assert "Of two states" in self.shown(screens)


class TestPreview:
    def test_invented_calls_are_built_under_the_draft(
        self, chromium: WebDriver, new_project: Callable[..., Project], tmp_path: Path
    ) -> None:
        project = new_project(
            "ui",
            [destination("ga4", destination_type="google_analytics_4")],
            [event("ga4", "Visit")],
            [allowed("ga4", "event", "plan")],
            [track("Visit", {"plan": "gold"}, messageId="m-1")],
            {"ga4": ["events"]},
        )
        with serve(project.folder, builds_previews=True) as screens:
            screens.post("/e/dev/ga4/property", **{**NEW, "property": "email"})
            chromium.get(screens.ready.url)
            person = Person(chromium, screens)
            person.go("/e/dev/ga4")
            assert "Building invented calls" in person.find("#preview").text
            started = time.monotonic()
            person.wait(lambda: "An event call" in person.find("#preview").text, seconds=120)
            assert time.monotonic() - started < 120
            rows = {
                row.find_element(By.TAG_NAME, "th").text: row.text
                for row in person.driver.find_elements(By.CSS_SELECTOR, "#preview tbody tr")
            }
            assert "masked" in rows["event email"] and "Ann@Example.org" in rows["event email"]
            assert "not sent" in rows["event ssn"]
            assert pages.axe_violations(chromium) == []
            person.picture("preview")
