"""The app: one log, its pages, and what is told before and after each answer."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from autopack_web.actions import action_routes
from autopack_web.answers import no_page
from autopack_web.live import News
from autopack_web.routes import page_routes
from autopack_web.security import LOOPBACK, middleware

if TYPE_CHECKING:
    from autopack import Log

STATIC: Final = Path(__file__).parent / "static"


def create_app(
    log: "Log",
    *,
    allow_writes: bool = False,
    token: str | None = None,
    hosts: Collection[str] = LOOPBACK,
) -> Starlette:
    """
    Return the pages of a log as an ASGI app; the log is closed by who opened it.

    Args:
        allow_writes: Whether what is asked for in a page is carried out.
        token: What a request that writes must bring; None where nothing is written.
        hosts: By which names it may be asked, without a port; no others are answered.
    """
    app = Starlette(
        routes=[
            *page_routes(),
            *action_routes(),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
        ],
        middleware=middleware(hosts),
        exception_handlers={404: no_page},
    )
    app.state.log = log
    app.state.news = News(log)
    app.state.allow_writes = allow_writes
    app.state.token = token
    return app
