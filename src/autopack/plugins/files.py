"""Python files as plugins, and as places of objects: ``file.py:name``."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from autopack.errors import InvalidInputError, PluginError


def from_file(path: Path, name: str) -> Any:
    """Return an object that a Python file defines."""
    module = module_of(path)
    if not hasattr(module, name):
        public = [n for n in vars(module) if not n.startswith("_")]
        raise InvalidInputError(f"{path} defines no {name!r}. It has: {', '.join(public)}.")
    return getattr(module, name)


def module_of(path: Path) -> Any:
    """
    Run a Python file and return it as a module.

    Raises:
        InvalidInputError: There is no such file.
        PluginError: It failed.
    """
    if not path.is_file():
        raise InvalidInputError(f"There is no file {path}.")
    module_name = f"autopack_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise InvalidInputError(f"{path} cannot be imported as a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as fault:
        raise PluginError(
            str(path), f"failed on import: {type(fault).__name__}: {fault}"
        ) from fault
    return module
