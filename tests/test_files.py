"""Files whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from nengo_spikecost.checkpoints import Checkpoint
from nengo_spikecost.errors import DataError
from nengo_spikecost.files import check_writable, is_same_file, write_text, written_whole


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    write_text(str(path), "new\u00e9\n")
    assert path.read_bytes() == "new\u00e9\n".encode()
    assert os.listdir(tmp_path) == ["a.txt"]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(DataError, match=r"Cannot write '.*a.txt': No space left"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match="Cannot write"):
        write_text(tmp_path, "text")
    assert os.listdir(tmp_path) == []


def test_a_link_is_followed(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("this system has no symbolic links")
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path):
    # a pipe stands for /dev/null, which a test that fails would take from the whole machine
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    check_writable(pipe)
    write_text(pipe, "text")
    reader.join(timeout=10)
    assert read == ["text"] and pipe.is_fifo()
    assert os.listdir(tmp_path) == ["pipe"]


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write anywhere")
def test_a_file_that_is_write_protected_is_kept(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(DataError, match="not yours to write to"):
        check_writable(path)


def killed_while_writing(path):
    """A process that has begun to write ``path`` and was killed."""
    code = (
        "import sys, time\nfrom nengo_spikecost.files import written_whole\n"
        "with written_whole(sys.argv[1]) as file:\n"
        "    file.write(b'half'); file.flush(); print('begun', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"begun\n"
    return process


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills in another way")
def test_what_killed_runs_leave_is_taken_away_by_the_next(tmp_path):
    path = tmp_path / "a.txt"
    process = killed_while_writing(path)
    # it is still at work: another writer leaves its file alone, and it can finish
    write_text(path, "mine")
    assert len(os.listdir(tmp_path)) == 2
    process.kill()
    process.wait()
    (tmp_path / "a.txt.notes.tmp").write_text("the user's own")
    (tmp_path / "b.txt.0123abcd.tmp").write_text("of another file")
    write_text(path, "later")
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "a.txt.notes.tmp", "b.txt.0123abcd.tmp"]
    assert path.read_text() == "later"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills in another way")
def test_a_checkpoint_is_cleaned_up_when_it_is_taken_up_again(tmp_path):
    Checkpoint(tmp_path / "run", {"seed": 0})
    process = killed_while_writing(tmp_path / "run" / "batch-000007.npz")
    process.kill()
    process.wait()
    assert len(os.listdir(tmp_path / "run")) == 2
    Checkpoint(tmp_path / "run", {"seed": 0})
    assert len(os.listdir(tmp_path / "run")) == 1


def test_many_writers_of_one_file(tmp_path):
    """Each takes away what it takes for left behind, and none takes another's."""
    path, failed = tmp_path / "a.txt", []

    def write(number):
        try:
            for _ in range(50):
                with written_whole(path) as file:
                    file.write(b"%d" % number * 1000)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and os.listdir(tmp_path) == ["a.txt"]
    assert len(set(path.read_bytes())) == 1


def test_the_same_file_under_other_names(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "folder").mkdir()
    assert is_same_file(tmp_path / "a.txt", tmp_path / "folder" / ".." / "a.txt")
    assert is_same_file(tmp_path / "new.txt", tmp_path / "folder" / ".." / "new.txt")
    assert not is_same_file(tmp_path / "b.txt", tmp_path / "a.txt")
    assert not is_same_file(os.devnull, os.devnull)
    os.link(tmp_path / "a.txt", tmp_path / "hard.txt")
    (tmp_path / "soft.txt").symlink_to(tmp_path / "a.txt")
    assert is_same_file(tmp_path / "hard.txt", tmp_path / "a.txt")
    assert is_same_file(tmp_path / "soft.txt", tmp_path / "a.txt")
    # a SavedModel is its folder; any other folder is not touched by a file in it
    assert not is_same_file(tmp_path / "folder" / "b.txt", tmp_path / "folder")
    (tmp_path / "folder" / "saved_model.pb").write_text("")
    assert is_same_file(tmp_path / "folder" / "b.txt", tmp_path / "folder")
