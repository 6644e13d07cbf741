"""Removing texts beside a log, by age, size or run; events, chain and answers stay as they are."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs
import msgspec

from autopack.api.given_reasons import check_why
from autopack.draining.attempts.lease_keys import TEXT_KEY
from autopack.errors import InvalidInputError
from autopack.events import PhaseCheckpointed, PhaseCheckpointsDropped
from autopack.events.artifact import ARTIFACTS_STREAM, ArtifactsPruned
from autopack.format.as_of_moments import hold_of
from autopack.log import views
from autopack.log.journal import Journal
from autopack.log.log import Log, journal_of
from autopack.ports.backend import Reader
from autopack.ports.log import ANY, to_us
from autopack.ports.states import PhaseStatus
from autopack.projections.phases import PHASES

_OVER: Final = {PhaseStatus.COMPLETE, PhaseStatus.SKIPPED, PhaseStatus.CANCELLED}
_DIGEST: Final = re.compile(r"\b[0-9a-f]{64}\b")


@attrs.frozen(kw_only=True)
class Pruned:
    """What was removed, or would be: digests with the bytes that each took."""

    texts: Mapping[str, int]

    @property
    def stored_bytes(self) -> int:
        """How many bytes the texts took, compressed."""
        return sum(self.texts.values())


@attrs.define
class _Mention:
    last_us: int = 0
    runs: set[str | None] = attrs.Factory(set)


def prune_artifacts(
    log: Log,
    *,
    why: str,
    named_before: datetime | None = None,
    larger_than_bytes: int | None = None,
    run_id: str | None = None,
    actor: str = "user",
    dry_run: bool = False,
) -> Pruned:
    """
    Remove the texts that meet all the measures that are given, and record that it was done.

    The events that name a text keep its digest; asking for it raises ``ArtifactMissingError``.

    Args:
        named_before: Texts that no event named at or after this moment. A text that no event
            names at all has no age, and stays.
        larger_than_bytes: Texts that take more than this, compressed.
        run_id: Texts that events of this run name, and no event of another.
        dry_run: Only tell what would go.

    Raises:
        InvalidInputError: No measure was given, so that every text would go, or no reason.
    """
    check_why("Pruning", why)
    if named_before is None and larger_than_bytes is None and run_id is None:
        raise InvalidInputError(
            "Nothing says which texts to remove: give an age, a size or a run. "
            "Nothing was removed.",
            name="named_before",
            value=None,
        )
    before_us = None if named_before is None else to_us(named_before)
    journal = journal_of(log)
    with journal.backend.snapshot() as reader:
        head, mentions = reader.head().position, _mentions(journal, reader)
        kept, sizes = _kept_for_work(reader), reader.artifact_sizes()
    kept |= _last_checkpoints(journal)
    found = {}
    for digest, size in sizes.items():
        if digest in kept:
            continue
        mention = mentions.get(digest, _Mention())
        is_old = before_us is None or 0 < mention.last_us < before_us
        is_large = larger_than_bytes is None or size > larger_than_bytes
        is_of_run = run_id is None or mention.runs == {run_id}
        if is_old and is_large and is_of_run:
            found[digest] = size
    while found and not dry_run:
        event = journal.redacted(
            ArtifactsPruned(
                texts=len(found),
                stored_bytes=sum(found.values()),
                by=actor,
                why=why,
                named_before=named_before,
                larger_than_bytes=larger_than_bytes,
                run_id=run_id,
            )
        )
        kept = _remove(journal, found, event, after=head)
        if not kept:
            break
        found = {digest: size for digest, size in found.items() if digest not in kept}
    return Pruned(texts=found)


def _remove(journal: Journal, found: Mapping[str, int], event: Any, *, after: int) -> set[str]:
    """Remove texts, or none of them: return those that were stored or named since we looked."""
    with journal.transaction() as transaction:
        store = transaction.store
        wanted = _kept_for_work(store) | _mentions(journal, store, after=after).keys()
        kept = wanted & found.keys()
        if not kept:
            for digest in found:
                store.drop_artifact(digest)
            transaction.append_batch([(ARTIFACTS_STREAM, [event], ANY)])
    return kept


def _kept_for_work(reader: Reader) -> set[str]:
    """Return the digests of texts that attempts in work have stored; no event names them yet."""
    keys = (lease.key for lease in reader.leases())
    return {key.rpartition(" ")[2] for key in keys if key.startswith(TEXT_KEY)}


def _last_checkpoints(journal: Journal) -> set[str]:
    """Return what phases that may be gone on with have kept last, under each name."""
    last: dict[tuple[str, str], dict[str, str]] = {}
    for recorded in journal.read_all(types=[PhaseCheckpointed, PhaseCheckpointsDropped]):
        event = recorded.event
        kept = last.setdefault((event.run_id, event.phase_id), {})
        if isinstance(event, PhaseCheckpointed):
            kept[event.name] = event.digest
        else:
            kept.clear()
    rows = views.current(journal, PHASES).rows if last else {}
    stand = {(row.run_id, row.phase_id) for row in rows.values() if row.status not in _OVER}
    return {digest for key, kept in last.items() if key in stand for digest in kept.values()}


def _mentions(journal: Journal, reader: Reader, *, after: int = 0) -> dict[str, _Mention]:
    """Return when each digest was last named, and by events of which runs."""
    mentions: dict[str, _Mention] = {}
    holds = reader.clock_holds()
    for rows in journal.pages(after=after, reader=reader):
        for row in rows:
            for digest in set(_DIGEST.findall(row[9])):
                mention = mentions.setdefault(digest, _Mention())
                hold = hold_of(holds, row[0])
                mention.last_us = row[7] if hold is None else hold.as_of
                mention.runs.add(_run_of(row[9]))
    return mentions


def _run_of(data: str) -> str | None:
    try:
        fields = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return fields.get("run_id") if isinstance(fields, dict) else None
