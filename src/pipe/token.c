#include "pipe/token.h"

#include <glib.h>

char *token_of_stream(const char *pipe_uuid, int64_t table_id, int64_t generation, uint32_t epoch, uint64_t end_offset)
{
    return g_strdup_printf("%s-%" G_GINT64_FORMAT "-g%" G_GINT64_FORMAT "-e%u-%" G_GUINT64_FORMAT, pipe_uuid, table_id,
                           generation, epoch, end_offset);
}

char *token_of_chunk(const char *pipe_uuid, int64_t table_id, int64_t generation, uint64_t range_id, uint32_t attempt,
                     unsigned number)
{
    return g_strdup_printf("%s-%" G_GINT64_FORMAT "-g%" G_GINT64_FORMAT "-r%" G_GUINT64_FORMAT "-a%u-%u", pipe_uuid,
                           table_id, generation, range_id, attempt, number);
}

char *query_id_of_stream(const char *pipe_uuid, uint64_t batch_seq, int64_t table_id)
{
    return g_strdup_printf("sluice-%s-log-%" G_GUINT64_FORMAT "-%" G_GINT64_FORMAT, pipe_uuid, batch_seq, table_id);
}

char *query_id_of_chunk(const char *pipe_uuid, int64_t table_id, uint64_t range_id, uint32_t attempt, unsigned number)
{
    return g_strdup_printf("sluice-%s-snapshot-%" G_GINT64_FORMAT "-%" G_GUINT64_FORMAT "-%u-%u", pipe_uuid, table_id,
                           range_id, attempt, number);
}
