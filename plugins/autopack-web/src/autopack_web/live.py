"""News as they are recorded, told to open pages: server-sent events, bounded in number and time."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from autopack import Log

_STREAMS_MOST: Final = 50
_LASTS_S: Final = 600.0
_PULSE_S: Final = 15.0
_APART_LEAST_S: Final = 0.7


class News:
    """Follows a log for as long as some page listens, and tells all of them how far it is."""

    def __init__(self, log: "Log") -> None:
        self._log = log
        self._changed = asyncio.Condition()
        self._following: asyncio.Task[None] | None = None
        self.position = 0
        self.listeners = 0
        self.is_over = False

    async def after(self, position: int, within_s: float) -> int:
        """Return how far the log is once that is beyond a position; or by then, if it is not."""
        async with self._changed:
            try:
                async with asyncio.timeout(within_s):
                    await self._changed.wait_for(lambda: self.is_over or self.position > position)
            except TimeoutError:
                pass
        return self.position

    async def over(self, within_s: float) -> bool:
        """Return whether the server stops, once it does; or by then, if it goes on."""
        async with self._changed:
            try:
                async with asyncio.timeout(within_s):
                    await self._changed.wait_for(lambda: self.is_over)
            except TimeoutError:
                pass
        return self.is_over

    async def stop(self) -> None:
        """Let what pages listen to end: the server stops."""
        async with self._changed:
            self.is_over = True
            self._changed.notify_all()

    async def begin(self) -> None:
        """Count a page that listens."""
        self.listeners += 1
        if self._following is None or self._following.done():
            self.position = (await self._log.acall(lambda log: log.head())).position
            self._following = asyncio.create_task(self._follow())

    def end(self) -> None:
        """Count one less."""
        self.listeners -= 1

    async def _follow(self) -> None:
        async for recorded in self._log.afollow(
            after=self.position, until=lambda: self.listeners == 0
        ):
            async with self._changed:
                self.position = recorded.position
                self._changed.notify_all()


async def stream(request: Request) -> Response:
    """
    Tell a page of each change, for ten minutes; then it asks anew.

    ``apart`` says how many seconds lie between two at least: what takes long is read seldom.
    """
    news: News = request.app.state.news
    if news.listeners >= _STREAMS_MOST:
        return Response("Too many pages listen.\n", 503, headers={"retry-after": "60"})
    told = request.headers.get("last-event-id") or request.query_params.get("after", "")
    after = int(told) if told.isdecimal() and len(told) < 19 else 0
    return StreamingResponse(
        _told(news, after, _apart_s(request)),
        media_type="text/event-stream",
        headers={"cache-control": "no-store"},
    )


def _apart_s(request: Request) -> float:
    told = request.query_params.get("apart", "")
    apart_s = int(told) if told.isdecimal() and len(told) < 6 else 0
    return min(max(apart_s, _APART_LEAST_S), _LASTS_S)


async def _told(news: News, after: int, apart_s: float) -> AsyncIterator[str]:
    until = time.monotonic() + _LASTS_S
    await news.begin()
    try:
        yield "retry: 2000\n\n"
        while time.monotonic() < until and not news.is_over:
            position = await news.after(after, _PULSE_S)
            if position > after:
                after = position
                yield f"event: news\nid: {position}\ndata: {position}\n\n"
                await news.over(apart_s)
            elif not news.is_over:
                yield ": still here\n\n"
    finally:
        news.end()
