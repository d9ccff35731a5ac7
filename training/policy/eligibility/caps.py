"""Caps: at most so many contacts in any rolling time."""

from datetime import timedelta

from features.catalogue import Cap, Catalogue
from training.policy.eligibility.objection import Check, Objection, for_covered
from training.policy.eligibility.past import Past, dates


def caps(catalogue: Catalogue, past: Past) -> Check:
    """The caps that one more contact would break: those with as many contacts as they allow in (at - days, at]."""
    return for_covered([(cap, full) for cap in catalogue.caps if (full := _against(cap, past))])


def _against(cap: Cap, past: Past) -> Objection | None:
    if cap.limit == 0:
        return Objection(f"{cap.name}: never")
    window = timedelta(days=cap.days)
    times = past.contacted(cap, within=window)
    if len(times) < cap.limit:
        return None
    # it opens when so many have left the window that one fewer than the limit is left
    return Objection(f"{cap.name}: sent on {dates(times)}", times[-cap.limit] + window)
