"""By which identifiers a customer is known, and every fact that says so."""

import shlex

from features.domain import Link, LinkAction
from features.insights import Column, Section, Table, Unit
from features.insights.table import Value
from serving.customers import CustomerView

_KNOWN = (
    Column("identifier", "Identifier", link="customer"),
    Column("since", "Known to be theirs since", Unit.TIME, "The first fact that names it; nothing where it is the only one."),
    Column("source", "Said by"),
    Column("unlink", "Command that takes it off", explains="Takes back the last fact that links it; what was captured stays."),
)
_LINKS = (
    Column("at", "When", Unit.TIME),
    Column("action", "What was said"),
    Column("left", "Of"),
    Column("right", "and"),
    Column("source", "Said by"),
    Column("received_at", "Received", Unit.TIME),
)
_SAID = {LinkAction.LINK: "are of one person", LinkAction.UNLINK: "are not of one", LinkAction.BLOCK: "never are (blocked)"}


def identifiers_section(view: CustomerView) -> Section:
    """The identifiers and the link log."""
    known = [_known(name, view) for name in view.identifiers]
    facts = [_fact(each) for each in reversed(view.links)]
    parted = sum(each.action is not LinkAction.LINK for each in view.links)
    words = [f"Known by {len(known)} identifier{'' if len(known) == 1 else 's'}, by {len(facts)} facts of the link log."]
    if parted:
        words.append(f"{parted} of these facts part identifiers.")
    words.append("Values are kept as keyed hashes only. Wrongly merged? The command beside an identifier takes it off again.")
    tables = (
        Table.of("identifiers", "Identifiers", _KNOWN, known),
        Table.of("links", "Everything that was said about them", _LINKS, facts),
    )
    return Section(name="identifiers", title="Identifiers", words=tuple(words), tables=tables)


def _known(name: str, view: CustomerView) -> dict[str, Value]:
    naming = [each for each in view.links if name in (each.left, each.right) and each.action is LinkAction.LINK]
    first, last = (pick(naming, key=lambda each: each.visible_at, default=None) for pick in (min, max))
    return {
        "identifier": name,
        "since": None if first is None else first.visible_at.isoformat(),
        "source": None if first is None else first.source,
        "unlink": None if last is None or name == view.customer_id else _unlink(last),
    }


def _unlink(link: Link) -> str:
    return f"touchpoint unlink {shlex.quote(link.left)} {shlex.quote(link.right)}"


def _fact(link: Link) -> dict[str, Value]:
    return {
        "at": link.at.isoformat(),
        "action": _SAID[link.action],
        "left": link.left,
        "right": link.right,
        "source": link.source,
        "received_at": link.received_at.isoformat(),
    }
