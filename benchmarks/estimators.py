"""Are our off-policy estimates as good as those of the Open Bandit Pipeline and of coba, on the same logs?

First in a world whose truth is known: how often do 95 % intervals of DR hold it, and what is the mean squared error? Ours goes
all the way, with the reward model that `touchpoint evaluate` uses. The Open Bandit Pipeline (obp) is given our reward model, and
then makes its own, of two kinds; coba always makes its own, and tells no interval. Second, on the public log that obp carries:
are the figures of its quickstart reproduced, and do our estimators say the same where they are given the same inputs?
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import ask_peer
from features.synthetic import PAST_KINDS, World, logged_decisions, make_world
from training.evaluate import expected_rewards
from training.ope import Estimate, Log, dm, dr, ips, snips, switch_dr
from training.policy_value import Judging, PolicyValue
from training.splits import customer_folds

Floats = NDArray[np.float64]

LOGS, DECISIONS, REPEATS = 300, 1500, 5
THRESHOLDS = (1.0, 5.0)
QUICKSTART = {"ipw": 0.004553, "dm": 0.003545, "dr": 0.004727}
OBP = (  # with pins beside its own, which want torch; see `peers/absent_torch.py`
    "--no-deps",
    "sb-obp==0.5.10",  # the build of obp 0.5.7 for Python above 3.10; its estimators are the same, file by file
    *("numpy==1.26.4", "scipy==1.14.1", "scikit-learn==1.5.2", "joblib==1.4.2", "threadpoolctl==3.5.0"),
    *("pandas==2.2.3", "python-dateutil==2.9.0.post0", "pytz==2024.2", "tzdata==2024.2", "six==1.17.0"),
    *("matplotlib==3.9.4", "seaborn==0.13.2", "pillow==11.1.0", "contourpy==1.3.1", "cycler==0.12.1", "fonttools==4.55.3"),
    *("kiwisolver==1.4.8", "packaging==24.2", "pyparsing==3.2.1", "PyYAML==6.0.2", "tqdm==4.67.1", "mypy-extensions==0.4.4"),
)
COBA = ("coba==8.1.0", "vowpalwabbit==9.11.9", "numpy<3")


def measure() -> dict[str, object]:
    """Compare in the known world, then on the public log."""
    world = make_world(20_000, rng=np.random.default_rng(1))
    logging, target = _policies(world)
    truth = world.value_of(target)
    once = _logs(world, logging, target, repeats=1)
    often = _logs(world, logging, target, repeats=REPEATS)
    return {
        "question": f"DR on {LOGS} logs of {DECISIONS:,} decisions, true value {truth:.4f}; then the quickstart of obp",
        **_accuracy(once, truth),
        f"coverage_with_{REPEATS}_decisions_a_customer": _coverage(_intervals([value.dr for value in _values(often)]), truth),
        f"coverage_with_{REPEATS}_decisions_a_customer_obp": _coverage(_obp(often, own=False)["given"], truth),
        **_quickstart(),
    }


def _policies(world: World) -> tuple[Floats, Floats]:
    """A log that mails those who open and leaves buyers alone, and a target that is surer of itself; shape (customers, k)."""
    opens, purchases = (world.covariates[:, [kind.value for kind in PAST_KINDS].index(name)] for name in ("open", "purchase"))
    scores = np.zeros((len(opens), 5))
    scores[:, 4], scores[:, 0] = 0.4 * opens, 0.4 * purchases
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    best = np.where(opens >= 2, 4, np.where(purchases >= 3, 1, 0))
    return 0.05 + 0.75 * likely / likely.sum(axis=1, keepdims=True), 0.02 + 0.9 * np.eye(5)[best]


def _logs(world: World, logging: Floats, target: Floats, *, repeats: int) -> dict[str, NDArray[np.generic]]:
    """Many logs, with the expected rewards of our reward model; the first axis of every array is the log."""
    rng = np.random.default_rng(100 + repeats)
    rows = []
    for number in range(LOGS):
        log = logged_decisions(world, DECISIONS, logging, rng, repeats=repeats)
        context = world.covariates[log.customers]
        folds = customer_folds(log.customers.astype(object), count=3, seed=number)
        expected = expected_rewards(context, log.actions, log.rewards, folds, arms=world.catalogue.arms, seed=number)
        wanted = target[log.customers]
        rows.append(
            (context, log.actions, log.rewards, log.probabilities, wanted, expected, log.customers, log.all_probabilities)
        )
    names = ("context", "actions", "rewards", "probabilities", "target", "expected", "customers", "table")
    return {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _accuracy(logs: dict[str, NDArray[np.generic]], truth: float) -> dict[str, object]:
    values = _values(logs)
    ours = _intervals([value.dr for value in values])
    obp = _obp(logs, own=True)
    coba = [[value] for value in ask_peer("coba_dr", requirements=COBA, arrays=_given(logs))["values"]]
    error = _error(ours, truth)
    best = min(("linear", "boosted"), key=lambda model: _error(obp[model], truth))
    gap = max(abs(our[0] - their[0]) for our, their in zip(ours, obp["given"], strict=True))
    return {
        "coverage": _coverage(ours, truth),
        "coverage_obp_with_our_model": _coverage(obp["given"], truth),
        "coverage_obp_with_its_best_model": _coverage(obp[best], truth),
        "largest_gap_to_obp_with_our_model": gap,
        "error": round(error, 4),
        "error_obp_with_its_best_model": round(_error(obp[best], truth), 4),
        "its_best_model": best,
        "error_coba": round(_error(coba, truth), 4),
        "error_switch_dr": round(_error(_intervals([value.switch_dr for value in values]), truth), 4),
        "error_ips": round(_error(_intervals([value.ips for value in values]), truth), 4),
        "ratio_to_obp": _ratio(ours, obp[best], truth),
        "ratio_to_coba": _ratio(ours, coba, truth),
    }


def _values(logs: dict[str, NDArray[np.generic]]) -> list[PolicyValue]:
    """What `touchpoint evaluate` says of the target, log by log."""
    found = []
    for number in range(LOGS):
        row = {name: column[number] for name, column in logs.items()}
        log = Log(
            rewards=row["rewards"],
            actions=row["actions"],
            probabilities=row["probabilities"],
            clusters=row["customers"],
            all_probabilities=row["table"],
        )
        found.append(Judging(log=log, rewards=row["expected"], seed=number).value("target", row["target"]))
    return found


def _given(logs: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    return {name: logs[name] for name in ("context", "actions", "rewards", "probabilities", "target", "expected")}


def _obp(logs: dict[str, NDArray[np.generic]], *, own: bool) -> dict[str, list[list[float]]]:
    return ask_peer("obp_dr", requirements=OBP, arrays={**_given(logs), "own": np.array(own)}, environment="obp")


def _quickstart() -> dict[str, object]:
    """Obp's own figures, as printed and as they come out here, and how far ours are from them on the same inputs."""
    answer = ask_peer("obp_quickstart", requirements=OBP, arrays={"thresholds": np.array(THRESHOLDS)}, environment="obp")
    log = Log(rewards=answer["rewards"].astype(float), actions=answer["actions"], probabilities=answer["probabilities"])
    target, expected = answer["target"], answer["expected"]
    ours = {
        "ipw": ips(log, target),
        "snipw": snips(log, target),
        "dm": dm(log, target, expected),
        "dr": dr(log, target, expected),
        **{f"switch-dr {each:g}": switch_dr(log, target, expected, threshold=each) for each in THRESHOLDS},
    }
    return {
        "quickstart": {
            name: f"{estimate.value:.6f} [{estimate.low:.6f}, {estimate.high:.6f}]" for name, estimate in ours.items()
        },
        "quickstart_as_printed": QUICKSTART,
        "quickstart_on_policy": answer["on_policy"],
        "largest_gap_on_the_same_inputs": max(abs(estimate.value - answer["values"][name]) for name, estimate in ours.items()),
        "largest_gap_to_the_printed_figures": max(abs(ours[name].value - printed) for name, printed in QUICKSTART.items()),
    }


def _intervals(estimates: Sequence[Estimate]) -> list[list[float]]:
    return [[estimate.value, estimate.low, estimate.high] for estimate in estimates]


def _coverage(found: Sequence[Sequence[float]], truth: float) -> float:
    return round(float(np.mean([low <= truth <= high for _, low, high in found])), 3)


def _error(found: Sequence[Sequence[float]], truth: float) -> float:
    return float(np.mean([(value - truth) ** 2 for value, *_ in found]))


def _ratio(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]], truth: float) -> str:
    """Of the mean squared errors, with the standard error that 300 logs leave to it."""
    pairs = np.array([[(our[0] - truth) ** 2, (their[0] - truth) ** 2] for our, their in zip(ours, theirs, strict=True)])
    mine, peers = pairs.mean(axis=0)
    spread = (pairs[:, 0] - mine / peers * pairs[:, 1]).std() / np.sqrt(len(pairs)) / peers
    return f"{mine / peers:.3f} ± {spread:.3f}"
