"""Manifests are such as Kubernetes' and KEDA's published schemas have them."""

import json
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest

from autopack.errors import InvalidInputError
from autopack.types import WorkerOrder
from autopack_kubernetes.manifests import Cluster, name_of

SCALED_JOB = json.loads(Path(__file__).with_name("scaled_job.schema.json").read_text())
CLUSTER = Cluster(image="registry/work:1", namespace="night")
OFFERS = {"gpu": 1, "memory_gb": 1.5, "cpus": 0.25, "label": ["eu", "fast"]}


def order(**offers):
    log_id = "01a2272b-4d41-730f-8c2e-199c97261d4f"
    return WorkerOrder(log_id=log_id, command=("autopack", "worker"), offers=offers)


def scaled(**offers):
    return CLUSTER.scaled_job(order(**offers), query="SELECT 1", slots=4, most=50)


def check_job(manifest):
    """Hold a Job to the schema of the newest Kubernetes that is known, unknown fields included."""
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("offers", [{}, OFFERS])
def test_a_job_is_valid(offers):
    """By Kubernetes' own JSON schemas; a field that there is not is found."""
    job = CLUSTER.job(order(**offers), 3)
    check_job(job)
    job["spec"]["parallelismus"] = 3

    with pytest.raises(kubernetes_validate.ValidationError):
        check_job(job)


@pytest.mark.parametrize("offers", [{}, OFFERS])
def test_a_scaled_job_is_valid(offers):
    """By what KEDA's CRD says, and its pods by Kubernetes' schemas."""
    manifest = scaled(**offers)
    spec = manifest["spec"]["jobTargetRef"]
    check_job({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": spec})
    jsonschema.validate(manifest, SCALED_JOB)
    manifest["spec"]["maxReplicas"] = 3

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest, SCALED_JOB)


def test_a_command_is_run_as_it_is():
    """Kubernetes puts the values of variables, secrets among them, in the place of their names."""
    log_id = "01a2272b-4d41-730f-8c2e-199c97261d4f"
    words = ("sh", "-c", "echo $$ $x $(CONNECTION) $$(date)")
    pod = CLUSTER.job(WorkerOrder(log_id=log_id, command=words), 1)["spec"]["template"]["spec"]
    (worker,) = pod["containers"]

    assert ["sh", "-c", "echo $$$$ $$x $$(CONNECTION) $$$$(date)"] == worker["command"]


def test_what_is_required_is_asked_of_the_cluster():
    """Amounts as resources, words as labels of nodes."""
    pod = CLUSTER.job(order(**OFFERS), 1)["spec"]["template"]["spec"]
    limits = {"nvidia.com/gpu": "1", "memory": "1536Mi", "cpu": "250m"}

    assert {"limits": limits, "requests": limits} == pod["containers"][0]["resources"]
    assert {"autopack/label-eu": "true", "autopack/label-fast": "true"} == pod["nodeSelector"]


def test_names_leave_room_for_what_kubernetes_appends():
    """They differ by what workers offer, and are labels, too."""
    names = {name_of(order()), name_of(order(gpu=1))}
    manifest = scaled()

    assert 2 == len(names)
    assert all(50 >= len(name) for name in names)
    assert all(63 >= len(value) for value in manifest["metadata"]["labels"].values())
    assert "night" == manifest["metadata"]["namespace"]


@pytest.mark.parametrize(
    ("offers", "says"),
    [({"tpu": 1}, "Nobody says what 'tpu' is"), ({"label": ["a b"]}, "can be no label of a node")],
)
def test_what_no_node_can_have_is_refused(offers, says):
    """With what is known."""
    with pytest.raises(InvalidInputError, match=says):
        CLUSTER.job(order(**offers), 1)
