"""What must be so of the customer."""

import pytest


def fits(rules, condition, fact, *, value="context.x"):
    tables = {"conditions": [{"value": value, **condition}]}
    return "mail.offer" in rules.eligible(tables, facts={value: fact})


@pytest.mark.parametrize(
    ("condition", "fact", "expected"),
    [
        ({"equals": "gold"}, "gold", True),
        ({"equals": "gold"}, "Gold", False),
        ({"equals": 1}, 1, True),
        ({"equals": 1}, "1", True),
        ({"equals": "1"}, 1.0, True),
        ({"equals": 1}, "one", False),
        ({"equals": 1}, True, True),
        ({"one_of": ["gold", "silver"]}, "silver", True),
        ({"one_of": ["gold", 2]}, "2.0", True),
        ({"one_of": ["gold", "silver"]}, "basic", False),
        ({"at_least": 18}, 18, True),
        ({"at_least": 18}, 17.9, False),
        ({"at_most": 3.5}, "3.5", True),
        ({"at_least": 1, "at_most": 2}, 3, False),
        ({"at_least": 1, "at_most": 2}, 1.5, True),
        ({"at_least": 0}, "many", False),  # no number is not known
        ({"at_least": 0, "unknown": "allow"}, "many", True),
        ({"equals": "gold"}, None, False),
        ({"equals": "gold", "unknown": "allow"}, None, True),
        ({"at_least": 0}, float("nan"), False),
        ({"at_least": 0, "unknown": "allow"}, float("nan"), True),
    ],
)
def test_a_condition_holds_or_not_and_of_the_unknown_it_says_itself(rules, condition, fact, expected):
    assert fits(rules, condition, fact) is expected


def test_a_feature_a_trait_and_the_context_can_be_named(rules):
    tables = {
        "traits": {"tier": {"type": "category", "categories": ["gold", "basic"]}},
        "conditions": [
            {"touchpoint": "mail.offer", "value": "cart_open_flag", "equals": 1},
            {"touchpoint": "email.offer", "value": "trait.tier", "equals": "gold"},
            {"touchpoint": "email.news", "value": "context.weather", "one_of": ["rain", "snow"]},
        ],
    }
    facts = {"cart_open_flag": 1, "trait.tier": "basic", "context.weather": "sun"}
    assert rules.eligible(tables, facts=facts) == ["none", "mail.offer", "email.receipt", "call.adviser"]


def test_the_rule_is_told_in_words_with_what_is_known(rules):
    condition = {"value": "context.age", "at_least": 18, "at_most": 99}
    words = "context.age must be at least 18 and at most 99: it is 16"
    assert rules.dropped({"conditions": [condition]}, "mail.offer", facts={"context.age": 16}) == ("eligible", words, None)
    assert rules.dropped({"conditions": [condition]}, "mail.offer")[1].endswith("at most 99: it is not known")
    told = {**condition, "reason": "adults only", "stage": "suitable"}
    assert rules.dropped({"conditions": [told]}, "mail.offer", facts={"context.age": 16})[:2] == (
        "suitable",
        "adults only: context.age is 16",
    )


def test_what_is_transactional_is_under_no_condition_that_does_not_name_it(rules):
    never = {"value": "context.x", "equals": 1}
    assert rules.eligible({"conditions": [never]}) == ["none", "email.receipt"]
    assert "email.receipt" not in rules.eligible({"conditions": [{**never, "touchpoint": "email.receipt"}]})
