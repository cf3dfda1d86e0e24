"""The console's pages as pictures, light and dark, and the main ones on a phone: `make screenshots`.

The shipped configuration before the vendors' stand-ins. The clock of all of them is moved, so that what happened has an
age. Pictures go to docs/screenshots: look at each.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import rich_click as click
from playwright.async_api import Browser, Page, async_playwright

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from console.afternoon import OPERATOR, Afternoon, Clock  # noqa: E402 - the path is set above
from console.pictures import small  # noqa: E402
from console.world import ARGUMENTS, chromium  # noqa: E402
from ports import free_port  # noqa: E402

from gateway.app import build  # noqa: E402
from gateway.clinics import load  # noqa: E402
from gateway.logs import set_up  # noqa: E402
from gateway.sandbox import serve as serve_sandbox  # noqa: E402
from gateway.stand_ins import at_sandbox, settings_for  # noqa: E402
from gateway.web.serving import serving  # noqa: E402
from gateway.world import World  # noqa: E402

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
TALLEST = 1100
"""So much of a long page is shown, in pixels."""

ENDPOINT = """    require_key: true
    callback: {url: "http://127.0.0.1:9/hooks", secrets: ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"]}
"""
"""Where nobody listens."""
KEPT = """
encryption: {keys: [{id: autumn, key: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}]}
retention: {payloads: 90d}
"""

PAGES: Mapping[str, str] = {
    "inbox": "/console",
    "deliveries": "/console/deliveries",
    "settling": "/console/deliveries/{unknown}",
    "delivery": "/console/deliveries/{delivered}",
    "connections": "/console/connections",
    "clinics": "/console/clinics",
    "capabilities": "/console/clinics/lakeside-family",
    "webhooks": "/console/webhooks",
    "callbacks": "/console/callbacks",
    "configuration": "/console/configuration",
    "audit": "/console/audit",
    "sessions": "/console/sessions",
}
ON_A_PHONE = ("inbox", "deliveries", "settling", "connections", "capabilities")


@asynccontextmanager
async def town(directory: Path) -> AsyncIterator[tuple[str, Afternoon]]:
    """Sandbox and gateway at work in this process; the gateway's URL, and what may happen there."""
    port, port_base, clock = free_port(), free_port(4) - 1, Clock()
    url = f"http://127.0.0.1:{port}"
    config = shutil.copytree(ROOT / "config", directory / "config")
    file = config / "gateway.yaml"
    file.write_text(file.read_text().replace("    require_key: true", ENDPOINT, 1) + KEPT)

    def read() -> Any:
        return at_sandbox(load(config, os.environ), port_base, f"sqlite:///{directory / 'town.db'}")

    settings = settings_for(read(), url, completion_delay=0.1)
    app = build(read(), read=read, world=World(now=clock.now, new_id=clock.new_id))
    vendors = asyncio.create_task(serve_sandbox("127.0.0.1", port_base, settings, clock.now))
    async with (
        serving(app, "127.0.0.1", port),
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http,
    ):
        yield url, Afternoon(app.state.services, clock, http, port_base)
    vendors.cancel()
    with suppress(asyncio.CancelledError):
        await vendors


async def taken(browser: Browser, url: str, ids: Mapping[str, str], theme: Any, into: Path) -> None:
    """A picture of every page in a theme; of the main ones on a phone too."""
    context = await browser.new_context(viewport=DESKTOP, color_scheme=theme)
    desk, phone, studio = [await context.new_page() for _ in range(3)]
    await phone.set_viewport_size(PHONE)
    await desk.goto(f"{url}/console")
    await kept(desk, studio, into / f"sign-in-{theme}.png")
    await desk.get_by_label("App key").fill(OPERATOR)
    await desk.get_by_role("button", name="Sign in").click()
    await desk.wait_for_url(f"{url}/console")
    for page, shape, names in ((desk, "", PAGES), (phone, "phone-", ON_A_PHONE)):
        for name in names:
            await page.goto(url + PAGES[name].format(**ids))
            await kept(page, studio, into / f"{shape}{name}-{theme}.png")


async def kept(page: Page, studio: Page, file: Path) -> None:
    """What the page shows, as far down as is wanted."""
    wide, high = await page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
    clip = {"x": 0, "y": 0, "width": wide, "height": min(high, TALLEST)}
    png = await page.screenshot(full_page=True, clip=clip)
    await asyncio.to_thread(file.write_bytes, await small(studio, png))


async def run(into: Path) -> None:
    """The afternoon, and its pictures."""
    with tempfile.TemporaryDirectory() as directory:
        async with town(Path(directory)) as (url, afternoon), async_playwright() as driver:
            ids = await afternoon.passes()
            browser = await driver.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
            for theme in ("light", "dark"):
                await taken(browser, url, ids, theme, into)
            await browser.close()


@click.command()
@click.option("--into", default=ROOT / "docs/screenshots", type=click.Path(path_type=Path), help="Where they go.")
def main(into: Path) -> None:
    """Take them all anew."""
    set_up("CRITICAL")
    into.mkdir(parents=True, exist_ok=True)
    asyncio.run(run(into))
    size = sum(each.stat().st_size for each in into.glob("*.png"))
    click.echo(f"{len(list(into.glob('*.png')))} pictures, {size / 1e6:.2f} MB, in {into}")


if __name__ == "__main__":
    main()
