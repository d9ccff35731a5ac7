"""Prepared statements find what SQLAlchemy finds, and fail as SQLAlchemy does."""

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import DataError, OperationalError, ProgrammingError

from features.errors import StoreError
from features.journal import Journal
from features.journal.schema import CATALOGUES
from features.journal.statements import Listed, Prepared, ask

NAMES = [f"version {number} %s :x" for number in range(40)]

ONE = Prepared(select(CATALOGUES.c.content).where(CATALOGUES.c.version == bindparam("version")))
SOME = Listed(
    lambda versions: select(CATALOGUES.c.version).where(
        CATALOGUES.c.version.in_(versions), CATALOGUES.c.at >= bindparam("since")
    ),
    most=8,
)
ADD = Prepared(text("INSERT INTO catalogues (version, content, at) VALUES (:version, :content, :at)"))


@pytest.fixture
def filled(journal: Journal) -> Journal:
    with journal._database.writing() as connection:
        ask(connection, [ADD.of(version=name, content=name.upper(), at=number) for number, name in enumerate(NAMES)])
    return journal


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 17, 40])
def test_a_list_of_any_length_finds_each_once(filled: Journal, count: int) -> None:
    with filled._database.reading() as connection:
        (found,) = ask(connection, [SOME.of({"versions": [*NAMES[:count], "nobody"]}, since=2)])
    assert sorted(found) == sorted((name,) for name in NAMES[2:count])


def test_several_questions_have_their_answers_in_their_order(filled: Journal) -> None:
    with filled._database.reading() as connection:
        answers = ask(
            connection, [ONE.of(version=NAMES[3]), [], SOME.of({"versions": NAMES[:2]}, since=0), ONE.of(version="nobody")]
        )
    assert answers == [[(NAMES[3].upper(),)], [], [(NAMES[0],), (NAMES[1],)], []]


def test_a_statement_sees_what_was_written_before_it_in_the_same_question(journal: Journal) -> None:
    with journal._database.writing() as connection:
        _, found = ask(connection, [ADD.of(version="a", content="b", at=1), ONE.of(version="a")])
    assert found == [("b",)]


def test_an_error_is_that_of_sqlalchemy_and_the_next_question_works(filled: Journal) -> None:
    wrong = Prepared(text("SELECT content FROM nowhere"))
    with filled._database.reading() as connection:
        with pytest.raises((OperationalError, ProgrammingError), match="nowhere") as failure:
            ask(connection, [ONE.of(version=NAMES[0]), wrong.of(), ONE.of(version=NAMES[1])])
        assert failure.value.orig is failure.value.__cause__
    with pytest.raises(StoreError, match="did not answer"), filled._database.reading() as connection:
        ask(connection, [wrong.of()])
    with filled._database.reading() as connection:
        assert ask(connection, [ONE.of(version=NAMES[0])]) == [[(NAMES[0].upper(),)]]


def test_what_is_written_before_an_error_is_rolled_back(journal: Journal) -> None:
    again = ADD.of(version="a", content="b", at=1)
    with pytest.raises(StoreError, match=r"(?i)unique"), journal._database.writing() as connection:
        ask(connection, [again, again])
    assert journal.catalogue("a") is None


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_what_the_server_cannot_keep_is_an_error_of_the_data(journal: Journal) -> None:
    with journal._database.reading() as connection, pytest.raises(DataError):
        ask(connection, [ONE.of(version="a\0b")])
