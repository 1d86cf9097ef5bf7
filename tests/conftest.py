from harness.fixtures import (  # noqa: F401
    clickhouse, engine, folder, mariadb, own_clickhouse, own_mariadb, pipe, pytest_collection_modifyitems, session_folder, trap
)  # fmt: skip
