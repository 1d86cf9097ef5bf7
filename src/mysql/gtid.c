#include "mysql/gtid.h"

#include "mysql/wire_private.h"

#include <string.h>

/* MariaDB: one GTID per domain, the last one. */
typedef struct {
    uint32_t domain, server;
    uint64_t seq;
} DomainGtid;

typedef struct {
    uint64_t start, end; /* end is not part of it */
} Interval;

/* MySQL: what one server (with one tag) committed. */
typedef struct {
    uint8_t uuid[16];
    char tag[33];
    GArray *intervals; /* of Interval, rising, neither touching nor overlapping */
} Sid;

struct GtidSet {
    SourceFlavour flavour;
    GArray *domains; /* of DomainGtid, by domain */
    GArray *sids;    /* of Sid, by uuid, then tag */
};

static void sid_clear(void *data)
{
    Sid *sid = data;
    g_array_unref(sid->intervals);
}

static GtidSet *set_new(SourceFlavour flavour)
{
    GtidSet *set = g_new0(GtidSet, 1);
    set->flavour = flavour;
    set->domains = g_array_new(FALSE, FALSE, sizeof(DomainGtid));
    set->sids = g_array_new(FALSE, FALSE, sizeof(Sid));
    g_array_set_clear_func(set->sids, sid_clear);
    return set;
}

void gtid_set_free(GtidSet *set)
{
    if (!set)
        return;
    g_array_unref(set->domains);
    g_array_unref(set->sids);
    g_free(set);
}

/* ---- MariaDB ---- */

/* Where `domain` is or would be. */
static unsigned domain_index(const GtidSet *set, uint32_t domain)
{
    unsigned i = 0;
    while (i < set->domains->len && g_array_index(set->domains, DomainGtid, i).domain < domain)
        i++;
    return i;
}

static DomainGtid *domain_find(const GtidSet *set, uint32_t domain)
{
    unsigned i = domain_index(set, domain);
    if (i == set->domains->len)
        return NULL;
    DomainGtid *found = &g_array_index(set->domains, DomainGtid, i);
    return found->domain == domain ? found : NULL;
}

static void domain_set(GtidSet *set, DomainGtid gtid)
{
    DomainGtid *found = domain_find(set, gtid.domain);
    if (found)
        *found = gtid;
    else
        g_array_insert_val(set->domains, domain_index(set, gtid.domain), gtid);
}

/* ---- MySQL ---- */

static Sid *sid_need(GtidSet *set, const uint8_t *uuid, const char *tag)
{
    unsigned i;
    for (i = 0; i < set->sids->len; i++) {
        Sid *sid = &g_array_index(set->sids, Sid, i);
        int order = memcmp(sid->uuid, uuid, 16);
        if (order == 0)
            order = strcmp(sid->tag, tag);
        if (order == 0)
            return sid;
        if (order > 0)
            break;
    }
    Sid sid = {.intervals = g_array_new(FALSE, FALSE, sizeof(Interval))};
    memcpy(sid.uuid, uuid, 16);
    g_strlcpy(sid.tag, tag, sizeof sid.tag);
    g_array_insert_val(set->sids, i, sid);
    return &g_array_index(set->sids, Sid, i);
}

static const Sid *sid_find(const GtidSet *set, const uint8_t *uuid, const char *tag)
{
    for (unsigned i = 0; i < set->sids->len; i++) {
        const Sid *sid = &g_array_index(set->sids, Sid, i);
        if (memcmp(sid->uuid, uuid, 16) == 0 && strcmp(sid->tag, tag) == 0)
            return sid;
    }
    return NULL;
}

/* First interval whose end is not before `start`: it touches, overlaps or comes after. */
static unsigned interval_index(const GArray *intervals, uint64_t start)
{
    unsigned low = 0, high = intervals->len;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (g_array_index(intervals, Interval, middle).end < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void intervals_add(GArray *intervals, Interval added)
{
    unsigned first = interval_index(intervals, added.start), last = first;
    while (last < intervals->len && g_array_index(intervals, Interval, last).start <= added.end) {
        const Interval *old = &g_array_index(intervals, Interval, last);
        added.start = MIN(added.start, old->start);
        added.end = MAX(added.end, old->end);
        last++;
    }
    if (last == first) {
        g_array_insert_val(intervals, first, added);
        return;
    }
    g_array_index(intervals, Interval, first) = added;
    if (last - first > 1)
        g_array_remove_range(intervals, first + 1, last - first - 1);
}

/* ---- text ---- */

typedef struct {
    const char *p;
} Text;

static void skip_space(Text *t)
{
    while (g_ascii_isspace(*t->p))
        t->p++;
}

static bool read_number(Text *t, uint64_t max, uint64_t *out)
{
    skip_space(t);
    if (!g_ascii_isdigit(*t->p))
        return false;
    uint64_t v = 0;
    for (; g_ascii_isdigit(*t->p); t->p++) {
        unsigned digit = (unsigned)(*t->p - '0');
        if (v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    skip_space(t);
    return true;
}

static bool read_mark(Text *t, char mark)
{
    skip_space(t);
    if (*t->p != mark)
        return false;
    t->p++;
    return true;
}

static bool parse_domain(GtidSet *set, Text *t)
{
    uint64_t domain, server, seq;
    if (!read_number(t, UINT32_MAX, &domain) || !read_mark(t, '-') || !read_number(t, UINT32_MAX, &server) ||
        !read_mark(t, '-') || !read_number(t, UINT64_MAX, &seq))
        return false;
    domain_set(set, (DomainGtid){(uint32_t)domain, (uint32_t)server, seq});
    return true;
}

static bool read_uuid(Text *t, uint8_t *out)
{
    skip_space(t);
    for (int i = 0; i < 16; i++) {
        if (*t->p == '-')
            t->p++;
        if (!g_ascii_isxdigit(t->p[0]) || !g_ascii_isxdigit(t->p[1]))
            return false;
        out[i] = (uint8_t)(g_ascii_xdigit_value(t->p[0]) << 4 | g_ascii_xdigit_value(t->p[1]));
        t->p += 2;
    }
    return true;
}

/* A tag begins with a letter or underscore: at most 32 letters, digits and underscores, kept in lower case. */
static bool read_tag(Text *t, char *out)
{
    size_t n = 0;
    for (; g_ascii_isalnum(*t->p) || *t->p == '_'; t->p++) {
        if (n == 32)
            return false;
        out[n++] = g_ascii_tolower(*t->p);
    }
    out[n] = 0;
    skip_space(t);
    return n > 0;
}

/* uuid, then any number of :number, :number-number and :tag; a tag holds for what follows it. */
static bool parse_sid(GtidSet *set, Text *t)
{
    uint8_t uuid[16];
    char tag[33] = "";
    if (!read_uuid(t, uuid))
        return false;
    while (read_mark(t, ':')) {
        Interval interval;
        skip_space(t);
        if (g_ascii_isalpha(*t->p) || *t->p == '_') {
            if (!read_tag(t, tag))
                return false;
            continue;
        }
        if (!read_number(t, INT64_MAX - 1, &interval.start) || interval.start == 0)
            return false;
        interval.end = interval.start;
        if (read_mark(t, '-') && !read_number(t, INT64_MAX - 1, &interval.end))
            return false;
        if (interval.end++ >= interval.start)
            intervals_add(sid_need(set, uuid, tag)->intervals, interval);
    }
    return true;
}

GtidSet *gtid_set_parse(SourceFlavour flavour, const char *text, GError **error)
{
    g_autoptr(GtidSet) set = set_new(flavour);
    Text t = {text};
    skip_space(&t);
    while (*t.p) {
        if (!(flavour == SOURCE_MARIADB ? parse_domain(set, &t) : parse_sid(set, &t)) ||
            (*t.p && !read_mark(&t, ','))) {
            g_set_error(error, SLUICE_ERROR, SLUICE_ERROR_USAGE, "\"%.200s\" is no GTID set of %s: see near \"%.40s\"",
                        text, flavour == SOURCE_MARIADB ? "MariaDB" : "MySQL", t.p);
            return NULL;
        }
        skip_space(&t);
    }
    return g_steal_pointer(&set);
}

GtidSet *gtid_set_parse_owned(const char *text, GError **error)
{
    g_autoptr(GRegex) before_next =
        g_regex_new("#[0-9]+?[\\s,]*(?=[0-9a-f]{8}-[0-9a-f]{4}-)", G_REGEX_CASELESS, 0, NULL);
    g_autoptr(GRegex) thread = g_regex_new("#[0-9]+", 0, 0, NULL);
    g_autofree char *divided = g_regex_replace_literal(before_next, text, -1, 0, ",", 0, NULL);
    g_autofree char *set = g_regex_replace_literal(thread, divided, -1, 0, "", 0, NULL);
    return gtid_set_parse(SOURCE_MYSQL, set, error);
}

static void append_sid(GString *out, const Sid *sid, const Sid *before)
{
    if (before && memcmp(before->uuid, sid->uuid, 16) == 0) {
        g_string_append_printf(out, ":%s", sid->tag);
    } else {
        if (before)
            g_string_append_c(out, ',');
        for (int i = 0; i < 16; i++)
            g_string_append_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", sid->uuid[i]);
        if (*sid->tag)
            g_string_append_printf(out, ":%s", sid->tag);
    }
    for (unsigned i = 0; i < sid->intervals->len; i++) {
        const Interval *interval = &g_array_index(sid->intervals, Interval, i);
        g_string_append_printf(out, ":%" G_GUINT64_FORMAT, interval->start);
        if (interval->end - interval->start > 1)
            g_string_append_printf(out, "-%" G_GUINT64_FORMAT, interval->end - 1);
    }
}

char *gtid_set_text(const GtidSet *set)
{
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < set->domains->len; i++) {
        const DomainGtid *gtid = &g_array_index(set->domains, DomainGtid, i);
        g_string_append_printf(out, "%s%u-%u-%" G_GUINT64_FORMAT, i ? "," : "", gtid->domain, gtid->server, gtid->seq);
    }
    for (unsigned i = 0; i < set->sids->len; i++)
        append_sid(out, &g_array_index(set->sids, Sid, i), i ? &g_array_index(set->sids, Sid, i - 1) : NULL);
    return g_string_free(out, FALSE);
}

/* ---- sets ---- */

GtidSet *gtid_set_copy(const GtidSet *set)
{
    GtidSet *copy = set_new(set->flavour);
    if (set->domains->len)
        g_array_append_vals(copy->domains, set->domains->data, set->domains->len);
    gtid_set_join(copy, set);
    return copy;
}

/* The server id of a MariaDB GTID is in its text alone: it is the event's. */
static uint32_t gtid_server(const GtidEvent *gtid)
{
    const char *dash = strchr(gtid->text, '-');
    return dash ? (uint32_t)g_ascii_strtoull(dash + 1, NULL, 10) : 0;
}

void gtid_set_add(GtidSet *set, const GtidEvent *gtid)
{
    if (!*gtid->text) /* anonymous */
        return;
    if (set->flavour == SOURCE_MARIADB)
        domain_set(set, (DomainGtid){gtid->domain, gtid_server(gtid), gtid->seq});
    else
        intervals_add(sid_need(set, gtid->uuid, gtid->tag)->intervals, (Interval){gtid->seq, gtid->seq + 1});
}

void gtid_set_join(GtidSet *set, const GtidSet *other)
{
    for (unsigned i = 0; i < other->sids->len; i++) {
        const Sid *from = &g_array_index(other->sids, Sid, i);
        Sid *to = sid_need(set, from->uuid, from->tag);
        for (unsigned j = 0; j < from->intervals->len; j++)
            intervals_add(to->intervals, g_array_index(from->intervals, Interval, j));
    }
}

bool gtid_set_contains(const GtidSet *set, const GtidEvent *gtid)
{
    if (!*gtid->text)
        return false;
    if (set->flavour == SOURCE_MARIADB) {
        const DomainGtid *found = domain_find(set, gtid->domain);
        return found && gtid->seq <= found->seq;
    }
    const Sid *sid = sid_find(set, gtid->uuid, gtid->tag);
    if (!sid)
        return false;
    unsigned i = interval_index(sid->intervals, gtid->seq + 1);
    return i < sid->intervals->len && g_array_index(sid->intervals, Interval, i).start <= gtid->seq;
}

bool gtid_set_is_repeat(const GtidSet *set, const GtidEvent *gtid)
{
    if (set->flavour != SOURCE_MARIADB || !gtid_set_contains(set, gtid))
        return gtid_set_contains(set, gtid);
    return domain_find(set, gtid->domain)->server == gtid_server(gtid);
}

bool gtid_set_reaches(const GtidSet *set, const GtidSet *other)
{
    if (set->flavour == SOURCE_MYSQL) {
        g_autoptr(GtidSet) left = gtid_set_subtract(other, set);
        return left->sids->len == 0;
    }
    for (unsigned i = 0; i < other->domains->len; i++) {
        const DomainGtid *last = &g_array_index(other->domains, DomainGtid, i), *found = domain_find(set, last->domain);
        if (!found || found->seq < last->seq)
            return false;
    }
    return true;
}

bool gtid_set_have_one_domain(const GtidSet *set, const GtidSet *other)
{
    const GArray *a = set->domains, *b = other->domains;
    return a->len <= 1 && b->len <= 1 &&
           (!a->len || !b->len || g_array_index(a, DomainGtid, 0).domain == g_array_index(b, DomainGtid, 0).domain);
}

/* Takes `gone` out of rising intervals; what is left is appended to `out`. */
static void interval_subtract(Interval from, const GArray *gone, GArray *out)
{
    for (unsigned i = interval_index(gone, from.start); i < gone->len && from.start < from.end; i++) {
        const Interval *hole = &g_array_index(gone, Interval, i);
        if (hole->start >= from.end)
            break;
        if (hole->start > from.start) {
            Interval before = {from.start, hole->start};
            g_array_append_val(out, before);
        }
        from.start = MAX(from.start, hole->end);
    }
    if (from.start < from.end)
        g_array_append_val(out, from);
}

GtidSet *gtid_set_subtract(const GtidSet *set, const GtidSet *other)
{
    GtidSet *left = set_new(set->flavour);
    for (unsigned i = 0; i < set->sids->len; i++) {
        const Sid *sid = &g_array_index(set->sids, Sid, i), *gone = sid_find(other, sid->uuid, sid->tag);
        g_autoptr(GArray) kept = g_array_new(FALSE, FALSE, sizeof(Interval));
        for (unsigned k = 0; k < sid->intervals->len; k++) {
            Interval interval = g_array_index(sid->intervals, Interval, k);
            if (gone)
                interval_subtract(interval, gone->intervals, kept);
            else
                g_array_append_val(kept, interval);
        }
        if (kept->len)
            g_array_append_vals(sid_need(left, sid->uuid, sid->tag)->intervals, kept->data, kept->len);
    }
    return left;
}

/* The number of that server in that domain; 0: there is none. */
static bool find_number(const char *gtids, const DomainGtid *of, uint64_t *seq, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(gtids, ",", -1);
    *seq = 0;
    for (unsigned i = 0; parts[i]; i++) {
        g_autoptr(GtidSet) one = gtid_set_parse(SOURCE_MARIADB, parts[i], error);
        if (!one)
            return false;
        if (one->domains->len == 0)
            continue;
        const DomainGtid *known = &g_array_index(one->domains, DomainGtid, 0);
        if (known->domain == of->domain && known->server == of->server)
            *seq = known->seq;
    }
    return true;
}

char *gtid_set_missing_in_state(const GtidSet *set, const char *binlog_state, const char *slave_pos, GError **error)
{
    g_autoptr(GtidSet) missing = gtid_set_copy(set);
    for (unsigned i = missing->domains->len; i-- > 0;) {
        const DomainGtid *ours = &g_array_index(missing->domains, DomainGtid, i);
        uint64_t logged, received;
        if (!find_number(binlog_state, ours, &logged, error) || !find_number(slave_pos, ours, &received, error))
            return NULL;
        if (logged && (ours->seq <= logged || ours->seq == received))
            g_array_remove_index(missing->domains, i);
    }
    return missing->domains->len ? gtid_set_text(missing) : NULL;
}

static void append_u64(GByteArray *out, uint64_t v)
{
    v = GUINT64_TO_LE(v);
    g_byte_array_append(out, (const uint8_t *)&v, 8);
}

/* Since 8.3 a set with tags says so in the first and the last byte of the count, and writes each tag after its uuid:
 * the length doubled (a one-byte integer of the serialization library), then the text. */
GByteArray *gtid_set_encode_mysql(const GtidSet *set)
{
    const uint64_t with_tags = 1;
    GByteArray *out = g_byte_array_new();
    bool tagged = false;
    for (unsigned i = 0; i < set->sids->len; i++)
        tagged |= *g_array_index(set->sids, Sid, i).tag != 0;
    uint64_t n = set->sids->len;
    append_u64(out, tagged ? with_tags << 56 | n << 8 | with_tags : n);
    for (unsigned i = 0; i < set->sids->len; i++) {
        const Sid *sid = &g_array_index(set->sids, Sid, i);
        g_byte_array_append(out, sid->uuid, 16);
        if (tagged) {
            uint8_t len = (uint8_t)(strlen(sid->tag) << 1);
            g_byte_array_append(out, &len, 1);
            g_byte_array_append(out, (const uint8_t *)sid->tag, len >> 1);
        }
        append_u64(out, sid->intervals->len);
        for (unsigned k = 0; k < sid->intervals->len; k++) {
            append_u64(out, g_array_index(sid->intervals, Interval, k).start);
            append_u64(out, g_array_index(sid->intervals, Interval, k).end);
        }
    }
    return out;
}
