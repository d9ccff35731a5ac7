"""Who a record is of, as SQL: the customer_id if it names one, else the strongest of its identifiers; and all the others."""

from collections.abc import Mapping

from features.capture.expressions import given_text
from features.capture.fields import IdentifierField
from features.capture.rows import Rows, texts_of
from features.capture.section import CUSTOMER, Personal
from features.capture.sections import LinkSection
from features.catalogue.identifiers import IdentifierType
from features.domain import NOBODY
from features.lake import literal

IS_NOBODY = f"({', '.join(literal(each) for each in NOBODY)})"


def said(section: Personal, rows: Rows, name: str) -> Mapping[str, str]:
    """What a row says of persons: by type, whether it gives a value, its identifier, and that under the key before."""
    columns = {}
    for type_, field in section.identifiers.items():
        columns[f"gives_{type_}"] = f"{given_text(field, rows.clear, f'{name}.identifiers.{type_}')} IS NOT NULL"
        columns[f"name_of_{type_}"] = _identifier(type_, field, rows)
        columns[f"before_of_{type_}"] = _identifier(type_, field, rows, prefix="before")
    return columns


def owner(section: Personal, types: Mapping[str, IdentifierType]) -> str:
    """Whom a record is captured under; what programs write for nobody counts only where there is nothing else."""
    if not section.identifiers:
        return "value_customer_id"
    named = _by_strength(section, types)
    if section.customer_id is None:
        return f"coalesce({', '.join(named)})"
    somebody = f"CASE WHEN lower(value_customer_id) NOT IN {IS_NOBODY} THEN value_customer_id END"
    return f"coalesce({somebody}, {', '.join(named)}, value_customer_id)"


def others(section: Personal, types: Mapping[str, IdentifierType], *, rotated: bool) -> str:
    """The other identifiers than its `owner`, the strongest first; those under the key before, if the key changed, come last.

    NULL when there are none.
    """
    before = [f"before_of_{type_}" for type_ in section.identifiers] if rotated else []
    named = [*_by_strength(section, types), *before]
    if len(named) < 2:  # in many files so, and three times as fast
        return f"CASE WHEN {named[0]} <> owner THEN [{named[0]}] END" if named else "NULL::VARCHAR[]"
    listed = ", ".join(named)
    first = f"each IS NOT NULL AND each <> owner AND list_position([{listed}], each) = nth"
    return f"nullif(list_filter([{listed}], lambda each, nth: {first}), [])"


def unusable(section: Personal) -> str:
    """How many of a record's identifiers are not what their types ask."""
    counts = [f"(gives_{type_} AND name_of_{type_} IS NULL)::BIGINT" for type_ in section.identifiers]
    return " + ".join(counts) or "0::BIGINT"


def parties(section: LinkSection, rows: Rows, name: str) -> Mapping[str, str]:
    """The two whom a link is about."""
    return {
        "party_left": _party(section.left, rows, section, f"{name}.left"),
        "party_right": _party(section.right, rows, section, f"{name}.right"),
    }


def _party(party: Mapping[str, IdentifierField], rows: Rows, section: LinkSection, key: str) -> str:
    ((type_, field),) = party.items()
    text = given_text(field, rows.columns(section), f"{key}.{type_}")  # tells of a column that is not there
    return text if type_ == CUSTOMER else _identifier(type_, field, rows)


def _by_strength(section: Personal, types: Mapping[str, IdentifierType]) -> list[str]:
    ranked = sorted(section.identifiers, key=lambda type_: (not types[type_].proof, types[type_].priority))
    return [f"name_of_{type_}" for type_ in ranked]


def _identifier(type_: str, field: IdentifierField, rows: Rows, *, prefix: str = "name") -> str:
    """The identifier of the first of the field's columns that has one."""
    places = [f"{prefix}_{rows.named.index(each)}" for each in texts_of(type_, field, rows.clear)]
    return f"coalesce({', '.join(places)}, NULL)" if places else "NULL::VARCHAR"
