"""Figures as plotly's JSON, made without plotly: whoever shows them brings the drawing code, and the colours of the page.

Every figure is drawn from a table, which stays reachable beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.insights.table import Column, Table, Unit

_MOST_TICKS = 40
_FEW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What plotly draws.

    Attributes
    ----------
    title : what it shows, which is also what a screen reader says of it.
    spec : `data` and `layout`, without colours of text and paper.
    table : name of the table, in the same section, that has its numbers.
    """

    title: str
    spec: Mapping[str, Any]
    table: str


def bars(
    table: Table, title: str, *, label: str, value: str, low: str | None = None, high: str | None = None, split: str | None = None
) -> Figure:
    """Lying bars, one per row, longest where the table has them, with intervals where `low` and `high` are columns.

    Parameters
    ----------
    label, value : columns of the table.
    split : column by whose values bars stand side by side in colours of their own.
    """
    groups = [None] if split is None else list(dict.fromkeys(table.column(split)))
    data = []
    for group in groups:
        records = [each for each in table.records if split is None or each[split] == group]
        trace: dict[str, Any] = {
            "type": "bar",
            "orientation": "h",
            "y": [each[label] for each in records],
            "x": [each[value] for each in records],
        }
        if group is not None:
            trace["name"] = str(group)
        if low is not None and high is not None:
            trace["error_x"] = _whiskers(records, value, low, high)
        data.append(trace)
    rows = max(len(table.rows), 1)
    layout = {
        "yaxis": {"autorange": "reversed", "automargin": True, "dtick": 1 if rows <= _MOST_TICKS else None},
        "xaxis": _axis(table, value),
        "height": 120 + 26 * rows,
        "barmode": "group",
        "showlegend": split is not None,
        "meta": _meta(table, xaxis=value),
    }
    return Figure(title=title, spec={"data": data, "layout": layout}, table=table.name)


def lines(
    table: Table, title: str, *, x: str, value: str, low: str | None = None, high: str | None = None, split: str | None = None
) -> Figure:
    """Lines over `x`, one for each value of `split`, with a band between `low` and `high` where these are columns."""
    groups = [None] if split is None else list(dict.fromkeys(table.column(split)))
    data: list[dict[str, Any]] = []
    for group in groups:
        records = [each for each in table.records if split is None or each[split] == group]
        places = [each[x] for each in records]
        if low is not None and high is not None:
            edges = [each[low] for each in records] + [each[high] for each in reversed(records)]
            band = {"type": "scatter", "x": places + places[::-1], "y": edges, "fill": "toself", "line": {"width": 0}}
            data.append(band | {"opacity": 0.3, "hoverinfo": "skip", "showlegend": False, "legendgroup": str(group)})
        line = {"type": "scatter", "mode": "lines+markers", "x": places, "y": [each[value] for each in records]}
        data.append(line | {"name": str(group), "legendgroup": str(group)})
    axes = {"xaxis": _axis(table, x), "yaxis": _axis(table, value)}
    layout = {**axes, "height": 380, "showlegend": split is not None, "meta": _meta(table, xaxis=x, yaxis=value)}
    return Figure(title=title, spec={"data": data, "layout": layout}, table=table.name)


def heatmap(table: Table, title: str, *, x: str, y: str, value: str) -> Figure:
    """A matrix: rows `y`, columns `x`, in the order in which the table has them; nothing where it has no row."""
    columns, rows = (list(dict.fromkeys(table.column(name))) for name in (x, y))
    cells = {(each[y], each[x]): each[value] for each in table.records}
    matrix = [[cells.get((row, column)) for column in columns] for row in rows]
    trace: dict[str, Any] = {"type": "heatmap", "x": columns, "y": rows, "z": matrix, "hoverongaps": False, "xgap": 1, "ygap": 1}
    if _column(table, value).unit is Unit.SHARE:
        trace |= {"colorbar": {"tickformat": ".0%"}, "zhoverformat": ".1%"}
    axes = {
        "xaxis": {"title": _apart(table, x), "automargin": True, "side": "top", "type": "category"},
        "yaxis": {"title": _apart(table, y), "automargin": True, "autorange": "reversed", "type": "category"},
    }
    layout = {**axes, "height": 200 + 28 * len(rows)}
    return Figure(title=title, spec={"data": [trace], "layout": layout}, table=table.name)


def sankey(table: Table, title: str, *, source: str, target: str, value: str) -> Figure:
    """Flows from `source` to `target`; a name that is both is one node, so loops should carry the step in their names."""
    names = list(dict.fromkeys(name for each in table.records for name in (each[source], each[target])))
    index = {name: number for number, name in enumerate(names)}
    link = {
        "source": [index[each[source]] for each in table.records],
        "target": [index[each[target]] for each in table.records],
        "value": [each[value] for each in table.records],
    }
    node = {"label": [str(name) for name in names], "pad": 14, "thickness": 16}
    data = [{"type": "sankey", "node": node, "link": link}]
    return Figure(title=title, spec={"data": data, "layout": {"height": 520}}, table=table.name)


def _whiskers(records: Sequence[Mapping[str, Any]], value: str, low: str, high: str) -> dict[str, Any]:
    def beyond(end: str, sign: float) -> list[float]:
        return [0.0 if each[end] is None or each[value] is None else sign * (each[end] - each[value]) for each in records]

    return {"type": "data", "symmetric": False, "array": beyond(high, 1.0), "arrayminus": beyond(low, -1.0), "width": 3}


def _axis(table: Table, name: str) -> dict[str, Any]:
    column = _column(table, name)
    title = f"{column.title} (days)" if column.unit is Unit.DAYS else column.title
    return {"title": {"text": title}, "automargin": True, **_ticks(table, column)}


def _apart(table: Table, name: str) -> dict[str, Any]:
    """A title that keeps clear of long labels."""
    return {"text": _column(table, name).title, "standoff": 10}


def _ticks(table: Table, column: Column) -> dict[str, Any]:
    """How numbers stand at an axis; a handful of counted things has no halves."""
    if column.unit is Unit.SHARE:
        return {"tickformat": ".1~%", "hoverformat": ".1%"}
    if column.unit is not Unit.COUNT:
        return {"tickformat": ","} if column.unit is Unit.MONEY else {"separatethousands": True}
    few = all(isinstance(value, int) and 0 <= value <= _FEW for value in table.column(column.name))
    return {"tickformat": ",", **({"dtick": 1} if few else {})}


def _meta(table: Table, **axes: str) -> dict[str, list[str]]:
    """Which axes are money: whoever shows the figure knows the currency."""
    return {"money": [axis for axis, name in axes.items() if _column(table, name).unit is Unit.MONEY]}


def _column(table: Table, name: str) -> Column:
    return next(each for each in table.columns if each.name == name)
