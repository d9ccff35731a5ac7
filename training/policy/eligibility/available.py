"""Available: what the request asks for, and does not rule out, at the place where it is to be shown."""

from collections.abc import Collection, Iterator, Sequence

from features.catalogue import Catalogue
from features.domain import NONE
from features.errors import RequestError
from training.policy.eligibility.objection import Check, Objection, Standing
from training.policy.eligibility.situation import Situation

_NOT_ASKED_FOR = Objection("not among the candidates of the request")
_EXCLUDED = Objection("excluded by the request")


def available(catalogue: Catalogue) -> Check:
    """What a request has against touchpoints; it raises RequestError when the request names what the catalogue does not have."""
    arms, recommendable = catalogue.arms, [touchpoint.name for touchpoint in catalogue.recommendable]
    names = dict.fromkeys((NONE, *(touchpoint.name for touchpoint in catalogue.touchpoints)))
    shown: dict[tuple[str, ...], list[str]] = {}
    for touchpoint in catalogue.recommendable:
        if touchpoint.placements:
            shown.setdefault(touchpoint.placements, []).append(touchpoint.name)
    placements = dict.fromkeys(place for places in shown for place in places)

    def check(situation: Situation) -> Iterator[Standing]:
        asked, placement = situation.candidates, situation.placement
        _check("/candidates", asked or (), among=arms, rule="not recommendable in the catalogue")
        _check("/exclude", situation.exclude, among=names, rule="not in the catalogue")
        if placement is not None and placements:
            _check("/placements", (placement,), among=placements, rule="no placement of a touchpoint of the catalogue")
        if asked is not None:
            yield _NOT_ASKED_FOR, [name for name in recommendable if name not in asked]
        if situation.exclude:
            yield _EXCLUDED, [name for name in recommendable if name in situation.exclude]
        if placement is not None:
            for places, touchpoints in shown.items():
                if placement not in places:
                    yield Objection(f"shown at {', '.join(places)}, not at {placement}"), touchpoints

    return check


def _check(field: str, names: Sequence[str], *, among: Collection[str], rule: str) -> None:
    unknown = [name for name in names if name not in among]
    if unknown:
        message = f"{', '.join(map(repr, unknown))} {rule}; give some of {', '.join(among)}"
        raise RequestError(f"{field}: {message}", field=field)
