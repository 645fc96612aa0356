"""An environment with its own domain, which no environment of the repository has."""

import pytest

from tools.template import Assembly, run_program

NAMED = """
import sys
from dataclasses import replace
from aws_cdk import App
from infra.app import build, flags
from infra.environments import ENVIRONMENTS
app = App(outdir=sys.argv[1], context=flags())
build(app, replace(ENVIRONMENTS["prod"], domain_name="studio.example.com", hosted_zone_id="Z0123456789"))
app.synth()
"""


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = tmp_path_factory.mktemp("named")
    run_program(NAMED, str(folder))
    return Assembly("prod", folder)


def test_both_addresses_have_a_certificate_and_both_kinds_of_record(named: Assembly) -> None:
    expected = {"studio.example.com", "socket.studio.example.com"}
    assert {str(one["DomainName"]) for one in named.resources("AWS::CertificateManager::Certificate")} == expected
    records = {(str(one["Name"]).rstrip("."), one["Type"]) for one in named.resources("AWS::Route53::RecordSet")}
    assert records == {(name, kind) for name in expected for kind in ("A", "AAAA")}


def test_the_socket_has_a_subdomain(named: Assembly) -> None:
    [domain] = named.resources("AWS::ApiGatewayV2::DomainName")
    [mapping] = named.resources("AWS::ApiGatewayV2::ApiMapping")
    [stage] = named.resources("AWS::ApiGatewayV2::Stage")
    assert domain["DomainName"] == "socket.studio.example.com"
    assert (mapping["ApiId"], mapping["Stage"]) == (stage["ApiId"], stage["StageName"])
    outputs = named.stacks["api"]["Outputs"]
    assert outputs["Socket"]["Value"] == "wss://socket.studio.example.com"
    assert outputs["Studio"]["Value"] == "https://studio.example.com"


def test_tls_below_1_2_is_refused(named: Assembly) -> None:
    [distribution] = named.resources("AWS::CloudFront::Distribution")
    assert distribution["DistributionConfig"]["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    [domain] = named.resources("AWS::ApiGatewayV2::DomainName")
    [configuration] = domain["DomainNameConfigurations"]
    assert configuration.get("SecurityPolicy", "TLS_1_2") == "TLS_1_2"


def test_the_cdk_gives_no_warning(named: Assembly) -> None:
    assert [(path, entry) for path, entry in named.metadata() if entry["type"] == "aws:cdk:warning"] == []
