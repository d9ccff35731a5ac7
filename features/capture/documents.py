"""Turns a JSON document, as opposed to JSON lines, into lines: one for every record, however large the document is."""

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any

from features.errors import CaptureError

_PIECE = 1 << 20  # characters read at a time
_LONGEST = 64 << 20  # characters of one record; beyond it the document is not an export of records
_BLANK = " \t\r\n"


def is_document(text: IO[str], *, records: str | None) -> bool:
    """Whether a file is one JSON document: an array, or an object that its first line does not complete."""
    start = text.read(_PIECE).lstrip("\ufeff" + _BLANK)
    line, ended, rest = start.partition("\n")
    if not start.startswith("{"):
        return start.startswith("[")
    try:
        json.loads(line)
    except ValueError:
        return not ended or rest.lstrip(_BLANK)[:1] not in ("{", "[")  # a broken first line of many is a broken line
    return records is not None and not rest.strip()


def write_lines(text: IO[str], target: IO[str], *, records: str | None, path: Path) -> None:
    """Write every record of a document as a line.

    Parameters
    ----------
    records : where the array of records lies in an object, as `data.events`; an object without it is itself a record.
    path : names the file in messages.

    Raises
    ------
    CaptureError
        When it is not JSON; nothing of what was written then counts.
    """
    try:
        for element in _elements(_Reader(text), records):
            target.write(element.replace("\n", " ").replace("\r", " ") + "\n")
    except _Broken as error:
        raise CaptureError(f"{path}: not a JSON document ({error}); export it again") from None


def _elements(reader: "_Reader", records: str | None) -> Iterator[str]:
    """The text of every record; several documents may follow each other."""
    while reader.peek():
        if reader.peek() == "[":
            yield from _array(reader)
        elif records is None:
            yield reader.value()
        else:
            yield from _held(reader, records.split("."))


def _array(reader: "_Reader") -> Iterator[str]:
    reader.take("[")
    if reader.peek() == "]":
        reader.take("]")
        return
    yield reader.value()
    while reader.peek() == ",":
        reader.take(",")
        yield reader.value()
    reader.take("]")


def _held(reader: "_Reader", path: list[str]) -> Iterator[str]:
    """The elements of the array at the path of an object; a small object without one is itself a record."""
    whole = reader.buffered()
    if whole is None:
        found = yield from _walked(reader, path)
        if not found:
            raise _Broken(f"no array at {'.'.join(path)}, where the mapping's records are")
        return
    text = reader.value()
    for name in path:
        whole = whole.get(name) if isinstance(whole, dict) else None
    yield from ([text] if not isinstance(whole, list) else (json.dumps(each) for each in whole))


def _walked(reader: "_Reader", path: list[str]) -> Generator[str, None, bool]:
    """As `_held`, of an object too large to be read at once; whether there is such an array."""
    found = False
    reader.take("{")
    while reader.peek() != "}":
        name = reader.key()
        if name == path[0] and len(path) == 1 and reader.peek() == "[":
            yield from _array(reader)
            found = True
        elif name == path[0] and len(path) > 1 and reader.peek() == "{":
            found = (yield from _walked(reader, path[1:])) or found
        else:
            reader.value()
        if reader.peek() != "}":
            reader.take(",")
    reader.take("}")
    return found


class _Broken(ValueError):
    """The text is not JSON."""


class _Reader:
    """A JSON text, of which only what stands behind the position is kept."""

    def __init__(self, text: IO[str]) -> None:
        self._text, self._buffer, self._position, self._ended = text, "", 0, False
        if self.peek() == "\ufeff":
            self._position += 1

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            while self._position < len(self._buffer) and self._buffer[self._position] in _BLANK:
                self._position += 1
            if self._position < len(self._buffer) or not self._more():
                return self._buffer[self._position : self._position + 1]

    def take(self, expected: str) -> None:
        """Pass the next character, which has to be one of the expected ones."""
        if self.peek() not in tuple(expected):
            raise _Broken(f"{self.peek()!r} where one of {expected} is due")
        self._position += 1

    def value(self) -> str:
        """The text of the next value, which is passed."""
        self.peek()
        while True:
            try:
                _, end = _DECODER.raw_decode(self._buffer, self._position)
                if end < len(self._buffer) or not self._more():  # a number may go on behind the piece
                    text, self._position = self._buffer[self._position : end], end
                    return text
            except ValueError as error:
                if len(self._buffer) - self._position > _LONGEST or not self._more():
                    raise _Broken(str(error)) from None

    def buffered(self) -> Any:
        """The next value, which is not passed, if all of it was read; else None."""
        self.peek()
        try:
            return _DECODER.raw_decode(self._buffer, self._position)[0]
        except ValueError:
            return None

    def key(self) -> str:
        """The next member's name, which is passed with its colon."""
        text: str = json.loads(self.value())
        self.take(":")
        return text

    def _more(self) -> bool:
        piece = self._text.read(max(_PIECE, len(self._buffer) - self._position))  # doubles, so that a long value is cheap
        self._buffer, self._position = self._buffer[self._position :] + piece, 0
        return bool(piece)


_DECODER = json.JSONDecoder()
