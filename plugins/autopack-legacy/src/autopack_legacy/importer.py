"""Reads the old system's databases, of both schema generations, into facts in order of time."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import attrs

from autopack.types import ImportSource
from autopack.values.ids import PhaseRef, RunId
from autopack_legacy.facts import SOURCE, Fact
from autopack_legacy.findings import Findings
from autopack_legacy.phases import PhaseRow, phase_facts
from autopack_legacy.runs import has_ended, run_facts
from autopack_legacy.samples import escalation_fact, sample_fact
from autopack_legacy.source import Tables, is_legacy_database, read_tables
from autopack_legacy.usage import usage_fact
from autopack_legacy.values import Cells, moment, whole

_LAST: Final = 2**53


class LegacyImporter:
    """Imports what rows support: creations, queueing, one state a phase, usage, samples."""

    name = SOURCE

    def recognises(self, path: str) -> bool:
        """Tell whether the file has the old system's tables."""
        return is_legacy_database(path)

    def read(self, path: str) -> ImportSource:
        """Return the database's facts; see :class:`autopack.types.Importer`."""
        history = _History(tables=read_tables(path))
        facts = sorted(history.facts(), key=lambda found: found.order)
        return ImportSource(
            events=[found.entry for found in facts], findings=history.findings.report()
        )


@attrs.define(kw_only=True)
class _History:
    """One database's rows on their way to facts."""

    tables: Tables
    findings: Findings = attrs.field(factory=Findings)
    runs: dict[RunId, Cells] = attrs.field(factory=dict, init=False)
    phases: set[PhaseRef] = attrs.field(factory=set, init=False)

    def facts(self) -> Iterator[Fact]:
        """Yield all facts, table by table."""
        for name in self.tables.absent:
            self.findings.add("tables_absent", name)
        self.runs = self._known_runs()
        first: dict[RunId, datetime] = {}
        for row in self._phase_rows():
            for found in phase_facts(row):
                run = row.ref.run_id
                first[run] = min(first.get(run, found.at), found.at)
                yield found
        for name, cells in self.runs.items():
            yield from run_facts(cells, name, first.get(name))
        yield from self._usage()
        yield from self._measurements()

    def _known_runs(self) -> dict[RunId, Cells]:
        found: dict[RunId, Cells] = {}
        for cells in self._cells("runs"):
            run = cells.run("id")
            if run is None or run in found:
                self.findings.tally("rows_left_out", "runs")
            else:
                found[run] = cells
        return found

    def _phase_rows(self) -> Iterator[PhaseRow]:
        """Yield the phases by tier, index and row; the index that they get has no repeats."""
        tiers = {row["id"]: row for row in self.tables.rows["tiers"]}
        indexes: dict[RunId, int] = {}
        by_tier = sorted(self._cells("phases"), key=lambda cells: _place(cells, tiers))
        for cells in by_tier:
            ref = self._new_phase(cells)
            if ref is None:
                continue
            tier = tiers.get(cells.row["tier_id"], {})
            index = indexes[ref.run_id] = indexes.get(ref.run_id, -1) + 1
            yield PhaseRow(
                cells=cells,
                ref=ref,
                index=index,
                tier=_tier_name(tier),
                tier_index=whole(tier.get("tier_index")),
                run_at=self._run_at(ref.run_id),
            )

    def _new_phase(self, cells: Cells) -> PhaseRef | None:
        """Return the phase that a row names; None for a repeat, or if it names none."""
        run, phase = cells.run(), cells.phase()
        ref = PhaseRef(run, phase) if run and phase else None
        if ref is None or ref in self.phases:
            self.findings.tally("rows_left_out", "phases")
            return None
        self.phases.add(ref)
        self._note_run(cells, ref.run_id)
        is_queued = (cells.text("state") or "").upper() == "QUEUED"
        if is_queued and self._has_ended(ref.run_id):
            self.findings.count("queued_in_finished_runs")
        return ref

    def _usage(self) -> Iterator[Fact]:
        for cells in self._cells("llm_usage_events"):
            run, phase = cells.run(), cells.phase()
            self._note_run(cells, run)
            if run and phase and PhaseRef(run, phase) not in self.phases:
                self.findings.count("usage_of_unlisted_phases")
            run_at, at = self._run_at(run), moment(cells.row.get("created_at"))
            if run_at and at and at < run_at:
                self.findings.count("usage_older_than_its_run")
            yield usage_fact(cells, run_at, is_later=self.tables.is_later)

    def _measurements(self) -> Iterator[Fact]:
        for cells in self._cells("token_estimation_v2_events"):
            run, phase = cells.run(), cells.phase()
            self._note_run(cells, run)
            if run and phase and PhaseRef(run, phase) not in self.phases:
                self.findings.count("samples_of_unlisted_phases")
            if sample := sample_fact(cells, self._run_at(run)):
                yield sample
        for cells in self._cells("token_budget_escalation_events"):
            self._note_run(cells, cells.run())
            if escalation := escalation_fact(cells, self._run_at(cells.run())):
                yield escalation

    def _cells(self, table: str) -> Iterable[Cells]:
        for row in self.tables.rows.get(table, ()):
            self.findings.tally("rows", table)
            yield Cells(table=table, row=row, findings=self.findings)

    def _note_run(self, cells: Cells, run: RunId | None) -> None:
        if run is None:
            self.findings.tally("rows_without_a_known_run", cells.table)
        elif run not in self.runs:
            self.findings.add("implied_runs", run)

    def _run_at(self, run: RunId | None) -> datetime | None:
        cells = self.runs.get(run) if run else None
        return moment(cells.row.get("created_at")) if cells else None

    def _has_ended(self, run: RunId) -> bool:
        cells = self.runs.get(run)
        return cells is not None and has_ended((cells.text("state") or "").upper())


def _place(cells: Cells, tiers: dict[object, dict[str, object]]) -> tuple[int, int]:
    """Return the tier's index and the phase's; rows with equal ones stay in the row order."""
    tier = whole(tiers.get(cells.row["tier_id"], {}).get("tier_index"))
    index = whole(cells.row["phase_index"])
    return _LAST if tier is None else tier, _LAST if index is None else index


def _tier_name(tier: dict[str, object]) -> str | None:
    name = tier.get("tier_id")
    return str(name) if name else None
