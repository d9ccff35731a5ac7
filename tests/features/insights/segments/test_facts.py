import pytest

from features.insights.segments.facts import customer_facts, read_days


def facts_of(connection, until):
    read_days(connection, until=until)
    customer_facts(connection, "facts", until=until)
    rows = connection.sql("select * from facts order by customer_id").to_arrow_table().to_pylist()
    return {row["customer_id"]: row for row in rows}


def test_purchases_of_one_day_are_one_conversion_and_times_are_counted_in_days(history, at):
    connection = history([("anna", 0.5, 10), ("anna", 0.7, 5), ("anna", 10.2, 20), ("anna", 30, 40)])
    anna = facts_of(connection, at(41))["anna"]
    assert {name: anna[name] for name in ("conversions", "repeats", "recency", "age", "silent", "spent", "repeat_spend")} == {
        "conversions": 3,
        "repeats": 2,
        "recency": 30,
        "age": 40,
        "silent": 10,
        "spent": 75.0,
        "repeat_spend": 30.0,  # (20 + 40) / 2: the first day's 15 do not count
    }


def test_what_happens_later_changes_nothing(history, at):
    connection = history([("anna", 0, 10), ("anna", 20, 10), ("berta", 20, 10)])
    assert list(facts_of(connection, at(20))) == ["anna"]
    assert facts_of(connection, at(20))["anna"]["conversions"] == 1
    assert connection.execute("select count(*) from everybody").fetchall() == [(1,)]


def test_a_refund_takes_money_off_and_is_no_conversion_whatever_its_sign(history, at):
    connection = history([("anna", 0, 10), ("anna", 5, "refund 4"), ("anna", 6, "refund -3"), ("berta", 0, "refund 4")])
    facts = facts_of(connection, at(10))
    assert (facts["anna"]["conversions"], facts["anna"]["spent"]) == (1, 3.0)
    assert "berta" not in facts


def test_purchases_without_a_value_are_worth_nothing_and_negative_ones_take_off(history, at):
    facts = facts_of(history([("anna", 0, None), ("berta", 0, 5), ("berta", 3, -8)]), at(10))
    assert facts["anna"]["spent"] == 0.0
    assert (facts["berta"]["spent"], facts["berta"]["repeat_spend"]) == (-3.0, -8.0)


def test_merged_identities_are_one_customer(history, at):
    members = "(select 'cookie:1' as identifier, 'anna' as customer_id)"
    facts = facts_of(history([("anna", 0, 10), ("cookie:1", 7, 10)], members=members), at(10))
    assert list(facts) == ["anna"] and facts["anna"]["repeats"] == 1


@pytest.mark.parametrize("name", ["'; drop table facts; --", 'a"b', "ünï\u202e", "null", "<script>"])
def test_hostile_names_are_names(history, at, name):
    assert list(facts_of(history([(name, 0, 10)]), at(10))) == [name]


def test_an_empty_lake_has_no_customers(history, at):
    assert facts_of(history([]), at(10)) == {}
