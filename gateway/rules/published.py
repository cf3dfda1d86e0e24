"""What anybody can read in the example configuration: fine against the sandbox, open doors in production."""

from __future__ import annotations

KEYS = frozenset(
    {
        "d1caaf92d5c0462ab74c60c5b25470006ac010a5d6a26e70eab5afc911803a76",  # intake
        "72e26d6d3926a6f4e182f1183b5ecb78b572b524b01c6e222fb1e994d01ea7b4",  # operator
    }
)
"""The hashes of its apps' keys."""

SECRETS = frozenset(
    {
        "ci_sandbox",
        "cs_sandbox",
        "at_lakeside",
        "at_riverbend",
        "whsec_cobalt_sandbox",
        "sandbox-cobalt-webhook-token-4f1c7a9e2b6d8035",
        "max_dev_ak_sandbox",
        "sk_sandbox",
        "whsec_task_api_sandbox",
        "sandbox-task-api-webhook-token-9d3e5b7f1a2c4860",
    }
)  # fmt: skip
"""The sandbox's own credentials, tokens and signing secrets."""
