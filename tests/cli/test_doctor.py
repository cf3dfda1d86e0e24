"""`task-gateway doctor` and `task-gateway audit` on a healthy installation, and on ones with a trouble planted."""

import json
import shutil
import sqlite3
from base64 import b64encode
from contextlib import closing

import pytest
from journeys import world

K1, K2 = (b64encode(bytes(range(first, first + 32))).decode() for first in (1, 101))
KEYS = f"encryption: {{keys: [{{id: k1, key: {K1}}}]}}\n"
WHY = {"reason": "a canary in a coal mine"}


@pytest.fixture(scope="session")
def worked(vendors, tmp_path_factory):
    """The home of a gateway that has worked, and was stopped: a delivery, a pause and a resume."""
    home = tmp_path_factory.mktemp("worked")
    with world.gateway(world.write_config(home / "config", vendors.port_base, more=KEYS)) as gateway:
        for act in ("pause", "resume"):
            gateway.post(f"/v1/connections/hilltop/tasks/{act}", WHY)
        gateway.post("/v1/tasks", world.task("hilltop"), prefer="respond-async")
        gateway.stop()
    return home


@pytest.fixture
def home(worked, tmp_path):
    """The same, to be spoilt."""
    shutil.copytree(worked, tmp_path / "home")
    return tmp_path / "home"


def doctor(home, *more, environ=None):
    """The exit code, what is not well (but for what this configuration is warned of, and is meant), and all areas."""
    ended = world.run("doctor", "--json", "--config", "config", *more, directory=home, environ=environ or {})
    found = json.loads(ended.stdout)
    assert found["well"] == (ended.returncode == 0)
    areas = {each["area"] for each in found["diagnoses"]}
    meant = {("warning", "configuration"), ("warning", "production"), *(("ok", area) for area in areas)}
    told = [each for each in found["diagnoses"] if (each["verdict"], each["area"]) not in meant]
    return ended.returncode, told, areas


def change(home, *statements):
    with closing(sqlite3.connect(home / "var/gateway.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def put(home, old, new):
    file = home / "config/gateway.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_a_healthy_gateway_is_found_well_while_it_works(home):
    with world.gateway(home / "config") as gateway:
        before = gateway.http.get("/v1/audit").json()
        code, problems, areas = doctor(home, "--url", f"http://127.0.0.1:{gateway.port}", "--key", world.KEY)

        assert (code, problems) == (0, [])
        assert areas == {
            "configuration", "production", "permissions", "database", "disk", "encryption", "audit", "clock", "vendors",
            "gateway",
        }  # fmt: skip
        assert gateway.http.get("/v1/audit").json() == before


def test_a_stopped_one_is_left_as_it_was(home):
    before = {file.name: file.read_bytes() for file in (home / "var").iterdir()}

    assert doctor(home)[:2] == (0, [])
    assert {file.name: file.read_bytes() for file in (home / "var").iterdir()} == before


def test_an_installation_that_never_ran_is_well(worked, tmp_path):
    shutil.copytree(worked / "config", tmp_path / "config")

    assert doctor(tmp_path)[:2] == (0, [])
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("spoil", "areas", "told"),
    [
        (lambda home: (home / "var/gateway.db").chmod(0o666), "permissions", "everybody on this machine may change it"),
        (lambda home: (home / "config/gateway.yaml").chmod(0o646), "permissions", "gateway.yaml"),
        (lambda home: put(home, K1, K2), "encryption audit", "k1: does not open what it has sealed"),
        (lambda home: put(home, "id: k1", "id: k9"), "encryption audit", "it is not configured"),
        (lambda home: put(home, "sk_sandbox", "wrong-key-canary"), "vendors", "hilltop/tasks: refused"),
        (lambda home: put(home, "adapter: maxcare", "adapter: maxcar"), "configuration", "did you mean 'maxcare'?"),
        (lambda home: (home / "var/gateway.db").write_bytes(b"x" * 5000), "database", "file is not a database"),
        (lambda home: change(home, "PRAGMA user_version = 99"), "database", "newer than this program's"),
        (lambda home: change(home, "UPDATE audit SET app = 'nobody' WHERE seq = 1"), "audit", "row 1: changed"),
    ],
)  # fmt: skip
def test_a_trouble_is_found_and_told_with_what_to_do(home, spoil, areas, told):
    spoil(home)

    code, problems, _ = doctor(home)

    assert (code, {each["area"] for each in problems if each["verdict"] == "problem"}) == (1, set(areas.split()))
    assert told in problems[0]["what"]
    assert all(each["fix"] for each in problems)
    assert "canary" not in json.dumps(problems)


def test_a_damaged_page_is_found(home):
    file = home / "var/gateway.db"
    whole = bytearray(file.read_bytes())
    whole[8192:12288] = bytes(4096)
    file.write_bytes(whole)

    code, problems, _ = doctor(home)

    assert code == 1
    assert "database" in {each["area"] for each in problems}


def test_files_that_cannot_even_be_looked_at_are_told(home):
    database = f"sqlite:///{home}/config/gateway.yaml/gateway.db"

    code, problems, _ = doctor(home, environ={"TASK_GATEWAY_DATABASE": database})

    assert (code, [each["area"] for each in problems]) == (1, ["permissions", "database"])
    assert "Not a directory" in problems[0]["what"]


def test_a_database_that_somebody_holds_is_told_as_locked(home):
    with closing(sqlite3.connect(home / "var/gateway.db", isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        (_, [problem], _) = doctor(home)

    assert (problem["area"], problem["fix"][:8]) == ("database", "end what")


def test_a_gateway_and_vendors_that_are_not_there_are_told_each(config):
    url = f"http://127.0.0.1:{world.free_port()}"

    code, problems, _ = doctor(config.parent, "--url", url)

    assert (code, [each["area"] for each in problems]) == (1, ["clock", *["vendors"] * 4, "gateway"])
    assert problems[-1]["what"] == f"{url}/health/live: no answer"


def test_a_key_that_the_gateway_does_not_know_is_told(home):
    with world.gateway(home / "config") as gateway:
        url = f"http://127.0.0.1:{gateway.port}"
        (code, [problem], _) = doctor(home, environ={"TASK_GATEWAY_URL": url, "TASK_GATEWAY_KEY": "tgk_x_canary"})

    assert (code, problem["what"]) == (1, f"{url}/v1/me: the key is not accepted")


def test_the_lines_for_people_say_area_verdict_and_what_to_do(home):
    (home / "var/gateway.db").chmod(0o666)

    lines = world.run("doctor", "--config", "config", directory=home).stdout.splitlines()

    problem = next(number for number, line in enumerate(lines) if line.split()[:1] == ["problem"])
    assert "permissions" in lines[:problem]
    assert lines[problem + 1].strip() == f"\u2192 chmod o-w {home}/var/gateway.db"
    assert lines[-1].endswith("1 problem")


class TestAudit:
    def test_a_whole_trail_is_verified_beside_the_gateway_at_work(self, home):
        with world.gateway(home / "config"):
            ended = world.run("audit", "verify", "--json", "--config", "config", directory=home)

        assert (ended.returncode, json.loads(ended.stdout)) == (0, {"rows": 2, "faults": []})

    def test_a_row_that_is_missing_ends_with_1_and_is_named(self, home):
        change(home, "DELETE FROM audit WHERE seq = 1")

        ended = world.run("audit", "verify", "--config", "config", directory=home)

        assert (ended.returncode, ended.stderr.splitlines()[0]) == (1, "row 1: missing")
        assert ended.stdout.strip() == "1 row, 2 faults"

    def test_a_backup_can_be_verified_too(self, home):
        shutil.copy(home / "var/gateway.db", home / "copy.db")
        change(home, "DELETE FROM audit")

        ended = world.run("audit", "verify", "--config", "config", "--database", "sqlite:///copy.db", directory=home)

        assert (ended.returncode, ended.stdout.strip()) == (0, "2 rows, 0 faults")

    def test_it_lists_who_did_what_to_what_and_why(self, home):
        ended = world.run("audit", "list", "--json", "--before", "2", "--config", "config", directory=home)
        [entry] = json.loads(ended.stdout)

        assert {**entry, "at": None} == {
            "seq": 1, "at": None, "app": "journey", "key_id": "journey", "action": "pause", "about": "hilltop/tasks",
            "clinic_id": "hilltop", **WHY,
        }  # fmt: skip

    def test_its_lines_go_back_from_the_newest(self, home):
        newest, oldest = world.run("audit", "list", "--config", "config", directory=home).stdout.splitlines()[1:]

        assert (newest.split()[0], oldest.split()[0]) == ("2", "1")
        assert oldest.rstrip().endswith(WHY["reason"])

    def test_a_database_that_is_not_there_is_said_in_a_line(self, home):
        ended = world.run("audit", "list", "--config", "config", "--database", "sqlite:///nowhere.db", directory=home)

        assert (ended.returncode, ended.stderr.splitlines()[0]) == (1, "nowhere.db: there is no such file")
