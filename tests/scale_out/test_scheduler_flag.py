"""``--scheduler``: commands whose work a cluster shares print what they print alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nengo_spikecost import stack
from tests.commands import runner_in
from tests.models import conv_net, images


@pytest.fixture
def run(tmp_path, monkeypatch):
    model = conv_net(stack.keras())
    model.save(tmp_path / "model.h5")
    x = images(60)
    np.savez(tmp_path / "data.npz", x=x, y=model.predict_on_batch(x).argmax(axis=1))
    return runner_in(tmp_path, monkeypatch)


COMMANDS = {
    "report": "report model.h5 --data data.npz --steps 10 --simulator compiled --no-try",
    "deploy": "deploy model.h5 --data data.npz --steps 10 --presentation fresh --no-try",
    "sweep": "sweep model.h5 --data data.npz --steps 10,20 --trials 6 --losses 0.2 --study s.db"
    " --samples 40 --confirm 20",
    "sweep on the chip": "sweep model.h5 --data data.npz --steps 10 --trials 4 --losses 0.5 "
    "--study s.db --simulator loihi --samples 20 --confirm 10",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_is_written(run, cluster, tmp_path, command):
    written = []
    for flag in ([], ["--scheduler", cluster.scheduler_address]):
        (tmp_path / "s.db").unlink(missing_ok=True)
        told = run(*COMMANDS[command].split(), "--json", "out.json", *flag)
        assert told.exit_code == 0, told.output
        content = json.loads((tmp_path / "out.json").read_text())
        written.append(_without_times(content))
    assert written[0] == written[1]


def _without_times(content):
    if isinstance(content, dict):
        left_out = ("seconds", "command", "typed")
        return {k: _without_times(v) for k, v in content.items() if k not in left_out}
    return [_without_times(v) for v in content] if isinstance(content, list) else content


def test_a_scheduler_that_is_not_there(run, monkeypatch):
    monkeypatch.setattr("nengo_spikecost.scale_out.cluster.ANSWER_S", 1)
    told = run(*COMMANDS["report"].split(), "--scheduler", "tcp://127.0.0.1:9")
    assert told.exit_code == 2
    assert "Error: No scheduler of Dask answers at tcp://127.0.0.1:9" in told.stderr
    assert "Traceback" not in told.output


def test_a_presentation_that_cannot_be_shared(run, cluster):
    told = run(
        "deploy", "model.h5", "--data", "data.npz", "--steps", "10", "--scheduler",
        cluster.scheduler_address,
    )  # fmt: skip
    assert told.exit_code == 2
    assert "client: presentation='continuous' can't be shared" in told.stderr
