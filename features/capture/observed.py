"""The links that records prove by naming several identifiers at once."""

from collections.abc import Sequence

import duckdb

from features.capture.judging import new_records
from features.domain import LinkAction
from features.lake import KEYS, Lake, literal

PERSONAL = ("interactions", "decisions", "consents")
"""The tables whose records name persons."""


def append_links(connection: duckdb.DuckDBPyConnection, tables: Sequence[str], lake: Lake) -> int:
    """Append to the lake what the new records prove, once for every pair: by the record from which on it was known.

    To be called before the records themselves are appended: if that is interrupted they are still new, and prove the same again.
    The links are named as `features.identity.links_of` names them.
    """
    told = " UNION ALL ".join(_told(table) for table in tables if table in PERSONAL)
    if not told:
        return 0
    earliest = """arg_min({'id': id, 'at': "at", 'received_at': received_at, 'source': source},
            (greatest("at", received_at), id))"""
    pairs = f"""
        SELECT least(one, other) AS "left", greatest(one, other) AS "right", {earliest} AS first
        FROM ({told}) WHERE one <> other GROUP BY ALL"""
    name = f"""concat_ws(chr(31), "left", "right", {literal(LinkAction.LINK)}, first.source, first.id)"""
    links = f"""
        SELECT sha256({name}) AS link_id, "left", "right", {literal(LinkAction.LINK)} AS action, first."at" AS "at",
            first.received_at AS received_at, first.source AS source, NULL::BIGINT AS "position" FROM ({pairs})"""
    return lake.write("links", connection, f"SELECT * FROM ({links}) ANTI JOIN {lake.relation('links')} AS known USING (link_id)")


def _told(table: str) -> str:
    return f"""SELECT customer_id AS one, unnest(others) AS other, {KEYS[table]} AS id, "at", received_at, source
        FROM ({new_records(table)}) WHERE others IS NOT NULL"""
