"""Run an emitted project: on the host, in an emulator, on a board."""
