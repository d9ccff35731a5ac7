"""Finds profiles that are probably one person: the one door to Splink, which is an optional part (extra `splink`).

In this order: block (which pairs are compared at all), train (how often columns agree for one person and for two), score
every pair, and sort them by two thresholds: link, let a person look, or leave.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from features.domain import Link, LinkAction
from features.errors import ConfigurationError, TrainingError
from features.identity.linkage import ColumnKind, LinkageSettings, cleaned
from features.identity.names import link_of
from features.lake import duckdb_session

if TYPE_CHECKING:
    import duckdb
    from splink import Linker

SOURCE = "splink"
"""Stands as the source of links found here."""

THRESHOLD = 0.8
REVIEW_THRESHOLD = 0.3
_SAMPLED_PAIRS = 5_000_000  # to learn how often two random people agree
_TRAINING_PAIRS = 2_000_000  # to learn how often one person's profiles agree
_SESSIONS = 3
_DIGITS = 9  # the last ones depend on the order in which threads add up


@dataclass(frozen=True, slots=True)
class SuggestedPair:
    """Two profiles that may be one person.

    Attributes
    ----------
    left, right : customer_ids in alphabetical order.
    probability : that they are, 0 to 1.
    weights : how much each column says for it (or, below 0, against it), in bits: 1 doubles the odds.
    """

    left: str
    right: str
    probability: float
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrainedLevel:
    """How often a column agrees to this degree: between two profiles of one person, and between those of two."""

    column: str
    agreement: str
    one_person: float | None
    two_people: float | None


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What came out.

    Attributes
    ----------
    accepted : pairs at or above the threshold, the likeliest first.
    to_review : pairs between the thresholds, the likeliest first.
    compared : pairs that were scored.
    prior : P(two random profiles are one person), as learnt.
    """

    accepted: tuple[SuggestedPair, ...]
    to_review: tuple[SuggestedPair, ...]
    compared: int
    prior: float
    levels: tuple[TrainedLevel, ...]
    at: datetime


def suggest_links(
    records: pa.Table,
    settings: LinkageSettings,
    *,
    threshold: float = THRESHOLD,
    review_threshold: float = REVIEW_THRESHOLD,
    seed: int,
    now: datetime,
) -> Suggestions:
    """Compare profiles with each other; the same profiles and seed give the same suggestions.

    Parameters
    ----------
    records : one row per customer, the columns of the settings as text.
    threshold : probability from which on two profiles count as one person.
    review_threshold : probability from which on a person should look.

    Raises
    ------
    ConfigurationError
        When Splink is not installed, or the thresholds are not in order.
    CaptureError
        When a column is missing, or a customer_id stands twice.
    TrainingError
        When too few profiles agree on anything to learn from.

    References
    ----------
    Fellegi and Sunter, A Theory for Record Linkage, 1969; Linacre et al., Splink: Free software for probabilistic record linkage
    at scale, 2022.
    """
    if not 0 < review_threshold <= threshold <= 1:
        raise ConfigurationError(f"thresholds {review_threshold:g} and {threshold:g} are not in order: 0 < review <= link <= 1")
    profiles = cleaned(records, settings)
    with duckdb_session() as connection:
        linker = _linker(connection, profiles, settings)
        _train(linker, connection, settings, seed)
        return _suggest(linker, settings, (review_threshold, threshold), now)


def links_of_suggestions(suggestions: Suggestions) -> list[Link]:
    """A fact for every accepted pair; found again by a later run it is the same fact, and overrules nobody's later word."""
    at = suggestions.at
    return [
        link_of(pair.left, pair.right, LinkAction.LINK, at=at, received_at=at, source=SOURCE, message_id="")
        for pair in suggestions.accepted
    ]


def _linker(connection: "duckdb.DuckDBPyConnection", profiles: pa.Table, settings: LinkageSettings) -> "Linker":
    try:
        from splink import Linker, SettingsCreator
        from splink.backends.duckdb import DuckDBAPI
    except ImportError:
        raise ConfigurationError("probabilistic linking needs Splink; install next-best-touchpoint[splink]") from None
    api = DuckDBAPI(connection)
    connection.register("profiles", profiles)
    creator = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[_comparison(f"c{nth}", kind) for nth, kind in enumerate(settings.columns.values())],
        blocking_rules_to_generate_predictions=_blocking_rules(connection, settings),
        retain_intermediate_calculation_columns=True,
    )
    return Linker(api.register(profiles), creator, log_level=logging.ERROR)


def _comparison(column: str, kind: ColumnKind) -> Any:
    import splink.comparison_library as library

    match kind:
        case ColumnKind.FORENAME | ColumnKind.SURNAME:
            return library.NameComparison(column)
        case ColumnKind.BIRTH_DATE:
            return library.DateOfBirthComparison(column, input_is_string=True)
        case ColumnKind.EMAIL:
            return library.EmailComparison(column)
        case ColumnKind.CITY | ColumnKind.POSTCODE | ColumnKind.PHONE:
            return library.LevenshteinAtThresholds(column, [1, 2]).configure(term_frequency_adjustments=True)
        case _:
            return library.ExactMatch(column).configure(term_frequency_adjustments=True)


def _blocking_rules(connection: "duckdb.DuckDBPyConnection", settings: LinkageSettings) -> list[Any]:
    """Pairs that agree on one rare key, or on two common ones."""
    from splink import block_on

    keys = [key for nth, kind in enumerate(settings.columns.values()) for key in _keys(f"c{nth}", kind)]
    common = [key for key in keys if _pairs(connection, key) > settings.most_pairs]
    rules: list[Any] = [block_on(key) for key in keys if key not in common]
    rules += [block_on(*two) for two in combinations(common, 2) if _pairs(connection, *two) <= settings.most_pairs]
    forename, surname = (_first(settings, kind) for kind in (ColumnKind.FORENAME, ColumnKind.SURNAME))
    if forename and surname:
        rules.append(f"l.{forename} = r.{surname} AND l.{surname} = r.{forename}")
    return rules


def _keys(column: str, kind: ColumnKind) -> list[str]:
    """What two profiles may agree on; parts of a value as well, because the rest of it may be mistyped."""
    if kind is ColumnKind.BIRTH_DATE:
        return [column, f"substr({column}, 1, 4)", f"substr({column}, 6, 5)"]
    return [column, f"split_part({column}, '@', 1)"] if kind is ColumnKind.EMAIL else [column]


def _pairs(connection: "duckdb.DuckDBPyConnection", *keys: str) -> int:
    present = " AND ".join(f"{key} IS NOT NULL" for key in keys)
    counts = f"SELECT count(*) AS n FROM profiles WHERE {present} GROUP BY {', '.join(keys)}"
    return int(connection.execute(f"SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM ({counts})").fetchall()[0][0])


def _first(settings: LinkageSettings, kind: ColumnKind) -> str | None:
    return next((f"c{nth}" for nth, held in enumerate(settings.columns.values()) if held is kind), None)


def _train(linker: "Linker", connection: "duckdb.DuckDBPyConnection", settings: LinkageSettings, seed: int) -> None:
    from splink import block_on
    from splink.internals.exceptions import EMTrainingException

    certain = [rule for rule in _certain(settings) if _pairs(connection, *rule)]
    pairs = {f"c{nth}": _pairs(connection, f"c{nth}") for nth in range(len(settings.columns))}
    selective = sorted((column for column, count in pairs.items() if count), key=lambda column: (pairs[column], column))
    if not certain or len(selective) < 2:
        raise TrainingError("hardly any two of these profiles agree on anything; give more profiles, or other columns")
    try:
        linker.training.estimate_probability_two_random_records_match([block_on(*rule) for rule in certain], settings.recall)
        linker.training.estimate_u_using_random_sampling(_SAMPLED_PAIRS, seed=seed)
        # Each session learns the columns that it does not block on, so two of them are the least.
        for column in selective[:_SESSIONS]:
            linker.training.estimate_parameters_using_expectation_maximisation(
                block_on(column), max_pairs=_TRAINING_PAIRS, record_sample_proportion=1.0
            )
    except (EMTrainingException, ValueError) as error:
        raise TrainingError(f"the profiles cannot be learnt from: {error}; give more of them, or other columns") from error


def _certain(settings: LinkageSettings) -> list[tuple[str, ...]]:
    """Columns of which agreement is all but proof; for want of them, any two."""
    named = {f"c{nth}": kind for nth, kind in enumerate(settings.columns.values())}
    names = [column for column, kind in named.items() if kind in (ColumnKind.FORENAME, ColumnKind.SURNAME)]
    births = [column for column, kind in named.items() if kind is ColumnKind.BIRTH_DATE]
    alone = [(column,) for column, kind in named.items() if kind in (ColumnKind.EMAIL, ColumnKind.PHONE)]
    return [*alone, *((name, birth) for name in names for birth in births)] or list(combinations(named, 2))


def _suggest(linker: "Linker", settings: LinkageSettings, thresholds: tuple[float, float], now: datetime) -> Suggestions:
    review_threshold, threshold = thresholds
    compared = linker.inference.compute_blocked_pairs_for_predict().as_duckdbpyrelation()
    scored = linker.inference.predict(threshold_match_probability=review_threshold).as_duckdbpyrelation()
    weights = ", ".join(_weight(f"c{nth}", scored.columns) for nth in range(len(settings.columns)))
    rows = scored.project(f"unique_id_l, unique_id_r, match_probability, {weights}").fetchall()
    pairs = sorted(
        (_pair(row, list(settings.columns)) for row in rows), key=lambda pair: (-pair.probability, pair.left, pair.right)
    )
    model = linker.misc.save_model_to_json()
    return Suggestions(
        accepted=tuple(pair for pair in pairs if pair.probability >= threshold),
        to_review=tuple(pair for pair in pairs if pair.probability < threshold),
        compared=int(compared.count("*").fetchall()[0][0]),
        prior=round(float(model["probability_two_random_records_match"]), _DIGITS),
        levels=tuple(_levels(model, list(settings.columns))),
        at=now,
    )


def _weight(column: str, known: list[str]) -> str:
    parts = [name for name in (f"mw_{column}", f"mw_tf_adj_{column}") if name in known]
    return " + ".join(parts)


def _pair(row: tuple[Any, ...], columns: list[str]) -> SuggestedPair:
    left, right = sorted(row[:2])
    weights = {column: round(weight, 3) for column, weight in zip(columns, row[3:], strict=True)}
    return SuggestedPair(left, right, round(row[2], _DIGITS), weights)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _levels(model: Mapping[str, Any], columns: list[str]) -> list[TrainedLevel]:
    return [
        TrainedLevel(column, agreement.replace(f"c{nth}", column), *(_rounded(level.get(f"{each}_probability")) for each in "mu"))
        for nth, (column, comparison) in enumerate(zip(columns, model["comparisons"], strict=True))
        for level in comparison["comparison_levels"]
        if not level.get("is_null_level") and (agreement := str(level["label_for_charts"]))
    ]
