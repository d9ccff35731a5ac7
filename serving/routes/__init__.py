"""The HTTP routes: each parses, calls one method of the desk, and formats."""

from serving.routes.customers import add_customers
from serving.routes.personalizer import add_personalizer
from serving.routes.postings import add_postings
from serving.routes.recommendations import add_recommendations
from serving.routes.sources import add_sources

__all__ = ["add_customers", "add_personalizer", "add_postings", "add_recommendations", "add_sources"]
