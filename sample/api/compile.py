"""Run while the image is built: compiles whatever the application imports, the standard library's part included.

The official image carries no compiled standard library, and a container with a read-only root can't write one: without
this, each start compiles everything anew. The compiled files are not checked against their sources' times ("unchecked
hash"), because a copy between build stages may round those to another second, and then nothing would match.
"""

import importlib
import py_compile
import sys

ROOTS = (
    "app.__main__",
    "app.migrate",
    "app.work",
    # imported by name when the server, the migration, the worker or beat starts
    "alembic.ddl.postgresql",
    "billiard.heap",
    "billiard.popen_fork",
    "billiard.synchronize",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.backends.base",
    "celery.bin.celery",
    "celery.concurrency.asynpool",
    "celery.concurrency.prefork",
    "celery.events.receiver",
    "celery.worker.consumer.consumer",
    "celery.worker.consumer.agent",
    "celery.worker.consumer.connection",
    "celery.worker.consumer.control",
    "celery.worker.consumer.events",
    "celery.worker.consumer.gossip",
    "celery.worker.consumer.heart",
    "celery.worker.consumer.mingle",
    "celery.worker.consumer.tasks",
    "celery.worker.control",
    "celery.worker.loops",
    "celery.worker.pidbox",
    "celery.worker.request",
    "dbm.dumb",
    "dbm.sqlite3",
    "encodings.idna",
    "kombu.transport.redis",
    "kombu.utils.limits",
    "sqlalchemy.dialects.postgresql.psycopg",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
)

for root in ROOTS:
    importlib.import_module(root)
sources = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
for source in sorted(sources):
    if source.endswith(".py"):
        py_compile.compile(source, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
