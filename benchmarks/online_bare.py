"""The bare limit of the online path: one Starlette route by hand, under uvicorn with uvloop and httptools.

It parses the same request, reads the same customer's packed feature values with one statement, lets the same boosters predict
the same numbers of rows, and writes the same answer. It has no rules, no probabilities, no reasons, no record, no contacts,
consents or identities, and never refuses anything. `/strict` lets one booster predict once, and nothing more.

`uvicorn benchmarks.online_bare:create --factory` serves the folder that `ONLINE_BARE` names; `write_bare` fills it.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.online_home import Home
from serving.running.launch import LOOPBACK, Server
from serving.running.start import ServiceCommand

_FOLDER = "ONLINE_BARE"


def bare_server(folder: Path, *, port: int, workers: int = 1) -> Server:
    """The server of a folder that `write_bare` filled."""
    arguments = [sys.executable, "-P", "-m", "uvicorn", "benchmarks.online_bare:create", "--factory", "--loop", "uvloop"]
    arguments += [
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "error",
        "--port",
        str(port),
        "--workers",
        str(workers),
    ]
    also = {_FOLDER: str(folder), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent.parent)}
    command = ServiceCommand(tuple(arguments), os.environ | also)
    return Server("bare server", command, f"http://{LOOPBACK}:{port}/readyz")


def write_bare(folder: Path, home: Home, answer: Mapping[str, Any]) -> None:
    """Write what the bare server reads; `answer` is one of ours, after which it shapes its own."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "features.db")) as database, database:
        database.execute("PRAGMA journal_mode=wal")
        database.execute("CREATE TABLE features (customer_id TEXT PRIMARY KEY, row BLOB) WITHOUT ROWID")
        packed = ((name, row.tobytes()) for name, row in zip(home.customers, home.rows, strict=True))
        database.executemany("INSERT INTO features VALUES (?, ?)", packed)
    for name, (booster, _) in home.boosters.items():
        (folder / f"{name}.txt").write_text(booster.text, encoding="utf-8")
    spec = {"rows": {name: rows for name, (_, rows) in home.boosters.items()}, "answer": answer}
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")


def create() -> Starlette:
    """The application of one worker."""
    folder = Path(os.environ[_FOLDER])
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    boosters = {name: lightgbm.Booster(model_file=str(folder / f"{name}.txt")) for name in spec["rows"]}
    one = np.eye(spec["rows"]["effects"])[:, 1:]  # the columns that say which touchpoint it is: none for the first row
    database = sqlite3.connect(folder / "features.db")
    template = spec["answer"]

    def asked_for(customer_id: str) -> Any:
        (packed,) = database.execute("SELECT row FROM features WHERE customer_id = ?", (customer_id,)).fetchone()
        return np.frombuffer(packed).reshape(1, -1)

    def written(customer_id: str, uplift: Any, untreated: float, value: float, churn: float) -> Response:
        best = int(np.argmax(uplift))
        first = template["recommendations"][0] | {"propensity": untreated, "uplift": float(uplift[best]), "expected_value": value}
        others = template["recommendations"][1:]
        answer = template | {"customer_id": customer_id, "recommendations": [first, *others], "age": churn}
        return Response(json.dumps(answer).encode(), media_type="application/json")

    async def recommend(request: Request) -> Response:
        customer_id = json.loads(await request.body())["customer_id"]
        row = asked_for(customer_id)
        rows = np.hstack([np.repeat(row, len(one), axis=0), one])
        uplift = boosters["effects"].predict(rows, raw_score=True, num_threads=1)
        untreated = boosters["conversion"].predict(rows[:1], raw_score=True, num_threads=1)
        churn, value = (boosters[name].predict(row, raw_score=True, num_threads=1) for name in ("churn", "value"))
        return written(customer_id, uplift, float(untreated[0]), float(value[0]), float(churn[0]))

    async def strict(request: Request) -> Response:
        customer_id = json.loads(await request.body())["customer_id"]
        rows = np.hstack([np.repeat(asked_for(customer_id), len(one), axis=0), one])
        return written(customer_id, boosters["effects"].predict(rows, raw_score=True, num_threads=1), 0.0, 0.0, 0.0)

    async def ready(_: Request) -> Response:
        return Response(b"")

    routes = [Route("/v1/recommend", recommend, methods=["POST"]), Route("/strict", strict, methods=["POST"])]
    return Starlette(routes=[*routes, Route("/readyz", ready)])
