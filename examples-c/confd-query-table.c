/* Rows of cells in aligned columns, safe for a terminal. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void table_add(struct table *table, const char *cell)
{
    struct text safe = {NULL, 0, 0};
    text_add(&safe, "");
    text_add_safe(&safe, cell);
    if (table->count == table->capacity) {
        size_t capacity = table->capacity == 0 ? 32 : 2 * table->capacity;
        char **cells = capacity > SIZE_MAX / sizeof *cells ? NULL : realloc(table->cells, capacity * sizeof *cells);
        if (cells == NULL) {
            out_of_memory();
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    table->cells[table->count++] = safe.at;
}

void table_add_or_dash(struct table *table, const char *cell)
{
    table_add(table, cell[0] != '\0' ? cell : "-");
}

void table_format(struct table *table, const char *format, ...)
{
    struct text cell = {NULL, 0, 0};
    va_list values;
    va_start(values, format);
    text_vformat(&cell, format, values);
    va_end(values);
    table_add(table, text_string(&cell));
    text_free(&cell);
}

/* In characters; what has no width or two columns is taken for one. */
static size_t width_of(const char *string)
{
    size_t width = 0;
    for (; *string != '\0'; string++) {
        width += ((unsigned char)*string & 0xC0) != 0x80;
    }
    return width;
}

void table_print(const struct table *table, struct text *text)
{
    size_t columns = strlen(table->align);
    size_t *widths = calloc(columns, sizeof *widths);
    if (widths == NULL) {
        out_of_memory();
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->cells[i]);
        if (width > widths[i % columns]) {
            widths[i % columns] = width;
        }
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % columns;
        bool last = column + 1 == columns;
        size_t padding = widths[column] - width_of(table->cells[i]);
        if (table->align[column] == 'r') {
            text_add_spaces(text, padding);
        }
        text_add(text, table->cells[i]);
        if (table->align[column] != 'r' && !last) {
            text_add_spaces(text, padding);
        }
        text_add(text, last ? "\n" : "  ");
    }
    free(widths);
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    table->cells = NULL;
    table->count = table->capacity = 0;
}
