"""The reasons that people give for what they decide."""

from autopack.errors import InvalidInputError


def check_why(about: str, why: str) -> None:
    """
    Return if a person gave a reason.

    Raises:
        InvalidInputError: It is blank.
    """
    if not why.strip():
        raise InvalidInputError(
            f"{about}: say why; the reason is kept in the log:",
            do="why=...",
            typed="--why REASON",
            name="why",
            value=why,
        )
