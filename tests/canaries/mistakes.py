"""Mistakes in a gateway.yaml beside, and in, its secrets: what stands in the file, and what stands there instead.

What is told by its name is told by its name: a key of the file is no secret, wherever it came from.
"""

from __future__ import annotations

import json

from canaries.world import CALLBACK_SECRET, SECRETS
from journeys import world

_SECRET = SECRETS["clientsecret"]
_STANDS = json.dumps({"client_id": SECRETS["clientid"], "client_secret": _SECRET})
_KEY = 'key: "${env:CANARIES_KEY}"'

MISTAKES = (
    (_STANDS, json.dumps({"client_id": SECRETS["clientid"], "client_secret": [_SECRET]})),
    (_STANDS, json.dumps({"client_id": SECRETS["clientid"], "client_secrets": _SECRET})),
    (_STANDS, json.dumps(_SECRET)),
    (f'"client_secret": "{_SECRET}"', f'"client_secret": "{_SECRET}'),
    (f'"client_secret": "{_SECRET}"', f'"client_secret": !!{_SECRET} x'),
    (f'"client_secret": "{_SECRET}"', f'"client_secret": *{_SECRET}'),
    (f'"client_secret": "{_SECRET}"', f'"client_secret": "{_SECRET}", "client_secret": "{_SECRET}"'),
    (f'"secrets": ["{SECRETS["hooksecret"]}"]', f'"secrets": "{SECRETS["hooksecret"]}"'),
    (f'"token": "{SECRETS["hooktoken"]}"', f'"tokens": "{SECRETS["hooktoken"]}"'),
    (f'"secrets": ["{CALLBACK_SECRET}"]', f'"secrets": ["{_SECRET}"]'),
    (_KEY, f'key: "{_SECRET}"'),
    (_KEY, f'keys: "{_SECRET}"'),
    ("id: journey, sha256: ", f'id: journey, sha256: "{world.KEY}", x: '),
    ("id: journey, sha256: ", f'id: "{world.KEY}", sha256: '),
    ("mode: development", f"mode: production  # {_SECRET}"),
)  # fmt: skip
