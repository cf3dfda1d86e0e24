"""The OpenAPI document held against the running gateway by Schemathesis: every operation, every check."""

import base64
import os
import subprocess
from pathlib import Path

import pytest
from journeys import world
from journeys.world import task

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
CURSOR = base64.urlsafe_b64encode(b"2026-11-24T15:00:00+00:00|tsk_0").decode().rstrip("=")
SEED = os.environ.get("FUZZ_SEED", "1")
CONFIG = """
headers = {{ Authorization = "Bearer {key}" }}
continue-on-failure = true
max-stream-events = 1
warnings = false

[generation]
max-examples = {examples}
deterministic = {deterministic}
database = "none"
allow-x00 = false  # no body may hold a NUL, which a schema cannot say of keys; raw requests try it

[dictionaries]  # ids that are there, so that more is seen than 404s and unknown clinics
clinics.values = ["lakeside", "riverbend", "hilltop", "harbor"]
connections.values = ["emr", "tasks", "max"]
operations.values = ["create_task", "add_note", "create_claim"]
codes.values = ["duplicate", "not-found"]
tasks.values = ["{task}"]
notes.values = ["{note}"]
claims.values = ["{claim}"]

[parameters]
"path.clinic_id" = {{ dictionary = "clinics", probability = 0.8 }}
"path.name" = {{ dictionary = "connections", probability = 0.8 }}
"path.operation" = {{ dictionary = "operations", probability = 0.8 }}
"path.code" = {{ dictionary = "codes", probability = 0.8 }}
"path.task_id" = {{ dictionary = "tasks", probability = 0.8 }}
# what only an earlier answer gives, so that no schema can say it; raw requests try others
"query.cursor" = "{cursor}"
"query.before" = "1"
"query.after" = "evt_0"
"header.Last-Event-ID" = "evt_0"
"header.If-Match" = "*"
"body.clinic_id" = {{ dictionary = "clinics", probability = 0.8 }}

[checks]  # what is well said may yet be wrong here: 412 another version, 422 not for this clinic, with every reason
positive_data_acceptance.expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "422"]

[[operations]]
include-path-regex = "^/v1/tasks/"
parameters = {{ "path.delivery_id" = {{ dictionary = "tasks", probability = 0.8 }} }}

[[operations]]
include-path-regex = "^/v1/notes/"
parameters = {{ "path.delivery_id" = {{ dictionary = "notes", probability = 0.8 }} }}

[[operations]]
include-path-regex = "^/v1/claims/"
parameters = {{ "path.delivery_id" = {{ dictionary = "claims", probability = 0.8 }} }}

[[operations]]  # takes a cursor that only its own answer gives
include-path = "/v1/admin/reseal"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403"]

[[operations]]  # says what would be refused, and that is no refusal
include-path-regex = "/explain$"
checks.negative_data_rejection.expected-statuses = ["200", "400", "401", "403", "404", "415"]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A gateway with a delivery of each kind, before vendors that answer."""
    directory, port = tmp_path_factory.mktemp("fuzz"), world.free_port()
    hook = f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{world.TOKEN}"
    with world.sandbox(directory, hook) as vendors, world.gateway(_config(directory, vendors), port) as made:
        yield made


def _config(directory, vendors) -> Path:
    return world.write_config(directory / "config", vendors.port_base)


def settings(gateway) -> str:
    parent = gateway.post("/v1/tasks", task(), key="fuzz-task").json()["id"]
    note = gateway.post("/v1/notes", {"task_id": parent, "text": "x"}, key="fuzz-note").json()["id"]
    claim = gateway.post("/v1/claims", {"clinic_id": "lakeside", "appointment_id": "apt-1"}, key="fuzz-claim").json()[
        "id"
    ]
    return CONFIG.format(
        key=world.KEY,
        cursor=CURSOR,
        examples=EXAMPLES,
        deterministic=str(EXAMPLES <= 10).lower(),
        task=parent,
        note=note,
        claim=claim,
    )


def test_the_gateway_is_what_its_document_says(gateway, tmp_path):
    (tmp_path / "schemathesis.toml").write_text(settings(gateway))
    program = Path(world.PROGRAM).with_name("schemathesis")
    ended = subprocess.run(
        [program, "--config-file", "schemathesis.toml", "run", f"{gateway.http.base_url}/schema/openapi.json",
         "--checks", "all", "--seed", SEED, "--no-color"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "broke" not in gateway.log()
