"""What goes wrong at sign-in, as the errors of pipelines.graph.errors and in the administrator's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msal
import requests

from pipelines.admin_centre import (
    ACCOUNT_SIGN_INS_PAGE,
    APP_SIGN_INS_PAGE,
)
from pipelines.graph.advice import Advice, advice_for, login_command, unknown_tenant
from pipelines.graph.errors import GraphContext, GraphError, SignInDownError, SignInError, plain
from pipelines.graph.transport import UNTRUSTED_REMEDY, is_untrusted
from pipelines.sign_in import ManagedIdentity, SettingsError
from pipelines.tenants import TenantSettings


class SignInErrors:
    """The errors of one tenant's sign-in. No secret, assertion or token is ever part of one."""

    def __init__(self, tenant: TenantSettings) -> None:
        self._tenant = tenant
        self._context = GraphContext(tenant.tenant_id, "sign-in")

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """Turn what MSAL and requests raise into SignInError, or SignInDownError where a later try may work."""
        try:
            yield
        except (SettingsError, GraphError):
            raise
        except requests.exceptions.RequestException as error:
            raise self._unreachable(error) from None
        except msal.exceptions.MsalServiceError as error:
            # A 5xx status.
            raise SignInDownError(
                f"The sign-in service {self._tenant.authority_url} does not work at the moment ({error}).",
                context=self._context,
            ) from None
        except (ValueError, LookupError, AttributeError, RuntimeError) as error:
            raise self._odd_answer(error) from None

    def refusal(self, answer: dict[str, Any]) -> SignInError:
        """The error for an OAuth error."""
        numbers = [number for number in answer.get("error_codes") or [] if isinstance(number, int)]
        error = str(answer.get("error") or "")
        advice = advice_for(self._tenant, numbers, error)
        facts = {
            "code": f"AADSTS{numbers[0]}" if numbers else error,
            "request_id": answer.get("correlation_id") or answer.get("trace_id"),
        }
        if advice:
            return self._error(advice, **facts)
        first_line = plain(str(answer.get("error_description") or "no reason given").splitlines()[0]).rstrip(".")
        problem, remedy = f"The sign-in service refused: {first_line}.", self._look_up(numbers)
        return SignInError(f"{problem} {remedy}", context=self._context, problem=problem, remedy=remedy, **facts)

    def _look_up(self, numbers: list[int]) -> str:
        """Where an administrator reads more about a refusal that is not known here."""
        page = ACCOUNT_SIGN_INS_PAGE if self._tenant.sign_in.is_delegated else APP_SIGN_INS_PAGE
        number = f"Look the number up at {self._tenant.authority_url}/error?code={numbers[0]}; " if numbers else ""
        return f"{number}{page} shows what was refused."

    def nobody(self) -> SignInError:
        """No account has signed in yet, or its sign-in can no longer be used."""
        return self._error(
            Advice("No service account is signed in", f"run {login_command(self._tenant)} and enter the code.")
        )

    def other_tenant(self, tenant_id: str) -> SignInError:
        """The token is one of another tenant: what it reads would be filed under the wrong name."""
        return self._error(
            Advice(
                f"The managed identity belongs to another tenant ({tenant_id})",
                f"set {self._tenant.setting('tenant_id')} to it, or sign in to this tenant in another way.",
            )
        )

    def _error(self, advice: Advice, **facts: Any) -> SignInError:
        return SignInError(str(advice), context=self._context, problem=advice.problem, remedy=advice.remedy, **facts)

    def _unreachable(self, error: requests.exceptions.RequestException) -> GraphError:
        if isinstance(self._tenant.sign_in, ManagedIdentity):
            return self._error(
                Advice(
                    f"This machine has no managed identity: its token endpoint cannot be reached "
                    f"({type(error).__name__})",
                    "run on an Azure machine with an identity (Azure portal > the machine > Identity), or sign in in "
                    f"another way ({self._tenant.sign_in.setting}).",
                )
            )
        url = self._tenant.authority_url
        if is_untrusted(error):
            return self._error(
                Advice(
                    f"The certificate of {url} is not trusted here",
                    f"{UNTRUSTED_REMEDY}.",
                )
            )
        return SignInDownError(
            f"The sign-in service {url} cannot be reached ({type(error).__name__}): check the network, the proxy "
            "(HTTPS_PROXY) and the firewall of this machine.",
            context=self._context,
        )

    def _odd_answer(self, error: Exception) -> SignInError:
        """What MSAL makes of an OpenID configuration that is refused, of an unknown tenant mostly, or is none."""
        if isinstance(self._tenant.sign_in, ManagedIdentity):
            return self._error(
                Advice(
                    "This machine's token endpoint does not answer as one",
                    f"check its identity (Azure portal > the machine > Identity) and {self._tenant.sign_in.setting}.",
                )
            )
        # The answer itself is quoted only in the error behind the error.
        answer = f"{error} {error.__context__}"
        if "invalid_tenant" in answer or "AADSTS90002" in answer or "AADSTS900023" in answer:
            return self._error(unknown_tenant(self._tenant))
        call = self._tenant.setting
        return self._error(
            Advice(
                "The sign-in service did not describe this tenant",
                f"check {call('tenant_id')}, {call('cloud')} and {call('authority_url')}.",
            )
        )
