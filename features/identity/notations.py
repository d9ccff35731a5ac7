"""How two notations of one identifier become one text, by rule; the libraries decide what an address or a number is."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from features.domain import NOBODY
from features.errors import IdentifierError

_PLAIN_EMAIL = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@((?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,63})", re.ASCII)
_LONGEST_PLAIN_EMAIL = 64  # characters, below every limit that the library knows of
_SPECIAL = tuple(SPECIAL_USE_DOMAIN_NAMES)


def normalized(value: str, rule: str, *, region: str) -> str:
    """`value` in the one notation that its rule gives to all of its notations, without surrounding blanks.

    Parameters
    ----------
    rule : `email`, `phone`, `lower` or `exact`.
    region : ISO 3166 country of telephone numbers that are written without one.

    Raises
    ------
    IdentifierError
        When nobody is called so, or it is not what the rule is about. The message does not say the value: it would be logged.
    """
    text = value.strip()
    if is_nobody(text):
        raise IdentifierError("it is blank or stands for nobody, as 'null' and '0' do; leave it out")
    return _RULES[rule](text) if rule != "phone" else phone(text, region=region)


def is_nobody(text: str) -> bool:
    """Whether programs write `text` for somebody they do not know: blank, `null` and the like, or nothing but zeros.

    >>> is_nobody("00000000-0000-0000-0000-000000000000")
    True
    """
    return not text.strip("0- ") or text.lower() in NOBODY


def email(text: str) -> str:
    """An e-mail address in lower case, `+tag` kept.

    Standards let the part before the @ tell upper from lower case; no provider of note does, and people write both. A tag
    is kept, because which providers ignore it is nowhere said, and because it tells a family's members apart.

    >>> email("Ann.Lee+shop@Example.COM")
    'ann.lee+shop@example.com'
    """
    lowered = text.lower()
    if len(text) <= _LONGEST_PLAIN_EMAIL and text.isascii() and _is_plain(lowered):
        return lowered  # what the library would answer, twenty times faster
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise IdentifierError("it is not an e-mail address; write it as name@example.com") from None


def _is_plain(lowered: str) -> bool:
    match = _PLAIN_EMAIL.fullmatch(lowered)
    return match is not None and not match[1].endswith(_SPECIAL)


def phone(text: str, *, region: str) -> str:
    """A telephone number as E.164, with its extension where it has one, because colleagues share the rest.

    >>> phone("(202) 555-0123", region="US")
    '+12025550123'
    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = phonenumbers.PhoneNumber()
    if not phonenumbers.is_valid_number(number):
        raise IdentifierError(f"it is not a telephone number, of {region} or with a country code; write it as +12025550123")
    known = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{known};ext={number.extension}" if number.extension else known


_RULES: Mapping[str, Callable[[str], str]] = MappingProxyType({"email": email, "lower": str.lower, "exact": str})
