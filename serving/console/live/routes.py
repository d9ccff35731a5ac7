"""The addresses of the live pages; all of them only look.

Whom somebody looks up may be told by an e-mail address, so searches are sent as a form, in a body: neither the address bar and
its history nor the log of a proxy ever has it. The answer leads on to an address that has the hashed name. That is a POST, and
still changes nothing.
"""

import json

from fastapi import FastAPI, Request, Response

from features.errors import RequestError, UnknownCustomerError
from features.experiment import Arm
from features.journal.search import FoundDecision, Wanted
from serving.console.live.answering import (
    address,
    answered,
    checked_id,
    form_of,
    hashed_name,
    said,
    see_other,
    with_supposed,
)
from serving.console.live.customer import MOST_MOMENTS, CustomerPage, customer_page
from serving.console.live.decision import DecisionPage, decision_page
from serving.console.live.sought import FALLBACKS, Sought, found_table, number_between
from serving.console.live.supposing import Supposed
from serving.console.site import Console
from serving.desk import Desk
from serving.http.bodies import Body

_BY_ID = "customer_id"
_LONGEST_VALUE = 500
_LATEST, _LISTED = 50, 10


def add_live_pages(app: FastAPI, desk: Desk, console: Console) -> None:
    """Add the pages of customers and decisions."""
    _add_customers(app, desk, console)
    _add_decisions(app, desk, console)


def _add_customers(app: FastAPI, desk: Desk, console: Console) -> None:
    @app.get("/console/customers", include_in_schema=False)
    @app.get("/console/customers/", include_in_schema=False)
    def customers() -> Response:
        return _customer_search(desk, console)

    @app.post("/console/customers", include_in_schema=False)
    def find(body: Body) -> Response:
        return _found_customer(form_of(body), desk, console)

    @app.get("/console/customers/{name:path}", include_in_schema=False)
    def customer(name: str, request: Request) -> Response:
        return answered(lambda: _customer(name, request, desk, console), console, active="customers")


def _add_decisions(app: FastAPI, desk: Desk, console: Console) -> None:
    @app.get("/console/decisions", include_in_schema=False)
    @app.get("/console/decisions/", include_in_schema=False)
    def decisions(request: Request) -> Response:
        return answered(lambda: _decisions(Sought.of(request.query_params), desk, console), console, active="decisions")

    @app.post("/console/decisions", include_in_schema=False)
    def find(body: Body) -> Response:
        return answered(lambda: _found_decision(Sought.of(form_of(body)), desk), console, active="decisions")

    @app.get("/console/decisions/{decision_id:path}", include_in_schema=False)
    def decision(decision_id: str, request: Request) -> Response:
        return answered(lambda: _decision(checked_id(decision_id), request, desk, console), console, active="decisions")


def _customer_search(desk: Desk, console: Console, status: int = 200, *, refused: str = "", by: str = _BY_ID) -> Response:
    lately: dict[str, FoundDecision] = {}
    for each in desk.decisions.search(Wanted(), limit=_LATEST).decisions:
        lately.setdefault(each.customer_id, each)
    return console.show(
        "live/customers.html",
        active="customers",
        title="Customers",
        status=status,
        types=tuple(desk.catalogue.identifier_types),
        lately=list(lately.values())[:_LISTED],
        refused=refused,
        by=by,
    )


def _found_customer(given: dict[str, str], desk: Desk, console: Console) -> Response:
    """Leads to the page of somebody of whom anything is known; of nobody else, so that no address has what was typed."""
    by, value = given.get("by", _BY_ID), given.get("value", "").strip()
    if not value or len(value) > _LONGEST_VALUE or "\x00" in value or by not in (_BY_ID, *desk.catalogue.identifier_types):
        return _customer_search(desk, console, 400, refused="Say whom to look for: a customer_id, or an identifier and its type.")
    try:
        name = hashed_name(value if by == _BY_ID else f"{by}={value}", desk)
        return see_other(address("customers", desk.customers.view(name, limit=1).customer_id))
    except UnknownCustomerError:
        return _customer_search(desk, console, 404, refused="Nothing is known of a customer with this identifier.", by=by)
    except RequestError as error:
        return _customer_search(desk, console, 400, refused=said(error), by=by)


def _customer(name: str, request: Request, desk: Desk, console: Console) -> Response:
    hashed = hashed_name(name, desk)
    if hashed != name:  # what is in clear goes no further than here
        return see_other(address("customers", desk.customers.identity(hashed).customer_id))
    asked = request.query_params
    limit = number_between(asked.get("limit", ""), "limit", least=1, most=MOST_MOMENTS, default=25)
    now, snapshot = desk.posting.now().now, console.snapshot

    def made(supposed: Supposed) -> CustomerPage:
        return customer_page(name, desk, snapshot, supposed, limit=limit, now=now)

    page, refused = with_supposed(made, Supposed.of(asked))
    here = address("customers", page.view.customer_id)
    return console.show(
        "live/customer.html",
        active="customers",
        title=f"Customer {page.view.customer_id}",
        status=400 if refused else 200,
        page=page,
        refused=refused,
        here=here,
        api=here.replace("/console", "/v1", 1),
    )


def _decisions(sought: Sought, desk: Desk, console: Console) -> Response:
    hashed = _hashed(sought, desk)
    if hashed != sought or sought.decision:
        return _found_decision(hashed, desk)
    wanted = sought.wanted(lambda name: desk.customers.identity(name).identifiers)
    found = desk.decisions.search(wanted, limit=sought.most, after=sought.place)
    outcomes = desk.decisions.outcomes([each.decision_id for each in found.decisions])
    return console.show(
        "live/decisions.html",
        active="decisions",
        title="Decisions",
        sought=sought,
        table=found_table(found.decisions, outcomes, currency=desk.currency),
        first=sought.first.address,
        next=None if found.next is None else sought.after(found.next).address,
        since=desk.decisions.since(),
        touchpoints=desk.catalogue.arms,
        arms=[arm.value for arm in Arm],
        fallbacks=FALLBACKS,
    )


def _found_decision(sought: Sought, desk: Desk) -> Response:
    """Leads to the decision asked for, or to the address of the search."""
    if not sought.decision:
        return see_other(_hashed(sought, desk).address)
    desk.decisions.text(checked_id(sought.decision))
    return see_other(address("decisions", sought.decision))


def _hashed(sought: Sought, desk: Desk) -> Sought:
    return sought.of_customer(hashed_name(sought.customer, desk)) if sought.customer else sought


def _decision(decision_id: str, request: Request, desk: Desk, console: Console) -> Response:
    asked = request.query_params

    def made(supposed: Supposed) -> DecisionPage:
        return decision_page(decision_id, desk, supposed, again=asked.get("replay") == "1")

    page, refused = with_supposed(made, Supposed.of(asked))
    here = address("decisions", decision_id)
    return console.show(
        "live/decision.html",
        active="decisions",
        title=f"Decision {decision_id}",
        status=400 if refused else 200,
        page=page,
        refused=refused,
        here=here,
        api=here.replace("/console", "/v1", 1),
        whole=json.dumps(json.loads(page.text), indent=2, ensure_ascii=False),
    )
