"""The environment's domain. Its hosted zone must already exist in Route 53."""

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra.environments import Environment


class HostedDomain(Construct):
    """The domain `name` in the environment's zone, with a certificate that is requested and validated at deployment."""

    def __init__(self, scope: Construct, id: str, *, name: str, zone_name: str, zone_id: str) -> None:  # noqa: A002  # CDK's own name
        super().__init__(scope, id)
        self._zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "zone", hosted_zone_id=zone_id, zone_name=zone_name
        )
        self.name = name
        self.certificate = acm.Certificate(
            self, "certificate", domain_name=name, validation=acm.CertificateValidation.from_dns(self._zone)
        )

    def point_to(self, target: route53.IAliasRecordTarget) -> None:
        """Add the address records for IPv4 and IPv6."""
        records = route53.RecordTarget.from_alias(target)
        route53.ARecord(self, "address", zone=self._zone, record_name=self.name, target=records)
        route53.AaaaRecord(self, "address-v6", zone=self._zone, record_name=self.name, target=records)


def hosted_domain(scope: Construct, environment: Environment, below: str = "") -> HostedDomain | None:
    """Return the environment's domain, or the subdomain `below` it. Return None if the environment has no domain."""
    if environment.domain_name is None or environment.hosted_zone_id is None:
        return None
    name = f"{below}.{environment.domain_name}" if below else environment.domain_name
    return HostedDomain(
        scope, "domain", name=name, zone_name=environment.domain_name, zone_id=environment.hosted_zone_id
    )
