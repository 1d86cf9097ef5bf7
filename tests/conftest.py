from harness.fixtures import clickhouse, engine, folder, mariadb, own_clickhouse, own_mariadb, pipe, session_folder  # noqa: F401
