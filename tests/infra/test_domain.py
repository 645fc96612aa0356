"""An environment with its own domain."""

from tools.template import Assembly


def test_both_addresses_have_a_certificate_and_both_kinds_of_record(elsewhere: Assembly) -> None:
    expected = {"studio.example.com", "socket.studio.example.com"}
    assert {str(one["DomainName"]) for one in elsewhere.resources("AWS::CertificateManager::Certificate")} == expected
    records = {(str(one["Name"]).rstrip("."), one["Type"]) for one in elsewhere.resources("AWS::Route53::RecordSet")}
    addresses = {(name, kind) for name, kind in records if kind != "CNAME"}
    assert addresses == {(name, kind) for name in expected for kind in ("A", "AAAA")}


def test_email_comes_from_the_domain_with_its_signature(elsewhere: Assembly) -> None:
    [identity] = elsewhere.resources("AWS::SES::EmailIdentity")
    assert identity["EmailIdentity"] == "studio.example.com"
    signatures = [one for one in elsewhere.resources("AWS::Route53::RecordSet") if one["Type"] == "CNAME"]
    assert len(signatures) == 3, "SES verifies the domain by these records (DKIM)"
    functions = elsewhere.resources("AWS::Lambda::Function")
    variables = [one.properties.get("Environment", {}).get("Variables", {}) for one in functions]
    senders = [one["KINORA_MAIL_FROM"] for one in variables if "KINORA_MAIL_FROM" in one]
    assert senders == ["Kinora <no-reply@studio.example.com>"] * 5, (
        "auth, settings, teams, webhooks and the notices send email"
    )


def test_an_environment_without_a_domain_has_no_sender(dev: Assembly) -> None:
    assert dev.resources("AWS::SES::EmailIdentity") == []


def test_the_socket_has_a_subdomain(elsewhere: Assembly) -> None:
    [domain] = elsewhere.resources("AWS::ApiGatewayV2::DomainName")
    [mapping] = elsewhere.resources("AWS::ApiGatewayV2::ApiMapping")
    [stage] = elsewhere.resources("AWS::ApiGatewayV2::Stage")
    assert domain["DomainName"] == "socket.studio.example.com"
    assert (mapping["ApiId"], mapping["Stage"]) == (stage["ApiId"], stage["StageName"])
    outputs = elsewhere.stacks["api"]["Outputs"]
    assert outputs["Socket"]["Value"] == "wss://socket.studio.example.com"
    assert outputs["Studio"]["Value"] == "https://studio.example.com"


def test_tls_below_1_2_is_refused(elsewhere: Assembly) -> None:
    [distribution] = elsewhere.resources("AWS::CloudFront::Distribution")
    assert distribution["DistributionConfig"]["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    [domain] = elsewhere.resources("AWS::ApiGatewayV2::DomainName")
    [configuration] = domain["DomainNameConfigurations"]
    assert configuration.get("SecurityPolicy", "TLS_1_2") == "TLS_1_2"


def test_bounces_and_complaints_reach_the_function_that_marks_addresses(elsewhere: Assembly) -> None:
    [destination] = elsewhere.resources("AWS::SES::ConfigurationSetEventDestination")
    assert destination["EventDestination"]["MatchingEventTypes"] == ["bounce", "complaint"]
    [identity] = elsewhere.resources("AWS::SES::EmailIdentity")
    assert identity["ConfigurationSetAttributes"]["ConfigurationSetName"]
    patterns = [rule.properties.get("EventPattern", {}) for rule in elsewhere.resources("AWS::Events::Rule")]
    [pattern] = [one for one in patterns if one.get("source") == ["aws.ses"]]
    assert pattern["detail"] == {"mail": {"tags": {"ses:from-domain": ["studio.example.com"]}}}
