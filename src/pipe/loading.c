#include "pipe/loading.h"

LoadSight load_sight(SourceFlavour flavour, const char *begin_file, const char *begin_gtid)
{
    /* MySQL by file: nobody was writing to the table there. */
    if (begin_file)
        return flavour == SOURCE_MYSQL ? SIGHT_ANY : SIGHT_POSITION;
    if (!begin_gtid)
        return SIGHT_ANY;
    /* MariaDB after a failover: this server has logged what the other had, and its own positions tell what can be read.
     */
    return flavour == SOURCE_MYSQL ? SIGHT_EXECUTED : SIGHT_LOG_END;
}

char *load_beginning(const char *committed, const char *passed, GError **error)
{
    g_autoptr(GtidSet) begin = gtid_set_parse(SOURCE_MYSQL, committed, error);
    g_autoptr(GtidSet) behind = begin ? gtid_set_parse(SOURCE_MYSQL, passed, error) : NULL;
    if (!behind)
        return NULL;
    gtid_set_join(begin, behind);
    return gtid_set_text(begin);
}

bool load_is_passed(const LoadSituation *load, const char *file, uint64_t pos)
{
    return load->read_file && binlog_position_compare(file, pos, load->read_file, load->read_pos) >= 0;
}

LoadStanding load_standing(const LoadSituation *load, const char *file, uint64_t pos)
{
    if (!load->wanted || load->passed || load_is_passed(load, file, pos))
        return LOAD_DONE;
    return load->read ? LOAD_READ : LOAD_READS;
}

LoadDoubt load_doubt(bool wanted, bool changed, bool reached)
{
    if (!wanted || changed)
        return DOUBT_OVER;
    return reached ? DOUBT_FAILS : DOUBT_WAITS;
}

bool load_is_over(const LoadSituation *load)
{
    return load->wanted && load->read && load->passed;
}
