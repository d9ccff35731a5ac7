"""What answers feedback, and what does not."""

from dataclasses import replace

import numpy as np
import pandas as pd

from training.findings.page import find_all, findings_page


def test_feedback_whose_days_are_not_over_is_not_called_unanswered(calm_town, make_frame, tmp_path):
    """By hand: 20 complaints 3 days ago, 20 complaints 10 days ago of which 5 were answered, 7 days being allowed."""
    complaints = make_frame(np.arange(40), np.repeat([3.0, 10.0], 20), "ticket.form", "complaint")
    answers = make_frame(np.arange(20, 25), 9.0, "ticket.form", "resolution")
    town = replace(calm_town, rows=pd.concat([complaints, answers], ignore_index=True))
    found = {finding.id: finding for each in find_all(town.look(tmp_path)) for finding in each.findings}
    finding = found["unanswered:ticket.form"]
    assert finding.evidence.rows == (("complaint", 20, 15, 0.75),) and finding.customers == 15.0


def test_only_a_resolution_a_service_message_or_a_contact_by_the_same_way_answers_a_complaint(calm_town, make_frame, tmp_path):
    """Each group of 10 complains by ticket, the last one in the app; a day later each is told something else."""
    service = {"name": "email.service", "stage": "retention", "message_class": "service"}
    told = {
        "email.news": "contact",  # a newsletter is none
        "ads.banner": "contact",  # nor what is not catalogued by a channel where nobody answers
        "email.service": "contact",
        "email.unheard_of": "contact",
        "ticket.other": "contact",
        "web.home": "resolution",
    }
    who = np.arange(10)
    complaints = make_frame(np.arange(60), 20.0, "ticket.form", "complaint")
    replies = [make_frame(who + 10 * group, 19.0, name, kind) for group, (name, kind) in enumerate(told.items())]
    inside = make_frame(np.arange(60, 80), 20.0, "app.basket", "complaint")
    at_the_place = make_frame(np.arange(60, 70), 19.0, "app.basket", "contact")
    by_the_channel = make_frame(np.arange(70, 80), 19.0, "app.refer", "contact")
    rows = pd.concat([complaints, *replies, inside, at_the_place, by_the_channel], ignore_index=True)
    made = findings_page(replace(calm_town, rows=rows, touchpoints=(service,)).look(tmp_path), ())
    open_ = {case["customer_id"] for case in made.people["cases"].to_pylist() if case["kind"] == "unanswered"}
    assert open_ == {f"c{number}" for number in (*range(20), *range(70, 80))}


def test_what_came_by_a_service_channel_counts_as_an_answer_there_and_by_the_brands_own_calls(calm_town, make_frame, tmp_path):
    """20 complaints by call: 10 are called back (a call outbound, at another touchpoint), 10 get an offer by SMS."""
    complaints = make_frame(np.arange(20), 20.0, "call.hotline", "complaint")
    called = make_frame(np.arange(10), 19.0, "call.back", "call", direction="outbound")
    texted = make_frame(np.arange(10, 20), 19.0, "sms.news", "contact")
    town = replace(calm_town, rows=pd.concat([complaints, called, texted], ignore_index=True))
    found = {finding.id: finding for each in find_all(town.look(tmp_path)) for finding in each.findings}
    assert found["unanswered:call.hotline"].evidence.rows == (("complaint", 20, 10, 0.5),)
