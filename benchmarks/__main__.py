"""`make bench`: run every benchmark, print one table, write benchmarks.json into the home. Run `make demo` first."""

import json

from benchmarks import commands, online
from features.settings import load_settings
from serving.terminal import as_plain, in_words


def main() -> None:
    """Measure and tell."""
    results = [as_plain(module.measure()) for module in (commands, online)]
    print("\n\n".join(in_words(result) for result in results))
    path = load_settings().home / "benchmarks.json"
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
