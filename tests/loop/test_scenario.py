"""One person, five sources, five identifiers, three formats: one customer with one journey, in the right order.

An Instagram ad, a product page, a cart, an abandoned-cart e-mail, a service call about shipping, a purchase in the mobile app.
The mails and the calls come late, the calls twice. A second customer got the same e-mail and ignored it.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from features.settings import load_settings
from serving.running import launch

CATALOGUE = """
presets = ["segment"]

[[touchpoints]]
name = "social.instagram_ad"
stage = "awareness"

[[touchpoints]]
name = "email.abandoned_cart"
stage = "purchase"
recommendable = true
cost = 0.02

[[touchpoints]]
name = "call.shipping"
stage = "consideration"
message_class = "service"

[[touchpoints]]
name = "app.checkout"
stage = "purchase"

[[caps]]
limit = 1
days = 7
channel = "email"
"""

ADS = """
name = "instagram"

[[interactions]]
message_id = "click_id"
identifiers = { advertising = "idfa", cookie = "landing_cookie" }
touchpoint = { constant = "social.instagram_ad" }
kind = { constant = "click" }
at = { column = "clicked", unit = "s" }
"""

MAILS = """
name = "mail_tool"

[[interactions]]
message_id = "send_id"
identifiers = { email = "to.address" }
touchpoint = { constant = "email.abandoned_cart" }
kind = { constant = "contact" }
at = "sent"
received_after = "2d"
"""

CALLS = """
name = "call_centre"
timezone = "America/New_York"
delimiter = ";"

[[interactions]]
message_id = "call_no"
identifiers = { phone = "caller", email = "account_mail" }
touchpoint = { constant = "call.shipping" }
kind = { constant = "call" }
at = { column = "started", format = "%m/%d/%y %H:%M:%S" }
received_after = "2d"
text = "notes"
"""

PURCHASES = """
name = "mobile_app"

[[interactions]]
message_id = "order"
customer_id = "account"
identifiers = { phone = "phone" }
touchpoint = { constant = "app.checkout" }
kind = { constant = "purchase" }
at = "paid_at"
value = "amount"
"""

MAIL, PHONE, COOKIE = "Ada.Lovelace@Example.com", "+1 212-555-0143", "anon-7f3a"
START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)  # the edge of the system: commands run now
TIMES = {
    "ad": START,
    "page": START + timedelta(hours=1),
    "cart": START + timedelta(hours=2),
    "mail": START + timedelta(hours=6),
    "call": START + timedelta(hours=20),
    "purchase": START + timedelta(hours=30),
}
JOURNEY = [
    ("social.instagram_ad", "click", "awareness", TIMES["ad"]),
    ("web.product_page", "view", "consideration", TIMES["page"]),
    ("web.cart", "cart", "purchase", TIMES["cart"]),
    ("email.abandoned_cart", "contact", "purchase", TIMES["mail"]),
    ("call.shipping", "call", "consideration", TIMES["call"]),
    ("app.checkout", "purchase", "purchase", TIMES["purchase"]),
]


def write_sources(folder: Path) -> None:
    """What each system would export."""
    for name, text in (("ads", ADS), ("mails", MAILS), ("calls", CALLS), ("purchases", PURCHASES)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    clicked = int(TIMES["ad"].timestamp())
    (folder / "ads.csv").write_text(f"click_id,idfa,landing_cookie,clicked\nc1,AAAA-1111,{COOKIE},{clicked}\n", encoding="utf-8")
    sent = [("m1", MAIL.lower()), ("m2", "grace@example.org")]
    lines = [{"send_id": name, "to": {"address": address}, "sent": TIMES["mail"].isoformat()} for name, address in sent]
    (folder / "mails.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    started = TIMES["call"].astimezone(_new_york()).strftime("%m/%d/%y %H:%M:%S")
    calls = (
        f"call_no;caller;account_mail;started;notes\n77;(212) 555-0143;{MAIL};{started};shipping is late and I am very unhappy\n"
    )
    (folder / "calls.csv").write_text(calls, encoding="utf-8")
    order = {"order": ["o1"], "account": ["ada"], "phone": [PHONE], "paid_at": [TIMES["purchase"]], "amount": [129.9]}
    parquet.write_table(pa.table(order), folder / "purchases.parquet")


def _new_york() -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo("America/New_York")


class Client:
    """Talks to the service as an app and a web SDK would."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def journey(self, customer: str) -> list[tuple[str, str, str, datetime]]:
        view = self.call("GET", f"/v1/customers/{quote(customer)}")
        rows = [(row["touchpoint"], row["kind"], row["stage"], datetime.fromisoformat(row["at"])) for row in view["journey"]]
        return rows[::-1]


@pytest.fixture(scope="module")
def scenario(make_home: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Client]]:
    home, folder = make_home(), tmp_path_factory.mktemp("scenario")
    (home.path / "catalogue.toml").write_text(CATALOGUE, encoding="utf-8")
    write_sources(folder)
    port = launch.free_port(0)
    home.run("materialize")
    with launch.running(launch.service(load_settings(home=home.path), port=port), log=str(home.path / "service.log")):
        client = Client(port)
        for name in ("ads.csv", "purchases.parquet"):
            home.run("ingest", str(folder / name), "--source", str(folder / f"{name.partition('.')[0]}.toml"))
        _browse(client)
        for name in ("mails.jsonl", "calls.csv", "calls.csv"):  # the late ones, and one of them twice
            home.run("ingest", str(folder / name), "--source", str(folder / f"{name.partition('.')[0]}.toml"))
        home.run("materialize")
        yield home, client


def _browse(client: Client) -> None:
    product = {"product_id": "p1", "price": 129.9}
    seen = {"type": "track", "event": "Product Viewed", "anonymousId": COOKIE, "properties": product, "messageId": "s1"}
    added = {"type": "track", "event": "Product Added", "anonymousId": COOKIE, "properties": product, "messageId": "s2"}
    known = {"type": "identify", "anonymousId": COOKIE, "traits": {"email": MAIL}, "messageId": "s3"}
    times = (TIMES["page"], TIMES["cart"], TIMES["cart"])
    batch = [event | {"timestamp": at.isoformat()} for event, at in zip((seen, added, known), times, strict=True)]
    assert client.call("POST", "/v1/batch", {"batch": batch})["success"] is True
    client.call("POST", "/v1/batch", {"batch": batch[:2]})  # an SDK that heard no answer sends again


def test_six_interactions_of_five_sources_are_one_journey_in_the_right_order(scenario: tuple[Any, Client]) -> None:
    _, client = scenario
    shown = [step for step in client.journey("ada") if step[1] != "profile"]
    assert shown == JOURNEY


def test_the_mail_and_the_call_stand_before_the_purchase(scenario: tuple[Any, Client]) -> None:
    _, client = scenario
    touchpoints = [step[0] for step in client.journey("ada")]
    bought = touchpoints.index("app.checkout")
    assert {"email.abandoned_cart", "call.shipping"} <= set(touchpoints[:bought])


def test_every_identifier_leads_to_the_same_customer(scenario: tuple[Any, Client]) -> None:
    _, client = scenario
    identifiers = ({"email": MAIL}, {"phone": PHONE}, {"cookie": COOKIE}, {"advertising": "aaaa-1111"}, {"customer_id": "ada"})
    found = {client.call("POST", "/v1/recommend", {"identifiers": each, "dry_run": True})["customer_id"] for each in identifiers}
    assert found == {"ada"}


def test_caps_count_the_mail_that_was_sent_to_an_address(scenario: tuple[Any, Client]) -> None:
    _, client = scenario
    reply = client.call("POST", "/v1/recommend", {"identifiers": {"cookie": COOKIE}})
    record = client.call("GET", f"/v1/decisions/{reply['decision_id']}")
    (mail,) = (each for each in record["candidates"] if each["touchpoint"] == "email.abandoned_cart")
    assert (mail["eligible"], mail["stage"]) == (False, "contacts")
    assert mail["rule"].startswith("at most 1 x email in 7 days: sent on ")


def test_the_second_customer_got_the_mail_and_ignored_it(scenario: tuple[Any, Client]) -> None:
    _, client = scenario
    other = client.call("POST", "/v1/recommend", {"identifiers": {"email": "grace@example.org"}, "dry_run": True})["customer_id"]
    assert other.startswith("email:")
    assert [step[:2] for step in client.journey(other)] == [("email.abandoned_cart", "contact")]


def test_a_nightly_rebuild_gives_the_features_that_were_there(scenario: tuple[Any, Client]) -> None:
    home, _ = scenario
    report = home.json("reconcile", "--sample", "10")
    assert report["compared"] >= 2 and report["differing"] == [], report


def test_no_identifier_is_in_clear_anywhere(scenario: tuple[Any, Client]) -> None:
    from features.privacy.scan import places_holding

    home, _ = scenario
    clear = [MAIL, MAIL.lower(), "grace@example.org", "2125550143", "555-0143", COOKIE, "AAAA-1111", "aaaa-1111"]
    assert places_holding(home.path, clear) == []
