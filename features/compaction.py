"""Copies the journal's history to the lake, each record exactly once, whenever and however often it is run or killed.

How far it has come is written nowhere but in the lake itself, as the highest position of the rows there: an append and its
progress are the same atomic commit. Positions grow in commit order, so nothing can appear behind that point. The
journal keeps its rows, because the service reads them. Erasing somebody may move the point back, to where nothing is left to
copy: their rows leave the journal first, and positions are never used again.

A record may arrive both ways, posted and in a file. The one that reaches the lake first counts, there and online: if that is the
file's, the journal's is marked as superseded, and goes to the quarantine if it says something else. So a message counts
once as soon as the feature store has been materialized after compaction. Before, the service cannot know: it may count a
message twice that was posted after its file had been materialized, and miss one while compaction waits for materialization.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from features.domain import Consent, Interaction, Link, Outcome
from features.journal import Journal, Quarantined, RecordedDecision
from features.journal.rows import json_object
from features.lake import KEYS, ONLINE, SCHEMAS, Lake


@dataclass(frozen=True, slots=True)
class CompactionReport:
    """How many rows were new to the lake, by table."""

    moved: Mapping[str, int]


def compact(journal: Journal, lake: Lake, *, batch: int) -> CompactionReport:
    """Append everything new in the journal to the lake, `batch` rows to a commit."""
    with lake.lock():
        return CompactionReport({table: _compact_table(journal, lake, table, batch) for table in _ROWS})


def _compact_table(journal: Journal, lake: Lake, table: str, batch: int) -> int:
    position, moved = lake.last_position(table), 0
    while records := journal.rows_after(table, position, batch):
        rows = _arrow(table, records)
        if table != "quarantine":
            _supersede(journal, lake, table, rows)
        moved += lake.append(table, rows)
        if len(records) < batch:
            break  # what came meanwhile is for the next run; this one would never end while records keep coming
        position = records[-1][0]
    return moved


def _supersede(journal: Journal, lake: Lake, table: str, rows: pa.Table) -> None:
    """Mark in the journal what the lake has from files; before the append, which moves the point where the next run starts."""
    key, known = KEYS[table], lake.known(table, rows)
    superseded = [row for row in rows.to_pylist() if row[key] in known] if known else []
    if superseded:
        refused = [_refused(key, row) for row in superseded if not known[row[key]]]
        journal.supersede(table, [row["position"] for row in superseded], refused=refused)


def _refused(key: str, row: Mapping[str, Any]) -> tuple[str, str, str, datetime]:
    reason = f"{key} {row[key]!r} came in a file for another record, which is kept; send this one with its own id"
    content = {name: value for name, value in row.items() if name not in ("received_at", "position")}
    raw = json.dumps(content, sort_keys=True, ensure_ascii=False, default=datetime.isoformat)
    return row["source"], reason, raw, row["received_at"]


def _arrow(table: str, records: Sequence[tuple[int, object]]) -> pa.Table:
    convert = _ROWS[table]
    return pa.Table.from_pylist([convert(record, position) for position, record in records], schema=SCHEMAS[table])


def _interaction(interaction: Interaction, position: int) -> dict[str, Any]:
    return {
        "message_id": interaction.message_id,
        "customer_id": interaction.customer_id,
        "touchpoint": interaction.touchpoint,
        "channel": interaction.channel,
        "kind": interaction.kind.value,
        "stage": interaction.stage,
        "at": interaction.at,
        "received_at": interaction.received_at,
        "value": interaction.value,
        "metric": interaction.metric,
        "score": interaction.score,
        "decision_id": interaction.decision_id,
        "identifiers": list(interaction.identifiers) or None,
        "direction": interaction.direction,
        "contact_form": interaction.contact_form,
        "sentiment": interaction.sentiment,
        "original_at": interaction.original_at,
        "traits": json_object(interaction.traits),
        "properties": json_object(interaction.properties),
        "source": interaction.source,
        "position": position,
    }


def _decision(decision: RecordedDecision, position: int) -> dict[str, Any]:
    return {
        "decision_id": decision.decision_id,
        "customer_id": decision.customer_id,
        "touchpoint": decision.touchpoint,
        "at": decision.at,
        "received_at": decision.at,
        "source": ONLINE,
        "candidates": decision.candidates,
        "probability": decision.probability,
        "record": decision.record,
        "position": position,
    }


def _outcome(outcome: Outcome, position: int) -> dict[str, Any]:
    return {
        "message_id": outcome.message_id,
        "decision_id": outcome.decision_id,
        "kind": outcome.kind.value,
        "at": outcome.at,
        "received_at": outcome.received_at,
        "value": outcome.value,
        "source": outcome.source,
        "position": position,
    }


def _link(link: Link, position: int) -> dict[str, Any]:
    return {
        "link_id": link.link_id,
        "left": link.left,
        "right": link.right,
        "action": link.action.value,
        "at": link.at,
        "received_at": link.received_at,
        "source": link.source,
        "position": position,
    }


def _consent(consent: Consent, position: int) -> dict[str, Any]:
    return {
        "message_id": consent.message_id,
        "customer_id": consent.customer_id,
        "channel": consent.channel,
        "purpose": consent.purpose,
        "status": consent.status.value,
        "at": consent.at,
        "received_at": consent.received_at,
        "source": consent.source,
        "position": position,
    }


def _quarantined(record: Quarantined, position: int) -> dict[str, Any]:
    return {
        "record_id": record.record_id,
        "source": record.source,
        "received_at": record.received_at,
        "file": ONLINE,
        "row": position,
        "reason": record.reason,
        "raw": record.raw,
    }


_ROWS: Mapping[str, Callable[[Any, int], dict[str, Any]]] = {
    "interactions": _interaction,
    "decisions": _decision,
    "outcomes": _outcome,
    "links": _link,
    "consents": _consent,
    "quarantine": _quarantined,
}
