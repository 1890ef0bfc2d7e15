"""AWS Batch, as far as the guard needs it: the one module that needs boto3's core."""

from __future__ import annotations

import os
import sys

from . import container_metadata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .guard import ListPage

PAGE_SIZE = 100  # the most that ListJobs gives with a filter
CONNECT_SECONDS = 3
READ_SECONDS = 10


def list_page_of(queue: str, job_name: str) -> ListPage:
    """A function that reads one page of the jobs of a name in a queue, finished ones included.

    It needs `batch:ListJobs` and nothing else. Its caller retries, so botocore does not.

    Raises:
        ImportError: if botocore is not installed.
    """
    _find_libraries()
    import botocore.session  # noqa: PLC0415 takes 100 ms and 25 MB, for the jobs that need it only
    from botocore.config import Config  # noqa: PLC0415

    client = botocore.session.get_session().create_client(
        "batch",
        region_name=_region(),
        config=Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1}),
    )

    def list_page(token: str | None) -> dict[str, object]:
        arguments: dict[str, object] = {
            "jobQueue": queue,
            "filters": [{"name": "JOB_NAME", "values": [job_name]}],
            "maxResults": PAGE_SIZE,
        }
        if token:
            arguments["nextToken"] = token
        page: dict[str, object] = client.list_jobs(**arguments)  # type: ignore[attr-defined]  # made at run time
        return page

    return list_page


def _region() -> str | None:
    """The region: from the environment, or else from the container's metadata, which names it on EC2 capacity too."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region:
        return region
    arn = str(container_metadata.read(os.environ, "/task").get("TaskARN") or "")
    return arn.split(":")[3] if arn.count(":") > 3 else None  # botocore says that there is none


def _find_libraries() -> None:
    """Add the folders that may contain botocore: `lib` beside the runner, or site-packages under `python -S`."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    beside = os.path.join(here, "lib")  # noqa: PTH118
    if os.path.isdir(os.path.join(beside, "botocore")):  # noqa: PTH112, PTH118
        sys.path.append(beside)
    elif "site" not in sys.modules:
        import site  # noqa: PLC0415

        site.main()
