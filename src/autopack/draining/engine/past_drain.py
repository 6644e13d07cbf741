"""One worker's drain, followed once more over the log's past: what its strategy was shown."""

from collections.abc import Mapping
from typing import Any

from autopack.draining.caps.drain_use import DrainAccount, ended_attempts
from autopack.draining.engine.circumstances import Circumstances
from autopack.draining.engine.drain_views import DrainViews
from autopack.draining.engine.routes import Routes
from autopack.draining.queue.admission import Admission
from autopack.draining.queue.offered_resources import Offers
from autopack.draining.strategies.drain_history import DrainHistory
from autopack.draining.strategies.group_knowledge import Knowledge, Predictions
from autopack.events import DrainPhaseSelected, DrainStarted, DrainStopped
from autopack.log.command_handler import Handler
from autopack.log.log import Log, registry_of
from autopack.log.past_log import PastLog
from autopack.ports.drain import DrainView
from autopack.ports.log import Recorded
from autopack.ports.work import PhaseView
from autopack.prediction.calibrated_estimates import coefficients, estimated


class PastDrain:
    """
    Follows the log from where a worker began its drain, choice by choice, by its own parts.

    Args:
        started: What the worker recorded as it began.
        strategy: What says on which model a phase would be done, if it names models.
        name: What the strategy is called.
    """

    def __init__(self, log: Log, started: Recorded[DrainStarted], strategy: Any, name: str) -> None:
        event, settings = started.event, started.event.settings
        self._began = event.read_to or 0
        self._past = PastLog(log, self._began)
        self._registry, self.journal = registry_of(log), self._past.journal
        handler = Handler(self.journal)
        self._estimator = settings.get("estimator", "")
        self._told: dict[str, int] = {}
        self._accounts: Mapping[str, str] = {}
        self._own = ""
        run_id, phase_id = settings.get("run_id"), settings.get("phase_id")
        self.admission = Admission(
            self.journal,
            lambda row: run_id in (None, row.run_id) and phase_id in (None, row.phase_id),
            run_id=run_id,
            worker=event.worker,
            offers=Offers(settings.get("offers", {})),
        )
        self.history = DrainHistory()
        self.admission.leave_out(self.history.tried)
        self.account = DrainAccount(self.journal, event.drain_id, when_ended=self.history.learn)
        self.views = DrainViews(
            handler=handler,
            admission=self.admission,
            account=self.account,
            history=self.history,
            groups=Knowledge(
                self.journal, self._estimator, lambda: self.admission.follower.position
            ),
            predict=Predictions(self._predicted),
            routes=Routes(strategy, name, lambda one: self._accounts.get(one or "", self._own)),
            worker=event.worker,
        )
        for hear in (self.account.hear, handler.learn):
            self.admission.follower.add(hear)
        self.admission.catch_up(started.recorded_at, self.account.position)
        if event.resumes is not None:
            for row in ended_attempts(handler, event.resumes):
                self.history.tried[f"{row.run_id}/{row.phase_id}"] += 1
                self.history.learn(row)

    def shown(
        self, selected: DrainPhaseSelected | DrainStopped, *, with_ways: bool = True
    ) -> DrainView:
        """
        Return what the strategy was shown at a choice, or an end, in the order of the log.

        Args:
            with_ways: Whether phases wait for the ways that this drain's strategy chose for them;
                another strategy would not have.
        """
        assert selected.read_to is not None
        assert selected.looked_at is not None
        now = Circumstances.heard(selected.circumstances)
        self._accounts, self._own = now.accounts, now.account
        self._past.move_to(selected.read_to)
        self.admission.catch_up(selected.looked_at)
        holds = dict(selected.holds)
        for name in [name for name in holds if name.startswith("predicted ")]:
            self._told[name.removeprefix("predicted ")] = holds.pop(name)
        ways = {name: holds.pop(name) for name in list(holds) if name.startswith("way ")}
        self.admission.go_by(holds)
        if with_ways:
            self.views.routes.go_by(ways)
        return self.views.let_in(self.views.view(now), now)[0]

    def took(self, selected: DrainPhaseSelected) -> None:
        """Take note that a choice was carried out."""
        key = f"{selected.run_id}/{selected.phase_id}"
        self.views.routes.forget(key)
        self.history.tried[key] += 1

    def _predicted(self, phase: PhaseView) -> int:
        """Return what the drain predicted, if it told; else what it would have."""
        told = self._told.get(phase.key)
        if told is not None:
            return told
        estimator = self._registry.resolve("estimator", self._estimator)
        found = estimated(
            self.journal,
            estimator,
            phase,
            registry=self._registry,
            taught=coefficients(self.journal, estimator, until=self._began),
        )
        return found.predicted_output_tokens
