"""Quiet hours: no contact between two times of the customer's own day."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from features.catalogue import Catalogue
from features.catalogue.rules import QuietHours
from features.catalogue.table import zone_named
from training.policy.eligibility.local_time import earliest, latest, local_day, next_day
from training.policy.eligibility.objection import Check, Objection, Standing, covered, nothing
from training.policy.eligibility.situation import Situation


def quiet_hours(catalogue: Catalogue) -> Check:
    """The quiet hours that it is in, for what each covers."""
    rules = [(rule, rule.name, names) for rule in catalogue.quiet_hours if (names := covered(rule, catalogue))]
    if not rules:
        return nothing

    def check(situation: Situation) -> Iterator[Standing]:
        for rule, name, names in rules:
            zone = _zone(rule, situation)
            ends = _ends(rule, situation.at, zone)
            if ends is not None:
                yield Objection(f"{name}: it is {situation.at.astimezone(zone):%H:%M} in {zone.key}", ends), names

    return check


def _ends(rule: QuietHours, at: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours that `at` lies in end; where a clock is changed within them, the longer way counts."""
    nights = _nights(rule.start, rule.end, local_day(at, zone), zone)
    return max((end for start, end in nights if start <= at < end), default=None)


@lru_cache(maxsize=4096)
def _nights(start: time, end: time, today: date, zone: ZoneInfo) -> tuple[tuple[datetime, datetime], ...]:
    """From when to when it is quiet, UTC, around a day."""
    days = [today + timedelta(days=shift) for shift in (-1, 0, 1)]
    return tuple((earliest(day, start, zone), latest(next_day(day) if end < start else day, end, zone)) for day in days)


def _zone(rule: QuietHours, situation: Situation) -> ZoneInfo:
    """The customer's zone: what came with the question goes before what is known, and that before the catalogue's."""
    named = ("context.timezone", *((f"trait.{rule.trait}",) if rule.trait else ()))
    zones = (zone_named(str(situation.facts[name])) for name in named if situation.facts.get(name) is not None)
    return next((zone for zone in zones if zone is not None), ZoneInfo(rule.zone))
