"""What the policies did and what they leave to people: in counts, as names do not belong into a chat."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.actions.markdown import savings_in_words
from pipelines.actions.policies.run import PolicyResult, State
from pipelines.notify.alerts import clean
from pipelines.notify.channels import DeliveryError, channels
from pipelines.notify.message import Message, Mood
from pipelines.settings import Settings, SettingsError

# What people are to look at.
_STANDS = (State.WAITING, State.OVER_LIMIT, State.ACTIONS_OFF)


def tell_of_policies(settings: Settings, results: Iterable[PolicyResult]) -> list[str]:
    """Tell every channel what is new; returns a sentence for each message that did not arrive.

    A plan that people were told of when it was made is not told of again.
    """
    news = [result for result in results if _is_news(result)]
    if not news or not settings.notify_is_on:
        return []
    warnings = []
    try:
        targets = channels(settings)
    except SettingsError as error:
        return [str(error)]
    message = policy_message(settings, news)
    for channel in targets:
        try:
            channel.send(message)
        except (DeliveryError, SettingsError) as error:
            warnings.append(str(error))
    return warnings


def policy_message(settings: Settings, news: Iterable[PolicyResult]) -> Message:
    """One message about all policies with news: what stands to be looked at first, counts for each."""
    news = list(news)
    waiting = sum(len(result.new) for result in news if result.state in _STANDS)
    changes = sum(result.changes for result in news)
    failed = sum(result.has_failed for result in news)
    parts = [
        f"{waiting} new {'plan waits' if waiting == 1 else 'plans wait'} for somebody to look at" if waiting else "",
        f"{changes} {'change was' if changes == 1 else 'changes were'} made" if changes else "",
        f"{failed} {'policy' if failed == 1 else 'policies'} failed" if failed else "",
    ]
    title = "Policies: " + (", ".join(part for part in parts if part) or "plans were made")
    text = (
        "Plans name people, so they stay in the data folder, below actions/plans: read the Markdown file, then "
        "m365-usage actions apply PLAN. What was done stands in m365-usage actions log.",
    )
    facts = tuple((f"{result.policy.name} ({result.tenant.label})", _in_words(result)) for result in news)
    return Message(title, Mood.PROBLEM if failed else Mood.ACTIONS, text, facts, link=settings.notify_page_url)


def _is_news(result: PolicyResult) -> bool:
    return bool(result.new or result.changes or result.has_failed)


def _in_words(result: PolicyResult) -> str:
    if result.problem:
        return f"failed: {clean(result.problem)}"
    steps = sum(len(plan.steps) for plan in result.new)
    words = [f"{len(result.new)} new plans with {steps} steps"] if result.new else []
    words += [f"saving a month {savings_in_words(plan)}" for plan in result.new if plan.savings()][:1]
    if result.state is State.OVER_LIMIT:
        words.append(f"not applied: {result.steps_left} steps are left, and {result.limit} may be changed at once")
    if result.state is State.ACTIONS_OFF:
        words.append("not applied: actions are off")
    if result.state is State.PREVIEWED:
        words.append("not applied: this run was a dry run")
    if result.state is State.APPLIED:
        words.append(f"{result.changes} changes made")
        failures = sum(done.exit_code for done in result.applied)
        words += ["some steps failed or are not known; the log says which"] if failures else []
    return "; ".join(words)
