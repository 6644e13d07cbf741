"""Uses of tools that a client denied, since nobody was there to allow them."""

import json
from collections.abc import Mapping
from typing import Any, Final

from autopack.draining.executors.session_calls import Surroundings
from autopack.ports.work import Completed, Failed
from autopack.report.failure_words import start_of

_NAMED_MOST: Final = 5
_TOLD_MOST: Final = 100
_TOLD_CHARS: Final = 300


def denials(result: Mapping[str, Any]) -> list[Any]:
    """Return the uses of tools that a result calls denied."""
    found = result.get("permission_denials")
    return found if isinstance(found, list) else []


def denied_lines(result: Mapping[str, Any]) -> list[str]:
    """Return what was denied, a line for each use: the tool, and what it was to do."""
    found = denials(result)
    lines = [start_of(_told(one), _TOLD_CHARS) for one in found[:_TOLD_MOST]]
    return [*lines, *([f"and {len(found) - _TOLD_MOST} more"] * (len(found) > _TOLD_MOST))]


def with_denials(
    outcome: Completed,
    result: Mapping[str, Any],
    facts: Mapping[str, Any],
    place: Surroundings,
    *,
    how: str,
) -> Completed | Failed:
    """
    Say what was denied; without a deliverable the work was not done, whatever was said.

    Args:
        facts: What is kept with a failure.
        how: How the client is given its permissions.
    """
    denied = denials(result)
    if not denied:
        return outcome
    tools = {str(one.get("tool_name")) for one in denied if isinstance(one, dict)}
    names = ", ".join(sorted(tools)[:_NAMED_MOST])
    uses = f"{len(denied)} uses of tools were" if len(denied) > 1 else "a use of a tool was"
    what = f"{uses} denied" + (f" ({names})" if names else "")
    if missing := place.missing():
        return Failed(
            "permission_denied",
            f"{what}, and {', '.join(missing[:_NAMED_MOST])} is not there. Give the program its "
            f"permissions: {how}.",
            retryable=False,
            failure_class="invalid_request",
            excerpt=outcome.summary,
            source_fields={**facts, "missing": missing},
        )
    return Completed(outcome.outputs, f"{what}: {outcome.summary or 'it said no more'}")


def _told(use: Any) -> str:
    if not isinstance(use, dict):
        return json.dumps(use)
    return f"{use.get('tool_name')} {json.dumps(use.get('tool_input'))}"
