"""Static files: the console's own, and plotly's drawing code as its package brings it; nothing is fetched from another host."""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from markupsafe import Markup

from features.errors import ConfigurationError

_FOLDER = Path(__file__).parent / "static"
_PLOTLY = "plotly.min.js"
_MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file.

    Attributes
    ----------
    compressed : the content with gzip.
    digest : of the content; part of its address, so that a browser may keep it for ever.
    """

    content: bytes
    compressed: bytes
    media_type: str
    digest: str


def asset(file: str) -> Asset | None:
    """The static file of that name, or None; nothing outside the folder has a name."""
    return _asset(file) if file in _paths() else None


def address_of(file: str) -> str:
    """Its address, which changes with its content."""
    return f"/console/static/{file}?v={_digest(file)}"


def inlined(file: str) -> Markup:
    """Its text, to stand in a page by itself; it is ours or plotly's, and taken for markup."""
    found = asset(file)
    return Markup("" if found is None else found.content.decode())


@cache  # of files that are there only: whoever asks for others could fill it without end
def _asset(file: str) -> Asset:
    path = _paths()[file]
    content = path.read_bytes()
    return Asset(content, gzip.compress(content, 6, mtime=0), _MEDIA[path.suffix], _digest(file))


@cache
def _digest(file: str) -> str:
    """Of the content, without compressing it, which takes a third of a second for plotly."""
    return sha256(_paths()[file].read_bytes()).hexdigest()[:16]


@cache
def _paths() -> dict[str, Path]:
    return {path.name: path for path in _FOLDER.iterdir() if path.suffix in _MEDIA} | {_PLOTLY: _plotly()}


def _plotly() -> Path:
    package = find_spec("plotly")  # not imported: only one file of it is needed
    if package is None or not package.submodule_search_locations:
        raise ConfigurationError("the package plotly is not installed; figures cannot be drawn: install it again")
    return Path(package.submodule_search_locations[0]) / "package_data" / _PLOTLY
