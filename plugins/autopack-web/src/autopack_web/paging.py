"""Long lists in parts, so that no page grows beyond what can be read."""

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from autopack_web.moments import Asked


@attrs.frozen(kw_only=True)
class Part:
    """A part of a list: from *first* up to *end*, counted from 0, of *of* in all."""

    first: int
    end: int
    of: int
    most: int

    @property
    def before(self) -> int | None:
        """Where the part before begins; None if there is none."""
        return max(self.first - self.most, 0) if self.first else None

    @property
    def after(self) -> int | None:
        """Where the next part begins; None if there is none."""
        return self.end if self.end < self.of else None


def part_of(asked: "Asked", of: int, most: int) -> Part:
    """Return the part that ``from`` asks for; the first, where it asks for none that is there."""
    text = asked.query.get("from", "")
    first = int(text) if text.isdecimal() and len(text) < 12 else 0
    first = first if first < of else 0
    return Part(first=first, end=min(first + most, of), of=of, most=most)
