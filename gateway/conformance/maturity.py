"""How far an adapter has been proved, as a word for operators."""

from __future__ import annotations

from typing import Literal

from gateway.conformance.check import Subject

Maturity = Literal["conformance failed", "conformance passed", "sandbox verified", "live verified"]


def maturity(it: Subject, *, passed: bool) -> Maturity:
    """An adapter's label, derived from the kit and from what its samples say of themselves; nothing else declares it.

    `live verified`: every declared operation has a success whose `source` begins with `live:`, an exchange recorded in
    production. `sandbox verified`: likewise with `sandbox:` or `live:`; the vendor's own sandbox is meant, our
    stand-ins prove nothing about a vendor. An adapter that fails the kit has no better label, whatever was recorded.
    """
    if not passed:
        return "conformance failed"
    if _recorded(it, ("live:",)):
        return "live verified"
    return "sandbox verified" if _recorded(it, ("live:", "sandbox:")) else "conformance passed"


def _recorded(it: Subject, where: tuple[str, ...]) -> bool:
    proved = {sample.operation for sample in it.samples.created if sample.source.startswith(where)}
    return {operation.name for operation in it.adapter.operations} <= proved
