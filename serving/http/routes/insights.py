"""What was found out about touchpoints, journeys, customers and decisions: the numbers that the console shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, Query, Response
from pydantic import TypeAdapter

from features.insights import Card, Column, Period, Section, Table
from features.insights.snapshot import Snapshot
from features.insights.table import Value
from serving.console.found import Found
from serving.http.bodies import json_response


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """When it was looked, at which time; `currency` is that of all money."""

    at: datetime
    period: Period
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableInShort:
    """A table, and how many rows it has."""

    name: str
    title: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInShort:
    """A page, and which tables it has."""

    name: str
    title: str
    lead: str
    tables: tuple[TableInShort, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents(Look):
    """All pages of the last look."""

    pages: tuple[PageInShort, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholePage(Look):
    """A page: numbers to see first, then sections of words, figures (plotly's JSON) and tables."""

    name: str
    title: str
    lead: str
    cards: tuple[Card, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeTable(Look):
    """A table: what its columns are, and rows of one value per column."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str


_CONTENTS: TypeAdapter[Contents] = TypeAdapter(Contents)
_PAGE: TypeAdapter[WholePage] = TypeAdapter(WholePage)
_TABLE: TypeAdapter[WholeTable] = TypeAdapter(WholeTable)

_CSV_TOO: dict[int | str, dict[str, Any]] = {200: {"model": WholeTable, "content": {"text/csv": {"schema": {"type": "string"}}}}}

Format = Annotated[Literal["json", "csv"] | None, Query(description="csv gives the rows alone; so does Accept: text/csv")]


def add_insights(app: FastAPI, found: Found) -> None:
    """Add /v1/insights."""

    @app.get("/v1/insights", responses={200: {"model": Contents}})
    def contents() -> Response:
        """Tell which pages of touchpoint intelligence there are, with their tables, and what they were made from."""
        return json_response(_CONTENTS.dump_json(_contents(found.snapshot())))

    @app.get("/v1/insights/{page}", responses={200: {"model": WholePage}})
    def page(page: str) -> Response:
        """Give a page: cards, words, figures and tables, as the console shows them."""
        snapshot, whole = found.page(page)
        parts = {name: getattr(whole, name) for name in ("name", "title", "lead", "cards", "sections")}
        return json_response(_PAGE.dump_json(WholePage(**_look(snapshot), **parts)))

    @app.get("/v1/insights/{page}/{table}", responses=_CSV_TOO)
    def table(page: str, table: str, accept: Annotated[str, Header()] = "", format: Format = None) -> Response:
        """Give a table of a page, as JSON or as CSV."""
        snapshot, whole = found.table(page, table)
        if format == "csv" or (format is None and "text/csv" in accept):
            return csv_response(whole, page=page)
        parts = {name: getattr(whole, name) for name in ("name", "title", "columns", "rows", "note")}
        return json_response(_TABLE.dump_json(WholeTable(**_look(snapshot), **parts)))


def csv_response(table: Table, *, page: str) -> Response:
    """A table as a file to keep."""
    disposition = {"Content-Disposition": f'attachment; filename="{page}-{table.name}.csv"'}
    return Response(table.csv(), media_type="text/csv; charset=utf-8", headers=disposition)


def _look(snapshot: Snapshot) -> Mapping[str, Any]:
    return {"at": snapshot.at, "period": snapshot.period, "currency": snapshot.currency}


def _contents(snapshot: Snapshot) -> Contents:
    pages = (page for page in map(snapshot.page, snapshot.names) if page is not None)
    in_short = (
        PageInShort(
            name=page.name,
            title=page.title,
            lead=page.lead,
            tables=tuple(TableInShort(name=each.name, title=each.title, rows=len(each.rows)) for each in page.tables),
        )
        for page in pages
    )
    return Contents(**_look(snapshot), pages=tuple(in_short))
