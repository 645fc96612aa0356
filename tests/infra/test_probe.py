"""The probe from outside: what it requests exists, needs no token and is not cached."""

from infra.constructs.probe import PROBED, REGIONS
from infra.functions import REST_DOMAINS
from infra.site import PICTURES
from tools.template import Assembly

WATCHED = {"prod", "elsewhere"}  # the environments with a probe


def test_the_probe_requests_the_studio_through_cloudfront(cloud: Assembly) -> None:
    checks = {
        check["HealthCheckConfig"]["ResourcePath"]: check for check in cloud.resources("AWS::Route53::HealthCheck")
    }
    assert set(checks) == ({probed.path for probed in PROBED.values()} if cloud.name in WATCHED else set())
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    hosts = [*distribution["DistributionConfig"].get("Aliases", ()), f"{{{distribution.id}.DomainName}}"]
    alarms = {
        metric["MetricStat"]["Metric"]["Dimensions"][0]["Value"]: alarm
        for alarm in cloud.resources("AWS::CloudWatch::Alarm") for metric in alarm.properties.get("Metrics", ())
        if metric.get("MetricStat", {}).get("Metric", {}).get("Namespace") == "AWS/Route53"
    }  # fmt: skip
    for check in checks.values():
        config = check["HealthCheckConfig"]
        assert config["FullyQualifiedDomainName"] == hosts[0]
        assert (config["Port"], config["EnableSNI"], tuple(config["Regions"])) == (443, True, REGIONS)
        assert alarms[f"{{{check.id}}}"]["TreatMissingData"] == "breaching"
        assert f"{{{check.id}}}" in str([b["DashboardBody"] for b in cloud.resources("AWS::CloudWatch::Dashboard")])


def test_the_probed_paths_exist() -> None:
    assert f"GET {PROBED['api'].path}" in {route for domain in REST_DOMAINS for route in domain.public}
    assert (PICTURES / PROBED["site"].path.removeprefix("/")).exists()


def test_the_answer_of_the_api_is_not_cached(cloud: Assembly) -> None:
    [distribution] = cloud.resources("AWS::CloudFront::Distribution")
    [behavior] = [b for b in distribution["DistributionConfig"]["CacheBehaviors"] if b["PathPattern"] == "/api/*"]
    assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # AWS's CachingDisabled
