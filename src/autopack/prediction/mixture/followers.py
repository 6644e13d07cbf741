"""Followers: an offset in log tokens that each miss raises, and each output that fits lowers."""


def moved(offset: float, step: float, miss: float, tau: float, room: float, most: float) -> float:
    """
    Return the offset after an outcome.

    It is lowered by no more than the *room* that the output left, so that outputs which are
    always of one size are followed to that size and not below it. Hence the share of misses of
    T outcomes is at most ``1 - tau + (last offset - first offset) / (step T)``, whatever they
    are, unless *most* was reached.

    Args:
        step: How far a miss would move it, were tau 0.
        miss: 1 if the output was larger than predicted, 0 if not, its probability if unknown.
        room: The logarithm of prediction over output; below 0 for a miss.
        most: The largest offset, up and down.

    Source: Gibbs and Candes (2021), in log tokens instead of levels; Angelopoulos et al. (2023),
    Conformal PID control, proposition 1; Kulis and Bartlett (2010) for the step that stops at the
    output.
    """
    change = step * (miss - (1 - tau))
    if change < 0 and -change > room >= 0:
        change = -room
    return max(-most, min(most, offset + change))
