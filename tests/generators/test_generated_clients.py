"""The OpenAPI document as others read it: a TypeScript and a Python client are generated from it, and compile.

With GENERATORS=1 (`make clients`), since the generators come from npm and PyPI.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from pathlib import Path

import pytest
from litestar.serialization import encode_json

from gateway.app import build
from gateway.clinics import load

pytestmark = pytest.mark.skipif("GENERATORS" not in os.environ, reason="make clients runs the generators")
CONFIG = Path(__file__).parents[2] / "config"
USE = """
import createClient from "openapi-fetch";
import type { paths } from "./api";
const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8080" });
export async function go(): Promise<string | undefined> {
  const { data, error } = await client.POST("/v1/tasks", { body: { clinic_id: "c", description: "d" } });
  return error ? error.code : data?.state;
}
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """The document in a file of its own directory."""
    directory = tmp_path_factory.mktemp("generated")
    app = build(load(CONFIG, {}))
    (directory / "openapi.json").write_bytes(encode_json(app.openapi_schema.to_schema()))
    return directory / "openapi.json"


def ran(*command, within):
    ended = subprocess.run(command, cwd=within, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_a_typescript_client_is_generated_and_compiles_under_strict(document):
    here = document.parent
    ran("npm", "init", "-y", within=here)
    ran("npm", "install", "--silent", "openapi-typescript@7.13.0", "openapi-fetch", "typescript@5", within=here)
    assert "arning" not in ran("npx", "openapi-typescript", document.name, "-o", "api.ts", within=here)
    (here / "use.ts").write_text(USE)
    options = ("--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext")
    assert "error" not in ran("npx", "tsc", *options, "use.ts", within=here)


def test_a_python_client_is_generated_without_a_warning_and_compiles(document):
    here = document.parent
    ran(sys.executable, "-m", "venv", "generator", within=here)
    ran("generator/bin/python", "-m", "pip", "install", "--quiet", "openapi-python-client", within=here)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # the generator formats with our ruff
    command = ("env", f"PATH={path}", "generator/bin/openapi-python-client", "generate", "--path", document.name)
    assert "arning" not in ran(*command, within=here)
    assert compileall.compile_dir(here / "task-gateway-client", quiet=1)
