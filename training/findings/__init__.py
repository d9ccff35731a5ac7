"""What somebody should look at, in plain words, ranked by what is at stake.

1. `scene` opens the history once, and prepares the steps that customers take from one touchpoint to the next.
2. Each kind of finding is one file, a function of the scene that gives what it `Found`; they are listed in `page`.
3. `standing` says what stands out among its like: beyond chance, however many were compared, and by enough to matter.
4. `page` ranks all findings, and shows each with its evidence.
"""

from training.findings.finding import Finding, FindingKind, Found

__all__ = ["Finding", "FindingKind", "Found"]
