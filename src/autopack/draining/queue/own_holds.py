"""What one drain holds back, or lets go early, of its own accord: no event of the log says so."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from autopack.draining.queue.hold_reasons import Held, HeldBy
from autopack.ports.work import PhaseView

_TOLD: Final = Held(HeldBy.CLAIM_REFUSED, "it was held back, as the drain noted with its choice")


class OwnHolds:
    """
    Runs and phases that a drain does not take for now, and back-offs that end earlier.

    :meth:`told` has them as a choice records them, so that a replay can :meth:`go_by` them.

    Attributes:
        runs, put_off, refused: Why each is held, by run id or key. What was refused is looked at
            again once its phase changes.
    """

    def __init__(self) -> None:
        self.runs: dict[str, Held] = {}
        self.put_off: dict[str, Held] = {}
        self.refused: dict[str, Held] = {}
        self._due: dict[str, tuple[datetime, datetime]] = {}
        self._early: dict[str, datetime] = {}

    def due_at(self, row: PhaseView, now: datetime) -> datetime | None:
        """
        Return when a back-off is over: no wait is longer than it was meant, from when it is seen.

        The clock that recorded it may have been ahead, or ours may have been set back since.
        """
        if row.not_before is None or row.wait_s is None:
            return row.not_before
        longest = now + timedelta(seconds=row.wait_s)
        known, due = self._due.get(row.key, (None, row.not_before))
        due = min(due if known == row.not_before else row.not_before, longest)
        self._due[row.key] = row.not_before, due
        if due != row.not_before:
            self._early[row.key] = due
        return due

    def forget_due(self, key: str) -> None:
        """Take note that a phase waits no more."""
        self._due.pop(key, None)
        self._early.pop(key, None)

    def told(self) -> dict[str, Any]:
        """Return all of them in plain values, by what it is and its name."""
        return {
            **{f"run {run_id}": True for run_id in self.runs},
            **{f"put_off {key}": True for key in self.put_off},
            **{f"refused {key}": True for key in self.refused},
            **{f"due {key}": due.isoformat() for key, due in self._early.items()},
        }

    def go_by(self, changes: Mapping[str, Any], rows: Mapping[str, PhaseView]) -> set[str]:
        """
        Hold what somebody else told that he holds, and let go what he does not any more.

        Args:
            changes: As :meth:`told` has them; None is no hold any more.
            rows: The phases as they stand, by key.

        Returns:
            The names of runs and the keys of phases that may stand otherwise now.
        """
        names = set()
        for told, value in changes.items():
            kind, _space, name = told.partition(" ")
            if kind == "due":
                row = rows.get(name)
                if value is not None and row is not None and row.not_before is not None:
                    self._due[name] = row.not_before, datetime.fromisoformat(value)
            else:
                held = {"run": self.runs, "put_off": self.put_off, "refused": self.refused}[kind]
                if value is None:
                    held.pop(name, None)
                else:
                    held[name] = _TOLD
            names.add(name)
        return names
