"""Decisions explained: in words, and as structure that a page can show."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.domain import Consent, ConsentStatus

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def explained(client: Any, decision_id: str = "d1", **asked: Any) -> Any:
    response = client.post("/v1/recommend", {"customer_id": "ann", "decision_id": decision_id, **asked})
    assert response.status_code == 200, response.text
    return client.get(f"/v1/decisions/{decision_id}/explanation").json()


def test_an_explanation_has_every_candidate_with_its_verdict(with_rules: Any) -> None:
    client = with_rules("[exploration]\nsharpness = 0.0\nfloor = 0.0\n", caps=False)
    seen = set()
    for index in range(9):
        found = explained(client, f"d{index}")
        by_name = {each["touchpoint"]: each for each in found["candidates"]}
        assert list(by_name) == ["none", "mail.offer", "email.news"]
        assert by_name[found["chosen"]]["verdict"] == "chosen" and by_name[found["chosen"]]["would_need"] is None
        seen |= {(each["touchpoint"], each["verdict"]) for each in found["candidates"]}
    # the offer is worth most: it is chosen, or chance chose another; the others can only be worth less
    assert seen == {
        ("none", "chosen"),
        ("none", "outvalued"),
        ("mail.offer", "chosen"),
        ("mail.offer", "not_drawn"),
        ("email.news", "chosen"),
        ("email.news", "outvalued"),
    }


def test_contributions_are_those_of_every_feature_to_the_chosen_touchpoint_strongest_first(with_rules: Any) -> None:
    client = with_rules(caps=False)
    found = next(each for index in range(20) if (each := explained(client, f"d{index}"))["chosen"] == "mail.offer")
    record = client.get(f"/v1/decisions/{found['decision_id']}").json()
    assert len(found["contributions"]) == len(record["features"]["values"])
    points = [abs(each["points"]) for each in found["contributions"]]
    assert points == sorted(points, reverse=True)
    strongest = found["contributions"][0]
    assert strongest["feature"] == "kind_purchase_lifetime_count"
    assert strongest["value"] == record["features"]["values"][strongest["feature"]]
    assert "What moved the effect of mail.offer most, in points of conversion:" in found["words"]


def test_nothing_moves_the_effect_of_doing_nothing(client: Any) -> None:
    found = explained(client, candidates=[])
    assert (found["chosen"], found["contributions"]) == ("none", [])
    assert {each["verdict"] for each in found["candidates"][1:]} == {"ruled_out"}


def test_what_a_rule_dropped_says_from_when_on_it_may_be_chosen(client: Any) -> None:
    client.bench.workspace.journal.add_contacts([("c1", "ann", "mail.offer", NOW - timedelta(days=3))])
    offer = explained(client)["candidates"][1]
    assert offer["verdict"] == "ruled_out"
    assert "not eligible (contacts: at most 1 x mail.offer in 30 days" in offer["sentence"]
    assert offer["would_need"].startswith("that rule lets it through from 2026-02-27 12:00 UTC on")


def test_a_missing_consent_is_named(client: Any) -> None:
    said = Consent(
        message_id="k1",
        customer_id="ann",
        status=ConsentStatus.WITHDRAWN,
        at=NOW,
        received_at=NOW,
        source="test",
        channel="email",
    )
    client.bench.workspace.journal.append_consents([said])
    news = explained(client)["candidates"][2]
    assert "withdrawn on 2026-01-31" in news["sentence"]
    assert news["would_need"].startswith("the customer would have to give the consent that is missing")


def test_the_words_say_where_it_stood_and_on_what_ground(with_rules: Any) -> None:
    client = with_rules("[exploration]\nsharpness = 0.0\nfloor = 0.0\n", caps=False)
    explained(client, "s", slots=5, defer=True)
    texts = []
    for slot in ("s", "s/2", "s/3", "s/4", "s/5"):
        texts.append("\n".join(client.get(f"/v1/decisions/{slot}/explanation").json()["words"]))
    assert all(f"Slot {number} of slate s." in text for number, text in enumerate(texts, start=1))
    assert all("Deferred: it counts as a contact once it is activated." in text for text in texts)
    assert any("Consent: marketing on any channel is opt-out: not refused." in text for text in texts)
    assert texts[0].startswith("Decision s for customer ann at 2026-01-31 12:00:00 UTC:")


@pytest.mark.parametrize("path", ["/v1/decisions/nothing/explanation", "/v1/decisions/a/b/explanation"])
def test_what_was_not_decided_here_cannot_be_explained(client: Any, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()["type"]) == (404, "/problems/unknown-decision")


def test_probabilities_are_percentages_and_the_age_of_features_is_no_long_number_of_seconds(client: Any) -> None:
    found = explained(client)
    record = client.get("/v1/decisions/d1").json()
    likely = next(each["probability"] for each in record["candidates"] if each["touchpoint"] == record["chosen"])
    assert found["words"][1].startswith(f"{record['chosen']}, chosen with probability {100 * likely:.4g} % (draw ")
    told = [each["sentence"] for each in found["candidates"] if each["verdict"] in ("outvalued", "not_drawn")]
    assert told and all(" had probability " in each and " %" in each for each in told)
