"""The embedded PostgreSQL: started as our child, for us alone, in a directory that survives restarts.

    with EmbeddedPostgres(Path("data")) as server:
        asyncio.run(work(server.dsn))

What it promises:

* The database is durable: fsync, full page writes, synchronous commit and checksums are on.
* It listens only on a Unix socket in a private directory; nobody else on the machine can connect.
* On Linux it shuts down cleanly even if we are killed with `kill -9`; elsewhere the next start sees to that.
* It works as root, without making users, and touches nothing outside its data directory.
* One process owns a data directory's server. Others of the same user join it: they get its address, and leave it
  running. Two locks tell who is there, without guessing from process numbers: `owner.lock` is held by the process
  that started the server, `server.lock` also by the server itself, which inherits it.
"""

import contextlib
from collections.abc import Callable, Generator

from loyalty.embedded.programs import EmbeddedPostgresError, packaged_binaries
from loyalty.embedded.server import EmbeddedPostgres
from loyalty.settings import Settings

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "open_database", "packaged_binaries"]


@contextlib.contextmanager
def open_database(
    settings: Settings, *, own: bool = False, on_death: Callable[[], None] | None = None
) -> Generator[str]:
    """Give the address of the configured database, or run (or join) the embedded one for as long as it is needed.

    With `own`, an embedded server that another process runs is refused: it could stop under our feet. `on_death` is
    called, in another thread, if our server ends by itself.
    """
    if settings.dsn:
        yield settings.dsn
        return
    server = EmbeddedPostgres(
        settings.data_dir, binaries=settings.postgres_bin, join=not own, on_death=on_death
    )
    with server:
        yield server.dsn
