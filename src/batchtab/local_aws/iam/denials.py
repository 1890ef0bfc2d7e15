"""What a service answers to who is not allowed, in the form that its clients read."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ministack.core import iam_actions

Response = tuple[int, dict[str, str], bytes]

# These answer 400, as seen on AWS.
_BAD_REQUESTS = ("logs", "ssm")
_EC2 = "You are not authorized to perform this operation. "


def denial(service: str, headers: Mapping[str, str], request_id: str, action: str, message: str) -> Response:
    """Return the answer.

    Args:
        service: ministack's name of the service.
        headers: The request's, which say in which of its protocols a service is asked.
        request_id: Of the request.
        action: What is not allowed; empty where that is not known.
        message: Why.
    """
    if service in _BAD_REQUESTS:
        content = {"__type": "AccessDeniedException", "Message": message, "message": message}
        return 400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()
    if service == "ec2":
        message = _EC2 + message
    answer: Response = iam_actions.access_denied_response(
        service, action, "", request_id, message=message, headers=dict(headers)
    )
    return answer
