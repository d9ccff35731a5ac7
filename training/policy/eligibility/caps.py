"""Caps: at most so many contacts in any rolling time."""

from collections.abc import Iterable
from datetime import timedelta

from features.catalogue import Cap, Catalogue
from training.policy.eligibility.objection import Objection, Standing, covered
from training.policy.eligibility.past import Past, PastRule, counted_by, dates


def caps(catalogue: Catalogue) -> list[PastRule]:
    """The caps that one more contact would break: those with as many contacts as they allow in (at - days, at]."""
    return [_rule(cap, catalogue) for cap in catalogue.caps]


def _rule(cap: Cap, catalogue: Catalogue) -> PastRule:
    name, limit, window, names = cap.name, cap.limit, timedelta(days=cap.days), covered(cap, catalogue)
    if limit == 0:
        never = ((Objection(f"{name}: never"), names),)
        return PastRule(lambda _: False, lambda _: never, always=True)

    def against(past: Past) -> Iterable[Standing]:
        if len(past.contacts) < limit or len(times := past.within(window)) < limit:
            return ()
        # it opens when so many have left the window that one fewer than the limit is left
        return ((Objection(f"{name}: sent on {dates(times)}", times[-limit] + window), names),)

    return PastRule(counted_by(cap, catalogue), against)
