"""What customers will bring: how often each will convert, for how much, and whether they are still there.

1. `transactions` tells of each customer how often, how lately and since when they converted; equal customers are one row.
2. `bgnbd` learns from it how often customers convert and when they stop, `gamma_gamma` how much they spend; `valuation` has both,
   or says why there is none and what stands in for it.
3. `outlook` makes totals of it, with intervals; `holdout` checks it against a time that it did not see.
4. `people` puts it to every customer, and every customer into a segment.
5. `study` does all of this for one look, and adds segments, cohorts and costs; `page` and its sections tell of it.

This looks at whole customers and is for people to read. `training.sides.lifetime` is another thing: a model inside the policy,
from features, of the money that is lost with a customer who leaves; no page uses it.
"""
