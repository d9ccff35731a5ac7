"""A home in which much is known of ann, some of bob: compacted, not yet compacted, from files, refused, decided."""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.catalogue import load_catalogue
from features.compaction import compact
from features.domain import Consent, ConsentStatus, Interaction, Kind, Link, LinkAction, Outcome
from features.identity import Names, links_of
from features.identity.probabilistic import SuggestedPair
from features.identity.review import ReviewList
from features.journal import Journal, RecordedDecision
from features.lake import SCHEMAS, Lake
from features.privacy.places import Places
from features.settings import Settings
from features.store import FeatureStore

AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
KEY = b"a key of all these tests"
ANN, BOB = "ann-4711", "bob-0815"
MAIL = "ann.lee@example.com"
CATALOGUE = """
[[touchpoints]]
name = "web.page"
stage = "consideration"

[[touchpoints]]
name = "mail.offer"
stage = "purchase"
recommendable = true
"""


def interaction(message_id, customer_id=ANN, *, days=0.0, **changes):
    at = AT + timedelta(days=days)
    given = dict(touchpoint="web.page", kind=Kind.VIEW, at=at, received_at=at, source="shop")
    return Interaction(message_id=message_id, customer_id=customer_id, **{**given, **changes})


def consent(message_id, customer_id=ANN, *, status="granted", days=0.0, **changes):
    at = AT + timedelta(days=days)
    given = dict(status=ConsentStatus(status), at=at, received_at=at, source="shop", channel="email", purpose="marketing")
    return Consent(message_id=message_id, customer_id=customer_id, **{**given, **changes})


def decision(decision_id, customer_id=ANN, *, days=0.0):
    return RecordedDecision(
        decision_id=decision_id,
        customer_id=customer_id,
        touchpoint="mail.offer",
        at=AT + timedelta(days=days),
        request_hash="q",
        record=json.dumps({"decision_id": decision_id, "customer_id": customer_id}),
        candidates=("none", "mail.offer"),
        probability=0.5,
    )


def outcome(message_id, decision_id):
    at = AT + timedelta(days=2)
    return Outcome(
        message_id=message_id, decision_id=decision_id, kind=Kind.PURCHASE, at=at, received_at=at, source="shop", value=9.5
    )


def from_file(lake, table, *records):
    """Append dicts as a file would have brought them."""
    given = {"at": AT, "received_at": AT, "source": "crm"}
    rows = [{name: value for name, value in (given | record).items() if name in SCHEMAS[table].names} for record in records]
    return lake.append(table, pa.Table.from_pylist(rows, schema=SCHEMAS[table]))


def link(left, right):
    left, right = sorted((left, right))
    return Link(
        link_id=f"{left[:9]}{right[:9]}", left=left, right=right, action=LinkAction.LINK, at=AT, received_at=AT, source="crm"
    )


@dataclass(frozen=True)
class Home:
    """A home folder, opened."""

    settings: Settings
    places: Places

    interaction = staticmethod(interaction)
    consent = staticmethod(consent)
    decision = staticmethod(decision)
    outcome = staticmethod(outcome)
    from_file = staticmethod(from_file)
    link = staticmethod(link)

    @property
    def path(self):
        return self.settings.home

    @property
    def lake(self):
        return self.places.lake

    @property
    def journal(self):
        return self.places.journal

    def name(self, type_, value):
        return self.places.names.name(type_, value)

    @property
    def traces(self):
        """Whatever names ann, in clear or by a hash, and the ids of her decisions."""
        return [ANN, MAIL, self.name("email", MAIL), self.name("cookie", "k1"), "+12025550123", "ann-decision"]

    def rows(self, table, column):
        return sorted(self.lake.read(table, [column])[column].to_pylist())


def open_home(path):
    settings = Settings(home=path)
    path.mkdir(parents=True, exist_ok=True)
    settings.catalogue_path.write_text(CATALOGUE, encoding="utf-8")
    catalogue = load_catalogue(settings.catalogue_path)
    names = Names(KEY, catalogue.identifier_types, region="US")
    journal = Journal(settings.effective_journal_url, types=catalogue.identifier_types, key=KEY)
    journal.create()
    store = FeatureStore(settings, catalogue)
    lake = Lake(settings.lake_path)
    places = Places(
        lake=lake,
        journal=journal,
        store=store,
        names=names,
        identity=settings.identity_path,
        insights=settings.insights_path,
    )
    return Home(settings, places)


def fill(home):
    email, cookie = home.name("email", MAIL), home.name("cookie", "k1")
    journal, lake = home.journal, home.lake
    journal.append_interactions(
        [
            interaction("m1", identifiers=(email,), properties={"who": MAIL}),
            interaction("m2", cookie, identifiers=(email,), days=1),
            interaction("b1", BOB, identifiers=(home.name("email", "bob@example.com"),)),
        ]
    )
    journal.append_consents([consent("c1"), consent("c2", email, status="withdrawn"), consent("c3", BOB)])
    for each in (decision("ann-decision-1"), decision("bob-decision-1", BOB)):
        journal.append_decision(each, contacts_seen=None)
    journal.append_outcomes([outcome("o1", "ann-decision-1"), outcome("o2", "bob-decision-1")])
    journal.quarantine("shop", "no time", json.dumps({"customer_id": ANN}), received_at=AT)
    compact(journal, lake, batch=100)
    # not compacted
    journal.append_interactions([interaction("m3", days=2), interaction("b2", BOB, days=2)])
    journal.append_decision(decision("ann-decision-2", email, days=2), contacts_seen=None)
    journal.append_outcomes([outcome("o3", "ann-decision-2"), outcome("o5", "ann-decision-file")])
    journal.quarantine("shop", "no kind", json.dumps({"user": {"mail": MAIL.upper()}}), received_at=AT)
    journal.quarantine("shop", "no kind", json.dumps({"user": {"mail": "bob@example.com"}}), received_at=AT)
    # in files
    base = {"touchpoint": "web.page", "channel": "web", "kind": "view"}
    mine = base | {"message_id": "f1", "customer_id": ANN, "identifiers": [cookie], "traits": '{"city": "Ulm"}'}
    from_file(lake, "interactions", mine, base | {"message_id": "f2", "customer_id": BOB})
    from_file(lake, "links", *(_row(link) for link in links_of(interaction("f1", identifiers=(cookie,)))))
    from_file(lake, "decisions", {"decision_id": "ann-decision-file", "customer_id": ANN, "touchpoint": "mail.offer"})
    from_file(lake, "outcomes", {"message_id": "o4", "decision_id": "ann-decision-file", "kind": "purchase"})
    refused = [f"2024;{MAIL};x", '{"tel": "(202) 555-0123"}', '{"tel": "+12025550124"}']
    from_file(lake, "quarantine", *({"record_id": f"q{n}", "raw": raw, "reason": "bad"} for n, raw in enumerate(refused)))
    from_file(lake, "resolutions", {"record_id": "q0", "resolution": "discarded", "message": ""})
    journal.append_links([link(ANN, home.name("phone", "+12025550123"))])
    home.settings.identity_path.mkdir(exist_ok=True)
    review = ReviewList(home.settings.identity_path / "review.jsonl")
    review.add([SuggestedPair(ANN, BOB, 0.8, {}), SuggestedPair(BOB, "zoe", 0.8, {})], at=AT)
    return home


def _row(fact):
    return {name: getattr(fact, name) for name in ("link_id", "left", "right", "action", "at", "received_at", "source")}


@pytest.fixture
def open_at():
    """Opens a home at a path, one after the other."""
    opened = []

    def open_(path):
        opened.append(open_home(path))
        return opened[-1]

    yield open_
    for home in opened:
        home.journal.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """A home filled and closed again, to be copied."""
    home = fill(open_home(tmp_path_factory.mktemp("filled") / "home"))
    home.journal.close()
    return home.path


@pytest.fixture
def home(filled, tmp_path, open_at):
    return open_at(shutil.copytree(filled, tmp_path / "home"))
