"""Executor ``anthropic`` against an endpoint on loopback: what it asks, records and makes of it."""

import json
import subprocess
import sys

import pytest

import autopack
from anthropic_replies import KEY, answered, begun, ended, piece, refused
from autopack import PhaseSpec, load_plugins
from autopack.errors import InvalidInputError
from autopack.events.usage import terms_of
from autopack.testing.executors import ExecutorContract
from autopack_anthropic import AnthropicExecutor
from loopback_models import ARRIVES_S, CUT, HANG, Reply, serving
from model_stories import once, stories


@pytest.fixture
def story(tmp_path):
    """Begin a story with replies."""
    import anthropic  # noqa: F401  # which takes longer than a deadline here

    with stories(tmp_path, lambda url, **more: AnthropicExecutor(base_url=url, **more)) as begin:
        yield begin


class TestContract(ExecutorContract):
    """It does what every executor does."""

    url = "http://127.0.0.1:9"

    @pytest.fixture(autouse=True)
    def _endpoint(self):
        def answer(asked):
            if "fail" in str(asked.body["messages"]):
                return refused(404, "not_found_error")
            return answered("Hello", call=f"msg_0123456789-{asked.number}")

        with serving(answer) as provider:
            self.url = provider.url
            yield

    def make(self):
        return AnthropicExecutor(model="m", base_url=self.url)

    def failing(self):
        return PhaseSpec("p", category="docs", complexity="low", goal="Please fail")


class TestAnswers:
    """What is asked, and what becomes of the answer."""

    def test_an_answer_is_the_result_and_its_figures_are_recorded(self, story):
        """The cache is part of the input; what was written is told at the end."""
        cache = {"cache_read_input_tokens": 100, "cache_creation_input_tokens": 20}
        one = story(answered("Hel", "lo", **cache))
        report = one.drain(executor=one.executor(system="Be brief.", max_output_tokens=11))
        (call,) = one.events("llm.usage_recorded")
        (body,) = one.bodies

        assert (1, 132, "Hello") == (report.completed, report.total_tokens, one.text("result"))
        assert [{"role": "user", "content": "Say hello"}] == body["messages"]
        assert ("Be brief.", 11, True) == (body["system"], body["max_tokens"], body["stream"])
        assert (127, 100, 20, 5) == (
            call.input_tokens,
            call.cache_read_tokens,
            call.cache_write_tokens,
            call.output_tokens,
        )
        assert ("msg_0123456789abcdef", "m-1", "end_turn", "measured") == (
            call.call_id,
            call.response_model,
            call.stop_reason,
            call.split,
        )

    def test_terms_of_the_call_are_recorded(self, story):
        """As they are told at its beginning; they have a price of their own."""
        one = story(answered("Hello", service_tier="priority", speed="fast"))
        one.drain(executor=one.executor())
        (call,) = one.events("llm.usage_recorded")

        assert {"service_tier": "priority", "speed": "fast"} == terms_of(call.source_fields)

    def test_without_a_system_prompt_none_is_sent(self, story):
        """And more fields are sent as they are."""
        one = story(answered("Hello"))
        one.drain(executor=one.executor(extra={"temperature": 0}))

        assert ("system" in one.bodies[0], one.bodies[0]["temperature"]) == (False, 0)

    def test_a_cut_answer_is_truncated_and_gets_more_room(self, story):
        """Its text is kept; the next attempt has a larger budget."""
        one = story(answered("Hel", written=50, reason="max_tokens"), answered("Hello"))
        one.drain()
        (failed,) = one.events("phase.failed")
        first, second = (body["max_tokens"] for body in one.bodies)

        assert ("COMPLETE", "truncated") == (one.phase.status, failed.failure_class)
        assert first < second
        assert "Hel" == one.kept(failed, "partial-answer")

    def test_a_slow_answer_is_waited_for(self, story):
        """Piece by piece, as long as the phase's deadline allows; how long it took is recorded."""
        one = story(Reply(events=[begun(), piece("Hel"), 0.2, piece("lo"), 0.2, *ended()]))
        one.drain(settings={"timeout_s": 60})
        (call,) = one.events("llm.usage_recorded")

        assert ("Hello", 12) == (one.text("result"), call.total_tokens)
        assert 0.4 <= call.duration_s < 60

    def test_a_refusal_is_not_asked_again(self, story):
        """It says why, where the model does, and what it used is recorded."""
        why = {"type": "refusal", "category": "cyber", "explanation": "I will not."}
        end = ended(reason="refusal", stop_details=why)
        one = story(Reply(events=[begun(), *end]))
        report = one.drain()

        assert ("refused", 12, 1) == (
            one.phase.failure_class,
            report.total_tokens,
            len(one.provider.asked),
        )
        assert "I will not." in one.phase.reason


class TestRefusals:
    """What an endpoint that gives no answer says, as facts; none of it is a call that was paid."""

    @pytest.mark.parametrize(("reply", "kind"), [
        (refused(401, "authentication_error"), "auth"),
        (refused(402, "billing_error"), "quota"),
        (refused(403, "permission_error"), "auth"),
        (refused(404, "not_found_error"), "invalid_request"),
        (refused(400, "invalid_request_error", said="max_tokens: 99 > 8, the maximum"),
         "invalid_request"),
        (refused(400, "invalid_request_error", said="Your credit balance is too low"), "quota"),
        (refused(413, "request_too_large"), "boundary"),
    ])  # fmt: skip
    def test_what_no_other_attempt_mends_is_asked_once(self, story, reply, kind):
        """Its class is from facts, and no call is counted."""
        one = story(reply)
        report = one.drain()
        (failed,) = one.events("phase.failed")

        assert (kind, reply.status) == (failed.failure_class, failed.source_fields["http_status"])
        assert (1, 0) == (len(one.provider.asked), report.calls)

    @pytest.mark.parametrize(("reply", "kind", "wait_s"), [
        (refused(429, "rate_limit_error", headers={"retry-after": "0.2"}), "rate_limited", 0.2),
        (refused(429, "rate_limit_error"), "rate_limited", None),
        (refused(500, "api_error"), "overloaded", None),
        (refused(529, "overloaded_error"), "overloaded", None),
        (Reply(status=502, body="<html>Bad gateway</html>"), "overloaded", None),
        (Reply(events=[{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}]),
         "overloaded", None),
        (Reply(events=[CUT]), "connection", None),
    ])  # fmt: skip
    def test_what_passes_by_itself_costs_no_attempt(self, story, reply, kind, wait_s):
        """The drain waits as it is told, and asks again; the client does not by itself."""
        one = story(reply, answered("Hello"))
        one.drain(max_attempts=1)
        (failed,) = one.events("phase.failed")

        assert ("COMPLETE", kind, wait_s) == (
            one.phase.status,
            failed.failure_class,
            failed.retry_after_s,
        )
        assert 2 == len(one.provider.asked)

    def test_a_key_that_comes_back_is_in_no_message(self, story):
        """Neither in the failure, nor anywhere else in the log."""
        one = story(refused(401, "authentication_error", said=f"invalid x-api-key {KEY}"))
        one.drain()

        assert KEY in one.provider.asked[0].headers["authorization"]
        assert "invalid x-api-key [key]" in one.phase.reason
        assert KEY not in "\n".join(map(repr, one.log.read_all()))

    def test_nobody_there_is_no_call(self, story):
        """A connection that was refused was never paid."""
        one = story(answered("Hello"))
        made = AnthropicExecutor(base_url="http://127.0.0.1:9")
        one.drain(executor=made, settings={"strategy": once})
        (failed,) = one.events("phase.failed")

        assert ("connection", []) == (failed.failure_class, one.events("llm.usage_recorded"))


class TestBroken:
    """Answers that break off, hang, or are no answers: what they used is a bound, or not known."""

    @pytest.mark.parametrize(("events", "kind"), [
        ([CUT], "connection"),
        ([], "connection"),
        ([{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}], "overloaded"),
    ])  # fmt: skip
    def test_a_stream_that_breaks_off_is_kept_and_asked_again(self, story, events, kind):
        """What came in is known from its beginning; the rest is the least that it used."""
        one = story(Reply(events=[begun(70), piece("Hel"), *events]), answered("Hello"))
        report = one.drain()
        (failed,) = one.events("phase.failed")
        first, second = one.events("llm.usage_recorded")

        assert ("COMPLETE", kind) == (one.phase.status, failed.failure_class)
        assert "Hel" == one.kept(failed, "partial-answer")
        assert (70, 1, "inferred") == (first.input_tokens, first.output_tokens, first.split)
        assert "the least that it used" in one.kept(failed, "usage-problems")
        assert (5, 1) == (second.output_tokens, report.unreadable)

    def test_an_answer_that_is_cut_behind_its_end_is_whole(self, story):
        """It is paid, its figures are there, and it is asked for no second time."""
        end, _stop = ended()
        one = story(Reply(events=[begun(), piece("Hello"), end, CUT]))
        report = one.drain()

        assert ("COMPLETE", "Hello", 12, 1) == (
            one.phase.status,
            one.text("result"),
            report.total_tokens,
            len(one.provider.asked),
        )
        assert 0 == report.unreadable

    @pytest.mark.parametrize("reply", [
        Reply(events=[begun(), "event: content_block_delta\ndata: {\"type\": \n\n"]),
        Reply(events=["event: message_start\ndata: <html>\n\n"]),
    ])  # fmt: skip
    def test_what_is_no_json_is_said_so(self, story, reply):
        """It spends an attempt: an endpoint that always answers so is not asked for ever."""
        one = story(reply)
        one.drain(max_attempts=2)

        assert ("FAILED", "malformed_answer", 2) == (
            one.phase.status,
            one.phase.reason_code,
            len(one.provider.asked),
        )

    def test_without_figures_the_use_is_not_known(self, story):
        """It is not 0, and that is said."""
        start = begun()
        del start["message"]["usage"]
        end, stop = ended()
        del end["usage"]
        one = story(Reply(events=[start, piece("Hello"), end, stop]))
        report = one.drain()
        (call,) = one.events("llm.usage_recorded")

        assert ("COMPLETE", 1) == (one.phase.status, report.unreadable)
        assert (None, None, "total_only") == (call.input_tokens, call.output_tokens, call.split)

    @pytest.mark.parametrize(("events", "known", "timeout_s"), [
        ([HANG], None, 0.3), ([begun(70), piece("Hel"), HANG], 70, ARRIVES_S),
    ])  # fmt: skip
    def test_the_deadline_ends_a_call_that_hangs(self, story, events, known, timeout_s):
        """What was written by then is an artifact; of what it used the least is known."""
        one = story(Reply(events=events))
        one.drain(max_attempts=1, settings={"timeout_s": timeout_s})
        (late,) = one.events("phase.timed_out")
        (call,) = one.events("llm.usage_recorded")

        assert "TIMED_OUT" == one.phase.status
        assert (known is not None) == ("partial-answer" in late.artifacts)
        assert known == call.input_tokens
        assert "usage-problems" in late.artifacts


class TestSettings:
    """What it is asked for, and what a log keeps of it."""

    def test_it_is_found_and_loads_nothing(self):
        """Installed means there, without a fault; the client waits until a drain needs it."""
        (info,) = [i for i in load_plugins().infos if i.distribution == "autopack-anthropic"]
        code = (
            "import sys, autopack_anthropic; autopack_anthropic.AnthropicExecutor(model='m')\n"
            "print([name for name in ('anthropic', 'httpx2') if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

        assert ((), ("executor anthropic",)) == (info.faults, info.provides)
        assert ("[]\n", "") == (done.stdout, done.stderr)

    def test_a_missing_key_refuses_the_drain(self, story, monkeypatch):
        """Before anything is written; a server of one's own may ask for none."""
        one = story(answered("Hello"))
        monkeypatch.delenv("ANTHROPIC_API_KEY")

        with pytest.raises(InvalidInputError, match="ANTHROPIC_API_KEY is not set"):
            one.drain(executor=AnthropicExecutor(model="m"))
        assert [] == one.events("drain.started")
        autopack.drain(one.log, executor=one.executor())
        assert "COMPLETE" == one.phase.status

    def test_a_drain_is_gone_on_with_from_the_log(self, story):
        """All that it was made with is there but the key, and whose limits count."""
        one = story(answered("Hello"))
        made = one.executor(model="m", system="Be brief.", extra={"temperature": 0})
        one.drain(executor=made)
        (started,) = one.events("drain.started")

        assert ("anthropic", made.settings) == (
            started.executor,
            AnthropicExecutor.again(started.settings).settings,
        )
        assert KEY not in json.dumps(dict(started.settings))
        assert one.provider.url.endswith(made.account)
        assert "anthropic" == AnthropicExecutor().account

    def test_what_the_executor_says_itself_is_no_extra(self):
        """It would be said twice, and otherwise."""
        with pytest.raises(InvalidInputError, match="max_tokens, system"):
            AnthropicExecutor(extra={"system": "x", "max_tokens": 5})
