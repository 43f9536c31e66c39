"""The files to copy for clusters say one thing throughout."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CLUSTER = Path(__file__).parents[2] / "examples" / "cluster"


def test_the_parts_of_the_kubernetes_cluster_find_each_other():
    yaml = pytest.importorskip("yaml")
    cluster = yaml.safe_load((CLUSTER / "kubernetes.yaml").read_text())
    assert (cluster["apiVersion"], cluster["kind"]) == ("kubernetes.dask.org/v1", "DaskCluster")
    spec = cluster["spec"]
    service = spec["scheduler"]["service"]
    assert service["selector"]["dask.org/cluster-name"] == cluster["metadata"]["name"]
    (scheduler,), (worker,) = (spec[k]["spec"]["containers"] for k in ("scheduler", "worker"))
    assert scheduler["image"] == worker["image"]
    named = {port["name"]: port["containerPort"] for port in scheduler["ports"]}
    assert {p["targetPort"]: p["port"] for p in service["ports"]} == named
    threads = worker["args"][worker["args"].index("--nthreads") + 1]
    assert threads == worker["resources"]["limits"]["cpu"]
    mounts = {mount["name"] for mount in worker["volumeMounts"]}
    assert mounts == {volume["name"] for volume in spec["worker"]["spec"]["volumes"]}


def test_the_slurm_cluster_has_these_arguments():
    tree = ast.parse((CLUSTER / "slurm.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    (made,) = [c for c in calls if getattr(c.func, "id", "") == "SLURMCluster"]
    given = {keyword.arg for keyword in made.keywords}
    jobqueue = pytest.importorskip("dask_jobqueue")
    options = dict.fromkeys(given - {"cores", "processes", "memory", "job_script_prologue"}, "1")
    cluster = jobqueue.SLURMCluster(
        cores=2, processes=2, memory="2GB", job_script_prologue=["source x"], **options,
        scheduler_options={"dashboard_address": None},
    )  # fmt: skip
    assert "source x" in cluster.job_script()
    cluster.close()
