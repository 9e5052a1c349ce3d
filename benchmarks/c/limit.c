// What the machine allows: a client in C that makes the system calls of a streaming runtime, one for each chunk, and
// does nothing else.
#define _GNU_SOURCE
#include <sys/uio.h>

#include "runtime.h"

enum { COPY_LIMIT = 4096 }; // as in the layer: smaller chunks are copied into one frame, larger ones sent as they lie

static void send_small(int fd, const char *chunk, size_t size) {
    char frame[COPY_LIMIT + 32];
    int head = sprintf(frame, "%zx\r\n", size);
    memcpy(frame + head, chunk, size);
    memcpy(frame + head + size, "\r\n", 2);
    send_all(fd, frame, head + size + 2);
}

static void send_large(int fd, char *chunk, size_t size) {
    char head[32];
    struct iovec parts[] = {{head, sprintf(head, "%zx\r\n", size)}, {chunk, size}, {"\r\n", 2}};
    ssize_t sent = writev(fd, parts, 3);
    if (sent < 0)
        fail("writev: %s", strerror(errno));
    for (int i = 0; i < 3; i++) {
        size_t done = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;
        send_all(fd, (char *)parts[i].iov_base + done, parts[i].iov_len - done);
        sent -= done;
    }
}

int main(void) {
    struct reader *api = new_reader(connect_to_runtime_api());
    for (;;) {
        struct invocation invocation;
        next_invocation(api, &invocation);
        long count = number(&invocation, "\"count\": "), size = number(&invocation, "\"size\": ");
        char *chunk = malloc(size);
        memset(chunk, 'x', size);
        char start[1024];
        send_all(api->fd, start, response_start(&invocation, start, sizeof start));
        for (long i = 0; i < count; i++) {
            if (size <= COPY_LIMIT)
                send_small(api->fd, chunk, size);
            else
                send_large(api->fd, chunk, size);
        }
        send_all(api->fd, "0\r\n\r\n", 5);
        end_response(api);
        free(chunk);
    }
}
