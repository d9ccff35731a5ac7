"""Learning what changes what customers do: training rows, models, the policy, its evaluation on logs, the gate, the registry."""
