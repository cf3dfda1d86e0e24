"""Signing in, staying signed in, and the ends of it."""

import re
from datetime import timedelta
from itertools import takewhile

import pytest
from console.seat import Seat, seat
from msgspec import structs
from web.world import key_of

from gateway.clinics import load


def audit(gateway):
    return gateway.get("/v1/audit").json()["items"]


def rewritten(gateway, change):
    """The configuration files changed, and in force."""
    file = gateway.directory / "gateway.yaml"
    file.write_text(change(file.read_text()))
    gateway.app.state.services.configured.config = load(gateway.directory, {})


@pytest.fixture
def files(gateway, tmp_path):
    gateway.directory = tmp_path / "config"
    return gateway


def test_who_is_not_signed_in_is_led_to_the_form_and_from_there_to_where_they_wanted(gateway):
    somebody = Seat(gateway)
    sent = somebody.get("/console/deliveries?state=unknown&clinic=north")
    assert sent.status_code == 303
    shown = somebody.get(sent.headers["location"])
    assert 'value="/console/deliveries?state=unknown&amp;clinic=north"' in shown.text
    done = somebody.post("/console/login", key=key_of("reader"), next="/console/deliveries?state=unknown&clinic=north")
    assert (done.status_code, done.headers["location"]) == (303, "/console/deliveries?state=unknown&clinic=north")
    assert somebody.get(done.headers["location"]).status_code == 200


@pytest.mark.parametrize("wanted", ["https://elsewhere.example", "//elsewhere.example", "/console//elsewhere", "/v1/me",
                                    "/console/../v1/me", "/console\\elsewhere", "/consoleelsewhere", ""])  # fmt: skip
def test_signing_in_leads_nowhere_but_into_the_console(gateway, wanted):
    assert Seat(gateway).sign_in(key_of("reader"), next=wanted).headers["location"] == "/console"


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(gateway):
    somebody = Seat(gateway)
    cookie = somebody.sign_in(key_of("reader")).headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    assert "max-age" not in cookie
    assert "secure" not in cookie  # development is served without TLS


def test_in_production_the_cookie_is_bound_to_the_host_and_to_tls(files):
    services = files.app.state.services
    services.configured.config = structs.replace(services.configured.config, mode="production")
    somebody = Seat(files)
    before = somebody.get("/console/login").headers["set-cookie"]
    cookie = somebody.sign_in(key_of("reader")).headers["set-cookie"]
    assert before.startswith("__Host-console-before=")  # or a neighbouring host could have somebody sign in as another
    assert cookie.startswith("__Host-console=")
    for each in (before, cookie):
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(each.split("; "))


def test_the_session_is_another_one_than_before_the_sign_in_and_another_each_time(gateway):
    tokens = set()
    for _ in range(2):
        somebody = Seat(gateway)
        somebody.sign_in(key_of("reader"))
        tokens |= {somebody.cookies["console"], somebody.cookies["console-before"]}
    assert len(tokens) == 4
    assert all(len(token) >= 43 for token in tokens)  # 256 bits


def test_signing_in_anew_ends_the_session_that_was_there(gateway):
    somebody = seat(gateway)
    before = Seat(gateway, dict(somebody.cookies))
    somebody.sign_in(key_of("reader"))
    assert before.get("/console").status_code == 303
    assert somebody.get("/console").status_code == 200


def test_the_key_is_masked_and_may_be_pasted_and_kept(gateway):
    field = re.search(r'<input id="key"[^>]*>', Seat(gateway).get("/console/login").text)[0]
    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field
    assert "onpaste" not in field


def test_what_the_database_keeps_of_a_session_lets_nobody_in(gateway):
    somebody = seat(gateway)
    for file in gateway.database.parent.glob("gateway.db*"):
        assert somebody.cookies["console"].encode() not in file.read_bytes()


@pytest.mark.parametrize(
    "key", ["", "tgk_everything_wrong", "Bearer " + key_of("everything"), "x" * 5000, "tgk_\xe9_\u0421"]
)
def test_a_wrong_key_gets_the_form_again_and_no_word_of_it(gateway, key):
    somebody = Seat(gateway)
    answer = somebody.sign_in(key)
    assert answer.status_code == 401
    assert "no key of this gateway" in answer.text
    assert not key or key not in answer.text
    assert "console" not in somebody.cookies
    assert audit(gateway) == []


@pytest.mark.parametrize(
    ("app", "status"), [("reader", 303), ("operator", 303), ("submitter", 403), ("administrator", 403)]
)
def test_only_those_who_may_read_or_operate_sign_in(gateway, app, status):
    assert Seat(gateway).sign_in(key_of(app)).status_code == status


def test_an_address_that_goes_on_with_wrong_keys_is_told_to_wait_and_a_good_key_gets_in_all_the_same(gateway):
    somebody = Seat(gateway)
    answers = (somebody.sign_in("tgk_everything_wrong").status_code for _ in range(1000))
    refused = list(takewhile(lambda status: status != 429, answers))
    assert set(refused) == {401}
    assert 120 <= len(refused) < 1000
    assert somebody.sign_in(key_of("reader")).status_code == 303


def test_signing_in_is_in_the_audit_trail(gateway):
    seat(gateway, "reader")
    (entry,) = audit(gateway)
    assert (entry["app"], entry["key_id"], entry["action"], entry["about"]) == (
        "reader",
        "reader",
        "sign-in",
        "console",
    )


class TestTheEnd:
    def test_signing_out_ends_the_session_for_whoever_has_its_cookie(self, gateway):
        somebody = seat(gateway)
        stolen = Seat(gateway, dict(somebody.cookies))
        assert stolen.get("/console").status_code == 200
        gone = somebody.post("/console/logout")
        assert (gone.status_code, gone.headers["clear-site-data"]) == (303, '"cache", "storage"')
        assert stolen.get("/console").status_code == 303

    def test_a_session_ends_when_nobody_uses_it(self, gateway):
        somebody = seat(gateway)
        gateway.skew.append(timedelta(minutes=14))
        assert somebody.get("/console").status_code == 200
        gateway.skew.append(timedelta(minutes=14))
        assert somebody.get("/console").status_code == 200
        gateway.skew.append(timedelta(minutes=15))
        assert somebody.get("/console").status_code == 303

    def test_what_a_page_asks_by_itself_is_no_use(self, gateway):
        somebody = seat(gateway)
        gateway.skew.append(timedelta(minutes=14))
        assert somebody.get("/console", headers={"live": "yes", "HX-Request": "true"}).status_code == 200
        gateway.skew.append(timedelta(minutes=2))
        over = somebody.get("/console", headers={"live": "yes", "HX-Request": "true"})
        assert (over.status_code, over.headers["hx-redirect"]) == (401, "/console/login")

    def test_a_session_ends_after_a_working_day_however_much_it_is_used(self, gateway):
        somebody = seat(gateway)
        statuses = []
        for _ in range(8 * 6):
            gateway.skew.append(timedelta(minutes=10))
            statuses.append(somebody.get("/console").status_code)
        assert statuses == [200] * 47 + [303]

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda text: re.sub(r"  reader: .*\n", "", text), "the app is gone"),
            (lambda text: re.sub(r"(  reader: .*sha256: )\w+", r"\g<1>" + "ab" * 32, text), "the key is another one"),
            (lambda text: re.sub(r"(  reader: .*roles: )\[read\]", r"\1[submit]", text), "it may not sign in any more"),
        ],
    )
    def test_taking_the_key_ends_its_sessions(self, files, change, why):
        somebody = seat(files, "reader")
        rewritten(files, change)
        assert somebody.get("/console").status_code == 303, why

    def test_who_is_signed_in_is_shown_and_all_others_are_ended_by_who_shows_the_key_again(self, gateway):
        first, second, other = seat(gateway, "reader"), seat(gateway, "reader"), seat(gateway, "operator")
        page = second.page("/console/sessions")
        assert page.count('data-label="Begun"') == 2
        assert page.count("this one") == 1
        for key in ("", "wrong", key_of("operator")):
            refused = second.post("/console/sessions/end", key=key)
            assert (refused.status_code, "nothing was ended" in refused.text) == (422, True)
            assert not key or key not in refused.text
        assert first.get("/console").status_code == 200

        assert second.post("/console/sessions/end", key=key_of("reader")).status_code == 303

        left = [each.get("/console/sessions").status_code for each in (first, second, other)]
        assert left == [303, 200, 200]
        assert second.page("/console/sessions").count('data-label="Begun"') == 1
        assert (audit(gateway)[0]["app"], audit(gateway)[0]["action"]) == ("reader", "sign-out")

    def test_what_is_over_is_not_shown(self, gateway):
        seat(gateway, "reader")
        gateway.skew.append(timedelta(minutes=15))
        assert seat(gateway, "reader").page("/console/sessions").count('data-label="Begun"') == 1

    def test_roles_are_those_of_today(self, files):
        somebody = seat(files, "reader")
        assert somebody.get("/console/configuration").status_code == 403
        rewritten(files, lambda text: re.sub(r"(  reader: .*roles: )\[read\]", r"\1[read, admin]", text))
        assert somebody.get("/console/configuration").status_code == 200

    @pytest.mark.parametrize("token", ["", "x", "\xe9", "a" * 4000])
    def test_a_made_up_cookie_is_nobody(self, gateway, token):
        assert Seat(gateway, {"console": token}).get("/console").status_code == 303

    def test_a_key_in_a_header_is_no_session(self, gateway):
        answer = Seat(gateway).get("/console", headers={"Authorization": f"Bearer {key_of('everything')}"})
        assert answer.status_code == 303
