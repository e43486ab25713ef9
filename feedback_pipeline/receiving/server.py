"""The receiver as a process: `feedback-pipeline receive`."""

import logging
import os
from contextlib import suppress
from pathlib import Path

import uvicorn

from feedback_pipeline.ingestion.source import SourceError
from feedback_pipeline.receiving.app import create_app
from feedback_pipeline.receiving.authenticity import closed
from feedback_pipeline.receiving.settings import ReceiveSettings
from feedback_pipeline.receiving.sources import Sources
from feedback_pipeline.settings import Settings

logger = logging.getLogger(__name__)
# Each may hold a body of the largest size in memory; more are told 503 and come again.
_MAX_CONNECTIONS = 256
_GRACE_SECONDS = 30


def serve(host: str, port: int) -> None:
    """Receive until SIGTERM or SIGINT; what was begun by then is finished first. Port 0 takes a free one.

    Speaks plain HTTP: the other side of the internet needs a proxy with TLS before it. Raises
    `ValueError` where the landing zone is a bucket, or the environment holds no secret or a limit that
    is none; exits where the address is taken.
    """
    landing_zone = Settings.from_environment().landing_zone
    if not isinstance(landing_zone, Path):
        raise ValueError(f"{landing_zone}: a bucket cannot be appended to; receive into a folder of this machine")
    settings = ReceiveSettings.from_environment(os.environ)
    _log_to_stderr()
    _warn_of_closed(Sources(landing_zone), settings)
    config = uvicorn.Config(
        create_app(landing_zone, settings),
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    # Uvicorn has shut down in order by the time it passes Control-C on.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()


def _warn_of_closed(sources: Sources, settings: ReceiveSettings) -> None:
    """Tell of every source for which nothing could be received as things are, before a sender finds out."""
    for name in sources.names():
        try:
            reason = closed(sources.get(name), settings)
        except SourceError as error:
            logger.warning("nothing is received for %s until its declaration can be read: %s", name, error)
        else:
            if reason:
                logger.warning("%s: %s", name, reason)


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
