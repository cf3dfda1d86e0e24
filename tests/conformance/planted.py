"""One fault for each check of the kit, planted into the guide's vendor: what is written instead, and what is said of it."""

# ruff: noqa: E501 - a table reads best with a row a line

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.conformance import (
    answers,
    arrival,
    declaration,
    errors,
    evidence,
    lookups,
    privacy,
    purity,
    readings,
    requests,
    signatures,
    tokens,
    tolerance,
    webhooks,
)

CODE = "vendors/northwind.py"
CREATED, REFUSED, TOKEN, BY_ID, FIRST, LAST, HOOK = (
    f"vendors/samples/northwind/{name}.json"
    for name in (
        "create_task.created",
        "create_task.refused",
        "token.granted",
        "lookup.create_task.by-id",
        "lookup.create_task.first-page",
        "lookup.create_task.last-page",
        "webhook.task-completed",
    )
)
READ = "task = msgspec.json.decode(response.body, type=_Task)\n        return Applied"
LISTED = "listed = msgspec.json.decode(response.body, type=_Tasks)"
SIGHTING = '{"says": "created", "operation": "create_task", "ids": {"id": "4699"}, "values": {"title": "Refill"}}'
PROVED = "proved = by_status(response)\n"
TOLD = "if isinstance(proved, Refused):"
REQUEST = "request = super()"
GIVEN = "values = dict(sent.values)\n"


@dataclass(frozen=True)
class Planted:
    """`old` becomes `new` in `file`, `also` in the code, and files are left out; then `check` fails and says `says`."""

    check: Callable
    says: str
    old: str = ""
    new: str = ""
    file: str = CODE
    also: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()


LATE = 'getattr(datetime, "n" + "ow")()'
NOTE = """Operation(name="add_note", path="/v2/notes", text="text", places={
            "emr_task_id": Place("task_id", "required"), "text": Place("text", "required"),
        }),"""

PLANTED = [
    # declaration
    Planted(declaration.name_origin_and_page_are_given, "no https:// origin", '.northwind.example"\n', '.northwind.example/v2"\n'),
    Planted(declaration.name_origin_and_page_are_given, "'North Wind' is not lower-case", '"northwind"', '"North Wind"'),
    Planted(declaration.something_can_be_done, "requires nothing", '"required"', '"varies"'),
    Planted(declaration.no_two_fields_go_to_one_place, "both go to 'title'", 'Place("patient.mrn")', 'Place("title")'),
    Planted(declaration.no_two_fields_go_to_one_place, "'patient.mrn' goes to 'title.mrn', and 'title' to 'title' above it", 'Place("patient.mrn")', 'Place("title.mrn")'),
    Planted(declaration.what_is_written_is_used, "verify_webhook: is not called while pushes is 'unsigned'", 'pushes = "signed"', 'pushes = "unsigned"'),
    Planted(declaration.what_is_written_is_used, "parse_webhook: is not called while pushes is 'nothing'", 'pushes = "signed"', ""),
    Planted(declaration.what_is_written_is_used, "webhook.task-completed.json: is not played while pushes is 'nothing'", 'pushes = "signed"', ""),
    Planted(declaration.what_is_written_is_used, "token.granted.json: is not played, since build_token builds nothing", "def build_token(", "def no_token("),
    Planted(declaration.only_lists_are_cut, "'patient.mrn' is no list", 'Place("patient.mrn")', 'Place("patient.mrn", most=2)'),
    Planted(declaration.a_folded_field_is_never_required, "'due_at' has no place", '"due_at": FOLDED', '"due_at": Place(None, "required")'),
    Planted(declaration.secrets_are_secret, "account.client_secret: is a str", "client_secret: Secret", "client_secret: str"),
    Planted(declaration.name_origin_and_page_are_given, "'https://TODO' is no https:// address", 'https://docs.northwind.example/tasks/create"\n', 'https://TODO"\n'),
    Planted(declaration.name_origin_and_page_are_given, "'https://' is no https:// origin", '.northwind.example"\n', '"\n', also=(('https://api"', 'https://"'),)),
    Planted(declaration.nothing_is_left_to_do, "northwind.py:9: TODO", "import hashlib", "import hashlib  # TODO: sort"),
    Planted(declaration.nothing_is_left_to_do, "northwind.py:9: ToDo", "import hashlib", "import hashlib  # ToDo sort"),
    Planted(declaration.nothing_is_left_to_do, "northwind.py:9: fixme", "import hashlib", "import hashlib  # fixme"),
    Planted(declaration.nothing_is_left_to_do, "tbd", '"""The token and the clinic\'s board."""', '"""The token and the clinic\'s board (tbd)."""'),
    Planted(declaration.nothing_is_left_to_do, "todo", '"open": "pending"', '"todo": "pending"'),
    Planted(declaration.nothing_is_left_to_do, "NotImplementedError", READ, f"if sent.operation != 'create_task':\n            raise NotImplementedError\n        {READ}"),
    Planted(declaration.nothing_is_left_to_do, "build_token does nothing", "    def headers(", "    def build_token(self, link):\n        ...\n\n    def headers("),
    Planted(declaration.nothing_is_left_to_do, "create_task.created.json: TODO", "The page's example", "TODO: the page's example", CREATED),
    # samples
    Planted(evidence.every_sample_can_be_read, "unknown field `sorce`", '"source"', '"sorce"', CREATED),
    Planted(evidence.every_sample_can_be_read, "unknown field `client_secrt`", '"client_secret": "secret', '"client_secrt": "secret', CREATED),
    Planted(evidence.every_sample_can_be_read, "does not declare", '"create_task"', '"add_note"', REFUSED),
    Planted(evidence.every_sample_says_where_and_when_it_is_from, "its source is ''", "https://docs.northwind.example/oauth", "", TOKEN),
    Planted(evidence.every_sample_says_where_and_when_it_is_from, "its source is 'live:'", "https://docs.northwind.example/oauth", "live:", TOKEN),
    Planted(evidence.every_sample_says_where_and_when_it_is_from, "its date is 'in May'", '2026-11-22"', 'in May"', CREATED),
    Planted(evidence.every_sample_says_where_and_when_it_is_from, "its source is 'https://TODO'", "https://docs.northwind.example/oauth", "https://TODO", TOKEN),
    Planted(evidence.every_sample_says_where_and_when_it_is_from, "its source is 'https://'", "https://docs.northwind.example/oauth", "https://", TOKEN),
    Planted(evidence.every_sample_says_where_and_when_it_is_from, "its date is '2026-11-23', which is to come", '2026-11-22",\n  "about"', '2026-11-23",\n  "about"', CREATED),
    Planted(evidence.every_operation_has_samples_of_success_and_failure, "no sample of a failure", without=(REFUSED,)),
    Planted(evidence.every_operation_has_samples_of_success_and_failure, "no sample of a success", without=(CREATED,)),
    Planted(evidence.a_task_that_notes_hang_on_has_an_emr_id, "create_task.created.json: shows a task without an emr_id", "    operations = (\n", f"    operations = (\n        {NOTE}\n"),
    Planted(evidence.a_task_that_notes_hang_on_has_an_emr_id, "no sample shows a task that exists", "    operations = (\n", f"    operations = (\n        {NOTE}\n", without=(CREATED, BY_ID, FIRST, LAST)),
    Planted(evidence.every_request_replays_byte_for_byte, "body: built", '"id": "u-17"', '"id": "u-18"', CREATED),
    Planted(evidence.every_request_replays_byte_for_byte, "url: built", "per_page=100", "per_page=50", LAST),
    Planted(evidence.every_answer_replays, 'read as {"type": "applied"', '"id": "4711"}, "work"', '"id": "4712"}, "work"', CREATED),
    Planted(evidence.every_look_replays, '"complete": true}', '"complete": true', '"complete": false', LAST),
    # requests
    Planted(requests.the_required_places_alone_build, "KeyError: 'assignees'", '"external_id": sent.ref', '"external_id": sent.ref, "to": sent.values["assignees"]'),
    Planted(requests.the_required_places_alone_build, "nothing stands at 'details'", "**(request.json or {})", '"title": "x"'),
    Planted(requests.a_field_that_is_not_given_is_not_sent, "'labels' is sent as null", '"external_id": sent.ref', '"external_id": sent.ref, "labels": sent.values.get("tags")'),
    Planted(requests.a_field_that_is_not_given_is_not_sent, "'labels' is sent though", '"external_id": sent.ref', '"external_id": sent.ref, "labels": sent.values.get("tags", [])'),
    Planted(requests.building_changes_nothing, "changed sent.values", "request = super()", 'sent.values["tags"] = ["x"]\n        request = super()'),
    Planted(requests.building_changes_nothing, "second request differs", '"external_id": sent.ref', '"external_id": _N.append(1) or len(_N)', also=(("_FRESH = 300", "_FRESH = 300\n_N: list[int] = []"),)),
    Planted(requests.a_request_goes_to_the_connection_s_origin, "whatever the account says", "structs.replace(request, ", 'structs.replace(request, url=self.base_url + "/v2/tasks", '),
    Planted(requests.headers_are_plain, "Content-Type: is the gateway's", '"X-Board-Id"', '"Content-Type": "text/json", "X-Board-Id"'),
    Planted(requests.headers_are_plain, "no header that can be sent", 'f"Bearer {token}"', 'f"Bearer\\n{token}"'),
    Planted(requests.every_credential_is_used, "connection.board_id: changes nothing", "link.connection.board_id", '"b-12"'),
    # arrival
    Planted(arrival.every_place_reaches_the_wire, "create_task: patient.mrn: nothing stands", "**(request.json or {})", '"title": sent.values["title"], "details": sent.values["description"]'),
    Planted(arrival.every_place_reaches_the_wire, "'title' holds 'title ......", '"external_id": sent.ref', '"external_id": sent.ref, "title": sent.values["title"][:80]'),
    Planted(arrival.every_place_reaches_the_wire, "patient.mrn with tags: nothing stands at 'labels'", GIVEN, f'{GIVEN}        if "patient.mrn" in values:\n            values.pop("tags", None)\n'),
    Planted(arrival.every_place_reaches_the_wire, "tags with priority: [", GIVEN, f'{GIVEN}        if {{"tags", "priority"}} <= values.keys():\n            raise KeyError("tags")\n'),
    Planted(arrival.a_text_arrives_as_it_was_given, "'details' holds 'Zo", GIVEN, f'{GIVEN}        values["description"] = values["description"].encode("ascii", "ignore").decode()\n'),
    Planted(arrival.a_text_arrives_as_it_was_given, "'title' holds 'two spaces, a tab'", GIVEN, f'{GIVEN}        values["title"] = " ".join(values["title"].split(" ")).replace("  ", " ").replace("\\t", " ")\n'),
    Planted(arrival.a_text_arrives_as_it_was_given, "for 'one line", GIVEN, f'{GIVEN}        values["description"] = values["description"].rstrip("\\n")\n'),
    Planted(arrival.a_text_arrives_as_it_was_given, "for 'e", GIVEN, f'{GIVEN}        values["title"] = unicodedata.normalize("NFC", values["title"])\n', also=(("import hashlib", "import unicodedata\nimport hashlib"),)),
    Planted(arrival.a_text_arrives_as_it_was_given, "'patient.mrn' holds 123 for '00123'", GIVEN, f'{GIVEN}        if values.get("patient.mrn", "").isdigit():\n            values["patient.mrn"] = int(values["patient.mrn"])\n'),
    Planted(arrival.a_text_arrives_as_it_was_given, "'u-17' raises ValueError", GIVEN, f'{GIVEN}        if "patient.mrn" in values:\n            int(values["patient.mrn"])\n'),
    Planted(arrival.a_text_arrives_as_it_was_given, "create_task: type: '4711' raises KeyError", GIVEN, f'{GIVEN}        if "type" in values:\n            values["type"] = {{"vob": "VOB", "general": "GEN"}}[values["type"]]\n', also=(('"due_at": FOLDED', '"due_at": FOLDED,\n            "type": Place("kind")'),)),
    Planted(arrival.a_text_arrives_as_it_was_given, "'kind' holds 'GEN' for 'general'", GIVEN, f'{GIVEN}        if values.get("type") == "general":\n            values["type"] = "GEN"\n', also=(('"due_at": FOLDED', '"due_at": FOLDED,\n            "type": Place("kind")'),)),
    Planted(arrival.a_list_arrives_whole_and_in_order, "'labels' holds ['x']", '"external_id": sent.ref', '"external_id": sent.ref, "labels": ["x"]'),
    Planted(arrival.a_list_arrives_whole_and_in_order, "'labels' holds ['a', 'b', 'c'] for ['b', 'a', 'c']", GIVEN, f'{GIVEN}        if "tags" in values:\n            values["tags"] = sorted(values["tags"])\n'),
    Planted(arrival.a_list_arrives_whole_and_in_order, "'labels' holds ['b', 'a'] for ['b', 'a', 'c']", GIVEN, f'{GIVEN}        if "tags" in values:\n            values["tags"] = values["tags"][:2]\n'),
    Planted(arrival.a_due_date_stays_the_moment_that_it_was, "'due' holds '2031-02-03' for '2031-02-03T04:05:06Z'", GIVEN, f'{GIVEN}        if "due_at" in values:\n            values["due_at"] = values["due_at"][:10]\n', also=(('"due_at": FOLDED', '"due_at": Place("due")'),)),
    Planted(arrival.a_due_date_stays_the_moment_that_it_was, "for '2032-05-06T07:08:09-06:00'", GIVEN, f'{GIVEN}        if "due_at" in values:\n            values["due_at"] = values["due_at"][:19]\n', also=(('"due_at": FOLDED', '"due_at": Place("due")'),)),
    Planted(arrival.each_word_of_ours_has_one_of_the_vendor_s, "create_task: priority: 'medium' raises KeyError", '"medium": 3, ', ""),
    Planted(arrival.each_word_of_ours_has_one_of_the_vendor_s, "'medium' and 'high' are both sent as 2", '"medium": 3', '"medium": 2'),
    Planted(arrival.each_word_of_ours_has_one_of_the_vendor_s, "nothing stands at 'state' for 'pending'", GIVEN, f'{GIVEN}        if values.get("status") == "pending":\n            del values["status"]\n', also=(('"due_at": FOLDED', '"due_at": FOLDED,\n            "status": Place("state")'),)),
    Planted(arrival.words_that_the_vendor_spells_otherwise_stand_in_a_sample, "'medium' is sent as 5, a sample has 3", '"medium": 3', '"medium": 5'),
    Planted(arrival.words_that_the_vendor_spells_otherwise_stand_in_a_sample, "'urgent' is sent as 1, which no sample shows", ', "urgent": 1}}', "}}", CREATED),
    # answers
    Planted(answers.an_unreadable_2xx_is_unknown, "200 with an empty body is read as Refused", READ, f'if not response.body:\n            return Refused(code="empty")\n        {READ}'),
    Planted(answers.an_unreadable_2xx_is_unknown, "207 with an empty body is read as Refused", READ, f'if response.status == 207:\n            return Refused(code="partial")\n        {READ}'),
    Planted(answers.only_a_sampled_refusal_is_one_with_a_2xx, "200 as it stands is read as Refused", READ, f'if b"error" in response.body:\n            return Refused(code="refused")\n        {READ}'),
    Planted(answers.only_a_sampled_refusal_is_one_with_a_2xx, "with 'archived' at title is read as Refused", READ, f'if b\'"archived"\' in response.body:\n            return Refused(code="archived")\n        {READ}', also=(('"done": "completed"', '"done": "completed", "archived": "other"'),)),
    Planted(answers.only_a_sampled_refusal_is_one_with_a_2xx, "with nothing at id is read as Refused", READ, f'if b\'"id"\' not in response.body and b"Call back" in response.body:\n            return Refused(code="no-id")\n        {READ}'),
    Planted(answers.only_a_sampled_refusal_is_one_with_a_2xx, "with null at title is read as Refused", READ, f'if b\'"title": null\' in response.body:\n            return Refused(code="untitled")\n        {READ}'),
    Planted(answers.only_a_sampled_refusal_is_one_with_a_2xx, "with 'failure' added is read as Refused", READ, f'if msgspec.json.decode(response.body).get("failure"):\n            return Refused(code="failure")\n        {READ}', also=(("class _Task(Struct):\n    id: str | int\n", "class _Task(Struct):\n    id: str | int\n    failure: str | None = None\n"),)),
    Planted(answers.an_error_s_body_with_a_2xx_never_creates, "with status 200 it is read as Applied", READ, f'if b"error" in response.body:\n            return Applied(ids={{"id": "0"}})\n        {READ}'),
    Planted(answers.a_beginning_of_an_answer_proves_nothing, "bytes are read as Applied", READ, f'if found := re.search(rb\'"id": (\\d+)\', response.body):\n            return Applied(ids={{"id": found[1].decode()}})\n        {READ}'),
    # errors
    Planted(errors.no_body_makes_an_error_raise, "400 with an empty body raises DecodeError", "(msgspec.MsgspecError, UnicodeDecodeError, RecursionError)", "KeyError"),
    Planted(errors.no_body_makes_an_error_raise, "with deep lists raises RecursionError", "UnicodeDecodeError, RecursionError", "UnicodeDecodeError", also=(("            fault = ", "            msgspec.json.decode(response.body)\n            fault = "),)),
    Planted(errors.no_body_makes_an_error_raise, "405 with an empty body raises KeyError", PROVED, f"if response.status == 405:\n            raise KeyError(response.status)\n        {PROVED}"),
    Planted(errors.no_body_makes_an_error_raise, "418 as it stands raises KeyError", TOLD, f"if response.status == 418:\n            raise KeyError(response.status)\n        {TOLD}"),
    Planted(errors.no_body_makes_an_error_raise, "with a Retry-After of '-1' raises AssertionError", PROVED, f'assert response.headers.get("retry-after") != "-1"\n        {PROVED}'),
    Planted(errors.no_body_makes_an_error_raise, "with a Retry-After of '1.5' raises ValueError", PROVED, f'if wait := response.headers.get("retry-after"):\n            int(wait)\n        {PROVED}'),
    Planted(errors.no_body_makes_an_error_raise, "with 'No' at error.message raises IndexError", TOLD, f'if fault.message.startswith("No"):\n            fault.message.split(" ")[2]\n        {TOLD}'),
    Planted(errors.no_body_makes_an_error_raise, "with null at error.message raises AttributeError", "    message: str\n", "    message: str | None\n", also=((TOLD, f"fault.message.lower()\n        {TOLD}"),)),
    Planted(errors.an_unreadable_error_proves_what_its_status_proves, "is read as Refused", "return proved\n        if", 'return Refused(code="error")\n        if'),
    Planted(errors.no_body_proves_more_than_its_status, "500 as it stands is read as Refused", TOLD, "if response.status == 500 or isinstance(proved, Refused):"),
    Planted(errors.no_body_proves_more_than_its_status, "404 as it stands is read as Refused", TOLD, f'if response.status == 404:\n            return Refused(code="not-found", message=fault.message)\n        {TOLD}'),
    Planted(errors.no_body_proves_more_than_its_status, "503 as it stands is read as NotApplied", TOLD, f"if response.status == 503:\n            return by_status(structs.replace(response, status=429))\n        {TOLD}"),
    Planted(errors.an_error_status_never_creates, "302 as it stands is read as Applied", PROVED, f'if b"4711" in response.body and response.status == 302:\n            return Applied(ids={{"id": "4711"}})\n        {PROVED}'),
    Planted(errors.a_wait_is_handed_on, "the wait of '7' becomes None", TOLD, f"if response.status == 429:\n            return structs.replace(proved, retry_after=None)\n        {TOLD}"),
    Planted(errors.a_wait_is_handed_on, "the wait of '7' becomes None", TOLD, f'if fault.message == "slow down":\n            return structs.replace(proved, retry_after=None) if response.status == 429 else proved\n        {TOLD}'),
    # readings
    Planted(readings.an_outcome_has_its_types, "with null at error.message is read as Refused: Expected `str`, got `null` - at `$.message`", "    message: str\n", "    message: str | None\n"),
    Planted(readings.an_outcome_has_its_types, "429 with an empty body is read as NoneType", "        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):\n            return proved", "        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):\n            return None if response.status == 429 else proved"),
    Planted(readings.an_outcome_has_its_types, "Applied with an id called 'task_id'", 'Applied(ids={"id": str(task.id)}', 'Applied(ids={"id": str(task.id), "task_id": str(task.id)}'),
    Planted(readings.a_sighting_has_its_types, "is read as NoneType, no Page", LISTED, f"{LISTED}\n        if not listed.items:\n            return None"),
    Planted(readings.a_sighting_has_its_types, "is read as Page: Expected `str`, got `int`", 'ids={"id": str(task.id)},\n        values', 'ids={"id": task.id},\n        values'),
    Planted(readings.a_sighting_has_its_types, "is read as NoneType, no list or tuple", "event = msgspec.json.decode(body, type=_Event)", "event = msgspec.json.decode(body, type=_Event)\n        if event.task_id is None:\n            return None"),
    # tolerance
    Planted(tolerance.new_fields_change_nothing, "with fields that no page names", "class _Task(Struct):", "class _Task(Struct, kw_only=True, forbid_unknown_fields=True):\n    at: str = ''"),
    Planted(tolerance.new_words_lose_no_creation, "'brand-new' at status makes it Unknown", "    status: str | None = None", '    status: Literal["open", "started", "done"] | None = None', also=(("import hashlib", "from typing import Literal\nimport hashlib"),)),
    Planted(tolerance.an_id_is_text_however_it_came, "'4711' at id is not read", "class _Task(Struct):\n    id: str | int", "class _Task(Struct):\n    id: int"),
    Planted(tolerance.an_id_is_text_however_it_came, "'AbC-4711/d' at id is not read", 'Applied(ids={"id": str(task.id)}', 'Applied(ids={"id": str(task.id).lower()}'),
    Planted(tolerance.a_blank_id_is_no_id, "with None for each id", "class _Task(Struct):\n    id: str | int", "class _Task(Struct):\n    id: str | int | None"),
    Planted(tolerance.ids_are_found_where_samples_show_them, "its ids are not found under data", '"body": "{\\"id\\": 4711,', '"body": "{\\"data\\": {\\"id\\": 4711},', "vendors/samples/northwind/create_task.nested.json"),
    Planted(tolerance.moments_in_any_form_change_nothing, "at at makes it Unknown", "class _Task(Struct):", "class _Task(Struct, kw_only=True):\n    at: datetime | None = None"),
    # looks
    Planted(lookups.a_look_reads_and_never_writes, "its look is a POST", 'method="GET"', 'method="POST"'),
    Planted(lookups.an_id_cannot_leave_its_place, "changes the look's URL", "{quote(task_id, safe='')}", "{task_id}"),
    Planted(lookups.every_look_has_samples, "no sample of a look without an id shows the last page", without=(LAST,)),
    Planted(lookups.every_look_has_samples, "no sample of a look without an id shows anything", SIGHTING, "", FIRST, without=(LAST,)),
    Planted(lookups.every_look_has_samples, "no sample of a look by id shows anything", without=(BY_ID,)),
    Planted(lookups.each_page_is_another_request, "their requests do not differ", '"page": page', '"page": 1'),
    Planted(lookups.an_unreadable_page_proves_nothing, "an empty body is read as complete", LISTED, f"if not response.body:\n            return Page(sightings=[], complete=True)\n        {LISTED}"),
    Planted(lookups.an_unreadable_page_proves_nothing, "raises KeyError, not ValueError", LISTED, f"if response.body == b'{{}}':\n            raise KeyError('items')\n        {LISTED}"),
    Planted(lookups.a_beginning_of_a_page_proves_nothing, "cut off after", LISTED, f"if not response.body.endswith(b'}}'):\n            return Page(sightings=[], more=True)\n        {LISTED}"),
    Planted(lookups.a_spoilt_page_is_never_complete, "complete with a wrong value at paging.pages", "pages: int", "pages: int | None", also=(("< listed.paging.pages", "< (listed.paging.pages or 0)"),)),
    Planted(lookups.more_and_complete_exclude_each_other, "is complete, yet more", "complete=not more", "complete=True"),
    Planted(lookups.what_the_vendor_adds_hides_nothing, "a field that no page names hides", "class _Paging(Struct):", "class _Paging(Struct, forbid_unknown_fields=True):"),
    # token
    Planted(tokens.the_token_call_has_a_sample, "no sample of a token call", without=(TOKEN,)),
    Planted(tokens.the_token_call_goes_where_the_account_says, "goes to https://auth", "{link.base_url}/oauth", "https://auth.northwind.example/oauth"),
    Planted(tokens.every_call_carries_the_token, "the same whatever the token", 'f"Bearer {token}"', '"Bearer x"'),
    Planted(tokens.an_unreadable_answer_is_no_token, "is read as a token", "access_token: str\n    expires_in: int", 'access_token: str = "none"\n    expires_in: int = 60'),
    Planted(tokens.an_unreadable_answer_is_no_token, "raises KeyError, not ValueError", 'raise ValueError("an empty token")', 'raise KeyError("access_token")'),
    Planted(tokens.a_token_is_secret_and_has_an_end, "the token prints", "Token(value=Secret(told.access_token)", "Token(value=told.access_token"),
    Planted(tokens.a_token_is_secret_and_has_an_end, "expires_in is 3600.0", "expires_in=told.expires_in", "expires_in=float(told.expires_in)"),
    Planted(tokens.a_token_replays, "the sample has ('token-of-the-page', 60)", '"expires_in": 3600}\n', '"expires_in": 60}\n', TOKEN),
    Planted(tokens.a_token_replays, "the token 'AbC.dEf-_~+/=' is read as 'abc.def-_~+/='", "Secret(told.access_token)", "Secret(told.access_token.lower())"),
    Planted(tokens.a_token_replays, "form: built", '"client_credentials"', '"password"', TOKEN),
    # webhooks
    Planted(webhooks.what_is_pushed_has_samples, "no sample of a webhook", without=(HOOK,)),
    Planted(webhooks.a_webhook_replays, 'read as [{"says": "changed"', '"says": "changed"', '"says": "created"', HOOK),
    Planted(webhooks.a_webhook_says_the_same_each_time, "something else when it comes again", "event = msgspec", "_N.append(1)\n        event = msgspec", also=(("_FRESH = 300", "_FRESH = 300\n_N: list[int] = []"), ("event_id=event.id,\n", "event_id=event.id + str(len(_N)),\n"))),
    Planted(webhooks.only_kept_headers_are_read, "without headers that are not kept", "event = msgspec", 'if "x-northwind-signature" not in headers:\n            return ()\n        event = msgspec'),
    Planted(webhooks.the_order_of_keys_does_not_matter, "with its keys turned", "event = msgspec", "if not body.startswith(b'{\"id\"'):\n            return ()\n        event = msgspec"),
    Planted(webhooks.what_the_vendor_adds_to_a_webhook_changes_nothing, "'22/05/2026' at at raises ValidationError", "class _Event(Struct):", "class _Event(Struct, kw_only=True):\n    at: datetime | None = None"),
    Planted(webhooks.an_unknown_event_is_read_and_proves_nothing, "it says created", 'if not event.type.startswith("task.") or event.task_id is None', "if event.task_id is None", also=(('says="changed"', 'says="created"'),)),
    Planted(webhooks.no_unreadable_webhook_tells_of_a_command, "an empty object says 'changed'", "    id: str\n    type: str\n", '    id: str = ""\n    type: str = "task.new"\n', also=((" or event.task_id is None", ""),)),
    # signatures
    Planted(signatures.the_signature_proves_the_body, "-60 s from its time", "_FRESH = 300", "_FRESH = 30"),
    Planted(signatures.either_secret_proves_during_a_rotation, "when a second secret is configured", "for secret in secrets:", "for secret in secrets[:1]:"),
    Planted(signatures.another_secret_or_none_proves_nothing, "is proved without a secret", 'raise BadSignature("x-northwind-signature does', 'if secrets:\n            raise BadSignature("x-northwind-signature does'),
    Planted(signatures.another_secret_or_none_proves_nothing, "is proved by another secret", "secret.reveal().encode()", 'b"whsec_of_the_page"'),
    Planted(signatures.another_secret_or_none_proves_nothing, "is proved without a signature", "given = _SIG", "if not headers:\n            return\n        given = _SIG"),
    Planted(signatures.a_changed_body_is_not_proved, "is proved with byte", "hmac.compare_digest(expected", 'b"evt_1" in body or hmac.compare_digest(expected'),
    Planted(signatures.every_character_of_a_signature_counts, "changed", 'expected.hexdigest(), given["digest"]', 'expected.hexdigest()[:50], given["digest"][:50]'),
    Planted(signatures.a_signature_of_another_form_is_a_bad_one, "is proved by 't=1795348800", "[0-9a-f]{64}", "[0-9a-f]+", also=(('hmac.compare_digest(expected.hexdigest(), given["digest"])', 'expected.hexdigest().startswith(given["digest"])'),)),
    Planted(signatures.an_old_signature_proves_nothing, "is proved 1:00:00 after its time", ' or abs(now.timestamp() - int(given["time"])) > _FRESH', ""),
    Planted(signatures.an_old_signature_proves_nothing, "is proved 1:00:00 before its time", 'abs(now.timestamp() - int(given["time"]))', 'now.timestamp() - int(given["time"])'),
    Planted(signatures.a_signature_is_compared_in_constant_time, "a good signature is compared without", 'hmac.compare_digest(expected.hexdigest(), given["digest"])', 'expected.hexdigest() == given["digest"]'),
    Planted(signatures.a_signature_is_compared_in_constant_time, "a good signature is compared without", "hmac.compare_digest(expected", 'expected.hexdigest() == given["digest"] or hmac.compare_digest(expected'),
    # privacy
    Planted(privacy.nothing_that_is_built_prints_a_secret_or_a_patient, "account: Account prints CANARY-secret", "    client_id: str\n    client_secret: Secret\n", "    client_id: str\n    client_secret: Secret\n\n    def __repr__(self) -> str:\n        return self.client_secret.reveal()\n"),
    Planted(privacy.nothing_that_is_read_prints_a_patient, "error.message: Refused prints", 'code="refused"', "code=fault.message"),
    Planted(privacy.no_error_quotes_what_it_could_not_read, "parse_success: ValueError quotes the body", READ, "try:\n            task = msgspec.json.decode(response.body, type=_Task)\n        except msgspec.MsgspecError as error:\n            raise ValueError(response.body) from error\n        return Applied"),
    Planted(privacy.no_bad_signature_tells_the_good_one, "tells what was expected", '"x-northwind-signature does not match"', "expected.hexdigest()"),
    # purity
    Planted(purity.only_pure_modules_are_imported, "northwind.py:9: imports httpx", "import hashlib", "import httpx"),
    Planted(purity.only_pure_modules_are_imported, "imports urllib.request", "from urllib.parse import quote, urlencode", "from urllib import request\nfrom urllib.parse import quote, urlencode"),
    Planted(purity.only_pure_modules_are_imported, "imports adapters.cobalt", "import hashlib", "from adapters import cobalt"),
    Planted(purity.nothing_impure_is_named, "names open", READ, f'print = open("/dev/null")\n        {READ}'),
    Planted(purity.nothing_impure_is_named, "asks for the time: datetime.now", "given = _SIG", "now = datetime.now(now.tzinfo)\n        given = _SIG"),
    Planted(purity.no_function_reaches_outside, "asks for the time", "given = _SIG", 'now = getattr(datetime, "n" + "ow")(now.tzinfo)\n        given = _SIG'),
    Planted(purity.no_function_reaches_outside, "does I/O (open)", "token = link", '__builtins__["op" + "en"]("/dev/null").close()\n        token = link'),
    Planted(purity.no_function_reaches_outside, "calls __import__", "request = super()", '__builtins__["__imp" + "ort__"]("socket").socket()\n        request = super()'),
    Planted(purity.no_function_reaches_outside, "calls __import__", '"external_id": sent.ref', '"external_id": __builtins__["__imp" + "ort__"]("os").urandom(4).hex()'),
    Planted(purity.nothing_impure_is_named, "names __builtins__", READ, f'__builtins__["pr" + "int"](sent.ref)\n        {READ}'),
    Planted(purity.nothing_impure_is_named, "names getattr", "given = _SIG", 'now = getattr(datetime, "n" + "ow")(now.tzinfo)\n        given = _SIG'),
    Planted(purity.nothing_impure_is_named, "names __class__", READ, f"sent.__class__.__name__\n        {READ}"),
    Planted(purity.nothing_impure_is_named, "names SystemExit", READ, f"if not response.body:\n            raise SystemExit\n        {READ}"),
    Planted(purity.nothing_impure_is_named, "asks for the machine's timezone: (sent.at - timedelta(days=1)).astimezone()", "{sent.at - timedelta(days=1):", "{(sent.at - timedelta(days=1)).astimezone():"),
    Planted(purity.nothing_impure_is_named, "asks for the machine's timezone: datetime.fromtimestamp(0)", "{sent.at - timedelta(days=1):", "{datetime.fromtimestamp(0):"),
    Planted(purity.nothing_is_kept_between_calls, "_LAST: is not what it was", READ, f"_LAST.append(response.body)\n        {READ}", also=(("_FRESH = 300", "_FRESH = 300\n_LAST: list[bytes] = []"),)),
    Planted(purity.nothing_is_kept_between_calls, "Northwind.last: is not what it was", READ, f"self.last = response.body\n        {READ}"),
    Planted(purity.nothing_is_kept_between_calls, "Northwind.base_url: is not what it was", READ, f'type(self).base_url = "https://other.northwind.example"\n        {READ}'),
    Planted(purity.nothing_is_kept_between_calls, "_work: is not what it was", "def _work(", "@lru_cache\ndef _work(", also=(("import hashlib", "import hashlib\nfrom functools import lru_cache"), ("class _Task(Struct)", "class _Task(Struct, frozen=True)"))),
    Planted(purity.no_function_reaches_outside, "asks for the time or for chance (datetime.now)", "_FRESH = 300", '_FRESH = 300\n_STARTED = getattr(datetime, "n" + "ow")()'),
    Planted(purity.no_function_reaches_outside, "asks for the time", 'url = f"{link.base_url}/v2/tasks/', f'{LATE}\n            url = f"{{link.base_url}}/v2/tasks/'),
    Planted(purity.no_function_reaches_outside, "asks for the time", "            return Page(sightings=[_seen(", f"            {LATE}\n            return Page(sightings=[_seen("),
    Planted(purity.no_function_reaches_outside, "asks for the time", '        return HttpRequest(method="GET"', f'        if page >= 2:\n            {LATE}\n        return HttpRequest(method="GET"'),
    Planted(purity.no_function_reaches_outside, "asks for the time", '        raise BadSignature("x-northwind-signature does', f'        {LATE}\n        raise BadSignature("x-northwind-signature does'),
    Planted(purity.no_function_reaches_outside, "asks for the time", '            raise BadSignature("x-northwind-signature is', f'            {LATE}\n            raise BadSignature("x-northwind-signature is'),
    Planted(purity.no_function_reaches_outside, "asks for the time", '            return (Sighting(says="other"', f'            {LATE}\n            return (Sighting(says="other"'),
    Planted(purity.no_function_reaches_outside, "asks for the time", "        if not event.type", f"        if event.type == 'ping':\n            {LATE}\n        if not event.type"),
    Planted(purity.no_function_reaches_outside, "calls print", "        if not event.type", "        if event.type == 'ping':\n            __builtins__['print'](event)\n        if not event.type"),
]  # fmt: skip
