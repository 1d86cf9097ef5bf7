#include "pipe/statement_note.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void statement_note_clear(StatementNote *note)
{
    g_free(note->id);
    g_free(note->sum);
    g_free(note->shown);
    g_free(note->place);
    memset(note, 0, sizeof *note);
}

/* GTID sets may be long. They are what stays when another server takes over; without them the place in the log is. */
char *statement_note_place(const CatalogCheckpoint *checkpoint)
{
    if (checkpoint->gtid && *checkpoint->gtid)
        return g_compute_checksum_for_string(G_CHECKSUM_SHA256, checkpoint->gtid, -1);
    return g_strdup_printf("%s:%" G_GUINT64_FORMAT, checkpoint->file ? checkpoint->file : "", checkpoint->pos);
}

char *statement_note_sum(uint32_t time, const void *text, size_t len)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    uint8_t bytes[4] = {(uint8_t)time, (uint8_t)(time >> 8), (uint8_t)(time >> 16), (uint8_t)(time >> 24)};
    g_checksum_update(sum, bytes, sizeof bytes);
    g_checksum_update(sum, text, (gssize)len);
    return g_strdup(g_checksum_get_string(sum));
}

char *statement_note_write(const char *definition, const StatementNote *note)
{
    json_t *json = json_loads(definition, 0, NULL);
    json_object_set_new(json, "statement",
                        json_pack("{s:s,s:s,s:s,s:s,s:I}", "id", note->id, "sum", note->sum, "shown", note->shown,
                                  "place", note->place, "epoch", (json_int_t)note->epoch));
    char *dumped = json_dumps(json, JSON_COMPACT), *text = g_strdup(dumped);
    free(dumped);
    json_decref(json);
    return text;
}

bool statement_note_read(const char *definition, StatementNote *out)
{
    const char *id, *sum, *shown, *place;
    json_int_t epoch;
    /* Definitions are long, there may be thousands, and hardly any has one. */
    bool has = definition && strstr(definition, "\"statement\":");
    json_t *json = has ? json_loads(definition, 0, NULL) : NULL;
    bool found = json_unpack(json_object_get(json, "statement"), "{s:s,s:s,s:s,s:s,s:I}", "id", &id, "sum", &sum,
                             "shown", &shown, "place", &place, "epoch", &epoch) == 0;
    if (found)
        *out = (StatementNote){.id = g_strdup(id),
                               .sum = g_strdup(sum),
                               .shown = g_strdup(shown),
                               .place = g_strdup(place),
                               .epoch = (uint32_t)epoch};
    json_decref(json);
    return found;
}
