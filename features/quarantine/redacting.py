"""Keeps identifiers in clear out of the quarantine: what a person writes into a record is hashed before it is kept."""

from collections.abc import Callable, Mapping
from typing import Any

from features.capture.expressions import HIDDEN
from features.capture.fields import IdentifierField
from features.capture.mapping import Mapping as SourceMapping
from features.errors import IdentifierError
from features.identity import Names, type_of

Redact = Callable[[dict[str, Any]], dict[str, Any]]
"""Gives a record without identifiers in clear: the hashed ones stand in their places."""


def redactor(mapping: SourceMapping, names: Names) -> Redact:
    """How records of a mapping's source are kept; it raises IdentifierError for a value that is not what its type asks."""

    def redact(record: dict[str, Any]) -> dict[str, Any]:
        hashed = record
        for _, _, section in mapping.sections():
            for type_, field in section.named():
                for column, identifier in _identifiers(record, type_, field, names).items():
                    hashed = _replaced(hashed, column, identifier)
        return hashed

    return redact


def _identifiers(record: Mapping[str, Any], type_: str, field: IdentifierField, names: Names) -> dict[str, str]:
    """What is to stand in the columns that hold something in clear; of a template, its identifier in each of them."""
    texts = {column: text for column in field.columns if (text := _text(record, column)) is not None}
    clear = {column: text for column, text in texts.items() if text != HIDDEN and type_of(text, names.types) != type_}
    if field.template is None:
        return {column: names.name(type_, text) for column, text in clear.items()}
    if not clear:
        return {}
    if len(clear) < len(set(field.columns)):
        raise IdentifierError(
            f"{type_} is made of {', '.join(field.columns)}; give all of them, or its identifier in their places"
        )
    text = "".join(clear[piece] if nth % 2 else piece for nth, piece in enumerate(field.pieces))
    return dict.fromkeys(clear, names.name(type_, text))


def _text(record: Mapping[str, Any], column: str) -> str | None:
    """The value of a column: under its whole name, or with dots reaching into objects."""
    value: Any = record
    for name in [column] if column in record else column.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return None if value is None or isinstance(value, Mapping | list) or not str(value).strip() else str(value)


def _replaced(record: dict[str, Any], column: str, value: str) -> dict[str, Any]:
    if column in record or "." not in column:
        return {**record, column: value}
    first, _, rest = column.partition(".")
    return {**record, first: _replaced(record[first], rest, value)}
