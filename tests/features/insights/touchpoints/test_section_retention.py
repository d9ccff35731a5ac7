from features.insights.touchpoints.matching import Matched, Rate
from features.insights.touchpoints.retention import Panel
from features.insights.touchpoints.section_retention import retention_section


def test_the_difference_comes_first_and_no_share_ends_below_none_or_beyond_all():
    after, difference = Rate(value=0.01, low=-0.02, high=0.04, n=50), Rate(value=-0.1, low=-0.2, high=0.0, n=50)
    baseline = Rate(value=0.99, low=0.9, high=1.1, n=50)
    matched = Matched(customers=40, matched=1.0, after=after, baseline=baseline, difference=difference, raw=-0.1, variance=0.0026)
    section = retention_section({"touchpoint": {"web.cart": matched}}, {}, Panel(landmarks=4, share=1.0), churn_days=30)
    (row,) = section.tables[0].records
    assert list(row)[:4] == ["touchpoint", "difference", "difference_low", "difference_high"]
    assert (row["churn_low"], row["churn_high"], row["difference_low"]) == (0.0, 0.04, -0.2)
