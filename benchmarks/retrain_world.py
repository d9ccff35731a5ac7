"""A home as after a year of service: customers of the synthetic world, what they did, and decisions with their whole records.

All is made in DuckDB and written to the lake at once, because the command that is measured starts from there. Decisions are drawn
with probabilities that do not depend on anything, and their records say so.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
from deltalake import WriterProperties, write_deltalake

from features.instants import DAY
from features.lake import ONLINE, SCHEMAS, Lake
from features.synthetic import PAST_COUNTS, PAST_KINDS, PROPENSITIES, SHARES, SPENDS, synthetic_catalogue
from features.synthetic_records import COMPLAINT_RATES, OPEN_RATES, PLACES
from features.tables import feature_list

INTERACTIONS_PER_CUSTOMER, INTERACTIONS_PER_DECISION = 20, 10
YEAR_DAYS, DAYS_BEFORE, DAYS_AFTER = 365, 60, 30  # without decisions: to know customers, and for windows to close
LOGGING = (0.30, 0.25, 0.20, 0.10, 0.15)  # none, email, social, call, mail
_ZSTD = WriterProperties(compression="ZSTD")  # as the lake itself writes
_RECORDED_FEATURES = 1000  # different lists of what was known; each record has one of them

_CATALOGUE = """
[objective]
window_days = 28
margin = 0.5
churn_days = 28

[[guardrails]]
metric = "value"
"""

_CUSTOMERS = """
CREATE TABLE customers AS
SELECT i AS customer, 'c' || i AS customer_id, 1 + len(list_filter({customer_ends}, lambda each: each <= u))::INT AS type,
       {spends}[type] * (0.7 + 0.6 * (hash(i, 2) % 1000) / 1000.0) AS spend
FROM (SELECT i, (hash(i, 1) % 10000) / 10000.0 AS u FROM range({customers}) AS numbers(i))"""

_DECISIONS = """
CREATE TABLE made AS
SELECT 'd' || i AS decision_id, i, customer_id, type, spend,
       {start} + {before} + (hash(i, 11) % {window})::BIGINT AS us,
       1 + len(list_filter({ends}, lambda each: each <= (hash(i, 12) % 10000) / 10000.0))::INT AS arm,
       (hash(i, 13) % 10000) / 10000.0 < {propensities}[type][arm] AS buys
FROM range({decisions}) AS numbers(i) JOIN customers ON customer = hash(i, 10) % {customers}"""

_FEATURES = """
CREATE TABLE known AS
SELECT n, '{{' || string_agg('"' || name || '":' || (hash(n, name) % 1000000) / 7919.0, ',') || '}}' AS known
FROM range({lists}) AS numbers(n), (SELECT unnest({names}) AS name) GROUP BY n"""

_RECORDS = """
SELECT decision_id, customer_id, {arms}[arm] AS touchpoint, make_timestamptz(us) AS "at", "at" AS received_at,
       '{online}' AS source, {arms} AS candidates, {logging}[arm] AS probability, i + 1 AS position,
       '{{"decision_id":"' || decision_id || '","customer_id":"' || customer_id || '","identifiers":["' || customer_id
       || '"],"at":"' || "at"::VARCHAR || '","arm":"treatment","deferred":false,"request":{{"customer_id":"' || customer_id
       || '","limit":1}},"context":{{}},"interactions":[],"situation":null,"features":{{"status":"fresh","age_seconds":12.5,'
       || '"position":' || i || ',"values":' || known || '}},"candidates":['
       || list_aggregate(list_transform({arms}, lambda name, nth: '{{"touchpoint":"' || name
       || '","eligible":true,"stage":null,"rule":null,"until":null,"propensity":' || {propensities}[type][nth]
       || ',"uplift":' || {propensities}[type][nth] - {propensities}[type][1] || ',"value":' || spend
       || ',"parts":{{"gain":0.319316189467193,"retention":0.8290849018237302,"cost":0.02,"incentive":0.3963357872780264,'
       || '"fatigue":0.03563900055589702}},"net_value":0.6964263034569996,"lever":1.0,"priority":0.6964263034569996,"cost":0.02,'
       || '"probability":' || {logging}[nth] || '}}'), 'string_agg', ',')
       || '],"draw":{{"seed":1,"u":' || (hash(i, 12) % 10000) / 10000.0 || '}},"chosen":"' || {arms}[arm]
       || '","consent":null,"recommendations":[],"slate":null,"policy":{{"name":"priors","version":"0","sha256":null}},'
       || '"shadow":null,"features_version":"0","catalogue_version":"0","currency":"EUR","fallback":null,"decided_at":"'
       || "at"::VARCHAR || '","software_version":"0"}}' AS record
FROM made JOIN known ON n = i % {lists}"""

_BACKGROUND = """
SELECT 'b{salt}-' || i AS message_id, customer_id,
       1 + len(list_filter({kind_ends}[type], lambda each: each <= (hash(i, 21, {salt}) % 10000) / 10000.0))::INT AS nth,
       {places}[nth] AS touchpoint, {kinds}[nth] AS kind, {since} + (hash(i, 22, {salt}) % {span})::BIGINT AS us,
       CASE WHEN kind = 'purchase' THEN round(spend * (0.5 + (hash(i, 23) % 1000) / 1000.0), 2) END AS value,
       NULL AS decision_id
FROM range({rows}) AS numbers(i) JOIN customers ON customer = hash(i, 20, {salt}) % {customers}"""

_ANSWERS = """
SELECT decision_id || ':' || kind AS message_id, customer_id, 0 AS nth, touchpoint, kind, us + share AS us, value, decision_id
FROM (
    SELECT *, {arms}[arm] AS touchpoint, 'contact' AS kind, 0 AS share, NULL AS value FROM made WHERE arm > 1
    UNION ALL BY NAME
    SELECT *, {arms}[arm] AS touchpoint, 'open' AS kind, {day} // 2 AS share FROM made
    WHERE arm > 1 AND (hash(i, 14) % 10000) / 10000.0 < {opens}[type]
    UNION ALL BY NAME
    SELECT *, 'ticket.complaint' AS touchpoint, 'complaint' AS kind, {day} AS share FROM made
    WHERE arm > 1 AND (hash(i, 15) % 10000) / 10000.0 < {complains}[type]
    UNION ALL BY NAME
    SELECT *, 'store.checkout' AS touchpoint, 'purchase' AS kind, {day} + (hash(i, 16) % (26 * {day}))::BIGINT AS share,
           round(spend * (0.5 + (hash(i, 17) % 1000) / 1000.0), 2) AS value
    FROM made WHERE buys
)"""

_INTERACTIONS = """
SELECT message_id, customer_id, touchpoint, split_part(touchpoint, '.', 1) AS channel, kind, make_timestamptz(us) AS "at",
       "at" AS received_at, value, decision_id, 'bench' AS source
FROM ({made})"""


def make_home(home: Path, *, interactions: int, start: datetime) -> None:
    """A catalogue, and a lake with about so many interactions of one year, and a tenth as many decisions."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "catalogue.toml").write_text(_catalogue(), encoding="utf-8")
    given = _given(interactions, start)
    with _connection(home, given) as connection:
        connection.execute(_DECISIONS.format(**given))
        connection.execute(_FEATURES.format(**given, names=[feature.name for feature in feature_list(synthetic_catalogue())]))
        _write(connection, home, "decisions", _RECORDS.format(**given))
        answers = connection.execute(f"SELECT count(*) FROM ({_ANSWERS.format(**given)})").fetchall()[0][0]
        background = _BACKGROUND.format(**given, rows=interactions - answers, since=_us(start), span=YEAR_DAYS * DAY, salt=0)
        made = f"FROM ({_ANSWERS.format(**given)}) UNION ALL BY NAME FROM ({background})"
        _write(connection, home, "interactions", _INTERACTIONS.format(made=made))


def one_more_day(home: Path, *, interactions: int, start: datetime) -> None:
    """The interactions of the day after."""
    given, since = _given(interactions, start), _us(start + timedelta(days=YEAR_DAYS))
    with _connection(home, given) as connection:
        made = _BACKGROUND.format(**given, rows=interactions // YEAR_DAYS, since=since, span=DAY, salt=1)
        _write(connection, home, "interactions", _INTERACTIONS.format(made=made))


def _connection(home: Path, given: Mapping[str, object]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"memory_limit": "4GB", "temp_directory": str(home / "spilled")})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(_CUSTOMERS.format(**given, customer_ends=_ends(SHARES)))
    return connection


def _write(connection: duckdb.DuckDBPyConnection, home: Path, table: str, query: str) -> None:
    names = ", ".join(f'"{name}"' for name in SCHEMAS[table].names)
    empty = f"SELECT * FROM {Lake(home / 'lake').relation(table)} WHERE false"
    reader = connection.sql(f"SELECT {names} FROM (FROM ({empty}) UNION ALL BY NAME ({query}))").to_arrow_reader(100_000)
    write_deltalake(home / "lake" / table, reader.cast(SCHEMAS[table]), mode="append", writer_properties=_ZSTD)


def _given(interactions: int, start: datetime) -> dict[str, object]:
    catalogue = synthetic_catalogue()
    shares = PAST_COUNTS / PAST_COUNTS.sum(axis=1, keepdims=True)
    return {
        "customers": max(interactions // INTERACTIONS_PER_CUSTOMER, 1),
        "decisions": interactions // INTERACTIONS_PER_DECISION,
        "lists": _RECORDED_FEATURES,
        "ends": _ends(LOGGING),
        "spends": SPENDS.tolist(),
        "arms": list(catalogue.arms),
        "logging": list(LOGGING),
        "propensities": PROPENSITIES.tolist(),
        "opens": list(OPEN_RATES),
        "complains": list(COMPLAINT_RATES),
        "kind_ends": [_ends(row) for row in shares],
        "kinds": [kind.value for kind in PAST_KINDS],
        "places": [PLACES[kind] for kind in PAST_KINDS],
        "online": ONLINE,
        "day": DAY,
        "start": _us(start),
        "before": DAYS_BEFORE * DAY,
        "window": (YEAR_DAYS - DAYS_BEFORE - DAYS_AFTER) * DAY,
    }


def _ends(shares: Sequence[float]) -> list[float]:
    """Where each share ends on [0, 1], but for the last."""
    return [round(float(end), 6) for end in np.cumsum(shares)[:-1]]


def _us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def _catalogue() -> str:
    tables = [_CATALOGUE]
    for touchpoint in synthetic_catalogue().touchpoints:
        keys = touchpoint.model_dump(mode="json", exclude_defaults=True)
        tables.append("[[touchpoints]]\n" + "\n".join(f"{key} = {_toml(value)}" for key, value in keys.items()))
    return "\n".join(tables)


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | float | int) else f'"{value}"'
