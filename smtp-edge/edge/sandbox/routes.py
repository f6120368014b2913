"""In sandbox mode all roads lead to the sandbox mailbox, and delivery to `complained@resend.dev` brings a complaint."""

from __future__ import annotations

from edge.outbound.session import Target
from edge.sandbox.server import simulates
from mailit.contracts.jobs import Outcome, ResultJob


class SandboxRoutes:
    """No DNS is asked."""

    def __init__(self, host: str, port: int) -> None:
        self._target = Target("sandbox", host, port)

    async def targets(self, domain: str) -> list[Target]:
        return [self._target]


def simulated_feedback(result: ResultJob) -> list[ResultJob]:
    """The complaint that follows a delivery to the simulator's address."""
    if result.outcome is not Outcome.DELIVERED or not simulates(result.address, "complained"):
        return []
    return [
        ResultJob(
            team=result.team,
            email_id=result.email_id,
            recipient=result.recipient,
            address=result.address,
            attempt=result.attempt,
            outcome=Outcome.COMPLAINED,
            at=result.at + 1000,
            text="simulated complaint",
        )
    ]
