"""Writes calibration reports under names that are free; an earlier report is never replaced."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from autopack.format.codec import plain
from autopack.ports.prediction import Proposal
from autopack.report.proposal_text import calibration_json, calibration_markdown, report_name


def write_calibration(proposal: Proposal, folder: Path, *, at: datetime) -> list[Path]:
    """Write a proposal's Markdown and JSON into *folder* and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    named = at
    while any((folder / f"{report_name(named)}.{end}").exists() for end in ("md", "json")):
        named += timedelta(seconds=1)
    held = {"proposal": plain(proposal), **plain(calibration_json(proposal))}
    texts = {
        "md": calibration_markdown(proposal, at=at),
        "json": json.dumps(held, indent=2) + "\n",
    }
    files = []
    for ending, text in texts.items():
        file = folder / f"{report_name(named)}.{ending}"
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        files.append(file)
    return files
