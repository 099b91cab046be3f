"""`make run` whose mailer waits 2 s, not 34, for what a dead one had in hand, and asks again after 1, 3, 7 and 15 s."""

from services.mailer import handlers
from services.standalone.__main__ import main
from shared.local_bus import LocalBus

for function, name, hurried in (
    (handlers.Mailer.__init__, "lease", 2.0),
    (LocalBus.__init__, "retry_delays", (1.0, 2.0, 4.0, 8.0)),
):
    assert function.__kwdefaults__ is not None
    function.__kwdefaults__[name] = hurried

if __name__ == "__main__":
    main()
