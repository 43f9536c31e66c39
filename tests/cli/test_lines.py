"""The lines of all commands: none printed twice, and none wider than a terminal of 80 columns."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from nengo_spikecost.cli import main

DATA = ("net.h5", "--data", "data.npz")
SHORT = ("--steps", "8", "--samples", "6")

COMMANDS = {
    "help": ("--help",),
    "deploy": ("deploy", *DATA, *SHORT, "--cost"),
    "deploy by step": ("deploy", *DATA, *SHORT, "--cost", "--by-step", "--profile", "davies2018"),
    "report": ("report", *DATA, *SHORT, "--chip"),
    "fit": ("fit", *DATA, "--json", "fit.json"),
    "fit without data": ("fit", "net.h5"),
    "fit --chip": ("fit", "net.h5", "--chip", "speck2f"),
    "check": ("check", "net.h5"),
    "tune": ("tune", *DATA, *SHORT, "--target", "50"),
    "sweep": ("sweep", *DATA, "--samples", "6", "--study", "lines.db", "--trials", "4"),
    "advise": ("advise", *DATA, *SHORT, "--first-samples", "2", "--changes", "2"),
}


@pytest.fixture(scope="module")
def outputs():
    return {}


@pytest.fixture(params=COMMANDS, ids=str)
def printed(request, run, outputs):
    if request.param not in outputs:
        done = run(*COMMANDS[request.param])
        assert done.exit_code == 0, done.stderr
        outputs[request.param] = done.stdout
    return outputs[request.param]


def is_code(line):
    """Whether a line is Python to be pasted, which is not wrapped."""
    return line.startswith(("net.config[", "    model.get_layer("))


def test_no_line_is_wider_than_a_terminal(printed):
    assert [line for line in printed.splitlines() if len(line) > 80 and not is_code(line)] == []


@pytest.mark.parametrize("name", sorted(main.list_commands(None)))
def test_no_line_of_a_help_is_wider_and_its_example_has_flags_that_it_has(run, name):
    done = run(name, "--help")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    example = lines[lines.index("Example:") + 1].split()
    assert example[:2] == ["nengo-spikecost", name]
    options = "\n".join(lines[: lines.index("Example:")])
    assert all(word in options for word in example[2:] if word.startswith("--"))


def paragraphs(text):
    """Sentences and commands, each in one line, without what they are indented by."""
    text = re.sub(r" \\\n +| &&\n +", " ", text)
    found = []
    for line in text.splitlines():
        begins = re.match(r"\S|\* ", line)
        if begins or not found or line.strip().startswith("nengo-spikecost"):
            found.append(line.strip())
        else:
            found[-1] += f" {line.strip()}"
    return [line for line in found if len(line) > 30 and not set(line) <= set("- ")]


def test_nothing_is_printed_twice(printed):
    counts = Counter(paragraphs(printed))
    assert {line: n for line, n in counts.items() if n > 1} == {}


def test_the_same_command_is_not_advised_twice(printed):
    commands = [line.replace(" --cost", "") for line in paragraphs(printed)
                if line.startswith("nengo-spikecost")]  # fmt: skip
    said = [re.sub(r" --data \S+", "", line) for line in commands]
    assert sorted(said) == sorted(set(said))


def test_the_verdict_is_of_the_constants_that_were_asked_for(run, folder):
    flags = ("--profile", "davies2018", "--host-io", "none", "--board", "nahuku32_from_boot",
             "--x86-active", "0.25,0.5,1")  # fmt: skip
    done = run("deploy", *DATA, *SHORT, "--cost", *flags, "--json", "priced.json")
    assert done.exit_code == 0, done.stderr
    content = json.loads((folder / "priced.json").read_text())
    own = {line["about"]: line["sentence"] for line in content["verdict"]["lines"]}
    of_cost = {line["about"]: line["sentence"] for line in content["cost"]["verdict"]["lines"]}
    assert of_cost.items() <= own.items()
    active = content["cost"]["constants"]["x86_active"]
    assert [active[key] for key in ("low", "value", "high")] == [0.25, 0.5, 1.0]
    quiet = run("deploy", *DATA, *SHORT, "--cost", *flags, "-q")
    assert quiet.stdout.count("Loihi  ") == 1
