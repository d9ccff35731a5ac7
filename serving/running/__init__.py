"""What commands run: the servers (`start` says how, `launch` does), the `schedule`, decisions without a service (`local`).

`matching` and `keeping` are the rest of what is done from the command line; `terminal` shows it.
"""
