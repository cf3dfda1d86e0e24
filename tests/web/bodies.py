"""Bodies that nobody should send, each with a canary that no answer may repeat."""

import json

from web.world import task

CANARY = "CANARYx7"
GOOD = json.dumps(task(title=CANARY))
JSON = "application/json"


def nested(levels):
    return (
        b'{"clinic_id":"north","description":"CANARYx7","metadata":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"
    )


def listed(levels):
    return b'{"clinic_id":"north","tags":' + b"[" * levels + b'"CANARYx7"' + b"]" * levels + b"}"


def with_(**fields):
    return json.dumps(task(**fields)).encode()


def without(name):
    return json.dumps({key: value for key, value in task(title=CANARY).items() if key != name}).encode()


RAW = {
    "nothing": b"",
    "white space": b"  \n ",
    "nested 33 deep": nested(33),
    "nested 1000 deep": nested(1000),
    "nested 60000 deep": nested(60_000),
    "lists 33 deep": listed(33),
    "lists 1000 deep": listed(1000),
    "nested and never closed": b'{"a":' * 5000,
    "lists never closed": b"[" * 5000,
    "no UTF-8": b'{"clinic_id":"north","description":"CANARYx7\xff\xfe"}',
    "an overlong encoding": b'{"clinic_id":"north","description":"CANARYx7\xc0\x80"}',
    "an encoded surrogate": b'{"clinic_id":"north","description":"CANARYx7\xed\xa0\x80"}',
    "half a character": b'{"clinic_id":"north","description":"CANARYx7\xe2\x82"}',
    "UTF-16": GOOD.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "a repeated key": b'{"clinic_id":"north","description":"CANARYx7","description":"CANARYx7"}',
    "a repeated key, once escaped": b'{"clinic_id":"north","description":"CANARYx7","descriptio\\u006e":"CANARYx7"}',
    "a repeated key inside": b'{"clinic_id":"north","description":"x","patient":{"mrn":"CANARYx7","mrn":"2"}}',
    "a repeated key deep inside": b'{"clinic_id":"north","vendor_fields":{"a":{"b":[{"c":1,"c":"CANARYx7"}]}}}',
    "257 keys": json.dumps(task(**{f"CANARYx7{number}": 1 for number in range(254)})).encode(),
    "257 keys inside": with_(patient={"mrn": "1", "ids": {f"CANARYx7{number}": "1" for number in range(257)}}),
    "257 keys deep inside": with_(
        vendor_fields={"task_api": {"a": [{f"CANARYx7{number}": 1 for number in range(257)}]}}
    ),
    "a NUL": b'{"clinic_id":"north","description":"CANARYx7\\u0000"}',
    "a NUL in a key": b'{"clinic_id":"north","description":"x","metadata":{"CANARYx7\\u0000":"x"}}',
    "a raw NUL": b'{"clinic_id":"north","description":"CANARYx7\x00"}',
    "a raw control character": b'{"clinic_id":"north","description":"CANARYx7\x07"}',
    "half a surrogate pair": b'{"clinic_id":"north","description":"CANARYx7\\ud83d"}',
    "the other half": b'{"clinic_id":"north","description":"CANARYx7\\ude00"}',
    "half a pair in a key": b'{"clinic_id":"north","metadata":{"\\ud83d":"CANARYx7"}}',
    "an integer of 5000 digits": b'{"clinic_id":"north","description":"CANARYx7","title":' + b"9" * 5000 + b"}",
    "1e400": b'{"clinic_id":"north","description":"CANARYx7","title":1e400}',
    "-1e400": b'{"clinic_id":"north","description":"CANARYx7","metadata":{"a":-1e400}}',
    "NaN": b'{"clinic_id":"north","description":"CANARYx7","title":NaN}',
    "Infinity": b'{"clinic_id":"north","description":"CANARYx7","title":-Infinity}',
    "bytes behind it": GOOD.encode() + b"CANARYx7",
    "a second object": GOOD.encode() * 2,
    "a list": b'["CANARYx7"]',
    "a list of commands": b"[" + GOOD.encode() + b"]",
    "a text": b'"CANARYx7"',
    "a number": b"7",
    "null": b"null",
    "true": b"true",
    "half an object": GOOD.encode()[:-3],
    "single quotes": b"{'clinic_id': 'CANARYx7'}",
    "a comment": b'{"clinic_id":"north" /* CANARYx7 */}',
    "a comma too many": b'{"clinic_id":"CANARYx7",}',
    "a bare key": b'{clinic_id:"CANARYx7"}',
    "a bad escape": b'{"clinic_id":"CANARYx7\\x41"}',
    "a form": b"clinic_id=CANARYx7",
    "XML": b"<task>CANARYx7</task>",
}
MEDIA_TYPES = [
    "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
    "application/json-patch+json", "application/vnd.api+json", "application/msgpack", "*/*",
    "application/json, text/plain",
    "application/json; charset=utf-16", "application/json; charset=latin-1", "application/json; charset=CANARYx7",
]  # fmt: skip
FIELDS = {
    **{
        f"{name} is {type(value).__name__}": with_(**{name: value})
        for name in (
            "description", "title", "type", "created_by", "phone_call_type_id", "encounter_note_id", "connection",
            "reference", "due_at", "priority", "status",
        )
        for value in (7, True, [CANARY], {CANARY: CANARY})
    },
    **{
        f"{name} is {type(value).__name__}": with_(**{name: value})
        for name in ("assignees", "tags", "notify")
        for value in (CANARY, 7, [7], [[CANARY]], {"a": CANARY})
    },
    **{
        f"{name} is {type(value).__name__}": with_(**{name: value})
        for name in ("patient", "source", "metadata", "vendor_fields")
        for value in (CANARY, 7, [CANARY], True)
    },
    "clinic_id is a number": with_(clinic_id=7),
    "clinic_id is an object": with_(clinic_id={"a": CANARY}),
    "clinic_id is null": with_(clinic_id=None),
    "clinic_id is blank": with_(clinic_id="  "),
    "clinic_id is unknown": with_(clinic_id=CANARY),
    "no clinic_id": without("clinic_id"),
    "no description": without("description"),
    "description is blank": with_(description=" \n\t "),
    "description is null": with_(description=None),
    "description is too long": with_(description=CANARY * 5000),
    "title is too long": with_(title=CANARY * 200),
    "reference is too long": with_(reference=CANARY * 50),
    "an unknown field": with_(titel=CANARY),
    "an unknown field that is no word": with_(**{"CANARYx7 is the patient": 1}),
    "an unknown field in patient": with_(patient={"mrn": "1", "name": CANARY}),
    "an unknown field in source": with_(source={"call": CANARY}),
    "a patient id that is a number": with_(patient={"mrn": "1", "ids": {"cobalt": 7}}),
    "a priority that is none": with_(priority=CANARY),
    "a priority in capitals": with_(priority="HIGH"),
    "a status that is none": with_(status=CANARY),
    "a status that is not carried": with_(status="completed"),
    "a date without an offset": with_(due_at="2026-12-01T10:00:00"),
    "a date that is none": with_(due_at=CANARY),
    "a date that cannot be": with_(due_at="2026-02-30T10:00:00Z"),
    "metadata with a number": with_(metadata={CANARY: 7}),
    "metadata with an object": with_(metadata={"a": {"b": CANARY}}),
    "metadata with 65 entries": with_(metadata={f"{CANARY}{number}": "x" for number in range(65)}),
    "101 tags": with_(tags=[f"{CANARY}{number}" for number in range(101)]),
    "vendor fields that are no object": with_(vendor_fields={"cobalt": CANARY}),
    "vendor fields that are not taken": with_(vendor_fields={"cobalt": {"x": CANARY}}),
    "a connection that is none": with_(connection=CANARY),
    "an assignee who is nobody": with_(assignees=[CANARY]),
    "an author who is nobody": with_(created_by=CANARY),
    "somebody to notify who is nobody": with_(notify=["dr-wilson", CANARY]),
    "no patient": without("patient"),
    "a patient of nothing": with_(patient={}),
    "a blank patient": with_(patient={"mrn": " "}),
}  # fmt: skip
