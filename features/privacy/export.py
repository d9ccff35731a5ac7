"""Everything known of one person, as a document that machines read."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from features.domain import EARLIEST
from features.errors import UnknownCustomerError
from features.identity import type_of
from features.insights.snapshot import current_snapshot
from features.lake import KEYS
from features.privacy.known import captured_under, journal_records, lake_records, outcomes_of, refused_naming
from features.privacy.naming import Naming
from features.privacy.places import Places

_JSON = ("traits", "properties", "record")
_TABLES = ("links", "consents", "interactions", "decisions")
Value = float | int | str | None


def export_customer(customer_id: str, places: Places, *, features: Mapping[str, Value] | None, now: datetime) -> dict[str, Any]:
    """All that is known of a customer, by any of their identifiers, in values that JSON has, and in the same order each time.

    Parameters
    ----------
    customer_id : or any other identifier of theirs.
    features : the customer's feature values as of `now`, as the service would use them; None where there are none.

    Returns
    -------
    document : `customer_id`, `exported_at`, `identifiers`, `links`, `consents`, `interactions`, `decisions` with their whole
        records, `outcomes`, `contacts` with the answers to them, `features`, `insights`, which is what the last look at history
        found out about the customer, by table, and `quarantine`, which is the refused records that name the customer.

    Raises
    ------
    UnknownCustomerError
        When nothing is known.
    """
    who = places.journal.identity_of(customer_id)
    tables = {table: _records(table, who.identifiers, places) for table in _TABLES}
    decisions = [record["decision_id"] for record in tables["decisions"]]
    tables["outcomes"] = _sorted("outcomes", outcomes_of(decisions, places.lake, places.journal))
    refused = refused_naming(Naming(who.identifiers, places.names), places.lake, places.journal)
    tables["quarantine"] = _sorted("quarantine", refused)
    found = places.journal.contacts_of(who.identifiers, EARLIEST)
    contacts = sorted((*found.contacts, *found.answers), key=lambda contact: contact.at)
    if not (any(tables.values()) or contacts or features):
        raise UnknownCustomerError("nothing is known of a customer with this identifier; check it")
    return {
        "customer_id": who.customer_id,
        "exported_at": _plain(now),
        "identifiers": [
            {"identifier": each, "type": type_of(each, places.names.types) or "customer_id"} for each in sorted(who.identifiers)
        ],
        **tables,
        "contacts": [
            {"touchpoint": contact.touchpoint, "at": _plain(contact.at), "kind": contact.kind.value} for contact in contacts
        ],
        "features": None if features is None else {name: features[name] for name in sorted(features)},
        "insights": _found_out(who.identifiers, places),
    }


def _found_out(identifiers: tuple[str, ...], places: Places) -> dict[str, Any]:
    """Under any identifier, as links may have come since."""
    look = current_snapshot(places.insights)
    if look is None:
        return {}
    found = {name: [row for each in sorted(identifiers) for row in look.of_customer(name, each)] for name in look.people}
    return {name: _plain(rows) for name, rows in found.items() if rows}


def _records(table: str, identifiers: tuple[str, ...], places: Places) -> list[dict[str, Any]]:
    rows = lake_records(places.lake, table, captured_under(table, identifiers))
    return _sorted(table, [*journal_records(places.journal, table, identifiers), *rows])


def _sorted(table: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each record once, oldest first; the lake's goes before the journal's, being the one that counts."""
    unique = {record[KEYS[table]]: _readable(record) for record in records}
    return [unique[key] for key in sorted(unique, key=lambda key: (unique[key].get("at", ""), key))]


def _readable(record: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in record.items() if name != "position" and value not in (None, (), [], {})}
    return {
        name: json.loads(value) if name in _JSON and isinstance(value, str) else _plain(value) for name, value in told.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(value[name]) for name in sorted(value)}
    return str(value) if isinstance(value, str) else value
