"""From a question to a decision that is on disk.

1. `slate`: one touchpoint, or several delivered together; `steps`: how whoever asks waits for what has to be recorded.
2. `decide`: what a decision rests on: `state` (what is known of the customer), `contacts` (what was sent lately), `live` (the
   policy in force).
3. `compose` and `judge`, pure: the policy's choice, with `situations` (what rules go by) and `reasons`.
4. `record` is what is kept, `answer` what is answered.
"""
