"""A hook that hangs or raises is named, and costs nobody else anything."""

import asyncio
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

import autopack
from autopack import hookimpl
from autopack.draining.strategies import strategy_call
from autopack.errors import DrainRefusedError, InvalidInputError, PluginError
from autopack.plugins import hook_calls, hookspecs
from autopack.plugins.discovery import load_plugins
from autopack.plugins.hook_calls import apart
from autopack.plugins.hook_functions import deadline_of
from autopack.plugins.registry import KINDS
from drains import found, specs

SHORT_S = 0.2
LATE = f"gave no answer within {SHORT_S:g} s"


class OddError(BaseException):
    """What no ``except Exception`` sees."""


def observing(see, name, **options):
    """Return a plugin that sees each event."""

    class Plugin:
        @hookimpl(**options)
        def autopack_event_recorded(self, recorded):
            see(recorded)

    Plugin.__qualname__ = Plugin.__name__ = name
    return Plugin()


RAISED = [
    ValueError,
    SystemExit,
    KeyboardInterrupt,
    GeneratorExit,
    asyncio.CancelledError,
    OddError,
]


class Hang:
    """A hook that waits until it is let go, and counts how often it was called."""

    said = LATE

    def __init__(self):
        self.n, self.gate = 0, threading.Event()

    def __call__(self):
        self.n += 1
        self.gate.wait(60)


class Raise:
    """A hook that raises."""

    def __init__(self, kind):
        self.kind, self.said, self.n, self.gate = kind, kind.__name__, 0, threading.Event()

    def __call__(self):
        self.n += 1
        raise self.kind


@pytest.fixture(params=[Hang, *RAISED], ids=lambda kind: kind.__name__)
def harm(request):
    """What a hook does that does harm; it is let go at the end."""
    made = Hang() if request.param is Hang else Raise(request.param)
    yield made
    made.gate.set()


def plugin(hook, function, name="Harmful"):
    """A plugin that has 0.2 s for this hook."""
    made = staticmethod(hookimpl(deadline_s=SHORT_S)(function))
    return type(name, (), {hook: made})()


def harmful(hook, harm):
    """A plugin whose hook does harm, whatever it is given."""
    has_register = hook.startswith("autopack_register_")
    return plugin(hook, (lambda register: harm()) if has_register else lambda: harm())


def log_of(log_path, *plugins, **settings):
    """A log with two phases, opened with these plugins."""
    with autopack.open_log(log_path) as log:
        autopack.create_run(log, "r", specs("a", "b", **settings))
    return autopack.open_log(log_path, plugins=load_plugins(extra=plugins))


def work(phase, attempt):
    """An executor that makes one call whose price nobody told."""
    attempt.record_usage(call_id=phase.key, model="m-1", input_tokens=5, output_tokens=7)
    return autopack.Completed({"a.md": "text"})


class TestDrains:
    """Whatever a hook of a drain does, each phase ends as it would without that plugin."""

    @pytest.mark.parametrize(
        "hook",
        ["autopack_price_usage", "autopack_category_for", "autopack_event_recorded",
         "autopack_drain_stopped"],
    )  # fmt: skip
    def test_all_phases_are_done(self, log_path, harm, hook):
        """It is named, once a kind; one that hangs is waited for once."""
        began = time.monotonic()
        with capture_logs() as logged, log_of(log_path, harmful(hook, harm)) as log:
            report = autopack.drain(log, executor=work)

            assert ("empty", 2) == (report.reason, report.completed)
        assert time.monotonic() - began < 20
        assert harm.n == 1 or isinstance(harm, Raise)
        told = [one for one in logged if one.get("hook") == hook]
        assert "Harmful" in str(told[0].get("plugin") or told[0]["observer"])
        assert harm.said in repr(told[0]["exc_info"])

    def test_a_failure_has_its_class(self, log_path, harm):
        """The library says it where the plugin does not."""
        with log_of(log_path, harmful("autopack_classify_failure", harm)) as log:
            autopack.drain(log, executor=lambda _p, _a: autopack.Failed("E17", "no such user"))

            assert ["execution"] * 2 == [f.failure_class for f in found(log, "phase.failed")]

    def test_work_waits_at_its_gate(self, log_path, harm):
        """What could not be judged does not go through unseen: a person is asked, by its name."""
        with log_of(log_path, harmful("autopack_gate_phase", harm)) as log:
            report = autopack.drain(log, executor=work)
            reasons = [row.reason for row in autopack.list_phases(log, "r")]

        assert 2 == report.left_gated
        assert all("plugin Harmful" in reason for reason in reasons)
        assert harm.said in reasons[0]

    def test_a_drain_is_refused(self, log_path, harm):
        """A guard that cannot look does not wave through."""
        with (
            log_of(log_path, harmful("autopack_guard_drain", harm)) as log,
            pytest.raises(DrainRefusedError, match=f"'Harmful'.*{harm.said}"),
        ):
            autopack.drain(log, executor=work)

    def test_nothing_unredacted_is_written(self, log_path, harm):
        """The append is refused by the plugin's name; once it answers, appends go on."""
        given = plugin("autopack_redact", lambda text: text if harm.gate.is_set() else harm())
        with log_of(log_path, given) as log:
            head = log.head().position
            for _ in range(2):
                with pytest.raises(PluginError, match=r"'Harmful': autopack_redact"):
                    autopack.pause_run(log, "r", why="a reason")

            assert head == log.head().position
            assert harm.n == 1 or isinstance(harm, Raise)
            harm.gate.set()
            until = time.monotonic() + 60
            while log.head().position == head and time.monotonic() < until:
                with suppress(PluginError):  # the call that hung has not come to its end yet
                    autopack.pause_run(log, "r", why="a reason")
            assert head + 1 == log.head().position

    def test_a_report_is_not_sent(self, log_path, harm):
        """Its plugin is named."""
        with (
            log_of(log_path, harmful("autopack_send_report", harm)) as log,
            pytest.raises(PluginError, match="'Harmful'"),
        ):
            autopack.send_report(log, autopack.report_runs(log, "r"), "pigeon:hill")

    def test_a_strategy_ends_the_drain_by_its_name(self, log_path, harm, monkeypatch):
        """It is no hook, but a drain asks nobody else what comes next."""
        monkeypatch.setattr(strategy_call, "_DEADLINE_S", SHORT_S)
        with log_of(log_path) as log, pytest.raises(PluginError, match=f"strategy.*{harm.said}"):
            autopack.drain(log, executor=work, strategy=lambda _view: harm())


class TestLoading:
    """What a plugin registers, when it is asked for that."""

    @pytest.mark.parametrize("hook", [f"autopack_register_{plural}" for plural in KINDS.values()])
    def test_what_others_register_is_there(self, harm, hook):
        """The one that does harm is listed with what it did."""
        ours = plugin(hook, lambda register: register("ours", None), "Ours")
        registry = load_plugins(extra=[harmful(hook, harm), ours])
        kind = next(kind for kind, plural in KINDS.items() if hook.endswith(f"_{plural}"))

        assert "ours" in registry.known(kind)
        [fault] = next(info for info in registry.infos if info.name == "Harmful").faults
        assert harm.said in fault

    def test_events_of_others_are_known(self, harm):
        """They are registered when the plugins are loaded."""

        @autopack.event("harm.done")
        class HarmDone:
            run_id: str

        hook = "autopack_register_events"
        ours = plugin(hook, lambda register: register(HarmDone), "Ours")
        registry = load_plugins(extra=[harmful(hook, harm), ours])

        assert "harm.done" in registry.codec.types()
        assert harm.said in registry.infos_so_far[-2].faults[0]

    @pytest.mark.parametrize("kind", RAISED, ids=lambda kind: kind.__name__)
    def test_a_file_that_raises_is_named(self, tmp_path, kind):
        """Whatever it raises; the file beside it is loaded."""
        name = "asyncio.CancelledError" if kind is asyncio.CancelledError else kind.__name__
        text = f"import asyncio\nclass OddError(BaseException): pass\nraise {name}\n"
        (tmp_path / "bad.py").write_text(text, encoding="utf-8")
        (tmp_path / "good.py").write_text("", encoding="utf-8")
        infos = {one.name: one for one in load_plugins(folders=[tmp_path]).infos_so_far}

        assert kind.__name__ in infos["bad"].faults[0]
        assert () == infos["good"].faults


class TestDeadlines:
    """For how long a hook may take."""

    def test_a_function_says_its_own(self):
        """Else a gate has ten minutes, and any other hook half a minute."""

        def of(hook, mark):
            made = type("P", (), {hook: staticmethod(mark(lambda: None))})()
            manager = load_plugins(extra=[made]).manager
            last = getattr(manager.hook, hook).get_hookimpls()
            return deadline_of(hook, next(one for one in last if one.plugin is made))

        gate, guard = "autopack_gate_phase", "autopack_guard_drain"

        assert [600, 30] == [of(gate, hookimpl), of(guard, hookimpl)]
        assert [5, 1800] == [of(gate, hookimpl(deadline_s=5)), of(guard, hookimpl(deadline_s=1800))]

    @pytest.mark.parametrize("given", [0, -1, "5", True])
    def test_it_is_a_time(self, given):
        """Anything else is refused where it is written."""
        with pytest.raises(InvalidInputError, match="a time in seconds"):
            hookimpl(deadline_s=given)

    def test_what_a_hook_asks_for_has_deadlines_of_its_own(self, log_path):
        """A price that hangs while a gate records its call costs the gate nothing but the wait."""
        gate = threading.Event()
        price = plugin("autopack_price_usage", lambda usage: gate.wait(60), "Price")

        class Judge:
            @hookimpl
            def autopack_gate_phase(self, attempt):
                attempt.record_usage(call_id="judge", model="j", output_tokens=1)

        with log_of(log_path, price, Judge()) as log:
            try:
                report = autopack.drain(log, executor=lambda _p, _a: autopack.Completed())
            finally:
                gate.set()

        assert 2 == report.completed

    def test_many_hooks_cost_one_change_of_threads(self):
        """What is done within such work is done at once."""
        threads = apart(lambda: [apart(threading.get_ident) for _ in range(3)])

        assert 1 == len(set(threads))
        assert threading.get_ident() not in threads

    def test_who_observes_is_told_of_a_batch_in_one_change_of_threads(self, monkeypatch):
        """Each of each event, in order, however many there are."""
        changes, told = [], {"a": [], "b": []}
        made = hook_calls._Work.__init__
        monkeypatch.setattr(
            hook_calls._Work, "__init__", lambda *given: (changes.append(1), made(*given))[1]
        )
        plugins = [observing(told[name].append, name) for name in told]
        counts = []
        with autopack.create_log("memory:", plugins=load_plugins(extra=plugins)) as log:
            for run, n in (("small", 2), ("large", 60)):
                changes.clear()
                autopack.create_run(log, run, specs(*map(str, range(n))))
                counts.append(len(changes))
            wanted = list(log.read_all())

        assert counts[0] == counts[1]
        assert [wanted, wanted] == list(told.values())

    @pytest.mark.parametrize("at", [1, 4, 9])
    def test_one_that_hangs_in_a_batch_keeps_no_news_from_others(self, at):
        """It costs one deadline, and is told no more; others are told of each event once."""
        gate, told, seen = threading.Event(), [], []

        def hang(recorded):
            told.append(recorded.position)
            if recorded.position == at:
                gate.wait(60)

        plugins = [
            observing(hang, "Hangs", deadline_s=SHORT_S),
            observing(lambda recorded: seen.append(recorded.position), "Sees"),
        ]
        with autopack.create_log("memory:", plugins=load_plugins(extra=plugins)) as log:
            try:
                autopack.create_run(log, "r", specs(*"abcdefgh"))
                faults = dict(log.observer_faults)
            finally:
                gate.set()

        assert [*range(1, 10)] == seen
        assert [*range(1, at + 1)] == told
        assert [10 - at] == list(faults.values())

    def test_what_the_work_raises_comes_back(self):
        """As it was raised."""
        with pytest.raises(ZeroDivisionError):
            apart(lambda: 1 / 0)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
    def test_a_forked_process_has_helpers_of_its_own(self):
        """Its parent's threads are not there."""
        apart(lambda: None)
        child = os.fork()
        if child == 0:
            os._exit(apart(lambda: 7))
        _pid, status = os.waitpid(child, 0)

        assert 7 == os.waitstatus_to_exitcode(status)


def test_every_hook_is_among_these():
    """A new hook hangs and raises here too."""
    text = Path(__file__).read_text(encoding="utf-8")
    decisions = [
        name for name in vars(hookspecs)
        if name.startswith("autopack_") and not name.startswith("autopack_register_")
    ]  # fmt: skip

    assert [] == [name for name in decisions if f'"{name}"' not in text]
