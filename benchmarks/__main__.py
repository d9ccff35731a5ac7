"""`make bench`: run benchmarks, print one table of all their figures, and write everything to benchmarks.json in the home.

Without names, all of them, some hours; `make bench ARGS="commands online"` runs some. Figures of earlier runs stay in the
file and in the table until they are measured again.
"""

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.ratios import Figure
from features.errors import ConfigurationError
from features.settings import load_settings
from serving.running.terminal import as_plain, in_words

QUESTIONS = (
    *("commands", "online", "realtime", "journal", "kills", "store", "linking", "identity", "ingest", "history", "join", "spark"),
    *("journeys", "estimators", "selection", "public", "world", "attribution", "credit", "batch", "workers", "materialize"),
    *("judging", "training", "ope", "retrain"),
)


def main() -> None:
    """Measure and tell."""
    names = sys.argv[1:] or QUESTIONS
    if unknown := sorted(set(names) - set(QUESTIONS)):
        raise ConfigurationError(f"no benchmark {', '.join(unknown)}; choose of {', '.join(QUESTIONS)}")
    path = load_settings().home / "benchmarks.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in names:
        results[name] = as_plain(importlib.import_module(f"benchmarks.{name}").measure())
        print(in_words({name: results[name]}) + "\n", flush=True)
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    Console(width=160).print(_table(results))


def _table(results: Mapping[str, Any]) -> Table:
    """All figures, those of earlier runs as well."""
    table = Table("benchmark", "figure", "ours", "against", "theirs", "ratio", "from .. to", "target", "reached")
    for name, result in results.items():
        for figure in _figures(result):
            table.add_row(name, *_row(figure))
    return table


def _figures(result: Any) -> Iterator[Figure]:
    """Wherever in a benchmark's result its figures stand."""
    if isinstance(result, Mapping):
        if result.keys() == set(Figure.__dataclass_fields__):
            yield Figure(**result)
        else:
            for each in result.values():
                yield from _figures(each)
    elif isinstance(result, list):
        for each in result:
            yield from _figures(each)


def _row(figure: Figure) -> tuple[str, ...]:
    theirs = "" if figure.theirs is None else f"{figure.theirs:.4g} {figure.unit}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    spread = "" if figure.low is None or figure.high is None else f"{figure.low:.2f} .. {figure.high:.2f}"
    target = " ".join(
        f"{sign} {limit:g}" for sign, limit in (("<=", figure.at_most), (">=", figure.at_least)) if limit is not None
    )
    reached = {True: "yes", False: "no", None: ""}[figure.is_reached]
    return figure.name, f"{figure.ours:.4g} {figure.unit}", figure.against, theirs, ratio, spread, target, reached


if __name__ == "__main__":
    main()
