"""`/health/live`, `/health/ready`, `/metrics`: for whoever runs the service."""

from litestar import Response, get
from msgspec import Struct

from loyalty import metrics
from loyalty.errors import Problem
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, service_of


class Health(Struct, frozen=True):
    """`ok`; anything else is a problem document."""

    status: str = "ok"


@get("/health/live", tags=["Operation"])
async def live() -> Health:
    """Tell that the process answers."""
    return Health()


@get("/health/ready", tags=["Operation"], responses=problem_responses("unavailable"))
async def ready(request: ApiRequest) -> Health:
    """Tell that requests can be answered: the database is there and every lane runs."""
    if not await service_of(request).ready():
        raise Problem("unavailable", headers={"Retry-After": "1"})
    return Health()


@get("/metrics", tags=["Operation"], media_type="text/plain", sync_to_thread=True)
def expose() -> Response[bytes]:
    """Return the metrics in Prometheus's text format."""
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)
