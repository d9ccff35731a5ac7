"""Available: what the request asks for, and does not rule out, at the place where it is to be shown."""

from collections.abc import Collection, Iterator, Sequence

from features.catalogue import Catalogue, Touchpoint
from features.domain import NONE
from features.errors import RequestError
from training.policy.eligibility.objection import Check, Objection
from training.policy.eligibility.situation import Situation


def available(catalogue: Catalogue, situation: Situation) -> Check:
    """What the request has against a touchpoint.

    Raises
    ------
    RequestError
        When the request names what the catalogue does not have.
    """
    _check_names(catalogue, situation)

    def check(touchpoint: Touchpoint) -> Iterator[Objection]:
        if situation.candidates is not None and touchpoint.name not in situation.candidates:
            yield Objection("not among the candidates of the request")
        if touchpoint.name in situation.exclude:
            yield Objection("excluded by the request")
        if touchpoint.placements and situation.placement not in (None, *touchpoint.placements):
            yield Objection(f"shown at {', '.join(touchpoint.placements)}, not at {situation.placement}")

    return check


def _check_names(catalogue: Catalogue, situation: Situation) -> None:
    names = [touchpoint.name for touchpoint in catalogue.touchpoints]
    _check("/candidates", situation.candidates or (), among=catalogue.arms, rule="not recommendable in the catalogue")
    _check("/exclude", situation.exclude, among=(NONE, *names), rule="not in the catalogue")
    placements = dict.fromkeys(place for touchpoint in catalogue.recommendable for place in touchpoint.placements)
    if situation.placement is not None and placements:
        _check("/placements", (situation.placement,), among=placements, rule="no placement of a touchpoint of the catalogue")


def _check(field: str, names: Sequence[str], *, among: Collection[str], rule: str) -> None:
    unknown = [name for name in names if name not in among]
    if unknown:
        message = f"{', '.join(map(repr, unknown))} {rule}; give some of {', '.join(among)}"
        raise RequestError(f"{field}: {message}", field=field)
