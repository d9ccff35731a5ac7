"""Suppressions: a pause after so many contacts in a row that the customer ignored."""

from collections.abc import Iterable
from datetime import timedelta

from features.catalogue import Catalogue
from features.catalogue.rules import Suppression
from training.policy.eligibility.objection import Objection, Standing, covered
from training.policy.eligibility.past import Past, PastRule, counted_by, dates


def suppressions(catalogue: Catalogue) -> list[PastRule]:
    """The pauses that last still, for what each covers."""
    return [_rule(rule, catalogue) for rule in catalogue.suppressions]


def _rule(rule: Suppression, catalogue: Catalogue) -> PastRule:
    """A pause begins with each contact that is the `ignored`-th unanswered one in the days up to it, and runs to its end."""
    name, ignored, names = rule.name, rule.ignored, covered(rule, catalogue)
    within, pause = timedelta(days=rule.within_days), timedelta(days=rule.days)

    def against(past: Past) -> Iterable[Standing]:
        if len(past.contacts) < ignored:
            return ()
        times = past.within(within + pause)
        if past.answers:
            answered = past.answers[-1].at
            times = [time for time in times if time > answered]
        runs = zip(times, times[ignored - 1 :], strict=False)
        begun = [last for first, last in runs if first > last - within and last + pause > past.at]
        return ((Objection(f"{name}: ignored those of {dates(times)}", begun[-1] + pause), names),) if begun else ()

    return PastRule(counted_by(rule, catalogue), against)
