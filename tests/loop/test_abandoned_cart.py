"""Of two customers who abandon a cart, one answers e-mails and one ignores them: what to do is learnt from outcomes alone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from features.domain import Interaction, Kind
from features.settings import Settings
from features.workspace import Workspace
from serving.assembly import assemble
from serving.deciding.compose import Question
from training.retrain import retrain

CUSTOMERS = 2000
START = datetime(2024, 3, 1, 12, tzinfo=UTC)
EMAIL, SOCIAL = "email.abandoned_cart", "social.retargeting"
CATALOGUE = """
[objective]
window_days = 14
margin = 0.4
churn_days = 14

[[touchpoints]]
name = "web.cart"
stage = "purchase"

[[touchpoints]]
name = "email.abandoned_cart"
stage = "purchase"
recommendable = true
cost = 0.02

[[touchpoints]]
name = "social.retargeting"
stage = "purchase"
recommendable = true
cost = 0.3
"""
# P(buys | none, e-mail, social) of those who answer e-mails and of those who ignore them
TRUTH = {True: {"none": 0.10, EMAIL: 0.35, SOCIAL: 0.15}, False: {"none": 0.10, EMAIL: 0.10, SOCIAL: 0.30}}


def interaction(customer: str, number: int, touchpoint: str, kind: Kind, at: datetime, **known: object) -> Interaction:
    return Interaction(
        message_id=f"{customer}/{number}/{kind}",
        customer_id=customer,
        touchpoint=touchpoint,
        kind=kind,
        at=at,
        received_at=at,
        source="shop",
        **known,  # type: ignore[arg-type]
    )


def past(customer: str, *, answers: bool, rng: np.random.Generator) -> list[Interaction]:
    """Four mails of the last weeks, clicked or not, and a cart left behind yesterday."""
    happened = []
    for number in range(4):
        at = START - timedelta(days=float(rng.uniform(7 * number + 3, 7 * number + 9)))
        happened.append(interaction(customer, number, EMAIL, Kind.CONTACT, at))
        if answers and rng.random() < 0.8:
            happened.append(interaction(customer, number, EMAIL, Kind.CLICK, at + timedelta(hours=3)))
    cart = START - timedelta(hours=float(rng.uniform(2, 30)))
    return [*happened, interaction(customer, 9, "web.cart", Kind.CART, cart, value=60.0)]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """After 2,000 such customers, whom nobody knew how to treat, and one retraining."""
    home, rng = tmp_path_factory.mktemp("carts"), np.random.default_rng(5)
    (home / "catalogue.toml").write_text(CATALOGUE, encoding="utf-8")
    workspace = Workspace(Settings(home=home, features_max_age_seconds=90 * 86400.0))
    workspace.store.apply()
    answers = {f"customer-{number}": bool(number % 2) for number in range(CUSTOMERS)}
    for customer, answering in answers.items():
        workspace.journal.append_interactions(past(customer, answers=answering, rng=rng))
    decider = assemble(workspace).decider
    for customer, answering in answers.items():
        question = Question(decision_id=f"d/{customer}", customer_id=customer, at=START)
        chosen = decider.decide(question, now=START).chosen
        if rng.random() < TRUTH[answering][chosen]:
            bought = START + timedelta(days=float(rng.uniform(0.1, 13)))
            paid = interaction(customer, 10, "web.cart", Kind.PURCHASE, bought, value=float(rng.gamma(4.0, 15.0)))
            workspace.journal.append_interactions([paid])
    report = retrain(workspace, now=START + timedelta(days=30), on_progress=lambda words: None)
    assert report.status == "promoted", report.reasons
    return workspace


@pytest.mark.parametrize(("answers", "touchpoint"), [(True, EMAIL), (False, SOCIAL)])
def test_who_answers_mails_gets_the_mail_and_who_ignores_them_gets_the_ad(
    workspace: Workspace, answers: bool, touchpoint: str
) -> None:
    assembly, customer = assemble(workspace), f"new-{answers}"
    assembly.live.refresh()
    workspace.journal.append_interactions(past(customer, answers=answers, rng=np.random.default_rng(8)))
    record = assembly.decider.decide(Question(decision_id=customer, customer_id=customer, at=START), now=START)
    candidates = {candidate.touchpoint: candidate for candidate in record.candidates}
    assert max(candidates, key=lambda name: candidates[name].net_value) == touchpoint
    assert candidates[touchpoint].probability > 0.5
