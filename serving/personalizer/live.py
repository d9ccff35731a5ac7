"""The model of rank events in force: its file is looked at on every call, and read again when it has changed."""

import logging
from pathlib import Path

from features.errors import ArtifactError
from training.personalizer import RankModel, read_model

LOG = logging.getLogger(__name__)

_State = tuple[int, int] | None


class LiveRankModel:
    """What was learnt last; on a file that cannot be used, what was read before stays in force."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[_State, RankModel | None] = None, None  # swapped as one, so that threads see both or neither

    @property
    def current(self) -> RankModel | None:
        """The model, or None before anything was learnt."""
        state, model = self._read
        found = self._state()
        if found != state:
            model = self._reread(model)
            self._read = found, model
        return model

    def _state(self) -> _State:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ino

    def _reread(self, before: RankModel | None) -> RankModel | None:
        try:
            model = read_model(self._path)
        except ArtifactError as error:
            LOG.warning("%s model of rank events stays in force: %s", "no" if before is None else "the old", error)
            return before
        LOG.info("model of rank events in force: %s", "none" if model is None else model.version)
        return model
