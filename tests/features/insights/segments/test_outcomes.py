from features.insights.segments.facts import customer_facts, read_days
from features.insights.segments.moves import moves_between, top_touchpoints
from features.insights.segments.outcomes import segment_results

TOLD = [("a", 0, 10), ("b", 0, 10), ("c", 0, 10), ("d", 0, "view"), ("a", 40, 30), ("b", 75, 60), ("d", 50, 20), ("e", 60, 5)]


PAST = "('a', 'good'), ('b', 'good'), ('c', 'good'), ('d', 'none')"
NOW = "('a', 'good'), ('b', 'good'), ('c', 'bad'), ('d', 'good'), ('e', 'good')"


def results(connection, at, *, until, small_count=0):
    read_days(connection, until=at(until))
    customer_facts(connection, "facts_before", until=at(30))
    for table, values in (("past", PAST), ("now", NOW)):
        connection.execute(f"create or replace temp table {table} as select * from (values {values}) as t (customer_id, segment)")
    return {
        each.name: each
        for each in segment_results(
            connection,
            ("good", "bad", "none", "empty"),
            now="now",
            before="past",
            facts="facts_before",
            period=(at(30), at(until)),
            churn_days=30,
            small_count=small_count,
        )
    }


def test_rates_are_of_those_who_were_in_a_segment_before_and_of_what_they_did_then(history, at):
    found = results(history(TOLD), at, until=90)
    good = found["good"]
    assert (good.customers, good.before) == (4, 3)
    assert (good.conversion.value, good.conversion.n) == (2 / 3, 3)
    assert good.arpu.value == (30 + 60) / 3 / 2  # two months of 30 days
    assert (good.churned.value, good.churned.n) == (2 / 3, 3)  # b came back after 45 days, which is too late
    assert list(found) == ["good", "bad", "none"]


def test_who_never_converted_cannot_churn(history, at):
    none = results(history(TOLD), at, until=90)["none"]
    assert (none.conversion.value, none.churned.value, none.churned.n) == (1.0, None, 0)


def test_churn_is_not_told_before_its_time_is_over(history, at):
    assert results(history(TOLD), at, until=50)["good"].churned.value is None


def test_small_segments_are_drawn_to_the_mean_and_say_so(history, at):
    found = results(history(TOLD), at, until=90, small_count=30)
    assert found["none"].conversion.shrunk and found["none"].conversion.value < 1


def test_moves_count_everybody_of_now_and_sum_to_one(history, at):
    connection = history(TOLD)
    results(connection, at, until=90)
    moves = moves_between(connection, "past", "now", ("good", "bad", "none"))
    assert [(move.before, move.now, move.customers) for move in moves] == [
        ("good", "good", 2),
        ("good", "bad", 1),
        ("none", "good", 1),
        ("not known yet", "good", 1),
    ]
    assert [move.share.value for move in moves] == [2 / 3, 1 / 3, 1.0, 1.0]


def test_the_touchpoints_of_a_segment_count_customers_once(history, at):
    connection = history([*TOLD, ("a", 41, 30)])
    results(connection, at, until=90)
    met = {each.segment: each for each in top_touchpoints(connection, "now", period=(at(30), at(90)))}
    assert (met["good"].touchpoint, met["good"].customers, met["good"].share.n) == ("store.checkout", 4, 4)
    assert "bad" not in met
