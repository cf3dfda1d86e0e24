"""A configuration directory to break: the documented examples, made whole."""

from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from gateway.clinics import load
from gateway.errors import ConfigErrors

DOCUMENTED = Path(__file__).parent / "documented"
ENVIRON = {
    "COBALT_CLIENT_ID": "canary-client-id",
    "COBALT_WEBHOOK_TOKEN": "canary-webhook-token",
    "COBALT_WEBHOOK_SECRET": "canary-webhook-secret",
    "INTAKE_SECRET": "whsec_Y2FuYXJ5LWludGFrZS1zZWNyZXQtb2YtMzItYnl0ZXM=",
    "LAKESIDE_COBALT_TOKEN": "canary-access-token",
    "SOLUM_KEY": "canary-solum-key",
}
SOLUM = '  solum: {adapter: task_api, credentials: {api_key: "${env:SOLUM_KEY}"}}\n'


class Directory:
    """The directory, and what the gateway makes of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environ = dict(ENVIRON)

    def replace(self, file: str, old: str, new: str) -> None:
        """Change the one place where `old` stands."""
        text = (self.path / file).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        (self.path / file).write_text(text.replace(old, new))

    def write(self, file: str, text: str) -> None:
        """Write a whole file."""
        (self.path / file).parent.mkdir(parents=True, exist_ok=True)
        (self.path / file).write_text(text)

    def load(self):
        """The configuration; raises ConfigErrors."""
        return load(self.path, self.environ)

    def mistakes(self) -> list[str]:
        """The lines that loading ends with; none when it is acceptable."""
        try:
            self.load()
        except ConfigErrors as error:
            return list(error.lines)
        return []


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the corpus of mistakes came to is told at the end of the run."""
    for report in terminalreporter.getreports("passed"):
        if report.when == "call" and "corpus" in dict(report.user_properties):
            terminalreporter.section("mistakes in configuration")
            terminalreporter.line(dict(report.user_properties)["corpus"])


@pytest.fixture
def directory(tmp_path):
    whole = Directory(tmp_path / "config")
    copytree(DOCUMENTED, whole.path)
    whole.write("cobalt-secret", "canary-client-secret\n")
    # The example's own gaps: a made-up hash, a path of another machine, an account it leaves out.
    whole.replace("gateway.yaml", 'sha256: "..."', f'sha256: "{"ab" * 32}"')
    whole.replace("gateway.yaml", "/run/secrets/cobalt", "cobalt-secret")
    whole.replace("gateway.yaml", "apps:\n", SOLUM + "apps:\n")
    return whole
