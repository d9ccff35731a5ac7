"""What is asked of a run over everybody, alike for every customer but for the name."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from features.errors import RequestError
from serving.deciding.compose import Question

MOST_RANKED = 50
"""As many as one question of the API may ask for."""

_RUN = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The question.

    Attributes
    ----------
    run : its name; with the customer it makes the decision's id, so the same run gives the same answers.
    candidates, exclude, limit : as in a question about one customer.
    recorded : whether decisions are kept, and count.
    deferred : whether a contact counts only once its decision is activated.

    Raises
    ------
    RequestError
        When the run's name has other characters than ids in paths do, or the limit is out of range.
    """

    run: str
    candidates: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    limit: int = 1
    recorded: bool = False
    deferred: bool = False

    def __post_init__(self) -> None:
        if not _RUN.fullmatch(self.run):
            given = f"--run {self.run!r} must be 1 to 100 letters, digits, dots, dashes or underscores, such as 2026-11-22"
            raise RequestError(given, field="/run")
        if not 1 <= self.limit <= MOST_RANKED:
            raise RequestError(f"--limit {self.limit} must be from 1 to {MOST_RANKED}", field="/limit")

    def decision_id(self, customer_id: str) -> str:
        """The id of the decision about a customer.

        >>> Asked(run="2026-11-22").decision_id("ada")
        '2026-11-22-a0be810b2abc6198a5edaef4918f6266'
        """
        digest = sha256(f"{self.run}\0{customer_id}".encode()).hexdigest()
        return f"{self.run}-{digest[:_DIGITS]}"

    def question(self, customer_id: str) -> Question:
        """The question about one customer, as the API would have it."""
        decision_id = self.decision_id(customer_id)
        return Question(
            decision_id=decision_id,
            customer_id=customer_id,
            candidates=self.candidates,
            exclude=self.exclude,
            limit=self.limit,
            dry_run=not self.recorded,
            deferred=self.deferred,
            request=self._request(customer_id, decision_id),
        )

    def _request(self, customer_id: str, decision_id: str) -> dict[str, Any]:
        """What was asked, as JSON values; what is as by default stays out, as it does of a call that leaves it out."""
        chosen: dict[str, Any] = {"candidates": None if self.candidates is None else list(self.candidates)}
        chosen |= {"exclude": list(self.exclude), "limit": self.limit, "defer": self.deferred}
        usual: dict[str, Any] = {"candidates": None, "exclude": [], "limit": 1, "defer": False}
        asked = {name: value for name, value in chosen.items() if value != usual[name]}
        return {"customer_id": customer_id, "decision_id": decision_id, **asked}
