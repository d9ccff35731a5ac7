"""Suppressions: a pause after so many contacts in a row that the customer ignored."""

from datetime import timedelta

from features.catalogue import Catalogue
from features.catalogue.rules import Suppression
from training.policy.eligibility.objection import Check, Objection, for_covered
from training.policy.eligibility.past import Past, dates


def suppressions(catalogue: Catalogue, past: Past) -> Check:
    """The pauses that last still, for what each covers."""
    return for_covered([(rule, pause) for rule in catalogue.suppressions if (pause := _against(rule, past))])


def _against(rule: Suppression, past: Past) -> Objection | None:
    """A pause begins with each contact that is the `ignored`-th unanswered one in the days up to it, and runs to its end."""
    within, pause = timedelta(days=rule.within_days), timedelta(days=rule.days)
    answered = past.last_answer(rule)
    times = [time for time in past.contacted(rule, within=within + pause) if answered is None or time > answered]
    runs = zip(times, times[rule.ignored - 1 :], strict=False)
    begun = [last for first, last in runs if first > last - within and last + pause > past.at]
    return Objection(f"{rule.name}: ignored those of {dates(times)}", begun[-1] + pause) if begun else None
