/* embedded.h - starts and stops the bundled ClickHouse endpoint (the program sluice-clickhouse) as a child process. */
#ifndef SLUICE_CLICKHOUSE_EMBEDDED_H
#define SLUICE_CLICKHOUSE_EMBEDDED_H

#include "clickhouse/http.h"

typedef struct Embedded Embedded;

/* Starts it on `data_dir` (made when absent) on a free loopback port, waits for its ready line. The program is looked
 * for beside our own executable, then in PATH. It ends when we die (PR_SET_PDEATHSIG), and a ^C in our terminal does
 * not reach it (its own process group). Its stdin is /dev/null, its stderr goes to `data_dir`/endpoint.log; the error
 * names the last line of that when it does not start. */
Embedded *embedded_start(const char *data_dir, Cancel *cancel, GError **error);
/* SIGTERM, waits (all data on disk); SIGKILL after 30 s. */
void embedded_stop(Embedded *embedded);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Embedded, embedded_stop)

bool embedded_alive(Embedded *embedded);
/* "http://default@127.0.0.1:PORT/DATABASE?password-file=F". Free with g_free. */
char *embedded_url(const Embedded *embedded, const char *database);

#endif
