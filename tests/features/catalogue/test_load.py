"""A catalogue that is not right is refused with file, key and remedy."""

from pathlib import Path

import pytest

from features.capture import Mapping
from features.catalogue import load_catalogue, parse_catalogue, parse_toml
from features.errors import ConfigurationError

PAGE = '[[touchpoints]]\nname = "web.page"\nstage = "consideration"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a catalogue has at least one touchpoint"),
        (PAGE.replace("stage", "stge"), "touchpoints.0.stge: unknown key; did you mean 'stage'?"),
        (PAGE + PAGE, "'web.page' is listed twice"),
        (PAGE.replace("web.page", "fax.page"), "must start with one of the channels"),
        (PAGE.replace("web.page", "Web Page"), "touchpoints.0.name"),
        (PAGE + "cost = -1", "touchpoints.0.cost"),
        (PAGE + "[[caps]]\nlimit = 1\ndays = 7\nchannel = 'web'\nmessage_class = 'service'", "give one of touchpoint, channel"),
        (PAGE + "[[caps]]\nlimit = 1\ndays = 7\ntouchpoint = 'mail.x'", "no touchpoint of this catalogue"),
        (PAGE + "[traits.age]\ntype = 'category'", "lists its categories"),
        (PAGE + "[traits.last_y]\ntype = 'number'", "rename it"),
        ("[[touchpoints]\n", "not readable as TOML"),
        ("presets = ['fax']", "there is no preset 'fax'; choose of"),
        ("presets = 'segment'", "presets"),
        ("rates = { EUR = 0 }\n" + PAGE, "rates.EUR"),
        (PAGE + "[identifiers.email]\nmost_customers = 0", "identifiers.email.most_customers"),
        (PAGE + "[[consent]]\npurpose = 'marketing'\nbasis = 'maybe'", "consent.0.basis"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_catalogue(path)
    assert words in str(caught.value) and str(path) in str(caught.value)


def test_a_misspelt_key_of_a_mapping_goes_before_the_one_that_is_missing_for_it(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text('name = "s"\n[[interactions]]\ncustmer_id = "c"\ntouchpoint = "t"\nkind = "k"\nat = "at"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"custmer_id: unknown key; did you mean 'customer_id'"):
        parse_toml(Mapping, path)


def test_the_version_changes_with_the_content_and_with_nothing_else() -> None:
    page = {"name": "web.page", "stage": "consideration"}
    one, same = parse_catalogue({"touchpoints": [page]}), parse_catalogue({"touchpoints": [dict(page)]})
    other = parse_catalogue({"touchpoints": [page | {"cost": 1.0}]})
    assert one.version == same.version != other.version


def test_unset_is_no_limit_and_zero_is_never() -> None:
    page = {"name": "mail.a", "stage": "retention", "recommendable": True}
    assert parse_catalogue({"touchpoints": [page]}).caps == ()
    (cap,) = parse_catalogue({"touchpoints": [page], "caps": [{"limit": 0, "days": 1}]}).caps
    assert cap.limit == 0 and cap.name == "at most 0 x any touchpoint in 1 days"


def test_a_preset_brings_its_touchpoints_and_the_catalogue_overrules_them() -> None:
    plain = parse_catalogue({"presets": ["segment"]})
    names = [touchpoint.name for touchpoint in plain.touchpoints]
    assert names == sorted(names) and len(names) > 3
    own = {"name": names[0], "stage": "advocacy", "cost": 2.0}
    overruled = parse_catalogue({"presets": ["segment"], "touchpoints": [own]})
    assert sorted(touchpoint.name for touchpoint in overruled.touchpoints) == names
    first = overruled.touchpoint(names[0])
    assert first is not None and (first.stage, first.cost) == ("advocacy", 2.0)


def test_the_strongest_type_of_identifier_comes_first_and_the_catalogue_may_change_it() -> None:
    page = {"name": "web.page", "stage": "consideration"}
    types = parse_catalogue({"touchpoints": [page], "identifiers": {"passport": {"priority": 1}}}).identifier_types
    assert next(iter(types)) == "passport" and types["ip"].proof is False
    assert list(types).index("email") < list(types).index("cookie")
