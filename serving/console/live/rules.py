"""How much of every rule of contact a customer has used up, as the policy's own code sees it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from features.catalogue import Catalogue
from features.catalogue.rules import Cap, Cooldown, Exclusion, QuietHours, Suppression
from features.insights import Column, Section, Table, Unit
from features.insights.table import Value
from serving.deciding.record import DecisionRecord
from training.policy.eligibility import Situation
from training.policy.eligibility.contacts import contacts
from training.policy.eligibility.objection import Check, Objection
from training.policy.eligibility.past import Past, counted_by, until
from training.policy.eligibility.quiet_hours import quiet_hours

_Rule = Cap | Cooldown | Suppression | Exclusion | QuietHours
_OF_PAST = {"caps": "cap", "cooldowns": "cool-down", "suppressions": "suppression", "exclusions": "exclusion"}
_COLUMNS = (
    Column("rule", "Rule"),
    Column("sort", "Sort"),
    Column("used", "Used", Unit.TEXT, "Of a cap: the contacts it counts in its rolling window, and how many it allows."),
    Column("standing", "Now"),
    Column("until", "Next possible", Unit.TIME, "When the rule no longer stands in the way, if nothing is sent until then."),
    Column("touchpoints", "Touchpoints it is about"),
)
_EMPTY = "The catalogue has no caps, cool-downs, suppressions, exclusions or quiet hours: add some, such as [[caps]] limit = 2."


def rules_section(record: DecisionRecord, catalogue: Catalogue) -> Section:
    """Every rule of the catalogue that contacts or the hour may break, with what was used of it at the time of a record.

    Each is run by itself, as a catalogue's only one, so that none hides behind a stricter one.
    """
    kept = record.situation
    situation = Situation(at=record.at) if kept is None else kept.restored(record.features.values)
    rows = [_row(rule, sort, check, catalogue, situation) for rule, sort, check in _checks(catalogue)]
    waiting = [row for row in rows if row["standing"] != "open"]
    return Section(
        name="rules",
        title="What rules of contact leave open",
        words=(*_summary(rows, waiting), *_capped(catalogue, situation)),
        tables=(Table.of("rules", "Every rule of contact", _COLUMNS, rows),),
        empty=_EMPTY,
    )


def _checks(catalogue: Catalogue) -> Iterable[tuple[_Rule, str, Check]]:
    for key, sort in _OF_PAST.items():
        for rule in getattr(catalogue, key):
            yield rule, sort, contacts(_alone(catalogue, key, rule))
    for hours in catalogue.quiet_hours:
        yield hours, "quiet hours", quiet_hours(catalogue.model_copy(update={"quiet_hours": (hours,)}))


def _alone(catalogue: Catalogue, key: str, rule: _Rule) -> Catalogue:
    return catalogue.model_copy(update={**dict.fromkeys(_OF_PAST, ()), key: (rule,)})


def _row(rule: _Rule, sort: str, check: Check, catalogue: Catalogue, situation: Situation) -> dict[str, Value]:
    covered = [each for each in catalogue.recommendable if _covers(rule, each.name, catalogue)]
    standing = [objection for objection, names in check(situation) if names]
    worst = max(standing, key=_lasts, default=None)
    return {
        "rule": rule.name,
        "sort": sort,
        "used": _used(rule, catalogue, situation),
        "standing": "open" if worst is None else _told(worst, rule.name),
        "until": worst.until.isoformat() if worst is not None and worst.until is not None else None,
        "touchpoints": ", ".join(each.name for each in covered) or "none that the brand can start",
    }


def _covers(rule: _Rule, name: str, catalogue: Catalogue) -> bool:
    touchpoint = catalogue.touchpoint(name)
    if touchpoint is None:
        return False
    return name in rule.touchpoints if isinstance(rule, Exclusion) else rule.covers(touchpoint)


def _used(rule: _Rule, catalogue: Catalogue, situation: Situation) -> str | None:
    if not isinstance(rule, Cap):
        return None
    counts = counted_by(rule, catalogue)
    past = Past(situation.at, [each for each in until(situation.at, situation.contacts) if counts(each.touchpoint)])
    return f"{len(past.within(timedelta(days=rule.days)))} of {rule.limit}"


def _told(objection: Objection, name: str) -> str:
    """What stands against a contact, without the rule's own name, which stands beside it."""
    return objection.rule.removeprefix(f"{name}: ")


def _lasts(objection: Objection) -> float:
    return float("inf") if objection.until is None else objection.until.timestamp()


def _summary(rows: list[dict[str, Value]], waiting: list[dict[str, Value]]) -> tuple[str, ...]:
    if not rows:
        return ()
    if not waiting:
        return ("No rule of contact stands in the way now.",)
    return (f"{len(waiting)} of {len(rows)} {'rule stands' if len(rows) == 1 else 'rules stand'} in the way of some contact.",)


def _capped(catalogue: Catalogue, situation: Situation) -> tuple[str, ...]:
    """`3 of 4 email contacts in 28 days`, for each cap."""
    return tuple(f"{_cap(cap, catalogue, situation)}{_next(cap, catalogue, situation)}." for cap in catalogue.caps)


def _cap(cap: Cap, catalogue: Catalogue, situation: Situation) -> str:
    scope = "contacts" if cap.scope == "any touchpoint" else f"{cap.scope} contacts"
    return f"{_used(cap, catalogue, situation)} {scope} in {cap.days:g} days"


def _next(cap: Cap, catalogue: Catalogue, situation: Situation) -> str:
    check = contacts(_alone(catalogue, "caps", cap))
    moments: list[datetime] = [each.until for each, _ in check(situation) if each.until is not None]
    return f"; next possible on {moments[0]:%Y-%m-%d at %H:%M} UTC" if moments else ""
