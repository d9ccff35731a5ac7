"""Customers themselves: what is known of one, and forgetting them."""

import json
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response
from pydantic import TypeAdapter

from features.privacy.erase import ErasureReport
from serving.customers import Customers, CustomerView
from serving.http.bodies import Body, PathId, json_response
from serving.http.openapi import request_body
from serving.http.values import parse_json
from serving.http.wire import Customer

_CUSTOMER: TypeAdapter[CustomerView] = TypeAdapter(CustomerView)
_ERASED: TypeAdapter[ErasureReport] = TypeAdapter(ErasureReport)

Limit = Annotated[int, Query(ge=1, le=1000)]


def add_customers(app: FastAPI, customers: Customers) -> None:
    """Add /v1/customers and /v1/exports."""

    @app.get("/v1/customers/{customer_id:path}", responses={200: {"model": CustomerView}})
    def customer(customer_id: PathId, limit: Limit = 100) -> Response:
        """Give what is known of a customer, by any customer_id or hashed identifier of theirs; newest first."""
        return json_response(_CUSTOMER.dump_json(customers.view(customer_id, limit=limit)))

    @app.delete("/v1/customers/{customer_id:path}", responses={200: {"model": ErasureReport}})
    def erase(customer_id: PathId) -> Response:
        """Remove a customer everywhere, by any identifier of theirs, for good; tell how much was removed of which place."""
        return json_response(_ERASED.dump_json(customers.erase(customer_id)))

    @app.get("/v1/exports/{customer_id:path}", responses={200: {"model": dict[str, Any]}})
    def export(customer_id: PathId) -> Response:
        """Give everything known of a customer, with whole records: what a person may ask for."""
        return json_response(json.dumps(customers.export(customer_id), ensure_ascii=False).encode())

    @app.post(
        "/v1/customers/find",
        responses={200: {"model": CustomerView}},
        openapi_extra=request_body(Customer),
    )
    def find(body: Body, limit: Limit = 100) -> Response:
        """Give what is known of the customer whom identifiers name; in a body, because a path would be logged on its way."""
        return json_response(_CUSTOMER.dump_json(customers.find(Customer.model_validate(parse_json(body)), limit=limit)))
