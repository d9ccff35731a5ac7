"""Answer online: which touchpoint is best for this customer, now, and is it better than doing nothing?

A request goes through in this order: `guard` (who asks, how much), `application` and `routes` (HTTP), `wire` and `values` (what
may be sent), `door` (identifiers are hashed). Then it comes to one of four:

- `desk` answers questions: `slate` (one touchpoint or several), `decide`, with `state` (what is known of the customer),
  `contacts` (what was sent lately) and `live` (the policy in force); then `compose` and `judge`, pure, with `situations` and
  `reasons`.
- `decisions` looks back at them: `explain` with `remedies`, `replay`, from the record and the `archive` of what was in force.
- `posting` takes what callers tell: `intake` interactions and outcomes, `facts` links and consents, `sources` the records of
  other systems, of which `segment` and `cloudevents` have forms of their own.
- `customers` shows a customer, and forgets them.

Behind them, `streamer` brings what was accepted to the online store; `record` is what is kept, `answer` what is answered,
`problems` what refusals look like, `service` the process that serves it all.
"""
