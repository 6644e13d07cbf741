"""Pictures of every page, of three logs, at two widths, by day and by night."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.long.night_at_work import night

import autopack
from autopack import Log
from autopack.report.failure_kinds import alike_of
from autopack.types import PhaseView

_WIDTHS: Final = (1400, 400)
_SCHEMES: Final = ("light", "dark")
_PAGES: Final = {
    "overview": "/",
    "runs": "/runs",
    "run": "/run/{run}",
    "phase": "/phase/{run}/{phase}",
    "failures": "/failures",
    "usage": "/usage",
    "calibration": "/calibration",
    "compare": "/compare?since={middle}",
    "runs-compared": "/compare?a={other}&b={run}",
    "choose": "/compare?a={run}",
    "kind": "/failures?kind={kind}",
    "past": "/?at={middle}",
    "log": "/log",
}
_KEPT: Final = {
    ("night", "overview", 1400, "light"),
    ("night", "phase", 1400, "light"),
    ("night", "run", 1400, "dark"),
    ("night", "runs-compared", 1400, "light"),
    ("night", "usage", 1400, "light"),
    ("night", "past", 400, "light"),
    ("night", "overview", 400, "dark"),
}
"""Which of them stand in the documentation."""


def take(folder: Path, *, to: Path, data: str, is_all: bool) -> int:
    """
    Take the pictures that the documentation has, or all there are; return how many.

    Args:
        to: Where they are put, as ``LOG-PAGE-WIDTH-SCHEME.png``.
        data: The folder of real data, for the logs of other tools; none where it is empty.
    """
    from playwright.sync_api import sync_playwright

    to.mkdir(parents=True, exist_ok=True)
    taken = 0
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
        )
        for name, log in _logs(folder, data, is_all=is_all):
            with _serving(log) as base:
                paths = _paths(log)
                for page, width, scheme in _asked(name, is_all=is_all):
                    context = browser.new_context(
                        viewport={"width": width, "height": 900 if width > 1000 else 800},
                        color_scheme=scheme,
                    )
                    tab = context.new_page()
                    tab.goto(base + paths[page])
                    tab.wait_for_timeout(200)
                    path = to / f"{name}-{page}-{width}-{scheme}.png"
                    tab.screenshot(path=path, full_page=is_all)
                    context.close()
                    taken += 1
        browser.close()
    return taken


def _asked(name: str, *, is_all: bool) -> Iterator[tuple[str, int, str]]:
    for page in _PAGES:
        for width in _WIDTHS:
            for scheme in _SCHEMES:
                if is_all or (name, page, width, scheme) in _KEPT:
                    yield page, width, scheme


def _logs(folder: Path, data: str, *, is_all: bool) -> Iterator[tuple[str, Log]]:
    made = night(folder / "night.db")
    log = _elsewhere(made.__enter__)
    while not all(one.step for one in autopack.status(log).live):  # told with the next renewal
        time.sleep(0.2)
    yield "night", log
    _elsewhere(made.__exit__, None, None, None)
    if not (is_all and data):
        return
    sources = {
        "legacy": ("autopack-legacy", "autopack_legacy.db"),
        "client": ("claude-code", "clients/histories/claude-code-2.1.332/dot-claude"),
    }
    for name, (kind, place) in sources.items():
        with autopack.create_log(folder / f"{name}.db") as log:
            autopack.import_history(log, kind, Path(data) / place)
            yield name, log


def _paths(log: Log) -> Mapping[str, str]:
    """Return the pages' addresses: of a large run with a failure, and of its dearest one."""
    costs: Counter[str] = Counter()
    for one in autopack.view(log, "attempts").rows.values():
        costs[f"{one.run_id}/{one.phase_id}"] += one.use.total_tokens
    phases = autopack.view(log, "phases").rows.values()
    sizes = Counter(one.run_id for one in phases)

    def weight(one: PhaseView) -> tuple[bool, int, int]:
        return one.status.value == "FAILED", sizes[one.run_id], costs[one.key]

    shown = max(phases, key=weight)
    runs = autopack.view(log, "runs").rows.values()
    named = {
        "run": quote(shown.run_id),
        "other": quote(next(row.run_id for row in runs if row.run_id != shown.run_id)),
        "phase": quote(shown.phase_id),
        "kind": quote(alike_of(shown)),
        "middle": log.head().position // 2,
    }
    return {page: path.format(**named) for page, path in _PAGES.items()}


@contextmanager
def _serving(log: Log) -> Iterator[str]:
    import uvicorn

    from autopack_web import create_app

    config = uvicorn.Config(create_app(log), port=0, log_level="error", timeout_graceful_shutdown=1)
    socket, server = config.bind_socket(), uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _elsewhere(function: Any, *args: Any) -> Any:
    """Call it in a thread: playwright's loop runs in this one, and a drain begins its own."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function(*args)))
    thread.start()
    thread.join()
    return found[0]
