"""JSON lines as DuckDB SQL of rows: arrays of records spread, arrays of keys and values made objects, members taken out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.capture.expressions import cleaned, escaped


@dataclass(frozen=True, slots=True)
class Shape:
    """How records lie in JSON, and which texts stand for no value; see the keys of the same names in a source mapping."""

    records: str | None = None
    each: str | None = None
    pairs: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def select_rows(lines: str, shape: Shape, wanted: Sequence[str]) -> tuple[str, Mapping[str, str]]:
    """The query that makes rows of a relation of `row` and `line`, and its columns by their names in the file.

    It gives `row`, `line` (the row as JSON), `element` (which one of `each` it is, else NULL), `bad` (the text of what is no JSON
    object, whose other columns are NULL) and the columns, without blanks around them and NULL where they stand for no value.
    """
    columns = {name: f"c{nth}" for nth, name in enumerate(wanted)}
    steps = [f"spread AS (SELECT row, {_spread(shape.records)} AS line FROM {lines})", _SOUND, _each(shape.each)]
    latest = "whole"
    for nth, path in enumerate(shape.pairs):
        steps.append(f"paired{nth} AS (SELECT * REPLACE ({_object_of_pairs(path)} AS line) FROM {latest})")
        latest = f"paired{nth}"
    pointers = [pointer for name in wanted for pointer in _pointers(name)]
    listed = ", ".join(escaped(pointer) for pointer in pointers)
    texts = f"list_transform(json_extract_string(line, [{listed}]), lambda text: {cleaned('text', shape.missing)})"
    steps.append(f"taken AS (SELECT *, {texts if pointers else 'NULL'} AS texts FROM {latest})")
    members = "".join(f", {sql} AS {columns[name]}" for name, sql in _members(wanted).items())
    return f"WITH {', '.join(steps)} SELECT row, line, element, bad{members} FROM taken", columns


def pointer_of(path: str) -> str:
    """A dotted path as a JSON pointer.

    >>> pointer_of("a.b/c")
    '/a/b~1c'
    """
    return "/" + path.replace("~", "~0").replace("/", "~1").replace(".", "/")


def patch_of(path: str, value: str) -> str:
    """SQL of a JSON object that holds the SQL value at a dotted path, and nothing else."""
    for name in reversed(path.split(".")):
        value = f"json_object({escaped(name)}, {value})"
    return value


_SOUND = """
    checked AS (SELECT row, line, coalesce(json_type(CASE WHEN json_valid(line) THEN line END) = 'OBJECT', false) AS sound
        FROM spread WHERE trim(line) <> ''),
    parted AS (SELECT row, CASE WHEN sound THEN line END AS line, CASE WHEN NOT sound THEN line END AS bad
        FROM checked)"""


def _spread(records: str | None) -> str:
    if records is None:
        return "line"
    pointer, sound = escaped(pointer_of(records)), "CASE WHEN json_valid(line) THEN line END"
    is_array = f"json_type({sound}, {pointer}) = 'ARRAY'"
    return f"unnest(CASE WHEN {is_array} THEN {_elements(sound, pointer)} ELSE [line] END)"


def _each(path: str | None) -> str:
    if path is None:
        return "whole AS (SELECT *, NULL::BIGINT AS element FROM parted)"
    pointer = escaped(pointer_of(path))
    filled = f"json_type(line, {pointer}) = 'ARRAY' AND json_array_length(line, {pointer}) > 0"
    return f"""
    listed AS (SELECT *, CASE WHEN {filled} THEN {_elements("line", pointer)} ELSE [NULL] END AS elements FROM parted),
    single AS (SELECT * EXCLUDE (elements), unnest(elements) AS one, generate_subscripts(elements, 1) AS element FROM listed),
    whole AS (SELECT row, bad, element, CASE WHEN one IS NOT NULL OR json_type(line, {pointer}) = 'ARRAY'
        THEN CAST(json_merge_patch(line, {patch_of(path, "one::JSON")}) AS VARCHAR) ELSE line END AS line FROM single)"""


def _elements(line: str, pointer: str) -> str:
    return f"CAST(from_json(json_extract({line}, {pointer}), '[\"JSON\"]') AS VARCHAR[])"


def _object_of_pairs(path: str) -> str:
    pointer = escaped(pointer_of(path))
    names = ", ".join(f"json_extract_string(pair, '{each}')" for each in ("/key", "/name", "/field/ref"))
    name = f"coalesce({names}, '')"
    # Typeform has an answer by the question's reference, and what was answered under the name of its type
    value = "coalesce(json_extract(pair, '/value'), json_extract(pair, '/' || json_extract_string(pair, '/type')))"
    # GA4 gives a value one member for every type, of which one is filled
    filled = f"list_filter(json_extract({value}, '$.*'), lambda each: each IS NOT NULL AND CAST(each AS VARCHAR) <> 'null')[1]"
    single = f"CASE WHEN json_type({value}) = 'OBJECT' THEN {filled} ELSE {value} END"
    member = f"concat(CAST(to_json({name}) AS VARCHAR), ':', coalesce(CAST({single} AS VARCHAR), 'null'))"
    members = f"array_to_string(list_transform({_elements('line', pointer)}, lambda pair: {member}), ',')"
    patched = f"json_merge_patch(line, {patch_of(path, f'''concat('{{', {members}, '}}')::JSON''')})"
    return f"CASE WHEN json_type(line, {pointer}) = 'ARRAY' THEN CAST({patched} AS VARCHAR) ELSE line END"


def _pointers(name: str) -> list[str]:
    """Where a column may lie: under its whole name, or with dots reaching into objects."""
    whole = "/" + name.replace("~", "~0").replace("/", "~1")
    return [whole, pointer_of(name)] if "." in name else [whole]


def _members(wanted: Sequence[str]) -> dict[str, str]:
    members, nth = {}, 1
    for name in wanted:
        count = len(_pointers(name))
        members[name] = f"texts[{nth}]" if count == 1 else f"coalesce(texts[{nth}], texts[{nth + 1}])"
        nth += count
    return members
