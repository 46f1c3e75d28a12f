"""The reference page of the API as plain values, read from the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """A field of an answer; the name of a nested one says its way, such as ``versions[].sha256``."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Parameter:
    name: str
    place: str
    type: str
    choices: tuple[str, ...]
    description: str
    is_required: bool


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    is_public: bool
    parameters: tuple[Parameter, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Reference:
    title: str
    description: str
    version: str
    openapi: str
    operations: tuple[Operation, ...]


def reference_of(document: dict[str, Any]) -> Reference:
    """Read ``document``, an OpenAPI 3.1 document, into what the page prints."""
    schemas = document.get("components", {}).get("schemas", {})
    return Reference(
        title=document["info"]["title"],
        description=document["info"].get("description", ""),
        version=document["info"]["version"],
        openapi=document["openapi"],
        operations=tuple(
            _operation(method, path, operation, schemas)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ),
    )


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Operation:
    body = (
        operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    )
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        is_public={} in operation.get("security", []),
        parameters=tuple(_parameter(row, schemas) for row in operation.get("parameters", [])),
        fields=tuple(_fields(body, schemas, "")),
    )


def _parameter(row: dict[str, Any], schemas: dict[str, Any]) -> Parameter:
    schema = _resolve(row.get("schema", {}), schemas)
    # the generator lists the choices in the description too
    words = [line for line in row.get("description", "").splitlines() if line and not line.startswith("*")]
    return Parameter(
        name=row["name"],
        place=row["in"],
        type=_type(schema),
        choices=tuple(str(value) for value in schema.get("enum", ())),
        description=" ".join(words),
        is_required=row.get("required", False),
    )


def _fields(schema: dict[str, Any], schemas: dict[str, Any], way: str) -> Iterator[Field]:
    """The fields of a schema, nested ones after their parent."""
    schema = _resolve(schema, schemas)
    if "items" in schema:
        yield from _fields(schema["items"], schemas, f"{way}[]")
        return
    for name, inner in schema.get("properties", {}).items():
        full = _resolve(inner, schemas)
        here = f"{way}.{name}" if way else name
        words = inner.get("description") or full.get("description", "")
        yield Field(here, _type(full), words.split("\n\n")[0])
        yield from _fields(full, schemas, here)


def _resolve(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference; of several possibilities take the one that is not null."""
    if "$ref" in schema:
        return _resolve(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for key in ("allOf", "oneOf", "anyOf"):
        if options := [option for option in schema.get(key, ()) if option.get("type") != "null"]:
            resolved = _resolve(options[0], schemas)
            return {**resolved, "description": schema.get("description", resolved.get("description", ""))}
    return schema


def _type(schema: dict[str, Any]) -> str:
    """The type in words: "string or null", "date-time"."""
    kinds = schema.get("type", "")
    names = list(kinds) if isinstance(kinds, list) else [kinds] if kinds else []
    form = schema.get("format", "")
    words = [form if form and name == "string" else name for name in names]
    return " or ".join(filter(None, words)) or ("choice" if "enum" in schema else "object")
