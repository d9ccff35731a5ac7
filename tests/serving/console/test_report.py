"""The report has all pages in one file."""

import re
from collections.abc import Callable
from pathlib import Path

from features.insights.snapshot import Snapshot
from features.settings import load_settings
from serving.console.report import report_html
from training.insights.kept import files_of, keep_report, metrics_of
from training.registry import Registry

Keep = Callable[[Path], Snapshot]


def test_it_has_every_page_and_every_link_in_it_leads_into_it(tmp_path: Path, keep: Keep) -> None:
    text = report_html(keep(tmp_path))
    body = text[: text.rindex("plotly.js v")]
    ids = set(re.findall(r' id="([^"]+)"', body))
    assert {"overview", "touchpoints", "touchpoints-best", "touchpoints-table-rates"} <= ids
    hrefs = re.findall(r' href="([^"]+)"', body)
    assert {href[1:] for href in hrefs if not href.startswith("data:")} <= ids
    assert not re.findall(r'<(?:link|script|img)[^>]*(?:src|href)="', body)


def test_a_run_keeps_pages_tables_and_the_numbers_of_cards(tmp_path: Path, keep: Keep) -> None:
    snapshot, registry = keep(tmp_path), Registry(load_settings(home=tmp_path))
    files, metrics = files_of(snapshot), metrics_of(snapshot)
    run_id = keep_report(registry, {"report.html": "<p>"} | files, at=snapshot.at, metrics=metrics)
    (root,) = (tmp_path / "mlartifacts").glob(f"**/{run_id}/artifacts")
    table = snapshot.page("touchpoints").table("rates")  # type: ignore[union-attr]
    assert (root / "tables/touchpoints/rates.csv").read_bytes().decode() == table.csv()  # type: ignore[union-attr]
    assert (root / "report.html").read_text() == "<p>"
    assert (root / "pages/overview.json").exists()
    numbers = {"touchpoints.reached": 81234.0, "touchpoints.revenue": 1234.5, "touchpoints.sources_gone_quiet": 2.0}
    assert metrics == numbers
