"""The page of the policy: who decides, what that earns, how much is tried, and whether anything is wrong.

The numbers are those of `touchpoint evaluate`, `lift` and `alarms`: computed by the same functions.
"""

from features.insights import Page
from features.insights.look import Look
from features.workspace import Workspace
from training.insights.policy_choices import calibration, exploration
from training.insights.policy_proof import alarms, lift
from training.insights.policy_versions import policy_cards, read_registry, runs_section, values_section, versions_section


def policy_page(look: Look, workspace: Workspace) -> Page:
    """Everything about the policy; where there is none, what to do about it."""
    known = read_registry(workspace.settings)
    champion, *challenger = policy_cards(known)
    lifted, lift_cards = lift(look)
    explored, exploration_cards = exploration(look)
    watched, alarm_cards = alarms(look, known.in_force)
    return Page(
        name="policy",
        title="Policy",
        lead="Which policy chooses touchpoints, what it earns beyond doing nothing, and whether it can be relied upon.",
        cards=(*lift_cards, champion, *alarm_cards, *challenger, *exploration_cards),
        sections=(
            versions_section(known),
            lifted,
            values_section(known),
            explored,
            calibration(look),
            *watched,
            runs_section(known),
        ),
    )
