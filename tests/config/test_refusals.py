"""Mistakes between files, several mistakes at once, production, and secrets that no message shows."""

# ruff: noqa: E501 - what comes out as one line stands on one line

import re

import pytest

from gateway.errors import ConfigErrors

LAKESIDE = "clinics/lakeside-family.yaml"
HILL = """\
id: hill
name: Hill
timezone: UTC
connections:
  emr:
    account: cobalt-main
    reference_id: user_1J9X
    credentials: {access_token: t}
"""
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def test_all_mistakes_of_all_files_come_out_at_once(directory):
    directory.replace("gateway.yaml", "roles: [submit, read]", "roles: [submt, red]")
    directory.replace("emr_capabilities.yaml", "title: required", "titel: required")
    directory.replace(LAKESIDE, "account: cobalt-main", "account: cobolt-main")
    directory.replace(LAKESIDE, "to: front-desk", "to: desk")
    directory.write("clinics/hill.yaml", HILL.replace("UTC", "Mars").replace("name: Hill\n", ""))

    assert directory.mistakes() == [
        "gateway.yaml:16: apps.intake.roles[0]: unknown role 'submt', did you mean 'submit'?",
        "gateway.yaml:16: apps.intake.roles[1]: unknown role 'red', did you mean 'read'?",
        (
            "emr_capabilities.yaml:9: cobalt.athenahealth.create_task.fields.titel: "
            "unknown field 'titel', did you mean 'title'?"
        ),
        "clinics/hill.yaml:1: name: required, but missing",
        "clinics/hill.yaml:2: timezone: unknown timezone 'Mars'",
        f"{LAKESIDE}:6: connections.emr.account: unknown account 'cobolt-main', did you mean 'cobalt-main'?",
        f"{LAKESIDE}:16: routes[0].to: unknown connection 'desk'; known: emr, front-desk",
    ]


def test_the_error_is_its_lines(directory):
    directory.replace("gateway.yaml", "roles: [submit, read]", "roles: [submt, red]")

    with pytest.raises(ConfigErrors) as raised:
        directory.load()

    assert str(raised.value) == "\n".join(raised.value.lines)
    assert len(raised.value.lines) == 2


def test_a_clinic_id_is_taken_once(directory):
    directory.write("clinics/zoo.yaml", HILL.replace("id: hill", "id: lakeside-family").replace("user_1J9X", "user_2"))

    assert directory.mistakes() == [
        "clinics/zoo.yaml:1: id: 'lakeside-family' is taken by clinics/lakeside-family.yaml"
    ]


def test_a_reference_is_taken_once_within_its_account(directory):
    directory.write("clinics/zoo.yaml", HILL)

    assert directory.mistakes() == [
        (
            "clinics/zoo.yaml:7: connections.emr.reference_id: "
            "taken within cobalt-main by clinics/lakeside-family.yaml: connections.emr"
        ),
    ]


def test_a_reference_may_be_the_same_in_another_account(directory):
    directory.write(
        "clinics/zoo.yaml", HILL.replace("cobalt-main", "solum").replace("credentials: {access_token: t}", "")
    )

    assert directory.mistakes() == []


def test_two_apps_share_no_key_id(directory):
    directory.replace(
        "gateway.yaml", "apps:\n",
        f'apps:\n  bot: {{keys: [{{id: k1, sha256: "{"cd" * 32}"}}], clinics: ["*"], roles: [read]}}\n',
    )  # fmt: skip

    assert directory.mistakes() == ["gateway.yaml:15: apps.intake.keys[0].id: taken by a key of bot"]


def test_two_accounts_share_no_webhook_token(directory):
    directory.replace(
        "gateway.yaml", "{adapter: task_api, ", '{adapter: task_api, webhook: {token: "${env:COBALT_WEBHOOK_TOKEN}"}, '
    )

    assert directory.mistakes() == [
        "gateway.yaml:11: accounts.solum.webhook.token: the same as that of cobalt-main",
    ]


def test_an_option_stands_in_one_place(directory):
    directory.replace(
        "gateway.yaml",
        "{adapter: task_api, credentials: {",
        "{adapter: task_api, mark: true, credentials: {mark: true, ",
    )

    assert directory.mistakes() == ["gateway.yaml:11: accounts.solum.mark: given here and in credentials"]


def test_two_encryption_keys_share_no_id(directory):
    directory.replace(
        "gateway.yaml", "absence_gap: 300",
        f"absence_gap: 300\nencryption: {{keys: [{{id: a, key: {KEY}}}, {{id: a, key: {KEY}}}]}}",
    )  # fmt: skip

    assert directory.mistakes() == ["gateway.yaml:26: encryption.keys[1].id: this id is taken by an earlier key"]


def test_clinics_are_not_held_against_a_gateway_file_that_cannot_be_read(directory):
    directory.write("gateway.yaml", "accounts: [\n")

    assert directory.mistakes() == ["gateway.yaml:2: not YAML: did not find expected node content (column 1)"]


def test_apps_are_not_held_against_a_clinic_that_cannot_be_read(directory):
    directory.replace("gateway.yaml", 'clinics: ["*"]', "clinics: [hill]")
    directory.write("clinics/hill.yaml", "id: [\n")

    assert directory.mistakes() == ["clinics/hill.yaml:2: not YAML: did not find expected node content (column 1)"]


def test_a_mistaken_database_of_the_environment_is_told(directory):
    directory.environ["TASK_GATEWAY_DATABASE"] = "redis://u:canary@h"

    assert directory.mistakes() == [
        "gateway.yaml:2: database: TASK_GATEWAY_DATABASE is not sqlite:///PATH or postgresql://...",
    ]


@pytest.fixture
def production(directory):
    """A directory that production accepts."""
    directory.replace("gateway.yaml", "mode: development", "mode: production")
    directory.replace("gateway.yaml", "http://127.0.0.1:9101", "https://api.usecobalt.com")
    directory.replace("gateway.yaml", "http://127.0.0.1:9200", "https://intake.example")
    directory.replace(
        "gateway.yaml", "absence_gap: 300",
        'absence_gap: 300\nencryption: {keys: [{id: k1, key: "${env:ENCRYPTION_KEY}"}]}',
    )  # fmt: skip
    directory.environ["ENCRYPTION_KEY"] = KEY
    return directory


def test_production_accepts_references_https_and_encryption(production):
    assert production.load().mode == "production"


INLINE = "in production a secret must be a reference: ${env:NAME} or ${file:path}"


# fmt: off
REFUSED = [
    ("gateway.yaml", "https://api.usecobalt.com", "http://api.usecobalt.com",
     "gateway.yaml:6: accounts.cobalt-main.base_url: production requires https://"),
    ("gateway.yaml", "https://intake.example", "http://intake.example",
     "gateway.yaml:17: apps.intake.callback.url: production requires https://"),
    ("gateway.yaml", '"${env:COBALT_CLIENT_ID}"', "canary", f"gateway.yaml:7: accounts.cobalt-main.credentials.client_id: {INLINE}"),
    ("gateway.yaml", '"${env:COBALT_WEBHOOK_TOKEN}"', "canary", f"gateway.yaml:8: accounts.cobalt-main.webhook.token: {INLINE}"),
    ("gateway.yaml", '"${env:COBALT_WEBHOOK_SECRET}"', "canary", f"gateway.yaml:8: accounts.cobalt-main.webhook.secrets[0]: {INLINE}"),
    ("gateway.yaml", '"${env:INTAKE_SECRET}"', "canary", f"gateway.yaml:17: apps.intake.callback.secrets[0]: {INLINE}"),
    ("gateway.yaml", '"${env:ENCRYPTION_KEY}"', KEY, f"gateway.yaml:26: encryption.keys[0].key: {INLINE}"),
    (LAKESIDE, '"${env:LAKESIDE_COBALT_TOKEN}"', "canary", f"{LAKESIDE}:9: connections.emr.credentials.access_token: {INLINE}"),
    ("gateway.yaml", ', secrets: ["${env:COBALT_WEBHOOK_SECRET}"]', "",
     "gateway.yaml:8: accounts.cobalt-main.webhook.secrets: cobalt signs its webhooks, so production requires the secret"),
    ("gateway.yaml", 'encryption: {keys: [{id: k1, key: "${env:ENCRYPTION_KEY}"}]}', "encryption: {keys: []}",
     "gateway.yaml:26: encryption.keys: production requires one (32 bytes, base64)"),
    ("gateway.yaml", "sqlite:///var/gateway.db", "postgresql://u:canary@db/gateway",
     "gateway.yaml:2: database: in production a password must not stand here: use a reference, or TASK_GATEWAY_DATABASE"),
]
# fmt: on


@pytest.mark.parametrize(("file", "old", "new", "line"), REFUSED)
def test_production_refuses(production, file, old, new, line):
    production.replace(file, old, new)

    assert production.mistakes() == [line]


def test_development_takes_secrets_in_the_file(directory):
    directory.replace("gateway.yaml", '"${env:COBALT_CLIENT_ID}"', "ci_sandbox")
    directory.replace(LAKESIDE, '"${env:LAKESIDE_COBALT_TOKEN}"', "at_sandbox")

    assert directory.mistakes() == []


CANARY = "canary-5f1d"


# fmt: off
LEAKS = [
    ("gateway.yaml", '"${env:COBALT_CLIENT_ID}"', f"[{CANARY}]"),
    ("gateway.yaml", '"${env:COBALT_CLIENT_ID}"', f'"{CANARY}\\n"'),
    ("gateway.yaml", '"${env:COBALT_CLIENT_ID}"', f"!{CANARY} x"),
    ("gateway.yaml", '"${env:COBALT_CLIENT_ID}"', f"*{CANARY}"),
    ("gateway.yaml", '"${env:COBALT_CLIENT_ID}"', f'"{CANARY}'),
    ("gateway.yaml", '"${env:COBALT_CLIENT_ID}"', f'"${{env:COBALT_CLIENT_ID}}{CANARY}"'),
    ("gateway.yaml", '"${env:COBALT_WEBHOOK_TOKEN}"', f'"{CANARY}/"'),
    ("gateway.yaml", "ab" * 32, f"tgk_k1_{CANARY}"),
    ("gateway.yaml", "http://127.0.0.1:9101", f"ftp://u:{CANARY}@h"),
    ("gateway.yaml", "http://127.0.0.1:9101", f"https://u:{CANARY}@h"),
    ("gateway.yaml", "sqlite:///var/gateway.db", f"mysql://u:{CANARY}@h"),
    ("gateway.yaml", "absence_gap: 300", f"absence_gap: 300\nencryption: {{keys: [{{id: k1, key: {CANARY}}}]}}"),
    (LAKESIDE, "account: cobalt-main", 'account: "${env:SLIP}"'),
    (LAKESIDE, "emr: eclinicalworks", 'emr: "${env:SLIP}"'),
    (LAKESIDE, "timezone: America/Chicago", 'timezone: "${env:SLIP}"'),
    (LAKESIDE, "created_by: front-desk-bot", 'created_by: "${env:SLIP}"'),
    (LAKESIDE, "type: [vob, general]", 'priority: ["${env:SLIP}"]'),
    (LAKESIDE, "access_token: ", f"access_token: {CANARY}, access_token: "),
]
# fmt: on


@pytest.mark.parametrize(("file", "old", "new"), LEAKS)
def test_no_message_shows_a_secret(directory, file, old, new):
    directory.environ["SLIP"] = CANARY
    directory.replace(file, old, new)

    mistakes = "\n".join(directory.mistakes())

    assert mistakes
    assert CANARY not in mistakes


def test_what_came_by_reference_is_shown_as_written(directory):
    directory.environ["ACCOUNT"] = "cobolt-main"
    directory.replace(LAKESIDE, "account: cobalt-main", 'account: "${env:ACCOUNT}"')

    assert directory.mistakes() == [
        f"{LAKESIDE}:6: connections.emr.account: unknown account '${{env:ACCOUNT}}', did you mean 'cobalt-main'?",
    ]


@pytest.mark.parametrize("value", ["x\r\nX-Evil: 1", "x\0"])
def test_a_secret_from_the_environment_holds_no_line_break_or_nul(directory, value):
    directory.environ["COBALT_CLIENT_ID"] = value

    assert directory.mistakes() == [
        "gateway.yaml:7: accounts.cobalt-main.credentials.client_id: the secret holds a line break or a NUL",
    ]


def test_a_secret_file_may_end_with_one_line_break(directory):
    directory.write("cobalt-secret", "s\r\n")
    assert directory.load().accounts["cobalt-main"].credentials.client_secret.reveal() == "s"

    directory.write("cobalt-secret", "s\n\n")
    assert directory.mistakes() == [
        "gateway.yaml:7: accounts.cobalt-main.credentials.client_secret: the secret holds a line break or a NUL",
    ]


@pytest.mark.parametrize(("value", "problem"), [("", "is empty"), (None, "is not set")])
def test_a_variable_must_be_set_and_filled(directory, value, problem):
    directory.environ.pop("COBALT_CLIENT_ID")
    if value is not None:
        directory.environ["COBALT_CLIENT_ID"] = value

    assert directory.mistakes() == [
        (
            "gateway.yaml:7: accounts.cobalt-main.credentials.client_id: "
            f"the environment variable COBALT_CLIENT_ID {problem}"
        ),
    ]


def test_production_refuses_the_keys_that_the_example_publishes(directory):
    published = "d1caaf92d5c0462ab74c60c5b25470006ac010a5d6a26e70eab5afc911803a76"
    written = directory.path / "gateway.yaml"
    text = re.sub(r"[0-9a-f]{64}", published, written.read_text()).replace("mode: development", "mode: production")
    written.write_text(text)

    assert any("apps.intake.keys[0]: this key is published" in mistake for mistake in directory.mistakes())


def test_a_team_creates_no_tasks(directory):
    directory.replace(LAKESIDE, "created_by: front-desk-bot", "created_by: front-desk")

    assert directory.mistakes() == [
        f"{LAKESIDE}:13: connections.front-desk.defaults.created_by: 'front-desk' is a team in front-desk, and this takes one person"
    ]
