"""`make bench`: run benchmarks, print one table each, write them to benchmarks.json in the home.

Without names, all of them, about an hour; `make bench ARGS="commands online"` runs some. `online` needs a home with data: run
`make demo` first.
"""

import importlib
import json
import sys

from features.errors import ConfigurationError
from features.settings import load_settings
from serving.terminal import as_plain, in_words

QUESTIONS = (
    *("commands", "online", "realtime", "journal", "kills", "store", "linking", "identity", "ingest", "history", "journeys"),
    *("estimators", "selection", "public", "world", "attribution"),
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


if __name__ == "__main__":
    main()
