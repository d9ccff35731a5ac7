"""How every command runs: over the home's workspace, with progress on standard error and its result on standard output."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.settings import Settings, load_settings

if TYPE_CHECKING:
    from features.workspace import Workspace

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
At = Annotated[datetime | None, typer.Option(help="As if it were then (UTC unless it names a zone); default: now.")]
Who = Annotated[str, typer.Argument(help="A customer_id, an identifier, or a type and value such as email=ada@example.com.")]

Say = Callable[[str], None]


def settings() -> Settings:
    """The settings of the home in force."""
    return load_settings()


def now() -> datetime:
    """The time; here it enters, everything further in takes it as an argument."""
    return datetime.now(UTC)


def utc(at: datetime | None) -> datetime | None:
    """A time given on the command line; without a zone it is UTC."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def run(as_json: bool, work: "Callable[[Workspace, Say], Any]") -> Any:
    """Do the work, print its result, give it back."""
    from features.workspace import Workspace
    from serving.running.terminal import Terminal

    with Terminal(as_json=as_json) as terminal:
        result = work(Workspace(settings()), terminal.say)
        terminal.result(result)
    return result


def identifier_of(workspace: "Workspace", who: str) -> str:
    """The identifier that somebody was named by; `type=value` is hashed at once.

    Raises
    ------
    RequestError
        When the value is not of that type, or there is no such type.
    """
    from serving.door import Door

    return Door(workspace.names).names_of(who)[0]
