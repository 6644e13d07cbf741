"""A drain's plan: its strategy, limits, caps, prices and executor, with nothing written."""

from autopack.aggregates import cap
from autopack.aggregates.cap import CapState
from autopack.draining.caps.cap_streams import used_by
from autopack.draining.caps.price_book import promise_of
from autopack.draining.checks.attempt_checks import checks_of_attempt
from autopack.draining.checks.named_checks import why_unready
from autopack.draining.engine.drain_session import DrainSession
from autopack.draining.settings.preconditions import set_cap
from autopack.draining.simulation.plan_caps import PlanCaps
from autopack.draining.simulation.plan_notes import notes_of
from autopack.draining.simulation.plans import Plan, plan
from autopack.ports.prediction import Estimate
from autopack.ports.work import PhaseView
from autopack.report.account_text import wait_line
from autopack.report.failure_words import one_line
from autopack.values.money import Usd


def plan_of(session: DrainSession, most: int) -> Plan:
    """
    Return what a drain that may begin would take, in order, and what that leaves open.

    Args:
        most: How many phases to plan at most.
    """
    settings, admission, work = session.settings, session.admission, session.account.work
    limits = settings.limits
    left = most if limits.max_phases is None else max(0, limits.max_phases - work.attempts)
    samples = None if limits.max_samples is None else limits.max_samples - work.samples_won

    def price(phase: PhaseView, tokens: int) -> Usd | None:
        asked = session.caps.prices.ahead
        return asked(phase.model, input_tokens=phase.prompt_tokens, output_tokens=tokens)

    def foresee(phase: PhaseView, estimate: Estimate, executor: str | None) -> str | None:
        return _foreseen(session, phase, estimate, executor)

    found = plan(
        session.view(is_planned=True),
        settings.strategy,
        session.estimate,
        most=min(most, left),
        name=settings.strategy_name,
        price=price,
        later=admission.coming_after(),
        was_done=admission.is_done,
        standing=admission.standing,
        room=plan_caps_of(session).take,
        foresee=foresee,
        samples_most=samples,
    )
    found.notes = notes_of(
        found,
        filter(None, (admission.row(str(one.ref)) for one in found)),
        limits=limits,
        rates=settings.rates,
        workers=settings.workers,
        waits=[wait_line(wait, session.now()) for wait in session.waiting.waits],
        promise=promise_of(
            allow_unknown_price=settings.allow_unknown_price,
            assume_usd_per_call=settings.assume_usd_per_call,
        ),
    )
    return found


def plan_caps_of(session: DrainSession) -> PlanCaps:
    """Return the caps under which phases are planned, as they would stand at the beginning."""
    settings, scope = session.settings, f"drain-{session.drain_id}"
    version, state = session.handler.known_cap(scope)
    state = state if version else CapState(spent=used_by(session.account.work))
    state = cap.fold(cap.decide(set_cap(settings, session.caps), state), state)
    return PlanCaps(
        session.caps,
        {scope: state} if state.caps else {},
        allow_unknown_price=settings.allow_unknown_price,
    )


def _foreseen(
    session: DrainSession, phase: PhaseView, estimate: Estimate, executor: str | None
) -> str | None:
    """Return why a phase would not be begun, or fail first, if its checks or executor can tell."""
    checks, foreign = checks_of_attempt(session.handler, phase, session.settings.checks)
    if checks and (why := foreign or why_unready(session.registry, checks, None)):
        return f"it would wait for a person, since its check cannot run: {one_line(why)}"
    foresee = getattr(session.executors.named(executor).executor, "foresee", None)
    if foresee is None:
        return None
    settings = session.handler.known_run(phase.run_id)[1].settings
    found: str | None = foresee(phase, budget_tokens=estimate.budget_tokens, settings=settings)
    return found
