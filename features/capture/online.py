"""A mapping over records that arrive one request at a time: the very SQL that takes files, over the lines of a request.

The SQL is planned once for a mapping, since that takes longer than to run it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import duckdb
import pyarrow as pa

from features.capture.expressions import HIDDEN, masked
from features.capture.identifying import hashed_texts, texts_that_name
from features.capture.json_rows import select_rows
from features.capture.made import Mapped, Refused, as_consent, as_interaction, as_link, as_outcome, links_of_consent
from features.capture.mapping import Mapping as SourceMapping
from features.capture.read import View
from features.capture.records import require_catalogued, section_filters
from features.capture.rows import options_of, rows_of
from features.capture.rules import Setting
from features.capture.sentiments import create_sentiments, distinct, insert_scores
from features.capture.staging import all_texts, names_for, section_queries
from features.catalogue import Catalogue
from features.errors import ConfigurationError
from features.identity import Names

_MOST_MAPPINGS = 64
_LINES = pa.schema([("row", pa.int64()), ("line", pa.string())])


def map_records(
    records: Sequence[Mapping[str, Any]],
    mapping: SourceMapping,
    *,
    catalogue: Catalogue,
    names: Names,
    now: datetime,
    clock_skew_seconds: float,
) -> Mapped:
    """What `ingest` would make of a file of these records, but that they became known now.

    Parameters
    ----------
    records : JSON objects.
    now : when they were received; records dated later than this, and the clock skew, are refused.

    Raises
    ------
    ConfigurationError
        When the mapping does not fit the catalogue, or needs more than the record itself: lookups, or groups of rows.
    """
    program = _program(mapping, catalogue)
    return program.run(records, replace(program.setting, names=names, now=now, clock_skew=timedelta(seconds=clock_skew_seconds)))


class _Program:
    """A mapping, planned."""

    def __init__(self, mapping: SourceMapping, catalogue: Catalogue) -> None:
        require_catalogued(mapping, catalogue)
        if mapping.group is not None or mapping.lookups:
            raise ConfigurationError(f"source mapping {mapping.name}: group and lookups need files; use a mapping without them")
        self.mapping, self.catalogue = mapping, catalogue
        self.setting = Setting(mapping, catalogue, datetime.max, timedelta(), latest="$1")
        self._lock = Lock()
        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute("SET TimeZone = 'UTC'")
        self._prepare()

    def run(self, records: Sequence[Mapping[str, Any]], setting: Setting) -> Mapped:
        """What the records are."""
        with self._lock:
            self._fill(records, names_for(setting))
            latest = f"'{(setting.now + setting.clock_skew).isoformat()}'::TIMESTAMPTZ"
            (wanted,) = self._connection.execute("EXECUTE wanted").fetchall()  # planning a section takes longer than the rest
            found: dict[str, list[dict[str, Any]]] = {}
            for nth, table in enumerate(self._tables):
                if wanted[nth]:
                    found.setdefault(table, []).extend(self._rows(f"EXECUTE section{nth}({latest})"))
            return self._mapped(found, setting.now)

    def _prepare(self) -> None:
        run = self._connection.execute
        run("CREATE TEMP TABLE arrived (row BIGINT, line VARCHAR)")
        parsed, columns = select_rows(
            "arrived", options_of(self.mapping).shape, sorted({name for _, name in self.mapping.columns()})
        )
        parsed = f"SELECT row_number() OVER () - 1 AS nth, * FROM ({parsed})"
        run(f"CREATE TEMP TABLE parsed AS {parsed}")
        run(f"PREPARE parse AS INSERT INTO parsed {parsed}")
        run("CREATE TEMP VIEW sound AS SELECT * EXCLUDE (bad) FROM parsed WHERE bad IS NULL")
        view, source = View("sound", columns, True), f"source {self.mapping.name}"
        plain = rows_of(self._connection, view, self.mapping, lookups={}, file=source, folder=None)
        self._named = texts_that_name(self.mapping, plain)
        run(f"PREPARE naming AS SELECT nth{''.join(f', {each.text}' for each in self._named)} FROM ({plain.query})")
        listed = [f"name_{nth} VARCHAR, before_{nth} VARCHAR" for nth, _ in enumerate(self._named)]
        run(f"CREATE TEMP TABLE names ({', '.join(['nth BIGINT', *listed])})")
        create_sentiments(self._connection)
        joined = f"SELECT * FROM ({plain.query}) JOIN names USING (nth)"
        run(f"CREATE TEMP TABLE rows AS {joined}")
        run(f"PREPARE join_names AS INSERT INTO rows {joined}")
        self._all_rows = replace(plain, query="SELECT * FROM rows", named=self._named)
        self._texts = all_texts(self._all_rows, self.setting)
        if self._texts is not None:
            run(f"PREPARE texts AS {distinct(self._texts)}")
        sections = list(section_queries(self._all_rows, self.setting))
        self._tables = [table for table, _ in sections]
        for nth, (_, query) in enumerate(sections):
            run(f"PREPARE section{nth} AS {query} ORDER BY ordinal")
        filters = ", ".join(f"coalesce(bool_or({each}), false)" for each in section_filters(self._all_rows, self.mapping))
        run(f"PREPARE wanted AS SELECT {filters} FROM rows")

    def _fill(self, records: Sequence[Mapping[str, Any]], names: Names | None) -> None:
        run = self._connection.execute
        for table in ("arrived", "parsed", "sentiments", "names", "rows"):
            run(f"DELETE FROM {table}")
        lines = {"row": range(len(records)), "line": [json.dumps(record) for record in records]}
        self._insert("arrived", pa.table(lines, schema=_LINES))
        run("EXECUTE parse")
        told = run("EXECUTE naming").fetchall()
        columns: list[pa.Array] = [pa.array([row[0] for row in told], pa.int64())]
        for nth, each in enumerate(self._named, 1):
            hashed = _hashed(each.type_, [row[nth] for row in told], names)
            columns += [pa.array([pair[side] for pair in hashed], pa.string()) for side in (0, 1)]
        self._insert("names", pa.table(columns, [str(nth) for nth, _ in enumerate(columns)]))
        run("EXECUTE join_names")
        if self._texts is not None and (texts := [text for (text,) in run("EXECUTE texts").fetchall()]):
            insert_scores(self._connection, texts)

    def _insert(self, table: str, rows: pa.Table) -> None:
        self._connection.register("given", rows)
        self._connection.execute(f"INSERT INTO {table} SELECT * FROM given")
        self._connection.unregister("given")

    def _rows(self, query: str) -> list[dict[str, Any]]:
        result = self._connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def _mapped(self, found: Mapping[str, list[dict[str, Any]]], now: datetime) -> Mapped:
        good = {table: [row for row in rows if row["reason"] is None] for table, rows in found.items()}
        refused = [row for rows in found.values() for row in rows if row["reason"] is not None]
        hidden = f"'{HIDDEN}'" if self._named else masked("bad")  # which part of it names a person cannot be told
        broken = self._connection.execute(f"SELECT row, {hidden} FROM parsed WHERE bad IS NOT NULL").fetchall()
        consents = [(row["row"], as_consent(row, now), row["others"]) for row in good.get("consents", ())]
        proven = [(index, link) for index, consent, others in consents for link in links_of_consent(consent, others or ())]
        return Mapped(
            interactions=tuple((row["row"], as_interaction(row, now)) for row in good.get("interactions", ())),
            outcomes=tuple((row["row"], as_outcome(row, now)) for row in good.get("outcomes", ())),
            consents=tuple((index, consent) for index, consent, _ in consents),
            links=(*((row["row"], as_link(row, now)) for row in good.get("links", ())), *proven),
            refused=(
                *(Refused(index, reason, raw) for index, raw, reason in self._with_texts(refused)),
                *(Refused(index, "not a JSON object", bad) for index, bad in broken),
            ),
        )

    def _with_texts(self, refused: Sequence[Mapping[str, Any]]) -> list[tuple[int, str, str]]:
        """Refused rows and the reasons, as the quarantine may keep them; one query for a section, however many they are."""
        sections = [section for _, _, section in self.mapping.sections()]
        texts = []
        for nth, section in enumerate(sections):
            reasons = {row["ordinal"] // len(sections): row["reason"] for row in refused if row["ordinal"] % len(sections) == nth}
            if reasons:
                self._connection.register("refusals", pa.table({"nth": list(reasons), "said": list(reasons.values())}))
                kept = f"row, {masked(self._all_rows.refused(section))}, {masked('said')}"
                texts += self._connection.execute(f"SELECT {kept} FROM refusals JOIN rows USING (nth) ORDER BY nth").fetchall()
                self._connection.unregister("refusals")
        return texts


def _hashed(type_: str, texts: list[str | None], names: Names | None) -> list[tuple[str | None, str | None]]:
    given = [text for text in texts if text is not None]
    found = iter(hashed_texts(type_, given, names) if names is not None else ())
    return [(None, None) if text is None else next(found) for text in texts]


_PROGRAMS: dict[tuple[int, str], _Program] = {}
_PLANNING = Lock()


def _program(mapping: SourceMapping, catalogue: Catalogue) -> _Program:
    key = id(mapping), catalogue.version
    with _PLANNING:
        program = _PROGRAMS.get(key)
        if program is None or program.mapping is not mapping:
            if len(_PROGRAMS) >= _MOST_MAPPINGS:
                _PROGRAMS.clear()
            program = _PROGRAMS[key] = _Program(mapping, catalogue)
        return program
