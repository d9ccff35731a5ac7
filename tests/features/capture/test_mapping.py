import pytest

from features.capture import Mapping, mapping
from features.catalogue.load import parse_toml
from features.errors import ConfigurationError

GOOD = """
name = "shop"
[[interactions]]
customer_id = "client"
touchpoint = {constant = "store.checkout"}
kind = {constant = "purchase"}
at = "bought"
"""


def load(tmp_path, text):
    path = tmp_path / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return parse_toml(Mapping, path)


def test_a_bare_text_names_a_column(tmp_path):
    assert load(tmp_path, GOOD).interactions[0].customer_id.columns == ("client",)


def test_every_column_is_listed_with_the_key_that_needs_it(tmp_path):
    text = GOOD.replace(
        'name = "shop"', 'name = "shop"\nwhere = {column = "state", in = ["paid"]}\n[group]\nby = ["client", "bought"]'
    )
    text += 'traits = {age = {template = "{born}/{died}"}}\n'
    assert sorted(load(tmp_path, text).columns()) == [
        ("group", "bought"),
        ("group", "client"),
        ("interactions.0.at", "bought"),
        ("interactions.0.customer_id", "client"),
        ("interactions.0.traits.age", "born"),
        ("interactions.0.traits.age", "died"),
        ("where", "state"),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('at = "bought"', 'at = "bought"\nvalu = "x"'), r"shop.toml: interactions.0.valu: unknown key"),
        (('name = "shop"', 'name = "shop"\ndelimeter = ";"'), r"shop.toml: delimeter: unknown key"),
        (('at = "bought"', 'at = {colum = "bought"}'), r"interactions.0.at.colum: unknown key"),
        (('at = "bought"', ""), r"interactions.0.at: Field required"),
        (('at = "bought"', 'at = {column = "a", constant = "b"}'), r"interactions.0.at: .*exactly one of"),
        (('at = "bought"', 'at = {column = "a", unit = "s", format = "%d"}'), r"a format or a unit, not both"),
        (('at = "bought"', 'at = {column = "a", timezone = "Mars/Base"}'), r"'Mars/Base' is no time zone"),
        (('at = "bought"', 'at = {column = "a", origin = 2020-01-01}'), r"origin belongs to a unit"),
        (('at = "bought"', 'at = "a"\nmetric = {constant = "nps"}'), r"a rating has both metric and score"),
        (('at = "bought"', 'at = "a"\nreceived_after = "soon"'), r"'soon' is no duration"),
        (('at = "bought"', 'at = "a"\nreceived_after = "1d"\nreceived_at = "b"'), r"received_at or received_after, not both"),
        (('at = "bought"', 'at = "a"\nwhere = {column = "b"}'), r"a filter has at least one of"),
        (('at = "bought"', 'at = "a"\nstage = {column = "s", map = {x = "buying"}}'), r"stage: 'buying' is not one of awareness"),
        (('constant = "purchase"', 'constant = "bought"'), r"kind: 'bought' is not one of contact, open"),
        (('constant = "purchase"', 'template = "purchase"'), r"names no \{column\}"),
        (('name = "shop"', 'name = "Shop 1"'), r"shop.toml: name: "),
        (('name = "shop"', 'name = "shop"\nencoding = "klingon"'), r"'klingon' is no encoding"),
        (('name = "shop"', 'name = "shop"\n[group]\nby = ["a"]\nsum = ["a"]'), r"column 'a' is named twice"),
        (
            ('name = "shop"', 'name = "shop"\n[[decisions]]\ncustomer_id="a"\ntouchpoint="b"\nat="c"\ncandidates=["x"]'),
            r"'none' included",
        ),
    ],
)
def test_a_wrong_mapping_is_refused_by_file_and_key(tmp_path, change, message):
    with pytest.raises(ConfigurationError, match=message):
        load(tmp_path, GOOD.replace(*change))


def test_a_mapping_without_sections_says_so(tmp_path):
    with pytest.raises(ConfigurationError, match="at least one"):
        load(tmp_path, 'name = "shop"')


def test_the_example_in_the_documentation_is_a_mapping(tmp_path):
    example = "\n".join(line[4:] for line in mapping.__doc__.splitlines() if line.startswith("    "))
    assert [name for _, name, _ in load(tmp_path, example).sections()] == [f"{table}.0" for table in mapping.TABLES]
