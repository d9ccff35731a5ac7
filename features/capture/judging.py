"""Which of the staged records are new to the lake: compared by hashes first, and by what they say only where these are equal."""

import duckdb

from features.lake import KEYS, SCHEMAS, Lake, content_digest


def judge(connection: duckdb.DuckDBPyConnection, table: str, lake: Lake) -> None:
    """Make the table `dropped_<table>`: `ordinal` and `verdict` of every good record that is not new.

    A record with the key of another is its duplicate if it says the same, else in conflict with it. Of several in the file the
    first counts, and before all of them the one in the lake.
    """
    key = KEYS[table]
    # 8 bytes instead of a text, so that many millions of keys take little memory; equal ones may still be of different keys
    connection.execute(
        f"CREATE TEMP TABLE hashes_{table} AS SELECT hash({key}) AS hash, count(*) AS n FROM staged_{table} "
        "WHERE reason IS NULL GROUP BY ALL"
    )
    doubtful = f"SELECT hash FROM hashes_{table} WHERE n > 1"
    if lake.exists(table):
        stored = f"SELECT hash({key}) AS hash FROM {lake.relation(table)}"
        doubtful += f" UNION SELECT hash FROM ({stored}) SEMI JOIN hashes_{table} USING (hash)"
    connection.execute(f"CREATE TEMP TABLE doubtful_{table} AS {doubtful}")
    connection.execute(f"""
        CREATE TEMP TABLE dropped_{table} AS
        WITH same AS MATERIALIZED ({_digests(table, f"(FROM staged_{table} WHERE reason IS NULL)", "ordinal")}),
             known AS ({_digests(table, lake.relation(table), "0")}),
             first AS (SELECT key, min(ordinal) AS ordinal, arg_min(digest, ordinal) AS digest FROM same GROUP BY key)
        SELECT * FROM (
            SELECT same.ordinal, CASE
                WHEN same.digest <> coalesce(known.digest, first.digest) THEN 'conflict'
                WHEN known.key IS NULL AND same.ordinal = first.ordinal THEN 'new'
                ELSE 'duplicate' END AS verdict
            FROM same JOIN first ON same.key = first.key LEFT JOIN known ON same.key = known.key)
        WHERE verdict <> 'new'""")


def new_records(table: str) -> str:
    """The query for the records that `judge` found to be new."""
    return f"SELECT * FROM staged_{table} ANTI JOIN dropped_{table} USING (ordinal) WHERE reason IS NULL"


def append_new(connection: duckdb.DuckDBPyConnection, table: str, lake: Lake) -> int:
    """Append them to the lake; give how many they are."""
    columns = ", ".join('NULL AS "position"' if name == "position" else f'"{name}"' for name in SCHEMAS[table].names)
    return lake.write(table, connection, f"SELECT {columns} FROM ({new_records(table)})")


def _digests(table: str, relation: str, ordinal: str) -> str:
    """The query for what the doubtful ones of some records say."""
    doubtful = f"SELECT * FROM {relation} WHERE hash({KEYS[table]}) IN (FROM doubtful_{table})"
    return f"SELECT {ordinal} AS ordinal, {KEYS[table]} AS key, {content_digest(table)} AS digest FROM ({doubtful})"
