"""Types that several threads meet at once for the first time: the process stays alive."""

import subprocess
import sys

import pytest

EVENTS = """
    @autopack.event(f"thing.happened{n}")
    class Thing:
        who: Text
        marks: tuple[Text, ...] = ()
        seen: Mapping[Text, Json] = attrs.Factory(dict)
        tokens: Tokens | None = None
        took_s: Seconds | None = None
        kind: Literal["a", "b"] = "a"
        more: Tokens | None = None
        why: ReasonText | None = None

    def meet():
        Thing(who="kim", marks=("a", "b"), seen={"a": 1}, tokens=5)
"""
ROWS = """
    @attrs.frozen
    class Row:
        who: Text
        marks: tuple[Text, ...] = ()
        seen: Mapping[Text, Json] = attrs.Factory(dict)
        tokens: Tokens | None = None
        took_s: Seconds | None = None
        kind: Literal["a", "b"] = "a"

    def meet():
        decoder_of(Row).decode('{"who":"kim","marks":["a"],"seen":{"a":1},"tokens":5}')
"""
SCRIPT = """
import sys, threading
from collections.abc import Mapping
from typing import Literal
import attrs, autopack
from autopack.values.decoders import decoder_of
from autopack.events.schema import Json, ReasonText, Seconds, Text, Tokens

sys.setswitchinterval(1e-6)  # each thread is interrupted wherever it can be
for n in range(100):
{kind}
    barrier = threading.Barrier(6)
    threads = [threading.Thread(target=lambda: (barrier.wait(), meet())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("alive")
"""


@pytest.mark.parametrize("kind", [EVENTS, ROWS], ids=["events", "rows"])
def test_threads_may_meet_a_type_at_once(kind):
    """Whoever comes second is given the whole of it, not what the first one is making."""
    script = SCRIPT.replace("{kind}", kind)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert (0, "alive\n", "") == (done.returncode, done.stdout, done.stderr)
