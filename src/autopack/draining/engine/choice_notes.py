"""What a drain's choices went by, noted with each so that a replay can ask the strategy again."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

import attrs

from autopack.draining.engine.circumstances import Circumstances
from autopack.draining.engine.drain_views import DrainViews
from autopack.draining.settings.settings import Settings

_MOST: Final = 50_000
"""An event takes 10 MiB: what is more is told with the next choice."""


class ChoiceNotes:
    """
    Remembers what the strategy was shown last, and what of it choices have told before.

    Args:
        is_telling: Whether the predictions that the strategy asked for are told too.
    """

    def __init__(self, views: DrainViews, *, is_telling: bool) -> None:
        self._views, self._is_telling = views, is_telling
        self._now: Circumstances | None = None
        self._place: dict[str, Any] = {}
        self._known: dict[str, Any] = {}
        self._changes: dict[str, Any] = {}
        self._predicted: dict[str, int] = {}

    def shown(self, now: Circumstances) -> None:
        """Take note of what a view is shown under."""
        admission = self._views.admission
        self._now = now
        self._place = {"read_to": admission.follower.position, "looked_at": admission.looked_at}

    def note(self, accounts: Mapping[str, str]) -> dict[str, Any]:
        """
        Return what a choice went by, as fields of its event.

        Args:
            accounts: By executor, the accounts that are known by now: some once they were asked of.
        """
        if self._now is None:
            return {}
        views, now = self._views, attrs.evolve(self._now, accounts=accounts)
        found = {**views.admission.holds.told(), **views.routes.told()}
        changes: dict[str, Any] = {}
        if found != self._known:
            changes = {name: None for name in self._known if name not in found}
            changes |= {n: told for n, told in found.items() if self._known.get(n) != told}
        self._changes = dict(islice(changes.items(), _MOST))
        fresh = islice(views.predict.fresh.items(), _MOST - len(self._changes))
        self._predicted = dict(fresh) if self._is_telling else {}
        predicted = {f"predicted {key}": n for key, n in self._predicted.items()}
        holds = {**self._changes, **predicted}
        return {**self._place, "circumstances": now.told(), "holds": holds}

    def told(self) -> None:
        """Take note that the choice is recorded, and with it what was noted last."""
        for name, told in self._changes.items():
            if told is None:
                del self._known[name]
            else:
                self._known[name] = told
        for key in self._predicted:
            del self._views.predict.fresh[key]
        self._changes, self._predicted = {}, {}


def may_not_predict_again(settings: Settings) -> bool:
    """Tell whether predictions hang on more than the log: on files, or on an object."""
    return settings.folder is not None or "estimator" in settings.objects
