"""Preset ``llm``: a prompt for any model that ``llm`` and its plugins know."""

import sys
from pathlib import Path
from typing import Any

from autopack.draining.executors import llm_program
from autopack.draining.executors.exits import is_ended
from autopack.draining.executors.json_lines import ProgramReader
from autopack.draining.executors.provider_errors import last_facts_in
from autopack.draining.executors.session_calls import NOWHERE, Surroundings


class Llm:
    """
    Asks ``llm prompt`` through a program of ours, which tells what the client logged of it.

    One answer a phase, with its usage as the model's plugin knows it. No cost is told.
    """

    name = "llm"
    command: tuple[Any, ...] = (
        sys.executable, "-I", str(Path(llm_program.__file__)), ("-m", "{model}"),
    )  # fmt: skip
    stdin: str | None = "{prompt}"

    def reader(self, lease_token: str, place: Surroundings = NOWHERE) -> ProgramReader:
        """Return a reader for one prompt."""
        del place
        return LlmReader(lease_token)


class LlmReader(ProgramReader):
    """Reads Autopack's own lines; of a prompt that was ended before them nothing is known."""

    def aside(self, text: str) -> None:
        """Take the error that ``llm`` tells people of."""
        self.facts = last_facts_in(text)

    def ended(self, returncode: int | None) -> None:
        """Say that nothing is known of a prompt that was broken off."""
        if self.outcome is None and (returncode is None or is_ended(returncode)):
            self.problem("it was ended before it told anything: what it used is not known")
