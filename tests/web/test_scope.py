"""What is another clinic's is nowhere: each route that names a thing answers for a foreign one as for none at all."""

import json
from hashlib import sha256

import pytest
from web.test_auth import MATRIX, OPEN, WHY
from web.world import ROLES, accepts, answering, claim, created_event, key_of, task
from web.world import gateway as made

CANARY = "of-north-alone"
CALLER = "southern"
"""An app with every role, of the clinic south; everything there is is north's."""
OWNER = "upstairs"


def app(name, clinics, **more):
    key = {"id": name, "sha256": sha256(key_of(name).encode()).hexdigest()}
    return f"  {name}: {json.dumps({'keys': [key], 'clinics': clinics, 'roles': ROLES, **more})}\n"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A gateway where each kind of thing has happened at north, and nothing at south."""
    endpoint = {"url": "http://127.0.0.1:1/", "secrets": ["whsec_" + "c2Vj" * 8]}
    apps = app(CALLER, ["south"]) + app(OWNER, ["north"], callback=endpoint)
    with made(tmp_path_factory.mktemp("scope"), more=f"{apps}answer_within: 2\n") as gateway:
        parent = gateway.submitted(task(reference=CANARY, tags=[CANARY]), by=OWNER)
        gateway.things = {
            "tasks": parent["id"],
            "notes": gateway.submitted({"task_id": parent["id"], "text": CANARY}, "/v1/notes")["id"],
            "claims": gateway.submitted(claim(CANARY), "/v1/claims")["id"],
            "events": gateway.get("/v1/events").json()["items"][0]["id"],
        }
        gateway.push(created_event({"vendor": {"id": CANARY, "job_id": "99"}}, emr_id=CANARY))
        gateway.post("/v1/connections/north/desk/pause", {"reason": CANARY})
        gateway.vendors.handler = answering(400, json={"success": False, "message": "Missing required field: subject"})
        gateway.post("/v1/tasks", task())
        gateway.vendors.handler = accepts
        yield gateway


def named(town, template):
    """The path of a template for the foreign thing, and for one that is not there."""
    kind = template.split("/")[2]
    values = {
        "delivery_id": (town.things.get(kind), "tsk_nobodys"),
        "task_id": (town.things["tasks"], "tsk_nobodys"),
        "event_id": (town.things["events"], "evt_nobodys"),
        "clinic_id": ("north", "nowhere"),
        "name": ("emr", "emr"),
        "operation": ("create_task", "create_task"),
        "app": (OWNER, "nobody"),
    }
    plain = template.replace(":str}", "}")
    return [plain.format(**{name: pair[which] for name, pair in values.items()}) for which in (0, 1)]


def body_for(template):
    if template.endswith("/notes"):
        return {"text": "x"}
    return {"outcome": "created", **WHY} if template.endswith("/resolve") else WHY


def said(answer):
    """All of an answer, but for the request's own name."""
    name = answer.headers["x-request-id"]
    headers = {key: value for key, value in answer.headers.items() if key != "x-request-id"}
    return answer.status_code, headers, answer.content.replace(name.encode(), b"")


NAMING = [route for route, role in MATRIX.items() if "{" in route[1] and role != OPEN]
LISTING = [
    path
    for (method, path), role in MATRIX.items()
    if method == "GET" and "{" not in path and role != OPEN and path != "/v1/events/stream"
]


@pytest.mark.parametrize(("method", "template"), NAMING)
def test_a_foreign_thing_is_as_one_that_is_not_there(town, method, template):
    body = {"json": body_for(template)} if method == "POST" else {}
    foreign, absent = (town.call(method, path, by=CALLER, **body) for path in named(town, template))
    assert foreign.status_code == 404
    assert said(foreign) == said(absent)


@pytest.mark.parametrize("template", [template for method, template in NAMING if method == "GET"])
def test_and_is_there_for_whom_it_belongs_to(town, template):
    assert town.get(named(town, template)[0], by=OWNER).status_code == 200


@pytest.mark.parametrize("path", LISTING)
def test_no_list_has_a_foreign_thing_in_it(town, path):
    words = [CANARY, "north", *town.things.values(), *([OWNER] if path != "/metrics" else [])]
    mine, everybodys = (town.get(path, by=by).text for by in (CALLER, "everything"))
    assert [word for word in words if word in mine] == []
    if path not in {"/metrics", "/v1/me"}:
        assert [word for word in words if word in everybodys] != []


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/notes", "/v1/claims", "/v1/deliveries"])
@pytest.mark.parametrize(
    ("name", "foreign", "absent"),
    [("clinic_id", "north", "nowhere"), ("reference", CANARY, "nobodys"), ("id", CANARY, "nobodys")],
)
def test_a_filter_finds_nothing_foreign(town, path, name, foreign, absent):
    one, other = (town.get(f"{path}?{name}={value}", by=CALLER) for value in (foreign, absent))
    assert one.json() == {"items": [], "next_cursor": None}
    assert said(one) == said(other)


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/stream"])
def test_a_place_in_the_feed_that_is_foreign_is_none(town, path):
    one, other = (town.get(f"{path}?after={event}", by=CALLER) for event in (town.things["events"], "evt_nobodys"))
    assert one.status_code == 400
    assert said(one) == said(other)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/tasks", task),
        ("/v1/tasks", lambda clinic: task(clinic, connection="emr", assignees=["dr-wilson"])),
        ("/v1/claims", lambda clinic: claim(clinic_id=clinic)),
        ("/v1/notes", lambda clinic: {"clinic_id": clinic, "emr_task_id": "e", "text": "x"}),
    ],
)
def test_submitting_to_a_foreign_clinic_is_submitting_to_none(town, path, body):
    for explaining in ("", "/explain"):
        foreign, absent = (town.post(path + explaining, body(clinic), by=CALLER) for clinic in ("north", "nowhere"))
        assert foreign.status_code == (200 if explaining else 422)
        assert said(foreign) == said(absent)


@pytest.mark.parametrize("path", ["/v1/notes", "/v1/notes/explain"])
def test_a_note_on_a_foreign_task_is_a_note_on_none(town, path):
    foreign, absent = (
        town.post(path, {"task_id": each, "text": "x"}, by=CALLER) for each in (town.things["tasks"], "tsk_nobodys")
    )
    assert "unknown-task" in foreign.text
    assert said(foreign) == said(absent)


@pytest.mark.parametrize("naming", ["an event", "an app"])
def test_a_range_of_events_that_names_what_is_foreign_names_nothing(town, naming):
    if naming == "an event":
        bodies = [{"after": event, **WHY} for event in (town.things["events"], "evt_nobodys")]
    else:
        bodies = [{"after": "evt_0", "app": app, **WHY} for app in (OWNER, "nobody")]
    foreign, absent = (town.post("/v1/events/redeliver", body, by=CALLER) for body in bodies)
    assert foreign.status_code == 422
    assert said(foreign) == said(absent)


def test_a_key_of_another_apps_is_no_conflict(town):
    """An Idempotency-Key belongs to its app: using one that another app has used tells nothing of it."""
    town.submitted(task(), by=OWNER, headers={"Idempotency-Key": "shared-by-chance"})
    body = task("south", title="t", assignees=["dr-wilson"])
    answer = town.post("/v1/tasks", body, by=CALLER, headers={"Idempotency-Key": "shared-by-chance"})
    assert "idempotent-replayed" not in answer.headers
    assert answer.json().get("code") != "idempotency-key-reused"
