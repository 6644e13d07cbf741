"""What a redaction hook takes out is nowhere: not where a text stood, nor in what is made of it."""

import contextlib
import sys
import time
from typing import Any, Literal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autopack
from autopack import (
    ANY,
    CommandExecutor,
    Completed,
    Failed,
    NeedsPerson,
    NewEvent,
    PhaseRef,
    PhaseSpec,
    Prepared,
    hookimpl,
)
from autopack.errors import InvalidInputError, LogDamagedError
from autopack.events import CORE_EVENTS, event
from autopack.events.schema import Digests, Key, Text
from autopack.format.codec import Codec
from autopack.format.redaction import clean, cleaned_json, cleaner_of
from autopack.log.backends.memory import MemoryBackend
from autopack.log.log import Log, journal_of
from autopack.ports.log import UnrecognisedEvent
from autopack.testing.facts import failed, stream_of
from drains import found, specs
from redacting import SECRET, Redacts, is_told, made, places, telling, told_in


@event("weather.changed")
class WeatherChanged:
    """A plugin's event, with a text in each way of having one."""

    station: Key
    sky: str
    remark: Text | None = None
    seen_by: tuple[str, ...] = ()
    kind: Literal["rain", "sun"] = "rain"
    notes: dict[str, list[str]] = attrs.Factory(dict)
    pictures: Digests = attrs.Factory(dict)


@attrs.frozen
class Held:
    """A value of a plugin's own making."""

    name: str
    size: int = 1


CLASSES = (*CORE_EVENTS, WeatherChanged)
CODEC = Codec(CLASSES)


def hidden(text: str) -> str:
    """What the hook leaves."""
    return text.replace(SECRET, "[gone]")


class TestEvents:
    """Every event class, the library's and a plugin's."""

    @given(
        cls=st.sampled_from(CLASSES),
        before=st.text(max_size=9) | st.just("x " * 300),
        after=st.text(max_size=9) | st.just(" y" * 400),
    )
    def test_no_field_of_no_event_tells_it(self, cls, before, after):
        """Neither a text nor a name within a table, a list or JSON; nor the texts beside it."""
        log = Log(MemoryBackend(), codec=CODEC, redact=hidden)
        given = telling(cls, f"{before}{SECRET}{after}")
        meta = {"actor": SECRET, "more": [SECRET]}
        (recorded,) = log.append("s", [NewEvent(event=given, meta=meta)], expected_version=0)
        beside = [log.artifacts.get(digest) for digest in journal_of(log).backend.artifact_sizes()]

        assert not is_told(repr(recorded.row))
        assert [recorded] == list(log.read_all())
        assert [] == [text for text in beside if is_told(text)]

    @pytest.mark.parametrize("cls", CLASSES)
    def test_keys_stay_as_they_are_given(self, cls):
        """What is looked for by its name is found by it."""
        log = Log(MemoryBackend(), codec=CODEC, redact=lambda text: text.replace("k1", "[gone]"))
        given = telling(cls, "plain")
        (recorded,) = log.append("s", [given], expected_version=0)

        assert given == recorded.event

    def test_an_event_that_nobody_knows_is_looked_through(self):
        """Its JSON is that of an absent plugin: every text in it passes, also behind a repeat."""
        log = Log(MemoryBackend(), codec=CODEC, redact=hidden)
        texts = (
            f'{{"a": "{SECRET}", "a": 1, "{SECRET}": ["{SECRET}"]}}',
            f'"{SECRET}"',
            f"no JSON, {SECRET}",
            '{"a" : 1.50}',
        )
        told = [UnrecognisedEvent("nobody.knows", 1, text) for text in texts]
        recorded = log.append("s", told, expected_version=0)

        assert [] == [one for one in recorded if is_told(one.row[9])]
        assert texts[-1] == recorded[-1].row[9]

    def test_the_hook_is_asked_before_the_lock_is_taken(self, log_path):
        """A slow plugin keeps no other process from writing: another handle of the file writes."""
        lines = []

        class Writes:
            @hookimpl
            def autopack_redact(self, text):
                if text == "slow":
                    with autopack.open_log(log_path) as other:
                        other.append("t", [failed()], expected_version=ANY)
                    lines.append("written")
                return text

        with autopack.open_log(log_path, plugins=autopack.load_plugins(extra=[Writes()])) as log:
            autopack.create_run(log, "r", specs("p1", goal="slow"))
            log.append("s", [failed(message="slow")], expected_version=ANY)
            log.artifacts.put("slow")
            with autopack.attempt(log, "r/p1") as attempt:
                attempt.record_usage(model="slow", input_tokens=1, output_tokens=1)

        assert 4 <= len(lines)


class TestValues:
    """The walk over values, by their types."""

    @pytest.mark.parametrize(
        ("hint", "value", "expected"),
        [
            (str, "a", "A"),
            (Key, "a", "a"),
            (str | None, None, None),
            (dict[str, int], {"a": 1}, {"A": 1}),
            (dict[Key, str], {"a": "b"}, {"a": "B"}),
            (list[str], ["a"], ["A"]),
            (tuple[int | str, ...], (1, "a"), (1, "A")),
            (Digests, {"a": "f" * 64}, {"A": "f" * 64}),
            (Digests, {"a": "f"}, {"A": "F"}),
            (Any, {"a": [("b", {"c": None})]}, {"A": [("B", {"C": None})]}),
            (Any, frozenset("a"), frozenset("A")),
            (Held, Held("a"), Held("A")),
            (Key | Any, "a", "A"),
            (dict[Key, str] | list[str], ["a"], ["A"]),
            (list[Key] | dict[str, str], {"a": "b"}, {"A": "B"}),
        ],
    )
    def test_texts_are_found_wherever_they_stand(self, hint, value, expected):
        """All but keys and digests."""
        cleaned = cleaner_of(hint)
        told = value if cleaned is None else cleaned(str.upper, value)

        assert expected == told

    def test_what_may_stay_is_the_same_object(self):
        """So that nothing is copied where nothing is to be taken out."""
        value = {"a": ["b", ("c", {"d": 1})]}

        assert value is clean(lambda text: "".join(list(text)), value)

    def test_two_names_that_become_one_are_both_kept(self):
        """The second is numbered: no text is lost for its name."""
        told = clean(lambda _text: "x", {"a": 1, "b": 2, "c": 3})

        assert {"x": 1, "x (2)": 2, "x (3)": 3} == told

    def test_json_is_looked_through_however_deep_it_is(self):
        """Text that is too deep for a reader passes as a text."""
        deep = "[" * 100_000 + f'"{SECRET}"' + "]" * 100_000

        assert SECRET not in cleaned_json(hidden, deep)


class TestWork:
    """Everything that is done by the public functions, in a real file."""

    def test_what_fails_is_told_without_it(self, tmp_path):
        """Failures, what they have in common, what trips, waits and is passed over for them."""

        def execute(phase, attempt):
            attempt.record_usage(model=f"m {SECRET}", input_tokens=1, stop_reason=SECRET)
            match phase.run_id:
                case "r1":
                    raise ValueError(f"login refused for {SECRET}")
                case "r2":
                    return Failed(f"code {SECRET}", f"said {SECRET}", excerpt=SECRET)
                case "r3":
                    return Failed("truncated", f"the output was cut off {SECRET}")
                case _:
                    return Failed("auth", f"401 unauthorized {SECRET}")

        with made(tmp_path / "work.db") as log:
            for n in range(1, 5):
                autopack.create_run(log, f"r{n}", specs("p1", "p2"))
            report = autopack.drain(log, executor=execute, max_fingerprint_repeats=1)

            assert [] == told_in(log, tmp_path)
            assert "ValueError|valueerror: login refused for [gone]" in report.failures
            assert 4 == len(found(log, "drain.breaker_tripped"))

    def test_what_is_asked_for_is_kept_without_it(self, tmp_path):
        """Goals, labels, settings, payloads, inputs, caps and every reason of a person."""
        with made(tmp_path / "work.db") as log:
            spec = PhaseSpec(
                "p1",
                category=f"docs {SECRET}",
                complexity="low",
                deliverables=f"src/{SECRET}.py",
                goal=SECRET,
                payload={"key": SECRET, SECRET: [SECRET]},
                inputs={SECRET: log.artifacts.put(SECRET)},
                model=SECRET,
                labels={SECRET: SECRET},
            )
            autopack.create_run(
                log,
                "r",
                [spec],
                goal=SECRET,
                labels={"a": SECRET},
                settings={"s": {SECRET: SECRET}},
            )
            autopack.queue_phases(log, "r", specs("p2", "p3"))
            ref = PhaseRef("r", "p2")
            autopack.set_caps(log, "r", {"tokens": 9}, why=SECRET, actor=SECRET)
            autopack.pause_run(log, "r", why=SECRET, actor=SECRET)
            autopack.resume_run(log, "r", why=SECRET, actor=SECRET)
            autopack.skip(log, ref, why=SECRET, actor=SECRET)
            autopack.requeue(log, ref, why=SECRET, actor=SECRET)
            autopack.cancel(log, ref, why=SECRET, actor=SECRET)
            log.subscribe("mail", lambda _recorded: None)
            log.skip_event("mail", 1, why=SECRET, actor=SECRET)
            autopack.prune_artifacts(log, why=SECRET, actor=SECRET, larger_than_bytes=0)

            assert [] == told_in(log, tmp_path)

    def test_what_is_done_is_kept_without_it(self, tmp_path):
        """Notes, names and texts, outputs, questions, preparations, settings, plugins' words."""
        steps = set()

        class Executor:
            def __init__(self):
                self.settings = {"command": ["curl", f"--header={SECRET}"]}

            def prepare(self, _run):
                return Prepared(
                    commit=SECRET, environment={SECRET: SECRET}, artifacts={SECRET: SECRET},
                    summary=SECRET,
                )  # fmt: skip

            def execute(self, phase, attempt):
                attempt.progress(f"step {SECRET}")
                attempt.attach(SECRET, SECRET)
                attempt.record_usage(
                    model=SECRET, provider="acme", call_id=phase.phase_id, role=SECRET,
                    input_tokens=1, output_tokens=1, source_fields={SECRET: SECRET},
                )  # fmt: skip
                steps.add(_step_beside(log))
                if phase.phase_id == "p2":
                    return NeedsPerson(SECRET, {SECRET: SECRET}, SECRET)
                return Completed({SECRET: SECRET}, SECRET)

        class Plugin:
            @hookimpl
            def autopack_classify_failure(self, failure):
                return failure.message

            @hookimpl
            def autopack_category_for(self, category):
                return SECRET

        def strategy(view):
            return autopack.Choose(view.ready[0].ref, f"because {SECRET}")

        with made(tmp_path / "work.db", Plugin()) as log:
            autopack.create_run(log, "r", specs("p1", "p2"))
            autopack.drain(log, executor=Executor(), strategy=strategy, lease_s=0.2)
            autopack.amend_usage(log, provider="acme", call_id="p1", output_tokens=2, why=SECRET)
            autopack.decide_gate(
                log, PhaseRef("r", "p2"), decision="reject", why=SECRET, actor=SECRET
            )
            proposal = autopack.calibrate(log, min_samples=1, confidence_threshold=0.0)
            autopack.propose(log, proposal)
            autopack.reject(log, proposal, why=SECRET, actor=SECRET)

            assert [] == told_in(log, tmp_path)
            assert {"step [gone]"} == steps

    def test_a_loop_of_ones_own_is_kept_without_it(self, tmp_path):
        """The worker's name, too: its lease and its claims name it alike."""
        with made(tmp_path / "work.db") as log:
            autopack.create_run(log, "r", specs("p1", "p2"))
            with (
                contextlib.suppress(RuntimeError),
                autopack.attempt(log, "r/p1", worker=f"w {SECRET}") as attempt,
            ):
                attempt.progress(SECRET * 100)
                (lease,) = [
                    row for row in journal_of(log).backend.leases() if row.key == "phase r/p1"
                ]
                raise RuntimeError(SECRET)
            with autopack.attempt(log, "r/p2") as attempt:
                attempt.complete({SECRET: SECRET}, SECRET)
            claims = found(log, "phase.claimed")

            assert ("w [gone]", "w [gone]") == (lease.worker, claims[0].worker)
            assert [] == told_in(log, tmp_path)

    @pytest.mark.slow
    def test_a_program_is_kept_without_it(self, tmp_path):
        """What it is called with, prints, notes and leaves as its last words."""
        program = (
            "import json, sys\n"
            f"print(json.dumps({{'type': 'autopack.progress', 'note': '{SECRET}'}}), flush=True)\n"
            f"print('autopack. {SECRET}', flush=True)\n"
            f"sys.stderr.write('x ' * 300 + '{SECRET} ' + 'y ' * 140)\n"
            "sys.exit(3)\n"
        )
        executor = CommandExecutor([sys.executable, "-c", program, f"--key={SECRET}"])
        with made(tmp_path / "work.db") as log:
            autopack.create_run(log, "r", specs("p1"))
            autopack.drain(log, executor=executor)

            assert [] == told_in(log, tmp_path)


def _step_beside(log: Log) -> str:
    """Return the note that stands beside the log, once its leases' thread has written it."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for row in journal_of(log).backend.leases():
            if row.key.startswith("phase r/") and row.step is not None:
                return row.step
        time.sleep(0.01)
    raise AssertionError("no note was written")


class TestCopies:
    """What was stored before the hook was there."""

    @pytest.mark.parametrize("where", ["text", "meta", "field", "beside"])
    def test_a_log_that_tells_it_is_not_restored(self, tmp_path, where):
        """Hashes and digests cover it: it cannot be taken out, and is not brought in."""
        told = {
            "text": failed(message=SECRET),
            "meta": NewEvent(event=failed(), meta={"by": SECRET}),
            "field": failed(failure_class=SECRET),
            "beside": failed(),
        }
        with autopack.create_log(tmp_path / "old.db") as log:
            log.append(stream_of(failed()), [told[where]], expected_version=ANY)
            if where == "beside":
                log.artifacts.put(SECRET)
        plugins = autopack.load_plugins(extra=[Redacts()])
        with pytest.raises(LogDamagedError, match="redaction hook would change"):
            autopack.restore_log(tmp_path / "old.db", tmp_path / "new.db", plugins=plugins)

        assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("plugins", [(), (Redacts(),)])
def test_bytes_beside_the_log_are_no_text(plugins):
    """Whoever gives them is told so, with or without a hook."""
    registry = autopack.load_plugins(extra=plugins)
    with (
        autopack.create_log("memory:", plugins=registry) as log,
        pytest.raises(InvalidInputError, match="bytes: decode"),
    ):
        log.artifacts.put(b"text")  # type: ignore[arg-type]


def test_the_places_tell_what_is_not_redacted(tmp_path):
    """The look around finds the secret where no hook takes it out, in each of its places."""
    with autopack.create_log(tmp_path / "log.db") as log:
        autopack.create_run(log, "r", specs("p1", goal=SECRET))
        log.artifacts.put(SECRET)
        names = {name for name, text in places(log, tmp_path) if is_told(text)}

    assert {"log.db-wal", "events", "v_events", "ndjson", "jsonl", "backup"} <= names
    assert [name for name in names if name.startswith("text ")]
