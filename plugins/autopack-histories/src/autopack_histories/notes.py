"""What an import has met by now: files, records, and what was set aside, by its reason."""

from collections import Counter
from typing import Any


class Notes:
    """
    Counts while a source is read; :attr:`report` is what the import's report shows of it.

    Attributes:
        parents: From which session others were forked, as far as the files read by now tell.
    """

    def __init__(self) -> None:
        self._set_aside: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self.parents: dict[str, str] = {}
        self.report: dict[str, Any] = {"files": 0, "records": 0, "set_aside": {}}

    def file(self) -> None:
        """Count a file."""
        self.report["files"] += 1

    def record(self) -> None:
        """Count a record: a line, a row, or what else the tool writes at once."""
        self.report["records"] += 1

    def set_aside(self, why: str) -> None:
        """Count what could not be taken, by its reason."""
        self._set_aside[why] += 1
        self.report["set_aside"] = dict(sorted(self._set_aside.items()))

    def saw(self, what: str) -> None:
        """Count what was taken, and is worth knowing of."""
        self._seen[what] += 1
        self.report["seen"] = dict(sorted(self._seen.items()))
