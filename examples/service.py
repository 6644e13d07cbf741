"""
A web service that drains in the background and shows what happens as server-sent events.

Run it with: uvicorn service:app --timeout-graceful-shutdown 5
(needs: pip install fastapi uvicorn)

    POST /runs/{run_id}   queue phases: [{"id": "p1", "category": "docs", "complexity": "low"}]
    GET  /status          how the log stands
    GET  /events?after=0  every event from there on, as it is recorded
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Body, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse

import autopack
from autopack import AutopackError, Completed, Drain
from autopack.errors import InvalidInputError
from autopack.report.history import event_json
from autopack.report.status import status_json

LOG = Path(os.environ.get("SERVICE_LOG", "service.db"))


async def execute(phase, attempt):
    """Do a phase; a real one would await a model's answer here."""
    await asyncio.sleep(0.01)
    await attempt.arecord_usage(
        call_id=f"{phase.key}-{attempt.number}", model="m-1", input_tokens=900, output_tokens=400
    )
    return Completed(summary="done")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the log and drain it for as long as the service runs."""
    make = autopack.open_log if LOG.exists() else autopack.create_log
    with make(LOG) as app.state.log:
        drain = Drain(
            app.state.log, executor=execute, workers=2, when_empty="wait", allow_empty=True
        )
        async with drain:
            yield


app = FastAPI(lifespan=lifespan)


@app.exception_handler(AutopackError)
def refused(_request: Request, fault: AutopackError) -> JSONResponse:
    """Say what was wrong; nothing was changed."""
    return JSONResponse({"error": str(fault)}, status_code=409)


@app.post("/runs/{run_id}", status_code=201)
def create_run(run_id: str, phases: list[dict] = Body()) -> dict:  # noqa: B008
    """Create a run; the drain takes its phases as soon as they are recorded."""
    try:
        specs = autopack.parse_run({"phases": phases}, source="the request").phases
    except InvalidInputError as fault:
        raise HTTPException(422, str(fault)) from fault
    recorded = autopack.create_run(app.state.log, run_id, specs)
    return {"run_id": run_id, "position": recorded[-1].position}


@app.get("/status")
def status() -> dict:
    """Show how the log stands."""
    return status_json(autopack.status(app.state.log))


@app.get("/events")
async def events(after: int = 0) -> StreamingResponse:
    """Send every event after a position, then each new one as it is recorded, by any process."""

    async def stream() -> AsyncIterator[str]:
        async for recorded in app.state.log.afollow(after=after):
            data = json.dumps(event_json(recorded))
            yield f"id: {recorded.position}\nevent: {recorded.type}\ndata: {data}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream")
