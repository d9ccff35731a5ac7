"""A source mapping: the TOML file that says what the rows of an export mean.

    name = "shop"                                # the source: message ids from here start with "shop:"
    timezone = "America/New_York"                # of times that name none

    [[interactions]]                             # each row becomes one record of every section whose `where` it meets
    customer_id = "client"                       # a column
    touchpoint = {column = "where", map = {"S" = "store.checkout", "W" = "web.checkout"}}
    kind = {constant = "purchase"}
    at = {column = "bought", format = "%d/%m/%Y %H:%M"}
    value = {column = "cents", scale = 0.01}
    message_id = {template = "{receipt}"}        # left out: a hash of the row; give one where rows are filled in later

    [[decisions]]                                # who was sent what
    where = {column = "campaign", not_null = true}
    customer_id = "client"
    touchpoint = {constant = "mail.coupon"}
    at = "sent_on"
    decision_id = {template = "{campaign}-{client}"}

    [[outcomes]]                                 # what they did then; finds its decision by the same template
    where = {column = "redeemed_on", not_null = true}
    decision_id = {template = "{campaign}-{client}"}
    message_id = {template = "{campaign}-{client}"}
    kind = {constant = "redemption"}
    at = "redeemed_on"

    [[consents]]                                 # what they said about being contacted
    where = {column = "mail_ok", not_null = true}
    customer_id = "client"
    status = {column = "mail_ok", map = {"Y" = "granted", "N" = "denied"}}
    channel = {constant = "email"}
    at = "bought"

    [[links]]                                    # which names are of one person
    where = {column = "card", not_null = true}
    left = {customer_id = "client"}
    right = {loyalty_card = "card"}
    at = "bought"

Who it was is told by `customer_id`, by `identifiers = {email = "mail", cookie = "cid"}`, or by both; of the identifiers only
keyed hashes are kept, and named together they are linked.

All values are read as text first, so that "007" stays "007". A row that does not give a valid record goes to the quarantine
with the reason. The files of one source may be given again, whole or grown: a record is known by its id, the first one stays.
"""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from features.capture.fields import Filter, Part, TimeZone, listed
from features.capture.section import Section
from features.capture.sections import ConsentSection, DecisionSection, InteractionSection, LinkSection, OutcomeSection
from features.catalogue.table import TouchpointName
from features.catalogue.touchpoint import Touchpoint
from features.domain import Stage

TABLES = ("interactions", "decisions", "outcomes", "consents", "links")
"""The lake's tables for which a mapping has sections, in the order in which they are taken."""


class LookupKey(Part):
    """The columns that are equal in a row and in its line of the side file; `"name"` where both have the same name."""

    left: str = Field(description="column of the ingested file")
    right: str = Field(description="column of the side file")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: object) -> object:
        return {"left": given, "right": given} if isinstance(given, str) else given


class Lookup(Part):
    """A small file whose columns are joined to every row.

    They are called `<lookup>.<column>`, or by their bare names where the ingested file has none of the same name.
    """

    file: str = Field(min_length=1, description="path from the folder of the ingested file")
    key: LookupKey = Field(description="which columns are equal; no key may occur twice in the side file")


class Group(Part):
    """Several rows become one, as the lines of a basket do; a group must not be spread over files."""

    by: tuple[str, ...] = Field(min_length=1, description="columns that have the same values throughout a group; they name it")
    sum: tuple[str, ...] = Field((), description="numbers to add, exactly to ten decimals")
    min: tuple[str, ...] = Field((), description="columns of which to keep the least")
    max: tuple[str, ...] = Field((), description="columns of which to keep the greatest")
    first: tuple[str, ...] = Field((), description="columns of which to keep the first value in the file")
    count: str | None = Field(None, description="name of a new column for the number of rows")

    @model_validator(mode="after")
    def _each_column_once(self) -> Self:
        names = [*self.columns, *([] if self.count is None else [self.count])]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"column {name!r} is named twice; one column of a group has one meaning")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it reads."""
        return (*self.by, *self.sum, *self.min, *self.max, *self.first)


class Mapping(Part):
    """What the rows of one source mean."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60, description="the source")
    touchpoints: dict[TouchpointName, Stage] = Field(
        {}, description="those that its records use, with their stages, for catalogues that name this mapping as a preset"
    )
    format: Literal["parquet", "csv", "jsonl"] | None = Field(
        None, description="default: from the file's name; each may be .gz, and several may lie in one .zip"
    )
    records: str | None = Field(
        None, min_length=1, description="json: where an object holds the array of its records, as `data.events`"
    )
    each: str | None = Field(
        None,
        min_length=1,
        description="an array within a row: each element makes a row of its own, with the element in its place",
    )
    pairs: tuple[str, ...] = Field(
        (), description="arrays of keys and values, as GA4's event_params: read like an object, `event_params.page_location`"
    )
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="csv; default: the likeliest of , ; tab | in line 1"
    )
    encoding: str = Field("utf-8", description="csv and jsonl")
    decimal: Literal[".", ","] = Field(".", description="csv: the decimal sign of numbers")
    header: tuple[str, ...] | None = Field(None, min_length=1, description="csv: names of the columns, when line 1 is not")
    missing: tuple[str, ...] = Field((), description='texts that mean no value, such as "NA"; the empty text always does')
    timezone: TimeZone = Field("UTC", description="of times that name none")
    where: tuple[Filter, ...] = Field((), description="which rows to read at all, before grouping")
    lookups: dict[str, Lookup] = Field({}, description="side files")
    group: Group | None = None
    interactions: tuple[InteractionSection, ...] = ()
    decisions: tuple[DecisionSection, ...] = ()
    outcomes: tuple[OutcomeSection, ...] = ()
    consents: tuple[ConsentSection, ...] = ()
    links: tuple[LinkSection, ...] = ()

    @field_validator("where", mode="before")
    @classmethod
    def _one_filter_or_several(cls, given: object) -> object:
        return [given] if isinstance(given, dict) else given

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        try:
            "".encode(name)
        except LookupError:
            raise ValueError(f"{name!r} is no encoding; use a name such as 'utf-8', 'cp1252' or 'utf-16'") from None
        return name

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any(True for _ in self.sections()):
            raise ValueError(f"a mapping has at least one of {', '.join(f'[[{table}]]' for table in TABLES)}")
        return self

    @field_validator("touchpoints")
    @classmethod
    def _known_channels(cls, given: dict[str, Stage]) -> dict[str, Stage]:
        for name, stage in given.items():
            Touchpoint(name=name, stage=stage)
        return given

    def sections(self) -> Iterator[tuple[str, str, Section]]:
        """Every section: its table, its name for messages, itself."""
        for table in TABLES:
            for nth, section in enumerate(getattr(self, table)):
                yield table, f"{table}.{nth}", section

    def columns(self) -> Iterator[tuple[str, str]]:
        """Every column that it reads of the file or of a lookup, with the key that does."""
        yield from (("where", column) for each in self.where for column in listed(each.column))
        yield from ((f"lookups.{name}", lookup.key.left) for name, lookup in self.lookups.items())
        yield from (("group", column) for column in (self.group.columns if self.group else ()))
        yield from ((f"{name}.{key}", column) for _, name, section in self.sections() for key, column in section.columns())
