"""A web application firewall: AWS's managed rules against attacks, and rate limits for each client address."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra.constructs.log_group import KinoraLogGroup
from infra.environments import Environment

# Managed rule groups, with the rules that count matches and do not block: the rules about bodies. Bodies are JSON of up
# to 10 MB with free text. FastAPI validates it, and no part of the system executes it.
MANAGED = {
    "AWSManagedRulesCommonRuleSet": (
        "SizeRestrictions_BODY",
        "CrossSiteScripting_BODY",
        "EC2MetaDataSSRF_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
    ),
    "AWSManagedRulesKnownBadInputsRuleSet": (),
    "AWSManagedRulesAmazonIpReputationList": (),
}
# Parts of a request that contain tokens, or the signatures of media URLs. The console shows samples of all requests.
_HIDDEN = (
    wafv2.CfnWebACL.FieldToProtectProperty(
        field_type="SINGLE_HEADER", field_keys=["authorization", "cookie", "sec-websocket-protocol"]
    ),
    wafv2.CfnWebACL.FieldToProtectProperty(field_type="QUERY_STRING"),
)
# Headers that contain secrets or personal data. The log contains the others.
REDACTED = ("authorization", "cookie", "user-agent")


def waf_log(scope: Construct, environment: Environment, name: str) -> logs.LogGroup:
    """Create the log group of a firewall, in every environment: a retained group would occupy its name.

    WAF requires the prefix of the name. Only readers with `logs:Unmask` see addresses of clients.
    """
    return KinoraLogGroup(
        scope,
        f"{name}-log",
        environment=environment,
        log_group_name=f"aws-waf-logs-{environment.prefix}-{name}",
        data_protection_policy=logs.DataProtectionPolicy(identifiers=[logs.DataIdentifier.IPADDRESS]),
    )


class WebAcl(wafv2.CfnWebACL):
    """The firewall of CloudFront (`scope_name` CLOUDFRONT, with the rate limits) or of the REST API (REGIONAL).

    Requests that it blocks are logged.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        environment: Environment,
        *,
        scope_name: str,
        log_group: logs.ILogGroup,
    ) -> None:
        rules = [_managed(name, counted, priority) for priority, (name, counted) in enumerate(MANAGED.items())]
        if scope_name == "CLOUDFRONT":
            # Behind CloudFront a regional firewall sees CloudFront's addresses, so limits per address are here only.
            rules.append(_rate("PerAddress", environment.rate_limit_per_ip, len(rules)))
            rules.append(_rate("SignInPerAddress", environment.sign_in_limit_per_ip, len(rules), below="/api/auth/"))
        name = f"{environment.prefix}-{id}"
        super().__init__(
            scope,
            id,
            name=name,
            scope=scope_name,
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visibility(name),
            rules=rules,
            data_protection_config=wafv2.CfnWebACL.DataProtectionConfigProperty(
                data_protections=[
                    wafv2.CfnWebACL.DataProtectProperty(action="SUBSTITUTION", field=field) for field in _HIDDEN
                ]
            ),
        )
        stack = Stack.of(self)
        wafv2.CfnLoggingConfiguration(
            scope,
            f"{id}-logging",
            resource_arn=self.attr_arn,
            # The ARN of `log_group` ends with `:*`, which WAF refuses.
            log_destination_configs=[
                stack.format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=log_group.log_group_name,
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            redacted_fields=[
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": name}) for name in REDACTED
            ]
            + [wafv2.CfnLoggingConfiguration.FieldToMatchProperty(query_string={})],
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [{"ActionCondition": {"Action": "BLOCK"}}],
                    }
                ],
            },
        )


def _managed(name: str, counted: tuple[str, ...], priority: int) -> wafv2.CfnWebACL.RuleProperty:
    group = wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS",
        name=name,
        rule_action_overrides=[
            wafv2.CfnWebACL.RuleActionOverrideProperty(
                name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
            )
            for rule in counted
        ],
    )
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=wafv2.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        visibility_config=_visibility(name),
    )


def _rate(name: str, limit: int, priority: int, *, below: str | None = None) -> wafv2.CfnWebACL.RuleProperty:
    """Return a rule that blocks an address above `limit` requests in five minutes, of those to paths `below`."""
    rate = wafv2.CfnWebACL.RateBasedStatementProperty(
        limit=limit,
        aggregate_key_type="IP",
        evaluation_window_sec=300,
        scope_down_statement=_path_below(below) if below else None,
    )
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(rate_based_statement=rate),
        visibility_config=_visibility(name),
    )


def _path_below(prefix: str) -> wafv2.CfnWebACL.StatementProperty:
    return wafv2.CfnWebACL.StatementProperty(
        byte_match_statement=wafv2.CfnWebACL.ByteMatchStatementProperty(
            field_to_match=wafv2.CfnWebACL.FieldToMatchProperty(uri_path={}),
            positional_constraint="STARTS_WITH",
            search_string=prefix,
            # Another spelling of the path must not evade the rule.
            text_transformations=[
                wafv2.CfnWebACL.TextTransformationProperty(priority=number, type=kind)
                for number, kind in enumerate(("URL_DECODE", "NORMALIZE_PATH", "LOWERCASE"))
            ],
        )
    )


def _visibility(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
