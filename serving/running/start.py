"""How the service process is started: where it may bind, its command line and its environment; imports no framework."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from features.catalogue import load_catalogue
from features.errors import ConfigurationError
from features.settings import Settings


@dataclass(frozen=True, slots=True)
class ServiceCommand:
    """A command line, and the environment to run it in."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def service_command(settings: Settings, *, host: str, port: int, workers: int = 1) -> ServiceCommand:
    """The command that serves these settings.

    Raises
    ------
    ConfigurationError
        When the host is no IP address, or lies beyond loopback and no API key is set; or when the catalogue is not valid, which
        is looked at here because the server would start a worker that cannot start again and again.
    """
    address = check_bind(host, settings)
    load_catalogue(settings.catalogue_path)
    service = "serving.service:TouchpointService"
    arguments = (sys.executable, "-P", "-m", "bentoml", "serve", service, "--host", address, "--port", str(port))
    root = str(Path(__file__).resolve().parents[2])
    return ServiceCommand((*arguments, "--working-dir", root), _environment(settings, workers=workers))


def check_bind(host: str, settings: Settings) -> str:
    """The numeric address behind `host`, if the service may bind it.

    Raises
    ------
    ConfigurationError
        As `service_command`.
    """
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ConfigurationError(f"host {host!r} is not an IP address; give one, such as 127.0.0.1") from None
    if not address.is_loopback and not settings.api_key:
        raise ConfigurationError(
            f"host {host} lets other machines in: set api_key in settings.toml (or TOUCHPOINT_API_KEY), or bind 127.0.0.1"
        )
    return str(address)


def _environment(settings: Settings, *, workers: int) -> dict[str, str]:
    chosen = {
        "TOUCHPOINT_HOME": str(settings.home),
        "TOUCHPOINT_WORKERS": str(workers),  # BentoML does not tell a worker whether it has siblings
        "BENTOML_HOME": str(settings.home / "bentoml"),  # one per home: services that share it wipe each other's metrics
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_CONFIG_OPTIONS": f"services.TouchpointService.workers={workers}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONOPTIMIZE": "1",  # Feast imports three times faster
        "OMP_NUM_THREADS": "1",  # one customer is one row: more threads only spin
    }
    return dict(os.environ) | chosen
