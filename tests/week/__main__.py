"""``python -m tests.week``: a week of two drains on two plans, with its figures."""

import argparse
import sys
import tempfile
from pathlib import Path

import attrs
from tests.week.course import Course, run


def main(words: list[str] | None = None) -> int:
    """Let a week pass and print its figures; return 1 if it found a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.week", description=__doc__)
    for field in attrs.fields(Course):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default
        )
    course = Course(**vars(parser.parse_args(words)))
    with tempfile.TemporaryDirectory() as folder:
        seen = run(Path(folder), course)
    for name, value in attrs.asdict(seen).items():
        sys.stdout.write(f"{name.replace('_', ' '):<20} {value}\n")
    return 1 if seen.faults else 0


if __name__ == "__main__":
    sys.exit(main())
