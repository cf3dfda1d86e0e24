"""What drift suggests for the capability table: rows that load as printed, and remarks where no row would help."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from patching import paste

from gateway.clinics import load
from gateway.web.replies import Drift, DriftObservation, DriftTrial, FieldRule
from gateway.web.suggesting import as_yaml, suggestion

SHIPPED = Path(__file__).parents[2] / "config"
OPTIONAL = FieldRule(
    need="optional", place="subject", source="documented", where="adapter: cobalt", checked=None, note=None
)
TITLE = DriftObservation(
    vendor="cobalt", emr="eclinicalworks", clinic_id="lakeside-family", connection="emr", operation="create_task",
    vendor_name="subject", field="title", code="missing-field", status=400, count=1, delivery_id="tsk_1",
    first_at=datetime(2026, 11, 20, tzinfo=UTC), last_at=datetime(2026, 11, 22, tzinfo=UTC), rule=OPTIONAL,
)  # fmt: skip
NAMELESS = structs.replace(TITLE, vendor_name="department_id", field=None, rule=None)
TRIAL = DriftTrial(
    vendor="cobalt", emr="athenahealth", clinic_id="riverbend-pediatrics", connection="emr", operation="create_task",
    field="phone_call_type_id", accepted=40, refused=2, first_at=TITLE.first_at, last_at=TITLE.last_at,
    rule=structs.replace(OPTIONAL, need="advisory"),
)  # fmt: skip


def suggested(*items, trials=()):
    return suggestion(Drift(items=items, trials=trials))


def added(*items):
    """The rows as JSON has them."""
    return msgspec.to_builtins(suggested(*items).add)


def test_a_field_that_was_wanted_is_suggested_as_required_with_how_it_is_known():
    assert added(TITLE) == {"cobalt": {"eclinicalworks": {"create_task": {"fields": {"title": {
        "need": "required", "source": "observed", "checked": "2026-11-22",
        "note": "the vendor refused once without it, the last with HTTP 400",
    }}}}}}  # fmt: skip


def test_where_it_was_seen_is_told_beside_the_row_and_not_to_other_clinics_callers_whom_the_note_reaches():
    elsewhere = structs.replace(TITLE, clinic_id="cedar")

    assert suggested(TITLE, elsewhere).remarks == [
        "cobalt.eclinicalworks create_task: 'title' was wanted at cedar/emr, lakeside-family/emr"
    ]
    assert "lakeside" not in added(TITLE)["cobalt"]["eclinicalworks"]["create_task"]["fields"]["title"]["note"]


def test_rows_are_grouped_by_vendor_emr_and_operation():
    elsewhere = structs.replace(TITLE, vendor="task_api", emr=None, field="patient.id", vendor_name="patient_id")
    note = structs.replace(TITLE, operation="add_note", field="text", vendor_name="note")
    rows = added(TITLE, elsewhere, note, structs.replace(TITLE, field="notify", vendor_name="notify_list"))

    assert list(rows) == ["cobalt", "task_api"]
    assert {name: list(row["fields"]) for name, row in rows["cobalt"]["eclinicalworks"].items()} == {
        "add_note": ["text"], "create_task": ["notify", "title"],
    }  # fmt: skip
    assert list(rows["task_api"]["*"]["create_task"]["fields"]) == ["patient.id"]


def test_what_several_clinics_have_seen_is_one_row_with_the_last_day():
    later = structs.replace(TITLE, clinic_id="cedar", count=4, last_at=datetime(2026, 12, 1, tzinfo=UTC))

    cell = suggested(TITLE, later).add["cobalt"]["eclinicalworks"]["create_task"].fields["title"]

    assert cell.checked == "2026-12-01"
    assert cell.note == "the vendor refused 5 times without it, the last with HTTP 400"


def test_what_the_configuration_in_force_requires_by_now_is_not_suggested_again():
    covered = structs.replace(TITLE, rule=structs.replace(OPTIONAL, need="required", source="observed"))

    assert (added(covered), suggested(covered).remarks) == ({}, [])


def test_what_a_connection_saw_that_is_gone_is_not_suggested():
    gone = structs.replace(TITLE, rule=None)

    assert (added(gone), suggested(gone).remarks) == ({}, [])


def test_a_name_that_has_no_place_is_remarked_since_no_row_would_help():
    [remark] = suggested(NAMELESS).remarks

    assert added(NAMELESS) == {}
    assert remark.startswith("cobalt.eclinicalworks create_task: the vendor wants what it calls 'department_id', for")


def test_a_clinics_own_row_is_nearer_and_is_remarked():
    own = structs.replace(OPTIONAL, need="advisory", where="clinics/lakeside-family.yaml: capabilities.emr")
    nearer = structs.replace(TITLE, rule=own)

    [remark] = suggested(nearer).remarks

    assert added(nearer) == {}
    assert "clinics/lakeside-family.yaml: capabilities.emr says advisory" in remark
    assert "title: {need: required, source: observed, checked: 2026-11-22," in remark


@pytest.mark.parametrize(("need", "told"), [("advisory", 1), ("required", 0), ("optional", 0)])
def test_how_a_rule_on_trial_fares_is_remarked_while_it_is_on_trial(need, told):
    remarks = suggested(trials=[structs.replace(TRIAL, rule=structs.replace(OPTIONAL, need=need))]).remarks

    assert len(remarks) == told
    assert all("40 accepted without it, 2 refused" in remark for remark in remarks)


def test_what_is_printed_loads_when_it_is_pasted_and_requires_the_fields(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "config")
    odd = structs.replace(TITLE, connection='a "quoted": # name', field="notify", vendor_name="notify_list")
    everywhere = structs.replace(TITLE, vendor="task_api", emr=None, field="patient.id", vendor_name="patient_id")
    athena = structs.replace(TITLE, emr="athenahealth", field="notify", vendor_name="notify_list")
    printed = as_yaml(suggested(TITLE, odd, everywhere, athena, NAMELESS, trials=[TRIAL]))

    paste(tmp_path / "config" / "emr_capabilities.yaml", printed)

    clinics = load(tmp_path / "config", {}).clinics
    wanted = [("lakeside-family", "emr", "title"), ("lakeside-family", "emr", "notify"),
              ("hilltop-clinic", "tasks", "patient.id"), ("riverbend-pediatrics", "emr", "notify")]  # fmt: skip
    for clinic_id, connection, field in wanted:
        cell = clinics[clinic_id].connections[connection].rules["create_task"].fields[field]
        assert (cell.need, cell.source, cell.checked) == ("required", "observed", "2026-11-22"), field
    assert clinics["riverbend-pediatrics"].connections["emr"].rules["create_task"].fields["title"].need == "required"


def test_an_emr_of_any_name_is_printed_so_that_it_is_read_back():
    emr = "Epic: Hyperspace #1"
    printed = as_yaml(suggested(structs.replace(TITLE, emr=emr)))

    assert f'  "{emr}":\n' in printed


def test_nothing_to_add_is_said_so():
    assert as_yaml(suggested()) == "# Nothing to add to emr_capabilities.yaml.\n"
