"""One way from a request to an answer: read a model of the log, tell it as HTML or as JSON."""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import attrs
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from autopack.errors import AutopackError, InvalidInputError
from autopack.log.log import journal_of
from autopack.values.json_text import json_text
from autopack_web.moments import Asked, Moment, log_at
from autopack_web.templating import rendered

if TYPE_CHECKING:
    from autopack import Log

_MISSING: Final = ("MissingError",)
_WHEN: Final = ("at", "position", "from")
_CALM: Final = 10
"""How many times as long as it takes to read, a page that is open waits to be read anew."""


@attrs.frozen(kw_only=True)
class Page:
    """
    A page.

    Args:
        path: As Starlette's routes name it.
        name: Of the route, and of its template.
        read: Returns what it tells, as an attrs value, of a log that may be one of the past.
    """

    path: str
    name: str
    read: "Callable[[Log, Asked], Any]"

    def endpoint(self) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers a request for it."""

        async def answer(request: Request) -> Response:
            log: Log = request.app.state.log
            return await log.acall(_answered, self, request)

        return answer


def _answered(log: "Log", page: Page, request: Request) -> Response:
    began_s = time.monotonic()
    asked = Asked(parts=request.path_params, query=request.query_params)
    moment = None
    try:
        with journal_of(log).backend.snapshot():  # all of a page is of one moment
            past, moment = log_at(log, asked.at(log.head().position))
            if not (wants_json(request) or asked.is_plain):
                return _redirected(request, moment)
            with journal_of(past).backend.snapshot():  # and opens what is kept of it once
                found = page.read(past, asked)
    except AutopackError as fault:
        return refusal(request, fault, moment=moment)
    if wants_json(request):
        return json_answer({"moment": moment, **attrs.asdict(found, recurse=False)})
    took_s = time.monotonic() - began_s
    return _html(request, page.name, moment=moment, found=found, apart_s=round(_CALM * took_s))


def _redirected(request: Request, moment: Moment) -> Response:
    """Lead to the address that names the position: it says the same tomorrow."""
    at = moment.position if moment.is_past else None
    return RedirectResponse(_address(request, at), 303)


def _address(request: Request, at: int | None) -> str:
    """Return the address of what is asked for as of a position, or now."""
    asked = [pair for pair in request.query_params.multi_items() if pair[0] not in _WHEN]
    query = urlencode([*asked, *([] if at is None else [("at", str(at))])])
    return quote(request.scope["path"]) + (f"?{query}" if query else "")


def wants_json(request: Request) -> bool:
    """Tell whether a program asks."""
    if request.query_params.get("format") == "json":
        return True
    return request.headers.get("accept", "").partition(";")[0].strip() == "application/json"


def refusal(
    request: Request,
    fault: AutopackError,
    status: int | None = None,
    *,
    moment: Moment | None = None,
) -> Response:
    """
    Return why something is not done, by its kind of error or with a status of its own.

    Args:
        moment: As of when, so that who asks may go on through time from there.
    """
    if status is None:
        status = 404 if type(fault).__name__.endswith(_MISSING) else 400
    if wants_json(request):
        return json_answer({"error": type(fault).__name__, "message": str(fault)}, status)
    return _html(request, "refused", status, fault=fault, moment=moment, apart_s=_CALM)


async def no_page(request: Request, _fault: Exception) -> Response:
    """Return that a path is none of ours."""
    what = f"There is no page at {request.url.path}."
    return refusal(request, InvalidInputError(what, name="path", value=request.url.path), 404)


def json_answer(value: Any, status: int = 200) -> Response:
    """Return a value as JSON."""
    return Response(json_text(value), status, media_type="application/json")


def _html(
    request: Request, template: str, status: int = 200, *, moment: Moment | None, **given: Any
) -> Response:
    state = request.app.state
    given.update(request=request, here=quote(request.scope["path"]), writes=state.allow_writes)
    given["now_href"] = _address(request, None)
    text = rendered(template, moment=moment, **given)
    return Response(text, status, media_type="text/html")
