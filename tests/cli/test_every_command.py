"""What holds for every command: what it prints for programs, what it says when it cannot, what shells complete."""

import os
import subprocess

import pytest
import rich_click as click
from journeys import world
from journeys.world import PROGRAM, run

from gateway.cli import cli
from gateway.cli.failing import fail
from gateway.client import Unreachable
from gateway.client.errors import error_of
from gateway.errors import ConfigErrors, Stopped
from gateway.store.base import StoreUnavailable
from schemas.problem import CODES, FieldError, problem

WITHOUT_AN_ANSWER = {"serve", "sandbox", "demo", "completion"}
"""They run until somebody ends them, or print what is no answer."""


def commands(group=cli, above=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))
        else:
            yield " ".join((*above, name)), command


def test_every_command_with_an_answer_gives_it_as_json_too():
    options = {name: {text for option in each.params for text in option.opts} for name, each in commands()}
    assert {name for name, texts in options.items() if "--json" not in texts} == WITHOUT_AN_ANSWER


def test_every_command_says_what_it_does_and_each_of_its_options_too():
    for name, command in commands():
        assert command.help, name
        for option in command.params:
            assert isinstance(option, click.Argument) or option.help, (name, option.name)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unreachable("http://127.0.0.1:1: no gateway answers there"), ["no gateway answers", "→ is it running?"]),
        (error_of(problem("unauthenticated")), ["401 unauthenticated", f"→ {CODES['unauthenticated'].fix}"]),
        (
            error_of(problem("unknown-field", errors=[FieldError(code="unknown-field", pointer="/x", detail="what?")])),
            ["422 unknown-field: A field is unknown\n/x: what?", "→ Correct or remove the field"],
        ),
        (StoreUnavailable("var/gateway.db: there is no such file"), ["no such file", "→ `task-gateway doctor`"]),
        (Stopped("the port is taken", "name another"), ["the port is taken", "→ name another"]),
        (ConfigErrors(["gateway.yaml:1: a: wrong", "gateway.yaml:2: b: wrong"]), ["1: a: wrong\ngateway.yaml:2: b"]),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
def test_what_cannot_be_done_is_told_with_what_to_do_next(error, said, capsys):
    fail(error)
    told = capsys.readouterr()
    assert told.out == ""
    for each in said:
        assert each in told.err


def test_a_gateway_that_is_not_there_is_exit_code_1_and_a_wrong_command_line_2(tmp_path):
    nowhere = f"http://127.0.0.1:{world.free_port()}"
    ended = run("deliveries", "--url", nowhere, "--key", "tgk_x_y", directory=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "→ is it running?" in ended.stderr
    for wrong in (("deliveries", "--url", "localhost:8080", "--key", "x"), ("deliverys",), ("send", "nowhere.json")):
        assert run(*wrong, directory=tmp_path).returncode == 2, wrong


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_what_its_script_asks_for(shell, tmp_path):
    script = run("completion", shell, directory=tmp_path).stdout
    assert f"_TASK_GATEWAY_COMPLETE={shell}_complete" in script

    asked = {"_TASK_GATEWAY_COMPLETE": f"{shell}_complete", "COMP_WORDS": "task-gateway deliv", "COMP_CWORD": "1"}
    words = {**os.environ, **asked, **({"COMP_CWORD": "deliv"} if shell == "fish" else {})}
    told = subprocess.run([PROGRAM], env=words, capture_output=True, text=True, check=False).stdout
    assert "deliveries" in told
    assert "doctor" not in told
