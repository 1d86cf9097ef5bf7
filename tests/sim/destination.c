#include "destination.h"

#include <string.h>

static void object_free(void *data)
{
    Object *object = data;
    g_array_unref(object->rows);
    g_hash_table_unref(object->tokens);
    g_hash_table_unref(object->versions);
    g_free(object->proof);
    g_free(object);
}

static void running_free(void *data)
{
    Running *running = data;
    g_free(running->token);
    g_free(running->query_id);
    g_array_unref(running->rows);
    g_free(running);
}

static void altering_free(void *data)
{
    Altering *altering = data;
    g_free(altering->proof);
    g_free(altering->query_id);
    g_free(altering);
}

Destination *destination_new(void)
{
    Destination *destination = g_new0(Destination, 1);
    destination->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, object_free);
    destination->running = g_ptr_array_new_with_free_func(running_free);
    destination->altering = g_ptr_array_new_with_free_func(altering_free);
    return destination;
}

void destination_free(Destination *destination)
{
    g_ptr_array_unref(destination->running);
    g_ptr_array_unref(destination->altering);
    g_hash_table_unref(destination->names);
    g_free(destination);
}

Object *destination_create(Destination *destination, const char *name, bool keeps_all, Definition definition)
{
    Object *object = g_new0(Object, 1);
    object->uuid = ++destination->next_uuid;
    object->keeps_all = keeps_all;
    object->definition = definition;
    object->proof = g_strdup("");
    object->rows = g_array_new(FALSE, FALSE, sizeof(Row));
    object->tokens = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    object->versions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    destination_drop(destination, name);
    g_hash_table_insert(destination->names, g_strdup(name), object);
    return object;
}

Object *destination_find(const Destination *destination, const char *name)
{
    return g_hash_table_lookup(destination->names, name);
}

/* What is done to it ends with it. */
void destination_drop(Destination *destination, const char *name)
{
    const Object *object = destination_find(destination, name);
    for (unsigned i = destination->running->len; object && i-- > 0;) {
        Running *running = destination->running->pdata[i];
        if (running->object == object)
            g_ptr_array_remove_index(destination->running, i);
    }
    for (unsigned i = destination->altering->len; object && i-- > 0;)
        if (((const Altering *)destination->altering->pdata[i])->object == object)
            g_ptr_array_remove_index(destination->altering, i);
    g_hash_table_remove(destination->names, name);
}

void destination_exchange(Destination *destination, const char *one, const char *other)
{
    destination->changes++;
    gpointer key_one, key_other, object_one, object_other;
    g_hash_table_steal_extended(destination->names, one, &key_one, &object_one);
    g_hash_table_steal_extended(destination->names, other, &key_other, &object_other);
    g_hash_table_insert(destination->names, key_one, object_other);
    g_hash_table_insert(destination->names, key_other, object_one);
}

/* The window forgets the tokens of what was removed. */
void destination_truncate(Destination *destination, Object *object)
{
    destination->changes++;
    g_array_set_size(object->rows, 0);
    g_hash_table_remove_all(object->tokens);
}

InsertAnswer destination_begin(Destination *destination, const char *name, const char *token, const char *query_id,
                               Definition definition, const GArray *rows, void *waiting)
{
    Object *object = destination_find(destination, name);
    if (!object)
        return INSERT_NO_TABLE;
    if (definition.added > object->definition.added || definition.modified > object->definition.modified)
        return INSERT_REFUSED;
    Running *running = g_new0(Running, 1);
    running->object = object;
    running->token = g_strdup(token);
    running->query_id = g_strdup(query_id);
    running->rows = g_array_sized_new(FALSE, FALSE, sizeof(Row), rows->len);
    g_array_append_vals(running->rows, rows->data, rows->len);
    running->definition = definition;
    running->waiting = waiting;
    g_ptr_array_add(destination->running, running);
    return INSERT_BEGINS;
}

void destination_commit(Destination *destination, Running *running)
{
    Object *object = running->object;
    running->committed = true;
    destination->changes++;
    if (!g_hash_table_add(object->tokens, g_strdup(running->token)))
        return;
    destination->mistaken = destination->mistaken || running->definition.modified != object->definition.modified;
    for (unsigned i = 0; i < running->rows->len; i++) {
        const Row *row = &g_array_index(running->rows, Row, i);
        g_array_append_val(object->rows, *row);
        if (!row->loaded && !g_hash_table_add(object->versions, g_memdup2(&row->version, sizeof row->version)))
            destination->doubled = true;
    }
}

void destination_remove(Destination *destination, Running *running)
{
    g_ptr_array_remove(destination->running, running);
}

void destination_kill(Destination *destination, const char *prefix)
{
    for (unsigned i = destination->running->len; i-- > 0;) {
        const Running *running = destination->running->pdata[i];
        if (g_str_has_prefix(running->query_id, prefix) && running->lost)
            g_ptr_array_remove_index(destination->running, i);
    }
    for (unsigned i = destination->altering->len; i-- > 0;) {
        const Altering *altering = destination->altering->pdata[i];
        if (g_str_has_prefix(altering->query_id, prefix) && altering->lost)
            g_ptr_array_remove_index(destination->altering, i);
    }
}

void destination_alter(Destination *destination, Object *object, bool adds, const char *proof, const char *query_id)
{
    Altering *altering = g_new0(Altering, 1);
    *altering = (Altering){.object = object, .adds = adds, .proof = g_strdup(proof), .query_id = g_strdup(query_id)};
    g_ptr_array_add(destination->altering, altering);
}

void destination_altered(Destination *destination, Altering *altering)
{
    Object *object = altering->object;
    destination->changes++;
    object->definition.added += altering->adds;
    object->definition.modified += !altering->adds;
    g_free(object->proof);
    object->proof = g_strdup(altering->proof);
    g_ptr_array_remove(destination->altering, altering);
}

const Altering *destination_find_alter(const Destination *destination, const char *query_id)
{
    for (unsigned i = 0; i < destination->altering->len; i++) {
        const Altering *altering = destination->altering->pdata[i];
        if (strcmp(altering->query_id, query_id) == 0 && !altering->lost)
            return altering;
    }
    return NULL;
}

const Row *destination_newest(const Object *object, unsigned key)
{
    const Row *newest = NULL;
    for (unsigned i = 0; i < object->rows->len; i++) {
        const Row *row = &g_array_index(object->rows, Row, i);
        if (row->key == key && (!newest || row->version >= newest->version))
            newest = row;
    }
    return newest;
}

uint32_t destination_row(const Object *object, unsigned key)
{
    const Row *newest = destination_newest(object, key);
    return newest && !newest->deleted ? newest->value : 0;
}
