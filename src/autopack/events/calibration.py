"""Facts of an estimator's stream, ``estimator-<name>``."""

from collections.abc import Mapping

import attrs

from autopack.events.schema import Json, Key, ReasonText, Text, event


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


@event("calibration.applied")
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


CalibrationEvent = CalibrationProposed | CalibrationApplied | CalibrationRejected
