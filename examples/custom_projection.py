"""Two read models of your own: one value made by a function, and one row for each model."""

from pathlib import Path

import attrs

import autopack
from autopack import PhaseSpec, RecordedExecutor
from autopack.events import LlmUsageRecorded, PhaseFailed


@autopack.projection(initial=0, types=(PhaseFailed,), envelope=False)
def failures(count: int, event: PhaseFailed) -> int:
    """Count failed attempts."""
    return count + 1


@attrs.frozen
class ModelRow:
    """What one model was asked, and what it wrote."""

    calls: int = 0
    output_tokens: int = 0


class ByModel:
    """Calls and output tokens by model."""

    name = "by-model"
    version = 1
    types = (LlmUsageRecorded,)
    row_type = ModelRow

    def key(self, recorded):
        """Return the model's name."""
        return recorded.event.request_model

    def project(self, row, recorded):
        """Return the model's row after one more call."""
        row = row or ModelRow()
        output = recorded.event.output_tokens or 0
        return ModelRow(calls=row.calls + 1, output_tokens=row.output_tokens + output)


def main(path: Path) -> None:
    """Fill a log with made-up answers and fold it."""
    with autopack.create_log(path) as log:
        phases = [
            PhaseSpec(f"p{n}", category="docs", complexity="low", deliverables=f"d{n}.md")
            for n in range(20)
        ]
        autopack.create_run(log, "batch", phases)
        executor = RecordedExecutor(seed=3, failure_share=0.3, latency_scale=0)
        autopack.drain(log, executor=executor)
        print("failed attempts:", autopack.replay(log, failures).value)
        for model, row in autopack.replay(log, ByModel()).rows.items():
            print(f"{model}: {row.calls} calls, {row.output_tokens} output tokens")


if __name__ == "__main__":
    main(Path("custom_projection.db"))
