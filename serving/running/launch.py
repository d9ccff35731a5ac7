"""Runs the servers of the project, in place of this process or beside it: the BentoML service and the MLflow UI."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import urlopen

from features.errors import ConfigurationError, TouchpointError
from features.settings import Settings
from features.workspace import Workspace
from serving.running.start import ServiceCommand, service_command

LOOPBACK = "127.0.0.1"
READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server to run, and the address at which it says that it is ready."""

    name: str
    command: ServiceCommand
    ready_url: str


def service(settings: Settings, *, port: int, host: str = LOOPBACK, workers: int = 1) -> Server:
    """The BentoML service.

    Raises
    ------
    ConfigurationError
        When `host` is not loopback and the settings have no API key.
    """
    command = service_command(settings, host=host, port=port, workers=workers)
    return Server("service", command, f"http://{LOOPBACK}:{port}/readyz")


def ui(settings: Settings, *, port: int) -> Server:
    """The MLflow UI, on loopback only: it has no authentication."""
    arguments = [sys.executable, "-P", "-m", "mlflow", "server", "--backend-store-uri", settings.effective_tracking_uri]
    arguments += ["--host", LOOPBACK, "--port", str(port), "--workers", "1"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return Server("MLflow UI", ServiceCommand(tuple(arguments), os.environ | quiet), f"http://{LOOPBACK}:{port}/health")


def replace_process_by_service(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Become the service; signals reach it directly. In a new home the feature store is set up first, by one process."""
    Workspace(settings).store.apply()
    _become(service(settings, host=host, port=free_port(port, host=host), workers=workers))


def replace_process_by_ui(settings: Settings, *, port: int) -> None:
    """Become the MLflow UI."""
    _become(ui(settings, port=free_port(port)))


@contextmanager
def running(server: Server, *, log: str = os.devnull) -> Iterator[None]:
    """Run a server beside this process and end it, by its process id, when the block ends.

    Raises
    ------
    TouchpointError
        When it ends by itself or is not ready in time.
    """
    with open(log, "ab") as output:
        process = subprocess.Popen(
            server.command.arguments,
            env=server.command.environment,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    try:
        wait_until_ready(server, process, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(server: Server, process: subprocess.Popen[bytes], log: str) -> None:
    """Wait until a server started elsewhere answers that it is ready.

    Raises
    ------
    TouchpointError
        When it ends by itself or is not ready in time.
    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise TouchpointError(f"the {server.name} ended with code {process.returncode}; see {log}")
        try:
            with urlopen(server.ready_url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, HTTPException, OSError):
            pass
        time.sleep(0.2)
    raise TouchpointError(f"the {server.name} was not ready within {READY_SECONDS:g} s; see {log}")


def free_port(wanted: int, *, host: str = LOOPBACK) -> int:
    """The wanted port; any free one for 0.

    Raises
    ------
    ConfigurationError
        When the port is taken.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            raise ConfigurationError(f"port {wanted} on {host}: {error.strerror}; choose another with --port") from None
        port: int = probe.getsockname()[1]
        return port


def _become(server: Server) -> None:
    os.execve(server.command.arguments[0], server.command.arguments, dict(server.command.environment))
