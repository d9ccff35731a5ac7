"""Pages that ask the service instead of a snapshot: one customer, decisions, and what would be if something were otherwise.

1. `routes` reads an address, and asks the desk's own parts: the same that answer the API. Nothing is ever written.
2. `customer` and `decision` put what these answer into sections, each made by a module of its own: `candidates`, `preview`,
   `compared`, `features`, `rules`, `consents`, `identifiers`, `worth`, `timeline`.
3. `supposing` and `sought` read the two forms, what is supposed and which decisions are wanted, and show them filled in.
4. The templates in `templates/live` show all that, with the parts that every page of the console is made of.
"""
