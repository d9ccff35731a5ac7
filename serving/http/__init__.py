"""HTTP, free of what is decided: who may ask, what may be sent, which route leads where.

`guard` (who asks, how much), then `application` and `routes`, with `bodies`, `wire` and `values` (what may be sent). `turns` says
who is answered next, and who is turned away; `problems` are what refusals look like, `openapi` describes all of it, `metrics`
is what Prometheus sees.
"""
