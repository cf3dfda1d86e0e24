"""Who may call what: keys, roles, clinics."""

from itertools import product

import httpx
import pytest
from console.routes import CONSOLE
from litestar.routes import HTTPRoute
from web.world import APPS, ROLES, bearer, key_of

READ, SUBMIT, OPERATE, ADMIN = "read", "submit", "operate", "admin"
OPEN, ANY_KEY = "open", "any key"
WHY = {"reason": "x"}

MATRIX = {
    **{
        (method, f"/v1/{plural}{rest}"): role
        for plural in ("tasks", "notes", "claims")
        for method, rest, role in (
            ("GET", "", READ),
            ("POST", "", SUBMIT),
            ("POST", "/explain", SUBMIT),
            ("GET", "/{delivery_id:str}", READ),
            ("GET", "/{delivery_id:str}/timeline", READ),
            ("POST", "/{delivery_id:str}/cancel", SUBMIT),
            ("POST", "/{delivery_id:str}/retry", OPERATE),
            ("POST", "/{delivery_id:str}/resolve", OPERATE),
        )
    },
    ("POST", "/v1/tasks/{task_id:str}/notes"): SUBMIT,
    ("GET", "/v1/deliveries"): READ,
    ("GET", "/v1/events"): READ,
    ("GET", "/v1/events/stream"): READ,
    ("POST", "/v1/events/redeliver"): OPERATE,
    ("POST", "/v1/events/{event_id:str}/redeliver"): OPERATE,
    ("GET", "/v1/events/{event_id:str}/callbacks"): OPERATE,
    ("GET", "/v1/callbacks"): OPERATE,
    ("GET", "/v1/callbacks/{app:str}/events"): OPERATE,
    ("POST", "/v1/callbacks/{app:str}/resume"): OPERATE,
    ("GET", "/v1/me"): ANY_KEY,
    ("GET", "/v1/clinics"): READ,
    ("GET", "/v1/clinics/{clinic_id:str}/capabilities"): READ,
    ("GET", "/v1/clinics/{clinic_id:str}/capabilities/{operation:str}/schema"): READ,
    ("GET", "/v1/capabilities/drift"): READ,
    ("GET", "/v1/connections"): READ,
    ("POST", "/v1/connections/{clinic_id:str}/{name:str}/pause"): OPERATE,
    ("POST", "/v1/connections/{clinic_id:str}/{name:str}/resume"): OPERATE,
    ("POST", "/v1/admin/reload"): ADMIN,
    ("POST", "/v1/admin/reseal"): ADMIN,
    ("GET", "/v1/audit"): ADMIN,
    ("GET", "/v1/webhooks"): OPERATE,
    ("POST", "/v1/webhooks/{account:str}/{token:str}"): OPEN,
    ("GET", "/metrics"): READ,
    ("GET", "/health/live"): OPEN,
    ("GET", "/health/ready"): OPEN,
    ("GET", "/"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/docs/{name:path}"): OPEN,
    ("GET", "/problems"): OPEN,
    ("GET", "/problems/{code:str}"): OPEN,
    ("GET", "/schema"): OPEN,
    ("GET", "/schema/openapi.json"): OPEN,
    ("GET", "/schema/{path:str}"): OPEN,
}
"""Every route of the API and what it takes to call it."""

WHOLE = {**MATRIX, **CONSOLE}

_APP_OF = {READ: "reader", SUBMIT: "submitter", OPERATE: "operator", ADMIN: "administrator"}


def routes(app):
    """Every method and path template that the app answers, but OPTIONS."""
    return {
        (method, route.path_format if "{" not in route.path else route.path)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method != "OPTIONS"
    }


def test_every_route_is_in_the_table_and_the_table_has_no_other(gateway):
    assert routes(gateway.app) == set(WHOLE)


def test_a_route_is_open_or_guarded_as_the_table_says(gateway):
    for route in gateway.app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            for method in handler.http_methods - {"OPTIONS"}:
                wanted = WHOLE[method, route.path]
                assert bool(handler.opt.get("open")) == (wanted == OPEN), (method, route.path)
                assert bool(handler.guards) == (wanted in ROLES), (method, route.path)


def called(gateway, method, template, headers):
    path = template.replace("{clinic_id:str}", "north").replace("{name:str}", "emr")
    path = path.replace("{code:str}", "duplicate").replace("{", "").replace(":str}", "")
    path = path.replace("/stream", "/stream?after=evt_nobody")  # else it would not end
    body = WHY if path.endswith(("pause", "retry", "resolve")) else {}
    return gateway.call(method, path, by=None, headers=headers, **({"json": body} if method == "POST" else {}))


@pytest.mark.parametrize(
    ("route", "app"), list(product(MATRIX, ["reader", "submitter", "operator", "administrator", None]))
)
def test_who_may_call_what(shared, route, app):
    wanted = MATRIX[route]
    answer = called(shared, *route, bearer(app) if app else {})
    if wanted == OPEN:
        assert answer.status_code not in {401, 403}
    elif app is None:
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    elif wanted == ANY_KEY or _APP_OF[wanted] == app:
        assert answer.status_code not in {401, 403}
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert wanted in answer.json()["detail"]


KEY = key_of("everything")


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Bearer", "Bearer ", f"Basic {KEY}", KEY, f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"Bearer x{KEY}",
        f"Bearer {KEY.upper()}", "Bearer tgk_everything_", "Bearer tgk_everything", "Bearer tgk__",
        "Bearer tgk_nobody_secret-of-everything", f"Bearer {key_of('reader').replace('secret-of-reader', 'x')}",
        "Bearer tgk_reader_secret-of-everything", f"Bearer tgx_{KEY[4:]}", f"Bearer {KEY} {KEY}", "Bearer \xe9\xff",
        "Bearer " + "k" * 5000,
    ],
)  # fmt: skip
def test_without_a_key_of_ours_there_is_one_and_the_same_401(shared, header):
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    answer = shared.client.get("/v1/me", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert told(answer) == told(shared.client.get("/v1/me"))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_written_in_any_case(shared, scheme):
    assert shared.client.get("/v1/me", headers={"Authorization": f"{scheme} {KEY}"}).status_code == 200


def test_every_app_of_the_tests_gets_in(shared):
    for app in APPS:
        assert shared.client.get("/v1/me", headers=bearer(app)).json()["app"] == app


def told(answer: httpx.Response):
    """An answer, but for the request's own id."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "content-length"}}
    problem = answer.json()
    return answer.status_code, headers, {**problem, "request_id": None, "instance": None}
