"""Coba's doubly robust rewards of many logs: `python coba_dr.py given.npz answer.json`.

Coba learns its own reward model, with Vowpal Wabbit, from the log that it then corrects; it takes no other and tells no interval.
"""

import json
import sys
from pathlib import Path

import numpy as np
from coba.environments import OpeRewards


def main(given, answer):
    """Estimate every log; the first axis of every array is the log."""
    logs = dict(np.load(given))
    columns = (logs[name] for name in ("context", "actions", "rewards", "probabilities", "target"))
    Path(answer).write_text(json.dumps({"values": [value_of(*log) for log in zip(*columns, strict=True)]}), encoding="utf-8")


def value_of(context, actions, rewards, probabilities, target):
    """The mean over decisions of what the policy is expected to earn."""
    arms = [str(arm) for arm in range(target.shape[1])]
    interactions = [
        {"context": tuple(x.tolist()), "actions": arms, "action": arms[action], "reward": float(reward), "probability": float(p)}
        for x, action, reward, p in zip(context, actions, rewards, probabilities, strict=True)
    ]
    found = [
        sum(p * each["rewards"](arm) for p, arm in zip(row, arms, strict=True))
        for each, row in zip(OpeRewards("DR").filter(interactions), target, strict=True)
    ]
    return float(np.mean(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
