/* The values of an answer, and the JSON pointers that lead to them. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <stdarg.h>
#include <stdio.h>

const char *value_at(struct text *pointer, const char *format, ...)
{
    char segment[64]; /* numbers and names of this file's own; keys of the answer go through value_at_key */
    va_list values;
    va_start(values, format);
    int length = vsnprintf(segment, sizeof segment, format, values);
    va_end(values);
    text_clear(pointer);
    if (length >= 0 && (size_t)length < sizeof segment) {
        text_add(pointer, segment);
    }
    return text_string(pointer);
}

const char *value_at_key(struct text *pointer, const char *key, const char *name)
{
    text_clear(pointer);
    text_add(pointer, "/");
    for (; *key != '\0'; key++) {
        if (*key == '~') {
            text_add(pointer, "~0");
        } else if (*key == '/') {
            text_add(pointer, "~1");
        } else {
            text_add_bytes(pointer, key, 1);
        }
    }
    text_add(pointer, "/");
    text_add(pointer, name);
    return text_string(pointer);
}

bool value_exists(const confd_reply *reply, const char *pointer)
{
    int32_t kind = 0;
    return confd_reply_kind(reply, pointer, &kind) == CONFD_OK;
}

bool value_is(const confd_reply *reply, const char *pointer, int32_t kind)
{
    int32_t found = 0;
    return confd_reply_kind(reply, pointer, &found) == CONFD_OK && found == kind;
}

bool value_count(const confd_reply *reply, const char *pointer, size_t *count)
{
    return value_is(reply, pointer, CONFD_JSON_ARRAY) && confd_reply_count(reply, pointer, count) == CONFD_OK;
}

void table_add_value(struct table *table, const confd_reply *reply, const char *pointer)
{
    const char *string = NULL;
    bool on = false;
    if (confd_reply_string(reply, pointer, &string) == CONFD_OK) {
        table_add_or_dash(table, string);
    } else if (confd_reply_bool(reply, pointer, &on) == CONFD_OK) {
        table_add(table, on ? "yes" : "no");
    } else if (!value_is(reply, pointer, CONFD_JSON_NULL) && confd_reply_json(reply, pointer, &string) == CONFD_OK) {
        table_add(table, string);
    } else {
        table_add(table, "-");
    }
}
