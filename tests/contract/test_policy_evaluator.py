"""The policy evaluator of the tests, checked against examples of AWS's documentation.

Each policy names its page: below https://docs.aws.amazon.com/IAM/latest/UserGuide/, or specifying-conditions.html of
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/. The expected answers are what these pages say.
"""

from typing import Any

import pytest

from tests.support.iam import Keys, Statement, allows

TABLE = "arn:aws:dynamodb:us-west-2:123456789012:table/GameScores"
BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket1"
WRITES = [
    "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem",
    "dynamodb:DeleteItem", "dynamodb:BatchWriteItem",
]  # fmt: skip


def allow(action: Any, resource: Any, **condition: Any) -> Statement:
    made = {"Effect": "Allow", "Action": action, "Resource": resource}
    return made | {"Condition": condition} if condition else made


def deny(action: Any, resource: Any, **condition: Any) -> Statement:
    return {**allow(action, resource, **condition), "Effect": "Deny"}


# specifying-conditions.html, "Limit access to specific attributes in a table"
ATTRIBUTES = allow(
    ["dynamodb:UpdateItem", "dynamodb:GetItem"],
    TABLE,
    **{
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["UserId", "TopScore"]},
        "StringEqualsIfExists": {
            "dynamodb:Select": "SPECIFIC_ATTRIBUTES",
            "dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"],
        },
    },
)
# specifying-conditions.html, "Limit access to items by their partition key"
OWN_ITEMS = allow(
    WRITES, TABLE, **{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${www.amazon.com:user_id}"]}}
)
# reference_policies_examples_dynamodb_attributes.html
COLUMNS = allow(
    WRITES,
    "arn:aws:dynamodb:*:*:table/table-name",
    **{
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["column-name-1", "column-name-2", "column-name-3"]},
        "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
    },
)
# reference_policies_examples_aws-dates.html
DATES = allow(
    "service-prefix:action-name",
    "*",
    DateGreaterThan={"aws:CurrentTime": "2020-04-01T00:00:00Z"},
    DateLessThan={"aws:CurrentTime": "2020-06-30T23:59:59Z"},
)
# reference_policies_examples_aws_deny-ip.html
ADDRESSES = [
    allow("*", "*"),
    deny(
        "*",
        "*",
        NotIpAddress={"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]},
        Bool={"aws:ViaAWSService": "false"},
    ),
]
# reference_policies_examples_s3_home-directory-console.html (the statements about one's own folder)
HOME = [
    allow(
        "s3:ListBucket",
        BUCKET,
        StringLike={"s3:prefix": ["", "home/", "home/${aws:username}/*"]},
    ),
    allow("s3:*", [f"{BUCKET}/home/${{aws:username}}", f"{BUCKET}/home/${{aws:username}}/*"]),
]
# reference_policies_examples_s3_rw-bucket.html
READ_WRITE = [allow("s3:ListBucket", BUCKET), allow("s3:*Object", f"{BUCKET}/*")]
# reference_policies_examples_s3_deny-except-bucket.html, with Deny as an explicit Action and Resource
EXPLICIT_DENY = [allow("s3:*", f"{BUCKET}/*"), deny("s3:DeleteObject", f"{BUCKET}/*")]
# reference_policies_condition_examples-multi-valued-context-keys.html: a Deny is used with a policy that allows
TAGS = [allow("iam:*", "*"), deny("iam:*Tag*", "*", **{"ForAllValues:StringLike": {"aws:TagKeys": ["key1*", "key2*"]}})]
# reference_policies_condition-single-vs-multi-valued-context-keys.html: ForAnyValue needs one value that matches
ANY_TAG = allow("ec2:*", "*", **{"ForAnyValue:StringEquals": {"aws:TagKeys": ["environment", "cost-center"]}})
# reference_policies_elements_condition_operators.html, "Null": temporary credentials must not be used
LASTING = allow("ec2:*", "*", Null={"aws:TokenIssueTime": "true"})
# the same page, "...IfExists", and its rules about a key that the request does not have
MFA = allow("iam:*", "*", BoolIfExists={"aws:MultiFactorAuthPresent": "true"})
NOT_LIKE = allow("s3:GetObject", "*", StringNotLike={"aws:UserAgent": "curl*"})
LIKE = allow("s3:GetObject", "*", StringLike={"aws:UserAgent": "curl*"})


@pytest.mark.parametrize(
    ("statements", "action", "resource", "keys", "allowed"),
    [
        ([ATTRIBUTES], "dynamodb:UpdateItem", TABLE,
         {"dynamodb:Attributes": ["UserId", "TopScore"], "dynamodb:ReturnValues": "NONE"}, True),
        ([ATTRIBUTES], "dynamodb:UpdateItem", TABLE,
         {"dynamodb:Attributes": ["UserId", "TopScore"], "dynamodb:ReturnValues": "ALL_NEW"}, False),
        ([ATTRIBUTES], "dynamodb:UpdateItem", TABLE, {"dynamodb:Attributes": ["UserId", "Wins"]}, False),
        ([OWN_ITEMS], "dynamodb:PutItem", TABLE,
         {"www.amazon.com:user_id": "amzn1.ada", "dynamodb:LeadingKeys": ["amzn1.ada"]}, True),
        ([OWN_ITEMS], "dynamodb:PutItem", TABLE,
         {"www.amazon.com:user_id": "amzn1.ada", "dynamodb:LeadingKeys": ["amzn1.ada", "amzn1.eve"]}, False),
        ([COLUMNS], "dynamodb:Query", "arn:aws:dynamodb:eu-west-1:1:table/table-name",
         {"dynamodb:Attributes": ["column-name-1"], "dynamodb:Select": "SPECIFIC_ATTRIBUTES"}, True),
        ([COLUMNS], "dynamodb:Query", "arn:aws:dynamodb:eu-west-1:1:table/table-name",
         {"dynamodb:Attributes": ["column-name-1"], "dynamodb:Select": "ALL_ATTRIBUTES"}, False),
        ([DATES], "service-prefix:action-name", "x", {"aws:CurrentTime": "2020-05-01T00:00:00Z"}, True),
        ([DATES], "service-prefix:action-name", "x", {"aws:CurrentTime": "2020-07-01T00:00:00Z"}, False),
        (ADDRESSES, "s3:GetObject", "x", {"aws:SourceIp": "192.0.2.7", "aws:ViaAWSService": "false"}, True),
        (ADDRESSES, "s3:GetObject", "x", {"aws:SourceIp": "198.51.100.7", "aws:ViaAWSService": "false"}, False),
        (ADDRESSES, "s3:GetObject", "x", {"aws:SourceIp": "198.51.100.7", "aws:ViaAWSService": "true"}, True),
        (HOME, "s3:GetObject", f"{BUCKET}/home/ada/film.mp4", {"aws:username": "ada"}, True),
        (HOME, "s3:GetObject", f"{BUCKET}/home/eve/film.mp4", {"aws:username": "ada"}, False),
        (HOME, "s3:ListBucket", BUCKET, {"aws:username": "ada", "s3:prefix": "home/ada/x"}, True),
        (HOME, "s3:ListBucket", BUCKET, {"aws:username": "ada", "s3:prefix": "home/eve/"}, False),
        (READ_WRITE, "s3:PutObject", f"{BUCKET}/x", {}, True),
        (READ_WRITE, "s3:PutObjectTagging", f"{BUCKET}/x", {}, False),
        (READ_WRITE, "s3:GetObject", "arn:aws:s3:::another/x", {}, False),
        (EXPLICIT_DENY, "s3:GetObject", f"{BUCKET}/x", {}, True),
        (EXPLICIT_DENY, "s3:DeleteObject", f"{BUCKET}/x", {}, False),
        (TAGS, "iam:TagUser", "x", {"aws:TagKeys": ["key1-a", "key2-b"]}, False),
        (TAGS, "iam:TagUser", "x", {"aws:TagKeys": ["key1-a", "name"]}, True),
        (TAGS, "iam:TagUser", "x", {}, False),
        (TAGS, "iam:GetUser", "x", {}, True),
        ([ANY_TAG], "ec2:CreateTags", "x", {"aws:TagKeys": ["environment", "name"]}, True),
        ([ANY_TAG], "ec2:CreateTags", "x", {"aws:TagKeys": ["name"]}, False),
        ([ANY_TAG], "ec2:CreateTags", "x", {}, False),
        ([LASTING], "ec2:RunInstances", "x", {"aws:TokenIssueTime": "2020-05-01"}, False),
        ([LASTING], "ec2:RunInstances", "x", {}, True),
        ([MFA], "iam:GetUser", "x", {}, True),
        ([MFA], "iam:GetUser", "x", {"aws:MultiFactorAuthPresent": "false"}, False),
        ([NOT_LIKE], "s3:GetObject", "x", {}, True),
        ([NOT_LIKE], "s3:GetObject", "x", {"aws:UserAgent": "curl/8"}, False),
        ([LIKE], "s3:GetObject", "x", {}, False),
    ],
)  # fmt: skip
def test_the_evaluator_decides_as_the_documentation_says(
    statements: list[Statement], action: str, resource: str, keys: Keys, allowed: bool
) -> None:
    assert allows(statements, action, resource, keys) is allowed


def test_what_the_evaluator_does_not_know_is_an_error() -> None:
    with pytest.raises(NotImplementedError, match="NotAction"):
        allows([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], "s3:GetObject", "x")
    with pytest.raises(NotImplementedError, match="NumericEquals"):
        allows([allow("s3:*", "*", NumericEquals={"s3:max-keys": "10"})], "s3:GetObject", "x", {"s3:max-keys": "10"})
