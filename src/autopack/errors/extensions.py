"""What is wrong with a plugin, a name that one registers, or a source."""

from collections.abc import Iterable

from autopack.errors.base import AutopackError
from autopack.errors.nearest import did_you_mean


class UnknownNameError(AutopackError):
    """Nothing is registered under that name."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        hint = did_you_mean(name, self.known)
        if not hint and (":" in name or "/" in name):
            hint = " What a file defines is written FILE.py:NAME."
        super().__init__(
            f"There is no {kind} {name!r}.{hint} Known: {', '.join(self.known) or 'none'}. "
            "See what failed to load with:",
            do="load_plugins().infos",
            typed="autopack plugins",
        )


class PluginError(AutopackError):
    """A plugin failed, or broke its promise."""

    def __init__(self, plugin: str, what: str) -> None:
        super().__init__(f"Plugin {plugin!r}: {what}")
        self.plugin, self.what = plugin, what


class ImportRefusedError(AutopackError):
    """A source cannot be imported; nothing was changed."""

    def __init__(self, source: str, why: str) -> None:
        super().__init__(f"{source} cannot be imported: {why}. Nothing was changed.")
        self.source, self.why = source, why
