"""The CloudFront distribution: the site, `/api/` and signed `/media/` under one origin for the browser."""

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import edge
from infra.constructs.acknowledge import acknowledge, acknowledge_warning
from infra.constructs.hosted_domain import hosted_domain
from infra.constructs.web_acl import WebAcl, waf_log
from infra.environments import Environment
from shared.aws.media import CACHE_SECONDS

EDGE = Path(__file__).with_name("edge")
# Error statuses that CloudFront caches for ten seconds by default. The cache key contains neither token nor signature,
# so one creator's error would be sent to all creators.
ERRORS = (400, 403, 404, 405, 414, 500, 501, 502, 503, 504)
# Log fields, without the query: it contains the signatures of media URLs, which would give readers of the log access.
LOGGED = ("date", "time", "x-edge-location", "sc-bytes", "cs-method", "cs-uri-stem", "sc-status", "time-taken",
          "x-edge-result-type", "x-edge-request-id", "ssl-protocol", "sc-content-type")  # fmt: skip
QUOTA = ("RateLimit", "RateLimit-Policy")  # of one caller: a cached answer would show them to others


def site_bucket_name(environment: Environment, account: str) -> str:
    """Return the name of the site's bucket. Its policy names the distribution, so it is created after that."""
    return f"{environment.prefix}-web-{account}"


class FrontDoor(Construct):
    """The distribution. `.origin` is the studio's origin: `https://` and the domain, or CloudFront's own name."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        environment: Environment,
        *,
        rest_api_id: str,
        rest_stage: str,
        rest_api_key: str,
        media_key_group_id: str,
        log_bucket: s3.IBucket,
    ) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        self._environment = environment
        site = self._bucket_origin("site", site_bucket_name(environment, stack.account))
        key_group = cloudfront.KeyGroup.from_key_group_id(self, "media-keys", media_key_group_id)
        api = origins.HttpOrigin(
            f"{rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}",
            origin_path=f"/{rest_stage}",
            custom_headers={"x-api-key": rest_api_key},  # replaces a header of the client
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
            read_timeout=Duration.seconds(30),
        )
        rest = self._requests(api, cloudfront.CachePolicy.CACHING_DISABLED, self._headers("api"))
        presets = self._requests(api, self._presets_cache(), self._headers("presets", like="api", without=QUOTA))
        domain = hosted_domain(self, environment)
        blocked = waf_log(self, environment, "edge")
        acl = WebAcl(self, "edge", environment, scope_name="CLOUDFRONT", log_group=blocked) if environment.waf else None
        self.distribution = cloudfront.Distribution(
            self,
            "distribution",
            comment=f"{environment.prefix}: site, API and media",
            domain_names=[domain.name] if domain else None,
            certificate=domain.certificate if domain else None,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021 if domain else None,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            default_root_object="index.html",
            error_responses=[
                cloudfront.ErrorResponse(http_status=status, ttl=Duration.seconds(0)) for status in ERRORS
            ],
            web_acl_id=acl.attr_arn if acl else None,
            default_behavior=cloudfront.BehaviorOptions(
                origin=site,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                response_headers_policy=self._headers("site"),
                function_associations=[self._function("pages")],
            ),
            additional_behaviors={
                # The first pattern that fits counts. Presets of accounts are private.
                "/api/presets/own": rest,
                "/api/presets/own/*": rest,
                "/api/presets": presets,
                "/api/presets/*": presets,
                "/api/*": rest,
                "/media/*": cloudfront.BehaviorOptions(
                    origin=self._bucket_origin("media", environment.media_bucket(stack.account)),
                    viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                    cache_policy=self._media_cache(),
                    compress=False,  # films and pictures are compressed already
                    trusted_key_groups=[key_group],
                    response_headers_policy=self._headers("media"),
                    function_associations=[self._function("media")],
                ),
            },
        )
        self.origin = environment.origin or f"https://{self.distribution.distribution_domain_name}"
        self._log_to(log_bucket)
        if domain:
            domain.point_to(targets.CloudFrontTarget(self.distribution))
        self._acknowledge()

    def _bucket_origin(self, name: str, bucket_name: str) -> cloudfront.IOrigin:
        bucket = s3.Bucket.from_bucket_attributes(
            self, f"{name}-bucket", bucket_name=bucket_name, region=self._environment.region
        )
        return origins.S3BucketOrigin.with_origin_access_control(bucket)

    def _function(self, name: str) -> cloudfront.FunctionAssociation:
        function = cloudfront.Function(
            self,
            f"{name}-function",
            function_name=f"{self._environment.prefix}-{name}",
            code=cloudfront.FunctionCode.from_file(file_path=str(EDGE / f"{name}.js")),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
        )
        return cloudfront.FunctionAssociation(event_type=cloudfront.FunctionEventType.VIEWER_REQUEST, function=function)

    @staticmethod
    def _requests(
        api: cloudfront.IOrigin, cache: cloudfront.ICachePolicy, headers: cloudfront.ResponseHeadersPolicy
    ) -> cloudfront.BehaviorOptions:
        """Return the behavior of requests to the API. CloudFront caches answers to GET and HEAD only."""
        return cloudfront.BehaviorOptions(
            origin=api,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
            cache_policy=cache,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
            response_headers_policy=headers,
        )

    def _presets_cache(self) -> cloudfront.CachePolicy:
        """Return a policy that caches an answer as long as its Cache-Control says, once for all viewers.

        An answer without this header is not cached.
        """
        return cloudfront.CachePolicy(
            self,
            "presets-cache",
            cache_policy_name=f"{self._environment.prefix}-presets",
            min_ttl=Duration.seconds(0),
            default_ttl=Duration.seconds(0),
            max_ttl=Duration.minutes(5),
            header_behavior=cloudfront.CacheHeaderBehavior.none(),
            query_string_behavior=cloudfront.CacheQueryStringBehavior.all(),
            cookie_behavior=cloudfront.CacheCookieBehavior.none(),
            enable_accept_encoding_gzip=True,
            enable_accept_encoding_brotli=True,
        )

    def _media_cache(self) -> cloudfront.CachePolicy:
        """Return a policy that caches media once for all viewers, although objects are `private` for browsers' caches.

        CloudFront checks each viewer's signature first. The signature is not part of the cache key.
        """
        ttl = Duration.seconds(CACHE_SECONDS)
        return cloudfront.CachePolicy(
            self,
            "media-cache",
            cache_policy_name=f"{self._environment.prefix}-media",
            min_ttl=ttl,  # a minimum above 0 makes CloudFront cache `private` objects
            default_ttl=ttl,
            max_ttl=ttl,
            header_behavior=cloudfront.CacheHeaderBehavior.none(),
            query_string_behavior=cloudfront.CacheQueryStringBehavior.none(),
            cookie_behavior=cloudfront.CacheCookieBehavior.none(),
        )

    def _headers(
        self, name: str, *, like: str | None = None, without: Sequence[str] = ()
    ) -> cloudfront.ResponseHeadersPolicy:
        return cloudfront.ResponseHeadersPolicy(
            self,
            f"{name}-headers",
            response_headers_policy_name=f"{self._environment.prefix}-{name}",
            remove_headers=[*without] or None,
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=edge.POLICIES[like or name], override=True
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                frame_options=cloudfront.ResponseHeadersFrameOptions(
                    frame_option=cloudfront.HeadersFrameOption[edge.FRAME_OPTIONS], override=True
                ),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.SAME_ORIGIN, override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=Duration.seconds(edge.HTTPS_SECONDS), include_subdomains=True, override=True
                ),
            ),
        )

    def _log_to(self, bucket: s3.IBucket) -> None:
        name = f"{self._environment.prefix}-edge"
        source = logs.CfnDeliverySource(
            self, "log-source", name=name, log_type="ACCESS_LOGS", resource_arn=self.distribution.distribution_arn
        )
        destination = logs.CfnDeliveryDestination(
            self,
            "log-destination",
            name=name,
            destination_resource_arn=bucket.bucket_arn,
            output_format="json",
        )
        delivery = logs.CfnDelivery(
            self,
            "log-delivery",
            delivery_source_name=name,
            delivery_destination_arn=destination.attr_arn,
            record_fields=[*LOGGED],
        )
        delivery.node.add_dependency(source)

    def _acknowledge(self) -> None:
        acknowledge_warning(
            self.distribution,
            "The stacks of the buckets set the bucket policies.",
            "@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac",
        )
        acknowledge(
            self.distribution,
            "Log delivery writes the access log: unlike standard logging it can omit the query with the signatures.",
            "AwsSolutions-CFR3",
        )
        acknowledge(self.distribution, "The studio is available in all countries.", "AwsSolutions-CFR1")
        if not self._environment.waf:
            reason = "Environments without a WAF are for experiments. A WAF costs $5 a month and $1 for each rule."
            acknowledge(self.distribution, reason, "AwsSolutions-CFR2")
        if self._environment.domain_name is None:
            reason = "CloudFront's own certificate sets the TLS minimum. An environment with a domain requires TLS 1.2."
            acknowledge(self.distribution, reason, "AwsSolutions-CFR4")
