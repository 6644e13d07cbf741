"""``python -m tests.crash damage|kills|followers``: long checks, each with its figures."""

import argparse
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Run one check and print what it did."""
    options = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    commands = options.add_subparsers(dest="check", required=True)
    damage = commands.add_parser("damage", help="random edits, each found, no traceback")
    damage.add_argument("--edits", type=int, default=1000)
    kills = commands.add_parser("kills", help="kill a writer at random moments, lose nothing")
    kills.add_argument("--times", type=int, default=500)
    followers = commands.add_parser("followers", help="8 appenders, 4 followers, no gap")
    followers.add_argument("--seconds", type=float, default=30)
    followers.add_argument("--appenders", type=int, default=8)
    followers.add_argument("--followers", type=int, default=4)
    given = options.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        told = CHECKS[given.check](Path(folder), given)
    print(f"{told} in {time.monotonic() - began:.0f} s, seed {given.seed}")


def _damage(folder: Path, given: argparse.Namespace) -> str:
    from tests.crash.looking import COMMANDS, EXPORTS, check

    counts = check(folder, edits=given.edits, seed=given.seed)
    by_kind = ", ".join(f"{kind} {n}" for kind, n in sorted(counts.items()))
    commands = counts.total() * (len(COMMANDS) + len(EXPORTS))
    return (
        f"{counts.total()} edits, each found by verify with its position ({by_kind}); "
        f"{commands} commands, no traceback"
    )


def _kills(folder: Path, given: argparse.Namespace) -> str:
    from tests.crash.kills import kill_many

    tally = kill_many(folder, times=given.times, seed=given.seed)
    assert tally.is_clean, tally
    return (
        f"{tally.kills} kills, {tally.events} events, {tally.acknowledged} acknowledged: "
        f"{tally.lost} lost, {tally.duplicated} duplicated, {tally.invalid_logs} invalid logs, "
        f"{tally.wrong_views} wrong views"
    )


def _followers(folder: Path, given: argparse.Namespace) -> str:
    from tests.crash.followers import watch

    told = watch(
        folder, appenders=given.appenders, followers=given.followers, seconds=given.seconds
    )
    return (
        f"{told['appenders']} appenders recorded {told['events']} events; {told['followers']} "
        "followers each saw all of them, once, in order, without a gap"
    )


CHECKS = {"damage": _damage, "kills": _kills, "followers": _followers}

if __name__ == "__main__":
    main()
