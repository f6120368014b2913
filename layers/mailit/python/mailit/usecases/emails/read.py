"""`GET /emails` and `GET /emails/{email_id}`."""

from __future__ import annotations

from mailit.contracts.api.base import ListAnswer, ListQuery
from mailit.contracts.api.emails import EmailAnswer, ListedEmail, TagAnswer
from mailit.domain.api_keys import Caller
from mailit.domain.errors import not_found
from mailit.domain.times import postgres_text
from mailit.stores.emails import Email
from mailit.stores.listing import Window
from mailit.usecases.deps import Deps


def list_emails(deps: Deps, caller: Caller, query: ListQuery) -> ListAnswer[ListedEmail]:
    """Newest first, 20 unless asked otherwise."""
    page = deps.emails.page(caller.team, Window(query.limit or 20, query.after, query.before))
    return ListAnswer(has_more=page.has_more, data=[_listed(email) for email in page.items])


def get(deps: Deps, caller: Caller, email_id: str) -> EmailAnswer:
    """One email with its content as it was given."""
    store = deps.emails
    email = store.get(caller.team, email_id)
    content = store.read_content(caller.team, email_id) if email else None
    if email is None or content is None:
        raise not_found("Email")
    return EmailAnswer(
        id=email.id,
        message_id=email.message_id,
        to=list(email.to),
        from_=email.from_,
        created_at=postgres_text(email.created_at),
        subject=email.subject,
        html=content.html,
        text=content.text,
        bcc=list(email.bcc),
        cc=list(email.cc),
        reply_to=list(email.reply_to),
        last_event=email.last_event.value,
        scheduled_at=_scheduled(email),
        topic_id=None,
        tags=[TagAnswer(name=name, value=value) for name, value in email.tags],
    )


def _scheduled(email: Email) -> str | None:
    return postgres_text(email.scheduled_at) if email.scheduled_at is not None else None


def _listed(email: Email) -> ListedEmail:
    return ListedEmail(
        id=email.id,
        message_id=email.message_id,
        to=list(email.to),
        from_=email.from_,
        created_at=postgres_text(email.created_at),
        subject=email.subject,
        bcc=list(email.bcc) or None,
        cc=list(email.cc) or None,
        reply_to=list(email.reply_to) or None,
        last_event=email.last_event.value,
        scheduled_at=_scheduled(email),
    )
