"""What every message is: a frozen model that knows its routing key."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """Something that happened; a subclass is one kind of message and knows its routing key."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    #: Routing key and type: `noun.verb`, or `mail.<template>` for what the mailer is to send.
    type: ClassVar[str]
    #: Raised when a field changes its meaning; consumers refuse what is newer than they know.
    version: ClassVar[int] = 1
    #: Heard by every replica that runs now; one that hears nothing needs nothing, so no queue keeps it.
    broadcast: ClassVar[bool] = False
    #: Whoever sent it is told what became of it.
    receipt: ClassVar[bool] = False
