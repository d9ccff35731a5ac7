"""Truth: at every time, the batch says what `resolve` says of the facts that counted by then."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue.identifiers import KNOWN_TYPES, IdentifierType
from features.domain import PERSON, Link, LinkAction
from features.identity import IdentifyReport, identify, link_of, resolve
from features.instants import microseconds
from features.lake import SCHEMAS, Lake

TYPES = {**KNOWN_TYPES, "card": IdentifierType(most_customers=2)}
START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=99)


def typed(type_: str, digit: str = "0") -> str:
    return f"{type_}:{digit * 32}"


EMAIL, PHONE, DEVICE, COOKIE, IP, CARD = (typed(type_) for type_ in ("email", "phone", "device", "cookie", "ip", "card"))
PLAYERS = ("ann", "bob", "cat", EMAIL, PHONE, DEVICE, COOKIE, typed("cookie", "1"), IP, CARD)


def fact(one: str, other: str, day: int = 0, action: str = "link", source: str = "shop") -> Link:
    at = START + timedelta(days=day)
    return link_of(one, other, LinkAction(action), at=at, received_at=at, source=source, message_id=f"m{day}")


def appended(lake: Lake, links: Sequence[Link]) -> Lake:
    columns = [name for name in SCHEMAS["links"].names if name != "position"]
    rows = [{name: getattr(link, name) for name in columns} | {"position": None} for link in links]
    lake.append("links", pa.Table.from_pylist(rows, schema=SCHEMAS["links"]))
    return lake


def seen(lake: Lake, customer_id: str, day: int) -> None:
    at = START + timedelta(days=day)
    row = {"message_id": f"{customer_id}{day}", "customer_id": customer_id, "touchpoint": "web.page", "channel": "web"}
    row |= {"kind": "view", "at": at, "received_at": at, "source": "shop"}
    lake.append("interactions", pa.Table.from_pylist([row], schema=SCHEMAS["interactions"]))


def identified(lake: Lake, folder: Path, *, now: datetime = END) -> IdentifyReport:
    return identify(lake, types=TYPES, folder=folder, now=now, on_progress=lambda _: None)


def rows(folder: Path) -> list[dict[str, object]]:
    return pq.read_table(folder / "members.parquet").to_pylist()


def today(folder: Path) -> dict[str, str]:
    return {str(row["identifier"]): str(row["customer_id"]) for row in rows(folder) if row["valid_to"] is None}


def as_of(found: Sequence[Mapping[str, object]], at: int) -> dict[str, str]:
    def holds(begin: int, end: int | None) -> bool:
        return begin <= at and (end is None or at < end)

    valid = [row for row in found if holds(row["valid_from"], row["valid_to"])]  # type: ignore[arg-type]
    result = {str(row["identifier"]): str(row["customer_id"]) for row in valid}
    assert len(result) == len(valid), "two customers at one time"
    return result


def check(log: Sequence[Link], folder: Path) -> None:
    """That at every time of the log the batch says what resolve does."""
    identified(appended(Lake(folder), log), folder)
    found = rows(folder)
    since = {
        str(row["identifier"]): START + timedelta(microseconds=int(str(row["since"])) - microseconds(START)) for row in found
    }
    for at in sorted({link.visible_at for link in log}):
        expected = resolve([link for link in log if link.visible_at <= at], types=TYPES, since=since)
        assert as_of(found, microseconds(at)) == expected, at


pairs = st.lists(st.sampled_from(PLAYERS), min_size=2, max_size=2, unique=True)
actions = st.sampled_from(["link"] * 8 + ["unlink", "block"])
facts = st.builds(
    lambda pair, *said: fact(*pair, *said), pairs, st.integers(0, 9), actions, st.sampled_from(["shop", "shop", PERSON])
)


@settings(max_examples=25, deadline=None)
@given(st.lists(facts, min_size=1, max_size=20, unique_by=lambda link: link.link_id))
def test_at_every_time_it_says_what_resolve_says(log: list[Link]) -> None:
    with TemporaryDirectory() as folder:
        check(log, Path(folder))


@pytest.mark.parametrize("seed", range(3))
def test_at_every_time_it_says_what_resolve_says_of_many_components(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    log: dict[str, Link] = {}
    for component in range(150):
        own = [
            typed(name.split(":")[0], "0")[:-4] + f"{component:04x}" if ":" in name else name + str(component) for name in PLAYERS
        ]
        # A third of them only link, and have one customer_id at most, as most do in life; a third only link
        flavour = component % 3
        players = own[2 + chance.randrange(2) :] if flavour == 0 else chance.sample(own, 6)
        for _ in range(chance.randrange(1, 16)):
            action = chance.choice(["link"] * 6 + ["unlink", "block"]) if flavour == 2 else "link"
            source = chance.choice(["shop", "shop", PERSON])
            link = fact(*chance.sample(players, 2), chance.randrange(12), action, source)
            log[link.link_id] = link
    check(list(log.values()), tmp_path)


C2, C3 = typed("cookie", "2"), typed("cookie", "3")


@pytest.mark.parametrize(
    "log",
    [
        [fact(COOKIE, C2, 1, "block"), fact(COOKIE, DEVICE, 2), fact(DEVICE, C2, 3)],
        [fact("ann", DEVICE, 1), fact(DEVICE, COOKIE, 2), fact("bob", DEVICE, 3)],
        [
            fact("ann", DEVICE, 1),
            fact("bob", DEVICE, 2),
            fact("bob", DEVICE, 3, "unlink"),
            fact("bob", DEVICE, 4),
            fact(DEVICE, C2, 5),
        ],
        [fact("ann", CARD, 1), fact("bob", CARD, 2), fact(CARD, COOKIE, 3), fact("cat", CARD, 4), fact("ann", "bob", 5)],
        [
            fact("ann", EMAIL, 1),
            fact("bob", EMAIL, 1),
            fact("ann", "bob", 2),
            fact("ann", "bob", 3, "block"),
            fact(EMAIL, COOKIE, 4),
        ],
        [fact("ann", EMAIL, 1), fact(EMAIL, COOKIE, 1), fact("ann", EMAIL, 1, "unlink"), fact("bob", COOKIE, 1)],
    ],
    ids=["apart", "shared later", "shared again", "two, then three", "merged and blocked", "all at once"],
)
def test_at_every_time_it_says_what_resolve_says_of_hard_cases(tmp_path: Path, log: list[Link]) -> None:
    check(log, tmp_path)


def test_without_links_everyone_is_their_own_customer(tmp_path: Path) -> None:
    seen(Lake(tmp_path), "ann", 0)
    report = identified(Lake(tmp_path), tmp_path)
    assert (report.identifiers, report.customers, rows(tmp_path)) == (0, 0, [])


def test_a_membership_begins_when_its_link_became_known(tmp_path: Path) -> None:
    at, known = START, START + timedelta(days=5)
    late = link_of("ann", COOKIE, LinkAction.LINK, at=at, received_at=known, source="shop", message_id="m")
    identified(appended(Lake(tmp_path), [late]), tmp_path)
    assert {row["valid_from"] for row in rows(tmp_path)} == {microseconds(known)}


def test_a_link_of_tomorrow_counts_tomorrow(tmp_path: Path) -> None:
    lake = appended(Lake(tmp_path), [fact("ann", COOKIE, 1), fact("ann", EMAIL, 2)])
    assert identified(lake, tmp_path, now=START + timedelta(days=1)).identifiers == 2
    assert identified(lake, tmp_path, now=START + timedelta(days=2)).identifiers == 3


def test_a_device_is_the_first_customers_until_a_second_one_uses_it(tmp_path: Path) -> None:
    identified(appended(Lake(tmp_path), [fact("ann", DEVICE, 1), fact("bob", DEVICE, 3)]), tmp_path)
    history = {(row["customer_id"], row["valid_from"], row["valid_to"]) for row in rows(tmp_path) if row["identifier"] == DEVICE}
    first, second = (microseconds(START + timedelta(days=day)) for day in (1, 3))
    assert history == {("ann", first, second), (DEVICE, second, None)}


def test_a_device_of_thousands_costs_nothing_and_joins_nobody(tmp_path: Path) -> None:
    crowd = [fact(f"customer{k}", DEVICE, 1 + k % 50) for k in range(3000)]
    # One of them was merged by hand, so that it may be one person with another
    report = identified(appended(Lake(tmp_path), [*crowd, fact("customer7", "customer8", 2)]), tmp_path)
    assert (report.identifiers, report.customers, report.shared) == (3001, 3000, 1)


def test_many_identifiers_of_nobody_follow_the_one_that_logs_in(tmp_path: Path) -> None:
    cookies = [f"cookie:{k:032x}" for k in range(100)]
    devices = [f"device:{k:032x}" for k in range(100)]
    log = [fact(cookie, device, 1) for cookie, device in zip(cookies, devices, strict=True)]
    log += [fact(cookie, EMAIL, 2) for cookie in cookies]
    check([*log, fact("ann", EMAIL, 3)], tmp_path)
    assert set(today(tmp_path).values()) == {"ann"}


def test_when_somebody_became_known_is_said_by_the_first_interaction_and_never_revised(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    seen(lake, "ann", 5)
    seen(lake, "bob", 7)
    identified(appended(lake, [fact("ann", COOKIE, 8), fact("ann", "bob", 9)]), tmp_path)
    assert set(today(tmp_path).values()) == {"ann"}
    seen(lake, "bob", 1)  # of an older file that came later
    identified(appended(lake, [fact("bob", EMAIL, 2)]), tmp_path)
    assert set(today(tmp_path).values()) == {"ann"}
    since = {row["identifier"]: row["since"] for row in rows(tmp_path)}
    days = {"ann": 5, "bob": 7, COOKIE: 8, EMAIL: 2}
    assert since == {identifier: microseconds(START + timedelta(days=day)) for identifier, day in days.items()}


def test_who_first_said_something_about_consent_is_the_older_customer_as_in_the_journal(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    said = {"message_id": "1", "customer_id": "bob", "status": "denied", "at": START, "received_at": START, "source": "api"}
    lake.append("consents", pa.Table.from_pylist([said], schema=SCHEMAS["consents"]))
    seen(lake, "ann", 1)
    seen(lake, "bob", 2)
    identified(appended(lake, [fact("ann", "bob", 3)]), tmp_path)
    assert set(today(tmp_path).values()) == {"bob"}


def test_a_run_again_changes_nothing(tmp_path: Path) -> None:
    lake = appended(Lake(tmp_path), [fact("ann", COOKIE, 1), fact("bob", COOKIE, 2), fact("bob", "cat", 3)])
    identified(lake, tmp_path)
    before = sorted(map(str, rows(tmp_path)))
    report = identified(lake, tmp_path)
    assert sorted(map(str, rows(tmp_path))) == before
    assert (report.merges, report.splits, report.moves) == (0, 0, 0)


def test_it_tells_what_was_merged_split_and_moved_since_the_last_time(tmp_path: Path) -> None:
    lake = appended(
        Lake(tmp_path), [fact("ann", COOKIE, 1), fact("bob", EMAIL, 2), fact("ann", DEVICE, 2), fact("cat", PHONE, 2)]
    )
    first = identified(lake, tmp_path)
    assert (first.merges, first.splits, first.moves, first.merged, first.customers) == (0, 0, 0, (), 3)
    news = [fact("ann", "bob", 3), fact("ann", COOKIE, 3, "unlink"), fact("ann", DEVICE, 3, "block"), fact("cat", DEVICE, 4)]
    second = identified(appended(lake, news), tmp_path)
    assert (second.merges, second.merged) == (1, (("bob", "ann"),))
    assert (second.splits, second.split) == (1, ((COOKIE, "ann"),))
    assert second.moves == 2  # the e-mail address with Bob, and the device
    assert (second.kept_apart, second.customers) == (2, 3)
    third = identified(appended(lake, [fact("ann", "bob", 5, "unlink")]), tmp_path)
    assert third.split == (("bob", "ann"),)


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    identified(appended(Lake(tmp_path), [fact("ann", COOKIE)]), tmp_path / "identity")
    assert [path.name for path in (tmp_path / "identity").iterdir()] == ["members.parquet"]
