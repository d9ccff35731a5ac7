"""Decisions found by what they were, newest first, page by page."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import FastAPI, Query, Response
from pydantic import AfterValidator, TypeAdapter

from features.domain import LONGEST_ID
from features.journal.search import FoundDecision, Place, Wanted
from serving.customers import Customers
from serving.http.bodies import json_response
from serving.http.values import Time, without_nul
from serving.looking_back.decisions import Decisions

Text = Annotated[str | None, Query(min_length=1, max_length=LONGEST_ID), AfterValidator(lambda text: text and without_nul(text))]
Limit = Annotated[int, Query(ge=1, le=1000)]
When = Annotated[Time | None, Query()]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """A page of decisions, newest first.

    Attributes
    ----------
    next : the `cursor` of the next page; None where there is none.
    """

    decisions: tuple[FoundDecision, ...]
    next: str | None


_PAGE: TypeAdapter[FoundPage] = TypeAdapter(FoundPage)


def add_search(app: FastAPI, decisions: Decisions, customers: Customers) -> None:
    """Add GET /v1/decisions."""

    @app.get("/v1/decisions", responses={200: {"model": FoundPage}})
    def search(
        customer: Text = None,
        touchpoint: Text = None,
        arm: Text = None,
        policy_version: Text = None,
        fallback: Text = None,
        since: When = None,
        until: When = None,
        limit: Limit = 100,
        cursor: Text = None,
    ) -> Response:
        """Find decisions that were taken here: of a customer, by any identifier; since a time and before another; newest first.

        `fallback` is a reason, `any` of them, or `none` of them.
        """
        wanted = Wanted(
            identifiers=None if customer is None else customers.identity(customer).identifiers,
            touchpoint=touchpoint,
            arm=arm,
            policy_version=policy_version,
            fallback=fallback,
            since=since,
            until=until,
        )
        found = decisions.search(wanted, limit=limit, after=None if cursor is None else Place.read(cursor))
        page = FoundPage(decisions=found.decisions, next=None if found.next is None else str(found.next))
        return json_response(_PAGE.dump_json(page))
