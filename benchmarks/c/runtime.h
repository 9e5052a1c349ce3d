// The client's side of the Runtime API, as far as the limit needs it.
#pragma once

#include "wire.h"

struct invocation {
    char id[37];
    char event[8192];
};

static inline int connect_to(const char *host, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    send_now(fd);
    return fd;
}

static inline int connect_to_runtime_api(void) {
    char host[64] = "";
    int port = 0;
    sscanf(getenv("AWS_LAMBDA_RUNTIME_API"), "%63[^:]:%d", host, &port);
    int fd = connect_to(host, port);
    if (fd < 0)
        fail("connect: %s", strerror(errno));
    return fd;
}

// Reads one response with a body of known length. The end of the stream ends the program: the server is done.
static inline void read_answer(struct reader *api, struct invocation *invocation, char *body, size_t capacity) {
    char line[1024];
    size_t length = 0;
    do {
        if (!read_line(api, line, sizeof line))
            exit(0);
        if (has_prefix(line, "content-length:"))
            length = atol(strchr(line, ':') + 1);
        else if (has_prefix(line, "lambda-runtime-aws-request-id: ") && invocation != NULL)
            snprintf(invocation->id, sizeof invocation->id, "%s", strchr(line, ' ') + 1);
    } while (line[0] != '\0');
    if (length >= capacity)
        fail("a body of %zu bytes", length);
    for (size_t i = 0; i < length && fill(api); i++)
        body[i] = api->buffer[api->start++];
    body[length] = '\0';
}

static inline void next_invocation(struct reader *api, struct invocation *invocation) {
    static const char next[] = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n";
    send_all(api->fd, next, sizeof next - 1);
    read_answer(api, invocation, invocation->event, sizeof invocation->event);
}

static inline long number(const struct invocation *invocation, const char *key) {
    const char *found = strstr(invocation->event, key);
    if (found == NULL)
        fail("the event has no %s", key);
    return atol(found + strlen(key));
}

// Head and prelude of a streamed response; returns their size.
static inline size_t response_start(const struct invocation *invocation, char *start, size_t capacity) {
    static const char prelude[] = "{\"statusCode\":200,\"headers\":{\"content-type\":\"text/plain\"},\"cookies\":[]}\0\0\0\0\0\0\0";
    int size = snprintf(start, capacity,
        "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\n"
        "Host: api\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
        "Transfer-Encoding: chunked\r\n"
        "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
        "\r\n"
        "%zx\r\n",
        invocation->id, sizeof prelude);
    memcpy(start + size, prelude, sizeof prelude); // with the NUL that ends the string: eight in all
    memcpy(start + size + sizeof prelude, "\r\n", 2);
    return size + sizeof prelude + 2;
}

static inline void end_response(struct reader *api) {
    char body[256];
    read_answer(api, NULL, body, sizeof body);
}
