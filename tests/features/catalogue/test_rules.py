"""Rules that point nowhere, or could never hold as they are meant, are refused with what to write instead."""

from datetime import time
from pathlib import Path

import pytest

from features.catalogue import Catalogue, load_catalogue, parse_catalogue
from features.catalogue.rules import Scoped
from features.errors import ConfigurationError

TOUCHPOINTS = """
[[touchpoints]]
name = "mail.offer"
stage = "purchase"
recommendable = true
cost = 0.5

[[touchpoints]]
name = "email.receipt"
stage = "purchase"
message_class = "transactional"

[traits.zone]
type = "category"
categories = ["Europe/Berlin", "Asia/Tokyo"]

[traits.tier]
type = "category"
categories = ["gold", "1"]

[traits.age]
type = "number"
"""


def load(tmp_path: Path, text: str) -> Catalogue:
    path = tmp_path / "catalogue.toml"
    path.write_text(TOUCHPOINTS + text, encoding="utf-8")
    return load_catalogue(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[cooldowns]]\nhours = 1\nafter = 'emial'", "'emial' is no touchpoint of this catalogue, no channel"),
        ("[[cooldowns]]\nhours = 1\nafter = 'emial'", "did you mean 'email'"),
        ("[[cooldowns]]\nhours = 1\nafter = 'mail.ofer'", "did you mean 'mail.offer'"),
        ("[[cooldowns]]\nhours = 0", "cooldowns.0.hours"),
        ("[[suppressions]]\nignored = 0", "suppressions.0.ignored"),
        ("[[suppressions]]\nignored = 2\ntouchpoint = 'mail.x'", "a rule of suppressions names 'mail.x'"),
        ("[[quiet_hours]]\nstart = '21:00'\nend = '21:00'", "from 21:00 to the same time; give two times"),
        ("[[quiet_hours]]\nstart = '21:00Z'\nend = '08:00'", "names an offset"),
        ("[[quiet_hours]]\nstart = '9 pm'\nend = '08:00'", "quiet_hours.0.start"),
        ("[[quiet_hours]]\nstart = '21:00'\nend = '08:00'\nzone = 'Berlin'", "'Berlin' is no time zone"),
        ("[[quiet_hours]]\nstart = '21:00'\nend = '08:00'\ntrait = 'zon'", "no trait 'zon'; did you mean 'zone'"),
        ("[[quiet_hours]]\nstart = '21:00'\nend = '08:00'\ntrait = 'age'", "one that names time zones is a category"),
        ("[[quiet_hours]]\nstart = '21:00'\nend = '08:00'\ntrait = 'tier'", "['gold', '1'] of trait 'tier' are no time zones"),
        ("[[exclusions]]\ntouchpoints = ['mail.offer']\ndays = 3", "exclusions.0.touchpoints"),
        ("[[exclusions]]\ntouchpoints = ['mail.offer', 'mail.offer']\ndays = 3", "lists each of its touchpoints once"),
        ("[[exclusions]]\ntouchpoints = ['mail.offer', 'mail.x']\ndays = 3", "a rule of exclusions names 'mail.x'"),
        ("[[budgets]]\nmoney = 1\ncontacts = 1", "either money or contacts"),
        ("[[budgets]]\nmoney = 1\nstart = '10:00'\nend = '09:00'", "later on the same day"),
        ("[[budgets]]\nmoney = 1\npaced = false\nstart = '10:00'", "start and end are of a paced budget"),
        (
            "[[budgets]]\nmoney = 1\n[[budgets]]\nmoney = 1\nzone = 'Asia/Tokyo'",
            "'1 money a day for any touchpoint' is listed twice",
        ),
        ("[[budgets]]\nmoney = 1\ntouchpoint = 'email.receipt'", "limits nothing: what it covers costs nothing"),
        ("[channels.email]\nneeds = ['emial']", "channels.email: 'emial' is no type of identifier; did you mean 'email'"),
        ("[channels.fax]\nneeds = ['email']", "channels.fax"),
        ("[[conditions]]\nvalue = 'cart_open'\nequals = 1", "'cart_open' is no feature; did you mean 'cart_open_flag'"),
        ("[[conditions]]\nvalue = 'request.x'\nequals = 1", "a feature, trait.<name> or context.<key>"),
        ("[[conditions]]\nvalue = 'context.'\nequals = 1", "a feature, trait.<name> or context.<key>"),
        ("[[conditions]]\nvalue = 'trait.ag'\nequals = 1", "no such trait; did you mean 'age'"),
        ("[[conditions]]\nvalue = 'trait.tier'\nequals = 'silver'", "'silver' is none of the trait's categories gold, 1"),
        ("[[conditions]]\nvalue = 'trait.tier'\nat_least = 1", "use equals or one_of"),
        ("[[conditions]]\nvalue = 'trait.age'\nequals = 'old'", "the trait is a number, never 'old'"),
        ("[[conditions]]\nvalue = 'trait.age'\nequals = 3\nat_most = 4", "one of equals, one_of, or at_least and at_most"),
        ("[[conditions]]\nvalue = 'trait.age'\none_of = []", "one_of lists at least one value"),
        ("[[conditions]]\nvalue = 'trait.age'\nat_least = 5\nat_most = 4", "nothing is at least 5 and at most 4"),
        ("[[touchpoints]]\nname = 'web.a'\nstage = 'purchase'\nmandatory = true", "only a recommendable one can be"),
        ("[exploration]\nfloor = 0.5", "exploration: floor = 0.5 for each of 2 touchpoints, 'none' included, is 1"),
        ("[exploration]\nfloor = 0.5", "give a floor below 0.5"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert words in str(caught.value) and "catalogue.toml" in str(caught.value)


def test_what_is_meant_loads_with_times_in_either_notation(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """
        [[cooldowns]]
        hours = 24
        after = "transactional"
        [[cooldowns]]
        hours = 24
        after = "call"
        [[cooldowns]]
        hours = 24
        after = "email.receipt"
        [[quiet_hours]]
        start = 21:00:00
        end = "08:00"
        trait = "zone"
        [[conditions]]
        value = "cart_open_flag"
        equals = 1
        [[conditions]]
        value = "trait.tier"
        one_of = ["gold", 1]
        [[conditions]]
        value = "trait.age"
        equals = "18"
        [channels.email]
        needs = ["email"]
        """,
    )
    assert loaded.quiet_hours[0].start == time(21)
    triggers = [Scoped(message_class="transactional"), Scoped(channel="call"), Scoped(touchpoint="email.receipt")]
    assert [cooldown.trigger for cooldown in loaded.cooldowns] == triggers


def test_a_catalogue_read_back_from_its_own_json_is_the_same() -> None:
    values = {
        "touchpoints": [{"name": "mail.offer", "stage": "purchase", "recommendable": True}],
        "budgets": [{"contacts": 5, "paced": False}, {"contacts": 9, "start": "09:00", "end": "17:00"}],
        "quiet_hours": [{"start": "21:00", "end": "08:00"}],
    }
    catalogue = parse_catalogue(values)
    assert Catalogue.model_validate_json(catalogue.model_dump_json()) == catalogue


def test_what_is_transactional_is_covered_only_by_name_or_class() -> None:
    catalogue = parse_catalogue(
        {"touchpoints": [{"name": "email.receipt", "stage": "purchase", "message_class": "transactional"}]}
    )
    (receipt,) = catalogue.touchpoints
    assert not Scoped().covers(receipt) and not Scoped(channel="email").covers(receipt)
    assert Scoped(touchpoint="email.receipt").covers(receipt) and Scoped(message_class="transactional").covers(receipt)


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_numbers_without_end_are_refused(number: float) -> None:
    with pytest.raises(ConfigurationError, match="finite"):
        parse_catalogue({"touchpoints": [{"name": "mail.offer", "stage": "purchase", "cost": number}]})


def test_a_floor_that_leaves_something_to_the_policy_loads_and_one_that_does_not_is_refused_be_it_the_default() -> None:
    # with none, 49 arms at 0.02 each take 0.98 of all; 50 take everything
    offers = [{"name": f"mail.a{number}", "stage": "purchase", "recommendable": True} for number in range(49)]
    assert len(parse_catalogue({"touchpoints": offers[:48]}).arms) == 49
    with pytest.raises(ConfigurationError, match=r"floor = 0\.02 for each of 50 touchpoints.*below 0\.02"):
        parse_catalogue({"touchpoints": offers})


def test_a_catalogue_of_a_record_is_read_as_it_was_though_its_floor_would_be_refused_today() -> None:
    catalogue = parse_catalogue({"touchpoints": [{"name": "mail.offer", "stage": "purchase", "recommendable": True}]})
    kept = catalogue.model_dump() | {"exploration": {"floor": 0.5}}
    assert Catalogue.model_validate(kept).exploration.floor == 0.5
