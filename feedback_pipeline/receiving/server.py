"""The receiver as a process: `feedback-pipeline receive`."""

import logging
import os
from contextlib import suppress
from pathlib import Path

import uvicorn

from feedback_pipeline.receiving.app import create_app
from feedback_pipeline.receiving.settings import ReceiveSettings, missing_secret
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
    for source in Sources(landing_zone).names():
        if not settings.secret_of(source) and not settings.token:
            logger.warning("%s: %s", source, missing_secret(source))
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


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
