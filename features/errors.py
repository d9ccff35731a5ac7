"""One tree of exceptions; a message states the value, the rule and the remedy."""


class TouchpointError(Exception):
    """Anything this project refuses; the command line prints its message as one line and exits with 2."""


class ConfigurationError(TouchpointError):
    """A setting, catalogue or source mapping is not valid; the message names file and key."""


class CaptureError(TouchpointError):
    """A source could not be read at all; single bad records go to the quarantine instead."""


class IdentifierError(TouchpointError):
    """A value cannot name anybody: it is blank, stands for nobody, or is not what its type says."""


class StoreError(TouchpointError):
    """The journal, the lake or the feature store could not answer."""


class UnknownDecisionError(TouchpointError):
    """No decision has that id."""


class DecisionConflictError(TouchpointError):
    """The decision id was used before, for a different question."""


class NotReplayableError(TouchpointError):
    """A decision cannot be taken again: something that it was taken with is not to be had any more."""


class TrainingError(TouchpointError):
    """There is not enough, or not the right, data to learn from."""


class ArtifactError(TouchpointError):
    """A registered model or policy is missing or is not the one that was registered."""


class RequestError(TouchpointError):
    """A request cannot be answered as asked; `field` points at the part of it, such as `/at`."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class UnknownCustomerError(TouchpointError):
    """Nothing is known of a customer of that id."""


class UnknownRecordError(TouchpointError):
    """The quarantine, or the review list, has nothing of that id."""


class ContentionError(TouchpointError):
    """Too many decisions for one customer were taken at the same moment."""


class PolicyError(TouchpointError):
    """A policy was given, or made, numbers that no choice can be made from."""
