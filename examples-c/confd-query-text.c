/* Text as the tool writes it: growing strings, what is safe on a terminal, JSON. */
#define _POSIX_C_SOURCE 200809L

#include "confd-query.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deeper nesting is not indented further, so that hostile JSON cannot blow the output up. */
#define MAX_INDENT_DEPTH 40

void out_of_memory(void)
{
    fputs("confd-query: out of memory\n", stderr);
    exit(EXIT_TOO_FEW);
}

/* Makes room for `more` bytes and the NUL behind them. */
static void text_reserve(struct text *text, size_t more)
{
    if (more >= SIZE_MAX / 2 || text->length >= SIZE_MAX / 2 - more) {
        out_of_memory();
    }
    size_t needed = text->length + more + 1;
    if (needed <= text->capacity) {
        return;
    }
    size_t capacity = needed < 64 ? 64 : 2 * needed;
    char *at = realloc(text->at, capacity);
    if (at == NULL) {
        out_of_memory();
    }
    text->at = at;
    text->capacity = capacity;
}

const char *text_string(const struct text *text)
{
    return text->at == NULL ? "" : text->at;
}

void text_free(struct text *text)
{
    free(text->at);
    *text = (struct text){NULL, 0, 0};
}

void text_cut(struct text *text, size_t length)
{
    text->length = length;
    if (text->at != NULL) {
        text->at[length] = '\0';
    }
}

void text_clear(struct text *text)
{
    text_cut(text, 0);
}

void text_add_bytes(struct text *text, const char *bytes, size_t length)
{
    text_reserve(text, length);
    memcpy(text->at + text->length, bytes, length);
    text->length += length;
    text->at[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

void text_vformat(struct text *text, const char *format, va_list values)
{
    va_list again;
    va_copy(again, values);
    int length = vsnprintf(NULL, 0, format, values);
    if (length >= 0) {
        text_reserve(text, (size_t)length);
        length = vsnprintf(text->at + text->length, (size_t)length + 1, format, again);
    }
    va_end(again);
    if (length < 0) {
        out_of_memory();
    }
    text->length += (size_t)length;
}

void text_format(struct text *text, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    text_vformat(text, format, values);
    va_end(values);
}

void text_add_spaces(struct text *text, size_t count)
{
    while (count-- > 0) {
        text_add_bytes(text, " ", 1);
    }
}

/* The length of the UTF-8 character at `string`, and its number; 0 when these bytes are none. */
static size_t utf8_decode(const char *string, uint32_t *number)
{
    const unsigned char *byte = (const unsigned char *)string;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = byte[0] < 0x80 ? 1 : byte[0] < 0xC2 ? 0 : byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
    if (length < 2) {
        *number = byte[0];
        return length;
    }
    if (byte[0] > 0xF4) {
        return 0;
    }
    *number = byte[0] & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((byte[i] & 0xC0) != 0x80) {
            return 0; /* also at the NUL */
        }
        *number = *number << 6 | (byte[i] & 0x3Fu);
    }
    bool surrogate = *number >= 0xD800 && *number <= 0xDFFF;
    return *number < smallest[length] || *number > 0x10FFFF || surrogate ? 0 : length;
}

/* C0, DEL, C1, the Unicode line ends, and the marks that change the direction of what follows. */
static bool unsafe(uint32_t number)
{
    return number < 0x20 || (number >= 0x7F && number <= 0x9F) || number == 0x061C || number == 0x200E ||
           number == 0x200F || (number >= 0x2028 && number <= 0x202E) || (number >= 0x2066 && number <= 0x2069) ||
           number == 0xFEFF;
}

/* One character, as JSON escapes it if it is unsafe. Returns how many bytes of the string it took. */
static size_t text_add_safe_character(struct text *text, const char *string)
{
    uint32_t number = 0;
    size_t length = utf8_decode(string, &number);
    if (length == 0) {
        text_format(text, "\\x%02x", (unsigned)(unsigned char)string[0]);
        return 1;
    }
    if (!unsafe(number)) {
        text_add_bytes(text, string, length);
    } else if (number == '\n' || number == '\t' || number == '\r') {
        text_add(text, number == '\n' ? "\\n" : number == '\t' ? "\\t" : "\\r");
    } else {
        text_format(text, "\\u%04x", (unsigned)number);
    }
    return length;
}

void text_add_safe(struct text *text, const char *string)
{
    while (*string != '\0') {
        string += text_add_safe_character(text, string);
    }
}

void text_add_indented(struct text *text, const char *string, size_t indent)
{
    while (*string != '\0') {
        if (*string == '\n') {
            text_add(text, "\n");
            text_add_spaces(text, indent);
            string++;
        } else {
            string += text_add_safe_character(text, string);
        }
    }
}

void text_add_json_string(struct text *text, const char *string)
{
    text_add(text, "\"");
    while (*string != '\0') {
        if (*string == '"' || *string == '\\') {
            text_add(text, "\\");
        }
        string += text_add_safe_character(text, string);
    }
    text_add(text, "\"");
}

/* Copies the JSON string that starts at `json`, a quote; returns where it ends. Well-formed JSON escapes C0, but not
 * DEL, C1 and the rest that is unsafe on a terminal. */
static const char *text_copy_json_string(struct text *text, const char *json)
{
    text_add_bytes(text, json++, 1);
    while (*json != '\0' && *json != '"') {
        if (*json == '\\' && json[1] != '\0') {
            text_add_bytes(text, json++, 1);
        }
        json += text_add_safe_character(text, json);
    }
    if (*json == '"') {
        text_add_bytes(text, json++, 1);
    }
    return json;
}

static void json_line(struct text *text, bool pretty, size_t depth)
{
    if (pretty) {
        text_add(text, "\n");
        text_add_spaces(text, 2 * (depth < MAX_INDENT_DEPTH ? depth : MAX_INDENT_DEPTH));
    }
}

void text_add_json(struct text *text, const char *json, bool pretty)
{
    static const char space[] = " \t\r\n";
    size_t depth = 0;
    json += strspn(json, space);
    while (*json != '\0') {
        char byte = *json;
        if (byte == '"') {
            json = text_copy_json_string(text, json);
        } else if (byte == '{' || byte == '[') {
            text_add_bytes(text, json++, 1);
            json += strspn(json, space);
            if (*json == '}' || *json == ']') {
                text_add_bytes(text, json++, 1); /* empty: on one line */
            } else {
                json_line(text, pretty, ++depth);
            }
        } else if (byte == '}' || byte == ']') {
            depth -= depth > 0;
            json_line(text, pretty, depth);
            text_add_bytes(text, json++, 1);
        } else if (byte == ',') {
            text_add_bytes(text, json++, 1);
            json_line(text, pretty, depth);
        } else if (byte == ':') {
            text_add(text, pretty ? ": " : ":");
            json++;
        } else {
            json += text_add_safe_character(text, json);
        }
        json += strspn(json, space);
    }
}

void complain(const char *format, ...)
{
    struct text message = {NULL, 0, 0}, line = {NULL, 0, 0};
    va_list values;
    va_start(values, format);
    text_vformat(&message, format, values);
    va_end(values);
    text_add(&line, "confd-query: ");
    text_add_safe(&line, text_string(&message));
    text_add(&line, "\n");
    fputs(text_string(&line), stderr);
    text_free(&message);
    text_free(&line);
}

static bool written(bool all)
{
    if (!all) {
        complain("cannot write to standard output: %s", strerror(errno));
    }
    return all;
}

bool write_out(const struct text *text)
{
    return written(fwrite(text_string(text), 1, text->length, stdout) == text->length && fflush(stdout) == 0);
}

bool close_out(void)
{
    return ferror(stdout) || written(fclose(stdout) == 0); /* an error of a write has had its message */
}
