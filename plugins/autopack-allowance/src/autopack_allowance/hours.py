"""Hours of the day by the clock on a wall, and when they end."""

import re
from datetime import datetime, time, timedelta
from typing import Final, Self

import attrs

from autopack.errors import InvalidInputError

_HOURS: Final = re.compile(r"(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)")


@attrs.frozen
class QuietHours:
    """
    From one time of day to another, over midnight if the second is the earlier one.

    ``begin`` is quiet, ``end`` is not any more.
    """

    begin: time
    end: time

    def __attrs_post_init__(self) -> None:
        """Refuse hours that last for nothing, or for ever."""
        if self.begin == self.end:
            raise InvalidInputError(f"Quiet hours from {self} have no length.")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the hours that a text such as ``22:00-06:00`` names."""
        found = _HOURS.fullmatch(text.strip())
        try:
            if found is None:
                raise ValueError
            hour, minute, end_hour, end_minute = map(int, found.groups())
            return cls(time(hour, minute), time(end_hour, end_minute))
        except ValueError:
            raise InvalidInputError(
                f"{text!r} are no quiet hours: give HH:MM-HH:MM, as in 22:00-06:00."
            ) from None

    def end_after(self, moment: datetime) -> datetime | None:
        """Return when the quiet hours that hold *moment* end; None if it is not quiet then."""
        now = moment.time()
        is_over_midnight = self.begin > self.end
        if is_over_midnight:
            is_quiet = now >= self.begin or now < self.end
        else:
            is_quiet = self.begin <= now < self.end
        if not is_quiet:
            return None
        ends_tomorrow = is_over_midnight and now >= self.begin
        day = moment.date() + timedelta(days=ends_tomorrow)
        # The fold tells the second 02:30 of a night from the first, when clocks are put back.
        return datetime.combine(day, self.end, tzinfo=moment.tzinfo).replace(fold=moment.fold)

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"
