"""The report: all pages of a look in one HTML file, with style, script and drawing code inside; it opens without a network."""

from features.insights.snapshot import Snapshot
from serving.console.render import render


def report_html(snapshot: Snapshot) -> str:
    """All pages of a look, one below the other, from the templates of the console; about 5 MB, nearly all of it plotly."""
    pages = [page for page in map(snapshot.page, snapshot.names) if page is not None]
    return render("report.html", snapshot=snapshot, pages=pages, currency=snapshot.currency)
