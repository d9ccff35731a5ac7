"""The columns of a record as SQL, with defaults where the mapping says nothing."""

import json
from collections.abc import Mapping
from datetime import timedelta

from features.capture import persons
from features.capture.expressions import escaped, given_text, mapped_text
from features.capture.fields import TextField
from features.capture.rows import Rows
from features.capture.rules import Setting, typed_column
from features.capture.section import Personal, Section
from features.capture.sections import DecisionSection, InteractionSection, LinkSection
from features.catalogue import Catalogue
from features.domain import UNKNOWN_TOUCHPOINT, ContactForm, Direction, Kind
from features.lake import KEYS, SCHEMAS, literal

_TELLS_APART = ("customer_id", "touchpoint", "kind", "metric")
_SEPARATOR = "chr(31)"  # between the parts of a link's name, as in features.identity.names


def told(table: str, section: Section, rows: Rows, name: str) -> Mapping[str, str]:
    """What a record keeps of a row beside its fields: `identity`, `traits` and `properties`."""
    kept = {} if table == "links" or KEYS[table] in dict(section.fields()) else {"identity": rows.identity}
    if not isinstance(section, InteractionSection):
        return kept
    traits = _members(_texts(section, rows, section.traits, f"{name}.traits"))
    if section.properties != "*":
        return {**kept, "traits": traits, "properties": _members(_texts(section, rows, section.properties, f"{name}.properties"))}
    text = section.text.columns if section.text else ()
    row = rows.kept(section, without=[column for column in map(rows.clear.found, text) if column is not None])
    return {**kept, "traits": traits, "properties": f"nullif(substr({row}, 2, length({row}) - 2), '')"}


def completed(table: str, section: Section, setting: Setting) -> Mapping[str, str]:
    """Every column of the table but `position`, quoted, with the SQL of its value."""
    given, types = {key for key, _ in section.fields()}, setting.catalogue.identifier_types
    parts = {
        "source": escaped(setting.mapping.name),
        "received_at": _received(section, "received_at" in given),
        "value": _value("value", given, "DOUBLE"),
        "score": _value("score", given, "DOUBLE"),
        "probability": _value("probability", given, "DOUBLE"),
        "candidates": _candidates(section),
    }
    if isinstance(section, Personal):
        parts |= {"customer_id": "owner", "identifiers": persons.others(section, types, rotated=setting.rotated)}
    if isinstance(section, InteractionSection):
        parts |= _of_interaction(section, setting.catalogue)
    if isinstance(section, LinkSection):
        parts |= {"left": "least(party_left, party_right)", "right": "greatest(party_left, party_right)"}
    parts |= _key(table, section, setting.mapping.name)
    return {f'"{name}"': parts.get(name) or _value(name, given) for name in SCHEMAS[table].names if name != "position"}


def _value(key: str, given: set[str], type_: str = "VARCHAR") -> str:
    return typed_column(key) if key in given else f"NULL::{type_}"


def _of_interaction(section: InteractionSection, catalogue: Catalogue) -> Mapping[str, str]:
    given = {key for key, _ in section.fields()}
    direction = (
        f"CASE WHEN value_kind = {literal(Kind.CONTACT)} THEN {literal(Direction.OUTBOUND)} ELSE {literal(Direction.INBOUND)} END"
    )
    return {
        "channel": "split_part(value_touchpoint, '.', 1)",
        "stage": f"coalesce({_value('stage', given)}, {_stage_of('value_touchpoint', catalogue)})",
        "direction": f"coalesce({_value('direction', given)}, {direction})",
        "contact_form": f"coalesce({_value('contact_form', given)}, {_form_of('value_touchpoint', catalogue)})",
        "value": f"value_value * {_rate(catalogue)}" if section.currency else _value("value", given, "DOUBLE"),
        "sentiment": f"coalesce({_value('sentiment', given, 'DOUBLE')}, {'sentiment_of_text' if section.text else 'NULL'})",
        "original_at": "given_at",
        "traits": _object("traits"),
        "properties": _object("properties", _original(section, catalogue)),
    }


def _rate(catalogue: Catalogue) -> str:
    rates = {catalogue.currency: 1.0, **catalogue.rates}
    listed_rates = " ".join(f"WHEN {literal(currency)} THEN {rate!r}::DOUBLE" for currency, rate in rates.items())
    return f"CASE coalesce(upper(text_currency), {literal(catalogue.currency)}) {listed_rates} END"


def _original(section: InteractionSection, catalogue: Catalogue) -> str:
    """The members of what was converted, as it was."""
    named = () if section.properties == "*" else section.properties
    foreign = f"value_value IS NOT NULL AND upper(text_currency) <> {literal(catalogue.currency)}"
    members = {"value_original": "CAST(value_value AS VARCHAR)", "currency": "upper(text_currency)"}
    wanted = {} if section.currency is None else {key: sql for key, sql in members.items() if key not in named}
    return _members({key: f"CASE WHEN {foreign} THEN {sql} END" for key, sql in wanted.items()})


def _texts(section: InteractionSection, rows: Rows, fields: Mapping[str, TextField], key: str) -> dict[str, str]:
    columns = rows.columns(section)
    return {name: mapped_text(field, given_text(field, columns, key)) for name, field in fields.items()}


def _key(table: str, section: Section, source: str) -> Mapping[str, str]:
    given, key = {key for key, _ in section.fields()}, KEYS[table]
    if table == "links":
        parts = [
            "least(party_left, party_right)",
            "greatest(party_left, party_right)",
            "value_action",
            escaped(source),
            "CAST(epoch_us(value_at) AS VARCHAR)",
        ]
        return {key: f"sha256(concat_ws({_SEPARATOR}, {', '.join(parts)}))"}
    if key in given:  # so that two sources cannot collide; decisions are named across sources, and keep their ids
        return {key: f"{escaped(source)} || ':' || {typed_column(key)}"} if key == "message_id" else {}
    # Where the time stands, not the time itself: of a group, which grows, that changes
    time = escaped(section.at.model_dump_json(include={"column", "template", "constant"}))
    told_apart_by = [
        _value(each, given) for each in (*_TELLS_APART, *(("status", "channel", "purpose") if table == "consents" else ()))
    ]
    hashed = ", ".join([escaped(source), literal(table), time, *told_apart_by, "identity"])
    return {key: f"sha256(to_json([{hashed}])::VARCHAR)"}


def _received(section: Section, given: bool) -> str:
    if given:
        return "coalesce(value_received_at, value_at)"
    delay = section.delay // timedelta(microseconds=1)
    return f"value_at + to_microseconds({delay})" if delay else "value_at"


def _stage_of(touchpoint: str, catalogue: Catalogue) -> str:
    stages = {each.name: each.stage for each in catalogue.touchpoints}
    return _case(touchpoint, stages)


def _form_of(touchpoint: str, catalogue: Catalogue) -> str:
    forms = {each.name: each.form for each in catalogue.touchpoints}
    return _case(touchpoint, {UNKNOWN_TOUCHPOINT: ContactForm.DIRECT, **forms})


def _case(text: str, pairs: Mapping[str, str]) -> str:
    listed_pairs = " ".join(f"WHEN {literal(key)} THEN {literal(value)}" for key, value in pairs.items())
    return f"CASE {text} {listed_pairs} END" if pairs else "NULL::VARCHAR"


def _candidates(section: Section) -> str:
    named = section.candidates if isinstance(section, DecisionSection) else None
    # NULL, not a guess from the row: what could be chosen must not depend on what was
    return "NULL::VARCHAR[]" if named is None else f"[{', '.join(escaped(candidate) for candidate in named)}]"


def _members(members: Mapping[str, str]) -> str:
    """SQL of the members of a JSON object of texts, without those that are NULL; NULL when none is left."""
    # Put together here, because json_object keeps nulls, and to merge them away takes three times as long
    parts = [
        f"CASE WHEN ({sql}) IS NOT NULL THEN {escaped(json.dumps(key, ensure_ascii=False) + ':')} || to_json({sql})::VARCHAR END"
        for key, sql in sorted(members.items())
    ]
    return f"nullif(concat_ws(',', {', '.join(parts)}), '')" if parts else "NULL::VARCHAR"


def _object(*members: str) -> str:
    """SQL of the JSON object of such members; NULL when there are none."""
    return f"nullif(concat('{{', concat_ws(',', {', '.join(members)}), '}}'), '{{}}')"
