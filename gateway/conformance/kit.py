"""Running the checks over a file."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from itertools import islice
from pathlib import Path

from msgspec import Struct

from adapters import BrokenAdapter, load
from gateway.conformance import (
    answers,
    arrival,
    declaration,
    errors,
    evidence,
    lookups,
    privacy,
    purity,
    readings,
    requests,
    signatures,
    tokens,
    tolerance,
    webhooks,
)
from gateway.conformance.check import Check, Fault, Group, Subject, mending, sentence
from gateway.conformance.maturity import Maturity, maturity
from gateway.conformance.samples import directory, read_samples
from gateway.conformance.watch import watched
from gateway.conformance.words import words

GROUPS = tuple(
    module.GROUP
    for module in (
        declaration, evidence, requests, arrival, answers, errors, readings, tolerance, lookups, tokens, webhooks,
        signatures, privacy, purity,
    )
)  # fmt: skip
_MOST = 5
"""Faults of one check that are told; the first ones show what is wrong."""
_LONGEST = 400
_LOADS = "The file holds an adapter that the gateway loads, whose tables name canonical fields only"
_LOADS_MEND = (
    "Mend what is told; a running gateway would not take the file either. It ends with `adapter = Name()`, and each "
    "command's canonical paths stand in `schemas/command.py`."
)


class Finding(Struct, frozen=True, kw_only=True):
    """What one check found: its group, its sentence, the faults, and what to do about them."""

    group: str
    says: str
    faults: Sequence[Fault] = ()
    mend: str = ""


class Report(Struct, frozen=True, kw_only=True):
    """What the kit found in a file. `version` is of its text; `skipped` the groups that do not concern it, and why."""

    file: str
    version: str
    adapter: str | None
    maturity: Maturity
    samples: int
    findings: Sequence[Finding]
    skipped: Sequence[tuple[str, str]] = ()

    @property
    def failed(self) -> Sequence[Finding]:
        """The checks that do not hold."""
        return [finding for finding in self.findings if finding.faults]


def examine(file: Path, today: date) -> Report:
    """Run every check that concerns the adapter in `file`. `today`: no sample can be from a later day."""
    try:
        subject = read(file, today)
    except BrokenAdapter as broken:
        faults = [Fault(f"{file.name}:{reason.line}", reason.text) for reason in broken.reasons]
        finding = Finding(group="Declaration", says=_LOADS, faults=faults, mend=_LOADS_MEND)
        return Report(
            file=str(file), version=version(file), adapter=None, maturity="conformance failed", samples=0,
            findings=[finding],
        )  # fmt: skip
    concerned = [group for group in GROUPS if _concerns(group, subject)]
    findings = [Finding(group="Declaration", says=_LOADS)]
    findings += [_found(group.title, check, subject) for group in concerned for check in group.checks]
    return Report(
        file=str(file),
        version=version(file),
        adapter=subject.adapter.name,
        maturity=maturity(subject, passed=not any(finding.faults for finding in findings)),
        samples=len(subject.samples.all),
        findings=findings,
        skipped=[(group.title, group.otherwise) for group in GROUPS if group not in concerned],
    )


def read(file: Path, today: date) -> Subject:
    """An adapter file with its samples. Raises BrokenAdapter when the gateway would not load it."""
    with watched(file) as reached:
        adapter = load(file)
    text = file.read_text(encoding="utf-8")
    return Subject(
        file=file,
        text=text,
        words=words(text),
        adapter=adapter,
        samples=read_samples(directory(file, adapter.name)),
        today=today,
        reached=tuple(reached),
    )


def version(file: Path) -> str:
    """An adapter's version: the beginning of its text's SHA-256, since that is all that decides what it does."""
    return sha256(file.read_bytes()).hexdigest()[:8]


def faults_of(check: Check, subject: Subject) -> Sequence[Fault]:
    """The first faults that a check finds; what the adapter raises where it must not is one."""
    try:
        return list(islice(dict.fromkeys(check(subject)), _MOST))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an adapter may break in any way
        return [Fault(_raised_at(error, subject.file), f"{type(error).__name__}: {error}"[:_LONGEST])]


def _concerns(group: Group, subject: Subject) -> bool:
    """Whether a group's checks apply; where the adapter cannot even be asked, they do, and tell why."""
    try:
        return group.concerns(subject)
    except (Exception, SystemExit):  # noqa: BLE001 - an adapter may break in any way
        return True


def _found(group: str, check: Check, subject: Subject) -> Finding:
    faults = faults_of(check, subject)
    return Finding(group=group, says=sentence(check), faults=faults, mend=mending(check) if faults else "")


def _raised_at(error: BaseException, file: Path) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f"{file.name}:{lines[-1]}" if lines else file.name
