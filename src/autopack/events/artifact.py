"""Facts about the texts beside the log, on the stream ``artifacts``."""

from autopack.events.schema import Instant, Key, ReasonText, event

ARTIFACTS_STREAM = "artifacts"


@event("artifacts.pruned")
class ArtifactsPruned:
    """Texts beside the log were removed, by which measure, by whom and why; no event was."""

    texts: int
    stored_bytes: int
    by: str
    why: ReasonText
    named_before: Instant | None = None
    larger_than_bytes: int | None = None
    run_id: Key | None = None


ArtifactEvent = ArtifactsPruned
