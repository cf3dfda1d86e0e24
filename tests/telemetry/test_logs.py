"""What is written when a library, the interpreter or an exception has something to say: never its words."""

import json
import subprocess
import sys

import pytest

WORD = "zq-ms-okafor"
PROGRAM = """
import asyncio, logging, sys, threading, warnings
import structlog
from gateway.logs import keep_quiet, set_up

set_up("DEBUG")
keep_quiet()
word = sys.argv[1]
log = structlog.get_logger("test")


def raises(*_):
    raise ValueError(f"no such patient: {word}")


class Breaks:
    __del__ = raises


async def forgotten():
    task = asyncio.get_running_loop().create_task(breaks())
    await asyncio.sleep(0)
    del task
    asyncio.get_running_loop().call_soon(raises)
    await asyncio.sleep(0)


async def breaks():
    raises()


"""
WAYS = {
    "an exception": "try:\n    raises()\nexcept ValueError:\n    log.exception('x', delivery_id='tsk_1', body=word)",
    "a library's error": "logging.getLogger('aiohttp').error('sent %s', word)",
    "a library's exception": "try:\n    raises()\nexcept ValueError:\n    logging.getLogger('granian').exception(word)",
    "a warning": "warnings.warn(word)",
    "a thread": "thread = threading.Thread(target=raises); thread.start(); thread.join()",
    "an object's end": "Breaks()",
    "a forgotten task and a callback": "asyncio.run(forgotten())",
    "what nobody caught": "raises()",
    "a line with other keys": "log.debug('x', title=word, headers={word: word}, url=word)",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_word_of_a_patient_is_in_no_line(way):
    run = subprocess.run([sys.executable, "-c", PROGRAM + way, WORD], capture_output=True, text=True, check=False)

    lines = [json.loads(line) for line in run.stderr.splitlines()]
    assert lines, run.stderr
    assert WORD not in run.stderr + run.stdout
    if "log.debug" not in way and "warn" not in way and "error(" not in way:
        assert {line["error"] for line in lines} == {"ValueError"}
        assert all("<string>" in line["at"] for line in lines)


def test_what_libraries_say_below_a_warning_is_not_written_at_any_level():
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM + "logging.getLogger('httpx').info(word)", WORD],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.stderr, run.stdout) == ("", "")
