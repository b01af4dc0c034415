"""A process that serves a lobby over its log: ``lobby_server.py DB PORT [GRACE]``. It prints the address."""

import sys

from backedge.nodes.lobby import Lobby, SqliteLog, serve


def main(database: str, port: str, grace: str = "30") -> None:
    serve(
        Lobby("hall", log=SqliteLog(database)),
        port=int(port),
        token="a secret",
        grace=float(grace),
        ready=lambda server: print(server.url, flush=True),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
