"""Python files as plugins, and as places of objects: ``file.py:name``."""

import difflib
import importlib.util
import inspect
import re
import sys
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from autopack.errors import InvalidInputError, PluginError
from autopack.plugins.observers import answer_of

_NUMBER: Final = count(1)
_FILE: Final = re.compile(r"[^+=,]+\.py(?=:)")  # options may name files, too


def place_in(wanted: str) -> tuple[Path, str] | None:
    """Return the file and the name that ``file.py:name`` means; a file alone has an empty name."""
    path, colon, name = wanted.rpartition(":")
    if colon and path.endswith(".py"):
        return Path(path), name.strip()
    return (Path(wanted), "") if wanted.endswith(".py") else None


def placed(wanted: str) -> str:
    """Return a name with each ``file.py`` in it by its whole path, from wherever it is read."""
    return _FILE.sub(lambda found: str(Path(found[0]).absolute()), wanted)


def from_file(path: Path, name: str, *, kind: str = "object") -> Any:
    """
    Return an object that a Python file defines.

    Raises:
        InvalidInputError: There is no such file, it has no such name, or none was given: which of
            them is meant is not guessed.
        PluginError: The file failed.
    """
    module = module_of(path)
    if name and hasattr(module, name):
        return getattr(module, name)
    own = [n for n, thing in vars(module).items() if _is_own(n, thing, module)]
    close = difflib.get_close_matches(name, own, n=1) or own
    what = f"{path} defines no {name!r}." if name else f"{path} is a file: name the {kind} in it."
    has = f" It has: {', '.join(own)}; write {path}:{close[0]}" if own else " It defines none."
    raise InvalidInputError(what + has, name=kind, value=f"{path}:{name}")


def _is_own(name: str, thing: Any, module: Any) -> bool:
    """Tell whether a file defines what could be meant: a function, a class, or an object of one."""
    if name.startswith("_") or isinstance(thing, ModuleType):
        return False
    home = str(getattr(thing, "__module__", None))
    is_made = not (isinstance(thing, type) or inspect.isroutine(thing))
    return home == module.__name__ or (is_made and home.startswith("autopack."))


def module_of(path: Path) -> Any:
    """
    Run a Python file and return it as a module.

    Each has a module's name of its own, so that what one file's annotations name is never looked
    up in another file of the same stem.

    Raises:
        InvalidInputError: There is no such file.
        PluginError: It failed.
    """
    if not path.is_file():
        raise InvalidInputError(f"There is no file {path}.", name="path", value=path)
    module_name = f"autopack_file_{next(_NUMBER)}_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise InvalidInputError(
            f"{path} cannot be imported as a Python file.", name="path", value=path
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    fault = answer_of(spec.loader.exec_module, module)
    if isinstance(fault, BaseException):
        del sys.modules[module_name]
        raise PluginError(
            str(path), f"failed on import: {type(fault).__name__}: {fault}"
        ) from fault
    return module
