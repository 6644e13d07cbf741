"""Attempts that ended, as the account keeps them."""

import pytest

from autopack.projections.attempt_row import AttemptRow
from autopack.projections.call_use import Use


@pytest.fixture
def ended():
    """Return a function that makes an attempt that ended, one call for each of *tokens*."""

    def made(tokens, *, success=True, seconds=60.0, model="m", complexity="low", category="docs"):
        return AttemptRow(
            position=1,
            category=category,
            complexity=complexity,
            claimed_model=model,
            use=Use(calls=len(tokens), total_tokens=sum(tokens)),
            ending="completed" if success else "failed",
            success=success,
            duration_s=seconds,
        )

    return made
