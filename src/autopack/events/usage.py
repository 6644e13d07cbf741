"""Facts about LLM calls: what was used, and predictions met by measurements elsewhere."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from autopack.errors import InvalidEventError
from autopack.events.schema import (
    ABSENT,
    DECIDED,
    Attempt,
    Json,
    Key,
    ReasonText,
    Seconds,
    Tokens,
    event,
)
from autopack.values.ids import EventId, derived_id
from autopack.values.money import Usd

Split = Literal["measured", "inferred", "total_only"]
CostSource = Literal["reported", "computed", "unknown"]

CUT_OFF: Final = frozenset({
    "max_tokens", "max_output_tokens", "max_completion_tokens", "max_new_tokens", "max_length",
    "length", "model_length", "token_limit", "incomplete",
    "model_context_window_exceeded", "context_window_exceeded", "context_length_exceeded",
})  # fmt: skip
"""Stop reasons, as words in lower case, of an output that reached its ceiling and was cut there."""

_NO_LETTERS: Final = re.compile(r"[^a-z0-9]+")
_KIND: Final = re.compile(r"^(finish|stop)_?reason_|_[0-9]+$")
"""What an enumeration's name puts around its word, as in ``<FinishReason.MAX_TOKENS: 2>``."""

HOUR_WRITES: Final = "cache_write_1h_tokens"
"""In ``source_fields``: those of the cache writes that are kept for an hour, and cost more."""

PROCESSING: Final = "processing"
"""In ``source_fields``: how a call was processed, where that is not at once: ``batch``."""
_TERMS: Final = (PROCESSING, "service_tier", "speed")
_USUAL: Final = frozenset({"", "auto", "default", "not_available", "on_demand", "standard"})

TOKEN_COUNTS: Final = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
    "total_tokens",
)  # fmt: skip
AMENDABLE: Final = (*TOKEN_COUNTS, "cost_usd")
"""The figures of a call that its source may give otherwise later."""

BUILDER: Final = "builder"
"""The role of the calls whose output is what a phase was predicted to need."""


def _cost_source(event: Any) -> Any:
    """Take a cost for the provider's own if nobody says whose it is; a source needs a cost."""
    if event.cost_source is None:
        return "unknown" if event.cost_usd is None else "reported"
    if event.cost_source != "unknown" and event.cost_usd is None:
        why = f"cost_source is {event.cost_source!r}, but there is no cost_usd: give both, or none"
        raise InvalidEventError(event.TYPE, why)
    return event.cost_source


_BY_COST: Final = {ABSENT: "unknown", DECIDED: _cost_source}


@event("llm.usage_recorded", schema=2)
class LlmUsageRecorded:
    """
    What one LLM call used; None is unknown, never 0.

    ``input_tokens`` includes cache reads and writes, ``output_tokens`` includes reasoning.
    ``split`` says whether the division of the total into input and output was measured, guessed
    (inferred) or never known (total_only). ``cost_source`` says whether the provider reported the
    cost, which is meant where nothing is said, or a price table gave it when the call was recorded
    (computed). ``account`` is whose
    limits the provider counts. ``price_table`` is the table, with its version, that a computed
    cost is from.
    """

    run_id: Key | None = None
    phase_id: Key | None = None
    attempt: Attempt | None = None
    lease_token: Key | None = None
    call_id: Key
    role: str = BUILDER
    provider: str | None = None
    account: Key | None = None
    request_model: str | None = None
    response_model: str | None = None
    input_tokens: Tokens | None = None
    cache_read_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    reasoning_tokens: Tokens | None = None
    total_tokens: Tokens | None = None
    max_tokens: Tokens | None = None
    stop_reason: str | None = None
    truncated: bool | None = None
    duration_s: Seconds | None = None
    cost_usd: Usd | None = None
    cost_source: CostSource = attrs.field(default=None, metadata=_BY_COST)
    price_table: str | None = None
    split: Split = "measured"
    late: bool = False
    source_fields: Mapping[str, Json] = attrs.Factory(dict)


@event("llm.usage_amended", schema=3)
class LlmUsageAmended:
    """
    The source later gave other figures for a call; totals use the last, both stay visible.

    It names the run, phase and attempt of its call as the call does; else it is of another call.
    """

    run_id: Key | None = None
    phase_id: Key | None = None
    attempt: Attempt | None = None
    provider: str | None = None
    call_id: Key
    why: ReasonText
    input_tokens: Tokens | None = None
    cache_read_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    reasoning_tokens: Tokens | None = None
    total_tokens: Tokens | None = None
    cost_usd: Usd | None = None
    cost_source: CostSource = attrs.field(default=None, metadata=_BY_COST)
    price_table: str | None = None
    split: Split = "measured"


@event("sample.recorded")
class SampleRecorded:
    """
    A prediction and its measurement as one fact, from a source that has only the pair.

    Usage totals do not count it. ``is_test`` marks a row that its source's own tests wrote.
    """

    run_id: Key | None = None
    phase_id: Key | None = None
    category: str
    complexity: str
    deliverables: tuple[str, ...] = ()
    deliverable_count: int | None = None
    estimator: Key | None = None
    estimator_version: Key | None = None
    predicted_output_tokens: Tokens
    actual_output_tokens: Tokens | None = None
    budget_tokens: Tokens | None = None
    ceiling_tokens: Tokens | None = None
    success: bool
    truncated: bool = False
    stop_reason: str | None = None
    model: str | None = None
    is_test: bool = False
    split: Split = "measured"
    source_fields: Mapping[str, Json] = attrs.Factory(dict)


UsageEvent = LlmUsageRecorded | LlmUsageAmended | SampleRecorded


def usage_id(provider: str | None, call_id: str) -> EventId:
    """Return the event id of a call: the same call is one event, whoever records it."""
    return derived_id("usage", f"{provider or ''}\x00{call_id}", "llm.usage_recorded")


def terms_of(source_fields: Mapping[str, Any]) -> dict[str, str]:
    """Return on which terms a call was made, as far as they change its price; none are usual."""
    found = {name: term.lower() for name, term in told_terms(source_fields).items()}
    if found.get("service_tier") == "batch":  # as one provider says it
        found[PROCESSING] = found.pop("service_tier")
    return found


def told_terms(told: Mapping[str, Any]) -> dict[str, str]:
    """Return what an answer tells of its terms, for ``source_fields``; usual ones are left out."""
    given = [(name, told[name]) for name in _TERMS if name in told]
    return {
        name: term for name, term in given if isinstance(term, str) and term.lower() not in _USUAL
    }


def says_cut(stop_reason: object) -> bool:
    """Tell whether the reason why an output stopped is that it reached its ceiling."""
    if not isinstance(stop_reason, str):
        return False
    word = _NO_LETTERS.sub("_", stop_reason.lower()).strip("_")
    return word in CUT_OFF or _KIND.sub("", word) in CUT_OFF


def is_cut_off(figures: Mapping[str, Any]) -> bool | None:
    """
    Tell whether a call's output was cut; None where nothing says.

    One that is as long as it was allowed to be was, whatever reason was given for its end.
    """
    output, most = figures.get("output_tokens"), figures.get("max_tokens")
    if isinstance(output, int) and isinstance(most, int) and output >= most > 0:
        return True
    reason = figures.get("stop_reason")
    return says_cut(reason) if isinstance(reason, str) else None


def figure_fault(figures: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return which figure of a call cannot be beside the others, and why; None if all can."""
    known = {name: n for name in TOKEN_COUNTS if type(n := figures.get(name)) is int}
    cached = known.get("cache_read_tokens", 0) + known.get("cache_write_tokens", 0)
    given, written = known.get("input_tokens"), known.get("output_tokens")
    reasoned, total = known.get("reasoning_tokens", 0), known.get("total_tokens")
    if given is not None and cached > given:
        return "input_tokens", (
            f"input_tokens is {given}, but {cached} were read from and written to a cache. Input "
            f"includes these: if it was counted without them, give {given + cached}."
        )
    if written is not None and reasoned > written:
        return "output_tokens", (
            f"output_tokens is {written}, but reasoning_tokens is {reasoned}. Output includes "
            f"reasoning: if it was counted without, give {written + reasoned}."
        )
    parts = (given or 0) + (written or 0)
    if total is None or total == parts or (total > parts and None in (given, written)):
        return None
    hint = "Leave total_tokens out, or give all that was used as input or output."
    if cached and total == parts + cached:
        hint = f"If input was counted without the cache, input_tokens is {(given or 0) + cached}."
    elif reasoned and total == parts + reasoned:
        hint = f"If output was counted without reasoning, give {(written or 0) + reasoned} of it."
    return "total_tokens", (
        f"total_tokens is {total}, but input_tokens and output_tokens are {given} and {written}. "
        f"{hint}"
    )


def amended_figures(event: LlmUsageAmended) -> dict[str, Any]:
    """Return what an amendment changes of its call, by the names of a call's fields."""
    told = {name: getattr(event, name) for name in AMENDABLE}
    given = {name: figure for name, figure in told.items() if figure is not None}
    if event.total_tokens is None and given.keys() & {"input_tokens", "output_tokens"}:
        given["total_tokens"] = None  # the old total is not that of the new figures
    if event.cost_usd is not None:
        given |= {"cost_source": event.cost_source, "price_table": event.price_table}
    return {**given, "split": event.split}
