"""The short way for plain e-mail addresses answers what the library does."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.errors import IdentifierError
from features.identity.notations import email, is_nobody

pieces = st.sampled_from(["ann", "A", "9", "_", "+", "-", ".", "xn--a", "é", "--", "x" * 20, "x" * 64, "o'neil"])
ends = st.sampled_from(
    ["com", "COM", "c", "test", "local", "localhost", "arpa", "c0m", "museum", "onion", "x" * 64, "co.uk", "ß", "K"]
)
texts = st.lists(pieces, max_size=4).map("".join)
addresses = st.builds(lambda local, domain, end: f"{local}@{domain}.{end}", texts, texts, ends)


@settings(max_examples=50, deadline=None)
@given(st.one_of(addresses, st.from_regex(r"[a-zA-Z0-9._+-]{1,9}@[a-zA-Z0-9.-]{1,12}", fullmatch=True), st.emails()))
@example("ann@example.com")
@example("ann@example.test")
@example("ann@ab--c.com")
@example("ann@-a.com")
@example("a..b@example.com")
@example("ann@example.com\n")
@example("ann@my.localhost")
@example("ann@exampleK.com")  # the Kelvin sign, whose lower case is a letter of ASCII
def test_an_address_is_what_the_library_says_in_lower_case(address: str) -> None:
    try:
        expected = validate_email(address, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        with pytest.raises(IdentifierError, match="not an e-mail address"):
            email(address)
    else:
        assert email(address) == expected


@settings(max_examples=50, deadline=None)
@given(st.from_regex(r"[a-z0-9_+-]{1,5}(\.[a-z0-9_+-]{1,5})?@([a-z0-9]{1,5}(-[a-z0-9]{1,3})?\.){1,2}[a-z]{2,5}", fullmatch=True))
def test_the_plainest_addresses_are_all_taken_by_the_library(address: str) -> None:
    try:
        assert validate_email(address, check_deliverability=False).normalized.lower() == email(address)
    except EmailNotValidError:
        with pytest.raises(IdentifierError):
            email(address)


def test_nobody_is_called_null_or_only_zeros() -> None:
    assert all(map(is_nobody, ("", "None", "undefined", "NaN", "0", "0000-0000", "-")))
    assert not any(map(is_nobody, ("10", "nobody", "a0")))
