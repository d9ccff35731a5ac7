"""Answer online: which touchpoint is best for this customer, now, and is it better than doing nothing?

A request goes through in this order: `guard` (who asks, how much), `application` and `routes` (HTTP), `wire` and `values` (what
may be sent), `door` (identifiers are hashed). Then it comes to one of three:

- `desk` answers questions, by `decide`, with `state` (what is known of the customer), `contacts` (what was sent lately), `live`
  (the policy in force) and `reasons`.
- `posting` takes what callers tell: `intake` interactions and outcomes, `facts` links and consents, `sources` the records of
  other systems, of which `segment` and `cloudevents` have forms of their own.
- `customers` shows a customer, and forgets them.

Behind them, `streamer` brings what was accepted to the online store; `record` is what is kept and answered, `problems` what
refusals look like, `service` the process that serves it all.
"""
