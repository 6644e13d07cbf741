"""Whether phases of a run may be taken, as its preparation stands."""

from autopack.draining.attempts.run_preparation import Preparation, Preparations
from autopack.draining.queue.admission import Admission
from autopack.plugins.narrator import Narrator


def hold_run(
    admission: Admission,
    preparations: Preparations,
    run_id: str,
    stands: Preparation,
) -> None:
    """Let a run's phases be taken or not, as its preparation stands."""
    match stands:
        case Preparation.DONE:
            admission.let_run(run_id)
        case Preparation.FAILED:
            admission.hold_run(run_id, "its run could not be prepared")
        case Preparation.GOING_ON:  # run.prepared will tell of it
            admission.hold_run(run_id, "its run is being prepared", is_told=False)
        case Preparation.ELSEWHERE:
            why = f"its run is being prepared by {preparations.holder(run_id)}"
            Narrator("autopack.drain").warning("a run is waited for", run=run_id, why=why)
            admission.hold_run(run_id, why)
