"""Texts beside the log, as users put and get them."""

from typing import Final

from autopack.errors import InvalidInputError
from autopack.log.journal import Journal

DIGEST_LEAST: Final = 6
"""How many digits of a digest are enough to ask by."""


class Artifacts:
    """Texts stored beside the log by their digest."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def put(self, text: str) -> str:
        """Store a text beside the log and return its digest (SHA-256, hexadecimal)."""
        return self._journal.put_artifact(text)

    def get(self, digest: str) -> str:
        """
        Return a stored text.

        Raises:
            ArtifactMissingError: Nothing is stored under the digest; says if texts were pruned.
            LogDamagedError: What is stored there is another text, or none.
        """
        return self._journal.get_artifact(digest)

    def whole_digest(self, start: str) -> str:
        """
        Return the digest of the stored text whose digest begins so; *start* itself if none does.

        Raises:
            InvalidInputError: Several do, or it has fewer than six digits.
        """
        found = [one for one in self._journal.backend.artifact_sizes() if one.startswith(start)]
        if len(start) < DIGEST_LEAST or len(found) > 1:
            raise InvalidInputError(
                f"{start!r} is not enough of a digest: {len(found)} texts have one that begins so, "
                f"and {DIGEST_LEAST} digits are asked for. Give more of it.",
                name="digest",
                value=start,
            )
        return found[0] if found else start
