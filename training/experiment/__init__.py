"""What the touchpoints are worth, measured by leaving some customers alone, and how sure that is.

1. `persons` reads what every customer did, by the arm that they were assigned to.
2. `sample_ratio` checks that the arms have the sizes that they should have: otherwise nothing else may be believed.
3. `lift` compares arms, with less variance by what customers did before (`cuped`) and with intervals that allow looking every day
   (`always_valid`).
4. `guardrails` compares the live policy with what it has to beat; `champion` applies them to the version in force.
5. `power` says beforehand how many customers all this takes.
"""
