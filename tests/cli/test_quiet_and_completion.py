"""Less on the screen, and help from the shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_quiet_prints_the_verdict_alone(run, folder):
    done = run("report", "net.h5", "--data", "data.npz", "--steps", 4, "--json", "quiet.json", "-q")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("accuracy    Keras 100.0%")
    assert "Settings" not in done.stdout and "Written" not in done.stdout
    assert "Layer (type)" not in done.stdout
    assert json.loads((folder / "quiet.json").read_text())["protocol"]["n_steps"] == 4
    # no result of a list of devices is a verdict
    assert run("devices", "loihi", "--quiet").stdout == ""


def test_every_command_can_be_quiet(run):
    from nengo_spikecost import cli

    for name in cli.main.commands:
        assert "-q, --quiet" in run(name, "--help").stdout, name


def completed(shell: str, words: str, **others: str) -> list[str]:
    """What a shell is told, by a process that must not start TensorFlow for it."""
    script = (
        "import sys\nfrom nengo_spikecost.cli import main\n"
        "try:\n    main(prog_name='nengo-spikecost')\n"
        "finally:\n    assert 'tensorflow' not in sys.modules\n"
    )
    number = str(len(words.split(" ")) - 1)
    env = {
        **os.environ, "PYTHONPATH": str(ROOT), "_NENGO_SPIKECOST_COMPLETE": shell,
        "COMP_WORDS": words, "COMP_CWORD": number, **others,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, text=True, capture_output=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "words, next_words",
    [
        ("nengo-spikecost de", ["demo", "deploy", "devices"]),
        ("nengo-spikecost devices lo", ["loihi", "loihi_silicon"]),
        ("nengo-spikecost report --devices cpu,spin", ["cpu,spinnaker", "cpu,spinnaker2"]),
        ("nengo-spikecost sweep --device od", ["odin"]),
        ("nengo-spikecost chips xylo_a", ["xylo_audio2", "xylo_audio3"]),
        ("nengo-spikecost fit model.h5 --chip spe", ["speck2f"]),
    ],
)
def test_a_shell_completes_commands_and_devices(words, next_words):
    assert completed("bash_complete", words) == [f"plain,{word}" for word in next_words]


@pytest.mark.parametrize(
    "shell, part",
    [("bash", "complete -o nosort -F"), ("zsh", "#compdef nengo-spikecost"),
     ("fish", "complete --no-files --command nengo-spikecost")],
)  # fmt: skip
def test_the_line_for_each_shell_gives_its_script(run, shell, part):
    assert part in "\n".join(completed(f"{shell}_source", ""))
    assert f"_NENGO_SPIKECOST_COMPLETE={shell}_source nengo-spikecost" in run("--help").stdout


def test_a_point_is_a_point():
    """495 and 500 of 500: the difference of the floats is a little more than a hundredth."""
    from nengo_spikecost.layout.verdict import POINTS, points

    assert POINTS < 100 * (500 / 500 - 495 / 500)
    assert points(500 / 500, 495 / 500) == POINTS


def test_the_first_screen_of_the_demo_says_whether_it_is_worth_it(run, folder):
    done = run("demo", "--samples", 20, "--json", "demo.json")
    assert done.exit_code == 0, done.stderr
    assert "Rates that no chip has" not in done.stderr
    content = json.loads((folder / "demo.json").read_text())
    assert 0 < max(row["max_rate_hz"] or 0 for row in content["layers"]) <= 1000
    screen = done.stdout.splitlines()[:40]
    assert max(map(len, screen)) <= 80
    assert screen[0].startswith("Settings: scale 150; 40 steps of 1 ms; filter 5 ms;")
    words = " ".join(" ".join(screen).split())
    for part in ("accuracy", "Loihi", "worth it?", "next step", "Per inference of 40 steps"):
        assert part in words, part
