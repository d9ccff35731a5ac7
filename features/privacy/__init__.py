"""What a person may ask of us: whom we may contact, what we know of them, and that we forget it.

`consent` and `holdout` are pure and say what a decision may not choose. What opens the stores is imported from its module:

1. `subscriptions` reads consents out of who subscribed and unsubscribed.
2. `export` gathers everything known of a person.
3. `erase` removes it everywhere, `retention` whatever is older than a source's records may be kept.
4. `scan` proves it: it searches all files of a folder for given texts.
"""

from features.privacy.consent import consent_against, consent_basis
from features.privacy.holdout import in_holdout

__all__ = ["consent_against", "consent_basis", "in_holdout"]
