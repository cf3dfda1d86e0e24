"""The list: its filters, looking for a delivery, and what stands in addresses."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from console.seat import seat
from web.world import breaks_off, claim, task

from gateway.web.console.words import STATES

MRN = "MRN-0042"


def listed(page, *deliveries):
    """Which of the deliveries stand in a page."""
    return [each["reference"] for each in deliveries if f'href="/console/deliveries/{each["id"]}"' in page]


@pytest.fixture
def three(gateway):
    """Two tasks of two clinics and a claim, each an hour after the other."""
    made = [gateway.submitted(task(patient={"mrn": MRN, "ids": {"cobalt": "p-9"}}, reference="one"))]
    gateway.skew.append(timedelta(hours=1))
    fields = {"title": "t", "assignees": ["dr-wilson"], "reference": "two"}
    made.append(gateway.submitted(task("south", **fields), headers={"Idempotency-Key": "key-2"}))
    gateway.skew.append(timedelta(hours=1))
    made.append(gateway.submitted(claim(reference="three"), "/v1/claims"))
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["one", "two", "three"]), ("clinic=south", ["two"]), ("kind=claim", ["three"]), ("reference=one", ["one"]),
        ("state=submitted&clinic=north", ["one", "three"]), ("connection=desk", []),
        ("connection=emr&kind=task", ["one", "two"]), ("age=1h", ["three"]), ("age=over-1h", ["one", "two"]),
        ("age=1d", ["one", "two", "three"]), ("clinic=", ["one", "two", "three"]), ("clinic=nowhere", []),
    ],
)  # fmt: skip
def test_filters_narrow_the_list(gateway, three, query, found):
    assert listed(seat(gateway).page(f"/console/deliveries?{query}"), *three) == found


@pytest.mark.parametrize(
    "query", ["state=x", "kind=x", "age=x", "cursor=x", "patient=x", "patient=" + "g" * 64, "q=%00"]
)
def test_a_filter_that_no_form_sends_is_refused(gateway, query):
    assert seat(gateway).get(f"/console/deliveries?{query}").status_code == 400


def test_a_long_list_goes_on_with_the_same_filters(gateway):
    made = [gateway.submitted(task(reference=str(number))) for number in range(52)]
    somebody = seat(gateway)
    first = somebody.page("/console/deliveries?clinic=north")
    assert len(listed(first, *made)) == 50
    further = next(
        part.split('"')[0] for part in first.split('href="') if part.startswith("/console/deliveries?clinic=north&")
    )
    assert listed(somebody.page(further), *made) == ["0", "1"]


@pytest.mark.parametrize("by", ["id", "vendor", "job", "reference", "key"])
def test_a_delivery_is_found_by_any_id(gateway, three, by):
    two = three[1]
    text = {
        "id": two["id"],
        "vendor": two["vendor"]["id"],
        "job": two["vendor"]["job_id"],
        "reference": "two",
        "key": "key-2",
    }[by]
    somebody = seat(gateway)
    to = somebody.post("/console/deliveries/search", q=text).headers["location"]
    assert to.startswith("/console/deliveries?q=")
    assert listed(somebody.page(to), *three) == ["two"]


@pytest.mark.parametrize("reference", [MRN, "mrn-0042", "p-9"])
def test_a_patients_deliveries_are_found_and_the_patient_stands_in_no_address(gateway, three, reference):
    somebody = seat(gateway)
    to = somebody.post("/console/deliveries/search", q=reference).headers["location"]
    assert list(parse_qs(urlsplit(to).query)) == ["patient"]
    assert reference not in to
    page = somebody.page(to)
    assert listed(page, *three) == ["one"]
    assert reference not in page


def test_what_is_found_nowhere_stands_in_no_address_either(gateway, three):
    somebody = seat(gateway)
    to = somebody.post("/console/deliveries/search", q="MRN-of-somebody").headers["location"]
    assert "somebody" not in to
    assert listed(somebody.page(to), *three) == []


def test_an_empty_search_is_the_list(gateway):
    somebody = seat(gateway)
    assert somebody.post("/console/deliveries/search", q="  ").headers["location"] == "/console/deliveries"


def test_states_are_said_in_words(gateway):
    gateway.submitted(task())
    gateway.vendors.handler = breaks_off
    gateway.submitted(task())
    page = seat(gateway).page("/console/deliveries")
    for state in ("submitted", "unknown"):
        assert f'title="{STATES[state][1]}">{state}<' in page


def test_what_needs_a_person_can_be_listed_alone(gateway):
    made = [gateway.submitted(task(reference="taken"))]
    gateway.vendors.handler = breaks_off
    made.append(gateway.submitted(task(reference="lost")))
    assert listed(seat(gateway).page("/console/deliveries?state=needs-person"), *made) == ["lost"]
