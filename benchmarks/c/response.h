// Takes the client's responses, as fast as they come, and notes what is asked of them.
#pragma once

#include "wire.h"

enum { PRELUDE_END = 8, TAIL = 400, TRAILERS = 4000 };
static const size_t DISCARD_FROM = 32 * 1024; // from here on the kernel drops bytes cheaper than it copies them

static struct {
    const char *event;
    const char *warm_up;
    long count;
    long at_a_time;
    long gap_ns;
    long held_ms;
    bool stamped;
    bool failing;
    bool unpinned;
    long rate;
    long stop_ms;
    unsigned patience;
} options = {.event = "{}", .count = 1, .at_a_time = 1, .patience = 60};

struct invocation {
    int64_t handed_out; // times of CLOCK_MONOTONIC in nanoseconds
    int64_t first_byte; // of the body, after the prelude
    int64_t last_byte;
    long body;          // bytes, without the prelude
    long chunks;        // with the prelude's
    bool measured;
    bool streamed;
    bool cut;                // the connection ended before the response did
    char tail[TAIL];         // what the body ended with, as text
    char trailers[TRAILERS]; // one a line
};

struct response {
    struct invocation *invocation;
    bool in_prelude;
    int nulls;     // in a row, at the end of what has come of the prelude
    int64_t stamp; // the digits of the current line so far
    int digits;    // how many
    long line;     // its length so far
};

static int64_t *delays;
static size_t delay_count, delay_capacity;
static int64_t went_on;  // when a reader that had stopped went on
static long ahead_bytes; // how much had been made by then, but not read

// A time stamp has this many digits, with the noughts before it. In a JSON text its line ends in a backslash and an n.
enum { STAMP_DIGITS = 19 };

static void note_delays(struct response *response, const char *data, size_t size, int64_t received) {
    for (size_t i = 0; i < size; i++) {
        response->line++;
        if (data[i] >= '0' && data[i] <= '9') {
            response->stamp = response->stamp * 10 + (data[i] - '0');
            response->digits++;
            continue;
        }
        if (response->digits >= STAMP_DIGITS) {
            if (delay_count == delay_capacity) {
                delay_capacity = delay_capacity ? 2 * delay_capacity : 1 << 16;
                delays = realloc(delays, delay_capacity * sizeof *delays);
            }
            delays[delay_count++] = received - response->stamp;
            if (went_on != 0 && response->stamp < went_on)
                ahead_bytes += response->line;
        }
        response->stamp = response->digits = response->line = 0;
    }
}

static void note_tail(struct invocation *invocation, const char *data, size_t size) {
    size_t kept = strlen(invocation->tail);
    for (size_t i = 0; i < size; i++) {
        if (kept == TAIL - 1)
            memmove(invocation->tail, invocation->tail + 1, --kept);
        invocation->tail[kept++] = data[i];
    }
    invocation->tail[kept] = '\0';
}

static void take(struct response *response, const char *data, size_t size, int64_t received) {
    while (response->in_prelude && size > 0) {
        response->nulls = *data == '\0' ? response->nulls + 1 : 0;
        response->in_prelude = response->nulls < PRELUDE_END;
        data++;
        size--;
    }
    struct invocation *invocation = response->invocation;
    if (size > 0 && invocation->first_byte == 0)
        invocation->first_byte = received;
    invocation->body += size;
    if (options.stamped && invocation->measured)
        note_delays(response, data, size, received);
    if (options.failing)
        note_tail(invocation, data, size);
}

static void sleep_ns(int64_t wait) {
    nanosleep(&(struct timespec){wait / 1000000000, wait % 1000000000}, NULL);
}

static void throttle(struct invocation *invocation) {
    int64_t due = invocation->first_byte + (int64_t)(1e9 * invocation->body / options.rate);
    int64_t wait = due - now();
    if (invocation->first_byte != 0 && wait > 0)
        sleep_ns(wait);
}

// Stops once, after the first bytes of the body.
static void stop(struct invocation *invocation) {
    if (!invocation->measured || invocation->first_byte == 0 || went_on != 0)
        return;
    sleep_ns(options.stop_ms * 1000000);
    went_on = now();
}

// Drops up to `size` bytes unseen; returns how many, 0 if the connection has ended.
static size_t discard(struct reader *connection, struct invocation *invocation, size_t size) {
    ssize_t dropped = recv(connection->fd, NULL, size, MSG_TRUNC);
    if (dropped <= 0)
        return 0;
    connection->received = now();
    invocation->body += dropped;
    return dropped;
}

// False if the connection ended before.
static bool take_bytes(struct reader *connection, struct response *response, size_t size) {
    bool unseen_will_do = size >= DISCARD_FROM && !options.stamped && options.rate == 0;
    while (size > 0) {
        bool buffered = connection->start < connection->end;
        if (!buffered && unseen_will_do && !response->in_prelude && response->invocation->first_byte != 0) {
            size_t dropped = discard(connection, response->invocation, size);
            if (dropped == 0)
                return false;
            size -= dropped;
            continue;
        }
        if (!fill(connection))
            return false;
        size_t here = connection->end - connection->start;
        if (here > size)
            here = size;
        take(response, connection->buffer + connection->start, here, connection->received);
        connection->start += here;
        size -= here;
        if (options.rate > 0)
            throttle(response->invocation);
        if (options.stop_ms > 0)
            stop(response->invocation);
    }
    return true;
}

enum progress { CUT, UNDER_WAY, COMPLETE };

// Takes chunks until the response ends. Where several come at the same time, only those that are here: it waits for the
// rest of a chunk, which comes at once, but not for the next chunk.
static enum progress take_chunks(struct reader *connection, struct response *response) {
    char line[8192];
    struct invocation *invocation = response->invocation;
    for (;;) {
        if (options.at_a_time > 1 && connection->start == connection->end)
            return UNDER_WAY;
        if (!read_line(connection, line, sizeof line))
            return CUT;
        size_t size = strtoul(line, NULL, 16);
        if (size == 0)
            break;
        invocation->chunks++;
        if (!take_bytes(connection, response, size) || !read_line(connection, line, sizeof line))
            return CUT;
        if (line[0] != '\0')
            fail("a chunk is longer than its size says");
    }
    while (read_line(connection, line, sizeof line) && line[0] != '\0') {
        size_t used = strlen(invocation->trailers);
        snprintf(invocation->trailers + used, TRAILERS - used, "%s\n", line);
    }
    return COMPLETE;
}
