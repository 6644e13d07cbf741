"""Made-up answers, told as a client would tell them. Yours would call a model here."""

import time
import zlib
from typing import Any

from autopack import Failed


def answer(phase: Any, attempt: Any) -> str | Failed:
    """Answer a task, and record what that used; at `anchor` a limit is met first."""
    size = zlib.crc32(phase.phase_id.encode()) % 900 + 100
    if phase.phase_id == "anchor" and attempt.number == 1:
        return Failed("usage_limit", "the plan's five hours are used up", retry_after_s=2)
    time.sleep(size / 2000)
    attempt.record_usage(
        model="made-up-1",
        input_tokens=size // 4,
        output_tokens=size,
        cost_usd=size * 15 / 1_000_000,
        cost_source="reported",
    )
    return f"{phase.goal}: {size} made-up words."
