"""Names of branches and folders: what people call runs and phases, made safe and unambiguous."""

import hashlib
import re
from typing import Final

_SAFE: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_MOST: Final = 60
WORK: Final = "autopack-work"
_MERGED: Final = "autopack"
JUDGED: Final = re.compile(r"((?:start|again)-[0-9a-f]{12})(?:\.gone)?")
"""What folders are called that are for checks alone; an attempt's ends with its token."""


def safe(name: str) -> str:
    """Return a name as git and every file system take it; two names never become one."""
    is_odd = name.lower().endswith(".lock") or name.startswith("-") or len(name) > _MOST
    if _SAFE.fullmatch(name) and not is_odd:
        return name
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[: _MOST - 8].rstrip("-") or "x"
    return f"{plain}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:7]}"


def work_branch(run_id: str, phase_id: str, attempt: int, token: str) -> str:
    """Return the branch of an attempt, which no other attempt of any log has."""
    return f"{WORK}/{safe(run_id)}/{safe(phase_id)}/{attempt}-{token[:8]}"


def tree_path(run_id: str, phase_id: str, attempt: int, token: str) -> str:
    """Return the folder of an attempt, below that of all trees."""
    return f"{safe(run_id)}/{safe(phase_id)}-{attempt}-{token[:8]}"


def start_path(run_id: str, commit: str) -> str:
    """Return the folder in which a run's start is checked."""
    return f"{safe(run_id)}/start-{commit[:12]}"


def again_path(run_id: str, commit: str) -> str:
    """Return the folder in which a commit is judged again."""
    return f"{safe(run_id)}/again-{commit[:12]}"


def merged_branch(run_id: str, n: int = 1) -> str:
    """Return the branch that a run's work is merged into, or the n-th of that name."""
    return f"{_MERGED}/{safe(run_id)}" + ("" if n == 1 else f"-{n}")
