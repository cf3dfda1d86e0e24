"""What of others' words may stand in the open."""

import pytest

from gateway.rules.wording import UNNAMED, code, state


@pytest.mark.parametrize("text", ["refused", "missing-field", "login_required", "http-503", "token:http-400", "E.17"])
def test_a_code_of_one_word_is_kept(text):
    assert code(text) == text


@pytest.mark.parametrize("text", ["", "Ms. Okafor", '{"mrn": "1001"}', "Okafor\n", "-x", "x" * 61, "MRN 1001", "ü"])
def test_what_is_no_code_is_not_kept(text):
    assert code(text) == UNNAMED


@pytest.mark.parametrize("text", ["not_started", "In progress", "waiting/blocked", "À faire", "3", None])
def test_a_word_for_where_a_task_stands_is_kept(text):
    assert state(text) == text


@pytest.mark.parametrize("text", ["", " ", '{"title": "Call Ms. Okafor"}', "Call Ms. Okafor; MRN 1001", "x" * 41])
def test_what_is_no_such_word_is_not_kept(text):
    assert state(text) is None
