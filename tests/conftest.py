"""The environment of every test: names of a deployment that is not there, and credentials of nobody."""

import os

os.environ |= {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "KINORA_ENVIRONMENT": "test",
    "KINORA_TABLE_PREFIX": "kinora-test",
    "KINORA_QUEUE_URL_PREFIX": "https://sqs.us-east-1.amazonaws.com/123456789012/kinora-test-",
    "KINORA_MEDIA_BUCKET": "kinora-test-media",
    "KINORA_MEDIA_URL": "https://media.kinora.test",
    "KINORA_SECRET_PREFIX": "kinora/test/",
    "KINORA_SOCKET_ENDPOINT_URL": "https://socket.kinora.test",
    "KINORA_STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:kinora-test-generate-video",
    "KINORA_WEB_ORIGIN": "https://kinora.test",
    "POWERTOOLS_METRICS_NAMESPACE": "Kinora",
}
