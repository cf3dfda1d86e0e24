"""`task-gateway check --probe` against the vendors' stand-ins, as real processes."""

import json

from journeys import world

PLACES = ("harbor", "hilltop", "lakeside", "riverbend")


def probe(config):
    """The exit code, and status and detail by clinic."""
    ended = world.run("check", "--probe", "--json", "--config", str(config), directory=config.parent)
    found = json.loads(ended.stdout)["probes"]
    return ended.returncode, {each["clinic_id"]: (each["status"], each["detail"]) for each in found}


def put(config, file, old, new):
    text = (config / file).read_text()
    assert old in text
    (config / file).write_text(text.replace(old, new))


def test_good_credentials_work_and_trying_them_creates_nothing(asked, vendors):
    code, found = probe(asked)

    assert (code, {clinic: status for clinic, (status, _) in found.items()}) == (0, dict.fromkeys(PLACES, "works"))
    received = [vendors.call(vendor, "GET", "requests")["items"] for vendor in (1, 2, 3)]
    assert [[each["method"] for each in items] for items in received] == [["GET", "GET"], ["GET"], ["GET"]]
    assert [vendors.created(vendor) for vendor in (1, 2, 3)] == [[], [], []]


def test_wrong_credentials_are_told_in_the_vendors_words_and_end_with_1(asked):
    put(asked, "gateway.yaml", '"sk_sandbox"', '"wrong-key-canary"')
    put(asked, "clinics/harbor.yaml", '"org_harbor"', '"org-canary"')
    put(asked, "clinics/lakeside.yaml", '"at_lakeside"', '"token-canary"')

    code, found = probe(asked)

    assert code == 1
    assert found == {
        "harbor": ("refused", "HTTP 403: The organization has not installed this app"),
        "hilltop": ("refused", "HTTP 401: Invalid or missing API key"),
        "lakeside": ("refused", "HTTP 401: Unauthorized: invalid access_token."),
        "riverbend": ("works", "HTTP 200"),
    }


def test_a_link_that_needs_its_owner_is_refused(asked, vendors):
    vendors.call(world.COBALT, "PUT", "links/at_riverbend", json={"expired": True})

    code, found = probe(asked)

    assert (code, found["riverbend"][0], found["lakeside"][0]) == (1, "refused", "works")


def test_a_port_where_nobody_listens_is_unreachable(config):
    code, found = probe(config)

    assert (code, {status for status, _ in found.values()}) == (1, {"unreachable"})


def test_a_vendor_in_trouble_proves_nothing(asked, vendors):
    vendors.fault(world.MAXCARE, on="lookup", kind="status", status=503)

    code, found = probe(asked)

    assert (code, found["harbor"]) == (1, ("unclear", "HTTP 503"))


def test_the_lines_for_people_have_status_and_time_for_each_connection(asked):
    put(asked, "gateway.yaml", '"sk_sandbox"', '"wrong-key-canary"')
    ended = world.run("check", "--probe", "--config", str(asked), directory=asked.parent)
    (hilltop,) = (line.split() for line in ended.stdout.splitlines() if line.startswith("hilltop ") and "solum" in line)

    assert hilltop[:4] == ["hilltop", "tasks", "solum", "refused"]
    assert hilltop[4].isdigit()
    assert "canary" not in ended.stdout + ended.stderr
