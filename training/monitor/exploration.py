"""Whether the policy still tries what does not look best: what is never tried can never be learnt about, nor evaluated."""

from collections.abc import Iterator, Mapping

import numpy as np

from training.monitor.alarm import Alarm, Level
from training.monitor.recorded import Candidates

NEARLY_NOTHING = 0.01
"""Together less probability than this for all but the likeliest touchpoint is no exploration."""

_LEAST_DECISIONS = 50
_COLLAPSED = 0.5  # share of decisions
_LEAST_CHOICES = 1.05
_FALLBACKS = {Level.CRITICAL: 0.5, Level.WARNING: 0.2}
_NEW = "unknown_customer"  # no fault: everybody is new once
_ROUNDING = 1e-6


def exploration_alarms(found: Candidates, *, floor: float) -> Iterator[Alarm]:
    """The alarms of the probabilities of one window; only decisions count that had something to choose from.

    Parameters
    ----------
    floor : the least probability that the catalogue promises.
    """
    decision, probability = found.decision[found.eligible], found.probability[found.eligible]
    _, row, count = np.unique(decision, return_inverse=True, return_counts=True)
    several = count > 1
    if several.sum() < _LEAST_DECISIONS:
        return
    most, entropy = np.zeros(len(count)), np.zeros(len(count))
    np.maximum.at(most, row, probability)
    np.add.at(entropy, row, -probability * np.log(np.maximum(probability, 1e-300)))
    collapsed = float((1.0 - most[several] < NEARLY_NOTHING).mean())
    if collapsed > _COLLAPSED:
        words = f"of so many decisions all touchpoints but one had less than {NEARLY_NOTHING:g} probability together"
        yield _critical(
            "exploration_collapse", collapsed, _COLLAPSED, f"{words}; lower exploration.sharpness, or raise its floor"
        )
    choices = float(np.exp(entropy[several]).mean())
    if choices < _LEAST_CHOICES:
        words = "so many touchpoints are really chosen between; nothing is learnt about the others"
        yield Alarm(name="effective_choices", level=Level.WARNING, figure=choices, threshold=_LEAST_CHOICES, words=words)
    promised = np.minimum(floor, 1.0 / count[row])
    if floor > 0.0 and (least := float((probability / promised)[several[row]].min())) < 1.0 - _ROUNDING:
        yield _critical(
            "least_probability", least, 1.0, "of the floor that the catalogue promises; what is logged cannot be right"
        )


def fallback_alarms(found: Mapping[str | None, int]) -> Iterator[Alarm]:
    """The alarm of how many decisions were taken without a policy, or without the features of a customer who is known."""
    without = {reason: count for reason, count in found.items() if reason not in (None, _NEW)}
    total = sum(found.values())
    share = sum(without.values()) / total if total >= _LEAST_DECISIONS else 0.0
    level = next((level for level, most in _FALLBACKS.items() if share > most), None)
    if level is not None:
        often = max(without, key=lambda reason: without[reason])
        words = f"of the decisions were fallbacks, most often {often}"
        yield Alarm(name="fallbacks", level=level, figure=share, threshold=_FALLBACKS[level], words=words)


def _critical(name: str, figure: float, threshold: float, words: str) -> Alarm:
    return Alarm(name=name, level=Level.CRITICAL, figure=figure, threshold=threshold, words=words)
