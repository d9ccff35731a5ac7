"""ChannelAttribution's Markov model: `python channel_attribution.py given.npz answer.json`.

It simulates its chain, so its removal effects scatter. What they scatter around is told as well: its own transition matrix,
solved exactly with plain NumPy, a touchpoint being removed by leaving out every state that names it.
"""

import contextlib
import io
import json
import sys
import time
from pathlib import Path

with contextlib.redirect_stdout(io.StringIO()):  # it advertises
    import ChannelAttribution
import numpy as np
import pandas as pd

ENDS = ("(start)", "(conversion)", "(null)")


def main(given, answer):
    """Fit every order that is asked for; as often as is asked, for the time of it."""
    asked = dict(np.load(given))
    data = pd.DataFrame(
        {
            "path": bytes(asked["paths"]).decode().split("\n"),
            "conversions": asked["conversions"],
            "values": asked["values"],
            "nulls": asked["nulls"],
        }
    )
    found = {}
    for order in asked["orders"].tolist():
        started = time.perf_counter()
        told = fitted(data, order, simulations=int(asked["simulations"]), longest=int(asked["longest"]))
        seconds = time.perf_counter() - started
        names = told["result"]["channel_name"].tolist()
        simulated = told["removal_effects"].set_index("channel_name").loc[names]["removal_effects_conversion"].tolist()
        exact = solved(told["transition_matrix"], len(names)) if bool(asked["solve"]) else []
        found[order] = {"seconds": seconds, "names": names, "simulated": simulated, "exact": exact}
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


def fitted(data, order, *, simulations, longest):
    """Its own model; without a number of simulations and a longest path, as it comes."""
    more = {"nsim_start": simulations, "max_step": longest, "conv_par": 1.0} if simulations else {}
    return ChannelAttribution.markov_model(
        data,
        "path",
        "conversions",
        var_value="values",
        var_null="nulls",
        order=order,
        out_more=True,
        seed=1,
        verbose=False,
        flg_pro=False,
        **more,
    )


def solved(matrix, count):
    """Removal effects of its transition matrix."""
    steps = [
        (str(source), str(target), chance)
        for source, target, chance in zip(
            matrix["channel_from"], matrix["channel_to"], matrix["transition_probability"], strict=True
        )
    ]
    states = sorted({state for source, target, _ in steps for state in (source, target)} - set(ENDS))
    place = {state: index for index, state in enumerate([*states, "(start)"])}
    moves, converts = np.zeros((len(place), len(place))), np.zeros(len(place))
    for source, target, chance in steps:
        if target == "(conversion)":
            converts[place[source]] += chance
        elif target != "(null)":
            moves[place[source], place[target]] += chance

    def rate(without):
        kept = [index for state, index in place.items() if str(without) not in state.split()]
        inside = np.eye(len(kept)) - moves[np.ix_(kept, kept)]
        return float(np.linalg.solve(inside, converts[kept])[kept.index(place["(start)"])])

    whole = rate(None)
    return [1.0 - rate(channel) / whole for channel in range(1, count + 1)]


if __name__ == "__main__":
    main(*sys.argv[1:])
