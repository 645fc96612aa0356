"""A budget and cost anomaly detection. The billing services publish to the topic of the alarms."""

import json

from aws_cdk import Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_ce as costs

from infra.environments import NEW, Environment
from infra.repository import runbook_page

TAG = "environment"  # the tag of all resources; the operator activates it for cost allocation once per account
BUDGET_PERCENTS = (50, 80, 100)


def watch_costs(stack: Stack, environment: Environment, topic_arn: str) -> None:
    """Add the budget, and a subscription to anomalies if the environment names a monitor. Both publish to the topic."""
    subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic_arn)
    notices = [("ACTUAL", percent) for percent in BUDGET_PERCENTS] + [("FORECASTED", 100)]
    budgets.CfnBudget(
        stack,
        "budget",
        budget=budgets.CfnBudget.BudgetDataProperty(
            budget_name=f"{environment.prefix}-monthly",
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=budgets.CfnBudget.SpendProperty(amount=environment.monthly_budget_usd, unit="USD"),
            cost_filters={"TagKeyValue": [f"user:{TAG}${environment.name}"]},
        ),
        notifications_with_subscribers=[
            budgets.CfnBudget.NotificationWithSubscribersProperty(
                notification=budgets.CfnBudget.NotificationProperty(
                    notification_type=kind,
                    comparison_operator="GREATER_THAN",
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=[subscriber],
            )
            for kind, percent in notices
        ],
    )
    stack.add_metadata("budget", runbook_page(stack, "budget"))
    if environment.cost_monitor:
        _watch_anomalies(stack, environment, environment.cost_monitor, topic_arn)


def _watch_anomalies(stack: Stack, environment: Environment, monitor_arn: str, topic_arn: str) -> None:
    """Subscribe to anomalies of the whole account, by service: only the payer account may monitor one tag."""
    if monitor_arn == NEW:
        monitor_arn = costs.CfnAnomalyMonitor(
            stack,
            "cost-monitor",
            monitor_name=f"{environment.prefix}-costs",
            monitor_type="DIMENSIONAL",
            monitor_dimension="SERVICE",
        ).attr_monitor_arn
    impact = {
        "Dimensions": {
            "Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
            "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
            "Values": [str(max(10, environment.monthly_budget_usd // 20))],
        }
    }
    costs.CfnAnomalySubscription(
        stack,
        "cost-anomalies",
        subscription_name=f"{environment.prefix}-cost-anomalies",
        frequency="IMMEDIATE",
        monitor_arn_list=[monitor_arn],
        threshold_expression=json.dumps(impact),
        subscribers=[costs.CfnAnomalySubscription.SubscriberProperty(type="SNS", address=topic_arn)],
    )
    stack.add_metadata("cost-anomaly", runbook_page(stack, "cost-anomaly"))
