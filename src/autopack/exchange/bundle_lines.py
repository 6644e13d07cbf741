"""A run as lines that prove themselves: its events, a signed head, and how they hang together."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from autopack.events import HeadSigned
from autopack.format.chain import seed
from autopack.format.cloudevents import to_line
from autopack.format.signed_heads import HeadTrees
from autopack.ports.backend import LogIdentity
from autopack.ports.log import Row

FORMAT: Final = 1


@attrs.frozen
class BundleLines:
    """What is in a bundle of a run, line by line; ``docs/log_format.md`` describes each."""

    identity: LogIdentity
    head: HeadSigned
    trees: HeadTrees

    def first(self, run_id: str, *, events: int, texts: int) -> str:
        """Return the line that says whose bundle it is, with the signed head."""
        head = self.head
        return _line(
            {
                "autopackbundle": FORMAT,
                "run": run_id,
                "logid": self.identity.log_id,
                "chainorigin": self.identity.origin_id,
                "position": head.position,
                "chainhash": head.hash,
                "eventsroot": head.events_root,
                "streams": head.streams,
                "streamsroot": head.streams_root,
                "publickey": head.public_key,
                "signature": head.signature,
                "events": events,
                "texts": texts,
            }
        )

    def end_of(self, stream: str) -> str:
        """Return what proves how many events a stream has; of one with none, who stand beside."""
        ends, name = self.trees.ends, stream.encode()
        at = bisect_left(ends, (name, 0))
        if at < len(ends) and ends[at][0] == name:
            return _line(self._leaf(at))
        beside = [self._leaf(i) for i in (at - 1, at) if 0 <= i < len(ends)]
        return _line({"stream": stream, "version": 0, "beside": beside})

    def event(self, row: Row) -> str:
        """Return an event as an export has it, with the hash before it and the way to the root."""
        earlier = row[0] - 2
        before = seed(self.identity.origin_id) if earlier < 0 else self.trees.hashes[earlier]
        proof = b"".join(self.trees.events.proof(row[0] - 1)).hex()
        placed = f'{{"chainbefore":"{before.hex()}","chainproof":"{proof}",'
        return placed + to_line(row, self.identity)[1:]

    def _leaf(self, at: int) -> dict[str, Any]:
        name, version = self.trees.ends[at]
        proof = b"".join(self.trees.streams.proof(at)).hex()
        return {"stream": name.decode(), "version": version, "index": at, "chainproof": proof}


def text_lines(texts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a line for each text beside the log, by its digest."""
    for digest, content in texts:
        yield _line({"text": digest, "content": content})


def _line(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
