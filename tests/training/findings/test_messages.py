"""Which offers conflict, and how many customers it takes."""

from dataclasses import replace

import numpy as np
import pandas as pd

from training.findings.page import find_all, findings_page


def test_offers_told_by_property_conflict_across_channels_and_not_when_they_are_the_same(calm_town, make_frame, tmp_path):
    who, same, other = np.arange(60), '{"offer":"ten off"}', '{"campaign":"free hat"}'
    mails = make_frame(who, 20.0, "email.news", "contact", properties=same)
    texts = make_frame(who, 19.0, "sms.news", "contact", properties=np.where(who < 40, other, same))
    town = replace(calm_town, rows=pd.concat([mails, texts], ignore_index=True))
    findings = [finding for found in find_all(town.look(tmp_path)) for finding in found.findings]
    assert [finding.customers for finding in findings if finding.kind == "inconsistent_messages"] == [40.0]


def test_few_customers_with_conflicting_offers_are_told_when_they_are_many_of_those_reached(calm_town, make_frame, tmp_path):
    """20 of 60 whom the rarer offer reached; of a second pair 4 of 10, and of a third 8 of 1,000: too few, and it is said."""
    offers = [
        {"name": name, "stage": "retention", "discount": cut} for name, cut in (("mail.a", 0.1), ("push.b", 0.2), ("sms.c", 0.3))
    ]
    first = [make_frame(np.arange(1000), 50.0, "mail.a", "contact"), make_frame(np.arange(20), 48.0, "push.b", "contact")]
    more = [
        make_frame(np.arange(2000, 2040), 48.0, "push.b", "contact"),
        make_frame(np.arange(2000, 2004), 47.0, "sms.c", "contact"),
    ]
    rest = [
        make_frame(np.arange(900, 908), 100.0, "sms.c", "contact"),
        make_frame(np.arange(900, 908), 99.0, "mail.a", "contact"),
    ]
    alone = make_frame(np.arange(3000, 3988), 100.0, "sms.c", "contact")
    town = replace(calm_town, rows=pd.concat([*first, *more, *rest, alone], ignore_index=True), touchpoints=tuple(offers))
    page = findings_page(town.look(tmp_path), ()).page
    assert [row["finding"] for row in page.table("findings").records if row["kind"] == "Inconsistent messages"] == [
        "mail.a and push.b promise the same customers different things"
    ]
    said = next(row for row in page.table("compared").records if row["what"].startswith("Inconsistent"))
    assert (
        said["compared"] == 3 and said["found"] == 1 and said["missing"].startswith("2 conflicting pairs left out: fewer than 5")
    )
