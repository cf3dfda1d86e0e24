"""Somebody new to it, with README and docs/getting-started.md alone: `make newcomer` tells each step with its time.

A fresh clone in a directory of its own is set up by `make demo` as on any machine; then the document is followed block
by block, and the lost answer settled in the console by a browser. What the machine takes is measured. What a person
takes beside that is reckoned: their reading, and a while for each thing that they do.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import rich_click as click

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from console.world import ARGUMENTS, chromium  # noqa: E402 - the path is set above
from playwright.sync_api import expect, sync_playwright  # noqa: E402
from ports import free_port  # noqa: E402
from reader import Block, Reader, blocks, environment  # noqa: E402

GIT = shutil.which("git") or "git"
OPERATOR = "tgk_operator_sandbox-key-not-for-production"
WORDS_A_MINUTE = 200
SECONDS_A_DEED = 15
"""To copy a block, run it, and look at what it says."""
IN_THE_CONSOLE = 60
"""Signing in, three clicks and a sentence."""
WITHOUT_A_BROWSER = "--needs-person"
"""What the document has instead of the console, to the end of its section."""


@contextlib.contextmanager
def demo(clone: Path, port: int, port_base: int) -> Iterator[None]:
    """`make demo`, from nothing to its last delivery; ended with Ctrl-C."""
    command = ["make", "demo", f"PORT={port}", f"PORT_BASE={port_base}"]
    process = subprocess.Popen(
        command, cwd=clone, env=_newcomers(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        if not any("commands delivered." in line for line in process.stdout):
            raise click.ClickException("make demo did not deliver everything")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)


def _newcomers() -> dict[str, str]:
    """The environment of a terminal that knows of no other clone."""
    ours = {"PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL"}
    return {name: value for name, value in environment().items() if name not in ours}


def settle(url: str) -> None:
    """The lost answer, settled in three clicks from the inbox."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        page = browser.new_page()
        page.goto(f"{url}/console")
        page.get_by_label("App key").fill(OPERATOR)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Settle").click()
        page.get_by_text("It was created").click()
        page.get_by_label("How you know").fill("seen in the chart")
        page.get_by_role("button", name="Record what I found").click()
        expect(page.get_by_role("status").filter(has_text="Recorded")).to_be_visible()
        browser.close()


class Watch:
    """Tells each step with its seconds, and adds up what a person takes."""

    def __init__(self) -> None:
        self.machine = self.person = 0.0

    @contextlib.contextmanager
    def step(self, name: str, by_hand: float = SECONDS_A_DEED) -> Iterator[None]:
        begun = time.monotonic()
        yield
        took = time.monotonic() - begun
        self.machine += took
        self.person += by_hand
        click.echo(f"  {took:6.1f} s  {name}")

    def reads(self, name: str, text: str) -> None:
        """A section, code and all."""
        self.person += len(text.split()) / WORDS_A_MINUTE * 60
        click.echo(f"\n{name}: {len(text.split())} words")


def sections(document: Path) -> Iterator[tuple[str, str, list[Block]]]:
    """The document's sections, with their text and blocks."""
    text = document.read_text()
    starts = [found.start() for found in re.finditer(r"^## ", text, re.MULTILINE)]
    for start, end in zip([0, *starts], [*starts, len(text)], strict=True):
        first, last = text[:start].count("\n"), text[:end].count("\n")
        inside = [each for each in blocks(document) if first < int(each.where.rpartition(":")[2]) <= last]
        yield text[start:end].partition("\n")[0].lstrip("# "), text[start:end], inside


def follow(reader: Reader, found: list[Block], watch: Watch, url: str) -> None:
    """A section's blocks, and the console in the place of what can be done without."""
    for block in found:
        if WITHOUT_A_BROWSER in block.text and chromium():
            with watch.step("the console: sign in, Settle, It was created, Record what I found", IN_THE_CONSOLE):
                settle(url)
            return
        done = block.file or block.language == "sh"
        name = f"write {block.file}" if block.file else block.text.strip().partition("\n")[0].rstrip(" \\")
        if done:
            with watch.step(name[:100]):
                reader.follow(block)
        else:
            reader.follow(block)


@click.command()
def main() -> None:
    """From a clone to a delivered task, a settled unknown and an added clinic."""
    watch = Watch()
    port, port_base = free_port(), free_port(4) - 1
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        clone = Path(directory) / "task-gateway"
        watch.reads("README, its first section", "".join((ROOT / "README.md").read_text().split("\n## ")[:2]))
        with watch.step("git clone"):
            subprocess.run([GIT, "clone", "--quiet", ROOT, clone], check=True)
        with watch.step("make demo, its set-up included"):
            stack.enter_context(demo(clone, port, port_base))
        here = {"http://127.0.0.1:8080": url}
        here |= {f"http://127.0.0.1:910{at}": f"http://127.0.0.1:{port_base + at}" for at in (1, 2, 3)}
        reader = Reader(clone, {**_newcomers(), "TASK_GATEWAY_URL": url}, here)
        for name, text, found in sections(clone / "docs/getting-started.md"):
            watch.reads(name, text)
            follow(
                reader,
                [each for each in found if "make demo" not in each.text and "All 6" not in each.text],
                watch,
                url,
            )
    minutes = (watch.machine + watch.person) / 60
    click.echo(
        f"\n{watch.machine:.0f} s of the machine, {watch.person / 60:.1f} minutes of somebody who reads "
        f"{WORDS_A_MINUTE} words a minute and takes {SECONDS_A_DEED} s for each thing to do: {minutes:.1f} minutes"
    )


if __name__ == "__main__":
    main()
