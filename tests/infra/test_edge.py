"""What the outside meets: TLS, the authorizer, limits, a firewall, answers that are problems, and signed media."""

import json

from infra.functions import REST_DOMAINS
from shared.aws.media import CACHE_SECONDS
from tools.template import Assembly, many

FIREWALLED = {"staging", "prod"}


def test_the_authorizer_reads_authorization_only_and_its_answer_is_kept(cloud: Assembly) -> None:
    """A cached authorizer needs every identity source present, so there is one."""
    [rest] = cloud.resources("AWS::ApiGateway::Authorizer")
    assert rest["Type"] == "REQUEST"
    assert rest["IdentitySource"] == "method.request.header.Authorization"
    assert 0 < rest["AuthorizerResultTtlInSeconds"] <= 300
    [socket] = cloud.resources("AWS::ApiGatewayV2::Authorizer")
    assert socket["IdentitySource"] == ["route.request.header.Authorization"]


def test_what_api_gateway_itself_answers_is_a_problem(cloud: Assembly) -> None:
    answers = {found["ResponseType"]: found for found in cloud.resources("AWS::ApiGateway::GatewayResponse")}
    assert answers.keys() >= {
        "UNAUTHORIZED", "ACCESS_DENIED", "THROTTLED", "REQUEST_TOO_LARGE", "DEFAULT_4XX", "DEFAULT_5XX",
        "INTEGRATION_TIMEOUT", "AUTHORIZER_FAILURE", "MISSING_AUTHENTICATION_TOKEN",
    }  # fmt: skip
    for name, answer in answers.items():
        headers = answer["ResponseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'", name
        body = json.loads(answer["ResponseTemplates"]["application/json"])
        assert {"type", "title", "status", "code", "detail", "requestId"} <= set(body), name
        assert str(body["status"]) == answer["StatusCode"], name
    assert answers["UNAUTHORIZED"]["StatusCode"] == "401"
    assert answers["THROTTLED"]["StatusCode"] == "429"


def test_every_stage_is_throttled_logged_and_counted(cloud: Assembly) -> None:
    [rest] = cloud.resources("AWS::ApiGateway::Stage")
    for settings in rest["MethodSettings"]:
        assert settings["ThrottlingRateLimit"] > 0
        assert settings["ThrottlingBurstLimit"] > 0
        assert settings["DataTraceEnabled"] is False  # it would log passwords
        assert settings["MetricsEnabled"] is True
    assert rest["TracingEnabled"] is True
    [socket] = cloud.resources("AWS::ApiGatewayV2::Stage")
    assert socket["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    for log in (rest["AccessLogSetting"]["Format"], socket["AccessLogSettings"]["Format"]):
        assert "$context.requestId" in log
        for personal in ("sourceIp", "userAgent", "queryString"):
            assert personal not in log


def test_routes_that_hash_passwords_for_strangers_have_a_smaller_limit_of_their_own(cloud: Assembly) -> None:
    [stage] = cloud.resources("AWS::ApiGateway::Stage")
    limits = {
        (setting["ResourcePath"].replace("~1", "/"), setting["HttpMethod"]): setting
        for setting in stage["MethodSettings"]
    }
    whole = limits.pop(("/*", "*"))
    hashing = {("POST", "/api/auth/login"), ("POST", "/api/auth/register")}
    assert {(verb, path.replace("//", "/")) for path, verb in limits} == hashing
    assert hashing <= {tuple(route.split()) for domain in REST_DOMAINS for route in domain.public}
    for limit in limits.values():
        assert limit["ThrottlingRateLimit"] < whole["ThrottlingRateLimit"]
        assert limit["ThrottlingBurstLimit"] < whole["ThrottlingBurstLimit"]


def test_no_method_asks_for_a_key_so_the_usage_plan_binds_nobody_yet(cloud: Assembly) -> None:
    """The guide says so; whoever makes a method ask for one says there what the plan then does."""
    [plan] = cloud.resources("AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"]["RateLimit"] > 0
    assert plan["ApiStages"]
    assert cloud.resources("AWS::ApiGateway::UsagePlanKey", "AWS::ApiGateway::ApiKey") == []
    for method in cloud.resources("AWS::ApiGateway::Method"):
        assert not method.properties.get("ApiKeyRequired"), method


def test_staging_and_prod_stand_behind_a_firewall_on_both_ways_in(cloud: Assembly) -> None:
    firewalls = {acl["Scope"] for acl in cloud.resources("AWS::WAFv2::WebACL")}
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    if cloud.name in FIREWALLED:
        assert firewalls == {"CLOUDFRONT", "REGIONAL"}
        assert "WebACLId" in distribution["DistributionConfig"]
        assert len(cloud.resources("AWS::WAFv2::WebACLAssociation")) == 1
    for acl in cloud.resources("AWS::WAFv2::WebACL"):
        rules = {rule["Name"] for rule in acl["Rules"]}
        assert {"AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"} <= rules
        assert acl["Scope"] != "CLOUDFRONT" or "PerAddress" in rules


def test_the_edge_speaks_tls_only_and_media_needs_a_signature(cloud: Assembly) -> None:
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    config = distribution["DistributionConfig"]
    behaviors = {found["PathPattern"]: found for found in config["CacheBehaviors"]}
    assert set(behaviors) == {"/api/*", "/media/*"}
    for behavior in (config["DefaultCacheBehavior"], *behaviors.values()):
        assert behavior["ViewerProtocolPolicy"] in {"https-only", "redirect-to-https"}
        assert "ResponseHeadersPolicyId" in behavior
    assert behaviors["/media/*"]["TrustedKeyGroups"]
    for origin in config["Origins"]:
        custom = origin.get("CustomOriginConfig")
        assert custom is None or custom["OriginProtocolPolicy"] == "https-only"
        assert custom is not None or origin["OriginAccessControlId"]


def test_no_error_is_kept_by_the_edge(cloud: Assembly) -> None:
    """What is kept is looked up without the token: one creator's 404 would be everybody's for ten seconds."""
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    kept = {answer["ErrorCode"]: answer for answer in distribution["DistributionConfig"]["CustomErrorResponses"]}
    assert kept.keys() >= {400, 403, 404, 405, 414, 500, 501, 502, 503, 504}, "all that CloudFront may keep"
    for answer in kept.values():
        assert answer["ErrorCachingMinTTL"] == 0
        assert "ResponsePagePath" not in answer


def test_the_edge_keeps_media_as_long_as_browsers_do_though_it_is_private(cloud: Assembly) -> None:
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    behaviors = {found["PathPattern"]: found for found in distribution["DistributionConfig"]["CacheBehaviors"]}
    [policy] = cloud.resources("AWS::CloudFront::CachePolicy")
    assert behaviors["/media/*"]["CachePolicyId"] == f"{{{policy.id}}}"
    config = policy["CachePolicyConfig"]
    assert (config["MinTTL"], config["DefaultTTL"], config["MaxTTL"]) == (CACHE_SECONDS,) * 3
    looked_up_by = config["ParametersInCacheKeyAndForwardedToOrigin"]
    assert looked_up_by["QueryStringsConfig"] == {"QueryStringBehavior": "none"}, "signatures differ, films do not"
    assert looked_up_by["HeadersConfig"] == {"HeaderBehavior": "none"}
    assert looked_up_by["CookiesConfig"] == {"CookieBehavior": "none"}
    assert behaviors["/media/*"]["TrustedKeyGroups"], "what is kept is shown against a signature only"


def test_workers_have_no_way_out(cloud: Assembly) -> None:
    assert not cloud.resources("AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EIP")
    for subnet in cloud.resources("AWS::EC2::Subnet"):
        assert subnet["MapPublicIpOnLaunch"] is False
    for service in cloud.resources("AWS::ECS::Service"):
        assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    for task in cloud.resources("AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            assert container["ReadonlyRootFilesystem"] is True
            assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
            assert container["HealthCheck"]


def test_workers_reach_each_service_that_they_may_use(cloud: Assembly) -> None:
    """Without a way out, a permission without an endpoint is a time-out."""
    names = {"s3", "dynamodb", "sqs", "states", "secretsmanager", "logs", "ecr", "ecs", "xray"}
    reached = {
        str(endpoint["ServiceName"]).partition(".us-east-1.")[2]
        for endpoint in cloud.resources("AWS::EC2::VPCEndpoint")
    }
    fargate_does_it_itself = {"ecs"} if not cloud.resources("AWS::ECS::CapacityProvider") else set()
    tasks = {
        task[role]
        for task in cloud.resources("AWS::ECS::TaskDefinition")
        for role in ("TaskRoleArn", "ExecutionRoleArn")
    }
    used = {
        action.partition(":")[0]
        for policy in cloud.resources("AWS::IAM::Policy") if policy.stack == "workers"
        and any(f"{role.removesuffix('}')}.Arn}}" in tasks for role in policy["Roles"])
        for statement in policy["PolicyDocument"]["Statement"] for action in many(statement["Action"])
    }  # fmt: skip
    assert used <= names
    for service in used - fargate_does_it_itself:
        assert any(service in name for name in reached), service


def test_where_films_are_not_signed_nothing_is_paid_for_reaching_the_certificate(cloud: Assembly) -> None:
    """And no worker asks for it: without the endpoint it would wait for an answer that never comes."""
    endpoints = [str(endpoint["ServiceName"]) for endpoint in cloud.resources("AWS::EC2::VPCEndpoint")]
    signs = any(name.endswith(".secretsmanager") for name in endpoints)
    assert signs == (cloud.name in {"staging", "prod"})
    assert signs == any(
        "provenance" in str(secret["Name"]) for secret in cloud.resources("AWS::SecretsManager::Secret")
    )
    for task in cloud.resources("AWS::ECS::TaskDefinition"):
        [container] = task["ContainerDefinitions"]
        told = {variable["Name"]: variable["Value"] for variable in container["Environment"]}
        assert told["KINORA_SIGNS_FILMS"] == str(signs).lower(), task


def test_workers_scale_from_none(cloud: Assembly) -> None:
    targets = cloud.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    assert len(targets) >= len(cloud.resources("AWS::ECS::Service"))
    assert {target["MinCapacity"] for target in targets} == {0}


def test_a_deployment_leaves_the_number_of_workers_alone(cloud: Assembly) -> None:
    """CloudFormation puts a count that the template names back with every change of the service."""
    services = cloud.resources("AWS::ECS::Service")
    assert services
    for service in services:
        assert "DesiredCount" not in service.properties, service
