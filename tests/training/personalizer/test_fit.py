"""Learning from rank events: the better action becomes the likelier one, each in its context."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from features.journal.ranks import Feedback
from features.settings import load_settings
from features.workspace import Workspace
from serving.personalizer import LiveRankModel, PersonalizerDesk, RankRequest
from training.personalizer import Action, RankQuestion, choose, learn_ranks, model_path, read_model
from training.policy import rng_for
from training.registry import Registry

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
WORTH = {"morning": {"news": 0.6, "sport": 0.3, "cinema": 0.1}, "evening": {"news": 0.1, "sport": 0.3, "cinema": 0.5}}
CATALOGUE = '[[touchpoints]]\nname = "web.page"\nstage = "awareness"\n'


def question(time: str) -> RankQuestion:
    return RankQuestion([{"time": time}], tuple(Action(name, [{"kind": name}]) for name in ("news", "sport", "cinema")))


def asked(time: str, event_id: str) -> RankRequest:
    actions = [{"id": name, "features": [{"kind": name}]} for name in ("news", "sport", "cinema")]
    return RankRequest.model_validate({"contextFeatures": [{"time": time}], "actions": actions, "eventId": event_id})


def simulate(workspace: Workspace, events: int, *, seed: int) -> np.ndarray:
    """Ask, draw whether the shown action is liked, and say so; how often each action was shown, and how likely it was."""
    desk = PersonalizerDesk(workspace.journal.ranks, LiveRankModel(model_path(workspace.settings)), seed=7, clock=lambda: NOW)
    rng = np.random.default_rng(seed)
    said, shown, expected = [], np.zeros(3), np.zeros(3)
    for index in range(events):
        time = ("morning", "evening")[index % 2]
        answer = desk.rank(asked(time, f"{seed}/{index}"))
        liked = float(rng.random() < WORTH[time][answer.reward_action_id])
        said.append(Feedback(answer.event_id, NOW, liked))
        chances = {each.id: each.probability for each in answer.ranking}
        names = list(WORTH[time])
        shown[names.index(answer.reward_action_id)] += 1
        expected += [chances[name] for name in names]
    workspace.journal.ranks.tell(said)
    return np.array([shown, expected])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home = tmp_path_factory.mktemp("home")
    (home / "catalogue.toml").write_text(CATALOGUE)
    return Workspace(load_settings(home=home, seed=7))


def learn(workspace: Workspace, *, minutes: float) -> object:
    return learn_ranks(workspace, now=NOW + timedelta(minutes=minutes), on_progress=lambda message: None)


def test_where_nothing_was_asked_nothing_is_learnt(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    empty = Workspace(load_settings(home=tmp_path))
    assert learn(empty, minutes=60) is None
    assert not (tmp_path / "mlflow.db").exists() and not (tmp_path / "personalizer").exists()


def test_after_2000_events_the_better_action_of_each_context_is_the_likelier_one(workspace: Workspace) -> None:
    shown, expected = simulate(workspace, 2_000, seed=1)
    assert expected.tolist() == pytest.approx([2_000 / 3] * 3)
    assert chisquare(shown, expected).pvalue > 0.001
    assert learn(workspace, minutes=9) is None
    learnt = learn(workspace, minutes=10)
    assert (learnt.events, learnt.rewarded, learnt.new) == (2_000, 2_000, True)
    model = read_model(model_path(workspace.settings))
    for time, worth in WORTH.items():
        assert model.rewards(question(time)) == pytest.approx(list(worth.values()), abs=0.08)
        chances = choose(question(time), model, rng_for("e", 7)).probabilities
        assert np.argsort(-chances).tolist() == np.argsort(-np.array(list(worth.values()))).tolist()
        assert chances.max() > 0.9


def test_from_the_same_events_nothing_is_learnt_again(workspace: Workspace) -> None:
    before = model_path(workspace.settings).stat().st_mtime_ns
    again = learn(workspace, minutes=20)
    assert again.new is False and again.version == read_model(model_path(workspace.settings)).version
    assert model_path(workspace.settings).stat().st_mtime_ns == before


def test_a_run_of_mlflow_holds_the_model(workspace: Workspace) -> None:
    client = Registry(workspace.settings)._client
    (run,) = client.search_runs([client.get_experiment_by_name("touchpoint").experiment_id])
    assert run.data.metrics["events"] == 2_000 and run.data.params["aggregation"] == "earliest"
    text = Path(client.download_artifacts(run.info.run_id, "model.json")).read_text()
    assert text == model_path(workspace.settings).read_text()


def test_the_learnt_model_is_asked_at_once_and_its_frequencies_agree_with_what_it_says(workspace: Workspace) -> None:
    shown, expected = simulate(workspace, 600, seed=2)
    assert chisquare(shown, expected).pvalue > 0.001
    assert expected[1] < 60  # sport is best nowhere
    earned = sum(each.value for history in workspace.journal.ranks.histories() for each in history.feedback[:1])
    assert earned > 2_000 * 0.32 + 600 * 0.45


def test_a_model_file_that_was_spoilt_is_written_anew(workspace: Workspace) -> None:
    model_path(workspace.settings).write_text("spoilt")
    assert learn(workspace, minutes=30).new
    assert read_model(model_path(workspace.settings)).events == 2_600
