// What the measuring server prints of the invocations and the delays, as JSON.
#pragma once

#include "response.h"

static void print_text(const char *name, const char *text) {
    printf(", \"%s\": \"", name);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
            printf("\\u%04x", (unsigned char)*text);
        else
            putchar(*text);
    }
    putchar('"');
}

static void print_invocation(const struct invocation *it) {
    printf("{\"first_byte_ns\": %ld, \"last_byte_ns\": %ld, \"body\": %ld, \"chunks\": %ld, \"streamed\": %s, \"cut\": %s",
        it->first_byte - it->handed_out, it->last_byte - it->handed_out, it->body, it->chunks,
        it->streamed ? "true" : "false", it->cut ? "true" : "false");
    if (options.failing) {
        print_text("tail", it->tail);
        print_text("trailers", it->trailers);
    }
    putchar('}');
}

static void print_invocations(const struct invocation *first, const struct invocation *end) {
    printf(", \"invocations\": [");
    for (const struct invocation *it = first; it < end; it++) {
        if (it > first)
            printf(", ");
        print_invocation(it);
    }
    putchar(']');
}

// From the first of them handed out to the last byte of all.
static int64_t duration_of(const struct invocation *first, const struct invocation *end) {
    int64_t begun = INT64_MAX, ended = 0;
    for (const struct invocation *it = first; it < end; it++) {
        begun = it->handed_out < begun ? it->handed_out : begun;
        ended = it->last_byte > ended ? it->last_byte : ended;
    }
    return first < end ? ended - begun : 0;
}

static void print_delays(void) {
    printf(", \"delays_ns\": [");
    for (size_t i = 0; i < delay_count; i++)
        printf("%s%ld", i ? ", " : "", delays[i]);
    putchar(']');
}
