"""What the OpenAPI document declares, and whether an answer is among it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = "urn:openapi"


class Declared:
    """The document, by path and method; `seen` collects what was observed of each operation."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        resource = Resource(contents=document, specification=DRAFT202012)
        self._registry: Any = Registry().with_resource(ROOT, resource)
        self._templates = sorted(
            ((template.count("{"), _pattern(template), template) for template in document["paths"]),
            key=lambda each: each[0],
        )
        self.seen: set[tuple[str, int]] = set()

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """The operation behind a request; None for a path or method that does not exist."""
        bare = path.partition("?")[0]
        for _, pattern, template in self._templates:
            operation = self.document["paths"][template].get(method.lower())
            if pattern.fullmatch(bare) and operation is not None:
                return operation
        return None

    def check(self, method: str, path: str, answer: httpx.Response) -> None:
        """Fails for a status, content type or body that is not declared."""
        operation = self.operation(method, path)
        if operation is None:
            return
        name, status = operation["operationId"], answer.status_code
        self.seen.add((name, status))
        declared = operation["responses"].get(str(status))
        assert declared is not None, f"{name} answered {status}, which is not declared: {answer.text[:300]}"
        content = declared.get("content")
        if not answer.content:
            return
        assert content, f"{name} {status} declares no content"
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type in content, f"{name} {status} is {media_type}, declared {list(content)}"
        if media_type.endswith("json"):
            self.validate(content[media_type]["schema"], answer.json(), f"{name} {status}")

    def validate(self, schema: Any, body: Any, what: str) -> None:
        """Fails where a body is not what a schema of the document says."""
        rooted = {"$id": "urn:one", "allOf": [_rooted(schema)]}
        errors = list(Draft202012Validator(rooted, registry=self._registry).iter_errors(body))
        assert not errors, f"{what}: {errors[0].message} at {list(errors[0].absolute_path)}"


def _rooted(schema: Any) -> Any:
    """The schema with its references made absolute."""
    match schema:
        case dict():
            return {key: ROOT + each if key == "$ref" else _rooted(each) for key, each in schema.items()}
        case list():
            return [_rooted(each) for each in schema]
        case _:
            return schema


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("/?".join((re.sub(r"\{[^}]+\}", "[^/]+", template.rstrip("/")) or "", "")))
