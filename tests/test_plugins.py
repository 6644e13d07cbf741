"""Plugins: found, checked one by one, and named when something is wrong with them."""

import subprocess
import sys
import textwrap
import threading

import pytest

import autopack
from autopack import hookimpl
from autopack.errors import InvalidInputError, PluginError, UnknownNameError
from autopack.plugins.discovery import load_plugins
from autopack.plugins.python_files import from_file
from autopack.plugins.registry import KINDS


def install(folder, distribution, entry_points, **modules):
    """Put a distribution into a folder, as an installer would, and return the folder."""
    info = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n", encoding="utf-8"
    )
    points = "\n".join(f"{name} = {value}" for name, value in entry_points.items())
    (info / "entry_points.txt").write_text(f"[autopack]\n{points}\n", encoding="utf-8")
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return folder


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install distributions that only this test sees."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(distribution, entry_points, **modules):
        install(tmp_path, distribution, entry_points, **modules)

    yield put
    for name in [name for name in sys.modules if name.startswith("ap_")]:
        del sys.modules[name]


def info_of(registry, name):
    (found,) = [info for info in registry.infos if info.name == name]
    return found


STRATEGY = """
    from autopack.plugins.hookspecs import hookimpl

    @hookimpl
    def autopack_register_strategies(register):
        register({name!r}, lambda view: None)
"""


class TestInstalled:
    """Entry points are loaded one by one, each for itself."""

    def test_one_that_is_installed_meanwhile_is_found(self, installed):
        """A process that has loaded its plugins before sees those that came since."""
        installed("ap-one", {"one": "ap_one"}, ap_one=STRATEGY.format(name="first"))
        before = load_plugins().names("strategy")
        installed("ap-two", {"two": "ap_two"}, ap_two=STRATEGY.format(name="second"))
        after = load_plugins().names("strategy")

        assert {"first"} == {"first", "second"} & set(before)
        assert {"first", "second"} == {"first", "second"} & set(after)

    def test_an_installed_plugin_is_found_and_named(self, installed):
        """Its distribution, version and names are listed."""
        installed("ap-lifo", {"lifo": "ap_lifo"}, ap_lifo=STRATEGY.format(name="lifo"))
        registry = load_plugins()
        info = info_of(registry, "lifo")

        assert ("ap-lifo", "1.2", ("strategy lifo",), ()) == (
            info.distribution,
            info.version,
            info.provides,
            info.faults,
        )
        assert "lifo" in registry.names("strategy")

    @pytest.mark.parametrize(
        ("source", "why"),
        [
            ("1 / 0", "ZeroDivisionError"),
            ("import nothing_of_that_name", "ModuleNotFoundError"),
            ("raise SystemExit(3)", "SystemExit"),
            ("def broken(:", "SyntaxError"),
        ],
    )
    def test_one_that_fails_on_import_is_named_and_the_rest_works(self, installed, source, why):
        """The bad one takes nobody with it, wherever it stands in the list."""
        installed("ap-good", {"good": "ap_good"}, ap_good=STRATEGY.format(name="good"))
        installed("ap-bad", {"bad": "ap_bad"}, ap_bad=source)
        installed("ap-also", {"zgood": "ap_also"}, ap_also=STRATEGY.format(name="also"))
        registry = load_plugins()
        (fault,) = info_of(registry, "bad").faults

        assert fault.startswith(f"failed on import: {why}")
        assert ("ap-bad", "1.2") == (
            info_of(registry, "bad").distribution,
            info_of(registry, "bad").version,
        )
        assert {"good", "also", "fifo"} <= set(registry.names("strategy"))

    def test_a_taken_name_is_refused_with_both_distributions(self, installed):
        """Whoever came first keeps it; the built-ins come before everybody."""
        installed("ap-fake", {"aaa": "ap_fake"}, ap_fake=STRATEGY.format(name="fifo"))
        registry = load_plugins()
        from autopack.draining.strategies.fifo import fifo

        (fault,) = info_of(registry, "aaa").faults
        assert fault.startswith("strategy 'fifo' is taken by plugin 'builtin' of autopack")
        assert fifo is registry.resolve("strategy", "fifo")

    def test_two_distributions_may_use_one_entry_point_name(self, installed):
        """The second is not skipped; it is listed under its distribution too."""
        installed("ap-one", {"mine": "ap_one"}, ap_one=STRATEGY.format(name="one1"))
        installed("ap-two", {"mine": "ap_two"}, ap_two=STRATEGY.format(name="two2"))
        registry = load_plugins()

        assert {"one1", "two2"} <= set(registry.names("strategy"))
        assert 1 == sum(info.name.startswith("mine@") for info in registry.infos)

    def test_two_entry_points_of_one_module_register_it_once(self, installed):
        """The second says so, and takes the first one's hooks away from nobody."""
        installed("ap-twice", {"m1": "ap_twice", "m2": "ap_twice"}, ap_twice=REDACTING)
        registry = load_plugins()
        faults = [fault for info in registry.infos for fault in info.faults]

        assert ["it is registered already, as 'm1'"] == faults
        assert "***" == registry.chain("autopack_redact", "secret")

    def test_a_hook_that_raises_is_named_and_the_plugins_others_work(self, installed):
        """Each registration hook of a plugin is called for itself."""
        installed(
            "ap-half",
            {"half": "ap_half"},
            ap_half="""
                from autopack.plugins.hookspecs import hookimpl

                @hookimpl
                def autopack_register_executors(register):
                    raise KeyError("no config")

                @hookimpl
                def autopack_register_strategies(register):
                    register("half", lambda view: None)
            """,
        )
        info = info_of(load_plugins(), "half")

        assert ("autopack_register_executors: KeyError: 'no config'",) == info.faults
        assert ("strategy half",) == info.provides

    def test_plugins_can_be_left_out(self, installed, monkeypatch):
        """With AUTOPACK_DISABLE_PLUGINS only the built-ins are loaded; 0 and empty are no."""
        installed("ap-lifo", {"lifo": "ap_lifo"}, ap_lifo=STRATEGY.format(name="lifo"))
        names = {}
        for value in ("1", "yes", "0", ""):
            monkeypatch.setenv("AUTOPACK_DISABLE_PLUGINS", value)
            names[value] = [info.name for info in load_plugins().infos]

        assert ["builtin"] == names["1"] == names["yes"]
        assert "lifo" in names["0"]
        assert "lifo" in names[""]

    @pytest.mark.slow
    def test_the_command_line_lists_what_failed(self, tmp_path):
        """`autopack plugins` names the plugin, its distribution and its fault, and exits with 1."""
        install(tmp_path, "ap-bad", {"bad": "ap_bad"}, ap_bad="1 / 0")
        script = "import sys; sys.path.insert(0, sys.argv.pop(1)); " + (
            "from autopack.cli.main import main; main()"
        )
        found = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path), "plugins"],
            capture_output=True,
            text=True,
            check=False,
        )

        assert 1 == found.returncode
        assert "bad (ap-bad 1.2)" in found.stdout
        assert "fault: failed on import: ZeroDivisionError" in found.stdout


REDACTING = """
    from autopack.plugins.hookspecs import hookimpl

    @hookimpl
    def autopack_redact(text):
        return text.replace("secret", "***")
"""


class TestGiven:
    """Objects and folders are plugins too."""

    def test_files_of_a_folder_are_plugins(self, tmp_path):
        """A broken file is named by its path; the others are loaded."""
        (tmp_path / "mine.py").write_text(
            textwrap.dedent(STRATEGY.format(name="mine")), encoding="utf-8"
        )
        (tmp_path / "broken.py").write_text("1 / 0", encoding="utf-8")
        (tmp_path / "quits.py").write_text("raise SystemExit(1)", encoding="utf-8")
        registry = load_plugins(folders=[tmp_path])

        assert "mine" in registry.names("strategy")
        for name in ("broken", "quits"):
            assert str(tmp_path / f"{name}.py") == info_of(registry, name).distribution
            assert 1 == len(info_of(registry, name).faults)

    def test_a_hook_that_does_not_exist_is_named(self):
        """A mistyped hook is said to be one, with the one that was meant."""

        class Mistyped:
            @hookimpl
            def autopack_register_stratgies(self, register):
                register("x", None)

        (fault,) = info_of(load_plugins(extra=[Mistyped()]), "Mistyped").faults

        assert "no hook 'autopack_register_stratgies'" in fault
        assert "Did you mean 'autopack_register_strategies'" in fault

    def test_wrong_arguments_are_named_and_nothing_of_the_plugin_stays(self):
        """A hook with an argument that is not its own is refused with its plugin."""

        class Wrong:
            @hookimpl
            def autopack_redact(self, text):
                return "never"

            @hookimpl
            def autopack_register_strategies(self, registrar):
                registrar("x", None)

        registry = load_plugins(extra=[Wrong()])
        (fault,) = info_of(registry, "Wrong").faults

        assert "registrar" in fault
        assert "text" == registry.chain("autopack_redact", "text")

    @pytest.mark.parametrize("mark", ["wrapper", "hookwrapper"])
    def test_a_wrapper_is_refused_with_what_to_do(self, mark):
        """Hooks are called one by one: pluggy's wrappers have nothing around which to stand."""

        class Wrapping:
            @hookimpl(**{mark: True})
            def autopack_guard_drain(self, log, settings):
                return (yield)

            @hookimpl
            def autopack_redact(self, text):
                return "never"

        registry = load_plugins(extra=[Wrapping()])
        info = info_of(registry, "Wrapping")

        assert (f"autopack_guard_drain is a wrapper ({mark}=True)") in info.faults[0]
        assert "Mark it with @hookimpl alone" in info.faults[0]
        assert ("(given)", ()) == (info.distribution, info.provides)
        assert "text" == registry.chain("autopack_redact", "text")

    @pytest.mark.parametrize("kind", ["an async function", "a generator"])
    def test_a_function_that_would_never_run_is_refused(self, kind):
        """A coroutine or a generator is no answer of a hook, and no registration either."""

        class Later:
            @hookimpl
            async def autopack_guard_drain(self, log):
                return "quiet hours"

        class Lazy:
            @hookimpl
            def autopack_register_strategies(self, register):
                register("lazy", lambda view: None)
                yield

        plugin = Later() if kind == "an async function" else Lazy()
        (fault,) = info_of(load_plugins(extra=[plugin]), type(plugin).__name__).faults

        assert f"is {kind}, so it would be called and never run" in fault

    def test_a_hook_that_may_be_missing_is_no_fault(self):
        """Pluggy's ``optionalhook`` is honoured, for plugins of several versions."""

        class Careful:
            @hookimpl(optionalhook=True)
            def autopack_of_a_later_version(self):
                """Do nothing yet."""

        assert () == info_of(load_plugins(extra=[Careful()]), "Careful").faults

    def test_two_files_of_one_name_are_two_modules(self, tmp_path):
        """What the first one's annotations name is found in the first, whatever comes later."""
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        first, second = tmp_path / "a" / "mine.py", tmp_path / "b" / "mine.py"
        first.write_text(
            textwrap.dedent(
                """
                from __future__ import annotations
                import autopack
                Knots = int

                @autopack.event("a.wind")
                class Wind:
                    knots: Knots

                @autopack.hookimpl
                def autopack_register_events(register):
                    register(Wind)
                """
            ),
            encoding="utf-8",
        )
        second.write_text(textwrap.dedent(STRATEGY.format(name="b")), encoding="utf-8")
        registry = load_plugins(folders=[first.parent, second.parent])
        wind = from_file(first, "Wind")
        from_file(second, "autopack_register_strategies")

        assert [(), ()] == [i.faults for i in registry.infos if i.name.startswith("mine")]
        assert ["b"] == [name for name in registry.names("strategy") if name == "b"]
        assert 3 == wind(knots=3).knots

    def test_a_file_named_like_an_installed_plugin_works(self, tmp_path, installed):
        """It is listed with its path; three objects of one class are told apart by number."""
        installed("ap-lifo", {"lifo": "ap_lifo"}, ap_lifo=STRATEGY.format(name="lifo"))
        path = tmp_path / "plugins" / "lifo.py"
        path.parent.mkdir()
        path.write_text(textwrap.dedent(STRATEGY.format(name="mine")), encoding="utf-8")

        class Quiet:
            @hookimpl
            def autopack_drain_stopped(self, report):
                """See nothing."""

        registry = load_plugins(folders=[path.parent], extra=[Quiet(), Quiet(), Quiet()])
        infos = registry.infos

        assert {"lifo", "mine"} <= set(registry.names("strategy"))
        assert () == tuple(fault for info in infos for fault in info.faults)
        assert ["lifo", f"lifo@{path}", "Quiet", "Quiet@(given)", "Quiet@(given) (2)"] == [
            info.name for info in infos if info.name.startswith(("lifo", "Quiet"))
        ]

    def test_a_file_that_fails_leaves_no_module_behind(self, tmp_path):
        """As a failed import would not."""
        (tmp_path / "broken_for_good.py").write_text("1 / 0", encoding="utf-8")
        load_plugins(folders=[tmp_path])

        assert [] == [name for name in sys.modules if name.endswith("broken_for_good")]

    def test_what_it_observes_and_decides_is_among_what_it_provides(self):
        """A plugin that registers nothing is not said to do nothing."""

        class Watcher:
            @hookimpl
            def autopack_drain_stopped(self, report):
                """See nothing."""

        registry = load_plugins(extra=[Watcher()])

        assert ("hook autopack_drain_stopped",) == info_of(registry, "Watcher").provides

    def test_a_hook_may_have_a_name_of_its_own(self):
        """Pluggy's ``specname`` is honoured."""

        class Renamed:
            @hookimpl(specname="autopack_register_strategies")
            def strategies(self, register):
                register("renamed", None)

        info = info_of(load_plugins(extra=[Renamed()]), "Renamed")

        assert (("strategy renamed",), ()) == (info.provides, info.faults)

    @pytest.mark.parametrize("name", ["", 5, None])
    def test_a_name_is_a_string(self, name):
        """Anything else is refused, and said."""

        class Nameless:
            @hookimpl
            def autopack_register_strategies(self, register):
                register(name, None)

        (fault,) = info_of(load_plugins(extra=[Nameless()]), "Nameless").faults

        assert f"{name!r} cannot name a strategy" in fault


class TestThreads:
    """What is looked up by several threads at once is asked for by one of them."""

    def test_a_thread_that_comes_second_waits_for_the_answer(self):
        """While a plugin still registers, nobody is told that there is nothing of that kind."""
        found = []
        second = threading.Thread(target=lambda: found.append(registry.names("strategy")))

        class Slow:
            @hookimpl
            def autopack_register_strategies(self, register):
                second.start()
                second.join(0.3)  # one that does not wait is through by now
                register("slow", None)

        registry = load_plugins(extra=[Slow()])
        registry.resolve("strategy", "slow")
        second.join()

        assert "slow" in found[0]

    def test_what_a_plugin_registers_may_rest_on_what_others_did(self):
        """A look-up from within a registration hook, of its kind or of another, is answered."""
        seen = []

        class Curious:
            @hookimpl
            def autopack_register_strategies(self, register):
                seen.append((registry.resolve("strategy", "fifo"), registry.names("exporter")))

        registry = load_plugins(extra=[Curious()])
        registry.names("strategy")

        assert "jsonl" in seen[0][1]

    @pytest.mark.parametrize("target", ["log.db", "memory:"])
    def test_twenty_threads_begin_on_a_fresh_log(self, tmp_path, target):
        """Each attempts a phase, records a call and replays by a name; nobody is refused."""
        ids, faults, barrier = [f"p{n}" for n in range(20)], [], threading.Barrier(20)

        def work(phase_id):
            barrier.wait()
            try:
                with autopack.attempt(log, ("r", phase_id)) as live:
                    live.record_usage(model="m", output_tokens=7)
                autopack.replay(log, "attempts")
            except Exception as fault:
                faults.append(fault)

        path = target if target == "memory:" else tmp_path / target
        with autopack.create_log(path, plugins=load_plugins()) as log:
            specs = [autopack.PhaseSpec(i, category="docs", complexity="low") for i in ids]
            autopack.create_run(log, "r", specs)
            threads = [threading.Thread(target=work, args=[name]) for name in ids]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            usage = autopack.replay(log, "attempts").total.all.use

            assert [] == faults
            assert 20 * 7 == usage.output_tokens


class TestResolve:
    """A name, a file's name, or an object."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_an_object_comes_back_as_it_is(self, kind):
        """Wherever a name is accepted, an object is too."""
        thing = object()

        assert thing is load_plugins().resolve(kind, thing)

    def test_an_unknown_name_lists_the_known_and_the_meant(self):
        """A typing error is answered with the right word."""
        with pytest.raises(UnknownNameError) as refused:
            load_plugins().resolve("strategy", "fifoo")

        assert ("strategy", "fifoo", ("fifo", "one")) == (
            refused.value.kind,
            refused.value.name,
            tuple(name for name in refused.value.known if name in ("fifo", "one")),
        )
        assert "Did you mean 'fifo'?" in str(refused.value)

    def test_a_name_unlike_any_is_not_guessed_at(self):
        """Where nothing is close, nothing is suggested."""
        with pytest.raises(UnknownNameError) as refused:
            load_plugins().resolve("strategy", "zzzzz")

        assert "Did you mean" not in str(refused.value)

    def test_a_file_gives_what_it_defines(self, tmp_path):
        """``file.py:name`` needs no plugin; a path may hold colons."""
        path = tmp_path / "a:b.py"
        path.write_text("def mine(view): return 'chosen'\n", encoding="utf-8")

        assert "chosen" == load_plugins().resolve("strategy", f"{path}:mine")(None)

    def test_a_file_without_the_name_says_what_it_has(self, tmp_path):
        """So that the right name is found."""
        path = tmp_path / "some.py"
        path.write_text("def mine(view): ...\n", encoding="utf-8")

        with pytest.raises(InvalidInputError, match=r"defines no 'yours'. It has: mine"):
            load_plugins().resolve("strategy", f"{path}:yours")

    @pytest.mark.parametrize(
        ("named", "said"),
        [
            ("", "is a file: name the strategy in it. It has: pick, Other, spend; write {}:pick"),
            (":", "is a file: name the strategy in it. It has: pick, Other, spend; write {}:pick"),
            (":othr", "defines no 'othr'. It has: pick, Other, spend; write {}:Other"),
        ],
    )
    def test_a_file_alone_asks_which_of_its_own_names_is_meant(self, tmp_path, named, said):
        """What it imports and keeps to itself is not offered, and nothing is guessed."""
        path = tmp_path / "some.py"
        path.write_text(
            "import os\n"
            "from pathlib import Path\n"
            "from autopack import Choose, projection\n\n\n"
            "def pick(view): ...\n\n\n"
            "def _inner(view): ...\n\n\n"
            "class Other: ...\n\n\n"
            "NUMBER = 3\n"
            "@projection(initial=0)\n"
            "def spend(view, recorded): return view\n",
            encoding="utf-8",
        )
        with pytest.raises(InvalidInputError) as refused:
            load_plugins().resolve("strategy", f"{path}{named}")

        assert f"{path} {said.format(path)}" == str(refused.value)

    def test_a_file_with_one_name_asks_for_it_all_the_same(self, tmp_path):
        """The only name is what to write; it is not taken without being written."""
        path = tmp_path / "one.py"
        path.write_text("def pick(view): ...\n", encoding="utf-8")

        with pytest.raises(InvalidInputError, match=r"It has: pick; write .*one.py:pick"):
            load_plugins().resolve("strategy", str(path))

    def test_a_file_that_defines_nothing_says_so(self, tmp_path):
        """There is no name to write."""
        path = tmp_path / "empty.py"
        path.write_text("import os\n", encoding="utf-8")

        with pytest.raises(InvalidInputError, match=r"name the executor in it\. It defines none"):
            load_plugins().resolve("executor", str(path))

    @pytest.mark.parametrize(
        ("kind", "name", "said"),
        [
            ("calibrator", "pick", "is no calibrator: it has no initial, update, predict()"),
            ("estimator", "Other", "is no estimator: it has no estimate()"),
            ("exporter", "Lines", "is a class: name an exporter that is made of it"),
            ("importer", "NUMBER", "3 is no importer: it has no read()"),
        ],
    )
    def test_what_cannot_be_of_the_kind_is_refused(self, tmp_path, kind, name, said):
        """A wrong object is met where it is named, not in the middle of its use."""
        path = tmp_path / "some.py"
        path.write_text(
            "def pick(view): ...\n\n\n"
            "class Other: ...\n\n\n"
            "class Lines:\n"
            "    def lines(self, events): return []\n\n\n"
            "NUMBER = 3\n",
            encoding="utf-8",
        )
        with pytest.raises(InvalidInputError) as refused:
            load_plugins().resolve(kind, f"{path}:{name}")

        assert said in str(refused.value)

    def test_a_name_like_a_place_says_how_a_file_is_named(self):
        """Without ``.py`` it is looked up as a name, and the message says so."""
        with pytest.raises(UnknownNameError, match=r"written FILE\.py:NAME"):
            load_plugins().resolve("executor", "mine:execute")

    def test_a_missing_or_broken_file_is_named(self, tmp_path):
        """The path and the fault are in the message."""
        path = tmp_path / "broken.py"
        path.write_text("1 / 0", encoding="utf-8")

        with pytest.raises(InvalidInputError, match=r"no file .*none"):
            load_plugins().resolve("strategy", f"{tmp_path / 'none.py'}:x")
        with pytest.raises(PluginError, match=r"broken.*ZeroDivisionError"):
            load_plugins().resolve("strategy", f"{path}:x")


class TestWhenAsked:
    """What a plugin registers of a kind is asked for when a name of that kind is looked up."""

    def test_other_kinds_are_not_asked(self):
        """A look-up of a strategy calls the hook for strategies, once, and no other."""
        asked = []

        class Curious:
            @hookimpl
            def autopack_register_strategies(self, register):
                asked.append("strategy")

            @hookimpl
            def autopack_register_executors(self, register):
                asked.append("executor")

        registry = load_plugins(extra=[Curious()])
        before = list(asked)
        for _ in range(2):
            registry.resolve("strategy", "fifo")

        assert ([], ["strategy"]) == (before, asked)

    def test_the_list_of_plugins_asks_for_everything(self):
        """Faults of kinds that nobody used are listed too, and known so far only once asked."""

        class Broken:
            @hookimpl
            def autopack_register_exporters(self, register):
                raise ValueError("no exporter today")

        registry = load_plugins(extra=[Broken()])

        assert () == registry.infos_so_far[-1].faults
        assert ("autopack_register_exporters: ValueError: no exporter today",) == (
            registry.infos[-1].faults
        )

    def test_a_command_names_the_faults_of_what_it_used(self, tmp_path):
        """A name that is taken is told by the command that looks names of its kind up."""
        (tmp_path / "greedy.py").write_text(
            textwrap.dedent(STRATEGY.format(name="fifo")), encoding="utf-8"
        )
        code = "import sys; from autopack.cli.main import main; sys.argv[0] = 'autopack'; main()"
        log = tmp_path / "log.db"

        def said(*arguments):
            done = subprocess.run(
                [sys.executable, "-c", code, "--plugins-dir", str(tmp_path), *arguments],
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            return done.stderr

        created = said("log", "create", str(log))
        drained = said("--log", str(log), "drain", "--allow-empty", "--executor", "recorded")

        assert "taken" not in created
        assert "strategy 'fifo' is taken by plugin 'builtin' of autopack" in drained
