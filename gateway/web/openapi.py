"""The OpenAPI document's settings, and the page that shows it without a script from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import MediaType, Request, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, Reference, Schema, SecurityScheme, Tag
from litestar.plugins import OpenAPISchemaPlugin
from litestar.types import Method
from litestar.typing import FieldDefinition
from msgspec import Struct

from gateway.errors import Refused
from gateway.web.templates import render
from schemas.problem import problem

_TAGS: Mapping[str, str] = {
    "tasks": "Tasks, and notes on them",
    "notes": "Notes on tasks",
    "claims": "Claims for appointments",
    "deliveries": "Deliveries of every kind",
    "events": "What happened, and who is told of it",
    "clinics": "What a key may use",
    "webhooks": "What vendors push",
    "about": "Health, and what problems mean",
}


def _operation_id(handler: HTTPRouteHandler, _method: Method, path: list[Any]) -> str:
    """`tasks_create`, `clinics_capabilities`, `me`: the noun of the path and the handler's name."""
    name = handler.handler_name.strip("_")
    nouns = [part for part in path if isinstance(part, str)][1:2] if path and path[0] == "v1" else []
    return "_".join([*(noun for noun in nouns if noun != name), name])


def config(version: str) -> OpenAPIConfig:
    """The document's title, security, tags and place (/schema/openapi.json)."""
    return OpenAPIConfig(
        title="Task Gateway",
        version=version,
        summary="One canonical task in, the right vendor's request out, its answer back.",
        description=("Every error is a problem (RFC 9457): a code, all errors at once, and a page behind its type."),
        components=Components(
            security_schemes={"app_key": SecurityScheme(type="http", scheme="bearer", description="tgk_<id>_<secret>")}
        ),
        security=[{"app_key": []}],
        tags=[Tag(name=name, description=about) for name, about in _TAGS.items()],
        operation_id_creator=_operation_id,
        use_handler_docstrings=True,
        path="/schema",
        openapi_router=Router(
            "/schema", route_handlers=[], include_in_schema=False, opt={"open": True}, before_request=_only_what_is_here
        ),
        render_plugins=[
            _ReferencePage(path="/"),
            JsonRenderPlugin(path="/openapi.json", media_type=MediaType.JSON),
        ],
    )


def _only_what_is_here(request: Request[Any, Any, Any]) -> None:
    """What the framework would answer with a page of its own is a problem here too."""
    if request.path_params:
        raise Refused(problem("not-found"))


class ClosedBodies(OpenAPISchemaPlugin):
    """What a Struct that refuses unknown fields really takes: no others, and a blank where nothing is required."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Whether the field is such a Struct."""
        kind = field_definition.annotation
        return isinstance(kind, type) and issubclass(kind, Struct) and kind.__struct_config__.forbid_unknown_fields

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        """The schema that the framework makes, mended."""
        others = (plugin for plugin in schema_creator.plugins if plugin is not self)
        usual = next(each for each in others if schema_creator.plugin_supports_field(each, field_definition))
        schema: Schema = usual.to_openapi_schema(field_definition, schema_creator)
        schema.additional_properties = False
        for name, taken in (schema.properties or {}).items():
            if name not in (schema.required or ()):
                _let_be_blank(taken)
        return schema


def _let_be_blank(taken: Schema | Reference | None) -> None:
    """A blank text is not given, alone or in a list, so its least length is none."""
    if isinstance(taken, Schema):
        taken.min_length = None
        for each in (*(taken.one_of or ()), taken.items):
            _let_be_blank(each)


class _ReferencePage(OpenAPIRenderPlugin):
    """The API's reference as one page, made of the document alone."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - the framework's
        """The page."""
        groups = [_group(openapi_schema, name, about) for name, about in _TAGS.items()]
        schemas = openapi_schema["components"]["schemas"]
        return render("reference.html", info=openapi_schema["info"], groups=groups, schemas=schemas).encode()


def _group(document: Mapping[str, Any], name: str, about: str) -> dict[str, Any]:
    return {"name": name, "about": about, "operations": [_operation(*found) for found in _of_tag(document, name)]}


def _of_tag(document: Mapping[str, Any], tag: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    found = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag in operation.get("tags", ())
    ]
    return sorted(found, key=lambda each: (len(each[0]), each[0], each[1] != "post"))


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return {
        "path": path,
        "method": method.upper(),
        "id": operation["operationId"],
        "summary": operation.get("summary", ""),
        "about": operation.get("description", ""),
        "parameters": [parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "query"],
        "headers": [parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "header"],
        "body": body.get("$ref", "").rpartition("/")[2],
        "answers": [
            {"status": status, "about": answer.get("description", ""), "schema": _answer_schema(answer)}
            for status, answer in sorted(operation.get("responses", {}).items())
        ],
    }


def _answer_schema(answer: Mapping[str, Any]) -> str:
    """The name of the answer's schema, if it has one of its own."""
    contents = answer.get("content", {}).values()
    name: str = next((content.get("schema", {}).get("$ref", "") for content in contents), "").rpartition("/")[2]
    return name
