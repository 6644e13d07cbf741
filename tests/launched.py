"""What workers do that an engine has started: an executor that ends when a test says so."""

EXECUTOR = """\
import asyncio, os, pathlib


async def execute(phase, attempt):
    here = pathlib.Path(os.environ["AUTOPACK_TEST_PLACE"])
    await attempt.arecord_usage(model="m", input_tokens=10, output_tokens=20)
    (here / f"began-{phase.phase_id}-{attempt.number}").touch()
    while not (here / f"go-{phase.phase_id}").exists():
        await asyncio.sleep(0.02)
"""
