"""The hook reference names every hook, with its exact signature, an example and its users."""

import inspect
import re
from pathlib import Path

import pytest

from autopack import load_plugins
from autopack.plugins import hookspecs
from autopack.plugins.registry import KINDS
from docs.running import blocks_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "plugin_hooks.md"
HOOKS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("autopack_")}


def sections():
    """Return the page's text by hook."""
    parts = PAGE.read_text(encoding="utf-8").split("\n### ")[1:]
    return {part.partition("\n")[0]: part for part in parts}


def test_every_hook_has_a_section():
    """Headings and hook specifications are the same names, in the same order."""
    assert list(HOOKS) == list(sections())


@pytest.mark.parametrize("name", HOOKS)
def test_a_section_gives_the_exact_signature(name):
    """The signature on the page is the one in the code."""
    signature = re.sub(r"'|autopack\.plugins\.hookspecs\.", "", str(inspect.signature(HOOKS[name])))
    shown = signature.replace("collections.abc.Callable[[str, typing.Any], None]", "Register")

    assert (
        f"```python no-run\n{name}{shown.replace(': typing.Any', ': Any')}\n```" in sections()[name]
    )


@pytest.mark.parametrize("name", HOOKS)
def test_a_section_has_an_example(name):
    """Each hook is shown in use, on this page or on the one that its section names."""
    section = sections()[name]
    elsewhere = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")

    assert f"def {name}(" in section + (elsewhere if "](history.md)" in section else "")


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_tested_and_called(name):
    """No hook is a promise that nobody keeps: the library calls it, and a test implements it."""
    ending = name.removeprefix("autopack_register_")
    own = ("hookspecs", "builtin")
    modules = [p for p in ROOT.glob("src/autopack/**/*.py") if p.stem not in own]
    tests = (ROOT / "tests" / "plugins" / "test_hookspecs.py").read_text(encoding="utf-8")

    assert any(name in p.read_text() or f'"{ending}"' in p.read_text() for p in modules)
    assert f"{name}=" in tests or ending in KINDS.values()  # each kind is a case of one test


@pytest.mark.parametrize("name", HOOKS)
def test_a_section_names_all_who_use_the_hook(name):
    """Each hook has a first-party user, and the page names each of them and nobody else."""
    registry = load_plugins()
    of = {info.name: info.distribution for info in registry.infos}
    users = {
        "autopack.builtin" if one.plugin_name == "builtin" else of[one.plugin_name]
        for one in getattr(registry.manager.hook, name).get_hookimpls()
    }
    (told,) = re.findall(r"Used by [^\n]*", sections()[name])

    assert users
    assert users == set(re.findall(r"`(autopack[.-][a-z]+)`", told))


def test_blocks_are_seen():
    """All examples are blocks that the page test runs; only the signatures are not."""
    blocks = blocks_of(PAGE)
    shown = [block.text for block in blocks if block.language == "shown"]

    assert len(HOOKS) <= sum(block.language == "python" for block in blocks)
    assert list(HOOKS) == [text.partition("(")[0] for text in shown]
