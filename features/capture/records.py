"""A section of a mapping as one SQL query: the record that every row gives, or the reason why it gives none.

The query has three layers, so that each rule is written once: what the row says, what the field makes of it, its typed value.
"""

from collections.abc import Mapping
from datetime import timedelta

from features.capture.expressions import condition, escaped, given_text, mapped_text, moment, number
from features.capture.fields import NumberField, TextField, TimeField
from features.capture.mapping import Mapping as SourceMapping
from features.capture.rows import Rows
from features.capture.rules import Setting, rules, touchpoints_of, typed_column
from features.capture.sections import DecisionSection, InteractionSection, Section
from features.catalogue import Catalogue
from features.errors import ConfigurationError
from features.lake import KEYS, SCHEMAS, literal


def require_catalogued(mapping: SourceMapping, catalogue: Catalogue) -> None:
    """Refuse a mapping that writes down a touchpoint which the catalogue does not have, since none of its rows could be taken.

    Raises
    ------
    ConfigurationError
        Naming the key and the touchpoint.
    """
    for table, name, section in mapping.sections():
        if not isinstance(section, InteractionSection | DecisionSection):
            continue
        candidates = (section.candidates or ()) if isinstance(section, DecisionSection) else ()
        for value in (*section.touchpoint.fixed_values, *candidates):
            if value not in touchpoints_of(table, catalogue):
                where = f"source mapping {mapping.name}: {name}"
                raise ConfigurationError(f"{where}: touchpoint {value!r} is not in the catalogue; add it there, or correct it")


def select_records(table: str, section: Section, rows: Rows, setting: Setting, *, name: str, ordinal: str) -> str:
    """The query that makes records of `table` out of rows.

    It gives the table's columns but `position`, and `row`, `ordinal`, `raw` and `reason` (NULL for a good record).
    """
    mapping = setting.mapping
    fields = dict(section.fields())
    single = {key: field for key, field in fields.items() if "." not in key}
    given = ", ".join(f"{given_text(field, rows.columns, f'{name}.{key}')} AS given_{key}" for key, field in single.items())
    mapped = ", ".join(f"{mapped_text(field, f'given_{key}')} AS text_{key}" for key, field in single.items())
    typed = ", ".join(f"{_typed(field, f'text_{key}', mapping)} AS {typed_column(key)}" for key, field in single.items())
    objects = ", ".join(f"{sql} AS {key}" for key, sql in _objects(section, rows, name).items())
    where = condition(section.where, rows.columns, f"{name}.where", decimal=mapping.decimal)
    layers = f"""
        said AS (SELECT row, raw, identity, {given}{", " + objects if objects else ""} FROM ({rows.query}) WHERE {where}),
        meant AS (SELECT *, {mapped} FROM said),
        typed AS (SELECT *, {typed} FROM meant),
        complete AS (SELECT row, raw, {_completed(table, section, setting)}, {_evidence(single)} FROM typed)"""
    reasons = " ".join(f"WHEN {rule.refused_if} THEN {rule.words}" for rule in rules(table, section, single, setting))
    columns = ", ".join(f'"{column}"' for column in SCHEMAS[table].names if column != "position")
    return f"WITH {layers} SELECT row, {ordinal} AS ordinal, raw, {columns}, CASE {reasons} END AS reason FROM complete"


def _typed(field: TextField, text: str, mapping: SourceMapping) -> str:
    if isinstance(field, NumberField):
        return number(text, decimal=mapping.decimal, scale=field.scale)
    if isinstance(field, TimeField):
        return moment(text, field, zone=mapping.timezone)
    return text


def _objects(section: Section, rows: Rows, name: str) -> Mapping[str, str]:
    if not isinstance(section, InteractionSection):
        return {}
    properties = section.properties
    if properties == "*":
        kept = "raw"
    else:
        kept = _json(
            {key: mapped_text(field, given_text(field, rows.columns, f"{name}.properties")) for key, field in properties.items()}
        )
    traits = {key: mapped_text(field, given_text(field, rows.columns, f"{name}.traits")) for key, field in section.traits.items()}
    return {"traits": _json(traits), "properties": kept}


def _json(members: Mapping[str, str]) -> str:
    if not members:
        return "NULL::VARCHAR"
    listed = ", ".join(f"{escaped(key)}, {sql}" for key, sql in sorted(members.items()))
    return f"nullif(CAST(json_merge_patch('{{}}', json_object({listed})) AS VARCHAR), '{{}}')"  # merging leaves nulls out


def _completed(table: str, section: Section, setting: Setting) -> str:
    """Every column of the table, with defaults where the section says nothing."""
    given = {key for key, _ in section.fields()}
    source = escaped(setting.mapping.name)

    def value(key: str, type_: str = "VARCHAR") -> str:
        return typed_column(key) if key in given else f"NULL::{type_}"

    parts = {
        "source": source,
        "at": value("at"),
        "received_at": _received(section, "received_at" in given),
        "value": value("value", "DOUBLE"),
        "score": value("score", "DOUBLE"),
        "probability": value("probability", "DOUBLE"),
        "record": "NULL::VARCHAR",
        "traits": "traits",
        "properties": "properties",
        "channel": f"split_part({value('touchpoint')}, '.', 1)",
        "stage": f"coalesce({value('stage')}, {_stage_of(value('touchpoint'), setting.catalogue)})",
        "candidates": _candidates(section),
    }
    key = KEYS[table]
    # Where the time stands, not the time itself: of a group, which grows, that changes
    time = escaped(section.at.model_dump_json(include={"column", "template", "constant"}))
    told_apart_by = (value(each) for each in ("customer_id", "touchpoint", "kind", "metric"))
    hashed = ", ".join([source, literal(table), time, *told_apart_by, "identity"])
    content_hash = f"sha256(to_json([{hashed}])::VARCHAR)"
    if key not in given:
        parts[key] = content_hash
    elif key == "message_id":  # so that two sources cannot collide; decisions are named across sources, and keep their ids
        parts[key] = f"{source} || ':' || {value(key)}"
    names = [name for name in SCHEMAS[table].names if name != "position"]
    return ", ".join(f'{parts.get(name) or value(name)} AS "{name}"' for name in names)


def _received(section: Section, given: bool) -> str:
    if given:
        return f"coalesce({typed_column('received_at')}, {typed_column('at')})"
    return f"{typed_column('at')} + to_microseconds({section.delay // timedelta(microseconds=1)})"


def _stage_of(touchpoint: str, catalogue: Catalogue) -> str:
    stages = " ".join(f"WHEN {literal(each.name)} THEN {literal(each.stage)}" for each in catalogue.touchpoints)
    return f"CASE {touchpoint} {stages} END"


def _candidates(section: Section) -> str:
    listed = section.candidates if isinstance(section, DecisionSection) else None
    # NULL, not a guess from the row: what could be chosen must not depend on what was
    return "NULL::VARCHAR[]" if listed is None else f"[{', '.join(escaped(candidate) for candidate in listed)}]"


def _evidence(fields: Mapping[str, TextField]) -> str:
    return ", ".join(f"given_{key}, text_{key}, {typed_column(key)}" for key in fields)
