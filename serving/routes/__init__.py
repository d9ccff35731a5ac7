"""The HTTP routes: each parses, calls one method of the desk, and formats."""

from serving.routes.console import add_console
from serving.routes.customers import add_customers
from serving.routes.insights import add_insights
from serving.routes.personalizer import add_personalizer
from serving.routes.postings import add_postings
from serving.routes.recommendations import RECOMMEND, add_recommendations
from serving.routes.searching import add_search
from serving.routes.sources import add_sources

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
