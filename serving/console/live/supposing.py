"""The form of what is supposed to be otherwise: read from an address, shown filled in, and given as the API's changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import QueryParams

from features.domain import ConsentStatus
from features.errors import RequestError
from features.tables import Feature
from serving.http.problems import problem_of_validation
from serving.http.wire import Changes

_SPARE_ROWS = 2
_CONSENTS: Mapping[str, str] = {
    "": "as they were given",
    ConsentStatus.GRANTED: "as if everything were granted",
    ConsentStatus.WITHDRAWN: "as if everything were withdrawn",
}
_CONTACTS: Mapping[str, str] = {"": "as they were", "none": "as if never contacted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """What was filled in.

    Attributes
    ----------
    exclude, only : names of touchpoints.
    features, context : names and values, as they were written.
    at : as it was written, UTC.
    """

    exclude: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    features: tuple[tuple[str, str], ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    at: str = ""
    contacts: str = ""
    consents: str = ""

    @classmethod
    def of(cls, asked: QueryParams) -> "Supposed":
        """What an address says."""
        return cls(
            exclude=tuple(filter(None, asked.getlist("exclude"))),
            only=tuple(filter(None, asked.getlist("only"))),
            features=_pairs(asked, "feature", "value"),
            context=_pairs(asked, "key", "holds"),
            at=asked.get("at", "").strip(),
            contacts=asked.get("contacts", ""),
            consents=asked.get("consents", ""),
        )

    @property
    def is_anything(self) -> bool:
        """Whether anything is supposed."""
        return self != Supposed()

    def changes(self, features: Sequence[Feature]) -> Changes:
        """As the API takes it.

        Parameters
        ----------
        features : those there are, which say what is a number.

        Raises
        ------
        RequestError, ProblemError
            When it cannot be supposed.
        """
        given: dict[str, Any] = {
            "features": _typed(self.features, {each.name: each for each in features}),
            "context": {name: _scalar(value) for name, value in self.context},
        }
        if self.exclude:
            given["exclude"] = self.exclude
        if self.only:
            given["candidates"] = self.only
        if self.at:
            given["at"] = _in_utc(self.at)
        if self.contacts:
            given["contacts"] = []
        if self.consents:
            given["consents"] = [{"status": self.consents}]
        try:
            return Changes.model_validate(given)
        except ValidationError as error:
            raise problem_of_validation(error) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form, filled in.

    Attributes
    ----------
    touchpoints : that may be left out or asked for alone.
    features : that may be given another value.
    """

    supposed: Supposed
    touchpoints: tuple[str, ...]
    features: tuple[Feature, ...]

    @property
    def feature_rows(self) -> tuple[tuple[str, str], ...]:
        """What was filled in, and room for more."""
        return self.supposed.features + (("", ""),) * _SPARE_ROWS

    @property
    def context_rows(self) -> tuple[tuple[str, str], ...]:
        """What was filled in, and room for one more."""
        return (*self.supposed.context, ("", ""))

    @property
    def consents(self) -> Mapping[str, str]:
        """What may be supposed of consents, and its words."""
        return _CONSENTS

    @property
    def contacts(self) -> Mapping[str, str]:
        """What may be supposed of contacts, and its words."""
        return _CONTACTS


def _pairs(asked: QueryParams, name: str, value: str) -> tuple[tuple[str, str], ...]:
    pairs = zip(asked.getlist(name), asked.getlist(value), strict=False)
    return tuple((given.strip(), said.strip()) for given, said in pairs if given.strip())


def _typed(given: Sequence[tuple[str, str]], known: Mapping[str, Feature]) -> dict[str, float | str | None]:
    """Features as they are kept: text of a category, else a number where it is one; nothing at all is unknown."""
    categories = {name for name, feature in known.items() if feature.dtype == "category"}
    return {name: None if value in ("", "null") else value if name in categories else _number(value) for name, value in given}


def _scalar(text: str) -> float | str | bool:
    return text == "true" if text in ("true", "false") else _number(text)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _in_utc(text: str) -> str:
    """A browser's `2026-01-31T09:30` with its seconds and zone; anything else as it is."""
    if len(text) == len("2026-01-31T09:30"):
        return f"{text}:00Z"
    if len(text) == len("2026-01-31T09:30:00"):
        return f"{text}Z"
    if not text.isascii():
        raise RequestError(f"/at: {text[:40]!r} is no time; give one such as 2026-01-31T09:30", field="/at")
    return text
