import duckdb
import pytest

from features.insights.segments.rules import JOURNEY_ORDER, JOURNEY_RULES, VALUE_ORDER, VALUE_RULES, as_case, rules_table

CHURN = 50


def segment(**known):
    """The value segment of one customer; what is not said is of a customer in the middle of everything."""
    customer = {"conversions": 3, "repeats": 2, "recency": 100, "age": 200, "silent": 5, "alive": 0.95, "worth": 0.5} | known
    columns = ", ".join(f"{'null::double' if value is None else value} as {name}" for name, value in customer.items())
    return duckdb.sql(f"select {as_case(VALUE_RULES, churn_days=CHURN)} from (select {columns})").fetchall()[0][0]


@pytest.mark.parametrize(
    ("known", "name"),
    [
        ({"conversions": None, "silent": None, "alive": None, "worth": None}, "prospects"),
        ({"silent": 101}, "lost"),
        ({"alive": 0.19}, "lost"),
        ({"silent": 51}, "slipping away"),
        ({"alive": 0.49, "worth": 9}, "slipping away"),
        ({"age": 50, "worth": 9}, "new"),
        ({"alive": 0.79, "worth": 9}, "at risk"),
        ({"silent": 40, "recency": 30, "repeats": 2}, "at risk"),  # usually every 15 days
        ({"silent": 40, "recency": 100, "repeats": 2}, "promising"),  # usually every 50 days
        ({"worth": 2}, "champions"),
        ({"worth": 1}, "loyal"),
        ({"worth": 0.99}, "promising"),
        ({"worth": None}, "promising"),
    ],
)
def test_value_segments_by_hand(known, name):
    assert segment(**known) == name


def test_without_a_model_silence_alone_tells_who_goes():
    assert segment(alive=None, silent=60) == "slipping away"
    assert segment(alive=None, worth=2) == "champions"


@pytest.mark.parametrize(("rules", "order"), [(VALUE_RULES, VALUE_ORDER), (JOURNEY_RULES, JOURNEY_ORDER)])
def test_there_are_few_segments_all_of_them_described_and_shown(rules, order):
    assert len(rules) <= 8
    assert {rule.name for rule in rules} == set(order)
    assert all(rule.words.endswith(".") for rule in rules)
    assert len(rules_table("rules", "Rules", rules).rows) == len(rules)


def test_every_last_rule_holds_for_everybody():
    assert VALUE_RULES[-1].holds == JOURNEY_RULES[-1].holds == "true"
