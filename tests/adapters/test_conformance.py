"""Every adapter that is found, and the template, keeps every rule of the conformance kit that concerns it."""

import inspect
from datetime import date
from pathlib import Path

import pytest

import adapters
from gateway.conformance.check import sentence
from gateway.conformance.kit import GROUPS, faults_of, read

TEMPLATE = Path(adapters.__file__).parent / "_template.py"
SUBJECTS = [
    read(file, date(2026, 11, 22))
    for file in (*(Path(inspect.getfile(type(each))) for each in adapters.discover().values()), TEMPLATE)
]
RULES = [
    pytest.param(check, subject, id=f"{subject.adapter.name}: {sentence(check)}")
    for subject in SUBJECTS
    for group in GROUPS
    if group.concerns(subject)
    for check in group.checks
]


@pytest.mark.parametrize(("check", "subject"), RULES)
def test_every_adapter_keeps_every_rule(check, subject):
    assert faults_of(check, subject) == []


def test_every_adapter_of_ours_has_samples():
    assert all(subject.samples.all for subject in SUBJECTS)
