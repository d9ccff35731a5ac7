"""A section of a mapping as one SQL query: the record that every row gives, or the reason why it gives none.

The query has layers, so that each rule is written once: what the row says, what the field makes of it, its typed value, and
the record.
"""

from collections.abc import Mapping

from features.capture import persons
from features.capture.complete import completed, told
from features.capture.expressions import (
    Columns,
    Typed,
    condition,
    given_text,
    mapped_text,
    masked,
    moment,
    number,
    typed_moment,
    typed_number,
)
from features.capture.fields import NumberField, TextField, TimeField
from features.capture.mapping import Mapping as SourceMapping
from features.capture.rows import Rows
from features.capture.rules import Setting, rules, touchpoints_of, typed_column
from features.capture.section import Personal, Section
from features.capture.sections import DecisionSection, InteractionSection, LinkSection
from features.catalogue import Catalogue
from features.errors import ConfigurationError
from features.lake import SCHEMAS


def require_catalogued(mapping: SourceMapping, catalogue: Catalogue) -> None:
    """Refuse a mapping that writes down a touchpoint or a type which the catalogue does not have, since no row could be taken.

    Raises
    ------
    ConfigurationError
        Naming the key and the touchpoint or type.
    """
    for table, name, section in mapping.sections():
        where = f"source mapping {mapping.name}: {name}"
        for type_, _ in section.named():
            if type_ not in catalogue.identifier_types:
                raise ConfigurationError(
                    f"{where}: there is no type of identifiers {type_!r}; add it to the catalogue's identifiers"
                )
        if not isinstance(section, InteractionSection | DecisionSection):
            continue
        candidates = (section.candidates or ()) if isinstance(section, DecisionSection) else ()
        for value in (*section.touchpoint.fixed_values, *candidates):
            if value not in touchpoints_of(table, catalogue):
                raise ConfigurationError(f"{where}: touchpoint {value!r} is not in the catalogue; add it there, or correct it")


def select_records(table: str, section: Section, rows: Rows, setting: Setting, *, name: str, ordinal: str) -> str:
    """The query that makes records of `table` out of rows.

    It gives the table's columns but `position`, and `ordinal`, `row`, `others` (identifiers beside the one it is captured under),
    `unusable` (number of identifiers that are none) and `reason` (NULL for a good record).
    """
    mapping, columns = setting.mapping, rows.columns(section)
    single = {key: field for key, field in section.fields() if "." not in key}
    given = {f"given_{key}": given_text(field, columns, f"{name}.{key}") for key, field in single.items()}
    native = {key: known for key, field in single.items() if (known := _native(field, columns)) is not None}
    given |= {f"native_{key}": known.sql for key, known in native.items()}
    mapped = {f"text_{key}": mapped_text(field, f"given_{key}") for key, field in single.items()}
    typed = {typed_column(key): _typed(key, field, native.get(key), mapping) for key, field in single.items()}
    owner = {"owner": persons.owner(section, setting.catalogue.identifier_types)} if isinstance(section, Personal) else {}
    where = condition(section.where, rows.clear, f"{name}.where", decimal=mapping.decimal)
    said = {**given, **_people(section, rows, name), **told(table, section, rows, name)}
    layers = f"""
        said AS (SELECT nth, row{_named(said)} FROM ({rows.query}) WHERE {where}),
        meant AS (SELECT *{_named(mapped)} FROM said),
        typed AS (SELECT *{_named(typed)} FROM meant{_with_sentiment(section)}),
        known AS (SELECT *{_named(owner)} FROM typed),
        complete AS (SELECT * EXCLUDE (traits, properties){_named(completed(table, section, setting))} FROM known)"""
    if not isinstance(section, InteractionSection):
        layers = layers.replace(" EXCLUDE (traits, properties)", "")
    reasons = " ".join(f"WHEN {rule.refused_if} THEN {rule.words}" for rule in rules(table, section, single, setting))
    kept = {key: f"{masked(key)} AS {key}" for key in ("traits", "properties")}
    listed = ", ".join(kept.get(column, f'"{column}"') for column in SCHEMAS[table].names if column != "position")
    others, unusable = "NULL::VARCHAR[]", "0::BIGINT"
    if isinstance(section, Personal):
        others = '"identifiers"'
        if table != "interactions":
            others = persons.others(section, setting.catalogue.identifier_types, rotated=setting.rotated)
        unusable = persons.unusable(section)
    return f"""WITH {layers} SELECT {ordinal} AS ordinal, row, {listed}, {others} AS others, {unusable} AS unusable,
        CASE {reasons} END AS reason FROM complete"""


def section_filters(rows: Rows, mapping: SourceMapping) -> list[str]:
    """The SQL condition for the rows of every section."""
    sections = mapping.sections()
    return [condition(each.where, rows.clear, f"{name}.where", decimal=mapping.decimal) for _, name, each in sections]


def texts_query(section: InteractionSection, rows: Rows, mapping: SourceMapping, name: str) -> str | None:
    """The query for the `text` of every row whose sentiment is to be found; None where the section has no text."""
    if section.text is None:
        return None
    columns = rows.columns(section)
    where = condition(section.where, rows.clear, f"{name}.where", decimal=mapping.decimal)
    text = mapped_text(section.text, given_text(section.text, columns, f"{name}.text"))
    return f"SELECT {text} AS text FROM ({rows.query}) WHERE {where}"


def _native(field: TextField, columns: Columns) -> Typed | None:
    """The column of a field as it is in the file, where the mapping changes nothing about it."""
    return columns.type_of(field.column) if field.map is None and field.default is None else None


def _typed(key: str, field: TextField, native: Typed | None, mapping: SourceMapping) -> str:
    text, known = f"text_{key}", None if native is None else Typed(f"native_{key}", native.type_)
    if isinstance(field, NumberField):
        ready = known and typed_number(text, known, scale=field.scale)
        return ready or number(text, decimal=mapping.decimal, scale=field.scale)
    if isinstance(field, TimeField):
        ready = known and typed_moment(text, known, field, zone=mapping.timezone)
        return ready or moment(text, field, zone=mapping.timezone)
    return text


def _people(section: Section, rows: Rows, name: str) -> Mapping[str, str]:
    if isinstance(section, LinkSection):
        return persons.parties(section, rows, name)
    return persons.said(section, rows, name) if isinstance(section, Personal) else {}


def _with_sentiment(section: Section) -> str:
    has_text = isinstance(section, InteractionSection) and section.text is not None
    return " LEFT JOIN sentiments ON sentiments.digest_of_text = md5_number(text_text)" if has_text else ""


def _named(columns: Mapping[str, str]) -> str:
    return "".join(f", {sql} AS {name}" for name, sql in columns.items())
