"""A drain asked again, as lines for people and as JSON: what is the same, and where paths part."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from autopack.report.escaping import on_line
from autopack.report.failure_words import one_line
from autopack.report.part_names import part_name
from autopack.report.plain_tables import table_lines
from autopack.report.quantities import usd

_MOST: Final = 5
_LISTED_MOST: Final = 10
_REASON_MOST: Final = 80
_UNKNOWN: Final = "unknown"
_AFTERWARDS: Final = {"none": "says nothing", "give_up": "give up", "failed": "raised"}


def replay_json(found: Any) -> dict[str, Any]:
    """Return a replay as plain fields, with what is counted over its choices and its path."""
    path, budgets = found.path, found.budgets
    return {
        **_fields(found, without=("path", "budgets")),
        "is_impure": found.is_impure,
        "n_asked": found.n_asked,
        "n_same": found.n_same,
        "parted_at": None if found.parted is None else found.parted.position,
        "path": None if path is None else {**_fields(path), "n_unknown": len(path.unknown)},
        "budgets": None
        if budgets is None
        else {
            **_fields(budgets),
            "recorded": attrs.asdict(budgets.recorded),
            "replayed": attrs.asdict(budgets.replayed),
        },
    }


def replay_lines(found: Any, *, width: int | None = None) -> list[str]:
    """Return a replay as lines of text."""
    lines = [*_choices(found, width)] if found.choices else []
    if found.path is not None:
        lines += ["", *_path(found, width)]
    if found.budgets is not None:
        lines += [*([""] if lines else []), *_budgets(found.budgets, width)]
    return lines or [f"Drain {on_line(found.drain_id)} has made no choice."]


def _choices(found: Any, width: int | None) -> Iterator[str]:
    name, own = part_name(found.asked), part_name(found.strategy)
    asked = _n(len(found.choices), "choice")
    if found.afterwards:
        asked = f"{asked}, {_n(len(found.afterwards), 'failure')}"
    if found.ends:
        asked = f"{asked}, {_n(len(found.ends), 'end')}"
    whose = f"its own strategy, {name}" if found.is_own else name
    yield f"Drain {on_line(found.drain_id)}: {asked}, asked again of {whose}."
    if not found.is_own:
        other = "it was made with other options" if name == own else f"its own strategy is {own}"
        yield f"In the drain {other}; {name} is asked on what that was shown at each choice."
    unasked = Counter(one.why_not for one in found.answers if one.answer is None)
    yield from (f"{_n(m, 'answer')} cannot be asked again: {why}." for why, m in unasked.items())
    n = len(found.answers) - unasked.total()
    if not n:
        return
    if found.parted is None:
        yield f"All {_n(n, 'answer')} are the same."
        return
    differing = [one for one in found.answers if one.differs]
    if found.is_own:
        yield (
            f"It is no function of what it is shown: {_n(len(differing), 'answer')} of "
            f"{n:,} differ, the first at position {found.parted.position:,}."
        )
    else:
        yield (
            f"{n - len(differing):,} of {_n(n, 'answer')} are the same. They part at "
            f"position {found.parted.position:,}."
        )
        if twice := [one for one in differing if one.second is not None]:
            yield (
                f"It is no function of what it is shown: it answered {_n(len(twice), 'question')} "
                f"now so and now so, the first at position {twice[0].position:,}."
            )
    rows = [row for one in differing[:_MOST] for row in _rows(one)]
    yield from table_lines(("position", "", "answer", "reason"), rows, width=width)
    if len(differing) > _MOST:
        yield f"... and {len(differing) - _MOST:,} more (--json has all)."


def _rows(one: Any) -> Iterator[tuple[str, str, str, str]]:
    def what(answer: Any, beside: Any) -> str:
        return _of_failure(answer) if one.about == "failure" else _what(answer, beside)

    yield str(one.position), "recorded", what(one.recorded, one.answer), _reason(one.recorded)
    yield "", "now", what(one.answer, one.recorded), _reason(one.answer)
    if one.second is not None:
        yield "", "once more", what(one.second, one.recorded), _reason(one.second)


def _of_failure(answer: Any) -> str:
    """Return what was said of a phase that had just failed."""
    return f"{on_line(answer.phase)} failed: {_AFTERWARDS.get(answer.act, answer.act)}"


def _what(answer: Any, beside: Any) -> str:
    """Return what was answered; the model and the executor only where they make a difference."""
    if answer.phase is None:
        return str(answer.act)
    told = on_line(answer.phase)
    if answer.act == "retry":
        told = f"retry {told}"
    if answer.phase == beside.phase and answer.model != beside.model:
        told += f" on {on_line(answer.model or 'no named model')}"
    if answer.phase == beside.phase and answer.executor != beside.executor:
        told += f" by {on_line(answer.executor or '')}"
    return told


def _reason(answer: Any) -> str:
    return one_line(answer.reason)[:_REASON_MOST]


def _path(found: Any, width: int | None) -> Iterator[str]:
    path, unknown = found.path, found.path.unknown
    taken, known = path.taken, path.known
    figures = (
        ("phases taken", f"{taken.attempts:,}", f"{len(path.steps):,}"),
        ("of them known", f"{taken.attempts:,}", f"{known.attempts:,}"),
        ("completed", f"{taken.completed:,}", _least(known.completed, unknown)),
        ("failed", f"{taken.failed:,}", _least(known.failed, unknown)),
        ("tokens", f"{taken.tokens:,}", _least(known.tokens, unknown)),
        ("USD", _usd(taken.cost_usd), _usd(known.cost_usd, unknown)),
    )
    own, other = part_name(found.strategy), part_name(found.asked)
    titles = ("From there on", f"{own}, as it was", other)
    yield from table_lines(titles, figures, figures=titles[1:], width=width)
    yield f"{other} would have ended: {one_line(path.ended).rstrip('.')}."
    for who, names in ((own, path.only_taken), (other, path.only_other)):
        if names:
            yield f"Only {who} takes {_n(len(names), 'phase')}: {_listed(names)}."
    if not unknown:
        yield "The log knows of all of them what they came to; another order may have changed that."
        return
    why = Counter(step.why_unknown for step in unknown)
    told = "; ".join(f"{m} because {one}" for one, m in why.most_common())
    tokens = sum(step.estimated_output_tokens or 0 for step in unknown)
    yield (
        f"Of {_n(len(unknown), 'phase')} nobody knows what would have come ({told}). An estimate: "
        f"{tokens:,} output tokens."
    )
    yield (
        "From the first of them on the path is an assumption: what never ran is taken to go well "
        "and to use nothing."
    )


def _least(value: int, unknown: Sequence[Any]) -> str:
    return f"≥ {value:,}" if unknown else f"{value:,}"


def _usd(value: Any, unknown: Sequence[Any] = ()) -> str:
    if value is None:
        return _UNKNOWN
    return f"≥ {usd(value)}" if unknown else usd(value)


def _budgets(found: Any, width: int | None) -> Iterator[str]:
    by = on_line(found.estimator)
    if found.calibrator is not None:
        by = f"{by}, {part_name(found.calibrator)} at {found.tau:g}"
    yield f"Budgets of {_n(len(found.budgets), 'attempt')}, by what the log had taught before each."
    was, now = found.recorded, found.replayed
    figures = [
        ("outputs above the budget", f"{was.cuts:,}", f"{now.cuts:,}"),
        ("tokens budgeted", f"{was.budget_tokens:,}", f"{now.budget_tokens:,}"),
        ("of them not written", f"{was.waste_tokens:,}", f"{now.waste_tokens:,}"),
    ]
    if was.maybe_cuts or now.maybe_cuts:
        figures.insert(1, ("cut, and perhaps above", f"{was.maybe_cuts:,}", f"{now.maybe_cuts:,}"))
    titles = ("", "as they were", by)
    if found.budgets:
        yield from table_lines(titles, figures, figures=titles[1:], width=width)
    for why, n in sorted(found.left_out.items()):
        yield f"Left out: {_n(n, 'attempt')}, since {why}."


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(on_line, names[:_LISTED_MOST]))
    left = len(names) - _LISTED_MOST
    return shown if left <= 0 else f"{shown} and {left:,} more"


def _n(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def _fields(thing: Any, without: Sequence[str] = ()) -> dict[str, Any]:
    return {name: value for name, value in attrs.asdict(thing).items() if name not in without}
