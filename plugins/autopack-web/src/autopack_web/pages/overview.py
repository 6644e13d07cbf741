"""The first screen: how the log stands."""

from typing import TYPE_CHECKING

import attrs

import autopack
from autopack.report.status import Status

if TYPE_CHECKING:
    from autopack import Log
    from autopack_web.moments import Asked


@attrs.frozen(kw_only=True)
class Overview:
    """How the log stands."""

    status: Status


def read(log: "Log", asked: "Asked") -> Overview:
    """Return how the log stands."""
    return Overview(status=autopack.status(log))
