"""What ``import autopack`` offers: names that exist, are documented, and load late."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import autopack

LAZY = ("structlog", "sqlite_utils", "click", "rich", "importlib.metadata")
CALLABLES = [
    name
    for name in autopack.__all__
    if inspect.isfunction(getattr(autopack, name)) and name != "__version__"
]


def in_a_process(script):
    """Run a script in a fresh interpreter and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()


def modules():
    """Yield the name of every module of the library."""
    for found in pkgutil.walk_packages(autopack.__path__, prefix="autopack."):
        yield found.name


class TestNames:
    """Every public name, and no other."""

    @pytest.mark.parametrize("name", autopack.__all__)
    def test_a_public_name_is_importable(self, name):
        """What ``__all__`` lists can be imported, and is found by ``dir``."""
        assert getattr(autopack, name) is not None
        assert name in dir(autopack)

    def test_nothing_else_is_offered(self):
        """What a prompt completes is what may be used."""
        offered = in_a_process("import autopack; print([n for n in dir(autopack) if n[:1] != '_'])")

        assert sorted(n for n in autopack.__all__ if n[:1] != "_") == eval(offered)

    def test_a_star_import_gives_them_all(self):
        """What a prompt would do."""
        space = {}
        exec("from autopack import *", space)

        assert set(autopack.__all__) <= set(space)


class TestShadows:
    """No package is named like a public function."""

    @pytest.mark.slow
    def test_functions_stay_functions_after_every_import(self):
        """With every module of the library imported, each public callable is what it was."""
        script = (
            "import importlib, pkgutil, autopack\n"
            "names = set(autopack.__all__) - {'__version__'}\n"
            "before = {n: getattr(autopack, n) for n in names}\n"
            "for found in pkgutil.walk_packages(autopack.__path__, 'autopack.'):\n"
            "    importlib.import_module(found.name)\n"
            "print([n for n in names if before[n] is not getattr(autopack, n)])\n"
        )
        imported_first = (
            "import importlib, pkgutil, types, autopack\n"
            "for found in pkgutil.walk_packages(autopack.__path__, 'autopack.'):\n"
            "    importlib.import_module(found.name)\n"
            "public = {n: getattr(autopack, n) for n in autopack.__all__}\n"
            "print([n for n, v in public.items() if isinstance(v, types.ModuleType)])\n"
        )

        assert "[]" == in_a_process(script)
        assert "[]" == in_a_process(imported_first)

    @pytest.mark.parametrize("name", CALLABLES)
    def test_no_module_is_named_like_a_function(self, name):
        """A module of that name would hide the function once it is imported."""
        assert f"autopack.{name}" not in set(modules())


class TestDocstrings:
    """Nothing public lacks a docstring."""

    @pytest.mark.parametrize("name", sorted(set(autopack.__all__) - {"__version__", "ANY"}))
    def test_a_public_name_and_its_public_parts_are_documented(self, name):
        """Classes, their methods and properties, and functions say what they promise."""
        thing = getattr(autopack, name)
        parts = [("", thing)]
        if inspect.isclass(thing):
            parts += [
                (part, value)
                for part, value in vars(thing).items()
                if not part.startswith("_")
                and (inspect.isfunction(value) or isinstance(value, property))
            ]

        assert [] == [part for part, value in parts if not inspect.getdoc(value)]

    @pytest.mark.parametrize("name", sorted(modules()))
    def test_a_module_says_what_it_is(self, name):
        """Every module begins with a sentence about itself."""
        assert importlib.import_module(name).__doc__


class TestImport:
    """Importing the library costs next to nothing and changes nothing."""

    def test_importing_loads_nothing_heavy(self):
        """What is slow to load is loaded where it is used."""
        script = (
            "import sys; before = set(sys.modules); import autopack, autopack.types\n"
            f"print([n for n in {LAZY!r} if n in set(sys.modules) - before])\n"
            "print(sorted(n for n in set(sys.modules) - before if 'autopack' in n))\n"
        )

        own = ["autopack", "autopack.types", "autopack.values", "autopack.values.lazy"]
        assert f"[]\n{own}" == in_a_process(script)

    def test_importing_touches_no_file_and_no_logging(self, tmp_path):
        """No file is made, no handler is added, no warning filter is set."""
        script = (
            f"import os, sys; os.chdir({str(tmp_path)!r}); sys.dont_write_bytecode = True\n"
            "import logging, warnings; filters = list(warnings.filters)\n"
            "import autopack; [getattr(autopack, name) for name in autopack.__all__]\n"
            "print(logging.getLogger().handlers, list(logging.Logger.manager.loggerDict),\n"
            "      warnings.filters == filters, os.listdir('.'))\n"
        )
        handlers, _rest = in_a_process(script).split("]", 1)

        assert "[" == handlers
        assert in_a_process(script).endswith("True []")

    def test_the_version_is_the_distributions(self):
        """One place says which version this is."""
        from importlib.metadata import version

        assert version("autopack") == autopack.__version__
