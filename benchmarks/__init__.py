"""One file per question; each prints its ratio to a named limit or peer, measured in the same run."""
