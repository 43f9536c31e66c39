"""Progress bars: in a terminal, in a notebook, and nowhere else."""

from __future__ import annotations

import io
import sys
import time
from types import SimpleNamespace

import nengo
import pytest

from nengo_spikecost import loihi
from nengo_spikecost.deadlines import Clock
from nengo_spikecost.progress import progress_bar, progress_words


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_no_bar_where_nobody_looks(capsys):
    with progress_bar("Simulating", 3) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_has_one_on_standard_error(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar("Simulating", 3) as advance:
        advance(2)
    assert "Simulating" in sys.stderr.getvalue() and "2/3" in sys.stderr.getvalue()
    assert capsys.readouterr().out == ""


@pytest.fixture
def shown(monkeypatch):
    """A kernel of Jupyter, as far as IPython's documented `display` goes: what it is given."""
    messages = []
    handle = SimpleNamespace(update=lambda data, raw: messages.append(data))

    def display(data, raw, display_id):
        assert raw and display_id
        messages.append(data)
        return handle

    module = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    return messages


def test_a_notebook_has_one_without_widgets(shown, capsys):
    with progress_bar("Simulating <b>", 3) as advance:
        advance(2)
    assert (
        '<progress value="2" max="3"></progress> Simulating &lt;b&gt; 2/3' in shown[1]["text/html"]
    )
    assert "left" in shown[1]["text/plain"]
    assert shown[-1]["text/html"] == ""  # it goes away
    assert capsys.readouterr() == ("", "")


def test_a_bar_goes_away_when_a_loop_fails(shown):
    with pytest.raises(ZeroDivisionError), progress_bar("Simulating", None):
        raise ZeroDivisionError
    assert "<progress>" in shown[0]["text/html"] and shown[-1]["text/html"] == ""


def test_fit_blocks_shows_how_much_of_its_time_has_passed(shown):
    with nengo.Network(seed=0) as net:
        nengo.Ensemble(20, 1)
    loihi.fit_blocks(net, time_limit=7, progress=False)
    assert shown == []
    loihi.fit_blocks(net, time_limit=7)
    assert "Fitting blocks, seconds 0/7" in shown[0]["text/plain"]


def test_a_clock_moves_a_bar_by_whole_seconds(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    clock, moved = Clock(3.5), []
    clock.move_by_seconds(moved.append, 4)
    for seconds in (0.5, 1.2, 1.9, 3.1, 9.0):
        now[0] = 100 + seconds
        assert clock.has_passed == (seconds > 3.5)
    assert moved == [1, 2, 1]


@pytest.mark.parametrize(
    "done, total, elapsed, words",
    [  # the rest at the speed until now, by hand
        (20, 100, 15, "a 20/100, elapsed 0:15, left 1:00"),
        (0, 100, 15, "a 0/100, elapsed 0:15"),
        (5, None, 3661, "a 5, elapsed 1:01:01"),
    ],
)
def test_time_left(done, total, elapsed, words):
    assert progress_words("a", done, total, elapsed) == words
