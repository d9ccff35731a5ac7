"""Answer online: which touchpoint is best for this customer, now, and is it better than doing nothing?

A question goes through in this order: `guard` (who asks, how much), `application` (HTTP), `wire` (what may be asked),
`intake` (posted interactions and outcomes), `decide` (the decision), with `state` (what is known of the customer), `contacts`
(what was sent lately), `live` (the policy in force) and `reasons`; `record` is what is kept and answered, `problems` what
refusals look like, `service` the process that serves it all.
"""
