"""The manifests satisfy KubeRay's definitions, and what they share is shared."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

KUBERNETES = Path(__file__).parents[2] / "cluster" / "kubernetes"
SCHEMAS = Path(__file__).parent / "schemas"
"""Of KubeRay's operator, 2026-08 (Apache-2.0): fields, types, enums, required ones; pod templates are left open."""


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((KUBERNETES / name).read_text()))


def cluster_spec() -> dict[str, Any]:
    spec: dict[str, Any] = documents("ray-cluster.yaml")[0]["spec"]
    return spec


def pods() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Its name, its spec and its only container, of the head and of every kind of worker."""
    spec = cluster_spec()
    groups = {"head": spec["headGroupSpec"]} | {group["groupName"]: group for group in spec["workerGroupSpecs"]}
    for name, group in groups.items():
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        yield name, pod, container


@pytest.mark.parametrize(("file", "kind"), [("ray-cluster.yaml", "RayCluster"), ("ray-job.yaml", "RayJob")])
def test_a_manifest_satisfies_the_definition_of_its_kind(file: str, kind: str) -> None:
    (manifest,) = documents(file)
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", kind)
    schema = json.loads((SCHEMAS / f"{kind}.v1.json").read_text())
    jsonschema.validate(manifest, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest | {"spec": manifest["spec"] | {"workers": 4}}, schema)


def test_the_job_and_the_standing_cluster_have_the_same_cluster() -> None:
    (job,) = documents("ray-job.yaml")
    assert job["spec"]["rayClusterSpec"] == cluster_spec()


def test_the_cluster_asks_for_a_token_grows_from_nothing_and_trains_nothing_on_its_head() -> None:
    spec = cluster_spec()
    assert spec["authOptions"] == {"mode": "token"} and spec["enableInTreeAutoscaling"] is True
    assert spec["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}
    (workers,) = spec["workerGroupSpecs"]
    assert workers["minReplicas"] == workers["replicas"] == 0 < workers["maxReplicas"]


def test_the_version_of_ray_is_the_installed_one() -> None:
    from importlib.metadata import version

    assert cluster_spec()["rayVersion"] == version("ray")


def test_every_pod_has_shared_memory_the_shared_folder_and_a_cache_of_its_own() -> None:
    seen = []
    for name, pod, container in pods():
        seen.append(name)
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounted = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
        assert mounted["/dev/shm"]["emptyDir"]["medium"] == "Memory"
        assert mounted["/mnt/ablate"]["persistentVolumeClaim"] == {"claimName": "ablate"}
        assert mounted["/cache"]["emptyDir"] == {}
        assert {"name": "ABLATE_CACHE", "value": "/cache"} in container["env"]
    assert seen == ["head", "gpu"]


def test_no_pod_runs_as_root_or_is_started_again_as_another_node() -> None:
    for _, pod, container in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True and pod["restartPolicy"] == "Never"
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_workers_hold_gpus_and_the_head_holds_none() -> None:
    limits = {name: container["resources"]["limits"] for name, _, container in pods()}
    assert limits["gpu"]["nvidia.com/gpu"] == "1" and "nvidia.com/gpu" not in limits["head"]


def test_whatever_the_pods_name_is_made() -> None:
    """By shared.yaml, or by hand, as its comments and the README say."""
    made = {(each["kind"], each["metadata"]["name"]) for each in documents("shared.yaml")}
    claimed = json.dumps([pod for _, pod, _ in pods()])
    claims = set(re.findall(r'"claimName": "([\w-]+)"', claimed))
    maps = set(re.findall(r'"configMap(?:Ref)?": \{"name": "([\w-]+)"\}', claimed))
    assert claims == {"ablate"} and maps == {"ablate", "ablate-run"}
    assert {("PersistentVolumeClaim", name) for name in claims} | {("ConfigMap", name) for name in maps} == made
    by_hand = (KUBERNETES / "shared.yaml").read_text() + (KUBERNETES.parent / "README.md").read_text()
    for name in re.findall(r'\{"name": "([\w-]+)", "optional": true\}', claimed):
        assert re.search(rf"kubectl create (secret generic|configmap) {name} ", by_hand), (
            f"nobody is told to make {name}"
        )


def test_mlflow_and_the_gpus_come_from_the_environment() -> None:
    settings, run = (each["data"] for each in documents("shared.yaml")[1:])
    for name in settings:
        assert f'"${name}"' in run["run.sh"]
    assert set(settings) == {"MLFLOW_TRACKING_URI", "GPUS"}


@pytest.mark.parametrize(("ended", "told"), [(0, 0), (1, 0), (2, 2), (137, 137)])
def test_failed_trials_do_not_make_the_job_rent_its_cluster_again(ended: int, told: int, tmp_path: Path) -> None:
    """KubeRay retries a job that fails (backoffLimit): right where the head died, not where a trial did."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexit {ended}\n")
    python.chmod(0o755)
    script = documents("shared.yaml")[2]["data"]["run.sh"]
    settings = {"PATH": f"{tmp_path}:/bin:/usr/bin", "GPUS": "4", "MLFLOW_TRACKING_URI": "http://mlflow:5000"}
    done = subprocess.run(["bash", "-c", script], env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == told, done.stderr
    assert ("some trials failed" in done.stderr) == (ended == 1)
