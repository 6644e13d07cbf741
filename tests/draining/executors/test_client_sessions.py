"""Sessions of clients: kept as soon as they are told, and gone on with by the next attempt."""

import json
import sys
import textwrap

import pytest

from autopack import Cascade, CommandExecutor, Failed, create_run, drain, requeue, usage
from autopack.draining.executors.client_sessions import (
    NO_FEEDBACK,
    kept_as,
    resuming,
    session_of,
)
from autopack.errors import InvalidInputError
from autopack.ports.attempt import AttemptCheckpoint
from drains import found, specs, states

QUICK = {"backoff_base_s": 0.001, "backoff_cap_s": 0.001}

CLAUDE = """
    import json, os, sys
    argv, folder = sys.argv[1:], os.environ["SEEN"]
    resumed = argv[argv.index("--resume") + 1] if "--resume" in argv else None
    said = sys.stdin.read()
    seen = os.path.join(folder, "seen.jsonl")
    with open(seen, "a") as file:
        file.write(json.dumps({"resumed": resumed, "said": said, "argv": argv}) + "\\n")
    n = len(open(seen).readlines())
    known = os.path.join(folder, "sessions")
    sessions = open(known).read().split() if os.path.exists(known) else []
    if resumed is not None and resumed not in sessions:
        print(json.dumps({"type": "result", "subtype": "error_during_execution", "is_error": True,
              "duration_ms": 0, "num_turns": 0, "session_id": resumed, "total_cost_usd": 0,
              "usage": {"input_tokens": 0, "output_tokens": 0}, "modelUsage": {},
              "errors": [f"No conversation found with session ID: {resumed}"]}))
        print(f"No conversation found with session ID: {resumed}", file=sys.stderr)
        sys.exit(1)
    session = resumed or f"session-{n}"
    with open(known, "a") as file:
        file.write(session + "\\n")
    turns = os.path.join(folder, session)
    with open(turns, "a") as file:
        file.write("x")
    turn = os.path.getsize(turns)
    print(json.dumps({"type": "system", "subtype": "init", "session_id": session,
          "model": "claude-x-1"}), flush=True)
    is_cumulative = os.environ["FIGURES"] == "session"
    times = turn if is_cumulative else 1
    use = {"inputTokens": 100, "outputTokens": 10, "cacheReadInputTokens": 0,
           "cacheCreationInputTokens": 0, "costUSD": 0.5}
    result = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1,
        "session_id": session, "result": "done", "total_cost_usd": 0.5 * times,
        "usage": {"input_tokens": 100, "output_tokens": 10},
        "modelUsage": {"claude-x-1": {k: v * times for k, v in use.items()}}}
    if os.environ["FIGURES"] == "session":
        result["model_usage_since_last_result"] = {"claude-x-1": use}
    print(json.dumps(result), flush=True)
    if turn < int(os.environ["GOOD_AT"]):
        print("the tests fail", file=sys.stderr)
        sys.exit(1)
"""

CODEX = """
    import json, os, sys
    argv, folder = sys.argv[1:], os.environ["SEEN"]
    resumed = argv[argv.index("resume") + 1] if "resume" in argv else None
    with open(os.path.join(folder, "seen.jsonl"), "a") as file:
        file.write(json.dumps({"resumed": resumed, "said": sys.stdin.read(), "argv": argv}) + "\\n")
    if resumed is not None and os.environ.get("FORGETS"):
        print(f"Error: thread/resume failed: no rollout found for thread id {resumed}",
              file=sys.stderr)
        sys.exit(1)
    thread = resumed or "0199a213-81c0-7800-8aa1-bbab2a035a53"
    turns = os.path.join(folder, thread)
    with open(turns, "a") as file:
        file.write("x")
    n = os.path.getsize(turns)
    print(json.dumps({"type": "thread.started", "thread_id": thread}), flush=True)
    print(json.dumps({"type": "turn.started"}), flush=True)
    print(json.dumps({"type": "item.completed",
          "item": {"type": "agent_message", "text": "done"}}), flush=True)
    print(json.dumps({"type": "turn.completed", "usage": {"input_tokens": 100 * n,
          "cached_input_tokens": 0, "output_tokens": 10 * n}}), flush=True)
    if n < int(os.environ["GOOD_AT"]):
        sys.exit(1)
"""


@pytest.fixture
def client(tmp_path):
    """Makes an executor of a scripted client, which prints what the real one does."""

    def make(name, *, good_at=2, figures="process", resume=True, forgets=False, **options):
        script = tmp_path / name
        body = textwrap.dedent(CLAUDE if name == "claude" else CODEX)
        script.write_text(f"#!{sys.executable}\n{body}")
        script.chmod(0o755)
        command = [str(script), "-p", ["--model", "{model}"]]
        if name == "codex":
            command = [str(script), "exec", "--json", ["--model", "{model}"], "-"]
        env = {"SEEN": str(tmp_path), "GOOD_AT": str(good_at), "FIGURES": figures}
        env |= {"CODEX_HOME": str(tmp_path / "none"), **({"FORGETS": "1"} if forgets else {})}
        return CommandExecutor(
            command, preset=name, stdin="{prompt}", env=env, resume_sessions=resume, **options
        )

    return make


def seen(tmp_path):
    """What the client was called with each time."""
    return [json.loads(line) for line in (tmp_path / "seen.jsonl").read_text().splitlines()]


def drain_twice(log, executor, **settings):
    """Drain a phase whose first attempt fails, and put it back for the second."""
    drain(log, executor=executor, max_phases=1, **QUICK, **settings)
    if "QUEUED" not in states(log).values():
        requeue(log, "r/a", why="mind the tests")
    drain(log, executor=executor, max_phases=1, **QUICK, **settings)


@pytest.mark.parametrize("name", ["claude", "codex"])
class TestGoingOn:
    """A later attempt goes on with the session of the one before it."""

    def test_the_session_is_kept_and_gone_on_with(self, any_log, tmp_path, client, name):
        """By its id, with what was wrong in place of the goal."""
        create_run(any_log, "r", specs("a", goal="Write the parser.", deliverables=[]))
        drain_twice(any_log, client(name))
        first, second = seen(tmp_path)
        kept = found(any_log, "phase.checkpointed")
        session = json.loads(any_log.artifacts.get(kept[0].digest))["session_id"]

        assert (None, "Write the parser.") == (first["resumed"], first["said"])
        assert session == second["resumed"]
        assert "Write the parser." not in second["said"]
        assert "mind the tests" in second["said"]
        assert {"a": "COMPLETE"} == states(any_log)
        assert ["session", "session"] == [one.name for one in kept]

    @pytest.mark.parametrize("figures", ["process", "session"])
    def test_what_it_used_before_is_not_counted_again(
        self, any_log, tmp_path, client, name, figures
    ):
        """Whether the client tells what the process used, or the session since its beginning."""
        create_run(any_log, "r", specs("a", goal="g"))
        drain_twice(any_log, client(name, figures=figures))
        use = usage(any_log).total.use

        assert (2, 200, 20) == (use.calls, use.input_tokens, use.output_tokens)

    def test_a_failure_names_its_session(self, any_log, tmp_path, client, name):
        """So that a person can look into it."""
        create_run(any_log, "r", specs("a", goal="g"))
        drain(any_log, executor=client(name), max_phases=1, **QUICK)
        (failed,) = found(any_log, "phase.failed")
        (kept,) = found(any_log, "phase.checkpointed")

        told = json.loads(any_log.artifacts.get(kept.digest))
        assert told["session_id"] == failed.source_fields["session_id"]
        assert name == told["client"]

    def test_unless_it_is_asked_for_each_attempt_begins_anew(self, any_log, tmp_path, client, name):
        """The session is kept all the same."""
        create_run(any_log, "r", specs("a", goal="g"))
        drain_twice(any_log, client(name, resume=False, good_at=9))

        assert [None, None] == [one["resumed"] for one in seen(tmp_path)]
        assert found(any_log, "phase.checkpointed")

    def test_a_fresh_start_begins_a_new_session(self, any_log, tmp_path, client, name):
        """As the person said who put the phase back."""
        create_run(any_log, "r", specs("a", goal="g"))
        executor = client(name)
        drain(any_log, executor=executor, max_phases=1, **QUICK)
        requeue(any_log, "r/a", why="again", fresh=True)
        drain(any_log, executor=executor, max_phases=1, **QUICK)

        assert [None, None] == [one["resumed"] for one in seen(tmp_path)]

    def test_another_model_does_not_go_on_with_it(self, any_log, tmp_path, client, name):
        """A cascade's next model begins with the goal, and its own session."""
        create_run(any_log, "r", specs("a", goal="g"))
        cascade = Cascade(models=["small", "large"], on=["execution"])
        drain(any_log, executor=client(name, good_at=9), strategy=cascade, **QUICK)
        models = [one["argv"][one["argv"].index("--model") + 1] for one in seen(tmp_path)]

        assert ["small", "large"] == models
        assert [None, None] == [one["resumed"] for one in seen(tmp_path)]

    def test_what_a_session_is_told_can_be_said(self, any_log, tmp_path, client, name):
        """The whole goal again, for those who want it."""
        create_run(any_log, "r", specs("a", goal="Write it.", deliverables=[]))
        prompt = "{goal}\n\nThis was wrong:\n{feedback}"
        drain_twice(any_log, client(name, resume_prompt=prompt))

        assert seen(tmp_path)[1]["said"].startswith("Write it.\n\nThis was wrong:\n")

    def test_another_process_goes_on_with_it(self, any_log, another, tmp_path, client, name):
        """What is kept is in the log."""
        create_run(any_log, "r", specs("a", goal="g"))
        drain(any_log, executor=client(name), max_phases=1, **QUICK)
        requeue(any_log, "r/a", why="again")
        drain(another(), executor=client(name), max_phases=1, **QUICK)

        assert [False, True] == [one["resumed"] is not None for one in seen(tmp_path)]


class TestUnknownSessions:
    """What the client has forgotten."""

    @pytest.mark.parametrize("name", ["claude", "codex"])
    def test_the_attempt_begins_anew(self, any_log, tmp_path, client, name):
        """In the same attempt, since nothing was paid; it is told in the log."""
        create_run(any_log, "r", specs("a", goal="Write it.", deliverables=[]))
        executor = client(name, forgets=True)
        drain(any_log, executor=executor, max_phases=1, **QUICK)
        (tmp_path / "sessions").unlink(missing_ok=True)
        for one in tmp_path.glob("0199*"):
            one.write_text("x")
        for one in tmp_path.glob("session-*"):
            one.unlink()
        requeue(any_log, "r/a", why="again")
        better = client(name, forgets=True, good_at=1)
        drain(any_log, executor=better, max_phases=1, **QUICK)
        first, second, third = seen(tmp_path)
        done = found(any_log, "phase.completed")[-1]

        assert (None, True, None) == (
            first["resumed"], second["resumed"] is not None, third["resumed"],
        )  # fmt: skip
        assert "Write it." == third["said"]
        assert 2 == len(found(any_log, "phase.claimed"))
        assert {"a": "COMPLETE"} == states(any_log)
        assert "session-not-resumed" in done.artifacts


class TestCommands:
    """How each client is told."""

    @pytest.mark.parametrize(
        ("name", "command", "resumed"),
        [
            ("claude", ["claude", "-p"], ("claude", "--resume", "S", "-p")),
            ("claude", ["/x/claude", "{goal}"], ("/x/claude", "--resume", "S", "{goal}")),
            ("claude", ["npx", "claude", "-p"], ("npx", "claude", "--resume", "S", "-p")),
            ("claude", ["my-agent", "-p"], None),
            ("claude", ["claude", "--continue", "-p"], None),
            ("codex", ["codex", "exec", "--json", "-"],
             ("codex", "exec", "--json", "resume", "S", "-")),
            ("codex", ["codex", "exec", "-s", "read-only", "{prompt}", "--json"],
             ("codex", "exec", "-s", "read-only", "resume", "S", "{prompt}", "--json")),
            ("codex", ["codex", "exec", "--json"], None),
            ("codex", ["codex", "exec", "resume", "--last", "-"], None),
            ("gemini", ["gemini", "-p", "{prompt}"], None),
            (None, ["claude", "-p"], None),
        ],
    )  # fmt: skip
    def test_a_session_stands_where_the_client_reads_it(self, name, command, resumed):
        """What nobody knows how to go on with begins anew."""
        assert resumed == resuming(name, command, "S")

    def test_a_prompt_that_is_no_template_is_refused(self):
        """Before a drain begins."""
        with pytest.raises(InvalidInputError, match="resume_prompt"):
            CommandExecutor(["claude", "-p"], preset="claude", resume_prompt="{nonsense}")

    def test_a_drain_goes_on_with_the_option(self):
        """It is among what the log keeps of a command."""
        first = CommandExecutor(preset="claude", resume_sessions=True)

        assert first.settings == CommandExecutor.again(first.settings).settings


class Keeping:
    """An attempt that kept something."""

    def __init__(self, text):
        self._text = text

    async def acheckpoint(self, name, text):
        """Keep nothing."""

    def checkpoint_of(self, name):
        """Return what was kept."""
        return AttemptCheckpoint(name=name, text=self._text, attempt=1, at=None)


@pytest.mark.parametrize(
    ("text", "session"),
    [
        (kept_as("claude", "s-1", "m"), "s-1"),
        (kept_as("codex", "s-1", "m"), None),
        (kept_as("claude", "s-1", None), None),
        (kept_as("claude", "--dangerous", "m"), None),
        (kept_as("claude", "a b", "m"), None),
        ("[]", None),
        ("no JSON", None),
    ],
)
def test_only_a_session_of_the_same_client_and_model_is_gone_on_with(text, session):
    """Whatever else is kept under the name is nobody's session."""
    assert session == session_of(Keeping(text), "claude", "m")


def test_without_a_word_on_what_was_wrong_it_is_told_to_go_on(any_log, tmp_path, client):
    """As after a drain that was stopped."""
    create_run(any_log, "r", specs("a", goal="g"))
    executor = client("claude", good_at=1)

    async def stopped(phase, attempt):
        await executor.execute(phase, attempt)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drain(any_log, executor=stopped)
    drain(any_log, executor=executor)

    assert [NO_FEEDBACK] == [one["said"] for one in seen(tmp_path)][1:]
    assert not isinstance(states(any_log)["a"], Failed)
