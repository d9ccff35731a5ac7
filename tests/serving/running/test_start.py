"""Where the service may bind, and how it is started."""

import sys
from pathlib import Path

import pytest

from features.errors import ConfigurationError
from features.settings import load_settings
from serving.running.start import check_bind, service_command


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "::1"), ("127.8.0.1", "127.8.0.1")]
)
def test_loopback_needs_no_key(tmp_path: Path, host: str, address: str) -> None:
    assert check_bind(host, load_settings(home=tmp_path)) == address


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1"])
def test_other_addresses_need_a_key(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigurationError, match="api_key"):
        check_bind(host, load_settings(home=tmp_path))
    assert check_bind(host, load_settings(home=tmp_path, api_key="secret")) == host


def test_a_name_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not an IP address"):
        check_bind("example.org", load_settings(home=tmp_path, api_key="secret"))


def test_an_empty_key_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="api_key"):
        check_bind("0.0.0.0", load_settings(home=tmp_path, api_key=""))


def test_a_home_without_a_catalogue_is_refused_before_a_server_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"catalogue\.toml: no such file"):
        service_command(load_settings(home=tmp_path), host="localhost", port=3100)


def test_the_command_tells_home_workers_and_nothing_to_track(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text('touchpoints = [{ name = "mail.offer", stage = "retention" }]')
    command = service_command(load_settings(home=tmp_path), host="localhost", port=3100, workers=2)
    assert command.arguments[:5] == (sys.executable, "-P", "-m", "bentoml", "serve")
    assert command.arguments[6:10] == ("--host", "127.0.0.1", "--port", "3100")
    expected = {
        "TOUCHPOINT_HOME": str(tmp_path),
        "TOUCHPOINT_WORKERS": "2",
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_CONFIG_OPTIONS": "services.TouchpointService.workers=2",
        "PYTHONOPTIMIZE": "1",
        "OMP_NUM_THREADS": "1",
    }
    assert {key: command.environment[key] for key in expected} == expected
