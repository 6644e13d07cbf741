"""How a chain does on tasks that had no part in choosing it, beside the best single model."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from autopack.prediction.cascades.chain_choice import BlockSums, ChainTable, Choice, chosen
from autopack.prediction.cascades.chains import ChainCourse, course_of
from autopack.prediction.cascades.trials import ModelColumn

Draw = Callable[[], float]
"""Gives random numbers from 0 up to 1, such as ``random.Random(seed).random``."""

ORDERS: Final = 10
"""In how many orders the blocks of tasks come one after the other."""
FIRST_SHARE: Final = 0.3
"""The share of the tasks that only choose, before the first one is judged."""
_RESAMPLES: Final = 1000
_LEVEL: Final = 0.95


@attrs.frozen(kw_only=True)
class ChainFigure:
    """A figure with its interval at 95 %."""

    value: float
    low: float
    high: float


@attrs.frozen(kw_only=True)
class ChainComparison:
    """
    A chain beside the best single model, on the same tasks.

    Args:
        tasks: How many were judged.
        single_usd, chain_usd: Cost of a task, in USD.
        cost_ratio: The chain's cost over that of the single model.
        single_right, chain_right: The share of tasks whose work is right.
        right_gain: By how much that of the chain is larger.
    """

    tasks: int
    single_usd: ChainFigure
    chain_usd: ChainFigure
    cost_ratio: ChainFigure
    single_right: ChainFigure
    chain_right: ChainFigure
    right_gain: ChainFigure


@attrs.frozen(kw_only=True)
class JudgedTask:
    """What both did with one task: USD, and how often the work is right."""

    single_usd: float
    chain_usd: float
    single_right: float
    chain_right: float


class ChainJudge:
    """
    Judges choices of chains by the tasks that had no part in them.

    Args:
        columns: What each model did, tasks in random order.
        table: What every chain did with them.
        margin: By how much less often than the best model a chain may be right.
        caution: How many standard errors are taken off how often it is.
    """

    def __init__(
        self, columns: Sequence[ModelColumn], table: ChainTable, *, margin: float, caution: float
    ) -> None:
        self._columns, self._table, self._margin = columns, table, margin
        self._caution = caution
        self._courses: dict[int, ChainCourse] = {}

    def of_all(self, choice: Choice) -> list[JudgedTask]:
        """Return what a choice did with all tasks, those that chose it."""
        return self._judged(choice, slice(None))

    def held_out(self) -> list[JudgedTask]:
        """Return each task as judged by the choice that all blocks but its own make."""
        whole, found = self._table.whole(), list[JudgedTask]()
        for number, (part, own) in enumerate(
            zip(self._table.blocks, self._table.sums, strict=True)
        ):
            others = [one for one in range(len(self._table.blocks)) if one != number]
            found += self._judged(self._choice(whole.minus(own), others), part)
        return found

    def one_after_the_other(self, draw: Draw) -> list[JudgedTask]:
        """
        Return each task as judged by the choice that the blocks before its own make.

        The blocks come in several random orders; of a task that is judged in more than one, the
        mean.
        """
        by_task: dict[int, list[JudgedTask]] = defaultdict(list)
        for _ in range(ORDERS):
            for choice, part in self._in_order(draw):
                for task, one in zip(
                    range(part.start, part.stop), self._judged(choice, part), strict=True
                ):
                    by_task[task].append(one)
        return [_mean(of) for _task, of in sorted(by_task.items())]

    def _in_order(self, draw: Draw) -> Iterator[tuple[Choice, slice]]:
        table = self._table
        order = sorted(range(len(table.blocks)), key=lambda _: draw())
        n_tasks = sum(one.tasks for one in table.sums)
        seen: BlockSums | None = None
        for place, number in enumerate(order):
            if seen is not None and seen.tasks >= FIRST_SHARE * n_tasks - 1:
                yield self._choice(seen, order[:place]), table.blocks[number]
            own = table.sums[number]
            seen = own if seen is None else seen.plus(own)

    def choice(self) -> Choice:
        """Return the choice that all tasks make."""
        return self._choice(self._table.whole(), range(len(self._table.blocks)))

    def _choice(self, seen: BlockSums, blocks: Sequence[int]) -> Choice:
        return chosen(self._table, seen, blocks, margin=self._margin, caution=self._caution)

    def _judged(self, choice: Choice, part: slice) -> list[JudgedTask]:
        single, chain = self._course(choice.single), self._course(choice.chain)
        rows = zip(
            single.cost[part], chain.cost[part], single.right[part], chain.right[part], strict=True
        )
        return [
            JudgedTask(single_usd=a, chain_usd=b, single_right=c, chain_right=d)
            for a, b, c, d in rows
        ]

    def _course(self, number: int) -> ChainCourse:
        if number not in self._courses:
            self._courses[number] = course_of(self._columns, self._table.chains[number])
        return self._courses[number]


def compared(tasks: Sequence[JudgedTask], draw: Draw) -> ChainComparison:
    """
    Return the comparison over tasks, with intervals of paired resamples of whole tasks.

    Source: Efron (1979), the bootstrap by percentiles.
    """
    sides = [
        [one.single_usd for one in tasks],
        [one.chain_usd for one in tasks],
        [one.single_right for one in tasks],
        [one.chain_right for one in tasks],
    ]
    n = len(tasks)
    resampled = []
    for _ in range(_RESAMPLES):
        picks = [int(draw() * n) for _ in range(n)]
        resampled.append(_means([sum(map(side.__getitem__, picks)) / n for side in sides]))
    figures = [
        _figure(value, [one[place] for one in resampled])
        for place, value in enumerate(_means([sum(side) / n for side in sides]))
    ]
    names = (field.name for field in attrs.fields(ChainComparison) if field.name != "tasks")
    return ChainComparison(tasks=n, **dict(zip(names, figures, strict=True)))


def _means(sides: Sequence[float]) -> tuple[float, ...]:
    single_usd, chain_usd, single_right, chain_right = sides
    ratio = chain_usd / single_usd if single_usd else 1.0
    return single_usd, chain_usd, ratio, single_right, chain_right, chain_right - single_right


def _figure(value: float, resampled: list[float]) -> ChainFigure:
    resampled.sort()
    outside = round(len(resampled) * (1 - _LEVEL) / 2)
    return ChainFigure(value=value, low=resampled[outside], high=resampled[-1 - outside])


def _mean(of: Sequence[JudgedTask]) -> JudgedTask:
    values = [attrs.astuple(one) for one in of]
    single_usd, chain_usd, single_right, chain_right = (
        sum(side) / len(of) for side in zip(*values, strict=True)
    )
    return JudgedTask(
        single_usd=single_usd,
        chain_usd=chain_usd,
        single_right=single_right,
        chain_right=chain_right,
    )
