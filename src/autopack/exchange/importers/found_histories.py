"""Histories that are on the disk: where tools keep theirs, as their importers say."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from autopack.plugins.narrator import Narrator
from autopack.plugins.registry import Registry
from autopack.ports.importing import FoundHistory

_narrator: Final = Narrator("autopack.plugins")


def found_histories(
    registry: Registry, home: Path, environ: Mapping[str, str]
) -> list[FoundHistory]:
    """
    Return what the importers find below a home folder, or where variables say, by their names.

    Without anything found there, each importer is asked whether the folder, or file, is its own.
    """
    importers = dict(registry.known("importer"))
    found = [
        one
        for name, importer in importers.items()
        for path in _answer(registry, name, importer, "places", home, environ) or ()
        if (one := _history(registry, name, importer, Path(path))) is not None
    ]
    if found:
        return found
    own = [_history(registry, name, importer, home) for name, importer in importers.items()]
    known = [one for one in own if one is not None]
    of_tools = [one for one in known if not _is_generic(importers[one.importer])]
    return of_tools or known


def _is_generic(importer: Any) -> bool:
    """Tell whether an importer takes any table: what a tool's own knows is left to that."""
    return bool(getattr(importer, "is_generic", False))


def _history(registry: Registry, name: str, importer: Any, path: Path) -> FoundHistory | None:
    if not path.exists() or not _answer(registry, name, importer, "recognises", str(path)):
        return None
    sizes = list(_sizes(path))
    return FoundHistory(importer=name, path=str(path), files=len(sizes), size_bytes=sum(sizes))


def _answer(registry: Registry, name: str, importer: Any, asked: str, *given: Any) -> Any:
    """Return what an importer answers; one that fails is named, and does not know."""
    call = getattr(importer, asked, None)
    if call is None:
        return None
    try:
        return call(*given)
    except (Exception, SystemExit) as fault:
        holder, what = registry.holder("importer", name), "importer failed to look for histories"
        _narrator.error(what, importer=name, plugin=holder, exc_info=fault)
        return None


def _sizes(path: Path) -> Iterator[int]:
    if path.is_file():
        yield path.stat().st_size
        return
    for folder, _folders, files in os.walk(path):
        for name in files:
            try:
                yield os.stat(os.path.join(folder, name)).st_size
            except OSError:
                continue
