/* engine_private.h - what the files of src/engine share. */
#ifndef SLUICE_ENGINE_ENGINE_PRIVATE_H
#define SLUICE_ENGINE_ENGINE_PRIVATE_H

#include "clickhouse/clickhouse.h"
#include "control/control.h"
#include "engine/engine.h"
#include "pipe/pipe.h"

#include <pthread.h>

struct Engine {
    char *state_dir;
    int lock_fd;
    PipeEnv env;
    Budget *budget;
    int64_t started_at; /* 0: opened only */

    pthread_mutex_t catalog_lock;
    Catalog *catalog;
    int64_t trimmed_at; /* monotonic; of the server's thread alone */

    pthread_mutex_t embedded_lock;
    Embedded *embedded; /* NULL: not needed yet */
    Cancel *life;

    pthread_mutex_t pipes_lock; /* also held while pipes are created, so that names stay unique */
    GPtrArray *pipes;           /* of Pipe, by name; empty when only opened */

    pthread_mutex_t view_lock; /* the newest picture, shared by all who watch */
    pthread_cond_t view_changed;
    uint64_t changes; /* counts what is worth a new picture at once */
    View *view;
    int64_t view_at; /* monotonic */
    uint64_t view_changes;

    void (*stop)(void *data); /* a `stop` request; NULL: nobody listens */
    void *stop_data;
};

/* engine.c */
bool engine_start(Engine *engine, bool paused, GError **error);
char *engine_resolve_dest(void *engine, const char *dest, GError **error);
Pipe *engine_find_pipe(Engine *engine, const char *name); /* with pipes_lock held; NULL: none */
bool engine_add_pipe(Engine *engine, CatalogPipe *record_take, GError **error); /* with pipes_lock held; starts it */
void engine_reap(Engine *engine); /* frees the pipes that were dropped */
void engine_trim_journal(Engine *engine); /* keeps it under its size; cheap when called again within ten minutes */

/* detail.c */
json_t *engine_table(Engine *engine, const json_t *request, GError **error);

/* picture.c */
View *engine_view(Engine *engine); /* at most 0.2 s old unless something changed; new reference */
/* Waits for a change behind `seen`, at most until `deadline` (monotonic). Returns the count of changes now. */
uint64_t engine_wait_change(Engine *engine, uint64_t seen, int64_t deadline);
void engine_changed(void *engine);

/* server.c */
typedef struct Server Server;
Server *server_start(Engine *engine, GError **error);
void server_stop(Server *server); /* ends every connection */

#endif
