"""The steps of a decision: each is what has to be recorded next, and hears whether it was.

One code decides, and whoever runs it chooses how to wait: a thread that may block, or an event loop that meanwhile serves others.
"""

import asyncio
from collections.abc import Generator
from typing import TypeVar

from features.journal import Journal, ProposedDecision

Made = TypeVar("Made")

Steps = Generator[ProposedDecision, bool, Made]
"""Yields proposals, is sent whether each was recorded, and returns what was made."""


def at_once(steps: Steps[Made], journal: Journal) -> Made:
    """Run to the end, in this thread."""
    try:
        proposed = next(steps)
        while True:
            proposed = steps.send(journal.record_decision(proposed))
    except StopIteration as end:
        made: Made = end.value
        return made


async def awaited(steps: Steps[Made], journal: Journal) -> Made:
    """Run to the end, and let the event loop go on while records are committed."""
    try:
        proposed = next(steps)
        while True:
            proposed = steps.send(await asyncio.wrap_future(journal.submit_decision(proposed)))
    except StopIteration as end:
        made: Made = end.value
        return made
