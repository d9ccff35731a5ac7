"""The console: pages of the last look, their tables as CSV, and static files."""

from typing import Annotated

from fastapi import FastAPI, Header, Response

from serving.console import Console
from serving.console.assets import Asset, asset
from serving.console.live.routes import add_live_pages
from serving.desk import Desk
from serving.http.problems import UNKNOWN_PATH, ProblemError
from serving.http.routes.insights import csv_response

_FOR_EVER = "public, max-age=31536000, immutable"


def add_console(app: FastAPI, console: Console, desk: Desk) -> None:
    """Add /console; the pages of single customers and decisions first, which the path of all others would match, too."""
    _add_static_files(app)
    add_live_pages(app, desk, console)

    @app.get("/console", include_in_schema=False)
    @app.get("/console/", include_in_schema=False)
    def overview() -> Response:
        return console.page("overview")

    @app.get("/console/{page}/{table}.csv", include_in_schema=False)
    def table_as_csv(page: str, table: str) -> Response:
        return csv_response(console.found.table(page, table)[1], page=page)

    @app.get("/console/{page}", include_in_schema=False)
    def page(page: str) -> Response:
        return console.page(page)


def _add_static_files(app: FastAPI) -> None:
    @app.get("/console/static/{file}", include_in_schema=False)
    def static(
        file: str,
        v: str = "",
        accept_encoding: Annotated[str, Header()] = "",
        if_none_match: Annotated[str, Header()] = "",
    ) -> Response:
        found = asset(file)
        if found is None:
            raise ProblemError(UNKNOWN_PATH, f"the console has no file {file!r}")
        caching = {"Cache-Control": _FOR_EVER if v == found.digest else "no-cache", "ETag": f'"{found.digest}"'}
        if found.digest in if_none_match:
            return Response(status_code=304, headers=caching)
        return _content(found, caching, gzipped="gzip" in accept_encoding)


def _content(found: Asset, caching: dict[str, str], *, gzipped: bool) -> Response:
    headers = caching | {"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return Response(found.compressed if gzipped else found.content, media_type=found.media_type, headers=headers)
