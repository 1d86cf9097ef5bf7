/* events.h - the operator's command, run when something happens to a pipe (setting `on_event`): a new state, a stall and its end,
 * headroom below a day and below two hours. It is started with SLUICE_PIPE, SLUICE_STATE, SLUICE_EVENT ("state", "stalled", "recovered",
 * "headroom"), SLUICE_CAUSE and SLUICE_REMEDY in its environment, and never waited for.
 */
#ifndef SLUICE_ENGINE_EVENTS_H
#define SLUICE_ENGINE_EVENTS_H

#include "engine/engine_private.h"

typedef struct Events Events;

Events *events_start(Engine *engine); /* a thread of its own */
void events_stop(Events *events);     /* NULL is fine; commands that run go on */

#endif
