"""What refusing a configuration is like, beside the mistakes themselves, which are in the corpus."""

import pytest

from gateway.errors import ConfigErrors

LAKESIDE = "clinics/lakeside-family.yaml"


def test_the_error_is_its_lines(directory):
    directory.replace("gateway.yaml", "roles: [submit, read]", "roles: [submt, red]")

    with pytest.raises(ConfigErrors) as raised:
        directory.load()

    assert str(raised.value) == "\n".join(raised.value.lines)
    assert len(raised.value.lines) == 2


def test_a_reference_id_may_be_the_same_in_another_account(directory):
    directory.write(
        "clinics/zoo.yaml",
        "id: zoo\nname: Zoo\ntimezone: UTC\nconnections: {desk: {account: solum, reference_id: user_1J9X}}\n",
    )

    assert directory.mistakes() == []


def test_development_takes_secrets_in_the_file(directory):
    directory.replace("gateway.yaml", '"${env:COBALT_CLIENT_ID}"', "ci_sandbox")
    directory.replace(LAKESIDE, '"${env:LAKESIDE_COBALT_TOKEN}"', "at_sandbox")

    assert directory.mistakes() == []


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_file_may_end_with_one_line_break(directory, ending):
    directory.write("cobalt-secret", f"s{ending}")

    assert directory.load().accounts["cobalt-main"].credentials.client_secret.reveal() == "s"


@pytest.mark.parametrize("value", ["x\r\nX-Evil: 1", "x\0"])
def test_a_secret_from_the_environment_holds_no_line_break_or_nul(directory, value):
    directory.environ["COBALT_CLIENT_ID"] = value

    [mistake] = directory.mistakes()

    assert mistake.startswith("gateway.yaml:7: accounts.cobalt-main.credentials.client_id: ")
    assert "X-Evil" not in mistake


def test_names_of_a_file_that_are_not_printable_are_shown_as_question_marks(directory):
    directory.replace("gateway.yaml", "mode: development", '"mode\\e[2Jx": development')

    [mistake] = directory.mistakes()

    assert mistake.startswith("gateway.yaml:1: mode?[2Jx: unknown key 'mode?[2Jx'")


def test_a_misspelt_key_hides_nothing_that_stands_below_it(directory):
    directory.replace(LAKESIDE, "connections:", "conections:")
    directory.replace(LAKESIDE, "emr: eclinicalworks", "emr: eclinicalwork")

    assert directory.mistakes() == [
        f"{LAKESIDE}:4: conections: unknown key 'conections', did you mean 'connections'?",
        f"{LAKESIDE}:7: connections.emr.emr: unknown EMR 'eclinicalwork', did you mean 'eclinicalworks'?",
    ]


def test_an_account_whose_adapter_file_is_broken_is_not_told_of_as_well(directory):
    directory.write("vendors/acme.py", "x = 1")
    directory.replace("gateway.yaml", "adapter_paths: []", "adapter_paths: [vendors]")
    directory.replace("gateway.yaml", "adapter: task_api", "adapter: acme")

    assert [line.partition(": ")[0] for line in directory.mistakes()] == ["vendors/acme.py:1"]
