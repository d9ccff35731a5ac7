"""Quiet hours: no contact between two times of the customer's own day."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from features.catalogue import Catalogue
from features.catalogue.rules import QuietHours
from features.catalogue.table import zone_named
from training.policy.eligibility.local_time import earliest, latest, local_day, next_day
from training.policy.eligibility.objection import Check, Objection, for_covered
from training.policy.eligibility.situation import Situation


def quiet_hours(catalogue: Catalogue, situation: Situation) -> Check:
    """The quiet hours that it is in, for what each covers."""
    return for_covered([(rule, quiet) for rule in catalogue.quiet_hours if (quiet := _against(rule, situation))])


def _against(rule: QuietHours, situation: Situation) -> Objection | None:
    zone = _zone(rule, situation)
    until = _ends(rule, situation.at, zone)
    if until is None:
        return None
    return Objection(f"{rule.name}: it is {situation.at.astimezone(zone):%H:%M} in {zone.key}", until)


def _ends(rule: QuietHours, at: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours that `at` lies in end; where a clock is changed within them, the longer way counts."""
    today = local_day(at, zone)
    days = [today + timedelta(days=shift) for shift in (-1, 0, 1)]
    overnight = rule.end < rule.start
    nights = [(earliest(day, rule.start, zone), latest(next_day(day) if overnight else day, rule.end, zone)) for day in days]
    return max((end for start, end in nights if start <= at < end), default=None)


def _zone(rule: QuietHours, situation: Situation) -> ZoneInfo:
    """The customer's zone: what came with the question goes before what is known, and that before the catalogue's."""
    named = ("context.timezone", *((f"trait.{rule.trait}",) if rule.trait else ()))
    zones = (zone_named(str(situation.facts[name])) for name in named if situation.facts.get(name) is not None)
    return next((zone for zone in zones if zone is not None), ZoneInfo(rule.zone))
