"""What the enforcement of IAM costs on local AWS: `python -m benchmarks.iam`.

Prints a table for benchmarks/README.md: requests per second of local AWS's CPU time, as the administrator and as a
role, with enforcement and without.
"""

import argparse
import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.local import PYTHON, REGION, started

REQUESTS = 300
ROUNDS = 5
STATEMENTS = 40  # about as many as the role of a deployment has


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.iam", description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=REQUESTS, help=f"of each kind and round (default: {REQUESTS})")
    requests = parser.parse_args().requests
    if not PYTHON.exists():
        print(f"{PYTHON} is missing: batchtab setup local", file=sys.stderr)
        return 2
    with started(enforce_iam=True) as (with_iam, pid, _), started(enforce_iam=False) as (without, other_pid, _):
        pids = {with_iam: pid, without: other_pid}
        callers = {(who, port): calls(port, who) for port in (with_iam, without) for who in ("administrator", "role")}
        best: dict[tuple[str, int, str], float] = {}
        # In turns, so that other load of the machine affects all of them.
        for _, ((who, port), kinds) in itertools.product(range(ROUNDS), callers.items()):
            for kind, call in kinds.items():
                key = (who, port, kind)
                best[key] = max(best.get(key, 0), rate(call, requests, pids[port]))
        print("| requests per second of CPU | administrator | role | without enforcement |")
        print("|---|---:|---:|---:|")
        for kind in callers["role", with_iam]:
            plain = best["administrator", without, kind]
            cells = [best[who, with_iam, kind] for who in ("administrator", "role")]
            shown = " | ".join(f"{each:.0f} ({each / plain - 1:+.0%})" for each in cells)
            print(f"| {kind} | {shown} | {plain:.0f} |")
    return 0


def rate(call: Callable[[], object], requests: int, pid: int) -> float:
    began = cpu_seconds(pid)
    for _ in range(requests):
        call()
    return requests / (cpu_seconds(pid) - began)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def calls(port: int, who: str) -> dict[str, Callable[[], object]]:
    """A call of each of the protocols, as the administrator or as a role."""
    make = _client(port, {"aws_access_key_id": "test", "aws_secret_access_key": "test"})
    if who == "administrator":
        make("sqs").create_queue(QueueName="q")
        make("s3").create_bucket(Bucket="bucket")
        make("s3").put_object(Bucket="bucket", Key="k", Body=b"x")
    else:
        make = _client(port, _role(make))
    sqs, s3, batch, iam = (make(service) for service in ("sqs", "s3", "batch", "iam"))
    return {
        "SQS, JSON": lambda: sqs.get_queue_url(QueueName="q"),
        "S3, REST and XML": lambda: s3.head_object(Bucket="bucket", Key="k"),
        "Batch, REST and JSON": batch.describe_job_queues,
        "IAM, forms": iam.list_open_id_connect_providers,
    }


def _client(port: int, keys: dict[str, str]) -> Callable[[str], Any]:
    options: dict[str, Any] = {**keys, "endpoint_url": f"http://127.0.0.1:{port}", "region_name": REGION}
    make: Any = boto3.session.Session().client
    return lambda service: make(service, config=Config(retries={"max_attempts": 0}), **options)


def _role(make: Callable[[str], Any]) -> dict[str, str]:
    """Keys of a role with many statements, the last of which allows the calls."""
    far = {"Effect": "Allow", "Action": ["lambda:Get*", "events:*"], "Resource": "arn:aws:*:*:*:batchtab-*"}
    needed = ["sqs:GetQueueUrl", "s3:GetObject", "batch:DescribeJobQueues", "iam:ListOpenIDConnectProviders"]
    statements = [far] * STATEMENTS + [{"Effect": "Allow", "Action": needed, "Resource": "*"}]
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    iam = make("iam")
    arn = iam.create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName="role", PolicyName="p", PolicyDocument=document)
    found = make("sts").assume_role(RoleArn=arn, RoleSessionName="bench")["Credentials"]
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }


if __name__ == "__main__":
    sys.exit(main())
