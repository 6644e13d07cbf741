"""What can be done in a page is recorded with who and why; without leave, nothing is."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

import autopack
from autopack import ANY, PhaseSpec
from autopack.events import CapAsked, LaneRested
from autopack_web import create_app
from autopack_web.actions import ACTIONS

HERE = "http://127.0.0.1"
TOKEN = "told-once"
WHO = {"why": "so it is", "actor": "ann"}
GATE = {"run": "r", "phase": "gated"}
FAILED = {"run": "r", "phase": "failed"}
WAITING = {"run": "r", "phase": "waiting"}

DONE = {
    "decide-gate": ({**GATE, "decision": "approve"}, "phase.gate_decided"),
    "requeue": ({**FAILED, "fresh": "on"}, "phase.requeued"),
    "cancel": (WAITING, "phase.cancelled"),
    "skip": (WAITING, "phase.skipped"),
    "pause-run": ({"run": "r"}, "run.paused"),
    "resume-run": ({"run": "held"}, "run.resumed"),
    "set-caps": ({"run": "r", "usd": "12.50", "tokens": "none"}, "cap.set"),
    "decide-cap": ({"scope": "run-capped", "decision": "approve", "tokens": "9000"}, "cap.decided"),
    "set-drain": ({"drain": "d1", "workers": "2", "max_usd": "none"}, "drain.set_requested"),
    "pause-drain": ({"drain": "d1", "now": "on"}, "drain.pause_requested"),
    "resume-drain": ({"drain": "d1"}, "drain.resume_requested"),
    "open-account": ({"account": "a"}, "lane.opened"),
}
"""What is sent, and what it records."""


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch):
    """Nobody works on the drains of these logs, and nobody answers."""
    monkeypatch.setattr("autopack_web.actions._ANSWERS_S", 0.0)


@pytest.fixture
def log():
    with _made() as log:
        yield log


@pytest.fixture(scope="module")
def kept():
    """A log to which nothing is added, by any test that has it."""
    with _made() as log:
        before = log.head()
        yield log
        assert before == log.head()


@contextmanager
def _made():
    """Make a log in which each action has something to do."""
    with autopack.create_log("memory:") as log:
        specs = [PhaseSpec(name, max_attempts=1) for name in ("gated", "failed", "waiting")]
        autopack.create_run(log, "r", specs)
        autopack.create_run(log, "held", [PhaseSpec("one")])
        autopack.pause_run(log, "held", why="lunch")
        autopack.create_run(log, "capped", [PhaseSpec("one")], caps={"tokens": 10})
        for number, phase in enumerate(("gated", "failed")):
            autopack.drain(log, run_id="r", phase_id=phase, drain=f"d{number}", executor=_execute)
        asked = CapAsked(scope="run-capped", unit="tokens", by="d1", why="it does not fit")
        log.append("cap-run-capped", [asked], expected_version=ANY)
        now = datetime.now(UTC)  # noqa: TID251 - the rest must not have ended
        until = now + timedelta(hours=1)
        rest = LaneRested(account="a", cause="usage_limit", until=until, wait_s=3600, closed_at=now)
        log.append("account-a", [rest], expected_version=ANY)
        yield log


def _execute(phase, _attempt):
    if phase.phase_id == "gated":
        return autopack.NeedsPerson("May it be merged?")
    return autopack.Failed("error", "it broke")


def _writes_much(phase, attempt):
    attempt.record_usage(call_id=phase.phase_id, model="m", input_tokens=9, output_tokens=3000)
    return autopack.Completed()


def browser(log, *, allow_writes=True, token=TOKEN):
    app = create_app(log, allow_writes=allow_writes, token=token)
    return TestClient(app, base_url=HERE, headers={"origin": HERE}, follow_redirects=False)


def sent(client, action, fields, **headers):
    return client.post(f"/act/{action}", data={**WHO, "token": TOKEN, **fields}, headers=headers)


class TestDone:
    """Each action is the library's own function, and an event that names who and why."""

    @pytest.mark.parametrize("action", sorted(DONE))
    def test_it_is_recorded(self, log, action):
        """As the command line would record it; the page shows what that was, and leads back."""
        fields, kind = DONE[action]
        client, before = browser(log), log.head().position
        answer = sent(client, action, {**fields, "back": "/run/r?at=3"})
        (done,) = [one for one in log.read_all(after=before) if one.type == kind]
        by = getattr(done.event, "by", None) or done.event.actor
        page = client.get(answer.headers["location"])

        assert (303, 200) == (answer.status_code, page.status_code)
        assert ("ann", "so it is") == (by, done.event.why)
        assert [kind in page.text, "so it is" in page.text] == [True, True]
        assert 'href="/run/r?at=3"' in page.text

    def test_all_of_them_are_tried(self):
        """Those of a calibration have a log of their own."""
        assert set(ACTIONS) == {*DONE, "apply", "reject"}

    def test_a_program_is_told_the_positions(self, log):
        """As JSON, if it asks so."""
        answer = sent(browser(log), "pause-run", {"run": "r"}, accept="application/json")

        assert {"recorded": [log.head().position]} == answer.json()

    def test_what_the_library_refuses_is_told(self, log):
        """With its own words; nothing is recorded."""
        before = log.head()
        refused = [
            sent(browser(log), "requeue", {**FAILED, "why": " "}),
            sent(browser(log), "requeue", {"run": "r", "phase": "none"}),
            sent(browser(log), "requeue", {"run": "r"}),
            sent(browser(log), "set-caps", {"run": "r", "tokens": "many"}),
            sent(browser(log), "decide-gate", {**GATE, "decision": "perhaps"}),
            sent(browser(log), "erase-all", {}),
        ]

        assert [400, 404, 400, 400, 400, 404] == [answer.status_code for answer in refused]
        assert "many" in refused[3].text
        assert before == log.head()

    @pytest.mark.parametrize(
        "back", ["//evil.example", "https://evil.example", "/\\evil.example", ""]
    )
    def test_it_leads_back_to_its_own_pages_alone(self, log, back):
        """Whatever the form says."""
        client = browser(log)
        answer = sent(client, "pause-run", {"run": "r", "back": back})
        page = client.get(answer.headers["location"])

        assert answer.headers["location"].startswith("/acted?")
        assert ("evil" in page.text, '<a href="/">Back' in page.text) == (False, True)


class TestCalibration:
    """What was looked at is applied, or nothing."""

    @pytest.fixture
    def taught(self):
        """A log in which outputs are twice what was predicted."""
        with autopack.create_log("memory:") as log:
            specs = [
                PhaseSpec(f"p{n}", category="docs", complexity="low", deliverables=("a.md",))
                for n in range(16)
            ]
            autopack.create_run(log, "r", specs)
            autopack.drain(log, executor=_writes_much)
            yield log

    @pytest.mark.parametrize(
        ("action", "kind"), [("apply", "calibration.applied"), ("reject", "calibration.rejected")]
    )
    def test_the_proposal_that_was_looked_at_is_decided(self, taught, action, kind):
        """And who did it is recorded."""
        looked_at = taught.head().position
        version = autopack.calibrate(taught).new_version
        autopack.create_run(taught, "later", [PhaseSpec("one")])
        answer = sent(browser(taught), action, {"position": str(looked_at)})
        last = list(taught.read("estimator-deliverables"))[-1]

        assert (303, kind, "ann") == (answer.status_code, last.type, last.event.by)
        if action == "apply":
            assert version == last.event.estimator_version

    @pytest.mark.parametrize("position", ["999999", "-1", "x", "", "1e3", "9" * 30])
    def test_a_place_that_is_none_is_refused(self, taught, position):
        """Nothing was looked at there."""
        before = taught.head()
        answers = [
            sent(browser(taught), one, {"position": position}) for one in ("apply", "reject")
        ]

        assert [400, 400] == [answer.status_code for answer in answers]
        assert before == taught.head()


class TestRefused:
    """Nothing is written without leave, by nobody else's page, and with no other token."""

    def test_without_leave_every_one_is_forbidden(self, kept):
        """With the right token too; nothing is recorded."""
        before = kept.head()
        shut = [
            browser(kept, allow_writes=False),
            browser(kept, allow_writes=False, token=None),
            browser(kept, token=None),
        ]
        refused = [
            sent(client, action, DONE.get(action, ({}, ""))[0])
            for client in shut
            for action in (*ACTIONS, "none")
        ]

        assert {403} == {answer.status_code for answer in refused}
        assert before == kept.head()

    @pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], f"{TOKEN} ", "é", "\0"])
    def test_with_another_token_every_one_is_forbidden(self, kept, token):
        """Or with none."""
        before, client = kept.head(), browser(kept)
        refused = [
            sent(client, action, {**DONE.get(action, ({}, ""))[0], "token": token})
            for action in (*ACTIONS, "none")
        ]

        assert {403} == {answer.status_code for answer in refused}
        assert before == kept.head()

    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "http://evil.example"},
            {"origin": "null"},
            {"origin": ""},
            {"origin": f"{HERE}.evil.example"},
            {"origin": "https://127.0.0.1"},
            {"origin": f"{HERE}:81"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"sec-fetch-site": "none"},
        ],
    )
    def test_another_sites_page_is_refused(self, kept, headers):
        """Even if it knows the token."""
        before = kept.head()
        answer = sent(browser(kept), "pause-run", {"run": "r"}, **headers)

        assert 403 == answer.status_code
        assert before == kept.head()

    def test_who_does_not_say_whose_page_it_is_is_refused(self, kept):
        """A browser always says so when it sends a form."""
        client = TestClient(create_app(kept, allow_writes=True, token=TOKEN), base_url=HERE)
        before = kept.head()

        assert 403 == sent(client, "pause-run", {"run": "r"}).status_code
        assert before == kept.head()

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/json", "multipart/form-data; boundary=x", ""]
    )
    def test_nothing_but_a_form_is_read(self, kept, kind):
        """Another kind of body has no token."""
        body, before = f"token={TOKEN}&run=r&why=x", kept.head()
        headers = {"content-type": kind}
        answer = browser(kept).post("/act/pause-run", content=body, headers=headers)

        assert 403 == answer.status_code
        assert before == kept.head()

    def test_a_large_form_is_not_read(self, kept):
        """Nor kept while it comes."""
        before = kept.head()
        answer = sent(browser(kept), "pause-run", {"run": "r", "why": "x" * 70_000})

        assert 403 == answer.status_code
        assert before == kept.head()

    def test_a_get_does_nothing(self, kept):
        """A link, or an image, is no form."""
        before = kept.head()
        answer = browser(kept).get(
            "/act/pause-run", params={"run": "r", "why": "x", "token": TOKEN}
        )

        assert 405 == answer.status_code
        assert before == kept.head()

    def test_the_token_is_in_no_page(self, kept):
        """It is told once, where the server was begun."""
        client = browser(kept)
        pages = [client.get(path).text for path in ("/", "/acted", "/nowhere")]

        assert not [page for page in pages if TOKEN in page]
