"""litellm's records, inspect_ai's logs, mini-swe-agent's trajectories, aider's estimates."""

import csv
import json
import random
import zipfile

import pytest
from histories_kit import bring, calls, check_order_and_repeats, events, importer, sums, write_lines
from hypothesis import given
from hypothesis import strategies as st

from autopack import create_log, status
from autopack.testing.importers import ImporterContract

AT = 1_772_445_600.5
DETAILS = {
    "prompt_tokens_details": {"cached_tokens": 60},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
WANTED = {"input_tokens": 100, "cache_read_tokens": 60, "output_tokens": 20, "reasoning_tokens": 5}


def logged(key, second=0, *, details=DETAILS, **more):
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, **details}
    payload = {
        "id": key,
        "call_type": "completion",
        "status": "success",
        "stream": None,
        "model": "m-1",
        "custom_llm_provider": "openai",
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "startTime": AT + second,
        "endTime": AT + second + 0.5,
        "response_time": 0.5,
        "response_cost": 0.25,
        "metadata": {"usage_object": usage},
        "cache_hit": None,
        "session_id": "",
        **more,
    }
    return {"event": payload["status"], "standard_logging_object": payload}


class TestLiteLlm(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return importer("litellm")

    def write_source(self, folder):
        return write_lines(folder / "log.jsonl", [logged("r-1"), logged("r-2", 1)])


def test_a_logged_call(log, tmp_path):
    """Cached input and reasoning come from the provider's details; the cost is reckoned."""
    lines = [
        logged("r-1"),
        {"standard_logging_object": None},
        logged("x", status="failure"),
        logged("y", cache_hit=True),
        logged("r-2", 1, session_id="s-1"),
    ]
    report = bring(log, "litellm", write_lines(tmp_path / "log.jsonl", lines))

    assert {"r-1": WANTED, "r-2": WANTED} == calls(log)
    assert {("0.25", "computed", 0.5, "measured")} == {
        (str(one.cost_usd), one.cost_source, one.duration_s, one.split)
        for one in events(log, "llm.usage_recorded")
    }
    assert ["litellm-s-1"] == [event.run_id for event in events(log, "run.created")]
    assert {
        "answers from a cache": 1,
        "calls that failed": 1,
        "records without a call: parts of a stream": 1,
    } == report.findings["seen"]


def test_an_estimate_is_inferred(log, tmp_path):
    """A streamed call without a provider's details was counted by litellm itself."""
    guess = {"prompt_tokens_details": None, "completion_tokens_details": {"reasoning_tokens": 0}}
    lines = [logged("r-1", stream=True, details=guess), logged("r-2", 1, stream=True)]
    bring(log, "litellm", write_lines(tmp_path / "log.jsonl", lines))

    splits = {event.call_id: event.split for event in events(log, "llm.usage_recorded")}
    assert {"r-1": "inferred", "r-2": "measured"} == splits
    assert "reasoning_tokens" not in calls(log)["r-1"]


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_exports_of_the_spend_table(log, tmp_path, form):
    """The same call by its request id, from a table in any form, is the same call."""
    row = {
        "request_id": "r-1",
        "call_type": "acompletion",
        "spend": 0.25,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "startTime": "2026-03-02 10:00:00.5",
        "endTime": "2026-03-02 10:00:01",
        "model": "m-1",
        "custom_llm_provider": "openai",
        "metadata": json.dumps({"usage_object": DETAILS}),
        "cache_hit": "False",
        "session_id": "s-1",
    }
    path = tmp_path / f"spend.{form}"
    if form == "csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
            writer.writerow(row)
    else:
        path.write_text(json.dumps([row] if form == "json" else row), encoding="utf-8")
    bring(log, "litellm", path)
    bring(log, "litellm", write_lines(tmp_path / "log.jsonl", [logged("r-1")]))

    assert {"r-1": WANTED} == calls(log)
    assert ("0.25", 1) == (str(status(log).cost_usd), status(log).calls)


@given(seed=st.integers(0, 10**6))
def test_litellm_in_any_order(tmp_path_factory, seed):
    """Lines and files in any order, any of them again, over several imports: the same totals."""
    files = {
        "a.jsonl": [logged("r-1"), logged("r-2", 1, completion_tokens=30)],
        "b.jsonl": [logged("r-2", 1)],
    }
    check_order_and_repeats(tmp_path_factory.mktemp("x"), "litellm", files, seed)


def model_event(key, **more):
    usage = {
        "input_tokens": 40,
        "input_tokens_cache_read": 60,
        "output_tokens": 20,
        "total_tokens": 120,
        "reasoning_tokens": 5,
    }
    output = {"model": "m-1", "usage": usage, "time": 0.5, "choices": [{"stop_reason": "stop"}]}
    return {
        "event": "model",
        "uuid": key,
        "model": "openai/m-1",
        "timestamp": f"2026-03-02T10:0{key[-1]}:00Z",
        "output": output,
        "config": {"max_tokens": 50},
        **more,
    }


def sample(number, *told, **more):
    return {
        "id": number,
        "epoch": 1,
        "uuid": f"sample-{number}",
        "input": "Question",
        "events": list(told),
        "started_at": f"2026-03-02T10:0{number}:00Z",
        "completed_at": f"2026-03-02T10:0{number}:02Z",
        "total_time": 2.0,
        **more,
    }


HEAD = {"eval": {"eval_id": "e-1", "task": "small", "created": "2026-03-02T10:00:00+00:00"}}
SAMPLES = [sample(1, model_event("m-1")), sample(2, model_event("m-2"), model_event("n-2"))]


def evaluation(path, samples=SAMPLES):
    if path.suffix == ".eval":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("header.json", json.dumps(HEAD))
            for one in samples:
                archive.writestr(f"samples/{one['id']}_epoch_1.json", json.dumps(one))
    else:
        path.write_text(json.dumps({**HEAD, "version": 2, "samples": samples}), encoding="utf-8")
    return path


class TestInspect(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return importer("inspect-ai")

    def write_source(self, folder):
        return evaluation(folder / "log.eval")


@pytest.mark.parametrize("form", ["json", "eval"])
def test_an_evaluation_of_either_form(log, tmp_path, form):
    """Its input gets the cache; a sample is a phase, and both forms tell the same calls."""
    bring(log, "inspect-ai", evaluation(tmp_path / f"log.{form}"))
    bring(log, "inspect-ai", evaluation(tmp_path / "again.json"))

    assert {"m-1": WANTED, "m-2": WANTED, "n-2": WANTED} == calls(log)
    assert ["sample-1", "sample-2"] == [one.phase_id for one in events(log, "phase.completed")]


def test_what_used_nothing(log, tmp_path):
    """Answers from a cache, and requests that failed; a sample with an error failed."""
    samples = [
        sample(
            1,
            model_event("m-1", cache="read"),
            model_event("m-2", error="429"),
            error={"message": "no"},
        )
    ]
    report = bring(log, "inspect-ai", evaluation(tmp_path / "log.json", samples))

    assert {"answers from a cache": 1, "requests that failed": 1} == report.findings["seen"]
    assert [("sample_error", "no")] == [
        (one.code, one.message) for one in events(log, "phase.failed")
    ]


def test_a_log_without_events_tells_sums(log, tmp_path):
    """A sample's sums by model are then its calls."""
    usage = model_event("x")["output"]["usage"]
    bring(
        log,
        "inspect-ai",
        evaluation(tmp_path / "log.json", [sample(1, model_usage={"openai/m-1": usage})]),
    )

    assert {"sample-1/openai/m-1": WANTED} == calls(log)


def test_a_total_that_holds_the_input_alone(log, tmp_path):
    """Where the total is input and output as told, the cache was told within the input."""
    event = model_event("m-1")
    event["output"]["usage"] |= {"input_tokens": 100}
    bring(log, "inspect-ai", evaluation(tmp_path / "log.json", [sample(1, event)]))

    assert {"m-1": WANTED} == calls(log)


def trajectory(n=3, **more):
    def told(number):
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, **DETAILS}
        response = {
            "id": f"r-{number}",
            "model": "m-1",
            "created": int(AT) + number,
            "usage": usage,
            "choices": [{"finish_reason": "stop"}],
        }
        role = "user" if number == 2 else "assistant"
        return {"role": role, "content": "x", "extra": {"response": response, "cost": 0.25}}

    info = {
        "exit_status": "Submitted",
        "mini_version": "2.4.6",
        "config": {"model": {"model_name": "openai/m-1"}},
    }
    messages = [{"role": "system"}, {"role": "user", "content": "Solve it"}, *map(told, range(n))]
    return {
        "info": {**info, **more},
        "messages": messages,
        "trajectory_format": "mini-swe-agent-1.1",
    }


class TestMiniSwe(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return importer("mini-swe-agent")

    def write_source(self, folder):
        path = folder / "traj.json"
        path.write_text(json.dumps(trajectory()), encoding="utf-8")
        return path


def test_an_answer_in_a_message_of_any_role(log, tmp_path):
    """One that the agent refused is kept in what it asked next."""
    path = tmp_path / "traj.json"
    for n in (1, 3):  # the agent writes it anew after each step
        path.write_text(json.dumps(trajectory(n)), encoding="utf-8")
        bring(log, "mini-swe-agent", path)

    assert {f"r-{n}": WANTED for n in range(3)} == calls(log)
    assert "0.75" == str(status(log).cost_usd)
    assert ["Solve it"] == [event.goal for event in events(log, "phase.queued")]


def test_an_agent_that_gave_up_failed(log, tmp_path):
    """Its own word is the code."""
    path = tmp_path / "traj.json"
    path.write_text(json.dumps(trajectory(exit_status="LimitsExceeded")), encoding="utf-8")
    bring(log, "mini-swe-agent", path)

    assert ["LimitsExceeded"] == [event.code for event in events(log, "phase.failed")]


def sent(second, written=55, total=0.5):
    properties = {
        "main_model": "openai/m-1",
        "prompt_tokens": 100,
        "completion_tokens": written,
        "cost": 0.25,
        "total_cost": total,
        "edit_format": "diff",
    }
    return {
        "event": "message_send",
        "properties": properties,
        "user_id": "u",
        "time": int(AT) + second,
    }


AIDER = [
    {"event": "launched", "properties": {}, "user_id": "u", "time": int(AT)},
    sent(1),
    sent(2, 60, 0.75),
]


class TestAider(ImporterContract):
    """It keeps what every importer promises."""

    def make(self):
        return importer("aider")

    def write_source(self, folder):
        return write_lines(folder / "analytics.jsonl", AIDER)


def test_estimates_are_inferred(log, tmp_path):
    """What aider says is its own estimate, of tokens and cost."""
    bring(log, "aider", write_lines(tmp_path / "a.jsonl", [*AIDER, AIDER[1]]))

    assert {("inferred", "computed")} == {
        (one.split, one.cost_source) for one in events(log, "llm.usage_recorded")
    }
    assert {"calls": 2, "output_tokens": 115} == {
        k: sums(log)[k] for k in ("calls", "output_tokens")
    }


@given(seed=st.integers(0, 10**6))
def test_aider_in_any_order(tmp_path_factory, seed):
    """Lines and files in any order, any of them again, over several imports: the same totals."""
    check_order_and_repeats(
        tmp_path_factory.mktemp("x"), "aider", {"a.jsonl": AIDER, "b.jsonl": AIDER[:2]}, seed
    )


@given(seed=st.integers(0, 10**6))
def test_documents_in_any_order(tmp_path_factory, seed):
    """Evaluations and trajectories in any state, any number of times: the same totals."""
    drawn, folder = random.Random(seed), tmp_path_factory.mktemp("x")
    with create_log("memory:") as log:
        for turn in [*drawn.choices(range(4), k=4), 3]:
            path = folder / "traj.json"
            path.write_text(json.dumps(trajectory(max(1, turn))), encoding="utf-8")
            bring(log, "mini-swe-agent", path)
            mixed = drawn.sample(SAMPLES, len(SAMPLES)) if turn == 3 else SAMPLES[:turn]
            bring(log, "inspect-ai", evaluation(folder / drawn.choice(["a.json", "a.eval"]), mixed))

        assert 6 == status(log).calls
        assert 720 == status(log).total_tokens


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("litellm", "x.jsonl", json.dumps(logged("r", completion_tokens=-3))),
        ("inspect-ai", "x.json", json.dumps({**HEAD, "samples": [sample(1, model_event("m")), 7]})),
        ("mini-swe-agent", "x.json", json.dumps(trajectory(1)).replace('": 20,', '": "many",')),
        ("aider", "x.jsonl", json.dumps(sent(1, -5))),
    ],
)
def test_a_bad_record_is_counted(log, tmp_path, name, file, text):
    """It stops nothing, and its reason is said."""
    path = tmp_path / file
    path.write_text(text, encoding="utf-8")
    report = bring(log, name, path)

    assert 1 == sum(report.findings["set_aside"].values())
