// Blocking sockets with a read buffer, and the little HTTP that the server and the limit have in common.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// A measurement that went wrong must not become a figure: every fault ends the program, loudly.
__attribute__((noreturn, format(printf, 1, 2))) static inline void fail(const char *format, ...) {
    va_list values;
    va_start(values, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(1);
}

// The clock of Python's time.monotonic_ns() and Node's process.hrtime.bigint() too.
static inline int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static inline void send_now(int fd) {
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

static inline void send_all(int fd, const void *data, size_t size) {
    for (const char *rest = data; size > 0;) {
        ssize_t sent = send(fd, rest, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            fail("send: %s", strerror(errno));
        rest += sent;
        size -= sent;
    }
}

struct reader {
    int fd;
    size_t limit;     // bytes per recv
    size_t start;     // buffer[start] to buffer[end - 1] is received and not yet consumed
    size_t end;
    int64_t received; // when the latest bytes came
    char buffer[1 << 20];
};

static inline struct reader *new_reader(int fd) {
    struct reader *reader = malloc(sizeof *reader);
    if (reader == NULL)
        fail("out of memory");
    reader->fd = fd;
    reader->limit = sizeof reader->buffer;
    reader->start = reader->end = 0;
    return reader;
}

// Makes sure that there is something to consume; false at the end of the stream.
static inline bool fill(struct reader *reader) {
    if (reader->start < reader->end)
        return true;
    ssize_t size;
    do
        size = recv(reader->fd, reader->buffer, reader->limit, 0);
    while (size < 0 && errno == EINTR);
    reader->received = now();
    reader->start = 0;
    reader->end = size > 0 ? size : 0;
    return size > 0;
}

// Reads a line without its end; false at the end of the stream.
static inline bool read_line(struct reader *reader, char *line, size_t capacity) {
    for (size_t size = 0; fill(reader); size++) {
        char c = reader->buffer[reader->start++];
        if (size == capacity)
            fail("a line over %zu bytes", capacity);
        line[size] = c;
        if (c == '\n') {
            line[size - (size > 0 && line[size - 1] == '\r')] = '\0';
            return true;
        }
    }
    return false;
}

static inline bool has_prefix(const char *text, const char *prefix) {
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}
