"""IAM in local AWS: which permissions a request needs, and whether who sent it has them.

What a request needs comes from `mapping/` and from AWS's Service Authorization Reference in `actions.json`; what it is,
from the models of botocore. Only `gate.py` and `state.py` know ministack.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""
