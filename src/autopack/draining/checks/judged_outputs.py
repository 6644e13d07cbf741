"""What of an attempt is judged: its outputs; without any, what its program printed."""

from collections.abc import Mapping

from autopack.draining.executors.json_lines import PRINTED, without_own
from autopack.log.journal import Journal


def judged_outputs(outputs: Mapping[str, str], artifacts: Mapping[str, str]) -> dict[str, str]:
    """Return the digests of an attempt's outputs; of what it printed, where it gave no others."""
    if not outputs and PRINTED in artifacts:
        return {PRINTED: artifacts[PRINTED]}
    return dict(outputs)


def judged_texts(journal: Journal, digests: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of what is judged, without the lines that a program meant for Autopack."""
    texts = {name: journal.get_artifact(digest) for name, digest in digests.items()}
    return {n: without_own(text) if n == PRINTED else text for n, text in texts.items()}
