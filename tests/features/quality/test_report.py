"""What is planted in a world of sources is found, and nothing is found where nothing is planted."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
import pytest

from features.catalogue import Catalogue, parse_catalogue
from features.lake import Lake
from features.lake_tables import SCHEMAS
from features.quality import AlarmKind, quality_report
from serving.running.terminal import as_plain

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
DAYS = 64
_NOW_US = int(NOW.timestamp() * 1e6)
_DAY_US = 86_400_000_000


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return parse_catalogue({"touchpoints": [{"name": "web.home", "stage": "awareness"}]})


@pytest.fixture(scope="session")
def make_source() -> Callable[..., pa.Table]:
    """Interactions of a source that is livelier on weekends, each known some minutes after it happened."""

    def made(name: str, *, seed: int = 0, per_day: float = 100, quiet_hours: float = 0, online: bool = True) -> pa.Table:
        rng = np.random.default_rng(seed)
        days = np.arange(DAYS)
        means = per_day * np.where(days % 7 >= 5, 1.6, 1.0) * rng.lognormal(0, 0.05, DAYS)
        counts = rng.poisson(means)
        ago = np.repeat(days, counts) + rng.random(counts.sum())
        received = _NOW_US - (np.sort(ago) * _DAY_US).astype(np.int64)
        received = received[ago[ago.argsort()] * 24 > quiet_hours]
        return table_of(name, received, rng, online=online)

    return made


def table_of(name: str, received: np.ndarray, rng: np.random.Generator, *, online: bool = True) -> pa.Table:
    n = len(received)
    lateness = (rng.exponential(300, n) * 1e6).astype(np.int64)
    columns = {
        "message_id": compute.binary_join_element_wise(name, compute.cast(pa.array(range(n)), pa.string()), ":"),
        "customer_id": compute.cast(pa.array(np.arange(n) % 50), pa.string()),
        "touchpoint": chosen(rng, n, {"web.home": 0.6, "web.cart": 0.3, "email.offer": 0.1}),
        "kind": chosen(rng, n, {"view": 0.7, "click": 0.2, "purchase": 0.1}),
        "at": pa.array(received - lateness, pa.timestamp("us", tz="UTC")),
        "received_at": pa.array(received, pa.timestamp("us", tz="UTC")),
        "value": pa.array(rng.lognormal(3, 1, n), mask=rng.random(n) < 0.2),
        "source": pa.repeat(name, n),
        "position": pa.array(range(1, n + 1), mask=np.full(n, not online)),
    }
    return whole("interactions", columns, n)


def chosen(rng: np.random.Generator, n: int, shares: dict[str, float]) -> pa.Array:
    return pa.array(list(shares)).take(pa.array(rng.choice(len(shares), n, p=list(shares.values()))))


def whole(table: str, columns: dict[str, object], n: int) -> pa.Table:
    """The columns as a table of the lake; those that are not given are empty."""
    schema = SCHEMAS[table]
    arrays = [columns[f.name] if f.name in columns else pa.nulls(n, f.type) for f in schema]
    arrays = [array if isinstance(array, pa.Array) else pa.array(array, f.type) for array, f in zip(arrays, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def days_ago(table: pa.Table, column: str = "received_at") -> np.ndarray:
    """Age of each row in days."""
    return (_NOW_US - table[column].cast(pa.int64()).to_numpy()) / _DAY_US


def files(name: str, times: list[datetime]) -> pa.Table:
    """Files of a source of which a hundred records each were taken."""
    n = len(times)
    counts = {"accepted": [100] * n, "duplicate": [0] * n, "quarantined": [0] * n}
    columns = {"arrival_id": [f"{name}{k}" for k in range(n)], "source": [name] * n, "received_at": times, **counts}
    return whole("arrivals", {**columns, "file": ["export.csv"] * n}, n)


def before(days: float) -> datetime:
    return NOW - timedelta(days=days)


def alarms_of(lake, catalogue, **given):
    report = quality_report(lake, catalogue=catalogue, now=NOW, **given)
    return {(alarm.source, alarm.kind) for alarm in report.alarms}


def replaced(table, column, values):
    nth = table.schema.get_field_index(column)
    return table.set_column(nth, table.schema.field(nth), pa.array(values, table.schema.field(nth).type))


def test_a_hundred_stable_sources_raise_few_alarms(lake, catalogue, make_source):
    lake.append("interactions", pa.concat_tables(make_source(f"s{k}", seed=k, per_day=[10, 50, 150][k % 3]) for k in range(100)))
    report = quality_report(lake, catalogue=catalogue, now=NOW)
    assert len({day.source for day in report.days}) == 100
    assert len({alarm.source for alarm in report.alarms}) <= 3, report.in_words()[:2000]


def test_a_source_that_fell_silent_is_the_first_alarm_and_says_the_limit(lake, catalogue, make_source):
    lake.append("interactions", pa.concat_tables([make_source("dead", seed=1, quiet_hours=40), make_source("alive", seed=2)]))
    report = quality_report(lake, catalogue=catalogue, now=NOW)
    assert [(alarm.source, alarm.kind) for alarm in report.alarms] == [("dead", AlarmKind.QUIET)]
    assert "nothing for 40." in report.alarms[0].message and "twice its usual longest pause" in report.alarms[0].message


def test_the_catalogue_says_how_long_a_source_may_be_quiet(lake, make_source):
    lake.append("interactions", make_source("shop", quiet_hours=40))
    touchpoints = [{"name": "web.home", "stage": "awareness"}]
    patient = parse_catalogue({"touchpoints": touchpoints, "sources": {"shop": {"quiet_hours": 48}}})
    assert alarms_of(lake, patient) == set()
    impatient = parse_catalogue({"touchpoints": touchpoints, "sources": {"shop": {"quiet_hours": 39}}})
    assert alarms_of(lake, impatient) == {("shop", AlarmKind.QUIET)}


def test_a_nightly_export_may_pause_for_a_night_but_not_for_three(lake, catalogue, make_source):
    nights = [before(k + 0.4) for k in range(3, 60)]
    for name, times in (("late", nights), ("punctual", [before(0.4), before(1.4), before(2.4), *nights])):
        lake.append("interactions", make_source(name, seed=5, quiet_hours=80 if name == "late" else 10, online=False))
        lake.append("arrivals", files(name, times))
    assert ("late", AlarmKind.QUIET) in alarms_of(lake, catalogue)
    assert not {alarm for alarm in alarms_of(lake, catalogue) if alarm[0] == "punctual"}


@pytest.mark.parametrize("loads", [[0.1], [0.4, 0.3, 0.2, 0.1], [30, 0.1]], ids=["at once", "in four files", "a month ago, too"])
def test_a_file_of_today_whose_records_end_ten_days_ago_is_of_a_source_gone_quiet(lake, catalogue, make_source, loads):
    lake.append("interactions", make_source("chats", per_day=4, quiet_hours=240, online=False))
    lake.append("arrivals", files("chats", [before(days) for days in loads]))
    report = quality_report(lake, catalogue=catalogue, now=NOW)
    assert [(alarm.source, alarm.kind) for alarm in report.alarms] == [("chats", AlarmKind.QUIET)]
    assert "nothing for 10." in report.alarms[0].message and (NOW - report.last["chats"]).days == 10


@pytest.mark.parametrize("told", [False, True], ids=["known when it happened", "known with its file"])
@pytest.mark.parametrize(("missing", "quiet"), [(0, False), (2, True)])
def test_a_weekly_export_is_quiet_when_files_are_missing_and_not_between_them(lake, catalogue, make_source, told, missing, quiet):
    weeks = np.arange(9)[missing:] * 7 + 6.5  # the last file came 6.5 days ago, or two more weeks
    source = make_source("weekly", per_day=50, quiet_hours=24 * weeks[0], online=False)
    if told:
        with_its_file = [before(weeks[weeks <= days].max()) for days in days_ago(source)]
        source = replaced(source, "received_at", with_its_file)
    lake.append("interactions", source)
    lake.append("arrivals", files("weekly", [before(days) for days in weeks]))
    assert (("weekly", AlarmKind.QUIET) in alarms_of(lake, catalogue)) is quiet


def test_the_limit_of_the_catalogue_rules_alone_however_long_ago_the_source_fell_silent(lake, make_source):
    lake.append("interactions", make_source("shop", quiet_hours=24 * 40, online=False))
    lake.append("arrivals", files("shop", [before(0.1)]))
    touchpoints = [{"name": "web.home", "stage": "awareness"}]
    limited = parse_catalogue({"touchpoints": touchpoints, "sources": {"shop": {"quiet_hours": 36}}})
    assert alarms_of(lake, limited) == {("shop", AlarmKind.QUIET)}
    assert alarms_of(lake, parse_catalogue({"touchpoints": touchpoints})) == set()


def test_a_source_that_tells_but_profiles_lives_by_its_files(lake, catalogue, make_source):
    for name, latest in (("crm", 0), ("stopped", 5)):
        profiles = make_source(name, quiet_hours=24 * 50, online=False)
        lake.append("interactions", replaced(profiles, "kind", ["profile"] * len(profiles)))
        lake.append("arrivals", files(name, [before(days + 0.4) for days in range(latest, 60)]))
    report = quality_report(lake, catalogue=catalogue, now=NOW)
    assert [(alarm.source, alarm.kind) for alarm in report.alarms] == [("stopped", AlarmKind.QUIET)]
    assert report.last["crm"] == before(0.4)


def test_a_wave_every_three_weeks_is_no_alarm(lake, catalogue, make_source):
    mails = make_source("mailing", per_day=400)
    lake.append("interactions", mails.filter(pa.array(days_ago(mails) // 1 % 21 == 4)))
    assert alarms_of(lake, catalogue) == set()


def test_a_source_that_ended_long_ago_is_not_told_of(lake, catalogue, make_source):
    lake.append("interactions", make_source("old", quiet_hours=24 * 30))
    report = quality_report(lake, catalogue=catalogue, now=NOW)
    assert (report.alarms, report.days) == ((), ())


@pytest.mark.parametrize(("kept", "words"), [(0.2, "usually brings"), (3.0, "usually brings")])
def test_a_day_with_far_too_little_or_too_much_is_an_alarm(lake, catalogue, make_source, kept, words):
    source = make_source("shop", seed=3)
    of_yesterday = (days_ago(source) >= 0.5) & (days_ago(source) < 1.5)
    if kept < 1:
        source = source.filter(pa.array(~of_yesterday | (np.random.default_rng(0).random(len(source)) < kept)))
    else:
        more = [source.filter(pa.array(of_yesterday))] * int(kept - 1)
        source = pa.concat_tables([source, *more])
        source = replaced(source, "message_id", [f"m{k}" for k in range(len(source))])
    lake.append("interactions", source)
    (alarm,) = quality_report(lake, catalogue=catalogue, now=NOW).alarms
    assert alarm.kind is AlarmKind.VOLUME and "on 2026-03-01" in alarm.message and words in alarm.message


def test_values_that_changed_are_drift(lake, catalogue, make_source):
    source = make_source("shop", seed=4)
    recent = pa.array(days_ago(source) < 7)
    in_cents = compute.if_else(recent, compute.multiply(source["value"], 100.0), source["value"])
    lake.append("interactions", replaced(source, "value", in_cents.to_pylist()))
    report = quality_report(lake, catalogue=catalogue, now=NOW)
    assert [alarm.kind for alarm in report.alarms] == [AlarmKind.DRIFT]
    assert report.alarms[0].message.startswith("value: population stability index")


def test_a_kind_that_vanished_is_drift_and_is_named(lake, catalogue, make_source):
    source = make_source("shop", seed=4)
    recent = pa.array(days_ago(source) < 7)
    lake.append("interactions", replaced(source, "kind", compute.if_else(recent, "view", source["kind"]).to_pylist()))
    (alarm,) = quality_report(lake, catalogue=catalogue, now=NOW).alarms
    assert alarm.kind is AlarmKind.DRIFT and "most of it 'view', +3" in alarm.message


def test_records_that_become_known_late_are_measured_and_an_alarm(lake, catalogue, make_source):
    source = make_source("shop", seed=6)
    late = (days_ago(source) < 7) & (np.arange(len(source)) % 2 == 0)
    at = compute.subtract(source["received_at"], pa.scalar(timedelta(days=2)))
    lake.append("interactions", replaced(source, "at", compute.if_else(pa.array(late), at, source["at"]).to_pylist()))
    report = quality_report(lake, catalogue=catalogue, now=NOW)
    assert [alarm.kind for alarm in report.alarms] == [AlarmKind.LATE]
    last = report.days[-2]
    assert last.late_share == pytest.approx(0.5, abs=0.02) and last.late_p95_hours == pytest.approx(48, abs=0.1)
    assert report.days[0].late_share == 0 and report.days[0].late_p95_hours < 1


def test_a_field_that_is_missing_more_often_is_an_alarm(lake, catalogue, make_source):
    source = make_source("shop", seed=7)
    gone = pa.array((days_ago(source) < 7) & (np.arange(len(source)) % 2 == 0))
    lake.append("interactions", replaced(source, "value", compute.if_else(gone, None, source["value"]).to_pylist()))
    report = quality_report(lake, catalogue=catalogue, now=NOW)
    assert [alarm.kind for alarm in report.alarms] == [AlarmKind.MISSING]
    assert "without value" in report.alarms[0].message
    assert report.days[-2].missing["value"] == pytest.approx(0.6, abs=0.1) and report.days[-2].missing["metric"] == 1


def quarantined(n, reasons, times):
    rows = {"record_id": [f"r{k}" for k in range(n)], "source": ["shop"] * n, "received_at": times, "file": ["a.csv"] * n}
    return whole("quarantine", {**rows, "row": range(n), "reason": reasons, "raw": ["{}"] * n}, n)


def test_rejects_are_told_by_reason_without_the_values_in_it(lake, catalogue, make_source):
    lake.append("interactions", make_source("shop", seed=8))
    reasons = [
        "customer_id 'nan' stands for nobody; filter such rows, or correct them",
        "customer_id 'O'Null' stands for nobody; filter such rows, or correct them",
        "/at: 2027-01-01T00:00:00+00:00 is in the future; the clock here says 2026-03-01T10:00:00.123456+00:00",
        "/score: 11 is not on the scale of nps, 0 to 10",
        "no kind",
    ]
    lake.append("quarantine", quarantined(5, reasons, [before(1)] * 5))
    report = quality_report(lake, catalogue=catalogue, now=NOW)
    (day,) = [day for day in report.days if day.rejected]
    assert day.reasons == {
        "customer_id '…' stands for nobody; filter such rows, or correct them": 2,
        "/at: … is in the future; the clock here says …": 1,
        "/score: … is not on the scale of nps, 0 to 10": 1,
        "no kind": 1,
    }
    assert "rejected 2 x shop: customer_id '…' stands for nobody" in report.in_words() and not report.alarms


def test_more_rejects_than_before_are_an_alarm(lake, catalogue, make_source):
    lake.append("interactions", make_source("shop", seed=8))
    lake.append("quarantine", quarantined(200, ["no kind"] * 200, [before(2)] * 200))
    assert alarms_of(lake, catalogue) == {("shop", AlarmKind.REJECTS)}


def test_duplicates_are_those_of_files(lake, catalogue):
    counts = {"accepted": [90, 0], "duplicate": [10, 100], "quarantined": [0, 0], "missing": ["{}", "{}"]}
    files = {"arrival_id": ["a", "b"], "source": ["shop"] * 2, "received_at": [before(3), before(2)], "file": ["x.csv"] * 2}
    lake.append("arrivals", whole("arrivals", {**files, **counts}, 2))
    days = quality_report(lake, catalogue=catalogue, now=NOW).days
    assert [(day.accepted, day.duplicate) for day in days] == [(90, 10), (0, 100)]


def test_fields_that_other_records_of_files_lack_are_told_as_the_files_arrivals_say(lake, catalogue):
    counts = {
        "accepted": [30, 10],
        "duplicate": [0, 0],
        "quarantined": [0, 0],
        "missing": ['{"value": 6}', '{"value": 4, "wave": 10}'],
    }
    files = {"arrival_id": ["a", "b"], "source": ["shop"] * 2, "received_at": [before(3)] * 2, "target": ["outcomes"] * 2}
    lake.append("arrivals", whole("arrivals", {**files, **counts}, 2))
    (day,) = quality_report(lake, catalogue=catalogue, now=NOW).days
    assert day.missing == {"outcomes.value": 0.25, "outcomes.wave": 0.25}


def test_an_empty_lake_has_no_alarm(lake, catalogue):
    report = quality_report(lake, catalogue=catalogue, now=NOW)
    assert (report.alarms, report.days) == ((), ()) and "no alarm" in report.in_words()
    assert as_plain(report)["alarms"] == []


def test_the_report_is_plain_data(lake, catalogue, make_source):
    lake.append("interactions", make_source("shop", quiet_hours=40))
    plain = as_plain(quality_report(lake, catalogue=catalogue, now=NOW))
    assert plain["alarms"][0]["kind"] == "quiet" and plain["days"][0]["source"] == "shop"


def test_a_million_records_take_seconds(lake, catalogue):
    rng = np.random.default_rng(0)
    received = int(NOW.timestamp() * 1e6) - rng.integers(0, 60 * 86_400_000_000, 1_000_000)
    lake.append("interactions", table_of("big", received, rng))
    start = time.monotonic()
    report = quality_report(lake, catalogue=catalogue, now=NOW)
    assert sum(day.volume for day in report.days) > 400_000
    assert time.monotonic() - start < 10


def test_what_was_replayed_out_of_the_quarantine_is_no_sign_of_life(lake, catalogue, make_source):
    lake.append("interactions", make_source("shop", quiet_hours=40))
    counts = {"accepted": [5], "duplicate": [0], "quarantined": [0], "file": ["replayed.jsonl"]}
    lake.append(
        "arrivals", whole("arrivals", {"arrival_id": ["a"], "source": ["api"], "received_at": [before(0.1)], **counts}, 1)
    )
    assert set(quality_report(lake, catalogue=catalogue, now=NOW).last) == {"shop"}
