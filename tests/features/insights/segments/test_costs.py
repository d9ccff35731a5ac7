from features.insights.segments.costs import acquisition_and_retention
from features.insights.segments.facts import customer_facts, read_days


def costs(connection, at):
    read_days(connection, until=at(60))
    customer_facts(connection, "facts", until=at(60))
    return acquisition_and_retention(connection, "facts", period=(at(30), at(60)))


def test_contacts_before_the_first_conversion_are_what_winning_costs_also_of_those_not_won(history, at):
    told = [("won", 31, "contact"), ("won", 32, "contact"), ("won", 40, 10), ("won", 45, "contact"), ("lost", 33, "contact")]
    old = [("old", 0, 10), ("old", 35, "contact"), ("old", 36, 10), ("gone", 0, 10), ("gone", 35, "contact")]
    winning, keeping = costs(history([*told, *old]), at)
    assert (winning.contacts, winning.money, winning.results, winning.each.value) == (3, 6.0, 1, 6.0)
    assert (keeping.contacts, keeping.money, keeping.results, keeping.each.value) == (3, 6.0, 1, 6.0)


def test_contacts_outside_the_period_do_not_count(history, at):
    winning, _ = costs(history([("won", 29, "contact"), ("won", 40, 10), ("lost", 61, "contact")]), at)
    assert (winning.contacts, winning.results, winning.each.value) == (0, 1, None)


def test_nothing_won_has_no_price(history, at):
    winning, keeping = costs(history([("lost", 31, "contact")]), at)
    assert (winning.money, winning.results, winning.each.value) == (2.0, 0, None)
    assert keeping.each.value is None


def test_an_empty_lake_costs_nothing(history, at):
    winning, keeping = costs(history([]), at)
    assert winning.money == keeping.money == 0.0
