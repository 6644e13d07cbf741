"""Views: a projection's checkpoint plus the tail folded in memory; persisted by writers only."""

from autopack.log.views.as_of_now import LiveView, current, current_row
from autopack.log.views.follower import Follower
from autopack.log.views.persisted import differences, folded, load, refresh, to_json
from autopack.log.views.projection_fold import Fold, ViewAt, fold_pages
from autopack.log.views.replay import position_at, replay

__all__ = [
    "Fold",
    "Follower",
    "LiveView",
    "ViewAt",
    "current",
    "current_row",
    "differences",
    "fold_pages",
    "folded",
    "load",
    "position_at",
    "refresh",
    "replay",
    "to_json",
]
