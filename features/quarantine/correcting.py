"""Corrects a refused record, or gives it up; the record as it came is kept either way."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from features.errors import RequestError
from features.lake import Lake
from features.quarantine.listing import (
    RefusedRecord,
    Resolution,
    Selection,
    keep_refused,
    pending_records,
    resolve,
    show_refused,
)
from features.quarantine.redacting import Redact


def correct(lake: Lake, record_id: str, changes: Mapping[str, Any], *, redact: Redact, now: datetime) -> RefusedRecord:
    """Put a corrected copy of a pending record in its place; replay it then.

    Parameters
    ----------
    changes : a JSON merge patch (RFC 7396) to the record: values by their names, null to take one out, objects to change a part
        of one. Of a line that is no JSON object it is the whole record.
    redact : takes identifiers in clear out of the corrected record, before it is kept.

    Returns
    -------
    The corrected record, under an id of its own.

    Raises
    ------
    UnknownRecordError, RequestError
        When the id is of no pending record, or of several; or when the changes are no object, or would change nothing.
    """
    if not isinstance(changes, Mapping):
        raise RequestError("the changes are no JSON object; give values by their names", field="/changes")
    record = show_refused(lake, record_id)
    before = as_object(record.raw)
    after = redact(merged(before or {}, changes))
    if after == before:
        raise RequestError(f"record {record.record_id} is as these changes would make it; give other values", field="/changes")
    raw = json.dumps(after, ensure_ascii=False, separators=(",", ":"))
    name = sha256(json.dumps([record.record_id, raw]).encode()).hexdigest()
    corrected = replace(record, record_id=name, received_at=now, raw=raw)
    # In this order: killed in between, both are pending, and to correct again gives the same copy.
    keep_refused(lake, [corrected])
    resolve(lake, [(record.record_id, Resolution.CORRECTED, f"pending as {name}")], now=now)
    return corrected


def discard(lake: Lake, selection: Selection, *, reason: str, now: datetime) -> int:
    """Give up the selected pending records, with a reason; give how many.

    Raises
    ------
    RequestError
        When no reason is given.
    UnknownRecordError
        When an id is of no pending record.
    """
    if not reason.strip():
        raise RequestError("a record is discarded with a reason; give one", field="/reason")
    return sum(
        resolve(lake, [(record.record_id, Resolution.DISCARDED, reason) for record in records], now=now)
        for records in pending_records(lake, selection)
    )


def as_object(raw: str) -> dict[str, Any] | None:
    """The JSON object that a record is; None when it is none, as an unreadable line."""
    try:
        value = json.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def merged(value: Any, changes: Any) -> Any:
    """`value` after a JSON merge patch.

    >>> merged({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": 4}})
    {'b': {'c': 4, 'd': 3}}

    References
    ----------
    Hoffman and Snell, RFC 7396: JSON Merge Patch, 2014.
    """
    if not isinstance(changes, Mapping):
        return changes
    result = dict(value) if isinstance(value, Mapping) else {}
    for name, change in changes.items():
        if change is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), change)
    return result
