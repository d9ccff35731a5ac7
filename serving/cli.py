"""The command `touchpoint`; its commands are in `serving/commands`, by what they are about.

Heavy packages are imported inside the commands, so that `--help` is instant.
"""

import os
import sys

import typer

from features.errors import TouchpointError
from serving.commands import capturing, deciding, exporting, forgetting, learning, linking, looking, proving, quarantining, ruling

app = typer.Typer(
    help="Next-best-touchpoint service: capture, learn, recommend.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for part in (deciding, capturing, linking, learning, looking, proving, forgetting, exporting, ruling):
    app.add_typer(part.app)
app.add_typer(quarantining.app, name="quarantine")


def main() -> None:
    """Run a command; bad input ends with one clear line and exit code 2.

    Feast imports three times faster with optimization on, so commands start again with it; asking for help does not. The current
    folder is kept out of the path (-P): people have packages called `features` of their own.
    """
    arguments = sys.argv[1:]
    if sys.flags.optimize == 0 and arguments and not {"--help", "-h"} & set(arguments):
        environment = os.environ | {"PYTHONOPTIMIZE": "1"}
        os.execve(sys.executable, [sys.executable, "-P", "-m", "serving.cli", *arguments], environment)
    try:
        app(prog_name="touchpoint")
    except TouchpointError as error:
        sys.stderr.write(f"touchpoint: {error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
