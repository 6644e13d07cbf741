"""Phases that a history tells of: their category by rules, and what would have been predicted."""

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from autopack.errors import InvalidInputError
from autopack.events import PhaseEstimated, PhaseQueued
from autopack.plugins.registry import Registry
from autopack.ports.log import NewEvent
from autopack.ports.prediction import PhaseSpec
from autopack.prediction.calibrated_estimates import estimated
from autopack.prediction.estimation import phrases, vocabulary
from autopack.prediction.same_work import tasks_of
from autopack.values.ids import derived_id, phase_stream

DEFAULT_ESTIMATOR: Final = "deliverables"
_PREDICTIONS_MOST: Final = 1_000
_BASIS: Final = "predicted at import, from what was asked then"
_GOAL: Final = "goal"
_FORM: Final = "WORD=FIELD:PATTERN, such as tests=goal:*pytest* or docs=branch:docs/*"


@attrs.frozen
class CategoryRule:
    """
    A word for the phases whose label matches a pattern, or whose goal does.

    Args:
        field: A label (``project``, ``branch``, ``tool``), or ``goal``: what was asked.
        pattern: With ``*`` and ``?``, whatever the case; of a goal any part may match.
    """

    word: str
    field: str
    pattern: str

    @classmethod
    def parse(cls, text: str) -> "CategoryRule":
        """
        Return the rule that ``WORD=FIELD:PATTERN`` is.

        Raises:
            InvalidInputError: It has not that form.
        """
        word, equals, rest = text.partition("=")
        field, colon, pattern = rest.partition(":")
        if not (equals and colon and word.strip() and field.strip() and pattern.strip()):
            raise InvalidInputError(
                f"{text!r} is no rule for categories: write {_FORM}.", name="category", value=text
            )
        return cls(word.strip(), field.strip(), pattern.strip().lower())

    def matches(self, labels: Mapping[str, str], goal: str | None) -> bool:
        """Tell whether a phase is one of these."""
        found = (goal if self.field == _GOAL else labels.get(self.field)) or ""
        pattern = f"*{self.pattern}*" if self.field == _GOAL else self.pattern
        return fnmatch.fnmatchcase(found.lower(), pattern)


class ToldPhases:
    """
    Gives the phases of a history a category, and a prediction to be measured against.

    The first rule that matches says the category; else the word before the slash of a branch
    (``fix/cart``), if a plugin or the built-in vocabulary knows it. The prediction is the default
    estimator's own, without what any log has taught it, so that it is the same in each import.
    """

    def __init__(self, registry: Registry, rules: Sequence[str]) -> None:
        self._registry = registry
        self._rules = [CategoryRule.parse(rule) for rule in rules]
        self._estimator = registry.resolve("estimator", DEFAULT_ESTIMATOR)
        self._of_branch: dict[str, str | None] = {}
        self._predictions: dict[Any, tuple[Any, dict[str, Any]]] = {}

    def told(self, stream: str, new: NewEvent) -> Iterator[tuple[str, NewEvent]]:
        """Yield an event; one that queues a phase with its category, and with what to expect."""
        event = new.event
        if not isinstance(event, PhaseQueued):
            yield stream, new
            return
        if vocabulary.category(event.category) == vocabulary.UNKNOWN:
            event = _in_category(event, self._category(event) or event.category)
        yield stream, attrs.evolve(new, event=event)
        prediction = self._estimated(event)
        event_id = derived_id("hindcast", f"{event.run_id}\x00{event.phase_id}", "phase.estimated")
        place = phase_stream(event.run_id, event.phase_id)
        yield place, attrs.evolve(new, event=prediction, event_id=event_id)

    def _category(self, event: PhaseQueued) -> str | None:
        for rule in self._rules:
            if rule.matches(event.labels, event.goal):
                return rule.word
        word, slash, _rest = event.labels.get("branch", "").partition("/")
        if not slash:
            return None
        if word not in self._of_branch:
            self._of_branch[word] = self._known(word)
        return self._of_branch[word]

    def _known(self, word: str) -> str | None:
        found = self._registry.first("autopack_category_for", of=str, category=word)
        is_known = found is not None and (found in vocabulary.CATEGORIES or found != word.lower())
        return found if is_known and found != vocabulary.UNKNOWN else None

    def _estimated(self, event: PhaseQueued) -> PhaseEstimated:
        asked = PhaseSpec(
            event.phase_id,
            category=event.category,
            complexity=event.complexity,
            deliverables=event.deliverables,
            goal=event.goal,
        )
        found, features = self._predicted(asked)
        ref = f"{event.run_id}/{event.phase_id}"
        tasks = tasks_of(ref, goal=event.goal, inputs=event.inputs)
        return PhaseEstimated(
            run_id=event.run_id,
            phase_id=event.phase_id,
            attempt=1,
            estimator=found.estimator,
            estimator_version=found.estimator_version,
            predicted_output_tokens=found.predicted_output_tokens,
            budget_tokens=found.budget_tokens,
            ceiling_tokens=found.ceiling_tokens,
            features={**features, "tasks": list(tasks)},
            budget_basis=_BASIS,
        )

    def _predicted(self, asked: PhaseSpec) -> tuple[Any, dict[str, Any]]:
        """Return a prediction and its features: of what is asked alike, the one made before."""
        key = (
            asked.category,
            asked.complexity,
            tuple(asked.deliverables or ()),
            phrases.asks_of_goal(asked.goal),
        )
        known = self._predictions.get(key)
        if known is None:
            found = estimated(None, self._estimator, asked, registry=self._registry)
            known = found, msgspec.json.decode(msgspec.json.encode(found.features))
            if len(self._predictions) < _PREDICTIONS_MOST:
                self._predictions[key] = known
        return known


def _in_category(event: Any, word: str) -> PhaseQueued:
    found: PhaseQueued = attrs.evolve(event, category=word)
    return found
