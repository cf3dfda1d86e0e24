"""Commands from files: sent, interrupted, sent again; and watched."""

import json
import os
import signal
import subprocess
import time
from functools import partial

import pytest
from journeys import world
from journeys.world import COBALT, KEY, PROGRAM, TASK_API, TOKEN, run, task, until
from ports import free_port

YAML = """
clinic_id: lakeside
description: One in YAML.
patient: {mrn: '1'}
due_at: 2027-01-15T09:30:00-06:00
"""
CLAIM = {"clinic_id": "lakeside", "appointment_id": "appt-77"}
LINES = int(os.environ.get("SEND_LINES", "400"))


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Vendors and a gateway."""
    directory, port = tmp_path_factory.mktemp("sending"), free_port()
    with world.sandbox(directory, f"http://127.0.0.1:{port}/v1/webhooks/cobalt-main/{TOKEN}") as vendors:
        config = world.write_config(directory / "config", vendors.port_base)
        with world.gateway(config, port) as gateway:
            yield vendors, gateway


def to(gateway):
    return "--url", f"http://127.0.0.1:{gateway.port}", "--key", KEY


def write_lines(path, count):
    path.write_text("".join(json.dumps(task("hilltop", description=f"Call back {n}.")) + "\n" for n in range(count)))
    return path


def interrupted(command, enough, by):
    """The command's exit code and standard error, when it was interrupted once there was enough."""
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # which tests that run in the background do not
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=heeds,  # noqa: PLW1509 - it asks for no lock
    ) as process:  # fmt: skip
        try:
            until(enough, 60 + LINES / 10)
            process.send_signal(by)
            _, said = process.communicate()
        finally:
            process.kill()
    return process.returncode, said


def test_a_file_whose_sending_was_killed_is_sent_again_and_each_line_is_one_delivery(town, tmp_path):
    vendors, gateway = town
    vendors.reset()
    file = write_lines(tmp_path / "tasks.jsonl", LINES)
    command = [PROGRAM, "send", str(file), *to(gateway)]
    killed, _ = interrupted(command, lambda: len(vendors.created(TASK_API)) > LINES // 4, signal.SIGKILL)
    assert killed == -signal.SIGKILL
    enough = len(vendors.created(TASK_API)) + LINES // 8
    ended, said = interrupted(command, lambda: len(vendors.created(TASK_API)) > enough, signal.SIGINT)
    assert (ended, said.splitlines()[0].startswith("interrupted; "), f" of {LINES} were sent" in said) == (
        130,
        True,
        True,
    )
    assert len(vendors.created(TASK_API)) < LINES

    again = run("send", str(file), *to(gateway), directory=tmp_path, seconds=60 + LINES / 10)

    assert again.returncode == 0, again.stderr
    assert again.stdout.split() == ["state", "commands", "delivered", str(LINES)]
    until(lambda: len(vendors.created(TASK_API)) == LINES, 60)
    time.sleep(0.2)
    assert len({each["id"] for each in vendors.created(TASK_API)}) == LINES
    third = run("send", str(file), *to(gateway), directory=tmp_path, seconds=60 + LINES / 10)
    assert (third.returncode, len(vendors.created(TASK_API))) == (0, LINES)


def test_equal_lines_are_as_many_deliveries_and_another_run_sends_them_anew(town, tmp_path):
    vendors, gateway = town
    vendors.reset()
    line = json.dumps(task("hilltop")) + "\n"
    (tmp_path / "twice.jsonl").write_text(line * 2)
    for arguments, made in (((), 2), ((), 2), (("--run", "tuesday"), 4)):
        assert run("send", "twice.jsonl", *arguments, *to(gateway), directory=tmp_path).returncode == 0
        assert len(vendors.created(TASK_API)) == made


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("one.json", json.dumps(task(description="One in JSON."))),
        ("one.yaml", YAML),
        ("some.json", json.dumps([task(description="A list."), CLAIM])),
    ],
)  # fmt: skip
def test_one_command_or_a_list_of_them_in_json_or_yaml_is_sent_and_waited_for(town, tmp_path, name, text):
    vendors, gateway = town
    vendors.reset()
    (tmp_path / name).write_text(text)
    ended = run("send", name, "--wait", "--json", *to(gateway), directory=tmp_path)
    assert ended.returncode == 0, ended.stderr
    states = [json.loads(line)["state"] for line in ended.stdout.splitlines()]
    assert states == ["delivered"] * len(vendors.created(COBALT))


def test_what_is_refused_is_told_by_its_line_and_the_rest_is_sent(town, tmp_path):
    _, gateway = town
    lines = [task("hilltop", description="Fine."), {"clinic_id": "hilltop"}, task("nowhere")]
    (tmp_path / "mixed.jsonl").write_text("\n".join(map(json.dumps, lines)))
    ended = run("send", "mixed.jsonl", *to(gateway), directory=tmp_path)
    assert ended.returncode == 1
    assert "line 2: " in ended.stderr
    assert "/description" in ended.stderr
    assert "line 3: unknown-clinic" in ended.stderr


def test_a_file_that_cannot_be_read_is_told_before_anything_is_sent(town, tmp_path):
    vendors, gateway = town
    vendors.reset()
    (tmp_path / "x.jsonl").write_text(json.dumps(task("hilltop")) + '\n{"b"\n{"c": 1, "c": 2}\n')
    ended = run("send", "x.jsonl", *to(gateway), directory=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines() == [
        "x.jsonl:2: it is not JSON, or nests too deep", "x.jsonl:3: it repeats a key",
    ]  # fmt: skip
    assert vendors.creates(TASK_API) == []


def test_a_key_that_opens_nothing_ends_it_at_once(town, tmp_path):
    _, gateway = town
    write_lines(tmp_path / "tasks.jsonl", 200)
    ended = run("send", "tasks.jsonl", *to(gateway)[:2], "--key", "tgk_nobody_s", directory=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "401 unauthenticated: No valid app key; 0 of 200 were sent",
        "send the same file again for the rest: what was taken is not taken twice",
    ]


def test_a_gateway_that_is_not_there_ends_it_in_a_line(tmp_path):
    write_lines(tmp_path / "tasks.jsonl", 20)
    nowhere = f"http://127.0.0.1:{free_port()}"
    ended = run("send", "tasks.jsonl", "--url", nowhere, "--key", KEY, directory=tmp_path, seconds=90)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[:-1] == [
        f"{nowhere}: no gateway answers there (ConnectError); 0 of 20 were sent",
    ]


def test_explain_shows_what_would_be_sent_and_sends_nothing(town, tmp_path):
    vendors, gateway = town
    vendors.reset()
    (tmp_path / "one.json").write_text(json.dumps(task()))
    told = run("explain", "one.json", *to(gateway), directory=tmp_path)
    assert (told.returncode, "would send" in told.stdout, '"subject"' in told.stdout) == (0, True, True)
    (tmp_path / "bad.json").write_text(json.dumps({"clinic_id": "lakeside"}))
    refused = run("explain", "bad.json", *to(gateway), directory=tmp_path)
    assert (refused.returncode, "/description" in refused.stderr) == (1, True)
    assert vendors.creates(COBALT) == []


def test_deliveries_and_events_are_watched(town, tmp_path):
    _, gateway = town
    made = gateway.settled(gateway.post("/v1/tasks", task(reference="watched"), key="watched-1"))
    listed = run("deliveries", "--clinic", "lakeside", "--json", *to(gateway), directory=tmp_path)
    assert made["id"] in [each["id"] for each in json.loads(listed.stdout)["items"]]
    one = run("deliveries", made["id"], *to(gateway), directory=tmp_path)
    assert ("delivered" in one.stdout, "attempt" in one.stdout, "MRN" in one.stdout) == (True, True, False)
    feed = [json.loads(line) for line in run("events", "--json", *to(gateway), directory=tmp_path).stdout.splitlines()]
    types = [event["type"] for event in feed if event["data"].get("id") == made["id"]]
    assert (types[0], types[-1]) == ("task.queued", "task.delivered")
    rest = run("events", "--after", feed[-2]["id"], "--json", *to(gateway), directory=tmp_path)
    assert next(json.loads(line)["id"] for line in rest.stdout.splitlines()) == feed[-1]["id"]
    nowhere = run("events", "--after", "evt_nobody", *to(gateway), directory=tmp_path)
    assert (nowhere.returncode, "after: the id of an event of this key's clinics" in nowhere.stderr) == (1, True)
