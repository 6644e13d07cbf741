"""Every hook, used by a plugin: registrations, decisions, observers."""

import inspect
import logging
from typing import Any, get_type_hints

import pluggy
import pytest
from structlog.testing import capture_logs

import autopack
from autopack import Failed, PhaseSpec, hookimpl, types
from autopack.errors import DrainRefusedError, InvalidInputError, PluginError
from autopack.events import event
from autopack.log.log import journal_of
from autopack.plugins import hookspecs
from autopack.plugins.discovery import load_plugins
from autopack.plugins.registry import KINDS
from autopack.ports.log import UnrecognisedEvent
from autopack.ports.work import Classed

FAILED = Failed("http_429", "rate limit reached")
HOOKS = [name for name in vars(hookspecs) if name.startswith("autopack_")]
REGISTRATIONS = {f"autopack_register_{plural}": kind for kind, plural in KINDS.items()}


def plugin(kind="Plugin", **hooks):
    """Return a plugin object with these hook implementations."""
    made = {name: staticmethod(hookimpl(function)) for name, function in hooks.items()}
    return type(kind, (), made)()


def spec(name="a"):
    return PhaseSpec(name, category="tests", complexity="low")


def done(_phase, _attempt):
    return autopack.Completed()


class TestSpecs:
    """The hooks themselves."""

    @pytest.mark.parametrize("name", HOOKS)
    def test_a_hook_is_typed_and_documented(self, name):
        """Its docstring and every argument's type are part of the promise."""
        hook = getattr(hookspecs, name)
        signature = inspect.signature(hook)

        assert inspect.getdoc(hook)
        assert signature.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not p.empty for p in signature.parameters.values())

    @pytest.mark.parametrize("name", HOOKS)
    def test_a_hooks_arguments_have_types_that_can_be_imported(self, name):
        """Each by a name that a plugin's author finds, and none of them just anything."""
        known = {n: getattr(home, n) for home in (autopack, types) for n in home.__all__}
        known |= vars(autopack.events)
        hints = get_type_hints(getattr(hookspecs, name), localns=known)

        assert set() == {argument for argument, hint in hints.items() if hint is Any}

    def test_every_kind_has_its_registration_hook(self):
        """And every registration hook its kind, but for events."""
        hooks = {name for name in HOOKS if name.startswith("autopack_register_")}

        assert {*REGISTRATIONS, "autopack_register_events"} == hooks

    def test_pluggy_takes_them_all(self):
        """They are specifications in pluggy's sense."""
        manager = pluggy.PluginManager("autopack")
        manager.add_hookspecs(hookspecs)

        assert set(HOOKS) == set(vars(manager.hook))


class TestRegistrations:
    """``register(name, object)``, by kind."""

    @pytest.mark.parametrize(("hook", "kind"), REGISTRATIONS.items())
    def test_what_is_registered_is_found_by_its_name(self, hook, kind):
        """Under its kind, and listed with its plugin."""
        thing = object()
        given = plugin(**{hook: lambda register: register("mine", thing)})
        registry = load_plugins(extra=[given])

        assert thing is registry.resolve(kind, "mine")
        assert (f"{kind} mine",) == registry.infos[-1].provides

    def test_events_are_registered_with_their_upcasters(self, log_path):
        """A plugin's event is read as its class, an old one through its steps."""

        @event("weather.changed", schema=2)
        class WeatherChanged:
            sky: str

        given = plugin(
            autopack_register_events=lambda register: register(
                WeatherChanged, upcasters={1: lambda fields: {"sky": fields["colour"]}}
            )
        )
        registry = load_plugins(extra=[given])
        with autopack.open_log(log_path, plugins=registry) as log:
            old = UnrecognisedEvent("weather.changed", 1, '{"colour":"grey"}')
            log.append("w", [WeatherChanged(sky="blue"), old], expected_version=0)

            assert ["blue", "grey"] == [r.event.sky for r in log.read_all()]
        assert ("event weather.changed",) == registry.infos[-1].provides

    def test_an_event_name_that_is_taken_is_a_fault(self):
        """A plugin cannot redefine a core event."""

        @event("run.created")
        class Fake:
            run_id: str

        given = plugin(autopack_register_events=lambda register: register(Fake))
        registry = load_plugins(extra=[given])

        assert "taken by RunCreated" in registry.infos[-1].faults[0]
        assert load_plugins().codec.types() == registry.codec.types()

    def test_a_backend_is_chosen_by_its_scheme(self, tmp_path):
        """A plugin's storage opens and creates its own targets."""
        calls = []

        class Storage:
            def create(self, target):
                calls.append(("create", target))
                return journal_of(autopack.create_log("memory:")).backend

            def open(self, target, *, durability):
                calls.append(("open", target, durability))
                return journal_of(autopack.create_log("memory:")).backend

        given = plugin(autopack_register_backends=lambda register: register("tape", Storage()))
        registry = load_plugins(extra=[given])
        autopack.create_log("tape://reel/1", plugins=registry).close()
        autopack.open_log("tape://reel/1", durability="relaxed", plugins=registry).close()

        assert [("create", "tape://reel/1"), ("open", "tape://reel/1", "relaxed")] == calls

    def test_a_command_is_a_command_of_the_command_line(self, tmp_path):
        """A click command that a plugin registers can be called."""
        (tmp_path / "hello.py").write_text(
            "import click\nfrom autopack.plugins.hookspecs import hookimpl\n"
            "@click.command()\ndef hello():\n    click.echo('good day')\n"
            "@hookimpl\ndef autopack_register_commands(register):\n    register('hello', hello)\n",
            encoding="utf-8",
        )
        from click.testing import CliRunner

        from autopack.cli.main import autopack as command

        told = CliRunner().invoke(command, ["--plugins-dir", str(tmp_path), "hello"])

        assert (0, "good day\n") == (told.exit_code, told.output)


class TestDecisions:
    """Hooks whose answers change what is done."""

    @pytest.mark.parametrize(
        ("guard", "told"),
        [
            (lambda log, settings: "quiet hours", "quiet hours"),
            (lambda settings: 1 / 0, "its guard failed: ZeroDivisionError"),
        ],
    )
    def test_one_guard_refuses_a_drain(self, log_path, guard, told):
        """Its reason, or its own failure, is said; nothing was written."""
        willing = plugin("Willing", autopack_guard_drain=lambda: None)
        registry = load_plugins(extra=[willing, plugin(autopack_guard_drain=guard)])
        with autopack.open_log(log_path, plugins=registry) as log:
            autopack.create_run(log, "r1", [spec()])
            with pytest.raises(DrainRefusedError, match=f"Plugin.*{told}"):
                autopack.drain(log, executor=done)

            assert 2 == log.head().position

    def test_the_first_answer_classifies_a_failure(self, log_path):
        """A plugin comes before the library; one that fails or does not know is passed by."""
        given = [
            plugin("Knowing", autopack_classify_failure=lambda failure, answered: "auth"),
            plugin("Silent", autopack_classify_failure=lambda failure: None),
            plugin("Broken", autopack_classify_failure=lambda failure, answered: 1 / 0),
        ]
        registry = load_plugins(extra=given)
        with capture_logs() as logged:
            answer = registry.first("autopack_classify_failure", failure=FAILED, answered=False)

        assert "auth" == answer
        assert ["autopack_classify_failure"] == [line["hook"] for line in logged]

    def test_a_failure_in_a_loop_of_ones_own_is_classified_too(self, log_path):
        """attempt() asks the plugins as a drain does."""
        ours = plugin(autopack_classify_failure=lambda failure: "boundary")
        registry = load_plugins(extra=[ours])
        with autopack.open_log(log_path, plugins=registry) as log:
            autopack.create_run(log, "r1", [spec()])
            with autopack.attempt(log, "r1/a") as live:
                live.fail("E17", "too long")
            (failed,) = [r.event for r in log.read_all() if r.type == "phase.failed"]

        assert ("boundary", "llm_boundary_hit") == (failed.failure_class, failed.zero_yield_reason)

    @pytest.mark.parametrize("answer", ["rate_limit", 3, Classed("soon", "a guess"), ["auth"]])
    def test_a_word_that_is_no_class_is_named_with_its_plugin(self, log_path, answer):
        """The phase fails by the class that is found without it."""
        ours = plugin("Mistaken", autopack_classify_failure=lambda failure: answer)
        registry = load_plugins(extra=[ours])
        with capture_logs() as logged, autopack.open_log(log_path, plugins=registry) as log:
            autopack.create_run(log, "r1", [spec()])
            with autopack.attempt(log, "r1/a") as live:
                live.fail("E17", "too long")
            (failed,) = [r.event for r in log.read_all() if r.type == "phase.failed"]

        assert "execution" == failed.failure_class
        (line,) = [one for one in logged if one["event"] == "hook failed"]
        assert ("Mistaken", "autopack_classify_failure") == (line["plugin"], line["hook"])
        assert "which is no class of failures" in line["why"]
        assert (answer == "rate_limit") == ("Did you mean 'rate_limited'?" in line["why"])

    def test_the_library_classifies_last(self):
        """Without a plugin's answer its own word holds."""
        registry = load_plugins()

        assert (
            "rate_limited"
            == registry.first("autopack_classify_failure", failure=FAILED, answered=False).kind
        )

    def test_a_question_sends_completed_work_to_its_gate(self, log_path):
        """The first plugin that asks is heard, with what was done; the phase waits for a person."""

        def asked(phase, outcome):
            return f"{phase.phase_id}: {', '.join(outcome.outputs)}?"

        registry = load_plugins(extra=[plugin(autopack_gate_phase=asked)])
        with autopack.open_log(log_path, plugins=registry) as log:
            autopack.create_run(log, "r1", [spec()])
            autopack.drain(log, executor=lambda _p, _a: autopack.Completed({"a.md": "text"}))
            row = autopack.list_phases(log, "r1")[0]

        assert ("GATED", "a: a.md?") == (row.status.value, row.reason)

    def test_no_price_is_none(self):
        """Where no plugin knows a price, nobody makes one up; the first who knows is heard."""
        silent = plugin(autopack_price_usage=lambda: None)
        knowing = plugin("Knowing", autopack_price_usage=lambda: 0.5)
        price = "autopack_price_usage"

        assert load_plugins(extra=[silent]).first(price, usage=None, at=None) is None
        assert 0.5 == load_plugins(extra=[silent, knowing]).first(price, usage=None, at=None)

    def test_a_plugin_says_which_evidence_a_phase_belongs_to(self):
        """Its word comes first and is recorded with the features; the vocabulary comes last."""
        prose = plugin(autopack_category_for=lambda category: "docs" if category == "x" else None)
        spec = {"complexity": "low", "deliverables": "a.md"}
        with autopack.create_log("memory:", plugins=load_plugins(extra=[prose])) as log:
            ours = autopack.estimate(PhaseSpec("p", category="x", **spec), log=log).features
            theirs = autopack.estimate(
                PhaseSpec("p", category="unit-tests", **spec), log=log
            ).features

        assert ("docs", "tests") == (ours.category, theirs.category)

    def test_redaction_is_a_chain(self):
        """Each plugin gets the text as the one before left it."""
        first = plugin(autopack_redact=lambda text: text.replace("secret", "code"))
        second = plugin("Second", autopack_redact=lambda text: text.replace("code", "***"))
        registry = load_plugins(extra=[first, second])

        assert "the ***" == registry.chain("autopack_redact", "the secret")

    @pytest.mark.parametrize("broken", [lambda text: 1 / 0, lambda text: None])
    def test_a_redaction_that_fails_refuses_the_append(self, log_path, broken):
        """Nothing unredacted is written, and the plugin is named."""
        registry = load_plugins(extra=[plugin(autopack_redact=broken)])
        with autopack.open_log(log_path, plugins=registry) as log:
            with pytest.raises(PluginError, match=r"'Plugin': autopack_redact") as refused:
                autopack.create_run(log, "r1", [], goal="the secret plan")

            assert "secret" not in str(refused.value)
            assert 0 == log.head().position


class TestObservers:
    """Told after the commit, one by one; one that fails breaks nothing."""

    def test_a_failing_observer_breaks_nothing_and_is_counted(self, log_path):
        """The event stays, the next observer is called, the fault is logged."""
        seen = []
        failing = plugin(autopack_event_recorded=lambda recorded: 1 / 0)
        watching = plugin(
            "Watching", autopack_event_recorded=lambda recorded: seen.append(recorded.type)
        )
        registry = load_plugins(extra=[failing, watching])
        with capture_logs() as logged, autopack.open_log(log_path, plugins=registry) as log:
            autopack.create_run(log, "r1", [spec()])

            assert 2 == log.head().position
        assert ["run.created", "phase.queued"] == seen
        assert {"plugin Plugin: ZeroDivisionError": 2} == registry.observer_faults.counts
        assert [("observer failed", "plugin Plugin")] == [
            (one["event"], one["observer"]) for one in logged
        ]

    def test_the_end_of_a_drain_is_observed_once(self, log_path):
        """With its report, after its last event; a failing one changes no outcome."""
        seen = []
        failing = plugin(autopack_drain_stopped=lambda: 1 / 0)
        watching = plugin("Watching", autopack_drain_stopped=lambda report: seen.append(report))
        registry = load_plugins(extra=[failing, watching])
        with capture_logs(), autopack.open_log(log_path, plugins=registry) as log:
            autopack.create_run(log, "r1", [spec()])
            report = autopack.drain(log, executor=done)

            assert "drain.stopped" == list(log.read_all())[-1].type
        assert [report] == seen
        assert 1 == registry.observer_faults.counts.total()


class TestReports:
    """Sent where the first plugin can that knows such addresses."""

    @pytest.fixture
    def sent(self, log_path):
        """Return a function that sends the report of a run by plugins."""

        def send(*plugins):
            registry = load_plugins(extra=plugins)
            with autopack.open_log(log_path, plugins=registry) as log:
                autopack.create_run(log, "r", [spec()])
                return autopack.send_report(log, autopack.report_runs(log, "r"), "pigeon:hill")

        return send

    def test_the_first_that_knows_the_address_sends_it(self, sent):
        """Its answer is whether it arrived; who does not know the address leaves it."""
        told = []

        def keeps(title, text, page):
            told.append((title, text, page))
            return True

        silent = plugin("Silent", autopack_send_report=lambda address: None)
        pigeon = plugin("Pigeon", autopack_send_report=keeps)

        assert sent(pigeon, silent) is True
        [(title, text, page)] = told
        assert "r: 0 of 1 done" == title
        assert text.startswith(title)
        assert page.startswith("<!doctype html>")

    def test_what_did_not_arrive_is_false(self, sent):
        """And not an error."""
        assert sent(plugin(autopack_send_report=lambda: False)) is False

    def test_an_address_that_nobody_knows_is_refused(self, sent):
        """With what to install, and without the address: it may hold a password."""
        with pytest.raises(InvalidInputError, match="pip install autopack-notify") as refused:
            sent()

        assert "'pigeon'" in str(refused.value)
        assert "hill" not in str(refused.value)

    def test_a_plugin_that_fails_is_named(self, sent):
        """What it raised may hold the address, so that its kind alone is told."""

        def fails(address):
            raise RuntimeError(address)

        with pytest.raises(PluginError, match="'Plugin': autopack_send_report") as refused:
            sent(plugin(autopack_send_report=fails))

        assert "hill" not in str(refused.value)

    def test_a_refusal_of_an_address_is_the_plugin_s(self, sent):
        """As it worded it."""

        def refuses(address):
            raise InvalidInputError("No pigeon flies there.", name="address")

        with pytest.raises(InvalidInputError, match="No pigeon flies there"):
            sent(plugin(autopack_send_report=refuses))


def test_importing_the_hooks_configures_no_logging():
    """Whoever embeds the library keeps their own logging."""
    assert [] == logging.getLogger("autopack").handlers


class Evil:
    """An answer of no use, that raises at whatever is done with it."""

    def __str__(self):
        raise GeneratorExit

    __repr__ = __bool__ = __eq__ = __len__ = __float__ = __str__
    __hash__ = None


def mute(_self=None):
    """Raise what cannot even say what it is."""
    raise type("MuteError", (BaseException,), {"__str__": Evil.__str__})


ODD = [3, True, ["docs"], b"docs", float("nan"), object(), str, "\ud83d", Evil()]


def drained(log_path, **hooks):
    """Drain two phases, one of which fails, under a plugin; return the report, and what it says."""

    def work(phase, attempt):
        attempt.record_usage(model="m", input_tokens=1, output_tokens=1)
        return autopack.Failed("E17", "no") if phase.phase_id == "b" else autopack.Completed()

    registry = load_plugins(extra=[plugin("Mistaken", **hooks)])
    with autopack.open_log(log_path, plugins=registry) as log, capture_logs() as logged:
        autopack.create_run(log, "r1", [spec("a"), spec("b")])
        return autopack.drain(log, executor=work), logged


class TestAnswersOfNoUse:
    """What a hook answers is looked at before anything is done with it."""

    @pytest.mark.parametrize("answer", ODD, ids=lambda one: type(one).__name__)
    @pytest.mark.parametrize("hook", ["category_for", "price_usage", "classify_failure"])
    def test_they_count_as_none(self, log_path, hook, answer):
        """Each is logged with the plugin's name, and costs nobody a phase."""
        if hook == "price_usage" and type(answer) is int:
            answer = -3
        report, logged = drained(log_path, **{f"autopack_{hook}": lambda: answer})
        told = [line for line in logged if line["log_level"] == "error"]

        assert ("empty", 1, 1) == (report.reason, report.completed, report.failed)
        assert told
        assert {"hook failed", "a plugin's price is none"} >= {line["event"] for line in told}

    @pytest.mark.parametrize("hook", ["category_for", "price_usage", "classify_failure"])
    def test_the_next_plugin_is_asked_after_one(self, hook):
        """As after one that fails."""
        given = [
            plugin("Knowing", **{f"autopack_{hook}": lambda: "0.25"}),
            plugin("Mistaken", **{f"autopack_{hook}": lambda: Evil()}),
        ]
        told = load_plugins(extra=given).told(
            f"autopack_{hook}", of=str, category="x", usage=None, at=None, failure=None,
            answered=False,
        )  # fmt: skip

        assert ("Knowing", "0.25") == next(told)

    @pytest.mark.parametrize("answer", [Evil(), 3, ["no"], mute], ids=["evil", "3", "list", "mute"])
    def test_a_guards_refuse(self, log_path, answer):
        """It is asked whether, and its answer was not no."""
        with pytest.raises(
            DrainRefusedError, match="Plugin 'Mistaken' refused the drain: its guard"
        ):
            drained(log_path, autopack_guard_drain=lambda: answer() if answer is mute else answer)

    def test_a_price_that_is_none_leaves_it_to_the_next(self, log_path):
        """It counts as no answer."""
        given = [
            plugin("Knowing", autopack_price_usage=lambda: 0.5),
            plugin("Mistaken", autopack_price_usage=lambda: float("nan")),
        ]
        with autopack.open_log(log_path, plugins=load_plugins(extra=given)) as log:
            autopack.create_run(log, "r1", [spec()])
            with autopack.attempt(log, "r1/a") as live:
                live.record_usage(model="m", input_tokens=1, output_tokens=1)
            (call,) = [r.event for r in log.read_all() if r.type == "llm.usage_recorded"]

        assert ("0.5", "computed") == (str(call.cost_usd), call.cost_source)


class TestWhatIsHandedOver:
    """It is the plugin's own: what it changes there is nobody else's."""

    def test_a_gate_changes_neither_the_work_nor_the_phase(self, log_path):
        """Nor keeps the gate that comes after it from being asked."""

        def changing(phase, outcome):
            outcome.outputs["a.md"] = "changed"
            outcome.outputs["b.md"] = "added"
            phase.labels.clear()

        spec = PhaseSpec("a", category="tests", complexity="low", labels={"gate": "is it so?"})
        registry = load_plugins(extra=[plugin(autopack_gate_phase=changing)])
        with autopack.open_log(log_path, plugins=registry) as log:
            autopack.create_run(log, "r1", [spec])
            autopack.drain(log, executor=lambda _p, _a: autopack.Completed({"a.md": "text"}))
            (row,) = autopack.list_phases(log, "r1")

            assert ("GATED", {"a.md"}) == (row.status.value, set(row.outputs))
            assert "text" == log.artifacts.get(row.outputs["a.md"])

    def test_a_price_changes_no_call(self, log_path):
        """What is recorded is what was told."""

        def changing(usage):
            usage.source_fields["seen"] = True
            return 0.5

        registry = load_plugins(extra=[plugin(autopack_price_usage=changing)])
        with autopack.open_log(log_path, plugins=registry) as log:
            autopack.create_run(log, "r1", [spec()])
            with autopack.attempt(log, "r1/a") as live:
                live.record_usage(
                    model="m", input_tokens=1, output_tokens=1, source_fields={"mine": 1}
                )
            (call,) = [r.event for r in log.read_all() if r.type == "llm.usage_recorded"]

        assert ({"mine": 1}, "0.5") == (dict(call.source_fields), str(call.cost_usd))

    def test_a_class_is_of_the_failure_as_it_was(self):
        """One that changes its facts and says nothing leaves it to the next."""

        def changing(failure):
            failure.source_fields.clear()

        failed = autopack.Failed("x", "no", source_fields={"http_status": 429})
        registry = load_plugins(extra=[plugin(autopack_classify_failure=changing)])
        found = registry.first("autopack_classify_failure", failure=failed, answered=False)

        assert ("rate_limited", {"http_status": 429}) == (found.kind, dict(failed.source_fields))
