"""Views: a projection's checkpoint plus the tail folded in memory; persisted by writers only."""

from autopack.views.folding import Fold, ViewAt, fold_pages
from autopack.views.follower import Follower
from autopack.views.now import LiveView, current, current_row
from autopack.views.replaying import position_at, replay
from autopack.views.saved import differences, load, refresh, to_json

__all__ = [
    "Fold",
    "Follower",
    "LiveView",
    "ViewAt",
    "current",
    "current_row",
    "differences",
    "fold_pages",
    "load",
    "position_at",
    "refresh",
    "replay",
    "to_json",
]
