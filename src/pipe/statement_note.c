#include "pipe/statement_note.h"

#include "pipe/json_text.h"

#include <string.h>

void statement_note_clear(StatementNote *note)
{
    g_free(note->id);
    g_free(note->sum);
    g_free(note->shown);
    g_free(note->file);
    memset(note, 0, sizeof *note);
}

bool statement_note_is_passed(const StatementNote *note, SourceFlavour flavour, const CatalogCheckpoint *checkpoint)
{
    g_autoptr(GtidSet) id = gtid_set_parse(flavour, note->id, NULL);
    g_autoptr(GtidSet) ours = checkpoint->gtid ? gtid_set_parse(flavour, checkpoint->gtid, NULL) : NULL;
    bool exact = id && ours && flavour == SOURCE_MYSQL;
    /* MariaDB's numbers may come out of order, and transactions of MySQL may have none: then by places, of one log. */
    if (!exact && note->epoch == checkpoint->epoch && checkpoint->file)
        return binlog_position_compare(checkpoint->file, checkpoint->pos, note->file, note->pos) > 0;
    return !id || !ours || gtid_set_reaches(ours, id);
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
                        json_pack("{s:s,s:s,s:s,s:s,s:I,s:I}", "id", note->id, "sum", note->sum, "shown", note->shown,
                                  "file", note->file, "pos", (json_int_t)note->pos, "epoch", (json_int_t)note->epoch));
    return json_text_take(json);
}

bool statement_note_read(const char *definition, StatementNote *out)
{
    const char *id, *sum, *shown, *file;
    json_int_t pos, epoch;
    /* Definitions are long, there may be thousands, and hardly any has one. */
    bool has = definition && strstr(definition, "\"statement\":");
    json_t *json = has ? json_loads(definition, 0, NULL) : NULL;
    bool found = json_unpack(json_object_get(json, "statement"), "{s:s,s:s,s:s,s:s,s:I,s:I}", "id", &id, "sum", &sum,
                             "shown", &shown, "file", &file, "pos", &pos, "epoch", &epoch) == 0;
    if (found)
        *out = (StatementNote){.id = g_strdup(id),
                               .sum = g_strdup(sum),
                               .shown = g_strdup(shown),
                               .file = g_strdup(file),
                               .pos = (uint64_t)pos,
                               .epoch = (uint32_t)epoch};
    json_decref(json);
    return found;
}
