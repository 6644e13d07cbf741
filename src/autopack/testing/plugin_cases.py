"""Which suites fit on what a plugin registers, and the test classes that ask for it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import click
from hypothesis import strategies as st

from autopack.draining.settings.named_parts import made_of
from autopack.errors import AutopackError
from autopack.plugins.plugin_options import check_whole
from autopack.plugins.registry import PluginInfo, Registry
from autopack.ports.prediction import PhaseSpec
from autopack.prediction.calibrators import calibrator_of
from autopack.testing.backends import BackendContract
from autopack.testing.calibrators import CalibratorContract
from autopack.testing.checks import CheckContract, work_of
from autopack.testing.estimators import EstimatorContract
from autopack.testing.event_pins import Pin
from autopack.testing.events import EventContract
from autopack.testing.executors import ExecutorContract
from autopack.testing.generators import FEW, any_order, events_of
from autopack.testing.histories import histories
from autopack.testing.importers import ImporterContract
from autopack.testing.launchers import LauncherContract
from autopack.testing.projections import ProjectionContract
from autopack.testing.strategies import StrategyContract
from autopack.testing.workspaces import WorkspaceContract

OF_ITS_OWN: Final = "it promises what is its own, and is held to it by its own tests"
_AT_WORK: Final = "its suite does work, which may call a model or start programs: add --live"
_BY_ITS_OWN: Final = "Its own tests can, by make() of the suite"
_NEEDED: Final = {
    "preset": ("name", "command", "reader"),
    "prices": ("version", "entries"),
    "exporter": ("name",),
    "command": ("callback",),
}
"""What has no suite, with what it has."""


@attrs.frozen(kw_only=True)
class Part:
    """
    One thing that a plugin registers, and what asks it for its promises.

    Args:
        suite: The test class; None where there is none, or none that can be run.
        why: Why there is none.
        fault: What is wrong at first sight.
    """

    kind: str
    name: str
    suite: type | None = None
    why: str = ""
    fault: str = ""


def parts_of(
    registry: Registry, info: PluginInfo, *, sources: Sequence[Path], live: bool
) -> Iterator[Part]:
    """Yield all that a plugin registers, its events as one."""
    named = [one.partition(" ")[::2] for one in info.provides]
    if events := [name for kind, name in named if kind == "event"]:
        yield _of_events(registry, info, ", ".join(events))
    for kind, name in named:
        if kind == "hook":
            yield Part(kind=kind, name=name, why=OF_ITS_OWN)
        elif kind != "event":
            thing = registry.known(kind)[name]
            try:
                yield _part(registry, info, kind, name, thing, sources, live)
            except AutopackError as fault:
                why = f"it cannot be made as it is: {fault}".removesuffix(".")
                yield Part(kind=kind, name=name, why=f"{why}. {_BY_ITS_OWN}")
            except Exception as fault:  # whatever a plugin raises when it is made
                yield Part(kind=kind, name=name, fault=f"{type(fault).__name__}: {fault}")


def _part(
    registry: Registry,
    info: PluginInfo,
    kind: str,
    name: str,
    thing: Any,
    sources: Sequence[Path],
    live: bool,
) -> Part:
    if kind in ("executor", "launcher", "workspace"):
        if not live:
            return Part(kind=kind, name=name, why=_AT_WORK)
        if isinstance(thing, type):
            check_whole(thing, kind, ())
    if kind == "importer":
        found = [path for path in sources if made_of(thing, kind).recognises(str(path))]
        if not found:
            why = "its suite reads a source: name one with --source"
            return Part(kind=kind, name=name, why=why)
        return _with(ImporterContract, kind, name, _made(thing, kind), write_source=_copy(found[0]))
    if kind == "calibrator":

        def make(_suite: Any) -> Any:
            return calibrator_of(registry, name, {})

        return _with(CalibratorContract, kind, name, make)
    if kind == "projection":
        return _of_projection(registry, info, name, thing)
    if kind == "backend":
        return _of_backend(name, thing)
    if kind == "check":
        return _of_check(name, thing)
    if kind in _SUITES:
        more = {"makes_calls": None} if kind == "executor" else {}
        return _with(_SUITES[kind], kind, name, _made(thing, kind), **more)
    missing = [word for word in _NEEDED.get(kind, ()) if not hasattr(thing, word)]
    if kind == "command" and not isinstance(thing, click.Command):
        return Part(kind=kind, name=name, fault=f"{thing!r} is no click command")
    fault = f"{thing!r} lacks {', '.join(missing)}" if missing and kind != "command" else ""
    return Part(kind=kind, name=name, why=OF_ITS_OWN, fault=fault)


_SUITES: Final[dict[str, type]] = {
    "strategy": StrategyContract,
    "estimator": EstimatorContract,
    "executor": ExecutorContract,
    "launcher": LauncherContract,
    "workspace": WorkspaceContract,
}


_MADE_ALONE: Final = ("strategy", "estimator", "calibrator", "projection", "check", "importer")
"""The kinds that need no folder to be made in."""


def _with(suite: type, kind: str, name: str, make: Callable[..., Any], **more: Any) -> Part:
    if kind in _MADE_ALONE:
        make(None)  # what cannot be made would fail every test alike
    made = type(f"Test_{kind}_{name}", (suite,), {"make": make, **more})
    return Part(kind=kind, name=name, suite=made)


def _made(thing: Any, kind: str) -> Callable[..., Any]:
    def make(_suite: Any, folder: Path | None = None) -> Any:
        return made_of(thing, kind)

    return make


def _copy(source: Path) -> Callable[[Any, Path], Path]:
    def write(_suite: Any, folder: Path) -> Path:
        import shutil

        copied = folder / source.name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, copied)
        return copied

    return write


def _of_events(registry: Registry, info: PluginInfo, names: str) -> Part:
    plugin = registry.manager.get_plugin(info.name)
    pin = Path(str(getattr(plugin, "__file__", ""))).with_name("format.txt")

    def leave(_suite: Any, pins: list[Pin]) -> str:
        return "The plugin's own tests write it: subclass EventContract"

    more = {"pin": lambda _suite: pin, "registry": registry, "write": leave}
    if not pin.exists():  # it may be kept elsewhere
        more["test_its_format_is_pinned"] = None
    return _with(EventContract, "event", names, lambda _suite: plugin, **more)


def _of_projection(registry: Registry, info: PluginInfo, name: str, thing: Any) -> Part:
    events = [one.partition(" ")[2] for one in info.provides if one.startswith("event ")]
    drawn: Any = histories() | any_order
    if events:
        own = st.lists(
            st.one_of([events_of(registry.codec.class_of(one), **FEW) for one in events]),
            max_size=9,
        )
        drawn = own | st.tuples(drawn, own).map(lambda both: [*both[0], *both[1]])
    more = {"events": lambda _suite: drawn, "plugins": lambda _suite: registry}
    return _with(ProjectionContract, "projection", name, _made(thing, "projection"), **more)


def _of_backend(name: str, thing: Any) -> Part:
    import tempfile

    def make(_suite: Any, folder: Path) -> Any:
        return thing.create(str(folder / "log"))

    try:
        with tempfile.TemporaryDirectory() as folder:
            make(None, Path(folder)).close()
    except AutopackError as fault:
        why = f"its suite makes logs in a folder, and it does not: {fault}"
        return Part(kind="backend", name=name, why=why)
    return _with(BackendContract, "backend", name, make)


def _of_check(name: str, thing: Any) -> Part:
    def some(_suite: Any, folder: Path) -> Any:
        return work_of(PhaseSpec("p", goal="Say hello"), {"result": "hello"}, folder=folder)

    more = {
        "right": some,
        "wrong": some,
        "test_right_work_passes": None,  # what is right, its own tests know
        "test_wrong_work_does_not_pass_and_is_told_why": None,
    }
    return _with(CheckContract, "check", name, _made(thing, "check"), **more)
