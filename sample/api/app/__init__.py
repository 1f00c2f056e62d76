"""The sample application: items on Postgres, cached in Redis, and every kind of connection a release must not cut."""
