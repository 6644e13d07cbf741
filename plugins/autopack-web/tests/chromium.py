"""A browser, pages that watch themselves, and servers of logs on this machine."""

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import uvicorn

from autopack_web import create_app

_ALONE = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, driven by what lies in playwright's wheel; nothing is downloaded."""
    found = shutil.which("chromium")
    if found is None:
        if "CI" in os.environ:
            pytest.fail("there is no chromium: .ci/run installs it")
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=found, args=list(_ALONE))
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser):
    """Return what opens pages; in the end, that none has failed or asked elsewhere."""
    visits = Visits(browser)
    yield visits
    visits.close()

    assert [] == visits.faults
    assert [] == [url for base, url in visits.asked if not url.startswith((f"{base}/", "data:"))]
    assert visits.asked


class Visits:
    """Opens pages of servers, and keeps what they asked for and what failed."""

    def __init__(self, browser):
        self._browser, self._contexts = browser, []
        self.faults, self.asked = [], []

    def __call__(self, base, path="/", **options):
        context = self._browser.new_context(**options)
        context.set_default_timeout(20_000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda told: told.type == "error" and self.faults.append(told.text))
        page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        page.on("request", lambda one: self.asked.append((base, one.url)))
        page.goto(base + path)
        return page

    def close(self):
        """Close the pages."""
        while self._contexts:
            self._contexts.pop().close()

    @contextmanager
    def serving(self, log, **options):
        """Serve a log for as long as its pages are open."""
        with serving(log, **options) as base:
            try:
                yield base
            finally:
                self.close()


def elsewhere(function, *args, **named):
    """Call it in a thread: playwright's loop runs in this one, and a drain begins its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args, **named).result()


@contextmanager
def serving(log, **options):
    """Serve a log on this machine; yield the address."""
    config = uvicorn.Config(
        create_app(log, **options), port=0, log_level="error", timeout_graceful_shutdown=5
    )
    socket = config.bind_socket()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        socket.close()
