"""What callers tell: `posting` takes it, one method per call.

`intake` checks interactions and outcomes, `facts` links and consents; `sources` maps the records of other systems, each of them
an `incoming` one, those that come at once `together`; `segment` and `cloudevents` have forms of their own. `streamer` brings
what was accepted to the online store.
"""
