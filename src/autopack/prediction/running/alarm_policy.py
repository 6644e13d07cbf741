"""From where on an attempt in work is odd, and what becomes of it then."""

from typing import Final, Literal, TypeAlias, get_args

import attrs

from autopack.errors import InvalidInputError
from autopack.errors.base import told
from autopack.prediction.running.remaining_use import MEASURES, RunningMeasure

AlarmAct: TypeAlias = Literal["note", "ask", "stop"]

ACTS: Final[tuple[AlarmAct, ...]] = get_args(AlarmAct)


@attrs.frozen
class AlarmPolicy:
    """
    What becomes of an attempt that used more than the share *tau* of those that ended well.

    Args:
        act: ``note`` lets it go on, ``ask`` leaves it to a person, ``stop`` ends it.
    """

    measure: RunningMeasure
    tau: float
    act: AlarmAct

    def __str__(self) -> str:
        return f"{self.measure}:{self.tau:g}:{self.act}"


def alarm_of(given: str | None) -> AlarmPolicy | None:
    """
    Return the policy of ``[MEASURE:]TAU:ACT``, as ``0.99:ask``; tokens, if no measure is named.

    Raises:
        InvalidInputError: It is none.
    """
    if given is None:
        return None
    parts = given.split(":") if isinstance(given, str) else []
    if len(parts) == 2:
        parts = ["total_tokens", *parts]
    if len(parts) == 3:
        measures = [one for one in MEASURES if one == parts[0].replace("-", "_")]
        acts = [one for one in ACTS if one == parts[2]]
        tau = _share(parts[1])
        if measures and acts and tau is not None:
            return AlarmPolicy(measures[0], tau, acts[0])
    raise InvalidInputError(
        f"{told(given)} is no alarm. Give [MEASURE:]TAU:POLICY, as 0.99:ask; the measure is "
        f"{', '.join(MEASURES)}, tau is between 0 and 1, and the policy is {', '.join(ACTS)}.",
        name="alarm",
        value=given,
    )


def _share(text: str) -> float | None:
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0 < share < 1 else None
