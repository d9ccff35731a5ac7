"""The console: pages that people look at, of the same numbers that the API gives.

1. `shown` writes values as people read them.
2. `render` fills templates; everything that comes from data is escaped.
3. `assets` are the style, the script and plotly, all from this machine.
4. `site` puts a page into the layout, with navigation and the headers that keep a browser from asking other hosts.
5. `report` is all pages in one file.
6. `live` are the pages that ask the service instead of a snapshot: customers and decisions.
"""

from serving.console.render import render
from serving.console.site import Console, is_console

__all__ = ["Console", "is_console", "render"]
