"""The pages and their addresses."""

from __future__ import annotations

import secrets
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from batchtab.aws import answers
from batchtab.aws.run_lookup import RunLookup
from batchtab.cli.exits import NOT_FOUND
from batchtab.cli.jobs import why
from batchtab.cli.web import actions, money, views
from batchtab.cli.web.actions import Done, alerts_path, job_path, run_path
from batchtab.cli.web.guard import Guard, Keys, form
from batchtab.cli.web.logs import Following
from batchtab.cli.web.place import Place
from batchtab.cli.web.troubles import troubles
from batchtab.errors import UsageError, printable

_HERE = Path(__file__).parent
_SAID_MAX = 50
_WEEK_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
Action = Callable[..., Done]


class Pages:
    """Shows a stage.

    Args:
        place: The stage.
        keys: Who may see it.
        report: Called with what is wrong with Batchtab itself, for the terminal.
    """

    def __init__(self, place: Place, keys: Keys, report: Callable[[str], None]) -> None:
        self._place, self._keys, self._report = place, keys, report
        self._following = Following()
        self._said: OrderedDict[str, Done] = OrderedDict()
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"masked": why.masked, "job_path": job_path, "run_path": run_path}

    def app(self) -> Starlette:
        """The application."""
        shown, done = self._shown, self._done
        return Starlette(
            routes=[
                Route("/", shown("jobs.html", self._jobs)),
                Route("/now", shown("now.html", self._now)),
                Route("/history", shown("history.html", self._history)),
                Route("/calendar", shown("calendar.html", self._calendar)),
                Route("/calendar/week", self._safely(self._week)),
                Route("/alerts", shown("alerts.html", self._alerts)),
                Route("/alerts/redrive", done(actions.redrive, alerts_path), methods=["POST"]),
                Route("/cost", shown("cost.html", self._cost)),
                Route("/slack", shown("slack.html", self._slack)),
                Route("/jobs/{name}", shown("job.html", self._job)),
                Route("/jobs/{name}/run", done(actions.start, job_path), methods=["POST"]),
                Route("/jobs/{name}/pause", done(actions.pause, job_path), methods=["POST"]),
                Route("/jobs/{name}/resume", done(actions.resume, job_path), methods=["POST"]),
                Route("/runs/{name}", shown("run.html", self._run)),
                Route("/runs/{name}/log", self._follow),
                Route("/runs/{name}/stop", done(actions.stop_run, run_path), methods=["POST"]),
                Route("/runs/{name}/retry", done(actions.retry_run, run_path), methods=["POST"]),
                Mount("/static", StaticFiles(directory=_HERE / "static")),
                Route("/{path:path}", self._safely(self._nothing)),
            ],
            middleware=[Middleware(Guard, keys=self._keys)],
        )

    # --- pages

    def _jobs(self, request: Request) -> views.Shown:
        session, aws = self._place.session(), self._place.aws()
        return views.all_of_stage(session, aws, views.utc_now(), request.query_params.get("q", "").strip())

    def _now(self, _: Request) -> views.Shown:
        return views.now_of_stage(self._place.session(), self._place.aws(), views.utc_now())

    def _history(self, request: Request) -> views.Shown:
        name = request.query_params.get("job", "")
        return views.past(self._place.session(), self._place.aws(), views.utc_now(), name)

    def _job(self, request: Request) -> views.Shown:
        return views.one_job(self._place.session(), self._place.aws(), request.path_params["name"])

    def _run(self, request: Request) -> views.Shown:
        return views.one_run(self._place.session(), self._place.aws(), views.utc_now(), request.path_params["name"])

    def _calendar(self, request: Request) -> views.Shown:
        return views.calendar(self._place.session(), views.utc_now(), request.query_params.get("from", ""))

    def _week(self, request: Request) -> Response:
        page = views.week_page(self._place.session(), views.utc_now(), request.query_params.get("from", ""))
        return HTMLResponse(page, headers={"Content-Security-Policy": _WEEK_POLICY})

    def _alerts(self, _: Request) -> views.Shown:
        return troubles(self._place.session(), self._place.aws())

    def _cost(self, request: Request) -> views.Shown:
        session, asked = self._place.session(), request.query_params
        if "since" not in asked:  # it may take a while: the page is there first, and asks for the rest
            return money.form(session)
        name, has_memory = asked.get("job", ""), "memory" in asked
        aws, now = self._place.aws(), views.utc_now()
        return money.reckoned(session, aws, now, name, asked["since"], has_memory=has_memory)

    def _slack(self, _: Request) -> views.Shown:
        return views.slack_messages(self._place.session())

    def _nothing(self, request: Request) -> Response:
        return self._problem(f"batchtab: there is no page {request.url.path}", 404)

    async def _follow(self, request: Request) -> Response:
        """A job's log as events."""

        def found() -> Response:
            try:
                session, aws = self._place.session(), self._place.aws()
                job_id = RunLookup(session.catalog, aws, "logs").run(request.path_params["name"]).job_id
            except Exception as error:
                return PlainTextResponse(self._words(error), 502)
            return StreamingResponse(self._following.events(session, aws, job_id), media_type="text/event-stream")

        return await run_in_threadpool(found)

    # --- the way there and back

    def _shown(self, template: str, view: Callable[[Request], views.Shown]) -> Callable[[Request], Response]:
        """A page out of a template."""
        return self._safely(lambda request: self._rendered(template, view(request), request))

    def _done(self, action: Action, path: Callable[[str], str]) -> Callable[[Request], Any]:
        """What a button does, and then the page that shows it."""

        def act(name: str, fields: Mapping[str, str]) -> Done:
            try:
                return action(self._place.session(), self._place.aws(), name, fields)
            except Exception as error:
                return Done((self._words(error),), path(name), is_ok=False)

        async def endpoint(request: Request) -> Response:
            fields = await form(request, self._keys)
            if fields is None:
                return PlainTextResponse("The form is not of this page, or of an older one: reload the page.\n", 403)
            done = await run_in_threadpool(act, request.path_params.get("name", ""), fields)
            return RedirectResponse(f"{done.path}?{urlencode({'said': self._keep(done)})}", 303)

        return endpoint

    def _keep(self, done: Done) -> str:
        """What an action said, for the page that comes next; only the last ones are kept."""
        number = secrets.token_urlsafe(8)
        self._said[number] = done
        while len(self._said) > _SAID_MAX:
            self._said.popitem(last=False)
        return number

    def _safely(self, view: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """A view whose errors are one line on a page."""

        def endpoint(request: Request) -> Response:
            try:
                return view(request)
            except Exception as error:
                return self._problem(self._words(error), _status(error), request)

        return endpoint

    def _words(self, error: Exception) -> str:
        """An error in one line; what is none of the user's is reported, too."""
        known = error if isinstance(error, UsageError) else answers.answer(error)
        if known is not None:
            return str(known)
        self._report("".join(traceback.format_exception(error)))
        return f"batchtab: this is a fault of Batchtab: {type(error).__name__}: {printable(str(error))[:300]}"

    def _problem(self, text: str, status: int, request: Request | None = None) -> Response:
        return self._rendered("problem.html", {"problem": text}, request, status)

    def _rendered(self, template: str, shown: views.Shown, request: Request | None, status: int = 200) -> Response:
        try:
            stage = self._place.session().catalog.stage
            about = {"stage": stage.name, "is_local": stage.is_local, "where": f"{stage.region}, {stage.account_id}"}
        except UsageError:  # the files have faults meanwhile, which is what the page says
            about = {"stage": "", "is_local": False, "where": ""}
        said = self._said.get(request.query_params.get("said", "")) if request else None
        page = {**about, "csrf": self._keys.csrf, "said": said, "here": request.url.path if request else "", **shown}
        return HTMLResponse(self._templates.get_template(template).render(page), status)


def _status(error: Exception) -> int:
    if isinstance(error, UsageError):
        return 404 if error.exit_code == NOT_FOUND else 400
    return 502 if answers.answer(error) else 500
