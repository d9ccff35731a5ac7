"""A stand-in for torch, set up by importing this: the Open Bandit Pipeline wants torch for neural learners only.

Torch is 2 GB, with what it needs, and no neural learner is asked here.
"""

import sys
import types


class Absent(types.ModuleType):
    """Any name of it is an empty class."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


for module in ("torch", "torch.nn", "torch.nn.functional", "torch.optim", "torch.utils", "torch.utils.data"):
    sys.modules[module] = Absent(module)
    parent, _, child = module.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, sys.modules[module])
