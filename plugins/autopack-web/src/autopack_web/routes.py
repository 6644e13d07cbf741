"""Every page, by its path."""

from typing import Final

from starlette.routing import Route

from autopack_web.answers import Page
from autopack_web.live import stream
from autopack_web.pages import (
    calibration,
    comparison,
    events,
    failures,
    overview,
    phase,
    run,
    runs,
    usage,
)

PAGES: Final = (
    Page(path="/", name="overview", read=overview.read),
    Page(path="/runs", name="runs", read=runs.read),
    Page(path="/run/{run}", name="run", read=run.read),
    Page(path="/phase/{run}/{phase:path}", name="phase", read=phase.read),
    Page(path="/failures", name="failures", read=failures.read),
    Page(path="/usage", name="usage", read=usage.read),
    Page(path="/calibration", name="calibration", read=calibration.read),
    Page(path="/compare", name="compare", read=comparison.read),
    Page(path="/log", name="log", read=events.read),
)


def page_routes() -> list[Route]:
    """Return the routes of the pages, and of the stream that tells them of news: all only read."""
    pages = [Route(page.path, page.endpoint(), name=page.name, methods=["GET"]) for page in PAGES]
    return [*pages, Route("/events", stream, name="events", methods=["GET"])]
