"""How a week goes: its plans, troubles, kills and wrong clocks; and what is held against it."""

import contextlib
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs
from tests.week.hands import LEASE_S, Hand
from tests.week.vendors import DAY_S, HOUR_S, MODELS, Ended, Plan, Trouble, Window
from tests.week.world import World
from tests.week.world_time import WorldTime

import autopack
from autopack import PhaseSpec
from autopack.errors import MoveRefusedError
from autopack.log.log import Log

START: Final = datetime(2026, 11, 30, 8, tzinfo=UTC)
_ACCOUNTS: Final = (("claude", 3), ("codex", 2))
_CALL_TOKENS: Final = 1200
_CAPPED: Final = 12
_USED_LEAST: Final = 0.95
_LOOKS_MOST: Final = 20


@attrs.frozen(kw_only=True)
class Course:
    """
    What happens.

    Args:
        days: How long it goes on.
        seed: Of whatever is drawn.
        kills: How often a drain is killed.
        jumps: How often a machine's clock is set wrong for a while.
        five_hours: How many calls a window of five hours lets through, by account.
        weekly: And one of seven days.
    """

    days: float = 7.0
    seed: int = 1
    kills: int = 6
    jumps: int = 4
    five_hours: int = 24
    weekly: int = 330

    @property
    def start_s(self) -> float:
        """When it begins."""
        return START.timestamp()

    def outages(self) -> Iterator[Trouble]:
        """Yield the network's outages: two hours each night."""
        for day in range(int(self.days) + 1):
            begins_s = self.start_s + day * DAY_S + 15.5 * HOUR_S
            yield Trouble(
                begins_s=begins_s, ends_s=begins_s + 2 * HOUR_S, kind="outage",
                accounts=("claude", "codex"),
            )  # fmt: skip

    def storms(self) -> Iterator[Trouble]:
        """Yield the vendors' own troubles: a quarter of an hour each, several a day."""
        for n in range(int(self.days * 3)):
            account, _workers = _ACCOUNTS[n % 2]
            begins_s = self.start_s + n * 8 * HOUR_S + 1000
            kind = ("overloaded", "limited")[n // 2 % 2]
            yield Trouble(begins_s=begins_s, ends_s=begins_s + 900, kind=kind, accounts=(account,))


@attrs.define
class Seen:
    """What came of it; *faults* is what must not be."""

    days: float
    seconds: float = 0.0
    completed: int = 0
    attempts: int = 0
    calls: int = 0
    lost: int = 0
    refused_by_windows: int = 0
    refused_in_outages: int = 0
    refused_in_storms: int = 0
    windows: int = 0
    windows_untroubled: int = 0
    least_used: float = 1.0
    kills: int = 0
    resumed: int = 0
    faults: list[str] = attrs.Factory(list)


def run(folder: Path, course: Course) -> Seen:
    """Let a week pass, and look at what came of it."""
    began, draw = time.monotonic(), random.Random(course.seed)
    random.seed(course.seed)  # what back-offs draw
    world_time = WorldTime(course.start_s)
    plans = [
        Plan(
            account,
            [
                Window("five_hour" if account == "claude" else "primary", 5 * HOUR_S,
                       course.five_hours),
                Window("seven_day" if account == "claude" else "secondary", 7 * DAY_S,
                       course.weekly if account == "claude" else course.weekly * 4),
            ],
            draw,
        )
        for account, _workers in _ACCOUNTS
    ]  # fmt: skip
    troubles = [*course.outages(), *course.storms()]
    world = World(world_time, plans, troubles, draw)
    path = folder / "week.db"
    _queue(path, world_time, course, draw)
    hands = [Hand(world, path, account, workers) for account, workers in _ACCOUNTS]
    _happenings(world, course, hands, draw)
    for hand in hands:
        hand.begin()
    world_time.pass_until(course.start_s + course.days * DAY_S)
    for hand in hands:
        hand.stop()
    seen = Seen(course.days, kills=sum(hand.kills for hand in hands))
    seen.resumed = sum(hand.resumed for hand in hands)
    _look(path, world, course, hands, seen)
    seen.seconds = time.monotonic() - began
    return seen


def _queue(path: Path, world_time: WorldTime, course: Course, draw: random.Random) -> None:
    n = int(course.days * 5 * course.five_hours * 2) + 50
    with autopack.create_log(path, clock=lambda: world_time.now_s) as log:
        capped = [PhaseSpec(f"c{n}", category="docs", complexity="low") for n in range(_CAPPED * 2)]
        autopack.create_run(log, "capped", capped, caps={"tokens": _CAPPED * _CALL_TOKENS})
        phases = [
            PhaseSpec(f"p{n}", category="docs", complexity="low", model=draw.choice(MODELS))
            for n in range(n)
        ]
        autopack.create_run(log, "work", phases)


def _happenings(world: World, course: Course, hands: list[Hand], draw: random.Random) -> None:
    """Plan kills, wrong clocks, and the credit that ends once, in the middle."""
    end_s = course.start_s + course.days * DAY_S
    for n in range(course.kills):
        at_s = course.start_s + (n + 0.5) * course.days * DAY_S / course.kills
        world.time.at(at_s, hands[n % len(hands)].kill)
    for n in range(course.jumps):
        hand = hands[n % len(hands)]
        at_s = course.start_s + (n + 0.8) * course.days * DAY_S / course.jumps
        by_s = draw.choice([DAY_S, -HOUR_S, -DAY_S, HOUR_S])
        world.time.at(at_s, lambda hand=hand, by_s=by_s: hand.jump(by_s))
        world.time.at(min(at_s + 1200, end_s - 1), lambda hand=hand: hand.jump(0.0))
    middle_s = course.start_s + course.days * DAY_S / 2 + 300
    world.time.at(middle_s, lambda: world.no_credit.add("codex"))


def _look(path: Path, world: World, course: Course, hands: list[Hand], seen: Seen) -> None:
    with autopack.open_log(path, clock=lambda: world.time.now_s + 2 * DAY_S) as log:
        for _ in range(_LOOKS_MOST):  # for what the killed had in work: their leases are real
            if not {"CLAIMED", "RUNNING"} & autopack.status(log).phases_by_state.keys():
                break
            time.sleep(LEASE_S / 4)
            with contextlib.suppress(MoveRefusedError), autopack.attempt(log, _anyone(log)):
                pass
        states = autopack.status(log).phases_by_state
        work = autopack.replay(log, "attempts").total
        for drain in autopack.list_drains(log):
            again = autopack.replay_drain(log, drain.drain_id)
            if again.n_same < len(again.choices):
                seen.faults.append(f"a replay of {drain.drain_id} parts: {again.parted}")
    seen.completed, seen.attempts = states.get("COMPLETE", 0), work.all.attempts
    seen.calls, seen.lost = work.all.use.calls, world.lost
    for state in ("FAILED", "TIMED_OUT", "CLAIMED", "RUNNING"):
        if n := states.get(state):
            seen.faults.append(f"{n} phases are {state}")
    seen.faults += [fault for hand in hands for fault in hand.faults]
    if seen.resumed < seen.kills:
        seen.faults.append(f"{seen.kills} kills, and {seen.resumed} drains gone on with")
    capped = work.by_run["capped"].use.total_tokens
    if capped > (_CAPPED + sum(hand.workers for hand in hands)) * _CALL_TOKENS:
        seen.faults.append(f"the capped run used {capped} tokens of {_CAPPED * _CALL_TOKENS}")
    _look_at_windows(world, course, hands, seen)
    _look_at_troubles(world, hands, seen)


def _anyone(log: Log) -> str:
    """Return a queued phase; whoever takes one takes back what was lost."""
    rows = autopack.list_phases(log, "work")
    return next(row.key for row in rows if row.status == "QUEUED")


def _look_at_windows(world: World, course: Course, hands: list[Hand], seen: Seen) -> None:
    workers = {hand.account: hand.workers for hand in hands}
    for plan in world.plans.values():
        weekly = [one for one in plan.ended if one.window in ("seven_day", "secondary")]
        weekly_full = [(one.full_s, one.ended_s) for one in weekly if one.full_s is not None]
        if (full_s := plan.windows[1].full_s) is not None:
            weekly_full.append((full_s, float("inf")))
        for one in plan.ended:
            seen.windows += 1
            seen.refused_by_windows += one.refused
            is_late = one.told_off_s > 0
            most = workers[one.account] + 2 + 10 * is_late + 8 * bool(course.jumps)
            if one.refused > most:
                seen.faults.append(f"{one.account} {one.window} refused {one.refused} calls")
            if one in weekly or _is_troubled(one, world, weekly_full, course):
                continue
            seen.windows_untroubled += 1
            seen.least_used = min(seen.least_used, one.share)
            if one.share < _USED_LEAST:
                seen.faults.append(f"of a window of {one.account} {one.share:.0%} was used: {one}")


def _is_troubled(
    one: Ended, world: World, weekly_full: list[tuple[float, float]], course: Course
) -> bool:
    """Tell whether nobody could have used a window up."""
    times = [(t.begins_s, t.ends_s) for t in world.troubles if t.kind == "outage"]
    if one.account == "codex":  # whose credit ends once, in the middle
        middle_s = course.start_s + course.days * DAY_S / 2
        times.append((middle_s, middle_s + 2 * HOUR_S))
    return any(
        begins_s < one.ended_s and one.begun_s < ends_s
        for begins_s, ends_s in (*times, *weekly_full)
    )


def _look_at_troubles(world: World, hands: list[Hand], seen: Seen) -> None:
    for trouble, refused in world.refused.items():
        workers = sum(hand.workers for hand in hands if hand.account in trouble.accounts)
        lasted_s, lanes = trouble.ends_s - trouble.begins_s, len(trouble.accounts)
        if trouble.kind == "outage":
            seen.refused_in_outages += refused
        else:
            seen.refused_in_storms += refused
            lanes = len(MODELS) + 1
        # One a worker, and one for each step of a back-off of up to five minutes: twice its mean.
        most = workers + lanes * (12 + lasted_s / 75)
        if refused > most:
            seen.faults.append(f"{trouble.kind} refused {refused} calls, {most:.0f} at most")
