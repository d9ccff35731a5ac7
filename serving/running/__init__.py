"""What commands run: servers, the `schedule`, and decisions without a service (`local`).

`start` says how a server is started, `launch` does it, and each of several workers is `listening` for itself. `matching` and
`keeping` are the rest of what is done from the command line; `terminal` shows it.
"""
