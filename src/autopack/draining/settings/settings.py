"""What a drain was asked to do: names resolved to objects, and wrong settings refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from autopack.draining.attempts.backoff import Backoff
from autopack.draining.attempts.escalation import (
    ESCALATIONS,
    EscalationLike,
    EscalationPolicy,
    escalation_of,
)
from autopack.draining.caps.standing_caps import StandingCaps, given
from autopack.draining.queue.drain_limits import Limits
from autopack.draining.queue.rate_limits import Rate, Rates
from autopack.draining.settings.named_parts import (
    calibrator_named,
    check_executor,
    executors_named,
    name_in,
    name_of,
    options_in,
    strategy_of,
)
from autopack.draining.settings.named_workspaces import keeper_in, recorded_workspace, workspace_of
from autopack.errors import InvalidInputError
from autopack.plugins.plugin_options import NamedPlugin
from autopack.plugins.registry import Registry
from autopack.ports.calibrator_protocol import CalibratorLike
from autopack.ports.check_specs import CheckLike, Checks, checks_of, tables_of
from autopack.ports.drain import StrategyLike
from autopack.ports.figures import WORKERS_MOST, YEAR_S, check_count, check_lease, check_seconds
from autopack.ports.prediction import EstimatorLike
from autopack.ports.requirements import Resources, checked_resources
from autopack.ports.work import ExecutorLike, PhaseView
from autopack.ports.workspaces import WorkspaceLike, Workspaces
from autopack.prediction.calibration.price_table import Plain, PriceTable
from autopack.prediction.named_prices import prices_in
from autopack.prediction.running.alarm_policy import AlarmPolicy, alarm_of
from autopack.values.ids import check_name
from autopack.values.money import Usd, UsdLike

_ACCOUNT: Final = "default"


@attrs.frozen(kw_only=True)
class Settings:
    """
    A drain's settings, as :class:`autopack.Drain` documents them, with names resolved.

    ``objects`` lists what was given as an object, which the log cannot bring back.
    """

    executor: Any
    executor_name: str
    executors: Mapping[str, Any]
    strategy: Any
    strategy_name: str
    strategy_options: Mapping[str, Any]
    objects: tuple[str, ...]
    estimator: Any
    calibrator: Any
    calibrator_name: str | None
    tau: float
    run_id: str | None
    phase_id: str | None
    workers: int
    offers: Mapping[str, Any]
    when_empty: str
    collect: str
    timeout_s: float | None
    lease_s: float
    allow_empty: bool
    workspace: Path | Workspaces | None
    checks: Checks | None
    resumes: str | None
    drain: str | None
    backoff: Backoff
    escalation: EscalationPolicy | None
    rates: Rates
    prices: PriceTable | None
    account: str | None
    leave: float | None
    allow_unknown_price: bool
    assume_usd_per_call: Usd | None
    at_cap: str
    alarm: AlarmPolicy | None
    day_zone: ZoneInfo
    limits: Limits

    @property
    def execute(self) -> Any:
        """What is called for a phase."""
        return getattr(self.executor, "execute", self.executor)

    @property
    def account_name(self) -> str:
        """Whose limits the calls count under: as it was said, or as the executor says itself."""
        found = self.account or getattr(self.executor, "account", None) or _ACCOUNT
        return check_name("account", found)

    @property
    def prepare(self) -> Any:
        """What is called once a run, or None."""
        return getattr(self.executor, "prepare", None)

    @property
    def keeper(self) -> Workspaces | None:
        """Who keeps a folder for each attempt, if somebody does."""
        return keeper_in(self.workspace)

    @property
    def folder(self) -> Path | None:
        """The folder in which a run's files are looked at, and where attempts work without one."""
        return self.workspace if isinstance(self.workspace, Path | None) else self.workspace.folder

    @property
    def standing_caps(self) -> StandingCaps:
        """The caps of each phase and of each day."""
        limits = self.limits
        return StandingCaps(
            per_phase=given(tokens=limits.max_tokens_per_phase, usd=limits.max_usd_per_phase),
            per_day=given(tokens=limits.max_tokens_per_day, usd=limits.max_usd_per_day),
            zone=self.day_zone,
        )

    def is_in_scope(self, phase: PhaseView) -> bool:
        """Tell whether a phase may be taken at all."""
        if self.run_id is not None and phase.run_id != self.run_id:
            return False
        return self.phase_id is None or phase.phase_id == self.phase_id

    def timeout_of(self, phase: PhaseView) -> float | None:
        """Return a phase's deadline in seconds: its own, else the drain's."""
        return phase.timeout_s if phase.timeout_s is not None else self.timeout_s

    def recorded(self) -> dict[str, Any]:
        """Return what is kept of the settings in the log."""
        limits = {
            name: str(limit) if isinstance(limit, Usd) else limit
            for name, limit in attrs.asdict(self.limits).items()
            if limit is not None
        }
        return {
            **dict(getattr(self.executor, "settings", {})),
            "run_id": self.run_id,
            "phase_id": self.phase_id,
            "workers": self.workers,
            **({"offers": dict(self.offers)} if self.offers else {}),
            "when_empty": self.when_empty,
            **({} if self.collect == "wait" else {"collect": self.collect}),
            "timeout_s": self.timeout_s,
            "lease_s": self.lease_s,
            "estimator": self.estimator.name,
            "calibrator": self.calibrator_name,
            "tau": self.tau,
            "backoff_base_s": self.backoff.base_s,
            "backoff_cap_s": self.backoff.cap_s,
            "escalation": _escalation_name(self.escalation),
            **({} if self.prices is None else {"prices": self.prices.kept()}),
            "allow_unknown_price": self.allow_unknown_price,
            **_told("assume_usd_per_call", self.assume_usd_per_call),
            "account": self.account,
            "leave": self.leave,
            "at_cap": self.at_cap,
            **({} if self.alarm is None else {"alarm": str(self.alarm)}),
            "day_zone": str(self.day_zone),
            **({"objects": list(self.objects)} if self.objects else {}),
            **({"executors": sorted(self.executors)} if self.executors else {}),
            **{name: rate for name, rate in attrs.asdict(self.rates).items() if rate is not None},
            **recorded_workspace(self.workspace),
            **({} if self.checks is None else {"check": list(tables_of(self.checks) or ())}),
            "strategy_options": dict(self.strategy_options),
            **limits,
        }


def settings_of(
    registry: Registry,
    *,
    executor: ExecutorLike | None = None,
    executors: Mapping[str, ExecutorLike] | None = None,
    strategy: StrategyLike | None = None,
    estimator: EstimatorLike = "deliverables",
    calibrator: CalibratorLike | None = None,
    tau: float = 0.9,
    run_id: str | None = None,
    phase_id: str | None = None,
    workers: int = 1,
    offers: Resources | None = None,
    when_empty: Literal["stop", "wait"] = "stop",
    collect: Literal["wait", "once"] = "wait",
    timeout_s: float | None = None,
    lease_s: float = 30.0,
    allow_empty: bool = False,
    workspace: WorkspaceLike | None = None,
    check: CheckLike = None,
    resumes: str | None = None,
    drain: str | None = None,
    backoff_base_s: float = 1.0,
    backoff_cap_s: float = 300.0,
    escalation: EscalationLike = "quantile",
    requests_per_minute: Rate = None,
    tokens_per_minute: Rate = None,
    prices: PriceTable | Plain | str | None = None,
    account: str | None = None,
    leave: float | None = None,
    allow_unknown_price: bool = False,
    assume_usd_per_call: UsdLike | None = None,
    at_cap: Literal["stop", "ask"] = "stop",
    alarm: str | None = None,
    day_zone: str = "UTC",
    **limits: Any,
) -> Settings:
    """Return the settings with names resolved, or say which of them is wrong."""
    if executor is None:
        raise InvalidInputError(
            "A drain needs an executor: a registered name, file.py:name, or a callable.",
            name="executor",
            value=None,
        )
    check_count("workers", workers, most=WORKERS_MOST)
    if when_empty not in ("stop", "wait"):
        raise InvalidInputError(
            f"when_empty is {when_empty!r}; it is 'stop' or 'wait'.",
            name="when_empty",
            value=when_empty,
        )
    if collect not in ("wait", "once"):
        raise InvalidInputError(
            f"collect is {collect!r}; it is 'wait' or 'once'.", name="collect", value=collect
        )
    if at_cap not in ("stop", "ask"):
        raise InvalidInputError(
            f"at_cap is {at_cap!r}; it is 'stop' or 'ask'.", name="at_cap", value=at_cap
        )
    if phase_id is not None and run_id is None:
        raise InvalidInputError(
            "A phase id is unique only within its run: name the run too.", name="run_id", value=None
        )
    if timeout_s is not None:
        check_seconds("timeout_s", timeout_s, most=YEAR_S)
    check_lease(lease_s)
    if not isinstance(tau, int | float) or not 0 < tau < 1:
        raise InvalidInputError(
            f"tau is {tau!r}; give a number between 0 and 1.", name="tau", value=tau
        )
    known = {field.name for field in attrs.fields(Limits)}
    if unknown := sorted(set(limits) - known):
        raise InvalidInputError(
            f"A drain has no setting {', '.join(unknown)}. Its limits: {', '.join(sorted(known))}.",
            name=unknown[0],
            value=limits[unknown[0]],
        )
    if leave is not None and not (isinstance(leave, int | float) and 0 < leave < 1):
        raise InvalidInputError(
            f"leave is {leave!r}; give a share between 0 and 1.", name="leave", value=leave
        )
    chosen = registry.resolve("estimator", estimator)
    checks = checks_of(check, may_be_object=True)
    if strategy in (None, "fifo"):
        strategy = "fifo" if phase_id is None else "one"
    asked = strategy_of(registry, strategy, run_id, phase_id)
    options = options_in(strategy, asked)
    named: Any = strategy
    return Settings(
        executor=check_executor(registry, executor),
        executor_name=name_in(registry, "executor", executor),
        executors=executors_named(registry, executors or {}),
        strategy=asked,
        strategy_name=name_in(registry, "strategy", strategy),
        strategy_options=options,
        objects=tuple(
            place
            for place, thing in (
                ("executor", executor),
                ("executors", executors or None),
                ("strategy", None if isinstance(named, NamedPlugin) and options else named),
                ("estimator", estimator),
                ("calibrator", calibrator),
                ("check", next((one.thing for one in checks or () if one.thing), None)),
            )
            if not (thing is None or isinstance(thing, str))
        ),
        estimator=chosen,
        calibrator=calibrator_named(registry, calibrator, chosen.name, tau),
        calibrator_name=calibrator if isinstance(calibrator, str | None) else name_of(calibrator),
        tau=tau,
        run_id=run_id,
        phase_id=phase_id,
        workers=workers,
        offers=checked_resources(offers or {}, name="offers"),
        when_empty=when_empty,
        collect=collect,
        timeout_s=timeout_s,
        lease_s=lease_s,
        allow_empty=allow_empty,
        workspace=workspace_of(registry, workspace),
        checks=checks,
        resumes=resumes,
        drain=drain if drain is None else check_name("drain", drain),
        backoff=Backoff(base_s=backoff_base_s, cap_s=backoff_cap_s),
        escalation=escalation_of(escalation),
        rates=Rates(requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute),
        prices=prices_in(registry, prices),
        account=account if account is None else check_name("account", account),
        leave=leave,
        allow_unknown_price=allow_unknown_price,
        assume_usd_per_call=usd_of("assume_usd_per_call", assume_usd_per_call),
        at_cap=at_cap,
        alarm=alarm_of(alarm),
        day_zone=_zone(day_zone),
        limits=Limits(**limits),
    )


def _told(name: str, amount: Usd | None) -> dict[str, str]:
    return {} if amount is None else {name: str(amount)}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (TypeError, ValueError, OSError, ZoneInfoNotFoundError) as fault:
        raise InvalidInputError(
            f"day_zone is {name!r}; name one as in Europe/Oslo.", name="day_zone", value=name
        ) from fault


def usd_of(name: str, given: UsdLike | None) -> Usd | None:
    """Return an amount above 0 that somebody gave, or None."""
    try:
        found = None if given is None else Usd.of(given)
    except InvalidInputError as fault:
        raise InvalidInputError(f"{name}: {fault}", name=name, value=given) from fault
    if found is not None and not found:
        raise InvalidInputError(
            f"{name} is 0: a call whose price nobody knows is not free.", name=name, value=given
        )
    return found


def _escalation_name(policy: EscalationPolicy | None) -> str:
    named = (name for name, one in ESCALATIONS.items() if one == policy)
    return next(named, None) or name_of(policy)
