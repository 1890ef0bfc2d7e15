"""CloudFormation's intrinsic functions, as far as templates and what is known beside them say their values.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""
