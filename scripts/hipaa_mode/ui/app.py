"""The pages: what they show, and what becomes of their forms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
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
from hipaa_mode.ui.draft import Draft, Step
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
_ARGUMENTS = {
    kind.name: kind.default_argument for kind in TREATMENTS.values() if kind.default_argument
}

Form = Mapping[str, str]
Handler = Callable[[Request, Form], Response]


@dataclass(frozen=True)
class Fields:
    """What a form about a property starts with."""

    list: str
    property: str = ""
    event: str = ""
    how: str = ""
    coarser: str = ""
    argument: str = ""
    normalize: str = ""
    data_type: str = ""
    guard: str = ""
    mask_scope: str = ""
    column_name: str = ""
    reason: str = ""
    approved_by: str = ""
    expires_on: str = ""
    scope: str = "this"


class Pages:
    """Everything that is shown and done, for one project."""

    def __init__(self, layout: Layout, secrets: Secrets, builds_previews: bool) -> None:
        self._builds_previews = builds_previews
        self._secrets = secrets
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
            screens=screens,
            property_counts=property_counts,
            lists=LISTS,
            hints=HINTS,
            any=ANY,
            latest_views=LATEST_VIEWS,
            coarser={name: TREATMENTS[name].meaning for name in forms.COARSER},
            arguments=_ARGUMENTS,
            normalizations=NORMALIZATIONS,
            data_types=list(dict.fromkeys(DATA_TYPES.values())),
            guards=GUARDS,
            mask_scopes=MASK_SCOPES[1:],
            fields=Fields,
            fields_of=self._fields_of,
            page_of=self._page_of,
        )

    def routes(self) -> list[Route | Mount]:
        """Return the addresses of the pages, below the session's path."""
        base, page = self._secrets.base, "/e/{environment}/{name}"
        shown = {
            "/": self._start,
            "/e/{environment}": self._overview,
            page: self._destination,
            page + "/preview": self._preview,
            "/review": self._review,
        }
        done: dict[str, Handler] = {
            page + "/property": self._steps(forms.property_step),
            page + "/deny": self._steps(forms.deny_step),
            page + "/event": self._steps(forms.event_step),
            page + "/event/deny": self._steps(forms.deny_event_step),
            page + "/restriction": self._steps(forms.restriction_step),
            page + "/consent": self._steps(forms.consent_step),
            "/undo": self._undo,
            "/discard": self._discard,
            "/save": self._save,
        }
        return [
            Mount(f"{base}/static", StaticFiles(directory=FOLDER / "static")),
            *(Route(base + at, _endpoint(get), methods=["GET"]) for at, get in shown.items()),
            *(Route(base + at, _endpoint(post), methods=["POST"]) for at, post in done.items()),
        ]

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

    def _destination(self, request: Request, form: Form) -> Response:
        environment, screen = self._environment(request), self._screen(request)
        query = request.query_params
        return self._show_destination(environment, screen, _fields(query), query.get("preview"))

    def _show_destination(
        self,
        environment: str,
        screen: DestinationScreen,
        filled: Fields | None = None,
        wants_preview: str | None = None,
        refusal: list[str] | None = None,
        form: Form | None = None,
        status: int = 200,
    ) -> Response:
        arrivals = self._arrivals.read(environment)
        suggestions = {
            name: arrivals.of_list(name, [listed.path for listed in screen.lists.get(name, ())])
            for name in LISTS
        }
        previews, failure = self._known_previews(environment, screen), ""
        if wants_preview and previews is None:
            previews, failure = self._previewed(environment, screen)
        return self._page(
            "destination.html.j2",
            status,
            title=f"{screen.name if screen.name != ANY else 'Project allowlist'} in {environment}",
            environment=environment,
            screen=screen,
            filled=filled,
            suggestions=suggestions,
            arrivals_note=arrivals.note,
            previews=previews,
            preview_failure=failure,
            builds_previews=self._builds_previews,
            can_preview=screen.name != ANY
            and environment != ANY
            and screen.mode != screens.INVALID,
            can_restrict=screen.connection_mode == SERVER_SIDE,
            refusal=refusal or [],
            posted=form or {},
        )

    def _preview(self, request: Request, form: Form) -> Response:
        """Show the preview alone, for the script that puts it into its page."""
        environment, screen = self._environment(request), self._screen(request)
        previews, failure = self._previewed(environment, screen)
        template = self._templates.get_template("preview.html.j2")
        return HTMLResponse(template.render(previews=previews, preview_failure=failure))

    def _known_previews(
        self, environment: str, screen: DestinationScreen
    ) -> list[Previewed] | None:
        with self._draft.locked():
            return self._previews.known(self._draft.workspace, environment, screen.name)

    def _previewed(
        self, environment: str, screen: DestinationScreen
    ) -> tuple[list[Previewed] | None, str]:
        with self._draft.locked():
            workspace = self._draft.workspace.copy()
        try:
            return self._previews.make(workspace, environment, screen.name), ""
        except HipaaModeError as error:
            return None, str(error)

    def _review(self, request: Request, form: Form) -> Response:
        return self._show_review()

    def _show_review(self, refusal: list[str] | None = None, status: int = 200) -> Response:
        workspace = self._draft.workspace
        known = {str(warning) for warning in workspace.unchanged().warnings()}
        return self._page(
            "review.html.j2",
            status,
            title="Review changes",
            environment="",
            differences=self._draft.differences(),
            effects=self._draft.effects(),
            warnings=[str(item) for item in workspace.warnings() if str(item) not in known],
            notes=workspace.agreement().notes if workspace.changes() else (),
            digest=self._draft.digest(),
            refusal=refusal or [],
        )

    # Forms

    def _steps(self, make: Callable[[str, str, Form], Step]) -> Handler:
        """Return what takes a form of a destination's page into the draft."""

        def handle(request: Request, form: Form) -> Response:
            environment = self._environment(request)
            screen = self._screen(request)
            try:
                step = make(environment, screen.name, form)
                if not self._draft.make(step):
                    self._draft.tell("Nothing to change: the configuration says this already.")
            except HipaaModeError as error:
                return self._show_destination(
                    environment, screen, _fields(form), refusal=_refusal(error), form=form,
                    status=422,
                )  # fmt: skip
            place = f"#list-{form['list']}" if form.get("list") in LISTS else ""
            place = "#events" if "event" in form and "list" not in form else place
            of = f"/e/{quote(environment, safe='')}/{quote(self._page_of(screen.name))}"
            return self._to(of + place)

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
            return self._show_review(_refusal(error), 409)
        return self._page("saved.html.j2", title="Saved", environment="", written=written)

    # What pages are made of

    def _page(self, name: str, status: int = 200, **content: Any) -> HTMLResponse:
        with self._draft.locked():
            workspace = self._draft.workspace
            environments = workspace.environments()
            content |= {
                "environments": environments,
                "is_review": name == "review.html.j2",
                "steps": [step.text for step in self._draft.steps],
                "messages": self._draft.messages(),
                "faults": [str(fault) for fault in workspace.all_refusals()],
            }
        return HTMLResponse(self._templates.get_template(name).render(**content), status)

    def _to(self, path: str) -> Response:
        return RedirectResponse(self._secrets.base + path, status_code=303)

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
            if self._page_of(screen.name) == name:
                return screen
        raise HTTPException(404)

    def _page_of(self, name: str) -> str:
        """Return how the address of a destination's page ends."""
        if name == ANY:
            return PROJECT
        return f"d-{name}" if name == PROJECT else name

    def _fields_of(self, listed: ListedProperty) -> Fields:
        """Fill a form with what a row says, as the seed writes it."""
        cells: Mapping[str, str] = {}
        if listed.line:
            cells = self._draft.workspace.seed("allowed_properties").rows.get(listed.line, {})
        name, _, argument = listed.treatment.partition("(")
        is_plain = name in ("allow", "mask", "surrogate")
        return Fields(
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
            **{
                column: cells.get(column, "").strip()
                for column in ("normalize", "data_type", "guard", "mask_scope", "column_name")
            },
        )


def _fields(query: Mapping[str, str]) -> Fields | None:
    """Fill the form for a new property with what a link or a refused form says."""
    if query.get("list") not in LISTS:
        return None
    names = Fields.__dataclass_fields__
    return Fields(**{name: value for name, value in query.items() if name in names})


def _refusal(error: HipaaModeError) -> list[str]:
    if isinstance(error, EditRefusedError):
        return [f"{fault.problem}. {fault.remedy}." for fault in error.faults]
    return [str(error)]


def _endpoint(handle: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Read a request's form, and answer in a thread: pages read and write files."""

    async def endpoint(request: Request) -> Response:
        form = forms.read_form(await request.body()) if request.method == "POST" else {}
        return await run_in_threadpool(handle, request, form)

    return endpoint


def make_app(layout: Layout, secrets: Secrets, port: int, builds_previews: bool) -> Guard:
    """Make the application for a project, behind its guard.

    Args:
        builds_previews: whether pages have previews built by themselves, not when asked to.
    """
    pages = Pages(layout, secrets, builds_previews)

    def failed(request: Request, error: Exception) -> Response:
        """Say what went wrong without a traceback: it could quote a configuration's values."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        text = str(error) if isinstance(error, HipaaModeError) else ""
        status = 422 if text else status
        text = text or ("There is no such page." if status == 404 else "Something went wrong.")
        template = pages._templates.get_template("failed.html.j2")
        return HTMLResponse(template.render(title="Not done", text=text), status)

    handlers: dict[Any, Any] = {HTTPException: failed, HipaaModeError: failed, Exception: failed}
    app = Starlette(routes=pages.routes(), exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Guard(app, secrets, port)
