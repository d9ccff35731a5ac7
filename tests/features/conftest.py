"""Journals on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from features.journal import Journal


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    url: str = request.getfixturevalue("postgresql")()
    return url


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    """A journal there."""
    journal = Journal(url, key=b"secret")
    journal.create()
    journal.create()
    yield journal
    journal.close()
