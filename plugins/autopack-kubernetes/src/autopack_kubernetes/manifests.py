"""Manifests of workers: Jobs, and KEDA's ScaledJobs, as plain values."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from autopack.errors import InvalidInputError
from autopack.types import WorkerOrder

_WORD: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_KEPT_S: Final = 3600
_LOOK_S: Final = 30
_SHORT: Final = 12


@attrs.frozen(kw_only=True)
class Cluster:
    """
    What manifests have in common.

    Args:
        image: Has Python, Autopack, its plugins, and what the executor needs.
        namespace: Where they belong; None is kubectl's own.
        secret: Holds the log's address under ``log``, and for KEDA a connection that libpq would
            take, without the log's schema, under ``connection``.
        gpu: The name of the resource that a GPU is.
        grace_s: How long a pod has between SIGTERM and SIGKILL; more than a worker's ``--grace``.
    """

    image: str
    namespace: str | None = None
    secret: str = "autopack"
    gpu: str = "nvidia.com/gpu"
    grace_s: int = 60

    def job(self, order: WorkerOrder, n: int) -> dict[str, Any]:
        """Return a Job of so many workers; it is done once one has ended well, and all have."""
        spec = {
            "parallelism": n,
            "ttlSecondsAfterFinished": _KEPT_S,
            "template": self._template(order),
        }
        return {"apiVersion": "batch/v1", "kind": "Job", **self._named(order), "spec": spec}

    def scaled_job(
        self, order: WorkerOrder, *, query: str, slots: int, most: int
    ) -> dict[str, Any]:
        """
        Return a ScaledJob: KEDA keeps as many Jobs of one worker as a query asks for.

        Args:
            query: Returns how many phases such workers could be at.
            slots: How many phases a worker is at, at once.
            most: How many workers there may be.
        """
        trigger = {
            "query": query,
            "targetQueryValue": str(slots),
            "connectionFromEnv": "CONNECTION",
        }
        spec = {
            "jobTargetRef": {
                "parallelism": 1,
                "completions": 1,
                "backoffLimit": 0,
                "template": self._template(order, is_scaled=True),
            },
            "pollingInterval": _LOOK_S,
            "maxReplicaCount": most,
            "successfulJobsHistoryLimit": 5,
            "failedJobsHistoryLimit": 5,
            "scalingStrategy": {"strategy": "default"},
            "triggers": [{"type": "postgresql", "metadata": trigger}],
        }
        kind = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledJob"}
        return {**kind, **self._named(order), "spec": spec}

    def _named(self, order: WorkerOrder) -> dict[str, Any]:
        place = {} if self.namespace is None else {"namespace": self.namespace}
        return {"metadata": {"name": name_of(order), **place, "labels": _labels(order)}}

    def _template(self, order: WorkerOrder, *, is_scaled: bool = False) -> dict[str, Any]:
        variables = [self._variable("AUTOPACK_LOG", "log")]
        if is_scaled:
            variables.append(self._variable("CONNECTION", "connection"))
        worker: dict[str, Any] = {
            "name": "worker",
            "image": self.image,
            "command": [_literally(part) for part in order.command],
            "env": variables,
        }
        if limits := self._limits(order.offers):
            worker["resources"] = {"limits": limits, "requests": limits}
        pod: dict[str, Any] = {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": self.grace_s,
            "containers": [worker],
        }
        if selector := _selector(order.offers):
            pod["nodeSelector"] = selector
        return {"metadata": {"labels": _labels(order)}, "spec": pod}

    def _variable(self, name: str, key: str) -> dict[str, Any]:
        source = {"secretKeyRef": {"name": self.secret, "key": key}}
        return {"name": name, "valueFrom": source}

    def _limits(self, offers: Mapping[str, Any]) -> dict[str, str]:
        known = {
            "cpus": ("cpu", 1000, "m"),
            "gpu": (self.gpu, 1, ""),
            "memory_gb": ("memory", 1024, "Mi"),
        }
        found = {}
        for name, there in offers.items():
            if isinstance(there, list | tuple):
                continue
            if name not in known:
                raise InvalidInputError(
                    f"Nobody says what {name!r} is in Kubernetes; known are {', '.join(known)}. "
                    "Require a word instead, which labels of nodes can have.",
                    name="requires",
                    value=name,
                )
            resource, times, unit = known[name]
            found[resource] = f"{math.ceil(there * times)}{unit}"
        return found


def name_of(order: WorkerOrder) -> str:
    """Return a name for an order that leaves room for what Kubernetes appends."""
    digests = order.name.rsplit("-", 2)[-2:]
    return "-".join(("autopack", order.log_id.lower()[-_SHORT:].lstrip("-"), *digests))


def _labels(order: WorkerOrder) -> dict[str, str]:
    return {
        "app.kubernetes.io/managed-by": "autopack",
        "autopack/log": order.log_id.lower(),
        "autopack/worker": name_of(order),
    }


def _selector(offers: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of a node that has all words: ``autopack/NAME-WORD`` is ``true``."""
    named: list[tuple[str, Sequence[str]]] = [
        (name, there) for name, there in offers.items() if isinstance(there, list | tuple)
    ]
    found = {}
    for name, words in named:
        for word in words:
            if not _WORD.fullmatch(f"{name}-{word}"):
                raise InvalidInputError(
                    f"{name}={word} is required, and {name}-{word} can be no label of a node: up "
                    "to 63 letters, digits, '-', '_' and '.'.",
                    name="requires",
                    value=word,
                )
            found[f"autopack/{name}-{word}"] = "true"
    return found


def _literally(part: str) -> str:
    """Return what Kubernetes, which replaces $(VARIABLES) in commands, hands on as it was."""
    return part.replace("$", "$$")
