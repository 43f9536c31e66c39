"""Shards on the workers of a cluster: each done once, sent again if lost, in order."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

from nengo_spikecost.deadlines import Clock, OutOfTime
from nengo_spikecost.errors import DataError, MeasurementWarning, ScaleOutError
from nengo_spikecost.scale_out import (
    Built,
    DescribeSamples,
    SampleReader,
    Shard,
    Shards,
    Work,
    checked_client,
    in_order,
    sample_shards,
    shards,
    worker_versions,
)
from nengo_spikecost.warned import warn
from tests.scale_out.on_workers import assert_idle


class Squares(Work, Built):
    """Squares of what is sent; says in a folder where it was built, and can do harm."""

    def __init__(self, folder, harm=None):
        self.folder, self.harm = folder, harm

    def build(self, n_threads):
        (self.folder / f"built {os.getpid()} {threading.get_ident()}").touch(exist_ok=False)
        return self

    def run(self, what, data, go_on):
        if self.harm is not None:
            self.harm(self.folder, what)
        return data**2


def cut(values, size=3):
    return sample_shards(len(values), size, 2, size, data=lambda a, b: values[a:b])


def squares(client, folder, harm=None, values=np.arange(20)):  # noqa: B008
    work = Squares(folder, harm)
    return np.concatenate(list(in_order(client, work, cut(values), "Squaring", False)))


def test_results_are_in_order_and_each_worker_builds_once(client, tmp_path):
    np.testing.assert_array_equal(squares(client, tmp_path), np.arange(20) ** 2)
    built = [name.split()[1] for name in os.listdir(tmp_path)]
    assert 1 <= len(built) == len(set(built)) <= 2


def test_equal_work_is_not_built_again(client, tmp_path):
    squares(client, tmp_path)
    before = set(os.listdir(tmp_path))
    squares(client, tmp_path)
    new = {name.split()[1] for name in set(os.listdir(tmp_path)) - before}
    assert not new & {name.split()[1] for name in before}


def test_every_sample_is_sent_once(client, tmp_path):
    sent = []
    parts = sample_shards(10, 2, 2, 4, data=lambda a, b: sent.append((a, b)) or np.arange(a, b))
    list(in_order(client, Squares(tmp_path), parts, "Squaring", False))
    assert sent == [(0, 4), (4, 8), (8, 10)]


def die_once(folder, what):
    """End the worker that has the third shard, once."""
    if what[0] == 6 and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_dies_is_replaced(client, tmp_path):
    np.testing.assert_array_equal(squares(client, tmp_path, die_once), np.arange(20) ** 2)
    assert (tmp_path / "died").exists()
    client.wait_for_workers(2, timeout=30)


def die_always(folder, what):
    if what[0] == 6:
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_shard_that_ends_every_worker_is_given_up(client, tmp_path):
    with pytest.raises(ScaleOutError, match="samples 6 to 8 ended again and again"):
        squares(client, tmp_path, die_always)
    client.wait_for_workers(2, timeout=30)


class Machine(Work, Built):
    """Has no room for two shards: the second ends the worker of the first, and maybe its own."""

    def __init__(self, folder, alone_too):
        self.folder, self.alone_too = folder, alone_too

    def build(self, n_threads):
        return self

    def run(self, what, data, go_on):
        if what == "innocent":
            begun = self.folder / f"{os.getpid()}.begun"
            begun.touch()
            threading.Event().wait(1)
            begun.unlink()
            return what
        others, until = [], time.monotonic() + 1
        while not others and time.monotonic() < until:
            others = list(self.folder.glob("*.begun"))
            threading.Event().wait(0.02)
        for begun in others:
            begun.unlink()
            os.kill(int(begun.stem), signal.SIGKILL)
            threading.Event().wait(0.2)
        if others or self.alone_too:
            os.kill(os.getpid(), signal.SIGKILL)
        return what


def on_one_machine(folder, alone_too, data):
    distributed = pytest.importorskip("distributed")
    parts = [Shard(what, f"the {what} one", data=data) for what in ("innocent", "guilty")]
    options = {"dashboard_address": None, "n_workers": 2, "threads_per_worker": 1}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        return list(in_order(client, Machine(folder, alone_too), parts, "Ending", False))


SENT_OR_READ = pytest.mark.parametrize(
    "data",
    [pytest.param(lambda: 1, id="sent"), pytest.param(None, id="read", marks=pytest.mark.slow)],
)


@SENT_OR_READ
def test_a_shard_is_not_blamed_for_what_another_did(tmp_path, data):
    with pytest.raises(ScaleOutError, match="had the guilty one ended again and again"):
        on_one_machine(tmp_path, True, data)


@SENT_OR_READ
def test_shards_that_have_no_room_together_are_done_one_by_one(tmp_path, data):
    assert on_one_machine(tmp_path, False, data) == ["innocent", "guilty"]


def raise_own(folder, what):
    raise DataError("input 'image' is empty.")


def raise_other(folder, what):
    raise KeyError("no such thing")


@pytest.mark.parametrize(
    "harm, kind, words",
    [(raise_own, DataError, "^input 'image' is empty.$"),
     (raise_other, ScaleOutError, "^Worker tcp.* failed with KeyError: 'no such thing'$")],
)  # fmt: skip
def test_errors_come_back_as_our_own(client, tmp_path, harm, kind, words):
    with pytest.raises(kind, match=words):
        squares(client, tmp_path, harm)
    assert_idle(client)


def late_and_early(folder, what):
    """The first shard fails long after the second."""
    if what[0] == 0:
        threading.Event().wait(0.5)
    raise DataError(f"sample {what[0]} is odd.")


def test_of_several_errors_that_of_the_first_shard_is_raised(client, tmp_path):
    with pytest.raises(DataError, match=r"^sample 0 is odd\.$"):
        squares(client, tmp_path, late_and_early)


def warn_of(folder, what):
    warn("a neuron is odd", MeasurementWarning)


def test_warnings_come_back(client, tmp_path):
    with pytest.warns(MeasurementWarning, match="a neuron is odd"):
        squares(client, tmp_path, warn_of)


class Endless(Work, Built):
    """Never done, but looks between its batches whether anybody waits."""

    def build(self, n_threads):
        return self

    def run(self, what, data, go_on):
        while True:
            threading.Event().wait(0.02)
            go_on()


def test_an_interrupt_ends_what_runs(client):
    parts = [Shard(k, f"number {k}") for k in range(4)]
    with pytest.raises(KeyboardInterrupt), Shards(client, Endless()) as sent:
        for number, part in enumerate(parts):
            sent.send(number, part)
        raise KeyboardInterrupt
    assert_idle(client)
    # the threads of the workers are free again
    assert client.submit(os.getpid, pure=False).result(timeout=10)


def test_the_progress_is_that_of_samples(client, tmp_path, monkeypatch):
    import contextlib

    seen = []

    @contextlib.contextmanager
    def bar(description, total, enabled):
        seen.append((description, total, enabled))
        yield seen.append

    monkeypatch.setattr(shards, "progress_bar", bar)
    squares(client, tmp_path)
    assert seen[0] == ("Squaring", 20, False) and sum(seen[1:]) == 20 and len(seen) > 5


def test_a_worker_with_other_versions_is_refused(client, tmp_path, monkeypatch):
    ours = worker_versions.own_versions()
    other = {**ours, "nengo": "9.9", "numpy": "0.1"}
    monkeypatch.setattr("nengo_spikecost.scale_out.cluster.own_versions", lambda: other)
    with pytest.raises(ScaleOutError) as error:
        squares(client, tmp_path)
    words = str(error.value)
    assert words.startswith("client: worker tcp://127.0.0.1:")
    assert f"nengo {ours['nengo']} (here 9.9), numpy {ours['numpy']} (here 0.1)." in words
    assert not os.listdir(tmp_path)


def test_one_that_comes_later_is_refused_too(client, tmp_path, monkeypatch):
    other = {**worker_versions.own_versions(), "scipy": None}
    monkeypatch.setattr(shards, "own_versions", lambda: other)
    with pytest.raises(ScaleOutError, match=r"scipy [\d.]+ \(here not installed\)"):
        squares(client, tmp_path)
    assert not os.listdir(tmp_path)


def test_versions_are_asked_where_the_package_is_not_installed():
    code = worker_versions.asker().__code__
    assert "nengo_spikecost" not in (*code.co_names, *code.co_freevars)


@pytest.mark.parametrize("client", ["tcp://127.0.0.1:8786", 3, None])
def test_what_is_no_client_is_refused(client):
    pytest.importorskip("distributed")
    with pytest.raises(ScaleOutError, match="must be a dask"):
        checked_client(client)


def test_a_closed_client_is_refused(cluster):
    import distributed

    client = distributed.Client(cluster, set_as_default=False)
    client.close()
    with pytest.raises(ScaleOutError, match=r"the connection to the scheduler .* is closed"):
        checked_client(client)


def test_what_cannot_be_pickled_is_refused(client, tmp_path):
    work = Squares(tmp_path)
    work.lock = threading.Lock()
    with pytest.raises(ScaleOutError, match="can't be pickled"):
        list(in_order(client, work, cut(np.arange(4)), "Squaring", False))


# ---------------------------------------------------------------------- samples that workers read


@pytest.mark.parametrize("first", [0, 8])
@pytest.mark.parametrize(
    "n, batch_size, size", [(20, 4, 1), (20, 4, 9), (21, 4, 100), (9, 4, None)]
)
def test_shards_are_whole_batches(n, batch_size, size, first):
    parts = sample_shards(n, batch_size, 3, size, first)
    covered = [k for part in parts for k in range(*part.what)]
    assert covered == list(range(first, n)) and sum(part.n for part in parts) == n - first
    assert all((part.what[1] - first) % batch_size == 0 for part in parts[:-1])


def batches_of(x, y, size):
    def function():
        for start in range(0, len(x), size):
            yield x[start : start + size], y[start : start + size]

    return function


SAMPLES, LABELS = np.arange(60.0).reshape(20, 3), np.arange(20)


def sources(folder):
    np.save(folder / "x.npy", SAMPLES)
    np.save(folder / "y.npy", LABELS)
    yield "files", (str(folder / "x.npy"), folder / "y.npy")
    yield "file and array", (str(folder / "x.npy"), LABELS)
    yield "function", lambda: (SAMPLES, LABELS)
    for size in (1, 3, 7, 50):
        yield f"batches of {size}", batches_of(SAMPLES, LABELS, size)


def test_samples_are_read_from_anywhere(tmp_path):
    for name, data in sources(tmp_path):
        reader = SampleReader(data)
        assert reader.n_samples() == 20, name
        for start, stop in [(0, 4), (4, 11), (15, 20), (2, 3), (3, 20)]:
            x, y = reader.read(start, stop)
            np.testing.assert_array_equal(x, SAMPLES[start:stop], name)
            np.testing.assert_array_equal(y, LABELS[start:stop], name)


def test_samples_are_read_from_tf_data():
    tf = pytest.importorskip("tensorflow")

    def dataset():
        return tf.data.Dataset.from_tensor_slices({"a": SAMPLES}).batch(6)

    reader = SampleReader(dataset)
    assert reader.n_samples() == 20
    np.testing.assert_array_equal(reader.read(5, 17)["a"], SAMPLES[5:17])


def test_samples_are_read_from_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")
    path = str(tmp_path / "x.zarr")
    zarr.open_array(path, mode="w", shape=SAMPLES.shape, chunks=(4, 3), dtype="f8")[:] = SAMPLES
    reader = SampleReader(path)
    assert reader.n_samples() == 20
    np.testing.assert_array_equal(reader.read(3, 9), SAMPLES[3:9])


def test_a_file_that_is_not_there(client, tmp_path):
    part = [Shard(False, "the number of samples")]
    with pytest.raises(DataError, match=r"can't be read on a worker .* all machines of"):
        list(in_order(client, DescribeSamples(str(tmp_path / "no.npy")), part, "Reading", False))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "x.npy"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match=r"x\.npy is a device or a pipe, not a data file"):
        SampleReader(str(pipe))
    (tmp_path / "y.npy").mkdir()
    with pytest.raises(DataError, match=r"y\.npy is a folder, not a data file"):
        SampleReader(str(tmp_path / "y.npy"))


def test_parts_of_different_lengths_and_functions_without_samples():
    with pytest.raises(DataError, match=r"different numbers of samples \(19, 20\)"):
        SampleReader((lambda: SAMPLES, LABELS[1:])).n_samples()
    with pytest.raises(DataError, match="the function returned 3, which are no samples"):
        SampleReader(lambda: 3)
    reader = SampleReader(lambda: iter([SAMPLES]))
    with pytest.raises(DataError, match="the function gave 20 samples, and more when"):
        reader.read(10, 30)


def test_digests_do_not_depend_on_how_samples_are_stored(tmp_path):
    digests = {DescribeSamples(data).run(True, None, lambda: None) for _, data in sources(tmp_path)}
    assert len(digests) == 1 and digests.pop()[0] == 20
    other = DescribeSamples((SAMPLES[::-1], LABELS)).run(True, None, lambda: None)
    assert other != DescribeSamples((SAMPLES, LABELS)).run(True, None, lambda: None)


def test_a_time_limit_ends_what_runs(client):
    clock, started = Clock(1.0), time.monotonic()
    with pytest.raises(OutOfTime), clock.governs():
        list(in_order(client, Endless(), [Shard(0, "number 0")], "Waiting", False))
    assert time.monotonic() - started < 3
    assert_idle(client)


def put_in_front(folder):
    sys.path.insert(0, folder)


def test_a_worker_of_another_installation_is_refused(tmp_path):
    """It has another Nengo in front of the one that is here, as a machine of its own may have."""
    distributed = pytest.importorskip("distributed")
    other = tmp_path / "other" / "nengo-9.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: nengo\nVersion: 9.9\n")
    options = {"dashboard_address": None, "n_workers": 1}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        client.run(put_in_front, str(other.parent))
        with pytest.raises(ScaleOutError, match=r"has other versions .* nengo 9\.9 \(here 4"):
            squares(client, tmp_path)
    assert not list(tmp_path.glob("built*"))


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ScaleOutError, match=r"pip install 'nengo-spikecost\[distributed\]'"):
        checked_client(object())
