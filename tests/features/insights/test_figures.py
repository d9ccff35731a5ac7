import plotly.graph_objects as go
import pytest

from features.insights import Column, Table, Unit
from features.insights.figures import bars, heatmap, lines, sankey

COLUMNS = [
    Column("from_", "From"),
    Column("to", "To"),
    Column("rate", "Rate", Unit.SHARE),
    Column("low", "Low", Unit.SHARE),
    Column("high", "High", Unit.SHARE),
]


@pytest.fixture
def table():
    rows = [
        {"from_": "web.cart", "to": "mail.offer", "rate": 0.5, "low": 0.25, "high": 1.0},
        {"from_": "web.cart", "to": "store.checkout", "rate": None, "low": None, "high": None},
        {"from_": "mail.offer", "to": "store.checkout", "rate": 0.25, "low": 0.0, "high": 0.5},
    ]
    return Table.of("flows", "Flows", COLUMNS, rows)


@pytest.mark.parametrize(
    "draw",
    [
        lambda table: bars(table, "t", label="to", value="rate", low="low", high="high"),
        lambda table: bars(table, "t", label="to", value="rate", split="from_"),
        lambda table: lines(table, "t", x="to", value="rate", low="low", high="high", split="from_"),
        lambda table: heatmap(table, "t", x="to", y="from_", value="rate"),
        lambda table: sankey(table, "t", source="from_", target="to", value="rate"),
    ],
    ids=["bars", "bars side by side", "lines", "heatmap", "sankey"],
)
def test_plotly_takes_every_figure(draw, table):
    figure = draw(table)
    assert go.Figure(figure.spec).data
    assert figure.table == "flows"


def test_an_axis_says_its_unit_and_counts_no_halves():
    columns = [
        Column("who", "Who"),
        Column("n", "Times", Unit.COUNT),
        Column("lasted", "Lasted", Unit.DAYS),
        Column("cost", "Cost", Unit.MONEY),
    ]
    table = Table.of("t", "T", columns, [{"who": "a", "n": 1, "lasted": 2.5, "cost": 1200.0}])
    layouts = {name: bars(table, "t", label="who", value=name).spec["layout"] for name in ("n", "lasted", "cost")}
    assert layouts["n"]["xaxis"]["dtick"] == 1 and layouts["lasted"]["xaxis"]["title"] == {"text": "Lasted (days)"}
    assert [layout["meta"] for layout in layouts.values()] == [{"money": []}, {"money": []}, {"money": ["xaxis"]}]


def test_a_matrix_names_its_axes_and_labels_every_row_and_column(table):
    layout = heatmap(table, "t", x="to", y="from_", value="rate").spec["layout"]
    assert [(layout[axis]["title"]["text"], layout[axis]["type"]) for axis in ("xaxis", "yaxis")] == [
        ("To", "category"),
        ("From", "category"),
    ]


def test_whiskers_reach_from_the_value_to_the_ends_of_its_interval(table):
    (trace,) = bars(table, "t", label="to", value="rate", low="low", high="high").spec["data"]
    assert (trace["error_x"]["array"], trace["error_x"]["arrayminus"]) == ([0.5, 0.0, 0.25], [0.25, 0.0, 0.25])


def test_a_matrix_has_nothing_where_the_table_has_no_row(table):
    (trace,) = heatmap(table, "t", x="to", y="from_", value="rate").spec["data"]
    assert (trace["x"], trace["y"]) == (["mail.offer", "store.checkout"], ["web.cart", "mail.offer"])
    assert trace["z"] == [[0.5, None], [None, 0.25]]


def test_a_flow_goes_from_node_to_node(table):
    (trace,) = sankey(table, "t", source="from_", target="to", value="rate").spec["data"]
    assert trace["node"]["label"] == ["web.cart", "mail.offer", "store.checkout"]
    assert (trace["link"]["source"], trace["link"]["target"]) == ([0, 0, 1], [1, 2, 2])
