"""Answer online: which touchpoint is best for this customer, now, and is it better than doing nothing?

A request comes in by `http`: who asks, what may be sent, what refusals look like. At the `door` identifiers are hashed. Then it
comes to one of four:

- `desk` answers questions, by `deciding`; `batch` asks for everybody, to a file.
- `looking_back` finds decisions that were taken, explains them, and takes them again on paper.
- `taking` keeps what callers tell: interactions, outcomes, links, consents, the records of other systems.
- `customers` shows a customer, and forgets them.

`assembly` puts the parts together over one home. `service` is the process that serves them, `console` the pages that analysts
look at, `personalizer` and `exporting` speak what other systems speak. `cli` and its `commands` do the same without a service,
by what is in `running`; `demo` is the first of them.
"""
