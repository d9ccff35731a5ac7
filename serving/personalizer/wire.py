"""Bodies of the calls, as Azure Personalizer's clients send and expect them; unknown fields are passed over, as there."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictFloat, StrictStr
from pydantic.alias_generators import to_camel

from features.errors import RequestError
from serving.door import without_addresses
from serving.http.values import without_nul
from training.personalizer.hashing import column_count, named
from training.personalizer.question import Action, RankQuestion

LONGEST_EVENT_ID = 256
MOST_ACTIONS = 50
MOST_COLUMNS = 250_000
_DEEPEST = 8
_LARGEST = 1e12


def names_nobody(text: str) -> str:
    """The id itself; a ValueError when it holds an e-mail address, or NUL."""
    if without_addresses(text) != text:
        raise ValueError("an id may not hold an e-mail address; nothing that names a person belongs here")
    return without_nul(text)


def _is_feature(value: Any, *, depth: int = 0) -> Any:
    """Texts, numbers, truth values, null, lists of numbers, and objects of these."""
    if isinstance(value, dict):
        if depth >= _DEEPEST:
            raise ValueError(f"objects lie in each other at most {_DEEPEST} deep")
        for name, each in value.items():
            if not name or len(name) > LONGEST_EVENT_ID:
                raise ValueError(f"the name of a feature has from 1 to {LONGEST_EVENT_ID} characters")
            without_nul(name)
            _is_feature(each, depth=depth + 1)
    elif isinstance(value, list):
        if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in value):
            raise ValueError("a list holds numbers only")
        for each in value:
            _is_feature(each, depth=depth)
    elif isinstance(value, str):
        without_nul(value)
    elif not (value is None or isinstance(value, bool) or (isinstance(value, int | float) and abs(value) <= _LARGEST)):
        raise ValueError(f"give text, true, false, or a number of at most {_LARGEST:g}")
    return value


EventId = Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_EVENT_ID), AfterValidator(names_nobody)]
FeatureObject = Annotated[dict[str, Any], BeforeValidator(_is_feature)]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class RankableAction(_Body):
    """An action, and what describes it."""

    id: EventId
    features: tuple[FeatureObject, ...]


class RankRequest(_Body):
    """Which of these actions, in this context? The first that is not excluded is what would be shown without an answer."""

    context_features: tuple[FeatureObject, ...] | None = None
    actions: Annotated[tuple[RankableAction, ...], Field(min_length=1, max_length=MOST_ACTIONS)]
    excluded_actions: tuple[StrictStr, ...] | None = None
    event_id: EventId | None = None
    defer_activation: StrictBool | None = False


class RewardRequest(_Body):
    """What showing the action was worth."""

    value: Annotated[StrictFloat, Field(ge=-1, le=1)]


class RankedAction(_Body):
    """An action of the answer."""

    id: str
    probability: float


class RankResponse(_Body):
    """The answer: `rewardActionId` is to be shown."""

    ranking: tuple[RankedAction, ...]
    event_id: str
    reward_action_id: str


def question_of(asked: RankRequest) -> RankQuestion:
    """What is asked, as it is kept: without e-mail addresses.

    Raises
    ------
    RequestError
        When two actions have one id, one has no feature, all are excluded, or there are too many features.
    """
    actions = tuple(Action(each.id, [_kept(feature) for feature in each.features]) for each in asked.actions)
    excluded = frozenset(asked.excluded_actions or ()) & {action.id for action in actions}
    question = RankQuestion([_kept(feature) for feature in asked.context_features or ()], actions, excluded)
    _check(question)
    return question


def _check(question: RankQuestion) -> None:
    ids = [action.id for action in question.actions]
    for index, action in enumerate(question.actions):
        if ids.index(action.id) != index:
            raise _wrong(f"/actions/{index}/id", "another action has this id; give each its own")
        if all(name.endswith("=null") for feature in action.features for name, _ in named(feature)):
            raise _wrong(f"/actions/{index}/features", "every action has at least one feature that is not null")
    if not question.eligible.any():
        raise _wrong("/excludedActions", "all actions are excluded; leave one to choose")
    if column_count(question) > MOST_COLUMNS:
        raise _wrong("/contextFeatures", f"the products of all features are more than {MOST_COLUMNS:,}; send fewer")


def _wrong(where: str, rule: str) -> RequestError:
    return RequestError(f"{where}: {rule}", field=where)


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        return {without_addresses(name): _kept(each) for name, each in value.items()}
    return without_addresses(value) if isinstance(value, str) else value
