"""Ways through the pages: every link leads somewhere, and what is asked for is found by clicks."""

import re
from datetime import UTC, datetime
from urllib.parse import urljoin

from starlette.testclient import TestClient

import autopack
from autopack.ports.log import NewEvent
from autopack_web import create_app


def test_two_runs_are_chosen_by_clicks(imported):
    """A run leads to the others, each of them to the comparison."""
    (choose,) = re.findall(r'href="(/compare\?a=one)"', imported.get("/run/one").text)
    (both,) = re.findall(r'href="(/compare\?a=two[^"]*)"', imported.get(choose).text)

    assert "1 phase differs" in imported.get(both.replace("&amp;", "&")).text


def test_a_phase_that_nobody_queued_is_told_by_its_events(stray):
    """Its name stands among the costs, and leads to what is known; others are missing."""
    page = stray.get("/phase/gone/q")

    assert 'href="/phase/gone/q"' in stray.get("/usage").text
    assert "Only named by events" in page.text
    assert stray.get("/phase/gone/q?format=json").json()["is_queued"] is False
    assert stray.get("/phase/gone/other").status_code == 404


def test_every_link_leads_somewhere(stray):
    """Of each page, to each page, twice over."""
    known, waiting = {"/"}, ["/"]
    while waiting:
        path = waiting.pop()
        page = stray.get(path)
        assert (path, page.status_code) == (path, 200)
        for href in re.findall(r' href="([/?][^"#]*)', page.text):
            link = urljoin(path, href.replace("&amp;", "&"))
            if link not in known and len(known) < 150 and not link.startswith("/static"):
                known.add(link)
                waiting.append(link)

    assert len(known) > 50


def test_a_day_leads_to_its_calls(imported):
    """And says so where there are none in a time."""
    (day,) = re.findall(r'href="(/usage\?since=[^"]*until=[^"]*)"', imported.get("/usage").text)
    none = imported.get("/usage?since=2001-01-01&until=2001-01-02").text

    assert "3 calls" in imported.get(day.replace("&amp;", "&")).text
    assert "No call is known of that time" in none


def test_what_was_recorded_late_is_told_by_when_it_happened():
    """An import's slider goes through what happened, not through the moment of the import."""
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r", [autopack.PhaseSpec("p")])
        event = autopack.events.PhaseFailed(run_id="r", phase_id="p", code="x", message="no")
        told = NewEvent(event=event, occurred_at=datetime(2025, 12, 9, 4, 27, tzinfo=UTC))
        log.append("phase-r/p", [told], expected_version=autopack.ANY)
        autopack.pause_run(log, "r", why="enough")
        client = TestClient(create_app(log), base_url="http://127.0.0.1:8642")
        head = log.head().position
        late, soon = (client.get(f"/?at={at}").text for at in (head - 1, head))
        start = client.get("/?at=0").text

    assert 'As of what happened <time datetime="2025-12-09' in late
    assert "As of what happened" not in soon
    assert "Nothing had been recorded by then." in start
