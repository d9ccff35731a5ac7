"""The feature list: every feature of the project, declared once, for the catalogue in force.

To add a feature, add one `Feature` to one of the families below, or a family; history, online state and feature store follow.
"""

from collections.abc import Iterator

from features.catalogue.model import Catalogue, Trait
from features.domain import RESPONSES, Kind, Metric, Stage
from features.tables.extremes import Current, Extreme
from features.tables.feature import Feature
from features.tables.folds import Count, DecayedSum, Total
from features.tables.reads import Days, Decayed, Mean, MeanGap, OpenCart, Plain, Rate
from features.tables.texts import Category, Number
from features.tables.where import ANY, Where

HALF_LIVES = (7, 30, 180)
"""Days."""

MAIN_KINDS = (
    Kind.CONTACT,
    Kind.OPEN,
    Kind.CLICK,
    Kind.VIEW,
    Kind.VISIT,
    Kind.CART,
    Kind.PURCHASE,
    Kind.REDEMPTION,
    Kind.CALL,
    Kind.COMPLAINT,
)
"""Kinds with decayed counts and a recency."""

RARE_KINDS = (Kind.REFUND, Kind.RATING, Kind.SHARE, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE)
"""Kinds with a lifetime count only."""

TOTAL = "any_lifetime_count"
"""Number of a customer's interactions; it changes whenever anything about the customer does."""

FIRST_AT = "any_first_at"
"""Column: microseconds of a customer's first interaction."""

_PURCHASE = Where(kinds=(Kind.PURCHASE,))
_PURCHASES = Count("kind_purchase_lifetime_count", _PURCHASE)
_LAST_PURCHASE = Extreme("kind_purchase_last_at", "last", _PURCHASE)


def feature_list(catalogue: Catalogue) -> tuple[Feature, ...]:
    """All features, in the order of the model's columns; the same catalogue always gives the same list."""
    return (
        *_activity(catalogue),
        *_lifetime(),
        *_recency(),
        *_purchases(),
        *_satisfaction(),
        *_sentiment(),
        *_contacts(catalogue),
        *_where_now(catalogue),
        *_traits(catalogue),
    )


def _activity(catalogue: Catalogue) -> Iterator[Feature]:
    groups = [("any", ANY)]
    groups += [(f"channel_{channel}", Where(channel=channel)) for channel in _channels(catalogue)]
    groups += [(f"kind_{kind}", Where(kinds=(kind,))) for kind in MAIN_KINDS]
    groups += [(f"stage_{stage}", Where(stage=stage)) for stage in _stages(catalogue)]
    for what, where in groups:
        for days in HALF_LIVES:
            name = f"{what}_{days}d_count"
            meaning = f"Number of {where}, each halved every {days} days."
            yield Feature(name, "float", "count", meaning, Decayed(DecayedSum(name, days, where)))


def _lifetime() -> Iterator[Feature]:
    yield Feature(TOTAL, "int", "count", f"Number of {ANY}, ever.", Plain(Count(TOTAL)))
    for kind in (*MAIN_KINDS, *RARE_KINDS):
        name, where = f"kind_{kind}_lifetime_count", Where(kinds=(kind,))
        yield Feature(name, "int", "count", f"Number of {where}, ever.", Plain(Count(name, where)))


def _recency() -> Iterator[Feature]:
    first = Extreme(FIRST_AT, "first")
    yield Feature("tenure_lifetime_days", "float", "days", "Days since the first interaction.", Days(first))
    for what, where in [("any", ANY), *((f"kind_{kind}", Where(kinds=(kind,))) for kind in MAIN_KINDS)]:
        last = Extreme(f"{what}_last_at", "last", where)
        yield Feature(f"{what}_recency_days", "float", "days", f"Days since the last of {where}.", Days(last))


def _purchases() -> Iterator[Feature]:
    for days in HALF_LIVES:
        name = f"purchase_{days}d_money"
        meaning = f"Value of purchases, each halved every {days} days."
        yield Feature(name, "float", "money", meaning, Decayed(DecayedSum(name, days, _PURCHASE, of="value")))
    total = Total("purchase_lifetime_money", "value", _PURCHASE)
    yield Feature(total.name, "float", "money", "Value of all purchases, ever.", Plain(total))
    yield Feature("purchase_mean_money", "float", "money", "Mean value of a purchase.", Mean(total, _PURCHASES))
    gap = MeanGap(Extreme("kind_purchase_first_at", "first", _PURCHASE), _LAST_PURCHASE, _PURCHASES)
    yield Feature("purchase_interval_days", "float", "days", "Mean days between one purchase and the next.", gap)


def _satisfaction() -> Iterator[Feature]:
    for metric in Metric:
        where = Where(metric=metric)
        count, total = Count(f"{metric}_lifetime_count", where), Total(f"{metric}_lifetime_score", "score", where)
        last = Current(f"{metric}_last_score", "score", where)
        yield Feature(count.name, "int", "count", f"Number of {metric.upper()} ratings given, ever.", Plain(count))
        yield Feature(f"{metric}_mean_score", "float", "score", f"Mean {metric.upper()} score.", Mean(total, count))
        yield Feature(last.name, "float", "score", f"Last {metric.upper()} score.", Plain(last))


def _sentiment() -> Iterator[Feature]:
    said, days = Where(sentiment=True), 30
    count, total = Count("sentiment_lifetime_count", said), Total("sentiment_lifetime_sum", "sentiment", said)
    recent = DecayedSum(f"sentiment_{days}d_sum", days, said, of="sentiment")
    halved = Mean(recent, DecayedSum(f"sentiment_{days}d_count", days, said))
    yield Feature(count.name, "int", "count", "Number of times something was said in words, ever.", Plain(count))
    yield Feature(
        "sentiment_lifetime_score", "float", "score", "Mean sentiment of all that was said, -1 to 1.", Mean(total, count)
    )
    meaning = f"Mean sentiment of what was said, each halved every {days} days, -1 to 1."
    yield Feature(f"sentiment_{days}d_score", "float", "score", meaning, halved)


def _contacts(catalogue: Catalogue) -> Iterator[Feature]:
    for channel in dict.fromkeys(touchpoint.channel for touchpoint in catalogue.recommendable):
        contact, response = Where(kinds=(Kind.CONTACT,), channel=channel), Where(kinds=RESPONSES, channel=channel)
        for days in HALF_LIVES:
            asked = Decayed(DecayedSum(f"contact_{channel}_{days}d_count", days, contact))
            answers = Decayed(DecayedSum(f"response_{channel}_{days}d_count", days, response))
            halved = f"each halved every {days} days"
            yield Feature(asked.fold.name, "float", "count", f"Contacts received by {channel}, {halved}.", asked)
            meaning = f"Responses per contact by {channel}, {halved}, smoothed as (responses + 1) / (contacts + 2)."
            yield Feature(f"response_{channel}_{days}d_rate", "float", "rate", meaning, Rate(answers, asked))
        ever = Plain(Count(f"contact_{channel}_lifetime_count", contact))
        answered = Plain(Count(f"response_{channel}_lifetime_count", response))
        yield Feature(ever.fold.name, "int", "count", f"Contacts received by {channel}, ever.", ever)
        meaning = f"Responses per contact by {channel}, ever, smoothed as (responses + 1) / (contacts + 2)."
        yield Feature(f"response_{channel}_lifetime_rate", "float", "rate", meaning, Rate(answered, ever))


def _where_now(catalogue: Catalogue) -> Iterator[Feature]:
    stages, channels = tuple(stage.value for stage in Stage), _channels(catalogue)
    stage = Category(Current("stage_last", "stage"), stages)
    yield Feature("stage_last_category", "category", "category", "Stage of the last interaction that has one.", stage, stages)
    channel = Category(Current("channel_last", "channel"), channels)
    yield Feature("channel_last_category", "category", "category", "Channel of the last interaction.", channel, channels)
    added = Where(kinds=(Kind.CART,))
    cart = Extreme("kind_cart_last_at", "last", added)
    is_open, worth = OpenCart(cart, _LAST_PURCHASE), OpenCart(cart, _LAST_PURCHASE, Current("cart_last_money", "value", added))
    yield Feature(
        "cart_open_flag", "int", "flag", "Whether something was put into the cart after the last purchase, 1 or 0.", is_open
    )
    yield Feature("cart_open_money", "float", "money", "Last known value of the open cart; 0 when none is open.", worth)


def _traits(catalogue: Catalogue) -> Iterator[Feature]:
    for name, trait in catalogue.traits.items():
        yield _trait(name, trait)


def _trait(name: str, trait: Trait) -> Feature:
    current = Current(f"trait_{name}", "traits", trait=name)
    if trait.type == "number":
        return Feature(f"trait_{name}_number", "float", "number", f"Last known {name}.", Number(current))
    read = Category(current, trait.categories)
    return Feature(f"trait_{name}_category", "category", "category", f"Last known {name}.", read, trait.categories)


def _channels(catalogue: Catalogue) -> tuple[str, ...]:
    return tuple(dict.fromkeys(touchpoint.channel.value for touchpoint in catalogue.touchpoints))


def _stages(catalogue: Catalogue) -> tuple[Stage, ...]:
    return tuple(stage for stage in Stage if any(touchpoint.stage == stage for touchpoint in catalogue.touchpoints))
