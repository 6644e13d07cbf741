"""Facts of an estimator's stream, ``estimator-<name>``, and of a cap's, ``budget-<scope>``."""

from collections.abc import Mapping

import attrs

from autopack.events.schema import Count, Json, Key, Minutes, ReasonText, Text, Tokens, event
from autopack.values.money import Usd, UsdSum


@event("calibration.proposed")
class CalibrationProposed:
    """Evidence speaks for other coefficients; nothing has changed yet."""

    estimator: Key
    proposal_id: Key
    calibrator: str
    estimator_version: Key
    settings: Mapping[str, Json] = attrs.Factory(dict)
    logs: tuple[Mapping[str, Json], ...] = ()
    old: Mapping[str, float] = attrs.Factory(dict)
    new: Mapping[str, float] = attrs.Factory(dict)
    evidence: Json = None


@event("calibration.applied", schema=2)
class CalibrationApplied:
    """
    From here on the estimator uses these coefficients, under this version.

    ``logs`` says what was read of which log, ``expected`` what the evidence lets expect. A
    rollback names the proposal that it takes back, and its reason in ``forced_why``.
    """

    estimator: Key
    proposal_id: Key
    estimator_version: Key
    old: Mapping[str, float] = attrs.Factory(dict)
    new: Mapping[str, float] = attrs.Factory(dict)
    by: str
    forced_why: Text | None = None
    calibrator: str | None = None
    base_version: Key | None = None
    logs: tuple[Mapping[str, Json], ...] = ()
    expected: Json = None
    is_rollback: bool = False


@event("calibration.rejected")
class CalibrationRejected:
    """A proposal was turned down."""

    estimator: Key
    proposal_id: Key
    by: str
    why: ReasonText


@event("budget.set", schema=2)
class BudgetSet:
    """A scope has these caps from here on; without any, none."""

    scope: Key
    max_tokens: Tokens | None = None
    max_usd: Usd | None = None
    by: str
    why: ReasonText
    max_phases: Count | None = None
    max_minutes: Minutes | None = None


@event("budget.reserved")
class BudgetReserved:
    """A claim set aside what its attempt may use."""

    scope: Key
    lease_token: Key
    tokens: Tokens | None = None
    usd: UsdSum | None = None


@event("budget.settled", schema=2)
class BudgetSettled:
    """
    What the attempt used replaces what was set aside for it.

    *attempts* is more than 1 only where it stands for all that was done before the cap was set.
    *worked_us* is how long they were at work, in microseconds.
    """

    scope: Key
    lease_token: Key
    tokens: Tokens | None = None
    usd: UsdSum | None = None
    attempts: Count = 1
    worked_us: Count = 0


CalibrationEvent = CalibrationProposed | CalibrationApplied | CalibrationRejected
BudgetEvent = BudgetSet | BudgetReserved | BudgetSettled
