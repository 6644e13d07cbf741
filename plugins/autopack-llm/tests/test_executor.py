"""Executor ``llm``: models of ``llm`` on loopback, and one of a plugin that cannot be awaited."""

import json
import subprocess
import sys

import pytest

import autopack
from autopack import PhaseSpec, load_plugins
from autopack.errors import InvalidInputError
from autopack.testing.executors import ExecutorContract
from autopack_llm import LlmExecutor
from loopback_models import ARRIVES_S, CUT, HANG, Reply, serving
from model_stories import once, stories
from openai_replies import DONE, KEY, answered, figures, piece, refused


@pytest.fixture
def story(tmp_path, told_of):
    """Begin a story with replies."""
    import openai  # noqa: F401  # which takes longer than a deadline here

    def make(url, **more):
        told_of(url)
        return LlmExecutor(**{"model": "loop", **more})

    with stories(tmp_path, make) as begin:
        yield lambda *replies: begin(*replies)


class TestContract(ExecutorContract):
    """It does what every executor does."""

    @pytest.fixture(autouse=True)
    def _endpoint(self, told_of):
        def answer(asked):
            if "fail" in str(asked.body["messages"]):
                return refused(404, kind="invalid_request_error", code="model_not_found")
            return answered("Hello", call=f"chatcmpl-0123456789-{asked.number}")

        with serving(answer) as provider:
            told_of(provider.url)
            yield

    def make(self):
        return LlmExecutor(model="loop")

    def failing(self):
        return PhaseSpec("p", category="docs", complexity="low", goal="Please fail")


class TestAnswers:
    """What is asked, and what becomes of the answer."""

    def test_an_answer_is_the_result_and_its_figures_are_recorded(self, story):
        """As the model's plugin counts them; the budget is the model's own option."""
        more = {"prompt_tokens_details": {"cached_tokens": 3}}
        one = story(answered("Hel", "lo", **more))
        made = one.executor(system="Be brief.", max_output_tokens=11)
        report = one.drain(executor=made, model=None)
        (call,) = one.events("llm.usage_recorded")
        (body,) = one.bodies

        assert (1, 12, "Hello") == (report.completed, report.total_tokens, one.text("result"))
        assert ["Be brief.", "Say hello"] == [message["content"] for message in body["messages"]]
        assert (11, 11) == (body["max_tokens"], call.max_tokens)
        assert (7, 3, 5, "stop") == (
            call.input_tokens,
            call.cache_read_tokens,
            call.output_tokens,
            call.stop_reason,
        )
        assert ("llm", "loop", "m-1") == (
            call.provider,
            call.request_model,
            call.response_model,
        )

    def test_options_are_the_models(self, story):
        """A ceiling among them is kept, where the budget is larger."""
        one = story(answered("Hello"))
        made = one.executor(model_options={"temperature": 0.5, "max_tokens": 9})
        one.drain(executor=made, model=None)

        assert (0.5, 9) == (one.bodies[0]["temperature"], one.bodies[0]["max_tokens"])

    def test_a_cut_answer_is_truncated(self, story):
        """Its text is kept; the next attempt has a larger budget."""
        one = story(answered("Hel", written=50, reason="length"), answered("Hello"))
        one.drain(executor=one.executor(), model=None)
        (failed,) = one.events("phase.failed")

        assert ("COMPLETE", "truncated") == (one.phase.status, failed.failure_class)
        assert "Hel" == one.kept(failed, "partial-answer")

    def test_a_slow_answer_is_waited_for(self, story):
        """Piece by piece, as long as the phase's deadline allows; how long it took is recorded."""
        slow = [piece("Hel"), 0.2, piece("lo"), 0.2, piece(reason="stop"), figures(7, 5), DONE]
        one = story(Reply(events=slow))
        one.drain(executor=one.executor(), model=None, settings={"timeout_s": 60})
        (call,) = one.events("llm.usage_recorded")

        assert ("Hello", 12) == (one.text("result"), call.total_tokens)
        assert 0.4 <= call.duration_s < 60

    def test_without_figures_the_use_is_not_known(self, story):
        """It is not 0, and that is said."""
        one = story(Reply(events=[piece("Hello"), piece(reason="stop"), DONE]))
        report = one.drain(executor=one.executor(), model=None)
        (call,) = one.events("llm.usage_recorded")

        assert ("COMPLETE", 1) == (one.phase.status, report.unreadable)
        assert (None, None, "total_only") == (call.input_tokens, call.output_tokens, call.split)


class TestFailures:
    """What a model's client raises, read as facts."""

    @pytest.mark.parametrize(("reply", "kind"), [
        (refused(401, code="invalid_api_key"), "auth"),
        (refused(402, code="insufficient_credits"), "quota"),
        (refused(403, code="permission_denied"), "auth"),
        (refused(404, code="model_not_found"), "invalid_request"),
        (refused(429, code="insufficient_quota"), "quota"),
    ])  # fmt: skip
    def test_what_no_other_attempt_mends_is_asked_once(self, story, reply, kind):
        """And is no call that was paid."""
        one = story(reply)
        report = one.drain(executor=one.executor(), model=None)

        assert (kind, 1, 0) == (one.phase.failure_class, len(one.provider.asked), report.calls)

    @pytest.mark.parametrize(("reply", "kind", "wait_s"), [
        (refused(429, kind="rate_limit", headers={"retry-after": "0.2"}), "rate_limited", 0.2),
        (refused(429, kind="rate_limit"), "rate_limited", None),
        (refused(500, kind="server_error"), "overloaded", None),
        (refused(529, kind="overloaded_error"), "overloaded", None),
        (Reply(events=[piece("Hel"), CUT]), "connection", None),
    ])  # fmt: skip
    def test_what_passes_by_itself_costs_no_attempt(self, story, reply, kind, wait_s):
        """The drain asks again; the client does not by itself, as it would elsewhere."""
        one = story(reply, answered("Hello"))
        one.drain(executor=one.executor(), model=None, max_attempts=1)
        (failed,) = one.events("phase.failed")

        assert ("COMPLETE", kind, wait_s) == (
            one.phase.status,
            failed.failure_class,
            failed.retry_after_s,
        )
        assert 2 == len(one.provider.asked)

    def test_what_is_no_json_is_said_so(self, story):
        """It spends an attempt."""
        one = story(Reply(events=[piece("Hel"), 'data: {"id": \n\n', DONE]))
        one.drain(executor=one.executor(), model=None, max_attempts=2)

        assert ("malformed_answer", 2) == (one.phase.reason_code, len(one.provider.asked))

    def test_the_deadline_ends_a_call_that_hangs(self, story):
        """What was written by then is an artifact; what it used is not known, and that is said."""
        one = story(Reply(events=[piece("Hel"), HANG]))
        settings = {"timeout_s": ARRIVES_S}
        one.drain(executor=one.executor(), model=None, max_attempts=1, settings=settings)
        (late,) = one.events("phase.timed_out")

        assert "TIMED_OUT" == one.phase.status
        assert {"partial-answer", "usage-problems"} <= set(late.artifacts)

    def test_a_key_that_comes_back_is_in_no_message(self, story):
        """Neither in the failure, nor anywhere else in the log."""
        one = story(refused(401, code="invalid_api_key", said=f"wrong: {KEY}"))
        one.drain(executor=one.executor(), model=None)

        assert KEY in one.provider.asked[0].headers["authorization"]
        assert "wrong: [key]" in one.phase.reason
        assert KEY not in "\n".join(map(repr, one.log.read_all()))

    @pytest.mark.parametrize(("phase", "options", "code"), [
        ({"model": "absent"}, {}, "no_model"),
        ({"model": "loop"}, {"model_options": {"warmth": 3}}, "bad_option"),
        ({"model": "loop"}, {"model_options": {"temperature": "hot"}}, "bad_option"),
    ])  # fmt: skip
    def test_what_cannot_be_asked_is_no_call(self, story, phase, options, code):
        """A model that nobody knows, and options that it has not."""
        one = story(answered("Hello"))
        made = one.executor(model=None, **options)
        report = one.drain(executor=made, settings={"strategy": once}, **phase)

        assert (code, 0, 0) == (one.phase.reason_code, report.calls, len(one.provider.asked))


class TestInAThread:
    """A model whose plugin has no awaited form."""

    @pytest.fixture
    def plain(self):
        """A plugin of ``llm`` with such a model, which has no option for a ceiling."""
        import llm
        from llm.plugins import load_plugins as load
        from llm.plugins import pm

        load()

        class Plain(llm.Model):
            model_id, can_stream = "plain", True

            def execute(self, prompt, stream, response, conversation):
                yield from ("Good ", "day")
                response.set_usage(input=4, output=2)

        class Plugin:
            @llm.hookimpl
            def register_models(self, register):
                register(Plain())

        plugin = Plugin()
        pm.register(plugin, name="plain")
        yield
        pm.unregister(plugin)

    def test_it_is_asked_in_a_thread(self, story, plain):
        """The same comes of it; the budget could not be told, and is not said to have been."""
        one = story(answered("Hello"))
        report = one.drain(executor=LlmExecutor(model="plain"), model=None)
        (call,) = one.events("llm.usage_recorded")

        assert ("Good day", 6, None) == (one.text("result"), report.total_tokens, call.max_tokens)
        assert [] == one.provider.asked


class TestSettings:
    """What it is asked for, and what a log keeps of it."""

    def test_it_is_found_and_loads_nothing(self):
        """Installed means there, without a fault; ``llm`` waits until a drain needs it."""
        (info,) = [i for i in load_plugins().infos if i.distribution == "autopack-llm"]
        code = (
            "import sys, autopack_llm; autopack_llm.LlmExecutor(model='m')\n"
            "print([name for name in ('llm', 'openai') if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

        assert ((), ("executor llm",)) == (info.faults, info.provides)
        assert ("[]\n", "") == (done.stdout, done.stderr)

    @pytest.mark.parametrize(("options", "told"), [
        ({"model": "absent"}, "llm knows no model 'absent'"),
        ({"model": "gpt-4o-mini"}, "llm keys set openai"),
        ({"model": "loop", "model_options": {"warmth": 3}}, "no option warmth"),
    ])  # fmt: skip
    def test_what_is_missing_refuses_the_drain(self, story, options, told):
        """Before anything is written."""
        one = story(answered("Hello"))

        with pytest.raises(InvalidInputError, match=told):
            one.drain(executor=one.executor(**options), model=None)
        assert [] == one.events("drain.started")

    def test_options_that_are_no_table_are_refused(self):
        """When it is made."""
        with pytest.raises(InvalidInputError, match="no table"):
            LlmExecutor(model_options=[1])

    def test_a_drain_is_gone_on_with_from_the_log(self, story):
        """All that it was made with is there."""
        one = story(answered("Hello"))
        made = one.executor(system="Be brief.", model_options={"temperature": 0.5})
        one.drain(executor=made, model=None)
        (started,) = one.events("drain.started")

        assert ("llm", made.settings) == (
            started.executor,
            LlmExecutor.again(started.settings).settings,
        )
        assert KEY not in json.dumps(dict(started.settings))
        assert "COMPLETE" == autopack.get_phase(one.log, "r/p").status
