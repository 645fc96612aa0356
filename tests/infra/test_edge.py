"""The public side: TLS, the authorizer, limits, the firewall, problems as answers, and signed media."""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

from functions.presets.router import CACHED_SECONDS
from infra import edge
from infra.constructs.rest_api import DISTRIBUTION_KEY
from infra.functions import REST_DOMAINS
from shared.aws.media import CACHE_SECONDS
from tools.template import Assembly, many

FIREWALLED = {"staging", "prod"}


def test_the_authorizer_reads_authorization_only_and_its_answer_is_cached(cloud: Assembly) -> None:
    """API Gateway answers 401 if an identity source is missing. A browser has no header when it opens a socket."""
    [rest] = cloud.resources("AWS::ApiGateway::Authorizer")
    assert rest["Type"] == "REQUEST"
    assert rest["IdentitySource"] == "method.request.header.Authorization"
    assert 0 < rest["AuthorizerResultTtlInSeconds"] <= 300
    [socket] = cloud.resources("AWS::ApiGatewayV2::Authorizer")
    assert not socket.properties.get("IdentitySource")


def test_answers_of_api_gateway_itself_are_problems(cloud: Assembly) -> None:
    answers = {found["ResponseType"]: found for found in cloud.resources("AWS::ApiGateway::GatewayResponse")}
    assert answers.keys() >= {
        "UNAUTHORIZED", "ACCESS_DENIED", "THROTTLED", "REQUEST_TOO_LARGE", "DEFAULT_4XX", "DEFAULT_5XX",
        "INTEGRATION_TIMEOUT", "MISSING_AUTHENTICATION_TOKEN",
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
        assert settings["MetricsEnabled"] is False  # a route costs $1.50 a month; the access log has each request
    assert rest["TracingEnabled"] is True
    [socket] = cloud.resources("AWS::ApiGatewayV2::Stage")
    assert socket["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    for log in (rest["AccessLogSetting"]["Format"], socket["AccessLogSettings"]["Format"]):
        assert "$context.requestId" in log
        for personal in ("sourceIp", "userAgent", "queryString"):
            assert personal not in log


def test_no_log_of_the_edge_contains_a_token(cloud: Assembly) -> None:
    """A client can offer a token in a header, in the query or in a cookie."""
    [rest] = cloud.resources("AWS::ApiGateway::Stage")
    [socket] = cloud.resources("AWS::ApiGatewayV2::Stage")
    formats = json.loads(rest["AccessLogSetting"]["Format"]) | json.loads(socket["AccessLogSettings"]["Format"])
    harmless = re.compile(
        r"\$context\.(requestId|xrayTraceId|httpMethod|resourcePath|status|error\.responseType|connectionId|eventType|"
        r"routeKey|authorizer\.userId|responseLatency|responseLength|integrationLatency|integration\.(status|latency))"
    )
    assert [variable for variable in formats.values() if not harmless.fullmatch(variable)] == []
    [delivery] = cloud.resources("AWS::Logs::Delivery")
    assert not {"cs-uri-query", "cs(Cookie)", "cs(Referer)", "cs-headers"} & set(delivery["RecordFields"])
    for acl in cloud.resources("AWS::WAFv2::WebACL"):
        hidden = [
            (one["Field"]["FieldType"], one["Field"].get("FieldKeys"))
            for one in acl["DataProtectionConfig"]["DataProtections"]
            if one["Action"] == "SUBSTITUTION"
        ]
        headers = ["authorization", "cookie", "sec-websocket-protocol"]
        assert hidden == [("SINGLE_HEADER", headers), ("QUERY_STRING", None)]


def test_the_execution_log_exists_before_api_gateway_writes_it(cloud: Assembly) -> None:
    """API Gateway would create the group without a retention."""
    [stage] = cloud.resources("AWS::ApiGateway::Stage")
    [group] = [
        found for found in cloud.resources("AWS::Logs::LogGroup")
        if found["LogGroupName"] == f"API-Gateway-Execution-Logs_{stage['RestApiId']}/{stage['StageName']}"
    ]  # fmt: skip
    assert group["RetentionInDays"] > 0
    assert group.id in stage.raw["DependsOn"]


def test_public_routes_that_cost_something_leave_a_part_of_the_limit_to_the_others(cloud: Assembly) -> None:
    [stage] = cloud.resources("AWS::ApiGateway::Stage")
    limits = {
        (setting["ResourcePath"].replace("~1", "/"), setting["HttpMethod"]): setting
        for setting in stage["MethodSettings"]
    }
    whole = limits.pop(("/*", "*"))
    limited = {
        ("POST", f"/api/{path}")
        for path in ("auth/login", "auth/register", "auth/forgot-password", "auth/reset-password", "errors")
    }
    assert {(verb, path.replace("//", "/")) for path, verb in limits} == limited
    assert limited <= {tuple(route.split()) for domain in REST_DOMAINS for route in domain.public}
    for limit in limits.values():
        assert limit["ThrottlingRateLimit"] < whole["ThrottlingRateLimit"]
        assert limit["ThrottlingBurstLimit"] < whole["ThrottlingBurstLimit"]


def test_every_method_needs_the_key_of_the_distribution(cloud: Assembly) -> None:
    """A call that bypasses CloudFront also bypasses its limits, and could choose the address in X-Forwarded-For."""
    for method in cloud.resources("AWS::ApiGateway::Method"):
        assert method["ApiKeyRequired"] is True, method
    [key] = cloud.resources("AWS::ApiGateway::ApiKey")
    [plan] = cloud.resources("AWS::ApiGateway::UsagePlan")
    [both] = cloud.resources("AWS::ApiGateway::UsagePlanKey")
    assert (both["KeyId"], both["UsagePlanId"]) == (f"{{{key.id}}}", f"{{{plan.id}}}")
    assert plan["ApiStages"]
    assert not {"Throttle", "Quota"} & plan.properties.keys(), "the limits of the stage apply"
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    sent = {
        header["HeaderName"]: header["HeaderValue"]
        for origin in distribution["DistributionConfig"]["Origins"]
        for header in origin.get("OriginCustomHeaders", [])
    }
    assert sent == {"x-api-key": key["Value"]}
    # A reference that CloudFormation resolves: the template does not contain the key.
    assert re.fullmatch(rf"{{{{resolve:secretsmanager:arn:\S+/{DISTRIBUTION_KEY}-\?+:SecretString:::}}}}", key["Value"])


def test_staging_and_prod_have_a_firewall_at_both_entrances(cloud: Assembly) -> None:
    firewalls = {acl["Scope"] for acl in cloud.resources("AWS::WAFv2::WebACL")}
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    if cloud.name in FIREWALLED:
        assert firewalls == {"CLOUDFRONT", "REGIONAL"}
        assert "WebACLId" in distribution["DistributionConfig"]
        assert len(cloud.resources("AWS::WAFv2::WebACLAssociation")) == 1
    for acl in cloud.resources("AWS::WAFv2::WebACL"):
        rules = {rule["Name"] for rule in acl["Rules"]}
        assert {"AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"} <= rules
        assert acl["Scope"] != "CLOUDFRONT" or rules >= {"PerAddress", "SignInPerAddress"}


def test_the_firewall_limits_sign_ins_of_one_address(prod: Assembly) -> None:
    [edge] = [acl for acl in prod.resources("AWS::WAFv2::WebACL") if acl["Scope"] == "CLOUDFRONT"]
    [rule] = [rule for rule in edge["Rules"] if rule["Name"] == "SignInPerAddress"]
    assert rule["Action"] == {"Block": {}}
    rate = rule["Statement"]["RateBasedStatement"]
    assert rate["AggregateKeyType"] == "IP"
    assert 10 <= rate["Limit"] <= 300
    matched = rate["ScopeDownStatement"]["ByteMatchStatement"]
    assert (matched["SearchString"], matched["PositionalConstraint"]) == ("/api/auth/", "STARTS_WITH")
    assert {one["Type"] for one in matched["TextTransformations"]} == {"URL_DECODE", "NORMALIZE_PATH", "LOWERCASE"}


def test_firewalls_log_blocked_requests_without_secrets_and_with_masked_addresses(cloud: Assembly) -> None:
    groups = {str(group["LogGroupName"]): group for group in cloud.resources("AWS::Logs::LogGroup")}
    configurations = cloud.resources("AWS::WAFv2::LoggingConfiguration")
    assert len(configurations) == len(cloud.resources("AWS::WAFv2::WebACL"))
    for logging in configurations:
        [destination] = logging["LogDestinationConfigs"]
        group = groups[destination.partition(":log-group:")[2]]
        assert group["LogGroupName"].startswith("aws-waf-logs-")
        assert "data-identifier/IpAddress" in json.dumps(group["DataProtectionPolicy"])
        redacted = json.dumps(logging["RedactedFields"])
        assert "authorization" in redacted
        assert "QueryString" in redacted
        assert logging["LoggingFilter"]["DefaultBehavior"] == "DROP"


def test_cloudfront_uses_tls_only_and_media_needs_a_signature(cloud: Assembly) -> None:
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    config = distribution["DistributionConfig"]
    behaviors = {found["PathPattern"]: found for found in config["CacheBehaviors"]}
    assert set(behaviors) == {"/api/*", "/media/*", *(f"/api/presets{end}" for end in ("", "/*", "/own", "/own/*"))}
    for behavior in (config["DefaultCacheBehavior"], *behaviors.values()):
        assert behavior["ViewerProtocolPolicy"] in {"https-only", "redirect-to-https"}
        assert "ResponseHeadersPolicyId" in behavior
    assert behaviors["/media/*"]["TrustedKeyGroups"]
    for origin in config["Origins"]:
        custom = origin.get("CustomOriginConfig")
        assert custom is None or custom["OriginProtocolPolicy"] == "https-only"
        assert custom is not None or origin["OriginAccessControlId"]


def test_cloudfront_caches_no_error(cloud: Assembly) -> None:
    """The cache key does not contain the token, so a cached 404 of one creator would be served to all for 10 s."""
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    cached = {answer["ErrorCode"]: answer for answer in distribution["DistributionConfig"]["CustomErrorResponses"]}
    assert cached.keys() >= {400, 403, 404, 405, 414, 500, 501, 502, 503, 504}, "all statuses that CloudFront may cache"
    for answer in cached.values():
        assert answer["ErrorCachingMinTTL"] == 0
        assert "ResponsePagePath" not in answer


def cache_policy(cloud: Assembly, behavior: dict[str, Any]) -> Any:
    policies = {f"{{{policy.id}}}": policy for policy in cloud.resources("AWS::CloudFront::CachePolicy")}
    return policies[behavior["CachePolicyId"]]


def test_cloudfront_caches_the_public_presets_and_no_other_answer_of_the_api(cloud: Assembly) -> None:
    """An answer is cached for the time in its Cache-Control, which private presets do not have."""
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    behaviors = distribution["DistributionConfig"]["CacheBehaviors"]
    paths = {route.partition(" ")[2] for domain in REST_DOMAINS for route in domain.public}
    paths |= {f"/api/{domain.name}" for domain in REST_DOMAINS} | {"/api/presets/own", "/api/presets/own/{preset_id}"}
    first = {path: next(one for one in behaviors if fnmatchcase(path, one["PathPattern"])) for path in paths}
    disabled = first["/api/jobs"]["CachePolicyId"]
    cached = {path: one for path, one in first.items() if one["CachePolicyId"] != disabled}
    assert set(cached) == {"/api/presets", "/api/presets/{preset_id}"}
    removed = {
        f"{{{policy.id}}}": policy["ResponseHeadersPolicyConfig"].get("RemoveHeadersConfig", {"Items": []})["Items"]
        for policy in cloud.resources("AWS::CloudFront::ResponseHeadersPolicy")
    }
    for behavior in cached.values():
        config = cache_policy(cloud, behavior)["CachePolicyConfig"]
        assert (config["MinTTL"], config["DefaultTTL"]) == (0, 0)
        assert config["MaxTTL"] >= CACHED_SECONDS
        assert config["ParametersInCacheKeyAndForwardedToOrigin"] == {
            "CookiesConfig": {"CookieBehavior": "none"},
            "EnableAcceptEncodingBrotli": True,
            "EnableAcceptEncodingGzip": True,
            "HeadersConfig": {"HeaderBehavior": "none"},
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        }
        assert behavior["Compress"] is True
        assert [one["Header"] for one in removed[behavior["ResponseHeadersPolicyId"]]] == [
            "RateLimit",
            "RateLimit-Policy",
        ]


def test_cloudfront_caches_private_media_as_long_as_browsers_do(cloud: Assembly) -> None:
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    behaviors = {found["PathPattern"]: found for found in distribution["DistributionConfig"]["CacheBehaviors"]}
    policy = cache_policy(cloud, behaviors["/media/*"])
    config = policy["CachePolicyConfig"]
    assert (config["MinTTL"], config["DefaultTTL"], config["MaxTTL"]) == (CACHE_SECONDS,) * 3
    cache_key = config["ParametersInCacheKeyAndForwardedToOrigin"]
    assert cache_key["QueryStringsConfig"] == {"QueryStringBehavior": "none"}, (
        "the signature is not part of the cache key"
    )
    assert cache_key["HeadersConfig"] == {"HeaderBehavior": "none"}
    assert cache_key["CookiesConfig"] == {"CookieBehavior": "none"}
    assert behaviors["/media/*"]["TrustedKeyGroups"], "cached media needs a signature"


def test_workers_have_no_route_to_the_internet(cloud: Assembly) -> None:
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
    """Without a route to the internet, a call of a service without an endpoint times out."""
    names = {"s3", "dynamodb", "sqs", "states", "secretsmanager", "logs", "ecr", "ecs", "xray", "lambda"}
    reached = {
        str(endpoint["ServiceName"]).partition(".us-east-1.")[2]
        for endpoint in cloud.resources("AWS::EC2::VPCEndpoint")
    }
    without_endpoint = {"ecs"} if not cloud.resources("AWS::ECS::CapacityProvider") else set()
    [rule] = cloud.resources("AWS::XRay::SamplingRule")
    without_endpoint |= set() if rule["SamplingRule"]["FixedRate"] else {"xray"}  # an unsampled trace makes no call
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
    for service in used - without_endpoint:
        assert any(service in name for name in reached), service


def test_environments_without_signing_have_no_endpoint_for_the_certificate(cloud: Assembly) -> None:
    """Workers do not request the certificate there: without the endpoint the call would time out."""
    endpoints = [str(endpoint["ServiceName"]) for endpoint in cloud.resources("AWS::EC2::VPCEndpoint")]
    signs = any(name.endswith(".secretsmanager") for name in endpoints)
    assert signs == (cloud.name == "services")
    for task in cloud.resources("AWS::ECS::TaskDefinition"):
        [container] = task["ContainerDefinitions"]
        variables = {variable["Name"]: variable["Value"] for variable in container["Environment"]}
        assert variables["KINORA_SIGNS_FILMS"] == str(signs).lower(), task


def test_workers_scale_from_zero(cloud: Assembly) -> None:
    targets = cloud.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    assert len(targets) >= len(cloud.resources("AWS::ECS::Service"))
    assert {target["MinCapacity"] for target in targets} <= {0}


def test_a_deployment_does_not_change_the_number_of_workers(cloud: Assembly) -> None:
    """CloudFormation resets the count that a template states at every change of the service."""
    for service in cloud.resources("AWS::ECS::Service"):
        assert "DesiredCount" not in service.properties, service


def test_the_distribution_adds_the_headers_that_the_laptop_adds(cloud: Assembly) -> None:
    policies: dict[str, Any] = {}
    for policy in cloud.resources("AWS::CloudFront::ResponseHeadersPolicy"):
        config = policy["ResponseHeadersPolicyConfig"]
        policies[config["Name"].removeprefix(f"{cloud.prefix}-")] = config["SecurityHeadersConfig"]
    assert policies.keys() == edge.POLICIES.keys() | {"presets"}
    for name, security in policies.items():
        part = "api" if name == "presets" else name
        seconds = security["StrictTransportSecurity"]["AccessControlMaxAgeSec"]
        assert security["StrictTransportSecurity"]["IncludeSubdomains"]
        assert edge.headers(part) == {
            "Content-Security-Policy": security["ContentSecurityPolicy"]["ContentSecurityPolicy"],
            "X-Content-Type-Options": "nosniff" if security["ContentTypeOptions"]["Override"] else "",
            "X-Frame-Options": security["FrameOptions"]["FrameOption"],
            "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
            "Strict-Transport-Security": f"max-age={seconds}; includeSubDomains",
        }
