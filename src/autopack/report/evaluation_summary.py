"""A calibration report as Markdown, from the same values as the page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autopack.report.backtest_text import CUT_MEANT, FIGURES_MEANT, between
from autopack.report.escaping import in_markdown
from autopack.report.evaluation import headline


def summary(data: Mapping[str, Any]) -> str:
    """Return the report as Markdown; *data* as ``evaluation_json`` gives it."""
    parts = [
        f"# Calibration report\n\n{in_markdown(headline(data))}",
        f"- Estimator: {in_markdown(data['estimator'])}, version {in_markdown(data['version'])}\n"
        f"- Log: {in_markdown(data['target'])} ({data['log_id']}), "
        f"up to position {data['position']}\n"
        f"- Made: {data['made_at']}\n"
        f"- Samples: {data['samples']}, of which {data['judged']} have a prediction and a "
        "measured output",
    ]
    if data["tiers"]:
        parts.append("## Faults first, then waste\n\n" + _tiers(data))
    if data["groups"]:
        parts.append("## What to do, group by group\n\n" + "\n".join(_groups(data)))
    parts.append("## Calibrators, judged on this log\n\n" + _scores(data["backtest"]))
    parts.append(FIGURES_MEANT)
    if any(score["cut"] for score in data["backtest"]["scores"]):
        parts.append(CUT_MEANT)
    if data["measures"]:
        parts.append("## What whole phases take\n\n" + _measures(data["measures"]))
    if data["proposals"]:
        parts.append("## Proposals\n\n" + "\n".join(map(_proposal, data["proposals"])))
    return "\n\n".join(parts) + "\n"


def _tiers(data: Mapping[str, Any]) -> str:
    titles = (
        "part", "samples", "underestimated", "cut off", "succeeded", "waste", "P90",
        "SMAPE", "target missed",
    )  # fmt: skip
    return _table(
        titles,
        (
            (
                tier["part"] if tier["stratum"] == "all" else f"{tier['stratum']} {tier['part']}",
                f"{tier['n']}",
                between(tier["underestimated"], tier["underestimated_most"]),
                _share(tier["truncated"]),
                _share(tier["succeeded"]),
                _figure(tier["waste_p50"], 2),
                _figure(tier["waste_p90"], 2),
                _figure(tier["smape"], 1),
                "yes" if tier["needs_work"] else "no",
            )
            for tier in data["tiers"]
        ),
    )


def _groups(data: Mapping[str, Any]) -> Iterator[str]:
    for group in data["groups"]:
        interval = f" (its interval needs {group['interval_needs']} samples)"
        if group["ratio_low"] is not None:
            interval = f" ({group['ratio_low']:.2f} to {group['ratio_high']:.2f})"
        yield (
            f"- {in_markdown(group['category'])}/{in_markdown(group['complexity'])}, "
            f"{group['n']} samples, output over prediction {group['median_ratio']:.2f}{interval}: "
            f"{in_markdown(group['advice'])}"
        )


def _scores(backtest: Mapping[str, Any]) -> str:
    titles = ("calibrator", "rows", "coverage", "worst 200", "pinball", "waste")
    return _table(
        titles,
        (
            (
                score["calibrator"],
                f"{score['n']} + {score['cut']} cut off" if score["cut"] else f"{score['n']}",
                score["note"] or between(score["coverage_least"], score["coverage_most"]),
                between(score["worst_window_least"], score["worst_window_most"]),
                _figure(score["pinball"], 4),
                _figure(score["waste_p50"], 2),
            )
            for score in backtest["scores"]
            if score["group"] == "all"
        ),
    )


def _measures(measures: Sequence[Mapping[str, Any]]) -> str:
    titles = ("measure", "phases", "did not tell it", "coverage", "pinball", "waste")
    return _table(
        titles,
        (
            (
                one["measure"],
                f"{one['phases']}",
                f"{one['untold']}",
                one["note"] or between(one["coverage_least"], one["coverage_most"]),
                _figure(one["pinball"], 4),
                _figure(one["waste_p50"], 2),
            )
            for one in measures
        ),
    )


def _proposal(one: Mapping[str, Any]) -> str:
    told = [one["version"], one["status"], one["decided_at"], one["by"], one["why"]]
    return f"- {in_markdown(', '.join(str(value) for value in told if value))}"


def _table(titles: Sequence[str], rows: Any) -> str:
    lines = [f"| {' | '.join(titles)} |", f"|{'|'.join('---' for _ in titles)}|"]
    lines += [f"| {' | '.join(map(in_markdown, row))} |" for row in rows]
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _figure(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
