"""Does the time of a refusal tell whether a key's id exists? Measured, never asserted: `make timing`.

Three refusals take turns: a key of an unknown id, one of a known id with a wrong secret, and the first again, so that
their difference stands beside what chance alone makes of two equal ones. First the lookup alone, then over HTTP.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from statistics import median, quantiles

import rich_click as click

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from journeys import world  # noqa: E402 - the path is set above

from gateway.clinics import load  # noqa: E402
from gateway.flows.configured import Configured  # noqa: E402
from gateway.web.auth import app_of  # noqa: E402

APPS = 50
KINDS = ("unknown id", "wrong secret", "unknown id again")
SECRET = "x" * 43


def keys(count: int) -> dict[str, list[str]]:
    """Keys of each kind, all of one length; the known ids are spread over all apps."""
    return {
        "unknown id": [f"tgk_nobody{number % 90 + 10:04d}_{SECRET}" for number in range(count)],
        "wrong secret": [f"tgk_mighty{number % APPS:04d}_{SECRET}" for number in range(count)],
        "unknown id again": [f"tgk_absent{number % 90 + 10:04d}_{SECRET}" for number in range(count)],
    }


def measured(refuse: Callable[[str], None], count: int) -> dict[str, list[float]]:
    """Microseconds of each refusal, the kinds in random turns."""
    given, chance = keys(count), Random(7)  # noqa: S311 - an order, no secret
    turns = [(kind, key) for kind in KINDS for key in given[kind]]
    chance.shuffle(turns)
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for kind, key in turns:
        begun = time.perf_counter_ns()
        refuse(key)
        times[kind].append((time.perf_counter_ns() - begun) / 1000)
    return times


def report(title: str, times: dict[str, list[float]]) -> None:
    """Medians and spread, the difference, and the one that chance makes."""
    click.echo(f"\n{title}, microseconds")
    for kind in KINDS:
        low, middle, high = quantiles(times[kind], n=4)
        click.echo(f"  {kind:17} median {middle:9.3f}   quartiles {low:9.3f} to {high:9.3f}   of {len(times[kind])}")
    first, wrong, again = (median(times[kind]) for kind in KINDS)
    click.echo(f"  wrong secret - unknown id: {wrong - first:+.3f}; two kinds of unknown ids: {again - first:+.3f}")


def main() -> None:
    """Both measurements."""
    digest = sha256(b"no key of ours").hexdigest()
    apps = "\n".join(
        f"  app{n}: {{keys: [{{id: mighty{n:04d}, sha256: {n:04d}{digest[4:]}}}], clinics: ['*'], roles: [read]}}"
        for n in range(APPS)
    )
    with tempfile.TemporaryDirectory() as directory:
        config = world.write_config(Path(directory) / "config", world.free_port(4) - 1)
        file = config / "gateway.yaml"
        file.write_text(file.read_text().replace("apps:\n", f"apps:\n{apps}\n"))
        configured = Configured(load(config, {}))
        report("the lookup alone", measured(lambda key: _refused(app_of(f"Bearer {key}", configured)), 100_000))
        with world.gateway(config, environ={"TASK_GATEWAY_LOG_LEVEL": "ERROR"}) as gateway:
            get = gateway.http.get
            report(
                "over HTTP on one connection",
                measured(
                    lambda key: _refused(get("/v1/me", headers={"Authorization": f"Bearer {key}"}).is_success), 3000
                ),
            )


def _refused(found: object) -> None:
    if found:
        sys.exit("a key that is none was taken")


if __name__ == "__main__":
    main()
