"""The pages: what they show, and what becomes of their forms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hipaa_mode import __version__, property_counts
from hipaa_mode.configuration import (
    ANY,
    ENVELOPE,
    LATEST_VIEWS,
    MASK_SCOPES,
    SERVER_SIDE,
)
from hipaa_mode.display import printable
from hipaa_mode.editing import screens
from hipaa_mode.editing.layout import Layout
from hipaa_mode.editing.screens import (
    LISTS,
    DestinationScreen,
    ListedProperty,
    destination_screens,
    project_screen,
)
from hipaa_mode.editing.workspace import EditRefusedError
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.treatments import DATA_TYPES, GUARDS, NORMALIZATIONS, TREATMENTS
from hipaa_mode.ui import forms
from hipaa_mode.ui.draft import Draft
from hipaa_mode.ui.forms import Form
from hipaa_mode.ui.previews import Previewed, Previews
from hipaa_mode.ui.security import Guard, Secrets
from hipaa_mode.ui.suggestions import ArrivalsReader

FOLDER = Path(__file__).parent
PROJECT = "project"
"""Name of the page of the project allowlist; no destination can be called so in an address."""

HINTS = {
    "event": "Of track, page and screen calls.",
    "user": "Traits of identify calls.",
    "group": "Traits of group calls.",
    "context": "Of any call: page, campaign, device, locale.",
    ENVELOPE: "Masked unless a row says otherwise.",
}
WAYS = (
    ("mask", "Masked", "a token: tells the same value again, not what it is"),
    ("surrogate", "Masked by a random code", "from a crosswalk, not made from the value"),
    ("coarser", "Coarser", "as a year, an area, a domain"),
    ("allow", "As it is", "the value itself"),
)
"""How a property can be sent: the form's value, and what it is called."""

FIELDS = ("list", "property", "event", "how", "coarser", "argument", *forms.CELLS)

Handler = Callable[[Request, Form], Response]
Refused = tuple[HipaaModeError, Form]
"""Why a form was refused, and what it said."""


def _fields(**given: str) -> dict[str, str]:
    """Return what a form about a property starts with."""
    return {**dict.fromkeys(FIELDS, ""), "scope": "this", **given}


def _choices(blank: str, names: Iterable[str]) -> dict[str, str]:
    return {"": blank, **{name: name for name in names}}


class Pages:
    """Everything that is shown and done, for one project."""

    def __init__(self, layout: Layout, secrets: Secrets, builds_previews: bool) -> None:
        self._base = secrets.base
        self._draft = Draft(layout)
        self._arrivals = ArrivalsReader(layout.root)
        self._previews = Previews()
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["shown"] = printable
        self._templates.globals.update(
            base=secrets.base,
            csrf_token=secrets.form,
            version=__version__,
            project=layout.name,
            builds_previews=builds_previews,
            screens=screens,
            property_counts=property_counts,
            lists=LISTS,
            hints=HINTS,
            ways=WAYS,
            any=ANY,
            latest_views=LATEST_VIEWS,
            coarser={name: f"{name}: {TREATMENTS[name].meaning}" for name in forms.COARSER},
            arguments={kind.name: kind.default_argument for kind in TREATMENTS.values()},
            normalizations=_choices("as it came", NORMALIZATIONS),
            data_types=_choices("usual", DATA_TYPES.values()),
            guards=_choices("usual: block", GUARDS),
            mask_scopes=_choices("as the destination says", MASK_SCOPES[1:]),
            fields=_fields,
            fields_of=self._fields_of,
            page_of=_page_of,
        )

    def app(self) -> Starlette:
        """Return the application, with the addresses of the pages below the session's path."""
        page = "/e/{environment}/{name}"
        shown: dict[str, Handler] = {
            "/": self._start,
            "/e/{environment}": self._overview,
            page: self._destination,
            page + "/preview": self._preview,
            "/review": self._review,
        }
        done: dict[str, Handler] = {
            **{page + at: self._steps(step) for at, step in forms.STEPS.items()},
            "/undo": self._undo,
            "/discard": self._discard,
            "/save": self._save,
        }
        routes = [
            Mount(f"{self._base}/static", StaticFiles(directory=FOLDER / "static")),
            *(
                Route(self._base + at, _endpoint(get), methods=["GET"])
                for at, get in shown.items()
            ),
            *(Route(self._base + at, _endpoint(do), methods=["POST"]) for at, do in done.items()),
        ]
        handlers: dict[Any, Any] = dict.fromkeys(
            (HTTPException, HipaaModeError, Exception), self._failed
        )
        app = Starlette(routes=routes, exception_handlers=handlers)
        app.router.redirect_slashes = False
        return app

    # Pages

    def _start(self, request: Request, form: Form) -> Response:
        environments = self._draft.workspace.environments()
        return self._to(f"/e/{quote((environments or ['dev'])[0], safe='')}")

    def _overview(self, request: Request, form: Form) -> Response:
        environment = self._environment(request)
        shown = destination_screens(self._draft.workspace, [environment])
        return self._page(
            "overview.html.j2", environment=environment, title=f"Destinations in {environment}",
            destinations=shown,
        )  # fmt: skip

    def _destination(
        self, request: Request, form: Form, refused: Refused | None = None
    ) -> Response:
        environment, screen = self._environment(request), self._screen(request)
        name = screen.name
        error, posted = refused or (None, {})
        query = posted if refused else request.query_params
        filled = {field: text for field, text in query.items() if field in (*FIELDS, "scope")}
        with self._draft.lock:
            previews = self._previews.known(self._draft.workspace, environment, name)
        failure = ""
        if previews is None and not refused and query.get("preview"):
            previews, failure = self._previewed(environment, name)
        return self._page(
            "destination.html.j2",
            422 if refused else 200,
            title=f"{name if name != ANY else 'Project allowlist'} in {environment}",
            environment=environment,
            screen=screen,
            filled=_fields(**filled) if filled.get("list") in LISTS else None,
            arrivals=self._arrivals.read(environment),
            previews=previews,
            preview_failure=failure,
            can_preview=ANY not in (name, environment) and screen.mode != screens.INVALID,
            can_restrict=screen.connection_mode == SERVER_SIDE,
            refusal=_refusal(error),
            posted=posted,
        )

    def _preview(self, request: Request, form: Form) -> Response:
        """Show the preview alone, for the script that puts it into its page."""
        name = self._screen(request).name
        previews, failure = self._previewed(self._environment(request), name)
        template = self._templates.get_template("preview.html.j2")
        return HTMLResponse(template.render(previews=previews, preview_failure=failure))

    def _previewed(self, environment: str, name: str) -> tuple[list[Previewed] | None, str]:
        with self._draft.lock:
            workspace = self._draft.workspace.copy()
        try:
            return self._previews.make(workspace, environment, name), ""
        except HipaaModeError as error:
            return None, str(error)

    def _review(
        self, request: Request, form: Form, refused: HipaaModeError | None = None
    ) -> Response:
        workspace = self._draft.workspace
        known = {str(warning) for warning in workspace.unchanged().warnings()}
        warnings = [str(item) for item in workspace.warnings() if str(item) not in known]
        return self._page(
            "review.html.j2",
            409 if refused else 200,
            title="Review changes",
            differences=self._draft.differences(),
            effects=self._draft.effects(),
            warnings=[*warnings, *(workspace.agreement().notes if workspace.changes() else ())],
            digest=self._draft.digest(),
            refusal=_refusal(refused),
        )

    def _failed(self, request: Request, error: Exception) -> Response:
        """Say what went wrong without a traceback: it could quote a configuration's values."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        text = "There is no such page." if status == 404 else "Something went wrong."
        if isinstance(error, HipaaModeError):
            text, status = str(error), 422
        template = self._templates.get_template("failed.html.j2")
        empty = dict.fromkeys(("environments", "steps", "messages", "faults"), ())
        page = template.render(
            **empty, environment="", is_review=True, title="Not done", text=text
        )
        return HTMLResponse(page, status)

    # Forms

    def _steps(self, make: forms.StepOf) -> Handler:
        """Return what takes a form of a destination's page into the draft."""

        def handle(request: Request, form: Form) -> Response:
            environment, name = self._environment(request), self._screen(request).name
            try:
                if not self._draft.make(make(environment, name, form)):
                    self._draft.tell("Nothing to change: the configuration says this already.")
            except HipaaModeError as error:
                return self._destination(request, form, (error, form))
            place = "#events" if "event" in form and "list" not in form else ""
            if form.get("list") in LISTS:
                place = f"#list-{form['list']}"
            return self._to(f"/e/{quote(environment, safe='')}/{quote(_page_of(name))}{place}")

        return handle

    def _undo(self, request: Request, form: Form) -> Response:
        if form.get("step", "").isdigit():
            self._draft.undo(int(form["step"]))
        return self._to("/review")

    def _discard(self, request: Request, form: Form) -> Response:
        self._draft.discard()
        self._draft.tell("All changes were discarded. The files are as they were.")
        return self._to("/")

    def _save(self, request: Request, form: Form) -> Response:
        try:
            written = self._draft.save(form.get("digest", ""))
        except HipaaModeError as error:
            return self._review(request, form, error)
        return self._page("saved.html.j2", title="Saved", written=written)

    # What pages are made of

    def _page(self, name: str, status: int = 200, **content: Any) -> HTMLResponse:
        with self._draft.lock:
            workspace = self._draft.workspace
            content = {
                "environment": "",
                "environments": workspace.environments(),
                "is_review": name == "review.html.j2",
                "steps": [step.text for step in self._draft.steps],
                "messages": self._draft.messages(),
                "faults": [str(fault) for fault in workspace.all_refusals()],
                **content,
            }
        return HTMLResponse(self._templates.get_template(name).render(**content), status)

    def _to(self, path: str) -> Response:
        return RedirectResponse(self._base + path, status_code=303)

    def _environment(self, request: Request) -> str:
        environment: str = request.path_params["environment"]
        if environment not in self._draft.workspace.environments():
            raise HTTPException(404)
        return environment

    def _screen(self, request: Request) -> DestinationScreen:
        environment, name = request.path_params["environment"], request.path_params["name"]
        if name == PROJECT:
            return project_screen(self._draft.workspace, environment)
        for screen in destination_screens(self._draft.workspace, [environment]):
            if _page_of(screen.name) == name:
                return screen
        raise HTTPException(404)

    def _fields_of(self, listed: ListedProperty) -> dict[str, str]:
        """Fill a form with what a row says, as the seed writes it."""
        rows = self._draft.workspace.seed("allowed_properties").rows
        cells = rows.get(listed.line, {}) if listed.line else {}
        name, _, argument = listed.treatment.partition("(")
        is_plain = name in ("allow", "mask", "surrogate")
        return _fields(
            **{column: cells.get(column, "").strip() for column in forms.FORM_CELLS},
            list=listed.property_list,
            property=listed.path,
            event=listed.event,
            how=name if is_plain else ("" if name == "deny" else "coarser"),
            coarser="" if is_plain or name == "deny" else name,
            argument=argument.rstrip(")"),
            reason=listed.reason,
            approved_by=listed.approved_by,
            expires_on=listed.expires_on,
            scope="all" if listed.environment == ANY else "this",
        )


def _page_of(name: str) -> str:
    """Return how the address of a destination's page ends."""
    if name == ANY:
        return PROJECT
    return f"d-{name}" if name == PROJECT else name


def _refusal(error: HipaaModeError | None) -> list[str]:
    if isinstance(error, EditRefusedError):
        return [f"{fault.problem}. {fault.remedy}." for fault in error.faults]
    return [] if error is None else [str(error)]


def _endpoint(handle: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Answer in a thread: pages read and write files."""

    async def endpoint(request: Request) -> Response:
        form = request.state.form if request.method == "POST" else {}
        return await run_in_threadpool(handle, request, form)

    return endpoint


def make_app(layout: Layout, secrets: Secrets, port: int, builds_previews: bool) -> Guard:
    """Make the application for a project, behind its guard.

    Pages have previews built by themselves, or only when asked to.
    """
    return Guard(Pages(layout, secrets, builds_previews).app(), secrets, port)
