"""The page of one decision, put together."""

from collections.abc import Iterator
from dataclasses import dataclass

from features.domain import Interaction, Outcome
from features.errors import NotReplayableError
from features.insights import Card, Column, Section, Table, Unit
from features.insights.table import Value
from features.tables import Feature
from serving.console.live.candidates import candidates_section
from serving.console.live.compared import Compared, compared
from serving.console.live.features import contributions_section, features_section
from serving.console.live.supposing import Form, Supposed
from serving.deciding.record import DecisionRecord, Shadow
from serving.desk import Desk
from serving.http.wire import Changes
from serving.looking_back.explain import Explanation

_FOLLOWED = (
    Column("at", "When", Unit.TIME),
    Column("told_by", "Told by"),
    Column("kind", "What"),
    Column("touchpoint", "Touchpoint"),
    Column("value", "Value", Unit.MONEY),
    Column("source", "Source"),
    Column("received_at", "Received", Unit.TIME),
)
_SHADOW = (
    Column("touchpoint", "Touchpoint"),
    Column("probability", "Probability", Unit.SHARE),
    Column("net_value", "Expected value", Unit.MONEY),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionPage:
    """Everything that the page shows.

    Attributes
    ----------
    text : the record as it is kept, JSON.
    missing : why it cannot be taken again; None where it can.
    replayed : the decision taken again as it was, where that was asked for.
    compared : the same with what is supposed, where anything is.
    sections : the rest, in order.
    """

    record: DecisionRecord
    text: str
    explanation: Explanation
    cards: tuple[Card, ...]
    missing: str | None
    replayed: Compared | None
    form: Form
    compared: Compared | None
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


def decision_page(decision_id: str, desk: Desk, supposed: Supposed, *, again: bool) -> DecisionPage:
    """The page of a decision.

    Parameters
    ----------
    again : whether to take it again as it was.

    Raises
    ------
    UnknownDecisionError
        When it was not taken here.
    RequestError, ProblemError, NotReplayableError
        When what is supposed cannot be.
    """
    record = desk.decisions.decision(decision_id)
    explanation = desk.decisions.explained(record)
    features, missing = _features(desk, record)
    replayed = None
    if again and missing is None:
        replayed, missing = _again(desk, record)
    changes = supposed.changes(features) if supposed.is_anything else None
    return DecisionPage(
        record=record,
        text=desk.decisions.text(decision_id),
        explanation=explanation,
        cards=_cards(record),
        missing=missing,
        replayed=replayed,
        form=Form(supposed=supposed, touchpoints=_touchpoints(record), features=features),
        compared=None if changes is None else compared(desk.decisions.tried(record, changes), drawn=True),
        facts=tuple(_facts(record)),
        sections=tuple(_sections(record, explanation, features, desk)),
    )


def _features(desk: Desk, record: DecisionRecord) -> tuple[tuple[Feature, ...], str | None]:
    try:
        return desk.decisions.features(record), None
    except NotReplayableError as error:
        return (), str(error)


def _again(desk: Desk, record: DecisionRecord) -> tuple[Compared | None, str | None]:
    try:
        return compared(desk.decisions.tried(record, Changes()), drawn=True), None
    except NotReplayableError as error:
        return None, str(error)


def _touchpoints(record: DecisionRecord) -> tuple[str, ...]:
    return tuple(each.touchpoint for each in record.candidates[1:])


def _cards(record: DecisionRecord) -> tuple[Card, ...]:
    chosen = next(each for each in record.candidates if each.touchpoint == record.chosen)
    features, fallback = record.features, record.fallback
    return (
        Card(title="Chosen", value=record.chosen, unit=Unit.TEXT, note=f"draw {record.draw.u:.4g}"),
        Card(title="Probability", value=chosen.probability, unit=Unit.SHARE, note="P(the policy chose it)"),
        Card(title="Expected value", value=chosen.net_value, unit=Unit.MONEY, note="beyond doing nothing"),
        Card(title="Converts", value=chosen.propensity, unit=Unit.SHARE, note=f"{100 * chosen.uplift:+.2f} points by it"),
        Card(title="Arm of the experiment", value=record.arm, unit=Unit.TEXT),
        Card(title="Features", value=features.status, unit=Unit.TEXT, note=fallback or "", alarm=fallback is not None),
    )


def _sections(record: DecisionRecord, explanation: Explanation, features: tuple[Feature, ...], desk: Desk) -> Iterator[Section]:
    identifiers = record.identifiers or (record.customer_id,)
    yield candidates_section(record, explanation)
    yield contributions_section(record, explanation.contributions, features)
    yield _followed(desk.customers.reactions(record.decision_id, identifiers))
    if record.shadow is not None:
        yield _shadow(record.shadow)
    used = record.features
    yield features_section(used.values, features, status=used.status, age_seconds=used.age_seconds)


def _followed(reactions: tuple[Outcome | Interaction, ...]) -> Section:
    rows = [_reaction(each) for each in reactions]
    return Section(
        name="followed",
        title="What followed",
        words=(f"{len(rows)} records name this decision.",) if rows else (),
        tables=(Table.of("followed", "Everything that names it", _FOLLOWED, rows),),
        empty="Nothing that names this decision came in yet: POST /v1/outcomes with its id, or interactions with decision_id.",
    )


def _reaction(told: Outcome | Interaction) -> dict[str, Value]:
    is_outcome = isinstance(told, Outcome)
    return {
        "at": told.at.isoformat(),
        "told_by": "outcome" if is_outcome else "interaction",
        "kind": told.kind.value,
        "touchpoint": None if isinstance(told, Outcome) else told.touchpoint,
        "value": told.value,
        "source": told.source,
        "received_at": told.received_at.isoformat(),
    }


def _shadow(shadow: Shadow) -> Section:
    values = shadow.net_values
    rows: list[dict[str, Value]] = [
        {"touchpoint": name, "probability": probability, "net_value": values.get(name)}
        for name, probability in sorted(shadow.probabilities.items(), key=lambda each: -each[1])
    ]
    return Section(
        name="shadow",
        title="What the challenger would have done",
        words=(f"{shadow.policy.name} {shadow.policy.version}, among the very same candidates; nobody was contacted for it.",),
        tables=(Table.of("shadow", "The challenger's answer", _SHADOW, rows),),
    )


def _facts(record: DecisionRecord) -> Iterator[tuple[str, str]]:
    """What it rests on, a name and words each."""
    yield "Taken as of", f"{record.at:%Y-%m-%d %H:%M:%S} UTC, decided at {record.decided_at:%Y-%m-%d %H:%M:%S} UTC"
    yield "Consent", record.consent or "not needed for doing nothing"
    yield "Policy", f"{record.policy.name} {record.policy.version}"
    yield "Draw", f"{record.draw.u:.6g} from seed {record.draw.seed} and the decision's id"
    if record.context:
        yield "Context", ", ".join(f"{name} = {value}" for name, value in record.context.items())
    if record.slate is not None:
        where = f", placement {record.slate.placement}" if record.slate.placement else ""
        yield "Slate", f"slot {record.slate.slot} of {record.slate.id}{where}"
    if record.deferred:
        yield "Deferred", "it counts as a contact once it is activated"
    if record.fallback:
        yield "Fallback", record.fallback
    if record.situation is not None:
        kept = record.situation
        yield "Known to rules", f"{len(kept.contacts)} contacts, {len(kept.answers)} answers, {len(kept.consents)} consents"
        if kept.exclude:
            yield "Left out by the request", ", ".join(kept.exclude)
        if kept.candidates is not None:
            yield "Asked for", ", ".join(kept.candidates) or "nothing"
    yield "Catalogue", record.catalogue_version
    yield "Software", record.software_version
