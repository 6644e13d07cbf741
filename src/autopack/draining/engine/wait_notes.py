"""What a drain says of its waits: each once, and none that is over presently."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from autopack.plugins.narrator import Narrator
from autopack.ports.drain import Wait
from autopack.report.account_text import LaneWait, wait_line

_narrator: Final = Narrator("autopack.drain")
_WORTH_TELLING: Final = timedelta(seconds=60)


class WaitNotes:
    """Says why nothing goes on, which may be so for hours."""

    def __init__(self) -> None:
        self._told_wait: str | None = None
        self._told_until: dict[tuple[str, str | None], datetime] = {}

    def tell(self, wait: Wait) -> None:
        """Say once why a drain that could work does nothing."""
        if wait.reason != self._told_wait:
            self._told_wait = wait.reason
            until = None if wait.until is None else wait.until.isoformat(timespec="seconds")
            _narrator.warning(
                "phases are ready, and the strategy waits", why=wait.reason, until=until
            )

    def forget(self) -> None:
        """Say the strategy's reason again if it waits once more: something went on."""
        self._told_wait = None

    def tell_rests(self, waits: Sequence[LaneWait], now: datetime) -> None:
        """Say once of each rest that nothing goes on until it is over, if that is not presently."""
        for wait in waits:
            line, lane = wait_line(wait, now), (wait.account, wait.model)
            if wait.until - now > _WORTH_TELLING and wait.until != self._told_until.get(lane):
                self._told_until[lane] = wait.until
                _narrator.warning(line)
