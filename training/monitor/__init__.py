"""Alarms over what the service decided: whether it still explores, and whether the world is still the one that it learnt from.

1. `recorded` reads the decisions of the last days and of those before.
2. `exploration` looks at their probabilities, `drift` at features and scores, `calibration` at what followed them.
3. `watch` puts the alarms together.

On a world that does not change, all of them together raise an alarm in at most one window of a hundred.
"""
