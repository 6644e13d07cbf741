"""Executor ``openai`` against an endpoint on loopback: what it asks, records and makes of it."""

import asyncio
import json
import subprocess
import sys
from decimal import Decimal

import pytest

import autopack
from autopack import PhaseSpec, load_plugins
from autopack.errors import InvalidInputError
from autopack.testing.executors import ExecutorContract
from autopack.types import PriceEntry, PriceTable
from autopack_openai import OpenAIExecutor
from loopback_models import ARRIVES_S, CUT, HANG, Reply, serving
from model_stories import REF, once, stories
from openai_replies import DONE, KEY, answered, chunk, figures, piece, refused


@pytest.fixture
def story(tmp_path):
    """Begin a story with replies."""
    import openai  # noqa: F401  # which takes longer than a deadline here

    with stories(tmp_path, lambda url, **more: OpenAIExecutor(base_url=f"{url}/v1", **more)) as one:
        yield one


class TestContract(ExecutorContract):
    """It does what every executor does."""

    url = "http://127.0.0.1:9/v1"

    @pytest.fixture(autouse=True)
    def _endpoint(self):
        def answer(asked):
            if "fail" in str(asked.body["messages"]):
                return refused(404, kind="invalid_request_error", code="model_not_found")
            return answered("Hello", call=f"chatcmpl-0123456789-{asked.number}")

        with serving(answer) as provider:
            self.url = f"{provider.url}/v1"
            yield

    def make(self):
        return OpenAIExecutor(model="m", base_url=self.url)

    def failing(self):
        return PhaseSpec("p", category="docs", complexity="low", goal="Please fail")


class TestAnswers:
    """What is asked, and what becomes of the answer."""

    def test_an_answer_is_the_result_and_its_figures_are_recorded(self, story):
        """The goal is the prompt; what the endpoint counted is in the log, under its own id."""
        more = {
            "prompt_tokens_details": {"cached_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 2},
        }
        one = story(answered("Hel", "lo", **more))
        report = one.drain(executor=one.executor(system="Be brief."))
        (call,) = one.events("llm.usage_recorded")

        assert (1, 12) == (report.completed, report.total_tokens)
        assert "Hello" == one.text("result")
        assert [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Say hello"},
        ] == one.bodies[0]["messages"]
        assert (7, 3, 5, 2, 12) == (
            call.input_tokens,
            call.cache_read_tokens,
            call.output_tokens,
            call.reasoning_tokens,
            call.total_tokens,
        )
        assert ("m", "m-1", "stop") == (call.request_model, call.response_model, call.stop_reason)
        assert "chatcmpl-0123456789abcdef" == call.call_id
        assert one.provider.url.endswith(call.provider)
        assert ("measured", None) == (call.split, call.cost_usd)

    def test_a_cost_that_is_told_is_recorded(self, story):
        """Some gateways tell what a call cost."""
        one = story(answered("Hello", cost=0.0125))
        report = one.drain()

        assert Decimal("0.0125") == report.cost_usd

    @pytest.mark.parametrize(("tier", "cost"), [("flex", "0.000005"), ("default", "0.00001")])
    def test_a_call_has_the_price_of_its_tier(self, story, tier, cost):
        """As the answer tells it, whatever was asked for; each has an entry of its own."""
        entry = {"model": "m-1", "since": "2026-01-01", "input": 0}
        prices = PriceTable(
            entries=(
                PriceEntry(**entry, output=2),
                PriceEntry(**entry, output=1, when={"service_tier": "flex"}),
            )
        )
        pieces = [piece("Hi", service_tier=tier), piece(reason="stop", service_tier=tier)]
        one = story(Reply(events=[*pieces, figures(7, 5), DONE]))
        made = one.executor(extra={"service_tier": "flex"})
        one.drain(executor=made, settings={"prices": prices})
        (call,) = one.events("llm.usage_recorded")

        assert Decimal(cost) == call.cost_usd

    def test_the_budget_is_the_most_that_may_be_written(self, story):
        """It is sent, under the name that most endpoints know, and in the log; lower if so said."""
        one = story(answered("Hello"))
        one.drain(executor=one.executor(max_output_tokens=11))
        (call,) = one.events("llm.usage_recorded")

        assert 11 == one.bodies[0]["max_tokens"] == call.max_tokens
        assert {"include_usage": True} == one.bodies[0]["stream_options"]

    def test_the_phases_model_wins(self, story):
        """That of the executor is for phases without one."""
        one = story(answered("Hello"))
        one.drain(executor=one.executor(model="other"), model="mine")

        assert ["mine"] == [body["model"] for body in one.bodies]

    def test_without_any_model_nothing_is_asked(self, story):
        """The phase fails, and says where a model may stand."""
        one = story(answered("Hello"))
        one.drain(model=None)

        assert ("FAILED", "no_model", 0) == (
            one.phase.status,
            one.phase.reason_code,
            len(one.provider.asked),
        )

    def test_a_prompt_may_have_placeholders(self, story):
        """Those of the executor command; a phase without the value fails before the call."""
        one = story(answered("Hello"))
        made = one.executor(prompt="{payload.text} in {inputs.language}")
        one.drain(executor=made, payload={"text": "Good day"}, inputs={"language": "Danish"})

        assert "Good day in Danish" == one.bodies[0]["messages"][0]["content"]
        assert made.foresee(one.phase, budget_tokens=9, settings={}) is None

    def test_more_fields_are_sent_as_they_are(self, story):
        """Whatever else the endpoint knows."""
        one = story(answered("Hello"))
        one.drain(executor=one.executor(extra={"temperature": 0, "top_k": 3}))

        assert (0, 3) == (one.bodies[0]["temperature"], one.bodies[0]["top_k"])

    def test_what_went_wrong_is_told_to_the_next_attempt(self, story):
        """Of the work, that is: that the endpoint was busy is nothing for a model."""
        busy = refused(429, kind="rate_limit_error", headers={"retry-after-ms": "5"})
        one = story(busy, answered(), busy, answered("Hello"))
        one.drain()
        asked = [body["messages"][-1]["content"] for body in one.bodies]

        assert "COMPLETE" == one.phase.status
        assert ["Say hello", "Say hello"] == asked[:2]
        assert "without a word" not in asked[0]
        assert "Of the last attempt at this:" in asked[2]

    def test_calls_of_one_short_id_are_calls_of_their_own(self, story):
        """Some servers number their answers from 0 to 999."""
        one = story(answered("", call="chatcmpl-7"), answered("Hello", call="chatcmpl-7"))
        report = one.drain()

        assert (1, 2, 24) == (report.completed, report.calls, report.total_tokens)
        assert {"chatcmpl-7"} == {
            call.source_fields["id"] for call in one.events("llm.usage_recorded")
        }

    def test_a_cap_that_the_answer_reaches_leaves_it_standing(self, story):
        """It was the phase's only call, and is paid."""
        one = story(answered("Hello"))
        one.drain(settings={"max_tokens_per_phase": 8})

        assert ("COMPLETE", "Hello") == (one.phase.status, one.text("result"))


class TestCeilings:
    """Names of the ceiling that a model refuses, and answers that reach it."""

    def test_a_model_that_wants_the_other_name_gets_it(self, story):
        """Once it has said so, it is asked by that name at once."""
        said = "Unsupported parameter: 'max_tokens' is not supported with this model."
        told = {"param": "max_tokens", "code": "unsupported_parameter", "said": said}
        one = story(refused(400, kind="invalid_request_error", **told), answered("Hello"))
        made = one.executor()
        one.drain(executor=made)
        autopack.create_run(
            one.log, "s", [PhaseSpec("p", category="docs", complexity="low", goal="x", model="m")]
        )
        autopack.drain(one.log, executor=made)

        assert "COMPLETE" == one.phase.status
        assert [False, True, True] == ["max_completion_tokens" in body for body in one.bodies]
        assert [True, False, False] == ["max_tokens" in body for body in one.bodies]

    def test_one_that_knows_neither_is_not_asked_without(self, story):
        """A call without any ceiling might cost what nobody foresaw."""
        said = "Unknown parameter: max_tokens, max_completion_tokens"
        one = story(refused(400, kind="invalid_request_error", said=said))
        one.drain()

        assert ("FAILED", "invalid_request", 2) == (
            one.phase.status,
            one.phase.failure_class,
            len(one.provider.asked),
        )

    def test_a_ceiling_that_is_too_high_is_no_unknown_name(self, story):
        """It is told, and not asked again under another."""
        said = "max_tokens is too large: this model supports at most 10 completion tokens"
        told = {"param": "max_tokens", "code": "invalid_value", "said": said}
        one = story(refused(400, kind="invalid_request_error", **told))
        one.drain()

        assert ("invalid_request", 1) == (one.phase.failure_class, len(one.provider.asked))
        assert "too large" in one.phase.reason

    def test_a_server_that_knows_no_stream_options_is_asked_without(self, story):
        """What it used is then not known, and said so; it is not 0."""
        said = "extra_forbidden: stream_options: Extra inputs are not permitted"
        plain = Reply(events=[piece("Hello"), piece(reason="stop"), DONE])
        one = story(refused(422, said=said), plain)
        report = one.drain()
        (call,) = one.events("llm.usage_recorded")

        assert ("COMPLETE", False) == (one.phase.status, "stream_options" in one.bodies[1])
        assert (None, None, "total_only") == (call.input_tokens, call.output_tokens, call.split)
        assert "told no figures" in one.text("usage-problems")
        assert 1 == report.unreadable

    def test_a_cut_answer_is_truncated_and_gets_more_room(self, story):
        """Its text is kept; the next attempt has a larger budget."""
        one = story(answered("Hel", written=50, reason="length"), answered("Hello"))
        one.drain()
        (failed,) = one.events("phase.failed")
        first, second = (body["max_tokens"] for body in one.bodies)

        assert ("COMPLETE", "truncated") == (one.phase.status, failed.failure_class)
        assert first < second
        assert "Hel" == one.kept(failed, "partial-answer")
        assert [True, False] == [c.truncated for c in one.events("llm.usage_recorded")]

    def test_a_slow_answer_is_waited_for(self, story):
        """Piece by piece, as long as the phase's deadline allows; how long it took is recorded."""
        slow = [piece("Hel"), 0.2, piece("lo"), 0.2, piece(reason="stop"), figures(7, 5), DONE]
        one = story(Reply(events=slow))
        one.drain(settings={"timeout_s": 60})
        (call,) = one.events("llm.usage_recorded")

        assert ("Hello", 12) == (one.text("result"), call.total_tokens)
        assert 0.4 <= call.duration_s < 60

    @pytest.mark.parametrize("reply", [
        answered("I", reason="content_filter"),
        Reply(events=[
            chunk("chatcmpl-0123456789abcdef", choices=[
                {"index": 0, "delta": {"refusal": "I will not."}, "finish_reason": None}
            ]),
            piece(reason="stop"), figures(7, 5), DONE,
        ]),
    ])  # fmt: skip
    def test_a_refusal_is_none_of_the_drains_faults(self, story, reply):
        """It is not asked again, and what it used is recorded."""
        one = story(reply)
        report = one.drain()

        assert ("FAILED", "refused", 12) == (
            one.phase.status,
            one.phase.failure_class,
            report.total_tokens,
        )
        assert 1 == len(one.provider.asked)


class TestRefusals:
    """What an endpoint that gives no answer says, as facts; none of it is a call that was paid."""

    @pytest.mark.parametrize(("reply", "kind", "fact"), [
        (refused(401, code="invalid_api_key"), "auth", 401),
        (refused(402, code="insufficient_credits"), "quota", 402),
        (refused(403, code="permission_denied"), "auth", 403),
        (refused(404, code="model_not_found"), "invalid_request", 404),
        (refused(429, code="insufficient_quota", kind="insufficient_quota"), "quota", 429),
        (refused(400, code="context_length_exceeded"), "boundary", 400),
        (Reply(status=403, body="<html>no</html>"), "auth", 403),
    ])  # fmt: skip
    def test_what_no_other_attempt_mends_is_asked_once(self, story, reply, kind, fact):
        """Its class is from facts, and no call is counted."""
        one = story(reply)
        report = one.drain()
        (failed,) = one.events("phase.failed")

        assert (kind, fact) == (failed.failure_class, failed.source_fields["http_status"])
        assert (1, 0) == (len(one.provider.asked), report.calls)

    @pytest.mark.parametrize(("reply", "kind"), [
        (refused(429, kind="rate_limit_error"), "rate_limited"),
        (refused(500, kind="server_error"), "overloaded"),
        (Reply(status=502, body="<html>Bad gateway</html>"), "overloaded"),
        (refused(503), "overloaded"),
        (refused(529, kind="overloaded_error"), "overloaded"),
        (Reply(events=[{"error": {"message": "busy", "type": "server_error"}}]), "overloaded"),
        (Reply(events=[CUT]), "connection"),
    ])  # fmt: skip
    def test_what_passes_by_itself_costs_no_attempt(self, story, reply, kind):
        """The drain waits, and asks again; the client does not by itself."""
        one = story(reply, answered("Hello"))
        one.drain(max_attempts=1)
        (failed,) = one.events("phase.failed")

        assert ("COMPLETE", kind) == (one.phase.status, failed.failure_class)
        assert 2 == len(one.provider.asked)

    @pytest.mark.parametrize(("headers", "wait_s"), [
        ({"retry-after": "0.2"}, 0.2),
        ({"retry-after-ms": "40", "retry-after": "7"}, 0.04),
        ({}, None),
    ])  # fmt: skip
    def test_a_wait_that_is_told_is_kept(self, story, headers, wait_s):
        """In seconds, in thousandths, or not at all."""
        one = story(refused(429, kind="rate_limit_error", headers=headers), answered("Hello"))
        one.drain()
        (failed,) = one.events("phase.failed")

        assert wait_s == failed.retry_after_s

    def test_a_key_that_comes_back_is_in_no_message(self, story):
        """Neither in the failure, nor anywhere else in the log."""
        said = f"Incorrect API key provided: {KEY}."
        one = story(refused(401, code="invalid_api_key", said=said))
        one.drain()
        whole = "\n".join(map(repr, one.log.read_all()))

        assert f"Bearer {KEY}" == one.provider.asked[0].headers["authorization"]
        assert "Incorrect API key provided: [key]" in one.phase.reason
        assert KEY not in whole

    def test_nobody_there_is_no_call(self, story):
        """A connection that was refused was never paid."""
        one = story(answered("Hello"))
        made = OpenAIExecutor(base_url="http://127.0.0.1:9/v1")
        one.drain(executor=made, settings={"strategy": once})
        (failed,) = one.events("phase.failed")

        assert ("connection", []) == (failed.failure_class, one.events("llm.usage_recorded"))


class TestBroken:
    """Answers that break off, hang, or are no answers: what they used is a bound, or not known."""

    @pytest.mark.parametrize("end", [[CUT], []])
    def test_a_stream_that_is_cut_is_kept_and_asked_again(self, story, end):
        """Its use is not known, and is no 0; what it wrote is there."""
        one = story(Reply(events=[piece("Hel"), *end]), answered("Hello"))
        report = one.drain()
        (failed,) = one.events("phase.failed")
        first, second = one.events("llm.usage_recorded")

        assert ("COMPLETE", "connection") == (one.phase.status, failed.failure_class)
        assert "Hel" == one.kept(failed, "partial-answer")
        assert (None, 5) == (first.output_tokens, second.output_tokens)
        assert "not known" in one.kept(failed, "usage-problems")
        assert 1 == report.unreadable

    def test_figures_on_the_way_are_the_least_that_was_used(self, story):
        """Some servers tell them with each piece."""
        usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        one = story(Reply(events=[piece("Hel", usage=usage), CUT]), answered("Hello"))
        one.drain()
        first, _second = one.events("llm.usage_recorded")

        assert (7, 2, "inferred") == (first.input_tokens, first.output_tokens, first.split)

    def test_an_answer_that_is_cut_behind_its_end_is_whole(self, story):
        """It is paid, and asked for no second time; its figures are missing."""
        one = story(Reply(events=[piece("Hello"), piece(reason="stop"), CUT]))
        one.drain()

        assert ("COMPLETE", "Hello", 1) == (
            one.phase.status,
            one.text("result"),
            len(one.provider.asked),
        )
        assert "told no figures" in one.text("usage-problems")

    @pytest.mark.parametrize("reply", [
        Reply(events=[piece("Hel"), "data: {\"id\": \n\n", DONE]),
        Reply(events=["data: <html>\n\n"]),
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

    def test_figures_that_cannot_be_are_not_recorded(self, story):
        """The answer stands; what it used is not known."""
        one = story(answered("Hello", prompt_tokens_details={"cached_tokens": 900}))
        one.drain()
        (call,) = one.events("llm.usage_recorded")

        assert ("COMPLETE", None) == (one.phase.status, call.input_tokens)
        assert "cannot be so" in one.text("usage-problems")

    def test_zeros_are_no_figures(self, story):
        """Some servers count nothing, and say so with zeros."""
        one = story(answered("Hello", given=0, written=0))
        one.drain()
        (call,) = one.events("llm.usage_recorded")

        assert (None, None) == (call.input_tokens, call.output_tokens)

    @pytest.mark.parametrize(
        ("events", "timeout_s"), [([HANG], 0.3), ([piece("Hel"), HANG], ARRIVES_S)]
    )
    def test_the_deadline_ends_a_call_that_hangs(self, story, events, timeout_s):
        """What was written by then is an artifact, and the call is recorded, as not known."""
        one = story(Reply(events=events))
        one.drain(max_attempts=1, settings={"timeout_s": timeout_s})
        (ended,) = one.events("phase.timed_out")
        (call,) = one.events("llm.usage_recorded")

        assert "TIMED_OUT" == one.phase.status
        assert (len(events) == 2) == ("partial-answer" in ended.artifacts)
        assert (None, None) == (call.input_tokens, call.output_tokens)
        assert "usage-problems" in ended.artifacts

    def test_a_loop_of_ones_own_has_the_deadline_too(self, story):
        """Nobody cancels there: it looks itself."""
        one = story(Reply(events=[piece("Hel"), HANG]))
        given = {"category": "docs", "complexity": "low", "goal": "x", "model": "m"}
        autopack.create_run(one.log, "r", [PhaseSpec("p", timeout_s=ARRIVES_S, **given)])

        async def by_hand():
            async with autopack.attempt(one.log, REF) as live:
                outcome = await one.executor().execute(one.phase, live)
                live.fail(outcome.code, outcome.message)
            return outcome

        assert "timed_out" == asyncio.run(by_hand()).code
        assert "Hel" == one.text("partial-answer")


class TestSettings:
    """What it is asked for, and what a log keeps of it."""

    def test_it_is_found_by_its_entry_point(self):
        """Installed means there, without a fault, and the client is not loaded for it."""
        (info,) = [i for i in load_plugins().infos if i.distribution == "autopack-openai"]

        assert ((), ("executor openai",)) == (info.faults, info.provides)

    def test_nothing_is_loaded_before_it_is_needed(self):
        """The client takes a second or two; naming the executor, and making it, take none."""
        code = (
            "import sys, autopack_openai; autopack_openai.OpenAIExecutor(model='m')\n"
            "print([name for name in ('openai', 'httpx2') if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

        assert ("[]\n", "") == (done.stdout, done.stderr)

    def test_a_missing_key_refuses_the_drain(self, story, monkeypatch):
        """Before anything is written; a server of one's own may ask for none."""
        one = story(answered("Hello"))
        monkeypatch.delenv("OPENAI_API_KEY")

        with pytest.raises(InvalidInputError, match="OPENAI_API_KEY is not set"):
            one.drain(executor=OpenAIExecutor(model="m"))
        assert [] == one.events("drain.started")
        autopack.drain(one.log, executor=one.executor())
        assert "COMPLETE" == one.phase.status

    @pytest.mark.parametrize(("options", "told"), [
        ({"base_url": "localhost:80"}, "no address"),
        ({"base_url": "http://user:hush@localhost/v1"}, "password"),
        ({"base_url": 5}, "no address"),
        ({"api_key_env": ""}, "names no variable"),
        ({"model": ""}, "give a text"),
        ({"max_output_tokens": 0}, "1 or more"),
        ({"prompt": "{gaol}"}, "Did you mean {goal}"),
        ({"extra": [1]}, "no table"),
        ({"extra": {"model": "x", "n": 2}}, "model, n"),
    ])  # fmt: skip
    def test_what_cannot_be_is_refused(self, options, told):
        """When it is made, with the name of the option, and without what may be a secret."""
        with pytest.raises(InvalidInputError, match=told) as refusal:
            OpenAIExecutor(**options)
        assert "hush" not in str(refusal.value)
        assert next(iter(options)) == refusal.value.name

    def test_a_key_that_no_header_can_hold_is_not_shown(self, monkeypatch):
        """It would stand in the client's own error."""
        monkeypatch.setenv("OPENAI_API_KEY", "sk-one\nsk-two")

        with pytest.raises(InvalidInputError, match="OPENAI_API_KEY holds no key") as refusal:
            OpenAIExecutor().check()
        assert "sk-" not in str(refusal.value)

    def test_whose_limits_count(self, monkeypatch):
        """OpenAI's own, or the host's."""
        local = OpenAIExecutor(base_url="http://localhost:11434/v1")
        monkeypatch.setenv("OPENAI_BASE_URL", "https://models.example/v1")

        assert "localhost:11434" == local.account
        assert "models.example" == OpenAIExecutor().account
        assert "openai" == OpenAIExecutor(base_url="https://api.openai.com/v1").account

    def test_a_drain_is_gone_on_with_from_the_log(self, story):
        """All that it was made with is there but the key."""
        one = story(answered("Hello"))
        made = one.executor(model="m", system="Be brief.", extra={"temperature": 0})
        one.drain(executor=made)
        (started,) = one.events("drain.started")
        again = OpenAIExecutor.again(started.settings)

        assert "openai" == started.executor
        assert made.settings == again.settings
        assert KEY not in json.dumps(dict(started.settings))


def test_a_file_of_tasks_is_answered_by_one_line(story, tmp_path, monkeypatch):
    """The command that users type first, with options of the executor."""
    from click.testing import CliRunner

    from autopack.cli.main import autopack as command

    one = story(answered("Hello", call="chatcmpl-1"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tasks.csv").write_text("id,prompt\na,Say hello\nb,Say it again\n")
    line = ["batch", "tasks.csv", "--executor", "openai", "--model", "m", "--max-tokens", "100000"]
    done = CliRunner().invoke(command, [*line, "-x", f"base_url={one.provider.url}/v1"])
    rows = [json.loads(text) for text in (tmp_path / "tasks.out.jsonl").read_text().splitlines()]

    assert 0 == done.exit_code, done.output
    assert [("COMPLETE", "Hello", 12)] * 2 == [
        (row["state"], row["output"], row["tokens"]) for row in rows
    ]
