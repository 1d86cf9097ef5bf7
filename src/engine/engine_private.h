/* engine_private.h - what the files of src/engine share. */
#ifndef SLUICE_ENGINE_ENGINE_PRIVATE_H
#define SLUICE_ENGINE_ENGINE_PRIVATE_H

#include "clickhouse/clickhouse.h"
#include "control/control.h"
#include "engine/engine.h"
#include "pipe/pipe.h"

#include <pthread.h>
#include <stdatomic.h>

struct Engine {
    char *state_dir;
    int lock_fd;
    PipeEnv env;
    Budget *budget;
    int64_t started_at; /* 0: opened only */

    pthread_mutex_t catalog_lock;
    Catalog *catalog;
    _Atomic int64_t trimmed_at;    /* monotonic: when the journal's size was looked at last; 0: not yet */
    _Atomic uint64_t journal_size; /* bytes; setting of the engine */
    _Atomic int64_t history_kept;  /* microseconds; setting of the engine */

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

    pthread_mutex_t texts_lock;
    char *on_event; /* setting of the engine; "": none */

    pthread_mutex_t metrics_lock;
    struct MetricsServer *metrics; /* NULL: it does not listen */
    struct Events *events;

    void (*stop)(void *data); /* a `stop` request; NULL: nobody listens */
    void *stop_data;
};

/* engine.c */
bool engine_start(Engine *engine, bool paused, GError **error);
char *engine_resolve_dest(void *engine, const char *dest, GError **error);
Pipe *engine_find_pipe(Engine *engine, const char *name); /* with pipes_lock held; NULL: none */
bool engine_add_pipe(Engine *engine, CatalogPipe *record_take, GError **error); /* with pipes_lock held; starts it */
void engine_reap(Engine *engine); /* frees the pipes that were dropped */

/* settings.c */
json_t *engine_set(Engine *engine, const json_t *request, GError **error);
bool engine_settings_load(Engine *engine, GError **error); /* puts those of the engine into effect */
char *engine_on_event(Engine *engine); /* the setting, "": none; free with g_free */
bool engine_metrics_start(Engine *engine, GError **error); /* by the setting */
/* Keeps the journal under its size; cheap when called again within a minute, unless `at_once`. */
void engine_trim_journal(Engine *engine, bool at_once);

/* doctor.c */
json_t *engine_doctor(Engine *engine, const json_t *request, GError **error);

/* export.c */
json_t *engine_export(Engine *engine, const json_t *request, GError **error);

/* history.c */
json_t *engine_history(Engine *engine, const json_t *request, GError **error);
void engine_fill_history(ViewHistoryCell *to, const PipeHistoryCell *from, unsigned n);

/* detail.c */
json_t *engine_table(Engine *engine, const json_t *request, GError **error);

/* verify.c: the requests `verify`, `verify_cancel`, `verify_result`. `tables`: of char *, or NULL */
json_t *engine_verify(Engine *engine, const json_t *request, const GPtrArray *tables, GError **error);
json_t *engine_verify_cancel(Engine *engine, const json_t *request, GError **error);
json_t *engine_verify_result(Engine *engine, const json_t *request, GError **error);

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
