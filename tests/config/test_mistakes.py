"""Every mistake comes out as one line: file, line, key, what is wrong, and the likely right word."""

# ruff: noqa: E501 - what comes out as one line stands on one line

import pytest

GATEWAY, TABLE, LAKESIDE = "gateway.yaml", "emr_capabilities.yaml", "clinics/lakeside-family.yaml"

# What is wrong: the file, the text, what replaces it, and the lines that come out.
# fmt: off
MISTAKES = {
    "an unknown key at the top": (
        GATEWAY, "accounts:", "acounts: {}\naccounts:", [
            f"{GATEWAY}:3: acounts: unknown key 'acounts', did you mean 'accounts'?",
        ]),
    "an unknown mode": (
        GATEWAY, "mode: development", "mode: developmnt", [
            f"{GATEWAY}:1: mode: unknown mode 'developmnt', did you mean 'development'?",
        ]),
    "a mode that YAML 1.1 would read as false": (
        GATEWAY, "mode: development", "mode: NO", [
            f"{GATEWAY}:1: mode: unknown mode 'NO'; known: development, production",
        ]),
    "a mode that is no text": (
        GATEWAY, "mode: development", "mode: true", [
            f"{GATEWAY}:1: mode: expected text, got true or false; put it in quotes",
        ]),
    "a database of another kind": (
        GATEWAY, "database: sqlite:///var/gateway.db", "database: mysql://u:canary-pw@h/db", [
            f"{GATEWAY}:2: database: expected sqlite:///PATH or postgresql://...",
        ]),
    "an unknown adapter": (
        GATEWAY, "adapter: cobalt", "adapter: cobolt", [
            f"{GATEWAY}:5: accounts.cobalt-main.adapter: unknown adapter 'cobolt', did you mean 'cobalt'?",
        ]),
    "an account without its adapter": (
        GATEWAY, "    adapter: cobalt\n", "", [
            f"{GATEWAY}:4: accounts.cobalt-main.adapter: required, but missing",
        ]),
    "a base URL of another scheme": (
        GATEWAY, "http://127.0.0.1:9101", "ftp://127.0.0.1", [
            f"{GATEWAY}:6: accounts.cobalt-main.base_url: expected an http:// or https:// URL",
        ]),
    "a base URL with credentials": (
        GATEWAY, "http://127.0.0.1:9101", "https://user:canary-pw@example.com", [
            f"{GATEWAY}:6: accounts.cobalt-main.base_url: a URL must not hold credentials",
        ]),
    "an unknown credential": (
        GATEWAY, 'client_id: "${env:COBALT_CLIENT_ID}"', 'client_idd: "${env:COBALT_CLIENT_ID}"', [
            f"{GATEWAY}:7: accounts.cobalt-main.credentials.client_idd: unknown key 'client_idd', did you mean 'client_id'?",
            f"{GATEWAY}:7: accounts.cobalt-main.credentials.client_id: required, but missing",
        ]),
    "a reference to a variable that is not set": (
        GATEWAY, '"${env:COBALT_CLIENT_ID}"', '"${env:COBALT_CLIENT}"', [
            f"{GATEWAY}:7: accounts.cobalt-main.credentials.client_id: the environment variable COBALT_CLIENT is not set",
        ]),
    "an unknown kind of reference": (
        GATEWAY, '"${env:COBALT_CLIENT_ID}"', '"${evn:COBALT_CLIENT}"', [
            f"{GATEWAY}:7: accounts.cobalt-main.credentials.client_id: unknown kind of reference 'evn', did you mean 'env'?",
        ]),
    "a reference inside of a text": (
        GATEWAY, '"${env:COBALT_CLIENT_ID}"', '"id-${env:COBALT_CLIENT_ID}"', [
            f"{GATEWAY}:7: accounts.cobalt-main.credentials.client_id: a reference must be the whole value",
        ]),
    "a number for a secret": (
        GATEWAY, '"${env:COBALT_CLIENT_ID}"', "4711", [
            f"{GATEWAY}:7: accounts.cobalt-main.credentials.client_id: expected text, got a number; put it in quotes",
        ]),
    "a secret with a line break": (
        GATEWAY, '"${env:COBALT_CLIENT_ID}"', '"canary\\r\\nx: y"', [
            f"{GATEWAY}:7: accounts.cobalt-main.credentials.client_id: the secret holds a line break or a NUL",
        ]),
    "an empty secret": (
        GATEWAY, '"${env:COBALT_CLIENT_ID}"', '""', [
            f"{GATEWAY}:7: accounts.cobalt-main.credentials.client_id: the secret is empty",
        ]),
    "a reference to a file that is not there": (
        GATEWAY, '"${file:cobalt-secret}"', '"${file:nowhere}"', [
            f"{GATEWAY}:7: accounts.cobalt-main.credentials.client_secret: the file nowhere cannot be read (No such file or directory)",
        ]),
    "a webhook token that fits no URL": (
        GATEWAY, '"${env:COBALT_WEBHOOK_TOKEN}"', '"a/canary"', [
            f"{GATEWAY}:8: accounts.cobalt-main.webhook.token: it is part of a URL: letters, digits, '.', '_', '~' and '-' only",
        ]),
    "a webhook without its token": (
        GATEWAY, 'token: "${env:COBALT_WEBHOOK_TOKEN}", ', "", [
            f"{GATEWAY}:8: accounts.cobalt-main.webhook.token: required, but missing",
        ]),
    "a limit below one": (
        GATEWAY, "concurrency: 16", "concurrency: 0", [
            f"{GATEWAY}:9: accounts.cobalt-main.limits.concurrency: expected a whole number >= 1",
        ]),
    "a limit that is a fraction": (
        GATEWAY, "concurrency: 16", "concurrency: 1.5", [
            f"{GATEWAY}:9: accounts.cobalt-main.limits.concurrency: expected a whole number, got a fraction",
        ]),
    "a limit in words": (
        GATEWAY, "concurrency: 16", "concurrency: many", [
            f"{GATEWAY}:9: accounts.cobalt-main.limits.concurrency: expected a whole number, got text",
        ]),
    "a boolean in words": (
        GATEWAY, "reuse_connections: false", "reuse_connections: no", [
            f"{GATEWAY}:10: accounts.cobalt-main.reuse_connections: expected true or false, got text",
        ]),
    "a key where its hash belongs": (
        GATEWAY, "abababababababababababababababababababababababababababababababab", "canary", [
            f"{GATEWAY}:14: apps.intake.keys[0].sha256: expected the SHA-256 of the whole key string, 64 lower-case hex digits",
        ]),
    "a key id with an underscore": (
        GATEWAY, "id: k1", "id: k_1", [
            f"{GATEWAY}:14: apps.intake.keys[0].id: expected an id of letters, digits, '.' and '-'",
        ]),
    "an app's unknown clinic": (
        GATEWAY, 'clinics: ["*"]', "clinics: [lakeside-familly]", [
            f"{GATEWAY}:15: apps.intake.clinics[0]: unknown clinic 'lakeside-familly', did you mean 'lakeside-family'?",
        ]),
    "an unknown role": (
        GATEWAY, "roles: [submit, read]", "roles: [submit, reed]", [
            f"{GATEWAY}:16: apps.intake.roles[1]: unknown role 'reed', did you mean 'read'?",
        ]),
    "one value for a list": (
        GATEWAY, "roles: [submit, read]", "roles: submit", [
            f"{GATEWAY}:16: apps.intake.roles: expected a list, got text",
        ]),
    "an event without a kind": (
        GATEWAY, 'events: ["*"]', "events: [delivered]", [
            f'{GATEWAY}:17: apps.intake.callback.events[0]: expected "*", or an event such as task.delivered or task.*',
        ]),
    "an adapter path that is not there": (
        GATEWAY, "adapter_paths: []", "adapter_paths: [vendors]", [
            f"{GATEWAY}:18: adapter_paths[0]: there is no such directory",
        ]),
    "a negative wait": (
        GATEWAY, "answer_within: 5 ", "answer_within: -1 ", [
            f"{GATEWAY}:19: answer_within: expected a number >= 0.0",
        ]),
    "a number with a leading zero": (
        GATEWAY, "answer_within: 5 ", "answer_within: 05 ", [
            f"{GATEWAY}:19: answer_within: expected a number, got text",
        ]),
    "a timeout of zero": (
        GATEWAY, "connect: 5", "connect: 0", [
            f"{GATEWAY}:20: timeouts.connect: expected a number > 0.0",
        ]),
    "a misspelt timeout": (
        GATEWAY, "connect: 5", "conect: 5", [
            f"{GATEWAY}:20: timeouts.conect: unknown key 'conect', did you mean 'connect'?",
        ]),
    "a schedule without looks": (
        GATEWAY, "submitted: [60, 120, 300, 900, 3600, 21600]", "submitted: []", [
            f"{GATEWAY}:22: follow.submitted: the list is empty",
        ]),
    "a number that YAML 1.1 would read in base 60": (
        GATEWAY, "absence_gap: 300", "absence_gap: 12:30", [
            f"{GATEWAY}:25: follow.absence_gap: expected a number, got text",
        ]),
    "a key given twice": (
        GATEWAY, "absence_gap: 300", "absence_gap: 300\nmode: production", [
            f"{GATEWAY}:26: mode: given twice (column 1); the first is on line 1, column 1",
        ]),
    "an encryption key of the wrong length": (
        GATEWAY, "absence_gap: 300", "absence_gap: 300\nencryption: {keys: [{id: k1, key: canary}]}", [
            f"{GATEWAY}:26: encryption.keys[0].key: expected 32 bytes in base64",
        ]),
    "a list left open": (
        GATEWAY, "absence_gap: 300", "absence_gap: [300", [
            f"{GATEWAY}:26: not YAML: did not find expected ',' or ']' (column 1)",
        ]),
    "an alias without an anchor": (
        GATEWAY, "absence_gap: 300", "absence_gap: *canary", [
            f"{GATEWAY}:25: not YAML: an alias without its anchor; text that begins with * must be quoted (column 16)",
        ]),
    "a tag": (
        GATEWAY, "absence_gap: 300", "absence_gap: !canary x", [
            f"{GATEWAY}:25: follow.absence_gap: tags are not used here; text that begins with ! must be quoted",
        ]),
    "a callback URL without a scheme": (
        GATEWAY, 'url: "http://127.0.0.1:9200/hooks"', 'url: "127.0.0.1/hooks"', [
            f"{GATEWAY}:17: apps.intake.callback.url: expected an http:// or https:// URL",
        ]),
    "an unknown vendor": (
        TABLE, "cobalt:", "cobolt:", [
            f"{TABLE}:1: cobolt: unknown vendor 'cobolt', did you mean 'cobalt'?",
        ]),
    "an unknown operation": (
        TABLE, "create_task:", "create_tsk:", [
            f"{TABLE}:7: cobalt.athenahealth.create_tsk: unknown operation 'create_tsk', did you mean 'create_task'?",
        ]),
    "an unknown field": (
        TABLE, "title: required", "titel: required", [
            f"{TABLE}:9: cobalt.athenahealth.create_task.fields.titel: unknown field 'titel', did you mean 'title'?",
        ]),
    "an unknown need": (
        TABLE, "title: required", "title: requird", [
            f"{TABLE}:9: cobalt.athenahealth.create_task.fields.title: unknown need 'requird', did you mean 'required'?",
        ]),
    "required without a place": (
        TABLE, "title: required", "tags: required", [
            f"{TABLE}:9: cobalt.athenahealth.create_task.fields.tags: cannot be required: cobalt has no place for it",
        ]),
    "what the adapter requires made optional by hearsay": (
        TABLE, "title: required", "description: optional", [
            f"{TABLE}:9: cobalt.athenahealth.create_task.fields.description: cobalt requires it; only `source: observed` may relax that",
        ]),
    "what the adapter requires refused": (
        TABLE, "title: required", "description: refused", [
            f"{TABLE}:9: cobalt.athenahealth.create_task.fields.description: cobalt requires it, so it cannot be refused (see `supported`)",
        ]),
    "an unknown source": (
        TABLE, "source: observed", "source: obseved", [
            f"{TABLE}:10: cobalt.athenahealth.create_task.fields.assignees.source: unknown source 'obseved', did you mean 'observed'?",
        ]),
    "a misspelt need": (
        TABLE, "need: required, source", "neeed: required, source", [
            f"{TABLE}:10: cobalt.athenahealth.create_task.fields.assignees.neeed: unknown key 'neeed', did you mean 'need'?",
            f"{TABLE}:10: cobalt.athenahealth.create_task.fields.assignees.need: required, but missing",
        ]),
    "a date in words": (
        TABLE, "checked: 2026-11-22}\n  ath", "checked: yesterday}\n  ath", [
            f"{TABLE}:5: cobalt.eclinicalworks.create_claim.checked: expected a date such as 2026-11-22",
        ]),
    "an unknown field of a group": (
        TABLE, "      fields:", "      one_of: [[patient.id, patient.mr]]\n      fields:", [
            f"{TABLE}:8: cobalt.athenahealth.create_task.one_of[0][1]: unknown field 'patient.mr', did you mean 'patient.mrn'?",
        ]),
    "an empty group": (
        TABLE, "      fields:", "      one_of: [[]]\n      fields:", [
            f"{TABLE}:8: cobalt.athenahealth.create_task.one_of[0]: the list is empty",
        ]),
    "a support that is no boolean": (
        TABLE, "supported: true", "supported: yes", [
            f"{TABLE}:5: cobalt.eclinicalworks.create_claim.supported: expected true or false, got text",
        ]),
    "a clinic id with a space": (
        LAKESIDE, "id: lakeside-family", "id: lakeside family", [
            f"{LAKESIDE}:1: id: expected a name of letters, digits, '.', '_' and '-', at most 100 long",
        ]),
    "a clinic without an id": (
        LAKESIDE, "id: lakeside-family\n", "", [
            f"{LAKESIDE}:1: id: required, but missing",
        ]),
    "an unknown timezone": (
        LAKESIDE, "America/Chicago", "America/Chicgo", [
            f"{LAKESIDE}:3: timezone: unknown timezone 'America/Chicgo', did you mean 'America/Chicago'?",
        ]),
    "an unknown account": (
        LAKESIDE, "account: cobalt-main", "account: cobolt-main", [
            f"{LAKESIDE}:6: connections.emr.account: unknown account 'cobolt-main', did you mean 'cobalt-main'?",
        ]),
    "an unknown EMR": (
        LAKESIDE, "emr: eclinicalworks", "emr: eclinicalwork", [
            f"{LAKESIDE}:7: connections.emr.emr: unknown EMR 'eclinicalwork', did you mean 'eclinicalworks'?",
        ]),
    "a misspelt credential of a connection": (
        LAKESIDE, "access_token:", "acess_token:", [
            f"{LAKESIDE}:9: connections.emr.credentials.acess_token: unknown key 'acess_token', did you mean 'access_token'?",
            f"{LAKESIDE}:9: connections.emr.credentials.access_token: required, but missing",
        ]),
    "a missing variable of a clinic": (
        LAKESIDE, '"${env:LAKESIDE_COBALT_TOKEN}"', '"${env:LAKESIDE_TOKEN}"', [
            f"{LAKESIDE}:9: connections.emr.credentials.access_token: the environment variable LAKESIDE_TOKEN is not set",
        ]),
    "an id that lost its quotes": (
        LAKESIDE, 'phone_call_type_id: "12"', "phone_call_type_id: 12", [
            f"{LAKESIDE}:10: connections.emr.defaults.phone_call_type_id: expected text, got a number; put it in quotes",
        ]),
    "an unknown default": (
        LAKESIDE, 'phone_call_type_id: "12"', 'phone_type: "12"', [
            f"{LAKESIDE}:10: connections.emr.defaults.phone_type: unknown key 'phone_type', did you mean 'phone_call_type_id'?",
        ]),
    "a default creator whom nobody knows": (
        LAKESIDE, "created_by: front-desk-bot", "created_by: front-desk-bott", [
            f"{LAKESIDE}:13: connections.front-desk.defaults.created_by: unknown person 'front-desk-bott', did you mean 'front-desk-bot'?",
        ]),
    "one default assignee instead of a list": (
        LAKESIDE, "assignees: [front-desk]", "assignees: front-desk", [
            f"{LAKESIDE}:13: connections.front-desk.defaults.assignees: expected a list, got text",
        ]),
    "a default assignee whom nobody knows": (
        LAKESIDE, "assignees: [front-desk]", "assignees: [frontdesk]", [
            f"{LAKESIDE}:13: connections.front-desk.defaults.assignees[0]: unknown person 'frontdesk', did you mean 'front-desk'?",
        ]),
    "a deadline in words": (
        LAKESIDE, "due_in: 2d", "due_in: 2 days", [
            f"{LAKESIDE}:13: connections.front-desk.defaults.due_in: expected a duration such as 30m, 4h, 2d or 1w",
        ]),
    "a deadline without its unit": (
        LAKESIDE, "due_in: 2d", "due_in: 2", [
            f"{LAKESIDE}:13: connections.front-desk.defaults.due_in: expected text, got a number; put it in quotes",
        ]),
    "a title from nowhere": (
        LAKESIDE, "title_from: description", "title_from: descripton", [
            f"{LAKESIDE}:13: connections.front-desk.defaults.title_from: unknown title_from 'descripton', did you mean 'description'?",
        ]),
    "a title and a rule for one": (
        LAKESIDE, "title_from: description", "title_from: description, title: x", [
            f"{LAKESIDE}:13: connections.front-desk.defaults.title_from: give title or title_from, not both",
        ]),
    "an unknown condition": (
        LAKESIDE, "type: [vob, general]", "typ: [vob, general]", [
            f"{LAKESIDE}:15: routes[0].when.typ: unknown key 'typ', did you mean 'type'?",
        ]),
    "a condition on an unknown priority": (
        LAKESIDE, "type: [vob, general]", "priority: [hihg]", [
            f"{LAKESIDE}:15: routes[0].when.priority[0]: unknown priority 'hihg', did you mean 'high'?",
        ]),
    "a condition on an unknown status": (
        LAKESIDE, "type: [vob, general]", "status: completd", [
            f"{LAKESIDE}:15: routes[0].when.status: unknown status 'completd', did you mean 'completed'?",
        ]),
    "a condition that nothing meets": (
        LAKESIDE, "type: [vob, general]", "type: []", [
            f"{LAKESIDE}:15: routes[0].when.type: the list is empty",
        ]),
    "a condition on somebody unknown": (
        LAKESIDE, "type: [vob, general]", "assignees: [dr-wilsen]", [
            f"{LAKESIDE}:15: routes[0].when.assignees[0]: unknown person 'dr-wilsen', did you mean 'dr-wilson'?",
        ]),
    "a route to an unknown connection": (
        LAKESIDE, "to: front-desk", "to: front-dek", [
            f"{LAKESIDE}:16: routes[0].to: unknown connection 'front-dek', did you mean 'front-desk'?",
        ]),
    "a route to nowhere": (
        LAKESIDE, "  - to: emr", "  - when: {type: x}", [
            f"{LAKESIDE}:17: routes[1].to: required, but missing",
        ]),
    "an id in an unknown connection": (
        LAKESIDE, 'ids: {emr: "74196090-5faa",', 'ids: {emrr: "74196090-5faa",', [
            f"{LAKESIDE}:19: people.dr-wilson.ids.emrr: unknown connection 'emrr', did you mean 'emr'?",
        ]),
    "a person's id that lost its quotes": (
        LAKESIDE, 'emr: "74196090-5faa"', "emr: 74196090", [
            f"{LAKESIDE}:19: people.dr-wilson.ids.emr: expected text, got a number; put it in quotes",
        ]),
    "a team without members": (
        LAKESIDE, '["7f3c", "91aa"]', "[]", [
            f"{LAKESIDE}:20: people.front-desk.ids.front-desk: the list is empty",
        ]),
    "a team member that lost its quotes": (
        LAKESIDE, '["7f3c", "91aa"]', '["7f3c", 91]', [
            f"{LAKESIDE}:20: people.front-desk.ids.front-desk[1]: expected text, got a number; put it in quotes",
        ]),
    "a person named like a vendor's id": (
        LAKESIDE, "  dr-wilson: ", "  id:wilson: ", [
            f"{LAKESIDE}:19: people.id:wilson: a name must not begin with id:, which means a vendor's own id",
        ]),
    "rows for an unknown connection": (
        LAKESIDE, "capabilities: {}", "capabilities: {emrr: {}}", [
            f"{LAKESIDE}:22: capabilities.emrr: unknown connection 'emrr', did you mean 'emr'?",
        ]),
    "support for what the adapter does not have": (
        LAKESIDE, "capabilities: {}", "capabilities: {front-desk: {add_note: {supported: true}}}", [
            f"{LAKESIDE}:22: capabilities.front-desk.add_note.supported: task_api has no add_note",
        ]),
    "a clinic's rule on a field without a place": (
        LAKESIDE, "capabilities: {}", "capabilities: {front-desk: {create_task: {fields: {notify: required}}}}", [
            f"{LAKESIDE}:22: capabilities.front-desk.create_task.fields.notify: cannot be required: task_api has no place for it",
        ]),
    "a duration without its unit": (
        LAKESIDE, "capabilities: {}", "give_up_after: 24", [
            f"{LAKESIDE}:22: give_up_after: expected text, got a number; put it in quotes",
        ]),
    "a duration of nothing": (
        LAKESIDE, "capabilities: {}", "give_up_after: 0s", [
            f"{LAKESIDE}:22: give_up_after: expected more than nothing and at most ten years",
        ]),
    "a duration in words": (
        LAKESIDE, "capabilities: {}", "hold_for: forever", [
            f"{LAKESIDE}:22: hold_for: expected a duration such as 90s, 30m, 24h or 7d",
        ]),
    "an unknown answer to loss": (
        LAKESIDE, "capabilities: {}", "on_loss: refused", [
            f"{LAKESIDE}:22: on_loss: unknown on_loss 'refused', did you mean 'refuse'?",
        ]),
    "a list where a mapping belongs": (
        LAKESIDE, "capabilities: {}", "capabilities: []", [
            f"{LAKESIDE}:22: capabilities: expected a mapping, got a list",
        ]),
    "a connection given twice": (
        LAKESIDE, "  emr:\n    account", "  front-desk:\n    account", [
            f"{LAKESIDE}:11: connections.front-desk: given twice (column 3); the first is on line 5, column 3",
            f"{LAKESIDE}:17: routes[1].to: unknown connection 'emr'; known: front-desk",
            f"{LAKESIDE}:19: people.dr-wilson.ids.emr: unknown connection 'emr'; known: front-desk",
        ]),
    "a connection that is no mapping": (
        LAKESIDE, "  emr:\n", "  emr: x\n  emr2:\n", [
            f"{LAKESIDE}:5: connections.emr: expected a mapping, got text",
        ]),
}
# fmt: on


@pytest.mark.parametrize(("file", "old", "new", "lines"), MISTAKES.values(), ids=MISTAKES)
def test_the_mistake_is_told_with_its_line(directory, file, old, new, lines):
    directory.replace(file, old, new)

    assert directory.mistakes() == lines
