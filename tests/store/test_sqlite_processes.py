"""The file under real processes: killed in the middle of it, starved of disk, started twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from store.opened import opened
from store.records import Ids, accept, states, task

from gateway.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
KILLS = 20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gateway.db"


@pytest.fixture
def store(path):
    return SqliteStore(path, Ids())


def started(what, path, first=1):
    """The child at work; its lines come on `stdout`."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "process.py"), what, str(path), str(first)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ids_in(path):
    with closing(sqlite3.connect(path)) as looked:
        assert looked.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        deliveries = {row[0] for row in looked.execute("SELECT id FROM deliveries")}
        assert {row[0] for row in looked.execute("SELECT delivery_id FROM events")} == deliveries
        assert {row[0] for row in looked.execute("SELECT delivery_id FROM attempts")} == deliveries
    return deliveries


def test_after_twenty_kills_every_acknowledged_delivery_is_there_and_whole(path):
    chance = random.Random(20)  # noqa: S311 - when to kill, always the same
    acknowledged = set()
    for round_ in range(KILLS):
        child = started("loop", path, 1 + round_ * 10_000)
        with child:
            assert child.stdout.readline() == "ready\n", child.stderr.read()
            lines = [child.stdout.readline() for _ in range(chance.randint(1, 200))]
            child.send_signal(signal.SIGKILL)
            lines.extend(child.stdout.read().splitlines(keepends=True))
        assert child.returncode == -signal.SIGKILL
        told = {line.strip() for line in lines if line.endswith("\n")}
        assert told
        acknowledged |= told
    assert acknowledged <= ids_in(path)


def test_a_disk_that_takes_no_more_loses_nothing_that_was_acknowledged(path):
    with started("starve", path) as child:
        told, said = child.communicate(timeout=30)

    assert child.returncode == 0, said
    *acknowledged, refused, last = told.split()
    assert len(acknowledged) > 3
    assert refused == "unavailable"
    assert ids_in(path) == {*acknowledged, last}


@opened
async def test_a_file_that_is_open_is_refused_to_a_second_process(path, store):
    await accept(store, task(1))

    with started("loop", path, 2) as child:
        told, said = await asyncio.to_thread(child.communicate, timeout=30)

    assert child.returncode == 1
    assert "in use by another process" in said
    assert told == ""
    assert await states(store, "tsk_000001") == ["queued"]
