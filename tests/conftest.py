from harness.fixtures import clickhouse, engine, folder, mariadb, own_clickhouse, own_mariadb, session_folder  # noqa: F401
