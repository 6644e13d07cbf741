"""Open pages are told of news, within bounds."""

import asyncio

import autopack
from autopack_web import live
from autopack_web.live import News


def test_a_page_is_told_of_what_is_appended(log):
    """The position of the last event, once something came; nothing before."""

    async def told():
        news = News(log)
        lines = live._told(news, log.head().position, 0.0)
        first = [await anext(lines)]
        reading = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0.2)
        is_quiet = not reading.done()
        await log.acall(autopack.pause_run, "second", why="news")
        first.append(await asyncio.wait_for(reading, 10))
        await lines.aclose()
        return is_quiet, first, news.listeners

    is_quiet, lines, listeners = asyncio.run(told())

    position = log.head().position
    assert (is_quiet, listeners) == (True, 0)
    assert lines == ["retry: 2000\n\n", f"event: news\nid: {position}\ndata: {position}\n\n"]


def test_a_page_that_comes_back_hears_what_it_missed(log):
    """Its browser tells the last event that it heard of."""

    async def told():
        lines = live._told(News(log), 3, 0.0)
        await anext(lines)
        found = await asyncio.wait_for(anext(lines), 10)
        await lines.aclose()
        return found

    assert f"id: {log.head().position}" in asyncio.run(told())


def test_too_many_pages_are_asked_to_wait(client):
    """The one too many is refused, with when to come back."""
    client.app.state.news.listeners = live._STREAMS_MOST

    refused = client.get("/events")

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
