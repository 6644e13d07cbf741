"""The strategy: quiet hours first, then the day's allowance, then whoever chooses."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from autopack import Choose, DrainView, Wait
from autopack.errors import InvalidInputError
from autopack.types import Choice, Strategy
from autopack_allowance.environment import QUIET, TOKENS, ZONE, variable
from autopack_allowance.hours import QuietHours


def in_order(view: DrainView) -> Choice:
    """Choose the first phase that is ready."""
    if view.ready:
        return Choose(view.ready[0].ref, f"first of {len(view.ready)} ready")
    return Wait("nothing is ready", until=view.next_ready_at)


def _zone_of(given: str | ZoneInfo) -> ZoneInfo:
    if isinstance(given, ZoneInfo):
        return given
    try:
        return ZoneInfo(given)
    except (KeyError, ValueError, OSError):
        raise InvalidInputError(
            f"{given!r} is no time zone; name one as in Europe/Berlin."
        ) from None


def _hours_of(given: str | QuietHours | None) -> QuietHours | None:
    return QuietHours.parse(given) if isinstance(given, str) else given


def _check_tokens(_strategy: object, _field: Any, tokens: object) -> None:
    if tokens is None:
        return
    if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1:
        raise InvalidInputError(f"daily_tokens is {tokens!r}; it is a whole number above 0.")


@attrs.frozen(kw_only=True)
class Allowance:
    """
    Take phases outside of quiet hours, until the day's tokens are used up; then wait.

    It counts the total tokens of every call in the log, by whichever drain, since midnight, and
    what the phases in work may still write. A phase that was begun is let finish, so a day may
    end above its allowance by what was in work. It is a pure function of the view.

    Args:
        daily_tokens: The allowance, in total tokens a day; None for no allowance.
        quiet: ``HH:MM-HH:MM`` by the clock of *zone*; None for no quiet hours.
        zone: Whose midnight begins the day, as in ``Europe/Berlin``; UTC if nothing says more.
        then: The strategy that chooses while phases may be taken.

    What is not given is read from ``AUTOPACK_ALLOWANCE_TOKENS``, ``AUTOPACK_ALLOWANCE_QUIET`` and
    ``AUTOPACK_ALLOWANCE_ZONE``.

    Raises:
        InvalidInputError: A setting cannot be read, or there is neither allowance nor hours.
    """

    daily_tokens: int | None = attrs.field(
        factory=lambda: variable(TOKENS, int), validator=_check_tokens
    )
    quiet: QuietHours | None = attrs.field(
        factory=lambda: variable(QUIET, QuietHours.parse), converter=_hours_of
    )
    zone: ZoneInfo = attrs.field(
        factory=lambda: variable(ZONE, _zone_of) or ZoneInfo("UTC"), converter=_zone_of
    )
    then: Strategy = in_order

    name = "allowance"

    def __attrs_post_init__(self) -> None:
        """Refuse to limit nothing: a variable was forgotten, or is spelled another way."""
        if self.daily_tokens is None and self.quiet is None:
            raise InvalidInputError(
                f"The strategy 'allowance' has nothing to keep to: set {TOKENS} or {QUIET}, "
                "or give daily_tokens or quiet."
            )

    def __call__(self, view: DrainView) -> Choice:
        """Wait, with the reason and until when, or let the next strategy choose."""
        now = view.now.astimezone(self.zone)
        if self.quiet is not None and (end := self.quiet.end_after(now)):
            reason = f"quiet hours {self.quiet} {self.zone.key}"
            return Wait(reason, until=end.astimezone(UTC))
        if self.daily_tokens is not None:
            used = view.tokens_since(self._midnight(now.date()))
            if used + view.reserved_tokens >= self.daily_tokens:
                tomorrow = self._midnight(now.date() + timedelta(days=1))
                return Wait(self._why(used, view.reserved_tokens, now.date()), until=tomorrow)
        return self.then(view)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, tzinfo=self.zone).astimezone(UTC)

    def _why(self, used: int, reserved: int, day: date) -> str:
        held = f" and {reserved:,} held by phases in work" if reserved else ""
        whole = f"{used:,}{held} of {self.daily_tokens:,} tokens"
        return f"the allowance of {day} ({self.zone.key}) is used up: {whole}"
