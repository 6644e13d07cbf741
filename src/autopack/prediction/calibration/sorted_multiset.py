"""A sorted multiset of numbers that is never mutated, and cheap to add to one by one."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, TypeAlias

import attrs

_MOST: Final = 1024

Block: TypeAlias = "array[float]"


@attrs.frozen(eq=False)
class Ordered:
    """
    Numbers in ascending order, in sorted blocks of which an addition copies one.

    Adding one by one costs the square root of what is there, adding many at once sorts once;
    8 bytes a number.
    """

    blocks: tuple[Block, ...] = ()
    size: int = 0

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[float]:
        return chain.from_iterable(self.blocks)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ordered):
            return NotImplemented
        return list(self) == list(other)

    def __getitem__(self, place: int) -> float:
        """Return the number at *place*, from 0."""
        if not 0 <= place < self.size:
            raise IndexError(place)
        for block in self.blocks:
            if place < len(block):
                return float(block[place])
            place -= len(block)
        raise IndexError(place)

    def with_number(self, number: float) -> "Ordered":
        """Return the numbers and one more."""
        if not self.blocks:
            return Ordered((array("d", (number,)),), 1)
        at = bisect_left(self.blocks, number, hi=len(self.blocks) - 1, key=_last)
        block = self.blocks[at][:]
        insort(block, number)
        middle = _halves(block) if len(block) > _MOST else (block,)
        return Ordered((*self.blocks[:at], *middle, *self.blocks[at + 1 :]), self.size + 1)

    def with_numbers(self, numbers: Iterable[float]) -> "Ordered":
        """Return the numbers and *numbers*, which may come in any order."""
        whole = [*self, *numbers]
        whole.sort()
        half = _MOST // 2
        starts = range(0, len(whole), half)
        return Ordered(tuple(array("d", whole[at : at + half]) for at in starts), len(whole))


def _last(block: Block) -> float:
    return float(block[-1])


def _halves(block: Block) -> tuple[Block, Block]:
    half = len(block) // 2
    return block[:half], block[half:]
