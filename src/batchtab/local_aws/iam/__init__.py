"""IAM in local AWS: which permissions a request needs, and whether who sent it has them.

What a request is comes from the models of botocore (`requests.py`, `shapes.py`); what it needs, from `mapping/` and
from AWS's Service Authorization Reference in `actions.json`; whether that is allowed, from `evaluation.py`. None of
these knows ministack; `gate.py`, `state.py`, `principals.py` and `denials.py` do.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""
