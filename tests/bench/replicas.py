"""What one, two and three replicas on one PostgreSQL carry. Measured, never asserted: `make throughput`.

Everything runs on this machine: replicas, PostgreSQL, the vendors' stand-ins and the callers. So the ratios say what
more replicas cost where no core is free for them; what they gain elsewhere is told by the CPU time that a delivery
takes of each.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import rich_click as click

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from journeys import world  # noqa: E402 - the path is set above
from postgres import server  # noqa: E402

CLINICS = 50
CALLERS = 32
TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """Seconds of CPU that a process and its children have taken, those that ended too."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has ended since it was listed
    return sum(map(int, fields[11:15])) / TICK + sum(cpu(int(child)) for child in children)


async def submitted(urls: list[str], count: int) -> None:
    """Every command accepted, by turns of the replicas."""
    numbers = iter(range(count))

    async def caller(http: httpx.AsyncClient) -> None:
        for number in numbers:
            body = world.task(f"hilltop{number % CLINICS}", description=f"Call back about result {number}.")
            answer = await http.post(
                f"{urls[number % len(urls)]}/v1/tasks", json=body, headers={"Prefer": "respond-async"}
            )
            assert answer.status_code == httpx.codes.ACCEPTED, answer.text

    headers = {"Authorization": f"Bearer {world.KEY}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        await asyncio.gather(*(caller(http) for _ in range(CALLERS)))


def settled(database: str, count: int) -> None:
    """Until everything is delivered."""
    with psycopg.connect(database, autocommit=True) as looked:
        while looked.execute("SELECT count(*) FROM deliveries WHERE state = 'delivered'").fetchone() != (count,):
            time.sleep(0.05)


def measured(replicas: int, count: int) -> tuple[float, float, Mapping[str, float]]:
    """Commands accepted and delivered a second, and milliseconds of CPU for each delivery, by what took them."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(server(safe=True))
        vendors = stack.enter_context(world.sandbox(directory, "http://127.0.0.1:9/"))
        config = world.write_config(directory / "config", vendors.port_base)
        for number in range(CLINICS):
            text = world.CLINICS["hilltop"].replace("id: hilltop", f"id: hilltop{number}")
            (config / "clinics" / f"hilltop{number}.yaml").write_text(text)
        database = postgres.url("postgres")
        environ = {"TASK_GATEWAY_DATABASE": database, "TASK_GATEWAY_LOG_LEVEL": "ERROR"}
        gateways = [stack.enter_context(world.gateway(config, environ=environ)) for _ in range(replicas)]
        urls = [str(each.http.base_url) for each in gateways]
        asyncio.run(submitted(urls, CALLERS))  # connections and prepared statements
        settled(database, CALLERS)

        def taken() -> dict[str, float]:
            return {
                "replicas": sum(cpu(each.process.pid) for each in gateways),
                "PostgreSQL": cpu(postgres.pid),
                "callers": time.process_time(),
            }

        before, begun = taken(), time.perf_counter()
        asyncio.run(submitted(urls, count))
        accepted = time.perf_counter() - begun
        settled(database, CALLERS + count)
        delivered = time.perf_counter() - begun
        after = taken()
    return count / accepted, count / delivered, {name: (after[name] - before[name]) * 1000 / count for name in after}


@click.command()
@click.option("--count", default=3000, show_default=True, help="So many deliveries with each number of replicas.")
def main(count: int) -> None:
    """A line for each number of replicas."""
    click.echo(f"{os.cpu_count()} cores for all of it, {count} deliveries each, {CALLERS} callers, {CLINICS} clinics\n")
    click.echo("replicas  accepted/s  delivered/s  ratio   CPU ms for each delivery")
    first = 0.0
    for replicas in (1, 2, 3):
        accepted, delivered, costs = measured(replicas, count)
        first = first or delivered
        told = ", ".join(f"{name} {cost:.2f}" for name, cost in costs.items())
        click.echo(f"{replicas:8}  {accepted:10.0f}  {delivered:11.0f}  {delivered / first:5.2f}   {told}")


if __name__ == "__main__":
    main()
