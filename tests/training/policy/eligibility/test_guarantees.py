"""What no set of rules, contacts and refusals can break."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from training.policy import Situation, eligibility

ARMS = ("mail.offer", "email.offer", "email.news", "email.receipt", "call.adviser")
PLACES = (*ARMS, "web.cart", "mail.gone", "none")
SCOPES = st.sampled_from(
    [{}]
    + [{"touchpoint": name} for name in ARMS]
    + [{"channel": name} for name in ("mail", "email", "call")]
    + [{"message_class": name} for name in ("marketing", "service", "transactional")]
)
DAYS = st.integers(1, 30)


def table(*, scoped=True, **columns):
    rows = st.fixed_dictionaries(columns)
    return st.builds(lambda row, scope: {**row, **scope}, rows, SCOPES) if scoped else rows


FAMILIES = {
    "caps": table(limit=st.integers(0, 3), days=DAYS),
    "cooldowns": table(hours=st.integers(1, 200), after=st.sampled_from([None, "email", "service", "mail.offer"])),
    "suppressions": table(ignored=st.integers(1, 3), within_days=DAYS, days=DAYS),
    "exclusions": table(scoped=False, touchpoints=st.lists(st.sampled_from(ARMS), min_size=2, unique=True), days=DAYS),
    "quiet_hours": table(start=st.sampled_from(["08:00", "11:30"]), end=st.sampled_from(["07:00", "12:30"])),
    "conditions": table(
        stage=st.sampled_from(["eligible", "applicable", "suitable"]),
        value=st.sampled_from(["context.a", "context.b"]),
        at_least=st.integers(0, 3),
        unknown=st.sampled_from(["allow", "forbid"]),
    ),
}
TABLES = st.fixed_dictionaries({name: st.lists(rows, max_size=2) for name, rows in FAMILIES.items()})
CAPACITIES = st.fixed_dictionaries({name: st.integers(0, 4) for name in ("call", "email")})
PAST = st.lists(st.tuples(st.sampled_from(PLACES), st.integers(-3, 40)), max_size=8)
SITUATIONS = st.fixed_dictionaries(
    {
        "contacts": PAST,
        "answers": PAST,
        "facts": st.fixed_dictionaries({}, optional={"context.a": st.integers(0, 3), "context.b": st.integers(0, 3)}),
        "used": st.fixed_dictionaries({}, optional={f"{n} contacts a day for call": st.integers(0, 4) for n in range(5)}),
    }
)
OPT_IN = {"consent": [{"purpose": "service", "basis": "opt_in"}]}
EVERY = settings(max_examples=50, deadline=None)


def with_budgets(tables, capacities):
    return {**tables, "budgets": [{"channel": name, "contacts": limit, "paced": False} for name, limit in capacities.items()]}


def passing(rules, tables, **given_):
    """What no rule is against, whether or not a mandatory touchpoint goes before it."""
    return {name for name, each in rules.found(tables, **given_).items() if each.eligible or each.stage == "mandatory"}


@EVERY
@given(TABLES, TABLES, SITUATIONS, CAPACITIES, CAPACITIES, st.sets(st.sampled_from(ARMS)))
def test_more_and_stricter_rules_make_nothing_eligible(rules, tables, more, customer, capacities, lower, mandatory):
    first = {"touchpoints": {name: {"mandatory": True} for name in mandatory}}
    stricter = {name: [*rows, *more[name]] for name, rows in tables.items()}
    stricter["caps"] = [{**cap, "limit": max(cap["limit"] - 1, 0)} for cap in stricter["caps"]]
    stricter["cooldowns"] = [{**rule, "hours": rule["hours"] + 5} for rule in stricter["cooldowns"]]
    stricter["conditions"] = [{**rule, "unknown": "forbid"} for rule in stricter["conditions"]]
    before = passing(rules, first | with_budgets(tables, capacities), **{**customer, "used": {}})
    at_most = {name: min(limit, lower[name]) for name, limit in capacities.items()}
    after = passing(rules, first | with_budgets(stricter, at_most), **{**customer, "used": {}})
    assert after <= before and "none" in after


@EVERY
@given(TABLES, SITUATIONS, PAST, CAPACITIES)
def test_more_contacts_make_nothing_eligible(rules, tables, customer, more, capacities):
    tables, contacted = with_budgets(tables, capacities), {**customer, "contacts": customer["contacts"] + more}
    assert passing(rules, tables, **contacted) <= passing(rules, tables, **customer)


@EVERY
@given(TABLES, SITUATIONS, CAPACITIES, st.integers(0, 3))
def test_a_budget_used_further_makes_nothing_eligible(rules, tables, customer, capacities, more):
    tables = with_budgets(tables, capacities)
    used = {name: amount + more for name, amount in customer["used"].items()}
    assert passing(rules, tables, **{**customer, "used": used}) <= passing(rules, tables, **customer)


@EVERY
@given(TABLES, SITUATIONS, st.data())
def test_a_refusal_makes_nothing_eligible_and_nor_does_the_holdout(rules, tables, customer, data):
    said = [data.draw(_consents(rules)) for _ in range(data.draw(st.integers(0, 4)))]
    refusal = data.draw(_consents(rules).filter(lambda each: each.status != "granted"))
    tables = {**tables, **OPT_IN}
    before = passing(rules, tables, **customer, consents=tuple(said))
    assert passing(rules, tables, **customer, consents=(*said, refusal)) <= before
    assert passing(rules, tables, **customer, consents=tuple(said), held_out=True) <= before & {"none", "email.receipt"}


@EVERY
@given(TABLES, SITUATIONS, CAPACITIES, st.data())
def test_the_order_in_which_anything_was_read_does_not_matter(rules, tables, customer, capacities, data):
    said = [data.draw(_consents(rules)) for _ in range(3)]
    whole = rules.situation(**customer, consents=tuple(said), identifiers=("ann", "cookie:" + 32 * "1"))
    shuffled = Situation(
        **{name: getattr(whole, name) for name in ("at", "facts", "used")},
        **{
            name: tuple(data.draw(st.permutations(getattr(whole, name))))
            for name in ("contacts", "answers", "consents", "identifiers")
        },
    )
    catalogue = rules.catalogue(**with_budgets(tables, capacities))
    assert eligibility(catalogue, whole) == eligibility(catalogue, shuffled)


@EVERY
@given(TABLES, SITUATIONS, CAPACITIES, st.sets(st.sampled_from(ARMS)))
def test_what_is_dropped_says_where_and_why_and_one_thing_at_least_is_left(rules, tables, customer, capacities, mandatory):
    first = {"touchpoints": {name: {"mandatory": True} for name in mandatory}}
    found = rules.found(first | with_budgets(tables, capacities), **customer).values()
    assert all((each.stage is None) == (each.rule is None) == each.eligible for each in found)
    assert all(each.until is None or each.until > rules.at for each in found)
    left = {each.touchpoint for each in found if each.eligible}
    assert left and ("none" in left or left <= mandatory)


@EVERY
@given(TABLES, SITUATIONS)
def test_rules_that_do_not_name_it_never_stop_what_is_transactional(rules, tables, customer):
    def names_it(rule):
        named = rule.get("touchpoint"), rule.get("message_class"), *rule.get("touchpoints", ())
        return "email.receipt" in named or "transactional" in named

    others = {name: [rule for rule in rows if not names_it(rule)] for name, rows in tables.items()}
    refused = (rules.consent("withdrawn"),)
    assert "email.receipt" in rules.eligible(others, **customer, consents=refused, held_out=True)


@EVERY
@given(TABLES, SITUATIONS, st.sampled_from(ARMS))
def test_the_rule_that_was_told_no_longer_stands_when_its_time_has_come(rules, tables, customer, touchpoint):
    tables = {name: rows for name, rows in tables.items() if name in ("caps", "cooldowns", "suppressions", "exclusions")}
    stage, _, until = rules.dropped(tables, touchpoint, **customer)
    if until is None:
        assert stage is None or "never" in rules.dropped(tables, touchpoint, **customer)[1]
        return
    # what the longest of them stood for, and so all of them, is over; what is dated later is not part of the question
    past = {name: [each for each in customer[name] if each[1] >= 0] for name in ("contacts", "answers")}
    still = rules.dropped(tables, touchpoint, **past, at=until)
    just_before = rules.dropped(tables, touchpoint, **past, at=until - timedelta(microseconds=1))
    assert still[0] is None and just_before[0] == "contacts"


def _consents(rules):
    return st.builds(
        rules.consent,
        st.sampled_from(["granted", "denied", "withdrawn"]),
        channel=st.sampled_from([None, "email", "mail"]),
        purpose=st.sampled_from([None, "marketing", "service", "transactional"]),
        days=st.integers(-1, 5),
        customer_id=st.sampled_from(["c1", "c2"]),
    )
