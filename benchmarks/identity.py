"""Who is who in 10 million observations: how long does `identify` take against libraries that only find connected components?

The world is made up, so that the truth is known: people with a customer_id or without, their cookies and devices, e-mail
addresses and telephone numbers, devices that two of them share, and IP addresses. The peers read, number and write the same
identifiers in DuckDB, and find components with SciPy, with DuckDB's recursive query, and with networkx if it is installed. They
know no time, no limits, no pairs kept apart; and no IP addresses, or all would be one component. Each run has its own process.

    python -m benchmarks.identity [OBSERVATIONS]
"""

import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from deltalake import write_deltalake
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.catalogue.identifiers import KNOWN_TYPES
from features.identity import identify
from features.instants import DAY
from features.lake import SCHEMAS, Lake, duckdb_session
from serving.running.terminal import as_plain, in_words

OBSERVATIONS = 10_000_000
ROUNDS = 2
SEED = 7
START, NOW = 1_700_000_000_000_000, datetime(2027, 1, 1, tzinfo=UTC)
TYPES = ("customer", "cookie", "device", "email", "phone", "ip")
CUSTOMER, COOKIE, DEVICE, EMAIL, PHONE, IP = range(6)


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds and gigabytes of one way, the best of all rounds, and how well its pairs of identifiers are those of one person."""

    seconds: float
    peak_gigabytes: float
    precision: float
    recall: float


def measure(observations: int = OBSERVATIONS) -> dict[str, object]:
    """Make the world, and ask everyone in turn."""
    ways: dict[str, Callable[[str], None]] = {"ours": _ours, "scipy": _scipy, "duckdb_recursive": _recursive}
    if find_spec("networkx"):
        ways["networkx"] = _networkx
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        _alone(_make_world, folder, observations)
        runs = [{name: _alone(_timed, way, folder) for name, way in ways.items()} for _ in range(ROUNDS)]
        best = {name: min((run[name] for run in runs), key=lambda run: run.seconds) for name in ways}
    peers = [run.seconds for name, run in best.items() if name != "ours"]
    return {
        "question": f"identities of {observations:,} observations, against the connected components of libraries",
        **{name: asdict(run) for name, run in best.items()},
        **({} if "networkx" in ways else {"networkx": "skipped: not installed"}),
        "ratio_to_the_fastest": round(best["ours"].seconds / min(peers), 2),
    }


def _alone(function: Callable[..., Any], *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as process:  # spawned, DuckDB would draw progress bars
        return process.submit(function, *arguments).result()


def _timed(way: Callable[[str], None], folder: str) -> Run:
    (Path(folder) / "members.parquet").unlink(missing_ok=True)
    start = time.perf_counter()
    way(folder)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    found = f"(FROM read_parquet('{folder}/members.parquet') WHERE valid_to IS NULL)"
    return Run(round(seconds, 1), round(peak, 1), *_quality(found, f"read_parquet('{folder}/truth.parquet')"))


def _quality(found: str, truth: str) -> tuple[float, float]:
    together, ours, true = (
        duckdb.sql(
            f"SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM (SELECT count(*) AS n FROM {truth} JOIN {found} USING (identifier)"
            f" GROUP BY {by})"
        ).fetchall()[0][0]
        for by in ("person, customer_id", "customer_id", "person")
    )
    return round(float(together / ours), 6), round(float(together / true), 6)


def _ours(folder: str) -> None:
    identify(Lake(Path(folder)), types=KNOWN_TYPES, folder=Path(folder), now=NOW, on_progress=lambda _: None)


def _scipy(folder: str) -> None:
    def components(nodes: int, one: Any, other: Any) -> Any:
        graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(nodes, nodes))
        return connected_components(graph, directed=False)[1]

    _peer(folder, components)


def _networkx(folder: str) -> None:
    import networkx

    def components(nodes: int, one: Any, other: Any) -> Any:
        graph = networkx.Graph(zip(one.tolist(), other.tolist(), strict=True))
        labels = np.arange(nodes)
        for label, component in enumerate(networkx.connected_components(graph)):
            labels[list(component)] = label
        return labels

    _peer(folder, components)


def _recursive(folder: str) -> None:
    with duckdb_session() as connection:
        _number(connection, folder)
        connection.execute("CREATE TEMP TABLE edges AS SELECT one, other FROM coded UNION ALL SELECT other, one FROM coded")
        connection.execute("""
            CREATE TEMP TABLE components AS
            WITH RECURSIVE found(code, label) USING KEY (code) AS (
                SELECT code, code FROM nodes
                UNION (SELECT DISTINCT ON (old.code) old.code, new.label
                       FROM recurring.found AS old JOIN edges ON old.code = one JOIN found AS new ON new.code = other
                       WHERE new.label < old.label ORDER BY old.code, new.label))
            FROM found""")
        _write(connection, folder)


def _peer(folder: str, components: Callable[[int, Any, Any], Any]) -> None:
    with duckdb_session() as connection:
        _number(connection, folder)
        pairs = connection.sql("FROM coded").fetchnumpy()
        nodes = connection.execute("SELECT count(*) FROM nodes").fetchall()[0][0]
        label = components(nodes, pairs["one"], pairs["other"])
        connection.register("components", pa.table({"code": np.arange(nodes), "label": label}))
        _write(connection, folder)


def _number(connection: Any, folder: str) -> None:
    links = f"(FROM {Lake(Path(folder)).relation('links')} WHERE \"left\" NOT LIKE 'ip:%' AND \"right\" NOT LIKE 'ip:%')"
    connection.execute(f'CREATE TEMP TABLE pairs AS SELECT DISTINCT "left", "right" FROM {links}')
    named = 'SELECT "left" AS name FROM pairs UNION SELECT "right" FROM pairs'
    connection.execute(f"CREATE TEMP TABLE nodes AS SELECT row_number() OVER () - 1 AS code, name FROM ({named})")
    connection.execute("""
        CREATE TEMP TABLE coded AS SELECT a.code AS one, b.code AS other
        FROM pairs JOIN nodes AS a ON a.name = "left" JOIN nodes AS b ON b.name = "right" """)


def _write(connection: Any, folder: str) -> None:
    connection.execute(f"""
        COPY (SELECT name AS identifier, label::VARCHAR AS customer_id, NULL::BIGINT AS valid_to
              FROM nodes JOIN components USING (code)) TO '{folder}/members.parquet' (FORMAT parquet)""")


def _make_world(folder: str, observations: int) -> None:
    """Write the links to a lake in `folder`, and whose each identifier is to `truth.parquet`."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    one, one_number, other, other_number, person, at = _observations(observations)
    columns = {"a": one, "x": one_number, "b": other, "y": other_number, "person": person, "us": at}
    connection.register("seen", pa.table({**columns, "n": np.arange(len(at))}))
    connection.execute(f"""
        CREATE TEMP TABLE links AS
        SELECT n, {_name("a", "x")} AS one, {_name("b", "y")} AS other, b AS type, person,
               make_timestamptz(us) AS moment
        FROM seen""")
    reader = connection.sql("""
        SELECT sha256(n::VARCHAR) AS link_id, least(one, other) AS "left", greatest(one, other) AS "right", 'link' AS action,
               moment AS "at", moment AS received_at, 'web' AS source, NULL::BIGINT AS position FROM links""").to_arrow_reader(
        500_000
    )
    write_deltalake(Path(folder) / "links", reader.cast(SCHEMAS["links"]))
    # Nobody's is what two persons were seen with
    connection.execute(f"""
        COPY (SELECT identifier, any_value(person) AS person
              FROM (SELECT one AS identifier, person FROM links UNION ALL SELECT other, person FROM links WHERE type <> {IP})
              GROUP BY identifier HAVING count(DISTINCT person) = 1) TO '{folder}/truth.parquet' (FORMAT parquet)""")


def _name(type_: str, number: str) -> str:
    listed = ", ".join(f"'{each}'" for each in TYPES)
    return f"CASE {type_} WHEN {CUSTOMER} THEN 'C' || {number} ELSE [{listed}][{type_} + 1] || ':' || md5({number}::VARCHAR) END"


def _observations(count: int) -> tuple[np.ndarray, ...]:
    """Which type and number was seen with which, of which person, and when, in any order."""
    rng, people = np.random.default_rng(SEED), count // 8
    person, known = np.arange(people), rng.random(people) < 0.8
    cookies, devices = rng.integers(1, 4, people), rng.integers(0, 3, people)
    born = START + rng.integers(0, 365 * DAY, people)
    parts: list[tuple[int, np.ndarray, int, np.ndarray, np.ndarray, np.ndarray]] = []

    def seen(who: np.ndarray, one: int, other: int, others: np.ndarray, *, within: int) -> None:
        ones = person if one == CUSTOMER else person * 8
        parts.append((one, ones[who], other, others[who], person[who], born[who] + rng.integers(0, within, len(born))[who]))

    for k in range(3):
        seen(known & (cookies > k), CUSTOMER, COOKIE, person * 8 + k, within=90 * DAY)
        seen(~known & (cookies > k) & (devices > 0), DEVICE, COOKIE, person * 8 + k, within=90 * DAY)
        seen(known & (cookies > k) & (devices > 0) & (rng.random(people) < 0.4), DEVICE, COOKIE, person * 8 + k, within=9 * DAY)
    for k in range(2):
        seen(known & (devices > k), CUSTOMER, DEVICE, person * 8 + k, within=90 * DAY)
    seen(known & (rng.random(people) < 0.7), CUSTOMER, EMAIL, person, within=200 * DAY)
    seen(known & (rng.random(people) < 0.4), CUSTOMER, PHONE, person, within=200 * DAY)
    seen(known & (rng.random(people) < 0.2), CUSTOMER, IP, rng.integers(0, 1000, people), within=200 * DAY)
    neighbour = np.roll(person, -1)
    owns = known[neighbour] & (devices[neighbour] > 0)
    seen(known & owns & (rng.random(people) < 0.02), CUSTOMER, DEVICE, neighbour * 8, within=200 * DAY)
    sizes = [len(part[1]) for part in parts]
    kinds = [np.repeat([part[i] for part in parts], sizes) for i in (0, 2)]
    numbers = [np.concatenate([part[i] for part in parts]) for i in (1, 3, 4, 5)]
    again = np.append(np.arange(sum(sizes)), rng.integers(0, sum(sizes), count - sum(sizes)))
    later = np.append(np.zeros(sum(sizes), np.int64), rng.integers(0, 365 * DAY, count - sum(sizes)))
    order = rng.permutation(count)
    columns = [each[again][order] for each in (kinds[0], numbers[0], kinds[1], numbers[1], numbers[2])]
    return (*columns, (numbers[3][again] + later)[order])


if __name__ == "__main__":
    print(in_words(as_plain(measure(*map(int, sys.argv[1:])))))
