"""What is expected of customers beside conversion: value, churn, what staying brings, and unsubscribing.

A scorer needs `Sides` alone, so that serving does without all that fits them: that is in `fit`, one module per model beside it.
"""

from training.sides.sides import Sides

__all__ = ["Sides"]
