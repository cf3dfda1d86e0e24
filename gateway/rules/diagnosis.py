"""Verdicts on an installation: what was found of it, whether that is well, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Literal

from msgspec import Struct

from gateway.rules.checking import Report
from gateway.rules.probing import ProbeStatus

Verdict = Literal["ok", "warning", "problem"]
Area = Literal[
    "configuration", "production", "permissions", "database", "disk", "encryption", "audit", "clock", "vendors",
    "gateway",
]  # fmt: skip


class Diagnosis(Struct, frozen=True, kw_only=True):
    """One thing looked at: what was found, and what to do where that is not well."""

    area: Area
    verdict: Verdict
    what: str
    fix: str | None = None


def ok(area: Area, what: str) -> Diagnosis:
    """All is well."""
    return Diagnosis(area=area, verdict="ok", what=what)


def warning(area: Area, what: str, fix: str | None) -> Diagnosis:
    """It works, and should be otherwise."""
    return Diagnosis(area=area, verdict="warning", what=what, fix=fix)


def problem(area: Area, what: str, fix: str) -> Diagnosis:
    """It does not work, or is not safe."""
    return Diagnosis(area=area, verdict="problem", what=what, fix=fix)


class Access(Struct, frozen=True, kw_only=True):
    """Who may do what with a file or directory; `mode` is its permission bits."""

    path: str
    mode: int
    owner: str
    is_ours: bool
    is_directory: bool


class Answer(Struct, frozen=True, kw_only=True):
    """What a running gateway answered to one question; no status: it did not."""

    path: str
    status: int | None


_OFF, _FAR_OFF = 5, 60
"""Seconds of a clock: to be told of, and to be mended. Signatures are refused from 300 on."""
_OTHERS_READ, _OTHERS_WRITE, _STICKY = 0o004, 0o002, 0o1000


def of_mistakes(lines: Sequence[str]) -> Iterator[Diagnosis]:
    """The mistakes because of which the configuration cannot be loaded."""
    for line in lines:
        yield problem("configuration", line, "mend it; `task-gateway check` tells the same")
    yield warning("configuration", "all that hangs on it was not looked at: files, database, vendors", None)


def of_report(report: Report) -> Iterator[Diagnosis]:
    """What will surprise in a configuration that can be loaded."""
    for finding in (*report.findings, *(each for clinic in report.clinics for each in clinic.findings)):
        if finding.severity != "note":
            verdict: Verdict = "problem" if finding.severity == "error" else "warning"
            what = f"{finding.file}:{finding.line}: {finding.where}: {finding.detail}"
            yield Diagnosis(area="configuration", verdict=verdict, what=what, fix="`task-gateway check` tells more")
    for line in report.warnings:
        yield warning("configuration", line, None)
    connections = sum(len(clinic.connections) for clinic in report.clinics)
    yield ok(
        "configuration", f"{len(report.clinics)} clinics, {connections} connections; every reference leads to a text"
    )


def of_production(*, is_production: bool, refused: Sequence[str]) -> Iterator[Diagnosis]:
    """What production would refuse, for a gateway that is not there yet."""
    if is_production:
        yield ok("production", "mode: production; nothing that it refuses")
        return
    told = f"production would refuse {len(refused)} of its settings" if refused else "ready for production"
    yield warning(
        "production", f"mode: development; {told}", f"{'mend them, then ' if refused else ''}set mode: production"
    )
    for line in refused:
        yield warning("production", line, None)


def of_permissions(configured: Sequence[Access], stored: Sequence[Access], us: str, mask: int) -> Iterator[Diagnosis]:
    """Who may change the configuration and adapters, and read or change the database, as `us` sees them.

    Who changes the configuration decides where patients' data goes. `mask` is the umask.
    """
    found = [*_changeable((*configured, *stored)), *_readable(stored), *_of_others(stored, us)]
    if not mask & _OTHERS_WRITE:
        what = f"umask {mask:04o}: everybody may change new files"
        found.append(warning("permissions", what, "start the gateway with umask 0027"))
    yield from found
    if not found:
        yield ok("permissions", f"nobody else may change configuration, adapters or database; umask {mask:04o}")


def _changeable(found: Sequence[Access]) -> Iterator[Diagnosis]:
    for each in found:
        if each.mode & _OTHERS_WRITE and not each.mode & _STICKY:
            what = f"{each.path}: everybody on this machine may change it ({each.mode:04o})"
            yield problem("permissions", what, f"chmod o-w {each.path}")


def _readable(found: Sequence[Access]) -> Iterator[Diagnosis]:
    for each in found:
        if each.mode & _OTHERS_READ and not each.is_directory:
            what = f"{each.path}: everybody on this machine may read it ({each.mode:04o})"
            yield warning("permissions", what, f"chmod o-rwx {each.path}")


def _of_others(found: Sequence[Access], us: str) -> Iterator[Diagnosis]:
    for each in found:
        if not each.is_ours:
            what = f"{each.path}: belongs to {each.owner}, and this is {us}"
            yield warning("permissions", what, "run this as the gateway's user, or give the files to it")


def of_no_way_in(path: str, reason: str, us: str) -> Diagnosis:
    """A file of which not even the permissions can be seen."""
    return problem("permissions", f"{path}: cannot be looked at by {us} ({reason})", "run this as the gateway's user")


def of_clock(ahead: Mapping[str, float]) -> Diagnosis:
    """Our clock against those of others: by how many seconds each is ahead of ours, by its name."""
    if not ahead:
        return warning("clock", "nobody answered with a time to compare", "try again when a vendor can be reached")
    off = median(ahead.values())
    told = f"{abs(off):.0f} s {'behind' if off > 0 else 'ahead of'} {', '.join(sorted(ahead))}"
    fix = "set the clock (chrony, systemd-timesyncd): due dates are wrong by as much, and signatures soon are refused"
    if abs(off) > _FAR_OFF:
        return problem("clock", told, fix)
    if abs(off) > _OFF:
        return warning("clock", told, fix)
    return ok("clock", f"agrees with {', '.join(sorted(ahead))}")


def of_zones(count: int) -> Diagnosis:
    """The timezone database."""
    if count:
        return ok("clock", f"timezone database: {count} zones")
    return problem("clock", "no timezone database", "install the system's tzdata, or the Python package of that name")


_VENDOR: Mapping[ProbeStatus, tuple[Verdict, str | None]] = {
    "works": ("ok", None),
    "no-read": ("ok", None),
    "unclear": ("warning", "see whether base_url is the vendor's, and whether the vendor tells of a fault"),
    "refused": ("problem", "ask the vendor for credentials that hold, put them in, and reload"),
    "unreachable": ("problem", "see whether this machine may reach the vendor (DNS, firewall), and whether it is up"),
}


def of_probe(connection: str, status: ProbeStatus, detail: str) -> Diagnosis:
    """A connection that was tried with a harmless read."""
    verdict, fix = _VENDOR[status]
    told = "no harmless read to try it with" if status == "no-read" else status
    return Diagnosis(area="vendors", verdict=verdict, what=f"{connection}: {told}{detail and f' ({detail})'}", fix=fix)


def of_gateway(url: str, answers: Sequence[Answer]) -> Iterator[Diagnosis]:
    """A running gateway, by what it answered."""
    for answer in answers:
        told = f"{url}{answer.path}: "
        match answer.status:
            case None:
                yield problem("gateway", f"{told}no answer", "start the gateway, or give the URL where it runs")
                return
            case 200:
                yield ok("gateway", f"{told}well")
            case 401:
                yield problem("gateway", f"{told}the key is not accepted", "use another, or add its line and reload")
            case 421:
                yield problem(
                    "gateway", f"{told}it does not go by that name", "use one of its `hosts`, or add this one"
                )
            case 503:
                fix = "its log says why: a full disk, a database that cannot be written, or a stop under way"
                yield problem("gateway", f"{told}takes no commands now", fix)
            case status:
                yield problem("gateway", f"{told}HTTP {status}", "see whether that is the gateway")
