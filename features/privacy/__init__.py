"""What a person may ask of us: whom we may contact, what we know of them, and that we forget it.

`consent` is pure and says what a decision may not choose, as the holdout of `features/experiment.py` does. What opens the
stores is imported from its module:

1. `subscriptions` reads consents out of who subscribed and unsubscribed.
2. `export` gathers everything known of a person.
3. `erase` removes it everywhere, `retention` whatever is older than a source's records may be kept.
4. `scan` proves it: it searches all files of a folder for given texts.
"""

from features.experiment import in_holdout
from features.privacy.consent import consent_against, consent_basis

__all__ = ["consent_against", "consent_basis", "in_holdout"]
