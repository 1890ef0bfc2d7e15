from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from batchtab.local_aws.batch import instances
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.policies import weight_factor
from batchtab.local_aws.batch.roles import can_have_instances
from batchtab.local_aws.batch.store import Record, Store

TOO_SMALL = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - "
    "CE(s) associated with the job queue cannot meet the CPU requirement of the job"
)
NO_INSTANCE = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is higher than that can"
    " be met by the CE(s) attached to the job queue."
)


class Placement:
    """Which RUNNABLE job goes to which compute environment next.

    Queues of a higher priority come first; within a queue the oldest job, or with a scheduling policy the one whose
    share uses least. The job at the head of a queue blocks those behind it, and capacity that it waits for is not
    given to queues of a lower priority.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[str, dict[Job, None]] = defaultdict(dict)  # by queue ARN, in order
        self._used: dict[str, float] = defaultdict(float)  # vCPUs by environment ARN
        self._placed: dict[Job, str] = {}
        self._shares: dict[tuple[str, str], float] = defaultdict(float)
        self._blocked: list[Job] = []

    def add(self, job: Job) -> None:
        """Take a job that has become RUNNABLE."""
        self._waiting[job.record["jobQueue"]][job] = None

    def remove(self, job: Job) -> None:
        """Forget a job that no longer waits."""
        self._waiting[job.record["jobQueue"]].pop(job, None)

    def release(self, job: Job) -> None:
        """Give back what a job's attempt took."""
        arn = self._placed.pop(job, None)
        if arn is None:
            return
        self._used[arn] -= job.vcpus
        self._shares[self._share(job)] -= job.vcpus

    def clear(self) -> None:
        """Forget all that wait; what runs is released as it ends."""
        self._waiting.clear()
        self._blocked.clear()

    def heads(self) -> list[Job]:
        """Return each queue's next job."""
        return [job for arn in list(self._waiting) if (job := self._head(arn)) is not None]

    def front(self, queue_arn: str) -> list[Job]:
        """Return a queue's RUNNABLE jobs in the order in which they would be placed now."""
        rank = self._rank(queue_arn)
        waiting = list(self._waiting.get(queue_arn) or ())
        return sorted(waiting, key=rank) if rank else waiting

    def choose(self, room: int) -> Iterator[tuple[Job, Record]]:
        """Yield jobs with the environment that each is placed in, at most `room` of them."""
        reserved: set[str] = set()
        queues = [queue for arn, waiting in self._waiting.items() if waiting and (queue := self._store.queues.get(arn))]
        for queue in sorted(queues, key=lambda record: (-record["priority"], record["jobQueueArn"])):
            while room > 0 and (job := self._head(queue["jobQueueArn"])) is not None:
                candidates = self._candidates(queue)
                fitting = [e for e in candidates if e["computeEnvironmentArn"] not in reserved and self._fits(job, e)]
                if not fitting:
                    wide = [e for e in candidates if job.vcpus <= _limit(e)]
                    could = [e for e in wide if instances.can_run(e, job.vcpus, job.memory_mib)]
                    if candidates and not could and job.blocked_reason is None:
                        job.blocked_reason = NO_INSTANCE if wide else TOO_SMALL
                        self._blocked.append(job)
                    reserved |= {e["computeEnvironmentArn"] for e in could}
                    break
                self._take(job, fitting[0])
                room -= 1
                yield job, fitting[0]

    def newly_blocked(self) -> list[Job]:
        """Return the jobs found since the last call that are too big for every environment of their queue."""
        blocked, self._blocked = self._blocked, []
        return blocked

    def limit_of(self, job: Job) -> float | None:
        """Return when a blocked head's queue ends it, by its jobStateTimeLimitActions."""
        queue = self._store.queues.get(job.record["jobQueue"])
        if job.blocked_reason is None or queue is None:
            return None
        for action in queue["jobStateTimeLimitActions"]:
            if job.blocked_reason.startswith(action["reason"]):
                return job.runnable_since + float(action["maxTimeSeconds"])
        return None

    def _head(self, queue_arn: str) -> Job | None:
        waiting = self._waiting.get(queue_arn)
        if not waiting:
            return None
        rank = self._rank(queue_arn)
        return min(waiting, key=rank) if rank else next(iter(waiting))

    def _rank(self, queue_arn: str) -> Callable[[Job], tuple[float, int, int]] | None:
        """Return by what a queue with a scheduling policy orders its jobs; None for any other queue."""
        queue = self._store.queues.get(queue_arn)
        if queue is None or not queue.get("schedulingPolicyArn"):
            return None
        policy = self._store.policies.get(queue["schedulingPolicyArn"])

        def rank(job: Job) -> tuple[float, int, int]:
            share = self._share(job)
            return self._shares[share] * weight_factor(policy, share[1]), -job.weight, job.sequence

        return rank

    def _candidates(self, queue: Record) -> list[Record]:
        found = [
            self._store.environments.get(entry["computeEnvironment"]) for entry in queue["computeEnvironmentOrder"]
        ]
        valid = [e for e in found if e is not None and e["state"] == "ENABLED" and e["status"] == "VALID"]
        return [e for e in valid if can_have_instances(e)]

    def _fits(self, job: Job, environment: Record) -> bool:
        free = _limit(environment) - self._used[environment["computeEnvironmentArn"]]
        return job.vcpus <= free + 1e-9 and instances.can_run(environment, job.vcpus, job.memory_mib)

    def _take(self, job: Job, environment: Record) -> None:
        self.remove(job)
        arn = environment["computeEnvironmentArn"]
        self._placed[job] = arn
        self._used[arn] += job.vcpus
        self._shares[self._share(job)] += job.vcpus

    @staticmethod
    def _share(job: Job) -> tuple[str, str]:
        return job.record["jobQueue"], str(job.record.get("shareIdentifier", ""))


def _limit(environment: Record) -> float:
    resources = environment.get("computeResources")
    return float(resources["maxvCpus"]) if resources else float("inf")
