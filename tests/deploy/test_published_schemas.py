"""What is deployed is what the engines' own schemas and linters take.

With DEPLOY=1 (`make deployment`), since the tools come from PyPI and npm.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif("DEPLOY" not in os.environ, reason="make deployment runs the tools")
DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = ("1.31", "1.37")
YAML = "{extends: default, rules: {line-length: {max: 120}, document-start: disable, octal-values: disable}}"


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """Where the tools are installed."""
    here = tmp_path_factory.mktemp("tools")
    ran(sys.executable, "-m", "venv", "python", within=here)
    wanted = ("kubernetes-validate==1.37.0", "check-jsonschema==0.39.0", "yamllint==1.38.0")
    ran("python/bin/pip", "install", "--quiet", *wanted, within=here)
    ran("npm", "init", "-y", within=here)
    ran("npm", "install", "--silent", "dockerfile-utils@0.16.3", within=here)
    return here


def ran(*command, within):
    ended = subprocess.run(command, cwd=within, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_knows_every_field_of_the_manifests(tools, version):
    files = sorted(map(str, (DEPLOY / "kubernetes").iterdir()))
    ran("python/bin/kubernetes-validate", "--strict", "--kubernetes-version", version, *files, within=tools)


def test_compose_knows_every_field_of_the_compose_file(tools):
    file = str(DEPLOY / "compose.yaml")
    ran("python/bin/check-jsonschema", "--builtin-schema", "vendor.compose-spec", file, within=tools)


def test_the_yaml_is_clean(tools):
    ran("python/bin/yamllint", "--strict", "--config-data", YAML, str(DEPLOY), within=tools)


def test_the_dockerfile_is_clean(tools):
    assert ran("npx", "dockerfile-utils", "lint", str(DEPLOY / "Dockerfile"), within=tools).strip() == ""
