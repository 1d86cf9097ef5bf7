/* recording.h - the file of --record and --replay: what an engine said, one JSON object a line.
 *
 *   {"recording": 1, "version": "0.1", "began": TIME}       the first line; `recording` counts formats
 *   {"ms": 0, "view": {...}}                                a picture as protocol.h's `watch` sends it, `ms` after it
 * began
 *   {"ms": 1002, "changed": {...}}                          what differs from the picture before: see json_delta.h
 *   {"ms": 1500, "request": {...}, "answer": {...}}         of a request that only reads
 *
 * Passwords in the URLs of a request are written as ***, and an answer that repeats one is left out. A last line
 * without its end, of a process that was killed, is not read.
 */
#ifndef SLUICE_UI_RECORDING_H
#define SLUICE_UI_RECORDING_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether a request asks for data and changes nothing: only those are recorded. */
bool recording_is_question(const json_t *request);

typedef struct Recorder Recorder;

/* Makes the file, mode 0600; one that is there is not overwritten. Then it belongs to one thread. */
Recorder *recorder_new(const char *path, GError **error);
void recorder_free(Recorder *recorder); /* a file without any picture goes */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Recorder, recorder_free)
/* False: it cannot be written, and the recording ends before this line. */
bool recorder_view(Recorder *recorder, json_t *view, GError **error);
bool recorder_answer(Recorder *recorder, const json_t *request, json_t *answer, GError **error);

typedef struct Recording Recording;

/* Reads all of it once: a file that is no recording is refused here. */
Recording *recording_open(const char *path, GError **error);
void recording_free(Recording *recording);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Recording, recording_free)
/* The next picture (NULL: that was the last) and when it came. The recording's: good until the next call. */
const json_t *recording_next(Recording *recording, int64_t *ms);
/* What was answered to the same request at `ms` or last before it, else soonest after it. The recording's; NULL:
 * nothing. */
json_t *recording_answer(const Recording *recording, const json_t *request, int64_t ms);

#endif
