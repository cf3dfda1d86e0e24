"""What the console's tests in a browser stand on: the real gateway and sandbox, and a Chromium that stays with them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from journeys import world
from journeys.world import COBALT, Gateway, Vendors
from playwright.sync_api import Browser, BrowserContext, Page, Request

OPERATOR = "tgk_console_a-key-for-the-console"
FOREIGN = "tgk_foreign_a-key-for-the-console-of-riverbend"

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip
SETTINGS = "timeouts: {connect: 1, send: 1}\nfollow: {unknown: [3600], submitted_without_webhook: [3600]}\n"
"""A short deadline, and no looking back: what is unknown stays so while a test looks."""

_APPS = """apps:
  dr-ops:
    keys: [{{id: console, sha256: {operator}}}]
    clinics: ["*"]
    roles: [submit, read, operate, admin]
  riverbend-desk:
    keys: [{{id: foreign, sha256: {foreign}}}]
    clinics: [riverbend]
    roles: [submit, read, operate, admin]
"""


_CALLBACK = """    roles: [submit, read, operate, admin]
    callback: {url: "http://127.0.0.1:9/hooks", secrets: ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"]}
"""
"""An endpoint that is not there."""


def chromium() -> str | None:
    """Where the system's Chromium is; None where there is none."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next((path for path in found if path), None)


def write_config(directory: Path, port_base: int) -> Path:
    """The journeys' configuration with an operator of all clinics and one of a single clinic."""
    config = world.write_config(directory, port_base, more=SETTINGS)
    file = config / "gateway.yaml"
    keys = {"operator": OPERATOR, "foreign": FOREIGN}
    apps = _APPS.format(**{name: sha256(key.encode()).hexdigest() for name, key in keys.items()})
    text = file.read_text().replace("apps:\n", apps, 1)
    file.write_text(text.replace("    roles: [submit, read, operate, admin]\nanswer", f"{_CALLBACK}answer", 1))
    return config


@contextmanager
def town(directory: Path) -> Iterator[tuple[Gateway, Vendors]]:
    """A sandbox and a gateway at work."""
    port = world.free_port()
    hook = f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{world.TOKEN}"
    with world.sandbox(directory, hook) as vendors:
        config = write_config(directory / "config", vendors.port_base)
        with world.gateway(config, port) as gateway:
            yield gateway, vendors


def lost(gateway: Gateway, vendors: Vendors, **fields: Any) -> Any:
    """A task whose answer was lost: nobody knows whether it exists."""
    vendors.silent_fault(COBALT, on="create_task", kind="drop_after_read", times=1)
    answer = gateway.post("/v1/tasks", world.task(**fields))
    vendors.call(COBALT, "PUT", "faults", json=[])
    return gateway.settled(answer, "unknown")


@dataclass
class Visit:
    """Somebody's browser window on the console, and everything that it should not have done."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """To a page of the console."""
        self.page.goto(self.url + path)

    def sign_in(self, key: str) -> None:
        """With a key, as people do."""
        self.go("/console")
        self.page.get_by_label("App key").fill(key)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.url}/console")


_TELL = (
    "document.addEventListener('securitypolicyviolation', (event) => console.error(`CSP: ${event.violatedDirective}`));"
)


def visit(browser: Browser, gateway: Gateway, **options: Any) -> Visit:
    """A window of its own. Every error, every violation of the policy and every request elsewhere is noted."""
    context: BrowserContext = browser.new_context(**options)
    context.add_init_script(_TELL)
    page = context.new_page()
    made = Visit(page, str(gateway.http.base_url).rstrip("/"))

    def left(request: Request) -> None:
        if not request.url.startswith((made.url, "data:")):
            made.faults.append(f"a request to {request.url}")

    page.on("request", left)
    page.on("pageerror", lambda error: made.faults.append(f"an error: {error}"))
    page.on("console", lambda message: made.faults.append(message.text) if message.type == "error" else None)
    return made
