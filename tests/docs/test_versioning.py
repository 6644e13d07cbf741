"""What is public is what the versioning page says; what users copy imports nothing else."""

import ast
import importlib
import re
import warnings
from pathlib import Path

import pluggy
import pytest

import autopack
from autopack import hookimpl, load_plugins
from autopack.plugins import hookspecs
from docs.running import blocks_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "versioning.md").read_text(encoding="utf-8")
PROMISE = PAGE.partition("## What is public")[2].partition("\n## ")[0]
PUBLIC = re.findall(r"`autopack\.([a-z_.]+(?:\.[A-Za-z_]+)?)`", PROMISE)
TO_COPY = [
    *(path for path in ROOT.glob("docs/*.md")),
    ROOT / "README.md",
    *ROOT.glob("plugins/*/README.md"),
    *ROOT.glob("examples/*.py"),
    *ROOT.glob("src/autopack/templates/*.py.txt"),
    *ROOT.glob("plugins/*/src/**/*.py"),
]
MORE = {
    "docs/why_events.md": "autopack.aggregates.phase",  # explains how a state is folded
    "docs/versioning.md": "autopack.format.chain",  # shows where the chain's version stands
    "plugins/autopack-anthropic": "autopack.draining.executors",  # what its kind has in common
    "plugins/autopack-boost": "autopack.prediction.calibration.shrinkage",  # what it falls back on
    "plugins/autopack-histories": "autopack.draining",  # its readers of what clients tell
    "plugins/autopack-kubernetes": "autopack.cli",  # options of a worker, after the dashes
    "plugins/autopack-legacy": "autopack.prediction.estimation",  # today's words for old categories
    "plugins/autopack-llm": "autopack.draining",  # likewise, and a thread of its own
    "plugins/autopack-openai": "autopack.draining.executors",  # what its kind has in common
    "plugins/autopack-otel": "autopack.log.log",  # which log it is, and how streams began
    "plugins/autopack-postgres": "autopack.log.backends.sqlite.sqlviews",  # the views of a file
    "plugins/autopack-prices/src/autopack_prices/tables.py": "autopack.exchange.run_files",
    "plugins/autopack-prices": "autopack.prediction.calibration.price_table",  # what a table is
    "plugins/autopack-web": "autopack",  # a page shows all that there is, as reports do
}


def code_of(path):
    """Return the Python text of a file, or of a page's blocks."""
    if path.suffix != ".md":
        return path.read_text(encoding="utf-8").replace("$", "")  # of a template's names
    return "\n".join(block.text for block in blocks_of(path) if block.language == "python")


def imports_of(path):
    """Return all that a file takes from the library, as dotted names below ``autopack``."""
    found = set()
    for node in ast.walk(ast.parse(code_of(path))):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, _, module = node.module.partition(".")
            if package == "autopack":
                found |= {f"{module}.{name.name}".lstrip(".") for name in node.names}
        elif isinstance(node, ast.Import):
            names = [name.name.partition(".") for name in node.names]
            found |= {rest for package, _, rest in names if package == "autopack" and rest}
    return found


def is_public(name):
    """Tell whether the page promises a name, by itself, with its module, or as a module."""
    return name in autopack.__all__ or any(f"{name}.".startswith(f"{one}.") for one in PUBLIC)


def test_what_is_promised_is_there():
    """Each module and name on the page can be imported."""
    assert len(PUBLIC) > 8
    for name in PUBLIC:
        module, _, last = f"autopack.{name}".rpartition(".")
        parent = importlib.import_module(module)

        assert hasattr(parent, last) or importlib.import_module(f"autopack.{name}")


@pytest.mark.parametrize("path", TO_COPY, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_users_copy_imports_only_what_is_public(path):
    """A page, an example, a template or a plugin shows no name that may go without notice."""
    place = str(path.relative_to(ROOT))
    excused = [f"{name}." for start, name in MORE.items() if place.startswith(start)]
    private = [name for name in sorted(imports_of(path)) if not is_public(name)]

    assert [] == [n for n in private if not any(f"autopack.{n}.".startswith(e) for e in excused)]


def test_every_excuse_is_needed():
    """What no longer takes a private name loses its excuse."""
    for start, name in MORE.items():
        paths = [path for path in TO_COPY if str(path.relative_to(ROOT)).startswith(start)]
        taken = {f"autopack.{one}." for path in paths for one in imports_of(path)}

        assert any(one.startswith(f"{name}.") for one in taken)


def test_a_plugin_that_implements_a_deprecated_hook_is_warned(monkeypatch):
    """It is warned when it is loaded, and works on."""
    marked = pluggy.HookspecMarker("autopack")(
        warn_on_impl=DeprecationWarning("autopack_drain_stopped goes in 9.0; use another")
    )

    def autopack_drain_stopped(report):
        """Observe the end of a drain."""

    class Old:
        @hookimpl
        def autopack_drain_stopped(self, report):
            self.seen = report

    old = Old()
    monkeypatch.setattr(hookspecs, "autopack_drain_stopped", marked(autopack_drain_stopped))
    with pytest.warns(DeprecationWarning, match=r"goes in 9\.0"):
        registry = load_plugins(extra=[old])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registry.observe("autopack_drain_stopped", {"report": "r"})

    assert ("r", ()) == (old.seen, registry.infos[-1].faults)
