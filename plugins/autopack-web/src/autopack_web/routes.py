"""Every page, by its path."""

from typing import Final

from starlette.routing import Route

from autopack_web.answers import Page
from autopack_web.pages import overview

PAGES: Final = (Page(path="/", name="overview", read=overview.read),)


def page_routes() -> list[Route]:
    """Return the routes of the pages, which only read."""
    return [Route(page.path, page.endpoint(), name=page.name, methods=["GET"]) for page in PAGES]
