"""Commands killed at random moments: files whole or absent, and in the end the same results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from tests.models import write_model_and_data

from .jobs import JOBS

ROOT = Path(__file__).parents[2]

#: Of each job; 210 in all.
N_KILLS = 35

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed in forks")


def killed(job, folder, n_kills, seed):
    """Run a job with so many kills; what it printed."""
    write_model_and_data(tf.keras, folder)
    command = [sys.executable, "-m", "tests.faults.jobs", str(folder), job, str(n_kills), str(seed)]
    done = subprocess.run(
        command, cwd=ROOT, text=True, capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert sum(said["kills"].values()) >= n_kills
    return said


@pytest.mark.slow
@pytest.mark.parametrize("job", JOBS)
def test_killed_at_random(job, tmp_path):
    said = killed(job, tmp_path, N_KILLS, seed=1)
    print(job, said)
    keeps = "--checkpoint" in JOBS[job] or "--study" in JOBS[job]
    assert bool(said["went_on"]) == keeps


def test_killed_a_few_times(tmp_path):
    assert killed("report", tmp_path, 3, seed=0)["kills"]
