"""Words of phases that are probably misspelt: warned of, since any word is taken."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from autopack.plugins.narrator import Narrator
from autopack.prediction.estimation import vocabulary

_narrator: Final = Narrator("autopack.phases")


def doubt_words(phases: Iterable[Any]) -> None:
    """Warn of each category that is nearly a known one, and of each unknown complexity, once."""
    given = list(phases)
    for word, n in Counter(phase.category for phase in given).items():
        if meant := vocabulary.misspelt_category(word):
            told = "a category was perhaps misspelt: its phases are a group of their own"
            _narrator.warning(told, category=word, meant=meant, phases=n)
    for word, n in Counter(phase.complexity for phase in given).items():
        if not vocabulary.is_complexity(word):
            told = "a complexity is not known: its phases are estimated as medium"
            meant = vocabulary.meant_complexity(word)
            hint = {} if meant is None else {"meant": meant}
            _narrator.warning(told, complexity=word, **hint, phases=n)
