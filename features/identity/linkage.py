"""What a linkage of profiles is told: which column holds what, and the file that they come from.

Profiles are read from the user's own file, since no identifier is kept in clear here; what stays of them are links.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.csv as csv
import pyarrow.parquet as parquet

from features.errors import CaptureError, ConfigurationError


class ColumnKind(StrEnum):
    """What a column of profiles holds; it decides how two values are compared."""

    FORENAME = "forename"
    SURNAME = "surname"
    BIRTH_DATE = "birth_date"  # as YYYY-MM-DD
    EMAIL = "email"
    PHONE = "phone"
    POSTCODE = "postcode"
    CITY = "city"
    TEXT = "text"  # anything else: equal, or not


_USUAL_NAMES: Mapping[ColumnKind, tuple[str, ...]] = {
    ColumnKind.FORENAME: ("forename", "firstname", "givenname"),
    ColumnKind.SURNAME: ("surname", "lastname", "familyname"),
    ColumnKind.BIRTH_DATE: ("dob", "birthdate", "dateofbirth", "birthday"),
    ColumnKind.EMAIL: ("email", "emailaddress", "mail"),
    ColumnKind.PHONE: ("phone", "phonenumber", "mobile", "telephone"),
    ColumnKind.POSTCODE: ("postcode", "postalcode", "zip", "zipcode"),
    ColumnKind.CITY: ("city", "town"),
}


@dataclass(frozen=True, slots=True)
class LinkageSettings:
    """How profiles are compared.

    Attributes
    ----------
    columns : what each column holds; columns that are not listed are not looked at.
    customer_id : the column that names the profile.
    recall : share of the true pairs that agree on e-mail, on telephone, or on a name and the date of birth, 0 to 1; it sets how
        likely two random profiles are one person, before anything of them is compared.
    most_pairs : pairs that one blocking key may make. Where equal values of a key make more, only pairs that agree on another key
        too are compared.
    """

    columns: Mapping[str, ColumnKind]
    customer_id: str = "customer_id"
    recall: float = 0.7
    most_pairs: int = 5_000_000

    def __post_init__(self) -> None:
        if len(self.columns) < 2:
            given = ", ".join(self.columns) or "no column"
            raise ConfigurationError(f"profiles would be compared by {given}; name at least two, such as first_name and dob")
        if self.customer_id in self.columns:
            raise ConfigurationError(f"column {self.customer_id!r} names the profile and cannot be compared as well")
        if not 0 < self.recall <= 1:
            raise ConfigurationError(f"recall {self.recall:g} is not above 0 and at most 1")

    @classmethod
    def for_columns(cls, names: Iterable[str], *, customer_id: str = "customer_id") -> Self:
        """The settings for a file's columns, each told by its usual names; others are not compared.

        >>> sorted(LinkageSettings.for_columns(["customer_id", "First Name", "dob", "shoe_size"]).columns)
        ['First Name', 'dob']

        Raises
        ------
        ConfigurationError
            When fewer than two columns are known.
        """
        kinds = {usual: kind for kind, names in _USUAL_NAMES.items() for usual in names}
        plain = {name: "".join(letter for letter in name.lower() if letter.isalnum()) for name in names if name != customer_id}
        return cls({name: kinds[word] for name, word in plain.items() if word in kinds}, customer_id=customer_id)

    def of(self, kind: ColumnKind) -> list[str]:
        """The columns that hold it."""
        return [name for name, held in self.columns.items() if held is kind]


def read_profiles(path: Path) -> pa.Table:
    """The profiles of a CSV or Parquet file, all columns as text.

    Raises
    ------
    CaptureError
        When the file is missing, of another format, or damaged.
    """
    try:
        if path.suffix == ".parquet":
            table = parquet.read_table(path)
        elif ".csv" in path.suffixes:
            names = csv.open_csv(path).schema.names
            texts = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
            table = csv.read_csv(path, convert_options=texts)
        else:
            raise CaptureError(f"{path}: profiles are read from .csv, .csv.gz or .parquet; export them as one of these")
        return table.cast(pa.schema([(name, pa.string()) for name in table.column_names]))
    except FileNotFoundError:
        raise CaptureError(f"{path}: no such file") from None
    except (OSError, pa.ArrowException) as error:
        raise CaptureError(f"{path}: cannot be read: {error}; export it again") from None


def cleaned(records: pa.Table, settings: LinkageSettings) -> pa.Table:
    """The customer_id as `unique_id`, and the compared columns as `c0`, `c1` … in the settings' order, lower case, blanks cut.

    Raises
    ------
    CaptureError
        When a column is missing, or a customer_id is missing or stands twice.
    """
    for name in (settings.customer_id, *settings.columns):
        if name not in records.column_names:
            raise CaptureError(f"the profiles have no column {name!r}, only {', '.join(records.column_names)}; correct the name")
    ids = records[settings.customer_id].cast(pa.string())
    _require_one_profile_each(ids, settings.customer_id)
    texts = (compute.utf8_trim_whitespace(compute.utf8_lower(records[name].cast(pa.string()))) for name in settings.columns)
    values = {f"c{nth}": compute.if_else(compute.equal(text, ""), None, text) for nth, text in enumerate(texts)}
    return pa.table({"unique_id": ids, **values})


def _require_one_profile_each(ids: pa.ChunkedArray, name: str) -> None:
    if ids.null_count:
        raise CaptureError(f"{ids.null_count} profiles have no {name}; leave them out")
    counts = compute.value_counts(ids)
    twice = compute.filter(counts.field("values"), compute.greater(counts.field("counts"), 1))
    if len(twice):
        raise CaptureError(
            f"{name} {twice[0].as_py()!r} and {len(twice) - 1} others stand twice; give one profile of each customer"
        )
