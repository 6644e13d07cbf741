"""Quantiles of sizes of which some are only known to be larger than what was seen."""

from collections.abc import Sequence


def quantile_of(exact: Sequence[float], cut: Sequence[float], tau: float) -> float | None:
    """
    Return what a further value does not exceed with probability *tau*; None if none seen is.

    The Kaplan-Meier estimate over the values and one more at infinity, which stands for the
    further value. Without *cut* ones that is exactly the order statistic of conformal
    prediction, place ceil(tau (n + 1)) of n; a cut value takes part until the size at which it
    was cut, and its weight then goes to those that were larger.

    Args:
        exact: Whole sizes, in ascending order.
        cut: Sizes at which an output was cut off, in ascending order; at equal sizes the whole
            ones come first.
        tau: From 0 to 1.

    Source: Kaplan and Meier (1958); Efron (1967) for the redistribution to the right; Vovk et
    al. (2005) for the further value.
    """
    if not cut:
        place = place_of(tau, len(exact))
        return float(exact[place - 1]) if place <= len(exact) else None
    surviving, target = 1.0, 1.0 - tau
    at_risk, cuts = len(exact) + len(cut) + 1, 0
    for value in exact:
        while cuts < len(cut) and cut[cuts] < value:
            cuts += 1
            at_risk -= 1
        surviving *= 1.0 - 1.0 / at_risk
        at_risk -= 1
        if surviving <= target + 1e-12:
            return float(value)
    return None


def place_of(tau: float, n: int) -> int:
    """Return ceil(tau (n + 1)), at least 1; above *n* no value seen will do."""
    exact = tau * (n + 1)
    place = int(exact)
    return max(1, place if exact - place < 1e-9 else place + 1)
