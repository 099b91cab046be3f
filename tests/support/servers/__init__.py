"""Real servers for the tests: a container engine's, else installed ones, else the system's packages when root.

A server that cannot be had is a failure with a sentence, never a skip.
"""

from tests.support.servers.axe import axe_source
from tests.support.servers.bucket import add_bucket, running_buckets
from tests.support.servers.chromium import chromium_path
from tests.support.servers.machine import MissingServerError
from tests.support.servers.pebble import Pebble, running_pebble
from tests.support.servers.postgres import Postgres, private_postgres, running_postgres
from tests.support.servers.rabbitmq import Broker, private_rabbitmq, running_rabbitmq

__all__ = [
    "Broker",
    "MissingServerError",
    "Pebble",
    "Postgres",
    "add_bucket",
    "axe_source",
    "chromium_path",
    "private_postgres",
    "private_rabbitmq",
    "running_buckets",
    "running_pebble",
    "running_postgres",
    "running_rabbitmq",
]
