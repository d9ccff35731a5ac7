"""Groups of customers by what they are worth and by how they behave, with plain descriptions and names that stay.

1. `facts` tells of each customer when, how often and for how much they converted, as of a time.
2. `rules` says in words and in SQL who belongs where: by value (`VALUE_RULES`) and by behaviour (`JOURNEY_RULES`).
3. `behaviour` counts what each customer did in a period, and applies the second.
4. `outcomes` measures what those who were in a segment at the start of the period did in it; `moves` who is in which since then.
5. `costs`, `earnings` and `cohorts` measure what customers cost and bring, and how long they stay.
"""
