"""``python -m tests.benchmarks.texts [--mb N]``: what work on texts costs, for the worst make."""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.growing import PIECES, made_of

from autopack import Failed
from autopack.draining.attempts.failure_classes import class_of
from autopack.draining.attempts.fingerprints import fingerprint
from autopack.draining.attempts.told_waits import retry_after_s
from autopack.draining.executors.placeholders import filled
from autopack.format.redaction import cleaned_json
from autopack.log.addresses import masked
from autopack.report.escaping import visible
from autopack_redact import Redactor

_REDACTOR = Redactor()
WORK: Mapping[str, Callable[[str], Any]] = {
    "fingerprint": lambda text: fingerprint("x", text),
    "class": lambda text: class_of(Failed("exit_1", "x", excerpt=text)),
    "wait": lambda text: retry_after_s(text, now_s=0.0),
    "placeholders": lambda text: filled(text.replace("{a", "{ a"), None),  # type: ignore[arg-type]
    "masked": masked,
    "visible": visible,
    "redacted": _REDACTOR.redacted,
    "JSON redacted": lambda text: cleaned_json(_REDACTOR.redacted, json.dumps([text])),
}


def rows(n_mb: float) -> Iterator[tuple[str, float, str]]:
    """Yield each work with its milliseconds a megabyte, and what the text is made of then."""
    texts = {name: made_of(piece, int(n_mb * 1_000_000)) for name, piece in PIECES.items()}
    for work, function in WORK.items():
        took = {name: _ms(function, text) / n_mb for name, text in texts.items()}
        worst = max(took, key=lambda name: took[name])
        yield work, took[worst], worst


def _ms(function: Callable[[str], Any], text: str) -> float:
    began = time.process_time()
    function(text)
    return 1000 * (time.process_time() - began)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks.texts", description=__doc__)
    options.add_argument("--mb", type=float, default=10.0, help="The length of a text.")
    print("| work | ms a MB | worst for |\n|---|--:|---|")
    for work, ms, worst in rows(options.parse_args().mb):
        print(f"| {work} | {ms:.1f} | {worst} |")


if __name__ == "__main__":
    main()
