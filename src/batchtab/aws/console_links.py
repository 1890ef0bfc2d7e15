"""Addresses of pages in the AWS console."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


@dataclass(frozen=True)
class Console:
    """The console of a region. Names are encoded, since some have what ends or divides an address."""

    region: str
    partition: str = "aws"

    def job(self, job_id: str) -> str:
        """A job in Batch."""
        return self._page("batch", f"jobs/detail/{_encoded(job_id)}")

    def job_queue(self, arn: str) -> str:
        """A job queue."""
        return self._page("batch", f"queues/detail/{_encoded(arn)}")

    def job_definition(self, arn: str) -> str:
        """A revision of a job definition."""
        return self._page("batch", f"job-definition/detail/{_encoded(arn)}")

    def rule(self, name: str) -> str:
        """A rule of the default event bus."""
        return self._page("events", f"/eventbus/default/rules/{_encoded(name)}")

    def schedule(self, group: str, name: str) -> str:
        """A schedule of EventBridge Scheduler."""
        return self._page("scheduler", f"schedules/{_encoded(group)}/{_encoded(name)}")

    def log_group(self, group: str) -> str:
        """A log group."""
        return self._page("cloudwatch", f"logsV2:log-groups/log-group/{_twice(group)}")

    def log_stream(self, group: str, stream: str) -> str:
        """A log stream."""
        return f"{self.log_group(group)}/log-events/{_twice(stream)}"

    def _page(self, service: str, page: str) -> str:
        region = quote(self.region, safe="")
        host = _HOSTS.get(self.partition, _HOSTS["aws"])
        return f"https://{region}.{host}/{service}/home?region={region}#{page}"


def _encoded(name: str) -> str:
    return quote(name, safe=":/")


def _twice(name: str) -> str:
    """As CloudWatch's console wants names: encoded twice, the second time with `$`."""
    return quote(quote(name, safe=""), safe="").replace("%", "$")
