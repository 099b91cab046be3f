"""`make run` whose services wait for each other and for the database as long as a busy machine takes: no 503."""

from services.standalone.__main__ import main
from shared import auth_client, db

for module, name in ((auth_client, "RPC_TIMEOUT"), (db, "ACQUIRE_TIMEOUT")):
    setattr(module, name, 20.0)

if __name__ == "__main__":
    main()
