"""``python -m tests.long NAME``: one long run, with its figures; without a name, what there is."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.long.runs import RUNS


def main(words: list[str] | None = None) -> int:
    """Run what is named and print its figures; return 1 if it found a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.long", description=__doc__)
    names = parser.add_subparsers(dest="name")
    for name, one in RUNS.items():
        command = names.add_parser(name, help=one.what)
        for option, usual in one.options.items():
            word = f"--{option.replace('_', '-')}"
            command.add_argument(word, type=type(usual), default=usual)
    given = parser.parse_args(words)
    if given.name is None:
        sys.stdout.writelines(f"{name:<11} {one.what}\n" for name, one in RUNS.items())
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            told = RUNS[given.name].run(Path(folder), given)
            if RUNS[given.name].leaves_drains:
                from tests.replayed_drains import replayed_in

                told = f"{told}; {replayed_in(Path(folder))}"
        except AssertionError as fault:
            sys.stderr.write(f"{given.name} found a fault: {fault}\n")
            return 1
    sys.stdout.write(f"{told} in {time.monotonic() - began:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
