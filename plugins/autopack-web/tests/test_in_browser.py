"""The pages in a real browser: live, as of then, decided, read by all, and asking nobody else."""

import json
import threading
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.long.night_at_work import night

import autopack
from autopack import Completed, NeedsPerson, PhaseSpec
from autopack_web.static_export import export

from .chromium import browser, elsewhere, serving, visit
from .conftest import made

__all__ = ["browser", "visit"]  # fixtures, for this module alone

_AXE = Path(__file__).with_name("axe") / "axe.min.js"
_ODD = (
    "<script>document.title='owned'</script><img src=x onerror='document.title=`owned`'>",
    "\u202egnp.exe\u2066 \u200f",
    "x" * 10_000,
)
PAGES = (
    "/",
    "/runs",
    "/run/nightly",
    "/phase/nightly/fails",
    "/phase/nightly/works?text=",
    "/failures",
    "/usage",
    "/calibration",
    "/compare?a=nightly&b=second",
    "/compare?since=3",
    "/log",
    "/?at=9",
    "/acted?events=3&back=/runs",
    "/nowhere",
)


@pytest.fixture(scope="module")
def kept():
    """The address of a log to which nothing is added, and the log."""
    with elsewhere(made) as log, serving(log, allow_writes=True, token="t") as base:
        yield base, log


def figures(page):
    """Return the rows of the phases' table as a reader sees them."""
    return page.evaluate(
        """() => [...document.querySelector("[aria-labelledby=phases-h] table").tBodies[0].rows]
        .map((row) => Object.fromEntries([...row.cells].map(
          (cell) => [cell.dataset.title, cell.innerText.trim()])))"""
    )


def test_a_drain_appears_as_it_goes(visit, tmp_path):
    """Nobody loads anything anew: what waits, what is done and what is spent follow the log."""
    goes_on = threading.Event()

    def execute(phase, attempt):
        attempt.record_usage(
            call_id=phase.key, model="m", input_tokens=10, output_tokens=5, cost_usd="0.25"
        )
        assert goes_on.wait(30)
        return Completed()

    with autopack.create_log(tmp_path / "live.db") as log, visit.serving(log) as base:
        autopack.create_run(log, "live", [PhaseSpec("one"), PhaseSpec("two")])
        page = visit(base)
        page.evaluate("window.isTheSame = true")
        page.get_by_text("2 queued").first.wait_for()
        drain = threading.Thread(target=autopack.drain, args=[log], kwargs={"executor": execute})
        drain.start()
        try:
            page.get_by_role("heading", name="1 phase at work").wait_for()
            page.get_by_role("heading", name="0.25 USD spent").wait_for()
        finally:
            goes_on.set()
            drain.join()
        page.get_by_role("heading", name="0.50 USD spent").wait_for()
        page.get_by_role("link", name="live/two").first.wait_for()

        assert page.evaluate("window.isTheSame")


def test_the_slider_shows_what_a_replay_gives(visit, kept):
    """Number by number, wherever it stands, and the address leads there again."""
    base, log = kept
    page = visit(base, "/run/nightly")
    head = log.head().position
    for position in (head // 2, head * 3 // 4):
        page.evaluate(
            """(to) => { const one = document.getElementById("slider");
            one.value = to; one.dispatchEvent(new Event("input", { bubbles: true })); }""",
            position,
        )
        page.locator(f"#where.past[data-position='{position}']").wait_for()
        page.wait_for_function("(at) => location.search === `?at=${at}`", arg=position)
        shown = figures(page)
        linked = visit(base, page.url.removeprefix(base))
        phases = autopack.replay(log, "phases", until=position).rows
        attempts = autopack.replay(log, "attempts", until=position).rows.values()

        assert shown == figures(linked)
        assert [row.phase_id for row in phases.values()] == [row["phase"] for row in shown]
        for row, phase in zip(shown, phases.values(), strict=True):
            own = [one for one in attempts if one.phase_id == phase.phase_id]
            tokens = sum(one.use.total_tokens for one in own)
            usd = sum(one.use.cost_usd for one in own)

            assert phase.status.value.lower() == row["stands"].lower()
            assert str(phase.attempts) == row["attempts"]
            assert str(phase.calls) == row["calls"]
            assert (f"{tokens:,}" if own and phase.calls else "") == row["tokens"].strip("–")
            assert (f"{usd:.2f}" if own and phase.calls else "") == row["USD"].strip("–")


def test_a_link_leads_to_a_moment(visit, kept):
    """To a page, as of a position, with what was opened there; and back to now."""
    base, log = kept
    page = visit(base, "/phase/nightly/asks?at=12")

    assert "12" == page.locator("#where").get_attribute("data-position")
    page.get_by_role("link", name="Now", exact=True).click()
    page.locator("#where.now").wait_for()
    assert str(log.head().position) == page.locator("#where").get_attribute("data-position")
    assert page.get_by_role("heading", name="asks").is_visible()


def test_a_gate_that_is_approved_in_the_page_is_in_the_log(visit):
    """With who and why; the token comes with the address, and is typed by nobody."""
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r", [PhaseSpec("one")])
        elsewhere(autopack.drain, log, executor=lambda *_: NeedsPerson("Is it fit?"))
        with visit.serving(log, allow_writes=True, token="told-once") as base:
            page = visit(base, "/#token=told-once")
            page.locator("summary", has_text="Decide").click()
            page.locator("details[open]").get_by_label("Why").fill("read it")
            page.get_by_label("Your name").fill("ann")

            assert (f"{base}/", False) == (
                page.url,
                page.locator("details[open]").get_by_label("Token").is_visible(),
            )
            page.get_by_role("button", name="Approve").click()
            page.get_by_role("heading", name="Recorded").wait_for()
            assert page.get_by_text("read it").is_visible()
            page.get_by_role("link", name="Back to the page").click()
            page.get_by_text("Nothing does.").wait_for()
        last = [one.event for one in log.read("phase-r/one")][-1]

        assert "COMPLETE" == autopack.get_phase(log, "r/one").status.value
        assert ("approve", "ann", "read it") == (last.decision, last.by, last.why)


def test_news_take_no_form_from_under_ones_hands(visit):
    """What was typed stays, while the log goes on."""
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r", [PhaseSpec("one")])
        with visit.serving(log, allow_writes=True, token="t") as base:
            page = visit(base, "/run/r")
            page.locator("summary", has_text="Pause").click()
            page.locator("details[open]").get_by_label("Why").fill("half a sentence")
            with page.expect_response("**/run/r"):
                autopack.queue_phases(log, "r", [PhaseSpec("two")])
            page.wait_for_timeout(100)

            assert (
                "half a sentence" == page.locator("details[open]").get_by_label("Why").input_value()
            )


def test_a_hostile_name_is_text(visit):
    """A script, marks that turn what is beside them, ten thousand letters: shown, and no more."""
    with autopack.create_log("memory:") as log:
        specs = [PhaseSpec(f"{n} {_ODD[0]}", goal=name) for n, name in enumerate(_ODD)]
        autopack.create_run(log, "r", specs)
        elsewhere(
            autopack.drain,
            log,
            executor=lambda phase, _: NeedsPerson(phase.goal, summary=phase.goal),
        )
        phases = [f"/phase/r/{quote(spec.id, safe='')}" for spec in specs]
        with visit.serving(log, allow_writes=True, token="t") as base:
            page = visit(base, viewport={"width": 400, "height": 800})
            for path in ("/", "/run/r", *phases, "/log", f"/log?q={quote(_ODD[0])}"):
                page.goto(base + path)
                text = page.locator("body").inner_text()

                assert "owned" != page.title()
                assert 0 == page.locator("script:not([src]), img, [onerror]").count()
                assert page.evaluate("document.documentElement.scrollWidth") <= 400, path
                assert not set("\u202e\u2066\u200f") & set(text)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, kept, scheme):
    """On any page."""
    base, _log = kept
    page = visit(base, color_scheme=scheme)
    source = _AXE.read_text("utf-8")
    asked = {"resultTypes": ["violations"]}
    if scheme == "dark":  # all else was looked at by day
        asked["runOnly"] = ["color-contrast"]
    found = {}
    for path in PAGES:
        page.goto(base + path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        page.evaluate(source)
        broken = page.evaluate("(what) => axe.run(what)", asked)["violations"]
        found[path] = [
            (one["id"], one["nodes"][0]["html"][:200])
            for one in broken
            if one["impact"] in ("serious", "critical")
        ]
    visit.faults[:] = [fault for fault in visit.faults if "404" not in fault]  # asked for

    assert {} == {path: faults for path, faults in found.items() if faults}, json.dumps(found)


def test_a_page_is_read_without_script(visit, kept):
    """The slider is a form, the actions too."""
    base, _log = kept
    page = visit(base, "/run/nightly", java_script_enabled=False)
    page.get_by_label("Position or time").fill("9")
    page.get_by_role("button", name="Show").click()

    assert "9" == page.locator("#where").get_attribute("data-position")
    assert page.get_by_role("heading", name="nightly").is_visible()


def test_it_is_used_with_the_keyboard(visit, kept):
    """To the content by the first key, and through time by the arrows."""
    base, log = kept
    page = visit(base, "/run/nightly")
    page.keyboard.press("Tab")
    assert "To the content" == page.evaluate("document.activeElement.innerText")
    page.locator("#slider").focus()
    page.keyboard.press("ArrowLeft")

    page.locator(f"#where[data-position='{log.head().position - 1}']").wait_for()
    assert "slider" == page.evaluate("document.activeElement.id")


def test_an_export_is_read_without_server_network_or_script(browser, kept, tmp_path):
    """From a file, offline: the first page, and each that a link leads to."""
    path = tmp_path / "log.html"
    path.write_text(elsewhere(export, kept[1]).text, encoding="utf-8")
    context = browser.new_context(java_script_enabled=False, offline=True)
    page, asked = context.new_page(), []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(path.as_uri())
    shown = [page.get_by_role("heading", level=1).inner_text()]
    for link in ("Runs", "nightly", "fails"):
        page.get_by_role("link", name=link, exact=True).first.click()
        shown.append(page.get_by_role("heading", level=1).inner_text())
    context.close()

    assert "Nothing is at work" in shown[0]
    assert ["Runs", "nightly", "fails"] == shown[1:]
    assert {path.as_uri()} == {url.partition("#")[0] for url in asked}


def test_which_phase_cost_most_last_night_and_why_it_failed_twice_is_clicked(visit, tmp_path):
    """From the first page, without typing: to the phase, and what each of its attempts said."""
    made_night = night(tmp_path / "night.db")
    log = elsewhere(made_night.__enter__)
    try:
        with visit.serving(log) as base:
            page = visit(base)
            page.get_by_role("link", name="Usage").click()
            page.get_by_role("link", name="since yesterday").click()
            dearest = page.locator("section", has_text="By phase").last.locator("tbody tr").first
            costs = dearest.locator("[data-title='USD']").inner_text()
            dearest.get_by_role("link").click()
            page.get_by_role("heading", name="move-prices", exact=True).wait_for()
            stands = page.locator("#content .lead").inner_text()
            attempts = page.locator("[aria-labelledby=attempts-h] tbody tr").all_inner_texts()
    finally:
        elsewhere(made_night.__exit__, None, None, None)

    assert "1.25" == costs
    assert "FAILED" in stands
    assert 2 == len(attempts)
    assert "3 of 41 tests failed: test_prices, test_caps, test_zone" in attempts[0]
    assert "the answer was cut off at 4096 tokens" in attempts[1]
