"""Describes request bodies in the OpenAPI document: bodies are read by `wire`, strictly, so FastAPI does not see their models."""

from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

_COMPONENT = "#/components/schemas/{model}"

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Any refusal, as RFC 9457 has it.",
        "content": {
            "application/problem+json": {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string", "description": "stable name of the kind of problem"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "errors": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
                            },
                        },
                    },
                }
            }
        },
    }
}


def request_body(*forms: Any) -> dict[str, Any]:
    """The `openapi_extra` of a route whose body has one of these forms."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"anyOf": [_schema(form) for form in forms]}}},
        }
    }


def any_json(*media: str) -> dict[str, Any]:
    """The `openapi_extra` of a route that takes whatever JSON another system sends."""
    return {"requestBody": {"required": True, "content": {each: {"schema": {}} for each in media or ("application/json",)}}}


def describe_requests(app: FastAPI) -> None:
    """Make `app.openapi` move the definitions that request bodies bring along to where the document keeps them."""
    generated = app.openapi

    def openapi() -> dict[str, Any]:
        document = generated()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for path in document["paths"].values():
            for operation in path.values():
                for content in operation.get("requestBody", {}).get("content", {}).values():
                    for form in content["schema"].get("anyOf", ()):
                        schemas.update(form.pop("$defs", {}))
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _schema(form: Any) -> dict[str, Any]:
    return TypeAdapter(form).json_schema(ref_template=_COMPONENT)
