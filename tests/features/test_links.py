"""What files say of identities reaches the service, with what `identify` made of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from features.catalogue.identifiers import KNOWN_TYPES
from features.compaction import compact
from features.domain import PERSON, Link, LinkAction
from features.identity import link_of
from features.identity.batch import identify
from features.journal import Journal
from features.lake import SCHEMAS, Lake
from features.links import BroughtLinks, bring_links

AT = datetime(2026, 3, 1, tzinfo=UTC)
NOW = AT + timedelta(days=30)
MAIL, CARD, COOKIE = (f"{type_}:{'0' * 32}" for type_ in ("email", "loyalty_card", "cookie"))


def fact(one: str, other: str, *, day: float, action: LinkAction = LinkAction.LINK, source: str = "crm") -> Link:
    at = AT + timedelta(days=day)
    return link_of(one, other, action, at=at, received_at=at, source=source, message_id=f"{day}")


def in_a_file(lake: Lake, *links: Link) -> None:
    rows = [
        {name: getattr(link, name) for name in ("link_id", "left", "right", "at", "received_at", "source")}
        | {"action": link.action.value}
        for link in links
    ]
    lake.append("links", pa.Table.from_pylist(rows, schema=SCHEMAS["links"]))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def bring(lake: Lake, journal: Journal, folder: Path) -> BroughtLinks:
    identify(lake, types=KNOWN_TYPES, folder=folder, now=NOW, on_progress=lambda message: None)
    return bring_links(lake, journal, folder)


def test_links_and_customers_of_files_are_brought_once(lake: Lake, journal: Journal, tmp_path: Path) -> None:
    in_a_file(lake, fact("ann", MAIL, day=1), fact("bob", CARD, day=2), fact("ann", "bob", day=3, source=PERSON))
    assert bring(lake, journal, tmp_path / "identity") == BroughtLinks(links=3, identities=4)
    assert {journal.customer_of(each) for each in ("ann", "bob", MAIL, CARD)} == {"ann"}
    assert bring(lake, journal, tmp_path / "identity") == BroughtLinks(links=0, identities=0)
    in_a_file(lake, fact("ann", "bob", day=4, action=LinkAction.UNLINK, source=PERSON))
    assert bring(lake, journal, tmp_path / "identity") == BroughtLinks(links=1, identities=2)
    assert (journal.customer_of(CARD), journal.customer_of(MAIL)) == ("bob", "ann")


def test_without_identify_there_are_only_facts_and_what_comes_online_goes_with_them(
    lake: Lake, journal: Journal, tmp_path: Path
) -> None:
    in_a_file(lake, fact("ann", MAIL, day=1))
    assert bring_links(lake, journal, tmp_path / "identity") == BroughtLinks(links=1, identities=0)
    assert journal.customer_of(MAIL) == MAIL
    journal.append_links([fact(MAIL, COOKIE, day=2)])
    assert journal.identity_of(COOKIE).identifiers == tuple(sorted(("ann", MAIL, COOKIE)))


def test_what_came_online_since_is_not_undone(lake: Lake, journal: Journal, tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    in_a_file(lake, fact("ann", MAIL, day=1), fact("bob", CARD, day=2))
    journal.append_links([fact("bob", COOKIE, day=2.5)])
    compact(journal, lake, batch=10)
    identify(lake, types=KNOWN_TYPES, folder=folder, now=NOW, on_progress=lambda message: None)
    journal.append_links([fact("ann", "bob", day=3, source=PERSON)])
    bring_links(lake, journal, folder)
    assert {journal.customer_of(each) for each in ("bob", CARD, COOKIE)} == {"ann"}
    compact(journal, lake, batch=10)  # now the lake knows, and the file of `identify` still does not
    bring_links(lake, journal, folder)
    assert {journal.customer_of(each) for each in ("bob", CARD, COOKIE)} == {"ann"}


def test_the_lake_gets_no_fact_back_that_it_had(lake: Lake, journal: Journal, tmp_path: Path) -> None:
    in_a_file(lake, fact("ann", MAIL, day=1))
    bring(lake, journal, tmp_path / "identity")
    journal.append_links([fact("ann", CARD, day=2)])
    assert compact(journal, lake, batch=10).moved["links"] == 1
    assert lake.read("links").num_rows == 2
