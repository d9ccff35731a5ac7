"""What the command line does without the service is what the service does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.domain import LinkAction
from features.errors import RequestError
from serving.running.local import recommend_locally, state_link

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_link_said_by_command_counts_for_the_next_decision_and_can_be_taken_back(bench: Any) -> None:
    workspace = bench.workspace
    cookie = workspace.names.name("cookie", "c1")
    said = state_link(workspace, LinkAction.LINK, "cookie=c1", "ann", now=NOW)
    assert (said.status, said.customers) == ("accepted", ("ann",))
    answer = recommend_locally(workspace, cookie, at=None, now=NOW, record=False, decision_id=None)
    assert answer.customer_id == "ann"
    parted = state_link(workspace, LinkAction.UNLINK, cookie, "ann", now=NOW + timedelta(seconds=1))
    assert set(parted.customers) == {"ann", cookie}


def test_a_statement_that_says_nothing_is_refused(bench: Any) -> None:
    for one, other in (("ann", "ann"), ("email=no address", "ann")):
        with pytest.raises(RequestError):
            state_link(bench.workspace, LinkAction.LINK, one, other, now=NOW)
