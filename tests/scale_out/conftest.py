"""A cluster of two workers in processes of their own, and a PostgreSQL server, started once."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2)
        yield client


def binaries():
    """The folder of initdb and postgres; Debian keeps them out of the way."""
    found = shutil.which("initdb")
    folders = [os.path.dirname(found)] if found else sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    return Path(folders[-1]) if folders else None


def wait_until_it_answers(folder, process, seconds=120):
    """Its socket is there before it takes connections: on a busy machine, seconds before."""
    import psycopg

    until = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(f"host={folder} user=study dbname=postgres").close()
            return
        except psycopg.OperationalError as error:
            assert process.poll() is None and time.monotonic() < until, error
            time.sleep(0.1)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    pytest.importorskip("psycopg")
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    # its socket's path has at most 107 characters
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    # PostgreSQL does not run as root
    user = {"user": "nobody"} if os.getuid() == 0 else {}
    if user:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    initdb = [binaries() / "initdb", "-D", folder / "data", "-U", "study", "-A", "trust", "-N"]
    subprocess.run(initdb, check=True, **quiet)
    process = subprocess.Popen(
        [binaries() / "postgres", "-D", folder / "data", "-k", folder, "-h", "", "-F"], **quiet
    )
    try:
        wait_until_it_answers(folder, process)
        yield folder
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def address(server, request):
    """The address of a new database."""
    import psycopg

    name = f"study{abs(hash(request.node.name))}"
    with psycopg.connect(f"host={server} user=study dbname=postgres", autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}")
    return f"postgresql://study@/{name}?host={server}"
