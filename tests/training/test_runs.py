"""What runs logged is read back as it was logged."""


def test_a_text_is_read_back_and_one_that_was_never_logged_is_none(registry):
    with registry.run("talkative") as run:
        registry.log_text(run, "said.txt", "grüezi")
        registry.log_text(run, "deep/said.txt", "auf Wiedersehen")
    runs = registry.runs()
    assert (runs.text(run, "said.txt"), runs.text(run, "deep/said.txt")) == ("grüezi", "auf Wiedersehen")
    assert runs.text(run, "unsaid.txt") is None and runs.text(run, "nowhere/said.txt") is None


def test_the_latest_runs_are_those_without_a_parent_newest_first(registry):
    with registry.run("older") as older, registry.run("child", parent=older):
        registry.log_values(older, {"decisions": 7.0})
    with registry.run("newer"):
        pass
    newer, found = registry.runs().latest(2)
    assert (newer.name, found.name, found.status, found.figures) == ("newer", "older", "FINISHED", {"decisions": 7.0})
