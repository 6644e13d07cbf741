"""Each page answers, as HTML and as JSON, now and as of then, whatever others wrote."""

import re
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

import autopack
from autopack.events import SampleRecorded
from autopack.ports.log import ANY
from autopack_web import create_app

from .conftest import HOSTILE

PAGES = (
    "/",
    "/runs",
    "/run/nightly",
    "/run/nightly?state=COMPLETE",
    "/phase/nightly/fails",
    f"/phase/nightly/{quote(HOSTILE, safe='')}",
    "/failures",
    "/usage",
    "/calibration",
    "/compare",
    "/compare?a=nightly&b=second",
    "/compare?since=3",
    "/log",
    "/log?q=merged&type=phase.&stream=nightly",
)

SINCE = {"/run/": 1, "/phase/": 5, "/compare?a": 26, "/compare?since": 3}
"""From which position on there is what a page names."""


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_there_in_both_forms(client, path):
    """As HTML for people, as JSON for programs that ask for it, and by an address."""
    page = client.get(path)
    told = client.get(path, headers={"accept": "application/json"})
    linked = client.get(f"{path}{'&' if '?' in path else '?'}format=json")

    assert [page.status_code, told.status_code, linked.status_code] == [200, 200, 200]
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert told.headers["content-type"] == "application/json"
    assert told.json()["moment"]["position"] == linked.json()["moment"]["position"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("at", [0, 8, 25])
def test_each_page_is_there_as_of_any_position(client, path, at):
    """What was not there yet is said to be missing, and nothing else goes wrong."""
    found = client.get(f"{path}{'&' if '?' in path else '?'}at={at}")

    since = next((position for start, position in SINCE.items() if path.startswith(start)), 0)
    assert (found.status_code == 200) is (at >= since)


@pytest.mark.parametrize("path", PAGES)
def test_what_others_wrote_is_text(client, path):
    """No name, goal or error becomes markup."""
    assert "<script>alert" not in client.get(path).text


def test_signs_that_turn_what_stands_beside_them_are_shown(client, log):
    """A reason that would be read backwards is shown with its escapes."""
    autopack.pause_run(log, "nightly", why="all is \u202efine\u202c, says \x1b[31mnobody")

    page = client.get("/run/nightly").text

    assert r"all is \u202efine\u202c, says \x1b[31mnobody" in page


def test_links_keep_the_moment(client):
    """Who goes on from the past stays there."""
    page = client.get("/run/nightly?at=20").text

    links = re.findall(r'href="(/(?:run|phase|usage|log|runs)[^"]*)"', page)
    assert len(links) > 5
    assert {link for link in links if "at=20" not in link} <= {"/run/nightly"}  # back to now


def test_the_slider_works_without_script(client):
    """Its form sends a position; at its end it is now."""
    past = client.get("/?position=8&at=", headers={"accept": "application/json"}).json()
    now = client.get("/", headers={"accept": "application/json"}).json()
    end = client.get(
        f"/?position={now['moment']['head']}&at=", headers={"accept": "application/json"}
    ).json()

    assert past["moment"]["position"] == 8
    assert (now["moment"]["is_past"], end["moment"]["is_past"]) == (False, False)


def test_a_time_leads_to_the_address_of_its_position(client):
    """What was asked for stays, and a link says the same tomorrow."""
    found = client.get("/run/nightly?state=COMPLETE&at=2026-03-02T10:00Z", follow_redirects=False)
    slid = client.get("/log?position=8&at=", follow_redirects=False)

    assert (found.status_code, slid.status_code) == (303, 303)
    assert found.headers["location"].startswith("/run/nightly?state=COMPLETE&at=")
    assert slid.headers["location"] == "/log?at=8"
    assert "As of" in client.get(found.headers["location"]).text


def test_a_run_is_told_by_what_its_phases_cost(client):
    """The dearest first, by each thing that there is to order by."""
    for order in ("cost", "tokens", "time", "attempts"):
        found = client.get(f"/run/nightly?order={order}&format=json").json()["phases"]

        assert {found[0]["phase"]["phase_id"], found[-1]["phase"]["phase_id"]} != {"fails"}
        assert found[0]["work"]["attempts"] >= found[-1]["work"]["attempts"]


def test_a_phase_whose_name_is_an_address_has_its_own():
    """Slashes, question marks and blanks are its name's."""
    name = "a/b?c=1#d &e"
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r", [autopack.PhaseSpec(name)])
        client = TestClient(create_app(log), base_url="http://127.0.0.1:8642")
        (href,) = re.findall(r'href="(/phase/[^"]*)"', client.get("/run/r").text)
        page = client.get(href).text

    assert "<h1>a/b?c=1#d &amp;e</h1>" in page
    assert 'action="/phase/r/a/b%3Fc%3D1%23d%20%26e"' in page


def test_what_was_not_there_yet_leads_on_through_time(client):
    """The slider stays, and so does the way back to now."""
    found = client.get("/run/second?state=COMPLETE&at=8")

    assert found.status_code == 404
    assert "That is not there by then" in found.text
    assert 'id="slider"' in found.text
    assert '<a class="button" href="/run/second?state=COMPLETE">Now</a>' in found.text


def test_what_is_not_there_is_said(client):
    """A run, a phase, a position and a page that are not there, each in words."""
    for path, status, said in (
        ("/run/nightlly", 404, "nightlly"),
        ("/phase/nightly/nothing", 404, "nothing"),
        ("/?at=9999", 400, "past the log"),
        ("/?at=soon", 400, "neither a position"),
        ("/nowhere", 404, "There is no page at /nowhere"),
    ):
        found = client.get(path)

        assert (found.status_code, said in found.text) == (status, True)


def test_a_text_is_shown_only_by_the_page_of_its_phase(client, log):
    """A digest alone opens nothing; a diff is told line by line."""
    other = log.artifacts.put("somebody else's")
    works = client.get("/phase/nightly/works?format=json").json()["texts"][0]

    assert "somebody else" not in client.get(f"/phase/nightly/works?text={other}").text
    assert (
        '<span class="ins">+new</span>'
        in client.get(f"/phase/nightly/works?text={works['digest']}").text
    )


def test_nothing_but_reading_is_answered(client):
    """No page takes anything."""
    for path in PAGES:
        assert client.post(path).status_code == 405


def test_imported_evidence_beside_attempts_is_none_of_them(client, log):
    """A prediction met by a measurement has no number, and stands among the events."""
    pair = SampleRecorded(
        run_id="nightly",
        phase_id="works",
        category="docs",
        complexity="low",
        predicted_output_tokens=100,
        actual_output_tokens=120,
        success=True,
    )
    log.append("phase-nightly/works", [pair], expected_version=ANY)
    found = client.get("/phase/nightly/works?format=json").json()

    assert [1] == [one["number"] for one in found["attempts"]]
    assert "sample.recorded" in [one["type"] for one in found["events"]]


def test_a_long_run_is_told_in_parts():
    """A page has a hundred phases, and leads to the next ones."""
    with autopack.create_log("memory:") as log:
        specs = [autopack.PhaseSpec(f"p{number:03}") for number in range(250)]
        autopack.create_run(log, "long", specs)
        client = TestClient(create_app(log), base_url="http://127.0.0.1:8642")
        first = client.get("/run/long")
        last = client.get("/run/long?from=200").text

    assert 'href="?from=100"' in first.text
    assert ("p249" in last, "p199" in last) == (True, False)
    assert len(first.content) < 150_000


def test_an_empty_log_says_so():
    """Each page has words for nothing."""
    with autopack.create_log("memory:") as log:
        client = TestClient(create_app(log), base_url="http://127.0.0.1:8642")
        assert "Nothing has happened in this log yet." in client.get("/").text
        for path in ("/runs", "/failures", "/usage", "/calibration", "/compare", "/log"):
            assert 'class="empty"' in client.get(path).text
