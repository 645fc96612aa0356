"""The errors of an AWS service that does not answer. They fail no step: the step is handed back."""

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException


class GrantFailed(Exception):
    """`pipeline-grant` has raised an error: a service that it calls does not answer."""


class IsolatedOutage(Exception):
    """The function that does the work has had an error of AWS, whose name is the argument."""


AWS_ERRORS = (BotoCoreError, ClientError, Boto3Error, PynamoDBException, GrantFailed, IsolatedOutage)
