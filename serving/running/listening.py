"""A listening socket of each worker's own: the kernel spreads connections over workers, not chance."""

import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

_SPREADS = sys.platform == "linux"  # elsewhere the option exists, and hands everything to the socket that was opened last
_WAITING = 2048


def listen_apart(arguments: Sequence[str] = sys.argv) -> None:
    """Put a socket of this process's own in place of the one that it shares with its siblings, under the same descriptor.

    Keep-alive connections stay with the worker that took them: of those that come at once to a shared socket one worker may take
    all, and be busy while the others are idle. The supervisor's socket only keeps the address from then on. Where the
    system gives no second socket at the address, the shared one stays.

    Parameters
    ----------
    arguments : the command line of a worker of BentoML, which tells the descriptor as `--fd`.
    """
    if not _SPREADS or "--fd" not in arguments:
        return
    descriptor = int(arguments[arguments.index("--fd") + 1])
    with socket.socket(fileno=os.dup(descriptor)) as shared, socket.socket(shared.family) as own:
        try:
            for each, option in ((own, socket.SO_REUSEADDR), (own, socket.SO_REUSEPORT), (shared, socket.SO_REUSEPORT)):
                each.setsockopt(socket.SOL_SOCKET, option, 1)
            own.bind(shared.getsockname())
            own.listen(_WAITING)
        except OSError:
            return
        with suppress(OSError):  # another worker was first
            shared.shutdown(socket.SHUT_RD)
        os.dup2(own.fileno(), descriptor)
