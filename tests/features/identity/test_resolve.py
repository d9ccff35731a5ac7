"""Every rule of the resolution by hand, and that the order of the facts never matters."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue.identifiers import KNOWN_TYPES, IdentifierType
from features.domain import PERSON, Link, LinkAction
from features.identity import link_of, resolve

START = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C = "ann", "bob", "cat"


def typed(type_: str, digit: str = "0") -> str:
    return f"{type_}:{digit * 32}"


EMAIL, PHONE, DEVICE, COOKIE, IP = (typed(type_) for type_ in ("email", "phone", "device", "cookie", "ip"))


def fact(one: str, other: str, day: int = 0, action: str = "link", source: str = "shop") -> Link:
    at = START + timedelta(days=day)
    return link_of(one, other, LinkAction(action), at=at, received_at=at, source=source, message_id=f"m{day}")


def customers(*links: Link, since: Mapping[str, int] | None = None, **types: IdentifierType) -> dict[str, str]:
    days = {identifier: START + timedelta(days=day) for identifier, day in (since or {}).items()}
    return resolve(links, types={**KNOWN_TYPES, **types}, since=days)


def test_an_anonymous_cookie_is_the_customer_who_logs_in() -> None:
    assert customers(fact(COOKIE, DEVICE, 0)) == {COOKIE: COOKIE, DEVICE: COOKIE}
    assert customers(fact(COOKIE, DEVICE, 0), fact(A, COOKIE, 1)) == {COOKIE: A, DEVICE: A, A: A}


def test_among_identifiers_without_a_customer_id_the_oldest_names_them() -> None:
    links = fact(COOKIE, DEVICE), fact(DEVICE, EMAIL)
    assert set(customers(*links, since={COOKIE: 3, DEVICE: 2, EMAIL: 1}).values()) == {EMAIL}
    assert set(customers(*links, since={COOKIE: 1, DEVICE: 1, EMAIL: 1}).values()) == {COOKIE}  # a tie goes by name


def test_of_merged_customers_the_oldest_stays() -> None:
    assert customers(fact(A, B, 5), since={A: 2, B: 1}) == {A: B, B: B}
    assert customers(fact(A, B, 5), since={A: 1, B: 1}) == {A: A, B: A}


def test_the_time_from_which_a_fact_counts_is_the_later_of_both() -> None:
    late = Link(
        link_id="late",
        left=A,
        right=COOKIE,
        action=LinkAction.LINK,
        at=START,
        received_at=START + timedelta(days=9),
        source="shop",
    )
    assert customers(late, fact(A, COOKIE, 5, "unlink"))[COOKIE] == A


def test_an_unlink_parts_and_a_later_link_links_again() -> None:
    link, unlink, again = fact(A, COOKIE, 1), fact(A, COOKIE, 2, "unlink"), fact(A, COOKIE, 3)
    assert customers(link, unlink) == {A: A, COOKIE: COOKIE}
    assert customers(link, unlink, again) == {A: A, COOKIE: A}


def test_after_a_block_only_a_person_links_again() -> None:
    link, block = fact(A, COOKIE, 1), fact(A, COOKIE, 2, "block")
    observed, unlink, said = fact(A, COOKIE, 3), fact(A, COOKIE, 4, "unlink"), fact(A, COOKIE, 5, source=PERSON)
    assert customers(link, block, observed)[COOKIE] == COOKIE
    assert customers(link, block, unlink, fact(A, COOKIE, 5))[COOKIE] == COOKIE
    assert customers(link, block, observed, said)[COOKIE] == A
    assert customers(link, block, said, fact(A, COOKIE, 6, "unlink"), fact(A, COOKIE, 7))[COOKIE] == A


def test_who_is_kept_apart_is_not_united_by_way_of_others() -> None:
    links = fact(A, EMAIL, 1), fact(EMAIL, COOKIE, 2), fact(A, DEVICE, 3), fact(DEVICE, COOKIE, 4)
    assert set(customers(*links).values()) == {A}
    assert customers(*links, fact(EMAIL, COOKIE, 5, "block"))[COOKIE] == COOKIE
    assert customers(*links, fact(A, DEVICE, 5, "unlink")) == {A: A, EMAIL: A, COOKIE: A, DEVICE: DEVICE}


def test_a_device_of_two_customers_is_nobodys() -> None:
    shared = fact(A, DEVICE, 1), fact(B, DEVICE, 2), fact(DEVICE, COOKIE, 3)
    assert customers(*shared) == {A: A, B: B, DEVICE: DEVICE, COOKIE: COOKIE}


def test_a_family_e_mail_merges_nobody() -> None:
    family = fact(A, EMAIL, 1), fact(B, EMAIL, 2), fact(A, COOKIE, 3), fact(B, PHONE, 3)
    assert customers(*family) == {A: A, B: B, EMAIL: EMAIL, COOKIE: A, PHONE: B}


def test_an_identifier_is_no_longer_shared_once_a_customer_is_unlinked_from_it() -> None:
    assert customers(fact(A, DEVICE, 1), fact(B, DEVICE, 2), fact(B, DEVICE, 3, "unlink"))[DEVICE] == A


def test_a_chain_merges_two_customers_as_little_as_one_identifier_does() -> None:
    chain = fact(A, EMAIL, 4), fact(EMAIL, COOKIE, 1), fact(COOKIE, PHONE, 2), fact(PHONE, B, 3)
    # The weaker end of both middle edges is the cookie: the older edge is first
    assert customers(*chain) == {A: A, EMAIL: A, COOKIE: A, PHONE: B, B: B}


def test_the_stronger_edge_wins_whatever_its_age() -> None:
    links = fact(COOKIE, PHONE, 1), fact(PHONE, B, 1), fact(EMAIL, A, 1), fact(EMAIL, PHONE, 9)
    assert customers(*links)[PHONE] == B  # with a phone at its weaker end, either edge is as strong, and this one older
    assert customers(*links)[COOKIE] == B


def test_evidence_is_kept_and_links_nobody() -> None:
    assert customers(fact(A, IP), fact(IP, COOKIE)) == {A: A, IP: IP, COOKIE: COOKIE}


def test_a_type_may_allow_two_customers_and_a_third_undoes_it() -> None:
    card = IdentifierType(most_customers=2)
    one, two, three = fact(A, typed("card"), 1), fact(B, typed("card"), 2), fact(C, typed("card"), 3)
    assert customers(one, two, card=card) == {A: A, B: A, typed("card"): A}
    assert customers(one, two, three, card=card) == {A: A, B: B, C: C, typed("card"): typed("card")}


def test_two_identifiers_that_allow_two_each_do_not_merge_three() -> None:
    card = IdentifierType(most_customers=2)
    first, second = typed("card", "1"), typed("card", "2")
    links = fact(A, first, 1), fact(B, first, 2), fact(B, second, 3), fact(C, second, 4)
    assert customers(*links, card=card) == {A: A, B: A, first: A, second: A, C: C}


def test_merged_customers_are_one_person_who_may_own_what_allows_one() -> None:
    links = fact(A, EMAIL, 1), fact(B, EMAIL, 2)
    assert customers(*links)[EMAIL] == EMAIL
    assert customers(*links, fact(A, B, 3)) == {A: A, B: A, EMAIL: A}
    assert customers(*links, fact(A, B, 3), fact(A, B, 4, "unlink")) == {A: A, B: B, EMAIL: EMAIL}


def test_a_statement_of_a_merge_does_not_overrule_one_of_being_apart() -> None:
    said = fact(A, B, 1, source=PERSON), fact(B, C, 2, source=PERSON)
    assert set(customers(*said).values()) == {A}
    assert customers(*said, fact(A, C, 3, "block")) == {A: A, B: A, C: C}
    later = fact(A, B, 3, source=PERSON), fact(B, C, 2, source=PERSON), fact(A, C, 1, "block")
    assert customers(*later) == {A: A, B: C, C: C}  # what was said first counts


def test_an_anonymous_cluster_joins_a_cluster_of_two_persons() -> None:
    card = IdentifierType(most_customers=2)
    links = fact(A, typed("card"), 1), fact(B, typed("card"), 2), fact(typed("card"), COOKIE, 3)
    assert customers(*links, card=card)[COOKIE] == A


def test_a_thing_linked_with_itself_is_itself() -> None:
    assert customers(fact(A, A)) == {A: A}


PLAYERS = [A, B, C, EMAIL, PHONE, DEVICE, COOKIE, IP, typed("card")]
CARD = {**KNOWN_TYPES, "card": IdentifierType(most_customers=2)}


pairs = st.lists(st.sampled_from(PLAYERS), min_size=2, max_size=2, unique=True)
actions = st.sampled_from(["link"] * 6 + ["unlink", "block"])
facts = st.builds(
    lambda pair, *said: fact(*pair, *said), pairs, st.integers(0, 9), actions, st.sampled_from(["shop", "shop", PERSON])
)
logs = st.lists(facts, max_size=25)


@settings(max_examples=50, deadline=None)
@given(logs, st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter(log: list[Link], random: Random) -> None:
    shuffled = [*log, *log[:3]]
    random.shuffle(shuffled)
    assert resolve(log, types=CARD, since={}) == resolve(shuffled, types=CARD, since={})


@settings(max_examples=50, deadline=None)
@given(logs)
def test_a_customer_is_its_own_customer_and_everyone_has_one(log: list[Link]) -> None:
    found = resolve(log, types=CARD, since={})
    assert found.keys() == {end for link in log for end in (link.left, link.right)}
    assert all(found[customer] == customer for customer in found.values())


@settings(max_examples=50, deadline=None)
@given(logs, logs)
def test_who_is_not_connected_has_no_effect(log: list[Link], others: list[Link]) -> None:
    def far(identifier: str) -> str:
        return identifier.replace("0", "1") if ":" in identifier else identifier + "2"

    moved = [
        link_of(far(link.left), far(link.right), link.action, at=link.at, received_at=link.at, source=link.source, message_id="m")
        for link in others
    ]
    together = resolve([*log, *moved], types=CARD, since={})
    assert together == resolve(log, types=CARD, since={}) | resolve(moved, types=CARD, since={})
