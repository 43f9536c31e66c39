"""Where a study is kept: a file of SQLite for one process, or PostgreSQL for many machines.

Both speak the same SQL here, with ``?`` for values. PostgreSQL is reached through SQLAlchemy, at an
address such as ``postgresql://USER@HOST/NAME``. Locks between processes are its advisory locks,
which it lets go of however a process ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from ...errors import StudyError, TuningError
from ...files import check_is_file, check_writable, is_address

TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS arrays (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS digests (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trials (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, origin TEXT NOT NULL,
    baseline INTEGER NOT NULL, parent INTEGER, scales TEXT NOT NULL, synapse REAL,
    reason TEXT NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS readings (
    trial INTEGER NOT NULL REFERENCES trials (number), n_steps INTEGER NOT NULL,
    n_seen INTEGER NOT NULL, accuracy REAL NOT NULL, mean_J REAL NOT NULL, synops REAL,
    layer_synops TEXT NOT NULL, correct BLOB NOT NULL, energy_J BLOB NOT NULL,
    PRIMARY KEY (trial, n_steps)
);
"""

DRAFTS = """
CREATE TABLE IF NOT EXISTS drafts (
    part TEXT NOT NULL, n_steps INTEGER NOT NULL, synops REAL, layer_synops TEXT NOT NULL,
    correct BLOB NOT NULL, energy_J BLOB NOT NULL, agreement BLOB,
    PRIMARY KEY (part, n_steps)
);
"""
"""Readings of trials that are under way, in studies of several processes."""


#: What SQLite says where the system refused something, which is no fault of the file's content.
_SYSTEM = ("disk I/O error", "unable to open", "out of memory", "is full")


class StudyDatabase(Protocol):
    """A database that holds one study."""

    name: str | None
    is_shared: bool
    errors: tuple[type[Exception], ...]
    cannot_write: tuple[type[Exception], ...]

    def hindrance(self, error: Exception, doing: str) -> str | None:
        """What keeps a database that may be whole from being read or written; else None."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a statement; gives its rows, as tuples."""

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each row."""

    def transaction(self) -> contextlib.AbstractContextManager[Any]:
        """All that is written in this context, or nothing; one inside another is part of it."""

    def one_moment(self) -> contextlib.AbstractContextManager[Any]:
        """All that is read in this context is of one moment, without what others write then."""

    def tables(self) -> list[str]:
        """Names of the tables that there are."""

    def make_tables(self) -> None:
        """Make those that are missing."""

    def lock(self, name: str, wait: bool = True) -> bool:
        """Whether this process now holds a lock that one at a time can have."""

    def unlock(self, name: str) -> None:
        """Let go of it."""

    def close(self) -> None:
        """Close the connection."""


class SqliteDatabase:
    """A file, or memory.

    Parameters
    ----------
    path : str, optional
    readonly : bool
    """

    is_shared = False
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    cannot_write: tuple[type[Exception], ...] = (sqlite3.OperationalError, OSError)

    def __init__(self, path: str | None, readonly: bool = False):
        self.name = path
        self._lock = contextlib.ExitStack()
        if path is not None:
            if not readonly:
                check_writable(path)
                if os.path.exists(path):
                    check_is_file(path, "study", TuningError)
                self._lock.enter_context(_only_one(path))
            elif not os.path.isfile(path):
                raise TuningError(f"There is no study {path}.")
        try:
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        except sqlite3.DatabaseError as error:
            self._lock.close()
            raise TuningError(
                f"{path} is no study of a sweep: {error}; give another name."
            ) from None
        except BaseException:
            self._lock.close()
            raise

    def hindrance(self, error: Exception, doing: str) -> str | None:
        # SQLite's own numbers of these are told from Python 3.11 on
        said = str(error)
        if "is locked" in said:
            return (
                f"is held by another program ({said}): end what that program does with it, a "
                "transaction that was left open, say"
            )
        if any(words in said for words in _SYSTEM):
            return f"can't be {doing} ({said}): see to the disk, and to whom the file belongs"
        return None

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._db.executemany(sql, rows)

    @contextlib.contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        if self._db.in_transaction:  # the one around this belongs to the caller
            yield
            return
        with self._db:  # commits, or rolls back after an error
            self._db.execute(f"BEGIN {kind}")
            yield

    def transaction(self) -> contextlib.AbstractContextManager[Any]:
        return self._transaction("IMMEDIATE")

    def one_moment(self) -> contextlib.AbstractContextManager[Any]:
        return self._transaction("DEFERRED")

    def tables(self) -> list[str]:
        return [n for (n,) in self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def make_tables(self) -> None:
        for table in _statements(TABLES):  # executescript would end the transaction
            self.execute(table)

    def lock(self, name: str, wait: bool = True) -> bool:
        return True  # the file is this process's alone

    def unlock(self, name: str) -> None:
        pass

    def close(self) -> None:
        self._db.close()
        self._lock.close()


class ServerDatabase:
    """A database of PostgreSQL.

    Parameters
    ----------
    address : str
        As SQLAlchemy takes it: ``postgresql://USER@HOST/NAME``.

    Raises
    ------
    TuningError
        If it is another database, its driver is not installed, or it can't be reached.
    """

    is_shared = True

    def __init__(self, address: str):
        import sqlalchemy
        from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

        try:
            url = sqlalchemy.make_url(address)
        except ArgumentError:
            raise TuningError(
                f"study: {address.partition('@')[2] or address} is no address of a database: "
                "give postgresql://USER@HOST/NAME, or a file."
            ) from None
        self.name: str | None = url.render_as_string(hide_password=True)
        if url.get_backend_name() != "postgresql":
            raise TuningError(
                f"study: {self.name} is no database of PostgreSQL, which alone several machines "
                "can share here: give postgresql://USER@HOST/NAME, or a file."
            )
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        self.errors: tuple[type[Exception], ...] = (SQLAlchemyError,)
        self.cannot_write: tuple[type[Exception], ...] = (DBAPIError, OSError)
        try:
            self._engine = sqlalchemy.create_engine(url)
            self._connection = self._engine.connect()
        except (ImportError, NoSuchModuleError) as error:
            raise TuningError(
                f"study: {self.name} needs a driver that is not there ({error}): "
                "pip install 'nengo-spikecost[distributed]'."
            ) from None
        except SQLAlchemyError as error:
            raise TuningError(f"study: {self.name} can't be reached ({reason(error)}).") from None

    def hindrance(self, error: Exception, doing: str) -> str | None:
        from sqlalchemy.exc import InterfaceError, OperationalError, PendingRollbackError

        # PostgreSQL's class of what "is not necessarily under the control of the programmer"
        if isinstance(error, (InterfaceError, OperationalError, PendingRollbackError)):
            return f"can't be reached any more ({reason(error)}): see to the server and the network"
        return None

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self.transaction():
            result = self._connection.exec_driver_sql(_of_server(sql), tuple(values))
            return [tuple(row) for row in result] if result.returns_rows else []

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            with self.transaction():
                self._connection.exec_driver_sql(_of_server(sql), [tuple(row) for row in rows])

    @contextlib.contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        if self._connection.in_transaction():  # the one around this belongs to the caller
            yield
            return
        with self._connection.begin():
            if kind:
                self._connection.exec_driver_sql(f"SET TRANSACTION {kind}")
            yield

    def transaction(self) -> contextlib.AbstractContextManager[Any]:
        return self._transaction("")

    def one_moment(self) -> contextlib.AbstractContextManager[Any]:
        # by default PostgreSQL shows every statement what was written before it
        return self._transaction("ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def tables(self) -> list[str]:
        return [n for (n,) in self.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        )]  # fmt: skip

    def make_tables(self) -> None:
        with self.transaction():
            for table in _statements(TABLES + DRAFTS):
                self.execute(table)

    def lock(self, name: str, wait: bool = True) -> bool:
        if wait:
            self.execute("SELECT pg_advisory_lock(?)", (_number(name),))
            return True
        return bool(self.execute("SELECT pg_try_advisory_lock(?)", (_number(name),))[0][0])

    def unlock(self, name: str) -> None:
        self.execute("SELECT pg_advisory_unlock(?)", (_number(name),))

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


def raise_if_hindered(database: StudyDatabase, error: Exception, doing: str = "read") -> None:
    """Raise `StudyError` if an error of a database says nothing against what is in it."""
    words = database.hindrance(error, doing)
    if words is not None:
        raise StudyError(
            f"The study {database.name} {words}. What was tried before is in it: the same call "
            "goes on from there."
        ) from error


def reason(error: Exception) -> str:
    """What a database says of an error, in a line, without SQLAlchemy's words around it."""
    lines = str(getattr(error, "orig", error)).strip().splitlines()
    return lines[0] if lines else "no answer"


def _statements(sql: str) -> list[str]:
    return [statement for statement in sql.split(";") if statement.strip()]


def _of_server(sql: str) -> str:
    """The statement with the words of PostgreSQL."""
    for ours, theirs in (("?", "%s"), (" BLOB", " BYTEA"), (" REAL", " DOUBLE PRECISION")):
        sql = sql.replace(ours, theirs)
    return sql


def _number(name: str) -> int:
    """A lock's number, of 63 bits."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def opened(study: str | os.PathLike[str] | None, readonly: bool = False) -> StudyDatabase:
    """The database of a study: of an address, of a file, or in memory."""
    if isinstance(study, str) and is_address(study):
        return ServerDatabase(study)
    return SqliteDatabase(None if study is None else os.fspath(study), readonly)


@contextlib.contextmanager
def _only_one(path: str) -> Iterator[None]:
    """Hold a study for this process; the system lets go of it however the process ends."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system: a second process is not noticed
        yield
        return
    lock = f"{os.path.realpath(path)}.lock"
    try:
        file = open(lock, "w", encoding="utf-8")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise TuningError(f"The study {path} can't be locked: {error.strerror}.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # the one before may have removed it between the two lines above
            held = os.path.exists(lock) and os.path.samestat(os.fstat(file.fileno()), os.stat(lock))
        except OSError:
            held = False
        if not held:
            raise TuningError(
                f"Another process works on the study {path}: wait for it, or give another name."
            )
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.remove(lock)
