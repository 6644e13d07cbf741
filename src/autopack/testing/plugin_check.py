"""Runs the suites that fit on a plugin that is installed, and says what it does not keep."""

import contextlib
import io
import os
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from autopack.errors import UnknownNameError
from autopack.plugins.registry import PluginInfo, Registry

if TYPE_CHECKING:
    from autopack.testing.plugin_cases import Part

_COLLECTED: Final = """\
import pytest

pytest.register_assert_rewrite("autopack.testing")

from autopack.testing.plugin_check import test_classes

globals().update(test_classes())
"""
_OPTIONS: Final = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-W", "ignore")
_ENVIRONMENT: Final = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
_LINES: Final = 4
_HINTS: Final = ("Use -v", "Full diff", "...Full output")
"""Lines of pytest's that say how it is asked for more."""


@attrs.frozen(kw_only=True)
class Broken:
    """
    A promise that a plugin does not keep.

    Args:
        promise: It, in words.
        test: The test of the suite.
        says: What differs.
        shown: What it was shown, where that was drawn.
        where: The line of the plugin, as ``file:line``; None where its answer was wrong, not it.
    """

    promise: str
    test: str
    says: str
    shown: tuple[str, ...] = ()
    where: str | None = None


@attrs.frozen(kw_only=True)
class CheckedPart:
    """
    What became of one thing that a plugin registers.

    Args:
        suite: The suite that it was held to; None where none was run, and *why* says so.
        asked: How many promises it was asked to keep.
    """

    kind: str
    name: str
    suite: str | None = None
    asked: int = 0
    broken: tuple[Broken, ...] = ()
    why: str = ""


@attrs.frozen(kw_only=True)
class PluginCheck:
    """What a plugin registers, and which promises of it are not kept."""

    plugin: str
    distribution: str
    version: str
    faults: tuple[str, ...]
    parts: tuple[CheckedPart, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.faults and not any(part.broken for part in self.parts)


class _Asked:
    """What is under check while pytest runs, and what it found."""

    def __init__(
        self, registry: Registry, info: PluginInfo, sources: Sequence[Path], live: bool
    ) -> None:
        self._of: Any = (registry, info)
        self._how: Any = {"sources": sources, "live": live}
        self.parts: list[Part] = []
        self.counts: Counter[str] = Counter()
        self.broken: dict[str, list[Broken]] = {}
        self.home = _home(registry.manager.get_plugin(info.name))

    def classes(self) -> dict[str, type]:
        """Return the test classes, by names that pytest collects."""
        from autopack.testing.plugin_cases import parts_of

        self.parts = list(parts_of(*self._of, **self._how))
        return {f"Test{n}": part.suite for n, part in enumerate(self.parts) if part.suite}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, Any]:
        """Keep what a test found."""
        report: Any = yield
        part = item.nodeid.split("::")[1]
        if call.when == "call" and not report.skipped:
            self.counts[part] += 1
        if report.failed:
            self.broken.setdefault(part, []).append(self._broken(item, call.excinfo))
        return report

    def _broken(self, item: Any, found: Any) -> Broken:
        fault = found.value
        return Broken(
            promise=" ".join((item.obj.__doc__ or item.name).split()),
            test=item.originalname,
            says=_in_short(fault),
            shown=tuple(getattr(fault, "__notes__", ())),
            where=self._where(found),
        )

    def _where(self, found: Any) -> str | None:
        own = [one for one in found.traceback if self.home and _is_in(one.path, self.home)]
        return f"{own[-1].path}:{own[-1].lineno + 1}" if own else None


def _in_short(fault: BaseException) -> str:
    """Return what an error says: the words of a test where it has some, else what differs."""
    text = str(fault).strip()
    if not isinstance(fault, AssertionError | pytest.fail.Exception):
        return "\n".join(f"{type(fault).__name__}: {text}".splitlines()[:_LINES])
    told = [line for line in text.splitlines() if not line.strip().startswith(_HINTS)]
    if not text.startswith("assert "):
        told = list(takewhile(lambda line: not line.startswith("assert "), told))
    return "\n".join([*told[:_LINES], *["..."][: len(told) > _LINES]])


_under_check: _Asked | None = None


def test_classes() -> dict[str, type]:
    """Return the test classes of the plugin under check, for pytest to collect."""
    assert _under_check is not None
    return _under_check.classes()


def check_plugin(
    registry: Registry, name: str, *, sources: Sequence[Path] = (), live: bool = False
) -> PluginCheck:
    """
    Hold all that a plugin registers to the suites of its kinds.

    Args:
        name: The plugin's, or its distribution's.
        sources: Files that its importers read.
        live: Whether executors, workspaces and launchers are asked too, which do work.

    Raises:
        UnknownNameError: No plugin has that name.
    """
    global _under_check
    infos = registry.infos
    info = next((one for one in infos if name in (one.name, one.distribution)), None)
    if info is None:
        raise UnknownNameError("plugin", name, [one.name for one in infos])
    asked = _under_check = _Asked(registry, info, [path.absolute() for path in sources], live)
    settings.register_profile("plugin check", derandomize=True, database=None)
    settings.load_profile("plugin check")
    try:
        with _folder() as folder:
            (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
            place = folder / "test_plugin.py"
            place.write_text(_COLLECTED, encoding="utf-8")
            said = io.StringIO()
            options = [*_OPTIONS, "-c", "pytest.ini", "--basetemp", "made", str(place)]
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = pytest.main(options, plugins=[asked])
    finally:
        _under_check = None
    if code not in (0, 1, 5):  # all passed, some failed, there was none
        raise RuntimeError(
            f"The suites could not be run: pytest ended with {code}.\n{said.getvalue()}"
        )
    return PluginCheck(
        plugin=info.name,
        distribution=info.distribution,
        version=info.version,
        faults=info.faults,
        parts=tuple(_checked(part, asked, f"Test{n}") for n, part in enumerate(asked.parts)),
    )


def _checked(part: "Part", asked: _Asked, key: str) -> CheckedPart:
    broken = asked.broken.get(key, [])
    if part.fault:
        broken = [Broken(promise="It can be made.", test="", says=part.fault)]
    return CheckedPart(
        kind=part.kind,
        name=part.name,
        suite=part.suite.__mro__[1].__name__ if part.suite else None,
        asked=asked.counts[key],
        broken=tuple(broken),
        why=part.why,
    )


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Be in a folder of one's own, without the settings that pytest finds elsewhere."""
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    with tempfile.TemporaryDirectory(prefix="autopack-check-") as folder:
        os.environ.update(_ENVIRONMENT)
        set_hypothesis_home_dir(Path(folder, "hypothesis"))
        try:
            with contextlib.chdir(folder):
                yield Path(folder)
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _home(plugin: Any) -> Path | None:
    """Return the file of a plugin, or the folder of its package."""
    file = getattr(plugin, "__file__", None)
    if file is None:
        return None
    return Path(file).parent if getattr(plugin, "__package__", "") else Path(file)


def _is_in(path: Any, home: Path) -> bool:
    return Path(path) == home or home in Path(path).parents
