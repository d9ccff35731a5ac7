"""Capture, unify and describe: from raw records to one history per customer and its features.

Reading order: `domain` (the nouns), `catalogue` (what the business configures), `capture` (sources to records),
`journal` and `lake` (where records are kept), `tables` (features, declared once and run three ways), `store` (Feast).
"""
