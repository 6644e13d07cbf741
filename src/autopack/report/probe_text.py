"""A probe as text: go or no-go, and every check with what it saw."""

from typing import Any

from autopack.report.escaping import on_line


def probe_text(report: Any) -> str:
    """Return an :class:`autopack.ProbeReport` as lines."""
    verdict = "GO" if report.is_go else "NO-GO"
    lines = [f"{verdict}: {'no phase' if report.phase is None else f'phase {report.phase}'}"]
    for check in report.checks:
        mark = "ok" if check.is_ok else "FAILED" if check.is_needed else "warning"
        lines.append(f"  {mark:<8} {check.name:<17} {check.says}")
    return "\n".join(map(on_line, lines))
