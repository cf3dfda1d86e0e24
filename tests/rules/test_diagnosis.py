"""Verdicts on an installation, each with what to do."""

import pytest

from gateway.rules import diagnosis, store_diagnosis
from gateway.rules.checking import Report
from gateway.rules.diagnosis import Access, Answer
from gateway.rules.findings import Finding
from gateway.rules.store_diagnosis import Condition, Sealing

MB = 1_000_000
SOUND = {"schema": 1, "journal": "wal", "size": 3 * MB, "log_size": MB, "faults": ()}


def verdicts(found):
    """The verdict of each, and what it is about."""
    return [(each.verdict, each.what) for each in ([found] if isinstance(found, diagnosis.Diagnosis) else found)]


def one(found):
    [each] = verdicts(found)
    return each


def access(mode, *, path="var/gateway.db", is_ours=True, is_directory=False):
    return Access(path=path, mode=mode, owner="gateway", is_ours=is_ours, is_directory=is_directory)


def permissions(configured=(), stored=(), mask=0o022):
    return verdicts(diagnosis.of_permissions(configured, stored, "us", mask))


class TestConfiguration:
    def test_every_mistake_is_a_problem(self):
        assert verdicts(diagnosis.of_mistakes(["a", "b"]))[:2] == [("problem", "a"), ("problem", "b")]

    @pytest.mark.parametrize(("severity", "verdict"), [("error", "problem"), ("warning", "warning")])
    def test_what_will_surprise_is_told_as_grave_as_it_is(self, severity, verdict):
        finding = Finding(severity=severity, code="x", file="gateway.yaml", line=7, where="accounts.a", detail="d")
        found = verdicts(diagnosis.of_report(Report(clinics=(), findings=(finding,), warnings=())))

        assert found[0] == (verdict, "gateway.yaml:7: accounts.a: d")

    def test_a_note_is_not_told(self):
        finding = Finding(severity="note", code="x", file="gateway.yaml", line=7, where="accounts.a", detail="d")

        assert one(diagnosis.of_report(Report(clinics=(), findings=(finding,), warnings=())))[0] == "ok"

    def test_warnings_of_loading_are_warnings(self):
        assert ("warning", "w") in verdicts(diagnosis.of_report(Report(clinics=(), findings=(), warnings=("w",))))

    def test_development_is_told_all_that_production_would_refuse(self):
        found = verdicts(diagnosis.of_production(is_production=False, refused=["a", "b"]))

        assert found[1:] == [("warning", "a"), ("warning", "b")]
        assert "refuse 2 of its settings" in found[0][1]

    def test_production_is_well(self):
        assert one(diagnosis.of_production(is_production=True, refused=[]))[0] == "ok"


class TestPermissions:
    @pytest.mark.parametrize("mode", [0o602, 0o777, 0o666])
    def test_what_everybody_may_change_is_a_problem(self, mode):
        assert permissions([access(mode, path="gateway.yaml")])[0][0] == "problem"
        assert permissions([], [access(mode)])[0][0] == "problem"

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o660, 0o750])
    def test_what_a_group_may_do_is_the_operators_own_affair(self, mode):
        assert permissions([access(mode)], [access(mode)]) == [
            ("ok", "nobody else may change configuration, adapters or database; umask 0022")
        ]

    def test_a_directory_in_which_everybody_may_change_only_what_is_theirs_is_none_that_everybody_may_change(self):
        assert permissions([access(0o1777, is_directory=True)])[0][0] == "ok"

    def test_everybody_may_read_the_configuration_and_a_directory_but_not_the_database(self):
        assert permissions([access(0o644)], [access(0o755, is_directory=True)])[0][0] == "ok"
        assert permissions([], [access(0o644)])[0][0] == "warning"

    def test_somebody_elses_database_is_told_since_what_they_may_do_is_not_what_we_may(self):
        assert permissions([], [access(0o600, is_ours=False)]) == [
            ("warning", "var/gateway.db: belongs to gateway, and this is us")
        ]

    def test_a_umask_that_lets_everybody_change_new_files_is_told(self):
        assert permissions(mask=0) == [("warning", "umask 0000: everybody may change new files")]


class TestDatabase:
    def test_a_sound_one_is_told_with_its_sizes(self):
        found = one(store_diagnosis.of_condition("db", Condition(**SOUND)))

        assert found == ("ok", "db: schema 1, 3 MB and a log of 1 MB, sound")

    @pytest.mark.parametrize(
        ("changed", "verdict"),
        [({"faults": ("row 7 missing from index",)}, "problem"), ({"journal": "delete"}, "warning"),
         ({"log_size": 300 * MB}, "warning")],
    )  # fmt: skip
    def test_what_is_wrong_with_one_is_told_first(self, changed, verdict):
        assert verdicts(store_diagnosis.of_condition("db", Condition(**SOUND | changed)))[0][0] == verdict

    @pytest.mark.parametrize(
        ("fault", "fix"),
        [("database is locked", "end what else"), ("file is not a database", "restore"),
         ("database disk image is malformed", "restore"), ("unable to open database file", "permissions")],
    )  # fmt: skip
    def test_one_that_cannot_be_read_is_a_problem_with_its_own_way_out(self, fault, fix):
        found = store_diagnosis.of_unreadable(fault)

        assert found.verdict == "problem"
        assert fix in found.fix

    @pytest.mark.parametrize(
        ("free", "verdict"), [(0, "problem"), (64, "problem"), (65, "warning"), (639, "warning"), (640, "ok")]
    )
    def test_a_disk_is_full_from_the_reserve_on(self, free, verdict):
        assert store_diagnosis.of_room("var", free * MB, 64 * MB).verdict == verdict


class TestSealing:
    def test_without_a_key_everything_lies_in_plain(self):
        assert one(store_diagnosis.of_sealing(Sealing(plain=3, sealed={}), ())) == (
            "warning", "there is no key: 3 values in plain",
        )  # fmt: skip

    def test_what_lies_in_plain_from_before_is_told(self):
        found = verdicts(store_diagnosis.of_sealing(Sealing(plain=1, sealed={"k1": 2}), ("k1",)))

        assert [verdict for verdict, _ in found] == ["warning", "ok"]

    def test_an_old_key_may_go_when_it_seals_nothing(self):
        found = verdicts(store_diagnosis.of_sealing(Sealing(plain=0, sealed={"k2": 5, "k1": 2}), ("k2", "k1", "k0")))

        assert found == [
            ("ok", "k2: writes; 5 values sealed with it"),
            ("ok", "k1: still needed for 2 values; `task-gateway reseal` frees it"),
            ("ok", "k0: seals nothing any more, and may be removed"),
        ]

    def test_a_key_that_was_removed_too_early_is_a_problem(self):
        found = verdicts(store_diagnosis.of_sealing(Sealing(plain=0, sealed={"k1": 2}), ("k2",)))

        assert found[0] == ("problem", "k1: 2 values sealed with it, and it is not configured")

    def test_another_key_under_the_same_id_is_a_problem(self):
        sealing = Sealing(plain=0, sealed={"k1": 2}, unopened=frozenset({"k1"}))

        assert one(store_diagnosis.of_sealing(sealing, ("k1",)))[0] == "problem"


class TestAudit:
    def test_every_fault_is_a_problem(self):
        assert verdicts(store_diagnosis.of_audit(7, ["row 3: missing"])) == [("problem", "row 3: missing")]

    def test_a_whole_trail_is_well(self):
        assert one(store_diagnosis.of_audit(1, [])) == ("ok", "1 row, none changed, moved or missing")


class TestClock:
    @pytest.mark.parametrize(
        ("ahead", "verdict"),
        [(0, "ok"), (5, "ok"), (-6, "warning"), (60, "warning"), (61, "problem"), (-3600, "problem")],
    )
    def test_a_clock_that_is_off_is_told_by_how_far(self, ahead, verdict):
        assert diagnosis.of_clock({"solum": ahead}).verdict == verdict

    def test_one_vendor_with_a_wrong_clock_is_not_ours_being_wrong(self):
        assert diagnosis.of_clock({"a": 0.2, "b": 7200, "c": -0.4}).verdict == "ok"

    def test_it_says_on_which_side_ours_is(self):
        assert "10 s behind solum" in diagnosis.of_clock({"solum": 10.2}).what
        assert "10 s ahead of solum" in diagnosis.of_clock({"solum": -10.2}).what

    def test_with_nobody_to_ask_it_is_not_said_to_be_right(self):
        assert diagnosis.of_clock({}).verdict == "warning"

    def test_a_machine_without_timezones_is_a_problem(self):
        assert diagnosis.of_zones(0).verdict == "problem"
        assert diagnosis.of_zones(599).verdict == "ok"


class TestOthers:
    @pytest.mark.parametrize(
        ("status", "verdict"),
        [
            ("works", "ok"),
            ("no-read", "ok"),
            ("unclear", "warning"),
            ("refused", "problem"),
            ("unreachable", "problem"),
        ],
    )
    def test_a_connection_is_as_well_as_its_vendor_says(self, status, verdict):
        found = diagnosis.of_probe("north/emr", status, "HTTP 1")

        assert (found.verdict, found.fix is None) == (verdict, verdict == "ok")

    def test_a_gateway_that_does_not_answer_is_told_of_once(self):
        answers = [Answer(path="/health/live", status=None), Answer(path="/health/ready", status=None)]

        assert one(diagnosis.of_gateway("http://x", answers)) == ("problem", "http://x/health/live: no answer")

    @pytest.mark.parametrize(
        ("status", "verdict"), [(200, "ok"), (401, "problem"), (421, "problem"), (503, "problem"), (404, "problem")]
    )
    def test_what_a_gateway_answers_tells_what_is_wrong(self, status, verdict):
        assert one(diagnosis.of_gateway("http://x", [Answer(path="/v1/me", status=status)]))[0] == verdict


def test_every_verdict_that_is_not_well_says_what_to_do():
    found = [
        *diagnosis.of_permissions([access(0o777)], [access(0o666, is_ours=False)], "us", 0),
        *store_diagnosis.of_condition("db", Condition(**SOUND | {"faults": ("x",), "journal": "off"})),
        *store_diagnosis.of_sealing(Sealing(plain=1, sealed={"k1": 1, "k0": 1}), ("k1",)),
        diagnosis.of_clock({}), diagnosis.of_clock({"a": 99}), store_diagnosis.of_room("var", 0, 1),
    ]  # fmt: skip

    assert [each.what for each in found if each.verdict != "ok" and not each.fix] == []
