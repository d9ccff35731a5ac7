"""Vowpal Wabbit's SquareCB in the known world: `python vowpal_world.py world.npz answer.json`; needs vowpalwabbit and numpy.

It decides for every customer once a round, hears what that brought before the next round, and knows of every customer what
our own service is told as well: how often each kind of thing happened so far, and how contacts were answered.
"""

import json
import sys

import numpy as np
from vowpalwabbit import Workspace

MONEY = 50.0  # rewards are divided by it, so that costs are about 1
GRID = tuple((scale, rate) for scale in (3.0, 10.0, 30.0) for rate in (0.01, 0.02, 0.05, 0.2))


def main(given, answer):
    """Play with every setting; the least regret counts."""
    world = dict(np.load(given))
    runs = [play(world, gamma_scale=scale, rate=rate) for scale, rate in GRID]
    best = min(runs, key=lambda run: run["regret"])
    with open(answer, "w", encoding="utf-8") as file:
        json.dump({"best": best, "all": [{key: run[key] for key in ("gamma_scale", "rate", "regret")} for run in runs]}, file)


def play(world, *, gamma_scale, rate):
    """All rounds with one setting."""
    arguments = f"--cb_explore_adf --squarecb --gamma_scale {gamma_scale} -l {rate} -q ca -q aa --quiet --random_seed 1"
    learner = Workspace(arguments)
    propensity, spends, costs = world["propensity"], world["spends"], world["costs"]
    reward = propensity * (spends * world["margin"])[:, None] - costs
    rounds, n = world["buys"].shape
    counts = np.hstack([world["covariates"], np.zeros((n, 2 * len(costs) + 1))])
    regret, values = 0.0, []
    for number in range(rounds):
        text = [context(row) for row in counts]
        probabilities = np.array([learner.predict(examples(each, len(costs))) for each in text])
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        values.append(float((probabilities * reward).sum(axis=1).mean()))
        regret += float((reward.max(axis=1) - (probabilities * reward).sum(axis=1)).sum())
        actions = (probabilities.cumsum(axis=1) <= world["draws"][number][:, None] * (1 - 1e-12)).sum(axis=1)
        rows = np.arange(n)
        bought = world["buys"][number] < propensity[rows, actions]
        money = np.where(bought, world["amounts"][number], 0.0)
        earned = money * world["margin"] - costs[actions]
        for row in range(n):
            cost = -earned[row] / MONEY
            learner.learn(examples(text[row], len(costs), chosen=actions[row], cost=cost, p=probabilities[row, actions[row]]))
        remember(counts, world, number, actions, bought, money)
    return {"gamma_scale": gamma_scale, "rate": rate, "regret": regret, "values": values}


def context(row):
    """What is known of a customer; counts on a logarithmic scale, as is usual there."""
    return "shared |c " + " ".join(f"f{index}:{np.log1p(value):.4f}" for index, value in enumerate(row) if value)


def examples(shared, arms, *, chosen=None, cost=0.0, p=1.0):
    """One line for the customer and one for each arm, that of the chosen one with its label."""
    lines = [shared]
    for arm in range(arms):
        label = f"0:{cost:.6f}:{p:.6f} " if arm == chosen else ""
        lines.append(f"{label}|a arm{arm}")
    return lines


def remember(counts, world, number, actions, bought, money):
    """Count what happened: kinds of interaction, contacts and opens of each arm, money."""
    rows, kinds, arms = np.arange(len(actions)), world["covariates"].shape[1], len(world["costs"])
    contacted = actions > 0
    opened = contacted & (world["opens"][number] < world["open_rates"])
    complained = contacted & (world["complains"][number] < world["complaint_rates"])
    counts[:, 2] += bought
    counts[:, 3] += contacted
    counts[:, 4] += opened
    counts[:, 5] += complained
    counts[rows, kinds + actions] += 1
    counts[rows, kinds + arms + actions] += opened
    counts[:, -1] += money


if __name__ == "__main__":
    main(*sys.argv[1:])
