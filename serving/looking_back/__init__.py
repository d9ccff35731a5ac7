"""Decisions that were taken: `decisions` finds them, `explain` and `remedies` tell them, `replay` takes them again on paper.

`archive` has what was in force then, `earlier` what records of before do not tell. `rehearse` takes many again under new rules,
and `rehearsal` is what that found.
"""
