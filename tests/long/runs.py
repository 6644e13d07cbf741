"""The long runs by name: what each looks for, its options, and what it tells at its end."""

import argparse
import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
from tests.crash.drain_harness import Plan

if TYPE_CHECKING:
    from tests.postgres_server import PostgresServer

ROOT: Final = Path(__file__).parent.parent.parent
Given = argparse.Namespace

_OF_THREADS: Final = "tests/draining/attempts/test_threads.py tests/test_plugins.py"
_PLAN: Final = {"phases": 2000, "processes": 4, "workers": 4, "kills": 12, "restarts": 2, "seed": 0}


@attrs.frozen(kw_only=True)
class LongRun:
    """
    One long run.

    Args:
        what: What it does and looks for, in a line.
        options: Options by name with their usual values, whose types they are of.
        run: Does it in a folder of its own and returns its figures; raises if it finds a fault.
        leaves_drains: Whether drains of the logs that it leaves in that folder are replayed.
    """

    what: str
    options: Mapping[str, int | float | str]
    run: Callable[[Path, Given], str]
    leaves_drains: bool = False


def _hypothesis(_folder: Path, given: Given) -> str:
    return _pytest(given.tests, "-m", "not slow", HYPOTHESIS_PROFILE="long", seed=given.seed)


def _postgres_drains(folder: Path, given: Given) -> str:
    return _replayed(folder, given, AUTOPACK_DRAIN_LOGS="postgres")


def _replays(folder: Path, given: Given) -> str:
    return _replayed(folder, given)


def _replayed(folder: Path, given: Given, **environment: str) -> str:
    """Run tests, each drain of theirs replayed; tell what was asked."""
    from tests.replayed_drains import TALLY, counted

    tally = folder / "tally.ndjson"
    every = {"AUTOPACK_REPLAY_ONE_TEST_OF": "1", TALLY: str(tally)}
    told = _pytest(given.tests, seed=given.seed, **every, **environment)
    return f"{told}; {counted(tally)}"


def _threads(_folder: Path, given: Given) -> str:
    for _ in range(given.times):
        told = _pytest(_OF_THREADS, seed=given.seed)
    return f"{given.times} times: {told}"


def _pytest(tests: str, *options: str, seed: int, **environment: str) -> str:
    """Run tests with random examples, and return the last line of what pytest said."""
    seed = seed or secrets.randbelow(2**32)
    usual = {name: value for name, value in os.environ.items() if name != "CI"}
    call = [sys.executable, "-m", "pytest", "-q", "--timeout=0", f"--hypothesis-seed={seed}"]
    done = subprocess.run(
        [*call, *options, *tests.split()],
        cwd=ROOT,
        env={**usual, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stdout.write(done.stdout)
        raise AssertionError(f"with --seed {seed}")
    return f"{done.stdout.strip().splitlines()[-1]}, seed {seed}"


def _damage(folder: Path, given: Given) -> str:
    from tests.crash.looking import COMMANDS, EXPORTS, check

    counts = check(folder, edits=given.edits, seed=given.seed)
    by_kind = ", ".join(f"{kind} {n}" for kind, n in sorted(counts.items()))
    commands = counts.total() * (len(COMMANDS) + len(EXPORTS))
    return (
        f"{counts.total()} edits, each found by verify with its position ({by_kind}); "
        f"{commands} commands, no traceback"
    )


def _model(folder: Path, given: Given) -> str:
    from tests.long.small_model import answer_all

    return answer_all(folder, given.tasks)


def _budgets(folder: Path, given: Given) -> str:
    from tests.long.small_model import budgets_before_and_after

    before, after = budgets_before_and_after(folder, given.tasks)
    return f"before: {before}\nafter: {after}"


def _kills(folder: Path, given: Given) -> str:
    from tests.crash.kills import kill_many

    tally = kill_many(folder, times=given.times, seed=given.seed)
    assert tally.is_clean, tally
    return (
        f"{tally.kills} kills, {tally.events} events, {tally.acknowledged} acknowledged: "
        f"{tally.lost} lost, {tally.duplicated} duplicated, {tally.invalid_logs} invalid logs, "
        f"{tally.wrong_views} wrong views"
    )


def _read_models(folder: Path, given: Given) -> str:
    from tests.crash.read_models import kill_many

    tally = kill_many(folder, kills=given.times)
    assert (tally.kills, tally.lost, tally.twice) == (given.times, 0, 0), tally
    return f"{tally.kills} kills, {tally.events} events: none lost, none counted twice"


def _drains(folder: Path, given: Given) -> str:
    from tests.crash.drain_harness import run

    plan = Plan(**{name: getattr(given, name) for name in _PLAN})
    with _server() if given.server == "postgres" else contextlib.nullcontext() as server:
        seen = run(plan, folder, server)
    assert not seen.faults, seen
    told = {**attrs.asdict(seen), "killed": len(seen.killed)}
    return ", ".join(f"{name} {value}" for name, value in told.items())


def _postgres(_folder: Path, given: Given) -> str:
    from tests.crash.postgres_stops import stopped_again_and_again

    with _server() as server:
        seen, faults = stopped_again_and_again(
            server,
            appenders=given.appenders,
            followers=given.followers,
            stops=given.stops,
            each_s=given.seconds / given.stops,
            seed=given.seed,
        )
    assert not faults, faults
    return (
        f"{seen.stops} immediate stops: {len(seen.acknowledged)} events of {given.appenders} "
        f"appenders acknowledged, {', '.join(str(len(one)) for one in seen.followed)} given to "
        "followers, none of them lost, no gap, no append refused"
    )


def _server() -> "PostgresServer":
    """Return a server that waits for its disk, to be used in a ``with``."""
    from tests.postgres_server import PostgresServer, need_postgres

    need_postgres()
    return PostgresServer(is_synced=True)


def _peer_stops(folder: Path, given: Given) -> str:
    from tests.crash.peer_stops import STORES, watch
    from tests.postgres_server import PostgresServer, need_postgres

    need_postgres()
    server, told = PostgresServer(is_synced=True), []
    sizes = {name: getattr(given, name) for name in ("appenders", "followers", "seconds", "stops")}
    try:
        for kind in STORES:
            if given.only in kind:
                place = folder / kind
                place.mkdir()
                found = watch(server, place, kind=kind, **sizes, seed=given.seed)
                told.append(f"{kind}: {found}")
                ours = kind == "autopack"
                assert not ours or found.is_sound, told[-1]
    finally:
        server.remove()
    return "\n".join(told)


def _followers(folder: Path, given: Given) -> str:
    from tests.crash.followers import watch

    told = watch(
        folder, appenders=given.appenders, followers=given.followers, seconds=given.seconds
    )
    return (
        f"{told['appenders']} appenders recorded {told['events']} events; {told['followers']} "
        "followers each saw all of them, once, in order, without a gap"
    )


def _providers(folder: Path, given: Given) -> str:
    from tests.long import provider_batches
    from tests.long.providers import bad_day, check

    told = bad_day(folder, phases=given.phases, workers=given.workers, seed=given.seed)
    check(told)
    batches = provider_batches.bad_day(
        folder, phases=given.phases, kills=given.kills, seed=given.seed
    )
    provider_batches.check(batches)
    return f"{told}; {batches}"


def _programs(folder: Path, given: Given) -> str:
    from tests.crash.programs import kill_many

    tally = kill_many(folder, times=given.times, seed=given.seed)
    assert not tally.left, tally
    return f"{tally.kills} drains killed, {tally.begun} programs begun, none left alive"


def _mutants(folder: Path, given: Given) -> str:
    from tests.long.mutants import check_each

    return check_each(folder, only=given.only)


def _cascades(_folder: Path, given: Given) -> str:
    from tests.long.cascades import check_worlds

    return check_worlds(seeds=given.seeds, seed=given.seed, tasks=given.tasks, models=given.models)


def _workspaces(folder: Path, given: Given) -> str:
    from tests.crash.trees import kill_many

    tally = kill_many(folder, times=given.times, seed=given.seed, machines=given.machines)
    assert not tally.faults, "\n".join(tally.faults[:20])
    return (
        f"{tally.kills} drains killed, {tally.attempts} worktrees, {tally.merged} merged, "
        f"{tally.approved} approved, {tally.saved} kept as commits; "
        f"{tally.files} files written, none lost"
    )


def _screenshots(folder: Path, given: Given) -> str:
    from tests.long.screenshots import take

    to = Path(given.to)
    n = take(folder, to=to, data=given.data, is_all=bool(given.all))
    return f"{n} pictures in {to}"


RUNS: Final = {
    "cascades": LongRun(
        what="advice on chains of models in made-up worlds, beside the best chain there is",
        options={"seeds": 100, "seed": 1, "tasks": 100, "models": 5},
        run=_cascades,
    ),
    "damage": LongRun(
        what="random edits of a log, each found, and no command ends in a traceback",
        options={"edits": 1000, "seed": 1},
        run=_damage,
    ),
    "drains": LongRun(
        what="drains that share a run while some are killed: nothing lost, nothing twice; with "
        "--server postgres on one that is restarted meanwhile",
        options={**_PLAN, "server": "none"},
        run=_drains,
    ),
    "followers": LongRun(
        what="appenders and followers at once: each follower sees every event, in order",
        options={"seconds": 30.0, "appenders": 8, "followers": 4},
        run=_followers,
    ),
    "postgres": LongRun(
        what="a PostgreSQL that crashes again and again: nothing that was told is taken back",
        options={"seconds": 60.0, "appenders": 16, "followers": 4, "stops": 20, "seed": 0},
        run=_postgres,
    ),
    "peer-stops": LongRun(
        what="ours and eventsourcing on a PostgreSQL that crashes: what each loses, or never hands "
        "to a follower",
        options={
            "seconds": 60.0,
            "appenders": 16,
            "followers": 4,
            "stops": 20,
            "only": "",
            "seed": 0,
        },
        run=_peer_stops,
    ),
    "postgres-drains": LongRun(
        what="all tests of drains once more, on logs in PostgreSQL, and replayed",
        options={"tests": "tests/draining", "seed": 0},
        run=_postgres_drains,
    ),
    "replays": LongRun(
        what="all tests once more, each drain of theirs replayed to the same views and answers",
        options={"tests": "tests plugins", "seed": 0},
        run=_replays,
    ),
    "hypothesis": LongRun(
        what="every property with a thousand random examples; --seed 0 draws a seed",
        options={"tests": "tests plugins", "seed": 0},
        run=_hypothesis,
    ),
    "kills": LongRun(
        what="a writer killed at random moments: what was acknowledged is there, once",
        options={"times": 500, "seed": 1},
        run=_kills,
    ),
    "model": LongRun(
        what="a real small model answers, if its two wheels are there: outputs against predictions",
        options={"tasks": 120},
        run=_model,
    ),
    "budgets": LongRun(
        what="a real small model before and after a calibration: budgets, cuts, errors",
        options={"tasks": 60},
        run=_budgets,
    ),
    "mutants": LongRun(
        what="faults put into the core one at a time: the tests of each notice it",
        options={"only": ""},
        run=_mutants,
    ),
    "programs": LongRun(
        what="drains killed while they start programs: none of these is left alive",
        options={"times": 60, "seed": 1},
        run=_programs,
        leaves_drains=True,
    ),
    "providers": LongRun(
        what="phases through an endpoint on a bad day, and by batches of drains that are killed: "
        "all complete, to the token as it counted",
        options={"phases": 200, "workers": 8, "kills": 10, "seed": 0},
        run=_providers,
        leaves_drains=True,
    ),
    "read-models": LongRun(
        what="a reader killed around the commit of its place: each event counts once",
        options={"times": 100},
        run=_read_models,
    ),
    "screenshots": LongRun(
        what="pictures of the pages for the documentation; --all 1 takes each page of three logs",
        options={"to": "docs/pictures", "data": "", "all": 0},
        run=_screenshots,
    ),
    "threads": LongRun(
        what="the tests of many threads, again and again",
        options={"times": 50, "seed": 0},
        run=_threads,
    ),
    "workspaces": LongRun(
        what="drains in worktrees killed: no work lost, and repository and log in agreement",
        options={"times": 300, "seed": 1, "machines": 1},
        run=_workspaces,
        leaves_drains=True,
    ),
}
