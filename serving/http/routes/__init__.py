"""The HTTP routes: each parses, calls one method of the desk, and formats."""

from serving.http.routes.console import add_console
from serving.http.routes.customers import add_customers
from serving.http.routes.insights import add_insights
from serving.http.routes.personalizer import add_personalizer
from serving.http.routes.postings import add_postings
from serving.http.routes.recommendations import RECOMMEND, add_recommendations
from serving.http.routes.searching import add_search
from serving.http.routes.sources import add_sources

__all__ = [
    "RECOMMEND",
    "add_console",
    "add_customers",
    "add_insights",
    "add_personalizer",
    "add_postings",
    "add_recommendations",
    "add_search",
    "add_sources",
]
