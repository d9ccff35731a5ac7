from datetime import UTC, datetime, timedelta

import pytest

from features.domain import Consent, ConsentStatus, Kind
from features.lake import duckdb_session
from features.privacy.subscriptions import bring_consents, consents_from, consents_query

AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
ANN = "ann-4711"


@pytest.fixture
def home(tmp_path, open_at):
    return open_at(tmp_path / "home")


def test_to_unsubscribe_withdraws_marketing_on_that_channel_and_to_subscribe_grants_it(home):
    left = consents_from(home.interaction("m1", touchpoint="email.list", kind=Kind.UNSUBSCRIBE))
    assert left == Consent(
        message_id=left.message_id,
        customer_id=ANN,
        status=ConsentStatus.WITHDRAWN,
        at=AT,
        received_at=AT,
        source="shop",
        channel="email",
        purpose="marketing",
    )
    assert len(left.message_id) <= 200 and left.message_id != "m1"
    joined = consents_from(home.interaction("m1", touchpoint="sms.list", kind=Kind.SUBSCRIBE))
    assert (joined.status, joined.channel) == ("granted", "sms")
    assert consents_from(home.interaction("m1")) is None


def test_on_an_unknown_channel_leaving_means_all_of_them_and_joining_none(home):
    left = consents_from(home.interaction("m1", touchpoint="unknown.unknown", kind=Kind.UNSUBSCRIBE))
    assert (left.status, left.channel) == ("withdrawn", None)
    assert consents_from(home.interaction("m1", touchpoint="unknown.unknown", kind=Kind.SUBSCRIBE)) is None


def test_the_lake_is_read_just_as_single_interactions_are(home):
    each = [
        home.interaction("m1", touchpoint="email.list", kind=Kind.UNSUBSCRIBE),
        home.interaction("m2", touchpoint="unknown.unknown", kind=Kind.UNSUBSCRIBE),
        home.interaction("m3", touchpoint="unknown.unknown", kind=Kind.SUBSCRIBE),
        home.interaction("m4", touchpoint="sms.list", kind=Kind.SUBSCRIBE, days=1),
        home.interaction("m5"),
    ]
    names = ("message_id", "customer_id", "touchpoint", "channel", "kind", "at", "received_at", "source")
    home.from_file(home.lake, "interactions", *({name: getattr(one, name) for name in names} for one in each))
    stated = home.consent("c1", status="denied")
    names = ("message_id", "customer_id", "channel", "purpose", "status", "at", "received_at", "source")
    home.from_file(home.lake, "consents", {name: getattr(stated, name) for name in names})
    with duckdb_session() as connection:
        assert connection.execute(f"SELECT count(*) FROM ({consents_query(home.lake)})").fetchall() == [(4,)]
    assert bring_consents(home.lake, home.journal, since=AT + timedelta(hours=1)) == 1
    assert bring_consents(home.lake, home.journal, since=AT) == 4
    expected = [stated, *(consent for one in each if (consent := consents_from(one)) is not None)]
    order = lambda consent: consent.message_id  # noqa: E731
    assert sorted(home.journal.consents_of([ANN]), key=order) == sorted(expected, key=order)


def test_a_home_without_any_has_none(home):
    assert bring_consents(home.lake, home.journal, since=AT) == 0
