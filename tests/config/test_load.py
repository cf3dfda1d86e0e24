"""What a sound configuration becomes."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from gateway.clinics import load
from gateway.rules.clinic import Follow, Limits, Route
from gateway.rules.planning import Request, plan
from schemas.command import CreateTask, Patient
from schemas.config import Account, App, Callback, ClinicFile, Connection, GatewayFile, Row
from schemas.private import Secret

SHIPPED = Path(__file__).parents[2] / "config"
LAKESIDE = "clinics/lakeside-family.yaml"
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def test_the_documented_gateway_loads(directory):
    config = directory.load()

    account = config.accounts["cobalt-main"]
    assert config.mode == "development"
    assert config.database == "sqlite:///var/gateway.db"
    assert account.adapter.name == "cobalt"
    assert account.base_url == "http://127.0.0.1:9101"
    assert account.credentials.client_id == Secret("canary-client-id")
    assert account.credentials.client_secret == Secret("canary-client-secret")
    assert account.webhook_token == Secret("canary-webhook-token")
    assert account.webhook_secrets == (Secret("canary-webhook-secret"),)
    assert account.limits == Limits(concurrency=16, per_minute=1000)
    assert not account.reuse_connections
    assert config.follow == Follow()
    assert (config.timeouts.connect, config.timeouts.send, config.answer_within) == (5, 30, 5)
    assert config.warnings == ()


def test_the_documented_app_may_touch_all_clinics(directory):
    app = directory.load().apps["intake"]

    assert [(key.id, key.sha256) for key in app.keys] == [("k1", "ab" * 32)]
    assert app.roles == {"submit", "read"}
    assert app.may_touch("lakeside-family")
    assert app.callback is not None
    assert app.callback.url == "http://127.0.0.1:9200/hooks"
    assert app.callback.secrets == (Secret("whsec_Y2FuYXJ5LWludGFrZS1zZWNyZXQtb2YtMzItYnl0ZXM="),)
    assert (app.callback.events, app.callback.scope, app.callback.body) == (("*",), "app", "thin")


def test_the_documented_clinic_loads(directory):
    clinic = directory.load().clinics["lakeside-family"]

    emr, desk = clinic.connections["emr"], clinic.connections["front-desk"]
    assert clinic.timezone.key == "America/Chicago"
    assert (emr.emr, emr.reference_id, emr.credentials.access_token) == (
        "eclinicalworks", "user_1J9X", Secret("canary-access-token"),
    )  # fmt: skip
    assert emr.defaults.phone_call_type_id == "12"
    assert desk.adapter.name == "task_api"
    assert structs.asdict(desk.defaults) == structs.asdict(type(desk.defaults)()) | {
        "created_by": "front-desk-bot", "assignees": ("front-desk",), "due_in": "2d", "title_from": "description",
    }  # fmt: skip
    assert clinic.routes == (
        Route(label="routes[0]", to="front-desk", when={"type": frozenset({"vob", "general"})}),
        Route(label="routes[1]", to="emr"),
    )
    assert clinic.people["front-desk"].ids == {"front-desk": ("7f3c", "91aa")}
    assert clinic.people["dr-wilson"].ids == {"emr": ("74196090-5faa",), "front-desk": ("7f3c",)}
    assert (clinic.give_up_after, clinic.hold_for) == (timedelta(hours=24), timedelta(days=7))
    assert (clinic.follow_work, clinic.on_loss) == (None, "report")


def test_the_documented_rows_are_in_force(directory):
    rules = directory.load().clinics["lakeside-family"].connections["emr"].rules

    assert rules["create_claim"].support.supported
    assert rules["create_claim"].support.origin == "emr_capabilities.yaml: cobalt.eclinicalworks (documented)"
    assert rules["create_task"].fields["title"].origin == "adapter: cobalt (documented)"


def test_all_further_clinic_settings_are_read(directory):
    directory.replace(
        LAKESIDE, "capabilities: {}",
        "give_up_after: 1.5s\nhold_for: 2w\nfollow_work: 30d\non_loss: refuse\ncapabilities:",
    )  # fmt: skip

    clinic = directory.load().clinics["lakeside-family"]

    assert (clinic.give_up_after, clinic.hold_for) == (timedelta(seconds=1.5), timedelta(weeks=2))
    assert (clinic.follow_work, clinic.on_loss) == (timedelta(days=30), "refuse")


def test_all_further_gateway_settings_are_read(directory):
    directory.replace("gateway.yaml", "answer_within: 5 ", "answer_within: 0.25 ")
    directory.replace("gateway.yaml", "{connect: 5, send: 30}", "{connect: 0.5, send: 1.5}")
    directory.replace("gateway.yaml", "unknown: [5, 30, 120, 600, 3600, 21600, 86400]", "unknown: [0.1, 0.2]")
    encryption = f"encryption: {{keys: [{{id: k1, key: {KEY}}}]}}"
    directory.replace("gateway.yaml", "absence_gap: 300", f"absence_gap: 0.3\n{encryption}")
    directory.replace("gateway.yaml", 'events: ["*"]', 'events: ["task.*"], scope: clinics, body: full')
    directory.replace("gateway.yaml", "    roles:", "    require_key: true\n    roles:")

    config = directory.load()

    assert (config.answer_within, config.timeouts.connect, config.timeouts.send) == (0.25, 0.5, 1.5)
    assert (config.follow.unknown, config.follow.absence_gap) == ((0.1, 0.2), 0.3)
    assert config.follow.submitted == Follow().submitted
    assert [(key.id, key.key) for key in config.encryption] == [("k1", Secret(KEY))]
    app = config.apps["intake"]
    assert app.callback is not None
    assert (app.callback.events, app.callback.scope, app.callback.body) == (("task.*",), "clinics", "full")
    assert app.require_key


@pytest.mark.parametrize(
    "text", ["{adapter: task_api, mark: false, credentials: {api_key: k}}",
             "{adapter: task_api, credentials: {api_key: k, mark: false}}"],
)  # fmt: skip
def test_an_option_of_the_adapter_may_stand_beside_the_credentials_or_inside(directory, text):
    directory.replace("gateway.yaml", '{adapter: task_api, credentials: {api_key: "${env:SOLUM_KEY}"}}', text)

    assert directory.load().accounts["solum"].credentials.mark is False


def test_an_account_without_a_base_url_reaches_the_vendor_itself(directory):
    assert directory.load().accounts["solum"].base_url == "https://api.getsolum.com"


def test_the_environment_overrides_the_database(directory):
    directory.environ["TASK_GATEWAY_DATABASE"] = "postgresql://u:p@db/gateway"

    assert directory.load().database == "postgresql://u:p@db/gateway"


def test_a_url_may_come_by_reference(directory):
    directory.replace("gateway.yaml", "http://127.0.0.1:9101", '"${env:COBALT_URL}"')
    directory.environ["COBALT_URL"] = "http://127.0.0.1:4000/"

    assert directory.load().accounts["cobalt-main"].base_url == "http://127.0.0.1:4000"


def test_a_clinic_with_one_connection_needs_no_routes(directory):
    directory.write(
        "clinics/hill.yaml", "id: hill\nname: Hill\ntimezone: UTC\nconnections: {tasks: {account: solum}}\n"
    )

    assert directory.load().clinics["hill"].routes == (Route(label="only connection", to="tasks"),)


def test_a_clinic_with_several_connections_and_no_routes_has_no_rule(directory):
    directory.write(
        "clinics/hill.yaml",
        "id: hill\nname: Hill\ntimezone: UTC\nconnections: {a: {account: solum}, b: {account: solum}}\n",
    )

    assert directory.load().clinics["hill"].routes == ()


def test_a_connection_s_defaults_win_over_the_clinic_s(directory):
    directory.replace(
        LAKESIDE, "capabilities: {}",
        "defaults: {title: Task, due_in: 1w, assignees: [dr-wilson], tags: [bot], priority: low}",
    )  # fmt: skip

    connections = directory.load().clinics["lakeside-family"].connections

    desk, emr = connections["front-desk"].defaults, connections["emr"].defaults
    assert (desk.due_in, desk.assignees, desk.tags, desk.priority) == ("2d", ("front-desk",), ("bot",), "low")
    assert (desk.title, desk.title_from) == (None, "description")
    assert (emr.due_in, emr.assignees, emr.title) == ("1w", ("dr-wilson",), "Task")


def test_a_clinic_s_own_rows_are_the_nearest(directory):
    directory.replace(
        LAKESIDE, "capabilities: {}",
        "capabilities: {emr: {create_claim: {supported: false}, create_task: {fields: {title: required}}}}",
    )  # fmt: skip

    rules = directory.load().clinics["lakeside-family"].connections["emr"].rules

    assert rules["create_claim"].support.origin == f"{LAKESIDE}: capabilities.emr (operator)"
    assert rules["create_task"].fields["title"].origin == f"{LAKESIDE}: capabilities.emr (operator)"


@pytest.mark.parametrize(
    ("file", "old", "new", "warning"),
    [
        (
            "emr_capabilities.yaml", "title: required", "patient.mrn: {need: optional, source: observed}",
            ("emr_capabilities.yaml:9: cobalt.athenahealth.create_task.fields.patient.mrn: "
            "optional as observed, though cobalt documents it as required"),
        ),
        (
            LAKESIDE, 'front-desk: ["7f3c", "91aa"]', "",
            f"{LAKESIDE}:13: connections.front-desk.defaults.assignees[0]: 'front-desk' has no id in front-desk",
        ),
    ],
    ids=["observed against the adapter", "a default nobody there can be"],
)  # fmt: skip
def test_what_may_surprise_is_warned_of(directory, file, old, new, warning):
    directory.replace(file, old, new)

    assert directory.load().warnings == (warning,)


def versions(directory):
    return {clinic.id: clinic.version for clinic in directory.load().clinics.values()}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (LAKESIDE, "due_in: 2d", "due_in: 3d"),
        ("emr_capabilities.yaml", "title: required", "title: advisory"),
        ("gateway.yaml", "http://127.0.0.1:9101", "http://127.0.0.1:9111"),
        ("gateway.yaml", "adapter: task_api,", "adapter: task_api, mark: false,"),
    ],
)
def test_the_version_changes_with_what_decides(directory, file, old, new):
    before = versions(directory)
    directory.replace(file, old, new)

    assert versions(directory) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (LAKESIDE, "routes: ", "# a remark\nroutes: "),
        (LAKESIDE, '"${env:LAKESIDE_COBALT_TOKEN}"', "another"),
        ("gateway.yaml", '"${env:SOLUM_KEY}"', "another"),
        ("gateway.yaml", "answer_within: 5 ", "answer_within: 6 "),
    ],
)
def test_the_version_stays_when_a_secret_or_a_remark_changes(directory, file, old, new):
    before = versions(directory)
    directory.replace(file, old, new)

    assert versions(directory) == before
    assert all(len(version) == 8 for version in before.values())


def test_the_capability_table_may_be_left_out(directory):
    (directory.path / "emr_capabilities.yaml").unlink()

    assert directory.mistakes() == []


def test_a_file_of_an_editor_is_no_clinic(directory):
    directory.write("clinics/.#hill.yaml", "not: a clinic\n")
    directory.write("clinics/hill.yaml~", "not: a clinic\n")

    assert list(directory.load().clinics) == ["lakeside-family"]


def test_the_shipped_configuration_loads_with_no_environment():
    config = load(SHIPPED, {})

    assert config.warnings == ()
    assert {clinic.id: [c.adapter.name for c in clinic.connections.values()] for clinic in config.clinics.values()} == {
        "lakeside-family": ["cobalt", "task_api"],
        "riverbend-pediatrics": ["cobalt"],
        "hilltop-clinic": ["task_api"],
        "harbor-dermatology": ["maxcare"],
    }  # fmt: skip
    assert all("dr-wilson" in clinic.people for clinic in config.clinics.values())


def test_the_shipped_configuration_lets_no_sandbox_value_be_printed():
    values = [file.read_text().strip() for file in (SHIPPED / "sandbox-secrets").iterdir() if file.suffix != ".md"]

    printed = repr(load(SHIPPED, {}))

    assert len(values) > 8
    assert not [value for value in values if value in printed]


def test_the_shipped_configuration_can_be_copied_elsewhere(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "elsewhere")

    assert load(tmp_path / "elsewhere", {}).clinics


BODY = CreateTask(
    clinic_id="set below",
    description="Call back about the lab results.",
    title="Follow-up",
    patient=Patient(mrn="MRN-12345"),
    assignees=["dr-wilson"],
    due_at=datetime(2026, 11, 24, 15, tzinfo=UTC),
    priority="high",
    type="follow-up",
    encounter_note_id="nte_1",
)


@pytest.mark.parametrize(
    "clinic_id", ["lakeside-family", "riverbend-pediatrics", "hilltop-clinic", "harbor-dermatology"]
)
def test_one_body_is_accepted_by_every_shipped_clinic(clinic_id):
    clinic = load(SHIPPED, {}).clinics[clinic_id]
    command = structs.replace(BODY, clinic_id=clinic_id)

    planned = plan(clinic, Request(command=command, now=datetime(2026, 11, 22, tzinfo=UTC)))

    assert planned.errors == ()


def test_every_key_of_the_shapes_is_shown_in_the_shipped_files():
    shown = "\n".join(file.read_text() for file in SHIPPED.rglob("*.yaml"))
    shapes = (GatewayFile, Account, App, Callback, ClinicFile, Row, Connection)
    keys = {key for shape in shapes for key in shape.__struct_encode_fields__}

    assert not [key for key in keys if f"{key}:" not in shown and key not in {"source", "checked", "note"}]
